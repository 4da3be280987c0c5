"""Arguments and options that several commands share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instances.findings import Finding
    from scheduler.solving import Request

_OPTION = {
    "gap": "--gap",
    "time_limit_s": "--time-limit",
    "node_limit": "--node-limit",
    "seed": "--seed",
    "threads": "--threads",
}
"""Option of the command line by what the solver calls it."""

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


def unfit_options(request: Request) -> Sequence[Finding]:
    """What the solver could not honour of a request, each with the option that it was given by."""
    from instances.findings import BadInput  # noqa: PLC0415

    try:
        request.options()
    except BadInput as error:
        return [dataclasses.replace(one, place=_OPTION.get(one.place, one.place)) for one in error.findings]
    return ()
