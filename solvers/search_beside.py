"""A search for schedules in a process of its own while the bound is still brought down.

Decisions about nodes and the certificate of what they prove are the work of one core. On large programs they take
minutes, and a search beside them has a schedule after seconds. The points of the cases that decisions leave are nearer
to schedules than that of the whole, so that it begins anew at the best one from time to time.
"""

from __future__ import annotations

import logging
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from solvers.schedule import keeps_rows
from solvers.schedule_search import ScheduleSearch
from solvers.spawning import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from types import TracebackType

    from solvers.improvement import ImprovementOptions, Round
    from solvers.relaxation import ClosureProgram
    from solvers.relaxation.branching import CasePoint
    from solvers.schedule import Schedule

logger = logging.getLogger(__name__)

_LEAST = 50_000
"""Nodes times steps below which the bound is down before a process has begun."""
_SOON = 40.0
"""Seconds after which it may begin anew at first; before, the first start brings more than better ones would."""


def worth_a_search_beside(program: ClosureProgram, processes: int) -> bool:
    """Whether there is a core for it, and time."""
    return processes > 1 and program.n_nodes * program.n_steps >= _LEAST


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a search beside begins with.

    Attributes:
        program: The program.
        points: Points of its relaxation.
        bound: No schedule is worth more.
        wanted: Gap and seed.
        seconds: Wall-clock limit.
    """

    program: ClosureProgram
    points: Sequence[CasePoint]
    bound: float
    wanted: ImprovementOptions
    seconds: float


class SearchBeside:
    """A search of whole schedules on one core; a context that ends its process on leaving.

    Attributes:
        objective: Worth of the best schedule so far that keeps every row, minus infinity before there is one.
        schedule: That schedule; None before there is one.
    """

    def __init__(self, begin: Beginning, told: Callable[[float], None]) -> None:
        """Begins it.

        Args:
            begin: What is searched, and from where.
            told: Told of the objective of every better schedule, in a thread of its own.
        """
        self.objective = -np.inf
        self.schedule: Schedule | None = None
        self._program, self._told = begin.program, told
        self._begun = self._moved = time.perf_counter()
        self._ended = False
        self._process, self._connection = spawn(_work)
        points = [replace(point, partition=None) for point in begin.points]
        # What is handed over is more than a pipe holds, and the process reads between its parts only.
        self._sender = ThreadPoolExecutor(1)
        self._send(replace(begin, points=points, wanted=replace(begin.wanted, workers=1)))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def spent(self) -> float:
        """Seconds since it was begun, or last begun anew."""
        return time.perf_counter() - self._moved

    @property
    def due(self) -> bool:
        """Whether it has gone on for as long as since it was begun at first, so that it may begin anew elsewhere."""
        return self.spent >= max(self._moved - self._begun, _SOON)

    def move_to(self, point: CasePoint) -> None:
        """Begins anew at another point; the best schedule so far is kept."""
        self._moved = time.perf_counter()
        self._send(replace(point, partition=None))

    def __enter__(self) -> Self:
        """The search, begun already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process, whatever it is at."""
        self._ended = True
        self._process.kill()
        self._process.join()
        self._sender.shutdown(cancel_futures=True)
        self._listener.join()
        self._connection.close()

    def _send(self, what: Beginning | CasePoint) -> None:
        # Pickled here, as decisions change what a program keeps of itself.
        self._sender.submit(self._hand, pickle.dumps(what, pickle.HIGHEST_PROTOCOL))

    def _hand(self, pickled: bytes) -> None:
        with suppress(OSError):
            self._connection.send_bytes(pickled)

    def _listen(self) -> None:
        """Takes schedules until the other end is closed."""
        while True:
            try:
                found: Schedule | str = self._connection.recv()
            except (EOFError, OSError):
                if not self._ended:
                    logger.warning("the search beside the bound is gone; the best it found is kept")
                return
            if isinstance(found, str):
                logger.warning("the search beside the bound was given up: %s", found)
                return
            objective = found.objective(self._program)
            if objective > self.objective and keeps_rows(self._program, found):
                self.schedule, self.objective = found, objective
                self._told(objective)


def _work(connection: Connection) -> None:
    """The process: schedules out, one whenever it is better, until time is up or the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("solvers").addHandler(logging.NullHandler())
    try:
        _search(connection.recv(), connection)
    except (EOFError, OSError):
        return
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        connection.send(f"{type(error).__name__}: {error}")


def _search(begin: Beginning, connection: Connection) -> None:
    """Searches from the points handed over, and from every other one that comes."""
    until, known = time.perf_counter() + begin.seconds, -np.inf

    def found(schedule: Schedule, objective: float) -> None:
        nonlocal known
        if objective > known:
            known = objective
            connection.send(schedule)

    def told(at: Round) -> None:
        if at.feasible:
            found(at.schedule, at.objective)

    search = ScheduleSearch.of(
        begin.program, begin.points, begin.bound, begin.wanted, told=told, interrupted=connection.poll
    )
    while True:
        start = search.begin((), max(until - time.perf_counter(), 0.0), None)
        if start.sound is not None:
            found(start.sound, start.sound.objective(begin.program))
        search.run(start, max(until - time.perf_counter(), 0.0), None, spread=False)
        # Another point that came meanwhile is what ended it, else it waits for one, or to be ended.
        point: CasePoint = connection.recv()
        while connection.poll():
            point = connection.recv()
        search = search.at([point])
