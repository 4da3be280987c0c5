"""The regular grid under a block model: sizes, origin and rotation worked out from block centres.

A rotated model is found by the direction from blocks to their nearest neighbours, and refined by least squares over
all cells, so that coordinates rounded to centimetres give back the grid they came from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from instances.table import MOST_CELLS

Floats = NDArray[np.float64]
OFF_GRID = 0.1
"""Share of a block by which a centre may lie beside its cell's: rounded coordinates do."""
LEAST_STEP_M = 0.2
COARSER = 1.5
"""Cells are coarser than blocks from so many times their size on: the model is then reblocked."""
FARTHEST_M = 1e8
"""No coordinate of a mine lies further from nought."""
SAMPLE = 20_000
FEWEST_NEIGHBOURS = 0.3
"""A grid worked out from steps is wrong where fewer of its cells have a next one along an axis: sub-blocks, mostly."""
AXES = ("x", "y", "z")


class NoLatticeError(ValueError):
    """No regular grid fits the centres; the message says on which axis."""


@dataclass(frozen=True)
class Lattice:
    """A regular grid, and where the rows of a table stand in it.

    Attributes:
        size_m: size of a cell in x, y, z of the model, metres.
        origin_m: centre of the cell 0, 0, 0 in the coordinates of the file.
        rotation_deg: bearing of the model's y axis, degrees clockwise from north.
        cells: ``(rows, 3)`` cell of each row, from 0.
        off: ``(rows,)`` where a row is no cell's own, nor part of one.
        steps: ``(rows, 3)`` centre of each row's block in cells from the centre of the cell 0, 0, 0.
        span: ``(rows, 3)`` size of each row's block as a share of the cell's; ``None`` where every block fills its own.
    """

    size_m: tuple[float, float, float]
    origin_m: tuple[float, float, float]
    rotation_deg: float
    cells: NDArray[np.int64]
    off: NDArray[np.bool_]
    steps: Floats
    span: Floats | None

    def volume_m3(self) -> Floats:
        """Volume of each row's block, shape ``(rows,)``."""
        whole = math.prod(self.size_m)
        return np.full(len(self.cells), whole) if self.span is None else whole * self.span.prod(axis=1)


def lattice_of(
    centres: Floats,
    sizes: Floats | None,
    *,
    size_m: tuple[float, float, float] | None = None,
    corner: tuple[float, float, float] | None = None,
    rotation_deg: float | None = None,
) -> Lattice:
    """The grid under block centres.

    Args:
        centres: ``(rows, 3)`` centres, metres, finite.
        sizes: ``(rows, 3)`` sizes of the blocks in the model's axes, where the file gives them.
        size_m: size of a cell, where told; else the largest block, or the steps between centres. Cells larger than the
            blocks begin at the corner of the model.
        corner: a corner of the grid, where told.
        rotation_deg: bearing of the model's y axis, where told; else found.

    Raises:
        NoLatticeError: where no regular grid fits.
    """
    middle = np.round(centres.mean(axis=0))
    local = centres - middle
    largest = None if sizes is None else sizes.max(axis=0)
    whole = np.ones(len(centres), dtype=bool)
    if size_m is not None and not all(0 < side < FARTHEST_M for side in size_m):
        raise NoLatticeError("their size is no size")
    if sizes is not None and largest is not None:
        whole = (sizes > largest * (1 - 1e-6)).all(axis=1)
        if not whole.any():
            whole = (sizes[:, :2] > largest[:2] * (1 - 1e-6)).all(axis=1)
        whole = whole if whole.any() else np.ones(len(centres), dtype=bool)
    rotation, turned, own = _oriented(local, whole, largest, rotation_deg, size_m)
    size = np.asarray(own if size_m is None else size_m, dtype=np.float64)
    if (size > COARSER * np.asarray(own)).any():
        sizes = np.broadcast_to(np.asarray(own), turned.shape) if sizes is None else sizes
        first = (turned - sizes / 2).min(axis=0) + size / 2
    elif corner is None:
        first = np.asarray([_first_centre(turned[whole, axis], size[axis]) for axis in range(3)])
    else:
        first = _turned((np.asarray(corner) - middle)[None, :], rotation)[0] + size / 2
    return _placed(turned, sizes, size, first, middle=middle, rotation=rotation)


def _oriented(
    local: Floats,
    whole: NDArray[np.bool_],
    largest: Floats | None,
    rotation_deg: float | None,
    size_m: tuple[float, float, float] | None,
) -> tuple[float, Floats, tuple[float, float, float]]:
    """Bearing of the model, the centres in its axes, and the size of its largest blocks.

    Args:
        local: centres near nought.
        whole: those of the largest blocks.
        largest: their size, where the file gives it.
        rotation_deg: the bearing, where told.
        size_m: size to be taken along an axis with one centre only.
    """
    rotation = rotation_deg
    if rotation is None:
        aligned = all(_regular(local[whole, axis], None if largest is None else largest[axis]) for axis in (0, 1))
        rotation = 0.0 if aligned else _bearing(local[whole])
    turned = _turned(local, rotation)
    alone = None if size_m is None else np.asarray(size_m)
    own = _steps(turned, alone) if largest is None else _triple(largest)
    if rotation_deg is None:
        rotation, refined = _refined(local[whole], turned[whole], own)
        own = refined if largest is None else own
        turned = _turned(local, rotation)
    return rotation, turned, own


def _placed(
    turned: Floats, sizes: Floats | None, size: Floats, first: Floats, *, middle: Floats, rotation: float
) -> Lattice:
    """The lattice of a size through a first centre, with the rows in their cells."""
    steps = (turned - first) / size
    if sizes is None:
        cells = np.round(steps)
        off: NDArray[np.bool_] = np.any(np.abs(steps - cells) > OFF_GRID, axis=1)
        span: Floats | None = None
    else:
        cells = np.floor(steps + 0.5 + 1e-6 * (np.abs(steps) < 1e9))
        span = sizes / size
        beyond = np.abs(steps - cells) + span / 2 - 0.5
        off = np.any(beyond > OFF_GRID / 2, axis=1)
        span = None if (np.abs(span - 1) < 1e-6).all() else span
    low = cells.min(axis=0)
    spans = [int(span) + 1 for span in cells.max(axis=0) - low]
    if math.prod(spans) > MOST_CELLS:
        raise NoLatticeError(f"their box has {' x '.join(map(str, spans))} cells, more than {MOST_CELLS:,}")
    origin = _turned((first + low * size)[None, :], -rotation)[0] + middle
    return Lattice(
        size_m=_triple(np.round(size, 6)),
        origin_m=_triple(np.round(origin, 4)),
        rotation_deg=rotation,
        cells=(cells - low).astype(np.int64),
        off=off,
        steps=steps - low,
        span=span,
    )


def neighboured(cells: NDArray[np.int64]) -> tuple[float, float, float]:
    """Share of the cells that have a next one along x, y and z, of all that could: low where steps are no sizes."""
    shape = cells.max(axis=0) + 3
    key = np.unique(np.ravel_multi_index((cells + 1).T, tuple(shape)))
    strides = (int(shape[1] * shape[2]), int(shape[2]), 1)
    found = [float(np.isin(key + stride, key, assume_unique=True).mean()) for stride in strides]
    counts = [len(np.unique(cells[:, axis])) for axis in range(3)]
    return tuple(  # type: ignore[return-value]
        share * count / (count - 1) if count > 1 else 1.0 for share, count in zip(found, counts, strict=True)
    )


def _triple(values: Floats) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _turned(points: Floats, bearing_deg: float) -> Floats:
    """Points in the axes of a model whose y axis has this bearing."""
    if not bearing_deg:
        return points
    angle = math.radians(bearing_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([x * cos - y * sin, x * sin + y * cos, points[:, 2]])


def _levels(values: Floats) -> Floats:
    """The distinct values, those within a millimetre taken as one."""
    distinct: Floats = np.unique(np.round(values, 3))
    apart: NDArray[np.bool_] = np.diff(distinct, prepend=-np.inf) > 2e-3
    return np.asarray(distinct[apart], dtype=np.float64)


def _regular(values: Floats, step: float | None) -> bool:
    """Whether values lie on steps of one length, which is ``step`` where given."""
    levels = _levels(values)
    if len(levels) < 2:
        return True
    gaps = np.diff(levels)
    length = float(gaps.min()) if step is None else step
    if length < LEAST_STEP_M:
        return False
    number = np.round((levels - levels[0]) / length)
    return bool((np.abs(levels - levels[0] - number * length) <= OFF_GRID * length).all())


def _bearing(points: Floats) -> float:
    """Bearing of the y axis of a rotated grid within 45 degrees of north, from its nearest neighbours."""
    bench: Floats = np.unique(np.round(points[:, :2], 3), axis=0)
    if len(bench) < 3:
        raise NoLatticeError("too few columns of blocks to tell their grid")
    sample = bench[:: max(1, len(bench) // SAMPLE)]
    found = cKDTree(bench).query(sample, k=2)
    distance, other = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
    near = distance[:, 1] < 1.05 * np.median(distance[:, 1])
    step = bench[other[near, 1]] - sample[near]
    angle = np.arctan2(step[:, 0], step[:, 1])
    turn = np.exp(4j * angle).mean()
    if abs(turn) < 0.9:
        raise NoLatticeError("the blocks lie on no regular grid in x and y")
    return math.degrees(float(np.angle(turn)) / 4)


def _steps(turned: Floats, alone: Floats | None = None) -> tuple[float, float, float]:
    """The size of a cell as the least step between centres along each axis; ``alone`` where there is one centre."""
    found = []
    for axis, name in enumerate(AXES):
        values = np.sort(turned[:, axis])
        gaps = np.diff(values)
        steps = gaps[gaps > LEAST_STEP_M]
        if not steps.size and alone is not None:
            found.append(float(alone[axis]))
            continue
        if not steps.size:
            raise NoLatticeError(f"all blocks have the same {name}: their size along it has to be told")
        least = float(steps.min())
        near = steps[steps < 1.5 * least]
        found.append(float(np.round(np.median(near), 3)))
    return found[0], found[1], found[2]


def _refined(
    local: Floats, turned: Floats, size: tuple[float, float, float]
) -> tuple[float, tuple[float, float, float]]:
    """Bearing and sizes by least squares from the cells that a first bearing gives."""
    cells = np.column_stack([np.round((turned[:, axis] - turned[:, axis].min()) / size[axis]) for axis in (0, 1)])
    system = np.column_stack([np.ones(len(cells)), cells])
    (_, east, north), *_ = np.linalg.lstsq(system, local[:, :2], rcond=None)
    bearing = math.degrees(math.atan2(north[0], north[1]))
    bearing = round(bearing, 2) if abs(bearing - round(bearing, 2)) < 2e-3 else bearing
    lengths = [round(float(np.hypot(*side)), 2) for side in (east, north)]
    return bearing + 0.0, (lengths[0] or size[0], lengths[1] or size[1], size[2])


def _first_centre(values: Floats, step: float) -> float:
    """A centre that the values share, modulo the step: the circular mean of where they stand in it."""
    turn = np.exp(2j * np.pi * values / step).mean()
    offset = float(np.angle(turn)) / (2 * np.pi) * step
    return float(offset + np.round((values.min() - offset) / step) * step)
