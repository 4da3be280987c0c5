"""What the relaxation answers with, and when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers.relaxation.partition import Partition
    from solvers.relaxation.program import Floats


class Outcome(Enum):
    """What is known at the end."""

    OPTIMAL = "bound and primal point agree within the gap asked for"
    BOUNDED = "the bound holds; the gap asked for was not reached"
    INFEASIBLE = "no point satisfies the side rows; the multipliers prove it"


class StopReason(Enum):
    """Why the search ended."""

    GAP = "the gap was reached"
    COARSE = "it took long, and a coarser gap was reached"
    TIME = "the time limit was reached"
    ITERATIONS = "the iteration limit was reached"
    INTERRUPTED = "the caller asked to stop"
    EXHAUSTED = "no closure splits a class any more"
    INFEASIBLE = "infeasibility was proven"
    NUMERICAL = "a master problem gave the solver numerical trouble"


@dataclass(frozen=True)
class Iteration:
    """One iteration: its number, seconds since the start, and where the search stands.

    Attributes:
        number: 0 for the start.
        seconds: Since the call.
        bound: UB(l) of this iteration's multipliers, a valid upper bound; None in phase 1.
        best_bound: Smallest so far.
        master_value: Value of the last feasible primal point, -inf before there is one.
        classes: Classes of the partition after refinement.
        phase_one: Whether the iteration looked for any feasible point at all.
    """

    number: int
    seconds: float
    bound: float | None
    best_bound: float
    master_value: float
    classes: int
    phase_one: bool


@dataclass(frozen=True)
class StopRule:
    """When to stop; None stands for no limit.

    Attributes:
        relative_gap: (bound - value) / |bound| that is good enough.
        seconds: Wall-clock limit, looked at between iterations.
        iterations: Most closures priced; the deterministic limit.
        interrupted: Asked before every iteration; true stops the search.
        coarse_after: Seconds of wall clock after which ``coarse_gap`` is good enough.
        coarse_gap: (bound - value) / |bound| that is good enough then.
    """

    relative_gap: float = 1e-6
    seconds: float | None = None
    iterations: int | None = None
    interrupted: Callable[[], bool] | None = None
    coarse_after: float | None = None
    coarse_gap: float = 1e-4


@dataclass(frozen=True, eq=False)
class RelaxationResult:
    """The answer: a bound with the multipliers that prove it, and a primal point.

    Attributes:
        outcome: What is known.
        reason: Why the search ended.
        bound: Upper bound on the program; inf before the first one, -inf where infeasible.
        multipliers: Multipliers ``(M,)`` of that bound (``bound_from_multipliers`` gives it again), or of the proof of
            infeasibility.
        value: Objective of the primal point, a lower bound on the linear program; -inf where there is none.
        x: Primal point ``(P, T, D)``, share of a part in a step by choice; None where none was found.
        extras: Continuous variables ``(S,)`` of the point; None where none was found.
        iterations: Closures priced.
        history: One record an iteration.
        seconds: Wall-clock time.
        kernel: Name and version of the closure kernel trusted.
        partition: The classes it ended with; the point is made of them.
    """

    outcome: Outcome
    reason: StopReason
    bound: float
    multipliers: Floats
    value: float
    x: Floats | None
    extras: Floats | None
    iterations: int
    history: tuple[Iteration, ...]
    seconds: float
    kernel: str
    partition: Partition

    @property
    def gap(self) -> float:
        """(bound - value) / |bound|; inf where there is no point."""
        difference = self.bound - self.value
        return difference / max(abs(self.bound), 1e-300) if self.value > float("-inf") else float("inf")
