"""What is proven of schedules before all cores search for them, and the search beside that.

The relaxation first; then the earliest steps of schedules, cases of what is switched when, and decisions about nodes,
each only where it may bring something in the time there is.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.early_start import early_started
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.relaxation.branching import CaseLimits, Cases, bound_by_cases
from solvers.relaxation.node_branching import NodeLimits, Split, branch_on_nodes
from solvers.relaxation.valid_rows import ValidRows
from solvers.schedule_search import points_of, processes
from solvers.search_beside import Beginning, SearchBeside, worth_a_search_beside
from solvers.threads import begun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.course import Course
    from solvers.relaxation import ClosureProgram, RelaxationResult
    from solvers.relaxation.branching import CasePoint
    from solvers.relaxation.leaves import Chain
    from solvers.schedule import Schedule

    Starts = Callable[[], Sequence[tuple[str, Schedule]]]

_BOUND_SHARE = 0.6
"""Share of the time limit that the relaxation may take."""
_PRECISE_SHARE, _PRECISE_SECONDS, _PRECISE_MOST = 0.02, 5.0, 0.1
"""Share of the time limit, or seconds where these are more, but no more than the last share, after which a relaxation
to 1e-4 will do: the last digits of a large one take longest, and what lies between its bound and schedules is more."""
_CASE_SHARE = 0.4
"""Share of the time limit by which cases have to be done, the relaxation before them included."""
_CASE_GAP = 1e-4
"""Relative gap at which the relaxation of a case is solved well enough: cases differ by more."""
_ALONE_GAP = 1e-5
"""The same where there is one case."""
_CASE_SOLVES = 24
_BRANCH_SHARE, _COARSE = 0.3, 0.02
"""Share of the time limit by which decisions about nodes have to be done, and the gap asked for from which none are
made: rounding alone comes as near."""
_BRANCH_SHARE_BESIDE, _SOLVES_BESIDE = 0.35, 400
"""The share where schedules are searched at the same time, with a core less, and the most relaxations solved then."""
_LEAST_FIT, _PRICINGS = 8, 3
"""Relaxations that have to fit into the time of decisions, with fewer hardly one would be made; and pricings of the
plain relaxation that one begun with known classes takes as long as."""
_LOOKED_BACK, _LEAST_TAKEN, _LITTLE_CLOSED = 0.25, 4, 0.01
"""Decisions are left off where in so much of their time, and so many of them, they closed less than the last share of
what lies between the bound and the best schedule found beside them: the search needs the core more."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """What is proven, and what was found beside that.

    Attributes:
        relaxation: The plain relaxation.
        tightened: The program with the earliest steps of schedules; itself where they were not looked for.
        cases: The bound by cases and decisions; None where neither was tried.
        known: The best schedule found beside; None without one.
        spent: Seconds of search that it took.
        given: Schedules to begin with, by name.
    """

    relaxation: RelaxationResult
    tightened: ClosureProgram
    cases: Cases | None = None
    known: Schedule | None = None
    spent: float = 0.0
    given: Sequence[tuple[str, Schedule]] = ()

    @property
    def feasible(self) -> bool:
        """Whether there may be a schedule."""
        return self.relaxation.outcome is not Outcome.INFEASIBLE and self.bound > -np.inf

    @property
    def bound(self) -> float:
        """No schedule is worth more."""
        return self.relaxation.bound if self.cases is None else min(self.relaxation.bound, self.cases.bound)

    @property
    def points(self) -> list[CasePoint]:
        """Points of the relaxation to begin at."""
        return points_of(self.tightened, self.relaxation, self.cases)


def bounded_program(program: ClosureProgram, chains: Sequence[Chain], starts: Starts, course: Course) -> Bounded:
    """The bound of a program, with schedules found on another core meanwhile.

    Args:
        program: The program.
        chains: Its switching variables: with any, the bound is brought down by cases.
        starts: Gives schedules to begin with, by name; asked once, when the bound is known. Those that do not keep the
            arcs are left out.
        course: What was asked, who listens, and the time there is.
    """
    options = course.options

    def early() -> ClosureProgram:
        return early_started(program, whole=not options.spread)

    if processes(program, options.workers) > 1:
        # Found beside the relaxation, which seldom has work for all cores.
        early = begun(early)
    with course.stage("relaxation"):
        rule = StopRule(
            relative_gap=options.relaxation_gap,
            seconds=course.left(_BOUND_SHARE),
            interrupted=course.interrupted,
            coarse_after=_precise_until(course),
        )
        relaxation = solve_relaxation(program, rule, threads=options.workers, on_iteration=course.on_iteration)
    bounded = Bounded(relaxation, program)
    if not bounded.feasible:
        return bounded
    with ExitStack() as stack:
        beside = None
        if course.left(_CASE_SHARE) != 0.0 and not course.interrupted():
            with course.stage("early start"):
                bounded = replace(bounded, tightened=early())
            # The points of cases lead to schedules; that of the whole, where much is switched a little, does not.
            if not chains:
                beside = _begun_beside(bounded, course, stack)
            with course.stage("cases"):
                bounded = replace(bounded, cases=_by_cases(bounded, chains, course))
            if chains and bounded.feasible:
                beside = _begun_beside(bounded, course, stack)
            if bounded.feasible and options.gap < _COARSE:
                with course.stage("branching"):
                    bounded = replace(bounded, cases=decided(bounded, chains, course, beside))
            if not bounded.feasible:
                return bounded
        if course.on_bound is not None:
            with course.stage("certificate"):
                course.on_bound(relaxation, bounded.tightened, bounded.cases)
        given = [(name, _no_earlier(bounded.tightened, start)) for name, start in starts()]
        given = [(name, start) for name, start in given if start.keeps_order(bounded.tightened)]
    if beside is None or beside.schedule is None:
        return replace(bounded, given=given)
    return replace(bounded, given=given, known=beside.schedule, spent=beside.spent)


def _precise_until(course: Course) -> float | None:
    """Seconds after which the relaxation need not be precise; None without a limit of time."""
    least = course.left(_PRECISE_MOST)
    if least is None:
        return None
    return max(course.left(_PRECISE_SHARE) or 0.0, min(_PRECISE_SECONDS, least))


def _begun_beside(bounded: Bounded, course: Course, stack: ExitStack) -> SearchBeside | None:
    """A search beside what is still to be proven, which ends with the stack; None where it is not worth while."""
    program, left = bounded.tightened, course.left_for_search
    wanted = course.options.improvement(program)
    if left is None or not worth_a_search_beside(program, wanted.workers):
        return None
    course.bound = bounded.bound
    begin = Beginning(program, bounded.points, bounded.bound, wanted, left)
    return stack.enter_context(SearchBeside(begin, course.of_beside))


def _by_cases(bounded: Bounded, chains: Sequence[Chain], course: Course) -> Cases:
    """The bound of the program tightened, by cases of what is switched when."""
    program, gap = bounded.tightened, _CASE_GAP if chains else _ALONE_GAP
    limits = CaseLimits(gap, solves=_CASE_SOLVES, seconds=course.left(_CASE_SHARE), interrupted=course.interrupted)
    return bound_by_cases(program, chains, ValidRows.none(program), limits, root=bounded.relaxation)


def decided(bounded: Bounded, chains: Sequence[Chain], course: Course, beside: SearchBeside | None) -> Cases | None:
    """The bound brought down by decisions about nodes, until a search beside it is near enough to it, or needs more."""
    if bounded.cases is None:
        return None
    program, options = bounded.tightened, course.options
    course.bound = bounded.cases.bound
    seconds = course.left(_BRANCH_SHARE if beside is None else _BRANCH_SHARE_BESIDE)
    pricing = bounded.relaxation.seconds / max(bounded.relaxation.iterations, 1)
    if seconds is not None and seconds < _LEAST_FIT * _PRICINGS * pricing:
        return bounded.cases
    threads = processes(program, options.workers)
    if beside is None:
        limits, on_split = NodeLimits(seconds=seconds, interrupted=course.interrupted, threads=threads), course.of_split
    else:
        watch = _Beside(beside, course, seconds)
        limits = NodeLimits(
            solves=_SOLVES_BESIDE, seconds=seconds, interrupted=watch.enough, threads=max(threads - 1, 1)
        )
        on_split = watch.split_up
    return branch_on_nodes(program, chains, bounded.cases, limits, whole=not options.spread, on_split=on_split)


class _Beside:
    """Decisions with a search beside them, which is told of points to begin at and says when to leave off."""

    def __init__(self, beside: SearchBeside, course: Course, seconds: float | None) -> None:
        self._beside, self._course, self._seconds = beside, course, seconds
        self._reached = [(time.perf_counter(), course.bound)]

    def split_up(self, split: Split) -> None:
        """A case was split, or solved closer."""
        self._course.of_split(split)
        self._reached.append((time.perf_counter(), split.bound))
        if self._beside.due and (point := split.point()) is not None:
            self._beside.move_to(point)

    def enough(self) -> bool:
        """Whether nothing more is to be decided."""
        course, objective = self._course, self._beside.objective
        if course.interrupted():
            return True
        if not np.isfinite(objective):
            return False
        apart = course.bound - objective
        return apart <= course.options.gap * abs(objective) or self._slow(apart)

    def _slow(self, apart: float) -> bool:
        """Whether hardly anything was closed of what lies between bound and schedule."""
        if self._seconds is None:
            return False
        since = time.perf_counter() - _LOOKED_BACK * self._seconds
        before = [bound for when, bound in self._reached if when <= since]
        if not before or len(self._reached) - len(before) < _LEAST_TAKEN:
            return False
        return before[-1] - self._course.bound < _LITTLE_CLOSED * apart


def _no_earlier(program: ClosureProgram, schedule: Schedule) -> Schedule:
    """A schedule with no node before its first step; nodes that need each other move alike, so the order is kept."""
    if (schedule.step >= program.starts).all():
        return schedule
    return replace(schedule, step=np.maximum(schedule.step, program.starts))
