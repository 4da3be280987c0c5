"""Axes of maps and of the view in three dimensions: easting, northing and elevation, in metres, with round ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from instances.schema.geology import Blocks

STEPS = (1.0, 2.0, 5.0, 10.0)
"""Distances between ticks, times a power of ten."""
PARTS = 12
"""Round distances, at most, that an axis of a still picture is made up of."""
MOST_OF_IT = 0.75
"""Share of an axis that its ticks span at least."""
EVERY = (1, 2, 5, 10, 20, 50, 100)
"""How many ticks on there is one that stands where there is little room too."""
CELLS = ("ix", "iy", "iz")


@dataclass(frozen=True)
class Tick:
    """A tick: its share of the axis, what it says, and whether it is left out where there is little room."""

    share: float
    text: str
    fine: bool = False


@dataclass(frozen=True)
class MapAxis:
    """An axis of the block grid, over the cells that are shown.

    Attributes:
        title: what it measures, with the unit.
        low: first cell.
        high: last cell.
        size: length of a cell, metres.
        start: where the first cell begins, metres.
    """

    title: str
    low: int
    high: int
    size: float
    start: float

    @property
    def metres(self) -> float:
        """Length of what is shown."""
        return (self.high - self.low + 1) * self.size

    def edge(self, cell: int) -> float:
        """Where a cell begins, metres."""
        return self.start + (cell - self.low) * self.size

    def ticks(self, most: int, few: int | None = None) -> list[Tick]:
        """Round places within it.

        Args:
            most: so many at most.
            few: about so many where there is little room; as many as ever unless given.
        """
        step = tick_step(self.metres, most)
        every = next(number for number in EVERY if few is None or number * step * (few + 1) > self.metres)
        first, last = math.ceil(self.start / step - 1e-9), math.floor((self.start + self.metres) / step + 1e-9)
        return [
            Tick((number * step - self.start) / self.metres, f"{number * step:,g}", fine=number % every != 0)
            for number in range(first, last + 1)
        ]


def tick_step(length: float, most: int) -> float:
    """The least round distance of which no more than so many fit into a length."""
    least = length / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))


def round_span(low: float, high: float, most: int) -> tuple[float, float, int]:
    """Most of an axis, between round places that a few equal steps fill: its ends, and how many steps."""
    step = tick_step(high - low, PARTS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    fitting = [
        number for number in range(1, most + 1) if (last - first) // number * number >= MOST_OF_IT * (last - first)
    ]
    steps = max(fitting)
    return first * step, (first + (last - first) // steps * steps) * step, steps


def axis_titles(grid: Blocks) -> tuple[str, str, str]:
    """What the axes x, y and z of a block grid measure: those of a turned grid are neither easting nor northing."""
    if grid.rotation_deg:
        return "along x, m", "along y, m", "elevation, m"
    return "easting, m", "northing, m", "elevation, m"


def grid_corner(grid: Blocks) -> tuple[float, float, float]:
    """Coordinates of the corner of a block grid along its axes, metres.

    Nought where the grid has no origin; along the level axes of a turned grid, which count from its corner, too.
    """
    if grid.origin_m is None:
        return 0.0, 0.0, 0.0
    x, y, z = (float(middle - side / 2) for middle, side in zip(grid.origin_m, grid.size_m, strict=True))
    return (0.0, 0.0, z) if grid.rotation_deg else (x, y, z)


def map_axes(grid: Blocks, blocks: pd.DataFrame) -> tuple[MapAxis, MapAxis, MapAxis]:
    """The three axes over the cells of some blocks."""
    found = []
    for name, title, side, corner in zip(CELLS, axis_titles(grid), grid.size_m, grid_corner(grid), strict=True):
        low, high = int(blocks[name].min()), int(blocks[name].max())
        found.append(MapAxis(title, low, high, float(side), corner + low * side))
    x, y, z = found
    return x, y, z
