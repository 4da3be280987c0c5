"""Limits on tonnes a period: moved, milled, rehandled, received, and what opens within a period."""

from __future__ import annotations

import numpy as np

from scheduler.audit.capacity import DAYS_PER_YEAR, capacity, given_capacity, share_of
from scheduler.audit.findings import Floats, Ledger
from scheduler.audit.tally import Tally


def check_limits(tally: Tally, ledger: Ledger) -> None:
    """Capacities of the mine, of its destinations, and openings within a period."""
    _mine(tally, ledger)
    _movement(tally, ledger)
    _destinations(tally, ledger)
    _release(tally, ledger)


def _mine(tally: Tally, ledger: Ledger) -> None:
    """Mining, milling and rehandle between their limits; options widen the upper ones."""
    limits = tally.mine.limits
    milled = tally.feed.sum(axis=0)
    ledger.compare("mining_max", ["pit"], tally.moved, capacity(tally, "mining"), "t")
    least = tally.each_period(limits.mining_min_mt_per_year, 1e6) * tally.years
    ledger.compare("mining_min", ["pit"], tally.moved, least, "t")
    ledger.compare("milling_max", ["mills"], milled, capacity(tally, "mill"), "t")
    least = tally.each_period(limits.mill_min_t_per_day, DAYS_PER_YEAR) * tally.years
    ledger.compare("milling_min", ["mills"], milled, least, "t")
    ledger.compare("rehandle_max", ["fill and stock"], rehandled(tally), capacity(tally, "rehandle"), "t")


def rehandled(tally: Tally) -> Floats:
    """Fill mined and stock reclaimed, t, shape ``(periods,)``."""
    fill = np.array([material.kind == "fill" for material in tally.mine.materials.values()], dtype=np.float64)
    moved = tally.by_period(np.zeros_like(tally.moves.parcel), 1, fill[tally.material[tally.moves.parcel]])
    return np.asarray(moved[0] + tally.reclaim.sum(axis=(0, 1)))


def _movement(tally: Tally, ledger: Ledger) -> None:
    """Tonnes moved change by no more than the limit from one period to the next."""
    most = tally.mine.limits.movement_change_max_mt
    if most is None:
        return
    before, after = tally.moved[:-1], tally.moved[1:]
    limit = np.full(len(after), most * 1e6)
    labels = ledger.labels[1:]
    ledger.compare(
        "movement_change", ["pit"], np.abs(after - before), limit, "t", activity=before + after, periods=labels
    )


def _destinations(tally: Tally, ledger: Ledger) -> None:
    """Tonnes received; where a destination is open for a share of a period only, that share of its capacity.

    Its capacity is its own, or else the mining capacity (the milling capacity for a mill). A mill receives reclaim.
    """
    mining, milling = given_capacity(tally, "mining"), given_capacity(tally, "mill")
    for number, (name, place) in enumerate(tally.mine.destinations.items()):
        received = tally.feed[tally.mills.index(name)] if place.kind == "mill" else tally.sent[number]
        own = tally.each_period(place.capacity_mt_per_year, 1e6) * tally.years
        share = tally.mine.calendar.open_share(place.opens, place.closes)
        ledger.compare("destination_capacity", [name], received, own, "t", where=share == 1.0)
        serves = milling if place.kind == "mill" else mining
        most = share_of(share, np.where(np.isfinite(own), own, serves))
        ledger.compare("opening", [name], received, most, "t", where=share < 1.0)


def _release(tally: Tally, ledger: Ledger) -> None:
    """Nothing of a phase before its release, and in that period the share of the mining capacity after it."""
    mining = given_capacity(tally, "mining")
    share = np.array([tally.mine.calendar.open_share(phase.release, None) for phase in tally.mine.phases.values()])
    ledger.compare("release", tally.phase_names, tally.mined_phase, share_of(share, mining), "t", where=share < 1.0)
