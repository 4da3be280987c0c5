"""A piece of work in a process of its own, while this one goes on with another."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Generic, Self, TypeVar

from instances.findings import BadInput

T = TypeVar("T")

_POLL_S = 0.05
_GRACE_S = 10.0
"""Time after an interruption in which the work may still give what it has."""


class Aside(Generic[T]):
    """Work begun at once; a context that ends its process on leaving.

    The work is a function of a module, called with the arguments and, by the name ``cancel``, a function that is true
    once the work should end; arguments and answer can be pickled.
    """

    def __init__(self, work: Callable[..., T], *args: object) -> None:
        # Spawned, not forked: a fork takes over the threads that HiGHS has started.
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe(duplex=False)
        self._stop = context.Event()
        self._process = context.Process(target=_do, args=(other, self._stop, work, args), daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> Self:
        """The work goes on already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process, whatever it is at."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def answer(self, interrupted: Callable[[], bool]) -> T | None:
        """Waits for the answer, to be asked for once; None where the process died, or gave none in time.

        Args:
            interrupted: Asked while waiting; once true the work is told to end, and has some seconds for it.

        Raises:
            BadInput: as the work raised it.
        """
        deadline: float | None = None
        while not wait([self._connection, self._process.sentinel], _POLL_S):
            if deadline is None and interrupted():
                self._stop.set()
                deadline = time.monotonic() + _GRACE_S
            if deadline is not None and time.monotonic() > deadline:
                return None
        try:
            findings, answer = self._connection.recv()
        except (EOFError, OSError):
            return None
        if findings:
            raise BadInput(findings)
        return answer  # type: ignore[no-any-return]


def _do(connection: Connection, stop: Event, work: Callable[..., object], args: tuple[object, ...]) -> None:
    """The process: the work's answer, or what was wrong with its input. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the work has to say would come between the lines of the parent.
    for name in ("solvers", "scheduler"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        connection.send(((), work(*args, cancel=stop.is_set)))
    except BadInput as error:
        connection.send((error.findings, None))
