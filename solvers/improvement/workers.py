"""Parts of a schedule solved: here where there is one worker, else each in a process of its own."""

from __future__ import annotations

import logging
import signal
import time
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

from solvers.spawning import spawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from types import TracebackType

    from solvers.improvement.parts import Part, PartLimits, Solved
    from solvers.improvement.subprogram import SubprogramBuilder

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_GRACE_S = 3.0
"""Time beyond its limit after which a worker's solve is given up: HiGHS looks at the clock between its steps only."""
_MOST_STILLBORN = 2
"""Processes that fail before their first answer, one after the other, after which parts are solved here."""


def _work(connection: Connection) -> None:
    """A worker: the builder, then parts in and answers out, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a worker has to say about its parts would come between the lines of the parent.
    logging.getLogger("solvers").addHandler(logging.NullHandler())
    with suppress(EOFError, OSError):
        builder = connection.recv()
        while True:
            part, limits = connection.recv()
            connection.send(_attempt(builder, part, limits))


def _attempt(builder: SubprogramBuilder, part: Part, limits: PartLimits) -> Solved | None:
    """The answer, or None where the part could not be solved: a part that fails costs its gain, never the schedule."""
    try:
        return part.solve(builder, limits)
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        logger.warning("a part was given up: %s", error)
        return None


class _Worker:
    """A process that solves parts, made anew when it dies.

    Attributes:
        process: The process.
        deadline: Time of ``time.perf_counter`` after which the part it is at is given up; None for none.
        proven: Whether it has given an answer.
    """

    def __init__(self, builder: SubprogramBuilder) -> None:
        self.process, self.connection = spawn(_work)
        self.deadline: float | None = None
        self.proven = False
        self._hand(builder)

    def send(self, part: Part, limits: PartLimits) -> None:
        """Hands over a part."""
        self.deadline = None if limits.seconds is None else time.perf_counter() + limits.seconds + _GRACE_S
        self._hand((part, limits))

    def _hand(self, what: object) -> None:
        try:
            self.connection.send(what)
        except OSError as error:
            logger.warning("a worker is gone: %s", error)

    def failed(self) -> bool:
        """Whether it ended by an error of its own before it had solved anything."""
        self.process.join(_GRACE_S)
        return not self.proven and (self.process.exitcode or 0) > 0

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.connection.close()


class Workers:
    """Solves parts at the same time; a context that ends its processes on leaving."""

    def __init__(self, builder: SubprogramBuilder, count: int) -> None:
        self._builder, self._count = builder, count
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}
        self._answered: dict[int, Solved | None] = {}
        self._tickets = self._stillborn = 0

    def __enter__(self) -> Self:
        """Processes are started with the first parts."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes, whatever they are at."""
        for worker in [*self._idle, *self._busy.values()]:
            worker.end()
        self._idle, self._busy = [], {}

    @property
    def room(self) -> int:
        """Parts that can be taken on now."""
        return self._count - len(self._busy) - len(self._answered)

    def begin(self, part: Part, limits: PartLimits) -> int:
        """Takes a part on; the ticket by which its answer is known."""
        self._tickets += 1
        if self._count <= 1:
            self._answered[self._tickets] = _attempt(self._builder, part, limits)
            return self._tickets
        worker = self._idle.pop() if self._idle else _Worker(self._builder)
        worker.send(part, limits)
        self._busy[self._tickets] = worker
        return self._tickets

    def answers(self, interrupted: Callable[[], bool], *, every: bool) -> list[tuple[int, Solved | None]]:
        """Answers by ticket, ascending; None where there is none, as for all that are cut short.

        Args:
            interrupted: Asked while waiting; true gives up what is not answered yet.
            every: Whether all parts that were begun are waited for, or one is enough.
        """
        while self._busy and (every or not self._answered):
            wait([w for worker in self._busy.values() for w in (worker.connection, worker.process.sentinel)], _POLL_S)
            now, stopped = time.perf_counter(), interrupted()
            for ticket, worker in list(self._busy.items()):
                late = worker.deadline is not None and now > worker.deadline
                self._look_at(ticket, worker, give_up=late or stopped)
        found = sorted(self._answered.items())
        self._answered = {}
        return found

    def _look_at(self, ticket: int, worker: _Worker, *, give_up: bool) -> None:
        """Takes the answer of a worker that has one; ends it where it is dead or given up."""
        answer, alive = None, True
        if worker.connection.poll():
            try:
                answer = worker.connection.recv()
                worker.proven = True
            except (EOFError, OSError):
                alive = False
        elif give_up or not worker.process.is_alive():
            alive = False
        else:
            return
        del self._busy[ticket]
        self._answered[ticket] = answer
        if alive:
            self._idle.append(worker)
            return
        # Whoever is out of memory is killed from outside, and would be here as well.
        self._stillborn = self._stillborn + 1 if not give_up and worker.failed() else 0
        worker.end()
        if self._stillborn == _MOST_STILLBORN:
            self._count = 1
            logger.warning(
                "processes that solve parts end with an error at once, so parts are solved in this one; "
                "what a script calls has to stand under if __name__ == '__main__'"
            )
