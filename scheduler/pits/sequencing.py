"""What a pit is worth discounted, between the best and the worst order of mining it.

Best: shell after shell from the inside, each from the top. Worst: the whole pit bench by bench. Mined as fast as mining
and milling capacity allow, everything milled that pays; before fixed costs and capital. (Whittle's "best case" and
"worst case".)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.calendar import DAYS_PER_YEAR

Array = NDArray[np.float64]
MOST_YEARS = 300
PLACES = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True)
class Capacities:
    """What can be done by period, going on past the calendar as in its last period.

    Attributes:
        years: lengths of the periods.
        mining_t: most tonnes moved; infinite without a limit.
        milling_t: most tonnes milled.
        discount: factor to the valuation date.
    """

    years: Array
    mining_t: Array
    milling_t: Array
    discount: Array


def capacities(mine: Mine) -> Capacities:
    """Capacities of a mine: its own limits, and those of its mills where each has one."""
    calendar = mine.calendar
    own = calendar.lengths_years()
    further = np.full(int(np.ceil(MOST_YEARS / own[-1])), own[-1])
    years = np.concatenate([own, further])
    limits = mine.limits
    mining = _rate(limits.mining_mt_per_year, calendar.periods, 1e6)
    milling = _rate(limits.mill_t_per_day, calendar.periods, DAYS_PER_YEAR)
    by_mill = [_rate(mill.capacity_mt_per_year, calendar.periods, 1e6) for mill in mine.mills().values()]
    milling = np.minimum(milling, np.sum(by_mill, axis=0))
    edges = np.concatenate([[0.0], np.cumsum(years)])
    when = edges[:-1] + PLACES[calendar.discounting] * years
    valued = 0.0 if calendar.valuation_date is None else calendar.years_after_start(calendar.valuation_date)
    discount = (1.0 + calendar.discount_rate_per_year) ** -(when - valued)
    return Capacities(years, _extended(mining, years) * years, _extended(milling, years) * years, discount)


def _rate(value: float | tuple[float, ...] | None, periods: int, factor: float) -> Array:
    return np.full(periods, np.inf) if value is None else by_period(value, periods) * factor


def _extended(rate: Array, years: Array) -> Array:
    return np.concatenate([rate, np.full(len(years) - len(rate), rate[-1])])


def best_case(benches: pd.DataFrame, count: int, rates: Capacities) -> Array:
    """Discounted worth and life of each pit mined shell after shell, ``(count, 2)``.

    Args:
        benches: shell, bench, moved_t, ore_t and cash, in the order of mining.
        count: number of pits.
        rates: what can be done by period.
    """
    within = benches[benches["shell"] < count]
    worth, finished = _mined(within, rates)
    found = np.zeros((count, 2))
    shells = within["shell"].to_numpy(np.int64)
    sums = np.cumsum(np.bincount(shells, worth, count)[:count])
    found[:, 0] = sums
    last = np.zeros(count)
    np.maximum.at(last, shells, finished)
    found[:, 1] = np.maximum.accumulate(last)
    return found


def worst_case(benches: pd.DataFrame, rates: Capacities) -> float:
    """Discounted worth of a pit mined bench by bench; arguments as for :func:`best_case`."""
    whole = benches.groupby("bench", as_index=False)[["moved_t", "ore_t", "cash"]].sum()
    worth, _ = _mined(whole.sort_values("bench", ascending=False), rates)
    return float(worth.sum())


def _mined(steps: pd.DataFrame, rates: Capacities) -> tuple[Array, Array]:
    """Discounted cash of each step, and when it is finished in years, mining them one after another at full rate."""
    moved, ore = steps["moved_t"].to_numpy(float), steps["ore_t"].to_numpy(float)
    cash = steps["cash"].to_numpy(float)
    worth, finished = np.zeros(len(cash)), np.zeros(len(cash))
    period, free, clock = 0, 1.0, 0.0
    for step in range(len(cash)):
        left = 1.0
        while left > 1e-12 and period < len(rates.years):
            with np.errstate(divide="ignore", invalid="ignore"):
                full = max(_share(moved[step], rates.mining_t[period]), _share(ore[step], rates.milling_t[period]))
            done = min(left, free / full) if full > 0 else left
            worth[step] += done * cash[step] * rates.discount[period]
            left -= done
            free -= done * full
            if free <= 1e-12:
                clock += rates.years[period]
                period, free = period + 1, 1.0
        finished[step] = clock + ((1.0 - free) * rates.years[period] if period < len(rates.years) else 0.0)
    return worth, finished


def _share(amount: float, most: float) -> float:
    """Share of a period's capacity that an amount takes."""
    if amount <= 0:
        return 0.0
    return float(amount / most) if most > 0 else np.inf
