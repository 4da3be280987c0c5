"""The schedule as a table of the terminal, a row a period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import pandas as pd
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from instances.instance import Instance
from instances.schema import Mine
from scheduler.cli.tables import NO_VALUE, new_table

_WIDE = 110
"""Columns of a page from which on phases are named."""
_UNLIMITED = 10_000

Column: TypeAlias = "tuple[str, pd.Series[float], int, float | None]"
"""Heading, values by period, digits and total."""


def schedule_views(console: Console, instance: Instance, schedule: pd.DataFrame) -> list[Table]:
    """The schedule as a planner reads it, in as many tables one below the other as it takes to fit the page.

    Args:
        console: where they will be printed; if it is wide enough the last table names the phases worked.
        instance: the mine.
        schedule: its schedule table; see :func:`scheduler.schedule.schedule_table`.
    """
    left = view_columns(instance.mine, schedule)
    phases = schedule["phases_worked"].astype(str).tolist() if console.width >= _WIDE else []
    tables = []
    while left:
        fitting = next(
            (count for count in range(len(left), 1, -1) if _fits(console, _table(schedule, left[:count], phases))), 1
        )
        tables.append(_table(schedule, left[:fitting], phases if fitting == len(left) else []))
        left = left[fitting:]
    return tables


def _fits(console: Console, table: Table) -> bool:
    """Whether nothing is cut off; phases may be broken over lines."""
    return Measurement.get(console, console.options.update(max_width=_UNLIMITED), table).minimum <= console.width


def _table(schedule: pd.DataFrame, columns: Sequence[Column], phases: Sequence[str]) -> Table:
    table = new_table("", footer=True)
    table.columns[0].footer = "all"
    for heading, _, digits, total in columns:
        footer = "" if total is None else _text(total, digits)
        table.add_column(heading, footer=footer, justify="right", no_wrap=True)
    if phases:
        table.add_column("\nphases")
    for number, label in enumerate(schedule.index.astype(str)):
        cells = [_text(float(values.iloc[number]), digits) for _, values, digits, _ in columns]
        table.add_row(label, *cells, *phases[number : number + 1])
    return table


def view_columns(mine: Mine, schedule: pd.DataFrame) -> list[Column]:
    """Heading, values by period, digits and total of each column."""
    ore, waste, milled = schedule["ore_mt"], schedule["waste_mt"], schedule["milled_mt"]
    columns: list[Column] = [
        ("moved\nMt", schedule["moved_mt"], 2, schedule["moved_mt"].sum()),
        ("ore\nMt", ore, 2, ore.sum()),
        ("waste\nMt", waste, 2, waste.sum()),
    ]
    if schedule["fill_moved_mt"].any():
        columns.append(("of it\nfill", schedule["fill_moved_mt"], 2, schedule["fill_moved_mt"].sum()))
    columns.append(("strip\nt/t", schedule["strip_ratio"], 2, _ratio(waste.sum(), ore.sum())))
    direct = schedule["milled_direct_mt"]
    columns.append(("milled\nfrom pit", direct, 2, direct.sum()))
    if mine.stockpiles():
        stock = _added(schedule, [f"milled_from_{name}_mt" for name in mine.stockpiles()])
        columns.append(("from\nstock", stock, 2, stock.sum()))
    for name, element in list(mine.elements.items())[:2]:
        grade = schedule[f"head_grade_{name}_{element.unit}"]
        mean = _ratio(float((grade.fillna(0.0) * milled).sum()), milled.sum())
        unit = {"pct": "%", "g_per_t": "g/t"}[element.unit]
        columns.append((f"head\n{unit} {name.capitalize()}", grade, 3, mean))
    for name, product in list(mine.products.items())[:2]:
        unit = "mlb" if f"{name}_recovered_mlb" in schedule else "koz"
        metal = schedule[f"{name}_recovered_{unit}"]
        columns.append((f"{product.element.capitalize()}\n{unit.capitalize()}", metal, 1, metal.sum()))
    if mine.stockpiles():
        columns.append(("stock\nMt", _added(schedule, [f"stock_{name}_mt" for name in mine.stockpiles()]), 2, None))
    cash = schedule["after_tax_cash_flow_million"]
    columns.append((f"cash\n{mine.money.currency} M", cash, 1, cash.sum()))
    return columns


def _added(schedule: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    return schedule[names].sum(axis=1)


def _ratio(above: float, below: float) -> float:
    return float(above) / float(below) if below > 0 else math.nan


def _text(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return NO_VALUE
    # What rounds to nothing is nothing: no minus sign, and a dash, so that the eye finds what is there.
    return NO_VALUE if round(value, digits) == 0 else f"{value:,.{digits}f}"
