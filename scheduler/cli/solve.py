"""``pitwise solve``: a plan, its proof, its audit and its run folder."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption
from scheduler.cli.minelib_arguments import BlocksOption, PrecedenceOption


def solve(
    mine: MineArgument,
    *,
    changes: SetOption = None,
    gap: Annotated[
        float,
        typer.Option(
            metavar="FRACTION", help="Relative gap to prove, as a fraction: 0.001 is 0.1 %; 0 for the optimum."
        ),
    ] = 0.001,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="Stop the search after so many seconds of wall time.")
    ] = None,
    node_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Stop the search after so many branch-and-bound nodes.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed; the same seed, the same plan.")] = 0,
    threads: Annotated[
        int, typer.Option(metavar="N", help="Threads of the solver, a count; 0 for its own choice.")
    ] = 0,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of the run; runs/<mine>-<time> in the current folder unless given."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run in the folder of --out.")] = False,
    precedence: PrecedenceOption = None,
    blocks: BlocksOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors: no progress.")] = False,
) -> None:
    """Schedule a mine: the plan of most discounted cash, proven within the gap, audited and priced."""
    began = time.perf_counter()
    from scheduler.cli.minelib_solve import MineLibSolve  # noqa: PLC0415

    refused = {"--set": bool(changes), "--node-limit": node_limit is not None, "--replace": replace}
    other = MineLibSolve(
        file=mine,
        gap=gap,
        time_limit=time_limit,
        seed=seed,
        threads=threads,
        out=out,
        precedence=precedence,
        blocks=blocks,
        refused=refused,
        as_json=as_json,
        quiet=quiet,
    )
    if other.concerned():
        raise typer.Exit(other.run())
    from scheduler.cli.session import Session, Wanted  # noqa: PLC0415
    from scheduler.solving import Request  # noqa: PLC0415

    request = Request(gap, time_limit, node_limit, seed, threads)
    wanted = Wanted(mine, tuple(changes or ()), out, replace=replace, as_json=as_json, quiet=quiet)
    raise typer.Exit(Session(wanted, request, importing_s=time.perf_counter() - began).run())
