"""Taxes: worked cases, and what holds whatever the cash flow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instances.schema.economics import Taxes
from scheduler.taxes import after_recovery, income_tax, mineral_tax, taxes_paid

MONEY = st.floats(-1e9, 1e9, allow_nan=False)
SPENT = st.floats(0, 1e9)
FLOWS = st.lists(st.tuples(MONEY, SPENT), min_size=1, max_size=12).map(lambda rows: np.array(rows).T)
TERMS = Taxes(kind="two_tier_mineral_tax", net_current_proceeds_rate=0.02, net_revenue_rate=0.13, income_tax_rate=0.25)


def test_losses_are_recovered_before_anything_is_left() -> None:
    left = after_recovery(np.array([-100.0, 60.0, 70.0, 10.0]))
    assert left.tolist() == [0.0, 0.0, 30.0, 10.0]


def test_the_first_tier_is_paid_until_capital_is_recovered_and_credited_after() -> None:
    tax = mineral_tax(np.array([100.0, 100.0, -50.0, 100.0]), np.array([150.0, 0.0, 0.0, 0.0]), 0.02, 0.13)
    assert tax == pytest.approx([2.0, 0.13 * 50, 0.0, 0.13 * 50])


def test_income_tax_takes_the_rate_of_its_own_period() -> None:
    tax = income_tax(np.array([10.0, 40.0]), np.array([20.0, 0.0]), np.array([0.265, 0.25]))
    assert tax == pytest.approx([0.0, 0.25 * 30])


def test_mineral_tax_is_deducted_from_income() -> None:
    paid = taxes_paid(TERMS, np.array([100.0]), np.array([0.0]))
    assert paid.mineral == pytest.approx([13.0])
    assert paid.income == pytest.approx([0.25 * 87.0])


def test_no_terms_no_taxes() -> None:
    paid = taxes_paid(None, np.array([100.0]), np.array([0.0]))
    assert not paid.mineral.any()
    assert not paid.income.any()


@given(FLOWS)
def test_taxes_are_never_negative_nor_more_than_the_income_of_their_period(flows: np.ndarray) -> None:
    operating, capital = flows
    paid = taxes_paid(TERMS, operating, capital)
    assert (paid.mineral >= 0).all()
    assert (paid.income >= 0).all()
    assert (paid.mineral + paid.income <= np.maximum(operating, 0.0) * (0.13 + 0.25) + 1e-6).all()


@given(FLOWS, SPENT)
def test_more_capital_up_front_never_brings_a_tax_forward(flows: np.ndarray, more: float) -> None:
    operating, capital = flows
    dearer = capital.copy()
    dearer[0] += more
    for first, second in (
        (taxes_paid(TERMS, operating, dearer).mineral, taxes_paid(TERMS, operating, capital).mineral),
        (after_recovery(operating - dearer), after_recovery(operating - capital)),
    ):
        assert (np.cumsum(first) <= np.cumsum(second) + 1e-3).all()


@given(FLOWS)
def test_what_is_taxed_is_the_highest_balance_reached(flows: np.ndarray) -> None:
    operating, capital = flows
    balance = np.concatenate([[0.0], np.cumsum(operating - capital)])
    taxed = np.cumsum(after_recovery(operating - capital))
    assert taxed == pytest.approx(np.maximum.accumulate(balance)[1:], rel=1e-9, abs=1e-3)
