"""A small mine, a run of it, and the command line in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scheduler.cli.main import app
from tests.builders import tiny_blocks, tiny_data, write_mine

Pitwise = Callable[..., Result]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder of each test's own, so that runs/ is made there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def pitwise() -> Pitwise:
    """Runs a command line: ``pitwise("solve", folder)``."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a small, sound mine; its hand-made plan is not the best."""
    return write_mine(tmp_path / "tiny")


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    """A mine of two phases of mixed grades, whose optimum takes a search."""
    grades = [0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1]
    phases = ("east", "west")
    blocks = tiny_blocks(nx=4, nz=3, grades=grades, phases=phases)
    return write_mine(tmp_path / "wider", tiny_data(periods=4, phases=phases), blocks)


@pytest.fixture(scope="session")
def solved(tmp_path_factory: pytest.TempPathFactory, pitwise: Pitwise) -> Path:
    """The folder of a run of the small mine, which stands beside it; not to be written to."""
    folder = tmp_path_factory.mktemp("solved")
    mine = write_mine(folder / "tiny")
    result = pitwise("solve", mine, "--out", folder / "run", "--gap", "0", "--quiet")
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.fixture
def run_copy(solved: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(solved, tmp_path / "run"))


def only_object(text: str) -> dict[str, Any]:
    """The one JSON object that a text consists of."""
    value = json.loads(text)
    assert isinstance(value, dict)
    return value
