"""The exact engine on small mines: shadow prices, the price of its plan, resolutions, starts; and the MZO mine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyomo.environ as pyo
import pytest

from instances.geometry.units import Resolution, scheduling_units
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.audit import audit
from scheduler.compiling import compile_problem
from scheduler.exact import ExactAnswer, solve_exact
from scheduler.formulation.assembly import strengthened
from scheduler.formulation.build import build
from scheduler.formulation.context import Formulation
from scheduler.problem import Array, Problem
from scheduler.solution import to_plan
from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.result import Outcome, StartUse, StopReason
from tests.builders import tiny_mine

TO_THE_END = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)
PLAIN = Formulation(early_start=False)
STEP = 0.01
"""Change of a limit, kt or t of metal, for finite differences."""

GRADES = [0.1, 0.3, 0.6, 0.4, 0.9, 1.1]


def mine(**changes: object) -> Instance:
    """Three columns of two benches with ore of every kind, three years."""
    return tiny_mine(grades=GRADES, changes=changes)


def piled_mine(**changes: object) -> Instance:
    """Low grade over ore and a small mill for six years: much goes over the stockpile."""
    return tiny_mine(grades=[0.4] * 3 + [0.9] * 3, periods=6, changes={"limits.mill_t_per_day": 150.0} | changes)


def problem_of(instance: Instance, resolution: Resolution = "panel") -> Problem:
    return compile_problem(instance, scheduling_units(instance, resolution))


def with_limit(problem: Problem, limit: str, item: str, period: int, step: float) -> Problem:
    """The problem with one limit in one period moved by a step."""

    def moved(values: Array) -> Array:
        return values + step * (np.arange(problem.periods) == period)

    ranges = {"mining_most": "mining", "milling_most": "milling", "rehandle_most": "rehandle"}
    tables = {"stock_room": "stock_most", "reclaim_rate": "reclaim_most", "inflow_most": "inflow_most"}
    if limit in ranges:
        old = getattr(problem, ranges[limit])
        return replace(problem, **{ranges[limit]: replace(old, upper=moved(old.upper))})
    if limit == "mining_least":
        return replace(problem, mining=replace(problem.mining, lower=moved(problem.mining.lower)))
    if limit in tables:
        table = getattr(problem, tables[limit])
        return replace(problem, **{tables[limit]: table | {item: moved(table[item])}})
    if limit == "metal_most":
        old = problem.metal[item]
        return replace(problem, metal=problem.metal | {item: replace(old, upper=moved(old.upper))})
    raise AssertionError(f"no step for {limit}")


def worth(problem: Problem, answer: ExactAnswer) -> float:
    """Discounted cash with the integers of an answer, all else decided again."""
    program = strengthened(build(problem, PLAIN)).compiled.program
    fixed = solve(program.with_fixed_integers(program.snapped(answer.result.x)), TO_THE_END)
    assert fixed.objective is not None
    return fixed.objective


PRICED: dict[str, Instance] = {
    "milling_most": mine(**{"limits.mill_t_per_day": 150.0}),
    "mining_most": mine(**{"limits.mining_mt_per_year": 0.11}),
    "mining_least": mine(**{"limits.mining_min_mt_per_year": 0.13}),
    "inflow_most": mine(**{"destinations.mill.capacity_mt_per_year": 0.05}),
    "metal_most": mine(**{"limits.metal.cu.max_t_per_year": 300.0}),
    "stock_room": piled_mine(**{"destinations.pile.capacity_mt": 0.01}),
    "reclaim_rate": piled_mine(**{"destinations.pile.reclaim_mt_per_year": 0.004}),
    "rehandle_most": piled_mine(**{"limits.rehandle_mt_per_year": 0.004}),
}


@pytest.mark.parametrize("limit", sorted(PRICED))
def test_shadow_prices_are_what_a_little_more_of_the_limit_is_worth(limit):
    """Each price lies between the gain of a step more and the loss of a step less, the integers being fixed."""
    problem = problem_of(PRICED[limit])
    answer = solve_exact(problem, TO_THE_END, formulation=PLAIN)
    base = worth(problem, answer)
    assert limit in set(answer.shadow_prices["limit"])
    for row in answer.shadow_prices.itertuples(index=False):
        period = problem.labels.index(row.period)
        gain = (worth(with_limit(problem, row.limit, row.item, period, STEP), answer) - base) / STEP
        loss = (base - worth(with_limit(problem, row.limit, row.item, period, -STEP), answer)) / STEP
        slack = 0.01 * abs(row.value) + 1e-4
        assert gain - slack <= row.value <= loss + slack
        if abs(gain - loss) < slack:
            assert row.value == pytest.approx(gain, rel=0.01, abs=1e-4)


@pytest.mark.parametrize("installation", ["mill", "pit"])
def test_a_fixed_cost_does_not_hide_the_price_of_capacity(installation):
    """Where an installation costs as long as it works, its capacity has the same price as where it costs nothing."""
    limits = {"mill": {"limits.mill_t_per_day": 150.0}, "pit": {"limits.mining_mt_per_year": 0.11}}[installation]
    free = solve_exact(problem_of(mine(**limits)), TO_THE_END, formulation=PLAIN).shadow_prices
    cost = {f"operating.{installation}": {"fixed_cost_per_year": 10.0}}
    paid = solve_exact(problem_of(mine(**limits, **cost)), TO_THE_END, formulation=PLAIN).shadow_prices
    assert len(free)
    assert paid[["limit", "period"]].to_numpy().tolist() == free[["limit", "period"]].to_numpy().tolist()
    assert paid["value"].to_numpy() == pytest.approx(free["value"].to_numpy(), rel=0.01)


def test_prices_name_the_key_and_the_item():
    """A price says which key of mine.toml sets the limit, of what, when and in which unit."""
    problem = problem_of(PRICED["stock_room"])
    table = solve_exact(problem, TO_THE_END).shadow_prices
    room = table[table["limit"] == "stock_room"].iloc[0]
    assert (room["key"], room["item"], room["unit"]) == ("destinations.pile.capacity_mt", "pile", "kt")
    assert room["period"] in problem.labels


@pytest.mark.parametrize("mining", [[0.2, 0.05, 0.2], [0.2, 0.17, 0.05], 0.2])
def test_a_change_of_movement_has_its_price_in_the_period_in_which_it_changes(mining):
    """Be it up or down, the price of a period is the gain of a little more change in that period."""
    limits = {"limits.movement_change_max_mt": 0.02, "limits.mining_mt_per_year": mining}
    problem = problem_of(mine(**limits))
    answer = solve_exact(problem, TO_THE_END, formulation=PLAIN)
    prices = answer.shadow_prices[answer.shadow_prices["limit"] == "movement_change"]
    compiled = strengthened(build(problem, PLAIN)).compiled
    fixed = compiled.program.with_fixed_integers(compiled.program.snapped(answer.result.x))
    base = solve(fixed, TO_THE_END).objective
    gains = {}
    for period, label in enumerate(problem.labels[1:], 1):
        rows = np.array([name == "movement_change" and at[0] == period for name, at in compiled.rows])
        wider = solve(replace(fixed, row_upper=fixed.row_upper + STEP * rows), TO_THE_END).objective
        gains[label] = (wider - base) / STEP
    assert len(prices)
    assert dict(zip(prices["period"], prices["value"], strict=True)) == pytest.approx(
        {label: gain for label, gain in gains.items() if gain > 1e-6}, rel=0.01
    )
    assert set(prices["item"]) == {""}


RICH: dict[str, object] = {
    "operating.pit": {"fixed_cost_per_year": 1e5, "closure_cost": 2e5},
    "operating.mill": {"fixed_cost_per_year": 2e5, "closure_cost": 1e5},
    "options.crusher": {"widens": "mill", "adds_t_per_day": 150.0, "cost": 2e5},
    "limits.strip_ratio_cumulative_max": 2.0,
}


def test_objective_is_the_cash_of_the_solution_and_of_the_audit():
    """Engine, solution and audit put the same price on the plan."""
    instance = mine(**RICH)
    problem = problem_of(instance)
    answer = solve_exact(problem, TO_THE_END)
    checked = audit(instance, to_plan(problem, answer.solution, "panel"))
    assert checked.passed
    assert answer.solution.cash(problem) == pytest.approx(answer.result.objective, rel=1e-9)
    assert checked.objective / 1000 == pytest.approx(answer.result.objective, rel=1e-6)


def test_blocks_and_panels_of_one_block_have_the_same_optimum():
    """Where each panel is a block and is mined whole, it makes no difference which of the two is scheduled."""
    instance = tiny_mine(nx=1, nz=4, grades=[0.1, 0.3, 0.9, 0.6], changes={"panels.mining": "whole"} | RICH)
    answers = [solve_exact(problem_of(instance, which), TO_THE_END) for which in ("panel", "block")]
    assert answers[0].result.objective == pytest.approx(answers[1].result.objective, rel=1e-9)
    assert answers[0].result.objective > 0


def load(answer: ExactAnswer, problem: Problem) -> Callable[..., bool]:
    """A start that writes the point of an answer to the variables."""

    def start(context) -> bool:
        values = strengthened(build(problem)).compiled
        names = {variable.name: value for variable, value in zip(values.variables, answer.result.x, strict=True)}
        for variable in context.model.component_data_objects(pyo.Var):
            variable.set_value(names.get(variable.name, 0.0), skip_validation=True)
        return True

    return start


def test_with_no_time_the_start_is_the_answer():
    """Given a plan and no time, the engine gives it back with its cash and an honest gap."""
    problem = problem_of(mine(**RICH))
    best = solve_exact(problem, TO_THE_END)
    answer = solve_exact(problem, replace(TO_THE_END, time_limit_s=0.0), start=load(best, problem))
    assert answer.result.start is StartUse.ACCEPTED
    assert answer.result.stop_reason is StopReason.TIME_LIMIT
    assert answer.result.objective == pytest.approx(best.result.objective, rel=1e-9)
    assert answer.result.bound >= best.result.objective - 1e-6
    assert answer.solution.cash(problem) == pytest.approx(best.result.objective, rel=1e-6)


def test_without_plan_or_time_there_is_no_solution():
    """With no time and no start nothing is claimed, and there are no prices."""
    answer = solve_exact(problem_of(mine(**RICH)), replace(TO_THE_END, time_limit_s=0.0))
    assert answer.result.outcome is Outcome.NO_SOLUTION
    assert answer.solution is None
    assert answer.shadow_prices.empty


def test_the_same_seed_gives_the_same_plan():
    """Two solves with the same seed decide the same to the last tonne."""
    problem = problem_of(mine(**RICH))
    one, other = (solve_exact(problem, TO_THE_END).solution for _ in range(2))
    assert (one.sent == other.sent).all()
    assert (one.reclaimed == other.reclaimed).all()


@pytest.mark.slow
def test_mzo_has_a_plan_within_one_per_cent_that_passes_the_audit():
    """The MZO mine is solved to 1 %, and the plan breaks no rule and is worth what the engine says."""
    instance = read_mine("mzo")
    units = scheduling_units(instance, "panel")
    problem = compile_problem(instance, units)
    answer = solve_exact(problem, SolveOptions(gap=0.01, time_limit_s=600.0))
    assert answer.solution is not None
    checked = audit(instance, to_plan(problem, answer.solution, "panel"), units=units)
    assert [str(finding) for finding in checked.findings] == []
    assert checked.objective / 1000 == pytest.approx(answer.result.objective, rel=1e-6)
    assert answer.result.bound >= answer.result.objective
    assert answer.result.gap <= 0.01 + 1e-9
