"""Tonnage balance: no parcel gives more than it holds, and the parcels of a unit leave in proportion."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import TOLERANCE, Ledger
from scheduler.audit.tally import Tally


def check_balance(tally: Tally, ledger: Ledger) -> None:
    """Tonnes of each parcel to date, and its share in each period beside that of its unit."""
    check_tonnage(tally, ledger)
    check_proportion(tally, ledger)


def check_tonnage(tally: Tally, ledger: Ledger) -> None:
    """Tonnes mined of a parcel to date are at most its tonnes; named where they first exceed them."""
    held = tally.parcel_t[:, None]
    to_date = np.cumsum(tally.mined_parcel, axis=1)
    beyond = to_date > held * (1.0 + TOLERANCE)
    last = tally.periods - 1
    column = np.where(beyond.any(axis=1), beyond.argmax(axis=1), last)
    where = column[:, None] == np.arange(tally.periods)
    names = tally.parcel_names
    ledger.compare("parcel_tonnage", names, to_date, held, "t", where=where)


def check_proportion(tally: Tally, ledger: Ledger) -> None:
    """In each period the same share is mined of every parcel of a unit.

    The row is the sum over destinations of the parcel's shares, less what the unit is mined by the end of this period
    and the one before; the sizes of these terms are its activity.
    """
    several = np.bincount(tally.unit_of_parcel, minlength=len(tally.unit_t))[tally.unit_of_parcel] > 1
    rows = np.flatnonzero(several)
    unit = tally.unit_of_parcel[rows]
    held = tally.parcel_t[rows, None]
    mined = tally.mined_parcel[rows]
    of_unit = tally.mined_unit[unit] / tally.unit_t[unit, None]
    terms = mined + (2.0 * tally.mined_share[unit] - of_unit) * held
    names = [tally.parcel_names[row] for row in rows]
    ledger.compare("proportion", names, mined, of_unit * held, "t", activity=terms)
