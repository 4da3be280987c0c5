"""The same study on a local Dask cluster of workers of one thread each."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("distributed")

from instances.findings import BadInput
from scheduler.studies.columns import TIMES
from scheduler.studies.dask_crew import DaskCrew
from scheduler.studies.opening import open_study
from scheduler.studies.results import Study
from scheduler.studies.running import Event, run_study
from tests.scheduler.studies.conftest import WriteStudy
from tests.scheduler.studies.test_running import PROVEN, THREE

pytestmark = [
    pytest.mark.slow,
    # Dask closes its sockets late, and says so of itself.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture
def crew() -> Iterator[DaskCrew]:
    """A cluster of two workers."""
    made = DaskCrew("local", 2)
    yield made
    made.stop()


def test_a_cluster_gives_the_same_table(crew: DaskCrew, finished: Study, study: WriteStudy, tmp_path: Path):
    """And a worker killed by its process id costs only its scenario's time."""
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.name == "mining-low" and event.status == "begun":
            killed.append(next(iter(crew.client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    run_study(open_study(study(THREE)), tmp_path / "out", crew=crew, on_event=kill)
    assert killed
    ours, theirs = Study(tmp_path / "out").results(), finished.results()
    theirs = theirs[theirs["scenario"].isin(ours["scenario"])].reset_index(drop=True)
    kept = [column for column in ours.columns if column not in {*TIMES, "key", "folder", "mill", "price", "mining"}]
    pd.testing.assert_frame_equal(ours[kept], theirs[kept], check_dtype=False)
    assert (ours["status"] == PROVEN).all()


def test_a_lost_scheduler_is_told_and_the_study_goes_on(crew: DaskCrew, study: WriteStudy, tmp_path: Path):
    """What was finished is kept; a call without the cluster does the rest."""

    def lose(event: Event) -> None:
        if event.done == 1 and event.status == "begun":
            crew.cluster.close()

    opened = open_study(study(THREE))
    with pytest.raises(BadInput, match="it was lost; what was finished is kept"):
        run_study(opened, tmp_path / "out", crew=crew, on_event=lose)
    assert "waiting" in set(Study(tmp_path / "out").results()["status"])
    run_study(opened, tmp_path / "out")
    assert set(Study(tmp_path / "out").results()["status"]) == {PROVEN}


def test_an_address_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch):
    """Within the time it is given, in a line."""
    monkeypatch.setattr("scheduler.studies.dask_crew.TIMEOUT_S", 1.0)
    with pytest.raises(BadInput, match="the address of a Dask scheduler that answers"):
        DaskCrew("tcp://127.0.0.1:9")
    with pytest.raises(BadInput, match="the address of a Dask scheduler that answers"):
        DaskCrew("nowhere")


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    """The finding says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pitwise\[dask\]"):
        DaskCrew("local")
