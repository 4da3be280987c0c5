"""Runs the scenarios of a study, each in a process of its own, as many at a time as there are workers.

What was finished is never done again; what was not is. A worker that is lost is replaced once; a scenario that fails is
a result with its reason. Which scenario starts from which is fixed by the design, so the order of finishing changes
nothing but the time.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from instances.reading import BUNDLED
from instances.table import are_files_outside_allowed
from scheduler.runfolder import json_text
from scheduler.solving import versions
from scheduler.studies import decisions
from scheduler.studies.code import code_hash
from scheduler.studies.crew import Crew, ProcessCrew
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
from scheduler.studies.worker import Job, Word

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a scenario is begun whose worker is lost."""
FAILED = "failed"


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


def settings_of(opened: OpenStudy) -> dict[str, Any]:
    """The settings of the solve that a result depends on."""
    return opened.study.solve.model_dump(mode="json")


def run_study(
    opened: OpenStudy,
    folder: str | Path,
    *,
    workers: int | None = None,
    crew: Crew | None = None,
    retry: bool = False,
    on_event: Callable[[Event], None] | None = None,
) -> Manifest:
    """Solves every scenario of a study that has no result yet.

    Args:
        opened: the study.
        folder: where; made if need be. A study that was stopped goes on there.
        workers: scenarios solved at a time; one a core unless given.
        crew: who solves them, stopped at the end; processes of this machine unless given.
        retry: whether scenarios that failed are solved once more.
        on_event: told of every scenario begun and finished.

    Returns:
        The manifest of the folder, every scenario of which has a result.

    Raises:
        BadInput: where the folder is another study's, is in use or cannot be written.
    """
    crew = ProcessCrew(workers) if crew is None else crew
    try:
        return _run_by(crew, opened, Path(folder), retry=retry, on_event=on_event)
    finally:
        crew.stop()


def _run_by(
    crew: Crew, opened: OpenStudy, path: Path, *, retry: bool, on_event: Callable[[Event], None] | None
) -> Manifest:
    refuse_foreign(path, opened.study.name)
    with locked(path):
        manifest = manifest_of(opened, path.resolve(), settings_of(opened), versions() | {"code": code_hash()})
        prepare(manifest, opened.source.text)
        runner = _Runner(opened, manifest, retry=retry, on_event=on_event)
        runner.run(crew)
    return manifest


class _Runner:
    """The scenarios that are left, and those at work."""

    def __init__(
        self,
        opened: OpenStudy,
        manifest: Manifest,
        *,
        retry: bool,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self.mine = _absolute(opened.source.mine)
        self.manifest, self.on_event = manifest, on_event
        self.entries = {entry["name"]: entry for entry in manifest.scenarios()}
        self.done: set[str] = set()
        for name, entry in self.entries.items():
            record = read_record(manifest.result(entry))
            if record is None or (record["status"] == FAILED and retry):
                # A result whose record is damaged is none; left there, it would keep the new one from its place.
                shutil.rmtree(manifest.result(entry), ignore_errors=True)
            else:
                self.done.add(name)
        height = _heights(self.entries)
        self.waiting = sorted((n for n in self.entries if n not in self.done), key=lambda name: -height[name])
        self.running: set[str] = set()

    def run(self, crew: Crew) -> None:
        """Has every scenario that is waiting solved."""
        try:
            while self.waiting or self.running:
                for name in self._ready(crew.size - len(self.running)):
                    self._start(crew, self._job(name))
                for job, word in crew.wait():
                    self.running.discard(job.scenario["name"])
                    self._finished(crew, job, word)
        finally:
            crew.stop()
            # A solve that is still under way ends when its scratch folder is gone.
            shutil.rmtree(self.manifest.folder / WORK, ignore_errors=True)

    def _ready(self, free: int) -> list[str]:
        """Scenarios to start now: those whose donor has a result, the longest chains behind them first."""
        ready = [name for name in self.waiting if self.entries[name]["donor"] in (None, *self.done)]
        return ready[: max(free, 0)]

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
            code=str(self.manifest.data["versions"]["code"]),
            outside_allowed=are_files_outside_allowed(),
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

    def _start(self, crew: Crew, job: Job) -> None:
        name = job.scenario["name"]
        crew.start(job)
        if name in self.waiting:
            self.waiting.remove(name)
        self.running.add(name)
        self._tell(name, "begun")

    def _finished(self, crew: Crew, job: Job, word: Word) -> None:
        """Takes a worker's word, or has a job that is lost done again."""
        name = job.scenario["name"]
        said, reason, details = word
        entry = self.entries[name]
        record = read_record(self.manifest.result(entry))
        if record is None and said == "unwritable":
            raise not_writable(self.manifest.folder, OSError(0, reason))
        if record is None and said == "lost" and job.attempt < ATTEMPTS:
            logger.warning("%s: %s; it is begun again", name, reason)
            self._start(crew, replace(job, attempt=job.attempt + 1))
            return
        if record is None:
            record = self._failed(entry, reason or "it ended without a result", details, job.attempt)
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
    return mine if mine in BUNDLED else str(Path(mine).resolve())
