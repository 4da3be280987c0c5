"""What a mine holds, as tables of the terminal and as one object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console

from instances.geometry.units import mined_tonnes
from instances.instance import Instance
from instances.marks import unit_at
from instances.schema import Mine
from scheduler.cli.tables import NO_VALUE, new_table


def ground(instance: Instance) -> pd.DataFrame:
    """Blocks, Mt (as mined) and average grades by phase and material, in the order of the mine."""
    columns = list(instance.grade_columns().values())
    mined = mined_tonnes(instance)
    rows = instance.blocks[["phase", "material"]].assign(blocks=1, mt=mined["tonnes"] / 1e6)
    for column in columns:
        rows[column] = mined[column] * rows["mt"]
    total = rows.groupby(["phase", "material"])[["blocks", "mt", *columns]].sum()
    for column in columns:
        total[column] = (total[column] / total["mt"]).where(total["mt"] > 0)
    order = [(phase, material) for phase in instance.mine.phases for material in instance.mine.materials]
    return total.reindex([pair for pair in order if pair in total.index]).reset_index()


def limits(instance: Instance) -> Iterator[tuple[str, object, str]]:
    """Key, value and unit of every limit, those of the destinations, phases and options too."""
    mine = instance.mine
    for key, value in _limits(mine):
        yield key, value, unit_at(mine, key)


def _limits(mine: Mine) -> Iterator[tuple[str, object]]:
    yield from _leaves("limits", mine.limits.model_dump(exclude_none=True))
    for name, place in mine.destinations.items():
        kept = {"capacity_mt_per_year", "capacity_mt", "reclaim_mt_per_year", "storage_mt", "opens", "closes"}
        yield from _leaves(f"destinations.{name}", place.model_dump(exclude_none=True, include=kept))
    for name, phase in mine.phases.items():
        kept = {"release", "after", "bench_lag", "lag_years", "max_benches_per_year"}
        yield from _leaves(f"phases.{name}", phase.model_dump(exclude_none=True, exclude_defaults=True, include=kept))
    for name, option in mine.options.items():
        yield from _leaves(f"options.{name}", option.model_dump(exclude_none=True, exclude={"title"}))


def mine_contents(instance: Instance) -> dict[str, object]:
    """What a mine holds, for ``--json``."""
    mine = instance.mine
    return {
        "name": mine.name,
        "title": mine.title,
        "instance_hash": instance.hash(),
        "overrides": instance.overrides,
        "blocks": len(instance.blocks),
        "periods": mine.calendar.labels(),
        "ground": [{str(key): value for key, value in row.items()} for row in ground(instance).to_dict("records")],
        "limits": {key: value for key, value, _ in limits(instance)},
        "currency": mine.money.currency,
    }


def print_mine(console: Console, instance: Instance) -> None:
    """Prints what a mine holds."""
    mine, calendar = instance.mine, instance.mine.calendar
    labels = calendar.labels()
    console.print(f"{mine.title or mine.name} ({mine.name}), hash {instance.hash()[:12]}")
    if instance.overrides:
        console.print(f"with {'; '.join(instance.overrides)}")
    rate = f"{100 * calendar.discount_rate_per_year:.3g} % a year, {calendar.discounting} of period"
    console.print(f"{len(labels)} periods, {labels[0]} to {labels[-1]}; {rate}, money in {mine.money.currency}")
    console.print()
    _print_ground(console, instance)
    _print_destinations(console, instance)
    console.print("limits, by the keys that --set takes")
    table = new_table("key")
    table.add_column("value")
    table.add_column("unit", no_wrap=True)
    for key, value, unit in limits(instance):
        table.add_row(key, _shown(value, labels), unit)
    console.print(table)


def _print_ground(console: Console, instance: Instance) -> None:
    columns = instance.grade_columns()
    units = {"pct": "%", "g_per_t": "g/t"}
    headings = [f"{name.capitalize()} {units[instance.mine.elements[name].unit]}" for name in columns]
    console.print("in the ground, as mined")
    table = new_table("phase", ("material",), ("blocks", "Mt", *headings))
    rows = ground(instance)
    last = None
    for row in rows.to_dict("records"):
        grades = [NO_VALUE if pd.isna(row[c]) else f"{row[c]:.3f}" for c in columns.values()]
        phase, last = ("" if row["phase"] == last else str(row["phase"])), row["phase"]
        table.add_row(phase, str(row["material"]), f"{row['blocks']:,}", f"{row['mt']:,.2f}", *grades)
    table.add_section()
    for material in instance.mine.materials:
        part = rows[rows["material"] == material]
        tonnes = part["mt"].sum()
        means = [f"{(part[c] * part['mt']).sum() / tonnes:.3f}" if tonnes > 0 else NO_VALUE for c in columns.values()]
        table.add_row("all", material, f"{part['blocks'].sum():,}", f"{tonnes:,.2f}", *means)
    table.add_row("all", "all", f"{rows['blocks'].sum():,}", f"{rows['mt'].sum():,.2f}")
    console.print(table)
    console.print()


def _print_destinations(console: Console, instance: Instance) -> None:
    console.print("destinations")
    table = new_table("name", ("kind",))
    table.add_column("accepts")
    for name, place in instance.mine.destinations.items():
        table.add_row(name, place.kind.replace("_", " "), ", ".join(place.accepts) or NO_VALUE)
    console.print(table)
    console.print()


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Key path and value of what is set; of a list of names that names none, nothing is."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(f"{path}.{key}", below)
    elif value != ():
        yield path, value


def _shown(value: object, labels: Sequence[str]) -> str:
    """A value; one by period as runs of equal numbers, each from the period that it starts in."""
    if not isinstance(value, tuple):
        return _plain(value)
    if all(isinstance(item, str) for item in value):
        return ", ".join(value)
    runs = [(labels[0], value[0])]
    runs += [(label, now) for label, before, now in zip(labels[1:], value, value[1:], strict=False) if now != before]
    return ", ".join(f"{_plain(number)} from {label}" for label, number in runs)


def _plain(value: Any) -> str:  # noqa: ANN401
    return f"{value:,g}" if isinstance(value, float) else str(value)
