"""A run of steps decided again by its relaxation: what is too large for a mixed-integer program as a whole.

The relaxation of a run of two or three steps takes a fraction of a second for tens of thousands of nodes, and tells
what can be gained at most: a run that holds little is left at once. Else a dive decides of the nodes in doubt until a
mixed-integer program of those left is small, in which all others keep the steps that the relaxation gives them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.following import point_at
from solvers.grouped import Groups
from solvers.improvement.parts import PartLimits, Solved, WindowPart
from solvers.improvement.runs import cut_run
from solvers.improvement.settling import merit
from solvers.improvement.subprogram import Elastics
from solvers.improvement.windows import Windows, kept, propagated, touched
from solvers.relaxation.diving import DiveLimits, dive, relaxed
from solvers.schedule import keeps_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.improvement.runs import Run
    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.diving import Dived
    from solvers.relaxation.program import Floats, Integers
    from solvers.schedule import Schedule

_LOG = logging.getLogger(__name__)
_DOUBTFUL = 250
"""Nodes in doubt that are left to a mixed-integer program."""
_SOLVES = 60
_PATIENCE = 4.0
"""A part that is given up brings nothing, and one that needs long is of a large program."""
_DIVE_SHARE, _REST_SHARE, _LEAST_SECONDS = 0.7, 0.1, 0.5
"""Shares of the time of a part for the dive and for a program of what is left, of which there are two, and the least
seconds for one: most take less, and others bring little."""
_DEAR = (1e2, 1e4)
"""Times the usual penalty at which rows may be broken by what is left in doubt, at first and where they still are: a
schedule that breaks them is of no use."""
_PRECISE = 0.05
"""Distance to the best of what is left that is good enough, over that of the part."""
_LOOSENED = 200
"""Nodes that may move as well where rows are still broken."""
_FLEXIBLE = 600
_WORK = 200
"""Simplex iterations that count as one relaxation."""


@dataclass(frozen=True, eq=False)
class RunPart:
    """A run of steps.

    Attributes:
        schedule: The schedule; it may break side rows.
        free: Nodes of the run ``(n,)``.
        begin: First step.
        end: The step after the last.
        penalty: Loss for a unit of each broken side row ``(M,)``.
        patience: See ``Part``.
    """

    schedule: Schedule
    free: NDArray[np.bool_]
    begin: int
    end: int
    penalty: Floats
    patience: float = _PATIENCE

    @property
    def key(self) -> int:
        """See ``Part``."""
        return hash((self.begin, self.end, self.free.tobytes()))

    def solve(self, builder: SubprogramBuilder, limits: PartLimits) -> Solved | None:
        """See ``Part``; finished only where the relaxation leaves little to be gained."""
        began = time.perf_counter()

        def left() -> float | None:
            return None if limits.seconds is None else limits.seconds - (time.perf_counter() - began)

        def solved(schedule: Schedule, work: int, *, finished: bool) -> Solved:
            seconds = time.perf_counter() - began
            return Solved(schedule, finished, work, seconds, limits.is_easy(seconds))

        run = cut_run(builder, self.schedule, self.penalty, self.free, (self.begin, self.end))
        worth = run.reward + run.worth + limits.close
        found = relaxed(run.program, worth, left())
        if found.bound <= worth:
            return solved(self.schedule, _WORK, finished=True)
        most = left()
        ends = DiveLimits(_DOUBTFUL, worth, _SOLVES, None if most is None else _DIVE_SHARE * most, limits.seed)
        dived = dive(run.program, found, run.weight, run.late, ends)
        if dived is None:
            return solved(self.schedule, _WORK, finished=False)
        work = _WORK * (1 + dived.solves)
        told = (self.begin, self.end, found.bound - worth, dived.solves, dived.bound - worth, dived.doubtful)
        _LOG.debug("run %d to %d: at most %.6g to be gained, dive of %d to %.6g, %d in doubt", *told)
        if dived.bound <= worth or dived.doubtful > 2 * _DOUBTFUL:
            return solved(self.schedule, work, finished=False)
        schedule, more = self._decided(builder, run, dived, limits)
        return solved(schedule, work + more, finished=False)

    def _decided(self, builder: SubprogramBuilder, run: Run, dived: Dived, limits: PartLimits) -> tuple[Schedule, int]:
        """The schedule with what a dive leaves in doubt decided, where that is better, and the work it took."""
        base, windows, flexible = self._rest(builder, run, dived)
        seconds = None if limits.seconds is None else max(_REST_SHARE * limits.seconds, _LEAST_SECONDS)
        ends, work = PartLimits(seconds, limits.nodes, _PRECISE * limits.close, limits.seed), 0
        for dear in _DEAR:
            broken = np.flatnonzero(base.violation(builder.program) > 0)
            part = WindowPart(base, windows, flexible, Elastics(broken, dear * self.penalty[broken]))
            answer = part.solve(builder, ends)
            if answer is None:
                break
            work, base = work + answer.iterations, answer.schedule
            if self._is_better(builder, base):
                return base, work
            windows = self._widened(builder, run, base, windows, limits.seed)
        return self.schedule, work

    def _rest(self, builder: SubprogramBuilder, run: Run, dived: Dived) -> tuple[Schedule, Windows, Integers]:
        """What is still in doubt: a schedule, which may break rows, its windows, and parts whose choice is open."""
        program, own = builder.program, run.program
        point = point_at(own, dived.x, dived.extras)
        # What the run has to take and the point does not is left to its last step.
        missing = run.due & (point.step >= own.n_steps)
        step = np.where(missing, own.n_steps - 1, point.step)
        worth = own.worth[:, -1] if own.allowed is None else np.where(own.allowed[:, -1], own.worth[:, -1], -np.inf)
        best = np.eye(own.n_choices)[worth.argmax(axis=1)]
        share = np.where(missing[own.part_node][:, None], best, point.share)
        base = run.put_back(self.schedule, step, share, point.extras)
        inner = touched(dived.taken, (own.arc_tail, own.arc_head, own.lags), own.starts)
        last = np.where(missing, own.n_steps - 1, inner.last)
        first = np.where(missing, np.minimum(inner.first, own.n_steps - 1), inner.first)
        windows = Windows(*_of_all(run, base, first, last, inner.open & ~run.due))
        windows = propagated(windows, program.n_steps, builder.arcs, program.starts)
        split = run.parts[(share.max(axis=1) < 1.0) & (step[own.part_node] < own.n_steps)]
        split = split[~windows.free[program.part_node[split]]][:_FLEXIBLE]
        return base, windows, split

    def _widened(self, builder: SubprogramBuilder, run: Run, base: Schedule, windows: Windows, seed: int) -> Windows:
        """Windows that let some nodes of the run more move a step by themselves: rows may be kept with these."""
        program, (tail, head, lag) = builder.program, builder.arcs
        step = base.step
        after, before = np.zeros(step.size, np.int64), np.full(step.size, program.n_steps)
        Groups(tail).raise_to(after, np.minimum(step[head] + lag, program.n_steps))
        Groups(head).lower_to(before, step[tail] - lag)
        first = np.maximum(np.maximum(after, program.starts), np.maximum(step - 1, self.begin))
        last = np.minimum(before, np.minimum(step + 1, self.end - 1))
        used = np.zeros(step.size, np.bool_)
        used[run.nodes] = run.weight > 0
        loose = np.flatnonzero(used & (first < last) & (step < program.n_steps) & ~windows.free)
        some = np.random.default_rng(seed).permutation(loose)[:_LOOSENED]
        low, high = windows.first.copy(), windows.last.copy()
        low[some], high[some] = first[some], last[some]
        return propagated(Windows(low, high, windows.open), program.n_steps, builder.arcs, program.starts)

    def _is_better(self, builder: SubprogramBuilder, other: Schedule) -> bool:
        """Whether a schedule keeps the arcs and is worth more, with no side row broken unless some were before."""
        program = builder.program
        if merit(program, other, self.penalty) <= merit(program, self.schedule, self.penalty):
            return False
        return other.keeps_order(program) and (keeps_rows(program, other) or not keeps_rows(program, self.schedule))


def _of_all(
    run: Run, base: Schedule, first: Integers, last: Integers, opened: NDArray[np.bool_]
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Windows of a run's nodes as those of all nodes, the others where they are."""
    low, high, left = kept(base.step)
    never = first >= run.program.n_steps
    low[run.nodes] = np.where(never, run.never, first + run.begin)
    high[run.nodes] = np.where(never, run.never, last + run.begin)
    left[run.nodes] = opened
    return low, high, left
