"""Sub-blocks joined to whole cells: tonnes added, grades weighted by tonnes, kinds by the larger tonnage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OVERFULL = 1.001
TOUCHING = 0.01
"""Blocks overlap where they share more than this part of the smaller one's side along every axis."""


@dataclass(frozen=True)
class Regularised:
    """Cells made of sub-blocks.

    Attributes:
        blocks: a row a cell: ix, iy, iz, tonnes, volume_m3, the grades and the kinds.
        overfull: rows of the table whose cell holds more than its own volume.
        split: cells made of more than one row.
        reassigned_t: tonnes by kind that now stand under another name, the cell's larger one.
    """

    blocks: pd.DataFrame
    overfull: NDArray[np.bool_]
    split: int
    reassigned_t: dict[str, float]


def regularised(rows: pd.DataFrame, grades: list[str], kinds: list[str], cell_m3: float) -> Regularised:
    """Joins rows that stand in the same cell. Tonnes and metal are conserved.

    Args:
        rows: ix, iy, iz, tonnes, volume_m3, the grades and the kinds, a row a sub-block; tonnes > 0.
        grades: names of the columns of grades.
        kinds: names of the columns of kinds, such as the material.
        cell_m3: volume of a cell.
    """
    shape = rows[["ix", "iy", "iz"]].max().to_numpy() + 1
    key = np.ravel_multi_index(rows[["ix", "iy", "iz"]].to_numpy().T, tuple(shape))
    cells, number = np.unique(key, return_inverse=True)
    tonnes = rows["tonnes"].to_numpy(float)
    total = np.bincount(number, tonnes)
    volume = np.bincount(number, rows["volume_m3"].to_numpy(float))
    place = np.unravel_index(cells, tuple(shape))
    joined = pd.DataFrame({"ix": place[0], "iy": place[1], "iz": place[2], "tonnes": total, "volume_m3": volume})
    for name in grades:
        joined[name] = np.bincount(number, tonnes * rows[name].to_numpy(float)) / total
    reassigned = {}
    for name in kinds:
        codes, values = pd.factorize(rows[name])
        table = pd.Series(tonnes).groupby([number, codes]).sum()
        winner = table.groupby(level=0).idxmax().map(lambda pair: pair[1]).to_numpy(np.int64)
        joined[name] = values.to_numpy(object)[winner]
        reassigned[name] = float(tonnes[codes != winner[number]].sum())
    counts = np.bincount(number)
    return Regularised(joined, (volume > OVERFULL * cell_m3)[number], int((counts > 1).sum()), reassigned)


def overlapping(
    cells: NDArray[np.int64], centres: NDArray[np.float64], sizes: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which sub-blocks share ground with another of their cell, shape ``(rows,)``.

    Args:
        cells: ``(rows, 3)`` cell of each, from 0.
        centres: ``(rows, 3)`` centres, in cells.
        sizes: ``(rows, 3)`` sizes, in cells.
    """
    key: NDArray[np.int64] = np.asarray(np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1)))
    order = np.argsort(key, kind="stable")
    found: NDArray[np.bool_] = np.zeros(len(key), dtype=bool)
    later, step = np.arange(len(key)), 0
    while True:
        # Each block against the one so many places further on, as long as that stands in the same cell.
        step += 1
        later = later[later + step < len(key)]
        later = later[key[order[later]] == key[order[later + step]]]
        if not later.size:
            return found
        one, other = order[later], order[later + step]
        shared = (sizes[one] + sizes[other]) / 2 - np.abs(centres[one] - centres[other])
        both = (shared > TOUCHING * np.minimum(sizes[one], sizes[other])).all(axis=1)
        found[one[both]] = found[other[both]] = True
