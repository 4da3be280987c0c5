"""Every number of a mine with its mark: published, derived or assumed, and by whom or why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from instances.schema import Mine
from instances.schema.dictionary import ROOT, Spec, value_at
from instances.schema.provenance import Mark
from instances.schema.units import GRADE, unit_of

MARKS = ("published", "derived", "assumed")
GRADE_UNITS = {"pct": "%", "g_per_t": "g/t"}
NOT_NUMBERS = frozenset({"format"})


@dataclass(frozen=True)
class Marked:
    """A number of ``mine.toml``, or a list of them.

    Attributes:
        path: key path.
        value: the number, date or tuple of numbers.
        unit: its unit, empty where the key has none.
        mark: the mark that covers it; ``None`` where none does.
    """

    path: str
    value: object
    unit: str
    mark: Mark | None

    @property
    def text(self) -> str:
        """The value in words."""
        return ", ".join(f"{item:g}" for item in self.value) if isinstance(self.value, tuple) else shown(self.value)


def marked_entries(mine: Mine) -> list[Marked]:
    """Every number that ``mine.toml`` gives, with unit and mark, in the order of the file."""
    contents = mine.model_dump(exclude_unset=True, exclude={"provenance", "published"})
    given = marked_numbers(mine, contents)
    return [Marked(path, value, unit_at(mine, path), mark_of(mine, path)) for path, value in given]


def counts(entries: list[Marked]) -> dict[str, int]:
    """How many entries have each mark."""
    return {kind: sum(entry.mark is not None and entry.mark.mark == kind for entry in entries) for kind in MARKS}


def unit_at(mine: Mine, path: str) -> str:
    """The unit of what stands at a key path, grades in that of their element; empty where the key has none."""
    keys = path.split(".")
    place = _last_field(mine, keys)
    unit = unit_of(keys[place])
    return GRADE_UNITS[mine.elements[_element(mine, keys, place)].unit] if unit == GRADE else unit


def _last_field(mine: Mine, keys: Sequence[str]) -> int:
    """Place of the last key that is of the schema: others are names that a mine gives, or numbers within a list."""
    spec: Spec | None = ROOT
    value: object = mine
    last = 0
    for place, key in enumerate(keys):
        if spec is None:
            break
        if isinstance(value, BaseModel):
            last, spec, value = place, spec.below(key, {"kind": getattr(value, "kind", None)}), getattr(value, key)
        else:
            spec, value = spec.below(key, value), value_at(value, [int(key) if isinstance(value, tuple) else key])
    return last


def _element(mine: Mine, keys: Sequence[str], place: int) -> str:
    """The element of a grade, ``place`` that of the key of the schema that says so."""
    if keys[:2] == ["limits", "head_grade"]:
        return mine.limits.head_grade[keys[2]].element or keys[2]
    return keys[place - 1] if keys[place] == "grade" else keys[place + 1]


def shown(value: object) -> str:
    """A value of ``mine.toml`` as it is read."""
    return f"{value:,.10g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()


def numbers(contents: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The key path and value of every number, date and list of numbers of nested tables and lists."""
    if isinstance(contents, Mapping):
        for key, value in contents.items():
            yield from numbers(value, f"{path}.{key}" if path else str(key))
    elif isinstance(contents, tuple) and not all(isinstance(item, int | float) for item in contents):
        for number, item in enumerate(contents):
            yield from numbers(item, f"{path}.{number}")
    elif isinstance(contents, int | float | dt.date | tuple) and contents != () and path not in NOT_NUMBERS:
        yield path, contents


def marked_numbers(mine: Mine, contents: object) -> Iterator[tuple[str, object]]:
    """As :func:`numbers`, the numbers of a list apart where some of them have a mark of their own."""
    for path, value in numbers(contents):
        if isinstance(value, tuple):
            own = [number for number in range(len(value)) if f"{path}.{number}" in mine.provenance]
            yield from ((f"{path}.{number}", value[number]) for number in own)
            rest = tuple(item for number, item in enumerate(value) if number not in own)
            if rest:
                yield path, rest
        else:
            yield path, value


def mark_of(mine: Mine, path: str) -> Mark | None:
    """The mark that covers a key path: its own, or the one of the nearest path above it."""
    keys = path.split(".")
    above = (".".join(keys[:length]) for length in range(len(keys), 0, -1))
    return next((mine.provenance[place] for place in above if place in mine.provenance), None)
