"""Metal: contained in parcels and stock, in the mill feed, and recovered. Tonnes of metal (t)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instances.schema import Mine
from scheduler.audit.findings import Floats, MetalBalance
from scheduler.audit.tally import Tally

PER_UNIT = {"pct": 1e-2, "g_per_t": 1e-6}
GRADE_UNIT = {"pct": "%", "g_per_t": "g/t"}


def tonnes_of_metal(mine: Mine, element: str) -> float:
    """Tonnes of metal in a tonne of ore of grade 1 in the element's unit."""
    return PER_UNIT[mine.elements[element].unit]


def contained_per_t(tally: Tally) -> Floats:
    """Metal in a tonne of each parcel, t/t, shape ``(parcels, elements)``."""
    columns = tally.instance.grade_columns()
    grades = tally.units.parcels[[columns[element] for element in tally.mine.elements]].to_numpy(np.float64)
    return np.asarray(grades * [tonnes_of_metal(tally.mine, element) for element in tally.mine.elements])


def nominal_grades(tally: Tally, element: str) -> Floats:
    """Grade at which each bin leaves, in the element's unit."""
    return np.array([store.bin.leaves_at.get(element, 0.0) for store in tally.stores], dtype=np.float64)


def opening_grades(tally: Tally, element: str) -> Floats:
    """Grade of each bin's opening stock, in the element's unit."""
    return np.array([store.bin.opening_grade.get(element, 0.0) for store in tally.stores], dtype=np.float64)


def feed_metal(tally: Tally, mills: Sequence[str] | None = None) -> Floats:
    """Metal in the feed of some mills, or all, bins at their nominal grade, t, shape ``(elements, periods)``."""
    return _metal(tally, tally.mills if mills is None else mills, recovered=False)


def recovered_metal(tally: Tally) -> Floats:
    """Metal recovered by all mills, t, shape ``(elements, periods)``.

    Directly with the mill's recovery of the material, from a bin with the recovery of the bin.
    """
    return _metal(tally, tally.mills, recovered=True)


def _metal(tally: Tally, mills: Sequence[str], *, recovered: bool) -> Floats:
    moves = tally.moves
    mined = contained_per_t(tally)[moves.parcel]
    total = np.zeros((len(tally.mine.elements), tally.periods))
    everything = np.zeros_like(moves.parcel)
    for position, element in enumerate(tally.mine.elements):
        share = np.array([name in mills for name in tally.destinations], dtype=np.float64)[moves.destination]
        if recovered:
            share = _share(tally, element)[moves.destination, tally.material[moves.parcel]]
            share = _from_curves(tally, element, share)
        weight = mined[:, position] * share
        total[position] = tally.by_period(everything, 1, weight)[0]
        leaves = nominal_grades(tally, element) * tonnes_of_metal(tally.mine, element)
        if recovered:
            leaves = leaves * np.array([store.bin.recovery.get(element, 0.0) for store in tally.stores])
        fed = [number for number, name in enumerate(tally.mills) if name in mills]
        total[position] += leaves @ tally.reclaim[:, fed].sum(axis=1)
    return total


def _share(tally: Tally, element: str) -> Floats:
    """Recovery by destination and material, fraction; 0 at what is no mill."""
    share = np.zeros((len(tally.destinations), len(tally.mine.materials)))
    for name, mill in tally.mine.mills().items():
        by_material = mill.recovery.get(element, {})
        share[tally.destinations.index(name)] = [by_material.get(material, 0.0) for material in tally.mine.materials]
    return share


def _from_curves(tally: Tally, element: str, share: Floats) -> Floats:
    """Recovery of each move, where a mill's depends on the grade: on the line between the points beside it."""
    grades = tally.units.parcels[tally.instance.grade_columns()[element]].to_numpy(np.float64)[tally.moves.parcel]
    for name, mill in tally.mine.mills().items():
        curve = mill.recovery_curves.get(element)
        if curve is None:
            continue
        points, heights = np.array(curve.grade), np.array(curve.recovery)
        right = np.clip(np.searchsorted(points, grades), 1, len(points) - 1)
        slope = (heights[right] - heights[right - 1]) / (points[right] - points[right - 1])
        line = heights[right - 1] + slope * (np.clip(grades, points[0], points[-1]) - points[right - 1])
        share = np.where(tally.moves.destination == tally.destinations.index(name), line, share)
    return share


def metal_balance(tally: Tally) -> dict[str, MetalBalance]:
    """Where the metal of each element is over the whole plan."""
    metal = contained_per_t(tally)
    moves = tally.moves
    ore = np.array([place.kind in ("mill", "stockpile") for place in tally.mine.destinations.values()])
    sent_t = moves.tonnes * ore[moves.destination]
    milled, recovered = feed_metal(tally).sum(axis=1), recovered_metal(tally).sum(axis=1)
    balance = {}
    for position, element in enumerate(tally.mine.elements):
        opening = opening_grades(tally, element) * tonnes_of_metal(tally.mine, element)
        by_move = metal[moves.parcel, position]
        balance[element] = MetalBalance(
            contained_t=float(tally.parcel_t @ metal[:, position] + tally.opening_t @ opening),
            mined_t=float(moves.tonnes @ by_move),
            sent_t=float(sent_t @ by_move),
            milled_t=float(milled[position]),
            recovered_t=float(recovered[position]),
        )
    return balance
