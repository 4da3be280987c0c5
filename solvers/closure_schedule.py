"""A whole schedule of a closure program with a proven bound: relaxation, rounding, neighbourhood search."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from solvers.improvement import (
    Guidance,
    ImprovementOptions,
    SubprogramBuilder,
    improve,
    merit,
    row_penalties,
    settle,
)
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.result import Progress
from solvers.rounding import expected_steps, round_relaxation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.improvement import ImprovementResult
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.program import Floats
    from solvers.schedule import Schedule

_BOUND_SHARE = 0.6
"""Share of the time limit that the relaxation may take."""
_LEAST_FOR_PROCESSES = 5_000
"""Nodes times steps below which a part is solved sooner than a process is started."""


class StopReason(Enum):
    """Why the search for a schedule ended."""

    GAP = "the gap was reached"
    TIME = "the time limit was reached"
    ROUNDS = "the limit of rounds was reached"
    INTERRUPTED = "the caller asked to stop"
    STALLED = "rounds brought nothing more"
    INFEASIBLE = "infeasibility was proven"


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
    """

    gap: float = 0.0
    relaxation_gap: float = 1e-6
    seconds: float | None = None
    rounds: int | None = None
    seed: int = 0
    workers: int = 0


@dataclass(frozen=True, eq=False)
class FoundSchedule:
    """What was found.

    Attributes:
        relaxation: The bound, with the multipliers that prove it.
        schedule: The best schedule; None where none keeps every row.
        objective: Its worth; None without one.
        stop: Why the search ended.
        origin: What the search began with: an order of rounding, or the name of a given start.
        begun_with: Objective at that time; None where it broke a row.
        improvement: What the neighbourhood search did; None where it did not run.
        seconds: Wall time by stage.
    """

    relaxation: RelaxationResult
    schedule: Schedule | None
    objective: float | None
    stop: StopReason
    origin: str
    begun_with: float | None
    improvement: ImprovementResult | None
    seconds: dict[str, float]


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
    starts: Sequence[tuple[str, Schedule]] = (),
    on_iteration: Callable[[Iteration], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> FoundSchedule:
    """Bounds the program, rounds the relaxation's point, and improves the best start.

    Args:
        program: The program.
        options: When to stop.
        starts: Schedules to begin with, by name; they keep the arcs. Choices are decided again.
        on_iteration: Told of every iteration of the relaxation.
        on_progress: Told of bound, objective and gap of the search.
        interrupted: Asked again and again; true ends the search, the best schedule so far is kept.
    """
    began = time.perf_counter()
    ask = interrupted or (lambda: False)
    share = None if options.seconds is None else _BOUND_SHARE * options.seconds
    rule = StopRule(relative_gap=options.relaxation_gap, seconds=share, interrupted=interrupted)
    relaxation = solve_relaxation(program, rule, on_iteration=on_iteration)
    seconds = {"relaxation": time.perf_counter() - began}
    if relaxation.outcome is Outcome.INFEASIBLE:
        return FoundSchedule(relaxation, None, None, StopReason.INFEASIBLE, "", None, None, seconds)
    then = time.perf_counter()
    builder = SubprogramBuilder(program)
    penalty = row_penalties(program, relaxation.multipliers)
    origin, schedule = _best_start(builder, relaxation, penalty, starts)
    seconds["rounding"] = time.perf_counter() - then
    keeps = not (schedule.violation(program) > 0).any()
    begun_with = schedule.objective(program) if keeps else None
    then = time.perf_counter()
    left = None if options.seconds is None else max(options.seconds - (time.perf_counter() - began), 0.0)
    improved = improve(
        builder,
        schedule,
        ImprovementOptions(
            seconds=left,
            rounds=options.rounds,
            gap=options.gap,
            seed=options.seed,
            workers=_workers(program, options.workers),
        ),
        Guidance(penalty, relaxation.bound, relaxation.multipliers, _goal(program, relaxation)),
        on_round=_teller(relaxation.bound, began, on_progress),
        interrupted=ask,
    )
    best, objective = (improved.schedule, improved.objective) if improved.feasible else (None, None)
    seconds["improvement"] = time.perf_counter() - then
    return FoundSchedule(relaxation, best, objective, _STOPS[improved.stop], origin, begun_with, improved, seconds)


def _best_start(
    builder: SubprogramBuilder,
    relaxation: RelaxationResult,
    penalty: Floats,
    starts: Sequence[tuple[str, Schedule]],
) -> tuple[str, Schedule]:
    """The rounded schedule or the given one of most merit."""
    program = builder.program
    x, extras = relaxation.x, relaxation.extras
    if x is None or extras is None:
        x, extras = np.zeros(program.value.shape), np.clip(0.0, program.extra_lower, program.extra_upper)
    rounded = round_relaxation(builder, x, extras, penalty)
    best = (rounded.merit, rounded.order, rounded.schedule)
    for name, start in starts:
        settled = settle(builder, start, penalty) or start
        worth = merit(program, settled, penalty)
        if worth > best[0]:
            best = (worth, name, settled)
    return best[1], best[2]


def _goal(program: ClosureProgram, relaxation: RelaxationResult) -> Floats | None:
    """Mean step of every node in the relaxation ``(n,)``, T for nodes without parts; None without a point."""
    if relaxation.x is None:
        return None
    goal = np.full(program.n_nodes, float(program.n_steps))
    goal[program.part_node] = expected_steps(relaxation.x)
    return goal


def _workers(program: ClosureProgram, asked: int) -> int:
    if asked:
        return asked
    small = program.n_nodes * program.n_steps < _LEAST_FOR_PROCESSES
    return 1 if small else max(os.cpu_count() or 1, 1)


def _teller(
    bound: float, began: float, on_progress: Callable[[Progress], None] | None
) -> Callable[[int, float, bool], None]:
    def told(parts: int, objective: float, feasible: bool) -> None:
        if on_progress is None:
            return
        gap = (bound - objective) / abs(objective) if feasible and objective else None
        on_progress(Progress(time.perf_counter() - began, bound, objective if feasible else None, gap, parts))

    return told
