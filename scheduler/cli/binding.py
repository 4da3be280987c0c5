"""The limits that bind, and what one more unit of each is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from scheduler.cli.tables import new_table
from scheduler.reports.binding import bindings
from scheduler.reports.numbers import three_figures

MOST_SHOWN = 12


def binding_table(prices: Sequence[Mapping[str, Any]], currency: str, labels: Sequence[str]) -> Table:
    """A row a limit: in which periods it has a price, the largest and where, and the least.

    Args:
        prices: shadow prices, as ``summary.json`` has them.
        currency: symbol of the money.
        labels: labels of the periods, in order.
    """
    table = new_table("limit", ("binds in",), ("largest", "in", "least"))
    table.add_column("unit", no_wrap=True)
    for limit in bindings(prices)[:MOST_SHOWN]:
        largest = max(limit.prices, key=lambda period: abs(limit.prices[period]))
        least = min(limit.prices, key=lambda period: abs(limit.prices[period]))
        table.add_row(
            limit.key,
            period_ranges(list(limit.prices), labels),
            three_figures(limit.prices[largest]),
            largest,
            three_figures(limit.prices[least]),
            limit.price_unit(currency),
        )
    return table


def period_ranges(periods: Sequence[str], labels: Sequence[str]) -> str:
    """Labels of periods with runs of them shortened: ``2011-2013, 2016``."""
    places = sorted({labels.index(period) for period in periods if period in labels})
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    join = " to " if any("-" in label for label in labels) else "-"
    return ", ".join(labels[run[0]] if len(run) == 1 else f"{labels[run[0]]}{join}{labels[run[-1]]}" for run in runs)
