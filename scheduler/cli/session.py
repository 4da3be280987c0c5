"""One solve from the command line, from reading the mine to the run folder."""

from __future__ import annotations

import datetime as dt
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from instances.findings import BadInput, Finding
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.certified_run import refutation
from scheduler.cli.arguments import unfit_options
from scheduler.cli.interrupt import first_interrupt_stops
from scheduler.cli.minelib_arguments import refuse_file, write_whole
from scheduler.cli.output import page, print_json
from scheduler.cli.progress import Notes, ProgressLine
from scheduler.cli.report import print_no_plan, print_run
from scheduler.outcome import NO_PLAN, ExitCode
from scheduler.runfolder import json_text, refuse_occupied, write_run
from scheduler.solving import Answer, Clock, Request, solve_mine, versions

OURS = ("instances", "scheduler", "solvers")
RUNS = "runs"


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for besides the solve itself.

    Attributes:
        mine: name or path of the mine.
        changes: overrides.
        out: folder of the run, or ``None`` for a new one.
        replace: whether an earlier run there may be replaced.
        as_json: whether the summary is printed as JSON.
        quiet: whether there is no progress.
        report: whether the run is reported too.
        proof: file for the proof that there is no plan, or ``None``.
    """

    mine: str
    changes: tuple[str, ...]
    out: str | None
    replace: bool
    as_json: bool
    quiet: bool
    report: bool = False
    proof: str | None = None


class Session:
    """Reads, solves, writes and prints.

    Args:
        wanted: what was asked for.
        request: what is asked of the solve.
        importing_s: seconds spent on loading the libraries, which count too.
    """

    def __init__(self, wanted: Wanted, request: Request, *, importing_s: float) -> None:
        self.wanted, self.request = wanted, request
        self.line = ProgressLine(shown=not wanted.quiet)
        self.clock = Clock({"import": importing_s}, self.line.stage)

    def run(self) -> ExitCode:
        """Does it all; the exit code."""
        if unfit := unfit_options(self.request):
            raise BadInput(unfit)
        if self.wanted.out is not None:
            refuse_unwritable(self.wanted.out, replace=self.wanted.replace)
        refuse_file(self.wanted.proof, replace=self.wanted.replace)
        try:
            with self.clock.stage("read"):
                instance = read_mine(self.wanted.mine, self.wanted.changes)
            refuse_unwritable(self.wanted.out or new_folder(instance), replace=self.wanted.replace)
            answer, log = self._solved(instance)
            if answer.exit_code is ExitCode.INFEASIBLE:
                answer = self._refuted(answer)
        except KeyboardInterrupt:
            self.line.clear()
            return self._interrupted()
        finally:
            self.line.clear()
        written = None
        if answer.plan is not None:
            written = self._written(answer, log)
        code = self._told(answer, written)
        if written is not None and self.wanted.report:
            self._reported(written)
        return code

    def _solved(self, instance: Instance) -> tuple[Answer, str]:
        """The answer, and the text of the log."""
        self.line.currency = instance.mine.money.currency
        with (
            tempfile.TemporaryDirectory(prefix="pitwise-") as scratch,
            first_interrupt_stops() as cancel,
            notes(Path(scratch) / "notes.txt", self.line),
        ):
            solver_log = Path(scratch) / "solver.txt"
            answer = solve_mine(
                instance,
                self.request,
                clock=self.clock,
                on_progress=self.line.progress,
                cancel=cancel,
                log_file=solver_log,
            )
            return answer, "\n".join([_log_head(answer), *map(_text, (Path(scratch) / "notes.txt", solver_log))])

    def _refuted(self, answer: Answer) -> Answer:
        """The answer that there is no plan, with the proof written where it was asked for and one was found."""
        file = self.wanted.proof
        if file is None:
            return answer
        with self.clock.stage("proof"), first_interrupt_stops() as cancel:
            certificate = refutation(answer.instance, self.request.resolution, versions(), cancel)
        if certificate is not None:
            text = json_text(certificate)
            write_whole(file, lambda scratch: scratch.write_text(text, encoding="utf-8"))
        summary = {
            **answer.summary,
            "proof": None if certificate is None else file,
            "seconds": {**self.clock.seconds, "total": self.clock.spent()},
        }
        return replace(answer, summary=summary)

    def _written(self, answer: Answer, log: str) -> str:
        """The folder written: the one asked for, or one with a name of its own, whichever other runs end meanwhile."""
        assert answer.plan is not None  # noqa: S101
        while True:
            folder = self.wanted.out or new_folder(answer.instance)
            try:
                write_run(
                    folder,
                    answer.instance,
                    answer.plan,
                    answer.tables(),
                    answer.summary,
                    log,
                    certificate=answer.certificate,
                    replace=self.wanted.replace,
                )
            except BadInput:
                if self.wanted.out is None and Path(folder).exists():
                    continue
                # The plan may have taken long: it is told at least.
                self._told(answer, None)
                raise
            return folder

    def _reported(self, folder: str) -> None:
        from scheduler.reports.facts import read_facts  # noqa: PLC0415 - only where it is asked for
        from scheduler.reports.writing import write_reports  # noqa: PLC0415

        for file in write_reports(read_facts(folder)):
            if not self.wanted.quiet:
                typer.echo(f"wrote {file}", err=True)

    def _told(self, answer: Answer, written: str | None) -> ExitCode:
        if self.wanted.as_json:
            print_json({**answer.summary, "exit_code": int(answer.exit_code), "run": written})
            return answer.exit_code
        with page() as console:
            if answer.schedule is None:
                print_no_plan(console, answer.instance, answer.summary)
            else:
                print_run(console, answer.instance, answer.summary, answer.schedule, written)
        return answer.exit_code

    def _interrupted(self) -> ExitCode:
        typer.echo("pitwise: interrupted before a plan was found; nothing was written", err=True)
        if self.wanted.as_json:
            print_json({"status": NO_PLAN, "stop_reason": "interrupted", "run": None})
        return ExitCode.STOPPED_WITHOUT_PLAN


def _log_head(answer: Answer) -> str:
    """What was solved, with what, and how it ended."""
    told = answer.summary
    versions, changes = told["versions"], "; ".join(answer.instance.overrides) or "none"
    assert isinstance(versions, dict)  # noqa: S101
    return (
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}\n"
        f"mine {told['instance']}, hash {told['instance_hash']}, changes: {changes}\n"
        f"gap asked for {told['gap_asked']}, limits {told['limits']}, seed {told['seed']}, threads {told['threads']}\n"
        f"{told['status']} ({told['stop_reason']}), objective {told['objective']}, bound {told['bound']}\n"
    )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def new_folder(instance: Instance) -> str:
    """A folder that does not exist yet, named after the mine and the time."""
    stamp = dt.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    base = f"{RUNS}/{instance.mine.name}-{stamp}"
    name, number = base, 2
    while Path(name).exists():
        name, number = f"{base}-{number}", number + 1
    return name


def refuse_unwritable(folder: str, *, replace: bool) -> None:
    """Refuses a folder that a run cannot be written to, before time is spent on solving.

    Raises:
        BadInput: where it holds something, or lies where nothing can be made.
    """
    refuse_occupied(folder, replace=replace)
    above = next(parent for parent in Path(folder).resolve().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise BadInput([Finding(folder, None, f"a folder that can be written; {above} does not allow it")])


@contextmanager
def notes(file: Path, line: ProgressLine) -> Iterator[None]:
    """What the library logs in the meantime, written to a file; warnings are told above the progress line too."""
    handlers = (logging.FileHandler(file, encoding="utf-8"), Notes(line))
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()
