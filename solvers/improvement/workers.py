"""Parts of a schedule solved by HiGHS: here where there is one worker, else each in a process of its own."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.result import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from types import TracebackType

    from solvers.improvement.subprogram import Elastics, SubprogramBuilder
    from solvers.improvement.windows import Windows
    from solvers.relaxation.program import Floats, Integers
    from solvers.schedule import Schedule

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_GRACE_S = 3.0
"""Time beyond its limit after which a worker's solve is given up: HiGHS looks at the clock between its steps only."""
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
    priced: Floats | None = None


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
    made = builder.build(part.schedule, part.windows, flexible=part.flexible, elastic=part.elastic, priced=part.priced)
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


def _work(connection: Connection, builder: SubprogramBuilder) -> None:
    """A worker: parts in, answers out, until the other end is closed. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a worker has to say about its parts would come between the lines of the parent.
    logging.getLogger("solvers").addHandler(logging.NullHandler())
    while True:
        try:
            part, limits = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(builder, part, limits))


def _attempt(builder: SubprogramBuilder, part: Part, limits: PartLimits) -> Solved | None:
    """The answer, or None where the part could not be solved: a part that fails costs its gain, never the schedule."""
    try:
        return solve_part(builder, part, limits)
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        logger.warning("a part was given up: %s", error)
        return None


class _Worker:
    """A process that solves parts, made anew when it dies."""

    def __init__(self, builder: SubprogramBuilder) -> None:
        # Spawned, not forked: a fork takes over the threads that HiGHS has started.
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, builder), daemon=True)
        self.process.start()
        other.close()

    def send(self, part: Part, limits: PartLimits) -> None:
        """Hands over a part."""
        try:
            self._connection.send((part, limits))
        except OSError as error:
            logger.warning("a worker is gone: %s", error)

    def answer(self, deadline: float | None, interrupted: Callable[[], bool]) -> tuple[Solved | None, bool]:
        """The answer, and whether the worker can be given another part."""
        while True:
            ready = wait([self._connection, self.process.sentinel], _POLL_S)
            if self._connection in ready:
                try:
                    return self._connection.recv(), True
                except (EOFError, OSError):
                    return None, False
            late = deadline is not None and time.perf_counter() > deadline
            if ready or late or interrupted():
                return None, False

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        self.process.kill()
        self.process.join()
        self._connection.close()


class Workers:
    """Solves parts at the same time; a context that ends its processes on leaving."""

    def __init__(self, builder: SubprogramBuilder, count: int) -> None:
        self._builder, self._count = builder, count
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        """Processes are started with the first parts."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes, whatever they are at."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def solve(self, parts: list[Part], limits: PartLimits, interrupted: Callable[[], bool]) -> list[Solved | None]:
        """The answers in the order of the parts; None where there is none, as for all that are cut short."""
        if self._count <= 1:
            return [_attempt(self._builder, part, limits) for part in parts]
        while len(self._workers) < len(parts):
            self._workers.append(_Worker(self._builder))
        busy = self._workers[: len(parts)]
        for worker, part in zip(busy, parts, strict=True):
            worker.send(part, limits)
        deadline = None if limits.seconds is None else time.perf_counter() + limits.seconds + _GRACE_S
        answers = []
        for worker in busy:
            answer, usable = worker.answer(deadline, interrupted)
            answers.append(answer)
            if not usable:
                worker.end()
                self._workers.remove(worker)
        return answers
