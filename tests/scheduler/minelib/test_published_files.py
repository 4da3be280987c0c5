"""The files of MineLib itself: ultimate pits and the value of the published schedules."""

import os
from pathlib import Path

import pytest

from instances.minelib import read_schedule
from scheduler.minelib import read_instance, read_pit, ultimate_pit
from scheduler.minelib_checking import check_schedule

FOLDER = os.environ.get("PITWISE_MINELIB", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="PITWISE_MINELIB does not name a folder with the MineLib files")


@pytest.mark.parametrize(("name", "value"), [("newman1", 26_086_899), ("zuck_small", 1_422_726_898)])
def test_ultimate_pits(name, value):
    """To the unit."""
    pit = ultimate_pit(read_pit(Path(FOLDER) / name / f"{name}.upit"))
    assert round(pit.value) == value
    assert round(pit.bound) == value


@pytest.mark.parametrize(
    ("name", "kind", "value", "snapped"),
    [
        ("newman1", "cpit", 23_483_671, False),
        ("newman1", "pcpsp", 23_658_230, False),
        ("zuck_small", "cpit", 788_652_600, False),
        ("zuck_small", "pcpsp", 872_372_967, True),
    ],
)
def test_published_schedules_keep_every_rule_and_have_their_value(name, kind, value, snapped):
    """To 1e-8, shares being rounded to six digits; only the one with split blocks needs snapping."""
    folder = Path(FOLDER) / name
    instance = read_instance(folder / f"{name}.{kind}")
    problem = instance.problem
    file = next(folder.glob(f"{name}_{kind}_*.sol"))
    given = read_schedule(file, problem.n_blocks, problem.n_destinations, problem.n_periods)
    checked = check_schedule(problem, instance.precedence, given)
    assert checked.objective == pytest.approx(value, rel=1e-8, abs=0.5)
    assert checked.findings == ()
    assert bool(checked.shares_snapped) is snapped
    assert bool(checked.findings_raw) is snapped
