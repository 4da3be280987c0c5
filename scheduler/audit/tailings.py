"""Tailings and waste: every tonne of new tailings is placed, and dumps and facilities hold what they can."""

from __future__ import annotations

import numpy as np

from scheduler.audit.capacity import given_capacity, share_of
from scheduler.audit.findings import Ledger
from scheduler.audit.tally import Tally


def check_tailings(tally: Tally, ledger: Ledger) -> None:
    """New tailings placed, the openings of their facilities, and room in facilities and dumps."""
    _placed(tally, ledger)
    _openings(tally, ledger)
    _storage(tally, ledger)


def _placed(tally: Tally, ledger: Ledger) -> None:
    """What is placed of a mill's tailings is what it makes, where a facility of the mine takes them, else nothing."""
    taken = any(facility.takes_mill_tailings for facility in tally.mine.facilities().values())
    made = np.array([mill.tailings_t_per_t if taken else 0.0 for mill in tally.mine.mills().values()])
    placed = tally.tailings.sum(axis=1)
    ledger.compare("tailings_placed", tally.mills, placed, made[:, None] * tally.feed, "t")


def _openings(tally: Tally, ledger: Ledger) -> None:
    """Where a facility is open for a share of a period: that share of the milling capacity, as tailings.

    Of mills that make different tailings from a tonne milled, the largest counts.
    """
    made = max((mill.tailings_t_per_t for mill in tally.mine.mills().values()), default=0.0)
    milling = given_capacity(tally, "mill")
    for column, (name, facility) in enumerate(tally.mine.facilities().items()):
        share = tally.mine.calendar.open_share(facility.opens, facility.closes)
        placed = tally.tailings[:, column].sum(axis=0)
        ledger.compare("tailings_opening", [name], placed, share_of(share * made, milling), "t", where=share < 1.0)


def _storage(tally: Tally, ledger: Ledger) -> None:
    """Tonnes stored to date: waste in a dump, fill and new tailings in a facility."""
    room = {name: dump.storage_mt for name, dump in tally.mine.dumps().items()}
    room |= {name: facility.storage_mt for name, facility in tally.mine.facilities().items()}
    for name, storage in room.items():
        if storage is None:
            continue
        received = tally.sent[tally.destinations.index(name)]
        if name in tally.mine.facilities():
            column = list(tally.mine.facilities()).index(name)
            received = received + tally.tailings[:, column].sum(axis=0)
        ledger.compare("storage", [name], np.cumsum(received), np.array(storage * 1e6), "t")
