"""A point of the relaxation brought near to a schedule by decisions, many at once or one after another.

All nodes that the point has nearly taken by the end of a step are to be taken by then, and all that it has hardly begun
after it: as the point keeps the arcs, so do they. Where that loses too much a single decision is made: a node is taken
by the end of a step, with all that it needs, or after it, with all that needs it; the other side is looked at as well
where the likely one loses much. So a dive ends near to a schedule that is worth little less than its bound. Nothing is
proven: a decision is priced into the program instead of being a row of it, which keeps the relaxation fast.

Source: Danna, Rothberg, Le Pape (2005), "Exploring relaxation induced neighborhoods to improve MIP solutions",
Mathematical Programming 102:71, section 2, for guided diving; Berthold (2006), "Primal heuristics for mixed integer
programs", thesis, TU Berlin, section 2.2.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.cones import middle_node
from solvers.following import taken_by
from solvers.relaxation.bienstock_zuckerberg import solve_relaxation
from solvers.relaxation.result import StopRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.relaxation.partition import Partition
    from solvers.relaxation.program import ClosureProgram, Floats, Integers
    from solvers.relaxation.result import Iteration, RelaxationResult

_DOUBT, _HALF = 1e-6, 0.5
_PRECISE, _ROUGH = 1e-6, 0.03
"""Relative gap to which a relaxation is solved at most, and the gap, over what lies between its bound and what is not
worth going on from, that is enough."""
_LITTLE = 0.02
"""Loss, over the same, up to which the side that the point leans to is taken without a look at the other."""
_NEARLY, _NEARER = 0.8, 0.5
"""Share of a node taken from which it is decided of together with all others like it, and how much nearer to a whole it
has to be after that lost too much."""
_DECIDING = 0.8
"""Share of the time for decisions one after another; the rest is for rounding what is in doubt after them."""


@dataclass(frozen=True, eq=False)
class DiveLimits:
    """When a dive ends.

    Attributes:
        doubtful: So few nodes in doubt are few enough.
        worth: Bound that is not worth going on from.
        solves: Most relaxations solved.
        seconds: Wall-clock limit; None for none.
        seed: Of the choice of nodes.
    """

    doubtful: int
    worth: float
    solves: int
    seconds: float | None
    seed: int


@dataclass(frozen=True, eq=False)
class Dived:
    """Where a dive ended.

    Attributes:
        taken: How much of each node the point has taken by the end of each step ``(n, T)``.
        x: The point ``(P, T, D)``.
        extras: Its continuous variables ``(S,)``.
        bound: No schedule that follows the decisions is worth more.
        doubtful: Nodes in doubt.
        solves: Relaxations solved.
    """

    taken: Floats
    x: Floats
    extras: Floats
    bound: float
    doubtful: int
    solves: int


def relaxed(
    program: ClosureProgram, worth: float, seconds: float | None, begin: Partition | None = None
) -> RelaxationResult:
    """The relaxation of a program, solved as well as is needed to tell whether it is worth going on from.

    Args:
        program: The program.
        worth: Bound that is not.
        seconds: Wall-clock limit; None for none.
        begin: Classes to begin with.
    """
    enough = [False]

    def note(at: Iteration) -> None:
        above = at.best_bound - worth
        enough[0] = above <= 0.0 or at.best_bound - at.master_value <= _ROUGH * above

    rule = StopRule(_PRECISE, seconds, interrupted=lambda: enough[0])
    return solve_relaxation(program, rule, begin=begin, on_iteration=note)


def dive(
    program: ClosureProgram,
    found: RelaxationResult,
    weight: Floats,
    late: Floats,
    limits: DiveLimits,
) -> Dived | None:
    """Decides of nodes until few are in doubt; None where the relaxation has no point.

    Args:
        program: The program; its arcs have no lags.
        found: Its relaxation.
        weight: What each node takes of what is rationed ``(n,)``: those with most of it above and below are decided of.
        late: Loss for every part ``(P,)`` that is taken later than decided; larger than what that would be worth.
        limits: When to end.
    """
    return _Dive(program, weight, late, limits).run(found)


@dataclass(frozen=True, eq=False)
class _Side:
    """The first step of every node, and the last one decided ``(n,)``, with the relaxation of that."""

    first: Integers
    last: Integers
    found: RelaxationResult
    bound: float


class _Dive:
    """State of one dive."""

    def __init__(self, program: ClosureProgram, weight: Floats, late: Floats, limits: DiveLimits) -> None:
        self._begun = time.perf_counter()
        self._program, self._weight, self._late = program, weight, late
        self._limits, self._rng, self._solves = limits, np.random.default_rng(limits.seed), 0
        self._nearly = _NEARLY
        ones, shape = np.ones(program.arc_tail.size, np.int8), (program.n_nodes, program.n_nodes)
        self._needs = sparse.csr_array((ones, (program.arc_tail, program.arc_head)), shape=shape)
        self._needed_by = sparse.csr_array(self._needs.T)

    def run(self, found: RelaxationResult) -> Dived | None:
        """Goes on with the better side until few nodes are in doubt, or a limit is reached."""
        program, rounded = self._program, False
        side = _Side(program.starts, np.full(program.n_nodes, program.n_steps, np.int64), found, found.bound)
        while True:
            x, extras = side.found.x, side.found.extras
            if x is None or extras is None:
                return None
            taken = taken_by(program, x)
            apart = (taken > _DOUBT) & (taken < 1.0 - _DOUBT)
            doubtful = int(apart.any(axis=1).sum())
            done = doubtful <= self._limits.doubtful or side.bound <= self._limits.worth
            if not done and not rounded and self._over():
                # Whatever it loses: of so many in doubt nothing else would come.
                rounded, made = True, self._nearest(side, taken, apart, _HALF)
                if made is not None and made.found.x is not None and made.bound > self._limits.worth:
                    side = made
                    continue
            if done or rounded:
                return Dived(taken, x, extras, side.bound, doubtful, self._solves)
            side = self._together(side, taken, apart) or self._alone(side, taken, apart)

    def _together(self, side: _Side, taken: Floats, apart: NDArray[np.bool_]) -> _Side | None:
        """All nodes that are nearly taken by a step, or nearly not, decided so; None where that loses too much."""
        made = self._nearest(side, taken, apart, self._nearly)
        if made is None or side.bound - made.bound <= _LITTLE * (side.bound - self._limits.worth):
            return made
        self._nearly = 1.0 - _NEARER * (1.0 - self._nearly)
        return None

    def _nearest(self, side: _Side, taken: Floats, apart: NDArray[np.bool_], least: float) -> _Side | None:
        """Nodes of which at least a share is taken by a step, or not, decided so; None where there are none."""
        T = self._program.n_steps
        by = apart & (taken >= least)
        after = apart & ~by & (taken <= 1.0 - least)
        if not by.any() and not after.any():
            return None
        last = np.where(by.any(axis=1), np.minimum(side.last, by.argmax(axis=1)), side.last)
        first = np.where(after.any(axis=1), np.maximum(side.first, T - after[:, ::-1].argmax(axis=1)), side.first)
        return self._side(side, first, last)

    def _alone(self, side: _Side, taken: Floats, apart: NDArray[np.bool_]) -> _Side:
        """One node decided: the side that the point leans to where that loses little, else the better of both."""
        node, step = self._decision(taken, apart)
        by = bool(taken[node, step] >= _HALF)
        likely = self._decided(side, node, step, by=by)
        if side.bound - likely.bound <= _LITTLE * (side.bound - self._limits.worth):
            return likely
        return max(likely, self._decided(side, node, step, by=not by), key=lambda one: one.bound)

    def _over(self) -> bool:
        limits = self._limits
        late = limits.seconds is not None and time.perf_counter() - self._begun >= _DECIDING * limits.seconds
        return late or self._solves >= limits.solves

    def _decision(self, taken: Floats, apart: NDArray[np.bool_]) -> tuple[int, int]:
        """A node, and a step by which it may be taken or not."""
        program, rng = self._program, self._rng
        mass = np.where(apart, self._weight[:, None] * taken * (1.0 - taken), 0.0).sum(axis=0)
        if not mass.any():
            mass = apart.sum(axis=0).astype(np.float64)
        step = int(rng.choice(mass.size, p=mass / mass.sum()))
        nodes = np.flatnonzero(apart[:, step])
        return middle_node((program.arc_tail, program.arc_head), nodes, self._weight, rng), step

    def _decided(self, side: _Side, node: int, step: int, *, by: bool) -> _Side:
        """What is left where a node is taken by a step, with what it needs, or after it, with what needs it."""
        cone = reached(self._needs if by else self._needed_by, np.arange(self._program.n_nodes) == node)
        if by:
            return self._side(side, side.first, np.where(cone, np.minimum(side.last, step), side.last))
        return self._side(side, np.where(cone, np.maximum(side.first, step + 1), side.first), side.last)

    def _side(self, side: _Side, first: Integers, last: Integers) -> _Side:
        """What is left where nodes are taken from their first steps on, by their last ones."""
        program = self._program
        deadline = last[program.part_node]
        reward = np.where(deadline < program.n_steps, self._late, 0.0)
        in_time = np.arange(program.n_steps) <= deadline[:, None]
        value = program.value + (in_time * reward[:, None])[:, :, None]
        left = self._limits.seconds
        if left is not None:
            left = max(left - (time.perf_counter() - self._begun), 0.0)
        decided = replace(program, value=value, first_step=first)
        paid = float(reward.sum())
        found = relaxed(decided, self._limits.worth + paid, left, side.found.partition)
        self._solves += 1
        return _Side(first, last, found, found.bound - paid)


def reached(graph: sparse.csr_array, sources: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Nodes that arcs of a graph ``(n, n)`` lead to from some, these included ``(n,)``."""
    found, layer = sources.copy(), np.flatnonzero(sources)
    while layer.size:
        begins, count = graph.indptr[layer], np.diff(graph.indptr)[layer]
        place = np.arange(int(count.sum())) + np.repeat(begins - np.cumsum(count) + count, count)
        ends = graph.indices[place]
        new = np.zeros(found.size, np.bool_)
        new[ends[~found[ends]]] = True
        found |= new
        layer = np.flatnonzero(new)
    return found
