"""``pitwise study`` from the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from scheduler.studies.results import Study
from tests.builders import write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object

STUDY = """
format = 1
name = "two-mills"
title = "Two mills"
mine = "mine"
base = false

[parameters.mill]
paths = ["limits.mill_t_per_day"]
values = [200.0, 300.0]

[[designs]]
kind = "grid"
parameters = ["mill"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study and its mine."""
    folder = tmp_path_factory.mktemp("study")
    write_mine(folder / "mine")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def test_a_dry_run_lists_what_each_scenario_changes_and_writes_nothing(pitwise: Pitwise, folder: Path, tmp_path: Path):
    """Key, old value, new value."""
    result = pitwise("study", folder, "--dry-run")
    assert result.exit_code == 0
    assert "Two mills: 2 scenarios of tiny" in result.stdout
    assert "limits.mill_t_per_day: 300.0 -> 200.0" in result.stdout
    assert not list(tmp_path.iterdir())
    told = only_object(pitwise("study", folder, "--dry-run", "--json").stdout)
    assert [scenario["name"] for scenario in told["scenarios"]] == ["mill-200", "mill-300"]


def test_a_study_is_run_told_and_gone_on_with(pitwise: Pitwise, folder: Path, tmp_path: Path):
    """Tables on stdout, talk on stderr, tables in the folder; status counts; a second call solves nothing."""
    result = pitwise("study", folder, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "mill-300" in result.stdout
    assert "1 of 2" in result.stderr
    out = tmp_path / "studies" / "two-mills"
    assert list(pd.read_csv(out / "scenarios.csv")["scenario"]) == ["mill-200", "mill-300"]
    assert Study(out).results()["status"].eq("optimal within the gap").all()
    assert pitwise("study", out, "--status").stdout == "two-mills: 2 optimal within the gap\n"
    assert "No scenario has a report yet" in (out / "study.html").read_text(encoding="utf-8")
    again = pitwise("study", folder, "--report", "--json")
    assert "of 2" not in again.stderr
    assert again.stderr.count("report.html") == 2
    assert (out / "study.html").read_text(encoding="utf-8").count('/report.html"') == 2
    told = only_object(again.stdout)
    assert told["page"] == "studies/two-mills/study.html"
    assert told["figures"]["best"] == "mill-300"
    assert told["steps"][0]["gain"] > 0


def test_the_folder_of_a_study_is_reported(pitwise: Pitwise, folder: Path, tmp_path: Path):
    """Its page and a report a scenario; what only a run has is refused."""
    assert pitwise("study", folder, "--out", "out", "--quiet").exit_code == 0
    told = only_object(pitwise("report", "out", "--json").stdout)
    assert len(told["files"]) == 5
    assert all((tmp_path / file).is_file() for file in told["files"])
    refused = pitwise("report", "out", "--pictures", "--out", "elsewhere")
    assert refused.exit_code == 2
    assert "--pictures: expected the folder of a run; out is a study's" in refused.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_bad_input_is_refused_before_anything_is_written(pitwise: Pitwise, folder: Path, tmp_path: Path):
    """Exit code 2, a line a finding, no folder."""
    (tmp_path / "bad.toml").write_text(STUDY.replace("mill_t_per_day", "mill_t_per_dya"), encoding="utf-8")
    (tmp_path / "mine").symlink_to(folder / "mine")
    result = pitwise("study", "bad.toml", "--out", "out")
    assert result.exit_code == 2
    assert "(nearest: limits.mill_t_per_day)" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_status_of_something_else_is_refused(pitwise: Pitwise, folder: Path):
    """A folder that holds no study."""
    result = pitwise("study", folder, "--status")
    assert result.exit_code == 2
    assert "the folder of a study" in result.stderr
