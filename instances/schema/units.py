"""The unit of a key, read from its name."""

from __future__ import annotations

import re

ENDINGS = {
    "_t_per_day": "t/d",
    "_mt_per_year": "Mt/y",
    "_t_per_year": "t/y",
    "_benches_per_year": "benches/y",
    "discount_rate_per_year": "fraction/y",
    "_cost_per_year": "currency/y",
    "_per_t_per_bench": "currency/t/bench",
    "_t_per_t": "t/t",
    "_usd_per_lb": "US$/lb",
    "_usd_per_oz": "US$/oz",
    "_usd_per_dmt": "US$/dmt",
    "_usd_per_wmt": "US$/wmt",
    "usd_per_currency": "US$/currency",
    "credit_per_lb": "currency/lb",
    "cost_per_t": "currency/t",
    "mining_per_t": "currency/t",
    "_mt": "Mt",
    "_pct": "%",
    "_deg": "degrees",
    "_years": "years",
    "_m": "m",
    "_fraction": "fraction",
    "_rate": "fraction",
    "mining_loss": "fraction",
    "dilution": "t/t",
    "bench_lag": "benches",
}
STRIP_RATIO = re.compile(r"strip_ratio_(cumulative_)?(max|min)")
MONEY = frozenset({"cost", "amount", "closure_cost"})
GRADE = "unit of the element"
GRADES = frozenset({"grade_from", "grade_to", "leaves_at", "opening_grade", "grade_bins", "grade", "min", "max"})


def unit_of(key: str) -> str:
    """The unit that the name of a key says, empty where the key has none."""
    if key in MONEY:
        return "currency"
    if key in GRADES:
        return GRADE
    if key == "recovery":
        return "fraction"
    if STRIP_RATIO.fullmatch(key):
        return "t/t"
    return next((unit for ending, unit in ENDINGS.items() if key.endswith(ending)), "")
