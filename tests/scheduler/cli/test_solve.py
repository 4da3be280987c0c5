"""``pitwise solve`` from end to end on a small mine: output, run folder, exit codes."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scheduler import solving
from scheduler.audit import Audit
from scheduler.audit.findings import AuditFinding
from scheduler.cli.report import proof_lines
from scheduler.outcome import FEASIBLE, INFEASIBLE, NO_PLAN, OPTIMAL, status_of
from scheduler.runfolder import read_run
from tests.scheduler.cli.conftest import Pitwise, only_object

PROMISED = {
    "status",
    "stop_reason",
    "objective",
    "bound",
    "gap",
    "gap_abs",
    "npv",
    "npv_published_basis",
    "undiscounted_after_tax",
    "copper_mlb_total",
    "copper_mlb_by_period",
    "ore_mt",
    "strip_ratio",
    "baseline_objective",
    "uplift",
    "uplift_fraction",
    "audit",
    "seconds",
    "versions",
    "seed",
    "instance_hash",
    "solver_bound",
    "certified_bound",
    "gap_certified",
    "lp_bound",
}
FILES = {
    "run.json",
    "summary.json",
    "plan.parquet",
    "stock.parquet",
    "reclaim.parquet",
    "tailings.parquet",
    "operating.parquet",
    "options.parquet",
    "certificate.json",
    "schedule.csv",
    "cashflow.csv",
    "log.txt",
    "mine",
}


def test_a_solved_mine_leaves_a_whole_run(solved: Path):
    run = read_run(solved)
    assert {path.name for path in solved.iterdir()} == FILES
    assert set(run.summary) >= PROMISED
    assert run.summary["status"] == OPTIMAL
    assert run.summary["audit"]["passed"]
    assert run.summary["seconds"]["total"] > 0
    assert run.summary["versions"].keys() == {"pitwise", "python", "highs", "pyomo", "numpy"}
    assert "HiGHS" in (solved / "log.txt").read_text() or "highs" in (solved / "log.txt").read_text()


def test_money_is_in_currency_and_the_figures_agree_with_the_tables(solved: Path):
    summary = read_run(solved).summary
    cash = pd.read_csv(solved / "cashflow.csv")
    schedule = pd.read_csv(solved / "schedule.csv")
    assert math.isclose(summary["objective"], cash["discounted_pre_tax"].sum(), rel_tol=1e-6)
    assert math.isclose(summary["npv"], cash["discounted_after_tax"].sum(), rel_tol=1e-6)
    assert math.isclose(summary["copper_mlb_total"], schedule["copper_recovered_mlb"].sum(), rel_tol=1e-6)
    assert math.isclose(summary["uplift"], summary["objective"] - summary["baseline_objective"], rel_tol=1e-9)
    assert summary["gap"] <= 1e-9
    assert summary["solver_bound"] == summary["bound"] >= summary["objective"]


def test_the_table_has_a_row_a_period_and_fits_a_hundred_columns(pitwise: Pitwise, tiny: Path):
    result = pitwise("solve", tiny)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert result.stderr == ""
    assert [line.split()[0] for line in lines if line[:4].isdigit()] == ["2020", "2021", "2022"]
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in result.stdout
    assert not [line for line in lines if line != line.rstrip()]
    for said in (
        "objective $ ",
        "uplift over the hand-made plan",
        "audit passed",
        "what binds",
        "run written to runs/",
    ):
        assert said in result.stdout


def test_a_run_is_never_written_over_another(pitwise: Pitwise, tiny: Path, elsewhere: Path):
    for _ in range(3):
        assert pitwise("solve", tiny).exit_code == 0
    assert len(list((elsewhere / "runs").iterdir())) == 3


def test_json_is_one_object_with_all_that_was_promised(pitwise: Pitwise, tiny: Path, elsewhere: Path):
    result = pitwise("solve", tiny, "--json", "--out", "here")
    told = only_object(result.stdout)
    assert set(told) >= PROMISED | {"run", "exit_code"}
    assert told["run"] == "here"
    assert told["exit_code"] == result.exit_code == 0
    assert (elsewhere / "here" / "summary.json").is_file()
    assert result.stderr == ""


def test_overrides_are_solved_and_kept_with_the_run(pitwise: Pitwise, tiny: Path):
    usual = only_object(pitwise("solve", tiny, "--json").stdout)
    price = "products.copper.price_usd_per_lb*=0.8"
    result = pitwise("solve", tiny, "--json", "--set", price, "--set", "limits.mill_t_per_day=200", "--out", "cheap")
    cheap = only_object(result.stdout)
    assert result.exit_code == 0
    assert cheap["objective"] < usual["objective"]
    assert cheap["instance_hash"] != usual["instance_hash"]
    assert read_run("cheap").instance.overrides == (price, "limits.mill_t_per_day=200")
    assert pitwise("verify", "cheap", "--instance", tiny).exit_code == 0


def test_the_same_seed_gives_the_same_plan(pitwise: Pitwise, wider: Path):
    for name in ("one", "two"):
        assert pitwise("solve", wider, "--seed", "3", "--out", name).exit_code == 0
    one, two = read_run("one"), read_run("two")
    pd.testing.assert_frame_equal(one.plan.mined, two.plan.mined)
    assert one.summary["objective"] == two.summary["objective"]
    assert one.summary["seed"] == 3


def test_an_infeasible_mine_is_explained_in_its_own_keys(pitwise: Pitwise, tiny: Path, elsewhere: Path):
    arguments = ("solve", tiny, "--set", "limits.mill_min_t_per_day=300")
    result = pitwise(*arguments)
    told = only_object(pitwise(*arguments, "--json").stdout)
    assert result.exit_code == 3
    assert "infeasible, proven" in result.stdout
    assert "limits.mill_min_t_per_day 2020" in result.stdout
    assert told["status"] == INFEASIBLE
    assert [conflict["key"] for conflict in told["conflicts"]] == ["limits.mill_min_t_per_day"]
    assert not (elsewhere / "runs").exists()


def stopped_early(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[], None], *, with_start: bool = True) -> None:
    """Lets the search begin with a hand-made plan of little worth, or none, and calls ``spoil`` as it begins."""
    real = solving.solve_exact

    def solve(problem: Any, options: Any, *, start: Any, **named: Any) -> Any:
        def begin(context: Any) -> bool:
            spoil()
            return bool(with_start and start(context))

        return real(problem, options, start=begin, **named)

    monkeypatch.setattr(solving, "solve_exact", solve)


def test_a_time_limit_leaves_a_plan_with_its_gap(pitwise: Pitwise, wider: Path):
    result = pitwise("solve", wider, "--gap", "0", "--time-limit", "0", "--json")
    told = only_object(result.stdout)
    assert result.exit_code == 4
    assert told["status"] == FEASIBLE
    assert told["stop_reason"] == "time limit"
    assert told["gap"] > 0
    assert told["audit"]["passed"]
    assert read_run(told["run"]).summary["gap"] == told["gap"]
    assert pitwise("verify", told["run"]).exit_code == 0
    shown = pitwise("show", told["run"]).stdout
    assert "NOT proven optimal: stopped at the time limit with a gap of" in " ".join(shown.split())


def test_a_plan_worth_nothing_is_told_with_its_bound_and_a_gap_in_money(pitwise: Pitwise, wider: Path):
    """There is no share of nothing, but the bound stands."""
    told = only_object(pitwise("solve", wider, "--gap", "0", "--time-limit", "0", "--json").stdout)
    nothing = told | {"objective": 0.0, "bound": 5e6, "gap": None, "certified_bound": 6e6, "gap_certified": None}
    assert told["bound"] is not None
    first, second, *_ = proof_lines(nothing)
    assert first.count(" 5.000 M") == 2
    assert "without a bound" not in first
    assert second.count(" 6.000 M") == 2
    beside = nothing | {"panels": {"units": 3, "objective": 0.0, "bound": 0.0}}
    assert proof_lines(beside)[2].startswith("by 3 panels: no plan that mines anything, bound ")


def test_a_node_limit_leaves_a_plan(pitwise: Pitwise, wider: Path):
    result = pitwise("solve", wider, "--gap", "0", "--node-limit", "0", "--json")
    told = only_object(result.stdout)
    assert result.exit_code in {0, 4}
    assert (told["status"], result.exit_code) in {(OPTIMAL, 0), (FEASIBLE, 4)}
    assert told["limits"] == {"nodes": 0, "time_s": None}
    assert read_run(told["run"]).plan.mined["tonnes"].sum() > 0


def test_ctrl_c_keeps_the_best_plan(pitwise: Pitwise, wider: Path, monkeypatch: pytest.MonkeyPatch):
    stopped_early(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    result = pitwise("solve", wider, "--gap", "0", "--json")
    told = only_object(result.stdout)
    assert result.exit_code == 4
    assert told["stop_reason"] == "interrupted"
    assert "keeping the best plan" in result.stderr
    assert Path(told["run"]).is_dir()


def test_a_stop_before_any_plan_is_not_called_infeasible(
    pitwise: Pitwise, wider: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    stopped_early(monkeypatch, lambda: None, with_start=False)
    result = pitwise("solve", wider, "--time-limit", "0")
    told = only_object(pitwise("solve", wider, "--time-limit", "0", "--json").stdout)
    assert result.exit_code == 6
    assert "no plan found: stopped at the time limit; no plan is worth more than $ " in result.stdout
    assert told["status"] == NO_PLAN
    assert told["bound"] is not None
    assert told["objective"] is None
    assert not (elsewhere / "runs").exists()


def test_ctrl_c_before_the_search_says_that_there_is_no_plan(
    pitwise: Pitwise, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scheduler.cli.session.read_mine", interrupt)
    result = pitwise("solve", tiny, "--json")
    assert result.exit_code == 6
    assert only_object(result.stdout)["status"] == NO_PLAN


def test_a_plan_that_fails_its_audit_is_written_with_the_findings(
    pitwise: Pitwise, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    finding = AuditFinding("mining_max", "2020", "pit", 3.0, 2.0, "t")
    failed = Audit((finding,), {"mining_max": 1}, {"mining_max": 3}, 0.0, 0.0, {"mining_max": 0.5}, {}, {})
    monkeypatch.setattr(solving, "audit", lambda *_, **__: failed)
    result = pitwise("solve", tiny, "--out", "run")
    assert result.exit_code == 5
    assert "AUDIT FAILED: 1 breaches" in result.stdout
    assert "2020: tonnes moved, pit: 3 t, at most 2 t" in result.stdout
    assert not read_run("run").summary["audit"]["passed"]


def test_a_bug_asks_to_be_reported(pitwise: Pitwise, tiny: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("scheduler.cli.session.solve_mine", broken)
    result = pitwise("solve", tiny)
    assert result.exit_code == 1
    assert result.stderr.startswith("pitwise: bug: ZeroDivisionError: planted; please report it")
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("objective", "bound", "gap", "infeasible", "status"),
    [
        (100.0, 100.1, 1e-3, False, OPTIMAL),
        (100.0, 100.2, 1e-3, False, FEASIBLE),
        (-100.0, -99.9, 1e-3, False, OPTIMAL),
        (-100.0, -99.0, 1e-3, False, FEASIBLE),
        (100.0, 100.0, 0.0, False, OPTIMAL),
        (0.0, 0.0, 0.0, False, OPTIMAL),
        (100.0, None, 1.0, False, FEASIBLE),
        (None, 100.0, 1.0, False, NO_PLAN),
        (None, None, 1.0, True, INFEASIBLE),
    ],
)
def test_the_status_follows_from_objective_bound_and_gap(
    objective: float | None, bound: float | None, gap: float, infeasible: bool, status: str
):
    assert status_of(objective, bound, gap, infeasible=infeasible) == status
