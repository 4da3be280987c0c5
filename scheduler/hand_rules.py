"""What a planner settles before drawing up a plan by hand: classes of ore, order of mining, what uses which room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scheduler.formulation.reach import topological_order
from scheduler.problem import Array, Index, Mask, Problem

LOW_GRADE_SHARE = 0.6
"""Ore worth less than this share of the mean ore is low grade where one bin takes all the ore."""

NOTHING_KT = 1e-6
"""Less room than this, kt (or t of metal), counts as none."""

Uses = dict[str, float]
"""Room used by resource."""


@dataclass(frozen=True)
class Classes:
    """The fixed cut-off. Shapes: P parcels, U units.

    Attributes:
        direct: ``(P,)`` ore that is milled as it is mined.
        low: ``(P,)`` ore that is kept for the time when the pit no longer fills the mill.
        direct_kt: ``(U,)`` direct ore of each unit.
    """

    direct: Mask
    low: Mask
    direct_kt: Array


@dataclass(frozen=True)
class Usage:
    """What a kt along a route, or a whole unit, uses of each resource.

    Attributes:
        route: by route, for a kt.
        unit: by unit, for all of it.
        reclaim: by reclaim route, for a kt.
    """

    route: list[Uses] = field(default_factory=list)
    unit: list[Uses] = field(default_factory=list)
    reclaim: list[Uses] = field(default_factory=list)


def classes(problem: Problem) -> Classes:
    """Ore is what is worth more milled than wasted, on average over the periods; low grade is the lowest bin of it.

    Where the bin that leaves at the least value takes all the ore, low grade is the ore whose margin, a kt milled, is
    below 0.6 of the mean. Where all ore is low grade by this, all is milled as it is mined.
    """
    cash = problem.route_cash.mean(axis=1) / problem.route_kt
    number = len(problem.parcel_names)
    milled, wasted = np.full(number, -np.inf), np.full(number, -np.inf)
    mills, wastes = problem.route_kind("mill"), problem.route_kind("dump", "tailings_facility")
    np.maximum.at(milled, problem.route_parcel[mills], cash[mills])
    np.maximum.at(wasted, problem.route_parcel[wastes], cash[wastes])
    ore = np.isfinite(milled) & (milled > wasted)
    low = np.zeros(number, dtype=bool)
    lowest = _lowest_bin(problem)
    if lowest is not None and ore.any():
        low[problem.route_parcel[problem.route_place == lowest]] = True
        low &= ore
        if (low | ~ore).all():
            margin = milled - np.where(np.isfinite(wasted), wasted, 0.0)
            low &= margin < LOW_GRADE_SHARE * float(np.average(margin[ore], weights=problem.parcel_kt[ore]))
    direct = ore & ~low
    if not direct.any():
        direct, low = ore, np.zeros(number, dtype=bool)
    return Classes(direct, low, _by_unit(problem, direct))


def _by_unit(problem: Problem, parcels: Mask) -> Array:
    weights = problem.parcel_kt * parcels
    return np.bincount(problem.parcel_unit, weights=weights, minlength=len(problem.unit_names)).astype(np.float64)


def _lowest_bin(problem: Problem) -> int | None:
    """The bin whose ore is worth least when it is reclaimed, on average over the periods."""
    if not len(problem.reclaim_place):
        return None
    return int(problem.reclaim_place[int(np.argmin(problem.reclaim_cash.mean(axis=1)))])


def designs(problem: Problem, chosen: Classes) -> Iterator[Mask]:
    """Pits to mine, ``(U,)`` each: the whole one first, then without the phases of the highest strip ratio.

    A pit is the ore of its phases and all that lies above it. Where the phases worked at once are limited, there is
    only one, with all units, since a phase left unfinished counts for ever.
    """
    number = len(problem.unit_names)
    ore = _by_unit(problem, chosen.direct | chosen.low)
    if problem.phases_active_most is not None:
        yield np.ones(number, dtype=bool)
        return
    phases = len(problem.phases)
    ore_kt = np.bincount(problem.unit_phase, weights=ore, minlength=phases)
    all_kt = np.bincount(problem.unit_phase, weights=problem.unit_kt, minlength=phases)
    richest_first = np.argsort(-ore_kt / np.maximum(all_kt, NOTHING_KT), kind="stable")
    for kept in range(phases, 0, -1):
        yield _with_all_above(problem, (ore > 0) & np.isin(problem.unit_phase, richest_first[:kept]))


def _with_all_above(problem: Problem, wanted: Mask) -> Mask:
    wanted = wanted.copy()
    needs: list[list[int]] = [[] for _ in problem.unit_names]
    for unit, needed in problem.arcs.tolist():
        needs[unit].append(needed)
    for unit in reversed(topological_order(problem)):
        if wanted[unit]:
            wanted[needs[unit]] = True
    return wanted


def hand_order(problem: Problem) -> Index:
    """Rank of each unit, shape ``(U,)``: phases as ``mine.toml`` has them, benches downwards, sectors in order."""
    number = len(problem.unit_names)
    order = np.lexsort((np.arange(number), -problem.unit_bench, problem.unit_phase))
    rank = np.empty(number, dtype=np.int64)
    rank[order] = np.arange(number)
    return rank


def preferences(problem: Problem, chosen: Classes) -> list[list[int]]:
    """Routes of each parcel in the order in which they are tried, at each stage the best paid first.

    Direct ore: mill, bin, waste. Low grade: bin, mill, waste. The rest: waste, bin, mill.
    """
    kinds = {"mill": 0, "stockpile": 1, "dump": 2, "tailings_facility": 2}
    cash = problem.route_cash.mean(axis=1)
    first: list[list[tuple[int, float, int]]] = [[] for _ in problem.parcel_names]
    for route, parcel in enumerate(problem.route_parcel.tolist()):
        place = problem.places[int(problem.route_place[route])]
        stage = kinds[place.kind]
        if chosen.low[parcel]:
            stage = (1, 0, 2)[stage]
        elif not chosen.direct[parcel]:
            stage = (2, 1, 0)[stage]
        first[parcel].append((stage, -float(cash[route]), route))
    return [[route for _, _, route in sorted(routes)] for routes in first]


def usage(problem: Problem) -> Usage:
    """What routes, units and reclaim use of the resources that :mod:`scheduler.hand_period` counts."""
    found = Usage()
    for route, k in enumerate(problem.route_place.tolist()):
        place = problem.places[k]
        uses: Uses = {f"inflow {place.name}": 1.0, f"storage {place.name}": 1.0}
        kt = float(problem.route_kt[route])
        if place.kind == "mill":
            contained = {name: float(metal[route]) / kt for name, metal in problem.route_metal.items()}
            recovered = {name: float(metal[route]) / kt for name, metal in problem.route_recovered.items()}
            uses |= _milled(problem, place.name, contained, recovered)
        elif place.kind == "stockpile":
            uses[f"stock {place.name}"] = 1.0
        if problem.parcel_fill[problem.route_parcel[route]]:
            uses["rehandle"] = 1.0
        uses["ore" if place.kind in {"mill", "stockpile"} else "waste"] = 1.0
        found.route.append(uses)
    for number, row in enumerate(problem.quality):
        if row.out <= 0:
            for route, into in zip(row.routes.tolist(), row.into.tolist(), strict=True):
                found.route[route][f"quality {number}"] = -into / float(problem.route_kt[route])
    bench_kt: dict[tuple[int, int], float] = {}
    benches = list(zip(problem.unit_phase.tolist(), problem.unit_bench.tolist(), strict=True))
    for key, kt in zip(benches, problem.unit_kt.tolist(), strict=True):
        bench_kt[key] = bench_kt.get(key, 0.0) + kt
    for key, kt in zip(benches, problem.unit_kt.tolist(), strict=True):
        found.unit.append({"mining": kt, f"phase {key[0]}": kt, f"benches {key[0]}": kt / bench_kt[key]})
    for j, (place_number, mill) in enumerate(
        zip(problem.reclaim_place.tolist(), problem.reclaim_mill.tolist(), strict=True)
    ):
        name, pile = problem.places[mill].name, problem.places[place_number].name
        contained = {element: float(metal[j]) for element, metal in problem.reclaim_metal.items()}
        recovered = {element: float(metal[j]) for element, metal in problem.reclaim_recovered.items()}
        uses = {f"inflow {name}": 1.0, "rehandle": 1.0, f"reclaim {pile}": 1.0}
        found.reclaim.append(uses | _milled(problem, name, contained, recovered))
    return found


def _milled(problem: Problem, mill: str, contained: dict[str, float], recovered: dict[str, float]) -> Uses:
    uses = {"milling": 1.0}
    if problem.tailings_most:
        uses["tailings"] = problem.tailings_ratio[mill]
    uses |= {
        f"contained {name}": contained[element]
        for name, element in problem.grade_element.items()
        if mill in problem.grade_mills[name]
    }
    return uses | {f"metal {name}": recovered[name] for name in problem.metal}
