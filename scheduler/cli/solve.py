"""``pitwise solve``: a plan, its proof, its audit and its run folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, cast

import typer

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption
from scheduler.cli.minelib_arguments import BlocksOption, PrecedenceOption

if TYPE_CHECKING:
    from instances.geometry.units import Resolution
    from scheduler.solving import Engine

MINING = ("whole", "partial")
RESOLUTIONS = ("panel", "block")
ENGINES = ("auto", "exact", "block")


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
        int | None, typer.Option(metavar="N", help="Stop the exact engine after so many branch-and-bound nodes.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed; the same seed, the same plan.")] = 0,
    threads: Annotated[
        int, typer.Option(metavar="N", help="Threads of the solver, a count; 0 for its own choice.")
    ] = 0,
    resolution: Annotated[
        str, typer.Option(metavar="UNIT", help="What is scheduled as one: panel (phase, bench, sector) or block.")
    ] = "panel",
    engine: Annotated[
        str,
        typer.Option(metavar="NAME", help="exact (Pyomo and HiGHS), block (closures and neighbourhoods), or auto."),
    ] = "auto",
    mining: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="whole: blocks or panels within one period; partial: over several, begun once what they need is "
            "finished. As the mine says unless given; whole for MineLib.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of the run; runs/<mine>-<time> in the current folder unless given."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run in the folder of --out.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html and report.xlsx into the run's folder too.")
    ] = False,
    proof: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where no plan keeps all limits, write a proof that verify can check."),
    ] = None,
    precedence: PrecedenceOption = None,
    blocks: BlocksOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors: no progress.")] = False,
) -> None:
    """Schedule a mine: the plan of most discounted cash, proven within the gap, audited and priced."""
    began = time.perf_counter()
    from instances.findings import BadInput, Finding  # noqa: PLC0415
    from scheduler.cli.minelib_solve import MineLibSolve  # noqa: PLC0415

    choices = (("--resolution", resolution, RESOLUTIONS), ("--engine", engine, ENGINES), ("--mining", mining, MINING))
    for name, value, known in choices:
        if value is not None and value not in known:
            raise BadInput([Finding(name, value, f"one of {', '.join(known)}")])
    refused = {"--set": bool(changes), "--node-limit": node_limit is not None, "--replace": replace}
    refused |= {"--resolution": resolution != "panel", "--report": report}
    other = MineLibSolve(
        file=mine,
        gap=gap,
        time_limit=time_limit,
        seed=seed,
        threads=threads,
        prove=engine == "exact",
        mining=mining or "whole",
        out=out,
        proof=proof,
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

    request = Request(
        gap,
        time_limit,
        node_limit,
        seed,
        threads,
        resolution=cast("Resolution", resolution),
        engine=cast("Engine", engine),
    )
    if mining is not None:
        changes = [*(changes or ()), f"{resolution}s.mining={mining}"]
    wanted = Wanted(
        mine, tuple(changes or ()), out, replace=replace, as_json=as_json, quiet=quiet, report=report, proof=proof
    )
    raise typer.Exit(Session(wanted, request, importing_s=time.perf_counter() - began).run())
