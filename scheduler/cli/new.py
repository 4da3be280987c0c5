"""``pitwise new``: a mine from a block model of another program."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption


def new(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder to make; it must not hold anything.")],
    *,
    blocks: Annotated[
        str,
        typer.Option("--blocks", metavar="FILE", help="Block model: CSV or other delimited text, GSLIB, Parquet, OMF."),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=HEADING",
            help="Say what a column is: x, y, z, ix, iy, iz, dx, dy, dz, tonnes, density, volume, fraction, "
            "air_fraction, material, phase, slope, mined_fraction, with a unit if need be (tonnes[st], x[ft]); an "
            "element with its unit (cu_pct, au_ppb); or ignore. May be given again and again.",
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="X,Y,Z", help="Size of a whole block, metres, such as 20,20,10.")
    ] = None,
    rotation: Annotated[
        float | None,
        typer.Option("--rotation", metavar="DEG", help="Bearing of the model's y axis, degrees clockwise from north."),
    ] = None,
    density: Annotated[
        float | None,
        typer.Option("--density", metavar="T_PER_M3", help="Density where the table has none and no tonnes, t/m3."),
    ] = None,
    empty_is_barren: Annotated[
        bool, typer.Option("--empty-is-barren", help="Count empty grades as 0, however many there are.")
    ] = False,
    benches_down: Annotated[
        bool, typer.Option("--benches-down", help="Numbers of benches (iz) count downwards from the top.")
    ] = False,
    element: Annotated[
        str | None,
        typer.Option("--element", metavar="NAME", help="Which block model of an OMF file, where it has several."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Short name of the mine; that of the folder unless given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a mine of a block model: its blocks, and a mine.toml with every guess marked."""
    from pathlib import Path  # noqa: PLC0415

    from instances.importing.folder import new_mine, write_new_mine  # noqa: PLC0415
    from instances.importing.model import Told  # noqa: PLC0415
    from instances.new_folder import refuse_folder  # noqa: PLC0415
    from scheduler.cli.output import page, print_json, say  # noqa: PLC0415

    refuse_folder(folder)
    told = Told(
        columns=tuple(columns or ()),
        size_m=_size(size),
        rotation_deg=_bearing(rotation),
        density=_density(density),
        empty_is_barren=empty_is_barren,
        benches_down=benches_down,
    )
    mine = new_mine(blocks, name or Path(folder).resolve().name, told, element=element)
    write_new_mine(folder, mine)
    guesses = [number for number, line in enumerate(mine.text.splitlines(), start=1) if "  # GUESS" in line]
    if as_json:
        notes = [{"kind": note.kind, "text": note.text} for note in mine.model.notes]
        print_json({"mine": folder, "blocks": len(mine.model.blocks), "notes": notes, "guessed_lines": guesses})
        return
    with page() as console:
        tonnes = mine.model.blocks["tonnes"].sum() / 1e6
        say(console, f"{folder}: {len(mine.model.blocks):,} blocks, {tonnes:,.2f} Mt")
        for note in mine.model.notes:
            say(console, f"{note.kind}: {note.text}", "  ")
        say(console, f"{len(guesses)} guesses are marked # GUESS in {folder}/mine.toml; then:")
        for command in ("check", "validate", "pits", "solve"):
            console.print(f"  pitwise {command} {folder}", soft_wrap=True)


def _size(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        sides = [float(part) for part in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 3 or not all(0 < side < 1e4 for side in sides):
        raise typer.BadParameter(f"--size is {text}; expected three sizes above 0 m, such as 20,20,10")
    return sides[0], sides[1], sides[2]


def _bearing(degrees: float | None) -> float | None:
    if degrees is not None and not -360 <= degrees <= 360:
        raise typer.BadParameter(f"--rotation is {degrees}; expected degrees from -360 to 360")
    return degrees


def _density(density: float | None) -> float | None:
    if density is not None and not 0.1 <= density <= 10:
        raise typer.BadParameter(f"--density is {density}; expected t/m3 from 0.1 to 10")
    return density
