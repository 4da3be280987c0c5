"""``pitwise study``: many scenarios of a mine, each solved to a proven gap."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption


def study(
    file: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A study that ships with pitwise, or a study.toml; with --status its folder.",
        ),
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of the study; studies/<name> unless given."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the scenarios and what each changes; solve nothing.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far the study in a folder is.")] = False,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Scenarios solved at a time; one a core unless given.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Solve on the Dask cluster of this scheduler; local starts one here."),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Solve scenarios that failed once more.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write the report of every scenario too, for the study's page to lead to.")
    ] = False,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors: no progress.")] = False,
) -> None:
    """Solve the scenarios of a study, each to a proven gap, and compare them; a stopped study goes on where it was."""
    from scheduler.cli.study_view import list_scenarios, tell_status  # noqa: PLC0415

    if status:
        tell_status(out or file, as_json=as_json)
        return
    if dry_run:
        list_scenarios(file, as_json=as_json)
        return
    from scheduler.cli.study_session import StudySession  # noqa: PLC0415

    session = StudySession(file, out, workers, dask=dask, retry=retry, report=report, as_json=as_json, quiet=quiet)
    raise typer.Exit(session.run())
