"""The block-scale relaxation against the Pyomo model without its binaries: two statements, one optimum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from instances.geometry.units import scheduling_units
from instances.reading import read_mine
from scheduler.blockscale import UnsupportedError, closure_program
from scheduler.compiling import compile_problem
from scheduler.formulation.assembly import strengthened
from scheduler.formulation.build import build
from scheduler.formulation.context import Formulation
from scheduler.formulation.strengthening import CUTS
from scheduler.problem import Problem
from solvers.highs import solve
from solvers.relaxation import StopRule, bound_from_multipliers, solve_relaxation
from solvers.result import Outcome
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import Drawn, mines

PLAIN = Formulation(early_start=False, without=frozenset(CUTS))


def relaxed_optimum(problem: Problem) -> float | None:
    """Optimum of the Pyomo model's linear relaxation, thousands; None where it is infeasible."""
    program = strengthened(build(problem, PLAIN)).compiled.program
    result = solve(program.relaxed())
    return None if result.outcome is Outcome.INFEASIBLE else result.objective


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(drawn=mines())
def test_both_statements_have_one_relaxed_optimum(drawn):
    """Stockpiles, strip, rehandle, tailings, grades, options, lags: the closure program is worth what the model is."""
    check_one_relaxed_optimum(drawn)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(drawn=mines(always=("fill", "rehandle", "strip_max"), stockpiles=True, most_features=4))
def test_both_statements_agree_on_stockpile_strip_and_rehandle(drawn):
    """Mines that have a stockpile, a strip limit and a rehandle limit, all of them."""
    problem = compile_problem(drawn.instance, drawn.units)
    assert problem.bins()
    assert problem.strip.limits_anything()
    assert problem.rehandle.limits_anything()
    check_one_relaxed_optimum(drawn)


def check_one_relaxed_optimum(drawn: Drawn) -> None:
    problem = compile_problem(drawn.instance, drawn.units)
    assume(problem.phases_active_most is None)
    try:
        program = closure_program(problem).program
    except UnsupportedError:
        assume(False)
    expected = relaxed_optimum(problem)
    found = solve_relaxation(program, StopRule(relative_gap=1e-9, iterations=400))
    if expected is None:
        assert found.outcome.name == "INFEASIBLE"
        return
    scale = max(1.0, abs(expected))
    assert found.bound >= expected - 1e-6 * scale
    assert found.value == pytest.approx(expected, rel=2e-6, abs=2e-5)


def test_the_bundled_mine_by_panels_has_one_relaxed_optimum():
    """The bound of the closures follows from its multipliers alone, and meets the model's relaxation within 1e-6."""
    instance = read_mine("mzo")
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    program = closure_program(problem).program
    found = solve_relaxation(program, StopRule(relative_gap=1e-6))
    expected = relaxed_optimum(problem)
    assert expected is not None
    assert expected * (1 - 1e-9) <= found.bound <= expected * (1 + 2e-6)
    assert bound_from_multipliers(program, found.multipliers) == pytest.approx(found.bound, rel=1e-9)


def test_active_phases_are_refused_by_name():
    """The relaxation says which key it cannot hold rather than leaving it out."""
    instance = tiny_mine()
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    with pytest.raises(UnsupportedError, match=r"limits\.phases_active_max"):
        closure_program(dataclasses.replace(problem, phases_active_most=1))


def test_a_lag_over_unequal_periods_is_refused_by_name():
    """A lag that is another number of periods from one year to the next has no place in the closure."""
    instance = tiny_mine()
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    arcs = np.array([[1, 0]])
    uneven = np.full((1, problem.periods), -1)
    uneven[0, -1] = problem.periods - 1
    with pytest.raises(UnsupportedError, match=r"phases\.lag_years"):
        closure_program(dataclasses.replace(problem, arcs=arcs, arc_from=uneven))
