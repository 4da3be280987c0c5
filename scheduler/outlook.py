"""What will bind, before anything is solved: tonnes of the pit against the capacities of the mine.

From slopes, prices, costs and capacities alone: release dates, stockpiles, strip and grade limits and fixed costs are
left out. It says what to expect of a plan, not what a plan can do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.instance import Instance
from scheduler.pits.nested import NestedPits, nested_pits
from scheduler.pits.sequencing import Capacities, capacities

FACTORS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SHORT = 0.98
"""A mill is short of ore where less than this share of what it can take is within reach."""


@dataclass(frozen=True)
class Outlook:
    """What to expect of a mine.

    Attributes:
        moved_t: tonnes of the ultimate pit.
        ore_t: those worth milling.
        mill_years: years to mill them at capacity, 0 without a limit.
        mining_years: years to move the pit at capacity, 0 without a limit.
        calendar_years: length of the calendar.
        by_period: a row a period: period, moved_t (at most, to date), ore_t (within reach, to date: what shells of
            nested pits hold, mined from the inside), milled_t (at most, to date).
    """

    moved_t: float
    ore_t: float
    mill_years: float
    mining_years: float
    calendar_years: float
    by_period: pd.DataFrame

    def short_periods(self) -> list[str]:
        """Periods by whose end the ore within reach falls short of what the mills can take."""
        wanted = np.minimum(self.by_period["milled_t"], self.ore_t)
        short = self.by_period["ore_t"] < SHORT * wanted
        return [str(period) for period in self.by_period.loc[short, "period"]]

    def sentences(self) -> list[str]:
        """The outlook in words."""
        if self.ore_t <= 0:
            return ["nothing is worth mining at the mean prices and costs of the calendar"]
        strip = (self.moved_t - self.ore_t) / self.ore_t
        moved, ore = f"{self.moved_t / 1e6:,.1f} Mt", f"{self.ore_t / 1e6:,.1f} Mt"
        told = [f"the ultimate pit moves {moved} for {ore} of ore, strip {strip:.2f}"]
        years = {"milling": self.mill_years, "mining": self.mining_years}
        limited = {name: value for name, value in years.items() if value > 0}
        if limited:
            named = ", ".join(f"{name} {value:.1f} years" for name, value in limited.items())
            slowest = max(limited, key=lambda name: limited[name])
            told.append(f"at capacity: {named}; {slowest} will bind in a calendar of {self.calendar_years:g} years")
            if limited[slowest] > self.calendar_years:
                told.append("the calendar ends before the pit does")
        short = self.short_periods()
        if short:
            told.append(
                f"mining at capacity uncovers less ore than the mills can take by the end of {', '.join(short)}"
            )
        return told


def outlook(instance: Instance, slope_pairs: NDArray[np.int64] | None = None) -> Outlook:
    """What to expect of a mine.

    Args:
        instance: the mine.
        slope_pairs: what :func:`instances.geometry.units.block_arcs` gives, where it is known already.
    """
    pits = nested_pits(instance, FACTORS, slope_pairs)
    rates = capacities(instance.mine)
    last = pits.table.iloc[pits.factors.index(1.0)]
    periods = instance.mine.calendar.periods
    moved = np.cumsum(rates.mining_t[:periods])
    table = pd.DataFrame({"period": instance.mine.calendar.labels(), "moved_t": moved})
    table["ore_t"] = _within_reach(pits, moved)
    table["milled_t"] = np.cumsum(rates.milling_t[:periods])
    return Outlook(
        moved_t=float(last["moved_t"]),
        ore_t=float(last["ore_t"]),
        mill_years=_years(float(last["ore_t"]), rates.milling_t, rates),
        mining_years=_years(float(last["moved_t"]), rates.mining_t, rates),
        calendar_years=float(instance.mine.calendar.lengths_years().sum()),
        by_period=table,
    )


def _years(tonnes: float, most: NDArray[np.float64], rates: Capacities) -> float:
    """Years that tonnes take at full rate; 0 without a limit, infinite where they are never done."""
    if np.isinf(most).any() or tonnes <= 0:
        return 0.0
    to_date = np.cumsum(most)
    if to_date[-1] < tonnes:
        return float("inf")
    period = int(np.searchsorted(to_date, tonnes))
    before = to_date[period - 1] if period else 0.0
    share = (tonnes - before) / most[period] if most[period] > 0 else 0.0
    return float(rates.years[:period].sum() + share * rates.years[period])


def _within_reach(pits: NestedPits, moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ore in the first tonnes moved, shell after shell from the inside and each from the top."""
    last = pits.factors.index(1.0)
    blocks = pits.blocks
    inside = np.flatnonzero(pits.shell <= last)
    order = inside[np.lexsort((-blocks.bench[inside], pits.shell[inside]))]
    tonnes, ore = blocks.tonnes[order], np.where(blocks.milled()[order], blocks.tonnes[order], 0.0)
    if not order.size:
        return np.zeros(len(moved))
    to_date = np.concatenate([[0.0], np.cumsum(tonnes)])
    ore_to_date = np.concatenate([[0.0], np.cumsum(ore)])
    return np.asarray(np.interp(np.minimum(moved, to_date[-1]), to_date, ore_to_date))
