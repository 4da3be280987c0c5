"""The block model with its schedule, for other tools: CSV and Parquet tables, VTK for ParaView and its kin, and OMF.

OMF, the Open Mining Format of the Global Mining Guidelines Group, is written in its version 1 by the package ``omf``: a
volume of the whole box around the blocks, its data on cells with the third axis running fastest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, nearest_name
from scheduler.reports.blocks import NEVER, axes_of, in_the_mine
from scheduler.reports.facts import Facts
from scheduler.reports.palette import NOT_MINED, material_colours

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


HEXAHEDRON = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
"""Corners of a cell in the order of VTK."""
WORDS = ("phase", "material", "destination")
STAYS = "stays"


def cells(facts: Facts, *, in_mine: bool = True) -> Any:  # noqa: ANN401 - loaded only where it is wanted
    """The block model as an unstructured grid of VTK, a cell a block.

    Words are numbers, whose meaning stands in the field data.

    Args:
        facts: the run.
        in_mine: whether it lies where the mine is; else along its own axes, its corner at nought.
    """
    import pyvista  # noqa: PLC0415 - takes a second to load

    blocks, size = facts.blocks, np.asarray(facts.mine.blocks.size_m)
    index = blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    nodes = (index[:, None, :] + HEXAHEDRON[None, :, :]).reshape(-1, 3)
    points, node = np.unique(nodes, axis=0, return_inverse=True)
    nodes_of = np.column_stack([np.full(len(index), 8), node.reshape(-1, 8)]).ravel()
    kinds = np.full(len(index), pyvista.CellType.HEXAHEDRON, dtype=np.uint8)
    places = in_the_mine(facts.mine.blocks, points * size) if in_mine else points * size
    grid = pyvista.UnstructuredGrid(nodes_of, kinds, places)
    for name in ("tonnes", *facts.instance.grade_columns().values(), "mined_fraction"):
        grid.cell_data[name] = blocks[name].to_numpy(float)
    for name in ("period", "first_period", "last_period"):
        grid.cell_data[name] = blocks[name].to_numpy(np.int32)
    for name in WORDS:
        codes, words = pd.factorize(blocks[name], sort=True)
        grid.cell_data[name] = codes.astype(np.int32)
        grid.field_data[f"{name}_names"] = [str(word) for word in words]
    grid.field_data["period_labels"] = list(facts.labels)
    return grid


def _vtk(facts: Facts, path: Path) -> None:
    written = path.with_name(f"{path.name}.vtu")
    cells(facts).save(written)
    written.replace(path)


def _omf(facts: Facts, path: Path) -> None:
    with warnings.catch_warnings():
        # Of NumPy and of the regular expressions of a package that omf stands on.
        warnings.simplefilter("ignore")
        try:
            import omf  # noqa: PLC0415 - an extra
        except ImportError as error:
            expected = "the package omf, as pip install 'pitwise[omf]' gives it"
            raise BadInput([Finding("--blocks omf", None, expected)]) from error
        written = path.with_name(f"{path.name}.omf")
        omf.OMFWriter(omf_project(facts, omf), str(written))
    written.replace(path)


def omf_project(facts: Facts, omf: Any) -> Any:  # noqa: ANN401 - the package carries no types
    """The scheduled block model as a project of the package ``omf``, with one volume in it."""
    blocks, size = facts.blocks, np.asarray(facts.mine.blocks.size_m)
    index = blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    low = index.min(axis=0)
    counts = index.max(axis=0) - low + 1
    u, v, w = (index - low).T
    place = (u * counts[1] + v) * counts[2] + w
    axes = axes_of(facts.mine.blocks)
    widths = {f"tensor_{name}": np.full(n, side) for name, n, side in zip("uvw", counts, size, strict=True)}
    geometry = omf.VolumeGridGeometry(
        **widths, **{f"axis_{name}": axis.tolist() for name, axis in zip("uvw", axes, strict=True)}
    )
    found = _OmfData(omf, place, int(counts.prod()))
    data = [
        found.numbers(name, blocks[name].to_numpy(float))
        for name in ("tonnes", *facts.instance.grade_columns().values(), "mined_fraction")
    ]
    last = len(facts.labels)
    colours = [*facts.period_colours, NOT_MINED]
    for name in ("period", "first_period", "last_period"):
        codes = blocks[name].to_numpy(np.int64)
        data.append(found.words(name, np.where(codes == NEVER, last, codes), [*facts.labels, STAYS], colours))
    of_material = material_colours(facts.mine)
    for name in WORDS:
        codes, words = pd.factorize(blocks[name], sort=True)
        own = [of_material[str(word)] for word in words] if name == "material" else []
        data.append(found.words(name, codes, [str(word) for word in words], own))
    volume = omf.VolumeElement(name="scheduled blocks", geometry=geometry, data=data)
    corner = in_the_mine(facts.mine.blocks, (low * size)[None, :].astype(float))[0]
    return omf.Project(
        name=facts.title[:200],
        description=f"Production schedule by pitwise; mine {facts.summary['instance_hash']}",
        units="m",
        origin=corner.tolist(),
        elements=[volume],
    )


class _OmfData:
    """Makes the data of a volume from the values of its blocks; cells that hold none have no value.

    Args:
        omf: the package.
        place: cell of each block.
        size: how many cells there are.
    """

    def __init__(self, omf: Any, place: NDArray[np.int64], size: int) -> None:  # noqa: ANN401
        self.omf, self.place, self.size = omf, place, size

    def numbers(self, name: str, values: NDArray[np.float64]) -> Any:  # noqa: ANN401
        """Numbers by cell, NaN for none."""
        whole = np.full(self.size, np.nan)
        whole[self.place] = values
        return self.omf.ScalarData(name=name, location="cells", array=self.omf.ScalarArray(whole))

    def words(self, name: str, codes: NDArray[np.int64], words: Sequence[str], colours: Sequence[str]) -> Any:  # noqa: ANN401
        """Words by cell, and their colours where they have any; -1 for none."""
        whole = np.full(self.size, -1)
        whole[self.place] = codes
        legends = [self.omf.Legend(name=name, values=self.omf.StringArray(array=list(words)))]
        if colours:
            legends.append(self.omf.Legend(name=f"{name} colour", values=self.omf.ColorArray(array=list(colours))))
        array = self.omf.ScalarArray(whole)
        return self.omf.MappedData(name=name, location="cells", array=array, legends=legends)


FORMS: dict[str, Callable[[Facts, Path], None]] = {"csv": _csv, "parquet": _parquet, "vtu": _vtk, "omf": _omf}
"""Forms by the ending of their files."""
