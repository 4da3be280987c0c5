"""Phases chosen from nested pits: where the next pit is much larger, within least and most tonnes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from instances.findings import BadInput, Finding, Words
from instances.instance import Instance
from scheduler.pits.nested import NestedPits

NARROW = 0.25
"""Share of a phase's tonnes in places narrower than the mining width above which it is told."""
DEFAULT_PHASES = 4
ROOM = 1.25
"""Most tonnes of a phase are so many times the largest step from pit to pit, where no limit is given."""


@dataclass(frozen=True)
class Phases:
    """Phases of a pit.

    Attributes:
        names: from the inside.
        factors: factor of the pit at which each ends.
        phase: for each block of the nested pits the number of its phase, -1 outside the pit.
        tonnes: tonnes moved in each.
        narrow: share of the tonnes of each in places narrower than the mining width; empty without one.
    """

    names: tuple[str, ...]
    factors: tuple[float, ...]
    phase: NDArray[np.int64]
    tonnes: NDArray[np.float64]
    narrow: tuple[float, ...]

    def warnings(self, width_m: float | None) -> list[str]:
        """Phases that are narrower than a mining width over much of their tonnes."""
        return [
            f"{name}: {share:.0%} of its tonnes lie where it is narrower than {width_m:g} m"
            for name, share in zip(self.names, self.narrow, strict=bool(self.narrow))
            if share > NARROW
        ]


def chosen_phases(
    instance: Instance,
    pits: NestedPits,
    *,
    final: float = 1.0,
    least_t: float | None = None,
    most_t: float | None = None,
    width_m: float | None = None,
) -> Phases:
    """Cuts the pit of a factor into phases that are nested pits.

    Of all sets of cuts that keep every phase within the limits, those with the fewest phases are taken, and of these
    the one before the largest jumps from one pit to the next, summed.

    Args:
        instance: the mine.
        pits: its nested pits.
        final: factor of the pit that is cut.
        least_t: least tonnes of a phase; where not given a quarter of the most, if that can be kept.
        most_t: most tonnes of a phase; where not given a quarter of the pit, or 1.25 times the largest step.
        width_m: width that equipment needs, for warnings, metres.

    Raises:
        BadInput: where the pit is empty, or no cuts keep the limits.
    """
    last = pits.factors.index(final)
    to_date = pits.table["moved_t"].to_numpy(float)[: last + 1]
    total = float(to_date[-1])
    if total <= 0:
        shown = Words(f"an empty pit at a factor of {final:g}")
        raise BadInput([Finding("phases", shown, "a pit that is worth mining; see prices and costs in mine.toml")])
    largest_step = float(np.diff(to_date, prepend=0.0).max())
    most = most_t or max(total / DEFAULT_PHASES, (least_t or 0.0) * 2, ROOM * largest_step)
    tried = (most / 4, 0.0) if least_t is None else (least_t,)
    cuts = next((cuts for least in tried if (cuts := _cuts(to_date, least, most))), [])
    if not cuts:
        shown = Words(f"pits in steps of up to {largest_step / 1e6:,.2f} Mt")
        limits = f"{tried[-1] / 1e6:,.2f} to {most / 1e6:,.2f} Mt"
        expected = f"limits within which they can be cut, not {limits} a phase; or more --factors"
        raise BadInput([Finding("phases", shown, expected)])
    shell = np.where(pits.shell <= last, pits.shell, len(pits.factors))
    phase = np.searchsorted(np.asarray(cuts), shell).astype(np.int64)
    phase[shell > last] = -1
    names = tuple(f"p{number}" for number in range(1, len(cuts) + 1))
    inside = phase >= 0
    tonnes = np.bincount(phase[inside], pits.blocks.tonnes[inside], len(cuts)).astype(np.float64)
    narrow = () if width_m is None else _narrow(instance, pits, phase, len(cuts), width_m)
    return Phases(names, tuple(pits.factors[cut] for cut in cuts), phase, tonnes, narrow)


def _cuts(to_date: NDArray[np.float64], least: float, most: float) -> list[int]:
    """Positions of the pits at which phases end, the last one included; none where no cuts keep the limits."""
    distinct = [0] if to_date[0] > 0 else []
    distinct += [k for k in range(1, len(to_date)) if to_date[k] > to_date[k - 1]]
    tonnes = to_date[distinct]
    jump = np.append(np.diff(tonnes), 0.0)
    nowhere = (math.inf, 0.0)
    best = [nowhere] * len(distinct)
    before = [-1] * len(distinct)
    for k in range(len(distinct)):
        for earlier in range(-1, k):
            if earlier >= 0 and best[earlier] == nowhere:
                continue
            size = tonnes[k] - (tonnes[earlier] if earlier >= 0 else 0.0)
            phases, jumps = best[earlier] if earlier >= 0 else (0.0, 0.0)
            found = (phases + 1, jumps - float(jump[k]))
            if least - 1e-6 <= size <= most + 1e-6 and found < best[k]:
                best[k], before[k] = found, earlier
    if best[-1] == nowhere:
        return []
    cuts, k = [], len(distinct) - 1
    while k >= 0:
        cuts.append(distinct[k])
        k = before[k]
    return cuts[::-1]


def _narrow(
    instance: Instance, pits: NestedPits, phase: NDArray[np.int64], count: int, width_m: float
) -> tuple[float, ...]:
    """Share of each phase's tonnes that no square of the mining width within its bench covers."""
    dx_m, dy_m, _ = instance.mine.blocks.size_m
    square = np.ones((max(1, math.ceil(width_m / dx_m)), max(1, math.ceil(width_m / dy_m))), dtype=bool)
    cells = instance.blocks[["ix", "iy", "iz"]].to_numpy(np.int64)[pits.blocks.rows]
    cells = cells - cells.min(axis=0)
    shape = tuple(int(side) for side in cells.max(axis=0) + 1)
    shares = []
    for number in range(count):
        inside = phase == number
        grid = np.zeros(shape, dtype=bool)
        grid[tuple(cells[inside].T)] = True
        wide = np.zeros_like(grid)
        for bench in np.unique(cells[inside, 2]):
            wide[:, :, bench] = ndimage.binary_opening(grid[:, :, bench], square)
        tonnes = pits.blocks.tonnes[inside]
        shares.append(float(tonnes[~wide[tuple(cells[inside].T)]].sum() / tonnes.sum()))
    return tuple(shares)


def with_phases(instance: Instance, pits: NestedPits, phases: Phases) -> pd.DataFrame:
    """The block table of the pit, the column phase being that of the phases chosen; blocks outside are left out."""
    inside = phases.phase >= 0
    table = instance.blocks.iloc[pits.blocks.rows[inside]].copy()
    table["phase"] = np.asarray(phases.names, dtype=object)[phases.phase[inside]]
    return table.reset_index(drop=True)
