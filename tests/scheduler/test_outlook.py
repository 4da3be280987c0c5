"""What will bind, against figures worked out by hand."""

from __future__ import annotations

import pytest

from scheduler.outlook import outlook
from tests.builders import tiny_mine

ORE = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]
DAYS = 365


def test_a_mill_that_is_too_small_binds():
    found = outlook(tiny_mine(grades=ORE, changes={"limits.mill_t_per_day": 100.0}))
    assert found.moved_t == pytest.approx(6 * 70_000)
    assert found.ore_t == pytest.approx(3 * 70_000)
    assert found.mill_years == pytest.approx(210_000 / (100 * DAYS))
    assert found.mining_years == pytest.approx(420_000 / 200_000)
    told = " ".join(found.sentences())
    assert "milling will bind" in told
    assert "the calendar ends before the pit does" in told


def test_a_fleet_that_is_too_small_starves_the_mill():
    found = outlook(tiny_mine(grades=ORE, changes={"limits.mining_mt_per_year": 0.105, "limits.mill_t_per_day": 300.0}))
    assert "mining will bind" in " ".join(found.sentences())
    assert found.by_period["ore_t"].tolist() == pytest.approx([0.0, 0.0, 105_000.0])
    assert found.short_periods() == ["2020", "2021", "2022"]


def test_a_fleet_without_limit_uncovers_everything():
    found = outlook(tiny_mine(grades=ORE, changes={"limits.mining_mt_per_year": ...}))
    assert found.mining_years == 0.0
    assert found.by_period["ore_t"].tolist() == pytest.approx([210_000.0] * 3)
    assert found.short_periods() == []


def test_a_worthless_mine_is_said_to_be_one():
    found = outlook(tiny_mine(grades=ORE, changes={"products.copper.price_usd_per_lb": 0.01}))
    assert found.sentences() == ["nothing is worth mining at the mean prices and costs of the calendar"]
