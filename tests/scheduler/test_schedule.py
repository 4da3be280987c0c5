"""The schedule table adds up, and the figures of the hand plan are those that were published of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from instances.geometry.units import scheduling_units
from instances.instance import Instance
from instances.schema import Mine
from scheduler.cashflow import cash_flow, mined_rows
from scheduler.plan import Plan
from scheduler.schedule import figures, mixed_pile_gain, schedule_table
from tests.scheduler.audit.conftest import Toy
from tests.scheduler.test_cashflow import RICH, hand_blocks, hand_data, hand_mine, hand_plan

PUBLISHED = [
    ("copper_mlb_2011_2021", 424.0, "Mlb"),
    ("copper_mlb_per_year_2011_2019", 43.2, "Mlb/y"),
    ("copper_mlb_per_year_2020_2021", 17.6, "Mlb/y"),
    ("copper_mlb_2012_2030", 380.0, "Mlb"),
    ("lead_mlb_2011_2021", 1.0, "Mlb"),
]


def hand_with_published() -> Instance:
    data = hand_data()
    data["published"] = [
        {"title": name, "figure": name, "value": value, "unit": unit, "source": "news release"}
        for name, value, unit in PUBLISHED
    ]
    return Instance(Mine.model_validate(data), hand_blocks().assign(sector="all", mined_fraction=0.0))


def test_the_hand_plan_has_its_published_figures() -> None:
    instance = hand_with_published()
    found = figures(instance, hand_plan(instance))
    expected = {
        "copper_mlb_total": (423.7, 0.05),
        "copper_mlb_2011_2021": (423.7, 0.05),
        "copper_mlb_per_year_2011_2019": (43.2, 0.05),
        "copper_mlb_per_year_2020_2021": ((23.7 + 11.4) / 2, 0.05),
        "copper_mlb_2012_2030": (423.69 - 43.54, 0.01),
        "ore_mt": (61.2, 1e-9),
        "strip_ratio": (1.46, 0.005),
        "strip_ratio_design": (1.46, 0.005),
        "strip_ratio_mzo": (1.51, 0.005),
        "strip_ratio_mzo_design": (1.51, 0.005),
        "strip_ratio_mzx": (1.37, 0.005),
        "mzo_ore_mt": (39.7, 1e-9),
        "mzo_grade_pct": (0.343, 0.0005),
        "mzo_grade_pct_design": (0.343, 0.0005),
        "stock_peak_mt": (8.6, 0.05),
        "npv_published_basis": (145.5e6, 0.003 * 145.5e6),
        "undiscounted_after_tax": (215.5e6, 0.003 * 215.5e6),
    }
    for name, (value, within) in expected.items():
        assert found[name] == pytest.approx(value, abs=within), name
    assert "lead_mlb_2011_2021" not in found
    by_period = found["copper_mlb_by_period"]
    assert isinstance(by_period, dict)
    assert sum(by_period.values()) == pytest.approx(found["copper_mlb_total"])
    assert list(by_period) == [str(year) for year in range(2011, 2022)]


def test_a_plan_that_mines_less_than_the_design_keeps_the_design_beside_it() -> None:
    instance = hand_mine()
    plan = hand_plan(instance)
    mined = plan.mined[plan.mined["period"] < 8]
    shorter = Plan(plan.resolution, mined, plan.stock, plan.reclaim, plan.tailings, plan.operating, plan.options)
    found = figures(instance, shorter)
    assert found["mzo_ore_mt"] == pytest.approx(39.7 - 5.78 - 8.7 * 5.78 / 31)
    assert found["mzo_ore_mt_design"] == pytest.approx(39.7)


def test_ore_sent_to_the_dump_is_waste_of_the_plan_and_ore_of_the_design() -> None:
    toy = Toy()
    instance = toy.instance()
    rows = toy.rows()
    rows.mined[0] = ("north/3/all", "ore", "dump", "", 0, 1e6)
    found = figures(instance, toy.plan(instance, rows))
    assert found["ore_mt"] == pytest.approx(3.0)
    assert found["strip_ratio"] == pytest.approx(5.0 / 3.0)
    assert found["strip_ratio_design"] == pytest.approx(1.0)


@pytest.mark.parametrize("changes", [{}, RICH])
def test_the_schedule_balances(changes: dict[str, object]) -> None:
    toy = Toy()
    instance = toy.instance(changes)
    plan = toy.plan(instance)
    cash = cash_flow(instance, plan)
    table = schedule_table(instance, plan, cash)
    total = table[["mined_ore_mt", "mined_rock_mt", "mined_fill_mt"]].sum(axis=1)
    assert total.to_numpy() == pytest.approx(table["moved_mt"].to_numpy())
    assert (table["ore_mt"] + table["waste_mt"]).to_numpy() == pytest.approx(table["moved_mt"].to_numpy())
    fed = table["milled_direct_mt"] + table["milled_from_pile_mt"]
    assert fed.to_numpy() == pytest.approx(table["milled_mt"].to_numpy())
    stocked = (table["ore_mt"] - table["milled_direct_mt"] - table["milled_from_pile_mt"]).cumsum()
    assert table["stock_pile_mt"].to_numpy() == pytest.approx(stocked.to_numpy())
    assert table["new_tailings_mt"].to_numpy() == pytest.approx(0.9 * table["milled_mt"].to_numpy())
    assert table["pre_tax_cash_flow_million"].sum() * 1e6 == pytest.approx(cash.undiscounted_pre_tax)
    assert table["phases_worked"].tolist() == ["north", "north south", "south", "south"]
    assert table.index.tolist() == list(instance.mine.calendar.labels())


def test_head_grade_and_metal_of_mixed_feed() -> None:
    """In 2022 the mill takes 0.5 Mt of 1.6 % and 0.3 Mt of the rich bin at 1.5 %."""
    toy = Toy()
    instance = toy.instance()
    plan = toy.plan(instance)
    row = schedule_table(instance, plan, cash_flow(instance, plan)).loc["2022"]
    assert row["head_grade_cu_pct"] == pytest.approx((0.5 * 1.6 + 0.3 * 1.5) / 0.8)
    assert row["copper_recovered_mlb"] == pytest.approx((5000 * 1.6 * 0.9 + 3000 * 1.5 * 0.8) * 2204.62 / 1e6)
    assert row["strip_ratio"] == pytest.approx(1.0)
    assert row["strip_ratio_on_milled"] == pytest.approx(0.5 / 0.8)


def test_ratios_without_ore_are_empty() -> None:
    instance = hand_mine()
    plan = hand_plan(instance)
    table = schedule_table(instance, plan, cash_flow(instance, plan))
    assert math.isnan(table.loc["2021", "strip_ratio"])
    assert np.isfinite(table["strip_ratio"][:9]).all()


def test_a_metal_sold_by_the_ounce_is_counted_in_ounces() -> None:
    toy = Toy()
    instance = toy.instance({"products.copper": {"element": "cu", "price_usd_per_oz": 20.0}})
    found = figures(instance, toy.plan(instance))
    cash = cash_flow(instance, toy.plan(instance))
    assert found["copper_koz_total"] == pytest.approx(cash.table["copper_recovered_t"].sum() * 32.1507466)


def test_a_mixed_pile_gains_what_the_nominal_grade_gives_away() -> None:
    """0.3 Mt of the rich bin come out at 1.5 % and were 2.0 %; 0.2 Mt of the lean at 0.4 % and were 0.5 %."""
    toy = Toy()
    instance = toy.instance()
    plan = toy.plan(instance)
    units = scheduling_units(instance, "panel")
    gain = mixed_pile_gain(instance, plan, mined_rows(instance, plan, units))
    discount = instance.mine.calendar.discount_factors()
    copper = 0.3e6 * 0.005 * 0.8 * discount[2] + 0.2e6 * 0.001 * 0.7 * discount[3]
    assert gain == pytest.approx(copper * 3.0 * 2204.62)
    found = figures(instance, plan)
    assert found["objective_mixed_pile"] == pytest.approx(cash_flow(instance, plan).objective + gain)


def test_an_opening_stock_mixes_with_what_comes_in() -> None:
    toy = Toy()
    opening = {"opening_mt": 1.0, "opening_grade": {"cu": 1.0}}
    instance = toy.instance({f"destinations.pile.bins.rich.{key}": value for key, value in opening.items()})
    plan = toy.plan(instance)
    gain = mixed_pile_gain(instance, plan, mined_rows(instance, plan, scheduling_units(instance, "panel")))
    discount = instance.mine.calendar.discount_factors()
    mixed = (1.0 * 1.0 + 0.5 * 2.0) / 1.5
    copper = 0.3e6 * (mixed - 1.5) / 100 * 0.8 * discount[2] + 0.2e6 * 0.001 * 0.7 * discount[3]
    assert gain == pytest.approx(copper * 3.0 * 2204.62)
