"""Precedence: a unit is begun only once those it needs are finished, the lag kept; whole mining."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.audit.findings import TOLERANCE, Described, Ledger
from scheduler.audit.tally import Codes, Tally

ON_TIME = 1e-9
"""Years by which a lag may fall short by rounding."""


def check_precedence(tally: Tally, ledger: Ledger) -> None:
    """What is mined of a unit is nothing until what it needs has been finished, the lag before at least.

    As shares only grow, it is enough to look at the last period before the needed unit lets it begin.
    """
    arcs = tally.units.arcs
    ledger.count("precedence", len(arcs))
    if arcs.empty:
        return
    share = tally.mined_share
    finished = first_true(share >= 1.0 - TOLERANCE)
    begun = first_true(share > TOLERANCE)
    unit, needs = arcs["unit"].to_numpy(np.int64), arcs["needs"].to_numpy(np.int64)
    lags, which = np.unique(arcs["lag_years"].to_numpy(np.float64), return_inverse=True)
    allowed = np.stack([_begins(tally, lag) for lag in lags])[which, finished[needs]]
    early = allowed > 0
    mined = np.where(early, share[unit, np.maximum(allowed, 1) - 1], 0.0)
    ledger.max_excess["precedence"] = float(mined.max(initial=0.0))
    names = tally.unit_names

    def describe(row: int) -> Described:
        lag = f", {lags[which[row]]:g} years before" if lags[which[row]] > 0 else ""
        item = f"{names[unit[row]]} (needs {names[needs[row]]} finished{lag})"
        return int(begun[unit[row]]), item, float(mined[row]), 0.0, "of the unit"

    ledger.faults("precedence", np.flatnonzero(begun[unit] < allowed), describe, excess=0.0)


def _begins(tally: Tally, lag_years: float) -> Codes:
    """First period in which a unit may be mined, by the period in which what it needs is finished.

    The last entry is for what is never finished.
    """
    ends = tally.mine.calendar.edges_years()[1:]
    opens = np.searchsorted(ends, ends + lag_years - ON_TIME)
    return np.asarray(np.append(opens, tally.periods), dtype=np.int64)


def first_true(flags: NDArray[np.bool_]) -> Codes:
    """First column that is true in each row, the number of columns where none is."""
    return np.asarray(np.where(flags.any(axis=1), flags.argmax(axis=1), flags.shape[1]), dtype=np.int64)


def check_whole(tally: Tally, ledger: Ledger) -> None:
    """Blocks or panels are mined within one period, where the mine says so.

    At the end of every period a unit is untouched or finished.
    """
    if tally.mine.mining(tally.units.resolution) != "whole":
        return
    share = tally.mined_share
    ledger.count("whole", share.size)
    part = np.minimum(share, np.abs(1.0 - share))
    ledger.max_excess["whole"] = float(part.max(initial=0.0))
    wrong = (share > TOLERANCE) & (share < 1.0 - TOLERANCE)
    names = tally.unit_names
    when = wrong.argmax(axis=1)

    def describe(row: int) -> Described:
        return int(when[row]), str(names[row]), float(share[row, when[row]]), 1.0, "of the unit"

    ledger.faults("whole", np.flatnonzero(wrong.any(axis=1)), describe, excess=0.0)
