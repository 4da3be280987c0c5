"""Reads ``study.toml``: one that ships with pitwise by its name, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from instances.findings import BadInput, Finding, Words, nearest_name
from instances.reading import BUNDLED, toml_contents
from instances.schema.dictionary import NAME_WORDS, Spec, dotted, value_at
from scheduler.studies.schema import StudyFile

FILE = "study.toml"
LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True)
class StudySource:
    """A study as read.

    Attributes:
        study: its contents, checked.
        file: where it was read from.
        text: the text of the file.
    """

    study: StudyFile
    file: Path
    text: str

    @property
    def mine(self) -> str:
        """The mine as :func:`instances.reading.read_mine` takes it."""
        name = self.study.mine
        if name in BUNDLED:
            return name
        folder = str(self.file.parent / name)
        return f"./{folder}" if folder in BUNDLED else folder


def shipped() -> list[str]:
    """Names of the studies that ship with pitwise."""
    return sorted(file.stem for file in LIBRARY.glob("*.toml"))


def read_study(where: str | Path) -> StudySource:
    """Reads and checks a study by itself; what it says of the mine is checked as its scenarios are made.

    Raises:
        BadInput: with every fault found.
    """
    try:
        file = _located(where)
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput([Finding(str(where), None, "the path of a readable folder or file")]) from error
    data = toml_contents(file)
    try:
        study = StudyFile.model_validate(data)
    except ValidationError as error:
        raise BadInput(list(_findings(error, data, file.name))) from error
    return StudySource(study, file, file.read_text(encoding="utf-8-sig"))


def _located(where: str | Path) -> Path:
    path = Path(where)
    if str(where) in shipped():
        return LIBRARY / f"{where}.toml"
    if path.is_dir():
        if (path / FILE).is_file():
            return path / FILE
        near = nearest_name(FILE, [other.name for other in path.iterdir() if other.suffix == ".toml"])
        raise BadInput([Finding(str(where), None, f"a file {FILE} in this folder", near)])
    if path.is_file():
        return path
    beside = path.parent if path.parent.is_dir() else Path()
    near = nearest_name(path.name, [*shipped(), *(other.name for other in beside.glob("*.toml"))])
    expected = f"a study file, or one that ships with pitwise ({', '.join(shipped())}); there is none"
    raise BadInput([Finding(str(where), None, expected, near)])


def _findings(error: ValidationError, data: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """A finding for each fault of the schema."""
    told = set()
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        path, spec, holder = _walked(entry["loc"], data)
        place = f"{file}: {dotted(path)}"
        if place in told:
            continue
        told.add(place)
        value = value_at(data, path)
        shown = Words("a table") if isinstance(value, Mapping) else value
        if entry["loc"][-1] == "[key]":
            yield Finding(f"{file}: {dotted(path[:-1])}", str(path[-1]), f"keys that are each {NAME_WORDS}")
        elif entry["type"] == "missing":
            yield Finding(place, None, f"{'a value' if spec is None else spec.words()}; it is missing")
        elif entry["type"] == "extra_forbidden":
            known = () if holder is None else holder.keys(value_at(data, path[:-1]))
            where = f"[{dotted(path[:-1])}]" if len(path) > 1 else "the file"
            yield Finding(place, shown, f"a key that {where} knows", nearest_name(path[-1], known))
        elif spec is not None and spec.kind == "variants" and isinstance(value, Mapping):
            kind = value.get("kind")
            said = "" if kind is not None else "; it is missing"
            kinds = ", ".join(f'"{name}"' for name in spec.variants)
            yield Finding(f"{place}.kind", kind, f"one of {kinds}{said}", nearest_name(kind, spec.variants))
        elif entry["type"] == "too_short":
            yield Finding(place, shown, "at least one entry")
        else:
            choices = [str(choice) for choice in spec.choices] if spec is not None else []
            expected = "another value" if spec is None else spec.words(value)
            yield Finding(place, shown, expected, nearest_name(value, choices) if choices else None)


def _walked(location: Sequence[str | int], data: object) -> tuple[tuple[str | int, ...], Spec | None, Spec | None]:
    """The key path that pydantic's location means, what may stand there, and what holds it."""
    path: list[str | int] = []
    spec: Spec | None = Spec("table", model=StudyFile)
    holder: Spec | None = None
    for key in location:
        if key == "[key]":
            break
        if spec is not None and spec.kind == "variants" and key in spec.variants:
            spec = Spec("table", model=spec.variants[str(key)])
            continue
        holder, spec = spec, None if spec is None else spec.below(key, data)
        path.append(key)
        data = value_at(data, [key])
    return tuple(path), spec, holder
