"""``pitwise validate``: whether a mine can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.cli.arguments import JsonOption, MineArgument, SetOption

if TYPE_CHECKING:
    from rich.table import Table

    from scheduler.outlook import Outlook


def validate(mine: MineArgument, *, changes: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a mine: every fault on a line of its own, exit code 2; say what will bind. Nothing is written."""
    from instances.geometry.units import block_arcs, scheduling_units  # noqa: PLC0415
    from instances.reading import read_mine  # noqa: PLC0415
    from scheduler.cli.output import page, print_json, say  # noqa: PLC0415
    from scheduler.compiling import compile_problem  # noqa: PLC0415
    from scheduler.outlook import outlook  # noqa: PLC0415

    instance = read_mine(mine, changes or ())
    slope_pairs = block_arcs(instance) if instance.mine.precedence.slopes else None
    problem = compile_problem(instance, scheduling_units(instance, "panel", slope_pairs))
    size = {
        "blocks": len(instance.blocks),
        "phases": len(instance.mine.phases),
        "panels": len(problem.unit_names),
        "arcs": len(problem.arcs),
        "periods": problem.periods,
    }
    foreseen = outlook(instance, slope_pairs)
    if as_json:
        contents = {
            "outlook": {**vars(foreseen), "by_period": foreseen.by_period.to_dict("records")},
            "will_bind": foreseen.sentences(),
        }
        head = {"status": "sound", "mine": instance.mine.name, "instance_hash": instance.hash()}
        print_json({**head, **size, **contents})
        return
    counts = ", ".join(f"{number:,} {name}" for name, number in size.items())
    with page() as console:
        console.print(f"{instance.mine.name}: sound ({counts}; hash {instance.hash()[:12]})", soft_wrap=True)
        for sentence in foreseen.sentences():
            console.print(f"  {sentence}", soft_wrap=True)
        if foreseen.ore_t > 0:
            console.print()
            console.print(_by_period(foreseen))
            say(
                console, "to date, at capacity, no more than the pit has; what the plan makes of it is for solve to say"
            )


def _by_period(foreseen: Outlook) -> Table:
    """What can be moved, what ore that uncovers and what of it the mills can take, to date, Mt."""
    from scheduler.cli.tables import new_table  # noqa: PLC0415

    table = new_table("by the end of", (), ("moved Mt", "ore within reach Mt", "mills could take Mt"))
    for row in foreseen.by_period.to_dict("records"):
        moved, milled = min(row["moved_t"], foreseen.moved_t), min(row["milled_t"], foreseen.ore_t)
        table.add_row(str(row["period"]), *(f"{tonnes / 1e6:,.2f}" for tonnes in (moved, row["ore_t"], milled)))
    return table
