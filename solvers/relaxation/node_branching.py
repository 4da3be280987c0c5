"""The bound of a program brought down by deciding of nodes, one after another, whether they are taken by a step.

The relaxation of a mine takes a third of a large region in the first step, where a schedule takes a third of its nodes.
That costs most of what lies between the two, and one good decision, all of this node's cone by then or nothing of what
needs it, is worth more than any single cut. Best first: the case with the largest bound is split in two. A decision is
good where both sides lose much; how much, only their relaxations tell, so that some are tried at first and those that
did well are asked again in other cases. A relaxation is left as soon as its bound is known well enough beside what it
has lost, and gone on with where the case becomes the largest.

Source: Land and Doig (1960), Econometrica 28:497; for trying decisions before one is taken, Achterberg, Koch, Martin
(2005), "Branching rules revisited", Operations Research Letters 33:42.
"""

from __future__ import annotations

import heapq
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import PseudoflowKernel
from solvers.cones import middle_node
from solvers.relaxation.bienstock_zuckerberg import solve_relaxation
from solvers.relaxation.branching import CasePoint, Cases
from solvers.relaxation.leaves import Decision, Leaf, in_case
from solvers.relaxation.result import Outcome, StopReason, StopRule
from solvers.relaxation.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from solvers.closure import KernelFactory
    from solvers.relaxation.leaves import Chain
    from solvers.relaxation.partition import Partition
    from solvers.relaxation.program import ClosureProgram, Floats
    from solvers.relaxation.result import Iteration

_TRIED_FIRST, _IN_VAIN, _KNOWN = 8, 8, 4
"""Decisions tried before the first is taken, those after which no more are tried where none of them brought anything,
and how many of these may be ones that did well elsewhere: all of them may be about what this case has settled."""
_TRYING_SHARE = 0.1
"""Share of the time after which the best of those tried first is taken."""
_LITTLE = 2e-5
"""Relative; a decision that brings the larger side down by less is not taken."""
_CLEAR = 0.02
"""Least share of a node taken, and left, where something is decided of it."""
_PRECISION, _ROUGH = 2e-5, 0.3
"""Relative gap to which a case is solved, and the gap, over what the case has lost already, at which it is left."""
MOST_NODES = 20_000_000
"""Nodes times cases, for their points and classes to fit into memory."""


@dataclass(frozen=True)
class NodeLimits:
    """When to stop.

    Attributes:
        target: A bound this low is good enough.
        solves: Most relaxations solved; the deterministic limit.
        seconds: Wall-clock limit; None for none.
        interrupted: Asked before every closure; true stops the search.
        threads: Both sides of a decision are solved at the same time where there are several.
    """

    target: float = -np.inf
    solves: int = 100
    seconds: float | None = None
    interrupted: Callable[[], bool] | None = None
    threads: int = 1


@dataclass(frozen=True, eq=False)
class _Case:
    """A case on the way: ``solved`` as well as it can be, ``split`` where no decision would bring it lower."""

    leaf: Leaf
    shares: Shares | None
    extras: Floats | None
    value: float
    partition: Partition | None
    solved: bool = False
    split: bool = False

    @property
    def bound(self) -> float:
        return self.leaf.bound


@dataclass(frozen=True)
class Split:
    """What is known after a split.

    Attributes:
        bound: Of all cases.
        point: Gives the point that is worth most, None where no case has one.
    """

    bound: float
    point: Callable[[], CasePoint | None]


def branch_on_nodes(
    program: ClosureProgram,
    chains: Sequence[Chain],
    cases: Cases,
    limits: NodeLimits | None = None,
    *,
    whole: bool = True,
    kernel: KernelFactory = PseudoflowKernel,
    on_split: Callable[[Split], None] | None = None,
) -> Cases:
    """Splits the cases of a program; deterministic unless the time limit or an interruption ends it.

    Args:
        program: The program, with the rows taken in by the cases.
        chains: Its switching variables.
        cases: What is proven of it so far.
        limits: When to stop.
        whole: Whether a schedule takes each node within one step.
        kernel: Closure kernel.
        on_split: Told after every split, and every case solved closer.
    """
    return _Search(program, chains, limits or NodeLimits(), kernel, whole=whole).run(cases, on_split)


class _Search:
    """State of one run."""

    def __init__(
        self,
        program: ClosureProgram,
        chains: Sequence[Chain],
        limits: NodeLimits,
        kernel: KernelFactory,
        *,
        whole: bool,
    ) -> None:
        self._begun = time.perf_counter()
        self._program, self._chains, self._limits = program, chains, limits
        self._kernel, self._whole = kernel, whole
        self._open: list[tuple[float, int, _Case]] = []
        self._order = itertools.count()
        self._scores: dict[tuple[int, int], float] = {}
        self._solves = 0
        self._rng = np.random.default_rng(0)
        self._most_cases = MOST_NODES // max(program.n_nodes, 1)

    def run(self, cases: Cases, told: Callable[[Split], None] | None) -> Cases:
        """Splits the largest case again and again."""
        if not self._program.n_parts:
            return cases
        points = {point.leaf: point for point in cases.points}
        for number, leaf in enumerate(cases.leaves):
            known = points.get(number)
            if known is None:
                self._push(_Case(leaf, None, None, -np.inf, None))
            else:
                self._push(_Case(leaf, known.shares, known.extras, known.value, known.partition))
        self._solves += cases.solves
        budget = cases.solves + self._limits.solves
        while not self._over(budget) and len(self._open) < self._most_cases:
            case = self._open[0][2]
            if case.bound <= self._limits.target or case.split:
                break
            heapq.heappop(self._open)
            if case.shares is None or not (case.solved or self._precise(case)):
                self._solves += 1
                parts = [self._solved(case, np.inf)]
            else:
                parts = self._parts(case)
            for part in parts:
                self._push(part)
            if told is not None:
                told(Split(self._open[0][2].bound, self._best_point))
        return self._answer(cases)

    def _push(self, case: _Case) -> None:
        heapq.heappush(self._open, (-case.bound, next(self._order), case))

    def _over(self, budget: float = np.inf) -> bool:
        limits = self._limits
        late = limits.seconds is not None and time.perf_counter() - self._begun >= limits.seconds
        asked = limits.interrupted is not None and limits.interrupted()
        return late or asked or self._solves >= budget

    def _precise(self, case: _Case) -> bool:
        return case.bound - case.value <= _PRECISION * max(abs(case.bound), 1e-9)

    def _parts(self, case: _Case) -> list[_Case]:
        """The two cases of the decision that brings the larger of them down most; the case itself where none does."""
        first, best, known = not self._scores, (0.0, [replace(case, split=True)]), False
        began, seconds = time.perf_counter(), self._limits.seconds
        for tried, decision in enumerate(self._to_try(case), start=1):
            sides = self._sides(case, decision)
            gain = case.bound - max(side.bound for side in sides)
            self._learn(decision, gain)
            if gain > best[0] and gain > _LITTLE * abs(case.bound):
                best, known = (gain, sides), True
            long = seconds is not None and time.perf_counter() - began > _TRYING_SHARE * seconds
            enough = tried >= (_TRIED_FIRST if first and not long else 1) if known else tried >= _IN_VAIN
            if enough or self._over():
                break
        if not known and self._over():
            return [case]
        return best[1]

    def _learn(self, decision: tuple[int, int], gain: float) -> None:
        before = self._scores.get(decision, gain)
        self._scores[decision] = 0.5 * (before + gain)

    def _to_try(self, case: _Case) -> Iterator[tuple[int, int]]:
        """Nodes and steps to decide of, those that did best elsewhere first, then others drawn."""
        assert case.shares is not None  # noqa: S101
        taken = np.cumsum(case.shares.table().sum(axis=2), axis=1)
        taken = np.where(self._program.first_part[:, None] >= 0, taken[self._program.first_part], 0.0)
        apart = (taken > _CLEAR) & (taken < 1.0 - _CLEAR)
        known = [(gain, *decision) for decision, gain in self._scores.items() if gain > 0 and apart[decision]]
        for _, node, step in sorted(known, reverse=True)[:_KNOWN]:
            yield node, step
        weight, arcs = self._weights(case), (self._program.arc_tail, self._program.arc_head)
        mass = np.where(apart, weight[:, None] * taken * (1.0 - taken), 0.0).sum(axis=0)
        for _ in range(2 * _TRIED_FIRST):
            if not mass.any():
                return
            step = int(self._rng.choice(mass.size, p=mass / mass.sum()))
            node = middle_node(arcs, np.flatnonzero(apart[:, step]), weight, self._rng)
            if (node, step) not in self._scores:
                yield node, step

    def _weights(self, case: _Case) -> Floats:
        """What each node takes of what the side rows ration, in the mean of its steps ``(n,)``."""
        program, own = self._program, case.leaf.multipliers[: self._program.n_rows]
        cost = (program.rows_transposed @ own).reshape(program.value.shape)
        worth = program.worth - cost
        if program.open_choices is not None:
            worth = np.where(program.open_choices, worth, -np.inf)
        choice = worth.argmax(axis=2)[:, :, None]
        paid = np.take_along_axis(cost, choice, axis=2)[:, :, 0].mean(axis=1)
        weight = np.bincount(program.part_node, np.maximum(paid, 0.0), program.n_nodes)
        # Nothing is rationed where no row is paid for: then the nodes are counted.
        return np.asarray(weight + max(float(weight.mean()), 1e-300) * 1e-3, dtype=np.float64)

    def _sides(self, case: _Case, decision: tuple[int, int]) -> list[_Case]:
        """The two cases that a decision leaves."""
        self._solves += 2
        if self._limits.threads == 1:
            return [self._side(case, decision, taken=taken) for taken in (False, True)]
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(lambda taken: self._side(case, decision, taken=taken), (False, True)))

    def _side(self, case: _Case, decision: tuple[int, int], *, taken: bool) -> _Case:
        leaf = case.leaf
        multipliers = np.append(leaf.multipliers, 0.0) if taken else leaf.multipliers
        decisions = (*leaf.decisions, Decision(*decision, taken))
        return self._solved(replace(case, leaf=Leaf(leaf.ranges, multipliers, leaf.bound, decisions)), case.bound)

    def _solved(self, case: _Case, before: float) -> _Case:
        """A case solved, roughly where it has lost much of the bound before; no larger than it was."""
        leaf = case.leaf
        program = in_case(self._program, self._chains, leaf.ranges, leaf.decisions, whole=self._whole)
        if program is None:
            leaf = replace(leaf, bound=-np.inf)
            return _Case(leaf, None, None, -np.inf, None, solved=True, split=True)
        enough = [False]

        def note(iteration: Iteration) -> None:
            left, lost = iteration.best_bound - iteration.master_value, before - iteration.best_bound
            enough[0] = (
                bool(np.isfinite(before) and left <= _ROUGH * lost) or iteration.best_bound <= self._limits.target
            )

        limits = self._limits
        left = None if limits.seconds is None else max(limits.seconds - (time.perf_counter() - self._begun), 0.0)
        rule = StopRule(
            relative_gap=_PRECISION,
            seconds=left,
            interrupted=lambda: enough[0] or (limits.interrupted is not None and limits.interrupted()),
        )
        found = solve_relaxation(program, rule, kernel=self._kernel, begin=case.partition, on_iteration=note)
        if found.outcome is Outcome.INFEASIBLE:
            return _Case(replace(leaf, multipliers=found.multipliers, bound=-np.inf), None, None, -np.inf, None)
        if found.bound < leaf.bound:
            leaf = replace(leaf, multipliers=found.multipliers, bound=found.bound)
        solved = found.outcome is Outcome.OPTIMAL or found.reason is StopReason.EXHAUSTED
        split = solved and found.x is None
        shares = None if found.x is None else Shares.of(found.x)
        return _Case(leaf, shares, found.extras, found.value, found.partition, solved=solved, split=split)

    def _answer(self, cases: Cases) -> Cases:
        found = self._cases()
        return Cases(
            leaves=tuple(case.leaf for case in found),
            rows=cases.rows,
            bound=max(case.bound for case in found),
            solves=self._solves,
            seconds=cases.seconds + time.perf_counter() - self._begun,
            points=tuple(self._points(found)),
        )

    def _cases(self) -> list[_Case]:
        """The open cases, the largest first."""
        return [entry[2] for entry in sorted(self._open, key=lambda entry: entry[:2])]

    def _points(self, cases: Sequence[_Case]) -> Iterator[CasePoint]:
        """The points of cases, that worth most first; those of cases nothing is decided of are far from schedules."""
        first = self._program.n_rows

        def rank(pair: tuple[int, _Case]) -> tuple[bool, float]:
            return bool(pair[1].leaf.decisions), pair[1].value

        for number, case in sorted(enumerate(cases), key=rank, reverse=True):
            if case.shares is not None and case.extras is not None:
                prices = case.leaf.multipliers[:first]
                yield CasePoint(case.bound, case.shares, case.extras, prices, case.value, number, case.partition)

    def _best_point(self) -> CasePoint | None:
        return next(self._points(self._cases()), None)
