"""A problem as a program over a closure, for the relaxation of the block-scale engine.

The same statement as ``scheduler/formulation``, written a second time and without Pyomo: shares sent are the columns of
the closure program, everything continuous beside them (reclaim, new tailings, installations at work and options bought,
the last two relaxed) are its extras, and every limit is a side row. No reduction that rests on integrality is made, so
the optimum of the relaxation is that of the Pyomo model without its binaries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from scheduler.compiling import PIT
from scheduler.problem import Array, Index, Mask, Problem
from solvers.relaxation.program import ClosureProgram


class UnsupportedError(ValueError):
    """The problem asks for something that the relaxation cannot hold; the message names its key."""


@dataclass
class _Rows:
    """Side rows under construction: entries of columns and extras, and limits."""

    problem: Problem
    column: Index
    entries: list[tuple[Array, Array, Array]] = field(default_factory=list)
    extra_entries: list[tuple[int, int, float]] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(
        self,
        shares: list[tuple[Array, int]],
        extras: list[tuple[int, float]],
        lower: float,
        upper: float,
    ) -> None:
        """Adds a row: weights of whole parcels by route ``(R,)`` in some periods, and weights of extras."""
        if np.isinf(lower) and np.isinf(upper):
            return
        row = len(self.lower)
        for weight, period in shares:
            chosen = np.flatnonzero((weight != 0) & self.problem.route_open[:, period])
            self.entries.append((np.full(len(chosen), row), self.column[chosen, period], weight[chosen]))
        self.extra_entries += [(row, extra, value) for extra, value in extras if value != 0]
        self.lower.append(lower)
        self.upper.append(upper)

    def matrices(self, columns: int, extras: int) -> tuple[sparse.csr_array, sparse.csr_array]:
        """H and G."""
        rows = np.concatenate([entry[0] for entry in self.entries]) if self.entries else np.empty(0, np.int64)
        cols = np.concatenate([entry[1] for entry in self.entries]) if self.entries else np.empty(0, np.int64)
        data = np.concatenate([entry[2] for entry in self.entries]) if self.entries else np.empty(0)
        main = sparse.csr_array(sparse.coo_array((data, (rows, cols)), shape=(len(self.lower), columns)))
        side = np.asarray(self.extra_entries, dtype=float).reshape(-1, 3)
        placed = (side[:, 0].astype(np.int64), side[:, 1].astype(np.int64))
        return main, sparse.csr_array(sparse.coo_array((side[:, 2], placed), shape=(len(self.lower), extras)))


@dataclass(frozen=True)
class Extras:
    """Where each continuous variable stands among the extras.

    Attributes:
        reclaimed: ``(J, T)``.
        placed: (mill, facility) -> ``(T,)``.
        works: installation -> ``(T,)``.
        bought: ``(options, T)``.
        value: objective of each, thousands.
        upper: upper bound of each; the lower is 0.
        whole: whether a plan has it at 0 or 1: what works, what is bought.
    """

    reclaimed: Index
    placed: dict[tuple[str, str], Index]
    works: dict[str, Index]
    bought: Index
    value: Array
    upper: Array
    whole: Mask


@dataclass(frozen=True)
class Compiled:
    """A problem as a closure program.

    Attributes:
        program: the program; its objective is in thousands, constants included.
        extras: where the continuous variables stand.
        column: ``(R, T)`` column of each route and period.
    """

    program: ClosureProgram
    extras: Extras
    column: Index


def closure_program(problem: Problem) -> Compiled:
    """The closure program of a problem.

    Raises:
        UnsupportedError: where the number of active phases is limited: it counts binaries that no closure holds.
    """
    if problem.phases_active_most is not None:
        raise UnsupportedError("limits.phases_active_max: the relaxation of the block-scale engine does not hold it")
    periods = problem.periods
    choice, choices = _choices(problem)
    parts = len(problem.parcel_names)
    steps = np.arange(periods)
    column = (problem.route_parcel[:, None] * periods + steps[None, :]) * choices + choice[:, None]
    value = np.zeros((parts, periods, choices))
    allowed = np.zeros((parts, periods, choices), dtype=bool)
    where = (problem.route_parcel[:, None], steps[None, :], choice[:, None])
    value[where] = problem.route_cash * problem.discount[None, :]
    allowed[where] = problem.route_open
    start = _first_steps(problem)
    extras = _extras(problem)
    rows = _Rows(problem, column)
    closed = _closed_windows(problem, allowed, start)
    for add in (_resources, _stockpiles, _destinations, _tailings, _ratios, _grades, _phases, _operating, _options):
        add(problem, extras, rows)
    main, side = rows.matrices(parts * periods * choices, len(extras.value))
    lower, upper = np.asarray(rows.lower), np.asarray(rows.upper)
    if len(closed):
        shut = sparse.csr_array(
            (np.ones(len(closed)), closed, np.arange(len(closed) + 1)), shape=(len(closed), main.shape[1])
        )
        main = sparse.csr_array(sparse.vstack([main, shut]))
        side = sparse.csr_array(sparse.vstack([side, sparse.csr_array((len(closed), len(extras.value)))]))
        lower, upper = np.append(lower, np.zeros(len(closed))), np.append(upper, np.zeros(len(closed)))
    lag = steps[None, :] - problem.arc_from
    program = ClosureProgram(
        n_nodes=len(problem.unit_names),
        n_steps=periods,
        arc_tail=problem.arcs[:, 0],
        arc_head=problem.arcs[:, 1],
        arc_lag=_uniform_lags(lag),
        part_node=problem.parcel_unit,
        value=value,
        allowed=allowed,
        rows=main,
        row_lower=lower,
        row_upper=upper,
        first_step=start,
        extra_value=extras.value,
        extra_lower=np.zeros(len(extras.value)),
        extra_upper=extras.upper,
        extra_rows=side,
        extra_integer=extras.whole,
        constant=problem.constant(),
    )
    return Compiled(program, extras, column)


def _choices(problem: Problem) -> tuple[Index, int]:
    """Number of each route among those of its parcel, and the most that any parcel has."""
    choice = np.zeros(len(problem.route_parcel), dtype=np.int64)
    seen: dict[int, int] = {}
    for route, parcel in enumerate(problem.route_parcel.tolist()):
        choice[route] = seen.get(parcel, 0)
        seen[parcel] = seen.get(parcel, 0) + 1
    return choice, max(seen.values(), default=1)


def _uniform_lags(lag: Index) -> Index:
    """The lag of each arc in steps.

    Raises:
        UnsupportedError: where periods of unequal length make it change from one to the next.
    """
    if len(lag) == 0 or not lag.any():
        return np.zeros(0, np.int64)
    constant = lag[:, -1]
    steps = np.arange(lag.shape[1])
    expected = np.minimum(constant[:, None], steps[None, :] + 1)
    if not (lag == expected).all():
        raise UnsupportedError("phases.lag_years: a lag over periods of unequal length is not held by the relaxation")
    return np.asarray(constant, dtype=np.int64)


def _parcel_open(problem: Problem) -> Mask:
    """Whether a parcel has anywhere to go in each period, shape ``(P, T)``."""
    found = np.zeros((len(problem.parcel_names), problem.periods), dtype=bool)
    np.logical_or.at(found, problem.route_parcel, problem.route_open)
    return found


def _first_steps(problem: Problem) -> Index:
    """First period in which every parcel of a unit has somewhere to go, T where never; shape ``(U,)``."""
    every = np.ones((len(problem.unit_names), problem.periods), dtype=bool)
    np.logical_and.at(every, problem.parcel_unit, _parcel_open(problem))
    return np.where(every.any(axis=1), every.argmax(axis=1), problem.periods).astype(np.int64)


def _closed_windows(problem: Problem, allowed: Mask, start: Index) -> Index:
    """Columns that stand in for parcels with nowhere to go after their first step; they are held at 0 by rows."""
    parcel_open = _parcel_open(problem)
    after = np.arange(problem.periods)[None, :] >= start[problem.parcel_unit][:, None]
    parcel, period = np.nonzero(~parcel_open & after)
    allowed[parcel, period, 0] = True
    return np.asarray((parcel * problem.periods + period) * allowed.shape[2], dtype=np.int64)


def _extras(problem: Problem) -> Extras:
    discount, periods = problem.discount, problem.periods
    everything = float(problem.unit_kt.sum() + problem.opening_kt.sum())
    value: list[Array] = []
    upper: list[Array] = []
    count = 0

    def block(worth: Array, most: Array) -> Index:
        nonlocal count
        value.append(worth)
        upper.append(most)
        count += len(worth)
        return np.arange(count - len(worth), count)

    reclaimed = [
        block(problem.reclaim_cash[j] * discount, np.full(periods, everything))
        for j in range(len(problem.reclaim_place))
    ]
    placed = {
        (mill, facility): block(np.zeros(periods), np.full(periods, problem.tailings_ratio[mill] * everything))
        for mill in (problem.mills() if problem.tailings_most else [])
        for facility in problem.tailings_most
    }
    works = {}
    for installation in problem.installations:
        cost = discount * (installation.fixed + installation.closure)
        cost[1:] -= installation.closure * discount[:-1]
        works[installation.name] = block(-cost, np.ones(periods))
    bought = [
        block(
            -option.cost * np.append(discount[:-1] - discount[1:], discount[-1]),
            _may_be_bought(option.earliest, periods),
        )
        for option in problem.options
    ]
    whole = np.zeros(count, dtype=bool)
    for switching in (*works.values(), *bought):
        whole[switching] = True
    return Extras(
        np.asarray(reclaimed, dtype=np.int64).reshape(-1, periods),
        placed,
        works,
        np.asarray(bought, dtype=np.int64).reshape(-1, periods),
        np.concatenate(value) if value else np.empty(0),
        np.concatenate(upper) if upper else np.empty(0),
        whole,
    )


def _may_be_bought(earliest: int, periods: int) -> Array:
    return np.where(np.arange(periods) >= earliest, 1.0, 0.0)


def _bought(problem: Problem, extras: Extras, widens: str, period: int) -> list[tuple[int, float]]:
    """Capacity bought, as weights of extras, to be taken from what is used."""
    return [
        (int(extras.bought[number, option.effective_from[period]]), -float(option.adds[period]))
        for number, option in enumerate(problem.options)
        if option.widens == widens and option.effective_from[period] >= 0
    ]


def _reclaim(extras: Extras, routes: Mask, period: int, weight: Array | None = None) -> list[tuple[int, float]]:
    weight = np.ones(len(routes)) if weight is None else weight
    return [(int(extras.reclaimed[j, period]), float(weight[j])) for j in np.flatnonzero(routes).tolist()]


def _resources(problem: Problem, extras: Extras, rows: _Rows) -> None:
    kt = problem.route_kt
    milled = np.where(problem.route_kind("mill"), kt, 0.0)
    fill = np.where(problem.parcel_fill[problem.route_parcel], kt, 0.0)
    everything = np.ones(len(problem.reclaim_place), dtype=bool)
    for t in range(problem.periods):
        reclaim = _reclaim(extras, everything, t)
        rows.add([(kt, t)], _bought(problem, extras, "mining", t), -np.inf, float(problem.mining.upper[t]))
        rows.add([(kt, t)], [], float(problem.mining.lower[t]), np.inf)
        feed = [*reclaim, *_bought(problem, extras, "mill", t)]
        rows.add([(milled, t)], feed, -np.inf, float(problem.milling.upper[t]))
        rows.add([(milled, t)], reclaim, float(problem.milling.lower[t]), np.inf)
        second = [*reclaim, *_bought(problem, extras, "rehandle", t)]
        rows.add([(fill, t)], second, -np.inf, float(problem.rehandle.upper[t]))
        if problem.movement_change_kt is not None and t > 0:
            most = problem.movement_change_kt
            rows.add([(kt, t), (-kt, t - 1)], [], -most, most)


def _stockpiles(problem: Problem, extras: Extras, rows: _Rows) -> None:
    kt = problem.route_kt
    for place in problem.bins():
        into = np.where(problem.route_place == place, kt, 0.0)
        out = problem.reclaim_place == place
        for t in range(problem.periods):
            left = [entry for s in range(t + 1) for entry in _reclaim(extras, out, s)]
            came = [(-into, s) for s in range(t)]
            rows.add(came, left, -np.inf, float(problem.opening_kt[place]))
    for name, most in problem.stock_most.items():
        into = np.where(problem.route_to(name), kt, 0.0)
        opening = float(sum(problem.opening_kt[k] for k in problem.bins() if problem.places[k].name == name))
        for t in range(problem.periods):
            left = [(e, -w) for s in range(t + 1) for e, w in _reclaim(extras, problem.reclaim_from(name), s)]
            rows.add([(into, s) for s in range(t + 1)], left, -np.inf, float(most[t]) - opening)
    for name, most in problem.reclaim_most.items():
        for t in range(problem.periods):
            rows.add([], _reclaim(extras, problem.reclaim_from(name), t), -np.inf, float(most[t]))
    for quality in problem.quality:
        weight = np.zeros(len(problem.route_parcel))
        weight[quality.routes] = quality.into
        out = problem.reclaim_place == quality.place
        for t in range(quality.first, problem.periods + int(quality.last)):
            used = [
                (e, w * quality.out) for s in range(min(t + 1, problem.periods)) for e, w in _reclaim(extras, out, s)
            ]
            rows.add([(-weight, s) for s in range(min(t, problem.periods))], used, -np.inf, quality.opening)


def _destinations(problem: Problem, extras: Extras, rows: _Rows) -> None:
    kt = problem.route_kt
    for name, most in problem.inflow_most.items():
        into = np.where(problem.route_to(name), kt, 0.0)
        mill = name in problem.mills()
        for t in range(problem.periods):
            reclaim = _reclaim(extras, problem.reclaim_to(name), t) if mill else []
            rows.add([(into, t)], reclaim, -np.inf, float(most[t]))
    for name, room in problem.storage_kt.items():
        into = np.where(problem.route_to(name), kt, 0.0)
        for t in range(problem.periods):
            new = [
                (int(index[s]), 1.0)
                for (_, facility), index in extras.placed.items()
                if facility == name
                for s in range(t + 1)
            ]
            rows.add([(into, s) for s in range(t + 1)], new, -np.inf, room)


def _tailings(problem: Problem, extras: Extras, rows: _Rows) -> None:
    if not problem.tailings_most:
        return
    for mill in problem.mills():
        ratio = problem.tailings_ratio[mill]
        milled = np.where(problem.route_to(mill), ratio * problem.route_kt, 0.0)
        for t in range(problem.periods):
            fed = [(e, ratio * w) for e, w in _reclaim(extras, problem.reclaim_to(mill), t)]
            placed = [(int(extras.placed[mill, facility][t]), -1.0) for facility in problem.tailings_most]
            rows.add([(milled, t)], [*fed, *placed], 0.0, 0.0)
    for facility, most in problem.tailings_most.items():
        for t in range(problem.periods):
            placed = [(int(extras.placed[mill, facility][t]), 1.0) for mill in problem.mills()]
            rows.add([], placed, -np.inf, float(most[t]))


def _ratios(problem: Problem, _: Extras, rows: _Rows) -> None:
    ore = problem.route_kind("mill", "stockpile")
    kt = problem.route_kt

    def excess(ratio: float) -> Array:
        return np.where(ore, -ratio * kt, kt)

    for t in range(problem.periods):
        for limits, periods in ((problem.strip, [t]), (problem.strip_cumulative, list(range(t + 1)))):
            if np.isfinite(limits.upper[t]):
                rows.add([(excess(float(limits.upper[t])), s) for s in periods], [], -np.inf, 0.0)
            if np.isfinite(limits.lower[t]):
                rows.add([(excess(float(limits.lower[t])), s) for s in periods], [], 0.0, np.inf)


def _grades(problem: Problem, extras: Extras, rows: _Rows) -> None:
    mills = problem.route_kind("mill")
    everything = np.ones(len(problem.reclaim_place), dtype=bool)
    for name, limits in problem.head_grade.items():
        element = problem.grade_element[name]
        graded, from_stock = problem.graded(name)
        for t in range(problem.periods):
            for side, low, high in ((limits.upper[t], -np.inf, 0.0), (limits.lower[t], 0.0, np.inf)):
                if not np.isfinite(side):
                    continue
                direct = np.where(graded, problem.route_metal[element] - side * problem.route_kt, 0.0)
                stock = _reclaim(extras, from_stock, t, problem.reclaim_metal[element] - side)
                rows.add([(direct, t)], stock, low, high)
    for element, limits in problem.metal.items():
        for t in range(problem.periods):
            direct = np.where(mills, problem.route_recovered[element], 0.0)
            stock = _reclaim(extras, everything, t, problem.reclaim_recovered[element])
            rows.add([(direct, t)], stock, float(limits.lower[t]), float(limits.upper[t]))


def _phases(problem: Problem, _: Extras, rows: _Rows) -> None:
    phase_of_route = problem.unit_phase[problem.parcel_unit[problem.route_parcel]]
    bench = np.stack([problem.unit_phase, problem.unit_bench])
    number = np.unique(bench, axis=1, return_inverse=True)[1]
    bench_kt = np.bincount(number, weights=problem.unit_kt)[number]
    turned = problem.route_kt / bench_kt[problem.parcel_unit[problem.route_parcel]]
    for phase in range(len(problem.phases)):
        here = phase_of_route == phase
        for t in range(problem.periods):
            rows.add([(np.where(here, problem.route_kt, 0.0), t)], [], -np.inf, float(problem.phase_most[phase, t]))
            rows.add([(np.where(here, turned, 0.0), t)], [], -np.inf, float(problem.benches_most[phase, t]))


def _operating(problem: Problem, extras: Extras, rows: _Rows) -> None:
    everything = float(problem.unit_kt.sum() + problem.opening_kt.sum())
    for installation in problem.installations:
        name, works = installation.name, extras.works[installation.name]
        pit = name == PIT
        used = problem.route_kt if pit else np.where(problem.route_to(name), problem.route_kt, 0.0)
        limits, widens = (problem.mining, "mining") if pit else (problem.milling, "mill")
        for t in range(problem.periods):
            most = float(limits.upper[t]) + sum(float(o.adds[t]) for o in problem.options if o.widens == widens)
            if not pit and name in problem.inflow_most:
                most = min(most, float(problem.inflow_most[name][t]))
            reclaim = [] if pit else _reclaim(extras, problem.reclaim_to(name), t)
            rows.add([(used, t)], [*reclaim, (int(works[t]), -min(most, everything))], -np.inf, 0.0)
            if t > 0:
                rows.add([], [(int(works[t]), 1.0), (int(works[t - 1]), -1.0)], -np.inf, 0.0)


def _options(problem: Problem, extras: Extras, rows: _Rows) -> None:
    for number in range(len(problem.options)):
        for t in range(1, problem.periods):
            bought = extras.bought[number]
            rows.add([], [(int(bought[t - 1]), 1.0), (int(bought[t]), -1.0)], -np.inf, 0.0)
