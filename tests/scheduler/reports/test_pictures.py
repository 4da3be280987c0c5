"""The pictures of the documentation can be taken anew at any time, from a run that is there."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from scheduler.reports.comparison import read_compared
from scheduler.reports.facts import read_facts
from scheduler.reports.page import comparison_page
from scheduler.reports.writing import write_reports
from tests.scheduler.reports.conftest import found_program

DOCS = Path(__file__).parents[3] / "docs"
TAKEN = {
    "report.png": 1440,
    "report-pit.png": 1440,
    "report-cash.png": 1440,
    "report-phone.png": 390,
    "compare.png": 1440,
    "workbook.png": None,
    "workbook-cash.png": None,
}
LARGEST_KB = 130


@pytest.fixture(scope="module")
def pictures(monkeypatch_module: pytest.MonkeyPatch) -> ModuleType:
    """The script, which is no package."""
    pytest.importorskip("selenium", reason="selenium is not installed: no picture was taken")
    if found_program("chromium") is None or found_program("chromedriver") is None:
        pytest.skip("Chromium and its driver are not installed: no picture was taken")
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch_module.setitem(sys.modules, "pictures", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_pictures_are_taken_of_a_run_and_of_a_comparison(pictures: ModuleType, mzo_run: Path, tmp_path: Path):
    run = Path(shutil.copytree(mzo_run, tmp_path / "run"))
    write_reports(read_facts(run))
    page = tmp_path / "compare.html"
    page.write_text(comparison_page(read_compared([run, run])), encoding="utf-8")
    pictures.main(str(run), compare=str(page), out=tmp_path / "taken")
    wanted = {name: width for name, width in TAKEN.items() if width is not None or found_program("soffice")}
    assert {path.name for path in (tmp_path / "taken").iterdir()} == set(wanted)
    for name, width in wanted.items():
        with Image.open(tmp_path / "taken" / name) as picture:
            assert width in {None, picture.width}
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20


def test_pictures_of_the_documentation_are_small():
    shown = sorted((DOCS / "_static").glob("*.png"))
    assert {path.name for path in shown} >= set(TAKEN)
    assert {path.name for path in shown if path.stat().st_size > 1000 * LARGEST_KB} == set()
