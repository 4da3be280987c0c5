"""Block models in OMF, the Open Mining Format of the Global Mining Guidelines Group, version 1.

The package ``omf`` reads them (extra ``omf``). A block model is a volume element: widths of the cells along three
orthogonal axes, and data on the cells with the third axis running fastest, as discretize and omfvista have them.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, Words, nearest_name
from instances.importing.notes import Note, changed, understood
from instances.importing.source import Source
from instances.table import MOST_ROWS

UPRIGHT = 1e-6
CELL_COLUMNS = ("xc", "yc", "zc", "dx", "dy", "dz")
BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, struct.error, zlib.error)
"""What the package raises on a damaged file."""


def read_omf(file: Path, element: str | None = None) -> Source:
    """Reads a block model of an OMF file: a row a cell, with its centre and sizes in metres.

    Args:
        file: the file.
        element: name of the volume; needed where there are several.

    Raises:
        BadInput: where the package is not installed, the file is damaged or of another version, or has no such volume.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, about a package that omf stands on
        return _source(file, _project(file), element)


def _source(file: Path, project: Any, element: str | None) -> Source:  # noqa: ANN401 - the package carries no types
    volume = _volume(file.name, project, element)
    try:
        centres, sizes, bearing = _cells(file.name, project, volume.geometry)
        columns, notes = _data(file.name, volume, len(centres))
    except BROKEN as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput([_damaged(file.name, error)]) from error
    taken = [name for name in CELL_COLUMNS if name in columns]
    if taken:
        notes = [*notes, changed(f"{', '.join(taken)} of the data are left out: the cells themselves say it")]
    values = [*centres.T, *sizes.T]
    columns |= {name: pa.chunked_array([column]) for name, column in zip(CELL_COLUMNS, values, strict=True)}
    told = understood(f"an OMF file, its volume {volume.name}" if volume.name else "an OMF file")
    return Source(file.name, columns, notes=(told, *notes), rotation_deg=bearing)


def _project(file: Path) -> Any:  # noqa: ANN401 - the package carries no types
    with file.open("rb") as opened:
        is_zip = opened.read(2) == b"PK"
    if is_zip:
        raise BadInput([Finding(file.name, Words("OMF of version 2"), "OMF of version 1, which the package omf reads")])
    try:
        import omf  # noqa: PLC0415
    except ImportError as error:
        expected = "the package omf, as pip install 'pitwise[omf]' gives it"
        raise BadInput([Finding(file.name, None, expected)]) from error
    try:
        with file.open("rb") as opened:
            return omf.OMFReader(opened).get_project()
    except BROKEN as error:
        raise BadInput([_damaged(file.name, error)]) from error


def _damaged(place: str, error: Exception) -> Finding:
    said = " ".join(str(error).split())[:80] or type(error).__name__
    return Finding(place, Words(f"unreadable ({said})"), "a whole OMF file of version 1")


def _volume(place: str, project: Any, wanted: str | None) -> Any:  # noqa: ANN401
    volumes = {str(element.name): element for element in project.elements if hasattr(element.geometry, "tensor_u")}
    if not volumes:
        raise BadInput([Finding(place, Words("no block model"), "an element with a volume")])
    if wanted is None and len(volumes) == 1:
        return next(iter(volumes.values()))
    if wanted not in volumes:
        expected = f"--element with the name of a volume: {', '.join(volumes)}"
        raise BadInput([Finding(place, wanted, expected, nearest_name(wanted or "", volumes))])
    return volumes[wanted]


def _cells(
    place: str,
    project: Any,  # noqa: ANN401
    geometry: Any,  # noqa: ANN401
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Centres and sizes along x, y, z of the model, ``(cells, 3)`` each, and the bearing of the model's y axis."""
    widths = [np.asarray(getattr(geometry, f"tensor_{name}"), dtype=np.float64) for name in "uvw"]
    axes = np.asarray([np.asarray(getattr(geometry, f"axis_{name}"), dtype=np.float64) for name in "uvw"])
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    if not all(np.isfinite(width).all() and (width > 0).all() for width in widths) or not np.isfinite(axes).all():
        raise BadInput([Finding(place, Words("cells without a width"), "widths above 0 m along each axis")])
    if not 0 < math.prod(map(len, widths)) <= MOST_ROWS:
        raise BadInput([Finding(place, Words(f"{math.prod(map(len, widths))} cells"), f"1 to {MOST_ROWS:,} cells")])
    upright = int(np.abs(axes[:, 2]).argmax())
    level = [axis for axis in range(3) if axis != upright]
    skew = np.abs(axes @ axes.T - np.eye(3)).max()
    if abs(axes[upright, 2]) < 1 - UPRIGHT or skew > UPRIGHT:
        raise BadInput([Finding(place, Words("a tilted grid"), "one axis upright, the others level and square to it")])
    along = max(level, key=lambda axis: abs(axes[axis, 1]))
    across = next(axis for axis in level if axis != along)
    north = axes[along] * (1.0 if axes[along, 1] >= 0 else -1.0)
    order = [across, along, upright]
    middles = [np.cumsum(width) - width / 2 for width in widths]
    grid = np.meshgrid(*middles, indexing="ij")
    origin = np.asarray(project.origin, dtype=np.float64) + np.asarray(geometry.origin, dtype=np.float64)
    centres = origin + sum(grid[axis].reshape(-1, 1) * axes[axis] for axis in range(3))
    each = np.meshgrid(*widths, indexing="ij")
    sizes = np.column_stack([each[axis].ravel() for axis in order])
    bearing = math.degrees(math.atan2(north[0], north[1]))
    return centres, sizes, round(bearing, 6) + 0.0


def _data(place: str, volume: Any, cells: int) -> tuple[dict[str, pa.ChunkedArray], list[Note]]:  # noqa: ANN401
    """Data on the cells by name, and what was left out."""
    columns: dict[str, pa.ChunkedArray] = {}
    left, findings = [], []
    for data in volume.data:
        name = str(data.name)
        values = _values(data) if data.location == "cells" else None
        if values is None:
            left.append(name)
        elif len(values) != cells:
            findings.append(Finding(f"{place}: {name}", Words(f"{len(values)} values"), f"{cells}, one a cell"))
        elif name in columns:
            findings.append(Finding(f"{place}: {name}", Words("given twice"), "each name once"))
        else:
            columns[name] = values
    if findings:
        raise BadInput(findings)
    return columns, [changed(f"left out, for not being numbers or text of cells: {', '.join(left)}")] if left else []


def _values(data: Any) -> pa.ChunkedArray | None:  # noqa: ANN401
    """Numbers or text; indices become what their first legend of text or numbers says, -1 nothing."""
    kind = type(data).__name__
    if kind == "ScalarData":
        return pa.chunked_array([pa.array(np.asarray(data.array.array, dtype=np.float64), from_pandas=True)])
    if kind == "StringData":
        return pa.chunked_array([pa.array([str(text) for text in data.array.array], pa.string())])
    if kind != "MappedData":
        return None
    legends = [
        legend.values for legend in data.legends if type(legend.values).__name__ in {"StringArray", "ScalarArray"}
    ]
    if not legends:
        return None
    indices = np.asarray(data.array.array, dtype=np.int64)
    words = pa.array([str(value) for value in legends[0].array], pa.string())
    return pa.chunked_array([words.take(pa.array(indices, mask=indices < 0))])
