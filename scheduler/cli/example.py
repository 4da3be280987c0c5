"""``pitwise example``: a block model to try pitwise on."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.minelib_arguments import ReplaceOption


def example(
    name: Annotated[str, typer.Argument(metavar="NAME", help="porphyry, vein or layered.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The .csv file to write.")],
    *,
    replace: ReplaceOption = False,
) -> None:
    """Write a made-up block model, as another program would export it."""
    from instances.examples import EXAMPLES  # noqa: PLC0415
    from instances.findings import BadInput, Finding, nearest_name  # noqa: PLC0415
    from scheduler.cli.minelib_arguments import refuse_file, write_whole  # noqa: PLC0415
    from scheduler.cli.output import emit  # noqa: PLC0415

    if name not in EXAMPLES:
        raise BadInput([Finding("example", name, f"one of {', '.join(EXAMPLES)}", nearest_name(name, EXAMPLES))])
    if not file.lower().endswith(".csv"):
        raise BadInput([Finding(file, None, "a file that ends in .csv")])
    refuse_file(file, replace=replace)
    text = EXAMPLES[name]()
    write_whole(file, lambda scratch: scratch.write_text(text, encoding="utf-8"))
    emit(f"{file}: {text.count(chr(10)):,} lines, made up; next: pitwise new FOLDER --blocks {file}")
