"""Limits that conflict are found, no more of them than needed, and told with the figures by which they miss."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from instances.geometry.units import Resolution, scheduling_units
from instances.reading import mine_in_memory, read_mine
from scheduler.compiling import compile_problem
from scheduler.conflicts import Conflict, explain
from tests.builders import tiny_blocks, tiny_data, tiny_mine


def explained(resolution: Resolution = "panel", **mine: Any) -> dict[str, Conflict]:
    instance = tiny_mine(**{"nz": 1, "periods": 2, "grades": [0.9] * 3, **mine})
    found = explain(compile_problem(instance, scheduling_units(instance, resolution)))
    assert len({conflict.key for conflict in found}) == len(found)
    return {conflict.key: conflict for conflict in found}


def test_a_mine_with_a_plan_has_no_conflicts() -> None:
    assert explained() == {}


def test_least_milling_against_mining_capacity_with_both_figures() -> None:
    # 73 kt a year asked of the mill, 50 kt a year from the pit
    limits = {"limits.mill_min_t_per_day": 200.0, "limits.mining_mt_per_year": 0.05}
    found = explained(changes=limits)
    assert set(found) == {"limits.mill_min_t_per_day", "limits.mining_mt_per_year"}
    milling, mining = found["limits.mill_min_t_per_day"], found["limits.mining_mt_per_year"]
    assert milling.periods == mining.periods == ("2020", "2021")
    assert milling.limit == pytest.approx((200.0, 200.0))
    assert milling.reached == pytest.approx((50_000 / 365, 50_000 / 365))
    assert mining.reached == pytest.approx((0.073, 0.073))
    assert milling.others == ("limits.mining_mt_per_year",)
    assert milling.proven
    assert milling.text == (
        "limits.mill_min_t_per_day 2020-2021: 200 t/d asked, 137 t/d can be reached together with "
        "limits.mining_mt_per_year"
    )
    assert mining.text == (
        "limits.mining_mt_per_year 2020-2021: 0.05 Mt/y allowed, 0.073 Mt/y would be needed together with "
        "limits.mill_min_t_per_day"
    )


def test_limits_that_play_no_part_are_not_told_of() -> None:
    others = {"limits.strip_ratio_max": 5.0, "limits.metal.cu.max_t_per_year": 1e6, "limits.rehandle_mt_per_year": 9.0}
    limits = {"limits.mill_min_t_per_day": 200.0, "limits.mining_mt_per_year": 0.05}
    assert set(explained(changes=others | limits)) == set(limits)


def test_a_release_stands_against_least_milling_in_the_period_before_it() -> None:
    limits = {"limits.mill_min_t_per_day": 100.0, "phases.p1.release": dt.date(2021, 1, 1)}
    found = explained(changes=limits)
    assert set(found) == {"limits.mill_min_t_per_day", "phases.p1.release"}
    assert found["limits.mill_min_t_per_day"].periods == ("2020",)
    assert found["limits.mill_min_t_per_day"].reached == pytest.approx((0.0,))
    assert found["phases.p1.release"].reached == pytest.approx((0.0365,))
    assert "at least 0.0365 Mt would be needed" in found["phases.p1.release"].text


def test_the_ground_alone_can_rule_a_limit_out() -> None:
    # 210 kt in the ground, 219 kt asked over two years
    found = explained(changes={"limits.mill_min_t_per_day": 300.0})
    assert set(found) == {"limits.mill_min_t_per_day"}
    conflict = found["limits.mill_min_t_per_day"]
    assert conflict.others == ()
    assert sum(conflict.limit) - sum(conflict.reached) == pytest.approx((219 - 210) / 0.365)


def test_grades_are_told_in_the_unit_of_the_deposit() -> None:
    limits = {"limits.head_grade.cu.min": 1.2, "limits.mill_min_t_per_day": 100.0}
    found = explained(changes=limits)
    assert set(found) == {"limits.head_grade.cu.min", "limits.mill_min_t_per_day"}
    grade = found["limits.head_grade.cu.min"]
    assert (grade.unit, grade.limit[0], grade.reached[0]) == ("%", pytest.approx(1.2), pytest.approx(0.9))


@pytest.mark.parametrize(
    ("element", "limit", "reached", "unit"), [("ag", {"min": 150.0}, 120.0, "g/t"), ("as", {"max": 0.005}, 0.02, "%")]
)
def test_many_grams_and_little_of_a_per_cent_keep_their_units(
    element: str, limit: dict[str, float], reached: float, unit: str
) -> None:
    changes = {
        "elements.ag": {"unit": "g_per_t"},
        "elements.as": {"unit": "pct"},
        f"limits.head_grade.{element}": limit,
        "limits.mill_min_t_per_day": 100.0,
    }
    blocks = tiny_blocks(nz=1, grades=[0.9] * 3).assign(ag_g_per_t=120.0, as_pct=0.02)
    instance = mine_in_memory(tiny_data(periods=2, stockpile=False, changes=changes), blocks)
    found = explain(compile_problem(instance, scheduling_units(instance, "panel")))
    told = next(conflict for conflict in found if conflict.key.startswith("limits.head_grade"))
    (asked,) = limit.values()
    assert (told.unit, told.limit[0], told.reached[0]) == (unit, pytest.approx(asked), pytest.approx(reached))


def test_a_strip_ratio_is_told_as_a_ratio() -> None:
    # a bench of rock over one of ore: the first year cannot mill without a strip ratio of at least one and a bit
    limits = {"limits.strip_ratio_max": 1.0, "limits.mill_min_t_per_day": 100.0, "limits.mining_mt_per_year": 1.0}
    found = explained(nz=2, grades=[0.1] * 3 + [0.9] * 3, changes=limits)
    assert set(found) == {"limits.strip_ratio_max", "limits.mill_min_t_per_day"}
    ratio = found["limits.strip_ratio_max"]
    assert ratio.unit == "t/t"
    assert ratio.limit == pytest.approx((1.0,))
    assert ratio.periods == ("2020",)
    assert ratio.reached[0] > 1.0


def test_what_only_whole_blocks_rule_out_is_found_too_and_marked() -> None:
    # 80 kt asked, 100 kt a year of capacity, blocks of 70 kt
    limits = {"limits.mill_min_t_per_day": 80_000 / 365, "limits.mining_mt_per_year": 0.1}
    found = explained("block", nx=2, periods=1, grades=[0.9] * 2, changes=limits)
    assert set(found) == set(limits)
    milling = found["limits.mill_min_t_per_day"]
    assert not milling.proven
    assert milling.reached == pytest.approx((70_000 / 365,))
    assert found["limits.mining_mt_per_year"].reached == pytest.approx((0.14,))


def test_a_limit_that_nothing_in_the_mine_bears_on_is_told_alone() -> None:
    none = {"cu": {"ore": 0.0, "low": 0.0}}
    limits = {"destinations.mill.recovery": none, "limits.metal.cu.min_t_per_year": 10.0}
    found = explained(stockpile=False, changes=limits)
    assert set(found) == {"limits.metal.cu.min_t_per_year"}
    text = found["limits.metal.cu.min_t_per_year"].text
    assert text == "limits.metal.cu.min_t_per_year 2020-2021: 10 t/y asked, 0 t/y can be reached"


def test_two_conflicts_that_share_no_limit_are_both_told() -> None:
    limits = {
        "limits.mill_min_t_per_day": 200.0,
        "limits.mining_mt_per_year": 0.05,
        "limits.head_grade.cu.min": 1.2,
        "limits.metal.cu.min_t_per_year": 100.0,
    }
    found = explain(_problem(changes=limits))
    sets = {frozenset((conflict.key, *conflict.others)) for conflict in found}
    assert len(sets) >= 2
    assert all(len(keys) <= 2 for keys in sets)


def _problem(**mine: Any) -> Any:
    instance = tiny_mine(**{"nz": 1, "periods": 2, "grades": [0.9] * 3, **mine})
    return compile_problem(instance, scheduling_units(instance, "panel"))


@pytest.mark.slow
def test_the_mzo_mine_without_room_for_its_tailings() -> None:
    overrides = ["destinations.tmf2.storage_mt=5", "limits.mill_min_t_per_day=10000"]
    instance = read_mine("mzo", overrides)
    found = {c.key: c for c in explain(compile_problem(instance, scheduling_units(instance, "panel")))}
    assert set(found) == {"limits.mill_min_t_per_day", "destinations.tmf2.storage_mt", "destinations.tmf3.opens"}
    assert found["limits.mill_min_t_per_day"].periods[0] == "2011"
    # 10,000 t/d for 2 years, less what TMF-3 takes from August 2013 on
    assert found["destinations.tmf2.storage_mt"].reached[0] > 5.0
