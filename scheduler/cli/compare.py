"""``pitwise compare``: runs side by side, on the terminal and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.arguments import JsonOption
from scheduler.cli.minelib_arguments import ReplaceOption, refuse_file

if TYPE_CHECKING:
    from rich.table import Table as Printed

    from scheduler.reports.figure import Table


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders of two runs or more; the first is the base.")
    ],
    *,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the page of the comparison, HTML, to this file.")
    ] = None,
    replace: ReplaceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare runs: what each is worth and how surely, its schedule, and which blocks move by how many years."""
    from scheduler.cli.output import page, print_json, say  # noqa: PLC0415
    from scheduler.reports.comparison import (  # noqa: PLC0415
        lines_of,
        moves,
        moves_by_years,
        period_table,
        read_compared,
        worth_table,
    )
    from scheduler.reports.page import comparison_page  # noqa: PLC0415
    from scheduler.reports.writing import write_file, write_text  # noqa: PLC0415

    refuse_file(out, replace=replace)
    compared = read_compared(runs)
    if out is not None:
        text = comparison_page(compared)
        write_file(Path(out).parent, Path(out).name, lambda path: write_text(path, text))
    others = list(zip(compared.names[1:], compared.runs[1:], strict=True))
    moved = {name: moves_by_years(moves(compared.runs[0], run)) for name, run in others}
    tables = {line.title: period_table(compared, line) for line in lines_of(compared)}
    if as_json:
        told = {"runs": runs, "worth": _plain(worth_table(compared)), "page": out}
        told["periods"] = {title: _plain(table) for title, table in tables.items()}
        told["moved"] = {name: [{"moved": w, "blocks": n, "mt": t} for w, n, t in rows] for name, rows in moved.items()}
        told["notes"] = compared.notes
        print_json(told)
        return
    with page() as console:
        for note in compared.notes:
            say(console, note)
        console.print(_printed(worth_table(compared)))
        for title, table in tables.items():
            console.print(f"\n{title}")
            console.print(_printed(table))
        for name, rows in moved.items():
            if not rows:
                continue
            console.print(f"\nblocks that move, {name} against {compared.names[0]}")
            for words, number, tonnes in rows:
                console.print(f"  {words:20} {number:>9,} blocks {tonnes:>10,.2f} Mt")
        if out is not None:
            console.print(f"page written to {out}", soft_wrap=True)


def _plain(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.heads, row, strict=True)) for row in table.rows]


def _printed(table: Table) -> Printed:
    from scheduler.cli.tables import new_table  # noqa: PLC0415

    printed = new_table(table.heads[0])
    for head in table.heads[1:]:
        printed.add_column(head, justify="right", overflow="fold")
    for row in table.rows:
        printed.add_row(*row)
    return printed
