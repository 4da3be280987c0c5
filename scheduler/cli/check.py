"""``pitwise check``: a report of a mine's block model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from instances.inspection import Inspection
    from instances.instance import Instance


def check(mine: MineArgument, *, changes: SetOption = None, as_json: JsonOption = False) -> None:
    """Report what a block model holds and what in it is odd; nothing is written."""
    from instances.inspection import inspected  # noqa: PLC0415
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.cli.output import page, print_json  # noqa: PLC0415

    instance = read_mine(mine, changes or ())
    found = inspected(instance)
    if as_json:
        print_json(_contents(instance, found))
        return
    with page() as console:
        _print(console, instance, found)


def _contents(instance: Instance, found: Inspection) -> dict[str, object]:
    return {
        "mine": instance.mine.name,
        "blocks": len(instance.blocks),
        "tonnes": float(instance.blocks["tonnes"].sum()),
        "by": {name: table.to_dict("records") for name, table in found.by.items()},
        "grade_tonnage": {name: table.to_dict("records") for name, table in found.curves.items()},
        "oddities": [vars(oddity) for oddity in found.oddities],
    }


def _print(console: Console, instance: Instance, found: Inspection) -> None:
    from scheduler.cli.output import say  # noqa: PLC0415

    tonnes = instance.blocks["tonnes"].sum() / 1e6
    size = " x ".join(f"{side:g}" for side in instance.mine.blocks.size_m)
    box = ", ".join(f"{axis} {low} to {high}" for axis, (low, high) in zip("xyz", found.extent, strict=True))
    title = instance.mine.title or instance.mine.name
    say(console, f"{title}: {len(instance.blocks):,} blocks of {size} m, {tonnes:,.2f} Mt in situ; cells {box}")
    for name, table in found.by.items():
        console.print()
        _print_table(console, name, table, instance)
    for column, curve in found.curves.items():
        console.print()
        _print_curve(console, column, curve)
    console.print()
    if not found.oddities:
        console.print("nothing odd")
    for oddity in found.oddities:
        weight = f", {oddity.tonnes / 1e6:,.2f} Mt" if oddity.tonnes else ""
        say(console, f"odd: {oddity.what}: {oddity.blocks:,}{weight}; {oddity.where}")


def _print_table(console: Console, name: str, table: pd.DataFrame, instance: Instance) -> None:
    from scheduler.cli.tables import grade_heading, new_table  # noqa: PLC0415

    grades = list(instance.grade_columns().values())
    shown = new_table(name, (), ("blocks", "Mt", *(grade_heading(column) for column in grades)))
    for row in table.to_dict("records"):
        values = [f"{row[column]:.3f}" for column in grades]
        shown.add_row(str(row[table.columns[0]]), f"{row['blocks']:,}", f"{row['tonnes'] / 1e6:,.2f}", *values)
    console.print(shown)


def _print_curve(console: Console, column: str, curve: pd.DataFrame) -> None:
    from scheduler.cli.tables import NO_VALUE, grade_heading, new_table  # noqa: PLC0415

    shown = new_table(f"{grade_heading(column)} from", (), ("Mt", "mean"))
    for row in curve.to_dict("records"):
        mean = f"{row['grade']:.3f}" if row["tonnes"] else NO_VALUE
        shown.add_row(f"{row['cut_off']:g}", f"{row['tonnes'] / 1e6:,.2f}", mean)
    console.print(shown)
