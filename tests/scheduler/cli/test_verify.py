"""``pitwise verify``: a sound run passes, planted damage of every kind does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.builders import tiny_data, write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object


def edited_plan(run: Path, change: Callable[[pd.DataFrame], pd.DataFrame], file: str = "plan.parquet") -> None:
    change(pd.read_parquet(run / file)).to_parquet(run / file, index=False)


def edited_summary(run: Path, **values: object) -> None:
    path = run / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def summary(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "summary.json").read_text()))


def failing(pitwise: Pitwise, run: Path, *arguments: object) -> str:
    """The lines of what fails; it has to fail with the code for it."""
    result = pitwise("verify", run, *arguments)
    assert result.exit_code == 5, result.output
    assert "NOT verified" in result.stdout
    assert "Traceback" not in result.output
    return str(result.stdout[result.stdout.index("FAILED") :])


def test_a_sound_run_passes_and_says_what_it_trusts(pitwise: Pitwise, solved: Path):
    result = pitwise("verify", solved)
    assert result.exit_code == 0
    assert "trusting the folder's own copy of the mine, hash" in result.stdout
    assert summary(solved)["instance_hash"] in result.stdout
    assert "only solving again" in result.stdout
    assert "FAILED" not in result.stdout


def test_a_sound_run_passes_against_its_mine(pitwise: Pitwise, solved: Path):
    result = pitwise("verify", solved, "--instance", solved.parent / "tiny")
    assert result.exit_code == 0
    assert "the mine given is the one that was solved" in result.stdout
    assert "trusting" not in result.stdout


def test_another_mine_is_found_out(pitwise: Pitwise, solved: Path, tmp_path: Path):
    other = write_mine(tmp_path / "other", tiny_data(changes={"costs.mining_per_t": 2.01}))
    assert "mine: the mine given has the hash" in failing(pitwise, solved, "--instance", other)


def test_json_is_one_object(pitwise: Pitwise, solved: Path, run_copy: Path):
    edited_summary(run_copy, objective=1.0)
    sound, damaged = pitwise("verify", solved, "--json"), pitwise("verify", run_copy, "--json")
    assert (sound.exit_code, damaged.exit_code) == (0, 5)
    assert only_object(sound.stdout)["passed"] is True
    told = only_object(damaged.stdout)
    assert told["passed"] is False
    assert {check["check"] for check in told["checks"] if not check["passed"]} >= {"audit", "gap"}
    assert "solving again" in told["not_checked"]


def test_tonnes_moved_to_another_year_are_found_out(pitwise: Pitwise, run_copy: Path):
    def earlier(plan: pd.DataFrame) -> pd.DataFrame:
        return plan.assign(period=plan["period"].min(), label=plan["label"].min())

    edited_plan(run_copy, earlier)
    said = failing(pitwise, run_copy)
    assert "tonnes moved" in said
    assert "schedule.csv" in said


def test_tonnes_out_of_nowhere_are_found_out(pitwise: Pitwise, run_copy: Path):
    edited_plan(run_copy, lambda plan: plan.assign(tonnes=plan["tonnes"] * 1.01))
    assert "tonnes mined of the parcel" in failing(pitwise, run_copy)


def test_a_parcel_that_the_mine_has_not_is_found_out(pitwise: Pitwise, run_copy: Path):
    edited_plan(run_copy, lambda plan: plan.assign(parcel=["gold", *plan["parcel"][1:]]))
    assert "gold" in failing(pitwise, run_copy)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"objective": 7.3e6}, "discounted cash claimed"),
        ({"objective": None}, "objective or bound is no number"),
        ({"bound": 7.0e6}, "below the objective"),
        ({"bound": 8.0e6, "solver_bound": 8.0e6}, "gap_abs"),
        ({"gap": 0.5}, "gap is 0.5"),
        ({"solver_bound": 7.1e6}, "bound is"),
        ({"status": "feasible: stopped at a limit"}, "status is"),
        ({"uplift": 1e9}, "uplift"),
        ({"npv": 1e9}, "npv is"),
        ({"copper_mlb_total": 9.9}, "copper_mlb_total"),
        ({"copper_mlb_by_period": {"2020": 1.0}}, "other periods"),
        ({"instance_hash": "0" * 64}, "the summary is of the mine 0000"),
        ({"mining": "whole"}, "mining is 'whole', expected 'partial'"),
        ({"resolution": "block"}, "resolution is 'block', expected 'panel'"),
        ({"units": 1}, "units is 1"),
        ({"periods": 99}, "periods is 99"),
        ({"overrides": ["a=1"]}, "overrides is ['a=1'], expected []"),
        ({"currency": "gold"}, "currency is 'gold'"),
        ({"instance": "another"}, "instance is 'another'"),
    ],
)
def test_an_edited_summary_is_found_out(pitwise: Pitwise, run_copy: Path, values: dict[str, object], said: str):
    edited_summary(run_copy, **values)
    assert said in failing(pitwise, run_copy)


@pytest.mark.parametrize("file", ["schedule.csv", "cashflow.csv"])
def test_an_edited_table_is_found_out(pitwise: Pitwise, run_copy: Path, file: str):
    table = pd.read_csv(run_copy / file, index_col=0)
    table.iloc[1, 0] += 1.0
    table.to_csv(run_copy / file)
    assert f"{file}, {table.columns[0]}, 2021" in failing(pitwise, run_copy)


def test_a_missing_table_is_found_out(pitwise: Pitwise, run_copy: Path):
    (run_copy / "schedule.csv").unlink()
    assert "schedule.csv cannot be read" in failing(pitwise, run_copy)


def test_a_changed_copy_of_the_mine_is_found_out(pitwise: Pitwise, run_copy: Path):
    file = run_copy / "mine" / "mine.toml"
    file.write_text(file.read_text().replace("mining_per_t = 2.0", "mining_per_t = 1.0"))
    assert "it was changed since" in failing(pitwise, run_copy)


def test_a_plan_cut_off_is_found_out(pitwise: Pitwise, run_copy: Path):
    whole = (run_copy / "plan.parquet").read_bytes()
    (run_copy / "plan.parquet").write_bytes(whole[: len(whole) // 2])
    assert "the folder is damaged" in failing(pitwise, run_copy)


def test_a_folder_that_is_no_run_is_bad_input(pitwise: Pitwise, tiny: Path):
    result = pitwise("verify", tiny)
    assert result.exit_code == 2
    assert "run.json" in result.stderr
