"""``pitwise instances``: the mines that come with pitwise, and what a mine's file may say."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.arguments import JsonOption


def instances(
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of mine.toml instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the bundled mines."""
    from scheduler.cli.output import emit, print_json  # noqa: PLC0415

    if schema:
        from instances.schema_export import json_schema  # noqa: PLC0415

        print_json(json_schema())
        return
    from instances.reading import BUNDLED, read_mine  # noqa: PLC0415

    found = []
    for name in BUNDLED:
        instance = read_mine(name)
        calendar = instance.mine.calendar.labels()
        found.append(
            {
                "name": name,
                "title": instance.mine.title,
                "blocks": len(instance.blocks),
                "periods": len(calendar),
                "first_period": calendar[0],
                "last_period": calendar[-1],
                "instance_hash": instance.hash(),
                "folder": str(instance.folder),
            }
        )
    if as_json:
        print_json({"instances": found})
        return
    for mine in found:
        span = f"{mine['first_period']} to {mine['last_period']}"
        emit(f"{mine['name']}  {mine['title']}: {mine['blocks']:,} blocks, {mine['periods']} periods, {span}")
