"""A whole schedule of a closure program with a proven bound: relaxation, rounding, neighbourhood search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from solvers.bounding import bounded_program
from solvers.course import Course, ScheduleOptions
from solvers.highs import solve
from solvers.improvement import SubprogramBuilder, settle
from solvers.improvement.windows import Windows, propagated
from solvers.options import SolveOptions
from solvers.result import Progress
from solvers.result import StopReason as Solver
from solvers.schedule import keeps_rows
from solvers.schedule_search import ScheduleSearch
from solvers.spawning import refuse_in_a_child_that_starts
from solvers.ultimate_pit import ultimate_pit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.bounding import Starts
    from solvers.improvement import ImprovementResult
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.leaves import Chain
    from solvers.relaxation.program import Floats
    from solvers.schedule import Schedule

_POLISH_LOSS = 1e-7
"""Relative; dust may have been worth as much."""


class StopReason(Enum):
    """Why the search for a schedule ended."""

    GAP = "gap reached"
    TIME = "time limit"
    ROUNDS = "round limit"
    INTERRUPTED = "interrupted"
    STALLED = "rounds that brought nothing more"
    INFEASIBLE = "proven infeasible"


@dataclass(frozen=True, eq=False)
class FoundSchedule:
    """What was found.

    Attributes:
        relaxation: Bound of the plain relaxation, with the multipliers that prove it.
        tightened: The program with the earliest steps of schedules (``early_start.py``), or the program itself.
        cases: The bound of schedules, by cases, of the program tightened; None where it is that of the relaxation.
        schedule: The best schedule, a ``SpreadSchedule`` where nodes may be taken over several steps; None where none
            keeps every row.
        objective: Its worth; None without one.
        stop: Why the search ended.
        origin: What the search began with: an order of rounding, or the name of a given start.
        begun_with: Objective at that time; None where it broke a row.
        improvement: What the neighbourhood search did; None where it did not run.
        seconds: Wall time by stage.
        solver_bound: Bound of HiGHS on the whole program; None where it was not asked.
        history: Seconds since the start and objective whenever a better schedule that keeps every row was known.
    """

    relaxation: RelaxationResult
    tightened: ClosureProgram
    cases: Cases | None
    schedule: Schedule | None
    objective: float | None
    stop: StopReason
    origin: str
    begun_with: float | None
    improvement: ImprovementResult | None
    seconds: dict[str, float]
    solver_bound: float | None = None
    history: tuple[tuple[float, float], ...] = ()

    @property
    def certified_bound(self) -> float:
        """No schedule is worth more: the best bound that multipliers prove."""
        return self.relaxation.bound if self.cases is None else min(self.relaxation.bound, self.cases.bound)

    @property
    def bound(self) -> float:
        """No schedule is worth more: the best bound known."""
        return self.certified_bound if self.solver_bound is None else min(self.certified_bound, self.solver_bound)


_STOPS = {
    "gap": StopReason.GAP,
    "time": StopReason.TIME,
    "rounds": StopReason.ROUNDS,
    "interrupted": StopReason.INTERRUPTED,
    "stalled": StopReason.STALLED,
}


def find_schedule(
    program: ClosureProgram,
    options: ScheduleOptions,
    *,
    chains: Sequence[Chain] = (),
    starts: Starts = tuple,
    on_program: Callable[[ClosureProgram], None] | None = None,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_bound: Callable[[RelaxationResult, ClosureProgram, Cases | None], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> FoundSchedule:
    """Bounds the program, rounds points of the relaxation, and improves the best start.

    Where the program has an ultimate pit all of that is done within it.

    Args:
        program: The program.
        options: When to stop.
        chains: Switching variables of the program: with any, the bound is brought down by cases.
        starts: Gives schedules to begin with, by name; those that do not keep the arcs are left out. Choices are
            decided again. Asked once, when the bound is known.
        on_program: Told first, of the program that is worked on: the whole one, or what is within the ultimate pit.
        on_iteration: Told of every iteration of the plain relaxation.
        on_bound: Told once, before the search on all cores, of the plain relaxation, the program tightened and the
            bound by cases, unless they prove that there is no schedule. What it does counts towards the time limit, as
            ``certificate``; a search beside it goes on.
        on_progress: Told of bound, objective and gap: while decisions bring the bound down, then while plans are
            searched.
        on_stage: Told the name of every stage as it begins: those of ``FoundSchedule.seconds``.
        interrupted: Asked again and again; true ends the search, the best schedule so far is kept.

    Raises:
        RuntimeError: in a process spawned from a script that calls this without the guard of its main module.
    """
    refuse_in_a_child_that_starts()
    course = Course(
        options,
        on_iteration=on_iteration,
        on_bound=on_bound,
        on_progress=on_progress,
        on_stage=on_stage,
        interrupted=interrupted,
    )
    pit = None if chains else ultimate_pit(program)
    if on_program is not None:
        on_program(program if pit is None else pit.within)
    if pit is None:
        return _find(program, chains, starts, course)

    def narrowed() -> list[tuple[str, Schedule]]:
        return [(name, pit.narrowed(start)) for name, start in starts()]

    def of_the_whole(relaxation: RelaxationResult, tightened: ClosureProgram, cases: Cases | None) -> None:
        if on_bound is not None:
            on_bound(pit.relaxation(relaxation), pit.program(tightened), None if cases is None else pit.cases(cases))

    course.on_bound = of_the_whole
    found = _find(pit.within, (), narrowed, course)
    improvement = found.improvement
    return replace(
        found,
        relaxation=pit.relaxation(found.relaxation),
        tightened=pit.program(found.tightened),
        cases=None if found.cases is None else pit.cases(found.cases),
        schedule=None if found.schedule is None else pit.schedule(found.schedule),
        improvement=improvement and replace(improvement, schedule=pit.schedule(improvement.schedule)),
    )


def _find(program: ClosureProgram, chains: Sequence[Chain], starts: Starts, course: Course) -> FoundSchedule:
    """``find_schedule`` of a program as it is."""
    options, stages = course.options, course.stages
    stages["ultimate pit"] = course.seconds
    bounded = bounded_program(program, chains, starts, course)
    relaxation, program, cases = bounded.relaxation, bounded.tightened, bounded.cases
    if not bounded.feasible:
        stop = StopReason.INFEASIBLE
        return FoundSchedule(relaxation, program, cases, None, None, stop, "", None, None, stages)
    with course.stage("start"):
        course.bound, wanted = bounded.bound, options.improvement(program)
        search = ScheduleSearch.of(
            program, bounded.points, bounded.bound, wanted, told=course.of_round, interrupted=course.interrupted
        )
        if bounded.known is not None:
            search = replace(search, known=bounded.known, wanted=replace(wanted, spent=bounded.spent))
        start = search.begin(bounded.given, course.left_for_search, options.rounds)
        begun_with = start.schedule.objective(program) if keeps_rows(program, start.schedule) else None
        if begun_with is not None:
            course.found(begun_with)
    with course.stage("improvement"):
        searched = search.run(start, course.left_for_search, options.rounds, spread=options.spread)
        builder, improved, best = searched.builder, searched.result, searched.best
        if best is not None:
            best = _polished(builder, best, search.guidance.penalty)
    stop, solver_bound = _STOPS[improved.stop], None
    if options.prove and best is not None and stop is not StopReason.GAP and not course.interrupted():
        with course.stage("proof"):
            best, solver_bound, stop = _proven(builder, best, course)
    return FoundSchedule(
        relaxation=relaxation,
        tightened=program,
        cases=cases,
        schedule=best,
        objective=None if best is None else best.objective(program),
        stop=stop,
        origin=start.origin,
        begun_with=begun_with,
        improvement=improved,
        seconds=stages,
        solver_bound=solver_bound,
        history=tuple(course.history),
    )


def _proven(
    builder: SubprogramBuilder, schedule: Schedule, course: Course
) -> tuple[Schedule, float | None, StopReason]:
    """The whole program solved by HiGHS from a schedule on: a schedule no worse, HiGHS's bound, and why it stopped."""
    program, n, options = builder.program, builder.program.n_nodes, course.options
    everything = Windows(np.zeros(n, np.int64), np.full(n, program.n_steps - 1, np.int64), np.ones(n, np.bool_))
    windows = propagated(everything, program.n_steps, builder.arcs, program.starts)
    part = builder.build(schedule, windows)
    worth, at = schedule.objective(program), part.program.objective_value(part.start)

    def money(scaled: float | None) -> float | None:
        return None if scaled is None else worth + (scaled - at) / part.scale

    def tell(progress: Progress) -> None:
        bound, objective = money(progress.bound), money(progress.objective)
        gap = None if bound is None or not objective else (bound - objective) / abs(objective)
        if course.on_progress is not None:
            course.on_progress(Progress(course.seconds, bound, objective, gap, progress.nodes))

    asked = SolveOptions(
        gap=0.0,
        gap_abs=options.gap * abs(worth) * part.scale,
        time_limit_s=course.left(),
        seed=options.seed,
        threads=options.workers,
    )
    found = solve(part.program, asked, start=part.start, on_progress=tell, cancel=course.interrupted)
    better = schedule if found.x is None else part.schedule(found.x)
    if not keeps_rows(program, better) or better.objective(program) < worth:
        better = schedule
    if found.stop_reason in {Solver.PROVEN, Solver.GAP}:
        stop = StopReason.GAP
    else:
        stop = StopReason.INTERRUPTED if found.stop_reason is Solver.INTERRUPTED else StopReason.TIME
    return better, money(found.bound), stop


def _polished(builder: SubprogramBuilder, schedule: Schedule, penalty: Floats) -> Schedule:
    """Choices and continuous variables once more by a linear program: what mixed-integer tolerances left is gone."""
    program = builder.program
    if not builder.leaves_choice:
        return schedule
    settled = settle(builder, schedule, penalty, whole_kept=True)
    lost = 0.0 if settled is None else schedule.objective(program) - settled.objective(program)
    if settled is None or not keeps_rows(program, settled) or lost > _POLISH_LOSS * abs(schedule.objective(program)):
        return schedule
    return settled
