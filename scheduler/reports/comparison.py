"""Runs side by side: what each is worth and how surely, its schedule, and which blocks it mines earlier or later."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from instances.findings import BadInput, Finding
from instances.marks import GRADE_UNITS
from instances.schema.calendar import DAYS_PER_YEAR
from scheduler.reports.blocks import NEVER
from scheduler.reports.changes import changes_told
from scheduler.reports.charts import Panel, Series, by_period
from scheduler.reports.comparable import PLACE, notes, same_ground
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.figure import Figure, Swatch, Table
from scheduler.reports.headline import life
from scheduler.reports.numbers import METAL_UNITS, NOTHING, money, percent, shown, signed
from scheduler.reports.palette import GAIN, RUNS
from scheduler.schedule import sold_unit

MOST_RUNS = len(RUNS)
NO_LONGER, NEWLY = "no longer mined", "newly mined"
SAME = "in the same period"
YEAR_DIGITS = 4
"""Of the years by which blocks move; periods are longer than what these leave out."""
SCENARIO, HASHED = "scenario.json", re.compile(r"(?<=.)\.[0-9a-f]{12}$")
"""A file that runs of a study have, and the end of the names of their folders."""


@dataclass(frozen=True)
class Compared:
    """Runs side by side; all are compared with the first.

    Attributes:
        names: a short name for each run.
        runs: the runs.
    """

    names: tuple[str, ...]
    runs: tuple[Facts, ...]

    @property
    def labels(self) -> list[str]:
        """Labels of the periods that any of the runs has, in time."""
        found = {label: number for run in self.runs for label, number in zip(run.labels, _begins(run), strict=True)}
        return sorted(found, key=lambda label: found[label])

    @cached_property
    def notes(self) -> list[str]:
        """What keeps runs from being compared, or blocks out of it; see :func:`scheduler.reports.comparable.notes`."""
        return notes(self.names, self.runs)


@dataclass(frozen=True)
class Line:
    """Something that every run has by period.

    Attributes:
        key: name within a page.
        title: what it is.
        unit: its unit.
        digits: shown.
        values: of a run.
        ratio: whether it is a ratio, which is nothing, and not nought, where nothing is mined or milled.
    """

    key: str
    title: str
    unit: str
    digits: int
    values: Callable[[Facts], Sequence[float]]
    ratio: bool = False


def read_compared(folders: Sequence[str | Path]) -> Compared:
    """Runs read back, under the names of their folders.

    Raises:
        BadInput: with the faults of every folder, where there are fewer than two or more than can be told apart, or
            where they are in different currencies.
    """
    if not 2 <= len(folders) <= MOST_RUNS:
        raise BadInput([Finding("RUN", len(folders), f"2 to {MOST_RUNS} folders of runs")])
    runs: list[Facts] = []
    findings: list[Finding] = []
    for folder in folders:
        try:
            runs.append(read_facts(folder))
        except BadInput as error:
            findings += error.findings
    currencies = {run.mine.money.currency for run in runs}
    if len(currencies) > 1:
        findings.append(Finding("RUN", ", ".join(sorted(currencies)), "runs in one currency"))
    if findings:
        raise BadInput(findings)
    return Compared(_names(folders), tuple(runs))


def worth_table(compared: Compared) -> Table:
    """A row a figure, a column a run, and the differences from the first."""
    rows = [
        ("discounted cash before tax", *_amounts(compared, "objective")),
        ("no plan is worth more than", *_amounts(compared, "bound")),
        ("gap", *(NOTHING if (gap := run.summary.get("gap")) is None else percent(gap) for run in compared.runs)),
        ("NPV after tax", *_amounts(compared, "npv")),
    ]
    rows = [(*row, *_gained(compared, key)) for row, key in zip(rows, ("objective", "bound", "", "npv"), strict=True)]
    for title, unit, digits, value in _totals(compared):
        values = [value(run) for run in compared.runs]
        more = [signed(one - values[0], digits) if math.isfinite(one - values[0]) else NOTHING for one in values[1:]]
        rows.append((f"{title}, {unit}", *(shown(one, digits) for one in values), *more))
    rows.append(("mill works", *(life(run)[1] for run in compared.runs), *("" for _ in compared.runs[1:])))
    rows.append(
        (
            "changed",
            *("; ".join(changes_told(run.instance.overrides)) or NOTHING for run in compared.runs),
            *("" for _ in compared.runs[1:]),
        )
    )
    heads = ("figure", *compared.names, *(f"{name} less {compared.names[0]}" for name in compared.names[1:]))
    return Table(heads, tuple(rows))


def lines_of(compared: Compared) -> list[Line]:
    """What is compared by period: the elements and products that any of the runs has."""
    found = [
        Line("moved", "Moved", "Mt", 2, lambda run: run.series("moved_mt").tolist()),
        Line("strip", "Strip ratio", "t/t", 2, lambda run: run.series("strip_ratio").tolist(), ratio=True),
        Line("milled", "Milled", "Mt", 2, lambda run: run.series("milled_mt").tolist()),
    ]
    for name, unit, key, title in _told_apart(_elements(compared), GRADE_UNITS):
        values = partial(_column, f"head_grade_{name}_{unit}")
        found.append(Line(f"grade-{key}", f"Head grade, {title}", GRADE_UNITS[unit], 3, values, ratio=True))
    for name, unit, key, title in _told_apart(_products(compared), METAL_UNITS):
        values = partial(_column, f"{name}_recovered_{unit}")
        found.append(Line(f"metal-{key}", title, METAL_UNITS[unit], 1, values))
    currency = compared.runs[0].mine.money.currency
    found.append(Line("stock", "Stock at the end", "Mt", 2, _stock))
    found.append(Line("cash", "Cash after tax", f"{currency} M", 1, partial(_column, "after_tax_cash_flow_million")))
    found.append(Line("value", "NPV to date", f"{currency} M", 1, _to_date))
    return found


def period_table(compared: Compared, line: Line) -> Table:
    """A row a period, a column a run, and the differences from the first."""
    series = [_aligned(compared, run, line) for run in compared.runs]
    rows = []
    for place, label in enumerate(compared.labels):
        values = [one[place] for one in series]
        known = values if line.ratio else [_nought(value) for value in values]
        more = [signed(one - known[0], line.digits) for one in known[1:]]
        rows.append((label, *(shown(one, line.digits) for one in values), *more))
    heads = ("period", *(f"{name}, {line.unit}" for name in compared.names))
    return Table((*heads, *(f"{name} less {compared.names[0]}" for name in compared.names[1:])), tuple(rows))


def line_figure(compared: Compared, line: Line) -> Figure:
    """The runs over the periods, a line each."""
    series = tuple(
        Series(name, _aligned(compared, run, line), RUNS[place])
        for place, (name, run) in enumerate(zip(compared.names, compared.runs, strict=True))
    )
    chart = by_period(compared.labels, (Panel(f"{line.title}, {line.unit}", lines=series, digits=line.digits),))
    legend = tuple(Swatch(one.name, one.colour, "line") for one in series)
    return Figure(line.key, f"{line.title} by period", "", chart, period_table(compared, line), legend)


def moves(first: Facts, other: Facts) -> pd.DataFrame:
    """By how much the blocks of two runs of one mine move.

    Returns:
        A row for each block of both, none where they are of different mines: block, phase, tonnes (t as mined in the
        first), and years: later (above nought) or earlier (below), NaN where one of the runs does not mine it;
        ``first_mined`` and ``other_mined``.
    """
    columns = [*PLACE, "phase", "tonnes", "period"]
    table = first.blocks[columns].merge(other.blocks[[*PLACE, "period"]], on=PLACE, suffixes=("", "_other"))
    begins, others = (np.append(_begins(run), math.nan) for run in (first, other))
    if not same_ground(first, other):
        table = table.iloc[:0].copy()
    table["first_mined"], table["other_mined"] = table["period"] != NEVER, table["period_other"] != NEVER
    table["years"] = others[table["period_other"].to_numpy(np.int64)] - begins[table["period"].to_numpy(np.int64)]
    return table[["block", "phase", "tonnes", "years", "first_mined", "other_mined"]]


def moves_by_years(table: pd.DataFrame) -> list[tuple[str, int, float]]:
    """How far blocks move, how many of them, and their tonnes in Mt, from the earliest to the latest."""
    both = table[table["first_mined"] & table["other_mined"]]
    years = both["years"].round(YEAR_DIGITS)
    found = [
        (_years_words(year), int((years == year).sum()), float(both.loc[years == year, "tonnes"].sum()) / 1e6)
        for year in sorted(set(years.tolist()))
    ]
    for words, rows in (
        (NEWLY, table[~table["first_mined"] & table["other_mined"]]),
        (NO_LONGER, table[table["first_mined"] & ~table["other_mined"]]),
    ):
        if len(rows):
            found.append((words, len(rows), float(rows["tonnes"].sum()) / 1e6))
    return found


def moves_figure(compared: Compared, place: int) -> Figure | None:
    """How many tonnes of the run at a place go earlier or later than in the first; ``None`` without blocks of both."""
    found = moves_by_years(moves(compared.runs[0], compared.runs[place]))
    if not found:
        return None
    words, counts, tonnes = ([one[part] for one in found] for part in range(3))
    name = f"{compared.names[place]} against {compared.names[0]}"
    title = f"Blocks that move: {name}"
    series = Series("Mt", [float(value) for value in tonnes], GAIN)
    rows = tuple(
        (str(one), f"{count:,}", shown(mass, 2)) for one, count, mass in zip(words, counts, tonnes, strict=True)
    )
    caption = "Tonnes by the years that they are mined earlier or later; both runs mine them unless it says otherwise."
    places = [_short(str(one)) for one in words]
    chart = by_period(places, (Panel("mined, Mt", (series,)),), "mined earlier (-) or later (+)")
    return Figure(f"moves-{place}", title, caption, chart, Table(("moved", "blocks", "Mt"), rows))


def _short(words: str) -> str:
    """Words for under a column: years with their sign."""
    number, _, way = words.partition(" y ")
    return {SAME: "same", NEWLY: "new", NO_LONGER: "gone"}.get(words, f"{'+' if way == 'later' else '-'}{number} y")


def _years_words(years: float) -> str:
    if years == 0:
        return SAME
    return f"{abs(years):g} y {'later' if years > 0 else 'earlier'}"


def _names(folders: Sequence[str | Path]) -> tuple[str, ...]:
    """The names of the folders, with the number of the run where two are alike; a scenario's without its hash."""
    names = [_name(Path(folder)) for folder in folders]
    return tuple(f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, 1))


def _name(folder: Path) -> str:
    name = folder.resolve().name or str(folder)
    return HASHED.sub("", name) if (folder / SCENARIO).is_file() else name


def _begins(run: Facts) -> list[float]:
    """When each period begins, in years."""
    start = run.mine.calendar.start
    first = start.year + (start.month - 1) / 12 + (start.day - 1) / DAYS_PER_YEAR
    return [first + float(edge) for edge in run.mine.calendar.edges_years()[:-1]]


def _aligned(compared: Compared, run: Facts, line: Line) -> list[float]:
    known = dict(zip(run.labels, line.values(run), strict=True))
    return [known.get(label, math.nan) for label in compared.labels]


def _column(name: str, run: Facts) -> Sequence[float]:
    return run.series(name).tolist() if name in run.schedule else [math.nan] * len(run.labels)


def _stock(run: Facts) -> Sequence[float]:
    columns = [f"stock_{name}_mt" for name in run.mine.stockpiles()]
    return [float(value) for value in run.schedule[columns].sum(axis=1)]


def _to_date(run: Facts) -> Sequence[float]:
    return [float(value) / 1e6 for value in run.cash.table["discounted_after_tax"].cumsum()]


def _nought(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _amounts(compared: Compared, key: str) -> list[str]:
    found = []
    for run in compared.runs:
        value = run.summary.get(key)
        found.append(NOTHING if value is None else money(run.summary, value))
    return found


def _gained(compared: Compared, key: str) -> list[str]:
    """Differences of a money figure from the first run."""
    values = [run.summary.get(key) for run in compared.runs]
    currency = compared.runs[0].mine.money.currency
    return [
        NOTHING if one is None or values[0] is None else f"{currency} {signed((one - values[0]) / 1e6, 3)} M"
        for one in values[1:]
    ]


def _totals(compared: Compared) -> list[tuple[str, str, int, Callable[[Facts], float]]]:
    """Title, unit, digits and value of a run."""
    found: list[tuple[str, str, int, Callable[[Facts], float]]] = [
        ("moved", "Mt", 2, partial(_figure, "moved_mt")),
        ("ore", "Mt", 2, partial(_figure, "ore_mt")),
        ("milled", "Mt", 2, partial(_figure, "milled_mt")),
        ("strip ratio", "t/t", 2, partial(_figure, "strip_ratio")),
        ("most in stock", "Mt", 2, partial(_figure, "stock_peak_mt")),
    ]
    for name, unit in _products(compared):
        found.append((f"{name} recovered", METAL_UNITS[unit], 1, partial(_figure, f"{name}_{unit}_total")))
    return found


def _elements(compared: Compared) -> list[tuple[str, str]]:
    """Name and unit of the elements of all runs, those of the first before others."""
    return list(dict.fromkeys((name, one.unit) for run in compared.runs for name, one in run.mine.elements.items()))


def _products(compared: Compared) -> list[tuple[str, str]]:
    """Name and unit of the products of all runs, those of the first before others."""
    every = ((name, sold_unit(one)[0]) for run in compared.runs for name, one in run.mine.products.items())
    return list(dict.fromkeys(every))


def _told_apart(pairs: Sequence[tuple[str, str]], units: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Names, units, keys and titles; with their unit where the same name has another one in another run."""
    names = [name for name, _ in pairs]
    for name, unit in pairs:
        apart = names.count(name) > 1
        title = f"{name.capitalize()}, {units[unit]}" if apart else name.capitalize()
        yield name, unit, f"{name}-{unit}" if apart else name, title


def _figure(key: str, run: Facts) -> float:
    value = run.summary.get(key)
    return float(value) if isinstance(value, int | float) else math.nan
