"""What a solver decided, as arrays, and the plan that it amounts to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from instances.geometry.units import Resolution
from scheduler.plan import MINED, OPERATING, OPTIONS, RECLAIM, STOCK, TAILINGS, Plan
from scheduler.problem import Array, Mask, Problem

DUST_SHARE = 1e-9
"""Shares of a parcel below this are what a solver's tolerance leaves behind, not decisions."""
DUST_KT = 1e-6


@dataclass(frozen=True)
class Solution:
    """Decisions on a problem. Shapes: R routes, J reclaim routes, T periods.

    Attributes:
        sent: ``(R, T)`` share of the parcel of each route.
        reclaimed: ``(J, T)`` kt.
        placed: (mill, facility) -> ``(T,)`` kt of new tailings.
        works: installation -> ``(T,)`` whether it works.
        bought: ``(options, T)`` whether it has been bought by the end of the period.
    """

    sent: Array
    reclaimed: Array
    placed: dict[tuple[str, str], Array]
    works: dict[str, Mask]
    bought: Mask

    def cash(self, problem: Problem) -> float:
        """Discounted cash, thousands, constants included."""
        discount = problem.discount
        total = float((problem.route_cash * self.sent).sum(axis=0) @ discount)
        total += float((problem.reclaim_cash * self.reclaimed).sum(axis=0) @ discount)
        for installation in problem.installations:
            works = self.works[installation.name].astype(float)
            total -= float(discount @ (installation.fixed * works))
            total -= installation.closure * float(discount @ (works - np.append(works[1:], 0.0)))
        for number, option in enumerate(problem.options):
            total -= option.cost * float(discount @ np.diff(self.bought[number].astype(float), prepend=0.0))
        return total + problem.constant()

    def turnover(self, problem: Problem) -> float:
        """Discounted cash of what is sent and reclaimed, what earns and what costs both counted positive, thousands."""
        routes = (np.abs(problem.route_cash) * self.sent).sum(axis=0)
        reclaim = (np.abs(problem.reclaim_cash) * self.reclaimed).sum(axis=0)
        return float((routes + reclaim) @ problem.discount)


def to_plan(problem: Problem, solution: Solution, resolution: Resolution) -> Plan:
    """The plan of a solution, in tonnes, without the dust of tolerances."""
    sent = np.where(solution.sent > DUST_SHARE, solution.sent, 0.0)
    reclaimed = np.where(solution.reclaimed > DUST_KT, solution.reclaimed, 0.0)
    return Plan(
        resolution=resolution,
        mined=_mined(problem, sent),
        stock=_stock(problem, sent, reclaimed),
        reclaim=_reclaim(problem, reclaimed),
        tailings=_tailings(solution),
        operating=_table(
            [(name, t, bool(on)) for name, works in solution.works.items() for t, on in enumerate(works)], OPERATING
        ),
        options=_table(
            [
                (option.name, int(np.argmax(solution.bought[number])))
                for number, option in enumerate(problem.options)
                if solution.bought[number].any()
            ],
            OPTIONS,
        ),
    )


def _table(rows: list[tuple[object, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    kinds = {"period": np.int64, "works": bool, "tonnes": np.float64, "tonnes_in": np.float64, "reclaimed": np.float64}
    return table.astype({column: kind for column, kind in kinds.items() if column in table})


def _mined(problem: Problem, sent: Array) -> pd.DataFrame:
    route, period = np.nonzero(sent)
    parcel = problem.route_parcel[route]
    places = [problem.places[k] for k in problem.route_place[route]]
    table = pd.DataFrame(
        {
            "unit": np.asarray(problem.unit_names, dtype=object)[problem.parcel_unit[parcel]],
            "parcel": np.asarray(problem.parcel_names, dtype=object)[parcel],
            "destination": [place.name for place in places],
            "bin": [place.bin for place in places],
            "period": period.astype(np.int64),
            "tonnes": sent[route, period] * problem.parcel_kt[parcel] * 1000,
        }
    )
    order = np.lexsort((problem.route_place[route], parcel, period))
    return table.iloc[order].reset_index(drop=True)[list(MINED)]


def _stock(problem: Problem, sent: Array, reclaimed: Array) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    kt = problem.route_kt
    for k in problem.bins():
        came = (kt[:, None] * sent)[problem.route_place == k].sum(axis=0)
        left = reclaimed[problem.reclaim_place == k].sum(axis=0)
        held = np.maximum(problem.opening_kt[k] + np.cumsum(came - left), 0.0)
        place = problem.places[k]
        rows += [
            (place.name, place.bin, t, 1000 * came[t], 1000 * left[t], 1000 * held[t]) for t in range(problem.periods)
        ]
    return _table(rows, STOCK)


def _reclaim(problem: Problem, reclaimed: Array) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for j, t in np.argwhere(reclaimed > 0).tolist():
        place = problem.places[int(problem.reclaim_place[j])]
        mill = problem.places[int(problem.reclaim_mill[j])].name
        rows.append((place.name, place.bin, mill, t, 1000 * reclaimed[j, t]))
    return _table(rows, RECLAIM)


def _tailings(solution: Solution) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = [
        (mill, facility, t, 1000 * float(kt))
        for (mill, facility), placed in solution.placed.items()
        for t, kt in enumerate(placed)
        if kt > DUST_KT
    ]
    return _table(rows, TAILINGS)
