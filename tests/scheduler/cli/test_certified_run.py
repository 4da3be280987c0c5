"""The certificate of a run: a sound one passes with either kernel, every planted fault is caught."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from instances.geometry.units import scheduling_units
from instances.reading import read_mine
from scheduler.blockscale import closure_program
from scheduler.compiling import compile_problem
from scheduler.mine_certificates import THOUSAND
from scheduler.tightening import tightening
from solvers.relaxation.branching import bound_by_cases
from solvers.relaxation.leaves import in_case
from tests.builders import tiny_blocks, tiny_data, write_mine
from tests.scheduler.cli.conftest import Pitwise, only_object

GRADES = [0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1]
PHASES = ("east", "west")
DECISIONS = {
    "operating.pit": {"fixed_cost_per_year": 4e5, "closure_cost": 2e5},
    "operating.mill": {"fixed_cost_per_year": 6e5},
    "options.crusher": {"widens": "mill", "adds_t_per_day": 150.0, "cost": 4e5},
    "limits.strip_ratio_max": 4.0,
}
Json = dict[str, Any]


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory, pitwise: Pitwise) -> Path:
    """The run of a mine with fixed costs, an option, a strip limit and a stockpile; not to be written to."""
    folder = tmp_path_factory.mktemp("certified")
    blocks = tiny_blocks(nx=4, nz=3, grades=GRADES, phases=PHASES)
    mine = write_mine(folder / "mine", tiny_data(periods=6, phases=PHASES, changes=DECISIONS), blocks)
    result = pitwise("solve", mine, "--out", folder / "run", "--gap", "0.001", "--quiet")
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.fixture
def spoiled(certified: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(certified, tmp_path / "run"))


def certificate(run: Path) -> Json:
    return dict(json.loads((run / "certificate.json").read_text()))


def edit(run: Path, change: Callable[[Json], object], file: str = "certificate.json") -> None:
    content = json.loads((run / file).read_text())
    change(content)
    (run / file).write_text(json.dumps(content))


def failing(pitwise: Pitwise, run: Path, *arguments: object) -> str:
    result = pitwise("verify", run, *arguments)
    assert result.exit_code == 5, result.output
    assert "Traceback" not in result.output
    return str(result.stdout[result.stdout.index("FAILED") :])


def test_a_run_is_certified_by_cases_and_rows(certified: Path):
    """The mine is one whose certificate takes both, so that the faults below hit something; the bounds are ordered."""
    summary, proof = json.loads((certified / "summary.json").read_text()), certificate(certified)
    assert len(proof["cases"]) > 3
    assert {name for case in proof["cases"] for name in case["ranges"]} == {
        "works.pit",
        "works.mill",
        "bought.crusher",
    }
    assert len(proof["reductions"]["rows"]) > 3
    assert summary["objective"] <= summary["certified_bound"] < summary["lp_bound"]
    assert summary["certified_bound"] == proof["bound"]
    assert summary["gap_certified"] == pytest.approx(proof["bound"] / summary["objective"] - 1)


@pytest.mark.parametrize("arguments", [(), ("--independent",), ("--instance",), ("--instance", "--independent")])
def test_a_sound_certificate_passes(pitwise: Pitwise, certified: Path, arguments: tuple[str, ...]):
    """With either kernel, against the folder's mine or the one given."""
    given = [part for a in arguments for part in ((a, certified.parent / "mine") if a == "--instance" else (a,))]
    result = pitwise("verify", certified, *given)
    assert result.exit_code == 0, result.output
    assert "passed  certified bound" in result.stdout
    assert ("scipy" in result.stdout) == ("--independent" in arguments)


def test_a_certificate_is_verified_by_itself(pitwise: Pitwise, certified: Path):
    """Against the mine it is about, and only with one."""
    file = certified / "certificate.json"
    assert pitwise("verify", file, "--instance", certified.parent / "mine").exit_code == 0
    told = only_object(pitwise("verify", file, "--instance", certified.parent / "mine", "--json").stdout)
    assert told["passed"] is True
    assert pitwise("verify", file).exit_code == 2


def test_a_weaker_claim_passes(pitwise: Pitwise, spoiled: Path):
    """A bound claimed larger than proven is true all the same, where the summary says the same."""
    edit(spoiled, lambda proof: proof.update(bound=proof["bound"] * 1.01))
    bound = certificate(spoiled)["bound"]

    def same(summary: Json) -> None:
        summary.update(certified_bound=bound, gap_certified=bound / summary["objective"] - 1)

    edit(spoiled, same, "summary.json")
    assert pitwise("verify", spoiled).exit_code == 0


def binding(proof: Json) -> Json:
    """The case whose bound is the largest."""
    return dict(max(proof["cases"], key=lambda case: -1e300 if case["bound"] is None else case["bound"]))


def in_binding(proof: Json, change: Callable[[Json], object]) -> None:
    change(next(case for case in proof["cases"] if case == binding(proof)))


def all_but_largest(proof: Json) -> None:
    proof["cases"] = [case for case in proof["cases"] if case != binding(proof)]
    proof["bound"] = max(case["bound"] for case in proof["cases"] if case["bound"] is not None)


def with_pit_open_less(proof: Json) -> None:
    case = next(case for case in proof["cases"] if case["ranges"].get("works.pit", [0, 6])[1] == 6)
    case["ranges"]["works.pit"] = [case["ranges"].get("works.pit", [0, 6])[0], 5]


FAULTS: dict[str, tuple[Callable[[Json], object], str]] = {
    "bound lowered": (lambda p: p.update(bound=p["bound"] * (1 - 1e-7)), "lies below"),
    "bound of a case lowered": (
        lambda p: in_binding(p, lambda case: case.update(bound=case["bound"] - 1.0)),
        "its multipliers prove",
    ),
    "case said to hold no plan": (lambda p: in_binding(p, lambda case: case.update(bound=None)), "claimed no plan"),
    "largest case removed": (all_but_largest, "no case holds"),
    "every case removed": (lambda p: p.update(cases=[]), "no case holds works.pit = 0"),
    "case narrowed": (with_pit_open_less, "no case holds works.pit = 6"),
    "case of a decision that is none": (
        lambda p: p["cases"][0]["ranges"].update({"works.smelter": [0, 1]}),
        "works.smelter is nothing that this mine decides",
    ),
    "multipliers of zero": (
        lambda p: in_binding(p, lambda case: case.update(multipliers=[0.0] * len(case["multipliers"]))),
        "its multipliers prove",
    ),
    "multipliers scaled": (
        lambda p: in_binding(p, lambda case: case.update(multipliers=[0.9 * one for one in case["multipliers"]])),
        "its multipliers prove",
    ),
    "multipliers of two cases swapped": (
        lambda p: in_binding(p, lambda case: case.update(multipliers=p["cases"][-1]["multipliers"])),
        "its multipliers prove",
    ),
    "a multiplier too few": (lambda p: p["cases"][0]["multipliers"].pop(), "multipliers, got"),
    "row dropped": (lambda p: p["reductions"]["rows"].pop(), "multipliers, got"),
    "row of nobody": (
        lambda p: p["reductions"]["rows"].__setitem__(0, ["one_of_two", "east/0/all", "west/0/all", "2020"]),
        "no proof from the mine for the row one_of_two",
    ),
    "row twice": (lambda p: p["reductions"]["rows"].__setitem__(0, p["reductions"]["rows"][1]), "named twice"),
    "rows in another order": (lambda p: p["reductions"]["rows"].reverse(), "its multipliers prove"),
    "earliest periods denied": (
        lambda p: p["reductions"].update(earliest_periods=False, rows=[]),
        "multipliers, got",
    ),
    "rule said to be left out": (lambda p: p.update(relaxed=["limits.phases_active_max"]), "rules left out"),
    "plain bound lowered": (lambda p: p.update(lp_bound=p["lp_bound"] - 1.0), "FAILED  lp bound"),
    "plain multipliers altered": (
        lambda p: p.update(lp_multipliers=[1.01 * one for one in p["lp_multipliers"]]),
        "FAILED  lp bound",
    ),
    "plain multipliers taken away": (lambda p: p.update(lp_multipliers=None), "FAILED  certificate"),
    "another mine": (lambda p: p["instance"].update(hash="0" * 64), "for the mine 000000000000"),
    "another resolution": (lambda p: p["instance"].update(resolution="block"), "certificate is for blocks"),
    "objective raised": (lambda p: p.update(objective=p["objective"] * 1.001), "objective is"),
    "multiplier that is no number": (
        lambda p: p["cases"][0]["multipliers"].__setitem__(0, "much"),
        "expected a list of finite numbers",
    ),
    "multiplier beyond all numbers": (
        lambda p: p["cases"][0]["multipliers"].__setitem__(0, 1e308),
        "expected a list of finite numbers",
    ),
    "range of fractions": (lambda p: p["cases"][0]["ranges"].update({"works.pit": [0.5, 2]}), "two whole numbers"),
    "format of the future": (lambda p: p.update(format=99), "format is 99; expected 2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_certificate_is_caught(pitwise: Pitwise, spoiled: Path, fault: str):
    """Whatever is changed so that the claim no longer follows ends in five, and says what."""
    change, said = FAULTS[fault]
    edit(spoiled, change)
    assert said in failing(pitwise, spoiled)


@pytest.mark.parametrize("fault", ["bound lowered", "multipliers scaled", "largest case removed", "another mine"])
def test_the_second_kernel_catches_them_too(pitwise: Pitwise, spoiled: Path, fault: str):
    change, said = FAULTS[fault]
    edit(spoiled, change)
    assert said in failing(pitwise, spoiled, "--independent")


def test_a_range_from_below_nothing_proves_no_less_than_it_holds(pitwise: Pitwise, certified: Path, tmp_path: Path):
    """Cases bounded with the crusher bought in the last period at the soonest, said to hold every period.

    Counted from the end of its chain a range from -1 would be just that, and the bound, which lies below what the plan
    is worth, would pass.
    """
    instance = read_mine(str(certified.parent / "mine"))
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    tight = tightening(problem, closure_program(problem))
    chains = dict(tight.chains)
    late = in_case(tight.program, [chains.pop("bought.crusher")], ((5, 6),))
    found = bound_by_cases(late, list(chains.values()), tight.aside)
    proof = certificate(certified)
    assert THOUSAND * found.bound < proof["objective"]
    proof["reductions"]["rows"] = [list(tight.names[row]) for row in found.rows]
    proof["bound"] = THOUSAND * found.bound
    proof["cases"] = [
        {
            "ranges": {**dict(zip(chains, map(list, leaf.ranges), strict=True)), "bought.crusher": [-1, 6]},
            "bound": THOUSAND * leaf.bound if np.isfinite(leaf.bound) else None,
            "multipliers": leaf.multipliers.tolist(),
        }
        for leaf in found.leaves
    ]
    (tmp_path / "forged.json").write_text(json.dumps(proof))
    assert "its multipliers prove" in failing(
        pitwise, tmp_path / "forged.json", "--instance", certified.parent / "mine"
    )


@pytest.mark.parametrize("kept", [0, 1, 400, -3])
def test_a_certificate_cut_off_is_caught(pitwise: Pitwise, spoiled: Path, kept: int):
    file = spoiled / "certificate.json"
    file.write_bytes(file.read_bytes()[:kept])
    assert "the certificate is damaged" in failing(pitwise, spoiled)


def test_a_missing_certificate_is_caught(pitwise: Pitwise, spoiled: Path):
    (spoiled / "certificate.json").unlink()
    assert "certificate.json is missing" in failing(pitwise, spoiled)


def test_a_bound_without_its_certificate_is_caught(pitwise: Pitwise, spoiled: Path):
    """The plain bound alone is a claim too."""
    (spoiled / "certificate.json").unlink()

    def change(summary: Json) -> None:
        bound = summary["solver_bound"]
        gap = bound - summary["objective"]
        summary.update(certified_bound=None, gap_certified=None, bound=bound)
        summary.update(gap_abs=gap, gap=gap / summary["objective"])

    edit(spoiled, change, "summary.json")
    assert "claims lp_bound" in failing(pitwise, spoiled)


def test_the_changes_to_a_mine_are_told(pitwise: Pitwise, tmp_path: Path):
    """What holds of a changed mine is not passed off as true of the mine itself, by run nor certificate."""
    mine = write_mine(tmp_path / "mine", tiny_data(periods=3), tiny_blocks())
    solving = ("--set", "costs.mining_per_t=1.5", "--out", tmp_path / "run", "--quiet")
    assert pitwise("solve", mine, *solving).exit_code == 0
    for subject in (tmp_path / "run", tmp_path / "run" / "certificate.json"):
        result = pitwise("verify", subject, "--instance", mine)
        assert result.exit_code == 0, result.output
        assert "changed by costs.mining_per_t=1.5" in result.stdout


def test_another_mine_than_the_one_given_is_caught(pitwise: Pitwise, certified: Path, tmp_path: Path):
    """One block of another grade, another hash."""
    blocks = tiny_blocks(nx=4, nz=3, grades=[*GRADES[:-1], 1.2], phases=PHASES)
    other = write_mine(tmp_path / "other", tiny_data(periods=6, phases=PHASES, changes=DECISIONS), blocks)
    assert "the mine given has the hash" in failing(pitwise, certified, "--instance", other)
    assert "certificate is for the mine" in failing(pitwise, certified / "certificate.json", "--instance", other)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"certified_bound": 5.3e6}, "certified_bound is 5300000.0 in the summary"),
        ({"certified_bound": None}, "certified_bound is None in the summary"),
        ({"gap_certified": 0.0}, "gap_certified is 0.0 in the summary"),
        ({"lp_bound": 5.4e6}, "lp_bound is 5400000.0 in the summary"),
        ({"objective": 5.5e6}, "discounted cash claimed"),
    ],
)
def test_a_summary_that_claims_more_is_caught(pitwise: Pitwise, spoiled: Path, values: Json, said: str):
    edit(spoiled, lambda summary: summary.update(values), "summary.json")
    assert said in failing(pitwise, spoiled)


def moved_a_row(plan: pd.DataFrame) -> pd.DataFrame:
    last = plan["period"].idxmax()
    return plan.assign(
        period=plan["period"].where(plan.index != last, 0), label=plan["label"].where(plan.index != last, "2020")
    )


def shifted_tonnes(plan: pd.DataFrame) -> pd.DataFrame:
    tonnes = plan["tonnes"].copy()
    tonnes.iloc[0], tonnes.iloc[-1] = tonnes.iloc[0] - 1000.0, tonnes.iloc[-1] + 1000.0
    return plan.assign(tonnes=tonnes)


PLAN_FAULTS: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "row moved to another period": ("plan.parquet", moved_a_row),
    "tonnes shifted between rows": ("plan.parquet", shifted_tonnes),
    "row taken away": ("plan.parquet", lambda plan: plan.iloc[1:]),
    "row twice": ("plan.parquet", lambda plan: pd.concat([plan, plan.iloc[:1]])),
    "tonnes below zero": ("plan.parquet", lambda plan: plan.assign(tonnes=-plan["tonnes"])),
    "waste sent to the mill": ("plan.parquet", lambda plan: plan.assign(destination="mill", bin="")),
    "stock below zero": ("stock.parquet", lambda stock: stock.assign(tonnes=-1000.0)),
    "reclaim out of nothing": ("stock.parquet", lambda stock: stock.assign(reclaimed=5000.0)),
    "pit said to be shut": ("operating.parquet", lambda works: works.assign(works=False)),
    "option said to be free": ("options.parquet", lambda options: options.iloc[:0]),
}


@pytest.mark.parametrize("fault", PLAN_FAULTS)
def test_a_fault_in_the_plan_is_caught(pitwise: Pitwise, spoiled: Path, fault: str):
    """A plan that breaks a rule or is worth less than claimed does not stand beside its bound."""
    file, change = PLAN_FAULTS[fault]
    table = pd.read_parquet(spoiled / file)
    assert len(table)
    change(table).to_parquet(spoiled / file, index=False)
    assert "audit" in failing(pitwise, spoiled)


@pytest.fixture(scope="session")
def refuted(tmp_path_factory: pytest.TempPathFactory, pitwise: Pitwise) -> Path:
    """The proof that a mine has no plan, beside the mine; not to be written to."""
    folder = tmp_path_factory.mktemp("refuted")
    blocks = tiny_blocks(nx=4, nz=3, grades=GRADES, phases=PHASES)
    changes = {**DECISIONS, "limits.mill_min_t_per_day": 290.0}
    mine = write_mine(folder / "mine", tiny_data(periods=6, phases=PHASES, changes=changes), blocks)
    result = pitwise("solve", mine, "--out", folder / "run", "--proof", folder / "proof.json", "--quiet")
    assert result.exit_code == 3, result.output
    assert "limits.mill_min_t_per_day" in result.stdout
    assert "proof by multipliers" in result.stdout
    assert not (folder / "run").exists()
    return folder


def test_a_mine_without_a_plan_is_proven_to_have_none(pitwise: Pitwise, refuted: Path):
    """With either kernel; the file says so, and is not written over."""
    for arguments in ((), ("--independent",)):
        result = pitwise("verify", refuted / "proof.json", "--instance", refuted / "mine", *arguments)
        assert result.exit_code == 0, result.output
        assert "passed  no plan" in result.stdout
    told = only_object(pitwise("verify", refuted / "proof.json", "--instance", refuted / "mine", "--json").stdout)
    assert (told["claim"], told["bound"], told["passed"]) == ("no plan", None, True)
    again = pitwise("solve", refuted / "mine", "--proof", refuted / "proof.json")
    assert again.exit_code == 2
    assert len(again.stderr.splitlines()) == 1


REFUTED_FAULTS: dict[str, tuple[Callable[[Json], object], int, str]] = {
    "multipliers of zero": (
        lambda p: p["cases"][0].update(multipliers=[0.0] * len(p["cases"][0]["multipliers"])),
        5,
        "its multipliers prove",
    ),
    "multipliers turned round": (
        lambda p: p["cases"][0].update(multipliers=[-one for one in p["cases"][0]["multipliers"]]),
        5,
        "the multipliers do not rule every plan out",
    ),
    "a case with a plan": (lambda p: p["cases"][0].update(bound=1e6), 5, "do not rule every plan out"),
    "every case removed": (lambda p: p.update(cases=[]), 5, "no case holds"),
    "another mine": (lambda p: p["instance"].update(hash="0" * 64), 5, "for the mine 000000000000"),
    "a bound beside it": (lambda p: p.update(bound=7.0), 2, "none, as the claim is no plan"),
    "a bound instead": (lambda p: p.update(claim="plan bound"), 2, "a finite number"),
    "a claim of the future": (lambda p: p.update(claim="no plan at all"), 2, "expected the key multipliers"),
}


@pytest.mark.parametrize("fault", REFUTED_FAULTS)
def test_a_fault_in_a_proof_that_there_is_no_plan_is_caught(
    pitwise: Pitwise, refuted: Path, tmp_path: Path, fault: str
):
    """The claim falls exactly where it no longer follows; a file that makes no sense is bad input."""
    change, code, said = REFUTED_FAULTS[fault]
    shutil.copy(refuted / "proof.json", tmp_path / "proof.json")
    edit(tmp_path, change, "proof.json")
    result = pitwise("verify", tmp_path / "proof.json", "--instance", refuted / "mine")
    assert result.exit_code == code, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_mine_with_a_plan_is_not_refuted_by_a_forged_proof(pitwise: Pitwise, certified: Path, spoiled: Path):
    """Its own certificate with the claim changed, alone and beside the plan."""
    edit(spoiled, lambda p: p.update(claim="no plan", bound=None))
    mine = certified.parent / "mine"
    assert "do not rule every plan out" in failing(pitwise, spoiled / "certificate.json", "--instance", mine)
    assert "it claims that there is no plan, beside one" in failing(pitwise, spoiled)


def test_no_proof_is_written_where_there_is_a_plan(pitwise: Pitwise, tmp_path: Path):
    """The plan is; the file is not."""
    mine = write_mine(tmp_path / "mine", tiny_data(periods=3), tiny_blocks())
    assert pitwise("solve", mine, "--out", tmp_path / "run", "--proof", tmp_path / "proof.json").exit_code == 0
    assert not (tmp_path / "proof.json").exists()


def test_active_phases_are_left_out_and_named(pitwise: Pitwise, tmp_path: Path):
    """A rule the relaxation cannot hold leaves a bound that is one still, and the certificate says which."""
    data = tiny_data(periods=4, phases=PHASES, changes={"limits.phases_active_max": 1})
    mine = write_mine(tmp_path / "mine", data, tiny_blocks(nx=4, nz=3, grades=GRADES, phases=PHASES))
    assert pitwise("solve", mine, "--out", tmp_path / "run", "--gap", "0").exit_code == 0
    proof = certificate(tmp_path / "run")
    assert proof["relaxed"] == ["limits.phases_active_max"]
    assert proof["objective"] <= proof["bound"] * (1 + 1e-9)
    assert pitwise("verify", tmp_path / "run", "--instance", mine).exit_code == 0
    edit(tmp_path / "run", lambda proof: proof.update(relaxed=[]))
    assert "rules left out: none" in failing(pitwise, tmp_path / "run")
