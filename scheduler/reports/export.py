"""The block model with its schedule, for other tools: CSV and Parquet tables, and VTK for ParaView and its kin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from instances.findings import BadInput, Finding, nearest_name
from scheduler.reports.facts import Facts

BLOCKS = "scheduled-blocks"
"""Name of the files, without their ending."""


def write_blocks(facts: Facts, form: str, path: Path) -> None:
    """Writes the block model of a run; the columns are those of :func:`scheduler.reports.blocks.scheduled_blocks`.

    Args:
        facts: the run.
        form: ending of a form of :data:`FORMS`.
        path: the file.

    Raises:
        BadInput: where the form is not known.
    """
    writer_of(form)(facts, path)


def writer_of(form: str) -> Callable[[Facts, Path], None]:
    """What writes a form.

    Raises:
        BadInput: where it is not known.
    """
    if form not in FORMS:
        expected = f"one of {', '.join(FORMS)}"
        raise BadInput([Finding("--blocks", form, expected, nearest_name(form, FORMS))])
    return FORMS[form]


def _csv(facts: Facts, path: Path) -> None:
    facts.blocks.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _parquet(facts: Facts, path: Path) -> None:
    facts.blocks.to_parquet(path, index=False)


def voxels(facts: Facts) -> Any:  # noqa: ANN401 - loaded only where it is wanted
    """The block model as an unstructured grid of voxels, a cell a block.

    Words are numbers, whose meaning stands in the field data.
    """
    import pyvista  # noqa: PLC0415 - takes a second to load

    blocks, size = facts.blocks, np.asarray(facts.mine.blocks.size_m)
    index = blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)])
    nodes = (index[:, None, :] + corners[None, :, :]).reshape(-1, 3)
    points, node = np.unique(nodes, axis=0, return_inverse=True)
    cells = np.column_stack([np.full(len(index), 8), node.reshape(-1, 8)]).ravel()
    kinds = np.full(len(index), pyvista.CellType.VOXEL, dtype=np.uint8)
    grid = pyvista.UnstructuredGrid(cells, kinds, points * size)
    for name in ("tonnes", *facts.instance.grade_columns().values(), "mined_fraction"):
        grid.cell_data[name] = blocks[name].to_numpy(float)
    for name in ("period", "first_period", "last_period"):
        grid.cell_data[name] = blocks[name].to_numpy(np.int32)
    for name in ("phase", "material", "destination"):
        codes, words = pd.factorize(blocks[name], sort=True)
        grid.cell_data[name] = codes.astype(np.int32)
        grid.field_data[f"{name}_names"] = [str(word) for word in words]
    grid.field_data["period_labels"] = list(facts.labels)
    return grid


def _vtk(facts: Facts, path: Path) -> None:
    written = path.with_name(f"{path.name}.vtu")
    voxels(facts).save(written)
    written.replace(path)


FORMS: dict[str, Callable[[Facts, Path], None]] = {"csv": _csv, "parquet": _parquet, "vtu": _vtk}
"""Forms by the ending of their files."""
