"""``pitwise pit``: the ultimate pit of a MineLib instance."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.arguments import JsonOption
from scheduler.cli.minelib_arguments import BlocksOption, PrecedenceOption, ReplaceOption

if TYPE_CHECKING:
    from scheduler.minelib import Pit, PitInstance


def pit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .upit file of MineLib.")],
    *,
    precedence: PrecedenceOption = None,
    blocks: BlocksOption = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the blocks of the pit to a .sol file, one a line.")
    ] = None,
    replace: ReplaceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the ultimate pit: the blocks of largest undiscounted value that can be mined together."""
    from scheduler.cli.minelib_arguments import refuse_file, write_whole  # noqa: PLC0415
    from scheduler.cli.output import page, print_json  # noqa: PLC0415
    from scheduler.minelib import read_pit, ultimate_pit  # noqa: PLC0415

    refuse_file(out, replace=replace)
    instance = read_pit(file, precedence, blocks)
    began = time.perf_counter()
    found = ultimate_pit(instance)
    seconds = time.perf_counter() - began
    if out is not None:
        text = "".join(f"{block}\n" for block in found.member.nonzero()[0].tolist())
        write_whole(out, lambda scratch: scratch.write_text(text, encoding="utf-8"))
    if as_json:
        print_json({**_summary(instance, found), "seconds": seconds, "solution": out})
        return
    inside, total = int(found.member.sum()), found.member.size
    with page() as console:
        console.print(f"{instance.pit.name or Path(file).name}: ultimate pit")
        console.print(f"  value   {found.value:,.2f}; no pit is worth more than {found.bound:,.2f}")
        console.print(f"  blocks  {inside:,} of {total:,}{_reach(instance, found)}")
        console.print(f"  proof   one maximum closure by {found.kernel}, {seconds:.2f} s")
        if out is not None:
            console.print(f"  written to {out}", soft_wrap=True)


def _summary(instance: PitInstance, found: Pit) -> dict[str, object]:
    return {
        "name": instance.pit.name,
        "kind": "UPIT",
        "value": found.value,
        "bound": found.bound,
        "blocks": int(found.member.sum()),
        "blocks_in_all": found.member.size,
        "arcs": int(instance.precedence.block.size),
        "kernel": found.kernel,
    }


def _reach(instance: PitInstance, found: Pit) -> str:
    """Where the pit lies in the grid, where the places of the blocks are known."""
    if instance.blocks is None or not found.member.any():
        return ""
    places = instance.blocks.coordinates[found.member]
    pairs = zip("xyz", places.min(axis=0).tolist(), places.max(axis=0).tolist(), strict=True)
    return "; " + ", ".join(f"{axis} {low} to {high}" for axis, low, high in pairs)
