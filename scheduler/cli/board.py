"""``pitwise board``: what-if with sliders, in a browser on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def board(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder of the run that what-ifs are compared with.")],
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
    """Open a board of sliders on a run: change capacities, price or dates, solve again, and see both side by side."""
    import contextlib  # noqa: PLC0415
    import logging  # noqa: PLC0415
    import signal  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from instances.findings import BadInput, Finding  # noqa: PLC0415
    from scheduler.reports.facts import read_facts  # noqa: PLC0415

    try:
        from werkzeug.serving import make_server  # noqa: PLC0415

        from scheduler.board.app import LOOPBACK, Board, make_app  # noqa: PLC0415
    except ImportError as error:
        expected = "the libraries of the board: pip install 'pitwise[board]'"
        raise BadInput([Finding("pitwise board", None, expected)]) from error
    base = read_facts(run)
    with tempfile.TemporaryDirectory(prefix="pitwise-board-") as scratch:
        shown = Board(base, Path(out or scratch), gap, time_limit)
        hosts = LOOPBACK if host in LOOPBACK else LOOPBACK | {host}
        try:
            server = make_server(host, port, make_app(shown, hosts).server, threaded=True)
        except (OSError, SystemExit) as error:
            raise BadInput([Finding("--port", port, "a port that is free")]) from error
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        # Ended by the system it closes as by Ctrl-C, so that no solve and no folder is left behind.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        typer.echo(f"board of {base.title} on http://{host}:{server.server_port}/ (Ctrl-C closes it)", err=True)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
        finally:
            shown.close()
            server.server_close()
            typer.echo("board closed", err=True)
