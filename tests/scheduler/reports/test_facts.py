"""A run that is not whole, or whose summary is not that of its plan, is refused with what is wrong; none is changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from instances.instance import Instance
from scheduler.compiling import compile_problem
from scheduler.plan import Plan
from scheduler.reports.facts import read_facts
from scheduler.reports.writing import write_reports
from scheduler.solution import Solution, to_plan
from tests.scheduler.reports.conftest import file_bytes, two_phases, write_plan


def edited(run: Path, **values: object) -> None:
    path = run / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def other_plan(run: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(run / "plan.parquet")).to_parquet(run / "plan.parquet", index=False)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "objective": (lambda run: edited(run, objective=1.0), "summary.json: objective is 1.0; expected that of the plan"),
    "npv": (lambda run: edited(run, npv=None), "summary.json: npv: expected that of the plan"),
    "by period": (lambda run: edited(run, copper_mlb_by_period={"2020": 1.0}), "summary.json: copper_mlb_by_period"),
    "no audit": (lambda run: edited(run, audit=None), "summary.json: audit: expected a value; it is missing"),
    "audit of words": (
        lambda run: edited(run, audit="passed"),
        "summary.json: audit is 'passed'; expected passed, checks",
    ),
    "audit without sizes": (lambda run: edited(run, audit={"passed": True}), "expected passed, checks, rules"),
    "bound in words": (lambda run: edited(run, bound="much"), "summary.json: bound is 'much'; expected a number"),
    "no number": (lambda run: edited(run, uplift=float("nan")), "summary.json: uplift is nan; expected a number"),
    "truth for a gap": (lambda run: edited(run, gap=True), "summary.json: gap is true; expected a number"),
    "gap of another bound": (lambda run: edited(run, gap=1e-9), "summary.json: gap is 1e-09; expected that from"),
    "bound below": (
        lambda run: edited(run, certified_bound=-1e12),
        "certified_bound is -1000000000000.0; expected the",
    ),
    "gap without bound": (
        lambda run: edited(run, bound=None),
        "summary.json: gap is 0.001; expected none, without bound",
    ),
    "prices": (
        lambda run: edited(run, shadow_prices=[{"key": "k"}]),
        "expected prices with key, period, unit and value",
    ),
    "price of no period": (
        lambda run: edited(run, shadow_prices=[{"key": "k", "period": "1999", "unit": "t", "value": 1.0}]),
        "shadow_prices: period is '1999'; expected one of 2020 to 2023",
    ),
    "versions": (lambda run: edited(run, versions=[1]), "expected versions by name"),
    "parcel": (lambda run: other_plan(run, lambda plan: plan.assign(parcel="gold")), "mines the parcel gold"),
    "unit": (lambda run: other_plan(run, lambda plan: plan.assign(unit=plan["unit"].iloc[0])), "a unit that it does"),
    "cut": (lambda run: (run / "plan.parquet").write_bytes(b"PAR1"), "plan.parquet: expected a whole Parquet file"),
    "half": (lambda run: (run / "run.json").unlink(), "it is none, or was not finished"),
    "version": (
        lambda run: (run / "run.json").write_text((run / "run.json").read_text().replace('"format": 1', '"format": 9')),
        "format is 9; expected 1",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_refused(run_copy: Path, damage: str):
    spoil, said = DAMAGE[damage]
    spoil(run_copy)
    with pytest.raises(BadInput) as caught:
        read_facts(run_copy)
    assert said in str(caught.value)


TAILINGS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "twice": (lambda rows: pd.concat([rows, rows]), "2011, Mt is 11.68; expected the 5.84 Mt that the mills make"),
    "none": (lambda rows: rows.iloc[:0], "2011, Mt is 0.0; expected the 5.84 Mt that the mills make"),
    "below nought": (lambda rows: rows.assign(tonnes=-rows["tonnes"]), "expected no tonnes below nought"),
}


@pytest.mark.parametrize("damage", TAILINGS)
def test_tailings_that_no_mill_makes_are_refused(mzo_run: Path, tmp_path: Path, damage: str):
    change, said = TAILINGS[damage]
    run = Path(shutil.copytree(mzo_run, tmp_path / "run"))
    change(pd.read_parquet(run / "tailings.parquet")).to_parquet(run / "tailings.parquet", index=False)
    with pytest.raises(BadInput) as caught:
        read_facts(run)
    assert said in str(caught.value)


Change = Callable[[pd.DataFrame], pd.DataFrame]
DOUBLED: Change = lambda rows: pd.concat([rows, rows])  # noqa: E731
TABLES: dict[str, tuple[str, Change, str]] = {
    "installations twice": ("operating", DOUBLED, "operating.parquet: rows of pit in 2011 is 2; expected one in each"),
    "an installation less": ("operating", lambda rows: rows.iloc[1:], "rows of pit in 2011 is 0; expected one in each"),
    "another installation": (
        "operating",
        lambda rows: pd.concat([rows, rows.iloc[:1].assign(installation="smelter")]),
        "operating.parquet: installation is 'smelter'; expected one of the mine",
    ),
    "stock twice": ("stock", DOUBLED, "stock.parquet: rows of stockpile low_grade in 2011 is 2; expected one in each"),
    "stock put in": (
        "stock",
        lambda rows: rows.assign(tonnes_in=2 * rows["tonnes_in"]),
        "tonnes_in, t is",
    ),
    "stock taken out": ("stock", lambda rows: rows.assign(reclaimed=1e6), "reclaimed, t is 1000000; expected the"),
    "stock held": ("stock", lambda rows: rows.assign(tonnes=rows["tonnes"] + 5e5), "tonnes, t is"),
    "reclaim twice": ("reclaim", DOUBLED, "summary.json: objective is"),
    "plan twice": ("plan", DOUBLED, "summary.json: objective is"),
}


@pytest.mark.parametrize("damage", TABLES)
def test_tables_that_do_not_agree_are_refused(mzo_run: Path, tmp_path: Path, damage: str):
    """Each table of a plan, rows twice or other numbers in it: the report shows none of them, and says which."""
    table, change, said = TABLES[damage]
    run = Path(shutil.copytree(mzo_run, tmp_path / "run"))
    change(pd.read_parquet(run / f"{table}.parquet")).to_parquet(run / f"{table}.parquet", index=False)
    with pytest.raises(BadInput) as caught:
        read_facts(run)
    assert said in str(caught.value)


def test_a_report_adds_its_files_and_changes_no_other(run_copy: Path, tmp_path: Path):
    before = file_bytes(run_copy)
    files = write_reports(read_facts(run_copy))
    after = file_bytes(run_copy)
    assert [file.name for file in files] == ["report.html", "report.xlsx"]
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"report.html", "report.xlsx"}
    assert read_facts(run_copy).summary == read_facts(run_copy).summary
    write_reports(read_facts(run_copy), tmp_path / "new" / "place", exports=["csv"])
    assert file_bytes(run_copy) == after
    assert set(file_bytes(tmp_path / "new")) == {
        "place/report.html",
        "place/report.xlsx",
        "place/scheduled-blocks.csv",
    }


def test_nothing_is_written_where_a_form_is_not_known(run_copy: Path):
    before = file_bytes(run_copy)
    with pytest.raises(BadInput, match="one of csv, parquet, vtu"):
        write_reports(read_facts(run_copy), exports=["dxf"])
    assert file_bytes(run_copy) == before


def test_a_folder_that_cannot_be_written_is_told(small_run: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="a file that can be written"):
        write_reports(read_facts(small_run), tmp_path / "file" / "below")


def test_a_plan_that_mines_nothing_is_reported_too(tmp_path: Path):
    instance = two_phases()
    run = write_plan(tmp_path / "idle", instance, nothing(instance), shadow_prices=[])
    page = write_reports(read_facts(run), exports=["csv", "vtu"])[0].read_text()
    assert "0\N{NO-BREAK SPACE}years" in page
    assert "No limit has a price" in page
    assert "2020" in page


def nothing(instance: Instance) -> Plan:
    """A plan that mines nothing, as a solver would give it."""
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    periods = problem.periods
    sent, reclaimed = np.zeros((len(problem.route_parcel), periods)), np.zeros((len(problem.reclaim_place), periods))
    return to_plan(problem, Solution(sent, reclaimed, {}, {}, np.zeros((0, periods), bool)), "panel")
