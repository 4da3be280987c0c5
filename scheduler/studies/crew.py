"""Who solves the scenarios of a study: processes of this machine, started by a server that has loaded the libraries."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from scheduler.studies.worker import Job, Word, work
from solvers.threads import cores

SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Crew(Protocol):
    """Solves jobs, a few at a time."""

    @property
    def size(self) -> int:
        """How many jobs it takes at a time."""

    def start(self, job: Job) -> None:
        """Begins a job."""

    def wait(self) -> list[tuple[Job, Word]]:
        """Waits for a job to end; those that have, each with its word, ``lost`` where its process could give none.

        Raises:
            BadInput: where the crew itself is lost.
        """

    def stop(self) -> None:
        """Ends all that is under way; nothing is started after."""


@dataclass
class _Running:
    job: Job
    process: BaseProcess
    connection: Connection


class ProcessCrew:
    """Processes of this machine, one a job, each of one thread.

    Args:
        size: jobs at a time; one a core unless given.
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size or cores()
        self.running: list[_Running] = []
        self.context = _context()

    def start(self, job: Job) -> None:
        """Begins a job in a process of its own."""
        receive, send = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work, args=(job, send), daemon=True)
        with _environment(dict.fromkeys(SINGLE_THREADED, "1")):
            _begin_server(self.context)
            process.start()
        send.close()
        self.running.append(_Running(job, process, receive))

    def wait(self) -> list[tuple[Job, Word]]:
        """Waits for a process to end; the jobs of those that have."""
        wait([running.process.sentinel for running in self.running])
        over = [running for running in self.running if not running.process.is_alive()]
        self.running = [running for running in self.running if running not in over]
        return [(running.job, _word(running)) for running in over]

    def stop(self) -> None:
        """Kills the processes that are still at work."""
        for running in self.running:
            running.process.kill()
        for running in self.running:
            running.process.join()
            running.process.close()
            running.connection.close()
        self.running = []


def _word(running: _Running) -> Word:
    """What a process that has ended said, ``lost`` where it could not."""
    running.process.join()
    code = running.process.exitcode
    running.process.close()
    try:
        with running.connection as connection:
            if connection.poll():
                said, reason, details = connection.recv()
                return str(said), str(reason), str(details)
    except (EOFError, OSError):
        pass
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return "lost", f"its process was ended by {how}", ""


def _context() -> Any:  # noqa: ANN401 - the contexts share no public type
    """How processes are started: from a server that has loaded the libraries, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scheduler.studies.worker"])
    return context


def _begin_server(context: Any) -> None:  # noqa: ANN401 - as above
    """Starts the server, if there is to be one, deaf to Ctrl-C from its first moment: that is for the study alone.

    By itself it would be so only once the libraries are loaded. Here a Ctrl-C is heard before and after.
    """
    if context.get_start_method() != "forkserver":
        return
    # It is a process of its own, which would otherwise be started next, and whose start lets Ctrl-C through.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment for the processes started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
