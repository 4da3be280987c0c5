"""A study as its page needs it: its scenarios, what its tables answer, and where the report of each scenario is."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa

from instances.findings import BadInput, Finding
from scheduler.studies.folder import SOURCE
from scheduler.studies.results import Study

PAGE = "study.html"
RESULTS = frozenset({"scenarios", "periods", "shadow_prices"})
"""Tables of a study that hold its results; it answers by the others."""


@dataclass(frozen=True)
class StudyFacts:
    """A study to be shown.

    Attributes:
        study: its folder.
        results: a row a scenario, see :data:`scheduler.studies.columns.COLUMNS`.
        shadow_prices: a row a scenario and binding limit.
        answers: the tables that it answers by, by name.
        titles: of its parameters, by name.
        page: name of the page of a scenario's report, within the folder of its run.
    """

    study: Study
    results: pd.DataFrame
    shadow_prices: pd.DataFrame
    answers: Mapping[str, pd.DataFrame]
    titles: Mapping[str, str]
    page: str

    @property
    def title(self) -> str:
        """The study by its title, or by its name where it has none."""
        data = self.study.manifest.data
        return str(data.get("title") or data["study"])

    @property
    def mine(self) -> str:
        """Name of the base mine."""
        return str(self.study.manifest.data["mine"])

    @property
    def currency(self) -> str:
        """Symbol of the money."""
        return self.study.currency

    def link(self, scenario: Mapping[Hashable, Any]) -> str:
        """Address of a scenario's report as seen from the study's page; empty where there is none."""
        folder = str(scenario["folder"])
        there = bool(folder) and (self.study.folder / folder / self.page).is_file()
        return f"{quote(folder)}/{quote(self.page)}" if there else ""

    def words_for(self, parameter: str) -> str:
        """A parameter by its title, or by its name where it has none."""
        return self.titles.get(parameter) or parameter


def study_facts(study: Study, page: str, answers: Mapping[str, pd.DataFrame] | None = None) -> StudyFacts:
    """All that the page of a study shows.

    Args:
        study: its folder.
        page: name of the page of a scenario's report.
        answers: the tables that it answers by; those on file unless given.

    Raises:
        BadInput: where a table on file is damaged.
    """
    results = study.results()
    found = _answers_on_file(study) if answers is None else answers
    return StudyFacts(study, results, study.shadow_prices(), found, _titles(study.folder), page)


def _answers_on_file(study: Study) -> dict[str, pd.DataFrame]:
    """The tables by which a study answers; those of an earlier state of it are left out."""
    found: dict[str, pd.DataFrame] = {}
    findings = []
    for file in sorted(study.folder.glob("*.parquet")):
        if file.stem not in RESULTS:
            try:
                if study.is_present(file):
                    found[file.stem] = pd.read_parquet(file)
            except (OSError, pa.ArrowException, ValueError):
                expected = "a whole Parquet file; it is damaged: pitwise study writes it again"
                findings.append(Finding(f"{study.folder}: {file.name}", None, expected))
    if findings:
        raise BadInput(findings)
    return found


def _titles(folder: Path) -> dict[str, str]:
    """Titles of the parameters, as far as the study's file tells them."""
    try:
        told = tomllib.loads((folder / SOURCE).read_text(encoding="utf-8")).get("parameters", {})
    except (OSError, ValueError):
        return {}
    return {name: str(one.get("title") or "") for name, one in told.items() if isinstance(one, dict)}
