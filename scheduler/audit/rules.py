"""The rules an audit checks, each with the words a planner would use for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

MOST, LEAST, EXACT = "at most", "at least", "expected"


class Rule(NamedTuple):
    """What a rule is about and how its value stands to its limit.

    Attributes:
        words: what is checked, in a planner's words.
        relation: ``at most``, ``at least`` or ``expected``.
    """

    words: str
    relation: str


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "shape": Rule("row of the plan", EXACT),
        "parcel_tonnage": Rule("tonnes mined of the parcel", MOST),
        "proportion": Rule("parcels leave in proportion, tonnes of the parcel", EXACT),
        "material": Rule("material sent", EXACT),
        "bin": Rule("ore put into the bin", EXACT),
        "feeds": Rule("reclaim to the mill", EXACT),
        "takes_tailings": Rule("new tailings placed", EXACT),
        "precedence": Rule("mined before what it needs is finished", MOST),
        "whole": Rule("mined whole, within one period", EXACT),
        "release": Rule("tonnes mined from the phase before or as it is released", MOST),
        "opening": Rule("tonnes received in the share of the period it is open", MOST),
        "tailings_opening": Rule("new tailings in the share of the period it is open", MOST),
        "destination_capacity": Rule("tonnes received", MOST),
        "mining_max": Rule("tonnes moved", MOST),
        "mining_min": Rule("tonnes moved", LEAST),
        "milling_max": Rule("tonnes milled", MOST),
        "milling_min": Rule("tonnes milled", LEAST),
        "rehandle_max": Rule("fill moved and stock reclaimed", MOST),
        "movement_change": Rule("change of the tonnes moved from the period before", MOST),
        "storage": Rule("tonnes stored to date", MOST),
        "tailings_placed": Rule("new tailings placed", EXACT),
        "stock_in": Rule("put on stock, as tabled", EXACT),
        "stock_out": Rule("reclaimed, as tabled", EXACT),
        "stock_balance": Rule("stock at the end, as tabled", EXACT),
        "stock_negative": Rule("stock at the end", LEAST),
        "same_period_reclaim": Rule("reclaimed out of the stock at the start", MOST),
        "stock_capacity": Rule("stock at the end", MOST),
        "reclaim_max": Rule("tonnes reclaimed", MOST),
        "metal_out": Rule("metal reclaimed to date out of the metal put in", MOST),
        "average_grade": Rule("average grade of all put on stock", LEAST),
        "strip_max": Rule("waste mined for the ore of the period", MOST),
        "strip_min": Rule("waste mined for the ore of the period", LEAST),
        "strip_cumulative_max": Rule("waste mined for the ore to date", MOST),
        "strip_cumulative_min": Rule("waste mined for the ore to date", LEAST),
        "head_grade_max": Rule("head grade", MOST),
        "head_grade_min": Rule("head grade", LEAST),
        "metal_max": Rule("metal recovered", MOST),
        "metal_min": Rule("metal recovered", LEAST),
        "benches_per_year": Rule("benches turned over", MOST),
        "phases_active": Rule("phases active", MOST),
        "option_once": Rule("times bought", MOST),
        "option_earliest": Rule("bought, years after the start", LEAST),
        "operating_stops_once": Rule("works again after it stopped", EXACT),
        "operating_use": Rule("used while it does not work", MOST),
        "objective": Rule("discounted cash claimed", EXACT),
    }
)
"""Every rule by name, in the order in which they are reported."""
