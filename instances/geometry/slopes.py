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
from scipy.spatial import ConvexHull

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
        benches = pattern_benches(slope, size_m)
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


def pattern_benches(slope: Slope, size_m: Sequence[float], error_deg: float | None = None) -> int:
    """How many benches a pattern rises.

    Args:
        slope: slope of the material standing in the wall.
        size_m: block size in x, y, z, metres.
        error_deg: the pattern rises until no wall stands steeper than its slope by more than this, or as high as
            patterns may. Until its cone is ``REACH_BLOCKS`` wide where not given.
    """
    rise = REACH_BLOCKS * min(size_m[:2]) * math.tan(math.radians(slope.steepest()))
    benches = min(MOST_BENCHES, max(1, math.ceil(rise / size_m[2])))
    if error_deg is None:
        return benches
    errors = {}
    for height in range(1, MOST_BENCHES + 1):
        errors[height] = steepening_deg(slope, size_m, height)
        if errors[height] <= error_deg:
            return height
    return min(errors, key=lambda height: (round(errors[height], 3), height))


def steepening_deg(slope: Slope, size_m: Sequence[float], benches: int) -> float:
    """By how much the walls of a pattern stand steeper than the slope, in the worst azimuth, degrees.

    Chains of arcs reach what the convex hull of the pattern, each offset divided by its rise, reaches per bench.

    Args:
        slope: slope of the material standing in the wall.
        size_m: block size in x, y, z, metres.
        benches: how many benches the pattern rises.
    """
    offsets = np.asarray(cone_offsets(slope, size_m, benches), dtype=np.float64)
    places = np.unique(offsets[:, :2] * np.asarray(size_m[:2]) / (offsets[:, 2:] * size_m[2]), axis=0)
    azimuths = np.arange(0.5, 360.0, 1.0)
    wanted = np.asarray([slope.at(azimuth) for azimuth in azimuths.tolist()])
    if np.linalg.matrix_rank(places - places[0]) < 2:
        return float(90.0 - wanted.min())
    hull = ConvexHull(places).equations
    outwards = np.column_stack([np.sin(np.radians(azimuths)), np.cos(np.radians(azimuths))]) @ hull[:, :2].T
    with np.errstate(divide="ignore"):
        reached = np.where(outwards > 1e-12, -hull[:, 2] / outwards, np.inf).min(axis=1)
    return float((np.degrees(np.arctan2(1.0, np.maximum(reached, 0.0))) - wanted).max())


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


@dataclass(frozen=True)
class _Reach:
    """The rows around each block, by flat indices into a grid padded so that no offset leaves it."""

    padded: NDArray[np.int32]
    strides: NDArray[np.int64]
    base: NDArray[np.int64]

    @classmethod
    def of(cls, grid: Grid, offsets: Sequence[Offset]) -> _Reach:
        reach = np.abs(np.asarray(offsets, dtype=np.int64).reshape(-1, 3)).max(axis=0, initial=0)
        padded = np.pad(grid.rows, [(int(width), int(width)) for width in reach], constant_values=-1)
        strides = np.asarray([padded.shape[1] * padded.shape[2], padded.shape[2], 1], dtype=np.int64)
        return cls(padded.ravel().astype(np.int32), strides, (grid.cells + reach) @ strides)

    def moved(self, blocks: NDArray[np.int64], offset: Offset) -> NDArray[np.int32]:
        """Row of the block at the cell of each of these blocks plus ``offset``, -1 where there is none."""
        return self.padded[self.base[blocks] + int(self.strides @ np.asarray(offset, dtype=np.int64))]


def slope_arcs(
    grid: Grid, slopes: Mapping[int, Slope], size_m: Sequence[float], error_deg: float | None = None
) -> NDArray[np.int64]:
    """Precedence arcs ``(block, needs)`` by row number, shape ``(arcs, 2)``, sorted.

    An arc is left out where two shorter ones imply it: block to a block between, and from there to the same wall
    block. What is left has the same closure, with hardly an arc more than the least.

    Args:
        grid: the block model.
        slopes: slope by material number.
        size_m: block size in x, y, z, metres.
        error_deg: see :func:`pattern_benches`.
    """
    patterns = {
        number: set(cone_offsets(slope, size_m, pattern_benches(slope, size_m, error_deg)))
        for number, slope in slopes.items()
    }
    every = sorted(set().union(*patterns.values()), key=lambda offset: (offset[2], offset))
    wanted = np.zeros((len(slopes) and max(slopes) + 1, len(every)), dtype=bool)
    for number, pattern in patterns.items():
        wanted[number] = [offset in pattern for offset in every]
    everywhere: list[bool] = np.all(wanted, axis=0, keepdims=True)[0].tolist()
    position = {offset: column for column, offset in enumerate(every)}
    reach, blocks = _Reach.of(grid, every), np.arange(len(grid.cells))
    found = []
    for offset in every:
        above = reach.moved(blocks, offset)
        block = np.flatnonzero(above >= 0)
        if not everywhere[position[offset]]:
            block = block[wanted[grid.material[above[block]], position[offset]]]
        needs = above[block]
        for first in every:
            if first[2] >= offset[2] or not block.size:
                break
            rest = position.get((offset[0] - first[0], offset[1] - first[1], offset[2] - first[2]))
            if rest is None:
                continue
            between = reach.moved(block, first)
            implied = between >= 0
            if not everywhere[rest]:
                implied &= wanted[grid.material[needs], rest]
            if not everywhere[position[first]]:
                implied[implied] = wanted[grid.material[between[implied]], position[first]]
            block, needs = block[~implied], needs[~implied]
        found.append(block * len(blocks) + needs)
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    # One number an arc: pairs are sorted many times slower.
    arcs = np.concatenate(found)
    arcs.sort()
    return np.column_stack(np.divmod(arcs, len(blocks)))
