"""Schedules by rounding: whole and within every limit, never above the bound, and the command that writes them."""

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from instances.findings import BadInput
from instances.minelib import Constrained, GeneralRows, Limits, Precedence, Resources, read_schedule
from scheduler import memory
from scheduler.certificates import certify, verify_certificate, with_schedules
from scheduler.cli.main import app
from scheduler.memory import Size
from scheduler.minelib import MineLibInstance, read_instance
from scheduler.minelib_checking import check_schedule
from scheduler.minelib_solving import schedule_minelib
from scheduler.outcome import NO_PLAN, OPTIMAL
from solvers import bounding
from solvers.course import ScheduleOptions
from solvers.early_start import early_started
from solvers.relaxation import bound_from_multipliers, solve_relaxation
from solvers.relaxation.branching import CaseLimits, bound_by_cases
from solvers.relaxation.valid_rows import ValidRows
from tests.solvers.relaxation.programs import whole_optimum

FOLDER = os.environ.get("PITWISE_MINELIB", "")
published = pytest.mark.skipif(not FOLDER, reason="PITWISE_MINELIB does not name a folder with the MineLib files")


def pitwise(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@st.composite
def instances(draw):
    """A random problem with capacities from above alone, which the empty schedule always keeps."""
    n, D, T = draw(st.integers(1, 7)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    value = np.array(draw(st.lists(st.integers(-6, 9), min_size=n * D, max_size=n * D)), float).reshape(n, D)
    forbidden = np.zeros((n, D), bool)
    if D == 2:
        forbidden[:, 1] = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    amount = np.array(draw(st.lists(st.integers(0, 3), min_size=n * D, max_size=n * D)), float)
    block, destination = np.divmod(np.arange(n * D), D)
    capacity = np.array(draw(st.lists(st.integers(1, 6), min_size=T, max_size=T)), float)[None, :]
    arcs = [(b, a) for b in range(n) for a in range(b) if draw(st.integers(0, 3)) == 0]
    table = np.array(arcs, np.int64).reshape(-1, 2)
    none = np.zeros(0, np.int64)
    problem = Constrained(
        name="random",
        kind="PCPSP" if D == 2 else "CPIT",
        n_periods=T,
        discount_rate=0.1,
        value=np.where(forbidden, 0.0, value),
        forbidden=forbidden,
        resource_limits=Limits(np.full((1, T), -np.inf), capacity),
        resources=Resources(block, destination, np.zeros(n * D, np.int64), amount),
        general_limits=Limits(np.zeros(0), np.zeros(0)),
        general=GeneralRows(none, none, none, none, np.zeros(0)),
    )
    return MineLibInstance(problem, Precedence(n, table[:, 0], table[:, 1]), None)


@settings(max_examples=60, deadline=None)
@given(instances())
def test_a_rounded_schedule_keeps_every_rule_and_its_bound(instance):
    """Found for every problem that the empty schedule keeps; the checker finds nothing and the gap is no loss."""
    found = schedule_minelib(instance, ScheduleOptions(rounds=3, workers=1))
    assert found.checked is not None
    assert found.checked.findings == ()
    assert found.bound <= found.relaxation.bound
    assert -1e-6 * max(abs(found.bound), 1.0) <= found.checked.objective
    assert found.checked.objective <= found.bound + 1e-6 * max(abs(found.bound), 1.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(instances())
def test_blocks_over_several_periods_reach_the_optimum_by_hand_and_no_less_than_whole_ones(instance):
    """The program of partial integrality written out and given to HiGHS: same optimum; it checks in its own mode."""
    spread = schedule_minelib(instance, ScheduleOptions(rounds=6, workers=1, spread=True))
    optimum = whole_optimum(instance.program, spread=True)
    whole = whole_optimum(instance.program, integer=True)
    scale = max(abs(optimum), 1.0)
    assert spread.checked.mining == "partial"
    assert spread.checked.findings == ()
    assert optimum >= whole - 1e-6 * scale
    assert whole - 1e-4 * scale <= spread.checked.objective <= optimum + 1e-5 * scale
    assert spread.checked.objective == pytest.approx(optimum, abs=1e-4 * scale)


def test_a_run_with_blocks_over_several_periods_says_so_and_is_verified_as_such(mine):
    """Half a block in each period: no plan of whole blocks, a plan of partial ones, and no way to mix them up."""
    problem, run = mine / "tiny.cpit", mine / "run"
    problem.write_text(problem.read_text().replace("0 0 L 2", "0 0 I 1.5 1.5"))
    result = pitwise("solve", problem, "--mining", "partial", "--out", run, "--gap", "10")
    assert result.exit_code == 0, result.output
    assert "blocks over several periods (partial integrality)" in result.stdout
    told = json.loads((run / "summary.json").read_text())
    assert told["mining"] == "partial"
    passed = pitwise("verify", run, "--instance", problem)
    assert passed.exit_code == 0, passed.output
    assert "(partial)" in passed.stdout
    assert pitwise("verify", problem, "--solution", run / "solution.sol", "--mining", "partial").exit_code == 0
    assert pitwise("verify", problem, "--solution", run / "solution.sol").exit_code == 5
    for said, words in (("whole", "bound of schedules is for partial"), ("some", "the summary says 'some'")):
        (run / "summary.json").write_text(json.dumps({**told, "mining": said}))
        failed = pitwise("verify", run, "--instance", problem)
        assert failed.exit_code == 5
        assert words in failed.stdout


@pytest.fixture
def undecided(monkeypatch):
    """The bound as it is before anything is decided of blocks, which closes it where there are few."""
    monkeypatch.setattr(bounding, "branch_on_nodes", lambda _program, _chains, cases, *_, **__: cases)


@pytest.mark.usefixtures("undecided")
def test_the_exact_engine_is_given_the_whole_program_where_that_is_asked(mine):
    """HiGHS's bound is in the summary; without --engine exact there is none."""
    problem = mine / "tiny.cpit"
    independent(mine)
    told = json.loads(pitwise("solve", problem, "--out", mine / "one", "--engine", "exact", "--json").stdout)
    assert told["solver_bound"] == pytest.approx(told["objective"], rel=1e-6)
    assert told["status"] == OPTIMAL
    told = json.loads(pitwise("solve", problem, "--out", mine / "two", "--json").stdout)
    assert told["solver_bound"] is None


def test_with_room_for_everything_the_schedule_is_optimal(mine):
    """Ample capacity: all blocks at once, as the relaxation has them, gap zero."""
    (mine / "tiny.cpit").write_text((mine / "tiny.cpit").read_text().replace("L 2", "L 9"))
    found = schedule_minelib(read_instance(mine / "tiny.cpit"))
    assert found.checked is not None
    assert found.checked.objective == pytest.approx(4.0)
    assert found.gap == pytest.approx(0.0, abs=1e-9)
    assert found.status(1e-6) == OPTIMAL


def test_a_least_amount_that_no_order_meets_is_proven_to_leave_no_plan(mine):
    """Half a block in a period where none is whole: the relaxation has a point, either side of a decision has none."""
    half_a_block(mine)
    assert pitwise("bound", mine / "tiny.cpit").exit_code == 0
    assert pitwise("solve", mine / "tiny.cpit", "--proof", mine / "proof.json").exit_code == 3
    passed = pitwise("verify", mine / "proof.json", "--instance", mine / "tiny.cpit", "--independent")
    assert passed.exit_code == 0
    assert "infeasible of schedules (whole): the multipliers prove" in passed.stdout


@pytest.mark.usefixtures("undecided")
def test_a_least_amount_that_no_order_meets_leaves_no_plan(mine):
    """The same with nothing decided: rounding finds none, and says so."""
    half_a_block(mine)
    found = schedule_minelib(read_instance(mine / "tiny.cpit"))
    assert found.rows is None
    assert found.status(0.1) == NO_PLAN
    assert pitwise("solve", mine / "tiny.cpit", "--out", mine / "run").exit_code == 6
    assert not (mine / "run").exists()


def half_a_block(mine):
    """One and a half blocks asked of a period, no more and no less."""
    text = (mine / "tiny.cpit").read_text().replace("0 0 L 2", "0 0 I 1.5 1.5")
    (mine / "tiny.cpit").write_text(text)


def test_limits_nobody_can_keep_end_in_three(mine):
    """Five blocks wanted of three: proven infeasible, nothing written."""
    (mine / "tiny.cpit").write_text((mine / "tiny.cpit").read_text().replace("0 1 L 2", "0 1 G 5"))
    result = pitwise("solve", mine / "tiny.cpit", "--out", mine / "run", "--proof", mine / "proof.json", "--json")
    assert result.exit_code == 3
    assert pitwise("verify", mine / "proof.json", "--instance", mine / "tiny.cpit").exit_code == 0
    assert "--proof FILE" in pitwise("solve", mine / "tiny.cpit").stdout
    assert json.loads(result.stdout)["lp_bound"] is None
    assert not (mine / "run").exists()


def test_solve_writes_schedule_summary_and_certificate(mine):
    """The three files agree: the schedule has the objective of the summary, the certificate proves the bound."""
    problem, run = mine / "tiny.pcpsp", mine / "run"
    result = pitwise("solve", problem, "--out", run, "--json", "--gap", "10")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert json.loads((run / "summary.json").read_text())["objective"] == told["objective"]
    checked = json.loads(pitwise("verify", problem, "--solution", run / "solution.sol", "--json").stdout)
    assert checked["passed"] is True
    assert checked["objective"] == pytest.approx(told["objective"], rel=1e-12)
    assert told["bound"] <= told["lp_bound"]
    assert told["gap_certified"] == pytest.approx((told["bound"] - told["objective"]) / told["objective"], abs=1e-9)
    assert told["gap_published"] == pytest.approx((told["lp_bound"] - told["objective"]) / abs(told["lp_bound"]))
    assert pitwise("verify", run / "certificate.json", "--instance", problem).exit_code == 0
    again = pitwise("solve", problem, "--out", run)
    assert again.exit_code == 2
    assert len(again.stderr.splitlines()) == 1


def test_a_run_that_time_ends_at_once_carries_its_certificate(mine):
    """No time at all: the plan is written, its bound proven, and the making of the certificate is among the stages."""
    problem, run = mine / "tiny.cpit", mine / "run"
    result = pitwise("solve", problem, "--out", run, "--time-limit", "0", "--threads", "1", "--json")
    assert result.exit_code == 4, result.output
    assert {"relaxation", "certificate"} <= set(json.loads(result.stdout)["seconds_by_stage"])
    assert pitwise("verify", run, "--instance", problem).exit_code == 0


@pytest.mark.usefixtures("undecided")
def test_solve_ends_in_four_where_the_gap_is_not_reached(mine):
    """A block and a half a period: the relaxation is worth more than any whole schedule; the plan is written."""
    independent(mine)
    result = pitwise("solve", mine / "tiny.cpit", "--out", mine / "run")
    assert result.exit_code == 4
    assert "keeps every rule" in result.stdout
    assert "the gap asked for was not reached" in result.stdout
    assert (mine / "run" / "solution.sol").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "a=1"), "--set: expected a mine; the option has no meaning for MineLib"),
        (("--node-limit", "3"), "--node-limit: expected a mine"),
        (("--mining", "both"), "--mining is 'both'; expected one of whole, partial"),
        (("--gap", "-1"), "--gap is -1.0; expected a fraction of 0 or more"),
        (("--precedence", "no.prec"), "no.prec: expected a file of this name"),
    ],
)
def test_options_without_meaning_are_refused(mine, arguments, told):
    """A line, exit code 2, nothing written."""
    result = pitwise("solve", mine / "tiny.cpit", "--out", mine / "run", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (mine / "run").exists()


@published
@pytest.mark.parametrize(
    ("kind", "least", "relaxed"), [("cpit", 23_483_671, 24_486_184.09), ("pcpsp", 23_658_230, 24_486_549.02)]
)
def test_newman1_beats_the_published_schedule(tmp_path, kind, least, relaxed):
    """A thousandth from its certified bound after some seconds, and audited from the file written."""
    problem = Path(FOLDER) / "newman1" / f"newman1.{kind}"
    arguments = ("--time-limit", "40", "--threads", "1")
    assert pitwise("solve", problem, "--out", tmp_path / "run", *arguments).exit_code == 0
    instance = read_instance(problem)
    sizes = (instance.problem.n_blocks, instance.problem.n_destinations, instance.problem.n_periods)
    checked = check_schedule(
        instance.problem, instance.precedence, read_schedule(tmp_path / "run" / "solution.sol", *sizes)
    )
    assert checked.findings == ()
    assert checked.objective > least
    told = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert relaxed * (1 - 1e-9) <= told["lp_bound"] <= relaxed * (1 + 1e-6)


def independent(mine):
    """Blocks that need no others, of which one and a half fit into a period: there the relaxation is no schedule."""
    (mine / "tiny.prec").write_text("0 0\n1 0\n2 0\n")
    text = (mine / "tiny.cpit").read_text().replace(" L 2", " L 1.5").replace("0 -2", "0 2").replace("1 -3", "1 3")
    (mine / "tiny.cpit").write_text(text)


def test_a_mine_that_only_parts_of_blocks_could_serve_is_proven_to_have_no_schedule(mine):
    """At least 1.2 in the first period, when only the first block fits in: exit code 3, and a proof."""
    problem, proof = mine / "tiny.cpit", mine / "proof.json"
    (mine / "tiny.prec").write_text("0 0\n1 1 0\n2 1 1\n")
    problem.write_text(problem.read_text().replace("0 0 L 2", "0 0 I 1.2 1.5"))
    assert pitwise("bound", problem).exit_code == 0
    assert pitwise("solve", problem, "--proof", proof).exit_code == 3
    passed = pitwise("verify", proof, "--instance", problem)
    assert passed.exit_code == 0, passed.output
    assert "infeasible of schedules (whole): the multipliers prove" in passed.stdout
    problem.write_text(problem.read_text().replace("I 1.2 1.5", "L 2"))
    told = json.loads(proof.read_text())
    told["instance"]["hash"] = read_instance(problem).hash
    proof.write_text(json.dumps(told))
    assert "FAILED  infeasible of schedules" in pitwise("verify", proof, "--instance", problem).stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bound": 2.0}, "FAILED  bound of schedules (whole): claimed 2.0"),
        ({"cases": []}, "no case holds schedules with anything"),
        ({"bound": None}, "FAILED  infeasible of schedules (whole)"),
        ({"multipliers": {"resources": [[0.0, 0.0]], "general": []}}, "FAILED  bound of schedules (whole)"),
        ({"multipliers": {"resources": [[0.0]], "general": []}}, "FAILED  multipliers of schedules (whole)"),
        ({"mining": "partial"}, "FAILED  bound of schedules (partial)"),
        (None, "bound is 2.8"),
    ],
)
def test_a_bound_on_schedules_that_does_not_follow_is_caught(mine, change, told):
    """Lowered, without its multipliers, for blocks over several periods, or taken from the certificate."""
    problem, run = mine / "tiny.cpit", mine / "run"
    assert pitwise("solve", problem, "--out", run).exit_code == 0
    content = json.loads((run / "certificate.json").read_text())
    assert content["schedules"]["bound"] < content["bound"]
    content["schedules"] = None if change is None else content["schedules"] | change
    content["reductions"] = [] if change is None else content["reductions"]
    (run / "certificate.json").write_text(json.dumps(content))
    failed = pitwise("verify", run, "--instance", problem)
    assert failed.exit_code == 5
    assert told in failed.stdout


CASE_FAULTS = {
    "left out": (lambda cases: cases.pop(), "no case holds schedules with block"),
    "turned round": (lambda cases: cases[0]["mined"][0].__setitem__(2, not cases[0]["mined"][0][2]), "blocks mined"),
    "another period": (lambda cases: cases[0]["mined"][0].__setitem__(1, 1 - cases[0]["mined"][0][1]), "no case holds"),
    "no such block": (lambda cases: cases[0]["mined"][0].__setitem__(0, 3), "there is no block 3"),
    "a case lowered": (lambda cases: cases[0].__setitem__("bound", 1.0), "case 0: claimed 1.0000, its multipliers"),
    "a case denied": (lambda cases: cases[0].__setitem__("bound", None), "case 0: claimed no schedule"),
    "multiplier too many": (lambda cases: cases[0]["multipliers"]["mined"].append(0.0), "blocks mined"),
    "no multipliers": (
        lambda cases: [case["multipliers"].update(resources=[[0.0, 0.0]]) for case in cases],
        "its multipliers prove",
    ),
}


@pytest.mark.parametrize("fault", CASE_FAULTS)
def test_cases_that_do_not_hold_are_caught(mine, fault):
    """One left out or turned round, about another block, or worth more than it says."""
    independent(mine)
    problem, run = mine / "tiny.cpit", mine / "run"
    pitwise("solve", problem, "--out", run)
    assert pitwise("verify", run, "--instance", problem).exit_code == 0
    content = json.loads((run / "certificate.json").read_text())
    cases = content["schedules"]["cases"]
    assert len(cases) > 1
    change, told = CASE_FAULTS[fault]
    change(cases)
    (run / "certificate.json").write_text(json.dumps(content))
    failed = pitwise("verify", run, "--instance", problem)
    assert failed.exit_code == 5
    assert told in failed.stdout


@pytest.mark.parametrize("size", [1e298, 3e299, 9e299])
def test_multipliers_that_overflow_prove_nothing(mine, size):
    """Of the linear relaxation and of every case: sums beyond what numbers hold are no bound, and no traceback."""
    independent(mine)
    text = (mine / "tiny.cpit").read_text().replace("L 1.5", "I 0 2e10", 1).replace("L 1.5", "I 1.2e9 2e10")
    for block in range(3):
        text = text.replace(f"\n{block} 0 1\n", f"\n{block} 0 5e8\n")
    (mine / "tiny.cpit").write_text(text)
    problem, file = mine / "tiny.cpit", mine / "certificate.json"
    assert pitwise("bound", problem, "--out", file).exit_code == 0
    content = json.loads(file.read_text())
    multipliers = {"resources": [[size, -size]], "general": []}
    case = {"mined": [], "bound": -1e6, "multipliers": multipliers | {"mined": []}}
    content |= {"bound": -1e6, "multipliers": multipliers, "reductions": ["earliest periods"]}
    content["schedules"] = {"mining": "whole", "bound": -1e6, "cases": [case]}
    file.write_text(json.dumps(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = pitwise("verify", file, "--instance", problem)
    assert result.exit_code == 5
    assert "FAILED  bound:" in result.stdout
    assert "FAILED  bound of schedules" in result.stdout


def test_certificates_of_the_formats_before_are_read(mine):
    """Of format 2 the bound of schedules is one case; format 1 has none."""
    problem, file = mine / "tiny.cpit", mine / "certificate.json"
    pitwise("solve", problem, "--out", mine / "run")
    content = json.loads((mine / "run" / "certificate.json").read_text())
    (case,) = content["schedules"].pop("cases")
    content["schedules"]["multipliers"] = {k: v for k, v in case["multipliers"].items() if k != "mined"}
    file.write_text(json.dumps(content | {"format": 2}))
    result = pitwise("verify", file, "--instance", problem)
    assert result.exit_code == 0
    assert "bound of schedules (whole)" in result.stdout
    del content["schedules"], content["reductions"]
    file.write_text(json.dumps(content | {"format": 1}))
    assert pitwise("verify", file, "--instance", problem).exit_code == 0


def test_multipliers_of_a_relaxation_cut_short_are_no_fault(mine):
    """No time for that with earliest periods: its case keeps the plain bound, though they would prove more."""
    instance = read_instance(mine / "tiny.cpit")
    none = np.zeros(instance.program.n_rows)
    plain = replace(
        solve_relaxation(instance.program), multipliers=none, bound=bound_from_multipliers(instance.program, none)
    )
    tight = early_started(instance.program, whole=True)
    cut = bound_by_cases(tight, (), ValidRows.none(tight), CaseLimits(solves=0), root=plain)
    assert bound_from_multipliers(tight, plain.multipliers) < 0.9 * cut.bound
    loose = replace(certify(instance, plain), bound=plain.bound * (1 + 1e-13))
    found = with_schedules(loose, instance, tight, cut, "whole")
    assert all(check.passed for check in verify_certificate(found, instance))
    assert found.best == pytest.approx(plain.bound, rel=1e-9)


RUN_FAULTS = {
    "objective raised": ("summary.json", '"objective": ', '"objective": 1', "objective is"),
    "bound of the summary lowered": ("summary.json", '"lp_bound": ', '"lp_bound": 0, "was": ', "lp_bound is"),
    "gap made small": ("summary.json", '"gap_certified": ', '"gap_certified": -1.0, "was": ', "gap_certified is"),
    "best bound lowered": ("summary.json", '"bound": ', '"bound": 1.0, "was": ', "bound is 1.0, expected"),
    "gap to it made small": ("summary.json", '"gap": ', '"gap": -1.0, "was": ', "gap is -1.0, expected"),
    "bound of a solver that is no number": (
        "summary.json",
        '"solver_bound": null',
        '"solver_bound": "x"',
        "solver_bound",
    ),
    "plan of its history worth more": (
        "summary.json",
        '"history": [',
        '"history": [[0.0, 1e9]], "was": [',
        "history has a plan worth",
    ),
    "history falling": (
        "summary.json",
        '"history": [',
        '"history": [[0.0, 2.0], [1.0, 1.0]], "was": [',
        "expected to rise",
    ),
    "history that is none": ("summary.json", '"history": [', '"history": ["x"], "was": [', "history is no list"),
    "another name": ("summary.json", '"name": "', '"name": "not ', "name is 'not tiny', expected 'tiny'"),
    "another kind": ("summary.json", '"kind": "CPIT"', '"kind": "PCPSP"', "kind is 'PCPSP', expected 'CPIT'"),
    "a block more": ("summary.json", '"blocks_mined": ', '"blocks_mined": 1', "blocks_mined is"),
    "value of a period": (
        "summary.json",
        '"value_by_period": [',
        '"value_by_period": [7.0, ',
        "value_by_period differs",
    ),
    "use that is no table": (
        "summary.json",
        '"resource_use": ',
        '"resource_use": "all", "was": ',
        "resource_use differs",
    ),
    "bound of the certificate lowered": ("certificate.json", '"bound": ', '"bound": 0, "was": ', "FAILED  bound"),
    "multipliers altered": ("certificate.json", '"resources": [', '"resources": [[9.0, 9.0]], "was": [', "FAILED"),
    "another problem": ("certificate.json", '"hash": "', '"hash": "0', "FAILED  instance"),
    "certificate cut off": ("certificate.json", '"multipliers"', "", "the folder is damaged"),
    "block left out": ("solution.sol", "0 ", "% 0 ", "FAILED"),
    "block of nowhere": ("solution.sol", "0 ", "77 ", "the folder is damaged"),
}


@pytest.mark.parametrize("fault", RUN_FAULTS)
def test_a_run_is_verified_and_its_faults_are_caught(mine, fault):
    """The folder of a schedule passes against its problem; each planted fault ends in five."""
    problem, run = mine / "tiny.cpit", mine / "run"
    assert pitwise("solve", problem, "--out", run, "--gap", "10").exit_code == 0
    assert pitwise("verify", run, "--instance", problem).exit_code == 0
    assert pitwise("verify", run, "--instance", problem, "--independent").exit_code == 0
    assert pitwise("verify", run).exit_code == 2
    file, old, new, told = RUN_FAULTS[fault]
    text = (run / file).read_text()
    assert old in text
    (run / file).write_text(text.replace(old, new, 1))
    result = pitwise("verify", run, "--instance", problem)
    assert result.exit_code == 5, result.output
    assert told in result.stdout


@settings(max_examples=5, deadline=None)
@given(instances())
def test_the_size_is_told_first_and_what_does_not_fit_is_refused(instance):
    """Nodes, arcs and memory of what is worked on; one line where it is too much."""
    told: list[Size] = []
    schedule_minelib(instance, ScheduleOptions(rounds=0), on_size=told.append)
    problem = instance.problem
    assert told[0].nodes <= problem.n_blocks * problem.n_periods
    assert "nodes" in str(told[0])
    assert "GB of memory" in str(told[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "available_memory", lambda: 1_000_000)
        with pytest.raises(BadInput, match=r"GB for .* nodes and .* arcs'; expected at most the 0\.0 GB"):
            schedule_minelib(instance, ScheduleOptions(rounds=0))
