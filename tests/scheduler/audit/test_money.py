"""Cash is worked out again from grades and terms; every number below was worked out by hand."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest

from instances.geometry.units import scheduling_units
from scheduler.audit import audit

MINE = {
    "format": 1,
    "name": "tiny",
    "calendar": {
        "start": dt.date(2020, 1, 1),
        "periods": 3,
        "period_years": 0.5,
        "valuation_date": dt.date(2019, 7, 1),
        "discount_rate_per_year": 0.1,
        "discounting": "end",
    },
    "blocks": {"file": "blocks.csv", "size_m": [10.0, 10.0, 10.0]},
    "elements": {"cu": {"unit": "pct"}, "au": {"unit": "g_per_t"}},
    "materials": {"ore": {"kind": "ore"}, "rock": {"kind": "waste", "extra_mining_cost_per_t": 0.3}},
    "phases": {"pit1": {}},
    "destinations": {
        "mill": {
            "kind": "mill",
            "accepts": ["ore"],
            "recovery": {"cu": {"ore": 0.9}, "au": {"ore": 0.7}},
            "cost_per_t": 5.0,
        },
        "pile": {
            "kind": "stockpile",
            "accepts": ["ore"],
            "feeds": ["mill"],
            "haulage_cost_per_t": 0.4,
            "reclaim_cost_per_t": [0.5, 0.5, 0.6],
            "bins": {
                "all": {
                    "materials": ["ore"],
                    "leaves_at": {"cu": 0.9, "au": 1.5},
                    "recovery": {"cu": 0.8, "au": 0.6},
                }
            },
        },
        "dump": {"kind": "dump", "accepts": ["rock"], "haulage_cost_per_t": 0.2},
    },
    "options": {"shovel": {"widens": "mining", "adds_mt_per_year": 1.0, "cost": 1500.0}},
    "money": {"currency": "C$", "usd_per_currency": 0.75},
    "products": {
        "copper": {
            "element": "cu",
            "price_usd_per_lb": 3.0,
            "payable_fraction": 0.965,
            "unit_deduction_pct": 1.0,
            "concentrate_grade_pct": 25.0,
            "moisture_fraction": 0.08,
            "treatment_usd_per_dmt": 80.0,
            "refining_usd_per_lb": 0.08,
            "freight_usd_per_wmt": 92.0,
            "by_product_credit_per_lb": 0.05,
        },
        "gold": {
            "element": "au",
            "price_usd_per_oz": 1500.0,
            "payable_fraction": 0.99,
            "refining_usd_per_oz": 5.0,
        },
    },
    "costs": {"mining_per_t": [2.0, 2.1, 2.2], "haulage_per_t_per_bench": 0.1},
    "operating": {
        "pit": {"fixed_cost_per_year": 2000.0, "closure_cost": 700.0},
        "mill": {"fixed_cost_per_year": 1000.0, "closure_cost": 900.0},
    },
    "capital": [
        {"title": "road", "date": dt.date(2020, 8, 15), "amount": 4000.0},
        {"title": "camp", "date": dt.date(2019, 8, 15), "amount": 9000.0},
    ],
}

COPPER_PER_T = 7390.218712
"""Paid 0.96 = 24/25, less than 0.965. ((2204.62 x 0.96 x (3 - 0.08)) - (80 + 92/0.92)/0.25) / 0.75 + 2204.62 x 0.05."""
GOLD_PER_T = 63446283.34044
"""32150.7466 x 0.99 x (1500 - 5) / 0.75."""

CASH = {
    # second half of 2020: 600 t of 1 % and 2 g/t: 5.4 t Cu and 0.84 kg Au; then 400 t of 0.9 % and 1.5 g/t from stock
    "revenue": (0.0, 93202.0590507696, 44124.4918931184),
    # 1000 t of rock x (2.0 + 0.3 + 0.2); 600 t x (2.1 + 0.1) + 400 t x (2.1 + 0.1 + 0.4), a bench below the highest
    "mining": (2500.0, 2360.0, 0.0),
    "milling": (0.0, 3000.0, 2000.0),
    "reclaim": (0.0, 0.0, 240.0),
    "fixed": (1500.0, 1500.0, 500.0),
    "closure": (0.0, 700.0, 900.0),
    "options": (0.0, 1500.0, 0.0),
    "capital": (0.0, 4000.0, 0.0),
}
OBJECTIVE = 99287.76242656226
"""-4000/1.1 + 80142.0590507696/1.1^1.5 + 40484.4918931184/1.21: ends of periods, half a year after the valuation."""


@pytest.fixture(scope="module")
def tiny(toy):
    columns = ["block", "ix", "iy", "iz", "phase", "sector", "material", "tonnes", "cu_pct", "au_g_per_t"]
    rows = [
        ("top", 0, 0, 2, "pit1", "all", "rock", 1000.0, 0.0, 0.0),
        ("ore", 0, 0, 1, "pit1", "all", "ore", 1000.0, 1.0, 2.0),
    ]
    blocks = pd.DataFrame(rows, columns=columns).assign(mined_fraction=0.0)
    instance = toy.instance_of(MINE, blocks)
    units = scheduling_units(instance, "panel")
    mined = [
        ("pit1/2/all", "rock", "dump", "", 0, 1000.0),
        ("pit1/1/all", "ore", "mill", "", 1, 600.0),
        ("pit1/1/all", "ore", "pile", "all", 1, 400.0),
    ]
    reclaim = [("pile", "all", "mill", 2, 400.0)]
    plan = toy.plan_of(instance, units, toy.Rows(mined, reclaim, [("shovel", 1)]))
    plan.operating.loc[(plan.operating["installation"] == "pit") & (plan.operating["period"] == 2), "works"] = False
    return instance, plan


def test_terms_by_hand():
    """The value of a tonne of recovered metal, step by step."""
    copper_usd = 2116.4352 * 2.92 - 720.0
    assert copper_usd / 0.75 + 110.231 == pytest.approx(COPPER_PER_T, rel=1e-12)
    gold_usd = 31829.239134 * 1495.0
    assert gold_usd / 0.75 == pytest.approx(GOLD_PER_T, rel=1e-12)
    direct, reclaimed = 5.4 * COPPER_PER_T + 0.00084 * GOLD_PER_T, 2.88 * COPPER_PER_T + 0.00036 * GOLD_PER_T
    assert direct == pytest.approx(CASH["revenue"][1], rel=1e-12)
    assert reclaimed == pytest.approx(CASH["revenue"][2], rel=1e-12)


def test_cash_by_line(tiny):
    """Each line of the cash flow is what it comes to by hand, and the plan breaks no rule."""
    result = audit(*tiny)
    assert result.findings == ()
    assert set(result.cash) == set(CASH)
    for name, line in CASH.items():
        assert result.cash[name] == pytest.approx(line, rel=1e-12), name


def test_objective_by_hand(tiny):
    """Discounted to the valuation date from the ends of the periods."""
    assert audit(*tiny).objective == pytest.approx(OBJECTIVE, rel=1e-12)


@pytest.mark.parametrize(
    ("claimed", "passes"),
    [
        (OBJECTIVE, True),
        (OBJECTIVE * (1 + 0.9e-6), True),
        (OBJECTIVE * (1 + 2e-6), False),
        (OBJECTIVE * (1 - 2e-6), False),
        (-OBJECTIVE, False),
        (0.0, False),
        (math.nan, False),
        (math.inf, False),
    ],
)
def test_claimed_objective(tiny, claimed, passes):
    """A claim holds within a millionth of the cash recomputed."""
    result = audit(*tiny, objective=claimed)
    assert result.passed is passes
    if not passes:
        assert [(f.rule, f.item) for f in result.findings] == [("objective", "plan")]
        assert result.findings[0].limit == pytest.approx(OBJECTIVE)


def test_metal_balance(tiny):
    """10 t of copper and 2 kg of gold are contained and sent; 9.6 t and 1.8 kg are milled."""
    balance = audit(*tiny).metal_balance
    copper, gold = balance["cu"], balance["au"]
    assert (copper.contained_t, copper.mined_t, copper.sent_t) == pytest.approx((10.0, 10.0, 10.0))
    assert (copper.milled_t, copper.recovered_t) == pytest.approx((9.6, 8.28))
    assert (gold.contained_t, gold.sent_t, gold.milled_t, gold.recovered_t) == pytest.approx(
        (0.002, 0.002, 0.0018, 0.0012)
    )
