"""What the schema of ``study.toml`` cannot say: names that have to exist, values that a design needs, how many."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from instances.findings import Finding, Words, nearest_name
from scheduler.studies.columns import RESERVED
from scheduler.studies.sampling import correlation_matrix, is_correlation
from scheduler.studies.scenarios import BASE, MOST, chosen, count, label
from scheduler.studies.schema import (
    Design,
    Discrete,
    GridDesign,
    LatinHypercubeDesign,
    ListDesign,
    MonteCarloDesign,
    Parameter,
    PricePath,
    SampledDesign,
    StudyFile,
    TornadoDesign,
    Triangular,
    Uniform,
)

PRICE = re.compile(r"products\.[^.]+\.price_[a-z_]+(\.(0|[1-9]\d*))?")
"""Key paths that are prices."""


def name_findings(study: StudyFile, file: str) -> list[Finding]:
    """What is wrong with a study by itself, without its mine."""
    findings = [
        found
        for name, parameter in study.parameters.items()
        for found in _distribution_findings(f"{file}: parameters.{name}.distribution", parameter)
    ]
    findings += column_findings(study, RESERVED, file)
    for number, design in enumerate(study.designs):
        findings += _design_findings(study, design, f"{file}: designs.{number}")
    labels = [label(study, number) for number in range(len(study.designs))]
    for number, called in enumerate(labels):
        if called in labels[:number]:
            findings.append(Finding(f"{file}: designs.{number}.name", called, "a name that no other design has"))
    for number, called in enumerate(study.regret):
        findings += _unknown(f"{file}: regret.{number}", called, [BASE, *labels], "a design of this study, or base")
    if study.option is not None:
        cost = study.option.cost_parameter
        findings += _unknown(f"{file}: option.cost_parameter", cost, study.parameters, "a parameter of this study")
    number_of = 0 if findings else count(study)
    if number_of > MOST:
        place = f"{file}: designs"
        findings.append(Finding(place, Words(f"{number_of:,} scenarios"), f"at most {MOST:,}"))
    elif not findings and number_of == 0:
        findings.append(Finding(f"{file}: designs", None, "at least one scenario"))
    return findings


def column_findings(study: StudyFile, columns: Collection[str], file: str) -> list[Finding]:
    """Parameters that are called as other columns of the tables are, whose values one would take for theirs."""
    expected = "another name; the study's tables have a column of this one"
    return [Finding(f"{file}: parameters.{name}", None, expected) for name in study.parameters if name in columns]


def _unknown(place: str, name: str, known: Sequence[str] | dict[str, Parameter], expected: str) -> Iterator[Finding]:
    if name not in known:
        yield Finding(place, name, expected, nearest_name(name, known))


def _design_findings(study: StudyFile, design: Design, place: str) -> Iterator[Finding]:
    if isinstance(design, ListDesign):
        yield from _list_findings(study, design, place)
        return
    for number, name in enumerate(design.parameters):
        where = f"{place}.parameters.{number}"
        yield from _unknown(where, name, study.parameters, "a parameter of this study")
        if name in design.parameters[:number]:
            yield Finding(where, name, "each parameter once")
    lacking = [name for name, parameter in chosen(study, design).items() if not _has(design, parameter)]
    needed = {"grid": "values", "tornado": "low or high"}.get(design.kind, "a distribution")
    for name in lacking:
        yield Finding(f"{place}.parameters", name, f"parameters with {needed}")
    if not chosen(study, design):
        yield Finding(f"{place}.parameters", None, f"at least one parameter with {needed}")
    if isinstance(design, LatinHypercubeDesign | MonteCarloDesign) and not lacking:
        if design.shared_plan:
            yield from _price_findings(study, design, place)
            yield from _shared_path_findings(study, design, place)
        yield from _correlation_findings(study, design, place)


def _price_findings(study: StudyFile, design: SampledDesign, place: str) -> Iterator[Finding]:
    """What is not a price: only in prices is a plan's value linear, so that mean prices give its mean value."""
    for name, parameter in chosen(study, design).items():
        if not all(PRICE.fullmatch(path) for path in parameter.paths):
            expected = 'false, or parameters that are prices only (paths like "products.copper.price_usd_per_lb")'
            yield Finding(f"{place}.shared_plan", Words(f"true with the parameter {name}"), expected)
        found = parameter.distribution
        if isinstance(found, Discrete) and not all(isinstance(value, int | float) for value in found.values):
            where = f"{place.split(': ', maxsplit=1)[0]}: parameters.{name}.distribution.values"
            yield Finding(where, Words("texts or lists"), "numbers, of which a shared plan takes the mean")


def _shared_path_findings(study: StudyFile, design: SampledDesign, place: str) -> Iterator[Finding]:
    """Prices that are changed twice: the mean of what two changes come to is not what their means come to."""
    before: list[tuple[str, str]] = []
    for name, parameter in chosen(study, design).items():
        for path in parameter.paths:
            for other, theirs in before:
                # A whole list overlaps with each of its elements.
                if f"{path}.".startswith(f"{theirs}.") or f"{theirs}.".startswith(f"{path}."):
                    where = Words(f"true with {path} of the parameter {name} and {theirs} of {other}")
                    yield Finding(f"{place}.shared_plan", where, "false, or each price in one parameter, and once")
            before.append((name, path))


def _has(design: Design, parameter: Parameter) -> bool:
    if isinstance(design, GridDesign):
        return bool(parameter.values)
    if isinstance(design, TornadoDesign):
        return parameter.low is not None or parameter.high is not None
    return parameter.distribution is not None


def _list_findings(study: StudyFile, design: ListDesign, place: str) -> Iterator[Finding]:
    for number, entry in enumerate(design.scenarios):
        where = f"{place}.scenarios.{number}"
        for k, name in enumerate(entry.use):
            known = dict.fromkeys(study.overrides)
            if name not in known:
                expected = "named overrides of this study"
                yield Finding(f"{where}.use.{k}", name, expected, nearest_name(name, known))
        for name in entry.parameters:
            yield from _unknown(f"{where}.parameters", name, study.parameters, "a parameter of this study")


def _distribution_findings(place: str, parameter: Parameter) -> Iterator[Finding]:
    found = parameter.distribution
    if isinstance(found, Uniform | Triangular) and found.low >= found.high:
        yield Finding(f"{place}.high", found.high, f"a number > {found.low:g}, the low")
    elif isinstance(found, Triangular) and not found.low <= found.mode <= found.high:
        yield Finding(f"{place}.mode", found.mode, f"a number from {found.low:g} to {found.high:g}")
    elif isinstance(found, Discrete) and found.weights is not None and len(found.weights) != len(found.values):
        yield Finding(f"{place}.weights", Words(f"{len(found.weights)} numbers"), f"{len(found.values)}, one a value")
    elif isinstance(found, PricePath) and parameter.change != "factor":
        change = place.replace(".distribution", ".change")
        yield Finding(change, parameter.change, '"factor" for a price path, which multiplies a deck')


def _correlation_findings(study: StudyFile, design: SampledDesign, place: str) -> Iterator[Finding]:
    sampled = chosen(study, design)
    sound = True
    for number, correlation in enumerate(design.correlations):
        where = f"{place}.correlations.{number}.between"
        unknown = [name for name in correlation.between if name not in sampled]
        for name in unknown:
            yield from _unknown(where, name, sampled, "a parameter that the design samples")
        if not unknown:
            one, other = (sampled[name].distribution for name in correlation.between)
            if correlation.between[0] == correlation.between[1]:
                unknown = [correlation.between[0]]
                yield Finding(where, list(correlation.between), "two different parameters")
            elif isinstance(one, PricePath) != isinstance(other, PricePath):
                unknown = list(correlation.between)
                yield Finding(where, list(correlation.between), "two price paths, or two parameters that are none")
        sound = sound and not unknown
    if sound and not is_correlation(correlation_matrix(design, list(sampled))):
        yield Finding(f"{place}.correlations", None, "correlations that can hold together (no negative eigenvalue)")
