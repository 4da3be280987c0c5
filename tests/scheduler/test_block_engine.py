"""The block-scale engine on whole mines: the exact engine's optimum on small ones, its audit, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from typer.testing import CliRunner

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from scheduler import block_solving, memory
from scheduler.audit import audit
from scheduler.block_engine import begin_with, periods_of_blocks, size_of, solution_of, solve_blocks
from scheduler.blockscale import UnsupportedError, closure_program
from scheduler.cli.main import app
from scheduler.compiling import compile_problem
from scheduler.exact import solve_exact
from scheduler.outcome import ExitCode
from scheduler.solution import to_plan
from scheduler.solving import Request, solve_mine
from solvers.course import ScheduleOptions
from solvers.options import SolveOptions
from solvers.result import Outcome
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import mines

EXACT = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)
SHORT = ScheduleOptions(rounds=6, workers=1)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(drawn=mines())
def test_both_engines_find_the_same_optimum_of_small_mines(drawn):
    """Stockpiles, strip, rehandle, tailings, options, lags: blocks mined whole, the same worth, and it audits."""
    units = scheduling_units(drawn.instance, "block")
    problem = compile_problem(drawn.instance, units)
    assume(problem.phases_active_most is None)
    exact = solve_exact(problem, EXACT)
    try:
        answer = solve_blocks(problem, SHORT)
    except UnsupportedError:
        assume(False)
    if exact.result.outcome is Outcome.INFEASIBLE:
        assert answer.solution is None
        return
    assert answer.solution is not None
    scale = max(1.0, abs(exact.result.objective))
    assert answer.found.objective <= exact.result.objective + 1e-5 * scale
    assert answer.found.objective >= exact.result.objective - 1e-3 * scale
    assert answer.found.bound >= exact.result.objective - 1e-6 * scale
    checked = audit(drawn.instance, to_plan(problem, answer.solution, "block"), units=units)
    assert checked.passed, [str(finding) for finding in checked.findings]
    assert checked.objective / 1000 == pytest.approx(answer.found.objective, rel=1e-5, abs=1e-3)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(drawn=mines())
def test_both_engines_find_the_same_optimum_with_blocks_over_several_periods(drawn):
    """Blocks mined in part: the same worth, no less than that of whole ones, and the plan audits."""
    mine = drawn.instance.mine
    blocks = mine.blocks.model_copy(update={"mining": "partial"})
    instance = replace(drawn.instance, mine=mine.model_copy(update={"blocks": blocks}), _digest=[])
    units = scheduling_units(instance, "block")
    problem = compile_problem(instance, units)
    assume(problem.phases_active_most is None)
    exact = solve_exact(problem, EXACT)
    try:
        answer = solve_blocks(problem, SHORT)
    except UnsupportedError:
        assume(False)
    if exact.result.outcome is Outcome.INFEASIBLE:
        assert answer.solution is None
        return
    assert answer.solution is not None
    scale = max(1.0, abs(exact.result.objective))
    assert answer.found.objective <= exact.result.objective + 1e-5 * scale
    assert answer.found.objective >= exact.result.objective - 1e-3 * scale
    whole = solve_exact(compile_problem(drawn.instance, units), EXACT).result.objective
    assert whole is None or exact.result.objective >= whole - 1e-6 * scale
    checked = audit(instance, to_plan(problem, answer.solution, "block"), units=units)
    assert checked.passed, [str(finding) for finding in checked.findings]


RICH: dict[str, object] = {
    "operating.pit": {"fixed_cost_per_year": 1e5, "closure_cost": 2e5},
    "operating.mill": {"fixed_cost_per_year": 2e5, "closure_cost": 1e5},
}


def test_a_mine_by_blocks_is_a_whole_run():
    """Plan, audit, certificate, the panels beside it; the two bounds named apart."""
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH)
    answer = solve_mine(instance, Request(gap=1e-6, resolution="block", engine="block", threads=1))
    told = answer.summary
    assert answer.audit.passed
    assert answer.exit_code in {ExitCode.DONE, ExitCode.STOPPED_WITH_PLAN}
    assert told["engine"] == "block"
    assert told["solver_bound"] is None
    assert told["certified_bound"] >= told["objective"] * (1 - 1e-9)
    assert told["lp_bound"] >= told["certified_bound"] * (1 - 1e-9)
    assert told["panels"]["objective"] > 0
    assert answer.certificate["instance"]["resolution"] == "block"
    exact = solve_mine(instance, Request(gap=0.0, resolution="block", engine="exact", threads=1)).summary
    assert exact["engine"] == "exact"
    assert told["objective"] == pytest.approx(exact["objective"], rel=1e-6)


def test_panels_in_a_process_of_their_own_are_those_made_here():
    """With two processes the panels go on beside the bound, to the same plan and comparison."""
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH)
    alone, beside = (
        solve_mine(instance, Request(gap=1e-6, resolution="block", engine="block", threads=threads)).summary
        for threads in (1, 2)
    )
    for key in ("panels", "baseline_objective", "baseline_missing", "objective"):
        assert beside[key] == alone[key]
    assert "panels" in beside["seconds"]


def test_the_bound_is_that_of_the_certificate_where_it_proves_more(monkeypatch):
    """Multipliers of a relaxation cut short may be worth less there than in the closure that works them out."""
    made = block_solving.certificate_from_relaxation

    def lower(*given, **named):
        found = made(*given, **named)
        return replace(found, bound=found.bound * (1 - 1e-4))

    monkeypatch.setattr(block_solving, "certificate_from_relaxation", lower)
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH)
    told = solve_mine(instance, Request(resolution="block", engine="block", threads=1, time_limit_s=0.0)).summary
    assert told["bound"] == pytest.approx(told["certified_bound"], rel=1e-12)
    assert told["gap_abs"] == pytest.approx(told["bound"] - told["objective"], rel=1e-9)


@pytest.mark.parametrize("stop", [{"time_limit_s": 0.0}, {}])
def test_a_search_by_blocks_that_is_ended_at_once_leaves_plan_and_certificate(stop):
    """By time or by an interruption: the certificate was made before the search, with the plan's objective in it."""
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH)
    request = Request(gap=0.0, resolution="block", engine="block", threads=1, **stop)
    answer = solve_mine(instance, request, cancel=None if stop else lambda: True)
    assert answer.audit.passed
    assert answer.certificate["objective"] == pytest.approx(answer.summary["objective"])
    assert answer.summary["certified_bound"] >= answer.summary["objective"] * (1 - 1e-9)
    assert "certificate" in answer.summary["seconds"]


def test_a_mine_with_blocks_over_several_periods_is_worth_no_less_and_says_so():
    """The override stands in the run; the same plan held against whole mining fails its audit, where it differs."""
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH | {"blocks.mining": "partial"})
    answer = solve_mine(instance, Request(gap=1e-6, resolution="block", engine="block", threads=1))
    whole = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1], changes=RICH)
    told = solve_mine(whole, Request(gap=1e-6, resolution="block", engine="block", threads=1)).summary
    assert answer.audit.passed
    assert answer.summary["mining"] == "partial"
    assert told["mining"] == "whole"
    assert answer.summary["lp_bound"] == pytest.approx(told["lp_bound"], rel=1e-6)
    assert answer.summary["objective"] > told["objective"]
    checked = audit(whole, answer.plan)
    assert checked.found["whole"] > 0


def test_small_mines_by_blocks_go_to_the_exact_engine_by_themselves():
    """Without being asked, a few blocks are proven optimal."""
    told = solve_mine(tiny_mine(), Request(gap=0.0, resolution="block", threads=1)).summary
    assert told["engine"] == "exact"


def test_a_plan_by_panels_gives_every_block_its_period():
    """Blocks of a panel fill its periods by tonnes; what is not mined stays."""
    instance = tiny_mine(grades=[0.1, 0.3, 0.6, 0.4, 0.9, 1.1])
    panels, blocks = (scheduling_units(instance, which) for which in ("panel", "block"))
    mined = np.zeros((len(panels.units), 3))
    mined[0] = [1 / 3, 2 / 3, 0.0]
    period = periods_of_blocks(panels, blocks, mined)
    there = period < 3
    of_first = blocks.units["tonnes"].to_numpy()[there].sum()
    assert of_first == pytest.approx(panels.units["tonnes"].iloc[0])
    assert np.bincount(period[there]).tolist() == [1, 2]


def test_what_the_engine_cannot_keep_is_refused_by_its_key():
    """Panels in part, and a limit that counts phases: one line each."""
    with pytest.raises(BadInput, match="--resolution block"):
        solve_mine(tiny_mine(), Request(engine="block"))
    instance = tiny_mine(changes={"limits.phases_active_max": 1})
    with pytest.raises(BadInput, match=r"limits\.phases_active_max"):
        solve_mine(instance, Request(resolution="block", engine="block"))


def test_the_size_is_told_before_anything_is_solved():
    """Nodes and arcs of the expanded graph."""
    instance = tiny_mine()
    problem = compile_problem(instance, scheduling_units(instance, "block"))
    size, larger = size_of(problem, 1), size_of(problem, 8)
    assert size.nodes == len(problem.unit_names) * problem.periods
    assert size.arcs >= len(problem.arcs) * problem.periods
    assert 0 < size.bytes < larger.bytes


def test_a_mine_that_does_not_fit_is_refused_with_its_size(monkeypatch):
    """One line with nodes, arcs and memory, before anything is solved."""
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    with pytest.raises(BadInput, match=r"GB for .* nodes and .* arcs"):
        solve_mine(tiny_mine(), Request(resolution="block", engine="block"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--resolution", "bench"), "--resolution is 'bench'; expected one of panel, block"),
        (("--engine", "fast"), "--engine is 'fast'; expected one of auto, exact, block"),
    ],
)
def test_unknown_resolutions_and_engines_are_one_line(tmp_path, arguments, told):
    """Exit code 2, nothing written."""
    result = CliRunner().invoke(app, ["solve", "mzo", "--out", str(tmp_path / "run"), *arguments])
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "run").exists()


def test_what_a_solver_leaves_of_reclaim_to_a_mill_that_does_not_work_is_nothing():
    """Kilograms within the tolerances go, tonnes do not, and neither while the mill works."""
    changes = {"operating": {"mill": {"fixed_cost_per_year": 1e6}}}
    problem = compile_problem(instance := tiny_mine(changes=changes), scheduling_units(instance, "block"))
    compiled = closure_program(problem)
    schedule = begin_with(problem, compiled, np.full(len(problem.unit_names), problem.periods))
    works, reclaimed = compiled.extras.works["mill"], compiled.extras.reclaimed
    schedule.extras[works] = [1.0, 0.0, 0.0]
    schedule.extras[reclaimed] = [[1e-5, 1e-5, 5.0]] * len(reclaimed)
    found = solution_of(problem, compiled, schedule)
    assert found.works["mill"].tolist() == [True, False, False]
    assert (found.reclaimed == [1e-5, 0.0, 5.0]).all()
    assert found.reclaimed.size


def test_what_a_solver_leaves_of_a_parcel_to_a_mill_that_does_not_work_goes_with_the_rest():
    """Kilograms go where most of the parcel goes, all of it is sent, and tonnes stay for the audit to find."""
    changes = {"operating": {"mill": {"fixed_cost_per_year": 1e6}}}
    problem = compile_problem(instance := tiny_mine(changes=changes), scheduling_units(instance, "block"))
    compiled = closure_program(problem)
    schedule = begin_with(problem, compiled, np.zeros(len(problem.unit_names), dtype=np.int64))
    schedule.extras[compiled.extras.works["mill"]] = 0.0
    to_mill = problem.route_to("mill")
    parcels = [p for p in np.unique(problem.route_parcel[to_mill]) if (problem.route_parcel == p).sum() > 1]
    first, second = parcels[:2]
    for parcel, part in ((first, 1e-5), (second, 0.25)):
        routes = np.flatnonzero(problem.route_parcel == parcel)
        mill, other = routes[to_mill[routes]][0], routes[~to_mill[routes]][0]
        amount = part / problem.route_kt[mill] if part < 1e-3 else part
        schedule.share[parcel] = 0.0
        choice = compiled.column[[mill, other], 0] % compiled.program.n_choices
        schedule.share[parcel, choice] = [amount, 1.0 - amount]
    found = solution_of(problem, compiled, schedule)
    for parcel, left in ((first, 0.0), (second, 0.25)):
        routes = problem.route_parcel == parcel
        assert found.sent[routes & to_mill, 0].sum() == pytest.approx(left)
        assert found.sent[routes].sum() == pytest.approx(1.0)
