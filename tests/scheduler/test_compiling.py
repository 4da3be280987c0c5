"""From a mine to the arrays of the problem, against numbers worked out by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings

from instances.geometry.units import Resolution, scheduling_units
from scheduler.compiling import accepts, compile_problem
from scheduler.problem import Place, Problem
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import mines

POUND = 2204.62


def problem_of(resolution: Resolution = "panel", **more: object) -> Problem:
    instance = tiny_mine(**{"nx": 1, "nz": 2, "periods": 2, "grades": [0.3, 0.9]} | more)
    return compile_problem(instance, scheduling_units(instance, resolution))


def route(problem: Problem, parcel: int, place: str) -> int:
    chosen = np.flatnonzero(problem.route_to(place) & (problem.route_parcel == parcel))
    assert len(chosen) == 1
    return int(chosen[0])


def test_cash_of_routes_by_hand():
    """A parcel of 70 kt earns its metal less mining, haulage and milling; waste and stock cost what moves them."""
    changes = {
        "costs.haulage_per_t_per_bench": 0.1,
        "destinations.dump.haulage_cost_per_t": 0.3,
        "materials.ore.extra_mining_cost_per_t": 0.2,
    }
    problem = problem_of(changes=changes)
    ore, low = 1, 0
    metal = 70_000 * 0.009 * 0.9
    expected = metal * 3 * POUND / 1000 - 70 * (2 + 0.2 + 0.1 + 8)
    assert problem.route_cash[route(problem, ore, "mill")] == pytest.approx(np.full(2, expected))
    assert problem.route_cash[route(problem, low, "dump")] == pytest.approx(np.full(2, -70 * 2.3))
    assert problem.route_cash[route(problem, low, "pile")] == pytest.approx(np.full(2, -70 * 2.0))
    assert problem.route_metal["cu"][route(problem, ore, "mill")] == pytest.approx(630.0)
    assert problem.route_metal["cu"][route(problem, ore, "dump")] == 0
    assert problem.route_recovered["cu"][route(problem, ore, "mill")] == pytest.approx(metal)


def test_cash_of_reclaim_by_hand():
    """A kt from the bin earns its metal at the nominal grade less reclaim and milling."""
    problem = problem_of()
    assert problem.reclaim_cash == pytest.approx(np.full((1, 2), 10 * 0.3 * 0.75 * 3 * POUND / 1000 - 8.5))
    assert problem.reclaim_metal["cu"] == pytest.approx([3.0])
    assert problem.reclaim_recovered["cu"] == pytest.approx([2.25])


def test_capacities_are_kilotonnes_of_the_period():
    """Mt a year and t a day become kt of a period by its length in years of 365 days."""
    changes = {"calendar.period_years": [0.5, 2.0], "limits.mill_min_t_per_day": 100.0}
    problem = problem_of(changes=changes)
    assert problem.mining.upper == pytest.approx([100.0, 400.0])
    assert problem.milling.upper == pytest.approx([54.75, 219.0])
    assert problem.milling.lower == pytest.approx([18.25, 73.0])
    assert not np.isfinite(problem.rehandle.upper).any()


def test_an_opening_within_a_period_leaves_that_share():
    """A destination open from July takes half of the capacity that serves it, nothing while closed, and then all."""
    changes = {
        "destinations.mill.opens": dt.date(2021, 7, 1),
        "destinations.dump.opens": dt.date(2020, 4, 1),
        "destinations.dump.capacity_mt_per_year": 0.04,
        "phases.p1.release": dt.date(2020, 4, 1),
    }
    problem = problem_of(periods=3, changes=changes)
    assert problem.inflow_most["mill"] == pytest.approx([0.0, 54.75, np.inf])
    assert problem.inflow_most["dump"] == pytest.approx([30.0, 40.0, 40.0])
    assert problem.phase_most[0] == pytest.approx([150.0, np.inf, np.inf])
    assert problem.route_open[route(problem, 1, "mill")].tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("lag", "expected"),
    [(0.0, [0, 1, 2]), (0.5, [-1, 0, 1]), (1.0, [-1, 0, 0]), (1.2, [-1, -1, 0]), (9.0, [-1, -1, -1])],
)
def test_a_lag_reaches_back_to_the_last_period_that_ends_in_time(lag, expected):
    """What is needed has to be finished by the last period that ends the lag before; periods of 0.5, 1, 0.5 years."""
    changes = {"calendar.period_years": [0.5, 1.0, 0.5], "precedence.slopes": False}
    problem = problem_of("block", periods=3, changes=changes, precedence=[("b0-0-0", "b0-0-1", lag)])
    assert problem.arc_from.tolist() == [expected]


def test_an_option_serves_after_its_lead_and_from_its_date():
    """Capacity serves in the periods that start the lead after the purchase; before its date it is not for sale."""
    option = {
        "widens": "mill",
        "adds_t_per_day": 100.0,
        "cost": 5e4,
        "lead_years": 1.0,
        "earliest": dt.date(2020, 2, 1),
    }
    problem = problem_of(periods=3, changes={"options.crusher": option})
    terms = problem.options[0]
    assert terms.adds == pytest.approx(np.full(3, 36.5))
    assert terms.cost == 50.0
    assert terms.effective_from.tolist() == [-1, 0, 1]
    assert terms.earliest == 1


def test_installations_and_capital_are_in_thousands():
    """Fixed cost by the length of the period, closure once, capital in its period, all in thousands."""
    changes = {
        "calendar.period_years": 0.5,
        "operating.pit": {"fixed_cost_per_year": 3e6, "closure_cost": 1e6},
        "capital": [{"title": "road", "date": dt.date(2020, 8, 1), "amount": 2e6}],
    }
    problem = problem_of(changes=changes)
    assert problem.installations[0].fixed == pytest.approx([1500.0, 1500.0])
    assert problem.installations[0].closure == 1000.0
    assert problem.capital.tolist() == [0.0, 2000.0]
    assert problem.constant() == pytest.approx(-2000 * 1.1**-0.75)


def test_rows_on_the_metal_of_a_bin():
    """The bins model counts metal in and out, the average model what it exceeds the nominal grade by."""
    opening = {"destinations.pile.bins.low.opening_mt": 0.01, "destinations.pile.bins.low.opening_grade": {"cu": 0.4}}
    bins = problem_of(changes=opening).quality[0]
    assert (bins.out, bins.opening, bins.first, bins.last) == (pytest.approx(3.0), pytest.approx(40.0), 0, False)
    assert bins.into == pytest.approx([210.0])
    lower = {"destinations.pile.model": "average", "destinations.pile.bins.low.leaves_at": {"cu": 0.25}}
    average = problem_of(changes=opening | lower).quality[0]
    assert (average.out, average.opening, average.first, average.last) == (0.0, pytest.approx(15.0), 0, True)
    assert average.into == pytest.approx([35.0])
    assert problem_of(changes=lower).quality[0].first == 1


def test_tailings_are_limited_where_mills_make_none_and_have_no_limit():
    """A facility that opens within the calendar takes no tailings before, whatever the mills make of their feed."""
    facility = {"kind": "tailings_facility", "accepts": [], "storage_mt": 1.0, "opens": dt.date(2020, 7, 1)}
    changes = {"destinations.tmf": facility, "limits.mill_t_per_day": ...}
    problem = problem_of(changes=changes)
    assert not np.isnan(problem.tailings_most["tmf"]).any()
    made = problem_of(changes=changes | {"destinations.mill.tailings_t_per_t": 0.8, "limits.mill_t_per_day": 300.0})
    assert made.tailings_most["tmf"] == pytest.approx([0.5 * 109.5 * 0.8, np.inf])


@pytest.mark.parametrize(
    ("place", "material", "grade", "taken"),
    [
        (Place("mill", "mill"), "ore", 0.0, True),
        (Place("mill", "mill"), "rock", 9.0, False),
        (Place("pile", "stockpile", "low"), "low", 0.2, True),
        (Place("pile", "stockpile", "low"), "low", 0.1, False),
        (Place("pile", "stockpile", "low"), "low", 0.4, False),
        (Place("pile", "stockpile", "low"), "ore", 0.3, False),
    ],
)
def test_a_bin_takes_its_material_and_grades(place, material, grade, taken):
    """A destination takes what it accepts, a bin its own materials from its least grade to below its largest."""
    limits = {"destinations.pile.bins.low.grade_from": {"cu": 0.2}, "destinations.pile.bins.low.grade_to": {"cu": 0.4}}
    assert accepts(tiny_mine(changes=limits).mine, place, material, {"cu": grade}) is taken


@settings(max_examples=60, deadline=None, derandomize=True)
@given(drawn=mines())
def test_arrays_fit_together(drawn):
    """Tonnes of parcels add up to units, every parcel has a route, and no array holds a number that is none."""
    problem = compile_problem(drawn.instance, drawn.units)
    sums = np.bincount(problem.parcel_unit, problem.parcel_kt, minlength=len(problem.unit_kt))
    assert sums == pytest.approx(problem.unit_kt)
    assert set(problem.route_parcel.tolist()) == set(range(len(problem.parcel_names)))
    for table in (problem.route_cash, problem.reclaim_cash, *problem.route_metal.values()):
        assert np.isfinite(table).all()
    for metal, recovered in zip(problem.route_metal.values(), problem.route_recovered.values(), strict=True):
        assert (recovered <= metal + 1e-9).all()
    for limits in (problem.mining, problem.milling, problem.rehandle, problem.strip, problem.strip_cumulative):
        assert not np.isnan(limits.lower).any()
        assert not np.isnan(limits.upper).any()
    assert (problem.arc_from <= np.arange(problem.periods)).all()
