"""What a block is worth at a factor on the price: the best it can do once it is mined.

Prices and costs are the means of the calendar's periods by their lengths, undiscounted. A factor scales what the metal
brings (price and by-products); charges and costs stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.geometry.units import block_arcs, mined_tonnes
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.destinations import Stockpile
from scheduler.valuation import METAL_PER_GRADE, mining_cost, recovery_of, sale_terms

Array = NDArray[np.float64]
NOWHERE = 1e15
"""Cost of going where a block may not go; no block costs this much."""


@dataclass(frozen=True)
class PitBlocks:
    """The blocks with something left to mine, and what each brings and costs.

    Attributes:
        rows: row of the block table of each.
        tonnes: tonnes as mined.
        bench: bench (iz).
        metal: contained tonnes by element.
        mills: names of the mills.
        revenue: ``(blocks, mills)`` currency at factor 1.
        mill_cost: ``(blocks, mills)`` milling, haulage, charges and freight; ``NOWHERE`` where it is not accepted.
        waste_cost: haulage to the cheapest dump or facility that accepts it; ``NOWHERE`` where there is none.
        mining: cost of mining it.
        arcs: ``(arcs, 2)`` block and what it needs, by position here.
    """

    rows: NDArray[np.int64]
    tonnes: Array
    bench: NDArray[np.int64]
    metal: dict[str, Array]
    mills: tuple[str, ...]
    revenue: Array
    mill_cost: Array
    waste_cost: Array
    mining: Array
    arcs: NDArray[np.int64]

    def value(self, factor: float, blocks: NDArray[np.int64] | slice = slice(None)) -> Array:
        """Worth of each block at a factor on the price, currency; never falls as the factor rises."""
        at_mill = (factor * self.revenue[blocks] - self.mill_cost[blocks]).max(axis=1)
        return np.asarray(np.maximum(at_mill, -self.waste_cost[blocks]) - self.mining[blocks], dtype=np.float64)

    def milled(self) -> NDArray[np.bool_]:
        """Whether a block is milled at factor 1 once it is mined."""
        return np.asarray((self.revenue - self.mill_cost).max(axis=1) > -self.waste_cost)


def pit_blocks(instance: Instance, slope_pairs: NDArray[np.int64] | None = None) -> PitBlocks:
    """What each block of a mine brings and costs, and what it needs.

    Args:
        instance: the mine.
        slope_pairs: what :func:`instances.geometry.units.block_arcs` gives, where it is known already.
    """
    mine = instance.mine
    mined = mined_tonnes(instance)
    rows = np.flatnonzero(mined["tonnes"].to_numpy(float) > 0)
    blocks = instance.blocks.iloc[rows]
    tonnes = mined["tonnes"].to_numpy(float)[rows]
    materials = blocks["material"].to_numpy(object)
    grades = {name: mined[column].to_numpy(float)[rows] for name, column in instance.grade_columns().items()}
    metal = {name: tonnes * grade * METAL_PER_GRADE[mine.elements[name].unit] for name, grade in grades.items()}
    revenue, mill_cost = _mills(mine, materials, tonnes, grades)
    return PitBlocks(
        rows=rows,
        tonnes=tonnes,
        bench=blocks["iz"].to_numpy(np.int64),
        metal=metal,
        mills=tuple(mine.mills()),
        revenue=revenue,
        mill_cost=mill_cost,
        waste_cost=tonnes * _waste_cost(mine, materials),
        mining=tonnes * _mining(mine, blocks),
        arcs=_arcs(instance, rows, slope_pairs),
    )


def mean_of(mine: Mine, value: float | tuple[float, ...] | Array) -> float:
    """Mean of a value by period over the calendar, weighted by the lengths of the periods."""
    years = mine.calendar.lengths_years()
    series = value if isinstance(value, np.ndarray) else by_period(value, mine.calendar.periods)
    return float((series * years).sum() / years.sum())


def _mills(mine: Mine, materials: NDArray[np.object_], tonnes: Array, grades: dict[str, Array]) -> tuple[Array, Array]:
    """What each mill brings and costs for each block, ``(blocks, mills)`` each."""
    revenue, cost = np.zeros((len(tonnes), len(mine.mills()))), np.zeros((len(tonnes), len(mine.mills())))
    for column, mill in enumerate(mine.mills().values()):
        per_tonne = mean_of(mine, mill.cost_per_t) + mean_of(mine, mill.haulage_cost_per_t)
        cost[:, column] = tonnes * per_tonne
        cost[~np.isin(materials, list(mill.accepts)), column] = NOWHERE
        for product in mine.products.values():
            element = product.element
            contained = tonnes * grades[element] * METAL_PER_GRADE[mine.elements[element].unit]
            recovered = contained * recovery_of(mill, element, materials, grades[element])
            terms = sale_terms(mine, product)
            revenue[:, column] += recovered * mean_of(mine, terms.gross + terms.by_products)
            cost[:, column] += recovered * mean_of(mine, terms.treatment + terms.refining + terms.freight)
    return revenue, cost


def _waste_cost(mine: Mine, materials: NDArray[np.object_]) -> Array:
    """Haulage of a tonne to the cheapest place that is neither a mill nor a stockpile."""
    cheapest = np.full(len(materials), NOWHERE)
    for name, place in mine.destinations.items():
        if name in mine.mills() or isinstance(place, Stockpile):
            continue
        takes = np.isin(materials, list(place.accepts))
        cheapest[takes] = np.minimum(cheapest[takes], mean_of(mine, place.haulage_cost_per_t))
    return cheapest


def _mining(mine: Mine, blocks: pd.DataFrame) -> Array:
    highest = int(blocks["iz"].max())
    codes, pairs = pd.factorize(pd.MultiIndex.from_frame(blocks[["material", "iz"]]))
    costs = [mean_of(mine, mining_cost(mine, str(material), int(bench), highest)) for material, bench in pairs]
    return np.asarray(costs, dtype=np.float64)[codes]


def _arcs(instance: Instance, rows: NDArray[np.int64], slope_pairs: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Arcs from slopes and from the mine's further precedence, between blocks with something left."""
    found = []
    if instance.mine.precedence.slopes:
        found.append(block_arcs(instance) if slope_pairs is None else slope_pairs)
    if len(instance.precedence):
        row = pd.Series(np.arange(len(instance.blocks)), index=instance.blocks["block"])
        found.append(np.column_stack([row.loc[instance.precedence[end]].to_numpy() for end in ("block", "needs")]))
    pairs = np.concatenate(found) if len(found) > 1 else (found or [np.empty((0, 2), dtype=np.int64)])[0]
    if len(rows) == len(instance.blocks):
        return np.asarray(pairs, dtype=np.int64)
    position = np.full(len(instance.blocks), -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    pairs = position[pairs]
    return np.asarray(pairs[(pairs >= 0).all(axis=1)], dtype=np.int64)
