"""``pitwise show``: what a mine holds, or a run's schedule again."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption, SetOption


def show(
    mine_or_run: Annotated[
        str, typer.Argument(metavar="MINE_OR_RUN", help="A mine, as for solve, or the folder of a run.")
    ],
    *,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a mine holds, or the schedule of a run again."""
    from pathlib import Path  # noqa: PLC0415

    from scheduler.runfolder import MANIFEST  # noqa: PLC0415

    if (Path(mine_or_run) / MANIFEST).is_file():
        if changes:
            raise typer.BadParameter("a run is shown as it was solved; --set is for mines")
        _show_run(mine_or_run, as_json=as_json)
    else:
        _show_mine(mine_or_run, changes or [], as_json=as_json)


def _show_run(folder: str, *, as_json: bool) -> None:
    from scheduler.cashflow import cash_flow  # noqa: PLC0415
    from scheduler.cli.output import page, print_json  # noqa: PLC0415
    from scheduler.cli.report import print_run  # noqa: PLC0415
    from scheduler.runfolder import read_run  # noqa: PLC0415
    from scheduler.schedule import schedule_table  # noqa: PLC0415

    run = read_run(folder)
    if as_json:
        print_json({**run.summary, "run": folder})
        return
    schedule = schedule_table(run.instance, run.plan, cash_flow(run.instance, run.plan))
    with page() as console:
        print_run(console, run.instance, run.summary, schedule, None)


def _show_mine(where: str, changes: list[str], *, as_json: bool) -> None:
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.cli.mine_view import mine_contents, print_mine  # noqa: PLC0415
    from scheduler.cli.output import page, print_json  # noqa: PLC0415

    instance = read_mine(where, changes)
    if as_json:
        print_json(mine_contents(instance))
    else:
        with page() as console:
            print_mine(console, instance)
