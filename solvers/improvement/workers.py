"""Parts of a schedule solved by HiGHS: here where there is one worker, else each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.result import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.pool import AsyncResult, Pool
    from types import TracebackType

    from solvers.improvement.subprogram import Elastics, SubprogramBuilder
    from solvers.improvement.windows import Windows
    from solvers.relaxation.program import Integers
    from solvers.schedule import Schedule

_POLL_S = 0.05
_GRACE_S = 60.0
_EXTRA: dict[str, bool | int | float | str] = {
    "mip_detect_symmetry": False,
    "mip_heuristic_effort": 0.3,
}


@dataclass(frozen=True, eq=False)
class Part:
    """A part to be decided again: see ``SubprogramBuilder.build``."""

    schedule: Schedule
    windows: Windows
    flexible: Integers
    elastic: Elastics


@dataclass(frozen=True)
class PartLimits:
    """Limits of the solve of one part.

    Attributes:
        seconds: Wall-clock limit, or None.
        nodes: Branch-and-bound nodes.
        close: Distance to the part's own bound that is good enough, in the unit of the objective.
        seed: Random seed.
    """

    seconds: float | None
    nodes: int
    close: float
    seed: int


@dataclass(frozen=True, eq=False)
class Solved:
    """A part that was solved.

    Attributes:
        schedule: The schedule it led to, at least as good as the one before.
        finished: Whether it is proven within ``close`` of the best for the part.
        iterations: Simplex iterations it took.
        seconds: Wall-clock time.
    """

    schedule: Schedule
    finished: bool
    iterations: int
    seconds: float


def solve_part(builder: SubprogramBuilder, part: Part, limits: PartLimits) -> Solved | None:
    """Solves one part; None where HiGHS finds nothing."""
    began = time.perf_counter()
    made = builder.build(part.schedule, part.windows, flexible=part.flexible, elastic=part.elastic)
    if not made.program.num_columns:
        return None
    options = SolveOptions(
        threads=1,
        gap=1e-7,
        gap_abs=limits.close * made.scale,
        time_limit_s=limits.seconds,
        node_limit=limits.nodes,
        seed=limits.seed % 2**31,
        extra=_EXTRA if made.program.is_mixed_integer else {},
    )
    start = made.start if made.program.is_mixed_integer else None
    found = solve(made.program, options, start=start)
    if found.x is None:
        return None
    finished = found.stop_reason in {StopReason.PROVEN, StopReason.GAP}
    return Solved(made.schedule(found.x), finished, found.simplex_iterations, time.perf_counter() - began)


_BUILDER: list[SubprogramBuilder] = []


def _begin(builder: SubprogramBuilder) -> None:
    """A worker's own builder; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _BUILDER[:] = [builder]


def _work(part: Part, limits: PartLimits) -> Solved | None:
    return solve_part(_BUILDER[0], part, limits)


class Workers:
    """Solves parts at the same time; a context that ends its processes on leaving."""

    def __init__(self, builder: SubprogramBuilder, count: int) -> None:
        self._builder, self._count = builder, count
        self._pool: Pool | None = None

    def __enter__(self) -> Self:
        """Starts the processes where there are several workers."""
        if self._count > 1:
            # Spawned, not forked: a fork takes over the threads that HiGHS has started.
            context = multiprocessing.get_context("spawn")
            self._pool = context.Pool(self._count, _begin, (self._builder,))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes, whatever they are at."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()
            self._pool = None

    def solve(self, parts: list[Part], limits: PartLimits, interrupted: Callable[[], bool]) -> list[Solved | None]:
        """The answers in the order of the parts; None where there is none, as for all when interrupted."""
        if self._pool is None:
            return [solve_part(self._builder, part, limits) for part in parts]
        waiting = [self._pool.apply_async(_work, (part, limits)) for part in parts]
        return [self._answer(one, limits, interrupted) for one in waiting]

    def _answer(
        self, waiting: AsyncResult[Solved | None], limits: PartLimits, interrupted: Callable[[], bool]
    ) -> Solved | None:
        deadline = None if limits.seconds is None else time.perf_counter() + limits.seconds + _GRACE_S
        while True:
            waiting.wait(_POLL_S)
            if waiting.ready():
                return waiting.get()
            if interrupted() or (deadline is not None and time.perf_counter() > deadline):
                return None
