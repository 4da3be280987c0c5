"""A neighbour's plan as a start: kept where it can be, refused where it cannot, and never better than the optimum."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pytest

from instances.geometry.units import scheduling_units
from instances.instance import Instance
from scheduler.compiling import compile_problem
from scheduler.exact import ExactAnswer, solve_exact
from scheduler.formulation.assembly import strengthened
from scheduler.formulation.build import build
from scheduler.mine_certificate_check import verify_mine_certificate
from scheduler.mine_certificate_file import read_mine_certificate
from scheduler.neighbours import Neighbour, mined_by, neighbour_start
from scheduler.problem import Problem
from scheduler.runfolder import json_text
from scheduler.solution import Solution
from scheduler.solving import THOUSAND, Answer, Request, solve_mine
from scheduler.studies import decisions, pricing
from scheduler.studies.pricing import Future, fixed_value
from scheduler.verified import Verified
from solvers.options import SolveOptions
from solvers.result import Outcome, StartUse
from tests.builders import tiny_mine

TO_THE_END = SolveOptions(gap=0.0, threads=1)


def mine(**changes: object) -> Instance:
    """A small mine whose optimum takes a search."""
    grades = [0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1]
    return tiny_mine(nx=4, nz=3, periods=4, grades=grades, phases=("east", "west"), changes=changes)


def problem_of(instance: Instance) -> Problem:
    return compile_problem(instance, scheduling_units(instance, "panel"))


@pytest.fixture(scope="module")
def solved() -> ExactAnswer:
    """The optimum of the small mine."""
    return solve_exact(problem_of(mine()), TO_THE_END)


def started(problem: Problem, neighbour: Solution) -> float | None:
    """Value of the start that a neighbour's plan gives, ``None`` where it gives none."""
    context = build(problem)
    compiled = strengthened(context).compiled
    program = compiled.program
    found = neighbour_start(context, compiled, program, neighbour, TO_THE_END)
    if found is None:
        return None
    assert program.is_feasible(found)
    return program.objective_value(found)


def test_a_plan_starts_its_own_problem_at_its_own_value(solved: ExactAnswer):
    """Nothing is lost on the way."""
    assert solved.solution is not None
    assert started(problem_of(mine()), solved.solution) == pytest.approx(solved.result.objective, rel=1e-7)


@pytest.mark.parametrize("mill", [250.0, 350.0, 600.0])
def test_a_start_lies_between_the_plan_kept_and_the_optimum(solved: ExactAnswer, mill: float):
    """Its continuous decisions are the best for the new limits, its whole ones the neighbour's."""
    assert solved.solution is not None
    future = Future.of(mine(**{"limits.mill_t_per_day": mill}))
    problem = future.problem
    best = solve_exact(problem, TO_THE_END).result.objective
    assert best is not None
    kept, _ = fixed_value(future, solved.solution)
    value = started(problem, solved.solution)
    if kept is not None:
        assert value is not None
        assert value >= kept / THOUSAND - 1e-6
    assert value is None or value <= best + 1e-6


def test_where_nothing_fits_there_is_no_start(solved: ExactAnswer):
    """A least feed that cannot be mined keeps no plan at all."""
    assert solved.solution is not None
    problem = problem_of(mine(**{"limits.mining_mt_per_year": 0.001, "limits.mill_min_t_per_day": 290.0}))
    assert started(problem, solved.solution) is None
    answer = solve_exact(problem, TO_THE_END, neighbour=solved.solution)
    assert answer.result.start is StartUse.NONE
    assert answer.result.outcome is Outcome.INFEASIBLE


def test_a_neighbour_changes_where_the_search_begins_and_not_what_is_proven(solved: ExactAnswer):
    """Value and bound at gap 0 are those without it."""
    problem = problem_of(mine(**{"limits.mill_t_per_day": 350.0}))
    alone = solve_exact(problem, TO_THE_END).result
    helped = solve_exact(problem, TO_THE_END, neighbour=solved.solution).result
    assert helped.start is StartUse.ACCEPTED
    assert helped.objective == pytest.approx(alone.objective, rel=1e-7)
    assert helped.bound == pytest.approx(alone.bound, rel=1e-7)


def helped(mill: float, gap: float, **changes: object) -> tuple[Instance, Answer, Answer]:
    """A mine with another mill, solved by itself and with what is known of the first mine."""
    kept: list[Solution] = []

    def keep(_: Problem, engine: ExactAnswer) -> None:
        assert engine.solution is not None
        kept.append(engine.solution)

    first = solve_mine(mine(), Request(gap=0.0, threads=1), on_solved=keep)
    assert first.certificate is not None
    other = mine(**{"limits.mill_t_per_day": mill}, **changes)
    asked = Request(gap=gap, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        decisions.write_cases(Path(folder) / decisions.CASES, first.certificate)
        known = Neighbour(kept[0], decisions.read_cases(Path(folder) / decisions.CASES))
    assert known.cover is not None
    return other, solve_mine(other, asked), solve_mine(other, asked, neighbour=lambda _: known)


@pytest.mark.parametrize("mill", [250.0, 350.0])
def test_a_search_begun_with_a_neighbours_cases_proves_the_same(mill: float):
    """Value and bound at gap 0 are those without them, and the certificate follows from the mine alone."""
    other, alone, found = helped(mill, 0.0)
    assert found.summary["status"] == alone.summary["status"] == "optimal within the gap"
    assert found.summary["objective"] == pytest.approx(alone.summary["objective"], rel=1e-7)
    assert found.summary["bound"] == pytest.approx(alone.summary["bound"], rel=1e-6)
    checks = verified(other, found)
    assert all(check.passed for check in checks), checks


def test_where_a_neighbours_cases_prove_the_gap_there_is_no_search():
    """The bound is the certificate's, and said to be no solver's."""
    other, alone, found = helped(310.0, 0.5)
    summary = found.summary
    assert (summary["status"], summary["nodes"], summary["solver_bound"]) == ("optimal within the gap", 0, None)
    assert summary["bound"] == summary["certified_bound"]
    assert summary["bound"] >= alone.summary["objective"]
    assert all(check.passed for check in verified(other, found))


def test_a_neighbours_cases_do_not_hide_that_there_is_no_plan():
    """An infeasible mine stays infeasible, and says why."""
    _, alone, found = helped(350.0, 0.0, **{"limits.mining_mt_per_year": 0.001, "limits.mill_min_t_per_day": 290.0})
    assert found.summary["status"] == alone.summary["status"] == "infeasible"
    assert [one.key for one in found.conflicts] == [one.key for one in alone.conflicts]


def verified(instance: Instance, found: Answer) -> list[Verified]:
    """The certificate of an answer, checked from its file and the mine."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "certificate.json"
        file.write_text(json_text(found.certificate), encoding="utf-8")
        return verify_mine_certificate(read_mine_certificate(file), instance)


def test_mined_by_follows_from_the_tonnes_sent(solved: ExactAnswer):
    """Of every parcel of a unit, not only of the one that is read."""
    problem = problem_of(mine())
    assert solved.solution is not None
    mined = mined_by(problem, solved.solution)
    for parcel, unit in enumerate(problem.parcel_unit.tolist()):
        sent = np.cumsum(solved.solution.sent[problem.route_parcel == parcel].sum(axis=0))
        assert sent == pytest.approx(mined[unit], abs=1e-6)


def test_a_kept_plan_is_worth_its_value_or_breaks_a_limit_that_is_named(solved: ExactAnswer):
    """Under its own mine its own value; under a smaller mill the mill is named."""
    assert solved.solution is not None
    assert solved.result.objective is not None
    value, broken = fixed_value(Future.of(mine()), solved.solution)
    assert broken == ""
    assert value == pytest.approx(THOUSAND * solved.result.objective, rel=1e-7)
    value, broken = fixed_value(Future.of(mine(**{"limits.mill_t_per_day": 100.0})), solved.solution)
    assert value is None
    assert broken.startswith("limits.mill_t_per_day, ")


OPTION = {"widens": "mining", "adds_mt_per_year": 0.1, "cost": 1000.0}
STOCK = {"destinations.pile.bins.low.opening_mt": 0.1, "destinations.pile.bins.low.opening_grade": {"cu": 0.4}}
TAILINGS = {
    "destinations.mill.tailings_t_per_t": 1.0,
    "destinations.pond": {"kind": "tailings_facility", "accepts": [], "storage_mt": 10.0},
}


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        ({}, {"phases.west.max_benches_per_year": 0.5}, "benches turned over, west"),
        ({"options.fleet": OPTION}, {"options.fleet.earliest": dt.date(2021, 1, 1)}, "bought, years after the start"),
        ({"phases.west.after": "east"}, {"phases.west.lag_years": 1.0}, "mined before what it needs is finished"),
        (
            STOCK,
            {"destinations.pile.bins.low.opening_mt": 0.001},
            "stock at the end, as tabled, pile/low: 0 t, expected -",
        ),
        (STOCK, {"destinations.pile.bins.low.leaves_at.cu": 2.0}, "metal reclaimed to date"),
        (TAILINGS, {"destinations.mill.tailings_t_per_t": 0.5}, "new tailings placed"),
    ],
)
def test_a_plan_is_kept_in_no_mine_whose_limits_it_breaks_whatever_their_kind(
    before: dict[str, object], after: dict[str, object], broken: str
):
    """Limits that are not on tonnes or ratios are named by the audit; in the mine before, the plan is sound."""
    first = Future.of(mine(**before))
    plan = solve_exact(first.problem, TO_THE_END).solution
    assert plan is not None
    assert fixed_value(first, plan)[1] == ""
    value, words = fixed_value(Future.of(mine(**(before | after))), plan)
    assert value is None
    assert broken in words


def test_a_plan_kept_is_never_counted_for_more_than_the_proven_bound(
    solved: ExactAnswer, caplog: pytest.LogCaptureFixture
):
    """Where every limit seems kept and it is worth more all the same, that is told."""
    assert solved.solution is not None
    assert solved.result.objective is not None
    value, words = fixed_value(Future.of(mine(), bound=0.9 * THOUSAND * solved.result.objective), solved.solution)
    assert value is None
    assert "more than the proven bound" in words
    assert "it is not counted" in caplog.text


def test_what_was_audited_under_the_same_limits_is_priced_without_another_audit(
    solved: ExactAnswer, monkeypatch: pytest.MonkeyPatch
):
    """Another price leaves the limits as they are; another sinking rate does not."""
    assert solved.solution is not None
    audited: dict[str, str] = {}
    assert fixed_value(Future.of(mine()), solved.solution, audited)[1] == ""
    monkeypatch.setattr(pricing, "audit", lambda *_, **__: pytest.fail("audited once more"))
    dear = Future.of(mine(**{"products.copper.price_usd_per_lb": 3.3}))
    value, _ = fixed_value(dear, solved.solution, audited)
    assert value == pytest.approx(THOUSAND * solved.solution.cash(dear.problem))
    with pytest.raises(pytest.fail.Exception):
        fixed_value(Future.of(mine(**{"phases.west.max_benches_per_year": 1.0})), solved.solution, audited)
