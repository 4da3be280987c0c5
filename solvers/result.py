"""What a solve came to: how good the answer is, and why the solver stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from solvers.program import Vector


class Outcome(Enum):
    """What is known about the program after a solve."""

    OPTIMAL = "optimal within the gap asked for"
    FEASIBLE = "feasible, but not proven within the gap asked for"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    NO_SOLUTION = "no solution found"
    ERROR = "error"


class StopReason(Enum):
    """Why the solver stopped."""

    PROVEN = "proven optimal"
    GAP = "gap reached"
    TIME_LIMIT = "time limit"
    NODE_LIMIT = "node limit"
    ITERATION_LIMIT = "iteration limit"
    SOLUTION_LIMIT = "another limit of the search"
    OBJECTIVE_LIMIT = "objective limit"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE = "proven infeasible"
    UNBOUNDED = "proven unbounded"
    NUMERICAL = "numerical trouble"
    ERROR = "solver error"


STOP_REASONS: dict[str, StopReason] = {
    "kNotset": StopReason.ERROR,
    "kLoadError": StopReason.ERROR,
    "kModelError": StopReason.ERROR,
    "kPresolveError": StopReason.ERROR,
    "kSolveError": StopReason.ERROR,
    "kPostsolveError": StopReason.ERROR,
    "kModelEmpty": StopReason.PROVEN,
    "kOptimal": StopReason.PROVEN,
    "kInfeasible": StopReason.INFEASIBLE,
    "kUnboundedOrInfeasible": StopReason.UNBOUNDED,
    "kUnbounded": StopReason.UNBOUNDED,
    "kObjectiveBound": StopReason.OBJECTIVE_LIMIT,
    "kObjectiveTarget": StopReason.OBJECTIVE_LIMIT,
    "kTimeLimit": StopReason.TIME_LIMIT,
    "kIterationLimit": StopReason.ITERATION_LIMIT,
    "kUnknown": StopReason.NUMERICAL,
    "kSolutionLimit": StopReason.SOLUTION_LIMIT,
    "kInterrupt": StopReason.INTERRUPTED,
    "kMemoryLimit": StopReason.MEMORY_LIMIT,
    "kHighsInterrupt": StopReason.INTERRUPTED,
}
"""What each status of HiGHS means, by its name; a status missing here is a KeyError, never a default."""


class StartUse(Enum):
    """What became of the starting point."""

    NONE = "none given"
    ACCEPTED = "accepted as given, integers rounded"
    REPAIRED = "accepted after its continuous columns were solved again"
    REFUSED = "refused"
    NOT_NEEDED = "not needed: the program has no integer columns"


class Progress(NamedTuple):
    """Where a mixed-integer solve stands; None where nothing is known yet. Constants are included."""

    seconds: float
    bound: float | None
    objective: float | None
    gap: float | None
    nodes: int


@dataclass(frozen=True, eq=False)
class Result:
    """The answer of one solve.

    Attributes:
        outcome: what is known about the program.
        stop_reason: why the solver stopped.
        objective: objective of `x`, recomputed from it, constant included; None without `x`.
        bound: no feasible point is better than this, constant included, to the solver's tolerances; None when
            unknown. For a linear program at its optimum it equals the objective.
        gap: ``gap_abs / |objective|``; ``inf`` where the objective is zero and the bound is not; None when
            unknown.
        gap_abs: ``bound - objective`` when maximising, ``objective - bound`` when minimising; never negative.
        x: a point that was checked feasible, shape (n,), integer columns integral; None when there is none.
        row_duals: derivative of the optimal objective with respect to the row limit that binds, shape (m,),
            whether maximising or minimising; zero for rows that do not bind. Only for a linear program at its
            optimum.
        reduced_costs: derivative of the optimal objective with respect to the column bound that binds, shape
            (n,); same convention and same condition.
        seconds: wall time of the whole call.
        nodes: nodes of the branch-and-bound tree.
        simplex_iterations: simplex iterations, all nodes together.
        version: version of HiGHS.
        seed: random seed used.
        threads: threads asked for, 0 for the solver's own choice.
        start: what became of the starting point.
        start_message: why the starting point was refused or repaired, empty otherwise.
        message: anything else worth reading, empty when there is nothing.
    """

    outcome: Outcome
    stop_reason: StopReason
    objective: float | None
    bound: float | None
    gap: float | None
    gap_abs: float | None
    x: Vector | None
    row_duals: Vector | None
    reduced_costs: Vector | None
    seconds: float
    nodes: int
    simplex_iterations: int
    version: str
    seed: int
    threads: int
    start: StartUse = StartUse.NONE
    start_message: str = ""
    message: str = ""


BOUND_TOLERANCE = 1e-6
"""How far, relative to max(1, |objective|), a bound may lie on the wrong side of the objective."""

PROVEN_TOLERANCE = 1e-9
"""Absolute gap, relative to max(1, |objective|), that counts as none."""


@dataclass(frozen=True)
class Verdict:
    """What an objective and a bound come to; the fields are those of `Result`."""

    outcome: Outcome
    stop_reason: StopReason
    bound: float | None
    gap: float | None
    gap_abs: float | None
    message: str = ""


def gaps(objective: float, bound: float, *, maximise: bool) -> tuple[float, float]:
    """Return the relative and the absolute gap between an objective and a bound, constants included.

    The relative gap is over ``|objective|`` and infinite where that is zero but the absolute gap is not.
    """
    gap_abs = bound - objective if maximise else objective - bound
    if gap_abs == 0.0:
        return 0.0, 0.0
    return (gap_abs / abs(objective) if objective != 0.0 else math.copysign(math.inf, gap_abs)), gap_abs


def weigh(
    stop: StopReason,
    objective: float | None,
    bound: float | None,
    *,
    maximise: bool,
    gap_asked: float,
    gap_abs_asked: float,
) -> Verdict:
    """Judge what a solve came to from its figures rather than from the solver's word.

    A bound on the wrong side of the objective by no more than `BOUND_TOLERANCE` is moved onto the objective; one
    further off is not reported at all, and the stop becomes numerical trouble.

    Args:
        stop: why the solver stopped; `StopReason.PROVEN` stands for any claim of optimality.
        objective: objective of a point checked feasible, None without one.
        bound: the solver's bound, None when unknown.
        maximise: sense of optimisation.
        gap_asked: relative gap asked for.
        gap_abs_asked: absolute gap asked for.
    """
    if objective is None:
        return Verdict(*_without_point(stop), bound, None, None)
    gap = gap_abs = None
    message = ""
    scale = max(1.0, abs(objective))
    if bound is not None:
        gap, gap_abs = gaps(objective, bound, maximise=maximise)
        if gap_abs < -BOUND_TOLERANCE * scale:
            message = f"the solver's bound {bound!r} is worse than the feasible objective {objective!r}"
            stop, bound, gap, gap_abs = StopReason.NUMERICAL, None, None, None
        elif gap_abs < 0.0:
            bound, gap, gap_abs = objective, 0.0, 0.0
    if gap is None or gap_abs is None:
        stop = StopReason.NUMERICAL if stop in {StopReason.PROVEN, StopReason.INFEASIBLE} else stop
        return Verdict(Outcome.FEASIBLE, stop, bound, gap, gap_abs, message)
    if stop == StopReason.PROVEN and gap_abs > PROVEN_TOLERANCE * scale:
        stop = StopReason.GAP
    within = gap <= gap_asked * (1.0 + 1e-6) or gap_abs <= gap_abs_asked + PROVEN_TOLERANCE * scale
    return Verdict(Outcome.OPTIMAL if within else Outcome.FEASIBLE, stop, bound, gap, gap_abs, message)


def _without_point(stop: StopReason) -> tuple[Outcome, StopReason]:
    if stop == StopReason.INFEASIBLE:
        return Outcome.INFEASIBLE, stop
    if stop == StopReason.UNBOUNDED:
        return Outcome.UNBOUNDED, stop
    if stop == StopReason.PROVEN:
        return Outcome.ERROR, StopReason.NUMERICAL
    if stop in {StopReason.ERROR, StopReason.NUMERICAL}:
        return Outcome.ERROR, stop
    return Outcome.NO_SOLUTION, stop
