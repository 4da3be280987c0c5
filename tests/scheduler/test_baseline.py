"""The plan as made by hand: it keeps every limit of the model, follows its rule, and comes near the published one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from instances.geometry.units import Resolution, scheduling_units
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.baseline import Baseline, baseline
from scheduler.compiling import compile_problem
from scheduler.formulation.build import build
from scheduler.problem import Problem
from scheduler.valuation import POUNDS_PER_TONNE
from solvers.standard_form import compile_model
from tests.builders import tiny_mine

STUDIES = (
    (),
    ("limits.mill_t_per_day=14000",),
    ("materials.tailings.tonnes_factor=0.5",),
    ("destinations.tmf3.opens=2014-08-01",),
    ("products.copper.price_usd_per_lb*=0.8",),
    ("limits.strip_ratio_max=1.6",),
)
LIMITS = (
    ("limits.strip_ratio_cumulative_max=1.45",),
    ("limits.strip_ratio_min=0.5",),
    ("limits.phases_active_max=2",),
    ("limits.rehandle_mt_per_year=4",),
    ("limits.movement_change_max_mt=8",),
    ("limits.head_grade.cu.max=0.38",),
    ("limits.head_grade.cu.min=0.3",),
    ("limits.metal.cu.max_t_per_year=18000",),
    ("destinations.stockpile.capacity_mt=3",),
    ("destinations.stockpile.reclaim_mt_per_year=2",),
    ("destinations.waste_dump.capacity_mt_per_year=9",),
    ("destinations.tmf2.storage_mt=10",),
    ("phases.mzx.max_benches_per_year=2",),
    ("phases.mzo1.after=mzx", "phases.mzo1.bench_lag=30", "phases.mzo1.lag_years=1"),
    ("panels.mining=whole",),
)


def problem_of(instance: Instance, resolution: Resolution = "panel") -> Problem:
    return compile_problem(instance, scheduling_units(instance, resolution))


def tiny(resolution: Resolution = "panel", **mine: Any) -> Problem:
    return problem_of(tiny_mine(**mine), resolution)


def made(problem: Problem) -> Baseline:
    plan, reason = baseline(problem)
    assert plan is not None, reason
    assert reason == ""
    return plan


def assert_kept(plan: Baseline) -> None:
    """The model of the same problem accepts the plan and gives it the objective that the arrays give."""
    context = build(plan.problem)
    plan.to_values(context)
    program = compile_model(context.model)
    point = program.start_vector()
    assert program.program.explain_violation(point) is None
    assert program.program.objective_value(point) == pytest.approx(plan.objective(), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("overrides", STUDIES + LIMITS, ids=lambda o: " ".join(o) or "central")
def test_the_model_accepts_the_plan_for_the_mzo_mine_and_its_studies(overrides: tuple[str, ...]) -> None:
    assert_kept(made(problem_of(read_mine("mzo", overrides))))


def test_the_plan_of_the_mzo_mine_is_near_the_published_one() -> None:
    problem = problem_of(read_mine("mzo"))
    plan = made(problem)
    copper = plan.recovered("cu") * POUNDS_PER_TONNE / 1e6
    ore = problem.route_kind("mill", "stockpile")
    ore_kt = float((problem.route_kt[ore] @ plan.sent[ore]).sum())
    assert copper.sum() == pytest.approx(423.7, rel=0.01)
    assert copper[:9].mean() == pytest.approx(43.2, rel=0.02)
    assert (plan.moved().sum() - ore_kt) / ore_kt == pytest.approx(1.46, rel=0.02)
    assert plan.fed()[:10] == pytest.approx(5840.0)
    # low grade is milled after the pit: hardly anything is reclaimed before the pit's last year
    assert plan.reclaimed[:, :8].sum() < 0.02 * plan.reclaimed.sum()


@pytest.mark.parametrize("overrides", STUDIES[1:], ids=" ".join)
def test_the_mill_is_never_left_short_while_the_pit_works(overrides: tuple[str, ...]) -> None:
    problem = problem_of(read_mine("mzo", overrides))
    plan = made(problem)
    at_work = plan.works()["pit"] > 0
    assert plan.fed()[at_work] == pytest.approx(problem.milling.upper[at_work])


def test_benches_are_mined_downwards_and_phases_in_their_order() -> None:
    changes = {"precedence.slopes": False}
    problem = tiny(nx=4, nz=3, periods=5, phases=("p1", "p2"), grades=[0.9] * 12, changes=changes)
    plan = made(problem)
    order = np.lexsort((-problem.unit_bench, problem.unit_phase))
    mined = plan.mined_by()[order]
    # by the end of any period a unit is begun only when the one before it in the order is finished
    assert ((mined[1:] == 0) | (mined[:-1] == 1)).all()
    assert mined[0, -1] == 1
    assert mined[3, -1] > 0
    assert_kept(plan)


def test_low_grade_is_stockpiled_and_milled_when_the_pit_no_longer_fills_the_mill() -> None:
    # 300 t/d are 109.5 kt a year: the direct ore of the bench below and 9.5 kt of fresh low grade, then the pile
    problem = tiny(nx=2, nz=2, periods=4, grades=[0.3, 0.3, 0.9, 0.9], tonnes=50_000.0)
    plan = made(problem)
    stock = plan.stock().sum(axis=0)
    assert stock[0] == pytest.approx(90.5)
    assert plan.fed() == pytest.approx([109.5, 90.5, 0.0, 0.0])
    assert plan.reclaimed.sum(axis=0) == pytest.approx([0.0, 90.5, 0.0, 0.0])
    assert_kept(plan)


def test_rock_that_uncovers_no_ore_is_left() -> None:
    problem = tiny(nx=1, nz=3, periods=3, grades=[0.9, 0.1, 0.1])
    assert made(problem).mined.sum(axis=1) == pytest.approx([1.0, 0.0, 0.0])


def test_ore_that_does_not_pay_its_milling_is_not_milled() -> None:
    # 0.5 % at 90 % recovery brings 29.8 a tonne at US$3; milling costs more
    problem = tiny(nx=1, nz=1, periods=2, grades=[0.5], changes={"destinations.mill.cost_per_t": 30.0})
    assert made(problem).fed() == pytest.approx([0.0, 0.0])


def test_objective_by_hand() -> None:
    operating = {"pit": {"fixed_cost_per_year": 10_000.0, "closure_cost": 5_000.0}}
    problem = tiny(nx=1, nz=1, periods=2, grades=[0.9], stockpile=False, changes={"operating": operating})
    revenue = 70_000 * 0.009 * 0.9 * 2204.62 * 3.0
    first_year = revenue - 70_000 * (2.0 + 8.0) - 10_000.0 - 5_000.0
    plan = made(problem)
    assert plan.works()["pit"].tolist() == [1.0, 0.0]
    assert plan.objective() == pytest.approx(first_year / 1000 / 1.1**0.5)
    assert_kept(plan)


def test_blocks_are_mined_whole() -> None:
    problem = tiny("block", nx=3, nz=2, periods=4)
    plan = made(problem)
    assert set(np.unique(plan.mined)) <= {0.0, 1.0}
    assert plan.mined.sum() > 0
    assert_kept(plan)


def test_a_least_rate_that_the_rule_cannot_keep_is_said_instead_of_a_plan() -> None:
    plan, reason = baseline(problem_of(read_mine("mzo", ["limits.mining_min_mt_per_year=5"])))
    assert plan is None
    assert "limits.mining_min_mt_per_year, 2020: least 5,000 kt, reached 0 kt" in reason


def test_the_same_problem_gives_the_same_plan() -> None:
    one, other = (made(problem_of(read_mine("mzo"))) for _ in range(2))
    assert np.array_equal(one.mined, other.mined)
    assert np.array_equal(one.sent, other.sent)
