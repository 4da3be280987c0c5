"""``pitwise pits`` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object
from tests.scheduler.pits.test_pits import bowl


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return write_mine(tmp_path / "bowl", blocks=bowl().blocks.drop(columns=["sector", "mined_fraction"]))


def test_pits_are_tabled_charted_and_cut_into_a_mine_that_solves(pitwise: Pitwise, mine: Path):
    options = ("--factors", "0.2:1.2:0.1", "--table", "pits.csv", "--chart", "pits.svg", "--out", "phased")
    result = pitwise("pits", mine, *options, "--most-mt", "9", "--width-m", "300")
    assert result.exit_code == 0, result.stderr
    assert "nested pits" in result.stdout
    assert "warning: p1" in result.stdout
    assert Path("pits.csv").read_text(encoding="utf-8").startswith("factor,blocks,moved_t")
    assert "<svg" in Path("pits.svg").read_text(encoding="utf-8")
    assert pitwise("solve", "phased", "--quiet", "--gap", "0.01").exit_code == 0


def test_json_has_every_pit(pitwise: Pitwise, mine: Path):
    told = only_object(pitwise("pits", mine, "--factors", "0.5:1:0.25", "--json").stdout)
    assert [pit["factor"] for pit in told["pits"]] == [0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--factors", "1:0:1"), "--factors"),
        (("--factors", "many"), "--factors"),
        (("--factors", "0.2:1.2:inf"), "--factors is 0.2:1.2:inf; expected FROM:TO:STEP"),
        (("--factors", "0.2:nan:0.1"), "--factors"),
        (("--factors", "0.2:1.2:nan"), "--factors"),
        (("--factors", "0.2:inf:0.1"), "--factors"),
        (("--factors", "0.2:0.2000003:1e-7"), "--factors"),
        (("--factors", "1e-9:1:1"), "--factors"),
        (("--final", "0.33"), "nearest"),
        (("--chart", "pits.gif"), "--chart"),
        (("--most-mt", "-1"), "--most-mt"),
        (("--bench-lag", "-1"), "--bench-lag"),
        (("--out", "bowl"), "holds something"),
        (("--out", "new", "--set", "limits.mill_t_per_day=1"), "--set"),
        (("--out", "new", "--most-mt", "0.001"), "a phase"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(
    pitwise: Pitwise, mine: Path, options: tuple[str, ...], said: str
):
    before = sorted(mine.parent.rglob("*"))
    result = pitwise("pits", mine, *options)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    assert sorted(mine.parent.rglob("*")) == before
