"""From grades to cash: what a tonne is worth by destination and period.

Money is in the mine's currency and tonnes are tonnes (t) throughout this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.destinations import Mill
from instances.schema.economics import Product

POUNDS_PER_TONNE = 2204.62
OUNCES_PER_TONNE = 32150.7466
METAL_PER_GRADE = {"pct": 0.01, "g_per_t": 1e-6}
"""Tonnes of metal in a tonne of rock for one unit of grade."""

Series = NDArray[np.float64]


@dataclass(frozen=True)
class SaleTerms:
    """What a tonne of recovered metal brings, by line; each of shape ``(periods,)``, currency per tonne of metal.

    Attributes:
        payable_t: payable tonnes for each tonne recovered (a number).
        gross: payable metal at the price.
        treatment: treatment charge. A cost, as a positive number, as are the next two.
        refining: refining charge.
        freight: freight of the wet concentrate.
        by_products: credit for by-products.
    """

    payable_t: float
    gross: Series
    treatment: Series
    refining: Series
    freight: Series
    by_products: Series

    def net(self) -> Series:
        """Net smelter return, currency per tonne of recovered metal, shape ``(periods,)``."""
        return self.gross - self.treatment - self.refining - self.freight + self.by_products


def payable_share(product: Product) -> float:
    """Share of the recovered metal that is paid: the lesser of the payable fraction and the unit deduction's."""
    grade = product.concentrate_grade_pct
    if grade is None:
        return product.payable_fraction
    return min(product.payable_fraction, (grade - product.unit_deduction_pct) / grade)


def sale_terms(mine: Mine, product: Product) -> SaleTerms:
    """Terms of sale of a product by period."""
    periods = mine.calendar.periods
    exchange = 1.0 / by_period(mine.money.usd_per_currency, periods)
    payable = payable_share(product)
    per_lb, per_oz = product.price_usd_per_lb, product.price_usd_per_oz
    price = by_period(per_lb or 0.0, periods) * POUNDS_PER_TONNE + by_period(per_oz or 0.0, periods) * OUNCES_PER_TONNE
    refining = (
        by_period(product.refining_usd_per_lb, periods) * POUNDS_PER_TONNE
        + by_period(product.refining_usd_per_oz, periods) * OUNCES_PER_TONNE
    )
    concentrate = 0.0 if product.concentrate_grade_pct is None else 100.0 / product.concentrate_grade_pct
    treatment = by_period(product.treatment_usd_per_dmt, periods) * concentrate
    freight = by_period(product.freight_usd_per_wmt, periods) * concentrate / (1.0 - product.moisture_fraction)
    return SaleTerms(
        payable_t=payable,
        gross=payable * price * exchange,
        treatment=treatment * exchange,
        refining=payable * refining * exchange,
        freight=freight * exchange,
        by_products=by_period(product.by_product_credit_per_lb, periods) * POUNDS_PER_TONNE,
    )


def element_value(mine: Mine) -> dict[str, Series]:
    """Net smelter return of a tonne of recovered metal by element, currency per tonne, shape ``(periods,)`` each."""
    value = {name: np.zeros(mine.calendar.periods) for name in mine.elements}
    for product in mine.products.values():
        value[product.element] = value[product.element] + sale_terms(mine, product).net()
    return value


def recovery_of(mill: Mill, element: str, materials: NDArray[np.object_], grades: Series) -> Series:
    """Share of an element that a mill recovers from rows of ore, 0 where nothing is said; shape ``(rows,)``.

    Args:
        mill: the mill.
        element: the element.
        materials: ``(rows,)`` material of each row.
        grades: ``(rows,)`` grade of the element, in its unit.
    """
    curve = mill.recovery_curves.get(element)
    if curve is not None:
        return np.asarray(np.interp(grades, curve.grade, curve.recovery), dtype=np.float64)
    codes, names = pd.factorize(materials)
    by_material = mill.recovery.get(element, {})
    return np.asarray([by_material.get(name, 0.0) for name in names], dtype=np.float64)[codes]


def mining_cost(mine: Mine, material: str, bench: int, highest_bench: int) -> Series:
    """Cost of mining a tonne, without haulage to its destination, currency per tonne, shape ``(periods,)``."""
    periods = mine.calendar.periods
    reference = mine.costs.haulage_reference_bench
    below = max(0, (highest_bench if reference is None else reference) - bench)
    unit = by_period(mine.costs.mining_per_t, periods) + mine.materials[material].extra_mining_cost_per_t
    return unit + below * by_period(mine.costs.haulage_per_t_per_bench, periods)


def capital_spent(mine: Mine) -> Series:
    """Capital spent in each period whatever the plan, currency, undiscounted, shape ``(periods,)``."""
    spent = np.zeros(mine.calendar.periods)
    for item in mine.capital:
        period = mine.calendar.period_of(item.date)
        if period is not None:
            spent[period] += item.amount
    return spent
