"""One scenario solved in a process of its own, and its result put in place whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from instances.findings import BadInput
from instances.reading import MineFiles
from instances.table import files_outside_allowed
from scheduler.exact import ExactAnswer
from scheduler.neighbours import Neighbour
from scheduler.problem import Array, Problem
from scheduler.runfolder import json_text, write_run
from scheduler.solving import Answer, Request, solve_mine
from scheduler.studies import decisions
from scheduler.studies.code import code_hash
from scheduler.studies.folder import (
    FORMULATIONS,
    PROGRESS,
    RECORD,
    SCENARIOS,
    WORK,
    folder_name,
    put_in_place,
    write_whole,
)
from scheduler.studies.pricing import OTHER_MINE, Future, fixed_value
from solvers.result import Progress, StopReason

PROGRESS_S = 2.0
"""Least time between two notes of how far a solve is."""

LOOK_S = 1.0
"""How often a solve looks whether it was given up."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of a scenario.

    Attributes:
        study: folder of the study.
        mine: the base mine, as :func:`instances.reading.read_mine` takes it.
        base_hash: of the base mine; the worker refuses another.
        scenario: its entry of the study's manifest.
        donor: folder of the result to start from; ``None`` for none.
        reference: folder of the result whose plan is priced in this scenario; ``None`` for none.
        settings: of the solve.
        attempt: 1, and more where a worker was lost.
        code: hash of the code that the study was begun with; a worker of another version refuses. Empty for any.
        outside_allowed: whether the files of the mine may lie outside its folder.
    """

    study: Path
    mine: str
    base_hash: str
    scenario: Mapping[str, Any]
    donor: Path | None
    reference: Path | None
    settings: Mapping[str, Any]
    attempt: int = 1
    code: str = ""
    outside_allowed: bool = False

    @property
    def folder(self) -> str:
        """Name of the result's folder."""
        return folder_name(self.scenario["name"], self.scenario["key"])


Word = tuple[str, str, str]
"""What a worker says: ``done``, ``failed``, ``unwritable`` or ``lost``; the reason; of a bug, the traceback."""


def work(job: Job, connection: Connection) -> None:
    """Solves a scenario in a process of its own and sends its word; the process ends with the one that started it."""
    _end_with_parent()
    connection.send(word_of(job))
    connection.close()


def word_of(job: Job) -> Word:
    """Solves a scenario and puts its result in place; whatever happens is told."""
    try:
        with files_outside_allowed() if job.outside_allowed else nullcontext():
            ScenarioSolve(job).run()
    except BadInput as error:
        return "failed", "; ".join(map(str, error.findings)), ""
    except OSError as error:
        return "unwritable", str(error.strerror or error), ""
    except MemoryError:
        return "failed", "not enough memory", ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends this scenario only, and is told
        return "failed", f"{type(error).__name__}: {error}", traceback.format_exc()
    return "done", "", ""


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone; nothing is left running by a killed study."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if hasattr(os, "setsid"):
        # Ctrl-C is for the study, which then ends its workers.
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


class ScenarioSolve:
    """Solves one scenario.

    Args:
        job: what is to be solved.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.scratch = job.study / WORK / job.folder
        self.problem: Problem | None = None
        self.engine: ExactAnswer | None = None
        self.began, self.cpu_before = time.time(), time.process_time()
        self.noted = self.looked = 0.0

    def run(self) -> None:
        """Solves it and puts the result in place.

        Raises:
            BadInput: where the mine is not the one that the study was begun with, or cannot be used.
            OSError: where the result cannot be written.
        """
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        try:
            self._note(None)
            answer = self._solved()
            if self.engine is not None and self.engine.result.stop_reason is StopReason.INTERRUPTED:
                return
            part = self._written(answer)
            put_in_place(part, self.job.study / SCENARIOS / self.job.folder)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _solved(self) -> Answer:
        if self.job.code not in ("", code_hash()):
            raise RuntimeError("its worker has another version of pitwise than the study was begun with")
        files = MineFiles(self.job.mine)
        if files.under().hash() != self.job.base_hash:
            raise RuntimeError("the base mine was changed while the study ran")
        settings = self.job.settings
        request = Request(
            settings["gap"],
            settings["time_limit_s"],
            settings["node_limit"],
            settings["seed"],
            threads=1,
            # Neighbours begin with these cases: they are not to depend on how fast the machine is.
            certificate_s=None,
        )
        return solve_mine(
            files.under(self.job.scenario["overrides"]),
            request,
            on_progress=self._note,
            cancel=self._given_up,
            log_file=self.scratch / "solver.txt",
            neighbour=self._neighbour,
            kept=self.job.study / WORK / FORMULATIONS,
            on_solved=self._keep,
        )

    def _given_up(self) -> bool:
        """Whether the scratch folder was taken away, as a study that stops does."""
        now = time.time()
        if now - self.looked < LOOK_S:
            return False
        self.looked = now
        return not self.scratch.exists()

    def _neighbour(self, problem: Problem) -> Neighbour | None:
        if self.job.donor is None:
            return None
        plan = decisions.read_decisions(self.job.donor / decisions.FILE, problem)
        return None if plan is None else Neighbour(plan, decisions.read_cases(self.job.donor / decisions.CASES))

    def _keep(self, problem: Problem, engine: ExactAnswer) -> None:
        self.problem, self.engine = problem, engine

    def _written(self, answer: Answer) -> Path:
        """The result in the scratch folder."""
        part = self.scratch / "result"
        whole = answer.plan is not None and self.job.settings["plans"] == "full"
        try:
            if whole:
                assert answer.plan is not None  # noqa: S101
                log = self.scratch / "solver.txt"
                text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                write_run(
                    part,
                    answer.instance,
                    answer.plan,
                    answer.tables(),
                    answer.summary,
                    text,
                    certificate=answer.certificate,
                )
            else:
                part.mkdir()
                write_whole(part / "summary.json", json_text(answer.summary))
                for name, table in answer.tables().items():
                    table.to_csv(part / f"{name}.csv", lineterminator="\n", encoding="utf-8")
        except BadInput as error:
            raise OSError(0, str(error)) from error
        if self.problem is not None and self.engine is not None and self.engine.solution is not None:
            decisions.write_decisions(part / decisions.FILE, self.problem, self.engine.solution)
        if answer.certificate is not None:
            decisions.write_cases(part / decisions.CASES, answer.certificate)
        write_whole(part / RECORD, json_text(self._record(answer)))
        return part

    def _record(self, answer: Answer) -> dict[str, object]:
        """The contents of ``scenario.json``."""
        scenario, summary = self.job.scenario, answer.summary
        return {
            "name": scenario["name"],
            "key": scenario["key"],
            "donor": scenario["donor"],
            "overrides": scenario["overrides"],
            "instance_hash": summary["instance_hash"],
            "status": summary["status"],
            "reason": _reason(answer),
            "attempt": self.job.attempt,
            "wall_s": time.time() - self.began,
            "cpu_s": time.process_time() - self.cpu_before,
            "capacity_kt": {} if self.problem is None else _capacities(self.problem, self.engine),
            "bought": _bought(self.problem, self.engine),
            **self._priced(answer),
        }

    def _priced(self, answer: Answer) -> dict[str, object]:
        """The reference's plan, kept as it is, under this scenario's mine."""
        if self.job.reference is None or self.problem is None:
            return {"fixed_schedule": None, "fixed_schedule_breaks": ""}
        plan = decisions.read_decisions(self.job.reference / decisions.FILE, self.problem)
        if plan is None:
            return {"fixed_schedule": None, "fixed_schedule_breaks": OTHER_MINE}
        bound = answer.summary.get("bound")
        value, broken = fixed_value(Future.of(answer.instance, bound if isinstance(bound, float) else None), plan)
        return {"fixed_schedule": value, "fixed_schedule_breaks": broken}

    def _note(self, progress: Progress | None) -> None:
        """Notes how far the solve is, for ``--status``."""
        now = time.time()
        if progress is not None and now - self.noted < PROGRESS_S:
            return
        self.noted = now
        told: dict[str, object] = {"pid": os.getpid(), "began": self.began}
        if progress is not None:
            told |= {"gap": progress.gap, "bound": progress.bound, "objective": progress.objective}
        part = self.scratch / f"{PROGRESS}.part"
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(self.scratch / PROGRESS)


def _reason(answer: Answer) -> str:
    """Why there is no plan, or why it stopped."""
    if answer.conflicts:
        return "; ".join(conflict.text for conflict in answer.conflicts)
    return str(answer.summary["stop_reason"])


def _bought(problem: Problem | None, engine: ExactAnswer | None) -> dict[str, str]:
    """Period in which each option is bought, by name; without those that are not."""
    if problem is None or engine is None or engine.solution is None:
        return {}
    bought = engine.solution.bought
    return {
        option.name: problem.labels[int(bought[number].argmax())]
        for number, option in enumerate(problem.options)
        if bought[number].any()
    }


def _capacities(problem: Problem, engine: ExactAnswer | None) -> dict[str, list[float]]:
    """Capacity of mining and milling in each period, options bought included, kt."""
    limits: dict[str, Array] = {"mining": problem.mining.upper.copy(), "mill": problem.milling.upper.copy()}
    solution = None if engine is None else engine.solution
    for number, option in enumerate(problem.options):
        if solution is None or option.widens not in limits:
            continue
        for t, since in enumerate(option.effective_from.tolist()):
            if since >= 0 and solution.bought[number, since]:
                limits[option.widens][t] += option.adds[t]
    return {name: limit.tolist() for name, limit in limits.items()}
