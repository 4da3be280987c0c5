"""The pit of a large model in three dimensions: a surface at the end of each period, instead of the faces of blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scheduler.reports.facts import Facts
from scheduler.reports.ground import (
    AIR,
    GROUND,
    MARGIN,
    MOST_BOX,
    MOST_FACED,
    WALL,
    Cells,
    Scene,
    cell_table,
    cells_of,
    common,
    faces_scene,
    packed,
)

MOST_PLACES = 1_500_000
"""Columns times periods that a page is given; a larger model is joined into larger cells."""


def pit_scene(facts: Facts) -> Scene:
    """The pit for the page: faces of blocks, or surfaces where there are too many of them."""
    table = cell_table(facts)
    cells = table[["x", "y", "z"]].to_numpy(np.int64)
    if len(table) <= MOST_FACED and _box(cells) <= MOST_BOX:
        return faces_scene(facts)
    return surfaces_scene(facts, table)


def surfaces_scene(facts: Facts, table: pd.DataFrame) -> Scene:
    """The surface at the end of each period; so many blocks a side are joined that it is small enough for a page."""
    states = len(facts.labels) + 1
    lowest = table[["x", "y", "z"]].min()
    joined = 1
    while True:
        cells = (table[["x", "y", "z"]] - lowest).to_numpy(np.int64) // joined
        if _columns(cells) * states <= MOST_PLACES and _box(cells) <= MOST_BOX:
            break
        joined += 1
    table = pd.concat([pd.DataFrame(cells, columns=["x", "y", "z"]), table[["period", "material", "tonnes"]]], axis=1)
    if joined > 1:
        table = most_of_each(table)
    else:
        table[["x", "y", "z"]] += lowest
    box = cells_of(table)
    data = common(facts, table, joined)
    if joined > 1:
        shift = lowest.to_numpy(np.int64) * np.asarray(facts.mine.blocks.size_m)
        data["corner"] = (np.asarray(data["corner"]) + shift).tolist()
    heights, periods, materials = surfaces(box, states)
    data["surfaces"] = {
        "heights": packed(heights),
        "period": packed(periods),
        "material": packed(materials),
    }
    return Scene(data, joined, smooth=True)


def surfaces(cells: Cells, states: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint8]]:
    """Height of each column of cells after 0, 1, 2 ... periods, in cells, and what lies on top of it.

    Returns:
        Heights, codes of periods and codes of materials, each of shape ``(states, ny, nx)``. Under a column of which
        nothing is left lies rock.
    """
    wide, deep, tall = cells.gone.shape
    heights = np.zeros((states, deep, wide), dtype=np.uint16)
    periods, materials = (np.full((states, deep, wide), WALL, dtype=np.uint8) for _ in range(2))
    first = None
    for done in range(states):
        left = cells.gone > max(done, AIR)
        height = np.where(left.any(axis=2), tall - left[:, :, ::-1].argmax(axis=2), 0)
        first = height if first is None else first
        top = np.maximum(height - 1, 0)[..., None]
        heights[done] = height.T
        for found, codes in ((periods, cells.period), (materials, cells.material)):
            seen = np.take_along_axis(codes, top, axis=2)[..., 0]
            bare = (height == 0) | ((seen == GROUND) & (height < first))
            found[done] = np.where(bare, WALL, seen).T
    return heights, periods, materials


def most_of_each(table: pd.DataFrame) -> pd.DataFrame:
    """A row a cell, with the period and the material of which it has most tonnes.

    Args:
        table: x, y, z, period, material and tonnes, several rows a cell.
    """
    cell = ["x", "y", "z"]
    most = table[cell].drop_duplicates().sort_values(cell).reset_index(drop=True)
    for column in ("period", "material"):
        tonnes = table.groupby([*cell, column], sort=True)["tonnes"].sum().reset_index()
        first = tonnes.sort_values("tonnes", kind="stable").drop_duplicates(cell, keep="last")
        most = most.merge(first[[*cell, column]], on=cell, how="left")
    return most


def _box(cells: NDArray[np.int64]) -> int:
    wide, deep, tall = (int(span) for span in np.ptp(cells, axis=0) + 1)
    return (wide + 2 * MARGIN) * (deep + 2 * MARGIN) * tall


def _columns(cells: NDArray[np.int64]) -> int:
    wide, deep, _ = (int(span) for span in np.ptp(cells, axis=0) + 1)
    return (wide + 2 * MARGIN) * (deep + 2 * MARGIN)
