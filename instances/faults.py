"""Findings from what the schema refuses: place, value, what was expected, the nearest valid key."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from instances.findings import Finding, Words, nearest_name
from instances.schema import Mine
from instances.schema.dictionary import NAME_WORDS, ROOT, Spec, described, dotted, nearest_key, value_at

Path = tuple[str | int, ...]
TOLD_NUMBERS = 3


@dataclass(frozen=True)
class Checked:
    """What the schema made of the contents of a ``mine.toml``.

    Attributes:
        mine: the mine; without the refused keys where there are any, ``None`` where it cannot stand without them.
        findings: what is wrong; their places are key paths.
        refused: the key paths that were left out.
    """

    mine: Mine | None
    findings: tuple[Finding, ...]
    refused: tuple[Path, ...]


def checked(data: Mapping[str, Any]) -> Checked:
    """Validates the contents of a ``mine.toml`` against the schema. ``data`` stays as it is."""
    try:
        return Checked(Mine.model_validate(data), (), ())
    except ValidationError as error:
        faults = _faults(error, data)
    findings, refused = tuple(_findings(faults, data)), tuple(faults)
    if any(_is_thing(path, data) for path, missing in faults.items() if not missing):
        return Checked(None, findings, refused)
    repaired = copy.deepcopy(dict(data))
    for path, missing in faults.items():
        if not missing:
            _remove(repaired, path)
    try:
        mine = Mine.model_validate(repaired)
    except ValidationError:
        mine = None
    return Checked(mine, findings, refused)


def _is_thing(path: Path, data: object) -> bool:
    """Whether a whole table stands at a path that the schema knows: others may refer to it by its name."""
    return isinstance(value_at(data, path), Mapping) and described(path, data) is not None


def _faults(error: ValidationError, data: Mapping[str, Any]) -> dict[Path, bool]:
    """The faulty key paths, and whether the key is missing there."""
    found: dict[Path, bool] = {}
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        path, missing = _key_path(entry["loc"], data), entry["type"] == "missing"
        if missing and isinstance(path[-1], int):
            path, missing = path[:-1], False
        found[path] = found.get(path, False) or missing
    return {path: missing for path, missing in found.items() if not _said_deeper(path, found, data)}


def _said_deeper(path: Path, found: Iterable[Path], data: object) -> bool:
    """Whether a list a period has a finding for one of its numbers, which says it better."""
    spec = described(path, data)
    if spec is None or spec.kind != "per_period":
        return False
    return any(len(other) > len(path) and other[: len(path)] == path for other in found)


def _key_path(loc: Iterable[str | int], data: object) -> Path:
    """The key path that pydantic's location means, without its names of union branches."""
    path: list[str | int] = []
    spec: Spec | None = ROOT
    for key in loc:
        if spec is None or key == "[key]":
            break
        if spec.kind == "per_period" and not (isinstance(key, int) and isinstance(data, list)):
            continue
        if spec.kind == "variants" and (model := spec.table(data)) is not None and isinstance(data, Mapping):
            spec = Spec("table", model=model)
            if key == data.get("kind"):
                continue
        spec = spec.below(key, data)
        path.append(key)
        data = value_at(data, [key])
    return tuple(path)


def _findings(faults: Mapping[Path, bool], data: Mapping[str, Any]) -> list[Finding]:
    missing = {dotted(path) for path, is_missing in faults.items() if is_missing}
    mistaken: set[str] = set()
    unknown: dict[Path, Finding] = {}
    for path, is_missing in faults.items():
        *table, key = path
        if is_missing or not isinstance(key, str) or described(path, data) is not None:
            continue
        nearest = nearest_key(key, table, data)
        where = f"[{dotted(table)}]" if table else "the file"
        expected = f"a key that {where} knows"
        if nearest in missing:
            expected += f", which needs {nearest.rpartition('.')[2]}"
            mistaken.add(nearest)
        unknown[path] = Finding(dotted(path), _shown(value_at(data, path)), expected, nearest)
    findings = []
    for path, is_missing in faults.items():
        place = dotted(path)
        together = _in_one_list(path, faults, data)
        if len(together) > 1:
            findings += [_wrong_numbers(together, data)] if path == together[0] else []
        elif path in unknown:
            findings.append(unknown[path])
        elif not is_missing:
            findings.append(_wrong_value(path, data))
        elif place not in mistaken:
            spec = described(path, data)
            words = "a value" if spec is None else spec.words()
            findings.append(Finding(place, None, f"{words}; it is missing"))
    return findings


def _in_one_list(path: Path, faults: Iterable[Path], data: object) -> list[Path]:
    """The faulty numbers of the list by period that ``path`` lies in, nothing where it lies in none."""
    spec = described(path[:-1], data)
    if spec is None or spec.kind != "per_period":
        return []
    return [other for other in faults if other[:-1] == path[:-1]]


def _wrong_numbers(paths: list[Path], data: Mapping[str, Any]) -> Finding:
    """Several faulty numbers of one list as one finding."""
    told = ", ".join(f"{value_at(data, path)} at {path[-1]}" for path in paths[:TOLD_NUMBERS])
    more = f" ({len(paths)} in all)" if len(paths) > TOLD_NUMBERS else ""
    item = _wrong_value(paths[0], data)
    return Finding(dotted(paths[0][:-1]), Words(told + more), f"each {item.expected}")


def _wrong_value(path: Path, data: Mapping[str, Any]) -> Finding:
    value = value_at(data, path)
    spec = described(path, data)
    parent = described(path[:-1], data)
    if spec is None:
        return Finding(dotted(path), _shown(value), "another value")
    if parent is not None and parent.kind == "names" and not _is_name(path[-1]):
        return Finding(dotted(path[:-1]), str(path[-1]), f"keys that are each {NAME_WORDS}")
    if spec.kind == "variants" and isinstance(value, Mapping):
        kind = value.get("kind")
        choices = ", ".join(f'"{name}"' for name in spec.variants)
        said = "" if kind is not None else "; it is missing"
        return Finding(f"{dotted(path)}.kind", kind, f"one of {choices}{said}", nearest_name(kind, spec.variants))
    nearest = None
    if spec.kind == "choice" and isinstance(value, str):
        nearest = nearest_name(value, [str(choice) for choice in spec.choices])
    return Finding(dotted(path), _shown(value), spec.words(value), nearest)


def _is_name(key: object) -> bool:
    text = str(key)
    return (
        len(text) <= 60 and text[:1].isalpha() and text.isascii() and text.replace("_", "").replace("-", "").isalnum()
    )


def _shown(value: object) -> object:
    """A value in a message: what kind of thing it is where it is too large to show."""
    if isinstance(value, Mapping):
        return Words("a table")
    if isinstance(value, list) and len(value) > 12:
        return Words(f"a list of {len(value)} values")
    return value


def _remove(data: object, path: Path) -> None:
    """Takes the key at ``path`` out of ``data``; of a list, the whole list."""
    *table, key = path
    holder = value_at(data, table)
    if isinstance(holder, dict):
        holder.pop(key, None)
    elif table:
        _remove(data, tuple(table))
