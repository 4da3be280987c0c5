"""The bound of a program brought down by cases and by rows kept aside.

Best first: the case with the largest bound is split where the point of its relaxation switches, until it is a single
combination; then rows that its point violates are taken in. The bound of the whole is the largest of any case, so work
stops where that case can be brought no lower, and a case is left alone as soon as it is known to lie below one of
those. Before a case is solved the multipliers of all others are tried on it: cases differ in the box of the continuous
variables alone, so that the closure they are worth is known already.

Whatever the search does, what it leaves behind is a list of leaves that anybody can check (``leaves.py``).
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import PseudoflowKernel
from solvers.relaxation.bienstock_zuckerberg import solve_relaxation
from solvers.relaxation.bound import project_multipliers, row_and_box_terms
from solvers.relaxation.leaves import Chain, Leaf, Ranges, every_case, in_case, missing_case
from solvers.relaxation.pricing import bracketed_bound
from solvers.relaxation.result import Outcome, RelaxationResult, StopRule
from solvers.relaxation.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.closure import KernelFactory
    from solvers.relaxation.partition import Partition
    from solvers.relaxation.program import ClosureProgram, Floats, Integers
    from solvers.relaxation.result import Iteration
    from solvers.relaxation.valid_rows import ValidRows

_ROWS_A_ROUND = 150
_ROUNDS = 12
_PRECISE_SHARE, _COARSE_GAP = 0.1, 5e-4
"""Share of the time left after which the relaxation of a case may end with a coarser gap, and that gap."""
_NO_BETTER = 2e-5
"""Relative; a round of rows that brings a bound down by less is the last."""
_SLACK = 1e-6


@dataclass(frozen=True)
class CaseLimits:
    """When to stop.

    Attributes:
        relative_gap: At which the relaxation of a case counts as solved.
        target: A bound this low is good enough.
        solves: Most relaxations solved; the deterministic limit.
        seconds: Wall-clock limit; None for none.
        interrupted: Asked before every closure; true stops the search.
    """

    relative_gap: float = 2e-5
    target: float = -np.inf
    solves: int = 60
    seconds: float | None = None
    interrupted: Callable[[], bool] | None = None


@dataclass(frozen=True, eq=False)
class Cases:
    """What was proven.

    Attributes:
        leaves: Cases that together hold every combination; multipliers of the program's rows, then of ``rows``.
        rows: Numbers of the rows taken in, rising.
        bound: The largest of the leaves.
        solves: Relaxations solved.
        seconds: Wall-clock time.
        points: Primal points of the relaxations of the leaves that have one: those of single combinations, or with
            decisions, first, and of these the ones worth most. A point of a relaxation that was cut short is worth
            little whatever its bound.
    """

    leaves: tuple[Leaf, ...]
    rows: Integers
    bound: float
    solves: int
    seconds: float
    points: tuple[CasePoint, ...] = ()


@dataclass(frozen=True, eq=False)
class CasePoint:
    """A point of the relaxation of a case.

    Attributes:
        bound: Of the case.
        shares: By part, step and choice.
        extras: Continuous variables ``(S,)``.
        multipliers: Of the program's own rows ``(M,)``.
        value: Objective of the point.
        leaf: Number of the case among the leaves.
        partition: What its relaxation ended with; None where it is not known.
    """

    bound: float
    shares: Shares
    extras: Floats
    multipliers: Floats
    value: float = -np.inf
    leaf: int = 0
    partition: Partition | None = None

    @property
    def x(self) -> Floats:
        """Shares by part, step and choice ``(P, T, D)``."""
        return self.shares.table()


@dataclass(frozen=True, eq=False)
class _Case:
    """An open case; multipliers of the program's own rows ``(M,)`` and of all rows kept aside ``(K,)``.

    ``settled``: no rows or splits would bring it lower. ``unsolved``: bounded by multipliers from elsewhere alone.
    ``value``: of its point. ``partition``: what its relaxation ended with. ``closure``: worth of the closure of its
    multipliers, the same in every case.
    """

    ranges: Ranges
    bound: float
    own: Floats
    aside: Floats
    extras: Floats | None
    settled: bool
    x: Floats | None = None
    value: float = -np.inf
    partition: Partition | None = None
    closure: float = np.inf
    unsolved: bool = False

    @property
    def single(self) -> bool:
        return all(low == high for low, high in self.ranges)


def bound_by_cases(
    program: ClosureProgram,
    chains: Sequence[Chain],
    aside: ValidRows,
    limits: CaseLimits | None = None,
    *,
    root: RelaxationResult | None = None,
    begin: Sequence[Leaf] = (),
    kernel: KernelFactory = PseudoflowKernel,
) -> Cases:
    """Brings the bound of a program down; deterministic unless the time limit or an interruption ends it.

    Args:
        program: The program.
        chains: Its switching variables; none for no cases but the whole.
        aside: Rows that every integral point keeps.
        limits: When to stop.
        root: The relaxation of the whole where it is known, of this program or of one with the same rows that allows
            more; it is not solved again then.
        begin: Cases to begin with instead of the whole, as those that a like program ended with: multipliers of the
            program's rows, then of all rows kept aside. Their bounds are worked out anew; where they leave a
            combination out they are not used.
        kernel: Closure kernel.
    """
    return _Search(program, chains, aside, limits or CaseLimits(), kernel).run(root, begin)


class _Search:
    """State of one run."""

    def __init__(
        self,
        program: ClosureProgram,
        chains: Sequence[Chain],
        aside: ValidRows,
        limits: CaseLimits,
        kernel: KernelFactory,
    ) -> None:
        self._begun = time.perf_counter()
        self._program, self._chains, self._aside = program, chains, aside
        self._limits, self._kernel = limits, kernel
        self._taken = np.zeros(0, np.int64)
        self._open: list[tuple[float, int, _Case]] = []
        self._order = itertools.count()
        self._known: list[_Case] = []
        self._solves = 0
        self._floor = limits.target

    def run(self, root: RelaxationResult | None, begin: Sequence[Leaf]) -> Cases:
        """Splits, cuts, and gives the leaves."""
        whole = every_case(self._chains)
        sizes = [chain.index.size for chain in self._chains]
        if begin and missing_case(sizes, [leaf.ranges for leaf in begin]) is None:
            self._begin(begin)
        else:
            self._push(self._solved(whole, None) if root is None else self._case(whole, self._program, root))
        while not self._over():
            case = self._open[0][2]
            if case.bound <= self._floor or case.settled:
                break
            heapq.heappop(self._open)
            if case.unsolved:
                self._push(self._solved(case.ranges, case))
            elif case.single:
                self._push(self._cut(case))
            else:
                for ranges in self._split(case):
                    self._push(self._solved(ranges, case))
        return self._answer()

    def _begin(self, begin: Sequence[Leaf]) -> None:
        """Opens given cases, each bounded by its multipliers in one closure."""
        first = self._program.n_rows
        used = np.zeros(self._aside.size, np.bool_)
        for leaf in begin:
            used |= leaf.multipliers[first:] != 0
        self._taken = np.flatnonzero(used).astype(np.int64)
        program = self._aside.added_to(self._program, self._taken)
        for leaf in begin:
            own, aside = leaf.multipliers[:first], leaf.multipliers[first:]
            multipliers = project_multipliers(program, np.append(own, aside[self._taken]))
            own, aside = multipliers[:first], aside.copy()
            aside[self._taken] = multipliers[first:]
            case = in_case(program, self._chains, leaf.ranges)
            if case is None:
                self._push(_Case(leaf.ranges, -np.inf, own, aside, None, settled=True))
                continue
            bound = bracketed_bound(case, multipliers, self._kernel)
            closure = bound - row_and_box_terms(case, multipliers)
            self._push(_Case(leaf.ranges, bound, own, aside, None, settled=False, closure=closure, unsolved=True))

    def _push(self, case: _Case) -> None:
        heapq.heappush(self._open, (-case.bound, next(self._order), case))

    def _over(self) -> bool:
        limits = self._limits
        late = limits.seconds is not None and time.perf_counter() - self._begun >= limits.seconds
        asked = limits.interrupted is not None and limits.interrupted()
        return late or asked or self._solves >= limits.solves

    def _split(self, case: _Case) -> tuple[Ranges, Ranges]:
        """The case in two, where its point switches, on the chain that is furthest from a whole number there."""
        choice, best = (0, 0), (-1.0, -1)
        for number, (chain, (low, high)) in enumerate(zip(self._chains, case.ranges, strict=True)):
            if low == high:
                continue
            at = 0.5 * (low + high) if case.extras is None else chain.switch(case.extras)
            below = int(np.clip(np.floor(at + _SLACK), low, high - 1))
            merit = (min(at - np.floor(at), np.ceil(at) - at), high - low)
            if merit > best:
                best, choice = merit, (number, below)
        number, below = choice
        low, high = case.ranges[number]
        halves = ((low, below), (below + 1, high))
        first, second = ((*case.ranges[:number], half, *case.ranges[number + 1 :]) for half in halves)
        return first, second

    def _solved(self, ranges: Ranges, parent: _Case | None) -> _Case:
        """The case bounded by the multipliers known, and solved where these do not bring it below the floor."""
        nothing = np.zeros(self._program.n_rows), np.zeros(self._aside.size)
        case = in_case(self._program, self._chains, ranges)
        if case is None:
            return _Case(ranges, -np.inf, *nothing, None, settled=True)
        with_rows = self._aside.added_to(case, self._taken)
        best = _Case(ranges, np.inf, *nothing, None, settled=False)
        partition = None
        for known in [*self._known[::-1], *([] if parent is None else [parent])]:
            partition = partition or known.partition
            if (np.delete(known.aside, self._taken) != 0).any():
                continue
            bound = known.closure + row_and_box_terms(with_rows, np.append(known.own, known.aside[self._taken]))
            if bound < best.bound:
                best = _Case(ranges, bound, known.own, known.aside, None, settled=False, closure=known.closure)
                partition = known.partition or partition
        if best.bound <= self._floor:
            return best
        if self._over() and np.isfinite(best.bound):
            return best
        solved = self._case(ranges, with_rows, self._relaxed(with_rows, partition, best.bound))
        if solved.bound <= best.bound:
            return solved
        # Multipliers of another case may bound it better than its own; its point is its own all the same.
        return replace(best, extras=solved.extras, x=solved.x, value=solved.value, partition=solved.partition)

    def _relaxed(self, program: ClosureProgram, begin: Partition | None, known: float) -> RelaxationResult:
        """The relaxation, left as soon as its bound is below the floor.

        Cases differ in bounds of continuous variables and in rows alone: the classes of one are classes of all.
        """
        self._solves += 1
        reached = [np.inf]

        def note(iteration: Iteration) -> None:
            reached[0] = iteration.best_bound

        def enough() -> bool:
            asked = self._limits.interrupted
            return reached[0] <= self._floor or (asked is not None and asked())

        seconds = self._limits.seconds
        left = None if seconds is None else max(seconds - (time.perf_counter() - self._begun), 0.0)
        precise = None if left is None else _PRECISE_SHARE * left
        rule = StopRule(
            self._limits.relative_gap, left, interrupted=enough, coarse_after=precise, coarse_gap=_COARSE_GAP
        )
        return solve_relaxation(program, rule, kernel=self._kernel, begin=begin, known=known, on_iteration=note)

    def _case(self, ranges: Ranges, program: ClosureProgram, found: RelaxationResult) -> _Case:
        """What the relaxation of a case, with the rows taken in, came to."""
        aside = np.zeros(self._aside.size)
        first = self._program.n_rows
        aside[self._taken] = found.multipliers[first:]
        own = found.multipliers[:first]
        if found.outcome is Outcome.INFEASIBLE:
            return _Case(ranges, -np.inf, own, aside, None, settled=True)
        case = _Case(
            ranges,
            found.bound,
            own,
            aside,
            found.extras,
            settled=False,
            x=found.x,
            value=found.value,
            partition=found.partition,
            closure=found.bound - row_and_box_terms(program, found.multipliers),
        )
        self._known.append(replace(case, x=None))
        return case

    def _cut(self, case: _Case) -> _Case:
        """A single combination with the rows taken in that its points violate, round after round."""
        boxed = in_case(self._program, self._chains, case.ranges)
        assert boxed is not None  # noqa: S101
        best, partition = case, case.partition
        for number in range(_ROUNDS):
            program = self._aside.added_to(boxed, self._taken)
            found = self._relaxed(program, partition, best.bound)
            now = self._case(case.ranges, program, found)
            partition = found.partition
            gained = best.bound - now.bound
            if gained > 0:
                best = now
            small = number > 0 and gained <= _NO_BETTER * abs(best.bound)
            if best.bound <= self._floor or found.x is None or found.extras is None or small or self._over():
                break
            excess = self._aside.excess(found.x, found.extras)
            excess[self._taken] = np.minimum(excess[self._taken], 0.0)
            fresh = self._aside.violated(excess, _ROWS_A_ROUND)
            if not fresh.size:
                break
            kept = self._taken[(excess[self._taken] > -_SLACK) | self._priced(self._taken)]
            self._taken = np.union1d(kept, fresh)
        if best.bound > self._floor and not self._over():
            self._floor = best.bound
        return replace(best, settled=True)

    def _priced(self, rows: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of the rows some open case has a multiplier on: without them it could not be bounded as it is."""
        used = np.zeros(rows.size, np.bool_)
        for _, _, case in self._open:
            used |= case.aside[rows] != 0
        return used

    def _answer(self) -> Cases:
        cases = [entry[2] for entry in sorted(self._open, key=lambda entry: entry[:2])]
        used = np.zeros(self._aside.size, np.bool_)
        for case in cases:
            used |= case.aside != 0
        rows = np.flatnonzero(used).astype(np.int64)
        leaves = tuple(Leaf(case.ranges, np.append(case.own, case.aside[rows]), case.bound) for case in cases)
        points = tuple(
            CasePoint(case.bound, Shares.of(case.x), case.extras, case.own, case.value, number, case.partition)
            for number, case in sorted(enumerate(cases), key=lambda pair: (pair[1].single, pair[1].value), reverse=True)
            if case.x is not None and case.extras is not None
        )
        seconds = time.perf_counter() - self._begun
        return Cases(leaves, rows, max(leaf.bound for leaf in leaves), self._solves, seconds, points)
