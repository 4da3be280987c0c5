"""The schema as a data dictionary: what stands at a key path, in words and bounds.

Reading, overrides, messages and the file reference all follow this one walk over the fields of
:class:`instances.schema.Mine`.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from instances.findings import nearest_name
from instances.schema.base import LARGEST_NUMBER, ByNumber, Part
from instances.schema.mine import Mine

Kind = Literal[
    "table", "variants", "names", "list", "per_period", "number", "integer", "text", "flag", "date", "choice", "value"
]
MASSES = ("t", "kt", "mt", "kg", "g", "oz", "lb", "mlb", "dmt", "wmt")
TIMES = ("year", "years", "month", "months", "day", "days", "hour")
UNIT_WORDS = frozenset((*MASSES, *TIMES, "m", "deg", "pct", "percent", "ppm", "fraction", "usd", "cad", "per"))
NAME_WORDS = "a name of at most 60 letters, digits, _ and -, a letter first"


@dataclass(frozen=True)
class Spec:
    """What may stand at a place of ``mine.toml``.

    Attributes:
        kind: ``table`` (its keys are ``fields``), ``variants`` (tables told apart by ``kind``), ``names`` (a table
            whose keys are names and whose values are ``item``), ``list`` of ``item``, ``per_period`` (a number ``item``
            or a list of them), or a scalar.
        low: least value; not itself where ``low_open``.
        high: largest value; not itself where ``high_open``.
        least: fewest entries, or characters of a text.
        name: whether a text has to be a name.
        by_number: whether a number may stand for the table.
    """

    kind: Kind
    model: type[Part] | None = None
    variants: Mapping[str, type[Part]] = field(default_factory=dict)
    item: Spec | None = None
    low: float | None = None
    low_open: bool = False
    high: float | None = None
    high_open: bool = False
    choices: tuple[object, ...] = ()
    length: int | None = None
    least: int = 0
    name: bool = False
    by_number: bool = False

    def table(self, value: object) -> type[Part] | None:
        """The model of a table; of variants, the one that ``value`` names in its key ``kind``."""
        if self.kind == "table":
            return self.model
        if self.kind == "variants" and isinstance(value, Mapping):
            return self.variants.get(str(value.get("kind")))
        return None

    def keys(self, value: object) -> tuple[str, ...]:
        """Keys that a table may have; of variants not yet told apart, the keys of all."""
        model = self.table(value)
        if model is not None:
            return tuple(model.model_fields)
        if self.kind == "variants":
            return tuple(dict.fromkeys(key for part in self.variants.values() for key in part.model_fields))
        return ()

    def below(self, key: object, value: object) -> Spec | None:
        """What may stand under ``key`` of ``value``; ``None`` where nothing may."""
        if self.kind in {"names", "list", "per_period"}:
            return self.item
        model = self.table(value)
        if model is None or str(key) not in model.model_fields:
            return None
        return spec_of(model.model_fields[str(key)])

    def words(self, value: object = None) -> str:
        """What is expected, in words, as seen from a ``value`` that is not it."""
        if self.kind == "per_period":
            single = self._item().words(value)
            return single if _is_number(value) else f"{single}, or a list with one for each period"
        if self.kind in {"number", "integer"}:
            return self._number_words(value)
        if self.kind in {"choice", "variants"}:
            choices = ", ".join(
                f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in self.choices or self.variants
            )
            return f"one of {choices}" if self.kind == "choice" else f"a table whose kind is one of {choices}"
        words = {
            "table": "a table",
            "names": f"a table with at least {self.least} entry" if self.least else "a table",
            "text": f"a text of {self.least} to 2000 characters",
            "flag": "true or false",
            "date": "a date, YYYY-MM-DD without quotes",
            "value": "a value that the key takes: a number, date, text or list",
        }
        if self.by_number:
            return f"{self._item().words()}, or a table with one for each name"
        if self.kind == "list":
            size = "" if self.length is None else f"{self.length} values, each "
            return f"a list of {size}{self._item().words()}"
        return NAME_WORDS if self.name else words[self.kind]

    def _item(self) -> Spec:
        if self.item is None:
            raise TypeError(f"a {self.kind} has items")
        return self.item

    def _number_words(self, value: object) -> str:
        noun = "a whole number" if self.kind == "integer" else "a number"
        beyond = isinstance(value, int | float) and abs(value) > LARGEST_NUMBER
        bounds = []
        if self.low is not None and (beyond or self.low > -LARGEST_NUMBER):
            bounds.append(f"{'>' if self.low_open else '>='} {self.low:.7g}")
        if self.high is not None and (beyond or self.high < LARGEST_NUMBER):
            bounds.append(f"{'<' if self.high_open else '<='} {self.high:.7g}")
        return f"{noun} {' and '.join(bounds)}" if bounds else noun


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spec_of(info: FieldInfo) -> Spec:
    """The specification of a field of the schema."""
    return _spec(info.annotation, info.metadata, info.discriminator)


def _spec(annotation: Any, metadata: Sequence[Any], discriminator: object = None) -> Spec:  # noqa: ANN401
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        flat: list[Any] = []
        for entry in inside[1:]:
            flat += entry.metadata if isinstance(entry, FieldInfo) else [entry]
            discriminator = getattr(entry, "discriminator", None) or discriminator
        return _spec(inside[0], [*flat, *metadata], discriminator)
    if origin in {Union, types.UnionType}:
        return _union([part for part in inside if part is not type(None)], metadata, discriminator)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        spec = Spec("table", model=annotation)
    elif origin is Literal:
        spec = Spec("choice", choices=inside)
    elif origin is dict:
        spec = Spec("names", item=_spec(inside[1], ()))
    elif origin is tuple:
        spec = Spec("list", item=_spec(inside[0], ()), length=None if inside[-1] is Ellipsis else len(inside))
    else:
        kinds: dict[Any, Kind] = {bool: "flag", int: "integer", float: "number", str: "text", dt.date: "date"}
        spec = Spec("value" if annotation is Any else kinds[annotation])
    return _bounded(spec, metadata)


def _union(parts: list[Any], metadata: Sequence[Any], discriminator: object) -> Spec:
    if len(parts) == 1:
        return _spec(parts[0], metadata, discriminator)
    if discriminator is not None:
        return Spec("variants", variants={part.model_fields["kind"].annotation.__args__[0]: part for part in parts})
    single = next(part for part in parts if get_origin(part) is not tuple)
    return Spec("per_period", item=_spec(single, metadata))


def _bounded(spec: Spec, metadata: Iterable[Any]) -> Spec:
    for entry in metadata:
        if isinstance(entry, ByNumber) and spec.item is not None:
            spec = replace(spec, item=replace(spec.item, by_number=True))
        if isinstance(entry, annotated_types.MinLen):
            spec = replace(spec, least=entry.min_length)
        if getattr(entry, "pattern", None):
            spec = replace(spec, name=True)
        for name, bound in (("low", "ge"), ("low", "gt"), ("high", "le"), ("high", "lt")):
            value = getattr(entry, bound, None) if isinstance(entry, annotated_types.BaseMetadata) else None
            if value is None:
                continue
            if name == "low" and (spec.low is None or value >= spec.low):
                spec = replace(spec, low=float(value), low_open=bound == "gt")
            if name == "high" and (spec.high is None or value <= spec.high):
                spec = replace(spec, high=float(value), high_open=bound == "lt")
    return spec


ROOT = Spec("table", model=Mine)


def described(path: Sequence[object], data: object) -> Spec | None:
    """What may stand at a key path of the raw contents ``data``; ``None`` where nothing may."""
    spec: Spec | None = ROOT
    for key in path:
        if spec is None:
            return None
        spec = spec.below(key, data)
        data = value_at(data, [key])
    return spec


def value_at(data: object, path: Iterable[object]) -> object:
    """The value at a key path of nested tables and lists; ``None`` where there is none."""
    for key in path:
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list | tuple) and isinstance(key, int) and 0 <= key < len(data):
            data = data[key]
        else:
            return None
    return data


def dotted(path: Iterable[object]) -> str:
    """A key path as it is written in an override, ``capital.0.amount``."""
    return ".".join(str(key) for key in path)


def nearest_key(key: str, path: Sequence[object], data: object) -> str | None:
    """The valid key path nearest to an unknown ``key`` of the table at ``path``.

    First a key of the same table that differs only in its unit, then one spelt alike, then the same key elsewhere.
    """
    spec = described(path, data)
    here = () if spec is None else spec.keys(value_at(data, path))
    same_stem = [name for name in here if stem(name) == stem(key) and stem(key)]
    found = nearest_name(key, same_stem) or (same_stem[0] if same_stem else nearest_name(key, here))
    if found:
        return dotted([*path, found])
    elsewhere = [name for name in every_key() if name.rpartition(".")[2] == key]
    return elsewhere[0] if elsewhere else None


def stem(key: str) -> str:
    """A key without its unit: ``capacity`` of ``capacity_mt_per_year``."""
    words = key.split("_")
    while words and words[-1] in UNIT_WORDS:
        words.pop()
    return "_".join(words)


def every_key() -> Iterator[str]:
    """Every key path of the schema, names of things as ``<name>``, depth first in the order of the schema."""
    for path, _, _ in every_field():
        yield path


def every_field() -> Iterator[tuple[str, FieldInfo, Spec]]:
    """Every key path of the schema with its field and specification."""
    yield from _fields(Mine, "")


def _fields(model: type[Part], prefix: str) -> Iterator[tuple[str, FieldInfo, Spec]]:
    for name, info in model.model_fields.items():
        spec = spec_of(info)
        path = f"{prefix}{name}"
        yield path, info, spec
        while spec.kind in {"names", "list"} and spec.item is not None:
            path += ".<name>" if spec.kind == "names" else ""
            spec = spec.item
        for part in [spec.model] if spec.model else spec.variants.values():
            yield from _fields(part, f"{path}.")
