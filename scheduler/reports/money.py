"""Figures of cash: where it goes, when it comes, and what binds it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduler.reports.binding import Binding, bindings
from scheduler.reports.charts import Cell, Panel, Series, Step, by_period, matrix, waterfall
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Figure, Swatch, Table, by_period_table
from scheduler.reports.limit_words import limit_words
from scheduler.reports.numbers import NOTHING, common_digits, shown
from scheduler.reports.palette import COST, GAIN, INK

INCOME = ("gross_revenue", "by_products")
CHARGES = ("treatment", "refining", "freight")
TAXES = ("mineral_tax", "income_tax")
TOTALS = ("net_smelter_return", "operating_cash_flow", "pre_tax_cash_flow", "after_tax_cash_flow")
WORDS = {
    "gross_revenue": "payable metal at its price",
    "treatment": "treatment charges",
    "refining": "refining charges",
    "freight": "freight of concentrate",
    "by_products": "by-products",
    "net_smelter_return": "net smelter return",
    "mining": "mining, unit cost",
    "mining_extras": "mining, extra for materials",
    "haulage": "haulage",
    "reclaim": "reclaim of stock",
    "milling": "milling, unit cost",
    "closure": "closure",
    "operating_cash_flow": "operating cash flow",
    "options": "capacity bought",
    "capital": "capital",
    "pre_tax_cash_flow": "cash flow before tax",
    "mineral_tax": "mineral tax",
    "income_tax": "income tax",
    "after_tax_cash_flow": "cash flow after tax",
    "discounted_pre_tax": "discounted, before tax",
    "discounted_after_tax": "discounted, after tax",
}
MOST_LIMITS = 20


def line_words(line: str) -> str:
    """A line of the cash flow in words."""
    return WORDS.get(line, line.replace("fixed_", "fixed cost of the ").replace("_", " "))


def line_sign(line: str) -> int:
    """1 for what comes in and for totals, -1 for what is paid."""
    return 1 if line in (*INCOME, *TOTALS) or line.startswith("discounted") else -1


def cash_lines(facts: Facts) -> list[str]:
    """Lines of the cash flow that are not nought throughout, from revenue down to cash after tax."""
    columns = facts.cash.table.columns.astype(str).tolist()
    first, last = columns.index("gross_revenue"), columns.index("after_tax_cash_flow")
    table = facts.cash.table
    kept = [name for name in columns[first : last + 1] if table[name].to_numpy(float).any() or name in TOTALS]
    without_by_products = [name for name in kept if name != "by_products"]
    if "by_products" in kept:
        without_by_products.insert(1, "by_products")
    return without_by_products


def money_figures(facts: Facts) -> list[Figure]:
    """The waterfall, and cash by period."""
    return [waterfall_figure(facts), cash_figure(facts)]


def waterfall_figure(facts: Facts) -> Figure:
    """From revenue down to cash after tax, over the whole life, undiscounted."""
    currency, table = facts.mine.money.currency, facts.cash.table
    steps, rows = [], []
    for line in cash_lines(facts):
        amount = line_sign(line) * float(table[line].sum()) / 1e6
        steps.append(Step(line_words(line), amount, line in TOTALS))
        per_milled = amount * 1e6 / float(table["milled_t"].sum()) if table["milled_t"].sum() > 0 else float("nan")
        rows.append((line_words(line), shown(amount, 1), shown(per_milled, 2)))
    title = "Where the cash goes"
    unit = f"{currency} million, undiscounted"
    caption = "The whole life, undiscounted: what is earned, what it costs, and what is left after tax."
    heads = ("line", f"{currency} M", f"{currency} per tonne milled")
    legend = (Swatch("earned", GAIN), Swatch("paid", COST), Swatch("what is left", "var(--total)"))
    chart = waterfall(steps, ("line of the cash flow", unit))
    return Figure("waterfall", title, caption, chart, Table(heads, tuple(rows)), legend)


def cash_figure(facts: Facts) -> Figure:
    """Cash after tax by period, and its value to date."""
    currency, table = facts.mine.money.currency, facts.cash.table
    after = table["after_tax_cash_flow"].to_numpy(float) / 1e6
    value = table["discounted_after_tax"].to_numpy(float) / 1e6
    to_date = np.cumsum(value)
    columns = (
        Series("cash after tax, undiscounted", np.where(after > 0, after, 0).tolist(), GAIN),
        Series("cash after tax, undiscounted (spent)", np.where(after < 0, after, 0).tolist(), COST),
    )
    panel = Panel(f"{currency} million", columns, (Series("NPV to date", to_date.tolist(), INK),), digits=1)
    shown_table = by_period_table(
        facts.labels,
        [
            (f"before tax, {currency} M", (table["pre_tax_cash_flow"] / 1e6).tolist(), 1, True),
            (f"after tax, {currency} M", after.tolist(), 1, True),
            ("discount factor", table["discount_factor"].tolist(), 4, False),
            (f"discounted after tax, {currency} M", value.tolist(), 1, True),
            (f"NPV to date, {currency} M", to_date.tolist(), 1, False),
        ],
    )
    rate = 100 * facts.mine.calendar.discount_rate_per_year
    title = "Cash by period and value to date"
    caption = f"Cash after tax in each period, and the sum of it discounted at {rate:.3g} % up to that period."
    legend = (Swatch("cash in", GAIN), Swatch("cash out", COST), Swatch("NPV to date", INK, "line"))
    return Figure("cash", title, caption, by_period(facts.labels, (panel,)), shown_table, legend)


def binding_figure(facts: Facts) -> Figure | None:
    """Which limits bind in which period, and what one more unit of each is worth; ``None`` where none has a price."""
    limits = bindings(facts.summary.get("shadow_prices") or [])[:MOST_LIMITS]
    if not limits:
        return None
    currency, labels = facts.mine.money.currency, facts.labels
    named = [f"{limit_words(one.key, facts.mine)}, {one.price_unit(currency)}" for one in limits]
    rows = [(name, _cells(one, name, labels)) for one, name in zip(limits, named, strict=True)]
    table = Table(
        ("limit", "key of mine.toml", "unit", *labels),
        tuple(
            (
                limit_words(one.key, facts.mine),
                one.key,
                one.price_unit(currency),
                *(shown(one.prices[label], _digits(one)) if label in one.prices else NOTHING for label in labels),
            )
            for one in limits
        ),
        texts=frozenset({1, 2}),
    )
    title = "What binds, and what one unit more is worth"
    caption = (
        "Discounted cash for one more unit of a limit in one period, all else as it is and panels finished as here. "
        "Empty where a limit does not bind; the darker, the more it is worth among the periods of the same limit."
    )
    chart = matrix(labels, rows, ("period", "limit"), turns=True)
    return Figure("binding", title, caption, chart, table, full=True)


def _digits(limit: Binding) -> int:
    """Digits of all prices of a limit, so that they can be read down and across."""
    return common_digits(limit.prices.values())


def _cells(limit: Binding, name: str, labels: Sequence[str]) -> list[Cell | None]:
    most = max(abs(value) for value in limit.prices.values()) or 1.0
    cells: list[Cell | None] = []
    for label in labels:
        price = limit.prices.get(label)
        if price is None:
            cells.append(None)
            continue
        told = shown(price, _digits(limit))
        words, _, unit = name.rpartition(", ")
        cells.append(Cell(abs(price) / most, told, f"{words}, {label}: {told} {unit}"))
    return cells
