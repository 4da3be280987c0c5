"""Tables of the page that belong to no figure: schedule, cash flow, published figures, assumptions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from instances.marks import counts, marked_entries
from instances.marks import shown as number_shown
from scheduler.published import REASON_OVER_PCT, compare
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Table, by_period_table
from scheduler.reports.money import cash_lines, line_words
from scheduler.reports.numbers import NOTHING, digits_of, shown, signed
from scheduler.schedule import COLUMNS

AS_BEFORE, SEVERAL = "as above", 4
"""What stands for a source that is the one before, and from how many equal numbers on they are told once."""
ADDED = ("moved_mt", "ore_mt", "waste_mt", "milled_mt", "milled_direct_mt", "new_tailings_mt", "fill_moved_mt")


def schedule_page_table(facts: Facts) -> Table:
    """Tonnes, ratios, grades and metal of the schedule, a row a period."""
    columns = []
    for name in facts.schedule.columns.astype(str):
        if name.endswith("_million") or name == "phases_worked":
            continue
        adds = (
            name in ADDED or name.startswith(("mined_", "milled_from_")) or "_recovered_" in name or "_payable_" in name
        )
        digits = 3 if "grade" in name else 2
        columns.append((schedule_head(name), facts.series(name).tolist(), digits, adds))
    return by_period_table(facts.labels, columns)


def schedule_head(name: str) -> str:
    """Heading of a column of the schedule: words, then the unit."""
    for ending, unit in (("_mt", "Mt"), ("_mlb", "Mlb"), ("_koz", "koz"), ("_pct", "%"), ("_g_per_t", "g/t")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')}, {unit}"
    return (
        f"{name.replace('_', ' ')}, t/t"
        if name.startswith("strip_ratio")
        else COLUMNS.get(name, name.replace("_", " "))
    )


def cash_page_table(facts: Facts) -> Table:
    """Every line of the cash flow, a row a line, a column a period."""
    currency, table = facts.mine.money.currency, facts.cash.table
    rows = []
    for name in [*cash_lines(facts), "discounted_pre_tax", "discounted_after_tax"]:
        values = (table[name].to_numpy(float) / 1e6).tolist()
        rows.append((line_words(name), *(shown(value, 1) for value in values), shown(sum(values), 1)))
    return Table((f"{currency} million; costs are positive", *facts.labels, "all"), tuple(rows))


def moved_table(facts: Facts) -> Table:
    """Tonnes moved of each material, a row a period."""
    materials = facts.mine.materials
    columns = [
        (f"{material.title or name}, Mt", facts.series(f"mined_{name}_mt").tolist(), 2, True)
        for name, material in materials.items()
    ]
    to_date = facts.series("moved_mt").cumsum().tolist()
    return by_period_table(facts.labels, [*columns, ("moved to date, Mt", to_date, 1, False)])


def published_table(facts: Facts) -> Table | None:
    """Published figures beside those of the plan; ``None`` where nothing was published."""
    rows = []
    for row in compare(facts.instance, facts.summary):
        digits = max(digits_of(row.published), 1)
        rows.append(
            (
                row.title,
                row.unit,
                shown(row.published, digits),
                shown(row.plan, digits),
                NOTHING if row.difference_pct is None else f"{signed(row.difference_pct)} %",
                "" if row.design is None else shown(row.design, digits),
                row.source,
                row.reason,
            )
        )
    heads = (
        "figure",
        "unit",
        "published",
        "this plan",
        "differs",
        "ground",
        "source",
        f"why, if over {REASON_OVER_PCT:g} %",
    )
    return Table(heads, tuple(rows), texts=frozenset({1, 6, 7})) if rows else None


def assumptions_table(facts: Facts) -> Table:
    """Every number of the mine with mark and source; a source is written out where it differs from the one before."""
    rows: list[tuple[str, ...]] = []
    before = ("", "")
    for entry in marked_entries(facts.mine):
        source = ("not marked", "") if entry.mark is None else (entry.mark.mark, entry.mark.source)
        told = AS_BEFORE if source == before and len(source[1]) > len(AS_BEFORE) else source[1]
        value = runs_told(entry.value) if isinstance(entry.value, tuple) else entry.text
        rows.append((entry.path, value, entry.unit, source[0], told))
        before = source
    heads = ("key of mine.toml", "value", "unit", "mark", "source or reason")
    return Table(heads, tuple(rows), texts=frozenset({1, 2, 3, 4}))


def runs_told(values: Sequence[object]) -> str:
    """A list of numbers, what is the same several times in a row told once."""
    told = []
    for value, same in itertools.groupby(values):
        times = len(list(same))
        text = number_shown(value)
        told += [f"{text} ({times} times)"] if times >= SEVERAL else [text] * times
    return ", ".join(told)


def marks_told(facts: Facts) -> str:
    """How many numbers of the mine were published, derived and assumed."""
    entries = marked_entries(facts.mine)
    number = counts(entries)
    bare = len(entries) - sum(number.values())
    text = (
        f"The mine's file holds {len(entries)} numbers: {number['published']} published, {number['derived']} derived "
        f"from published ones, {number['assumed']} assumed"
    )
    return f"{text}, {bare} without a mark." if bare else f"{text}."
