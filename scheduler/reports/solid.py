"""The pit in three dimensions: what the page's viewer needs, packed small enough to stand in the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduler.reports.blocks import NEVER
from scheduler.reports.facts import Facts
from scheduler.reports.palette import NOT_MINED, material_colours

MOST_CELLS = 120_000
"""Cells that the viewer is given; a larger model is joined into larger cells."""
MOST_BOX = 4_000_000
"""Cells of the box around them."""
STAYS = 255
"""Period of a cell that is never mined; a calendar has at most 200 periods."""


@dataclass(frozen=True)
class Solid:
    """The pit for the viewer.

    Attributes:
        data: what the script reads: sizes, packed cells, labels and colours.
        cells: how many cells there are.
        joined: how many blocks a side of a cell has; 1 where a cell is a block.
    """

    data: dict[str, object]
    cells: int
    joined: int


def solid_of(facts: Facts) -> Solid:
    """The cells of the pit with period and material; every so many blocks are joined where there are too many.

    A joined cell has the period and the material that most of its tonnes have.
    """
    blocks = facts.blocks[facts.blocks["tonnes"] > 0]
    index = blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    index = index - index.min(axis=0)
    joined = 1
    while not _small_enough(index // joined):
        joined += 1
    materials = list(facts.mine.materials)
    table = pd.DataFrame(index // joined, columns=["x", "y", "z"])
    period = blocks["period"].to_numpy(np.int64)
    table["period"] = np.where(period == NEVER, STAYS, period)
    table["material"] = blocks["material"].map({name: place for place, name in enumerate(materials)}).to_numpy(np.int64)
    table["tonnes"] = blocks["tonnes"].to_numpy(float)
    if joined > 1:
        table = _most_of_each(table)
    spans = [int(table[axis].max()) + 1 for axis in ("x", "y", "z")]
    place = (table["z"] * spans[1] + table["y"]) * spans[0] + table["x"]
    colours = material_colours(facts.mine)
    data: dict[str, object] = {
        "spans": spans,
        "size": [side * joined for side in facts.mine.blocks.size_m],
        "cells": _packed(place.to_numpy(np.uint32)),
        "periods": _packed(table["period"].to_numpy(np.uint8)),
        "materials": _packed(table["material"].to_numpy(np.uint8)),
        "labels": facts.labels,
        "moved": np.round(facts.series("moved_mt"), 6).tolist(),
        "periodColours": facts.period_colours,
        "materialColours": [colours[name] for name in materials],
        "materialNames": [facts.mine.materials[name].title or name for name in materials],
        "staysColour": NOT_MINED,
        "stays": STAYS,
    }
    return Solid(data, len(table), joined)


def _small_enough(index: NDArray[np.int64]) -> bool:
    spans = index.max(axis=0) + 1
    if int(spans.prod()) > MOST_BOX:
        return False
    return len(np.unique((index[:, 2] * spans[1] + index[:, 1]) * spans[0] + index[:, 0])) <= MOST_CELLS


def _most_of_each(table: pd.DataFrame) -> pd.DataFrame:
    """A row a cell, with the period and the material of which it has most tonnes."""
    cell = ["x", "y", "z"]
    most = table[cell].drop_duplicates().sort_values(cell).reset_index(drop=True)
    for column in ("period", "material"):
        tonnes = table.groupby([*cell, column], sort=True)["tonnes"].sum().reset_index()
        first = tonnes.sort_values("tonnes", kind="stable").drop_duplicates(cell, keep="last")
        most = most.merge(first[[*cell, column]], on=cell, how="left")
    return most


def _packed(values: NDArray[np.generic]) -> str:
    """Numbers as base64 of their bytes, lowest first."""
    return base64.b64encode(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()).decode(
        "ascii"
    )
