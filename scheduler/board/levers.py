"""What can be moved on the board: a slider each, and the override of the mine that it amounts to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instances.schema import Mine


@dataclass(frozen=True)
class Lever:
    """A slider.

    Attributes:
        key: its name.
        title: what it moves.
        unit: of its value.
        low: least value.
        high: largest value.
        step: between values.
        base: value of the base run, where nothing is changed.
        form: ``factor`` (multiplies the value at ``path``), ``value`` (takes its place, in the unit of the mine's file
            times ``scale``) or ``months`` (moves a date).
        path: key path in ``mine.toml``.
        scale: how many units of the slider make one of the file.
        date: the date moved.
        whole: where there is one value at ``path``, that of the base.
        whole_unit: its unit.
    """

    key: str
    title: str
    unit: str
    low: float
    high: float
    step: float
    base: float
    form: str
    path: str
    scale: float = 1.0
    date: dt.date | None = None
    whole: float | None = None
    whole_unit: str = ""

    def told(self, value: float) -> str:
        """A value in words: with its unit, and what it comes to."""
        text = f"{value:g} {self.unit}"
        if self.form == "months" and self.date is not None:
            return f"{text} ({_months_later(self.date, round(value))})"
        if self.form == "factor" and self.whole is not None:
            return f"{text} ({self.whole * value / 100:,.6g} {self.whole_unit})"
        return text

    def override(self, value: float) -> str | None:
        """The override that a value amounts to; ``None`` where it changes nothing.

        Raises:
            ValueError: where the value is not on the slider.
        """
        if abs(value - self.base) < 1e-9:
            return None
        if not self.low - 1e-9 <= value <= self.high + 1e-9:
            raise ValueError(f"{self.title}: {value:g} is not from {self.low:g} to {self.high:g}")
        if self.form == "months":
            assert self.date is not None  # noqa: S101
            return f"{self.path}={_months_later(self.date, round(value))}"
        if self.form == "factor":
            return f"{self.path}*={value / 100:.6g}"
        return f"{self.path}={value / self.scale:.6g}"


def levers_of(mine: Mine) -> list[Lever]:
    """The sliders of a mine: capacities, strip limit, prices, discount rate, and opening dates.

    The base lies on every slider, whatever it is.
    """
    found = []
    for key, title, name, unit in (
        ("mill", "mill capacity", "mill_t_per_day", "t/d"),
        ("mining", "mining capacity", "mining_mt_per_year", "Mt a year"),
    ):
        if (limit := getattr(mine.limits, name)) is not None:
            found.append(_share(key, title, f"limits.{name}", limit, unit))
    for name, place in mine.destinations.items():
        if place.capacity_mt_per_year is not None:
            title, path = f"capacity of {place.title or name}", f"destinations.{name}.capacity_mt_per_year"
            found.append(_share(f"capacity-{name}", title, path, place.capacity_mt_per_year, "Mt a year"))
    strip = mine.limits.strip_ratio_max
    if isinstance(strip, float):
        base = round(strip, 6)
        low, high = min(0.5, base), max(5.0, round(2 * strip, 1))
        found.append(Lever("strip", "strip limit", "t/t", low, high, 0.1, base, "value", "limits.strip_ratio_max"))
    for name, product in mine.products.items():
        sold = "price_usd_per_lb" if product.price_usd_per_lb is not None else "price_usd_per_oz"
        if (price := getattr(product, sold)) is not None:
            unit = f"US$/{sold.rpartition('_')[2]}"
            found.append(_share(f"price-{name}", f"price of {name}", f"products.{name}.{sold}", price, unit))
    rate = round(100 * mine.calendar.discount_rate_per_year, 6)
    path = "calendar.discount_rate_per_year"
    found.append(Lever("discount", "discount rate", "%", 0, max(20.0, rate), 0.5, rate, "value", path, 100.0))
    for name, place in mine.destinations.items():
        if place.opens is not None:
            title = f"{place.title or name} opens later by"
            path = f"destinations.{name}.opens"
            found.append(Lever(f"opens-{name}", title, "months", 0, 24, 1, 0, "months", path, date=place.opens))
    return found


def _share(key: str, title: str, path: str, base: object, unit: str) -> Lever:
    """A slider over shares of what is at a path, be it one value or one a period."""
    whole = float(base) if isinstance(base, int | float) else None
    return Lever(key, title, "% of the base", 50, 150, 5, 100, "factor", path, whole=whole, whole_unit=unit)


def changes_told(levers: Sequence[Lever], values: Mapping[str, float]) -> str:
    """What is moved, in words."""
    moved = [lever for lever in levers if abs(float(values[lever.key]) - lever.base) > 1e-9]
    return "; ".join(f"{lever.title} {lever.told(float(values[lever.key]))}" for lever in moved) or "nothing changed"


def overrides_of(levers: list[Lever], values: Mapping[str, float]) -> list[str]:
    """The overrides that the values of the sliders amount to.

    Raises:
        ValueError: where a value is not on its slider.
    """
    given = (lever.override(float(values[lever.key])) for lever in levers if lever.key in values)
    return [override for override in given if override is not None]


def _months_later(date: dt.date, months: int) -> dt.date:
    """The same day so many months later, the last of the month where it has no such day."""
    whole = date.year * 12 + date.month - 1 + months
    year, month = divmod(whole, 12)
    following = dt.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return dt.date(year, month + 1, min(date.day, (following - dt.timedelta(days=1)).day))
