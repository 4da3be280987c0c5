"""Scenarios: the base with overrides, named and ordered by the design, each with the neighbour that it starts from."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from instances.findings import BadInput, Finding
from instances.instance import Instance
from instances.schema.calendar import Calendar
from scheduler.studies.sampling import Times, samples
from scheduler.studies.schema import (
    Design,
    Entry,
    GridDesign,
    ListDesign,
    Parameter,
    SampledDesign,
    StudyFile,
    TornadoDesign,
)

MOST = 10_000
"""Scenarios of a study; more are a slip of the design."""
BASE = "base"
SIGN = {"set": "=", "factor": "*=", "delta": "+="}


@dataclass(frozen=True)
class Scenario:
    """A scenario of a study.

    Attributes:
        name: its name, also that of its folder.
        title: for tables; empty for none.
        design: name or kind of the design that it belongs to; ``base`` for the base.
        overrides: all that is changed on the mine, in order.
        values: value of each parameter that is varied.
        donor: the scenario whose plan it starts from, ``None`` for those that start from the plan by hand.
    """

    name: str
    title: str
    design: str
    overrides: tuple[str, ...]
    values: Mapping[str, object] = field(default_factory=dict)
    donor: str | None = None


def count(study: StudyFile) -> int:
    """How many scenarios a study has, worked out without making them."""
    return int(study.base) + sum(_size(study, design) for design in study.designs)


def _size(study: StudyFile, design: Design) -> int:
    if isinstance(design, ListDesign):
        return len(design.scenarios)
    if isinstance(design, GridDesign):
        return math.prod(len(study.parameters[name].values) for name in design.parameters if name in study.parameters)
    if isinstance(design, TornadoDesign):
        sides = sum(int(p.low is not None) + int(p.high is not None) for p in chosen(study, design).values())
        return sides + int(bool(design.changes))
    return design.samples + int(design.shared_plan)


def chosen(study: StudyFile, design: Design) -> dict[str, Parameter]:
    """The parameters that a design varies, by name; all that have what it needs where it names none."""
    if isinstance(design, ListDesign):
        return {}
    if design.parameters:
        return {name: study.parameters[name] for name in design.parameters if name in study.parameters}
    if isinstance(design, TornadoDesign):
        return {n: p for n, p in study.parameters.items() if p.low is not None or p.high is not None}
    return {n: p for n, p in study.parameters.items() if p.distribution is not None}


def label(study: StudyFile, number: int) -> str:
    """How a design is called: by its name, or by its kind, numbered where there are several of it."""
    design = study.designs[number]
    if design.name is not None:
        return design.name
    alike = [k for k, other in enumerate(study.designs) if other.name is None and other.kind == design.kind]
    return design.kind if len(alike) == 1 else f"{design.kind}-{alike.index(number) + 1}"


def scenarios(study: StudyFile, calendar: Calendar, *, place: str = "study.toml") -> tuple[Scenario, ...]:
    """All scenarios in the order of the file, donors named.

    Args:
        study: the study, whose names are sound; see :mod:`scheduler.studies.checks`.
        calendar: of the base mine, for price paths.
        place: the file, for messages.

    Raises:
        BadInput: where two scenarios have one name.
    """
    edges = calendar.edges_years()
    times = Times((edges[1:] + edges[:-1]) / 2)
    made = [Scenario(BASE, "the mine as it is", BASE, study.changes)] if study.base else []
    for number, design in enumerate(study.designs):
        made += _of_design(study, design, label(study, number), times)
    _refuse_repeated(made, place)
    return tuple(_with_donors(study, made))


def _of_design(study: StudyFile, design: Design, called: str, times: Times) -> Iterator[Scenario]:
    before = (*study.changes, *design.changes)
    prefix = "" if design.name is None else f"{design.name}_"
    if isinstance(design, ListDesign):
        for entry in design.scenarios:
            overrides = (*before, *_entry_overrides(study, entry))
            yield Scenario(f"{prefix}{entry.name}", entry.title, called, overrides, dict(entry.parameters))
        return
    if isinstance(design, TornadoDesign) and design.changes:
        name = tornado_base_of(study, design)
        yield Scenario(name, "the mine with the changes of the tornado", name, before)
    points = list(_points(study, design, times))
    for name, values in points:
        yield Scenario(f"{prefix}{name}", "", called, (*before, *_set_to(study, values)), values)
    if isinstance(design, SampledDesign) and design.shared_plan:
        values = _means([values for _, values in points])
        name = shared_plan_of(study, design)
        yield Scenario(name, "mean prices: one plan for all", name, (*before, *_set_to(study, values)), values)


def shared_plan_of(study: StudyFile, design: SampledDesign) -> str:
    """Name of the scenario, and of its design, under the mean prices of a sampled design."""
    return f"{label(study, study.designs.index(design)).replace('_', '-')}-shared-plan"


def tornado_base_of(study: StudyFile, design: TornadoDesign) -> str:
    """Name of the scenario that a tornado compares with: the base, or one of its own, and of its design, with changes.

    Else the changes would be counted as worth of each parameter.
    """
    if not design.changes:
        return BASE
    return f"{label(study, study.designs.index(design)).replace('_', '-')}-base"


def _set_to(study: StudyFile, values: Mapping[str, object]) -> list[str]:
    """The overrides that give parameters their values."""
    return [change for name, value in values.items() for change in override_of(study.parameters[name], value)]


def _means(drawn: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """The mean of each parameter over samples, of a path by period."""
    return {name: np.mean([sample[name] for sample in drawn], axis=0).tolist() for name in drawn[0]}


def _entry_overrides(study: StudyFile, entry: Entry) -> Iterator[str]:
    for name in entry.use:
        yield from study.overrides[name]
    for name, value in entry.parameters.items():
        yield from override_of(study.parameters[name], value)
    yield from entry.changes


def _points(
    study: StudyFile, design: GridDesign | TornadoDesign | SampledDesign, times: Times
) -> Iterator[tuple[str, dict[str, object]]]:
    """Name and parameter values of each scenario of a design."""
    parameters = chosen(study, design)
    if isinstance(design, GridDesign):
        shape = [len(parameter.values) for parameter in parameters.values()]
        for where in np.ndindex(*shape):
            values = {n: p.values[k] for (n, p), k in zip(parameters.items(), where, strict=True)}
            words = [f"{n}-{_word(values[n], k)}" for n, k in zip(parameters, where, strict=True)]
            yield "_".join(words), values
    elif isinstance(design, TornadoDesign):
        for name, parameter in parameters.items():
            for side in ("low", "high"):
                if getattr(parameter, side) is not None:
                    yield f"{name}-{side}", {name: getattr(parameter, side)}
    else:
        drawn = samples(design, {n: p.distribution for n, p in parameters.items() if p.distribution}, times)
        digits = len(str(design.samples))
        stem = "" if design.name is not None else f"{design.kind.replace('_', '-')}-"
        for number, values in enumerate(drawn, start=1):
            yield f"{stem}{number:0{digits}d}", values


def _word(value: object, place: int) -> str:
    """A value in a scenario's name; a list by its position among the values."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str) and value.isascii() and value.replace("-", "").replace("_", "").isalnum():
        return value[:40]
    return str(place)


def override_of(parameter: Parameter, value: object) -> list[str]:
    """The overrides that give a parameter a value."""
    return [f"{path}{SIGN[parameter.change]}{toml_value(value)}" for path in parameter.paths]


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, dt.date) else repr(value)


def _refuse_repeated(made: Sequence[Scenario], place: str) -> None:
    first: dict[str, Scenario] = {}
    findings = []
    for scenario in made:
        # Two names that differ in case only would share a folder on some systems.
        other = first.setdefault(scenario.name.casefold(), scenario)
        if other is not scenario:
            where = f"{place}: scenario {scenario.name} of {scenario.design}"
            findings.append(Finding(where, None, f"a name of its own; {other.design} has a scenario {other.name} too"))
    if findings:
        raise BadInput(findings)


def _with_donors(study: StudyFile, made: Sequence[Scenario]) -> Iterator[Scenario]:
    """Names each scenario's donor by the design alone, so that no result depends on which is finished first.

    The base, or without one the first scenario of the file, gives to all others but those of grids. A grid starts in
    its middle and goes outwards, along the first axis and from there along the others.
    """
    if not study.solve.warm:
        yield from made
        return
    lead = BASE if study.base else made[0].name
    groups = {label(study, k): design for k, design in enumerate(study.designs)}
    for scenario in made:
        design = groups.get(scenario.design)
        donor: str | None = None if scenario.name == lead else lead
        if isinstance(design, GridDesign):
            mates = [other for other in made if other.design == scenario.design]
            outside = None if lead in {mate.name for mate in mates} else lead
            donor = _grid_donor(study, design, scenario, mates, outside)
        yield Scenario(scenario.name, scenario.title, scenario.design, scenario.overrides, scenario.values, donor)


def _grid_donor(
    study: StudyFile, design: GridDesign, scenario: Scenario, mates: Sequence[Scenario], outside: str | None
) -> str | None:
    """The neighbour one step nearer to the middle whose parameter differs least; ``outside`` in the middle.

    Least is relative: of a step from 18,000 to 17,000 t/d and one from 20 to 18 Mt/y, the first. Steps between things
    other than numbers count as large, and among equal ones the last axis is taken.
    """
    axes = [study.parameters[name].values for name in design.parameters]
    shape = [len(axis) for axis in axes]
    at = [int(place) for place in np.unravel_index(mates.index(scenario), shape)]
    steps: list[tuple[float, int, list[int]]] = []
    for axis, values in enumerate(axes):
        middle = (len(values) - 1) // 2
        if at[axis] != middle:
            nearer = [*at[:axis], at[axis] + (1 if at[axis] < middle else -1), *at[axis + 1 :]]
            steps.append((_relative_step(values[at[axis]], values[nearer[axis]]), -axis, nearer))
    if not steps:
        return outside
    return mates[int(np.ravel_multi_index(tuple(min(steps)[2]), shape))].name


def _relative_step(value: object, other: object) -> float:
    """Difference of two numbers over the larger; 1 where they are no numbers."""
    numbers = [float(one) for one in (value, other) if isinstance(one, int | float) and not isinstance(one, bool)]
    size = max((abs(one) for one in numbers), default=0.0)
    return abs(numbers[0] - numbers[1]) / size if len(numbers) == 2 and size > 0 else 1.0


def find(made: Sequence[Scenario], name: str) -> Scenario | None:
    """The scenario of a name."""
    return next((scenario for scenario in made if scenario.name == name), None)


def differences(base: Instance, instance: Instance) -> list[tuple[str, object, object]]:
    """What a scenario changes: key path, value of the base mine, value of the scenario; equal values are left out."""
    before, after = (one.mine.model_dump(mode="json", exclude={"provenance"}) for one in (base, instance))
    return list(_differing(before, after, ""))


def _differing(before: object, after: object, path: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _differing(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif before != after:
        yield path, before, after


__all__ = [
    "BASE",
    "MOST",
    "Scenario",
    "chosen",
    "count",
    "differences",
    "find",
    "label",
    "scenarios",
    "shared_plan_of",
    "tornado_base_of",
]
