"""Capacities of the mine as a whole, with the options bought and without. Tonnes a period (t)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scheduler.audit.findings import Floats
from scheduler.audit.tally import Tally

DAYS_PER_YEAR = 365.0
ON_TIME = 1e-9
"""Years by which a lead may fall short by rounding."""


Resource = Literal["mill", "mining", "rehandle"]


def given_capacity(tally: Tally, what: Resource) -> Floats:
    """Most tonnes of each period before any option, shape ``(periods,)``; infinite where the mine sets no limit."""
    limits = tally.mine.limits
    most: Floats = {
        "mill": tally.each_period(limits.mill_t_per_day, DAYS_PER_YEAR),
        "mining": tally.each_period(limits.mining_mt_per_year, 1e6),
        "rehandle": tally.each_period(limits.rehandle_mt_per_year, 1e6),
    }[what]
    return most * tally.years


def capacity(tally: Tally, what: Resource) -> Floats:
    """Most tonnes of each period with the options bought, shape ``(periods,)``; infinite where there is no limit."""
    most = given_capacity(tally, what)
    for name, option in tally.mine.options.items():
        if option.widens != what:
            continue
        added = (option.adds_t_per_day or 0.0) * DAYS_PER_YEAR + (option.adds_mt_per_year or 0.0) * 1e6
        most = most + tally.years * added * _there(tally, name)
    return most


def _there(tally: Tally, option: str) -> Floats:
    """1 in each period that starts at least the lead after the start of the one of the first purchase, else 0."""
    starts = tally.mine.calendar.edges_years()[:-1]
    bought = tally.bought[option]
    if not bought:
        return np.zeros(tally.periods)
    ready = starts[min(bought)] + tally.mine.options[option].lead_years
    return np.asarray(starts >= ready - ON_TIME, dtype=np.float64)


def share_of(share: Floats, most: Floats) -> Floats:
    """A share of a capacity: nothing where the share is 0, no limit where the capacity is infinite."""
    limited = np.isfinite(most)
    return np.where(share > 0, np.where(limited, share * np.where(limited, most, 0.0), np.inf), 0.0)
