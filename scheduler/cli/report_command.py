"""``pitwise report``: the page and the workbook of a run, and its block model for other tools."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run.")],
    *,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder to write to; the run's own unless given.")
    ] = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORM",
            help="Write the scheduled block model too: csv, parquet or vtu (VTK). May be given again and again.",
        ),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Write a picture of the pit at the end of each period too, PNG.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report a run: report.html, one page that opens without network, and report.xlsx, with live totals and charts."""
    from scheduler.cli.output import emit, print_json  # noqa: PLC0415
    from scheduler.reports.facts import read_facts  # noqa: PLC0415
    from scheduler.reports.writing import write_reports  # noqa: PLC0415

    files = write_reports(read_facts(run), out, exports=blocks or [], stills=pictures)
    if as_json:
        print_json({"run": run, "files": files})
        return
    for file in files:
        emit(f"wrote {file} ({file.stat().st_size / 1e6:,.2f} MB)")
