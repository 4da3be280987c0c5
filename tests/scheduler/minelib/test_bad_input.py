"""Broken MineLib files at the command line: a line a finding, exit code 2, nothing on stdout, nothing written."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.cli.main import app

PROBLEM_FAULTS = [
    ("tiny.cpit", "NPERIODS: 2", "NPERIODS: 0", "tiny.cpit:4 is '0'; expected NPERIODS, a whole number from 1"),
    ("tiny.cpit", "NPERIODS: 2", "NPERIODS: -2", "tiny.cpit:4 is '-2'; expected NPERIODS"),
    ("tiny.cpit", "NPERIODS: 2", "NPERIODS: 2.5", "tiny.cpit:4 is '2.5'; expected NPERIODS"),
    ("tiny.cpit", "NPERIODS: 2", "NPERIODS: 3", "1 limits missing in RESOURCE_CONSTRAINT_LIMITS, first [0, 2]"),
    ("tiny.cpit", "NPERIODS: 2", "NPERIODS: 99999999", "2 lines in RESOURCE_CONSTRAINT_LIMITS"),
    ("tiny.cpit", "NBLOCKS: 3", "NBLOCKS: 99999999", "3 lines in OBJECTIVE_FUNCTION"),
    ("tiny.cpit", "NBLOCKS: 3", "NBLOCKS: 0", "NBLOCKS, a whole number from 1"),
    ("tiny.cpit", "0 0 L 2", "0 0 L 0", "tiny.cpit:8 is 0.0; expected a capacity above zero"),
    ("tiny.cpit", "0 0 L 2", "0 0 L -3", "tiny.cpit:8 is -3.0; expected a capacity above zero"),
    ("tiny.cpit", "0 0 L 2", "0 0 L nan", "tiny.cpit:8 is 'nan'; expected limit, a finite number"),
    ("tiny.cpit", "0 0 L 2", "0 0 L inf", "tiny.cpit:8 is 'inf'; expected limit, a finite number"),
    ("tiny.cpit", "2 9", "2 nan", "tiny.cpit:13 is 'nan'; expected value, a finite number"),
    ("tiny.cpit", "2 9", "2 1e18", "tiny.cpit:13 is '1e18'; expected value, a finite number up to 1e+15"),
    ("tiny.cpit", "2 9", "2 1e400", "tiny.cpit:13 is '1e400'; expected value, a finite number up to 1e+15"),
    ("tiny.cpit", "2 9", "2 9 4", "tiny.cpit:13 is '2 values'; expected 1 values, one a destination"),
    ("tiny.cpit", "2 0 1\nEOF", "2 1 1\nEOF", "tiny.cpit:17 is 1; expected resource in 0..0 (nearest: 0)"),
    ("tiny.cpit", "2 0 1\nEOF", "3 0 1\nEOF", "tiny.cpit:17 is 3; expected block in 0..2 (nearest: 2)"),
    ("tiny.cpit", "2 0 1\nEOF", "2 0 1e300\nEOF", "tiny.cpit:17 is '1e300'; expected coefficient, a finite number"),
    ("tiny.cpit", "\nEOF", "", "expected the line EOF: the file is cut off"),
    ("tiny.cpit", "DISCOUNT_RATE: 0.25", "DISCOUNT_RATE: -0.1", "tiny.cpit:6"),
    ("tiny.pcpsp", "2 6 1", "2 6 1 5", "tiny.pcpsp:15 is '3 values'; expected 2 values, one a destination"),
    ("tiny.pcpsp", "NDESTINATIONS: 2", "NDESTINATIONS: 99999999", "expected 99999999 values, one a destination"),
    ("tiny.pcpsp", "NDESTINATIONS: 2", "NDESTINATIONS: 0", "NDESTINATIONS, a whole number from 1"),
    ("tiny.pcpsp", "2 1 0 1\nGEN", "2 2 0 1\nGEN", "tiny.pcpsp:21 is 2; expected destination in 0..1 (nearest: 1)"),
    ("tiny.pcpsp", "2 0 1 0 1\n", "2 0 2 0 1\n", "tiny.pcpsp:23 is 2; expected period in 0..1 (nearest: 1)"),
    ("tiny.pcpsp", "2 0 1 0 1\n", "2 0 1 1 1\n", "tiny.pcpsp:23 is 1; expected row in 0..0 (nearest: 0)"),
    ("tiny.pcpsp", "2 0 1 0 1\n", "2 5 1 0 1\n", "tiny.pcpsp:23 is 5; expected destination in 0..1 (nearest: 1)"),
    ("tiny.pcpsp", "0 G 0.25\n", "", "1 limits missing in GENERAL_CONSTRAINT_LIMITS, first [0]"),
    ("tiny.pcpsp", "0 1 I 0.5 2", "0 1 I 2 0.5", "lower <= upper"),
    ("tiny.prec", "2 2 0 1", "2 2 0 7", "tiny.prec:3 is 7; expected needed block in 0..2 (nearest: 2)"),
    ("tiny.prec", "2 2 0 1", "2 2 0 -1", "tiny.prec:3 is -1; expected needed block in 0..2 (nearest: 0)"),
    ("tiny.prec", "2 2 0 1", "2 3 0 1", "expected the number of blocks that follow, 2"),
    ("tiny.prec", "0 0\n", "0 1 2\n", "cycle"),
    ("tiny.prec", "2 2 0 1\n", "", "1 blocks missing, first 2"),
    ("tiny.blocks", "2 0 0 0\n", "", "is '2 blocks'; expected the 3 blocks of tiny"),
]
"""File, what stands there, what is put there instead, what is said of it."""


def refused(*arguments: object) -> str:
    """What is said on stderr of input that is refused."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return str(result.stderr)


@pytest.mark.parametrize(("file", "old", "new", "told"), PROBLEM_FAULTS)
def test_a_fault_in_a_file_is_a_line_and_nothing_is_written(mine: Path, file: str, old: str, new: str, told: str):
    """Whatever command reads it."""
    text = (mine / file).read_text()
    assert old in text
    (mine / file).write_text(text.replace(old, new, 1))
    problem = mine / ("tiny.pcpsp" if file == "tiny.pcpsp" else "tiny.cpit")
    before = sorted(mine.iterdir())
    for arguments in (("solve", problem, "--out", mine / "run"), ("bound", problem, "--out", mine / "c.json")):
        lines = refused(*arguments).splitlines()
        assert told in lines[0]
        assert len(lines) == 1
    assert sorted(mine.iterdir()) == before


@pytest.mark.parametrize("file", ["tiny.cpit", "tiny.pcpsp", "tiny.prec", "tiny.upit"])
def test_a_file_cut_off_anywhere_is_refused(mine: Path, file: str):
    """Cut after every seventh character but within the last line, where nothing shows it."""
    text = (mine / file).read_text()
    command = "pit" if file == "tiny.upit" else "bound"
    problem = mine / ("tiny.cpit" if file == "tiny.prec" else file)
    last = len(text) - len("EOF\n") - (len("2 6\n") if file == "tiny.upit" else 0)
    last = len(text) - len("2 2 0 1\n") + 1 if file == "tiny.prec" else last
    for length in range(0, last, 7):
        (mine / file).write_text(text[:length])
        assert refused(command, problem)


def test_all_faults_of_a_file_are_told_at_once(mine: Path):
    """Three faults, three lines."""
    text = (mine / "tiny.cpit").read_text()
    for old, new in (("0 0 L 2", "0 0 L 0"), ("2 9", "2 nan"), ("2 0 1\nEOF", "7 0 1\nEOF")):
        text = text.replace(old, new)
    (mine / "tiny.cpit").write_text(text)
    assert len(refused("solve", mine / "tiny.cpit").splitlines()) == 3


def test_values_that_fill_the_scaled_integers_do_not_overflow(mine: Path):
    """The largest values the reader takes, of both signs, beside tiny ones: a bound, and its certificate verifies."""
    text = (mine / "tiny.cpit").read_text()
    (mine / "tiny.cpit").write_text(text.replace("0 -2", "0 -1e15").replace("1 -3", "1 -1e-9").replace("2 9", "2 1e15"))
    runner = CliRunner()
    made = runner.invoke(app, ["bound", str(mine / "tiny.cpit"), "--out", str(mine / "c.json")])
    assert made.exit_code == 0, made.output
    for more in ([], ["--independent"]):
        checked = runner.invoke(app, ["verify", str(mine / "c.json"), "--instance", str(mine / "tiny.cpit"), *more])
        assert checked.exit_code == 0, checked.output
