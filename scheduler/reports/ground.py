"""The pit in three dimensions: the faces of blocks that are laid bare, and during which periods each is seen.

A face lies between two cells and is seen from when the one has gone until the other goes too. So every face that is
ever seen is told once, with the periods between which it is, and the script of the page only picks those of a period.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from scheduler.reports.blocks import NEVER
from scheduler.reports.facts import Facts
from scheduler.reports.labels import label
from scheduler.reports.map_axes import axis_titles, grid_corner
from scheduler.reports.palette import NOT_MINED, material_colours

MOST_FACED = 80_000
"""Blocks up to which each is drawn; of a larger model a surface is, see :mod:`scheduler.reports.surfaces`."""
MOST_BOX = 4_000_000
"""Cells of the box around them."""
MARGIN = 3
"""Cells of ground around the pit."""
STAYS, GROUND, WALL = 250, 251, 252
"""Codes beside those of periods and materials: a block that is never mined, the ground around, a wall laid bare."""
AIR, ROCK = 0, 255
"""What there never is and what never goes, as numbers of periods done; a calendar has at most 200 periods."""
TOP, WEST, EAST, SOUTH, NORTH = range(5)
"""Sides of a cell on which a face lies; the one below is never seen."""
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """The pit for the page's script.

    Attributes:
        data: what the script reads: sizes, packed faces or heights, labels and colours.
        joined: how many blocks a side of a cell has; 1 where a cell is a block.
        smooth: whether it is a surface rather than faces of blocks.
    """

    data: dict[str, Any]
    joined: int
    smooth: bool


@dataclass(frozen=True)
class Cells:
    """A box of cells around the pit, indexed by x, y and z from its lower corner.

    Attributes:
        gone: number of periods done at which a cell has gone; :data:`AIR` for what never was, :data:`ROCK` for what
            stays.
        period: period in which it goes, or :data:`STAYS`, :data:`GROUND` where it is no block of the table.
        material: number of its material, or :data:`GROUND`.
    """

    gone: Codes
    period: Codes
    material: Codes


def faces_scene(facts: Facts) -> Scene:
    """Every face of a block that is ever seen, with the periods between which it is."""
    table = cell_table(facts)
    return Scene(common(facts, table, 1) | {"faces": faces(cells_of(table))}, 1, smooth=False)


def cell_table(facts: Facts) -> pd.DataFrame:
    """The blocks that weigh anything.

    Returns:
        x, y and z (index in the block model), period (or :data:`STAYS`), material (its number) and tonnes.
    """
    blocks = facts.blocks[facts.blocks["tonnes"] > 0]
    number = {name: place for place, name in enumerate(facts.mine.materials)}
    period = blocks["period"].to_numpy(np.int64)
    table = pd.DataFrame(blocks[["ix", "iy", "iz"]].to_numpy(np.int64), columns=["x", "y", "z"])
    table["period"] = np.where(period == NEVER, STAYS, period)
    table["material"] = blocks["material"].map(number).to_numpy(np.int64)
    table["tonnes"] = blocks["tonnes"].to_numpy(float)
    return table


def common(facts: Facts, table: pd.DataFrame, joined: int) -> dict[str, Any]:
    """What the script needs of any scene: sizes, titles, names and colours by code."""
    colours, mine = material_colours(facts.mine), facts.mine
    around = {GROUND: ("ground", "var(--rock)"), WALL: ("wall laid bare", "var(--wall)")}
    stays = {STAYS: ("stays", NOT_MINED)}
    by_period = dict(enumerate(zip(facts.labels, facts.period_colours, strict=True)))
    by_material = {
        place: (material.title or name, colours[name]) for place, (name, material) in enumerate(mine.materials.items())
    }
    cells = table[["x", "y", "z"]].to_numpy(np.int64)
    side = np.asarray(mine.blocks.size_m, dtype=float) * joined
    return {
        "size": side.tolist(),
        "corner": ((cells.min(axis=0) - (MARGIN, MARGIN, 0)) * side).tolist(),
        "spans": (np.ptp(cells, axis=0) + 1 + (2 * MARGIN, 2 * MARGIN, 0)).tolist(),
        "titles": list(axis_titles(mine.blocks)),
        "zero": list(grid_corner(mine.blocks)),
        "labels": [label(one) for one in facts.labels],
        "moved": np.round(facts.series("moved_mt"), 6).tolist(),
        "looks": {
            "period": _looks(by_period | stays | around),
            "material": _looks(by_material | around),
        },
    }


def _looks(known: dict[int, tuple[str, str]]) -> dict[str, list[str]]:
    return {str(code): [label(name), colour] for code, (name, colour) in known.items()}


def cells_of(table: pd.DataFrame) -> Cells:
    """The box around the cells of a table, with the ground beside them and the air above.

    Where there is no cell in a column the ground is as high as in the nearest column that has one.
    """
    cells = table[["x", "y", "z"]].to_numpy(np.int64)
    low = cells.min(axis=0) - (MARGIN, MARGIN, 0)
    spans = cells.max(axis=0) - low + (MARGIN + 1, MARGIN + 1, 1)
    x, y, z = (cells - low).T
    top = np.full(spans[:2], -1, dtype=np.int64)
    np.maximum.at(top, (x, y), z)
    nearest = ndimage.distance_transform_edt(top < 0, return_distances=False, return_indices=True)
    top = top[tuple(nearest)]
    gone = np.where(np.arange(spans[2]) <= top[..., None], ROCK, AIR).astype(np.uint8)
    period, material = (np.full(spans, GROUND, dtype=np.uint8) for _ in range(2))
    told = table["period"].to_numpy(np.int64)
    gone[x, y, z] = np.where(told == STAYS, ROCK, told + 1)
    period[x, y, z] = told
    material[x, y, z] = table["material"].to_numpy(np.int64)
    return Cells(gone, period, material)


def faces(cells: Cells) -> dict[str, str]:
    """The faces that are ever seen, packed.

    Returns:
        ``at`` (number of the cell that has the face: x + nx (y + ny z)), ``side``, ``first`` (number of periods done
        from which on it is seen), ``last`` (at which it is seen no more), ``period`` and ``material`` (codes).
    """
    parts = [
        _towards(cells, side, axis, ahead=ahead)
        for side, axis, ahead in (
            (TOP, 2, True),
            (WEST, 0, False),
            (EAST, 0, True),
            (SOUTH, 1, False),
            (NORTH, 1, True),
        )
    ]
    joined = pd.concat(parts, ignore_index=True)
    kinds = {"at": np.uint32} | dict.fromkeys(("side", "first", "last", "period", "material"), np.uint8)
    return {name: packed(joined[name].to_numpy().astype(kind)) for name, kind in kinds.items()}


def _towards(cells: Cells, side: int, axis: int, *, ahead: bool) -> pd.DataFrame:
    """Faces on one side of their cells: where the neighbour on that side goes before the cell does."""
    pad = [(0, 0)] * 3
    pad[axis] = (0, 1) if ahead else (1, 0)
    beyond = np.pad(cells.gone, pad, constant_values=AIR)
    neighbour = np.take(beyond, np.arange(cells.gone.shape[axis]) + (1 if ahead else 0), axis=axis)
    x, y, z = np.nonzero(neighbour < cells.gone)
    first = neighbour[x, y, z]
    period, material = cells.period[x, y, z], cells.material[x, y, z]
    wide, deep, _ = cells.gone.shape
    # What is seen of the rock from the beginning is the ground; what is laid bare later is a wall.
    bare = (period == GROUND) & (first > AIR)
    return pd.DataFrame(
        {
            "at": x + wide * (y + deep * z),
            "side": side,
            "first": first,
            "last": cells.gone[x, y, z],
            "period": np.where(bare, WALL, period),
            "material": np.where(bare, WALL, material),
        }
    )


def packed(values: NDArray[Any]) -> str:
    """Numbers as base64 of their bytes, lowest first."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")
