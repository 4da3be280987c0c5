"""Runs the scenarios of a study, each in a process of its own, as many at a time as there are workers.

What was finished is never done again; what was not is. A worker that is lost is replaced once; a scenario that fails is
a result with its reason. Which scenario starts from which is fixed by the design, so the order of finishing changes
nothing but the time.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from scheduler.runfolder import json_text
from scheduler.solving import versions
from scheduler.studies import decisions
from scheduler.studies.folder import (
    RECORD,
    SCENARIOS,
    WORK,
    Manifest,
    locked,
    manifest_of,
    not_writable,
    prepare,
    put_in_place,
    read_record,
    refuse_foreign,
    write_whole,
)
from scheduler.studies.opening import OpenStudy
from scheduler.studies.worker import Job, work

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a scenario is begun whose worker is lost."""
FAILED = "failed"
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Event:
    """What happened to a scenario.

    Attributes:
        name: the scenario.
        status: ``begun``, or what it came to.
        done: scenarios with a result.
        total: all scenarios.
        reason: why it failed, or why it has no plan.
    """

    name: str
    status: str
    done: int
    total: int
    reason: str = ""


@dataclass
class _Running:
    job: Job
    process: BaseProcess
    connection: Connection


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settings_of(opened: OpenStudy) -> dict[str, Any]:
    """The settings of the solve that a result depends on."""
    return opened.study.solve.model_dump(mode="json")


def run_study(
    opened: OpenStudy,
    folder: str | Path,
    *,
    workers: int | None = None,
    retry: bool = False,
    on_event: Callable[[Event], None] | None = None,
) -> Manifest:
    """Solves every scenario of a study that has no result yet.

    Args:
        opened: the study.
        folder: where; made if need be. A study that was stopped goes on there.
        workers: scenarios solved at a time; one a core unless given.
        retry: whether scenarios that failed are solved once more.
        on_event: told of every scenario begun and finished.

    Returns:
        The manifest of the folder, every scenario of which has a result.

    Raises:
        BadInput: where the folder is another study's, is in use or cannot be written.
    """
    refuse_foreign(folder, opened.study.name)
    path = Path(folder)
    with locked(path):
        manifest = manifest_of(opened, path.resolve(), settings_of(opened), versions())
        prepare(manifest, opened.source.text)
        _Runner(opened, manifest, workers or cores(), retry=retry, on_event=on_event).run()
    return manifest


class _Runner:
    """The scenarios that are left, and those at work."""

    def __init__(
        self,
        opened: OpenStudy,
        manifest: Manifest,
        workers: int,
        *,
        retry: bool,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self.mine = _absolute(opened.source.mine)
        self.manifest, self.workers, self.on_event = manifest, workers, on_event
        self.entries = {entry["name"]: entry for entry in manifest.scenarios()}
        self.done: set[str] = set()
        for name, entry in self.entries.items():
            record = read_record(manifest.result(entry))
            if record is not None and record["status"] == FAILED and retry:
                shutil.rmtree(manifest.result(entry), ignore_errors=True)
                record = None
            if record is not None:
                self.done.add(name)
        height = _heights(self.entries)
        self.waiting = sorted((n for n in self.entries if n not in self.done), key=lambda name: -height[name])
        self.running: dict[str, _Running] = {}
        self.context = _context()

    def run(self) -> None:
        """Starts and awaits workers until every scenario has a result."""
        try:
            while self.waiting or self.running:
                for name in self._ready():
                    self._start(self._job(name))
                sentinels = [running.process.sentinel for running in self.running.values()]
                wait(sentinels)
                for name in [n for n, running in self.running.items() if not running.process.is_alive()]:
                    self._finished(self.running.pop(name))
        finally:
            self._stop()

    def _ready(self) -> list[str]:
        """Scenarios to start now: those whose donor has a result, the longest chains behind them first."""
        free = self.workers - len(self.running)
        ready = [name for name in self.waiting if self.entries[name]["donor"] in (None, *self.done)]
        return ready[:free]

    def _job(self, name: str) -> Job:
        entry = self.entries[name]
        return Job(
            self.manifest.folder,
            self.mine,
            str(self.manifest.data["base_hash"]),
            entry,
            self._ancestor(entry, first=True),
            self._ancestor(entry, first=False),
            self.manifest.data["settings"],
        )

    def _ancestor(self, entry: Mapping[str, Any], *, first: bool) -> Path | None:
        """The nearest (or the furthest) scenario up the tree that has a plan."""
        found: Path | None = None
        name = entry["donor"]
        while name is not None:
            result = self.manifest.result(self.entries[name])
            if (result / decisions.FILE).is_file():
                found = result
                if first:
                    break
            name = self.entries[name]["donor"]
        return found

    def _start(self, job: Job) -> None:
        receive, send = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work, args=(job, send), daemon=True)
        with _environment(dict.fromkeys(SINGLE_THREADED, "1")):
            process.start()
        send.close()
        name = job.scenario["name"]
        if name in self.waiting:
            self.waiting.remove(name)
        self.running[name] = _Running(job, process, receive)
        self._tell(name, "begun")

    def _finished(self, running: _Running) -> None:
        """Takes a worker's word, or replaces a worker that is lost."""
        name = running.job.scenario["name"]
        said, reason, details = _word(running)
        running.process.join()
        running.process.close()
        entry = self.entries[name]
        record = read_record(self.manifest.result(entry))
        if record is None and said == "unwritable":
            raise not_writable(self.manifest.folder, OSError(0, reason))
        if record is None and said == "lost" and running.job.attempt < ATTEMPTS:
            logger.warning("%s: %s; it is begun again", name, reason)
            self._start(replace(running.job, attempt=running.job.attempt + 1))
            return
        if record is None:
            record = self._failed(entry, reason or "it ended without a result", details, running.job.attempt)
        self.done.add(name)
        self._tell(name, record["status"], str(record.get("reason", "")))

    def _failed(self, entry: Mapping[str, Any], reason: str, details: str, attempts: int) -> dict[str, Any]:
        """Puts the result of a scenario that failed in place."""
        record = {
            "name": entry["name"],
            "key": entry["key"],
            "donor": entry["donor"],
            "overrides": entry["overrides"],
            "status": FAILED,
            "reason": reason,
            "details": details,
            "attempt": attempts,
        }
        target = self.manifest.result(entry)
        part = self.manifest.folder / WORK / f"{target.name}.failed"
        try:
            part.mkdir(parents=True, exist_ok=True)
            write_whole(part / RECORD, json_text(record))
            put_in_place(part, self.manifest.folder / SCENARIOS / target.name)
        except OSError as error:
            raise not_writable(self.manifest.folder, error) from error
        return record

    def _tell(self, name: str, status: str, reason: str = "") -> None:
        if self.on_event is not None:
            self.on_event(Event(name, status, len(self.done), len(self.entries), reason))

    def _stop(self) -> None:
        """Ends the workers that are still at work; what they had is thrown away."""
        for running in self.running.values():
            running.process.kill()
        for running in self.running.values():
            running.process.join()
            running.process.close()
            running.connection.close()
        shutil.rmtree(self.manifest.folder / WORK, ignore_errors=True)


def _word(running: _Running) -> tuple[str, str, str]:
    """What a worker that has ended said, ``lost`` where it could not."""
    code = running.process.exitcode
    try:
        with running.connection as connection:
            if connection.poll():
                said, reason, details = connection.recv()
                return str(said), str(reason), str(details)
    except (EOFError, OSError):
        pass
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return "lost", f"its process was ended by {how}", ""


def _heights(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Length of the longest chain of donors below each scenario."""
    height = dict.fromkeys(entries, 0)
    for name in entries:
        steps, at = 0, entries[name]["donor"]
        while at is not None:
            steps += 1
            height[at] = max(height[at], steps)
            at = entries[at]["donor"]
    return height


def _absolute(mine: str) -> str:
    """The path of a mine as it holds in whatever folder; the name of a bundled one as it is."""
    path = Path(mine)
    return str(path.resolve()) if path.exists() else mine


def _context() -> Any:  # noqa: ANN401 - the contexts share no public type
    """How processes are started: from a server that has loaded the libraries, where there is one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scheduler.studies.worker"])
    return context


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
