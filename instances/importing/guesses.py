"""Numbers that a block model cannot say: prices, costs, recoveries, capacities. Starting points, to be replaced.

Prices and terms are round figures of the order of the mid-2020s; costs of a mid-size open pit. The mill follows
Taylor's rule: tonnes per day = 0.0143 x (tonnes of ore)^0.75 (Taylor 1986, "Rates of working of mines: a simple rule of
thumb", Trans. Instn Min. Metall. A 95:203).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

POUNDS_PER_TONNE = 2204.62
OUNCES_PER_TONNE = 32150.7466
DAYS_PER_YEAR = 365.0
MINING_PER_T = 2.5
MILLING_PER_T = 12.0
LEACHING_PER_T = 5.0
LEACHED = 0.65
"""Share of a mill's recovery that a leach pad is guessed to reach."""
MOST_PERIODS = 12
MOST_STRIP = 3.0


@dataclass(frozen=True)
class Terms:
    """Guessed terms of sale of an element: recovery, price, and further keys of its product."""

    recovery: float
    per_lb: float | None = None
    per_oz: float | None = None
    keys: Mapping[str, float] = field(default_factory=dict)

    def per_tonne(self) -> float:
        """Rough worth of a recovered tonne, US$."""
        paid = self.keys.get("payable_fraction", 1.0)
        return paid * ((self.per_lb or 0.0) * POUNDS_PER_TONNE + (self.per_oz or 0.0) * OUNCES_PER_TONNE)


def _concentrate(payable: float, grade: float, deduction: float, treatment: float) -> dict[str, float]:
    return {
        "payable_fraction": payable,
        "concentrate_grade_pct": grade,
        "unit_deduction_pct": deduction,
        "moisture_fraction": 0.08,
        "treatment_usd_per_dmt": treatment,
        "freight_usd_per_wmt": 100.0,
    }


TERMS: dict[str, Terms] = {
    "cu": Terms(0.88, 4.0, None, {**_concentrate(0.965, 27.0, 1.0, 80.0), "refining_usd_per_lb": 0.08}),
    "au": Terms(0.90, None, 2000.0, {"payable_fraction": 0.995, "refining_usd_per_oz": 5.0}),
    "ag": Terms(0.75, None, 25.0, {"payable_fraction": 0.95, "refining_usd_per_oz": 0.5}),
    "mo": Terms(0.60, 15.0, None, {"payable_fraction": 0.85}),
    "pb": Terms(0.85, 0.95, None, _concentrate(0.95, 60.0, 3.0, 100.0)),
    "zn": Terms(0.85, 1.2, None, _concentrate(0.85, 52.0, 8.0, 180.0)),
    "ni": Terms(0.80, 7.5, None, {"payable_fraction": 0.75}),
    "co": Terms(0.70, 14.0, None, {"payable_fraction": 0.60}),
    "fe": Terms(0.80, 0.07, None, {}),
    "sn": Terms(0.70, 12.0, None, {"payable_fraction": 0.95}),
    "w": Terms(0.70, 12.0, None, {"payable_fraction": 0.80}),
    "wo3": Terms(0.70, 9.5, None, {"payable_fraction": 0.80}),
    "pt": Terms(0.80, None, 1000.0, {"payable_fraction": 0.85}),
    "pd": Terms(0.80, None, 1000.0, {"payable_fraction": 0.85}),
    "u3o8": Terms(0.85, 60.0, None, {}),
    "li2o": Terms(0.65, 4.5, None, {}),
}
"""Guessed terms of the elements that are sold; the others only have grades."""


@dataclass(frozen=True)
class Scale:
    """Guessed size of the operation.

    Attributes:
        cut_off: grade of the main element alone that pays for milling, in its unit.
        mill_t_per_day: milling capacity.
        mining_mt_per_year: mining capacity.
        periods: years planned.
        bins: edges of the grade bins of the main element.
    """

    main: str
    cut_off: float
    mill_t_per_day: float
    mining_mt_per_year: float
    periods: int
    bins: tuple[float, ...]


def per_grade(element: str, unit: str) -> float:
    """Guessed worth of a tonne of rock for one unit of grade, US$."""
    terms = TERMS[element]
    return terms.recovery * terms.per_tonne() * (0.01 if unit == "pct" else 1e-6)


def rounded(value: float, digits: int = 2) -> float:
    """A number to so many significant digits."""
    return 0.0 if value == 0 else round(value, digits - 1 - math.floor(math.log10(abs(value))))


def scale_of(blocks: pd.DataFrame, units: Mapping[str, str]) -> Scale | None:
    """Size of an operation on a block table; None where none of its elements is sold."""
    sold = [element for element in units if element in TERMS]
    if not sold:
        return None
    tonnes = blocks["tonnes"].to_numpy(float)
    worth = {name: blocks[f"{name}_{units[name]}"].to_numpy(float) * per_grade(name, units[name]) for name in sold}
    main = max(sold, key=lambda name: float((tonnes * worth[name]).sum()))
    value: NDArray[np.float64] = np.sum(list(worth.values()), axis=0)
    pays = value > MILLING_PER_T
    ore = float(tonnes[pays].sum()) if pays.any() else float(tonnes.sum()) / 10
    a_day = rounded(0.0143 * ore**0.75)
    strip = min(MOST_STRIP, float(tonnes.sum()) / ore - 1)
    years = max(1, math.ceil(1.2 * ore / (a_day * DAYS_PER_YEAR)))
    cut_off = rounded(MILLING_PER_T / per_grade(main, units[main]))
    above = blocks[f"{main}_{units[main]}"].to_numpy(float)[pays]
    edges = {cut_off, *(rounded(float(np.quantile(above, q))) for q in (0.4, 0.8))} if pays.any() else {cut_off}
    return Scale(
        main,
        cut_off,
        a_day,
        rounded(1.1 * a_day * DAYS_PER_YEAR * (1 + strip) / 1e6),
        min(MOST_PERIODS, years),
        tuple(sorted(edge for edge in edges if edge >= cut_off)),
    )
