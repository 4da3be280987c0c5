"""A run folder is written whole or not at all, reads back as it was, and is refused when it is not whole."""

from __future__ import annotations

import errno
import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from instances.findings import BadInput
from instances.instance import Instance
from instances.reading import read_mine
from scheduler import runfolder
from scheduler.audit import audit
from scheduler.cashflow import cash_flow
from scheduler.plan import MINED, OPERATING, OPTIONS, RECLAIM, STOCK, TAILINGS, Plan
from scheduler.reports.export import FORMS
from scheduler.runfolder import json_text, read_run, refuse_occupied, write_run
from scheduler.schedule import schedule_table
from tests.builders import tiny_blocks, tiny_data, tiny_mine, write_mine
from tests.scheduler.test_cashflow import hand_mine, hand_plan

COLUMNS = {
    "mined": MINED,
    "stock": STOCK,
    "reclaim": RECLAIM,
    "tailings": TAILINGS,
    "operating": OPERATING,
    "options": OPTIONS,
}


def idle_plan() -> Plan:
    """A plan that mines nothing and tells nothing."""
    return Plan("panel", **{name: pd.DataFrame([], columns=list(columns)) for name, columns in COLUMNS.items()})


def written(folder: Path, *, replace: bool = False, **changes: object) -> Path:
    """The run of the hand plan."""
    instance = hand_mine()
    plan = hand_plan(instance)
    cash = cash_flow(instance, plan)
    tables = {"schedule": schedule_table(instance, plan, cash), "cashflow": cash.table}
    summary = {"objective": cash.objective, "status": "optimal", **changes}
    return write_run(folder, instance, plan, tables, summary, "solved\n", replace=replace)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return written(tmp_path / "run")


def refused(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_run(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.findings)
    return str(caught.value)


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_reads_back_as_it_was(run: Path) -> None:
    instance = hand_mine()
    plan = hand_plan(instance)
    back = read_run(run)
    assert back.instance.hash() == instance.hash()
    assert back.summary["objective"] == cash_flow(instance, plan).objective
    assert back.plan.resolution == "panel"
    for name in COLUMNS:
        before = getattr(plan, name).reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(back.plan, name), before, check_dtype=False)
    assert cash_flow(back.instance, back.plan).npv == cash_flow(instance, plan).npv
    assert audit(back.instance, back.plan).objective == audit(instance, plan).objective


def test_the_folder_holds_what_a_planner_looks_for(run: Path) -> None:
    tables = ["operating", "options", "plan", "reclaim", "stock", "tailings"]
    mine = ["mine", "mine/blocks.parquet", "mine/mine.toml"]
    others = ["cashflow.csv", "log.txt", "run.json", "schedule.csv", "summary.json"]
    assert everything_in(run) == sorted([*mine, *others, *(f"{name}.parquet" for name in tables)])
    assert everything_in(run.parent)[0] == "run"
    columns = pq.read_schema(run / "plan.parquet").names
    assert columns == ["unit", "parcel", "destination", "bin", "period", "tonnes", "label"]
    schedule = pd.read_csv(run / "schedule.csv", index_col="period")
    assert schedule.index.tolist() == list(range(2011, 2022))
    assert schedule["copper_recovered_mlb"].sum() == pytest.approx(423.69, abs=0.01)
    assert (run / "log.txt").read_text() == "solved\n"


def test_the_bundled_mine_with_overrides_keeps_its_hash(tmp_path: Path) -> None:
    instance = read_mine("mzo", ["limits.mill_t_per_day=14000", "materials.tailings.tonnes_factor=0.5"])
    write_run(tmp_path / "run", instance, idle_plan(), {}, {}, "")
    back = read_run(tmp_path / "run").instance
    assert back.hash() == instance.hash()
    assert back.overrides == instance.overrides
    assert back.mine.limits.mill_t_per_day == 14000
    text = (tmp_path / "run" / "mine" / "mine.toml").read_text()
    assert text.startswith("# The mine mzo as it was solved with limits.mill_t_per_day=14000;")
    assert tomllib.loads(text)["published"][0]["figure"] == "mzo_ore_mt"


def uneven() -> pd.DataFrame:
    random = np.random.default_rng(7)
    return tiny_blocks(grades=random.uniform(0, 1, 6).tolist(), tonnes=random.uniform(1e4, 7e4, 6).tolist())


def further(folder: Path) -> Instance:
    write_mine(folder, tiny_data(changes={"precedence.file": "arcs.csv"}))
    (folder / "arcs.csv").write_text("block,needs,lag_years\nb0-0-0,b1-0-1,0.1\n")
    return read_mine(folder)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _: tiny_mine(precedence=[("b0-0-0", "b1-0-1", 0.5)]), id="further precedence in memory"),
        pytest.param(lambda _: tiny_mine(changes={"panels.sectors": 3}, nx=5, ny=4), id="sectors"),
        pytest.param(lambda folder: read_mine(write_mine(folder, blocks=uneven())), id="from csv"),
        pytest.param(further, id="precedence file"),
    ],
)
def test_every_kind_of_mine_reads_back_equal(tmp_path: Path, make: Callable[[Path], Instance]) -> None:
    instance = make(tmp_path / "mine")
    write_run(tmp_path / "run", instance, idle_plan(), {}, {}, "")
    back = read_run(tmp_path / "run").instance
    assert back.hash() == instance.hash()
    assert back.mine == instance.mine
    pd.testing.assert_frame_equal(back.blocks, instance.blocks)
    pd.testing.assert_frame_equal(back.precedence, instance.precedence)
    assert read_mine(tmp_path / "run" / "mine").mine.calendar == instance.mine.calendar


def test_an_earlier_run_is_kept_unless_told(run: Path) -> None:
    before = (run / "summary.json").read_bytes()
    with pytest.raises(BadInput, match="replaced only when asked"):
        written(run, status="other")
    assert (run / "summary.json").read_bytes() == before
    instance = hand_mine()
    write_run(run, instance, hand_plan(instance), {}, {"status": "other"}, "", replace=True)
    assert read_run(run).summary == {"status": "other"}
    assert not (run / "schedule.csv").exists()
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_a_folder_that_is_no_run_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work")
    for replace in (False, True):
        with pytest.raises(BadInput, match="holds something else"):
            refuse_occupied(tmp_path / "thesis", replace=replace)
    with pytest.raises(BadInput, match="there is a file of this name"):
        refuse_occupied(tmp_path / "thesis" / "chapter", replace=True)
    with pytest.raises(BadInput, match="holds something else"):
        written(tmp_path / "thesis")
    assert everything_in(tmp_path) == ["thesis", "thesis/chapter"]


@pytest.mark.parametrize(
    "place", ["notes.txt", "mine/survey.csv", "photos/pit.png", "scheduled-blocks.xlsx", "pit-x.png"]
)
def test_a_run_beside_which_something_else_lies_is_kept(run: Path, place: str) -> None:
    (run / place).parent.mkdir(exist_ok=True)
    (run / place).write_text("by hand")
    before = everything_in(run)
    with pytest.raises(BadInput, match=rf"holds {place if place.startswith('mine') else place.partition('/')[0]} too"):
        written(run, replace=True)
    assert everything_in(run) == before
    assert (run / place).read_text() == "by hand"


def test_reports_go_with_the_run_that_is_replaced(run: Path) -> None:
    names = [
        "report.html",
        "report.xlsx",
        "report-plan.parquet",
        ".0a1b2c3d.report.html",
        "pit-2020.png",
        "pit-2020-04.png",
    ]
    names += ["pit-2020-04-p001.png", *(f"scheduled-blocks.{form}" for form in FORMS), "certificate.json", ".DS_Store"]
    for name in names:
        (run / name).write_text("of pitwise")
    written(run, replace=True)
    assert not set(names) & set(everything_in(run))


def test_an_empty_folder_and_folders_to_be_made_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b" / "run"):
        refuse_occupied(folder, replace=False)
        assert read_run(written(folder)).summary["status"] == "optimal"


@pytest.mark.parametrize("failing", ["write_table", "copyfile", "fsync"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "log").write_text("")
    module = {"write_table": runfolder.pq, "copyfile": runfolder.shutil, "fsync": runfolder.os}[failing]
    monkeypatch.setattr(module, failing, full)
    instance = hand_mine()
    with pytest.raises(BadInput, match=r"No space left on device") as caught:
        write_run(tmp_path / "a" / "run", instance, hand_plan(instance), {}, {}, tmp_path / "log")
    assert len(str(caught.value).splitlines()) == 1
    assert everything_in(tmp_path) == ["log"]


def test_a_failed_replacement_keeps_the_earlier_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    instance = hand_mine()
    with pytest.raises(KeyboardInterrupt):
        write_run(run, instance, hand_plan(instance), {}, {}, "", replace=True)
    assert read_run(run).summary["status"] == "optimal"
    assert [path.name for path in run.parent.iterdir()] == ["run"]


def test_a_place_that_cannot_be_written_is_told_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="a folder that can be written"):
        written(tmp_path / "file" / "run")
    assert everything_in(tmp_path) == ["file"]


def test_json_is_sorted_exact_and_has_no_nan() -> None:
    text = json_text(
        {"b": np.float64(0.1) + 0.2, "a": [math.nan, -math.inf, np.int64(3)], "c": np.arange(2), "d": (1,)}
    )
    assert text == json_text(json.loads(text))
    assert json.loads(text) == {"a": [None, None, 3], "b": 0.1 + 0.2, "c": [0, 1], "d": [1]}
    assert list(json.loads(text)) == ["a", "b", "c", "d"]


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_table(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(path)).to_parquet(path, index=False)


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda run: (run / "run.json").unlink(), "was not finished"),
    "later format": (lambda run: change_json(run / "run.json", format=2), "format is 2; expected 1"),
    "no resolution": (lambda run: change_json(run / "run.json", resolution="bench"), "one of panel, block"),
    "overrides": (lambda run: change_json(run / "run.json", overrides=[1]), "a list of texts"),
    "cut manifest": (lambda run: (run / "run.json").write_text('{"format": 1'), "the file is damaged"),
    "cut summary": (lambda run: (run / "summary.json").write_text("{"), "summary.json: expected JSON in UTF-8"),
    "list summary": (lambda run: (run / "summary.json").write_text("[]"), "summary.json: expected a JSON object"),
    "no summary": (lambda run: (run / "summary.json").unlink(), "summary.json: expected a readable file"),
    "no plan": (lambda run: (run / "plan.parquet").unlink(), "plan.parquet: expected a readable file; it is missing"),
    "cut plan": (lambda run: (run / "plan.parquet").write_bytes(b"PAR1"), "plan.parquet: expected a whole Parquet"),
    "no column": (
        lambda run: change_table(run / "stock.parquet", lambda table: table.drop(columns="tonnes_in")),
        "stock.parquet: expected a column tonnes_in",
    ),
    "text for tonnes": (
        lambda run: change_table(run / "plan.parquet", lambda table: table.assign(tonnes="much")),
        "plan.parquet: expected columns of the types",
    ),
    "missing tonnes": (
        lambda run: change_table(run / "plan.parquet", lambda table: table.assign(tonnes=math.nan)),
        "column tonnes: expected a value in every row",
    ),
    "period": (
        lambda run: change_table(run / "plan.parquet", lambda table: table.assign(period=11)),
        "period in row 1 is 11; expected a period from 0 to 10",
    ),
    "label": (
        lambda run: change_table(run / "reclaim.parquet", lambda table: table.assign(label="2011")),
        "label in row 1 is '2011'; expected 2019",
    ),
    "no mine": (lambda run: (run / "mine" / "mine.toml").unlink(), "mine.toml"),
    "other mine": (
        lambda run: change_table(run / "mine" / "blocks.parquet", lambda t: t.assign(cu_pct=t["cu_pct"] * 1.01)),
        "it was changed since",
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_damaged_run_is_refused(run: Path, spoilt: str) -> None:
    spoil, said = SPOILT[spoilt]
    spoil(run)
    assert said in refused(run)


def test_every_fault_of_a_run_is_told_at_once(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "options.parquet").write_bytes(b"")
    change_table(run / "plan.parquet", lambda table: table.assign(period=-1))
    told = refused(run)
    for file in ("summary.json", "options.parquet", "plan.parquet"):
        assert file in told


def test_what_is_no_folder_is_no_run(tmp_path: Path) -> None:
    assert "there is no such folder" in refused(tmp_path / "missing")


def test_what_the_audit_judges_is_read_as_it_stands(run: Path) -> None:
    """A tonnage tampered with is for the audit to find."""
    change_table(run / "plan.parquet", lambda table: table.assign(tonnes=table["tonnes"] * 2))
    back = read_run(run)
    assert audit(back.instance, back.plan).findings
