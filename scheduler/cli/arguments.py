"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

MineArgument: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="MINE", help="Name of a bundled mine, folder with a mine.toml, or path of a mine.toml."),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a value of mine.toml, in its unit, such as limits.mill_t_per_day=14000; *= multiplies and += adds "
        "(products.copper.price_usd_per_lb*=0.8). May be given again and again.",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout instead of tables (money in currency units).")
]
