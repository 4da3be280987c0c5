"""Phases: how fast they sink and how many are worked at once."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import TOLERANCE, Floats, Ledger
from scheduler.audit.precedence import first_true
from scheduler.audit.tally import Codes, Tally


def check_phases(tally: Tally, ledger: Ledger) -> None:
    """Benches turned over in each phase, and phases active."""
    _benches(tally, ledger)
    _active(tally, ledger)


def benches_turned_over(tally: Tally) -> Floats:
    """Shares of whole benches mined in each phase, summed, shape ``(phases, periods)``."""
    bench = tally.units.units["bench"].to_numpy(np.int64)
    _, code = np.unique(np.column_stack([tally.phase, bench]), axis=0, return_inverse=True)
    whole = np.bincount(code.ravel(), tally.unit_t)[code.ravel()]
    moved = tally.unit_of_parcel[tally.moves.parcel]
    return tally.by_period(tally.phase[moved], len(tally.phase_names), 1.0 / whole[moved])


def _benches(tally: Tally, ledger: Ledger) -> None:
    """Benches turned over are at most the benches a year times the years."""
    most = np.array([tally.each_period(phase.max_benches_per_year) for phase in tally.mine.phases.values()])
    if not np.isfinite(most).any():
        return
    ledger.compare("benches_per_year", tally.phase_names, benches_turned_over(tally), most * tally.years, "benches")


def active_phases(tally: Tally) -> Floats:
    """Number of phases active in each period: mined in it, or begun before and unfinished at its end."""
    share = tally.mined_share
    begun = _by_phase(tally, first_true(share > TOLERANCE), np.minimum, tally.periods)
    finished = _by_phase(tally, first_true(share >= 1.0 - TOLERANCE), np.maximum, 0)
    in_period = np.diff(share, axis=1, prepend=0.0) > TOLERANCE
    active = np.zeros((len(tally.phase_names), tally.periods), dtype=bool)
    unit, period = np.nonzero(in_period)
    active[tally.phase[unit], period] = True
    column = np.arange(tally.periods)
    active |= (column > begun[:, None]) & (column < finished[:, None])
    return np.asarray(active.sum(axis=0), dtype=np.float64)


def _by_phase(tally: Tally, periods: Codes, join: np.ufunc, start: int) -> Codes:
    found = np.full(len(tally.phase_names), start, dtype=np.int64)
    join.at(found, tally.phase, periods)
    return found


def _active(tally: Tally, ledger: Ledger) -> None:
    """The number of phases active is limited."""
    most = tally.mine.limits.phases_active_max
    if most is not None:
        ledger.compare("phases_active", ["pit"], active_phases(tally), np.array(float(most)), "phases")
