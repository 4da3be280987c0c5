"""``pitwise report``: the page and the workbook of a run, and its block model for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption


def report(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of a run, or of a study: its page, and a report a scenario.")
    ],
    *,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder to write to; the run's own unless given.")
    ] = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORM",
            help="Write the scheduled block model too: csv, parquet, vtu (VTK) or omf. May be given again and again.",
        ),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Write a picture of the pit at the end of each period too, PNG.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report a run: report.html, one page that opens without network, and report.xlsx, with live totals and charts."""
    from instances.findings import BadInput, Finding  # noqa: PLC0415
    from scheduler.cli.output import emit, print_json  # noqa: PLC0415
    from scheduler.reports.facts import read_facts  # noqa: PLC0415
    from scheduler.reports.study_writing import is_study  # noqa: PLC0415
    from scheduler.reports.writing import write_reports  # noqa: PLC0415

    if is_study(run):
        asked = {"--out": out is not None, "--blocks": bool(blocks), "--pictures": pictures}
        if any(asked.values()):
            expected = f"the folder of a run; {run} is a study's, which is reported into that folder"
            raise BadInput([Finding(name, None, expected) for name, given in asked.items() if given])
        files = _study(run)
    else:
        files = write_reports(read_facts(run), out, exports=blocks or [], stills=pictures)
    if as_json:
        print_json({"run": run, "files": files})
        return
    for file in files:
        emit(f"wrote {file} ({file.stat().st_size / 1e6:,.2f} MB)")


def _study(folder: str) -> list[Path]:
    """The report of every scenario, and the page that leads to them."""
    from instances.findings import BadInput  # noqa: PLC0415
    from scheduler.reports.study_writing import report_scenarios, write_study_page  # noqa: PLC0415
    from scheduler.studies.results import Study  # noqa: PLC0415

    study, files = Study(folder), list[Path]()
    findings = report_scenarios(study, again=True, on_file=files.append)
    files.append(write_study_page(study))
    if findings:
        raise BadInput(findings)
    return files
