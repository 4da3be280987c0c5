"""Published figures beside a plan's: units, differences, and reasons only where they are due."""

from __future__ import annotations

from typing import Any

import pytest

from instances.instance import Instance
from instances.reading import read_mine
from scheduler.published import Comparison, compare
from scheduler.schedule import figures
from tests.builders import tiny_mine
from tests.scheduler.test_cashflow import hand_mine, hand_plan


def published(**changes: Any) -> Instance:
    entry = {
        "title": "strip",
        "figure": "strip_ratio",
        "value": 2.0,
        "unit": "t/t",
        "source": "a study",
        "reason": "Why",
    }
    return tiny_mine(changes={"published": [{**entry, **changes}]})


def one(instance: Instance, **found: Any) -> Comparison:
    (comparison,) = compare(instance, found)
    return comparison


def test_the_hand_plan_beside_what_was_published_of_huckleberry() -> None:
    mzo, hand = read_mine("mzo"), hand_mine()
    figure_of = {c.figure: c for c in compare(mzo, figures(hand, hand_plan(hand)))}
    assert [c.figure for c in figure_of.values()] == [entry.figure for entry in mzo.mine.published]
    npv = figure_of["npv_published_basis"]
    assert npv.published == 150.0
    assert npv.plan == pytest.approx(145.34, abs=0.01)
    assert npv.difference_pct == pytest.approx(-3.1, abs=0.05)
    assert npv.reason == mzo.mine.published[7].reason
    strip = figure_of["strip_ratio_mzo"]
    assert strip.design == pytest.approx(1.51, abs=0.005)
    assert strip.reason == ""


@pytest.mark.parametrize(("plan", "reason"), [(2.0, ""), (2.039, ""), (1.961, ""), (2.041, "Why"), (1.959, "Why")])
def test_a_reason_is_given_beyond_two_per_cent(plan: float, reason: str) -> None:
    assert one(published(), strip_ratio=plan).reason == reason


def test_the_value_of_the_block_table_stands_beside() -> None:
    found = one(published(), strip_ratio=2.0, strip_ratio_design=1.9)
    assert found.design == 1.9


def test_money_in_millions_is_converted_and_nothing_else() -> None:
    assert one(published(figure="npv", unit="$ M", value=3.0), npv=3e6).plan == pytest.approx(3.0)
    assert one(published(figure="npv", unit="Mt", value=3.0), npv=3e6).plan == 3e6


def test_a_figure_that_the_plan_has_not_is_left_open() -> None:
    for found in (one(published(figure="gold")), one(published(), strip_ratio=None)):
        assert found.plan is None
        assert found.difference_pct is None
        assert found.reason == ""


def test_nothing_is_divided_by_a_published_zero() -> None:
    assert one(published(value=0.0), strip_ratio=1.0).difference_pct is None
