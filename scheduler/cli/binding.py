"""The limits that bind, and what one more unit of each is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from scheduler.cli.tables import new_table

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
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for price in prices:
        groups.setdefault((str(price["key"]), str(price["unit"])), []).append(price)
    ranked = sorted(groups.items(), key=lambda group: -sum(abs(float(price["value"])) for price in group[1]))
    for (key, unit), rows in ranked[:MOST_SHOWN]:
        largest = max(rows, key=lambda price: abs(float(price["value"])))
        least = min(rows, key=lambda price: abs(float(price["value"])))
        table.add_row(
            key,
            period_ranges([str(price["period"]) for price in rows], labels),
            _amount(float(largest["value"])),
            str(largest["period"]),
            _amount(float(least["value"])),
            f"{currency}/{unit.removesuffix('s') if len(unit) > 1 else unit}",
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


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"
