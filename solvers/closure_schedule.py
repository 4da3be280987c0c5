"""A whole schedule of a closure program with a proven bound: relaxation, rounding, neighbourhood search."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from solvers.early_start import early_started
from solvers.highs import solve
from solvers.improvement import ImprovementOptions, SubprogramBuilder, settle
from solvers.improvement.windows import Windows, propagated
from solvers.options import SolveOptions
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.relaxation.branching import CaseLimits, Cases, bound_by_cases
from solvers.relaxation.node_branching import NodeLimits, Split, branch_on_nodes
from solvers.relaxation.valid_rows import ValidRows
from solvers.result import Progress
from solvers.result import StopReason as Solver
from solvers.schedule import keeps_rows
from solvers.schedule_search import ScheduleSearch, points_of, processes
from solvers.search_beside import Beginning, SearchBeside, worth_a_search_beside
from solvers.ultimate_pit import ultimate_pit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.improvement import ImprovementResult, Round
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
_BRANCH_SHARE_BESIDE, _SOLVES_BESIDE = 0.35, 400
"""The share where schedules are searched at the same time, with a core less, and the most relaxations solved then."""
_SEARCH_SHARE = 0.3
"""Share of the time left for the neighbourhood search where HiGHS has to prove the plan after it."""
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
    on_program: Callable[[ClosureProgram], None] | None = None,
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
        on_program: Told first, of the program that is worked on: the whole one, or what is within the ultimate pit.
        on_iteration: Told of every iteration of the plain relaxation.
        on_bound: Told once, before the search on all cores, of the plain relaxation, the program tightened and the
            bound by cases, unless they prove that there is no schedule. What it does counts towards the time limit, as
            ``certificate``; a search beside it goes on.
        on_progress: Told of bound, objective and gap: while decisions bring the bound down, then while plans are
            searched.
        interrupted: Asked again and again; true ends the search, the best schedule so far is kept.
    """
    told = _Told(on_iteration, on_bound, on_progress, interrupted or (lambda: False))
    pit = None if chains else ultimate_pit(program)
    if on_program is not None:
        on_program(program if pit is None else pit.within)
    if pit is None:
        return _find(program, options, chains, starts, told)

    def narrowed() -> list[tuple[str, Schedule]]:
        return [(name, pit.narrowed(start)) for name, start in starts()]

    def of_the_whole(relaxation: RelaxationResult, tightened: ClosureProgram, cases: Cases | None) -> None:
        if on_bound is not None:
            on_bound(pit.relaxation(relaxation), pit.program(tightened), None if cases is None else pit.cases(cases))

    told.on_bound = of_the_whole
    found = _find(pit.within, options, (), narrowed, told)
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
    chains: Sequence[Chain],
    starts: Callable[[], Sequence[tuple[str, Schedule]]],
    told: _Told,
) -> FoundSchedule:
    """``find_schedule`` of a program as it is."""
    relaxation, tightened, cases, seconds = _bounded(program, options, chains, told)
    wanted = ImprovementOptions(gap=options.gap, seed=options.seed, workers=processes(program, options.workers))
    feasible = relaxation.outcome is not Outcome.INFEASIBLE and (cases is None or cases.bound > -np.inf)
    with ExitStack() as stack:
        beside = None
        left = _search_left(options, told)
        if feasible and cases is not None and left is not None and worth_a_search_beside(program, wanted.workers):
            begin = Beginning(tightened, points_of(tightened, relaxation, cases), cases.bound, wanted, left)
            beside = stack.enter_context(SearchBeside(begin, told.of_beside))
        if feasible and cases is not None and options.gap < _COARSE:
            then = time.perf_counter()
            cases = _decided(tightened, options, chains, cases, told, beside=beside)
            seconds["branching"] = time.perf_counter() - then
            feasible = cases.bound > -np.inf
        if not feasible:
            stop = StopReason.INFEASIBLE
            return FoundSchedule(relaxation, tightened, cases, None, None, stop, "", None, None, seconds)
        then = time.perf_counter()
        if told.on_bound is not None:
            told.on_bound(relaxation, tightened, cases)
            seconds["certificate"] = time.perf_counter() - then
        given = [(name, _no_earlier(tightened, start)) for name, start in starts()]
    program = tightened
    then = time.perf_counter()
    bound = relaxation.bound if cases is None else min(relaxation.bound, cases.bound)
    points = points_of(program, relaxation, cases)
    search = ScheduleSearch.of(program, points, bound, wanted, told=told.of_round, interrupted=told.interrupted)
    if beside is not None and beside.schedule is not None:
        search = replace(search, known=beside.schedule, wanted=replace(wanted, spent=beside.spent))
    told.bound = bound
    start = search.begin(given, _search_left(options, told), options.rounds)
    seconds["start"] = time.perf_counter() - then
    then = time.perf_counter()
    begun_with = start.schedule.objective(program) if keeps_rows(program, start.schedule) else None
    if begun_with is not None:
        told.found(begun_with)
    searched = search.run(start, _search_left(options, told), options.rounds, spread=options.spread)
    builder, improved, best = searched.builder, searched.result, searched.best
    if best is not None:
        best = _polished(builder, best, search.guidance.penalty)
    seconds["improvement"] = time.perf_counter() - then
    stop, solver_bound = _STOPS[improved.stop], None
    if options.prove and best is not None and stop is not StopReason.GAP and not told.interrupted():
        then = time.perf_counter()
        best, solver_bound, stop = _proven(builder, best, options, told)
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
        history=tuple(told.history),
    )


def _bounded(
    program: ClosureProgram,
    options: ScheduleOptions,
    chains: Sequence[Chain],
    told: _Told,
) -> tuple[RelaxationResult, ClosureProgram, Cases | None, dict[str, float]]:
    """The plain relaxation, the program tightened, its bound by cases if that may be lower, and the seconds of all."""
    then, seconds = time.perf_counter(), {"ultimate pit": told.seconds}
    share = None if options.seconds is None else _BOUND_SHARE * options.seconds
    rule = StopRule(relative_gap=options.relaxation_gap, seconds=share, interrupted=told.interrupted)
    relaxation = solve_relaxation(program, rule, threads=options.workers, on_iteration=told.on_iteration)
    seconds["relaxation"] = time.perf_counter() - then
    then = time.perf_counter()
    late = options.seconds is not None and told.seconds > _CASE_SHARE * options.seconds
    if relaxation.outcome is Outcome.INFEASIBLE or late or told.interrupted():
        return relaxation, program, None, seconds
    tightened = early_started(program, whole=not options.spread)
    seconds["early start"] = time.perf_counter() - then
    then = time.perf_counter()
    left = None if options.seconds is None else max(_CASE_SHARE * options.seconds - told.seconds, 0.0)
    gap = _CASE_GAP if chains else _ALONE_GAP
    limits = CaseLimits(gap, solves=_CASE_SOLVES, seconds=left, interrupted=told.interrupted)
    cases = bound_by_cases(tightened, chains, ValidRows.none(tightened), limits, root=relaxation)
    seconds["cases"] = time.perf_counter() - then
    return relaxation, tightened, cases, seconds


def _decided(
    program: ClosureProgram,
    options: ScheduleOptions,
    chains: Sequence[Chain],
    cases: Cases,
    told: _Told,
    *,
    beside: SearchBeside | None,
) -> Cases:
    """The bound brought down by decisions about nodes, until a search beside it is near enough to it."""
    told.bound = cases.bound

    def split_up(split: Split) -> None:
        told.bound = split.bound
        if np.isfinite(split.bound):
            told.tell(0)
        if beside is not None and beside.due and (point := split.point()) is not None:
            beside.move_to(point)

    def near() -> bool:
        if beside is None or not np.isfinite(beside.objective):
            return False
        return told.bound - beside.objective <= options.gap * abs(beside.objective)

    share, wanted = _BRANCH_SHARE, NodeLimits(threads=processes(program, options.workers))
    if beside is not None:
        share, wanted = _BRANCH_SHARE_BESIDE, NodeLimits(threads=max(wanted.threads - 1, 1), solves=_SOLVES_BESIDE)
    left = None if options.seconds is None else max(share * options.seconds - told.seconds, 0.0)
    wanted = replace(wanted, seconds=left, interrupted=lambda: told.interrupted() or near())
    return branch_on_nodes(program, chains, cases, wanted, whole=not options.spread, on_split=split_up)


def _no_earlier(program: ClosureProgram, schedule: Schedule) -> Schedule:
    """A schedule with no node before its first step; nodes that need each other move alike, so the order is kept."""
    if (schedule.step >= program.starts).all():
        return schedule
    return replace(schedule, step=np.maximum(schedule.step, program.starts))


def _search_left(options: ScheduleOptions, told: _Told) -> float | None:
    """Seconds for the neighbourhood search."""
    if options.seconds is None:
        return None
    left = max(options.seconds - told.seconds, 0.0)
    return left * (_SEARCH_SHARE if options.prove else 1.0)


def _proven(
    builder: SubprogramBuilder,
    schedule: Schedule,
    options: ScheduleOptions,
    told: _Told,
) -> tuple[Schedule, float | None, StopReason]:
    """The whole program solved by HiGHS from a schedule on: a schedule no worse, HiGHS's bound, and why it stopped."""
    program, n = builder.program, builder.program.n_nodes
    everything = Windows(np.zeros(n, np.int64), np.full(n, program.n_steps - 1, np.int64), np.ones(n, np.bool_))
    windows = propagated(everything, program.n_steps, builder.arcs, program.starts)
    part = builder.build(schedule, windows)
    worth, at = schedule.objective(program), part.program.objective_value(part.start)

    def money(scaled: float | None) -> float | None:
        return None if scaled is None else worth + (scaled - at) / part.scale

    def tell(progress: Progress) -> None:
        bound, objective = money(progress.bound), money(progress.objective)
        gap = None if bound is None or not objective else (bound - objective) / abs(objective)
        if told.on_progress is not None:
            told.on_progress(Progress(told.seconds, bound, objective, gap, progress.nodes))

    left = None if options.seconds is None else max(options.seconds - told.seconds, 0.0)
    asked = SolveOptions(
        gap=0.0,
        gap_abs=options.gap * abs(worth) * part.scale,
        time_limit_s=left,
        seed=options.seed,
        threads=options.workers,
    )
    found = solve(part.program, asked, start=part.start, on_progress=tell, cancel=told.interrupted)
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


class _Told:
    """Whoever listens to a search, with where bound and schedules stand.

    Attributes:
        on_iteration: See ``find_schedule``.
        on_bound: See there.
        on_progress: See there.
        interrupted: See there.
        bound: No schedule is worth more, as far as is known; NaN before anything is.
        history: Seconds since the start, and objective, whenever a better schedule was known.
    """

    def __init__(
        self,
        on_iteration: Callable[[Iteration], None] | None,
        on_bound: Callable[[RelaxationResult, ClosureProgram, Cases | None], None] | None,
        on_progress: Callable[[Progress], None] | None,
        interrupted: Callable[[], bool],
    ) -> None:
        self.on_iteration, self.on_bound, self.on_progress = on_iteration, on_bound, on_progress
        self.interrupted = interrupted
        self.bound = np.nan
        self.history: list[tuple[float, float]] = []
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._began

    def found(self, objective: float) -> None:
        """A schedule that keeps every row."""
        if not self.history or objective > self.history[-1][1]:
            self.history.append((self.seconds, objective))

    def of_beside(self, objective: float) -> None:
        """A schedule of the search beside; called in another thread."""
        self.found(objective)
        if np.isfinite(self.bound):
            self.tell(0)

    def of_round(self, at: Round) -> None:
        """A round of the search."""
        if at.feasible:
            self.found(at.objective)
        self.tell(at.parts)

    def tell(self, parts: int) -> None:
        """Bound, and objective and gap of the best schedule, after so many parts."""
        if self.on_progress is None:
            return
        objective = self.history[-1][1] if self.history else None
        gap = (self.bound - objective) / abs(objective) if objective else None
        self.on_progress(Progress(self.seconds, self.bound, objective, gap, parts))
