"""Strip ratio: waste over ore, per period and to date."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scheduler.formulation.context import Context, Expression, Family, relation
from scheduler.problem import Range


def _excess(context: Context, ratio: float, period: int) -> Expression:
    """Waste less ``ratio`` times ore in a period, kt."""
    problem = context.problem
    ore = problem.route_kind("mill", "stockpile")
    return context.sent(~ore, period) - ratio * context.sent(ore, period)


def _excess_by(context: Context, ratio: float, period: int) -> Expression:
    """Waste less ``ratio`` times ore by the end of a period, kt."""
    ore = context.problem.route_kind("mill", "stockpile")
    return context.sent_by(~ore, period) - ratio * context.sent_by(ore, period)


def _periods(limits: Range, side: str) -> Iterator[int]:
    yield from np.flatnonzero(np.isfinite(getattr(limits, side))).tolist()


def most_periods(context: Context) -> Iterator[int]:
    """Periods with a largest strip ratio."""
    yield from _periods(context.problem.strip, "upper")


def strip_most(context: Context, period: int) -> Expression:
    """W_t <= ratio * O_t: waste is all that goes neither to mill nor to stockpile. Kt."""
    return relation(_excess(context, float(context.problem.strip.upper[period]), period), -np.inf, 0.0)


def least_periods(context: Context) -> Iterator[int]:
    """Periods with a least strip ratio."""
    yield from _periods(context.problem.strip, "lower")


def strip_least(context: Context, period: int) -> Expression:
    """W_t >= ratio * O_t. Kt."""
    return relation(_excess(context, float(context.problem.strip.lower[period]), period), 0.0, np.inf)


def cumulative_most_periods(context: Context) -> Iterator[int]:
    """Periods with a largest strip ratio to date."""
    yield from _periods(context.problem.strip_cumulative, "upper")


def strip_cumulative_most(context: Context, period: int) -> Expression:
    """sum_{r<=t} W_r <= ratio * sum_{r<=t} O_r. Kt."""
    ratio = float(context.problem.strip_cumulative.upper[period])
    return relation(_excess_by(context, ratio, period), -np.inf, 0.0)


def cumulative_least_periods(context: Context) -> Iterator[int]:
    """Periods with a least strip ratio to date."""
    yield from _periods(context.problem.strip_cumulative, "lower")


def strip_cumulative_least(context: Context, period: int) -> Expression:
    """sum_{r<=t} W_r >= ratio * sum_{r<=t} O_r. Kt."""
    ratio = float(context.problem.strip_cumulative.lower[period])
    return relation(_excess_by(context, ratio, period), 0.0, np.inf)


FAMILIES = (
    Family("strip_most", most_periods, strip_most, elastic=True, key="limits.strip_ratio_max"),
    Family("strip_least", least_periods, strip_least, elastic=True, key="limits.strip_ratio_min"),
    Family(
        "strip_cumulative_most",
        cumulative_most_periods,
        strip_cumulative_most,
        elastic=True,
        key="limits.strip_ratio_cumulative_max",
    ),
    Family(
        "strip_cumulative_least",
        cumulative_least_periods,
        strip_cumulative_least,
        elastic=True,
        key="limits.strip_ratio_cumulative_min",
    ),
)
