"""Cones, early-start bounds and dominated routes against the exact model."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from instances.geometry.units import scheduling_units
from scheduler.compiling import compile_problem
from scheduler.formulation import reach as reach_module
from scheduler.formulation.build import build
from scheduler.formulation.context import Formulation
from scheduler.formulation.reach import cones, dominated_routes, incompatible_pairs, long_ways, reach, topological_order
from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.standard_form import compile_model
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import Drawn, mines

TO_THE_END = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)


def thorough(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def plain_model(drawn: Drawn):
    """The model without early-start bounds and dominated routes, and the columns of what is mined and finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reach_module, "dominated_routes", lambda _, usable: np.zeros_like(usable))
        patch.setattr("scheduler.formulation.build.reach", untouched)
        context = build(compile_problem(drawn.instance, drawn.units), Formulation(early_start=False))
    compiled = compile_model(context.model)
    names = [variable.parent_component().local_name for variable in compiled.variables]
    columns = {
        wanted: {
            v.index(): k for k, (v, name) in enumerate(zip(compiled.variables, names, strict=True)) if name == wanted
        }
        for wanted in ("mined_by", "finished")
    }
    return compiled.program, columns["mined_by"], columns["finished"] or columns["mined_by"]


def untouched(problem, **_):
    """A reach that knows the cones alone: anything may be mined at once."""
    found = reach(problem)
    return replace(found, most=np.ones_like(found.most), finished=np.ones_like(found.finished))


@thorough(25)
@given(drawn=mines())
def test_no_plan_mines_a_unit_sooner_than_its_bound(drawn):
    """The most of a unit that any plan has mined by the end of a period, found by the model, is within the bound."""
    problem = compile_problem(drawn.instance, drawn.units)
    bounds = reach(problem)
    program, columns, _ = plain_model(drawn)
    for (unit, period), column in columns.items():
        cost = np.zeros(program.num_columns)
        cost[column] = 1.0
        most = solve(replace(program, cost=cost, offset=0.0, maximise=True), TO_THE_END).objective
        if most is None:
            return
        assert most <= bounds.most[unit, period] + 1e-6
        assert bounds.finished[unit, period] or most < 1 - 1e-6


@thorough(25)
@given(drawn=mines(always=("mining", "no_slopes"), most_features=3, kinds=("phases",)))
def test_of_a_clashing_pair_no_plan_begins_both(drawn):
    """Two units told to clash in a period are never both begun by its end: one of the fractions is nothing."""
    problem = compile_problem(drawn.instance, drawn.units)
    program, columns, _ = plain_model(drawn)
    for one, other, period in incompatible_pairs(problem, reach(problem)):
        lower = program.lower.copy()
        lower[[columns[one, period], columns[other, period]]] = 1e-3
        assert solve(replace(program, lower=lower), TO_THE_END).objective is None


@thorough(40)
@given(drawn=mines(always=("mining",), most_features=4))
def test_no_plan_goes_a_long_way_down_in_a_short_time(drawn):
    """Where the way down is told to be too long, no plan leaves the upper unit unfinished and begins the lower one."""
    problem = compile_problem(drawn.instance, drawn.units)
    program, mined, finished = plain_model(drawn)
    for unit, above, since, period in long_ways(problem, reach(problem)):
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[mined[unit, period]], upper[finished[above, since]] = 1e-3, 0.0
        assert solve(replace(program, lower=lower, upper=upper), TO_THE_END).objective is None


@thorough(60)
@given(drawn=mines(stockpiles=True))
def test_dominated_routes_change_no_optimum(drawn):
    """With every route and with the dominated ones left out, the optimum is the same."""
    problem = compile_problem(drawn.instance, drawn.units)
    without = solve(compile_model(build(problem).model).program, TO_THE_END).objective
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reach_module, "dominated_routes", lambda _, usable: np.zeros_like(usable))
        all_routes = solve(compile_model(build(problem).model).program, TO_THE_END).objective
    assert without == (None if all_routes is None else pytest.approx(all_routes, rel=1e-6, abs=1e-5))


def pile_problem(**changes):
    instance = tiny_mine(nx=1, nz=2, periods=2, grades=[0.3, 0.9], changes=changes)
    return compile_problem(instance, scheduling_units(instance, "panel"))


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({}, True),
        ({"destinations.pile.capacity_mt": 0.05}, False),
        ({"destinations.pile.capacity_mt_per_year": 0.05}, False),
        ({"destinations.pile.haulage_cost_per_t": 0.5}, False),
        ({"limits.strip_ratio_min": 0.1}, False),
        ({"limits.strip_ratio_cumulative_min": 0.1}, False),
        ({"destinations.pile.model": "average"}, True),
        ({"destinations.pile.model": "average", "destinations.pile.bins.low.leaves_at": {"cu": 0.4}}, False),
    ],
)
def test_waste_routes_are_left_out_only_where_the_pile_is_free(changes, left_out):
    """Low-grade ore need not go to the dump where a pile takes it for nothing, and may where the pile has a price."""
    problem = pile_problem(**changes)
    dominated = dominated_routes(problem, problem.route_open)
    to_dump = problem.route_to("dump") & (problem.route_parcel == 0)
    assert dominated[to_dump].all() == left_out
    assert not dominated[~to_dump].any()


@thorough(40)
@given(drawn=mines())
def test_cones_are_what_the_arcs_lead_to(drawn):
    """The cone of a unit is every unit that it needs, directly or not, without itself."""
    problem = compile_problem(drawn.instance, drawn.units)
    graph = nx.DiGraph(problem.arcs.tolist())
    above = cones(problem)
    for unit in range(len(problem.unit_names)):
        expected = nx.descendants(graph, unit) if unit in graph else set()
        assert set(np.flatnonzero(above[unit]).tolist()) == expected
    order = topological_order(problem)
    assert all(order.index(needed) < order.index(unit) for unit, needed in problem.arcs.tolist())


def test_a_cycle_has_no_order():
    """Arcs that run in a cycle are refused."""
    problem = replace(pile_problem(), arcs=np.array([[0, 1], [1, 0]]))
    with pytest.raises(ValueError, match="cycle"):
        topological_order(problem)


def test_early_start_by_hand():
    """Of ore under 70 kt of rock, 30 of 70 kt can be mined in the first year of 100 kt, and all of it in the second."""
    problem = pile_problem(**{"limits.mining_mt_per_year": 0.1})
    bounds = reach(problem)
    assert bounds.most == pytest.approx(np.array([[1.0, 1.0], [3 / 7, 1.0]]))
    assert bounds.finished.tolist() == [[True, True], [False, True]]
    assert bounds.earliest.tolist() == [0, 0]


def test_whole_units_wait_until_they_fit():
    """Mined whole, the ore of the same mine cannot be touched before the second year."""
    problem = replace(pile_problem(**{"limits.mining_mt_per_year": 0.1}), whole=True)
    assert reach(problem).earliest.tolist() == [0, 1]
