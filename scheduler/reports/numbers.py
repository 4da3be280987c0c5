"""Numbers as people read them: digits, signs, units and money."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

MILLIONS_FROM, ONE_DIGIT_FROM = 1e5, 1e7
LEAST_IN_FULL_PCT = 0.1
METAL_UNITS = {"mlb": "Mlb", "koz": "koz"}
NOTHING = "–"
"""What stands where there is no number."""


def percent(fraction: float) -> str:
    """A gap in per cent, with two significant digits at least."""
    value = 100 * fraction
    return f"{value:.2f} %" if value >= LEAST_IN_FULL_PCT else f"{value:.2g} %"


def money(summary: Mapping[str, Any], amount: float) -> str:
    """An amount with its currency, in millions where it is large."""
    currency, size = summary["currency"], abs(amount)
    if size < MILLIONS_FROM:
        return f"{currency} {amount:,.0f}"
    return f"{currency} {amount / 1e6:,.{1 if size >= ONE_DIGIT_FROM else 3}f} M"


def digits_of(value: float) -> int:
    """Digits after the point that a published figure was given with, four at most."""
    text = f"{value:.6g}"
    return min(len(text.partition(".")[2]), 4) if "e" not in text else 0


def shown(value: object, digits: int) -> str:
    """A number with its digits; a dash where there is none; what rounds to nothing has no sign."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return NOTHING
    rounded = round(float(value), digits)
    return f"{rounded or 0.0:,.{digits}f}"


def signed(value: float | None, digits: int = 1) -> str:
    """A difference with its sign; what rounds to nothing has none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:+,.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"


def three_figures(value: float) -> str:
    """A price or a value with three significant digits, whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


def common_digits(values: Iterable[float], figures: int = 3, most: int = 6) -> int:
    """Digits after the point with which the largest of some values has so many figures; all are shown with them."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return 0
    return min(max(figures - 1 - math.floor(math.log10(largest)), 0), most)
