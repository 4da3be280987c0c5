"""Checks between the parts of a mine: names that refer to others, lists by period, limits against each other, dates.

Each check yields findings whose places are key paths of ``mine.toml``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from instances.checking.economics import economic_checks
from instances.checking.names import known
from instances.checking.stockpiles import stockpile_checks
from instances.findings import Finding, Words, nearest_name
from instances.schema import Mine
from instances.schema.base import Part, by_period
from instances.schema.calendar import DAYS_PER_YEAR
from instances.schema.destinations import Stockpile
from instances.schema.dictionary import dotted, spec_of

MOST_YEARS_APART = 100
Found = Iterator[Finding]


def cross_checks(mine: Mine, blocks: pd.DataFrame | None) -> list[Finding]:
    """What is wrong between the parts of a mine that are each sound.

    Args:
        mine: a mine that the schema accepts.
        blocks: its block table; ``None`` where it is not sound, and then left out of the checks.
    """
    lengths = list(_period_lists(mine))
    findings = [*lengths, *_names(mine), *_phases(mine), *_slopes(mine), *_grade_bins(mine), *_dates(mine)]
    findings += [*_provenance(mine), *_published(mine), *stockpile_checks(mine), *economic_checks(mine)]
    if not lengths:
        findings += [*_limits(mine), *_options(mine)]
    if not any(finding.place == "calendar.period_years" for finding in lengths):
        findings += _destinations(mine)
    if blocks is not None:
        findings += _block_table(mine, blocks)
    return findings


def _period_lists(mine: Mine) -> Found:
    """Every list by period has exactly one number a period."""
    for path, part in _parts(mine, ()):
        for name, info in type(part).model_fields.items():
            value = getattr(part, name)
            if spec_of(info).kind == "per_period" and isinstance(value, tuple) and len(value) != mine.calendar.periods:
                expected = f"one number, or {mine.calendar.periods} numbers, one for each period of the calendar"
                yield Finding(dotted([*path, name]), Words(f"a list of {len(value)}"), expected)


def _parts(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Part]]:
    """Every part of a mine with its key path."""
    if isinstance(value, Part):
        yield path, value
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _parts(item, (*path, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _parts(item, (*path, number))


def _names(mine: Mine) -> Found:
    """Every name that refers to something has it."""
    materials, elements = list(mine.materials), list(mine.elements)
    for name, place in mine.destinations.items():
        path = f"destinations.{name}"
        yield from known(f"{path}.accepts", place.accepts, materials, "a material")
        yield from _repeated(f"{path}.accepts", place.accepts)
    for name, mill in mine.mills().items():
        yield from known(f"destinations.{name}.recovery", mill.recovery, elements, "an element")
        yield from known(f"destinations.{name}.recovery_curves", mill.recovery_curves, elements, "an element")
        for element, recovery in mill.recovery.items():
            yield from known(f"destinations.{name}.recovery.{element}", recovery, materials, "a material")
    for name, product in mine.products.items():
        yield from known(f"products.{name}.element", [product.element], elements, "an element")
    unnamed = [name for name, limit in mine.limits.head_grade.items() if limit.element is None]
    yield from known("limits.head_grade", unnamed, elements, "an element, or a name with a key element")
    for name, limit in mine.limits.head_grade.items():
        if limit.element is not None:
            yield from known(f"limits.head_grade.{name}.element", [limit.element], elements, "an element")
        yield from known(f"limits.head_grade.{name}.mills", limit.mills, list(mine.mills()), "a mill")
        yield from _repeated(f"limits.head_grade.{name}.mills", limit.mills)
    yield from known("limits.metal", mine.limits.metal, elements, "an element")
    yield from known("panels.grade_bins", mine.panels.grade_bins, elements, "an element")
    yield from known("operating", mine.operating, ["pit", *mine.mills()], '"pit" or a mill')


def _repeated(place: str, names: Sequence[str]) -> Found:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(place, name, "each name once")


def _phases(mine: Mine) -> Found:
    """Phases follow phases that exist, and none follows itself, however far round."""
    for name, phase in mine.phases.items():
        path = f"phases.{name}"
        if phase.after is None:
            for key in ("bench_lag", "lag_years"):
                if getattr(phase, key):
                    yield Finding(f"{path}.{key}", getattr(phase, key), "a phase to lag behind, in the key after")
        else:
            others = [other for other in mine.phases if other != name]
            if phase.after != name:
                yield from known(f"{path}.after", [phase.after], others, "a phase")
    told: set[str] = set()
    for name in mine.phases:
        chain = [name]
        while (after := mine.phases[chain[-1]].after) in mine.phases and after not in chain:
            chain.append(str(after))
        if after in chain and after not in told:
            loop = chain[chain.index(str(after)) :]
            told |= set(loop)
            shown = Words(" after ".join([*loop, loop[0]]))
            yield Finding(f"phases.{loop[0]}.after", shown, "an order of the phases without a cycle")


def _slopes(mine: Mine) -> Found:
    """Slope sectors do not overlap."""
    for name, material in mine.materials.items():
        spans = []
        for number, sector in enumerate(material.slope_sectors):
            first, last = sector.from_azimuth_deg, sector.to_azimuth_deg
            if first == last:
                yield Finding(
                    f"materials.{name}.slope_sectors.{number}.to_azimuth_deg", last, "another azimuth than from"
                )
            pieces = [(first, last)] if first < last else [(first, 360.0), (0.0, last)]
            spans += [(low, high, number) for low, high in pieces]
        spans.sort()
        pairs = {(a[2], b[2]) for a, b in pairwise(spans) if b[0] < a[1] and a[2] != b[2]}
        for one, other in sorted(pairs):
            place = f"materials.{name}.slope_sectors.{max(one, other)}"
            yield Finding(place, None, f"azimuths that do not overlap those of slope_sectors.{min(one, other)}")


def _grade_bins(mine: Mine) -> Found:
    """Edges of grade bins increase."""
    for element, edges in mine.panels.grade_bins.items():
        for before, after in pairwise(edges):
            if after <= before:
                shown = Words(f"{before:g} and then {after:g}")
                yield Finding(f"panels.grade_bins.{element}", shown, "edges that increase")
                break


def _dates(mine: Mine) -> Found:
    """Dates lie within a century of the calendar, and things close after they open."""
    start = mine.calendar.start
    for path, part in _parts(mine, ()):
        for name in type(part).model_fields:
            day = getattr(part, name)
            if isinstance(day, dt.date) and abs((day - start).days) > MOST_YEARS_APART * DAYS_PER_YEAR:
                expected = f"a date within {MOST_YEARS_APART} years of the calendar's start, {start}"
                yield Finding(dotted([*path, name]), day, expected)
    for name, place in mine.destinations.items():
        if place.opens and place.closes and place.closes <= place.opens:
            yield Finding(f"destinations.{name}.closes", place.closes, f"a date after it opens, {place.opens}")
    basis = mine.reporting_basis
    if basis and basis.until <= basis.valued_from:
        yield Finding("reporting_basis.until", basis.until, f"a date after valued_from, {basis.valued_from}")


def _destinations(mine: Mine) -> Found:
    """Every material may go somewhere in some period."""
    for name in mine.materials:
        takers = [key for key, place in mine.destinations.items() if name in place.accepts]
        open_ever = [key for key in takers if _ever_open(mine, key)]
        to_end = [key for key in open_ever if not isinstance(mine.destinations[key], Stockpile)]
        stores = [key for key in open_ever if key not in to_end and _stores(mine, key, name)]
        if to_end or stores:
            continue
        expected = f"a destination that accepts {name}"
        if open_ever:
            expected = f"a stockpile bin that keeps {name}, or another destination that accepts it"
        elif takers:
            expected += " and is open within the calendar"
        near = next(iter(open_ever or takers), None)
        yield Finding(f"materials.{name}", Words("without anywhere to go"), expected, near and f"destinations.{near}")


def _ever_open(mine: Mine, destination: str) -> bool:
    """Whether a destination opens within the calendar; dates in the wrong order are told elsewhere."""
    place = mine.destinations[destination]
    if place.opens and place.closes and place.closes <= place.opens:
        return True
    return bool((mine.calendar.open_share(place.opens, place.closes) > 0).any())


def _stores(mine: Mine, stockpile: str, material: str) -> bool:
    pile = mine.stockpiles()[stockpile]
    return any(material in store.materials for store in pile.bins.values())


def _limits(mine: Mine) -> Found:
    """No least limit lies above the largest one of the same thing."""
    limits = mine.limits
    t_per_day = sum(option.adds_t_per_day or 0.0 for option in mine.options.values() if option.widens == "mill")
    mt = sum(option.adds_mt_per_year or 0.0 for option in mine.options.values() if option.widens == "mining")
    pairs = [
        ("limits.mill_min_t_per_day", limits.mill_min_t_per_day, "mill_t_per_day", limits.mill_t_per_day, t_per_day),
        (
            "limits.mining_min_mt_per_year",
            limits.mining_min_mt_per_year,
            "mining_mt_per_year",
            limits.mining_mt_per_year,
            mt,
        ),
        ("limits.strip_ratio_min", limits.strip_ratio_min, "strip_ratio_max", limits.strip_ratio_max, 0.0),
        (
            "limits.strip_ratio_cumulative_min",
            limits.strip_ratio_cumulative_min,
            "strip_ratio_cumulative_max",
            limits.strip_ratio_cumulative_max,
            0.0,
        ),
    ]
    pairs += [
        (f"limits.head_grade.{e}.min", limit.min, "max", limit.max, 0.0) for e, limit in limits.head_grade.items()
    ]
    pairs += [
        (f"limits.metal.{e}.min_t_per_year", limit.min_t_per_year, "max_t_per_year", limit.max_t_per_year, 0.0)
        for e, limit in limits.metal.items()
    ]
    for place, least, name, most, added in pairs:
        if least is None or most is None:
            continue
        low, high = by_period(least, mine.calendar.periods), by_period(most, mine.calendar.periods) + added
        over = np.flatnonzero(low > high)
        if len(over):
            shown = Words(f"{low[over[0]]:g} in {mine.calendar.labels()[over[0]]}")
            yield Finding(place, shown, f"at most {name}, which is {high[over[0]]:g} there")


def _options(mine: Mine) -> Found:
    """An option adds to a limit that is there, in the unit of that limit."""
    units = {"mill": "adds_t_per_day", "mining": "adds_mt_per_year", "rehandle": "adds_mt_per_year"}
    limits = {"mill": "mill_t_per_day", "mining": "mining_mt_per_year", "rehandle": "rehandle_mt_per_year"}
    for name, option in mine.options.items():
        wanted = units[option.widens]
        given = [key for key in ("adds_t_per_day", "adds_mt_per_year") if getattr(option, key) is not None]
        if given != [wanted]:
            shown = Words(" and ".join(given)) if given else None
            expected = f"exactly {wanted}, as it widens {option.widens}"
            yield Finding(f"options.{name}", shown, expected, wanted)
        limit = limits[option.widens]
        if getattr(mine.limits, limit) is None:
            yield Finding(f"options.{name}.widens", option.widens, f"a limit to widen: limits.{limit} is not given")


def _provenance(mine: Mine) -> Found:
    """Marks stand at key paths that exist."""
    contents = mine.model_dump()
    valid: list[str] = []
    for path in mine.provenance:
        value: object = contents
        for key in path.split("."):
            if isinstance(value, Mapping):
                value = value.get(key, ...)
            elif isinstance(value, tuple) and key.isascii() and key.isdigit() and int(key[:9]) < len(value):
                value = value[int(key)]
            else:
                value = ...
            if value is ...:
                valid = valid or list(every_path(contents))
                yield Finding("provenance", path, "the path of a key of this mine", nearest_name(path, valid))
                break


def every_path(value: object, prefix: str = "") -> Iterator[str]:
    """The paths of all keys of nested tables; of lists, the list itself."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            if prefix or key != "provenance":
                yield f"{prefix}{key}"
                yield from every_path(below, f"{prefix}{key}.")


def _published(mine: Mine) -> Found:
    """A figure is published once."""
    names = [figure.figure for figure in mine.published]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Finding(f"published.{number}.figure", name, "a figure that was not given above")


def _block_table(mine: Mine, blocks: pd.DataFrame) -> Found:
    """Every phase has blocks, and something is left to mine."""
    used = set(blocks["phase"])
    for name in mine.phases:
        if name not in used:
            spare = sorted(used - set(mine.phases))
            yield Finding(
                f"phases.{name}", Words("without a block"), "a phase of the block table", nearest_name(name, spare)
            )
    factor = blocks["material"].map({name: material.tonnes_factor for name, material in mine.materials.items()})
    left = (factor.to_numpy(float) > 0) & (blocks["mined_fraction"].to_numpy(float) < 1)
    if not left.any():
        yield Finding("blocks.file", mine.blocks.file, "a block with something left to mine")
