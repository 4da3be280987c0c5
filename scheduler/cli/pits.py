"""``pitwise pits``: ultimate and nested pits of a mine, and phases chosen from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption
from scheduler.cli.minelib_arguments import ReplaceOption

if TYPE_CHECKING:
    from rich.console import Console

    from instances.instance import Instance
    from scheduler.pits.nested import NestedPits
    from scheduler.pits.phases import Phases


FINEST = 1e-6
"""Factors are told to so many decimals."""


def pits(
    mine: MineArgument,
    *,
    changes: SetOption = None,
    factors: Annotated[
        str, typer.Option(metavar="FROM:TO:STEP", help="Factors on the price; 1 is always among them.")
    ] = "0.2:1.2:0.02",
    out: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Choose phases and write the mine with them, the pit's blocks only."),
    ] = None,
    final: Annotated[float, typer.Option(metavar="FACTOR", help="Factor of the pit that is cut into phases.")] = 1.0,
    least: Annotated[
        float | None, typer.Option("--least-mt", metavar="MT", help="Least tonnes of a phase, Mt.")
    ] = None,
    most: Annotated[float | None, typer.Option("--most-mt", metavar="MT", help="Most tonnes of a phase, Mt.")] = None,
    width: Annotated[
        float | None, typer.Option("--width-m", metavar="M", help="Mining width: narrower phases are told, metres.")
    ] = None,
    lag: Annotated[
        int | None,
        typer.Option("--bench-lag", metavar="N", help="Tie each phase to the one before, which leads by N benches."),
    ] = None,
    table: Annotated[str | None, typer.Option("--table", metavar="FILE", help="Write the pits to a CSV file.")] = None,
    chart: Annotated[
        str | None, typer.Option("--chart", metavar="FILE", help="Draw the pits to a .svg, .png or .pdf file.")
    ] = None,
    replace: ReplaceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the ultimate pit and the nested pits by price factor; choose phases from them."""
    from instances.new_folder import refuse_folder  # noqa: PLC0415
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.cli.minelib_arguments import refuse_file  # noqa: PLC0415
    from scheduler.cli.output import page, print_json  # noqa: PLC0415
    from scheduler.pits.chart import KINDS  # noqa: PLC0415
    from scheduler.pits.nested import nested_pits  # noqa: PLC0415
    from scheduler.pits.phases import chosen_phases, with_phases  # noqa: PLC0415
    from scheduler.pits.writing import write_with_phases  # noqa: PLC0415

    wanted = _factors(factors)
    _refuse_options(final, wanted, {"--least-mt": least, "--most-mt": most, "--width-m": width}, lag)
    if chart is not None and _kind(chart) not in KINDS:
        raise typer.BadParameter(f"--chart is {chart}; expected a file that ends in .{', .'.join(KINDS)}")
    for file in (table, chart):
        refuse_file(file, replace=replace)
    if out is not None:
        refuse_folder(out)
        if changes:
            raise typer.BadParameter("--out keeps the mine's file as it is: write changes into it instead of --set")
    instance = read_mine(mine, changes or ())
    found = nested_pits(instance, wanted)
    chosen = None
    if out is not None:
        scale = [None if limit is None else limit * 1e6 for limit in (least, most)]
        chosen = chosen_phases(instance, found, final=final, least_t=scale[0], most_t=scale[1], width_m=width)
        write_with_phases(out, instance, with_phases(instance, found, chosen), chosen, lag)
    _write_files(instance, found, table, chart)
    if as_json:
        print_json(_contents(instance, found, chosen, width))
        return
    with page() as console:
        _print(console, instance, found)
        if chosen is not None:
            _print_phases(console, chosen, out, width)


def _kind(chart: str) -> str:
    return Path(chart).suffix.lower().removeprefix(".")


def _write_files(instance: Instance, found: NestedPits, table: str | None, chart: str | None) -> None:
    from scheduler.cli.minelib_arguments import write_whole  # noqa: PLC0415
    from scheduler.pits.chart import draw  # noqa: PLC0415

    if table is not None:
        write_whole(table, lambda scratch: found.table.to_csv(scratch, index=False))
    if chart is not None:
        kind, title = _kind(chart), instance.mine.title or instance.mine.name
        currency = instance.mine.money.currency
        write_whole(chart, lambda scratch: draw(found, scratch, kind, title=title, currency=currency))


def _factors(text: str) -> tuple[float, ...]:
    import numpy as np  # noqa: PLC0415

    try:
        low, high, step = (float(part) for part in text.split(":"))
    except ValueError:
        low = high = step = float("nan")
    if not (FINEST <= low <= high <= 100 and FINEST <= step < math.inf and (high - low) / step <= 1000):
        expected = f"FROM:TO:STEP of numbers from {FINEST:f}, TO at most 100, at most 1000 factors"
        raise typer.BadParameter(f"--factors is {text}; expected {expected}")
    return tuple(round(float(value), 6) for value in low + step * np.arange(int((high - low) / step + 1e-9) + 1))


def _refuse_options(
    final: float, factors: tuple[float, ...], positive: Mapping[str, float | None], lag: int | None
) -> None:
    if final not in {*factors, 1.0}:
        near = min((*factors, 1.0), key=lambda factor: abs(factor - final))
        raise typer.BadParameter(f"--final is {final:g}; expected one of the factors (nearest: {near:g})")
    for name, value in positive.items():
        if value is not None and not 0 < value < 1e6:
            raise typer.BadParameter(f"{name} is {value}; expected a number above 0")
    if lag is not None and not 0 <= lag <= 1000:
        raise typer.BadParameter(f"--bench-lag is {lag}; expected 0 to 1000 benches")


def _contents(instance: Instance, found: NestedPits, chosen: Phases | None, width: float | None) -> dict[str, object]:
    phases = (
        []
        if chosen is None
        else [
            {"phase": name, "factor": chosen.factors[number], "moved_t": float(chosen.tonnes[number])}
            for number, name in enumerate(chosen.names)
        ]
    )
    return {
        "mine": instance.mine.name,
        "blocks": len(found.blocks.rows),
        "arcs": len(found.blocks.arcs),
        "pits": found.table.to_dict("records"),
        "phases": phases,
        "warnings": [] if chosen is None else chosen.warnings(width),
    }


def _print(console: Console, instance: Instance, found: NestedPits) -> None:
    from scheduler.cli.output import say  # noqa: PLC0415
    from scheduler.cli.tables import NO_VALUE, grade_heading, new_table  # noqa: PLC0415

    money, grades = instance.mine.money.currency, list(instance.grade_columns().values())
    titles = [grade_heading(column) for column in grades]
    columns = ("moved Mt", "ore Mt", "strip", *titles, "value", "NPV best", "NPV worst", "years")
    table = new_table("factor", (), columns)
    previous = 0
    for row in found.table.to_dict("records"):
        if row["blocks"] in {0, previous} and row["factor"] != 1.0:
            continue
        previous = row["blocks"]
        grade = [f"{row[column]:.3f}" if row["ore_t"] else NO_VALUE for column in grades]
        table.add_row(
            f"{row['factor']:g}",
            f"{row['moved_t'] / 1e6:,.2f}",
            f"{row['ore_t'] / 1e6:,.2f}",
            f"{row['strip']:.2f}" if row["ore_t"] else NO_VALUE,
            *grade,
            *(f"{row[name] / 1e6:,.1f}" for name in ("value", "npv_best", "npv_worst")),
            f"{row['years']:.1f}",
        )
    console.print(
        f"{instance.mine.title or instance.mine.name}: nested pits by factor on the price; money in {money} M"
    )
    console.print(table)
    say(
        console,
        "undiscounted worth at factor 1, at mean prices and costs of the calendar; NPV mined shell by shell (best) and "
        "bench by bench (worst) at full capacity; all before fixed costs and capital",
    )


def _print_phases(console: Console, chosen: Phases, out: str | None, width: float | None) -> None:
    from scheduler.cli.output import say  # noqa: PLC0415

    for number, name in enumerate(chosen.names):
        console.print(f"{name}: {chosen.tonnes[number] / 1e6:,.2f} Mt, to factor {chosen.factors[number]:g}")
    for warning in chosen.warnings(width):
        say(console, f"warning: {warning}")
    console.print(f"written to {out}", soft_wrap=True)
