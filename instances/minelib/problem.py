"""Readers of the files with a heading: ``.upit``, ``.cpit``, ``.pcpsp``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import nearest_name
from instances.minelib.lines import LARGEST, Line, Reading, open_reading
from instances.minelib.model import Constrained, GeneralRows, Limits, Resources, UltimatePit
from instances.minelib.plain import columns, once

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from instances.minelib.model import Floats, Integers

FORBIDDEN_BELOW = -1e15
"""MineLib forbids a destination by a value like -5.36E+19."""

_SCALARS = (
    "NAME",
    "TYPE",
    "NBLOCKS",
    "NPERIODS",
    "NDESTINATIONS",
    "NRESOURCE_SIDE_CONSTRAINTS",
    "NGENERAL_SIDE_CONSTRAINTS",
    "DISCOUNT_RATE",
)
_SECTIONS = (
    "RESOURCE_CONSTRAINT_LIMITS",
    "OBJECTIVE_FUNCTION",
    "RESOURCE_CONSTRAINT_COEFFICIENTS",
    "GENERAL_CONSTRAINT_COEFFICIENTS",
    "GENERAL_CONSTRAINT_LIMITS",
)
_NEEDED = {
    "UPIT": ("NBLOCKS", "OBJECTIVE_FUNCTION"),
    "CPIT": (
        "NBLOCKS",
        "NPERIODS",
        "NRESOURCE_SIDE_CONSTRAINTS",
        "DISCOUNT_RATE",
        "OBJECTIVE_FUNCTION",
    ),
}
_NEEDED["PCPSP"] = (*_NEEDED["CPIT"], "NDESTINATIONS")
_OF_NUMBERS = frozenset("0123456789+-")
"""What a line of numbers begins with; an empty line is none."""
_LARGEST_COUNT, _DIGITS = 100_000_000, 12
_MOST_COLUMNS = 1_000
"""Destinations up to which lines are read at once; more of them are a count gone wrong."""


@dataclass(frozen=True)
class _Parsed:
    """Heading and sections of a file."""

    reading: Reading
    scalars: dict[str, Line]
    sections: dict[str, list[int]]

    def lines(self, section: str) -> list[Line]:
        """Fields of the lines of a section."""
        return self.reading.lines_of(self.sections.get(section, []))

    def table(self, section: str, integers: int, numbers: int) -> tuple[Integers, Floats] | None:
        """A section as columns, where every line of it is plain."""
        rows = self.reading.rows
        return columns([rows[number - 1] for number in self.sections.get(section, [])], integers, numbers)

    def text(self, key: str) -> str:
        return " ".join(self.scalars[key].fields[1:]) if key in self.scalars else ""

    def count(self, key: str, least: int, default: int = 0) -> int:
        """Value of a counting key; ``least`` with a finding where it is not a whole number from ``least`` on."""
        if key not in self.scalars:
            return default
        line = self.scalars[key]
        text = self.text(key)
        if not (text.isdecimal() and len(text) <= _DIGITS) or not least <= int(text) <= _LARGEST_COUNT:
            self.reading.find(line.number, text, f"{key}, a whole number from {least} to {_LARGEST_COUNT}")
            return least
        return int(text)


def read_upit(path: Path) -> UltimatePit:
    """A ``.upit`` file; raises BadInput with every fault found, with file and line."""
    parsed = _parse(path, "UPIT")
    n = parsed.count("NBLOCKS", 1)
    value, _ = _objective(parsed, n, 1)
    parsed.reading.check()
    return UltimatePit(parsed.text("NAME"), value[:, 0])


def read_cpit(path: Path) -> Constrained:
    """A ``.cpit`` file; raises BadInput with every fault found, with file and line."""
    return _read_constrained(path, "CPIT")


def read_pcpsp(path: Path) -> Constrained:
    """A ``.pcpsp`` file; raises BadInput with every fault found, with file and line."""
    return _read_constrained(path, "PCPSP")


def _parse(path: Path, kind: str) -> _Parsed:
    reading = open_reading(path)
    scalars, sections, ended = _headings(reading)
    found = {**scalars, **sections}
    for key in _NEEDED[kind]:
        if key not in found:
            reading.find(reading.length, None, f"{key}: the file ends without it")
    # A pit's lines are counted; coefficients are not, and only this line tells a whole list from one cut off.
    if not ended and kind != "UPIT":
        reading.find(reading.length, None, "the line EOF: the file is cut off (add the line if it is whole)")
    parsed = _Parsed(reading, scalars, sections)
    declared = parsed.text("TYPE").upper()
    if declared and declared != kind:
        reading.find(scalars["TYPE"].number, declared, f"TYPE {kind}")
    reading.check()
    return parsed


def _headings(reading: Reading) -> tuple[dict[str, Line], dict[str, list[int]], bool]:
    """Lines with a key, numbers of the lines of every section, and whether the line EOF was met."""
    scalars: dict[str, Line] = {}
    sections: dict[str, list[int]] = {}
    current: list[int] | None = None
    for number, row in enumerate(reading.rows, start=1):
        if current is not None and row[:1] in _OF_NUMBERS:
            current.append(number)
            continue
        line = reading.line(number)
        if line is None:
            continue
        key = line.fields[0].upper()
        if key == "EOF":
            return scalars, sections, True
        if key in _SECTIONS:
            current = sections.setdefault(key, [])
        elif key in _SCALARS:
            current = None
            if key in scalars:
                reading.find(line.number, f"{key} again", f"{key} once: it stands in line {scalars[key].number}")
            scalars.setdefault(key, line)
        elif current is not None and not key[:1].isalpha():
            current.append(number)
        else:
            reading.find(line.number, line.fields[0], "a known key", nearest_name(key, (*_SCALARS, *_SECTIONS)))
    return scalars, sections, False


def _read_constrained(path: Path, kind: str) -> Constrained:
    parsed = _parse(path, kind)
    reading = parsed.reading
    n, T = parsed.count("NBLOCKS", 1), parsed.count("NPERIODS", 1)
    D = parsed.count("NDESTINATIONS", 1, 1) if kind == "PCPSP" else 1
    R = parsed.count("NRESOURCE_SIDE_CONSTRAINTS", 0)
    M = parsed.count("NGENERAL_SIDE_CONSTRAINTS", 0)
    rate = (
        reading.number(parsed.scalars["DISCOUNT_RATE"], 1, "DISCOUNT_RATE")
        if len(parsed.scalars["DISCOUNT_RATE"].fields) == 2
        else math.nan
    )
    if not 0.0 <= rate < 1.0:
        reading.find(parsed.scalars["DISCOUNT_RATE"].number, parsed.text("DISCOUNT_RATE"), "a fraction in 0..1")
    reading.check()
    value, forbidden = _objective(parsed, n, D)
    resource_limits = _limits(parsed, "RESOURCE_CONSTRAINT_LIMITS", (R, T))
    general_limits = _limits(parsed, "GENERAL_CONSTRAINT_LIMITS", (M,))
    resources = _resources(parsed, (n, D, R), with_destination=kind == "PCPSP")
    general = _general(parsed, (n, D, T, M))
    reading.check()
    return Constrained(
        name=parsed.text("NAME"),
        kind=kind,
        n_periods=T,
        discount_rate=rate,
        value=value,
        forbidden=forbidden,
        resource_limits=resource_limits,
        resources=resources,
        general_limits=general_limits,
        general=general,
    )


def _objective(parsed: _Parsed, n: int, D: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Values ``(n, D)`` and forbidden destinations ``(n, D)``."""
    plain = _plain_objective(parsed, n, D)
    if plain is not None:
        return plain
    reading, lines = parsed.reading, parsed.lines("OBJECTIVE_FUNCTION")
    if len(lines) != n:
        at = lines[-1].number if lines else reading.length
        reading.find(at, f"{len(lines)} lines in OBJECTIVE_FUNCTION", f"{n} lines, one a block")
        reading.check()
    widest = max(len(line.fields) for line in lines) - 1
    if widest < D:
        # Told before arrays of that width are made: a count gone wrong may stand for more than the memory holds.
        reading.find(lines[0].number, f"{widest} values", f"{D} values, one a destination")
        reading.check()
    value, seen = np.zeros((n, D)), np.zeros(n, np.bool_)
    forbidden = np.zeros((n, D), np.bool_)
    for line in lines:
        if len(line.fields) != D + 1:
            reading.find(line.number, f"{len(line.fields) - 1} values", f"{D} values, one a destination")
            continue
        block = reading.integer(line, 0, "block", n)
        if block < 0:
            continue
        if seen[block]:
            reading.find(line.number, block, "each block once")
        seen[block] = True
        for d in range(D):
            if D > 1 and _forbids(line.fields[d + 1]):
                forbidden[block, d] = True
            else:
                value[block, d] = reading.number(line, d + 1, "value")
        if forbidden[block].all():
            reading.find(line.number, "every destination forbidden", "a destination the block may go to")
    return value, forbidden


def _plain_objective(parsed: _Parsed, n: int, D: int) -> tuple[Floats, NDArray[np.bool_]] | None:
    """The same, where every line is plain."""
    plain = parsed.table("OBJECTIVE_FUNCTION", 1, D) if D <= _MOST_COLUMNS else None
    if plain is None or not once(plain[0][:, 0], n):
        return None
    value = np.empty((n, D))
    value[plain[0][:, 0]] = plain[1]
    forbidden = (value <= FORBIDDEN_BELOW) & (D > 1)
    value[forbidden] = 0.0
    sound = not forbidden.all(axis=1).any() and np.abs(value).max() <= LARGEST
    return (value, forbidden) if sound else None


def _forbids(text: str) -> bool:
    try:
        return float(text) <= FORBIDDEN_BELOW
    except ValueError:
        return False


def _limits(parsed: _Parsed, section: str, shape: tuple[int, ...]) -> Limits:
    """Limits by index: L (at most), G (at least), I (between two); every index exactly once."""
    reading, lines = parsed.reading, parsed.lines(section)
    if math.prod(shape) > 2 * len(lines) + 1000:
        at = lines[-1].number if lines else reading.length
        reading.find(at, f"{len(lines)} lines in {section}", f"{math.prod(shape)} limits")
        reading.check()
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    seen = np.zeros(shape, np.bool_)
    rank = len(shape)
    names = ("resource", "period") if rank == 2 else ("row",)
    for line in lines:
        sense = line.fields[rank].upper() if len(line.fields) > rank else ""
        if sense not in {"L", "G", "I"} or len(line.fields) != rank + (3 if sense == "I" else 2):
            reading.find(line.number, " ".join(line.fields), f"{' '.join(names)} and L limit, G limit or I lower upper")
            continue
        place = tuple(reading.integer(line, i, names[i], shape[i]) for i in range(rank))
        known = len(reading.findings)
        numbers = [reading.number(line, i, "limit") for i in range(rank + 1, len(line.fields))]
        if min(place) < 0:
            continue
        if seen[place]:
            reading.find(line.number, place, "each limit once")
        seen[place] = True
        if rank == 2 and sense != "G" and numbers[-1] <= 0 and len(reading.findings) == known:
            reading.find(line.number, numbers[-1], "a capacity above zero")
        if sense == "I" and numbers[0] > numbers[1]:
            reading.find(line.number, f"{numbers[0]} {numbers[1]}", "lower <= upper")
        lower[place] = numbers[0] if sense in {"G", "I"} else -np.inf
        upper[place] = numbers[-1] if sense in {"L", "I"} else np.inf
    if not seen.all():
        first = np.argwhere(~seen)[0].tolist()
        at = lines[-1].number if lines else reading.length
        reading.find(at, f"{int((~seen).sum())} limits missing in {section}, first {first}", f"{seen.size} limits")
    return Limits(lower, upper)


def _resources(parsed: _Parsed, sizes: tuple[int, int, int], *, with_destination: bool) -> Resources:
    """Coefficients: block, [destination,] resource, amount."""
    n, D, R = sizes
    names, most = (
        (("block", "destination", "resource"), (n, D, R)) if with_destination else (("block", "resource"), (n, R))
    )
    index, amount = _entries(parsed, "RESOURCE_CONSTRAINT_COEFFICIENTS", names, most)
    destination = index[:, 1] if with_destination else np.zeros(len(index), np.int64)
    return Resources(index[:, 0], destination, index[:, -1], amount)


def _general(parsed: _Parsed, sizes: tuple[int, int, int, int]) -> GeneralRows:
    """Coefficients: block, destination, period, row, coefficient."""
    names = ("block", "destination", "period", "row")
    index, coefficient = _entries(parsed, "GENERAL_CONSTRAINT_COEFFICIENTS", names, sizes)
    return GeneralRows(index[:, 0], index[:, 1], index[:, 2], index[:, 3], coefficient)


def _entries(parsed: _Parsed, section: str, names: tuple[str, ...], most: tuple[int, ...]) -> tuple[Integers, Floats]:
    """Lines of indices ``(k, len(names))`` and a number ``(k,)``, each index once."""
    plain = parsed.table(section, len(names), 1)
    if plain is not None and _each_once(plain[0], most) and np.abs(plain[1]).max(initial=0.0) <= LARGEST:
        return plain[0], plain[1][:, 0]
    reading = parsed.reading
    indices: list[tuple[int, ...]] = []
    numbers: list[float] = []
    seen: set[tuple[int, ...]] = set()
    width = len(names) + 1
    for line in parsed.lines(section):
        if len(line.fields) != width:
            reading.find(line.number, f"{len(line.fields)} fields", f"{width}: {', '.join(names)}, coefficient")
            continue
        index = tuple(reading.integer(line, i, name, most[i]) for i, name in enumerate(names))
        if min(index) >= 0 and index in seen:
            reading.find(line.number, " ".join(line.fields[:-1]), "each coefficient once")
        seen.add(index)
        indices.append(index)
        numbers.append(reading.number(line, width - 1, "coefficient"))
    return np.array(indices, np.int64).reshape(-1, len(names)), np.array(numbers, np.float64)


def _each_once(index: Integers, most: tuple[int, ...]) -> bool:
    """Whether indices are in range, and none comes twice."""
    if (index < 0).any() or (index >= np.array(most)).any():
        return False
    order = np.lexsort(index.T)
    return not (index[order[1:]] == index[order[:-1]]).all(axis=1).any()
