"""What a slider says is what the mine then has."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.reading import mine_in_memory, read_mine
from instances.schema.base import by_period
from scheduler.board.levers import Lever, levers_of, overrides_of
from tests.builders import tiny_blocks, tiny_data

MZO = read_mine("mzo")
LEVERS = {lever.key: lever for lever in levers_of(MZO.mine)}


def test_the_bundled_mine_has_the_sliders_that_a_planner_asks_for():
    assert list(LEVERS) == ["mill", "mining", "strip", "price-copper", "discount", "opens-tmf3"]
    assert overrides_of(list(LEVERS.values()), {key: lever.base for key, lever in LEVERS.items()}) == []


@settings(deadline=None, max_examples=10)
@given(st.data())
def test_the_mine_read_with_the_overrides_has_the_values_of_the_sliders(data: st.DataObject):
    values = {}
    for key, lever in LEVERS.items():
        steps = round((lever.high - lever.low) / lever.step)
        values[key] = lever.low + lever.step * data.draw(st.integers(0, steps))
    mine = read_mine("mzo", overrides_of(list(LEVERS.values()), values)).mine
    before = MZO.mine
    assert mine.limits.mill_t_per_day == pytest.approx(before.limits.mill_t_per_day * values["mill"] / 100)
    for found, base, key in (
        (mine.limits.mining_mt_per_year, before.limits.mining_mt_per_year, "mining"),
        (mine.products["copper"].price_usd_per_lb, before.products["copper"].price_usd_per_lb, "price-copper"),
    ):
        assert by_period(found, 11) == pytest.approx(by_period(base, 11) * values[key] / 100)
    assert mine.limits.strip_ratio_max == pytest.approx(values["strip"])
    assert mine.calendar.discount_rate_per_year == pytest.approx(values["discount"] / 100, abs=1e-9)
    opens = mine.destinations["tmf3"].opens
    assert opens is not None
    assert (opens.year - 2013) * 12 + opens.month - 8 == round(values["opens-tmf3"])


@pytest.mark.parametrize(
    ("months", "then"), [(1, dt.date(2020, 2, 29)), (13, dt.date(2021, 2, 28)), (11, dt.date(2020, 12, 31))]
)
def test_a_date_moves_to_the_last_day_of_a_shorter_month(months: int, then: dt.date):
    lever = Lever("o", "opens", "months", 0, 24, 1, 0, "months", "destinations.x.opens", date=dt.date(2020, 1, 31))
    assert lever.override(months) == f"destinations.x.opens={then}"


@pytest.mark.parametrize("strip", [0.2, 0.4, 0.57, 9.0])
def test_a_board_left_as_it_is_changes_nothing(strip: float):
    mine = mine_in_memory(tiny_data(changes={"limits.strip_ratio_max": strip}), tiny_blocks()).mine
    levers = levers_of(mine)
    assert all(lever.low <= lever.base <= lever.high for lever in levers)
    assert overrides_of(levers, {lever.key: lever.base for lever in levers}) == []


def test_capacities_of_destinations_have_sliders():
    path = "destinations.mill.capacity_mt_per_year"
    mine = mine_in_memory(tiny_data(changes={path: 4.0}), tiny_blocks()).mine
    lever = {lever.key: lever for lever in levers_of(mine)}["capacity-mill"]
    assert lever.told(150) == "150 % of the base (6 Mt a year)"
    assert lever.override(150) == f"{path}*=1.5"


def test_a_value_that_is_not_on_the_slider_is_refused():
    with pytest.raises(ValueError, match="mill capacity: 200 is not from 50 to 150"):
        LEVERS["mill"].override(200)
