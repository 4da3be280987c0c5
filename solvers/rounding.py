"""Whole schedules from a point of the relaxation: placed in order, moved where it pays, choices solved again.

Every node is taken whole in one step, after or with the nodes it needs. Nodes are placed one by one in a topological
order given by the times of the relaxation, each with the choice that the relaxation gives most of it, in the first step
from its own first appearance in the relaxation on that has room. Then nodes that cost are moved late and nodes that
earn early, as far as neighbours and room allow, and the choices are optimised with the steps fixed, which is a linear
program. Rows with a lower limit are not looked at while placing; that last program keeps them or finds no point.

Source: Chicoisne, Espinoza, Goycoolea, Moreno, Rubio (2012), "A new algorithm for the open-pit mine production
scheduling problem", Operations Research 60:517 (TopoSort).
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_TOUCHED = 1e-6
_ROOM = 1e-9
_PASSES = 3
_QUANTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Rounded:
    """A whole schedule.

    Attributes:
        objective: Value of the schedule.
        x: Share of every node in each step by choice ``(n, T, D)``; a node is in one step only.
        order: Name of the order it came from.
    """

    objective: float
    x: Floats
    order: str


class RoundingError(ValueError):
    """The program has parts, lags or continuous variables that rounding does not handle."""


def round_relaxation(program: ClosureProgram, x: Floats) -> Rounded | None:
    """The best whole schedule over several orders; None where no order leads to one. Deterministic.

    Args:
        program: One part a node, no lags, no continuous variables.
        x: A point of the relaxation ``(n, T, D)``.

    Raises:
        RoundingError: The program is of another form.
    """
    simple = np.array_equal(program.part_node, np.arange(program.n_nodes))
    if not simple or program.lags.any() or program.extra_value.size:
        raise RoundingError("rounding needs one part a node, no lags and no continuous variables")
    best: Rounded | None = None
    for name, times in _orders(program, x):
        schedule = _Schedule(program, x, times)
        schedule.place()
        for _ in range(_PASSES):
            schedule.push_late()
            schedule.pull_early()
        found = _with_best_choices(program, schedule, name)
        if found is not None and (best is None or found.objective > best.objective):
            best = found
    if best is None or best.objective < program.constant:
        best = _with_best_choices(program, _Schedule(program, x, np.zeros(program.n_nodes)), "nothing taken") or best
    return best


def _orders(program: ClosureProgram, x: Floats) -> Iterator[tuple[str, Floats]]:
    """Times ``(n,)`` to order by: the expected one, and those at which a share of the node is done."""
    T = program.n_steps
    taken = np.cumsum(x.sum(axis=2), axis=1)
    expected = T - taken.sum(axis=1)
    yield "expected time", expected
    for quantile in _QUANTILES:
        reached = (taken < quantile - _TOUCHED).sum(axis=1)
        yield f"time of {quantile:g}", reached + expected / (T + 1.0)


class _Schedule:
    """Step and choice of every node, and the use of every row; steps of T mean never."""

    def __init__(self, program: ClosureProgram, x: Floats, times: Floats) -> None:
        n, T = program.n_nodes, program.n_steps
        self._program, self._T = program, T
        ones = np.ones(program.arc_tail.size)
        needs = sparse.csr_array((ones, (program.arc_tail, program.arc_head)), shape=(n, n))
        self._needs, self._needed_by = _lists(needs), _lists(sparse.csr_array(needs.T))
        worth = program.worth if program.open_choices is None else np.where(program.open_choices, program.worth, -1e300)
        mass = x.sum(axis=1)
        self.choice: Integers = np.where(
            mass.sum(axis=1) > _TOUCHED, mass.argmax(axis=1), worth.max(axis=1).argmax(axis=1)
        )
        self._worth = np.take_along_axis(worth, self.choice[:, None, None], axis=2)[:, :, 0]
        self._floor = np.maximum((np.cumsum(x.sum(axis=2), axis=1) <= _TOUCHED).sum(axis=1), program.starts)
        self.step = np.full(n, T, np.int64)
        self._columns = program.rows_transposed
        size = np.where(np.isfinite(program.row_upper), np.abs(program.row_upper), 0.0)
        self._limit = program.row_upper + _ROOM * np.maximum(size, 1e-9)
        self._use = np.zeros(program.n_rows)
        self._order = self._topological(times)

    def place(self) -> None:
        """Every node the relaxation touches, in order, in the first step with room from its floor on."""
        for node in self._order:
            first = max(int(self._floor[node]), self._after(node))
            step = next((t for t in range(first, self._T) if self._fits(node, t)), self._T)
            self._put(node, step)

    def push_late(self) -> None:
        """Nodes that cost, last first: to the best step between their own and the first that needs them, or away."""
        for node in reversed(self._order):
            now = int(self.step[node])
            if now == self._T or self._worth[node, now] >= 0.0:
                continue
            last = min((int(self.step[other]) for other in self._needed_by[node]), default=self._T)
            self._move(node, range(now + 1, min(last, self._T - 1) + 1), away=last == self._T)

    def pull_early(self) -> None:
        """Nodes that earn, first first: to the best step from those they need up to their own."""
        for node in self._order:
            now = int(self.step[node])
            if self._worth[node, min(now, self._T - 1)] > 0.0:
                self._move(node, range(max(self._after(node), int(self._program.starts[node])), now))

    def _move(self, node: int, steps: range, *, away: bool = False) -> None:
        """To the step of most worth with room; stays where none is better."""
        now = int(self.step[node])
        self._put(node, self._T)
        best, worth = now, self._value(node, now)
        if away and worth < 0.0:
            best, worth = self._T, 0.0
        for step in steps:
            value = self._value(node, step)
            if value > worth and self._fits(node, step):
                best, worth = step, value
        self._put(node, best)

    def _value(self, node: int, step: int) -> float:
        return float(self._worth[node, step]) if step < self._T else 0.0

    def _after(self, node: int) -> int:
        """Last step of the nodes it needs; T where one of them is never taken."""
        return max((int(self.step[other]) for other in self._needs[node]), default=0)

    def _entries(self, node: int, step: int) -> tuple[NDArray[np.int32], Floats]:
        """Rows a node uses in a step, and how much of each."""
        column = (node * self._T + step) * self._program.n_choices + int(self.choice[node])
        place = slice(self._columns.indptr[column], self._columns.indptr[column + 1])
        return self._columns.indices[place], self._columns.data[place]

    def _fits(self, node: int, step: int) -> bool:
        if self._worth[node, step] <= -1e299:
            return False
        rows, amounts = self._entries(node, step)
        return bool((self._use[rows] + amounts <= self._limit[rows]).all())

    def _put(self, node: int, step: int) -> None:
        """Moves a node, whatever the room."""
        for sign, at in ((-1.0, int(self.step[node])), (1.0, step)):
            if at < self._T:
                rows, amounts = self._entries(node, at)
                self._use[rows] += sign * amounts
        self.step[node] = step

    def _topological(self, times: Floats) -> list[int]:
        """All nodes, each after those it needs, of those that may come next always the earliest."""
        waiting = [len(others) for others in self._needs]
        heap = [(float(times[node]), node) for node, count in enumerate(waiting) if not count]
        heapq.heapify(heap)
        order: list[int] = []
        while heap:
            _, node = heapq.heappop(heap)
            order.append(node)
            for other in self._needed_by[node]:
                waiting[other] -= 1
                if not waiting[other]:
                    heapq.heappush(heap, (float(times[other]), other))
        return order


def _lists(matrix: sparse.csr_array) -> list[list[int]]:
    """Column numbers of every row."""
    starts, columns = matrix.indptr.tolist(), matrix.indices.tolist()
    return [columns[a:b] for a, b in itertools.pairwise(starts)]


def _with_best_choices(program: ClosureProgram, schedule: _Schedule, name: str) -> Rounded | None:
    """The schedule with its steps fixed and its choices optimal; None where no choices keep every row."""
    n, T, D = program.n_nodes, program.n_steps, program.n_choices
    taken = np.flatnonzero(schedule.step < T)
    x = np.zeros((n, T, D))
    if taken.size:
        start = (taken * T + schedule.step[taken]) * D
        columns = (start[:, None] + np.arange(D)).ravel()
        chosen = np.repeat(np.arange(taken.size), D)
        once = sparse.csr_array((np.ones(columns.size), (chosen, np.arange(columns.size))))
        opened = program.open_choices
        upper = np.ones(columns.size) if opened is None else opened.ravel()[columns].astype(np.float64)
        linear = Program(
            cost=program.worth.ravel()[columns] * (upper > 0.0),
            lower=np.zeros(columns.size),
            upper=upper,
            integer=np.zeros(columns.size, np.bool_),
            matrix=sparse.csr_array(sparse.vstack([once, program.rows[:, columns]], format="csr")),
            row_lower=np.concatenate([np.ones(taken.size), program.row_lower]),
            row_upper=np.concatenate([np.ones(taken.size), program.row_upper]),
            maximise=True,
        )
        found = solve(linear, SolveOptions(threads=1)).x
        if found is None:
            return None
        share = np.clip(found.reshape(-1, D), 0.0, 1.0)
        x.reshape(-1)[columns] = (share / share.sum(axis=1, keepdims=True)).ravel()
    elif (program.row_lower > 0.0).any() or (program.row_upper < 0.0).any():
        return None
    return Rounded(float((program.worth * x).sum()) + program.constant, x, name)
