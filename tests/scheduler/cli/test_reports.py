"""``pitwise report``, ``solve --report`` and ``pitwise compare`` from the command line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from instances.schema.dictionary import every_key
from tests.builders import tiny_blocks, tiny_data, write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object
from tests.scheduler.reports.conftest import file_bytes

LOOSE: dict[str, Any] = {
    "elements.au": {"unit": "g_per_t"},
    "limits.mill_min_t_per_day": 0.0,
    "limits.mining_min_mt_per_year": 0.0,
    "limits.rehandle_mt_per_year": 1.0,
    "limits.strip_ratio_max": [9.0, 9.0, 8.0],
    "limits.strip_ratio_min": 0.0,
    "limits.strip_ratio_cumulative_max": 9.0,
    "limits.strip_ratio_cumulative_min": 0.0,
    "limits.head_grade.cu": {"min": 0.0, "max": [2.0, 2.0, 1.9]},
    "limits.head_grade.fine": {"element": "au", "max": 3.0, "mills": ["mill"]},
    "limits.metal.cu": {"min_t_per_year": 0.0, "max_t_per_year": 9_000.0},
    "limits.movement_change_max_mt": 1.0,
    "limits.phases_active_max": 2,
    "destinations.mill.capacity_mt_per_year": 1.0,
    "destinations.mill.opens": dt.date(2020, 1, 1),
    "destinations.mill.closes": dt.date(2024, 1, 1),
    "destinations.mill.recovery_curves.au": {"grade": [0.1, 0.5], "recovery": [0.5, 0.6]},
    "destinations.dump.storage_mt": 9.0,
    "destinations.pile.capacity_mt": 1.0,
    "destinations.pile.reclaim_mt_per_year": 1.0,
    "destinations.pile.bins.low.leaves_at.au": 0.1,
    "destinations.pile.bins.low.grade_to": {"cu": 0.3, "au": 0.1},
    "destinations.pile.bins.low.recovery.au": 0.5,
    "panels.grade_bins.cu": [0.2, 0.5],
    "phases.west": {"release": dt.date(2020, 1, 1), "after": "east", "bench_lag": 0, "lag_years": 0.1},
    "phases.east.max_benches_per_year": 9.0,
    "options.shift": {
        "widens": "mining", "adds_mt_per_year": 0.1, "cost": 1e9, "lead_years": 1.0, "earliest": dt.date(2020, 1, 1)},
    "options.line": {"widens": "mill", "adds_t_per_day": 9.0, "cost": 1e9},
}  # fmt: skip
"""A limit of every kind, none of which binds."""


def test_a_report_is_written_beside_the_run(pitwise: Pitwise, run_copy: Path):
    before = file_bytes(run_copy)
    result = pitwise("report", run_copy, "--blocks", "csv")
    assert result.exit_code == 0
    assert [line.split()[1].rpartition("/")[2] for line in result.stdout.splitlines()] == [
        "report.html",
        "report.xlsx",
        "scheduled-blocks.csv",
    ]
    after = file_bytes(run_copy)
    assert {name: after[name] for name in before} == before
    assert pitwise("verify", run_copy).exit_code == 0


def test_a_report_goes_where_it_is_told_and_says_so_as_json(pitwise: Pitwise, solved: Path, elsewhere: Path):
    before = file_bytes(solved)
    told = only_object(pitwise("report", solved, "--out", "here", "--json").stdout)
    assert told["files"] == ["here/report.html", "here/report.xlsx"]
    assert (elsewhere / "here" / "report.html").stat().st_size > 50_000
    assert file_bytes(solved) == before


def test_a_damaged_run_is_bad_input(pitwise: Pitwise, run_copy: Path):
    (run_copy / "plan.parquet").write_bytes(b"")
    (run_copy / "summary.json").write_text("{")
    result = pitwise("report", run_copy)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert "Traceback" not in result.stderr
    assert not (run_copy / "report.html").exists()


def test_solve_can_report_at_once(pitwise: Pitwise, tiny: Path, elsewhere: Path):
    result = pitwise("solve", tiny, "--out", "run", "--report")
    assert result.exit_code == 0
    assert "wrote run/report.html" in result.stderr
    assert (elsewhere / "run" / "report.xlsx").is_file()
    again = pitwise("solve", tiny, "--out", "run", "--replace", "--quiet")
    assert again.exit_code == 0
    assert not (elsewhere / "run" / "report.xlsx").exists()


def test_runs_are_compared_on_the_terminal_as_a_page_and_as_json(pitwise: Pitwise, solved: Path, tiny: Path):
    assert pitwise("solve", tiny, "--set", "limits.mill_t_per_day=200", "--out", "less", "--quiet").exit_code == 0
    result = pitwise("compare", solved, "less", "--out", "compare.html")
    assert result.exit_code == 0
    for said in (
        "discounted cash before tax",
        "less less run",
        "blocks that move, less against run",
        "page written to",
    ):
        assert said in result.stdout
    assert "limits.mill_t_per_day=200" in Path("compare.html").read_text()
    told = only_object(pitwise("compare", solved, "less", "--json").stdout)
    assert next(row["figure"] for row in told["worth"]) == "discounted cash before tax"
    assert set(told["moved"]) == {"less"}
    assert told["notes"] == []


def test_runs_that_do_not_compare_are_told_so(pitwise: Pitwise, solved: Path, elsewhere: Path):
    other = write_mine(elsewhere / "other", tiny_data(), tiny_blocks(tonnes=60_000.0))
    assert pitwise("solve", other, "--out", "far", "--quiet").exit_code == 0
    assert pitwise("solve", solved.parent / "tiny", "--resolution", "block", "--out", "fine", "--quiet").exit_code == 0
    result = pitwise("compare", solved, "far", "fine")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "far and run are of different mines, 0 of 6 blocks alike" in said
    assert "fine plans blocks mined whole, run panels that may span periods" in said
    assert "blocks that move, fine against run" in said
    assert "blocks that move, far" not in said
    told = only_object(pitwise("compare", solved, "far", "fine", "--json").stdout)
    assert len(told["notes"]) == 2
    assert told["moved"]["far"] == []


def test_one_run_is_nothing_to_compare(pitwise: Pitwise, solved: Path):
    result = pitwise("compare", solved)
    assert result.exit_code == 2
    assert "2 to 6 folders of runs" in result.stderr


def test_a_mine_with_every_limit_is_shown_and_reported(pitwise: Pitwise, elsewhere: Path):
    phases = ("east", "west")
    blocks = tiny_blocks(nx=4, phases=phases).assign(au_g_per_t=0.2)
    mine = write_mine(elsewhere / "every", tiny_data(phases=phases, changes=LOOSE), blocks)
    shown = pitwise("show", mine)
    told = only_object(pitwise("show", mine, "--json").stdout)["limits"]
    assert shown.exit_code == 0, shown.output
    kinds = {key.rpartition(".")[2] for key in told}
    assert {key.rpartition(".")[2] for key in every_key() if key.startswith("limits.")} - kinds == {
        "head_grade",
        "metal",
    }
    assert "limits.head_grade.cu.mills" not in told
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["limits.head_grade.fine.mills", "mill"] in rows
    assert ["limits.head_grade.fine.max", "3", "g/t"] in rows
    assert ["limits.head_grade.cu.min", "0", "%"] in rows

    solved = pitwise("solve", mine, "--out", "run", "--quiet", "--report")
    assert solved.exit_code == 0, solved.output
    page = Path("run", "report.html").read_text(encoding="utf-8")
    for key, unit in (("head_grade.fine.max", "g/t"), ("head_grade.cu.max", "%"), ("metal.cu.max_t_per_year", "t/y")):
        row = page[page.index(f">limits.{key}<") :]
        assert f">{unit}<" in row[: row.index("</tr>")]
    assert pitwise("report", "run", "--out", "out").exit_code == 0


def test_a_report_replaces_an_earlier_one_and_nothing_else(pitwise: Pitwise, solved: Path, elsewhere: Path):
    out = elsewhere / "out"
    assert pitwise("report", solved, "--out", out, "--blocks", "csv").exit_code == 0
    assert pitwise("report", solved, "--out", out, "--blocks", "csv").exit_code == 0
    (out / "report.xlsx").write_text("budget")
    before = file_bytes(out)
    refused = pitwise("report", solved, "--out", out)
    assert refused.exit_code == 2
    assert refused.stderr.splitlines() == [
        f"{out}/report.xlsx: expected an earlier report, or no file of this name; this is something else"
    ]
    assert file_bytes(out) == before

    other = elsewhere / "other"
    other.mkdir()
    (other / "report.html").write_text("<title>mine</title>")
    (other / "scheduled-blocks.csv").write_text("by hand")
    refused = pitwise("report", solved, "--out", other, "--blocks", "csv")
    assert refused.exit_code == 2
    assert [line.partition(":")[0] for line in refused.stderr.splitlines()] == [
        f"{other}/report.html",
        f"{other}/scheduled-blocks.csv",
    ]
    assert len(file_bytes(other)) == 2


def test_a_comparison_replaces_a_file_only_where_told(pitwise: Pitwise, solved: Path, run_copy: Path):
    before = file_bytes(run_copy)
    refused = pitwise("compare", solved, run_copy, "--out", run_copy / "run.json")
    assert refused.exit_code == 2
    assert "or --replace" in refused.stderr
    assert file_bytes(run_copy) == before
    assert pitwise("compare", solved, run_copy, "--out", "page.html").exit_code == 0
    assert pitwise("compare", solved, run_copy, "--out", "page.html").exit_code == 2
    assert pitwise("compare", solved, run_copy, "--out", "page.html", "--replace").exit_code == 0
