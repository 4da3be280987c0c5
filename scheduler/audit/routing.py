"""Routing: material goes where it is accepted, ore into bins that keep its like, stock to mills that it feeds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.audit.findings import Described, Ledger
from scheduler.audit.tally import Store, Tally

EDGE = 1e-9
"""Grades this near to an edge of a bin, relative to the edge, count as standing on it."""


def check_routing(tally: Tally, ledger: Ledger) -> None:
    """Every move, reclaim and placing of tailings goes where it may."""
    _materials(tally, ledger)
    _bins(tally, ledger)
    _feeds(tally, ledger)
    _takes(tally, ledger)


def _materials(tally: Tally, ledger: Ledger) -> None:
    """The destination accepts the parcel's material."""
    moves = tally.moves
    accepts = np.array(
        [[name in place.accepts for name in tally.mine.materials] for place in tally.mine.destinations.values()]
    )
    wrong = ~accepts[moves.destination, tally.material[moves.parcel]]
    ledger.count("material", len(wrong))

    def describe(row: int) -> Described:
        place = tally.destinations[moves.destination[row]]
        parcel = tally.units.parcels.iloc[int(moves.parcel[row])]
        accepted = ", ".join(tally.mine.destinations[place].accepts) or "nothing"
        return int(moves.period[row]), f"{parcel['parcel']} to {place}", str(parcel["material"]), accepted, ""

    ledger.faults("material", np.flatnonzero(wrong & (moves.tonnes > 0)), describe)


def eligible(tally: Tally, store: Store) -> NDArray[np.bool_]:
    """Whether each parcel may go into a bin by its material and grades."""
    parcels = tally.units.parcels
    fits = parcels["material"].isin(store.bin.materials).to_numpy(copy=True)
    columns = tally.instance.grade_columns()
    for element, edge in store.bin.grade_from.items():
        fits &= parcels[columns[element]].to_numpy(np.float64) >= edge * (1.0 - EDGE)
    for element, edge in store.bin.grade_to.items():
        fits &= parcels[columns[element]].to_numpy(np.float64) < edge * (1.0 - EDGE)
    return np.asarray(fits)


def _bins(tally: Tally, ledger: Ledger) -> None:
    """The bin keeps ore of the parcel's material and grade."""
    moves = tally.moves
    for number, store in enumerate(tally.stores):
        here = np.flatnonzero((moves.store == number) & (moves.tonnes > 0))
        wrong = here[~eligible(tally, store)[moves.parcel[here]]]
        ledger.count("bin", len(here))

        def describe(row: int, store: Store = store) -> Described:
            parcel = tally.units.parcels.iloc[int(moves.parcel[row])]
            item = f"{parcel['parcel']} to {store.title}"
            return int(moves.period[row]), item, _ore(tally, parcel.to_dict()), _kept(store), ""

        ledger.faults("bin", wrong, describe)


def _ore(tally: Tally, parcel: dict[Hashable, Any]) -> str:
    grades = (f"{name} {parcel[column]:.6g}" for name, column in tally.instance.grade_columns().items())
    return f"{parcel['material']} with {', '.join(grades)}"


def _kept(store: Store) -> str:
    edges = [
        *(f"{name} from {edge:g}" for name, edge in store.bin.grade_from.items()),
        *(f"{name} below {edge:g}" for name, edge in store.bin.grade_to.items()),
    ]
    return ", ".join([" or ".join(store.bin.materials), *edges])


def _feeds(tally: Tally, ledger: Ledger) -> None:
    """Stock is reclaimed only to mills that its stockpile feeds."""
    for number, store in enumerate(tally.stores):
        for position, mill in enumerate(tally.mills):
            ledger.count("feeds", tally.periods)
            if mill in store.stockpile.feeds:
                continue
            for period in np.flatnonzero(tally.reclaim[number, position] > 0):
                feeds = " or ".join(store.stockpile.feeds) or "no mill"
                ledger.fault("feeds", int(period), store.title, f"to {mill}", f"to {feeds}")


def _takes(tally: Tally, ledger: Ledger) -> None:
    """New tailings go only to facilities that take them."""
    for position, (name, facility) in enumerate(tally.mine.facilities().items()):
        ledger.count("takes_tailings", tally.periods)
        if facility.takes_mill_tailings:
            continue
        for period in np.flatnonzero(tally.tailings[:, position].sum(axis=0) > 0):
            placed = float(tally.tailings[:, position, period].sum())
            ledger.fault("takes_tailings", int(period), name, placed, 0.0, unit="t")
