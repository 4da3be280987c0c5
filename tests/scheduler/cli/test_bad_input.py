"""Bad input through the command line: a line a fault, exit code 2, no traceback, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import tiny_blocks, tiny_data, write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object


def changed(**changes: object) -> Callable[[Path], None]:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    return lambda folder: spoil(folder, data=tiny_data(changes=dotted))


def table(**columns: object) -> Callable[[Path], None]:
    return lambda folder: spoil(folder, blocks=tiny_blocks().assign(**columns))


def spoil(folder: Path, data: dict[str, object] | None = None, blocks: pd.DataFrame | None = None) -> None:
    write_mine(folder, data, blocks)


def content(text: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "mine.toml").write_bytes(text)


def no_table(folder: Path) -> None:
    (folder / "blocks.csv").unlink()


def empty_table(folder: Path) -> None:
    tiny_blocks().iloc[:0].to_csv(folder / "blocks.csv", index=False)


def arcs(*rows: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        spoil(folder, data=tiny_data(changes={"precedence": {"file": "arcs.csv"}}))
        (folder / "arcs.csv").write_text("\n".join(["block,needs", *rows]), encoding="utf-8")

    return write


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing file": (no_table, "blocks.csv"),
    "not TOML": (content(b"format = 1\nname = \n"), "TOML"),
    "not UTF-8": (content(b'format = 1\ntitle = "caf\xe9"\n'), "UTF-8"),
    "unknown key": (changed(limits__mil_t_per_day=300.0), "nearest: limits.mill_t_per_day"),
    "wrong unit": (changed(products__copper__price_usd_per_kg=7.0), "price_usd_per_kg"),
    "wrong sign": (changed(limits__mill_t_per_day=-300.0), ">= 0"),
    "negative tonnage": (table(tonnes=[-1.0, *[70_000.0] * 5]), "-1"),
    "missing tonnage": (table(tonnes=[np.nan, *[70_000.0] * 5]), "tonnes"),
    "duplicate block": (table(block=["b", "b", *"cdef"]), "b"),
    "unknown block in an arc": (arcs("b0-0-0,b9-9-9"), "b9-9-9"),
    "precedence cycle": (arcs("b0-0-0,b1-0-0", "b1-0-0,b0-0-0", "b0-0-1,b0-0-0"), "cycle"),
    "price deck too short": (changed(products__copper__price_usd_per_lb=[3.0, 3.0]), "price_usd_per_lb"),
    "material with nowhere to go": (changed(destinations__dump__accepts=["ore", "low"]), "rock"),
    "min above max": (changed(limits__mill_min_t_per_day=400.0), "at most mill_t_per_day"),
    "empty table": (empty_table, "blocks.csv"),
    "a number beyond reason": (changed(limits__mining_mt_per_year=2e15), "mining_mt_per_year"),
}


@pytest.mark.parametrize("command", ["solve", "validate"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_class_of_bad_input_is_told_and_nothing_is_written(pitwise: Pitwise, tiny: Path, fault: str, command: str):
    plant, said = FAULTS[fault]
    plant(tiny)
    before = sorted(tiny.parent.rglob("*"))
    result = pitwise(command, tiny)
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert lines
    assert all("expected" in line for line in lines)
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(tiny.parent.rglob("*")) == before


def test_every_finding_has_its_line(pitwise: Pitwise, tiny: Path):
    spoil(tiny, tiny_data(changes={"limits.mill_t_per_day": -1.0, "limits.strip": 2.0, "name": 7}))
    assert len(pitwise("solve", tiny).stderr.splitlines()) == 3


def test_json_gives_the_findings_as_one_object_too(pitwise: Pitwise, tiny: Path):
    result = pitwise("solve", tiny, "--json", "--set", "limits.mil_t_per_day=1")
    told = only_object(result.stdout)
    assert result.exit_code == 2
    assert told["status"] == "bad input"
    assert told["findings"] == result.stderr.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("solve",), "MINE"),
        (("slove", "mzo"), "solve"),
        (("solve", "mzo", "--gap", "-1"), "--gap is -1.0; expected a number >= 0"),
        (("solve", "mzo", "--gap", "much"), "--gap"),
        (("solve", "mzo", "--time-limit", "nan"), "time"),
        (("solve", "mzo", "--seed", "99999999999"), "seed"),
        (("solve", "mzo", "--gaap", "1"), "--gap"),
        (("solve", "nowhere"), "nowhere"),
        (("show", "nowhere"), "nowhere"),
        (("verify", "nowhere"), "nowhere"),
        (("validate", "mzo", "--set", "nothing"), "PATH=VALUE"),
    ],
)
def test_a_wrong_command_line_is_one_line(pitwise: Pitwise, arguments: tuple[str, ...], said: str):
    result = pitwise(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_an_occupied_folder_is_refused_before_anything_is_solved(
    pitwise: Pitwise, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("scheduler.cli.session.solve_mine", lambda *_, **__: pytest.fail("solved all the same"))
    result = pitwise("solve", tiny, "--out", tiny)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "expected an empty folder or a new one" in result.stderr


def test_an_earlier_run_is_replaced_only_when_told(pitwise: Pitwise, run_copy: Path, tiny: Path):
    before = (run_copy / "summary.json").read_bytes()
    refused = pitwise("solve", tiny, "--out", run_copy)
    assert refused.exit_code == 2
    assert (run_copy / "summary.json").read_bytes() == before
    replaced = pitwise("solve", tiny, "--out", run_copy, "--replace")
    assert replaced.exit_code == 0
    assert (run_copy / "summary.json").read_bytes() != before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", 99999), ["--port is 99999; expected 0 to 65535"]),
        (("--port", -1), ["--port is -1; expected 0 to 65535"]),
        (
            ("--gap", -1, "--time-limit", -3),
            ["--gap is -1.0; expected a number >= 0", "--time-limit is -3.0; expected a number >= 0"],
        ),
        (("--time-limit", "nan"), ["--time-limit is nan; expected a number >= 0"]),
        (("--out", "taken"), ["--out is 'taken'; expected a folder; taken is a file"]),
        (("--out", "taken/runs"), ["--out is 'taken/runs'; expected a folder;"]),
    ],
)
def test_a_board_is_not_opened_with_options_that_no_solve_can_keep(
    tiny: Path, pitwise: Pitwise, options: tuple[object, ...], said: list[str]
):
    pytest.importorskip("dash", reason="dash is not installed: no board was asked for")
    Path("taken").touch()
    result = pitwise("board", tiny, "--port", 0, *options)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == len(said)
    assert all(line.startswith(words) for line, words in zip(lines, said, strict=True))
