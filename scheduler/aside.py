"""A piece of work in a process of its own, while this one goes on with another."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from instances.findings import BadInput
from solvers.spawning import spawn

logger = logging.getLogger(__name__)

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
        self._process, self._connection = spawn(_do)
        try:
            self._connection.send((work, args))
        except OSError as error:
            logger.warning("a process is gone: %s", error)

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
                self._tell()
                deadline = time.monotonic() + _GRACE_S
            if deadline is not None and time.monotonic() > deadline:
                return None
        try:
            findings, failure, answer = self._connection.recv()
        except (EOFError, OSError):
            return None
        if findings:
            raise BadInput(findings)
        if failure:
            logger.warning("a process gave up: %s", failure)
        return answer  # type: ignore[no-any-return]

    def _tell(self) -> None:
        """Tells the work to end; a process that is gone already is found out by whoever waits."""
        with suppress(OSError):
            self._connection.send(None)


def _do(connection: Connection) -> None:
    """The process: the work's answer, or what was wrong. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the work has to say would come between the lines of the parent.
    for name in ("solvers", "scheduler"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    work, args = connection.recv()
    try:
        # The parent says nothing more but that the work should end.
        connection.send(((), "", work(*args, cancel=connection.poll)))
    except BadInput as error:
        connection.send((error.findings, "", None))
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        connection.send(((), str(error) or type(error).__name__, None))
