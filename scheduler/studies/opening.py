"""A study with its mine: scenarios made, each checked as the mine's own file is, before anything is solved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from instances.findings import BadInput, Finding
from instances.instance import Instance
from instances.overrides import applied
from instances.reading import MineFiles
from scheduler.schedule import sold_unit
from scheduler.studies.checks import column_findings, name_findings
from scheduler.studies.columns import metal_columns
from scheduler.studies.reading import StudySource, read_study
from scheduler.studies.scenarios import Scenario, find, override_of, scenarios
from scheduler.studies.schema import Design, GridDesign, ListDesign, StudyFile, TornadoDesign

SET = "--set "
FINDINGS_TOLD = 50
"""Findings of scenarios that are told; more say the same again."""


@dataclass(frozen=True)
class OpenStudy:
    """A study that was checked.

    Attributes:
        source: the file.
        files: the base mine's files.
        base: the base mine, without any override.
        scenarios: in the order of the file.
    """

    source: StudySource
    files: MineFiles
    base: Instance
    scenarios: tuple[Scenario, ...]

    @property
    def study(self) -> StudyFile:
        """The contents of the file."""
        return self.source.study

    def instance(self, scenario: Scenario) -> Instance:
        """The mine of a scenario."""
        return self.files.under(scenario.overrides)


def open_study(where: str | Path, *, check_scenarios: bool = True) -> OpenStudy:
    """Reads a study and its mine and checks every scenario.

    Args:
        where: name of a study that ships with pitwise, a ``study.toml`` or its folder.
        check_scenarios: whether each scenario's mine is made and checked.

    Raises:
        BadInput: with every fault found; nothing was solved.
    """
    source = read_study(where)
    file = source.file.name
    findings = name_findings(source.study, file)
    try:
        files = MineFiles(source.mine)
        base = files.under()
    except BadInput as error:
        said = [replace(found, place=f"{file}: mine: {found.place}") for found in error.findings]
        raise BadInput([*findings, *said]) from error
    units = {name: sold_unit(product)[0] for name, product in base.mine.products.items()}
    metal = {column for name, unit in units.items() for column in metal_columns(name, unit)}
    findings += column_findings(source.study, metal, file)
    findings += _refused(source.study, files, file)
    if findings:
        raise BadInput(findings)
    made = scenarios(source.study, base.mine.calendar, place=file)
    if source.study.option is not None and find(made, source.study.option.without) is None:
        known = [scenario.name for scenario in made]
        raise BadInput([_no_such_scenario(f"{file}: option.without", source.study.option.without, known)])
    opened = OpenStudy(source, files, base, made)
    if check_scenarios:
        _check(opened, file)
    return opened


def _no_such_scenario(place: str, name: str, known: Sequence[str]) -> Finding:
    from instances.findings import nearest_name  # noqa: PLC0415

    return Finding(place, name, "a scenario of this study", nearest_name(name, known))


def _refused(study: StudyFile, files: MineFiles, file: str) -> list[Finding]:
    """Overrides that the mine's file does not take, each told at its own key and once."""
    findings = []
    _, _, common = applied(files.data, study.changes)
    findings += [_at(found, study.changes, f"{file}: changes") for found in common]
    for name, changes in study.overrides.items():
        findings += [
            _at(found, changes, f"{file}: overrides.{name}") for found in _new_faults(files, study.changes, changes)
        ]
    used: set[str] = set()
    for number, design in enumerate(study.designs):
        place = f"{file}: designs.{number}.changes"
        findings += [_at(found, design.changes, place) for found in _new_faults(files, study.changes, design.changes)]
        for name, value in _trial_values(study, design):
            if name in used or name not in study.parameters:
                continue
            trial = override_of(study.parameters[name], value)
            faults = _new_faults(files, [*study.changes, *design.changes], trial)
            findings += [_at(found, trial, f"{file}: parameters.{name}.paths") for found in faults]
            used |= {name} if faults else set()
        if isinstance(design, ListDesign):
            for k, entry in enumerate(design.scenarios):
                before = [*study.changes, *design.changes, *(c for n in entry.use for c in study.overrides.get(n, ()))]
                where = f"{place.removesuffix('.changes')}.scenarios.{k}.changes"
                findings += [_at(found, entry.changes, where) for found in _new_faults(files, before, entry.changes)]
    return findings


def _trial_values(study: StudyFile, design: Design) -> Iterator[tuple[str, object]]:
    """A value of each parameter that a design varies, to try its key path with; distributions give numbers."""
    for name, parameter in study.parameters.items():
        if isinstance(design, GridDesign) and name in design.parameters:
            yield from ((name, value) for value in parameter.values)
        elif isinstance(design, TornadoDesign) and (not design.parameters or name in design.parameters):
            yield from ((name, side) for side in (parameter.low, parameter.high) if side is not None)
        elif isinstance(design, ListDesign):
            yield from ((name, entry.parameters[name]) for entry in design.scenarios if name in entry.parameters)
        elif parameter.distribution is not None:
            values = getattr(parameter.distribution, "values", None)
            yield name, 1.0 if values is None else values[0]


def _new_faults(files: MineFiles, before: Sequence[str], changes: Sequence[str]) -> list[Finding]:
    """Findings of ``changes`` alone, made after others."""
    if not changes:
        return []
    data, _, _ = applied(files.data, before)
    return applied(data, changes)[2]


def _at(finding: Finding, changes: Sequence[str], place: str) -> Finding:
    """A finding on an override, at the place in the study file that it stands in."""
    said = finding.place.removeprefix(SET)
    where = f"{place}.{changes.index(said)}" if said in changes else place
    return replace(finding, place=f"{where}: {said}")


def _check(opened: OpenStudy, file: str) -> None:
    """Checks each scenario's mine; the same finding in several scenarios is told once."""
    findings: dict[str, Finding] = {}
    for scenario in opened.scenarios:
        try:
            opened.instance(scenario)
        except BadInput as error:
            for found in error.findings:
                said = found.place.removeprefix(SET)
                told = replace(found, place=f"{file}: scenario {scenario.name}: {said}")
                findings.setdefault(f"{said} {found.expected}", told)
        if len(findings) >= FINDINGS_TOLD:
            break
    if findings:
        raise BadInput(list(findings.values()))
