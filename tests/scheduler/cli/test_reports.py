"""``pitwise report``, ``solve --report`` and ``pitwise compare`` from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.scheduler.cli.conftest import Pitwise, only_object
from tests.scheduler.reports.conftest import file_bytes


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


def test_one_run_is_nothing_to_compare(pitwise: Pitwise, solved: Path):
    result = pitwise("compare", solved)
    assert result.exit_code == 2
    assert "2 to 6 folders of runs" in result.stderr
