"""The other commands, help, and what a bare command line does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from instances.reading import BUNDLED
from scheduler.cli.bound import BoundLine
from scheduler.cli.progress import STAGES, ProgressLine
from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.result import Progress
from tests.scheduler.cli.conftest import Pitwise, only_object
from tests.solvers.relaxation.programs import random_program

ROOT = Path(__file__).parents[3]
COMMANDS = ("solve", "validate", "show", "verify", "instances")
HEAVY = ("highspy", "numpy", "pandas", "pyarrow", "pydantic", "pyomo", "scipy", "networkx")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = {['pitwise', *arguments]!r}; "
    code = path + "from scheduler.cli.main import run\ntry:\n    run()\nfinally:\n    sys.stdout.flush()\n"
    code += f"    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], "[]"),
        (["--version"], "[]"),
        ([], "[]"),
        # Typer itself may look at the types of a command's options with pydantic.
        (["solve", "--help"], "['pydantic']"),
    ],
)
def test_help_loads_no_library_of_numbers(arguments: list[str], loaded: str):
    result = python(*arguments)
    assert result.returncode == 0
    assert result.stderr.strip() in {"[]", loaded}
    assert result.stdout


def test_a_bare_command_line_shows_help(pitwise: Pitwise):
    result = pitwise()
    assert result.exit_code == 0
    assert all(command in result.stdout for command in COMMANDS)
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_its_help(pitwise: Pitwise, command: str):
    result = pitwise(command, "--help")
    lines = [line for line in result.stdout.splitlines() if line.startswith("  --")]
    following = result.stdout.splitlines()
    assert result.exit_code == 0
    for line in lines:
        after = following[following.index(line) + 1] if following.index(line) + 1 < len(following) else ""
        assert len(line.split("  ")) > 2 or after.startswith("     ")


def test_the_version_is_told(pitwise: Pitwise):
    assert pitwise("--version").stdout.startswith("pitwise ")


def test_a_sound_mine_is_called_sound(pitwise: Pitwise, tiny: Path):
    result = pitwise("validate", tiny)
    assert result.exit_code == 0
    assert result.stdout.startswith("tiny: sound (6 blocks, 1 phases, 2 panels")
    told = only_object(pitwise("validate", tiny, "--json").stdout)
    assert told["status"] == "sound"
    by_period = result.stdout[result.stdout.index("ore within reach Mt") :].splitlines()[2:5]
    wanted = [row["ore_t"] / 1e6 for row in told["outlook"]["by_period"]]
    assert [float(line.split()[2]) for line in by_period] == pytest.approx(wanted, abs=0.005)


def test_a_mine_is_shown_by_what_it_holds(pitwise: Pitwise, tiny: Path):
    result = pitwise("show", tiny, "--set", "limits.mining_mt_per_year=[0.2, 0.2, 0.3]")
    told = only_object(pitwise("show", tiny, "--json").stdout)
    assert result.exit_code == 0
    assert "0.2 from 2020, 0.3 from 2022" in result.stdout
    assert "limits.mill_t_per_day" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    ore = told["ground"][0]
    assert (ore["phase"], ore["material"], ore["blocks"]) == ("p1", "ore", 3)
    assert (ore["mt"], ore["cu_pct"]) == pytest.approx((0.21, 0.9))


def test_a_run_is_shown_as_it_was_printed(pitwise: Pitwise, solved: Path):
    result = pitwise("show", solved)
    told = only_object(pitwise("show", solved, "--json").stdout)
    assert result.exit_code == 0
    assert "proven optimal" in result.stdout
    assert told["status"] == "optimal within the gap"
    assert pitwise("show", solved, "--set", "name=x").exit_code == 2


def test_the_bundled_mines_are_listed(pitwise: Pitwise):
    lines = pitwise("instances").stdout.splitlines()
    told = only_object(pitwise("instances", "--json").stdout)
    assert [line.split()[0] for line in lines] == list(BUNDLED)
    assert [mine["name"] for mine in told["instances"]] == list(BUNDLED)


def test_the_schema_is_json(pitwise: Pitwise):
    schema = json.loads(pitwise("instances", "--schema").stdout)
    assert schema["properties"]["limits"]


def test_progress_is_one_line_on_a_terminal_and_nothing_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    step = Progress(1.0, 284_500.0, 284_200.0, 0.001, 55)
    ProgressLine("C$").progress(step)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine("C$")
    line.progress(step)
    line.progress(step)
    line.clear()
    said = capsys.readouterr().err
    assert "\n" not in said
    line.note("stopping")
    assert capsys.readouterr().err.endswith("stopping\n")
    assert said.count("bound C$ 284.50 M, plan C$ 284.20 M, gap 0.100 %, 55 nodes") == 1
    ProgressLine("C$", shown=False).progress(step)
    assert capsys.readouterr().err == ""


def test_every_stage_of_a_search_at_block_scale_is_told_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """After Ctrl-C the certificate is still made, which may take half a minute."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    options = ScheduleOptions(seconds=60.0, rounds=2, workers=1)
    found = find_schedule(random_program(0), options, on_bound=lambda *_: None, on_stage=BoundLine().stage)
    said = capsys.readouterr().err
    begun = set(found.seconds) - {"ultimate pit"}
    assert begun >= {"relaxation", "cases", "branching", "certificate", "start", "improvement"}
    assert all(STAGES[stage] in said for stage in begun)


def test_progress_of_a_search_without_bound_or_plan_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    BoundLine("C$").search(Progress(1.0, None, None, None, 0))
    assert "bound none yet, plan none yet, 0 parts solved" in capsys.readouterr().err


def test_results_cut_short_by_their_reader_are_no_error():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['pitwise', 'instances', '--schema']; "
    code += "from scheduler.cli.main import run; run()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert said == ""
    assert process.returncode == 0


def test_check_reports_the_model_and_writes_nothing(pitwise: Pitwise, wider: Path):
    before = sorted(wider.parent.rglob("*"))
    result = pitwise("check", wider)
    assert result.exit_code == 0, result.stderr
    for said in ("12 blocks of 30 x 30 x 30 m", "bench", "material", "phase", "cu % from", "nothing odd"):
        assert said in result.stdout
    told = only_object(pitwise("check", wider, "--json").stdout)
    assert sum(row["tonnes"] for row in told["by"]["phase"]) == told["tonnes"]
    assert sorted(wider.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("example", "porphyri", "model.csv"), "nearest: porphyry"),
        (("example", "vein", "model.txt"), ".csv"),
        (("example", "vein", "old.csv"), "--replace"),
    ],
)
def test_an_example_is_refused_on_one_line(pitwise: Pitwise, elsewhere: Path, arguments: tuple[str, ...], said: str):
    (elsewhere / "old.csv").write_text("kept", encoding="utf-8")
    result = pitwise(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in elsewhere.iterdir()] == ["old.csv"]
