"""What once made a sound mine fail late: exact fits, starts that break precedence, names taken, figures near zero."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from scheduler import block_engine, solving
from scheduler.audit import audit
from scheduler.block_engine import periods_of_blocks
from scheduler.cli import session
from scheduler.compiling import compile_problem
from scheduler.exact import solve_exact
from scheduler.formulation.reach import reach
from scheduler.outcome import FEASIBLE, OPTIMAL, ExitCode, status_of
from scheduler.solving import Request, solve_mine
from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.options import SolveOptions
from solvers.schedule import Schedule
from tests.builders import tiny_data, tiny_mine, write_mine
from tests.solvers.relaxation.programs import random_program

IN_A_ROW = (("b0-0-0", "b3-0-0", 0.0),)


def test_units_that_fit_a_capacity_exactly_in_decimals_are_reached():
    """Rock of 138,673,015 t and of 1 t in a year that moves 138.673016 Mt."""
    size = [300.0, 300.0, 300.0]
    changes = {"limits.mining_mt_per_year": 138.673016, "limits.mill_t_per_day": 1e6, "blocks.size_m": size}
    mine = tiny_mine(nx=1, nz=3, periods=2, tonnes=[138_673_015.0, 1.0, 7e6], stockpile=False, changes=changes)
    found = reach(compile_problem(mine, scheduling_units(mine, "block")))
    assert found.finished[:2, 0].all()
    assert not found.finished[2, 0]


def test_blocks_of_a_panel_are_placed_after_those_of_it_that_they_need():
    mine = tiny_mine(nx=4, nz=1, periods=2, precedence=IN_A_ROW)
    panels, blocks = scheduling_units(mine, "panel"), scheduling_units(mine, "block")
    assert len(panels.units) == 1
    period = periods_of_blocks(panels, blocks, np.array([[0.5, 0.5]]))
    names = blocks.units["unit"].tolist()
    assert sorted(period.tolist()) == [0, 0, 1, 1]
    assert period[names.index("b0-0-0")] >= period[names.index("b3-0-0")]


def test_a_mine_with_precedence_within_a_panel_has_a_sound_plan_by_blocks():
    changes = {"limits.mining_mt_per_year": 0.14, "limits.mill_t_per_day": 400.0}
    mine = tiny_mine(nx=4, nz=1, periods=3, precedence=IN_A_ROW, stockpile=False, changes=changes)
    answer = solve_mine(mine, Request(gap=1e-6, resolution="block", engine="block", threads=1))
    exact = solve_exact(compile_problem(mine, scheduling_units(mine, "block")), SolveOptions(gap=0.0, threads=1))
    assert answer.exit_code is ExitCode.DONE
    assert answer.summary["objective"] == pytest.approx(1000 * exact.result.objective, rel=1e-5)


def test_starts_that_break_precedence_are_left_out():
    program = next(made for made in map(random_program, range(50)) if made.arc_tail.size and not made.lags.any())
    share = np.zeros((program.n_parts, program.n_choices))
    share[:, 0] = 1.0
    step = np.full(program.n_nodes, program.n_steps)
    step[program.arc_tail[0]] = 0
    wrong = Schedule(step, share, np.clip(0.0, program.extra_lower, program.extra_upper))
    assert not wrong.keeps_order(program)
    found = find_schedule(program, ScheduleOptions(rounds=2, workers=1), starts=lambda: [("wrong", wrong)])
    assert found.origin != "wrong"
    assert found.schedule is None or found.schedule.keeps_order(program)


@pytest.mark.parametrize(
    ("objective", "bound", "status"), [(100.0, 100.0, OPTIMAL), (100.00001, 100.0, OPTIMAL), (101.0, 100.0, FEASIBLE)]
)
def test_nothing_is_proven_of_a_plan_worth_more_than_its_bound(objective, bound, status):
    assert status_of(objective, bound, 0.0) == status


def test_a_plan_by_blocks_does_without_one_by_panels(monkeypatch, caplog):
    def refused(*_: object):
        raise BadInput([])

    monkeypatch.setattr(solving, "_solved_exactly", refused)
    answer = solve_mine(tiny_mine(), Request(gap=1e-4, resolution="block", engine="block", threads=1))
    assert answer.plan is not None
    assert answer.summary["panels"] is None
    assert "no plan by panels" in caplog.text


def test_a_plan_whose_folder_was_taken_meanwhile_gets_another(pitwise, tiny, tmp_path, monkeypatch):
    taken = tmp_path / "taken"
    names = iter([str(taken), str(taken), str(tmp_path / "free")])

    def named(_: object) -> str:
        return next(names)

    def solved_meanwhile(instance, request, **more):
        taken.mkdir()
        (taken / "plan").write_text("of another run")
        return solve(instance, request, **more)

    solve = session.solve_mine
    monkeypatch.setattr(session, "new_folder", named)
    monkeypatch.setattr(session, "solve_mine", solved_meanwhile)
    told = pitwise("solve", tiny, "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["run"] == str(tmp_path / "free")
    assert (tmp_path / "free" / "plan.parquet").exists()
    assert [path.name for path in taken.iterdir()] == ["plan"]


@pytest.mark.parametrize("claimed", [0.0, 1e-11, -1e-9])
def test_the_objective_of_an_empty_plan_may_be_dust(claimed):
    mine = tiny_mine(stockpile=False)
    problem = compile_problem(mine, scheduling_units(mine, "block"))
    exact = solve_exact(problem, SolveOptions(gap=0.0, threads=1))
    plan = solving.to_plan(problem, exact.solution, "block")
    empty = replace(plan, mined=plan.mined.iloc[:0], operating=plan.operating.assign(works=False))
    checked = audit(mine, empty, objective=claimed)
    assert checked.turnover == 0.0
    assert checked.passed, [str(one) for one in checked.findings]


@pytest.mark.parametrize("left", [1.0, 0.0, 3_000.0])
def test_a_plan_worth_next_to_nothing_stands_up_to_verification(pitwise, tmp_path, left):
    """Capital takes all that is earned but some; the objective is far below what flows in and out."""
    asked = Request(gap=0.0, resolution="block", engine="block", threads=1)
    earned = solve_mine(tiny_mine(stockpile=False), asked).summary["objective"]
    assert isinstance(earned, float)
    capital = [{"title": "plant", "amount": earned - left, "date": dt.date(2020, 1, 1)}]
    mine = write_mine(tmp_path / "poor", tiny_data(stockpile=False, changes={"capital": capital}))
    told = pitwise("solve", mine, "--resolution", "block", "--engine", "block", "--gap", "0", "--out", tmp_path / "run")
    assert told.exit_code in {0, 4}, told.output
    passed = pitwise("verify", tmp_path / "run")
    assert passed.exit_code == 0, passed.output


def test_a_node_limit_is_told_to_mean_nothing_for_blocks(caplog):
    asked = Request(gap=0.0, resolution="block", engine="block", threads=1, node_limit=1)
    solve_mine(tiny_mine(stockpile=False), asked)
    assert "a node limit is for the exact engine alone" in caplog.text


def test_grains_of_a_parcel_go_where_the_rest_of_it_goes():
    mine = tiny_mine()
    problem = compile_problem(mine, scheduling_units(mine, "block"))
    parcel = int(problem.route_parcel[0])
    routes = np.flatnonzero(problem.route_parcel == parcel)
    if routes.size < 2:
        parcel = int(np.bincount(problem.route_parcel).argmax())
        routes = np.flatnonzero(problem.route_parcel == parcel)
    sent = np.zeros((problem.route_parcel.size, problem.periods))
    sent[routes[0], 0], sent[routes[1], 0] = 1e-9, 1.0 - 1e-9
    block_engine._send_elsewhere(problem, sent, sent <= 1e-6, np.zeros(sent.shape, np.bool_))
    assert sent[routes[0], 0] == 0.0
    assert sent[routes[1], 0] == 1.0


def test_weeks_have_labels_of_their_own():
    mine = tiny_mine(periods=8, changes={"calendar.period_years": 1 / 52})
    labels = mine.mine.calendar.labels()
    assert len(set(labels)) == 8
    assert labels[0] == "2020-01-p1"


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--threads", "-2")])
def test_numbers_below_zero_are_refused(pitwise, tmp_path, option, value):
    (tmp_path / "one.cpit").write_text("")
    told = pitwise("solve", tmp_path / "one.cpit", option, value)
    assert told.exit_code == 2
    assert option in told.output
