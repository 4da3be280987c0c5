"""What metal is worth and what a tonne costs, against sums done by hand from the formulas of the model page."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.valuation import capital_spent, element_value, mining_cost, payable_share, sale_terms
from tests.builders import tiny_mine

CONCENTRATE = {
    "element": "cu",
    "price_usd_per_lb": 3.0,
    "payable_fraction": 0.966,
    "concentrate_grade_pct": 25.0,
    "unit_deduction_pct": 1.0,
    "moisture_fraction": 0.08,
    "treatment_usd_per_dmt": 80.0,
    "refining_usd_per_lb": 0.08,
    "freight_usd_per_wmt": 60.0,
    "by_product_credit_per_lb": 0.1,
}
BULLION = {"element": "cu", "price_usd_per_oz": 1500.0, "refining_usd_per_oz": 5.0, "payable_fraction": 0.999}
THOROUGH = settings(max_examples=60, deadline=None, derandomize=True)


def mine(product: dict[str, object] | None = None, **changes: object):
    return tiny_mine(changes=({"products": {"metal": product}} if product else {}) | changes).mine


def test_net_smelter_return_of_copper_in_concentrate():
    """A tonne of copper in concentrate, US$0.8 to the currency, brings what the terms of sale leave of it, by line."""
    sold = mine(CONCENTRATE, **{"money.usd_per_currency": 0.8})
    terms = sale_terms(sold, sold.products["metal"])
    assert terms.payable_t == pytest.approx(0.96)
    assert terms.gross == pytest.approx(np.full(3, 7936.632))
    assert terms.refining == pytest.approx(np.full(3, 211.64352))
    assert terms.treatment == pytest.approx(np.full(3, 400.0))
    assert terms.freight == pytest.approx(np.full(3, 326.0869565217))
    assert terms.by_products == pytest.approx(np.full(3, 220.462))
    assert terms.net() == pytest.approx(np.full(3, 7219.3635234783))


def test_bullion_pays_by_the_ounce_without_a_concentrate():
    """Bullion brings price less refining on its payable ounces: 0.999 x 1495 x 32150.7466 a tonne."""
    assert element_value(mine(BULLION))["cu"] == pytest.approx(np.full(3, 48017300.8006833))


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 0.96),
        ({"unit_deduction_pct": 0.5}, 0.966),
        ({"payable_fraction": 0.9}, 0.9),
        ({"concentrate_grade_pct": None}, 0.966),
    ],
)
def test_the_lesser_of_payable_share_and_deduction_is_paid(changes, share):
    """Payable is the fraction or what the unit deduction leaves of the grade, whichever is less."""
    kept = {key: value for key, value in (CONCENTRATE | changes).items() if value is not None}
    if "concentrate_grade_pct" not in kept:
        kept = {key: kept[key] for key in ("element", "price_usd_per_lb", "payable_fraction")}
    sold = mine(kept)
    assert payable_share(sold.products["metal"]) == pytest.approx(share)


def test_prices_by_period_stay_in_their_period():
    """Price and exchange rate of a year make the value of that year."""
    deck = CONCENTRATE | {"price_usd_per_lb": [2.0, 3.0, 4.0], "by_product_credit_per_lb": [0.0, 0.0, 1.0]}
    value = element_value(mine(deck, **{"money.usd_per_currency": [1.0, 0.8, 0.5]}))["cu"]
    flat = [
        element_value(mine(CONCENTRATE | {"price_usd_per_lb": p, "by_product_credit_per_lb": b},
                           **{"money.usd_per_currency": usd}))["cu"][0]
        for p, b, usd in ((2.0, 0.0, 1.0), (3.0, 0.0, 0.8), (4.0, 1.0, 0.5))
    ]  # fmt: skip
    assert value == pytest.approx(flat)


@THOROUGH
@given(
    price=st.floats(0.5, 10.0),
    more=st.floats(0.01, 5.0),
    grade=st.floats(10.0, 60.0),
    deduction=st.floats(0.0, 5.0),
    fraction=st.floats(0.5, 1.0),
    usd=st.floats(0.3, 2.0),
)
def test_a_higher_price_adds_its_payable_pounds(*, price, more, grade, deduction, fraction, usd):
    """Each US$ on the price of a pound is worth 2204.62 times the payable share, in the currency."""
    terms = CONCENTRATE | {
        "concentrate_grade_pct": grade, "unit_deduction_pct": deduction, "payable_fraction": fraction
    }  # fmt: skip
    low, high = (
        element_value(mine(terms | {"price_usd_per_lb": p}, **{"money.usd_per_currency": usd}))["cu"]
        for p in (price, price + more)
    )
    share = min(fraction, (grade - deduction) / grade)
    assert high - low == pytest.approx(np.full(3, more * share * 2204.62 / usd), rel=1e-6)


@THOROUGH
@given(charge=st.sampled_from(["treatment_usd_per_dmt", "refining_usd_per_lb", "freight_usd_per_wmt"]),
       more=st.floats(0.01, 50.0))  # fmt: skip
def test_a_higher_charge_is_never_worth_more(charge, more):
    """Any charge that rises lowers the value of a tonne of metal."""
    dearer = CONCENTRATE | {charge: CONCENTRATE[charge] + more}
    assert (element_value(mine(dearer))["cu"] < element_value(mine(CONCENTRATE))["cu"]).all()


def test_mining_costs_more_with_depth_and_material():
    """Unit cost, what the material adds, and an increment for each bench below the reference, never above it."""
    dug = mine(
        **{
            "costs.mining_per_t": [2.0, 2.5, 3.0],
            "costs.haulage_per_t_per_bench": 0.1,
            "materials.rock.extra_mining_cost_per_t": 0.7,
        }
    )
    assert mining_cost(dug, "rock", 0, 4) == pytest.approx([3.1, 3.6, 4.1])
    assert mining_cost(dug, "ore", 4, 4) == pytest.approx([2.0, 2.5, 3.0])
    referred = mine(**{"costs.haulage_per_t_per_bench": 0.1, "costs.haulage_reference_bench": 2})
    assert mining_cost(referred, "ore", 1, 4) == pytest.approx(np.full(3, 2.1))
    assert mining_cost(referred, "ore", 3, 4) == pytest.approx(np.full(3, 2.0))


def test_capital_counts_in_the_period_of_its_date():
    """Capital is summed by the period of its date, and left out before and after the calendar."""
    dates = [(2019, 12, 31), (2020, 1, 1), (2021, 6, 1), (2021, 12, 31), (2023, 1, 1)]
    items = [{"title": "item", "date": dt.date(*day), "amount": 10.0**k} for k, day in enumerate(dates)]
    assert capital_spent(mine(capital=items)).tolist() == [10.0, 1100.0, 0.0]
