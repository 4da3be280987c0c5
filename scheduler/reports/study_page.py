"""The page of a study: every scenario with a way to its own report, and what the scenarios say together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scheduler.reports.headline import Tile
from scheduler.reports.numbers import METAL_UNITS, NOTHING, money, percent, shown
from scheduler.reports.page import environment, own_file, policy_for, scripts_for
from scheduler.reports.study import StudyFacts
from scheduler.reports.study_figures import limits_figure, plain, study_figures
from scheduler.studies.comparing import with_plans
from scheduler.studies.folder import WAITING

MILLION = 1e6
STATUS_WORDS = {"optimal within the gap": "proven", "feasible: stopped at a limit": "stopped at a limit"}


@dataclass(frozen=True)
class Entry:
    """A cell of the table of scenarios: what is shown, and the number that it is sorted by where it is one."""

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Line:
    """A row of the table of scenarios.

    Attributes:
        name: the scenario.
        link: address of its report, empty for none.
        title: its title, empty for none.
        design: its design.
        status: in a word or two.
        reason: why it stopped or failed.
        entries: the other cells.
    """

    name: str
    link: str
    title: str
    design: str
    status: str
    reason: str
    entries: tuple[Entry, ...]


def study_page(facts: StudyFacts) -> str:
    """The page of a study."""
    scripts = scripts_for("study.js")
    heads, lines = scenario_lines(facts)
    known = with_plans(facts.results)
    return (
        environment()
        .get_template("study.html")
        .render(
            facts=facts,
            css=own_file("report.css"),
            scripts=scripts,
            policy=policy_for(scripts),
            tiles=tiles(facts, known),
            heads=heads,
            lines=lines,
            designs=list(dict.fromkeys(line.design for line in lines)),
            statuses=list(dict.fromkeys(line.status for line in lines)),
            linked=sum(bool(line.link) for line in lines),
            figures=study_figures(facts),
            limits=limits_figure(facts),
            data=facts.study.manifest.data,
            versions=", ".join(f"{n} {v}" for n, v in sorted(facts.study.manifest.data["versions"].items())),
        )
    )


def tiles(facts: StudyFacts, known: pd.DataFrame) -> list[Tile]:
    """How many scenarios there are and how they ended, and between what their values lie."""
    results, told = facts.results, {"currency": facts.currency}
    counts = results["status"].map(lambda word: STATUS_WORDS.get(word, word)).value_counts(sort=False)
    ended = ", ".join(f"{number} {word}" for word, number in counts.items())
    found = [Tile("scenarios", "Scenarios", f"{len(results):,}", ended)]
    if known.empty:
        return found
    value = known["objective"].to_numpy(float)
    for key, title, place in (("most", "Largest value", value.argmax()), ("least", "Smallest value", value.argmin())):
        row = known.iloc[int(place)]
        note = f"{row['scenario']}, gap {_gap(row['gap'])}"
        found.append(Tile(key, title, money(told, float(row["objective"])), note))
    widest = known.iloc[int(np.nan_to_num(known["gap"].to_numpy(float), nan=-1.0).argmax())]
    found.append(Tile("gap", "Widest gap", _gap(widest["gap"]), str(widest["scenario"])))
    return found


def _gap(value: Any) -> str:  # noqa: ANN401 - a cell of a table
    return NOTHING if pd.isna(value) else percent(float(value))


def scenario_lines(facts: StudyFacts) -> tuple[list[str], list[Line]]:
    """Headings of the cells after the scenario's name, design and status, and a row a scenario."""
    results, unit = facts.results, f"{facts.currency} M"
    parameters = [name for name in facts.study.parameters() if results[name].dtype.kind == "f"]
    metals = [str(column) for column in results.columns if f"{column}_first_3" in results.columns]
    numbers: list[tuple[str, str, float, int]] = [
        (f"value, {unit}", "objective", 1 / MILLION, 2),
        (f"bound, {unit}", "bound", 1 / MILLION, 2),
        ("gap, %", "gap", 100, 3),
        (f"NPV after tax, {unit}", "npv", 1 / MILLION, 2),
        *((f"{name.rpartition('_')[0]}, {_metal_unit(name)}", name, 1, 1) for name in metals),
        ("moved, Mt", "moved_mt", 1, 1),
        ("largest strip, t/t", "strip_ratio_peak", 1, 2),
        ("life, periods", "life_periods", 1, 0),
        ("mill use, %", "mill_use", 100, 1),
    ]
    heads = [*(facts.words_for(name) for name in parameters), *(head for head, _, _, _ in numbers)]
    lines = []
    for row in results.to_dict("records"):
        varied = [_entry(row[name], plain) for name in parameters]
        figures = [_number(row.get(column), factor, digits) for _, column, factor, digits in numbers]
        lines.append(_line(facts, row, (*varied, *figures)))
    return heads, lines


def _line(facts: StudyFacts, row: Mapping[Hashable, Any], entries: tuple[Entry, ...]) -> Line:
    status = str(row["status"])
    reason = "" if status in {*STATUS_WORDS, WAITING} else str(row["reason"] or "")
    link, title, design = facts.link(row), str(row["title"] or ""), str(row["design"])
    return Line(str(row["scenario"]), link, title, design, STATUS_WORDS.get(status, status), reason, entries)


def _metal_unit(column: str) -> str:
    unit = column.rpartition("_")[2]
    return METAL_UNITS.get(unit, unit)


def _entry(value: Any, words: Any) -> Entry:  # noqa: ANN401 - a cell of a table
    return Entry(NOTHING) if pd.isna(value) else Entry(words(value), float(value))


def _number(value: Any, factor: float, digits: int) -> Entry:  # noqa: ANN401 - a cell of a table
    if not isinstance(value, int | float) or not math.isfinite(value):
        return Entry(NOTHING)
    return Entry(shown(value * factor, digits), float(value))
