"""Fixtures of the tests of the mine as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from instances.instance import Instance
from instances.reading import read_mine
from tests.builders import write_mine


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A folder with a small, sound mine, to be spoilt."""
    return write_mine(tmp_path / "tiny")


@pytest.fixture(scope="session")
def mzo() -> Instance:
    """The bundled Huckleberry mine."""
    return read_mine("mzo")
