"""The cash flow as a sheet: lines down, periods across, from revenue to cash after tax and its value."""

from __future__ import annotations

from scheduler.cashflow import COLUMNS
from scheduler.reports.facts import Facts
from scheduler.reports.money import CHARGES, INCOME, TAXES, TOTALS, cash_lines, line_words
from scheduler.reports.workbook import Book
from scheduler.reports.workbook_lines import Formula, Line, LineSheet

CASH = "Cash flow"
TO_DATE = "npv_to_date"
SPENT = ("options", "capital")
REPORTED = {
    "reported_share": "share of the period, reporting basis",
    "reported_after_tax": "after tax, reporting basis",
    "reported_discounted": "discounted, reporting basis",
}
VALUED = ("discounted_pre_tax", "discounted_after_tax")
FRACTIONS = ("discount_factor", "reported_share")
NOTE = (
    "Costs are positive. Undiscounted unless the line says so. Lines that are nought throughout are left out. "
    "Totals, and what follows from other lines, are formulas."
)


def cash_sheet(facts: Facts, book: Book) -> LineSheet:
    """Writes the sheet."""
    sheet = LineSheet(book, CASH, CASH, NOTE)
    sheet.lines(facts.labels, list_lines(facts))
    return sheet


def list_lines(facts: Facts) -> list[Line]:
    """Tonnes and metal, the lines of the cash flow, and what they are worth."""
    table, currency = facts.cash.table, facts.mine.money.currency
    names = table.columns.astype(str).tolist()
    flow = cash_lines(facts)
    follow = formulas(flow)
    worth = [name for name in ("discount_factor", *VALUED, *REPORTED) if name in names]
    lines = [
        Line(
            name,
            REPORTED.get(name, name.removesuffix("_t").replace("_", " ") if name.endswith("_t") else line_words(name)),
            "t" if name.endswith("_t") else "fraction" if name in FRACTIONS else currency,
            table[name].to_numpy(float).tolist(),
            "4" if name in FRACTIONS else "whole",
            adds=name not in FRACTIONS,
            strong=name in (*TOTALS, *VALUED),
            formula=follow.get(name),
            comment=COLUMNS.get(name, ""),
        )
        for name in [*(name for name in names if name.endswith("_t")), *flow, *worth]
    ]
    to_date = (table["discounted_after_tax"].to_numpy(float).cumsum() / 1e6).tolist()
    last = Line(
        TO_DATE,
        "NPV to date",
        f"{currency} M",
        to_date,
        "1",
        adds=False,
        formula=Formula(to_date="discounted_after_tax"),
    )
    place = next(number for number, line in enumerate(lines) if line.key == "discounted_after_tax")
    return [*lines[: place + 1], last, *lines[place + 1 :]]


def formulas(flow: list[str]) -> dict[str, Formula]:
    """How each total follows from the lines above it."""
    start, end = flow.index("net_smelter_return"), flow.index("operating_cash_flow")
    return {
        "net_smelter_return": Formula(INCOME, CHARGES),
        "operating_cash_flow": Formula(("net_smelter_return",), tuple(flow[start + 1 : end])),
        "pre_tax_cash_flow": Formula(("operating_cash_flow",), SPENT),
        "after_tax_cash_flow": Formula(("pre_tax_cash_flow",), TAXES),
        "discounted_pre_tax": Formula(times=("pre_tax_cash_flow", "discount_factor")),
        "discounted_after_tax": Formula(times=("after_tax_cash_flow", "discount_factor")),
        "reported_after_tax": Formula(times=("after_tax_cash_flow", "reported_share")),
    }
