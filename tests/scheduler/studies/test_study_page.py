"""The page of a study: all its scenarios, each with its report, and the figures that its tables call for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from instances.findings import BadInput
from scheduler.cli.study_view import print_study
from scheduler.reports.study import study_facts
from scheduler.reports.study_figures import study_figures
from scheduler.reports.study_page import scenario_lines, study_page
from scheduler.reports.study_writing import report_scenarios, write_study_page
from scheduler.reports.writing import PAGE
from scheduler.studies import answers
from scheduler.studies.answers import Answers, answer
from scheduler.studies.folder import MANIFEST
from scheduler.studies.opening import open_study
from scheduler.studies.results import Study
from tests.scheduler.reports.conftest import HOSTILE, browser, file_bytes, stays_text
from tests.scheduler.reports.looks import CROPPED, FAINT, JOSTLED, SMALL, UNTITLED, nameless
from tests.scheduler.reports.test_browser import WIDTHS, faults, opened
from tests.scheduler.reports.test_charts import MARKUP, texts_of

__all__ = ["browser"]


@pytest.fixture(scope="module")
def answered(finished: Study, whole: Path) -> Answers:
    return answer(open_study(whole), finished)


@pytest.fixture(scope="module")
def reported(finished: Study, answered: Answers, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A copy of the small study with its tables, its page and the report of each scenario."""
    study = Study(shutil.copytree(finished.folder, tmp_path_factory.mktemp("reported") / "study"))
    study.write_tables({**answered.tables, **answered.answers})
    assert report_scenarios(study, again=False, on_file=lambda _file: None) == []
    write_study_page(study, answered.answers)
    return study


def test_every_scenario_with_a_plan_leads_to_its_report(reported: Study):
    _, lines = scenario_lines(study_facts(reported, PAGE))
    assert [line.name for line in lines] == reported.results()["scenario"].tolist()
    for line, planned in zip(lines, reported.results()["objective"].notna(), strict=True):
        if line.link:
            assert (reported.folder / line.link).is_file()
        assert bool(line.link) == planned
    assert sum(bool(line.link) for line in lines) == len(lines) - 1


def test_no_link_leads_nowhere(finished: Study, answered: Answers):
    facts = study_facts(finished, PAGE, answered.answers)
    assert not any(line.link for line in scenario_lines(facts)[1])
    assert "pitwise report on the folder of this study makes them all" in study_page(facts)


def test_reports_change_nothing_of_the_study(finished: Study, reported: Study):
    before, after = file_bytes(finished.folder), file_bytes(reported.folder)
    assert {name: after[name] for name in before} == before


def test_reports_that_are_there_are_left_unless_asked_for(reported: Study):
    written: list[Path] = []
    assert report_scenarios(reported, again=False, on_file=written.append) == []
    assert written == []


def test_a_damaged_run_is_told_and_the_others_are_reported(reported: Study, tmp_path: Path):
    study = Study(shutil.copytree(reported.folder, tmp_path / "study"))
    results = study.results()
    folders = results.loc[results["objective"].notna(), "folder"].tolist()
    (study.folder / folders[0] / "plan.parquet").write_bytes(b"half")
    written: list[Path] = []
    findings = report_scenarios(study, again=True, on_file=written.append)
    assert [str(finding) for finding in findings] == [
        f"{study.folder / folders[0]}: plan.parquet: expected a whole Parquet file; it is damaged"
    ]
    assert len(written) == 2 * (len(folders) - 1)


def test_figures_have_the_numbers_of_the_tables(reported: Study, answered: Answers):
    figures = {figure.key: figure for figure in study_figures(study_facts(reported, PAGE))}
    assert list(figures) == [
        "hill",
        "steps",
        "tornado",
        "pareto-copper-mlb-first-3",
        "pareto-strip",
        "regret",
        "plans-in-futures",
        "shared-plan",
    ]
    kept = answered.answers["plans_in_futures"].iloc[0]
    told = figures["plans-in-futures"].table.rows[0]
    assert told == (kept["plan"], *(f"{value / 1e6:,.2f}" for value in kept.iloc[1:]))
    hill = answered.answers["hill"]
    best = hill.loc[hill["objective"].idxmax()]
    cells = [cell for row in figures["hill"].table.rows for cell in row[1:]]
    assert f"{best['objective'] / 1e6:,.1f}*" in cells
    assert len(cells) == len(hill)
    tornado = answered.answers["tornado"]
    changes = [row[1] for row in figures["tornado"].table.rows]
    assert changes == [f"{value / 1e6:+,.2f}" for value in tornado["change"]]
    assert {row[0].partition(":")[0] for row in figures["tornado"].table.rows} == {"mining", "price"}
    for figure in figures.values():
        if figure.plot is not None:
            spec = json.loads(json.dumps(figure.plot.spec(), allow_nan=False))
            assert go.Figure(data=spec["data"], layout=spec["layout"]).data
            axes = {name: one for name, one in spec["layout"].items() if name[1:].startswith("axis")}
            assert all(one["title"]["text"] or one.get("overlaying") for one in axes.values())
    assert {key for key, figure in figures.items() if figure.plot is not None} >= {"hill", "tornado"}


def test_tables_on_file_give_the_same_page(reported: Study, answered: Answers):
    given = study_page(study_facts(reported, PAGE, answered.answers))
    on_file = study_page(study_facts(reported, PAGE))
    assert given == on_file


def test_tables_of_an_earlier_state_are_left_out(reported: Study, answered: Answers, tmp_path: Path):
    """Another value of a parameter leaves every name as it is, and no number; tables written then are the only ones."""
    folder = shutil.copytree(reported.folder, tmp_path / "study")
    assert "tornado" in study_facts(Study(folder), PAGE).answers
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["scenarios"][-1]["key"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    study = Study(folder)
    assert study_facts(study, PAGE).answers == {}
    study.write_tables({"hill": answered.answers["hill"]})
    assert set(study_facts(study, PAGE).answers) == {"hill"}
    assert {file.name for file in folder.glob("*.csv")} == {"hill.csv"}


def test_futures_that_are_left_out_are_told(
    finished: Study, whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """In the table, in the words on the page and in those printed."""
    monkeypatch.setattr(answers, "MOST_PRICED", 3)
    opened = open_study(whole)
    found = answer(opened, finished)
    assert set(found.answers["regret"]["futures_left_out"]) == {1}
    assert set(found.answers["plans_in_futures"].columns[1:]) == {"base", "latin-hypercube-1", "latin-hypercube-2"}
    figures = {figure.key: figure for figure in study_figures(study_facts(finished, PAGE, found.answers))}
    told = "f the first 3 futures and their plans; 1 are left out"
    assert told in figures["regret"].caption
    print_study(opened, found, "out")
    assert told in capsys.readouterr().out


def test_a_damaged_table_is_refused(reported: Study, tmp_path: Path):
    study = Study(shutil.copytree(reported.folder, tmp_path / "study"))
    (study.folder / "hill.parquet").write_bytes(b"half")
    with pytest.raises(BadInput, match=r"hill\.parquet: expected a whole Parquet file"):
        write_study_page(study)


def test_a_hostile_study_stays_text(reported: Study, tmp_path: Path):
    study = Study(shutil.copytree(reported.folder, tmp_path / "study"))
    manifest = json.loads((study.folder / "study.json").read_text(encoding="utf-8"))
    manifest["title"], manifest["mine"], manifest["currency"] = HOSTILE[0], HOSTILE[1], HOSTILE[7]
    for scenario, words in zip(manifest["scenarios"], HOSTILE * 2, strict=False):
        scenario["title"], scenario["design"] = words, words
    (study.folder / "study.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = study_page(study_facts(Study(study.folder), PAGE))
    stays_text(page, scripts=3)
    for figure in study_figures(study_facts(Study(study.folder), PAGE)):
        told = [] if figure.plot is None else texts_of(figure.plot.spec())
        assert not any(MARKUP.search(text) for text in told)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_opens_alone_sorts_and_filters(browser: Any, reported: Study, width: int):
    file = reported.folder / "study.html"
    assert opened(browser, file, width) == []
    assert faults(browser) == []
    for question in (SMALL, UNTITLED, CROPPED, JOSTLED):
        assert browser.execute_script(question) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    results = reported.results()
    rows = browser.find_elements("css selector", "#scenario-table tbody tr")
    assert [row.find_element("css selector", "th").text.split()[0] for row in rows] == results["scenario"].tolist()

    def column(head: str) -> list[str]:
        place = "return Array.from(document.querySelectorAll('#scenario-table thead th')).findIndex("
        number = browser.execute_script(f"{place}h => h.textContent.startsWith(arguments[0]))", head)
        cells = f"#scenario-table tbody tr:not([hidden]) > :nth-child({number + 1})"
        return [cell.get_attribute("textContent") for cell in browser.find_elements("css selector", cells)]

    def press(head: str) -> None:
        buttons = browser.find_elements("css selector", "#scenario-table thead button")
        button = next(one for one in buttons if one.get_attribute("textContent").startswith(head))
        browser.execute_script("arguments[0].click()", button)

    values = sorted(results["objective"].dropna(), reverse=True)
    press("value")
    assert column("value") == [*(f"{value / 1e6:,.2f}" for value in values), "–"]
    press("value")
    assert column("value") == [*(f"{value / 1e6:,.2f}" for value in reversed(values)), "–"]
    assert browser.find_element("css selector", "[aria-sort]").get_attribute("aria-sort") == "ascending"
    browser.find_element("id", "filter").send_keys("hypercube")
    sampled = [name for name in results["scenario"] if "hypercube" in name]
    assert len(sampled) == 4
    assert browser.find_element("id", "rows-shown").text == f"4 of {len(results)} scenarios"
    assert len(column("scenario")) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_read_by_eye_and_by_ear(browser: Any, reported: Study, scheme: str):
    opened(browser, reported.folder / "study.html", 1440, scheme)
    assert nameless(browser) == []
    seen, faint = browser.execute_script(FAINT)
    assert seen > 100
    assert faint == []


def test_a_scenario_leads_to_its_own_report(browser: Any, reported: Study):
    opened(browser, reported.folder / "study.html", 1440)
    link = browser.find_element("link text", "price-high")
    browser.execute_script("arguments[0].click()", link)
    assert (
        browser.find_element("css selector", "header.top .kind").get_attribute("textContent") == "Production schedule"
    )
    results = reported.results().set_index("scenario")
    told = browser.find_element("css selector", "#tile-objective dd").get_attribute("textContent").replace("\xa0", " ")
    assert told == f"$ {results.loc['price-high', 'objective'] / 1e6:,.1f} M"
