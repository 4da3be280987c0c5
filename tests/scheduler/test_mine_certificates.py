"""Certificates of mines against the exact engine: never below the optimum, every row kept by the optimal plan."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings

from instances.geometry.units import scheduling_units
from instances.reading import read_mine
from scheduler import mine_certificates
from scheduler.blockscale import closure_program
from scheduler.compiling import compile_problem
from scheduler.exact import solve_exact
from scheduler.mine_certificate_check import verify_mine_certificate
from scheduler.mine_certificate_file import mine_certificate_object, read_mine_certificate
from scheduler.mine_certificates import (
    Identity,
    certificate_from_relaxation,
    certify_mine,
    refute_mine,
    relaxed,
)
from scheduler.problem import Problem
from scheduler.solution import Solution
from scheduler.tightening import tightening, untightened
from solvers.closure import StagedFlowKernel
from solvers.early_start import early_started
from solvers.options import SolveOptions
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.relaxation.branching import bound_by_cases
from solvers.relaxation.node_branching import branch_on_nodes
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import Drawn, mines

THOUSAND = 1000.0
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def identity(instance, resolution) -> Identity:
    return Identity(instance.hash(), instance.mine.name, tuple(instance.overrides), resolution)


def point(problem: Problem, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """A plan as a point of the closure program."""
    compiled = closure_program(relaxed(problem)[0])
    x = np.zeros(compiled.program.value.size)
    x[compiled.column] = solution.sent
    extras = np.zeros(compiled.program.n_extras)
    extras[compiled.extras.reclaimed] = solution.reclaimed
    for key, index in compiled.extras.placed.items():
        extras[index] = solution.placed[key]
    for name, index in compiled.extras.works.items():
        extras[index] = solution.works[name]
    extras[compiled.extras.bought] = solution.bought
    return x, extras


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(drawn=mines(always=("pit_cost",)))
def test_no_plan_is_worth_more_than_its_certificate_says(drawn: Drawn):
    """Every limit and place, whole and partial: the optimum keeps all rows and lies below; the file verifies."""
    problem = compile_problem(drawn.instance, drawn.units)
    exact = solve_exact(problem, SolveOptions(gap=0.0))
    if exact.solution is None or exact.result.objective is None:
        reject()
    optimum = exact.result.objective
    found = certify_mine(problem, identity(drawn.instance, drawn.units.resolution), objective=optimum, seconds=None)
    slack = 1e-6 * max(1.0, abs(optimum))
    assert found.bound / THOUSAND >= optimum - slack
    assert found.lp_bound is not None
    assert found.bound <= found.lp_bound + THOUSAND * slack
    tight = tightening(problem, closure_program(relaxed(problem)[0]))
    x, extras = point(problem, exact.solution)
    if tight.aside.size:
        worst = int(np.argmax(tight.aside.excess(x, extras)))
        assert tight.aside.excess(x, extras)[worst] <= 1e-6, tight.names[worst]
    assert all(check.passed for check in verify_mine_certificate(found, drawn.instance))


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(drawn=mines(always=("mill_min",), kinds=("partial", "phases", "whole", "block", "block partial")))
def test_only_mines_without_a_plan_are_refuted(drawn: Drawn):
    """Against the exact engine: a proof is never found where there is a plan, and verifies where it is found."""
    problem = compile_problem(drawn.instance, drawn.units)
    exact = solve_exact(problem, SolveOptions(gap=0.5))
    found = refute_mine(problem, identity(drawn.instance, drawn.units.resolution), seconds=None)
    assert found is None or exact.solution is None
    if found is not None:
        assert all(check.passed for check in verify_mine_certificate(found, drawn.instance, StagedFlowKernel))


def test_the_file_holds_all_of_a_certificate(tmp_path):
    """Written and read back it verifies with either kernel and says the same."""
    instance = tiny_mine(periods=4, changes={"operating.pit": {"fixed_cost_per_year": 1e5}})
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    found = certify_mine(problem, identity(instance, "panel"), seconds=None)
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(mine_certificate_object(found, {"pitwise": "0"})))
    again = read_mine_certificate(file)
    assert (again.bound, again.lp_bound, again.objective) == (found.bound, found.lp_bound, None)
    assert again.rows == found.rows
    for kernel in ({}, {"kernel": StagedFlowKernel}):
        assert all(check.passed for check in verify_mine_certificate(again, instance, **kernel))


def test_multipliers_of_a_relaxation_by_blocks_are_a_certificate():
    """One case, no reduction, the relaxation's own bound; verified against the mine by blocks."""
    instance = tiny_mine(nx=4, nz=3, periods=4, changes={"operating.pit": {"fixed_cost_per_year": 1e5}})
    problem = compile_problem(instance, scheduling_units(instance, "block"))
    compiled = closure_program(relaxed(problem)[0])
    result = solve_relaxation(compiled.program, StopRule(iterations=5))
    found = certificate_from_relaxation(problem, compiled, result, identity(instance, "block"), None)
    assert found.bound == pytest.approx(THOUSAND * result.bound, rel=1e-9)
    assert (len(found.cases), found.rows, found.tightened) == (1, (), False)
    assert all(check.passed for check in verify_mine_certificate(found, instance))


def decided(problem: Problem, who: Identity):
    """A certificate by decisions about units."""
    compiled = closure_program(relaxed(problem)[0])
    program = early_started(compiled.program, whole=problem.whole)
    tight = replace(untightened(problem, compiled), program=program)
    result, linked = solve_relaxation(compiled.program), list(tight.chains.values())
    cases = bound_by_cases(program, linked, tight.aside, root=result)
    if result.outcome is Outcome.INFEASIBLE or cases.bound == -np.inf:
        return None
    cases = branch_on_nodes(program, linked, cases, whole=problem.whole)
    return certificate_from_relaxation(problem, compiled, result, who, None, tight=tight, cases=cases)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(drawn=mines(kinds=("whole", "block", "block partial")))
def test_no_plan_is_worth_more_than_decisions_about_units_prove(drawn: Drawn):
    """Whole units and partial ones, every limit: the optimum lies below, and the certificate verifies."""
    problem = compile_problem(drawn.instance, drawn.units)
    exact = solve_exact(problem, SolveOptions(gap=0.0))
    found = decided(problem, identity(drawn.instance, drawn.units.resolution))
    if found is None or exact.solution is None or exact.result.objective is None:
        reject()
    optimum = exact.result.objective
    assert found.bound / THOUSAND >= optimum - 1e-6 * max(1.0, abs(optimum))
    assert all(check.passed for check in verify_mine_certificate(found, drawn.instance, StagedFlowKernel))


def divided():
    """A mine by blocks of which the mill takes a part a year, and its certificate by decisions about blocks."""
    instance = tiny_mine(nx=6, nz=3, periods=3, stockpile=False, changes={"limits.mill_t_per_day": 500.0})
    problem = compile_problem(instance, scheduling_units(instance, "block"))
    return instance, problem, decided(problem, identity(instance, "block"))


def test_decisions_about_blocks_bring_the_bound_of_a_mine_down(tmp_path):
    """Below the relaxation and not below the optimum; written, read back and verified with either kernel."""
    instance, problem, found = divided()
    assert len(found.cases) > 2
    assert found.bound < found.lp_bound * 0.9999
    optimum = solve_exact(problem, SolveOptions(gap=0.0)).result.objective
    assert found.bound >= THOUSAND * optimum * (1 - 1e-9)
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(mine_certificate_object(found, {})))
    again = read_mine_certificate(file)
    assert [case.mined for case in again.cases] == [case.mined for case in found.cases]
    for kernel in ({}, {"kernel": StagedFlowKernel}):
        assert all(check.passed for check in verify_mine_certificate(again, instance, **kernel))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("left out", "no case holds any plan, {unit} {way} by the end of {period}"),
        ("turned round", "no case holds any plan, {unit} "),
        ("unknown block", "this mine has no unit b9 or no period"),
        ("bound lowered", "its multipliers prove"),
        ("multiplier left out", "multipliers"),
    ],
)
def test_decisions_that_do_not_hold_are_caught(fault, told):
    """A case left out, one that says the contrary of a fork, a block of another mine, a bound that does not follow."""
    instance, _, found = divided()
    first, *others = found.cases
    unit, period, taken = first.mined[0]
    changed = {
        "left out": [],
        "turned round": [replace(first, mined=((unit, period, not taken), *first.mined[1:]))],
        "unknown block": [replace(first, mined=(("b9", period, taken), *first.mined[1:]))],
        "bound lowered": [replace(first, bound=0.99 * first.bound)],
        "multiplier left out": [replace(first, multipliers=first.multipliers[:-1])],
    }[fault]
    checks = verify_mine_certificate(replace(found, cases=(*changed, *others)), instance)
    failed = [check for check in checks if not check.passed]
    assert failed
    said = told.format(unit=unit, period=period, way="mined" if taken else "not mined")
    assert said in " ".join([failed[0].text, *failed[0].findings])


def test_a_relaxation_solved_already_is_not_solved_again(monkeypatch):
    """The certificate takes its bound and goes on from there; the cases bring it down all the same."""
    instance = tiny_mine(nx=4, nz=3, periods=4, changes={"operating.pit": {"fixed_cost_per_year": 1e5}})
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    result = solve_relaxation(closure_program(relaxed(problem)[0]).program)
    alone = certify_mine(problem, identity(instance, "panel"), seconds=None)
    monkeypatch.setattr(mine_certificates, "solve_relaxation", None)
    found = certify_mine(problem, identity(instance, "panel"), seconds=None, lp=result)
    assert found.lp_bound == pytest.approx(THOUSAND * result.bound, rel=1e-9)
    assert found.bound == pytest.approx(alone.bound, rel=1e-6)
    assert found.bound < found.lp_bound


def test_the_bundled_mine_is_certified_far_below_its_plain_relaxation():
    """Optimum 270.3 M (solved to 0.1 %): the plain relaxation is 5.6 % above, the certificate less than 0.4 %."""
    instance = read_mine("mzo")
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    found = certify_mine(problem, identity(instance, "panel"), target=270_594.0, seconds=None)
    assert found.lp_bound == pytest.approx(285.466e6, rel=1e-4)
    assert 270.32e6 <= found.bound <= 271.3e6
    assert all(check.passed for check in verify_mine_certificate(found, instance))
