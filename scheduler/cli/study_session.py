"""One call of ``pitwise study``: opens the study, runs what is missing, writes and prints its tables."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer

from instances.findings import BadInput
from scheduler.cli.output import emit, print_json
from scheduler.cli.study_view import print_study
from scheduler.outcome import FEASIBLE, INFEASIBLE, OPTIMAL, ExitCode
from scheduler.studies.answers import Answers, answer
from scheduler.studies.dask_crew import DaskCrew
from scheduler.studies.folder import refuse_foreign
from scheduler.studies.opening import OpenStudy, open_study
from scheduler.studies.results import Study
from scheduler.studies.running import Event, run_study

STUDIES = "studies"


class StudySession:
    """Runs a study and tells of it.

    Args:
        file: the study.
        out: its folder, or ``None`` for one named after it.
        workers: scenarios solved at a time, or ``None``.
        dask: address of a Dask scheduler, ``local`` for a cluster here, or ``None``.
        retry: whether failed scenarios are solved once more.
        report: whether every scenario is reported too.
        as_json: whether the answers are printed as JSON.
        quiet: whether there is no progress.
    """

    def __init__(
        self,
        file: str,
        out: str | None,
        workers: int | None,
        *,
        dask: str | None,
        retry: bool,
        report: bool = False,
        as_json: bool,
        quiet: bool,
    ) -> None:
        self.file, self.out, self.workers = file, out, workers
        self.dask, self.retry, self.report, self.as_json, self.quiet = dask, retry, report, as_json, quiet
        self.began = time.monotonic()

    def run(self) -> ExitCode:
        """Does it all; the exit code."""
        opened = open_study(self.file)
        folder = self.out or f"{STUDIES}/{opened.study.name}"
        refuse_foreign(folder, opened.study.name)
        crew = None if self.dask is None else DaskCrew(self.dask, self.workers)
        try:
            run_study(opened, folder, workers=self.workers, crew=crew, retry=self.retry, on_event=self._tell)
        except KeyboardInterrupt:
            typer.echo(f"pitwise: study stopped; the same command goes on where it was ({folder})", err=True)
            raise
        except BadInput:
            typer.echo(f"pitwise: study stopped; what was finished is kept ({folder})", err=True)
            raise
        return self._told(opened, folder)

    def _told(self, opened: OpenStudy, folder: str) -> ExitCode:
        study = Study(folder)
        found = answer(opened, study)
        study.write_tables({**found.tables, **found.answers})
        page = self._reported(study, found)
        if self.as_json:
            print_json({"study": opened.study.name, "folder": folder, "page": page, **found.as_json()})
        else:
            print_study(opened, found, folder)
            emit(f"page: {page}")
        return exit_code(found)

    def _reported(self, study: Study, found: Answers) -> Path:
        """Writes the page of the study, and what is missing of the scenarios' reports where they are asked for."""
        from scheduler.reports.study_writing import report_scenarios, write_study_page  # noqa: PLC0415 - jinja2

        findings = report_scenarios(study, again=False, on_file=self._wrote) if self.report else []
        page = write_study_page(study, found.answers)
        if findings:
            raise BadInput(findings)
        return page

    def _wrote(self, file: Path) -> None:
        if not self.quiet:
            typer.echo(f"wrote {file}", err=True)

    def _tell(self, event: Event) -> None:
        if self.quiet or event.status == "begun":
            return
        reason = f": {event.reason}" if event.status not in {OPTIMAL, FEASIBLE} and event.reason else ""
        seconds = time.monotonic() - self.began
        line = f"{seconds:6.0f} s  {event.done:,} of {event.total:,}  {event.name}: {event.status}{reason}"
        typer.echo(line, err=True, file=sys.stderr)


def exit_code(found: Answers) -> ExitCode:
    """The exit code of a study: of the scenario that came off worst, infeasible ones being results."""
    results = found.tables["scenarios"]
    if (results["audit_passed"] == False).any():  # noqa: E712 - missing values are neither
        return ExitCode.NOT_VERIFIED
    status = set(results["status"])
    if status <= {OPTIMAL, INFEASIBLE}:
        return ExitCode.DONE
    return ExitCode.STOPPED_WITH_PLAN if status <= {OPTIMAL, INFEASIBLE, FEASIBLE} else ExitCode.STOPPED_WITHOUT_PLAN
