"""Problems with numbers of very different sizes, and runs that go wrong late: solved, kept, or told, and never lost."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from instances.minelib import read_cpit, write_problem
from scheduler.cli.main import app
from scheduler.cli.minelib_solve import _moved
from scheduler.minelib import read_instance
from scheduler.minelib_checking import exceeds
from scheduler.minelib_solving import BROKEN, schedule_minelib
from scheduler.outcome import OPTIMAL, ExitCode
from solvers.course import ScheduleOptions
from solvers.relaxation import bound_from_multipliers, master, solve_relaxation
from tests.solvers.relaxation.programs import random_program

CHAIN = "0 0\n1 1 0\n2 1 1\n"


def pitwise(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def problem(tmp_path):
    """Writes a PCPSP: values by block, coefficients, limits and precedence as lines of the file."""

    def write(values, *, uses=(), limits=(), terms=(), rows=(), needs=None, periods=1):
        number, destinations = len(values), len(values[0].split())
        resources = {line.split()[0] for line in limits}
        heading = [
            "NAME: extreme",
            "TYPE: PCPSP",
            f"NBLOCKS: {number}",
            f"NPERIODS: {periods}",
            f"NDESTINATIONS: {destinations}",
            f"NRESOURCE_SIDE_CONSTRAINTS: {len(resources)}",
            f"NGENERAL_SIDE_CONSTRAINTS: {len(rows)}",
            "DISCOUNT_RATE: 0.1",
        ]
        sections = {
            "RESOURCE_CONSTRAINT_LIMITS": limits,
            "OBJECTIVE_FUNCTION": [f"{block} {line}" for block, line in enumerate(values)],
            "RESOURCE_CONSTRAINT_COEFFICIENTS": uses,
            "GENERAL_CONSTRAINT_COEFFICIENTS": terms,
            "GENERAL_CONSTRAINT_LIMITS": rows,
        }
        lines = [line for title, told in sections.items() if told for line in (f"{title}:", *told)]
        path = tmp_path / "extreme.pcpsp"
        path.write_text("\n".join([*heading, *lines, "EOF"]) + "\n")
        path.with_suffix(".prec").write_text(needs or "".join(f"{block} 0\n" for block in range(number)))
        return path

    return write


def solved(path, tmp_path, *more):
    """The summary of a run that stands up to both kernels."""
    told = pitwise("solve", path, "--out", tmp_path / "run", "--json", *(more or ("--gap", "0")))
    assert told.exit_code == 0, told.output
    for kernel in ((), ("--independent",)):
        passed = pitwise("verify", tmp_path / "run", "--instance", path, *kernel)
        assert passed.exit_code == 0, passed.output
    return json.loads(told.stdout)


@pytest.mark.parametrize("cost", ["-1e12", "-1e14"])
def test_a_block_that_nothing_pays_for_costs_no_digits(problem, tmp_path, cost):
    """What block models hold for air or for ground that may not be touched."""
    path = problem(["0.3", cost, "2"], needs="0 0\n1 0\n2 0\n")
    assert solved(path, tmp_path)["objective"] == pytest.approx(2.3)


@pytest.mark.parametrize(
    ("limits", "uses"),
    [(["0 0 L 0.99995"], ["0 0 0 1"]), (["0 0 G 0.00005"], ["0 1 0 1"])],
    ids=["a mill that takes nearly all of it", "a least use of next to nothing"],
)
def test_small_shares_of_a_plan_count_as_they_stand(problem, tmp_path, limits, uses):
    """One block to two destinations; with its share at the second one taken away the limit would be broken."""
    told = solved(problem(["10 -1"], limits=limits, uses=uses), tmp_path, "--gap", "1e-5")
    assert told["objective"] == pytest.approx(10 * 0.99995 - 0.00005, rel=1e-6)


def test_a_limit_is_not_judged_by_what_a_block_would_take(problem, tmp_path):
    """At least 1 where a block brings 2,000,000: leaving it is no matter of rounding."""
    path = problem(["-5"], terms=["0 0 0 0 2000000"], rows=["0 G 1"])
    told = pitwise("solve", path, "--out", tmp_path / "run", "--time-limit", "1", "--json")
    summary = json.loads(told.stdout)
    assert summary["objective"] in {None, -5.0}
    assert told.exit_code == (6 if summary["objective"] is None else 0)


def test_a_plan_worth_next_to_nothing_is_judged_by_what_it_earns(problem):
    """Gains and losses of millions that cancel: limits kept to a millionth may bring more than the bound."""
    limits, uses = ["0 0 I 0.5 0.5", "0 1 I 1 2"], [f"{block} 0 0 1" for block in range(3)]
    first = replace_first(problem, limits, uses, "0")
    cost = -round(first.checked.objective / (1 / 1.1))
    found = replace_first(problem, limits, uses, str(cost))
    assert found.checked is not None
    assert not found.checked.findings
    assert not exceeds(found.checked, found.bound)


def replace_first(problem, limits, uses, value):
    """Solved with blocks mined in part, the first one worth so much."""
    path = problem([value, "5000000", "9000000"], limits=limits, uses=uses, needs=CHAIN, periods=2)
    return schedule_minelib(read_instance(path), ScheduleOptions(seconds=2.0, workers=1, spread=True))


def test_a_plan_that_breaks_a_rule_or_its_bound_is_kept_and_never_called_optimal(mine, monkeypatch):
    instance = read_instance(mine / "tiny.cpit")
    found = schedule_minelib(instance)
    assert found.status(0.5) == OPTIMAL
    broken = replace(found, checked=replace(found.checked, findings=("a rule",)))
    assert (broken.status(0.5), broken.exit_code(0.5)) == (BROKEN, ExitCode.NOT_VERIFIED)
    monkeypatch.setattr("scheduler.minelib_solving.exceeds", lambda _checked, _bound: True)
    told = pitwise("solve", mine / "tiny.cpit", "--out", mine / "run")
    assert told.exit_code == 5
    assert "more than the bound" in told.output
    assert (mine / "run" / "solution.sol").exists()


def test_a_bound_of_the_solver_below_the_plan_does_not_stand_up(mine):
    assert pitwise("solve", mine / "tiny.cpit", "--out", mine / "run", "--engine", "exact").exit_code == 0
    file = mine / "run" / "summary.json"
    told = json.loads(file.read_text())
    low = told["objective"] - 1.0
    file.write_text(json.dumps({**told, "solver_bound": low, "bound": low, "gap": -1.0 / abs(told["objective"])}))
    failed = pitwise("verify", mine / "run", "--instance", mine / "tiny.cpit")
    assert failed.exit_code == 5
    assert "less than the schedule is worth" in failed.stdout


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mining", []),
        ("objective", 10**400),
        ("lp_bound", -(10**400)),
        ("resource_use", [[10**400]]),
        ("gap", True),
        ("history", [[0.0, 10**400]]),
    ],
)
def test_figures_no_run_writes_fail_and_raise_nothing(mine, key, value):
    assert pitwise("solve", mine / "tiny.cpit", "--out", mine / "run").exit_code == 0
    file = mine / "run" / "summary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    assert pitwise("verify", mine / "run", "--instance", mine / "tiny.cpit").exit_code == 5


def test_a_summary_nested_too_deep_fails_and_raises_nothing(mine):
    assert pitwise("solve", mine / "tiny.cpit", "--out", mine / "run").exit_code == 0
    (mine / "run" / "summary.json").write_text("[" * 200_000)
    assert pitwise("verify", mine / "run", "--instance", mine / "tiny.cpit").exit_code == 5


def test_a_folder_taken_meanwhile_gets_a_number(tmp_path):
    """Two runs may begin with the same name; neither is lost."""
    names = []
    for number in range(3):
        scratch = tmp_path / f".scratch{number}"
        scratch.mkdir()
        (scratch / "one").write_text(str(number))
        names.append(_moved(scratch, tmp_path / "run"))
    assert [name.name for name in names] == ["run", "run-2", "run-3"]
    assert [(name / "one").read_text() for name in names] == ["0", "1", "2"]


@pytest.mark.parametrize("solves", [0, 1, 2])
def test_trouble_in_a_master_leaves_the_bound_found_so_far(monkeypatch, caplog, solves):
    program = next(made for made in map(random_program, range(100)) if solve_relaxation(made).iterations > 4)
    optimum, solve, left = solve_relaxation(program).value, master.Master.solve, [solves]

    def troubled(self, partition):
        if not left[0]:
            raise master.MasterError("HiGHS ended with Unknown")
        left[0] -= 1
        return solve(self, partition)

    monkeypatch.setattr(master.Master, "solve", troubled)
    with caplog.at_level(logging.WARNING):
        found = solve_relaxation(program)
    assert found.reason.name == "NUMERICAL"
    assert "HiGHS ended with Unknown" in caplog.text
    assert optimum - 1e-6 * abs(optimum) <= found.bound < np.inf
    assert bound_from_multipliers(program, found.multipliers) == pytest.approx(found.bound, rel=1e-9)


def test_general_rows_of_a_cpit_are_written_and_read_back(mine):
    text = (mine / "tiny.cpit").read_text()
    text = text.replace("DISCOUNT_RATE", "NGENERAL_SIDE_CONSTRAINTS: 1\nDISCOUNT_RATE")
    rows = "GENERAL_CONSTRAINT_COEFFICIENTS:\n2 0 1 0 3\nGENERAL_CONSTRAINT_LIMITS:\n0 L 2\nEOF"
    (mine / "more.cpit").write_text(text.replace("EOF", rows))
    problem = read_cpit(mine / "more.cpit")
    write_problem(problem, mine / "again.cpit")
    again = read_cpit(mine / "again.cpit")
    assert again.general_limits.upper.tolist() == [2.0]
    assert again.general.coefficient.tolist() == [3.0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("NBLOCKS: 3", "NBLOCKS: ²", "NBLOCKS, a whole number"),
        ("NBLOCKS: 3", "NBLOCKS: " + "9" * 5000, "NBLOCKS, a whole number"),
        ("NPERIODS: 2", "NPERIODS: 2\nNPERIODS: 3", "NPERIODS once: it stands in line"),
        ("DISCOUNT_RATE: 0.25", "DISCOUNT_RATE: 0.25 0.9", "a fraction in 0..1"),
    ],
)
def test_headings_that_say_two_things_or_none_are_told(mine, old, new, expected):
    file = mine / "tiny.cpit"
    file.write_text(file.read_text().replace(old, new))
    told = pitwise("solve", file, "--out", mine / "run")
    assert told.exit_code == 2
    assert expected in " ".join(told.output.split())
    assert not (mine / "run").exists()


def test_periods_that_no_memory_holds_are_refused_before_anything_is_built(problem, tmp_path):
    path = problem(["1"] * 10_000, periods=10_000_000)
    told = pitwise("solve", path, "--out", tmp_path / "run")
    assert told.exit_code == 2
    assert "of memory that are free" in " ".join(told.output.split())
