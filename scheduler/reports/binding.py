"""Limits that have a price, gathered by limit: what binds, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Binding:
    """A limit and its shadow prices.

    Attributes:
        key: key of the limit in ``mine.toml``.
        unit: unit of the limit, of which one more is worth the price.
        prices: price by label of the period, currency of discounted cash for one more unit.
    """

    key: str
    unit: str
    prices: dict[str, float]

    @property
    def weight(self) -> float:
        """Sum of the sizes of the prices: how much a limit weighs among those of its unit."""
        return sum(abs(value) for value in self.prices.values())

    def price_unit(self, currency: str) -> str:
        """Unit of the prices: currency for one unit of the limit."""
        return f"{currency}/{self.unit.removesuffix('s') if len(self.unit) > 1 else self.unit}"


def bindings(prices: Sequence[Mapping[str, Any]]) -> list[Binding]:
    """The limits with a price, the weightiest first.

    Args:
        prices: shadow prices, as ``summary.json`` has them; several of one limit, unit and period are added.
    """
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for price in prices:
        by_label = groups.setdefault((str(price["key"]), str(price["unit"])), {})
        label = str(price["period"])
        by_label[label] = by_label.get(label, 0.0) + float(price["value"])
    found = [Binding(key, unit, by_label) for (key, unit), by_label in groups.items()]
    return sorted(found, key=lambda one: -one.weight)
