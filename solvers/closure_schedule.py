"""A whole schedule of a closure program with a proven bound: relaxation, rounding, neighbourhood search."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from solvers.capacities import all_capacities
from solvers.early_start import early_started
from solvers.highs import solve
from solvers.improvement import (
    Guidance,
    ImprovementOptions,
    SubprogramBuilder,
    row_penalties,
    settle,
)
from solvers.improvement.windows import Windows, propagated
from solvers.options import SolveOptions
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.relaxation.branching import CaseLimits, CasePoint, Cases, bound_by_cases
from solvers.relaxation.node_branching import NodeLimits, branch_on_nodes
from solvers.relaxation.valid_rows import ValidRows
from solvers.result import Progress
from solvers.result import StopReason as Solver
from solvers.rounding import expected_steps
from solvers.schedule import keeps_rows
from solvers.schedule_search import ScheduleSearch, processes
from solvers.ultimate_pit import ultimate_pit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.improvement import ImprovementResult
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.leaves import Chain
    from solvers.relaxation.program import Floats
    from solvers.schedule import Schedule

_BOUND_SHARE = 0.6
"""Share of the time limit that the relaxation may take."""
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
_SEARCH_SHARE = 0.3
"""Share of the time left for the neighbourhood search where HiGHS has to prove the plan after it."""
_POLISH_LOSS = 1e-7
"""Relative; dust may have been worth as much."""
_ROUNDED_POINTS = 2
"""Points of different cases that are rounded."""


class StopReason(Enum):
    """Why the search for a schedule ended."""

    GAP = "gap reached"
    TIME = "time limit"
    ROUNDS = "round limit"
    INTERRUPTED = "interrupted"
    STALLED = "rounds that brought nothing more"
    INFEASIBLE = "proven infeasible"


@dataclass(frozen=True)
class ScheduleOptions:
    """When to stop, and how to search.

    Attributes:
        gap: Relative gap, over the objective, that is good enough.
        relaxation_gap: Relative gap at which the relaxation is solved well enough.
        seconds: Wall-clock limit of everything; None for none.
        rounds: Most rounds of the neighbourhood search; None for none, 0 for rounding alone.
        seed: Of the choice of neighbourhoods.
        workers: Parts solved at the same time; 0 for one a core.
        prove: Whether the whole program is given to HiGHS in the end, with the best schedule as its start.
        spread: Whether a node may be taken over several steps, begun once what it needs is finished.
    """

    gap: float = 0.0
    relaxation_gap: float = 1e-6
    seconds: float | None = None
    rounds: int | None = None
    seed: int = 0
    workers: int = 0
    prove: bool = False
    spread: bool = False


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
    starts: Callable[[], Sequence[tuple[str, Schedule]]] = tuple,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_bound: Callable[[RelaxationResult, ClosureProgram, Cases | None], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> FoundSchedule:
    """Bounds the program, rounds points of the relaxation, and improves the best start.

    Where the program has an ultimate pit all of that is done within it.

    Args:
        program: The program.
        options: When to stop.
        chains: Switching variables of the program: with any, the bound is brought down by cases.
        starts: Gives schedules to begin with, by name; they keep the arcs. Choices are decided again. Asked once, when
            the bound is known.
        on_iteration: Told of every iteration of the plain relaxation.
        on_bound: Told once, before there is a schedule, of the plain relaxation, the program tightened and the bound
            by cases, unless they prove that there is no schedule. What it does counts towards the time limit, as
            ``certificate``.
        on_progress: Told of the bound while decisions bring it down, then of bound, objective and gap of the search.
        interrupted: Asked again and again; true ends the search, the best schedule so far is kept.
    """
    began = time.perf_counter()
    found_pit = None if chains else ultimate_pit(program)
    if found_pit is None:
        return _find(
            program,
            options,
            began,
            chains=chains,
            starts=starts,
            on_iteration=on_iteration,
            on_bound=on_bound,
            on_progress=on_progress,
            interrupted=interrupted,
        )
    pit = found_pit

    def told(relaxation: RelaxationResult, tightened: ClosureProgram, cases: Cases | None) -> None:
        if on_bound is not None:
            on_bound(pit.relaxation(relaxation), pit.program(tightened), None if cases is None else pit.cases(cases))

    found = _find(
        pit.within,
        options,
        began,
        chains=(),
        starts=lambda: [(name, pit.narrowed(start)) for name, start in starts()],
        on_iteration=on_iteration,
        on_bound=told,
        on_progress=on_progress,
        interrupted=interrupted,
    )
    improvement = found.improvement
    return replace(
        found,
        relaxation=pit.relaxation(found.relaxation),
        tightened=pit.program(found.tightened),
        cases=None if found.cases is None else pit.cases(found.cases),
        schedule=None if found.schedule is None else pit.schedule(found.schedule),
        improvement=improvement and replace(improvement, schedule=pit.schedule(improvement.schedule)),
    )


def _find(
    program: ClosureProgram,
    options: ScheduleOptions,
    began: float,
    *,
    chains: Sequence[Chain],
    starts: Callable[[], Sequence[tuple[str, Schedule]]],
    on_iteration: Callable[[Iteration], None] | None,
    on_bound: Callable[[RelaxationResult, ClosureProgram, Cases | None], None] | None,
    on_progress: Callable[[Progress], None] | None,
    interrupted: Callable[[], bool] | None,
) -> FoundSchedule:
    """``find_schedule``, begun at a time of ``time.perf_counter``."""
    ask = interrupted or (lambda: False)
    relaxation, tightened, cases, seconds = _bounded(
        program, options, began, chains, on_iteration=on_iteration, on_progress=on_progress, interrupted=interrupted
    )
    if relaxation.outcome is Outcome.INFEASIBLE or (cases is not None and cases.bound == -np.inf):
        stop = StopReason.INFEASIBLE
        return FoundSchedule(relaxation, tightened, cases, None, None, stop, "", None, None, seconds)
    then = time.perf_counter()
    if on_bound is not None:
        on_bound(relaxation, tightened, cases)
        seconds["certificate"] = time.perf_counter() - then
    program = tightened
    given = [(name, _no_earlier(program, start)) for name, start in starts()]
    then = time.perf_counter()
    builder = SubprogramBuilder(program)
    points = _points(program, relaxation, cases)
    bound = relaxation.bound if cases is None else min(relaxation.bound, cases.bound)
    prices = points[0].multipliers
    penalty = row_penalties(program, prices)
    history: list[tuple[float, float]] = []
    search = ScheduleSearch(
        builder,
        Guidance(penalty, bound, prices, _goal(program, points[0].x), capacities=all_capacities(program)),
        ImprovementOptions(gap=options.gap, seed=options.seed, workers=processes(program, options.workers)),
        (points[0].x, points[0].extras),
        _teller(bound, began, on_progress, history),
        ask,
    )
    start = search.begin(points, given, _share_left(options, began), options.rounds)
    seconds["start"] = time.perf_counter() - then
    then = time.perf_counter()
    begun_with = start.schedule.objective(program) if keeps_rows(program, start.schedule) else None
    if begun_with is not None and (not history or begun_with > history[-1][1]):
        history.append((then - began, begun_with))
    searched = search.run(start, _share_left(options, began), options.rounds, spread=options.spread)
    builder, improved, best = searched.builder, searched.result, searched.best
    if best is not None:
        best = _polished(builder, best, penalty)
    seconds["improvement"] = time.perf_counter() - then
    stop, solver_bound = _STOPS[improved.stop], None
    if options.prove and best is not None and stop is not StopReason.GAP and not ask():
        then = time.perf_counter()
        best, solver_bound, stop = _proven(builder, best, options, began, on_progress=on_progress, interrupted=ask)
        seconds["proof"] = time.perf_counter() - then
    objective = None if best is None else best.objective(program)
    return FoundSchedule(
        relaxation=relaxation,
        tightened=tightened,
        cases=cases,
        schedule=best,
        objective=objective,
        stop=stop,
        origin=start.origin,
        begun_with=begun_with,
        improvement=improved,
        seconds=seconds,
        solver_bound=solver_bound,
        history=tuple(history),
    )


def _bounded(
    program: ClosureProgram,
    options: ScheduleOptions,
    began: float,
    chains: Sequence[Chain],
    *,
    on_iteration: Callable[[Iteration], None] | None,
    on_progress: Callable[[Progress], None] | None,
    interrupted: Callable[[], bool] | None,
) -> tuple[RelaxationResult, ClosureProgram, Cases | None, dict[str, float]]:
    """The plain relaxation, the program tightened, its bound by cases if that may be lower, and the seconds of all."""
    then = time.perf_counter()
    seconds = {"ultimate pit": then - began}
    share = None if options.seconds is None else _BOUND_SHARE * options.seconds
    rule = StopRule(relative_gap=options.relaxation_gap, seconds=share, interrupted=interrupted)
    relaxation = solve_relaxation(program, rule, on_iteration=on_iteration)
    seconds["relaxation"] = time.perf_counter() - then
    then = time.perf_counter()
    late = options.seconds is not None and then - began > _CASE_SHARE * options.seconds
    if relaxation.outcome is Outcome.INFEASIBLE or late or (interrupted is not None and interrupted()):
        return relaxation, program, None, seconds
    tightened = early_started(program, whole=not options.spread)
    seconds["early start"] = time.perf_counter() - then
    then = time.perf_counter()
    left = None if options.seconds is None else max(_CASE_SHARE * options.seconds - (then - began), 0.0)
    gap = _CASE_GAP if chains else _ALONE_GAP
    limits = CaseLimits(gap, solves=_CASE_SOLVES, seconds=left, interrupted=interrupted)
    cases = bound_by_cases(tightened, chains, ValidRows.none(tightened), limits, root=relaxation)
    seconds["cases"] = time.perf_counter() - then
    if cases.bound > -np.inf and options.gap < _COARSE:
        then = time.perf_counter()

        def told(bound: float) -> None:
            if on_progress is not None and np.isfinite(bound):
                on_progress(Progress(time.perf_counter() - began, bound, None, None, 0))

        left = None if options.seconds is None else max(_BRANCH_SHARE * options.seconds - (then - began), 0.0)
        wanted = NodeLimits(seconds=left, interrupted=interrupted, threads=processes(program, options.workers))
        cases = branch_on_nodes(tightened, chains, cases, wanted, whole=not options.spread, on_bound=told)
        seconds["branching"] = time.perf_counter() - then
    return relaxation, tightened, cases, seconds


def _no_earlier(program: ClosureProgram, schedule: Schedule) -> Schedule:
    """A schedule with no node before its first step; nodes that need each other move alike, so the order is kept."""
    if (schedule.step >= program.starts).all():
        return schedule
    return replace(schedule, step=np.maximum(schedule.step, program.starts))


def _share_left(options: ScheduleOptions, began: float) -> float | None:
    """Seconds for the neighbourhood search."""
    if options.seconds is None:
        return None
    left = max(options.seconds - (time.perf_counter() - began), 0.0)
    return left * (_SEARCH_SHARE if options.prove else 1.0)


def _proven(
    builder: SubprogramBuilder,
    schedule: Schedule,
    options: ScheduleOptions,
    began: float,
    *,
    on_progress: Callable[[Progress], None] | None,
    interrupted: Callable[[], bool],
) -> tuple[Schedule, float | None, StopReason]:
    """The whole program solved by HiGHS from a schedule on: a schedule no worse, HiGHS's bound, and why it stopped."""
    program, n = builder.program, builder.program.n_nodes
    everything = Windows(np.zeros(n, np.int64), np.full(n, program.n_steps - 1, np.int64), np.ones(n, np.bool_))
    windows = propagated(everything, program.n_steps, builder.arcs, program.starts)
    part = builder.build(schedule, windows)
    worth, at = schedule.objective(program), part.program.objective_value(part.start)

    def money(scaled: float | None) -> float | None:
        return None if scaled is None else worth + (scaled - at) / part.scale

    def told(progress: Progress) -> None:
        bound, objective = money(progress.bound), money(progress.objective)
        gap = None if bound is None or not objective else (bound - objective) / abs(objective)
        if on_progress is not None:
            seconds = time.perf_counter() - began
            on_progress(Progress(seconds, bound, objective, gap, progress.nodes))

    left = None if options.seconds is None else max(options.seconds - (time.perf_counter() - began), 0.0)
    asked = SolveOptions(
        gap=0.0,
        gap_abs=options.gap * abs(worth) * part.scale,
        time_limit_s=left,
        seed=options.seed,
        threads=options.workers,
    )
    found = solve(part.program, asked, start=part.start, on_progress=told, cancel=interrupted)
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


def _points(program: ClosureProgram, relaxation: RelaxationResult, cases: Cases | None) -> list[CasePoint]:
    """Points to round: the best of the cases, else that of the relaxation, else nothing taken."""
    if cases is not None and cases.points:
        return list(cases.points[:_ROUNDED_POINTS])
    x, extras = relaxation.x, relaxation.extras
    if x is None or extras is None:
        x, extras = np.zeros(program.value.shape), np.clip(0.0, program.extra_lower, program.extra_upper)
    return [CasePoint(relaxation.bound, x, extras, relaxation.multipliers)]


def _goal(program: ClosureProgram, x: Floats) -> Floats:
    """Mean step of every node in a point of the relaxation ``(n,)``, T for nodes without parts."""
    goal = np.full(program.n_nodes, float(program.n_steps))
    goal[program.part_node] = expected_steps(x)
    return goal


def _teller(
    bound: float,
    began: float,
    on_progress: Callable[[Progress], None] | None,
    history: list[tuple[float, float]],
) -> Callable[[int, float, bool], None]:
    """Passes rounds on as progress, and keeps those that brought something."""

    def told(parts: int, objective: float, feasible: bool) -> None:
        seconds = time.perf_counter() - began
        if feasible and (not history or objective > history[-1][1]):
            history.append((seconds, objective))
        if on_progress is not None:
            gap = (bound - objective) / abs(objective) if feasible and objective else None
            on_progress(Progress(seconds, bound, objective if feasible else None, gap, parts))

    return told
