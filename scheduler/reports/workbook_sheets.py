"""The sheets of the workbook: what stands in each, and its charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from instances.marks import marked_entries
from scheduler.cashflow import by_periods
from scheduler.published import REASON_OVER_PCT, compare
from scheduler.reports.binding import bindings
from scheduler.reports.changes import changes_told
from scheduler.reports.facts import Facts
from scheduler.reports.limit_words import limit_words
from scheduler.reports.numbers import METAL_UNITS, digits_of
from scheduler.reports.palette import COST, GAIN, METAL, ORE, STOCK, material_colours, store_colours
from scheduler.reports.sequence import phases_table
from scheduler.reports.tables import ADDED, schedule_head
from scheduler.reports.workbook import MOST_ROWS, Book, Column, Sheet
from scheduler.reports.workbook_cash import CASH, TO_DATE, cash_sheet

CHART = {"x_scale": 1.65, "y_scale": 1.35}
PLAN_FILE = "report-plan.parquet"
"""Where the rows of the plan stand when they are more than a sheet holds."""
THOUSAND = 1_000


def add_sheets(facts: Facts, book: Book) -> None:
    """All sheets; the summary comes first and points at the totals of the others."""
    first = Sheet(book, "Summary", facts.title, _told(facts))
    schedule = _schedule(facts, book)
    cash = cash_sheet(facts, book)
    _stockpiles(facts, book)
    _phases(facts, book)
    _limits(facts, book)
    _published(facts, book)
    _audit(facts, book)
    _assumptions(facts, book)
    _plan(facts, book)
    _summary(facts, first)
    _charts(facts, schedule, cash)


def _told(facts: Facts) -> str:
    changes = "; ".join(changes_told(facts.instance.overrides))
    return f"{facts.summary['status']}; changed: {changes}" if changes else str(facts.summary["status"])


def _summary(facts: Facts, sheet: Sheet) -> None:
    """Figures with the total that each is, live, beside what summary.json says."""
    summary, currency = facts.summary, facts.mine.money.currency
    sheet.table(
        [
            Column("figure", _figure_names(facts), "text"),
            Column("unit", [unit for _, unit, _, _, _ in _figures(facts)], "text"),
        ]
    )
    sheet.text(sheet.HEAD, 2, "this workbook", "head of numbers")
    sheet.text(sheet.HEAD, 3, "summary.json", "head of numbers")
    for row, (_, _, place, said, kind) in enumerate(_figures(facts), sheet.HEAD + 1):
        if place is not None:
            cell, value = sheet.book.places[place]
            sheet.formula(row, 2, f"={cell}", value, kind)
        if isinstance(said, int | float):
            sheet.number(row, 3, float(said), kind)
    sheet.sheet.set_column(0, 0, 38)
    sheet.sheet.set_column(1, 3, 20)
    row = sheet.HEAD + 2 + len(_figures(facts))
    lines = [f"Money is {currency}, undiscounted unless a heading says so; tonnes are metric; Mt is a million tonnes."]
    lines.append("The first column of numbers follows from the sheets behind; the second is what the run recorded.")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(summary["versions"].items()))
    lines.append(f"Mine {summary['instance']}, hash {summary['instance_hash']}, seed {summary.get('seed')}; {versions}")
    for number, line in enumerate(lines):
        sheet.text(row + number, 0, line, "note")


def _figure_names(facts: Facts) -> list[str]:
    return [name for name, _, _, _, _ in _figures(facts)]


def _figures(facts: Facts) -> list[tuple[str, str, tuple[str, str] | None, object, str]]:
    """Name, unit, total on another sheet, value of the summary, and kind."""
    summary, currency = facts.summary, facts.mine.money.currency
    rows: list[tuple[str, str, tuple[str, str] | None, object, str]] = [
        (
            "discounted cash before tax (objective)",
            currency,
            (CASH, "discounted_pre_tax"),
            summary["objective"],
            "whole",
        ),
        ("bound: no plan is worth more", currency, None, summary.get("bound"), "whole"),
        ("gap to the bound", "%", None, summary.get("gap"), "gap"),
        ("certified bound, checked without solving", currency, None, summary.get("certified_bound"), "whole"),
        ("gap to the certified bound", "%", None, summary.get("gap_certified"), "gap"),
        ("plan as made by hand", currency, None, summary.get("baseline_objective"), "whole"),
        ("NPV after tax", currency, (CASH, "discounted_after_tax"), summary["npv"], "whole"),
    ]
    if summary.get("npv_published_basis") is not None:
        rows += [
            (
                "NPV after tax, reporting basis",
                currency,
                (CASH, "reported_discounted"),
                summary["npv_published_basis"],
                "whole",
            ),
            (
                "after tax, undiscounted, reporting basis",
                currency,
                (CASH, "reported_after_tax"),
                summary["undiscounted_after_tax"],
                "whole",
            ),
        ]
    for name in ("moved_mt", "ore_mt", "milled_mt"):
        head = schedule_head(name)
        rows.append((head.partition(",")[0], "Mt", ("Schedule", head), summary[name], "2"))
    rows.append(("strip ratio", "t/t", ("Schedule", schedule_head("strip_ratio")), summary["strip_ratio"], "2"))
    for column in facts.schedule.columns.astype(str):
        if "_recovered_" in column:
            product, _, unit = column.partition("_recovered_")
            said = summary[f"{product}_{unit}_total"]
            rows.append((f"{product} recovered", METAL_UNITS[unit], ("Schedule", schedule_head(column)), said, "1"))
    return [row for row in rows if row[2] is not None or row[3] is not None]


def _schedule(facts: Facts, book: Book) -> Sheet:
    sheet = Sheet(
        book, "Schedule", "Schedule", "Ore is what goes to a mill or a stockpile, waste all else that is mined."
    )
    columns = [Column("period", facts.labels, "text")]
    for name in facts.schedule.columns.astype(str):
        if name.endswith("_million"):
            continue
        if name == "phases_worked":
            columns.append(Column("phases worked", facts.schedule[name].astype(str).tolist(), "text"))
            continue
        columns.append(Column(schedule_head(name), facts.series(name).tolist(), *_schedule_total(name)))
    sheet.table(columns)
    return sheet


def _schedule_total(name: str) -> tuple[str, str]:
    """Kind of a column of the schedule, and what its total is."""
    if name == "strip_ratio":
        return "2", f"ratio|{schedule_head('waste_mt')}|{schedule_head('ore_mt')}"
    if name == "strip_ratio_on_milled":
        return "2", f"ratio|{schedule_head('waste_mt')}|{schedule_head('milled_mt')}"
    if name.startswith("head_grade"):
        return "3", f"mean|{schedule_head('milled_mt')}"
    adds = (
        name in ADDED
        or name.startswith(("mined_", "ore_", "milled_from_"))
        or "_recovered_" in name
        or "_payable_" in name
    )
    return "2", "sum" if adds else ""


def _stockpiles(facts: Facts, book: Book) -> None:
    sheet = Sheet(
        book, "Stockpiles", "Stockpiles", "Every bin in every period; stock is that at the end of the period."
    )
    stock = facts.plan.stock
    titles = {name: pile.title or name for name, pile in facts.mine.stockpiles().items()}
    columns = [
        Column("period", [facts.labels[int(period)] for period in stock["period"]], "text"),
        Column("stockpile", [titles[str(pile)] for pile in stock["stockpile"]], "text"),
        Column("bin", [str(store).replace("_", " ") for store in stock["bin"]], "text"),
        Column("put in, Mt", (stock["tonnes_in"] / 1e6).tolist(), "2", "sum"),
        Column("reclaimed, Mt", (stock["reclaimed"] / 1e6).tolist(), "2", "sum"),
        Column("stock, Mt", (stock["tonnes"] / 1e6).tolist(), "2"),
    ]
    sheet.table(columns)
    sheet.sheet.autofilter(sheet.HEAD, 0, sheet.HEAD + max(len(stock), 1), 2)
    bins = list(store_colours(facts.mine).items())
    if not bins:
        sheet.text(sheet.HEAD + 1, 0, "the mine has no stockpile", "note")
        return
    left = 8
    sheet.text(sheet.HEAD, left, "period", "head")
    chart = book.book.add_chart({"type": "column", "subtype": "stacked"})
    periods = len(facts.labels)
    for row, label in enumerate(facts.labels, sheet.HEAD + 1):
        sheet.text(row, left, label)
    for place, ((pile, store), colour) in enumerate(bins, left + 1):
        sheet.text(sheet.HEAD, place, f"{titles[pile]}: {store.replace('_', ' ')}, Mt", "head of numbers")
        held = by_periods(facts.mine, stock[(stock["stockpile"] == pile) & (stock["bin"] == store)]) / 1e6
        for row, value in enumerate(held.tolist(), sheet.HEAD + 1):
            sheet.number(row, place, value)
        span = [sheet.name, sheet.HEAD + 1, place, sheet.HEAD + periods, place]
        name, labels = [sheet.name, sheet.HEAD, place], [sheet.name, sheet.HEAD + 1, left, sheet.HEAD + periods, left]
        chart.add_series({"name": name, "categories": labels, "values": span, "fill": {"color": colour}, "gap": 40})
    _dressed(chart, "Stock at the end of the period", "Mt")
    sheet.sheet.insert_chart(sheet.HEAD + periods + 3, left, chart, CHART)


def _phases(facts: Facts, book: Book) -> None:
    note = "Tonnes mined of each bench of each phase in each period, Mt."
    sheet = Sheet(book, "Phases and benches", "Phases and benches", note)
    heads, rows = phases_table(facts)
    kinds = ["text", "whole", *["3"] * (len(heads) - 3), "percent"]
    columns = []
    for place, (head, kind) in enumerate(zip(heads, kinds, strict=True)):
        total = "sum" if 2 <= place < len(heads) - 1 else ""
        if place == len(heads) - 1:
            total = f"ratio|{heads[-2]}|{heads[2]}"
        columns.append(Column(head, [row[place] for row in rows], kind, total))
    sheet.table(columns)
    first, last = sheet.HEAD + 1, sheet.HEAD + len(rows)
    sheet.sheet.conditional_format(
        first, 3, last, len(heads) - 3, {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#2A788E"}
    )


def _limits(facts: Facts, book: Book) -> None:
    note = (
        "Discounted cash for one more unit of a limit in one period, panels finished as here. Empty: it does not bind."
    )
    sheet = Sheet(book, "Limits and what binds", "Limits and what binds", note)
    limits = bindings(facts.summary.get("shadow_prices") or [])
    currency = facts.mine.money.currency
    sheet.table(
        [
            Column("limit", [limit_words(one.key, facts.mine) for one in limits], "text", width=28),
            Column("key of mine.toml", [one.key for one in limits], "text"),
            Column("unit of the price", [one.price_unit(currency) for one in limits], "text"),
            *(Column(label, [one.prices.get(label, math.nan) for one in limits], "price") for label in facts.labels),
        ]
    )
    if not limits:
        sheet.text(sheet.HEAD + 1, 0, "no limit has a price", "note")
    row = sheet.HEAD + 3 + len(limits)
    sheet.text(row, 0, "capacity and use, Mt", "head")
    for place, label in enumerate(facts.labels, 3):
        sheet.text(row, place, label, "head of numbers")
    uses = [
        ("moved", facts.series("moved_mt"), facts.mining_limit_mt()),
        ("milled", facts.series("milled_mt"), facts.mill_limit_mt()),
    ]
    for name, used, most in uses:
        for words, values in ((name, used), (f"most that may be {name}", most)):
            if values is None:
                continue
            row += 1
            sheet.text(row, 0, words)
            for place, value in enumerate(np.asarray(values, dtype=float).tolist(), 3):
                sheet.number(row, place, value)


def _published(facts: Facts, book: Book) -> None:
    rows = compare(facts.instance, facts.summary)
    if not rows:
        return
    note = f"Nothing in the model aims at these. A difference over {REASON_OVER_PCT:g} % has its reason."
    sheet = Sheet(book, "Published comparison", "Published figures against this plan", note)
    kinds = [str(min(max(digits_of(row.published), 1), 3)) for row in rows]
    sheet.table(
        [
            Column("figure", [row.title for row in rows], "text"),
            Column("unit", [row.unit for row in rows], "text"),
            Column("published", [row.published for row in rows], kinds=kinds),
            Column("this plan", [row.plan for row in rows], kinds=kinds),
            Column("differs, %", [_rounded(row.difference_pct) for row in rows], "2"),
            Column("ground", [row.design for row in rows], kinds=kinds),
            Column("source", [row.source for row in rows], "long"),
            Column("why", [row.reason for row in rows], "long"),
        ]
    )


def _rounded(value: float | None) -> float | None:
    """A difference with the digits shown, without the sign of what rounds to nothing."""
    return None if value is None else round(value, 2) + 0.0


def _audit(facts: Facts, book: Book) -> None:
    audit: Mapping[str, Any] = facts.summary["audit"]
    note = "audit passed" if audit.get("passed") else "AUDIT FAILED"
    sheet = Sheet(book, "Audit", "Audit", note)
    rows = [
        ("checks", audit.get("checks")),
        ("rules", audit.get("rules")),
        ("largest excess, share of the limit", audit.get("largest_excess")),
    ]
    rows += [(f"breaches: {rule}", number) for rule, number in dict(audit.get("found", {})).items()]
    sheet.table(
        [Column("what", [name for name, _ in rows], "text"), Column("number", [value for _, value in rows], "plain")]
    )
    sheet.sheet.set_column(0, 0, WIDE_TEXT)
    for number, finding in enumerate(audit.get("findings", [])):
        sheet.text(sheet.HEAD + 2 + len(rows) + number, 0, finding)


WIDE_TEXT = 50


def _assumptions(facts: Facts, book: Book) -> None:
    note = "Every number of the mine's file with its mark: published, derived from what was published, or assumed."
    sheet = Sheet(book, "Assumptions", "Assumptions", note)
    entries = marked_entries(facts.mine)
    values = [entry.value if _is_number(entry.value) else entry.text for entry in entries]
    sheet.table(
        [
            Column("key of mine.toml", [entry.path for entry in entries], "text"),
            Column("value", values, kinds=[_assumed_kind(value) for value in values], width=30),
            Column("unit", [entry.unit for entry in entries], "text"),
            Column("mark", ["not marked" if entry.mark is None else entry.mark.mark for entry in entries], "text"),
            Column("source or reason", ["" if entry.mark is None else entry.mark.source for entry in entries], "long"),
        ]
    )
    sheet.sheet.autofilter(sheet.HEAD, 0, sheet.HEAD + max(len(entries), 1), 4)


def _assumed_kind(value: object) -> str:
    """Kind of a number of the mine: with its own digits, in thousands where it is a large whole one."""
    if isinstance(value, str):
        return "long of numbers"
    return (
        "whole" if isinstance(value, int | float) and abs(value) >= THOUSAND and float(value).is_integer() else "plain"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def plan_fits(facts: Facts) -> bool:
    """Whether a sheet holds the rows of the plan."""
    return len(facts.plan.mined) <= MOST_ROWS - Sheet.HEAD - 2


def _plan(facts: Facts, book: Book) -> None:
    sheet = Sheet(book, "Plan", "Plan", "What is mined: a row for each unit, parcel, destination, bin and period.")
    mined = facts.plan.mined
    if not plan_fits(facts):
        words = f"{len(mined):,} rows are more than a sheet holds ({MOST_ROWS:,})"
        sheet.text(sheet.HEAD, 0, f"{words}: they are in {PLAN_FILE} beside this workbook")
        return
    names = {"unit": "unit", "parcel": "parcel", "destination": "destination", "bin": "bin"}
    columns: Sequence[Column] = [
        *(Column(head, mined[name].astype(str).tolist(), "text") for name, head in names.items()),
        Column("period", [facts.labels[int(period)] for period in mined["period"]], "text"),
        Column("tonnes, t", mined["tonnes"].to_numpy(float).tolist(), "whole", "sum"),
    ]
    sheet.table(columns)
    sheet.sheet.autofilter(sheet.HEAD, 0, sheet.HEAD + max(len(mined), 1), len(columns) - 1)


def _charts(facts: Facts, schedule: Sheet, cash: Sheet) -> None:
    """Charts of the schedule and of the cash flow, drawn by Excel from the cells."""
    below = schedule.HEAD + len(facts.labels) + 4
    colours = material_colours(facts.mine)
    heads = [(schedule_head(f"mined_{name}_mt"), colour) for name, colour in colours.items()]
    strip = schedule_head("strip_ratio")
    _insert(schedule, heads, (below, 0), "Material mined and strip ratio", ("Mt", strip, "t/t"))
    feed = [(schedule_head("milled_direct_mt"), ORE[0])]
    feed += [
        (schedule_head(f"milled_from_{name}_mt"), STOCK[number % len(STOCK)])
        for number, name in enumerate(facts.mine.stockpiles())
    ]
    name, element = next(iter(facts.mine.elements.items()))
    grade = schedule_head(f"head_grade_{name}_{element.unit}")
    _insert(schedule, feed, (below, 9), "Mill feed and head grade", ("Mt", grade, grade.rpartition(", ")[2]))
    metal = next(column for column in facts.schedule.columns.astype(str) if "_recovered_" in column)
    head = schedule_head(metal)
    _insert(schedule, [(head, METAL[0])], (below + 22, 0), "Metal recovered", (head.rpartition(", ")[2], "", ""))
    below = cash.HEAD + cash.rows + 3
    unit = f"{facts.mine.money.currency} M"
    _insert(cash, [("after_tax_cash_flow", GAIN)], (below, 0), "Cash after tax, and NPV to date", (unit, TO_DATE, unit))


def _insert(
    sheet: Sheet, columns: Sequence[tuple[str, str]], place: tuple[int, int], title: str, line: tuple[str, str, str]
) -> None:
    """Stacked columns with a line on an axis of its own. ``line``: unit of the columns, head and unit of the line."""
    unit, head, second = line
    book = sheet.book.book
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    for name, colour in columns:
        fill = {"fill": {"color": colour}, "gap": 40, "invert_if_negative": True, "invert_if_negative_color": COST}
        chart.add_series(
            {"name": sheet.head(name), "categories": sheet.span("period"), "values": sheet.span(name), **fill}
        )
    _dressed(chart, title, unit, in_millions=sheet.name == CASH)
    if head:
        over = book.add_chart({"type": "line"})
        mark = {"type": "circle", "size": 5, "fill": {"color": "#1B2430"}, "border": {"color": "#1B2430"}}
        dress = {"line": {"color": "#1B2430", "width": 2}, "marker": mark, "y2_axis": True}
        over.add_series(
            {"name": sheet.head(head), "categories": sheet.span("period"), "values": sheet.span(head), **dress}
        )
        over.set_y2_axis({"name": second, "major_gridlines": {"visible": False}})
        chart.combine(over)
    sheet.sheet.insert_chart(*place, chart, CHART)


def _dressed(chart: Any, title: str, unit: str, *, in_millions: bool = False) -> None:  # noqa: ANN401 - it has no type
    chart.set_title({"name": title, "name_font": {"size": 13}})
    chart.set_x_axis({"name": "period", "label_position": "low"})
    numbers = {"num_format": "#,##0,,"} if in_millions else {}
    chart.set_y_axis({"name": unit, **numbers, "major_gridlines": {"visible": True, "line": {"color": "#E3E7EC"}}})
    chart.set_legend({"position": "bottom"})
