"""How soon anything can be reached: cones, cumulative capacities and earliest periods."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from scheduler.problem import Array, Index, Mask, Problem

_SLACK = 1e-9
"""Relative; what rounding may take off sums that fit a capacity exactly."""


@dataclass(frozen=True)
class Reach:
    """What precedence and capacities say about when a unit can be mined.

    Attributes:
        above: ``(U, U)`` whether unit v (column) is in the cone of u (row), u itself not included.
        most: ``(U, T)`` upper bound on the fraction of a unit mined by the end of each period.
        finished: ``(U, T)`` whether the unit can be finished by the end of each period.
    """

    above: Mask
    most: Array
    finished: Mask

    @property
    def earliest(self) -> Index:
        """First period in which a unit can be touched, T where never; shape ``(U,)``."""
        touched = self.most > 0
        first = np.where(touched.any(axis=1), touched.argmax(axis=1), self.most.shape[1])
        return np.asarray(first, dtype=np.int64)


def usable_routes(problem: Problem, limits: Reach) -> Mask:
    """Routes and periods in which they are open, their unit can be reached and nothing dominates; ``(R, T)``."""
    earliest = limits.earliest[problem.parcel_unit[problem.route_parcel]]
    open_and_reached = problem.route_open & (np.arange(problem.periods)[None, :] >= earliest[:, None])
    return np.asarray(open_and_reached & ~dominated_routes(problem, open_and_reached))


def dominated_routes(problem: Problem, usable: Mask) -> Mask:
    """Routes to a dump or facility that a route to a stockpile makes needless, by period; ``(R, T)``.

    Proof: let a parcel have a usable route to a bin that pays at least as much in the period. Where no strip ratio has
    a minimum, the stockpile has neither a limit on what it holds nor on what it receives, and the parcel adds no
    negative term to a quality row of the bin, sending it there instead of to waste keeps every row (waste falls, ore
    rises, nothing has to be reclaimed) and loses no cash. So some optimal plan does without the route.
    Source of the idea: Rivera Letelier et al. 2020, Operations Research 68:1425, section 4 (dominated triplets).
    """
    dominated = np.zeros_like(usable)
    if np.isfinite(problem.strip.lower).any() or np.isfinite(problem.strip_cumulative.lower).any():
        return dominated
    harmful = {(row.place, int(r)) for row in problem.quality for r in row.routes[row.into < 0]}
    by_parcel: dict[int, list[int]] = {}
    for route, parcel in enumerate(problem.route_parcel.tolist()):
        by_parcel.setdefault(parcel, []).append(route)
    for routes in by_parcel.values():
        for keep in routes:
            place = problem.places[int(problem.route_place[keep])]
            limited = place.name in problem.stock_most or place.name in problem.inflow_most
            if place.kind != "stockpile" or limited or (int(problem.route_place[keep]), keep) in harmful:
                continue
            for drop in routes:
                if problem.places[int(problem.route_place[drop])].kind in ("dump", "tailings_facility"):
                    better = problem.route_cash[keep] >= problem.route_cash[drop] - 1e-9
                    dominated[drop] |= usable[keep] & better
    return dominated


def cones(problem: Problem) -> Mask:
    """Transitive closure of the arcs, shape ``(U, U)``; rows without the unit itself."""
    number = len(problem.unit_names)
    above = np.zeros((number, number), dtype=bool)
    needs: list[list[int]] = [[] for _ in range(number)]
    for unit, needed in problem.arcs.tolist():
        needs[unit].append(needed)
    for unit in topological_order(problem):
        for needed in needs[unit]:
            above[unit] |= above[needed]
            above[unit, needed] = True
    return above


def topological_order(problem: Problem) -> list[int]:
    """Units in an order in which each comes after all that it needs.

    Raises:
        ValueError: where the arcs run in a cycle.
    """
    number = len(problem.unit_names)
    waiting = np.zeros(number, dtype=np.int64)
    followers: list[list[int]] = [[] for _ in range(number)]
    for unit, needed in problem.arcs.tolist():
        waiting[unit] += 1
        followers[needed].append(unit)
    ready = [unit for unit in range(number) if waiting[unit] == 0]
    order = []
    while ready:
        unit = ready.pop()
        order.append(unit)
        for follower in followers[unit]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    if len(order) < number:
        raise ValueError("the precedence arcs run in a cycle")
    return order


def cumulative_capacities(problem: Problem) -> list[tuple[Array, Array]]:
    """Groups of material with what can be moved of it by the end of each period.

    Each is ``(kt of the group in each unit (U,), cumulative capacity (T,))``: everything mined against the mining
    capacity with every option bought; the parcels that have one place to go against what that place receives; each
    phase against its release.
    """
    bought = np.zeros(problem.periods)
    for option in problem.options:
        if option.widens == "mining":
            bought += np.where(option.effective_from >= option.earliest, option.adds, 0.0)
    mining = problem.mining.upper + bought
    groups = [(problem.unit_kt, np.cumsum(mining))]
    only = _only_place(problem)
    for name, most in problem.inflow_most.items():
        places = [k for k, place in enumerate(problem.places) if place.name == name and place.kind != "mill"]
        bound = np.isin(only, places)
        if bound.any():
            groups.append((_by_unit(problem, bound), np.cumsum(np.minimum(most, mining))))
    for number in range(len(problem.phases)):
        if np.isfinite(problem.phase_most[number]).any():
            kt = np.where(problem.unit_phase == number, problem.unit_kt, 0.0)
            groups.append((kt, np.cumsum(np.minimum(problem.phase_most[number], mining))))
    return groups


def _only_place(problem: Problem) -> Index:
    """The one place a parcel can go to, -1 where there are several."""
    count = np.bincount(problem.route_parcel, minlength=len(problem.parcel_names))
    only = np.full(len(problem.parcel_names), -1, dtype=np.int64)
    only[problem.route_parcel] = problem.route_place
    return np.where(count == 1, only, -1)


def _by_unit(problem: Problem, parcels: Mask) -> Array:
    kt = np.bincount(
        problem.parcel_unit, weights=np.where(parcels, problem.parcel_kt, 0.0), minlength=len(problem.unit_names)
    )
    return np.asarray(kt, dtype=np.float64)


def reach(problem: Problem, *, by_capacity: bool = True) -> Reach:
    """Upper bounds on what can be mined by when; without ``by_capacity`` from openings and lags alone.

    Proof of ``most``: by the end of t at most Q_t kt of a group of material have moved. A unit is begun only when its
    cone is finished, so the group's kt in the cone have moved before any of its own, of which no more than the
    difference is left; a unit is touched no earlier than its cone is finished allowing for lags, and only in periods
    in which each of its parcels has somewhere to go. With whole mining a unit that cannot be mined in full is not
    touched at all. The bound is that of Rivera Letelier et al. 2020, section 5 (early start), by group.
    """
    above = cones(problem)
    number, periods = len(problem.unit_names), problem.periods
    most = np.ones((number, periods))
    for kt, capacity in cumulative_capacities(problem) if by_capacity else []:
        before = above @ kt
        left = capacity[None, :] - before[:, None]
        # What fits exactly in decimals fits, though it may be a small unit at the end of a large sum.
        left = np.where(np.abs(left - kt[:, None]) <= _SLACK * capacity[None, :], kt[:, None], left)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(kt[:, None] > 0, left / kt[:, None], np.where(left >= -1e-6 * before[:, None], 1.0, 0.0))
        most = np.minimum(most, np.clip(share, 0.0, 1.0))
    most[most < 1e-9] = 0.0
    most[most > 1 - 1e-9] = 1.0
    open_unit = np.ones((number, periods), dtype=bool)
    parcel_open = np.zeros((len(problem.parcel_names), periods), dtype=bool)
    np.logical_or.at(parcel_open, problem.route_parcel, problem.route_open)
    np.logical_and.at(open_unit, problem.parcel_unit, parcel_open)
    most = np.where(np.logical_or.accumulate(open_unit, axis=1), most, 0.0)
    needs: list[list[tuple[int, int]]] = [[] for _ in range(number)]
    for arc, (unit, needed) in enumerate(problem.arcs.tolist()):
        needs[unit].append((arc, needed))
    finished = np.zeros((number, periods), dtype=bool)
    for unit in topological_order(problem):
        for arc, needed in needs[unit]:
            since = problem.arc_from[arc]
            ready = np.where(since >= 0, finished[needed, np.maximum(since, 0)], False)
            most[unit] = np.where(ready, most[unit], 0.0)
        if problem.whole:
            most[unit] = np.where(most[unit] >= 1.0, 1.0, 0.0)
        finished[unit] = most[unit] >= 1.0
    return Reach(above, most, finished)


def incompatible_pairs(problem: Problem, limits: Reach) -> list[tuple[int, int, int]]:
    """Pairs of units that cannot both be begun by the end of a period: ``(unit, unit, period)``.

    Proof: once both are begun their cones are finished, so all material of the union of the cones, without the two
    units themselves, has moved; where that exceeds what can have moved by then, they are not both begun. Only the pairs
    are kept of which no unit can be replaced by one that it needs: the others follow by precedence.
    Source: Rivera Letelier et al. 2020, Operations Research 68:1425, section 5 (clique inequalities).
    """
    number = len(problem.unit_names)
    itself = np.eye(number, dtype=bool)
    cone = (limits.above | itself).astype(float)
    related = limits.above | limits.above.T | itself
    needs: list[list[int]] = [[] for _ in range(number)]
    for unit, needed in problem.arcs.tolist():
        needs[unit].append(needed)
    found: set[tuple[int, int, int]] = set()
    for kt, capacity in cumulative_capacities(problem):
        own = cone @ kt
        union = own[:, None] + own[None, :] - (cone * kt) @ cone.T
        before = union if problem.whole else union - kt[:, None] - kt[None, :]
        for period in range(problem.periods):
            if not np.isfinite(capacity[period]):
                continue
            clash = (before > capacity[period] * (1 + 1e-9)) & ~related
            least = clash.copy()
            for unit in range(number):
                least[unit] &= ~clash[needs[unit]].any(axis=0)
            reached = limits.most[:, period] > 0
            least &= least.T & reached[:, None] & reached[None, :]
            found |= {(a, b, period) for a, b in np.argwhere(np.triu(least)).tolist()}
    return sorted(found)


def long_ways(problem: Problem, limits: Reach) -> list[tuple[int, int, int, int]]:
    """Units too far below another to be begun soon after it: ``(unit, above, since, period)``, ``since < period``.

    Proof: let ``above`` be in the cone of ``unit`` and unfinished by the end of ``since``. Then nothing that lies
    between them has been mined by then, and all of it has to be before ``unit`` is begun; where that exceeds what can
    be moved from then to the end of ``period``, ``unit`` is not begun by the end of it. With whole mining the two
    units themselves have to be moved too. Kept are the lowest ``above`` and the highest ``unit``; precedence implies
    the rest.
    Source: Rivera Letelier et al. 2020, Operations Research 68:1425, section 5 (diamond inequalities).
    """
    needs: list[list[int]] = [[] for _ in problem.unit_names]
    followers: list[list[int]] = [[] for _ in problem.unit_names]
    for unit, needed in problem.arcs.tolist():
        needs[unit].append(needed)
        followers[needed].append(unit)
    cone = limits.above.astype(float)
    found: set[tuple[int, int, int, int]] = set()
    for kt, capacity in cumulative_capacities(problem):
        between = (cone * kt) @ cone
        if problem.whole:
            between = between + kt[:, None] + kt[None, :]
        for since, period in itertools.combinations(range(problem.periods), 2):
            if not np.isfinite(capacity[period]):
                continue
            most = capacity[period] - capacity[since]
            far = (between > most * (1 + 1e-9)) & limits.above & (limits.most[:, period] > 0)[:, None]
            kept = far.copy()
            for unit in np.flatnonzero(far.any(axis=1)).tolist():
                kept[unit] &= ~far[needs[unit]].any(axis=0)
            for unit in np.flatnonzero(far.any(axis=0)).tolist():
                kept[:, unit] &= ~far[:, followers[unit]].any(axis=1)
            found |= {(a, b, since, period) for a, b in np.argwhere(kept).tolist()}
    return sorted(found)
