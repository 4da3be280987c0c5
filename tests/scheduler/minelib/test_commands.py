"""The commands on MineLib files: pit, bound, verify; figures, exit codes, and faults told on a line."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.cli.main import app

FOLDER = os.environ.get("PITWISE_MINELIB", "")
published = pytest.mark.skipif(not FOLDER, reason="PITWISE_MINELIB does not name a folder with the MineLib files")

GOOD = "0 0 0 1\n1 0 0 1\n2 0 1 0.75\n2 1 1 0.25\n"


def pitwise(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def object_of(result):
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


@pytest.fixture
def certificate(mine):
    """Certificate of tiny.pcpsp."""
    file = mine / "certificate.json"
    assert pitwise("bound", mine / "tiny.pcpsp", "--out", file).exit_code == 0
    return file


def test_pit_prints_value_blocks_and_kernel(mine):
    """Value and proof on the page, the blocks in the file asked for."""
    result = pitwise("pit", mine / "tiny.upit", "--out", mine / "pit.sol")
    assert result.exit_code == 0
    assert "value   1.00; no pit is worth more than 1.00" in result.stdout
    assert "3 of 3; x 0 to 1, y 0 to 0, z 0 to 1" in result.stdout
    assert "pymineflow" in result.stdout
    assert (mine / "pit.sol").read_text() == "0\n1\n2\n"


def test_pit_as_json(mine):
    """One object, the files named by hand."""
    (mine / "tiny.prec").rename(mine / "arcs.txt")
    (mine / "tiny.blocks").rename(mine / "places.txt")
    given = ("--precedence", mine / "arcs.txt", "--blocks", mine / "places.txt")
    told = object_of(pitwise("pit", mine / "tiny.upit", *given, "--json"))
    assert (told["value"], told["bound"], told["blocks"], told["arcs"]) == (1.0, 1.0, 3, 2)


def test_bound_of_the_tiny_mine(mine):
    """Blocks 0 and 1 and, a period later, 2: the linear optimum by hand is -2 - 3 + 9 x 0.8 x share."""
    told = object_of(pitwise("bound", mine / "tiny.cpit", "--json"))
    # Two thirds of every block in the first period, the rest in the second: 4 x 2/3 + 0.8 x 4 x 1/3.
    assert told["lp_bound"] == pytest.approx(4 * 2 / 3 + 0.8 * 4 / 3, rel=1e-6)
    assert told["lp_value"] <= told["lp_bound"] * (1 + 1e-9)
    assert (told["status"], told["exit_code"], told["certificate"]) == ("bound within the gap", 0, None)


def test_an_iteration_limit_ends_in_four_with_a_valid_bound(mine):
    """What was proven stands, and is no less than the optimum."""
    best = object_of(pitwise("bound", mine / "tiny.pcpsp", "--json"))["lp_value"]
    result = pitwise("bound", mine / "tiny.pcpsp", "--json", "--iteration-limit", "1", "--gap", "0")
    told = object_of(result)
    assert told["lp_bound"] >= best * (1 - 1e-9)
    assert result.exit_code == told["exit_code"]
    assert result.exit_code == (4 if told["gap"] is None or told["gap"] > 0 else 0)


def test_limits_nobody_can_keep_are_proven_infeasible(mine):
    """More in the second period than three blocks hold: exit code 3, and a certificate of it that verifies."""
    problem = mine / "tiny.cpit"
    problem.write_text(problem.read_text().replace("0 1 L 2", "0 1 G 5"))
    result = pitwise("bound", problem, "--out", mine / "none.json", "--json")
    assert result.exit_code == 3
    assert object_of(result)["lp_bound"] is None
    for extra in ((), ("--independent",)):
        checked = pitwise("verify", mine / "none.json", "--instance", problem, *extra)
        assert checked.exit_code == 0, checked.output
        assert "prove that no schedule keeps the limits" in checked.stdout
    broken = json.loads((mine / "none.json").read_text())
    broken["multipliers"]["resources"] = [[0.0, 0.0]]
    (mine / "none.json").write_text(json.dumps(broken))
    assert pitwise("verify", mine / "none.json", "--instance", problem).exit_code == 5


def test_a_good_schedule_passes(mine):
    """Both objectives, by period and in all."""
    (mine / "plan.sol").write_text(GOOD)
    result = pitwise("verify", mine / "tiny.pcpsp", "--solution", mine / "plan.sol", "--json")
    told = object_of(result)
    assert (result.exit_code, told["passed"], told["findings"]) == (0, True, [])
    assert told["objective"] == told["objective_raw"] == pytest.approx(-5 + 4.75 / 1.25)
    assert "keeps every rule" in pitwise("verify", mine / "tiny.pcpsp", "--solution", mine / "plan.sol").stdout


def test_a_schedule_that_breaks_a_rule_ends_in_five(mine):
    """Each finding on a line; still valued."""
    (mine / "plan.sol").write_text(GOOD.replace("1 0 0 1\n", ""))
    result = pitwise("verify", mine / "tiny.pcpsp", "--solution", mine / "plan.sol")
    assert result.exit_code == 5
    assert "FAILED  block 2 is mined to 1 of it by the end of period 1; expected block 1" in result.stdout
    assert "objective  1.80" in result.stdout


def test_a_certificate_verifies_by_either_kernel(mine, certificate):
    """The bound follows from the instance and the multipliers."""
    for extra in ((), ("--independent",)):
        result = pitwise("verify", certificate, "--instance", mine / "tiny.pcpsp", "--json", *extra)
        told = object_of(result)
        assert result.exit_code == 0
        assert [check["check"] for check in told["checks"]] == ["instance", "multipliers", "bound"]
        assert told["passed"] is True


def _change(path, *keys, value):
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value(inner[keys[-1]])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("keys", "value", "failing"),
    [
        (("bound",), lambda bound: bound * (1 - 1e-6), "FAILED  bound: claimed"),
        (("instance", "hash"), lambda digest: digest[::-1], "FAILED  instance: hash"),
        (("multipliers", "resources"), lambda _: [[0.0, 0.0]], "FAILED  bound: claimed"),
        (("multipliers", "general"), lambda _: [], "FAILED  multipliers"),
        (("multipliers", "resources"), lambda rows: [[x + 100 for x in row] for row in rows], "FAILED  bound: claimed"),
    ],
)
def test_planted_faults_of_a_certificate_are_caught(mine, certificate, keys, value, failing):
    """A claim that no longer follows ends in five, and says why."""
    _change(certificate, *keys, value=value)
    result = pitwise("verify", certificate, "--instance", mine / "tiny.pcpsp")
    assert result.exit_code == 5, result.output
    assert failing in result.stdout
    assert "NOT verified" in result.stdout


def test_a_weaker_claim_still_follows(mine, certificate):
    """A larger bound is proven all the more."""
    _change(certificate, "bound", value=lambda bound: bound + 1.0)
    assert pitwise("verify", certificate, "--instance", mine / "tiny.pcpsp").exit_code == 0


def test_an_instance_changed_since_is_refused(mine, certificate):
    """Another value, another hash."""
    problem = mine / "tiny.pcpsp"
    problem.write_text(problem.read_text().replace("2 6 1\n", "2 7 1\n"))
    assert pitwise("verify", certificate, "--instance", problem).exit_code == 5


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (("format",), lambda _: 4, "format is 4; expected 3"),
        (("bound",), lambda _: "much", "bound is 'much'; expected a finite number"),
        (("bound",), lambda _: float("nan"), "expected a finite number"),
        (("claim",), lambda _: "best", "expected lp bound or infeasible"),
        (("claim",), lambda _: [], "expected lp bound or infeasible"),
        (("multipliers", "general"), lambda _: ["x"], "multipliers.general: expected lists of finite numbers"),
        (("multipliers",), lambda _: 1, "multipliers.resources: expected lists of finite numbers"),
        (("reductions",), lambda _: ["early"], """reductions is "['early']"; expected []"""),
        (("schedules",), lambda _: 1, "schedules is 'int'; expected an object, or null"),
        (("schedules",), lambda _: {"mining": "both"}, "schedules.mining is 'both'; expected one of whole, partial"),
        (("schedules",), lambda _: {"bound": "much"}, "schedules.bound is 'much'; expected a finite number, or null"),
        (("schedules",), lambda _: {}, "schedules.cases: expected a list of cases"),
        (("schedules",), lambda _: {"cases": [1]}, "schedules.cases[0] is 'int'; expected an object"),
        (("schedules",), lambda _: {"cases": [{}]}, "cases[0].mined is 'None'; expected a list of [block, period"),
        (("schedules",), lambda _: {"cases": [{"mined": [[0, 1, 2]]}]}, "mined is '[0, 1, 2]'; expected a list"),
        (("schedules",), lambda _: {"multipliers": 1}, "schedules.multipliers.resources: expected lists of finite"),
        (("instance",), lambda _: [], "instance.hash: expected the hash"),
    ],
)
def test_damaged_certificates_are_bad_input(mine, certificate, keys, value, told):
    """A line a fault, exit code 2."""
    _change(certificate, *keys, value=value)
    result = pitwise("verify", certificate, "--instance", mine / "tiny.pcpsp")
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bound", "tiny.upit"), "a MineLib file that ends in .cpit or .pcpsp"),
        (("pit", "tiny.cpit"), "a MineLib file that ends in .upit"),
        (("pit", "no.upit"), "no.upit: expected a file of this name"),
        (("bound", "tiny.cpit", "--gap", "nan"), "--gap is nan; expected a fraction of 0 or more"),
        (("bound", "tiny.cpit", "--time-limit", "-1"), "--time-limit is -1.0; expected seconds, 0 or more"),
        (("bound", "tiny.cpit", "--iteration-limit", "0"), "--iteration-limit is 0; expected a count of 1 or more"),
        (("bound", "tiny.cpit", "--out", "tiny.prec"), "expected a file that does not exist yet, or --replace"),
        (("bound", "tiny.cpit", "--out", "no/c.json"), "expected a file in a folder that can be written"),
        (("bound", "tiny.cpit", "--out", "."), "expected the name of a file, not of a folder"),
        (("verify", "tiny.cpit"), "--solution: expected the .sol file to check"),
        (("verify", "tiny.cpit", "--solution", "no.sol"), "no.sol: expected a file of this name"),
        (("verify", "tiny.cpit", "--solution", "bad.sol"), "bad.sol:1 is 7; expected block in 0..2 (nearest: 2)"),
        (("verify", "tiny.cpit", "--solution", "bad.sol", "--independent"), "a solution needs no closure"),
        (("verify", "no.json", "--instance", "tiny.cpit"), "no.json: expected a file of this name"),
        (("verify", "bad.json", "--instance", "tiny.cpit"), "expected a certificate in JSON"),
        (("verify", "list.json", "--instance", "tiny.cpit"), "list.json is 'list'; expected a JSON object"),
        (("verify", "list.json"), "--instance: expected the .cpit or .pcpsp file"),
    ],
)
def test_bad_input_is_a_line_and_exit_code_two(mine, monkeypatch, arguments, told):
    """Place, value, what was expected; nothing on stdout."""
    monkeypatch.chdir(mine)
    Path("bad.sol").write_text("7 0 0 1\n")
    Path("bad.json").write_text("{")
    Path("list.json").write_text("[]")
    result = pitwise(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_replace_writes_over_an_earlier_certificate(mine, certificate):
    """Only when told to."""
    assert pitwise("bound", mine / "tiny.pcpsp", "--out", certificate).exit_code == 2
    assert pitwise("bound", mine / "tiny.pcpsp", "--out", certificate, "--replace").exit_code == 0


@published
@pytest.mark.parametrize(("kind", "optimum"), [("cpit", 24_486_184.0911), ("pcpsp", 24_486_549.0216)])
def test_newman1_bound_and_its_certificate(tmp_path, kind, optimum):
    """Within 1e-6 of the exact linear optimum; confirmed by the second kernel."""
    problem, certificate = Path(FOLDER) / "newman1" / f"newman1.{kind}", tmp_path / "certificate.json"
    told = object_of(pitwise("bound", problem, "--json", "--out", certificate))
    assert told["lp_bound"] == pytest.approx(optimum, rel=1e-6)
    assert told["lp_bound"] >= optimum * (1 - 1e-9)
    assert pitwise("verify", certificate, "--instance", problem, "--independent").exit_code == 0


@published
@pytest.mark.parametrize("name", ["newman1", "zuck_small"])
def test_published_solution_with_a_rule_broken_is_caught(tmp_path, name):
    """The published schedule passes; with its first period's first block left out it does not."""
    folder = Path(FOLDER) / name
    problem, published_file = folder / f"{name}.cpit", next(folder.glob(f"{name}_cpit_*.sol"))
    assert pitwise("verify", problem, "--solution", published_file).exit_code == 0
    needed = next(
        line.split()[2] for line in (folder / f"{name}.prec").read_text().splitlines() if line.split()[1] != "0"
    )
    lines = [line for line in published_file.read_text().splitlines() if line.split()[0] != needed]
    (tmp_path / "broken.sol").write_text("\n".join(lines))
    result = pitwise("verify", problem, "--solution", tmp_path / "broken.sol")
    assert result.exit_code == 5
    assert f"expected block {needed}, which it needs" in result.stdout
