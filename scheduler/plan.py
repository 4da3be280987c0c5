"""A plan: what is mined, sent, stocked, reclaimed, bought and worked in each period."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from instances.geometry.units import Resolution

MINED = ("unit", "parcel", "destination", "bin", "period", "tonnes")
STOCK = ("stockpile", "bin", "period", "tonnes_in", "reclaimed", "tonnes")
RECLAIM = ("stockpile", "bin", "mill", "period", "tonnes")
TAILINGS = ("mill", "facility", "period", "tonnes")
OPERATING = ("installation", "period", "works")
OPTIONS = ("option", "period")


@dataclass(frozen=True)
class Plan:
    """A schedule as tables. Periods count from 0; tonnes are tonnes (t); only rows with tonnes are kept.

    Attributes:
        resolution: whether the units are panels or blocks.
        mined: unit, parcel (names), destination, bin (empty but for stockpiles), period, tonnes.
        stock: stockpile, bin, period, tonnes_in, reclaimed, tonnes (at the end of the period); a row for every period.
        reclaim: stockpile, bin, mill, period, tonnes.
        tailings: new tailings: mill, facility, period, tonnes.
        operating: installation (``pit`` or a mill), period, works (bool); a row for every installation with a fixed
            or closure cost and every period.
        options: option, period in which it is bought.
    """

    resolution: Resolution
    mined: pd.DataFrame
    stock: pd.DataFrame
    reclaim: pd.DataFrame
    tailings: pd.DataFrame
    operating: pd.DataFrame
    options: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuses tables without their columns."""
        for name, columns in (
            ("mined", MINED),
            ("stock", STOCK),
            ("reclaim", RECLAIM),
            ("tailings", TAILINGS),
            ("operating", OPERATING),
            ("options", OPTIONS),
        ):
            table = getattr(self, name)
            if tuple(table.columns) != columns:
                raise ValueError(f"plan table {name}: expected the columns {', '.join(columns)}")
