"""Resources: mining, milling and rehandle between their limits, with the capacity that can be bought."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scheduler.formulation.context import Context, Expression, Family, relation


def _limited(values: np.ndarray) -> Iterator[int]:
    yield from np.flatnonzero(np.isfinite(values)).tolist()


def _total_feed(context: Context, period: int) -> Expression:
    return sum((context.fed(mill, period) for mill in context.problem.mills()), start=0.0)


def mining_periods(context: Context) -> Iterator[int]:
    """Periods with a mining capacity."""
    yield from _limited(context.problem.mining.upper)


def mining_most(context: Context, period: int) -> Expression:
    """What the pit moves is at most the mining capacity and what was bought of it: M_t <= cap_t + options. Kt."""
    bought = context.bought_capacity("mining", period)
    return relation(context.moved(period) - bought, -np.inf, float(context.problem.mining.upper[period]))


def least_mining_periods(context: Context) -> Iterator[int]:
    """Periods with a least mining rate."""
    yield from _limited(context.problem.mining.lower)


def mining_least(context: Context, period: int) -> Expression:
    """What the pit moves is at least its minimum: M_t >= min_t. Kt."""
    return relation(context.moved(period), float(context.problem.mining.lower[period]), np.inf)


def milling_periods(context: Context) -> Iterator[int]:
    """Periods with a milling capacity."""
    yield from _limited(context.problem.milling.upper)


def milling_most(context: Context, period: int) -> Expression:
    """All mills take at most the milling capacity and what was bought of it: sum_m F_mt <= cap_t + options. Kt."""
    bought = context.bought_capacity("mill", period)
    return relation(_total_feed(context, period) - bought, -np.inf, float(context.problem.milling.upper[period]))


def least_milling_periods(context: Context) -> Iterator[int]:
    """Periods with a least milling rate."""
    yield from _limited(context.problem.milling.lower)


def milling_least(context: Context, period: int) -> Expression:
    """All mills take at least their minimum: sum_m F_mt >= min_t. Kt."""
    return relation(_total_feed(context, period), float(context.problem.milling.lower[period]), np.inf)


def rehandle_periods(context: Context) -> Iterator[int]:
    """Periods with a rehandle capacity."""
    yield from _limited(context.problem.rehandle.upper)


def rehandle_most(context: Context, period: int) -> Expression:
    """Fill mined and stock reclaimed are at most the rehandle capacity and what was bought of it. Kt."""
    problem = context.problem
    fill = context.sent(problem.parcel_fill[problem.route_parcel], period)
    stock = context.reclaimed(np.ones(len(problem.reclaim_place), dtype=bool), period)
    bought = context.bought_capacity("rehandle", period)
    return relation(fill + stock - bought, -np.inf, float(problem.rehandle.upper[period]))


def changing_periods(context: Context) -> Iterator[tuple[int, int]]:
    """Pairs of neighbouring periods, up and down, where the change of movement is limited."""
    if context.problem.movement_change_kt is not None:
        for period in range(1, context.problem.periods):
            yield period, 1
            yield period, -1


def movement_change(context: Context, period: int, sign: int) -> Expression:
    """The tonnes moved change by no more than the limit: |M_t - M_{t-1}| <= limit. Kt."""
    most = float(context.problem.movement_change_kt or 0.0)
    return relation(sign * (context.moved(period) - context.moved(period - 1)), -np.inf, most)


FAMILIES = (
    Family("mining_most", mining_periods, mining_most, elastic=True, key="limits.mining_mt_per_year"),
    Family("mining_least", least_mining_periods, mining_least, elastic=True, key="limits.mining_min_mt_per_year"),
    Family("milling_most", milling_periods, milling_most, elastic=True, key="limits.mill_t_per_day"),
    Family("milling_least", least_milling_periods, milling_least, elastic=True, key="limits.mill_min_t_per_day"),
    Family("rehandle_most", rehandle_periods, rehandle_most, elastic=True, key="limits.rehandle_mt_per_year"),
    Family(
        "movement_change",
        changing_periods,
        movement_change,
        elastic=True,
        key="limits.movement_change_max_mt",
        period_at=0,
    ),
)
