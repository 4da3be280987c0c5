"""Overrides of a mine: ``PATH=VALUE``, ``PATH*=FACTOR`` and ``PATH+=DELTA``, typed and checked like the file.

A path goes through the tables of ``mine.toml`` by key and through its lists by position, counted from 0:
``limits.mill_t_per_day``, ``capital.0.amount``, ``products.copper.price_usd_per_lb.3``. One number that holds for every
period becomes a list where a path gives a period.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from instances.findings import BadInput, Finding, Words, nearest_name
from instances.schema.dictionary import ROOT, Spec, dotted, nearest_key, spec_of, value_at

FORM = re.compile(r"\s*(?P<path>[^=\s]+?)\s*(?P<change>[*+]?=)\s*(?P<value>.*?)\s*", re.DOTALL)
BARE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./%-]*")
NAMING = frozenset({"elements", "materials", "phases", "destinations", "options", "products", "bins"})
"""Tables that give things their names: an override cannot name a new one by mistake."""

Key = str | int


class _RefusedError(Exception):
    def __init__(self, expected: str, nearest: str | None = None) -> None:
        self.expected, self.nearest = expected, nearest
        super().__init__(expected)


def overridden(data: Mapping[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], dict[tuple[Key, ...], str]]:
    """The contents of a ``mine.toml`` with overrides applied in their order; ``data`` stays as it is.

    As :func:`applied`, for those who want every override or none.

    Raises:
        BadInput: with a finding for each override that is malformed or changes what the schema does not know.
    """
    changed, paths, findings = applied(data, overrides)
    if findings:
        raise BadInput(findings)
    return changed, paths


def applied(
    data: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[tuple[Key, ...], str], list[Finding]]:
    """The contents of a ``mine.toml`` with those overrides applied that can be, in their order.

    Where the mine carries marks, what is overridden is marked assumed.

    Args:
        data: contents of ``mine.toml``.
        overrides: such as ``limits.mill_t_per_day=14000``, ``products.copper.price_usd_per_lb*=0.8``.

    Returns:
        The new contents, the override that last changed each key path, and a finding for each override that is
        malformed or changes what the schema does not know.
    """
    changed = copy.deepcopy(dict(data))
    paths: dict[tuple[Key, ...], str] = {}
    findings: list[Finding] = []
    for override in overrides:
        try:
            path = _apply(changed, override)
        except _RefusedError as refused:
            findings.append(Finding(f"--set {override}", None, refused.expected, refused.nearest))
            continue
        paths[path] = override
        _mark(changed, path, override)
    return changed, paths, findings


def _apply(data: dict[str, Any], override: str) -> tuple[Key, ...]:
    form = FORM.fullmatch(override)
    if form is None:
        raise _RefusedError("PATH=VALUE, PATH*=FACTOR or PATH+=DELTA, such as limits.mill_t_per_day=14000")
    value = _parsed(form["value"])
    holder, path, spec = _walk(data, form["path"].split("."))
    if form["change"] != "=":
        old = value_at(holder, path[-1:])
        old = _default(spec, data, path) if old is None else old
        if spec is not None and spec.kind == "per_period" and isinstance(value, list) and _is_number(old):
            old = [old] * len(value)
        value = _combined(old, value, form["change"], dotted(path))
        whole = spec is not None and spec.kind == "integer"
        value = int(value) if whole and isinstance(value, float) and value.is_integer() else value
    holder[path[-1]] = value
    return path


def _parsed(text: str) -> object:
    """A value as TOML; a bare word is a text."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        table = {}
    if set(table) == {"value"}:
        return table["value"]
    if BARE_WORD.fullmatch(text):
        return text
    raise _RefusedError('a value as in mine.toml: a number, a date, true, "text" or a list')


def _walk(data: dict[str, Any], keys: Sequence[str]) -> tuple[Any, tuple[Key, ...], Spec | None]:
    """The table or list that holds the last key, the key path, and what may stand there."""
    holder: Any = data
    spec: Spec | None = ROOT
    path: list[Key] = []
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if spec is None or spec.kind not in {"table", "variants", "names", "list", "per_period"}:
            raise _RefusedError(f"a key; {dotted(path)} has none below it", dotted(path))
        if spec.kind in {"list", "per_period"}:
            step: Key = _position(holder, key, path)
        else:
            step = _known(spec, holder, key, path, data)
        below = spec.below(step, holder)
        if not last:
            holder = _descended(holder, step, below, data)
        path.append(step)
        spec = below
    return holder, tuple(path), spec


def _position(holder: object, key: str, path: Sequence[Key]) -> int:
    if not isinstance(holder, list):
        raise _RefusedError(f"no key below {dotted(path)}, which is no list", dotted(path))
    if not key.isascii() or not key.isdigit() or int(key[:9]) >= len(holder):
        raise _RefusedError(f"a position in {dotted(path)}, 0 to {len(holder) - 1}")
    return int(key)


def _known(spec: Spec, holder: Any, key: str, path: Sequence[Key], data: Mapping[str, Any]) -> str:  # noqa: ANN401
    """The key, where the table has it or may have it."""
    given = holder if isinstance(holder, Mapping) else {}
    if key in given or key in spec.keys(holder):
        return key
    where = f"[{dotted(path)}]" if path else "mine.toml"
    if spec.kind != "names":
        raise _RefusedError(f"a key that {where} knows", nearest_key(key, path, data))
    if path and path[-1] not in NAMING:
        return key
    nearest = nearest_name(key, given)
    raise _RefusedError(f"a name of {where}", None if nearest is None else dotted([*path, nearest]))


def _descended(holder: Any, key: Key, below: Spec | None, data: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """What stands under ``key``, made where an optional table is not given or one number holds for every period."""
    value = value_at(holder, [key])
    periods = value_at(data, ["calendar", "periods"])
    if value is None and below is not None and below.kind in {"table", "names"}:
        value = holder[key] = {}
    elif below is not None and below.by_number and _is_number(value):
        raise _RefusedError("no name below it: one number holds for all", None)
    elif below is not None and below.kind == "per_period" and _is_number(value) and isinstance(periods, int):
        value = holder[key] = [value] * min(max(periods, 1), 10_000)
    return value


def _default(spec: Spec | None, data: Mapping[str, Any], path: Sequence[Key]) -> object:
    """The schema's value of a key that is not given."""
    holder: Spec | None = ROOT
    value: object = data
    for key in path[:-1]:
        holder = None if holder is None else holder.below(key, value)
        value = value_at(value, [key])
    model = None if holder is None else holder.table(value)
    info = None if model is None else model.model_fields.get(str(path[-1]))
    if spec is None or info is None or info.is_required() or spec_of(info) != spec:
        return None
    return info.get_default(call_default_factory=True)


def _combined(old: object, change: object, how: str, place: str) -> Any:  # noqa: ANN401
    combine: Callable[[float, float], float] = _product if how == "*=" else _sum
    word = "factor" if how == "*=" else "difference"
    if isinstance(old, list) and old and all(map(_is_number, old)):
        changes = change if isinstance(change, list) else [change] * len(old)
        if len(changes) != len(old):
            raise _RefusedError(f"a {word}, or {len(old)} of them, for the {len(old)} numbers of {place}")
        return [_combined(one, by, how, place) for one, by in zip(old, changes, strict=True)]
    if not _is_number(change):
        raise _RefusedError(f"a number as the {word}")
    if not isinstance(old, int | float) or not isinstance(change, int | float) or not _is_number(old):
        said = "is not given" if old is None else f"is {_shown(old)}"
        raise _RefusedError(f"a number, or a list of numbers, to change; {place} {said}")
    return combine(old, change)


def _product(a: float, b: float) -> float:
    return a * b


def _sum(a: float, b: float) -> float:
    return a + b


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return "a table" if isinstance(value, Mapping) else Words(str(value)[:60])


def _mark(data: dict[str, Any], path: tuple[Key, ...], override: str) -> None:
    """Marks what was overridden as assumed, where the mine carries marks; marks below it no longer hold."""
    marks = data.get("provenance")
    if not isinstance(marks, dict) or not marks or path[0] == "provenance":
        return
    place = dotted(path)
    for below in [other for other in marks if str(other).startswith(f"{place}.")]:
        del marks[below]
    marks[place] = {"mark": "assumed", "source": f"override: {override}"[:2000]}
