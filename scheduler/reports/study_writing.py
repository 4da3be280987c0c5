"""Writes the page of a study, and the report of each of its scenarios into the folder of its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from instances.findings import BadInput, Finding
from scheduler.reports.facts import read_facts
from scheduler.reports.study import PAGE as STUDY_PAGE
from scheduler.reports.study import study_facts
from scheduler.reports.study_page import study_page
from scheduler.reports.writing import PAGE, write_file, write_reports, write_text
from scheduler.runfolder import MANIFEST
from scheduler.studies.folder import MANIFEST as STUDY_MANIFEST
from scheduler.studies.folder import read_record
from scheduler.studies.results import Study

Told = Callable[[Path], None]


def is_study(folder: str | Path) -> bool:
    """Whether a folder is that of a study."""
    return (Path(folder) / STUDY_MANIFEST).is_file()


def write_study_page(study: Study, answers: Mapping[str, pd.DataFrame] | None = None) -> Path:
    """Writes the page of a study into its folder; it leads to those reports of scenarios that are there.

    Args:
        study: its folder.
        answers: the tables that it answers by; those on file unless given.

    Returns:
        The file.

    Raises:
        BadInput: where a table on file is damaged or the folder cannot be written.
    """
    text = study_page(study_facts(study, PAGE, answers))
    return write_file(study.folder, STUDY_PAGE, lambda path: write_text(path, text))


def report_scenarios(study: Study, *, again: bool, on_file: Told) -> list[Finding]:
    """Writes page and workbook of every scenario whose run is there whole; compact results have none.

    Args:
        study: its folder.
        again: whether reports that are there are written anew.
        on_file: told each file.

    Returns:
        What is wrong with runs that could not be reported; the others are.
    """
    findings: list[Finding] = []
    for scenario in study.manifest.scenarios():
        folder = study.manifest.result(scenario)
        whole = read_record(folder) is not None and (folder / MANIFEST).is_file()
        if not whole or ((folder / PAGE).is_file() and not again):
            continue
        try:
            for file in write_reports(read_facts(folder)):
                on_file(file)
        except BadInput as error:
            findings += error.findings
    return findings
