"""Precedence arcs from slope angles on a regular block model.

A block needs every block above it that would stand too steep once it is gone. The slope that counts is that of the
material standing in the wall, so rock under tailings needs the tailings laid back at the angle of tailings. Distances
are measured from block centre to block centre, the limit included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Offset = tuple[int, int, int]
REACH_BLOCKS = 2.0
"""A pattern rises until its cone is this many blocks wide: wide enough for its octagon to follow the circle."""
MOST_BENCHES = 12


@dataclass(frozen=True)
class Slope:
    """Overall slope angle of a material.

    Attributes:
        sectors: ``(from_azimuth_deg, to_azimuth_deg, slope_deg)``; azimuths clockwise from north (+y).
        default_deg: the angle of azimuths that no sector covers.
    """

    default_deg: float
    sectors: tuple[tuple[float, float, float], ...] = ()

    def at(self, azimuth_deg: float) -> float:
        """The slope angle in degrees towards ``azimuth_deg``."""
        for first, last, slope in self.sectors:
            inside = first <= azimuth_deg <= last if first <= last else not last < azimuth_deg < first
            if inside:
                return slope
        return self.default_deg

    def turned(self, bearing_deg: float) -> Slope:
        """The slope as seen from a model whose y axis has this bearing."""
        if not bearing_deg:
            return self
        turned = tuple(
            (first, last, slope)
            if last - first >= 360
            else ((first - bearing_deg) % 360, (last - bearing_deg) % 360, slope)
            for first, last, slope in self.sectors
        )
        return Slope(self.default_deg, turned)

    def flattest(self) -> float:
        """The least angle of any azimuth, degrees."""
        return min([self.default_deg, *(slope for _, _, slope in self.sectors)])

    def steepest(self) -> float:
        """The largest angle of any azimuth, degrees."""
        return max([self.default_deg, *(slope for _, _, slope in self.sectors)])


def cone_offsets(slope: Slope, size_m: Sequence[float], benches: int | None = None) -> tuple[Offset, ...]:
    """Offsets ``(dx, dy, dz)`` of the wall blocks that the block at the origin needs, ``dz >= 1``.

    Args:
        slope: slope of the material standing in the wall.
        size_m: block size in x, y, z, metres.
        benches: how many benches the pattern rises; chosen from the slope where not given.
    """
    dx_m, dy_m, dz_m = size_m
    if benches is None:
        rise = REACH_BLOCKS * min(dx_m, dy_m) * math.tan(math.radians(slope.steepest()))
        benches = min(MOST_BENCHES, max(1, math.ceil(rise / dz_m)))
    widest = benches * dz_m / math.tan(math.radians(slope.flattest()))
    across, along = int(widest // dx_m + 1), int(widest // dy_m + 1)
    offsets = []
    for dz in range(1, benches + 1):
        for dx in range(-across, across + 1):
            for dy in range(-along, along + 1):
                distance = math.hypot(dx * dx_m, dy * dy_m)
                azimuth = math.degrees(math.atan2(dx * dx_m, dy * dy_m)) % 360.0
                if distance <= dz * dz_m / math.tan(math.radians(slope.at(azimuth))) + 1e-9:
                    offsets.append((dx, dy, dz))
    return tuple(offsets)


@dataclass(frozen=True)
class Grid:
    """A regular block model as a lookup from cell to row.

    Attributes:
        cells: ``(blocks, 3)`` cell indices ix, iy, iz, shifted to start at 0; iz counts upwards.
        rows: dense array of row numbers, -1 where there is no block.
        material: ``(blocks,)`` material number of each row.
    """

    cells: NDArray[np.int64]
    rows: NDArray[np.int64]
    material: NDArray[np.int64]

    @classmethod
    def of(cls, cells: NDArray[np.int64], material: NDArray[np.int64]) -> Grid:
        """Builds the lookup.

        Raises:
            ValueError: where two blocks share a cell.
        """
        shifted = cells - cells.min(axis=0)
        rows = np.full(shifted.max(axis=0) + 1, -1, dtype=np.int64)
        rows[tuple(shifted.T)] = np.arange(len(shifted))
        if int((rows >= 0).sum()) != len(shifted):
            raise ValueError("two blocks share a cell")
        return cls(shifted, rows, material)

    def moved(self, offset: Offset) -> NDArray[np.int64]:
        """Row of the block at each block's cell plus ``offset``, -1 where there is none; shape ``(blocks,)``."""
        there = self.cells + np.asarray(offset)
        inside = ((there >= 0) & (there < np.asarray(self.rows.shape))).all(axis=1)
        found = np.full(len(there), -1, dtype=np.int64)
        found[inside] = self.rows[tuple(there[inside].T)]
        return found


def slope_arcs(grid: Grid, slopes: Mapping[int, Slope], size_m: Sequence[float]) -> NDArray[np.int64]:
    """Precedence arcs ``(block, needs)`` by row number, shape ``(arcs, 2)``, sorted.

    An arc is left out where two shorter ones imply it: block to a block between, and from there to the same wall
    block. What is left has the same closure.

    Args:
        grid: the block model.
        slopes: slope by material number.
        size_m: block size in x, y, z, metres.
    """
    patterns = {number: set(cone_offsets(slope, size_m)) for number, slope in slopes.items()}
    every = sorted(set().union(*patterns.values()), key=lambda offset: (offset[2], offset))
    wanted = np.zeros((len(slopes) and max(slopes) + 1, len(every)), dtype=bool)
    for number, pattern in patterns.items():
        wanted[number] = [offset in pattern for offset in every]
    position = {offset: column for column, offset in enumerate(every)}
    found = []
    for offset in every:
        above = grid.moved(offset)
        block = np.flatnonzero(above >= 0)
        block = block[wanted[grid.material[above[block]], position[offset]]]
        needs = above[block]
        implied = np.zeros(len(block), dtype=bool)
        for first in every:
            if first[2] >= offset[2]:
                break
            rest = (offset[0] - first[0], offset[1] - first[1], offset[2] - first[2])
            if rest not in position:
                continue
            between = grid.moved(first)[block]
            there = between >= 0
            stands = np.zeros(len(block), dtype=bool)
            stands[there] = wanted[grid.material[between[there]], position[first]]
            implied |= stands & wanted[grid.material[needs], position[rest]]
        found.append(np.column_stack([block[~implied], needs[~implied]]))
    arcs = np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)
    return arcs[np.lexsort((arcs[:, 1], arcs[:, 0]))]
