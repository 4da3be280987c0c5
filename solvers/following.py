"""Schedules that follow a point of the relaxation: each node in the step in which the point has taken enough of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solvers.capacities import capacities
from solvers.cones import cone_by_cone, heads_of
from solvers.grouped import Groups
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_TOUCHED = 1e-6
_ROOM = 1e-9
_DIGITS = 7
_HALF = 0.5
_LEAST = 0.2
"""Share of a node that the point has taken by the step in which it is taken where there is room."""


def point_at(program: ClosureProgram, x: Floats, extras: Floats, share: float = _HALF) -> Schedule:
    """Every node in the first step by whose end a point of the relaxation has taken a share of it, half unless given.

    What the point takes by then keeps the arcs, so this does as well; rows may be broken.
    """
    return _at(program, x, extras, (taken_by(program, x) < share).sum(axis=1))


def filled_at(
    program: ClosureProgram, x: Floats, extras: Floats, least: float = _LEAST, *, every_row: bool = False
) -> Schedule:
    """Step by step the nodes of which a point of the relaxation has taken most, up to the capacities of the step.

    It keeps the arcs, and rows that limit what each step takes where the point's choices use no more of them than the
    cheapest; other rows may be broken.

    Args:
        program: The program.
        x: A point of its relaxation ``(P, T, D)``.
        extras: Its continuous variables ``(S,)``.
        least: Share of a node that the point has taken by the end of the step in which it is taken.
        every_row: Whether as many are taken as keep every row of one step, ratios as well, with the point's choices and
            continuous variables, or break them least where half of them would be left out. Less is taken then.
    """
    # Rounded, so that no node goes before one that it needs for a digit that means nothing.
    taken, T = np.round(taken_by(program, x), _DIGITS), program.n_steps
    limits, needs = list(capacities(program)), heads_of(program.arc_tail, program.arc_head, program.n_nodes)
    mean, last = np.round(T - taken.sum(axis=1), _DIGITS), -np.arange(program.n_nodes)
    step = np.full(program.n_nodes, T)
    rows = _RowsOfSteps(program, x, extras) if every_row else None
    for t in range(T):
        may = (step >= T) & (taken[:, t] >= least) & (program.starts <= t)
        free = np.flatnonzero(may)
        first = free[np.lexsort((last[free], mean[free], -taken[free, t]))]
        order = np.array(cone_by_cone(first, needs, may), np.int64)
        count = order.size
        for capacity in limits:
            inside = np.cumsum(capacity.use[order, t]) <= capacity.limit[t] * (1.0 + _ROOM)
            count = min(count, int(inside.sum()))
        if rows is not None:
            count = rows.most(order[:count], t)
        step[order[:count]] = t
    return _at(program, x, extras, _after_heads(program, step))


class _RowsOfSteps:
    """Side rows that hold one step each, with the choices that a point has there."""

    def __init__(self, program: ClosureProgram, x: Floats, extras: Floats) -> None:
        rows, D = program.rows, program.n_choices
        self._program, self._x = program, x
        step = (rows.indices // D) % program.n_steps
        held = np.flatnonzero(np.diff(rows.indptr))
        begins = rows.indptr[held]
        first, last = (extreme.reduceat(step, begins) if held.size else held for extreme in (np.minimum, np.maximum))
        self._rows, self._step = held[first == last], first[first == last]
        aside = program.extras_matrix @ extras
        self._lower, self._upper = program.row_lower - aside, program.row_upper - aside

    def most(self, order: Integers, step: int) -> int:
        """How many of some nodes, in their order, to take in a step: most that keep the rows, or break them least."""
        rows = self._rows[self._step == step]
        if not rows.size or not order.size:
            return int(order.size)
        broken = np.zeros(order.size + 1)
        share = _shares(self._x, np.arange(self._program.n_parts), np.full(self._program.n_parts, step))
        for row in rows.tolist():
            terms = self._terms(row, share)[order]
            activity = np.concatenate([[0.0], np.cumsum(terms)])
            low, high = self._lower[row], self._upper[row]
            excess = np.maximum(np.maximum(activity - high, low - activity), 0.0)
            broken += excess / max(float(np.abs(terms).sum()), 1e-300)
        broken[broken <= _ROOM] = 0.0
        least = int(_HALF * order.size)
        return least + int(np.flatnonzero(broken[least:] == broken[least:].min())[-1])

    def _terms(self, row: int, share: Floats) -> Floats:
        """What every node adds to a row of a step ``(n,)``."""
        rows, D = self._program.rows, self._program.n_choices
        own = slice(rows.indptr[row], rows.indptr[row + 1])
        part, choice = rows.indices[own] // (D * self._program.n_steps), rows.indices[own] % D
        added = rows.data[own] * share[part, choice]
        return np.asarray(np.bincount(self._program.part_node[part], added, self._program.n_nodes), dtype=np.float64)


def _after_heads(program: ClosureProgram, step: Integers) -> Integers:
    """Steps no earlier than the arcs allow."""
    by_tail = Groups(program.arc_tail)
    while True:
        later = step.copy()
        by_tail.raise_to(later, np.minimum(step[program.arc_head] + program.lags, program.n_steps))
        if np.array_equal(later, step):
            return step
        step = later


def _at(program: ClosureProgram, x: Floats, extras: Floats, step: Integers) -> Schedule:
    """Nodes in given steps, with the choices that the point has there, or for the most part."""
    there = np.flatnonzero(step[program.part_node] < program.n_steps)
    chosen = np.zeros((program.n_parts, program.n_choices))
    chosen[there] = _shares(x, there, step[program.part_node[there]])
    values = np.where(program.whole_extras, np.ceil(extras - _TOUCHED), extras)
    return Schedule(step, chosen, np.clip(values, program.extra_lower, program.extra_upper))


def _shares(x: Floats, part: Integers, step: Integers) -> Floats:
    """Shares of the choices of parts in steps ``(k, D)``: those of the point there, or its most frequent choice."""
    now, all_told = x[part, step], x[part].sum(axis=1)
    total = now.sum(axis=1, keepdims=True)
    most = np.eye(x.shape[2])[all_told.argmax(axis=1)]
    return np.asarray(np.where(total > _TOUCHED, now / np.maximum(total, _TOUCHED), most))


def taken_by(program: ClosureProgram, x: Floats) -> Floats:
    """How much of every node a point takes by the end of each step ``(n, T)``, read off its first part.

    A node without parts is taken as soon as all that it needs is, or as its own first step allows.
    """
    first = program.first_part
    taken = np.cumsum(x.sum(axis=2), axis=1)[np.maximum(first, 0)]
    bare = np.flatnonzero(first < 0)
    if bare.size:
        taken[bare] = np.arange(program.n_steps)[None, :] >= program.starts[bare, None]
        _lower_to_arcs(program, taken, bare)
    return np.asarray(taken)


def _lower_to_arcs(program: ClosureProgram, taken: Floats, bare: np.ndarray) -> None:
    """Lowers nodes without parts to what the nodes they need allow, until nothing changes."""
    loose = np.zeros(program.n_nodes, np.bool_)
    loose[bare] = True
    concerned = np.flatnonzero(loose[program.arc_tail])
    tail, head, lag = program.arc_tail[concerned], program.arc_head[concerned], program.lags[concerned]
    steps = np.arange(program.n_steps)
    since = steps[None, :] - lag[:, None]
    while True:
        before = taken[bare].copy()
        allowed = np.where(since >= 0, taken[head[:, None], np.maximum(since, 0)], 0.0)
        np.minimum.at(taken, tail, allowed)
        if np.array_equal(before, taken[bare]):
            return
