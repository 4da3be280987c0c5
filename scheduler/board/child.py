"""The process that solves a what-if for the board: it tells how it gets on, a JSON object a line, on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path

from instances.findings import BadInput
from instances.reading import read_mine
from scheduler.board.work import Terms
from scheduler.cli.interrupt import first_interrupt_stops
from scheduler.cli.progress import STAGES
from scheduler.reports.facts import read_facts
from scheduler.reports.writing import write_reports
from scheduler.runfolder import write_run
from scheduler.solving import Clock, Request, solve_mine
from solvers.result import Progress


def main(given: str) -> None:
    """Solves, writes the run and its reports, and tells the end of it.

    Args:
        given: JSON of ``mine``, ``changes``, ``before``, ``out``, and the fields of
            :class:`scheduler.board.work.Terms`.
    """
    asked = json.loads(given)
    try:
        instance = read_mine(asked["mine"], asked["changes"])
        instance = replace(instance, overrides=(*asked["before"], *instance.overrides))
        request = Request(**{term.name: asked[term.name] for term in fields(Terms)})
        clock = Clock(on_stage=lambda stage: tell(stage=STAGES.get(stage, stage)))
        folder = Path(asked["out"]).parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".log-", dir=folder) as scratch, first_interrupt_stops() as cancel:
            log = Path(scratch) / "solver.txt"
            answer = solve_mine(instance, request, clock=clock, on_progress=progress, cancel=cancel, log_file=log)
            if answer.plan is not None:
                text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                write_run(
                    asked["out"],
                    answer.instance,
                    answer.plan,
                    answer.tables(),
                    answer.summary,
                    text,
                    certificate=answer.certificate,
                )
                write_reports(read_facts(asked["out"]))
        tell(
            status=answer.summary["status"],
            written=answer.plan is not None,
            findings=[c.text for c in answer.conflicts],
        )
    except BadInput as error:
        tell(status="bad input", written=False, findings=[str(finding) for finding in error.findings])


def progress(known: Progress) -> None:
    """Tells bound, best plan and gap, in thousands."""
    tell(stage="search", objective=known.objective, bound=known.bound, gap=known.gap)


def tell(**words: object) -> None:
    """A line on stdout."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
