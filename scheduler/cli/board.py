"""``pitwise board``: what-if with sliders, in a browser on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.arguments import unfit_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instances.findings import Finding
    from scheduler.board.app import Board

LARGEST_PORT = 65535
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - asked for, not chosen


def board(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of a run, which what-ifs are compared with; or a mine (folder or bundled name), solved first.",
        ),
    ],
    *,
    port: Annotated[int, typer.Option(metavar="N", help="Port on this machine; 0 for any that is free.")] = 8321,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to answer on; any but 127.0.0.1 lets other machines in.")
    ] = "127.0.0.1",
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Keep the runs here; else they go when the board is closed.")
    ] = None,
    gap: Annotated[float, typer.Option(metavar="FRACTION", help="Relative gap to prove of each what-if.")] = 0.005,
    time_limit: Annotated[float, typer.Option(metavar="S", help="Seconds of each what-if at most.")] = 300.0,
) -> None:
    """Open a board of sliders on a mine or a run: change capacities, price or dates, solve, and see them compared."""
    import contextlib  # noqa: PLC0415
    import logging  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    from instances.findings import BadInput, Finding  # noqa: PLC0415

    try:
        from werkzeug.serving import make_server  # noqa: PLC0415

        from scheduler.board.app import LOOPBACK, make_app  # noqa: PLC0415
    except ImportError as error:
        expected = "the libraries of the board: pip install 'pitwise[board]'"
        raise BadInput([Finding("pitwise board", None, expected)]) from error
    if findings := [*_unfit_options(port, gap, time_limit), *_unfit_folder(out)]:
        raise BadInput(findings)
    with tempfile.TemporaryDirectory(prefix="pitwise-board-") as scratch:
        shown = _board(folder, Path(out or scratch), gap, time_limit)
        hosts = None if host in EVERYWHERE else LOOPBACK | {host}
        # Ended by the system it closes as by Ctrl-C, so that no solve and no folder is left behind.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            try:
                server = make_server(host, port, make_app(shown, hosts).server, threaded=True)
            except (OSError, SystemExit) as error:
                expected = "an address of this machine, and a port of it that is free"
                raise BadInput([Finding("--host, --port", f"{host}, {port}", expected)]) from error
            logging.getLogger("werkzeug").setLevel(logging.WARNING)
            typer.echo(f"board of {shown.title} on http://{host}:{server.server_port}/ (Ctrl-C closes it)", err=True)
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
            server.server_close()
        finally:
            shown.close()
        typer.echo("board closed", err=True)


def _unfit_options(port: int, gap: float, time_limit: float) -> Iterator[Finding]:
    """The options with which no board could be opened, or no what-if solved."""
    from instances.findings import Finding  # noqa: PLC0415
    from scheduler.solving import Request  # noqa: PLC0415

    if not 0 <= port <= LARGEST_PORT:
        yield Finding("--port", port, f"0 to {LARGEST_PORT}")
    yield from unfit_options(Request(gap, time_limit))


def _unfit_folder(out: str | None) -> Iterator[Finding]:
    """Why no run could be kept in a folder; it may be there already, with the runs of an earlier board."""
    from instances.findings import Finding  # noqa: PLC0415

    if out is None:
        return
    path = Path(out)
    try:
        there = next(one for one in (path, *path.absolute().parents) if one.exists())
        if not there.is_dir():
            yield Finding("--out", out, f"a folder; {there} is a file")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield Finding("--out", out, f"a folder that can be written; {there} cannot")
    except (OSError, ValueError):
        yield Finding("--out", out, "the path of a folder")


def _board(folder: str, out: Path, gap: float, time_limit: float) -> Board:
    """The board of a run, or of a mine that is solved first."""
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.board.app import Board  # noqa: PLC0415
    from scheduler.reports.facts import read_facts  # noqa: PLC0415
    from scheduler.runfolder import MANIFEST  # noqa: PLC0415

    if (Path(folder) / MANIFEST).is_file():
        return Board.of_run(read_facts(folder), out, gap=gap, time_limit_s=time_limit)
    return Board(None, folder, read_mine(folder).mine, out, gap=gap, time_limit_s=time_limit)
