"""A block model looked over: what it holds, and what in it is odd.

Faults (two blocks in one cell, grades over 100 per cent, tonnes below 0) are refused when a mine is read. Here is what
may be meant, but is worth a look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from instances.findings import nearest_name
from instances.instance import Instance
from instances.table import told_rows

LIGHTEST, HEAVIEST = 1.0, 6.0
OUTLIER = 5.0
"""A grade is an outlier above so many times the 99th percentile of the grades above 0."""
CUT_OFFS = 10
SMALL_BODY, SMALL_SHARE = 10, 0.01
"""A body apart is small below so many blocks, or below this share of the model: a second pit is no floating block."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Oddity:
    """Something that is worth a look.

    Attributes:
        what: in words.
        blocks: how many blocks it concerns; cells, of holes.
        tonnes: their tonnes; 0 of holes.
        where: the first rows of the block table, or the first cells.
    """

    what: str
    blocks: int
    tonnes: float
    where: str


@dataclass(frozen=True)
class Inspection:
    """What a block model holds.

    Attributes:
        by: for each of ``bench``, ``material`` and ``phase`` a table: its name, blocks, tonnes and the mean grades.
        curves: for each grade column a table: cut_off, tonnes at or above it, their mean grade.
        extent: first and last cell along x, y and z.
        oddities: what is worth a look.
    """

    by: dict[str, pd.DataFrame]
    curves: dict[str, pd.DataFrame]
    extent: tuple[tuple[int, int], ...]
    oddities: tuple[Oddity, ...]


def inspected(instance: Instance) -> Inspection:
    """Looks a mine's blocks over, in situ: before mining loss, dilution and what is mined already."""
    blocks, grades = instance.blocks, list(instance.grade_columns().values())
    by = {name: _table(blocks, column, grades) for name, column in (("bench", "iz"), ("material", "material"))}
    by["bench"] = by["bench"].iloc[::-1].reset_index(drop=True)
    by["phase"] = _table(blocks, "phase", grades)
    curves = {
        column: grade_tonnage(blocks[column].to_numpy(float), blocks["tonnes"].to_numpy(float)) for column in grades
    }
    extent = tuple((int(blocks[axis].min()), int(blocks[axis].max())) for axis in ("ix", "iy", "iz"))
    return Inspection(by, curves, extent, tuple(_oddities(instance)))


def _table(blocks: pd.DataFrame, column: str, grades: list[str]) -> pd.DataFrame:
    weighted = pd.DataFrame({name: blocks[name] * blocks["tonnes"] for name in grades})
    weighted["tonnes"] = blocks["tonnes"]
    grouped = weighted.groupby(blocks[column].to_numpy(), sort=True)
    table = grouped.sum()
    for name in grades:
        table[name] /= table["tonnes"]
    table.insert(0, "blocks", grouped.size())
    return table[["blocks", "tonnes", *grades]].rename_axis(column).reset_index()


def grade_tonnage(grade: NDArray[np.float64], tonnes: NDArray[np.float64]) -> pd.DataFrame:
    """The grade-tonnage curve: cut_off, tonnes at or above it, and their mean grade, from cut-off 0.

    Args:
        grade: ``(blocks,)`` grades.
        tonnes: ``(blocks,)`` tonnes.
    """
    above = grade[grade > 0]
    top = float(np.quantile(above, 0.98)) if above.size else 0.0
    step = 10.0 ** np.floor(np.log10(top / CUT_OFFS)) if top > 1e-9 else 1.0
    step *= next((factor for factor in (1.0, 2.0, 5.0, 10.0) if factor * step * CUT_OFFS >= top), 10.0)
    order = np.argsort(grade, kind="stable")
    sorted_grade = grade[order]
    t_above = np.append(np.cumsum(tonnes[order][::-1])[::-1], 0.0)
    metal_above = np.append(np.cumsum((tonnes * grade)[order][::-1])[::-1], 0.0)
    cut_offs = np.round(step * np.arange(CUT_OFFS + 1), 10)
    place = np.searchsorted(sorted_grade, cut_offs, side="left")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(t_above[place] > 0, metal_above[place] / t_above[place], np.nan)
    return pd.DataFrame({"cut_off": cut_offs, "tonnes": t_above[place], "grade": mean})


def _oddities(instance: Instance) -> list[Oddity]:
    found = [*_holes(instance), *_floating(instance), *_densities(instance), *_grades(instance), *_kinds(instance)]
    return [oddity for oddity in found if oddity is not None]


def _oddity(instance: Instance, what: str, bad: Mask) -> Oddity | None:
    if not bad.any():
        return None
    is_csv = instance.mine.blocks.file.lower().endswith(".csv")
    where = told_rows(bad, 2 if is_csv else 1, "line" if is_csv else "row")
    return Oddity(what, int(bad.sum()), float(instance.blocks["tonnes"].to_numpy(float)[bad].sum()), where)


def _occupied(instance: Instance) -> tuple[Mask, NDArray[np.int64]]:
    """Which cells of the model's box hold a block, and the cell of each block within it."""
    cells = instance.blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    cells = cells - cells.min(axis=0)
    box = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    box[tuple(cells.T)] = True
    return box, cells


def _holes(instance: Instance) -> list[Oddity | None]:
    """Cells without a block that have blocks above and below."""
    box, _ = _occupied(instance)
    below = np.maximum.accumulate(box, axis=2)
    above = np.maximum.accumulate(box[:, :, ::-1], axis=2)[:, :, ::-1]
    holes = np.argwhere(~box & below & above)
    if not len(holes):
        return []
    first = holes[:3] + instance.blocks[["ix", "iy", "iz"]].min().to_numpy()
    told = ", ".join("-".join(map(str, cell)) for cell in first.tolist())
    more = f" ({len(holes):,} in all)" if len(holes) > 3 else ""
    return [Oddity("holes: cells without a block below others", len(holes), 0.0, f"cells {told}{more}")]


def _floating(instance: Instance) -> list[Oddity | None]:
    """Blocks of small bodies that hang together with no face of a large one."""
    box, cells = _occupied(instance)
    labels, _ = ndimage.label(box)
    label = labels[tuple(cells.T)]
    sizes = np.bincount(label)
    apart = (sizes < max(SMALL_BODY, SMALL_SHARE * len(label)))[label] & (label != sizes.argmax())
    ore = instance.blocks["material"].map({name: m.kind == "ore" for name, m in instance.mine.materials.items()})
    is_ore = ore.to_numpy(dtype=bool)
    return [
        _oddity(instance, "floating ore: small bodies that touch no other block by a face", apart & is_ore),
        _oddity(instance, "floating waste or fill", apart & ~is_ore),
    ]


def _densities(instance: Instance) -> list[Oddity | None]:
    volume = float(np.prod(instance.mine.blocks.size_m))
    density = instance.blocks["tonnes"].to_numpy(float) / volume
    return [
        _oddity(instance, f"below {LIGHTEST:g} t per m3 of the whole block (cut by topography?)", density < LIGHTEST),
        _oddity(instance, f"above {HEAVIEST:g} t per m3", density > HEAVIEST),
    ]


def _grades(instance: Instance) -> list[Oddity | None]:
    found: list[Oddity | None] = []
    for column in instance.grade_columns().values():
        grade = instance.blocks[column].to_numpy(float)
        above = grade[grade > 0]
        if not above.size:
            found.append(_oddity(instance, f"{column}: no block has any", np.ones(len(grade), dtype=bool)))
            continue
        limit = OUTLIER * float(np.quantile(above, 0.99))
        found.append(
            _oddity(instance, f"{column} above {limit:.3g}, {OUTLIER:g} times its 99th percentile", grade > limit)
        )
        values, counts = np.unique(above, return_counts=True)
        if counts.max() > max(50, 0.2 * len(above)) and len(values) > 1:
            common = float(values[counts.argmax()])
            found.append(_oddity(instance, f"{column} is exactly {common:g}: a default?", grade == common))
    return found


def _kinds(instance: Instance) -> list[Oddity | None]:
    """Ore without grade, and names that may be one."""
    blocks, materials = instance.blocks, instance.mine.materials
    ore = blocks["material"].map({name: m.kind == "ore" for name, m in materials.items()}).to_numpy(dtype=bool)
    graded = (blocks[list(instance.grade_columns().values())] > 0).any(axis=1).to_numpy(dtype=bool)
    found: list[Oddity | None] = [
        _oddity(instance, "ore without any grade", ore & ~graded),
    ]
    for column in instance.grade_columns().values():
        if ore.any():
            mean = float(np.average(blocks[column][ore], weights=blocks["tonnes"][ore]))
            rich = ~ore & (blocks[column].to_numpy(float) > mean)
            found.append(
                _oddity(instance, f"waste or fill with more {column} than the mean of the ore, {mean:.3g}", rich)
            )
    for name in materials:
        near = nearest_name(name, [other for other in materials if other < name])
        if near is not None and name.replace("_", "").rstrip("s") == near.replace("_", "").rstrip("s"):
            rows = (blocks["material"] == name).to_numpy(dtype=bool)
            found.append(_oddity(instance, f"material {name} is spelt much like {near}", rows))
    return found
