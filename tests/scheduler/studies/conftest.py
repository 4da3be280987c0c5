"""A small study, and a run of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler.studies.opening import open_study
from scheduler.studies.results import Study
from scheduler.studies.running import run_study
from tests.builders import tiny_blocks, tiny_data, write_mine

GRADES = (0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1)
"""Of two phases of mixed grades, whose optimum takes a search."""

HEAD = """
format = 1
name = "small"
mine = "mine"

[parameters.mill]
paths = ["limits.mill_t_per_day"]
values = [200.0, 250.0, 300.0]

[parameters.mining]
paths = ["limits.mining_mt_per_year"]
values = [0.15, 0.2]
low = 0.15
high = 0.25

[parameters.price]
paths = ["products.copper.price_usd_per_lb"]
change = "factor"
low = 0.8
high = 1.2
distribution = { kind = "price_path", volatility_per_year = 0.2, reversion_per_year = 0.3 }
"""
GRID = """
[[designs]]
kind = "grid"
parameters = ["mill", "mining"]
"""
REST = """
[[designs]]
kind = "tornado"

[[designs]]
kind = "latin_hypercube"
samples = 3
shared_plan = true

[[designs]]
kind = "list"

[[designs.scenarios]]
name = "impossible"
changes = ["limits.mill_min_t_per_day=290", "limits.mining_mt_per_year=0.001"]

[solve]
gap = 0.0
"""
FUTURES = 'mine = "mine"\nregret = ["base", "latin_hypercube"]'
WHOLE = HEAD.replace('mine = "mine"', FUTURES) + GRID + REST

WriteStudy = Callable[[str], Path]


@pytest.fixture(scope="session")
def small_mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the small mine in ``mine``; not to be written to."""
    folder = tmp_path_factory.mktemp("small")
    blocks = tiny_blocks(nx=4, nz=3, grades=GRADES, phases=("east", "west"))
    write_mine(folder / "mine", tiny_data(periods=4, phases=("east", "west")), blocks)
    return folder


@pytest.fixture
def study(small_mine: Path, tmp_path: Path) -> WriteStudy:
    """Writes a study of the small mine and gives its file."""

    def write(text: str) -> Path:
        file = tmp_path / "study.toml"
        file.write_text(text.replace('mine = "mine"', f'mine = "{small_mine / "mine"}"'), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def whole(small_mine: Path) -> Path:
    """The file of a study with every kind of design."""
    file = small_mine / "study.toml"
    file.write_text(WHOLE, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def timed(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, float]:
    """That study solved by two workers, and the seconds it took."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    began = time.monotonic()
    run_study(open_study(whole), folder, workers=2)
    return Study(folder), time.monotonic() - began


@pytest.fixture(scope="session")
def finished(timed: tuple[Study, float]) -> Study:
    """That study, solved; not to be written to."""
    return timed[0]


@pytest.fixture(scope="session")
def undisturbed_s(timed: tuple[Study, float]) -> float:
    """Seconds that it took, by which moments of it can be named on any machine."""
    return timed[1]
