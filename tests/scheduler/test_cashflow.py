"""Cash flow of a plan: the Huckleberry plan made by hand, the audit's arithmetic, and that the lines add up."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from instances.geometry.units import scheduling_units
from instances.instance import Instance
from instances.reading import mine_in_memory
from scheduler.audit import audit
from scheduler.cashflow import cash_flow, mill_feed, mined_rows, reporting_factors
from scheduler.plan import MINED, OPERATING, OPTIONS, RECLAIM, STOCK, TAILINGS, Plan
from tests.scheduler.audit.conftest import Toy

YEARS = 11
PUBLISHED_NPV, PUBLISHED_PROFIT = 145.5e6, 215.5e6
TO_DESTINATION = {
    "direct_ore": ("mill", ""),
    "low_grade_ore": ("stockpile", "low_grade"),
    "waste_rock": ("waste_dump", ""),
    "tailings": ("tmf", ""),
}


def hand_data(**basis: Any) -> dict[str, Any]:
    """The Huckleberry mine at yearly aggregates, with costs that hold fixed and variable parts in one."""
    later = YEARS - 1
    return {
        "format": 1,
        "name": "hand",
        "calendar": {"start": dt.date(2011, 1, 1), "periods": YEARS, "discount_rate_per_year": 0.08},
        "money": {"currency": "C$"},
        "blocks": {"file": "blocks.parquet", "size_m": [1000.0, 1000.0, 100.0]},
        "elements": {"cu": {"unit": "pct"}},
        "materials": {
            "direct_ore": {"kind": "ore"},
            "low_grade_ore": {"kind": "ore"},
            "waste_rock": {"kind": "waste"},
            "tailings": {"kind": "fill", "extra_mining_cost_per_t": 0.90},
        },
        "phases": {"mzx": {"group": "mzx"}, "mzo": {"group": "mzo"}},
        "precedence": {"slopes": False},
        "destinations": {
            "mill": {
                "kind": "mill",
                "accepts": ["direct_ore", "low_grade_ore"],
                "recovery": {"cu": {"direct_ore": 0.89, "low_grade_ore": 0.80}},
                "cost_per_t": 4.25,
            },
            "stockpile": {
                "kind": "stockpile",
                "accepts": ["low_grade_ore"],
                "feeds": ["mill"],
                "reclaim_cost_per_t": 0.60,
                "bins": {
                    "low_grade": {"materials": ["low_grade_ore"], "leaves_at": {"cu": 0.23}, "recovery": {"cu": 0.80}}
                },
            },
            "waste_dump": {"kind": "dump", "accepts": ["waste_rock"]},
            "tmf": {"kind": "tailings_facility", "accepts": ["tailings"], "storage_mt": 200.0},
        },
        "products": {
            "copper": {
                "element": "cu",
                "price_usd_per_lb": [3.40, 3.40] + [3.14] * (later - 1),
                "payable_fraction": 0.965,
                "unit_deduction_pct": 1.0,
                "concentrate_grade_pct": 27.0,
                "moisture_fraction": 0.08,
                "treatment_usd_per_dmt": [56.5] + [63.5] * later,
                "refining_usd_per_lb": [0.0565] + [0.0635] * later,
                "freight_usd_per_wmt": 110.0,
                "by_product_credit_per_lb": 0.07,
            }
        },
        "costs": {"mining_per_t": 1.65},
        "operating": {"mill": {"fixed_cost_per_year": 6e6}},
        "capital": [
            {"title": "capital", "date": dt.date(year, 7, 1), "amount": amount * 1e6}
            for year, amount in {2012: 100.0, 2013: 35.0, **dict.fromkeys(range(2014, 2020), 11.0)}.items()
        ],
        "taxes": {
            "kind": "two_tier_mineral_tax",
            "net_current_proceeds_rate": 0.02,
            "net_revenue_rate": 0.13,
            "income_tax_rate": [0.265] + [0.25] * later,
        },
        "reporting_basis": {
            "title": "published",
            "valued_from": dt.date(2011, 10, 1),
            "until": dt.date(2022, 1, 1),
            "discounting": "start",
            "discount_rate_per_year": 0.08,
            **basis,
        },
    }


@cache
def hand_tonnes() -> dict[tuple[str, str], np.ndarray]:
    """Mt mined by phase and material in each year; MZX first, MZO stripped beside it from 2012."""
    direct = np.array([5.84] * 8 + [5.78, 0.0, 0.0])
    mzx = np.diff(np.minimum(np.cumsum(direct), 21.5), prepend=0.0)
    moved = np.array([15.5, 17.0] + [17.1] * 6 + [15.4, 0.0, 0.0])
    low = 8.7 * (direct - mzx) / 31.0
    waste = 29.4 * mzx / 21.5
    waste[0] = moved[0] - mzx[0]
    waste[1:] = (29.4 - waste[0]) * mzx[1:] / mzx[1:].sum()
    tailings = np.array([0, 0] + [8.0 / 3] * 3 + [0] * 6, dtype=float)
    return {
        ("mzx", "direct_ore"): mzx,
        ("mzx", "waste_rock"): waste,
        ("mzo", "direct_ore"): direct - mzx,
        ("mzo", "low_grade_ore"): low,
        ("mzo", "tailings"): tailings,
        ("mzo", "waste_rock"): moved - direct - low - waste - tailings,
    }


def hand_blocks() -> pd.DataFrame:
    """A block for each year, phase and material; the year's bench is one below that of the year before."""
    grades = {("mzx", "direct_ore"): 0.38, ("mzo", "direct_ore"): 0.375, ("mzo", "low_grade_ore"): 0.23}
    rows = [
        (f"{phase}-{material}-{year}", ix, 0, YEARS - year, phase, material, mt * 1e6, grades.get((phase, material), 0))
        for ix, ((phase, material), by_year) in enumerate(hand_tonnes().items())
        for year, mt in enumerate(by_year)
        if mt > 1e-9
    ]
    return pd.DataFrame(rows, columns=["block", "ix", "iy", "iz", "phase", "material", "tonnes", "cu_pct"])


def hand_mine(**basis: Any) -> Instance:
    return mine_in_memory(hand_data(**basis), hand_blocks())


def hand_plan(instance: Instance) -> Plan:
    """Each bench in its year; low grade kept until the pit no longer fills the mill."""
    units = scheduling_units(instance, "panel")
    bench = units.units["bench"].to_numpy()[units.parcels["unit"].to_numpy()]
    mined = pd.DataFrame(
        {
            "unit": units.units["unit"].to_numpy()[units.parcels["unit"].to_numpy()],
            "parcel": units.parcels["parcel"],
            "destination": [TO_DESTINATION[material][0] for material in units.parcels["material"]],
            "bin": [TO_DESTINATION[material][1] for material in units.parcels["material"]],
            "period": YEARS - bench,
            "tonnes": units.parcels["tonnes"],
        }
    )
    reclaimed = np.array([0] * 8 + [0.06e6, 5.84e6, 2.80e6])
    put = hand_tonnes()["mzo", "low_grade_ore"] * 1e6
    stock = pd.DataFrame(
        {
            "stockpile": "stockpile",
            "bin": "low_grade",
            "period": range(YEARS),
            "tonnes_in": put,
            "reclaimed": reclaimed,
            "tonnes": np.cumsum(put - reclaimed).round(3),
        }
    )
    reclaim = [("stockpile", "low_grade", "mill", year, reclaimed[year]) for year in (8, 9, 10)]
    milled = mined[mined["destination"] == "mill"].groupby("period")["tonnes"].sum().reindex(range(YEARS), fill_value=0)
    tailings = [("mill", "tmf", year, milled[year] + reclaimed[year]) for year in range(YEARS)]
    return Plan(
        "panel",
        mined[list(MINED)],
        stock[list(STOCK)],
        pd.DataFrame(reclaim, columns=list(RECLAIM)),
        pd.DataFrame(tailings, columns=list(TAILINGS)),
        pd.DataFrame([("mill", year, True) for year in range(YEARS)], columns=list(OPERATING)),
        pd.DataFrame([], columns=list(OPTIONS)),
    )


@pytest.mark.parametrize(("discounting", "npv"), [("start", 145.5e6), ("middle", 140.4e6), ("end", 135.4e6)])
def test_the_hand_plan_reaches_its_published_check(discounting: str, npv: float) -> None:
    instance = hand_mine(discounting=discounting)
    cash = cash_flow(instance, hand_plan(instance))
    assert cash.npv_published_basis == pytest.approx(npv, rel=0.003)
    assert cash.undiscounted_after_tax_published_basis == pytest.approx(PUBLISHED_PROFIT, rel=0.003)


def test_the_hand_plan_follows_the_tax_formula_to_the_dollar() -> None:
    """The same arithmetic on a bare spreadsheet gives these figures."""
    instance = hand_mine()
    cash = cash_flow(instance, hand_plan(instance))
    assert cash.npv_published_basis == pytest.approx(145_344_541.6, abs=0.1)
    assert cash.undiscounted_after_tax_published_basis == pytest.approx(215_678_787.1, abs=0.1)
    assert cash.table["operating_cash_flow"].sum() == pytest.approx(590_328_571.6, abs=0.1)
    assert cash.table["capital"].sum() == 201e6


RICH = {
    "costs.haulage_per_t_per_bench": [0.02, 0.03, 0.02, 0.01],
    "destinations.tmf.haulage_cost_per_t": 0.4,
    "destinations.mill.haulage_cost_per_t": [0.1, 0.2, 0.3, 0.4],
    "destinations.pile.reclaim_cost_per_t": [0.6, 0.7, 0.8, 0.9],
    "money.usd_per_currency": [0.9, 1.0, 1.1, 0.95],
    "operating.mill.fixed_cost_per_year": [2e6, 1e6, 3e6, 2e6],
    "calendar.period_years": [0.5, 1.0, 1.0, 2.0],
    "products.copper.concentrate_grade_pct": 27.0,
    "products.copper.unit_deduction_pct": 1.0,
    "products.copper.payable_fraction": 0.97,
    "products.copper.treatment_usd_per_dmt": 60.0,
    "products.copper.refining_usd_per_lb": 0.06,
    "products.copper.freight_usd_per_wmt": 110.0,
    "products.copper.moisture_fraction": 0.08,
    "products.copper.by_product_credit_per_lb": 0.07,
    "capital": [{"title": "shovel", "date": dt.date(2021, 2, 1), "amount": 4e6}],
}


@pytest.mark.parametrize("changes", [{}, RICH])
def test_the_audit_works_out_the_same_cash_by_itself(changes: dict[str, Any]) -> None:
    toy = Toy()
    instance = toy.instance(changes)
    plan = toy.plan(instance)
    cash, found = cash_flow(instance, plan), audit(instance, plan)
    table = cash.table
    assert cash.objective == pytest.approx(found.objective, rel=1e-12)
    lines = {
        "revenue": table["net_smelter_return"],
        "mining": table["mining"] + table["mining_extras"] + table["haulage"],
        "milling": table["milling"],
        "reclaim": table["reclaim"],
        "fixed": table["fixed_pit"] + table["fixed_mill"],
        "closure": table["closure"],
        "options": table["options"],
        "capital": table["capital"],
    }
    for name, line in lines.items():
        assert line.to_numpy() == pytest.approx(found.cash[name]), name


@pytest.mark.parametrize("changes", [{}, RICH])
def test_the_lines_add_up_to_the_totals(changes: dict[str, Any]) -> None:
    toy = Toy()
    instance = toy.instance(changes)
    cash = cash_flow(instance, toy.plan(instance))
    table = cash.table
    income = ["gross_revenue", "by_products"]
    costs = ["treatment", "refining", "freight", "mining", "mining_extras", "haulage", "reclaim", "milling"]
    costs += ["fixed_pit", "fixed_mill", "closure", "options", "capital"]
    before = table[income].sum(axis=1) - table[costs].sum(axis=1)
    assert before.to_numpy() == pytest.approx(table["pre_tax_cash_flow"].to_numpy())
    assert before @ table["discount_factor"] == pytest.approx(cash.objective)
    assert table["discounted_after_tax"].sum() == pytest.approx(cash.npv)
    assert before.sum() == pytest.approx(cash.undiscounted_pre_tax)
    assert cash.npv_published_basis is None


def test_metal_sold_is_metal_fed_times_recovery() -> None:
    instance = hand_mine()
    plan = hand_plan(instance)
    feed = mill_feed(instance, plan, mined_rows(instance, plan, scheduling_units(instance, "panel")))
    cash = cash_flow(instance, plan)
    contained = (21.5 * 0.38 + 31.0 * 0.375 + 8.7 * 0.23) * 1e4
    assert feed["contained_cu"].sum() == pytest.approx(contained)
    assert cash.table["copper_recovered_t"].sum() * 2204.62 / 1e6 == pytest.approx(423.7, abs=0.05)
    assert cash.table["copper_payable_t"].sum() / cash.table["copper_recovered_t"].sum() == pytest.approx(
        26 / 27, 0.003
    )
    assert cash.table["milled_t"].sum() == pytest.approx(61.2e6)


def test_a_reporting_basis_counts_part_periods_by_their_time() -> None:
    instance = hand_mine(until=dt.date(2013, 7, 1), discounting="end")
    basis = instance.mine.reporting_basis
    assert basis is not None
    share, factor = reporting_factors(instance.mine, basis)
    assert share.tolist() == pytest.approx([0.25, 1.0, 0.5] + [0.0] * 8)
    assert factor[:3].tolist() == pytest.approx([1.08**-0.25, 1.08**-1.25, 1.08**-1.75])


def test_a_plan_of_another_mine_is_refused() -> None:
    toy = Toy()
    with pytest.raises(ValueError, match="which the mine has not"):
        cash_flow(hand_mine(), toy.plan(toy.instance()))
