"""A study run: each scenario solved once and for all, whatever is killed, changed or refused in between."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instances.findings import BadInput
from instances.reading import read_mine
from instances.table import files_outside_allowed
from scheduler.runfolder import CERTIFICATE, read_run
from scheduler.solving import Request, solve_mine
from scheduler.studies.columns import TIMES
from scheduler.studies.folder import FORMULATIONS, WORK, keys, locked, read_status
from scheduler.studies.opening import open_study
from scheduler.studies.results import Study
from scheduler.studies.running import Event, run_study, settings_of
from scheduler.studies.worker import Job, ScenarioSolve, Word
from tests.builders import tiny_data, write_mine
from tests.scheduler.studies.conftest import GRID, HEAD, WriteStudy

TORNADO = '\n[[designs]]\nkind = "tornado"\nparameters = ["mining"]\n'
THREE = HEAD + TORNADO + "\n[solve]\ngap = 0.0\n"
"""The base and two scenarios of a tornado."""
ROW = HEAD + GRID.replace('"mill", ', "")
"""The base and a row of two."""
PROVEN = "optimal within the gap"


def settled(study: Study) -> pd.DataFrame:
    """The results without what differs from run to run."""
    return study.results().drop(columns=list(TIMES))


def records(folder: Path) -> dict[str, int]:
    """When each result was written, by its folder."""
    return {file.parent.name: file.stat().st_mtime_ns for file in folder.glob("scenarios/*/scenario.json")}


def test_every_scenario_is_what_solving_it_alone_gives(finished: Study, whole: Path):
    """At gap 0 value and bound are those of ``pitwise solve`` with the same overrides, from whatever start."""
    opened = open_study(whole)
    results = finished.results().set_index("scenario")
    for scenario in opened.scenarios:
        alone = solve_mine(read_mine(opened.source.mine, scenario.overrides), Request(gap=0.0, threads=1)).summary
        row = results.loc[scenario.name]
        assert row["status"] == alone["status"]
        if alone["objective"] is not None:
            assert row["objective"] == pytest.approx(alone["objective"], rel=1e-6)
            assert row["bound"] >= row["objective"] * (1 - 1e-9)


def test_an_infeasible_scenario_is_a_result_with_its_reason(finished: Study):
    """It says which limits conflict, and the others are solved."""
    results = finished.results().set_index("scenario")
    assert results.loc["impossible", "status"] == "infeasible"
    assert "limits.mill_min_t_per_day" in results.loc["impossible", "reason"]
    assert set(results.drop(index="impossible")["status"]) == {PROVEN}
    assert results.drop(index="impossible")["audit_passed"].all()


def test_a_scenario_is_a_whole_run_folder(finished: Study):
    """With its certificate and the mine as it was solved, which can be read back and verified by itself."""
    row = finished.results().set_index("scenario").loc["mining-low"]
    run = read_run(finished.folder / row["folder"])
    assert run.instance.overrides == ("limits.mining_mt_per_year=0.15",)
    assert run.summary["objective"] == row["objective"]
    assert (finished.folder / row["folder"] / CERTIFICATE).is_file()


def test_a_finished_study_is_not_solved_again(finished: Study, whole: Path):
    """The same call writes no result anew."""
    before = records(finished.folder)
    events: list[Event] = []
    run_study(open_study(whole), finished.folder, on_event=events.append)
    assert records(finished.folder) == before
    assert events == []


def test_neighbours_are_used_as_starts(finished: Study):
    """A plan of the base is accepted as start where the mill is larger."""
    results = finished.results().set_index("scenario")
    assert results.loc["price-high", "start"].startswith("accepted")
    assert results.loc["price-high", "starts_from"] == "base"


def test_scenarios_that_differ_in_money_share_their_formulation(study: WriteStudy, tmp_path: Path):
    """One for all prices, one more for another mining capacity; none is left when the study ends."""
    prices = '\n[[designs]]\nkind = "tornado"\nparameters = ["price"]\n'
    opened = open_study(study(HEAD + prices + TORNADO + "\n[solve]\ngap = 0.0\n"))
    seen: dict[int, int] = {}

    def count(event: Event) -> None:
        if event.status != "begun":
            seen[event.done] = len(list((tmp_path / "out" / WORK / FORMULATIONS).iterdir()))

    run_study(opened, tmp_path / "out", workers=1, on_event=count)
    order = sorted(seen)
    assert [seen[done] for done in order] == sorted(seen.values())
    assert seen[order[-1]] == 3
    assert len(order) == 5
    assert not (tmp_path / "out" / WORK).exists()
    results = Study(tmp_path / "out").results().set_index("scenario")
    for scenario in opened.scenarios:
        alone = solve_mine(read_mine(opened.source.mine, scenario.overrides), Request(gap=0.0, threads=1)).summary
        assert results.loc[scenario.name, "objective"] == pytest.approx(alone["objective"], rel=1e-6)


def test_only_what_a_change_touches_is_solved_again(study: WriteStudy, tmp_path: Path):
    """Another value of one scenario leaves the others' results; a changed base leaves none, and none is mixed in."""
    cold = ROW + "[solve]\nwarm = false\n"
    run_study(open_study(study(cold)), tmp_path / "out")
    first = records(tmp_path / "out")
    run_study(open_study(study(cold.replace("[0.15, 0.2]", "[0.15, 0.25]"))), tmp_path / "out")
    second = records(tmp_path / "out")
    assert {name: second[name] for name in first} == first
    assert len(second) == len(first) + 1
    dearer = cold.replace("[parameters", 'changes = ["costs.mining_per_t=2.5"]\n[parameters', 1)
    run_study(open_study(study(dearer)), tmp_path / "out")
    results = Study(tmp_path / "out").results()
    assert set(results["status"]) == {PROVEN}
    assert not set(results["folder"].str.removeprefix("scenarios/")) & set(second)


class Onlookers:
    """A crew that solves nothing and keeps the jobs that it was given."""

    size = 1

    def __init__(self) -> None:
        self.given: list[Job] = []
        self.left: list[Job] = []

    def start(self, job: Job) -> None:
        self.given.append(job)
        self.left.append(job)

    def wait(self) -> list[tuple[Job, Word]]:
        return [(self.left.pop(), ("failed", "nothing was done", ""))]

    def stop(self) -> None:
        self.left = []


def test_the_name_of_a_bundled_mine_is_no_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As for a solve; a folder of that name is told by its path."""
    write_mine(tmp_path / "mzo")
    monkeypatch.chdir(tmp_path)
    file, found = Path("study.toml"), []
    for mine in ("mzo", "./mzo"):
        prices = '\n[parameters.mining]\npaths = ["costs.mining_per_t"]\nlow = 2.0\n'
        file.write_text(f'format = 1\nname = "small"\nmine = "{mine}"\n' + prices + TORNADO, encoding="utf-8")
        crew = Onlookers()
        run_study(open_study(file), "out", crew=crew)
        found += [(read_mine(job.mine).mine.name, job.mine) for job in crew.given]
    assert found == [("mzo", "mzo")] * 2 + [("tiny", str(tmp_path / "mzo"))] * 2


def test_workers_may_read_what_the_study_may(small_mine: Path, study: WriteStudy, tmp_path: Path):
    """A block table outside the mine's folder, where that is allowed; else nothing is solved."""
    table = os.path.relpath(small_mine / "mine" / "blocks.csv", tmp_path / "mine")
    data = tiny_data(periods=4, phases=("east", "west"), changes={"blocks.file": table})
    write_mine(tmp_path / "mine", data).joinpath("blocks.csv").unlink()
    file = study((HEAD + TORNADO).replace('mine = "mine"', 'mine = "./mine"'))
    with files_outside_allowed():
        run_study(open_study(file), tmp_path / "out", workers=1)
    assert set(Study(tmp_path / "out").results()["status"]) == {PROVEN}
    with pytest.raises(BadInput):
        open_study(file)


def test_a_lost_worker_costs_only_its_scenario(study: WriteStudy, tmp_path: Path):
    """A worker killed by its process id is replaced once; the others go on."""
    killed: list[int] = []

    def kill_first(event: Event) -> None:
        if event.status == "begun" and event.name == "mining-low" and not killed:
            killed.append(max(child.pid or 0 for child in multiprocessing.active_children()))
            os.kill(killed[0], signal.SIGKILL)

    opened = open_study(study(THREE))
    run_study(opened, tmp_path / "out", workers=1, on_event=kill_first)
    results = Study(tmp_path / "out").results().set_index("scenario")
    assert killed
    assert results.loc["mining-low", "attempt"] == 2
    assert (results.drop(index="mining-low")["attempt"] == 1).all()
    assert results.loc["mining-low", "status"] == PROVEN


def test_a_scenario_whose_workers_are_all_lost_has_failed(study: WriteStudy, tmp_path: Path):
    """It is a result with its reason; ``retry`` solves it, and only it, once more."""

    def kill(event: Event) -> None:
        if event.status == "begun" and event.name == "mining-low":
            os.kill(max(child.pid or 0 for child in multiprocessing.active_children()), signal.SIGKILL)

    opened = open_study(study(THREE))
    run_study(opened, tmp_path / "out", workers=1, on_event=kill)
    results = Study(tmp_path / "out").results().set_index("scenario")
    assert results.loc["mining-low", "status"] == "failed"
    assert "signal 9" in results.loc["mining-low", "reason"]
    before = records(tmp_path / "out")
    run_study(opened, tmp_path / "out", workers=1, retry=True)
    after = records(tmp_path / "out")
    assert [name for name in after if after[name] != before[name]] == [
        name for name in after if name.startswith("mining-low")
    ]
    assert Study(tmp_path / "out").results().set_index("scenario").loc["mining-low", "status"] == PROVEN


def _tell(connection: Connection, _: Event) -> None:
    connection.send(None)


@pytest.mark.slow
def test_a_study_killed_at_any_moment_ends_with_the_same_table(
    finished: Study, undisturbed_s: float, whole: Path, tmp_path: Path
):
    """Killed twenty times at random moments and gone on with by one worker, it ends as the undisturbed one of two."""
    context = multiprocessing.get_context("forkserver")
    moments = np.random.default_rng(20)
    opened = open_study(whole)
    reached = []
    for _ in range(20):
        receive, send = context.Pipe(duplex=False)
        asked = {"workers": 2, "on_event": partial(_tell, send)}
        process = context.Process(target=run_study, args=(opened, tmp_path / "out"), kwargs=asked)
        process.start()
        # Moments count from a word of a scenario begun or done: time alone, on a busy machine, is no work done.
        for _ in range(int(moments.integers(1, 4))):
            wait([receive, process.sentinel])
            if not receive.poll():
                break
            receive.recv()
        process.join(float(moments.uniform(0.0, 0.08)) * undisturbed_s)
        process.kill()
        process.join()
        reached.append(len(records(tmp_path / "out")))
    run_study(opened, tmp_path / "out", workers=1)
    assert len(set(reached)) > 2, "hardly anything was ever finished before a kill"
    pd.testing.assert_frame_equal(settled(Study(tmp_path / "out")), settled(finished))
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"study.json", "study.toml", "scenarios", ".lock"}


def test_compact_results_are_small_and_complete_in_the_tables(finished: Study, study: WriteStudy, tmp_path: Path):
    """Without full plans a scenario takes less than 100 KB, and the tables are the same."""
    run_study(open_study(study(THREE.replace("[solve]", '[solve]\nplans = "compact"'))), tmp_path / "out")
    for result in (tmp_path / "out" / "scenarios").iterdir():
        assert sum(file.stat().st_size for file in result.rglob("*") if file.is_file()) < 100_000
        assert not (result / "plan.parquet").exists()
    compact = Study(tmp_path / "out")
    for table in ("results", "periods", "shadow_prices"):
        ours, theirs = getattr(compact, table)(), getattr(finished, table)()
        theirs = theirs[theirs["scenario"].isin(ours["scenario"])].reset_index(drop=True)
        kept = [column for column in ours.columns if column not in {*TIMES, "key", "folder", "mill", "price", "mining"}]
        pd.testing.assert_frame_equal(ours[kept], theirs[kept], check_dtype=False)


def test_the_tables_of_a_study_are_read_back_as_written(finished: Study, tmp_path: Path):
    """Parquet and CSV hold the same rows."""
    folder = Path(shutil.copytree(finished.folder, tmp_path / "copy"))
    study = Study(folder)
    study.write_tables(study.tables())
    for name, table in study.tables().items():
        stored = pd.read_parquet(folder / f"{name}.parquet")
        assert list(stored.columns) == list(table.columns)
        assert len(stored) == len(table) == len(pd.read_csv(folder / f"{name}.csv"))


def test_a_folder_of_another_study_is_refused(finished: Study, study: WriteStudy):
    """And nothing in it is touched."""
    other = open_study(study((HEAD + GRID).replace('name = "small"', 'name = "other"')))
    before = records(finished.folder)
    with pytest.raises(BadInput, match="it is that of small"):
        run_study(other, finished.folder)
    assert records(finished.folder) == before


def test_a_folder_with_something_else_is_refused(study: WriteStudy, tmp_path: Path):
    """Nothing is written to it."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="it holds something else"):
        run_study(open_study(study(HEAD + GRID)), tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_written_is_refused(study: WriteStudy, tmp_path: Path):
    """Below a file there can be no folder."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="a folder that can be written"):
        run_study(open_study(study(HEAD + GRID)), tmp_path / "file" / "out")


def test_two_calls_in_one_folder_are_refused(study: WriteStudy, tmp_path: Path):
    """The second is told that another is at work."""
    with locked(tmp_path / "out"), pytest.raises(BadInput, match="no other pitwise is at work"):
        run_study(open_study(study(HEAD + GRID)), tmp_path / "out")


@pytest.fixture
def job(finished: Study, tmp_path: Path, whole: Path) -> Job:
    """The base scenario, to be solved in this process into a folder of its own."""
    (tmp_path / "out" / "scenarios").mkdir(parents=True)
    entry = finished.manifest.scenarios()[0]
    data = finished.manifest.data
    mine = str(whole.parent / "mine")
    return Job(tmp_path / "out", mine, data["base_hash"], entry, None, None, data["settings"])


def test_a_full_disk_leaves_nothing_half_written(job: Job, monkeypatch: pytest.MonkeyPatch):
    """A result that cannot be written is not there at all."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scheduler.studies.decisions.np.savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        ScenarioSolve(job).run()
    assert [path for path in job.study.rglob("*") if path.is_file() and FORMULATIONS not in path.parts] == []


def test_a_base_mine_changed_meanwhile_is_never_mixed_in(job: Job):
    """A worker refuses a mine that is not the one that the study was begun with."""
    other = Job(job.study, job.mine, "0" * 64, job.scenario, None, None, job.settings)
    with pytest.raises(RuntimeError, match="changed while the study ran"):
        ScenarioSolve(other).run()
    assert not list((job.study / "scenarios").iterdir())


def test_a_result_whose_record_is_damaged_is_solved_again(study: WriteStudy, tmp_path: Path):
    """It does not stand in the way of the new one."""
    opened = open_study(study(ROW + "[solve]\ngap = 0.0\n"))
    run_study(opened, tmp_path / "out")
    before = settled(Study(tmp_path / "out"))
    next((tmp_path / "out").glob("scenarios/mining-0.15*/scenario.json")).write_text("{", encoding="utf-8")
    run_study(opened, tmp_path / "out")
    pd.testing.assert_frame_equal(settled(Study(tmp_path / "out")), before)


def test_a_worker_of_another_version_is_refused(job: Job):
    """As one of a cluster may have it."""
    with pytest.raises(RuntimeError, match="another version of pitwise"):
        ScenarioSolve(replace(job, code="0" * 64)).run()
    assert not list((job.study / "scenarios").iterdir())


def test_results_of_other_code_are_not_taken_over(finished: Study, whole: Path):
    """The key of every scenario changes with the code."""
    opened = open_study(whole)
    settings, ours = settings_of(opened), dict(finished.manifest.data["versions"])
    theirs = keys(opened, settings, ours | {"code": "0" * 64})
    assert {entry["name"]: entry["key"] for entry in finished.manifest.scenarios()} == keys(opened, settings, ours)
    assert not set(theirs.values()) & set(keys(opened, settings, ours).values())


def test_status_counts_what_is_done_and_what_waits(finished: Study, tmp_path: Path):
    """A damaged record counts as waiting, and so is solved again."""
    folder = Path(shutil.copytree(finished.folder, tmp_path / "copy"))
    record = next(folder.glob("scenarios/mining-low*/scenario.json"))
    record.write_text(json.dumps({"status": "optim"}), encoding="utf-8")
    counts = read_status(folder)["counts"]
    assert counts["waiting"] == 1
    assert counts[PROVEN] == len(finished.results()) - 2
    assert counts["infeasible"] == 1


INTERRUPTED = """
import os, signal
from multiprocessing import forkserver
from scheduler.studies.crew import ProcessCrew, _begin_server

crew = ProcessCrew(1)
_begin_server(crew.context)
server = forkserver._forkserver._forkserver_pid
try:
    os.killpg(0, signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    pass
process = crew.context.Process(target=print, args=("at work",))
process.start()
process.join()
print("the same" if server == forkserver._forkserver._forkserver_pid else "another", flush=True)
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no server to start")
def test_a_study_interrupted_while_its_server_loads_says_no_more_than_that():
    """Ctrl-C reaches the whole group of a terminal: the study hears it, the server that loads libraries does not."""
    found = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, start_new_session=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.split() == ["at", "work", "the", "same"]
