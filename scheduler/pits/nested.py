"""Nested pits by price factor, and what each holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.instance import Instance
from scheduler.pits.sequencing import Capacities, best_case, capacities, worst_case
from scheduler.pits.values import PitBlocks, pit_blocks
from scheduler.valuation import METAL_PER_GRADE
from solvers.closure import closure_graph, nested_closures

DEFAULT_FACTORS = tuple(round(0.2 + 0.02 * step, 2) for step in range(51))


@dataclass(frozen=True)
class NestedPits:
    """Pits that lie in one another.

    Attributes:
        blocks: what each block brings and costs.
        factors: factors on the price, increasing; 1 is among them.
        shell: for each block the position of the first factor whose pit holds it; ``len(factors)`` where none does.
        table: a row a factor: factor, blocks, moved_t, ore_t, waste_t, strip, the mean grade of the ore by element,
            value (undiscounted at factor 1), npv_best, npv_worst, years (of the best case).
    """

    blocks: PitBlocks
    factors: tuple[float, ...]
    shell: NDArray[np.int64]
    table: pd.DataFrame

    def inside(self, factor: float) -> NDArray[np.bool_]:
        """Which blocks the pit of a factor holds."""
        return np.asarray(self.shell <= self.factors.index(factor))


def nested_pits(
    instance: Instance, factors: tuple[float, ...] = DEFAULT_FACTORS, slope_pairs: NDArray[np.int64] | None = None
) -> NestedPits:
    """The pits of largest undiscounted worth at each factor on the price.

    Args:
        instance: the mine.
        factors: factors on the price, above 0; 1 is added where it is not among them.
        slope_pairs: what :func:`instances.geometry.units.block_arcs` gives, where it is known already.
    """
    ordered = tuple(sorted({*factors, 1.0}))
    blocks = pit_blocks(instance, slope_pairs)
    graph = closure_graph(len(blocks.rows), blocks.arcs[:, 0], blocks.arcs[:, 1])
    shell = nested_closures(graph, lambda k, nodes: blocks.value(ordered[k], nodes), len(ordered))
    table = _table(instance, blocks, ordered, shell)
    return NestedPits(blocks, ordered, shell, table)


def _table(instance: Instance, blocks: PitBlocks, factors: tuple[float, ...], shell: NDArray[np.int64]) -> pd.DataFrame:
    milled, value = blocks.milled(), blocks.value(1.0)
    count = len(factors)

    def to_date(of_block: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.cumsum(np.bincount(shell, of_block, count + 1)[:count])

    moved, ore = to_date(blocks.tonnes), to_date(np.where(milled, blocks.tonnes, 0.0))
    table = pd.DataFrame({"factor": factors, "blocks": to_date(np.ones(len(shell))).astype(np.int64)})
    table["moved_t"], table["ore_t"], table["waste_t"] = moved, ore, moved - ore
    with np.errstate(divide="ignore", invalid="ignore"):
        table["strip"] = np.where(ore > 0, (moved - ore) / ore, np.nan)
        for element, column in instance.grade_columns().items():
            metal = to_date(np.where(milled, blocks.metal[element], 0.0))
            unit = METAL_PER_GRADE[instance.mine.elements[element].unit]
            table[column] = np.where(ore > 0, metal / ore / unit, np.nan)
    table["value"] = to_date(value)
    rates = capacities(instance.mine)
    benches = _by_shell_and_bench(blocks, shell, milled, value)
    best = best_case(benches, count, rates)
    table["npv_best"], table["years"] = best[:, 0], best[:, 1]
    table["npv_worst"] = _worst(benches, count, rates)
    return table


def _by_shell_and_bench(
    blocks: PitBlocks, shell: NDArray[np.int64], milled: NDArray[np.bool_], value: NDArray[np.float64]
) -> pd.DataFrame:
    """Tonnes moved and milled and worth, by shell from the inside and bench from the top."""
    frame = pd.DataFrame({"shell": shell, "bench": blocks.bench, "moved_t": blocks.tonnes, "cash": value})
    frame["ore_t"] = np.where(milled, blocks.tonnes, 0.0)
    table = frame.groupby(["shell", "bench"], as_index=False).sum()
    return table.sort_values(["shell", "bench"], ascending=[True, False]).reset_index(drop=True)


def _worst(benches: pd.DataFrame, count: int, rates: Capacities) -> NDArray[np.float64]:
    return np.asarray([worst_case(benches[benches["shell"] <= shell], rates) for shell in range(count)])
