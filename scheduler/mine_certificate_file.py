"""The certificate of a mine as a file: one JSON object, read back with every fault told at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from instances.findings import BadInput, Finding
from scheduler.mine_certificates import Case, MineCertificate, Mined
from scheduler.problem import Array
from scheduler.verified import is_number

FORMAT = 2
READ = (1, FORMAT)
"""Formats that are read; cases of the first say nothing of single units."""
CLAIM, NO_PLAN = "plan bound", "no plan"
"""No plan is worth more than the bound; there is no plan at all."""
_LARGEST = 1e300


def mine_certificate_object(certificate: MineCertificate, versions: Mapping[str, str]) -> dict[str, object]:
    """The certificate as the object of its file; ``versions`` are for the record."""
    return {
        "format": FORMAT,
        "claim": claim_of(certificate),
        "bound": certificate.bound if certificate.bound > -math.inf else None,
        "lp_bound": certificate.lp_bound,
        "objective": certificate.objective,
        "instance": {
            "hash": certificate.instance_hash,
            "name": certificate.name,
            "overrides": list(certificate.overrides),
            "resolution": certificate.resolution,
        },
        "relaxed": list(certificate.relaxed),
        "reductions": {"earliest_periods": certificate.tightened, "rows": [list(row) for row in certificate.rows]},
        "lp_multipliers": None if certificate.lp_multipliers is None else certificate.lp_multipliers.tolist(),
        "cases": [
            {
                "ranges": {name: list(pair) for name, pair in case.ranges.items()},
                "mined": [list(one) for one in case.mined],
                "bound": case.bound,
                "multipliers": case.multipliers.tolist(),
            }
            for case in certificate.cases
        ],
        "kernel": certificate.kernel,
        "versions": dict(versions),
    }


def claim_of(certificate: MineCertificate) -> str:
    """What a certificate claims."""
    return CLAIM if certificate.bound > -math.inf else NO_PLAN


def is_mine_certificate(path: str | Path) -> bool:
    """Whether a file is a certificate of a mine, by its claim alone; false for what cannot be read."""
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("claim") in (CLAIM, NO_PLAN)


def read_mine_certificate(path: str | Path) -> MineCertificate:
    """A certificate from its file; raises BadInput with every fault found."""
    reader = _Reader(str(path))
    content = reader.content(Path(path))
    mine, reductions = reader.mapping(content, "instance"), reader.mapping(content, "reductions")
    cases = tuple(
        case for number, entry in enumerate(reader.sequence(content, "cases")) if (case := reader.case(number, entry))
    )
    rows = tuple(
        tuple(reader.texts(row, f"reductions.rows[{number}]"))
        for number, row in enumerate(reader.sequence(reductions, "rows", "reductions.rows"))
    )
    tightened = reductions.get("earliest_periods")
    if not isinstance(tightened, bool):
        reader.fault("reductions.earliest_periods", tightened, "true or false")
    lp_bound = reader.number(content, "lp_bound", optional=True)
    lp = content.get("lp_multipliers")
    certificate = MineCertificate(
        instance_hash=reader.text(mine, "hash", "instance.hash"),
        name=reader.text(mine, "name", "instance.name"),
        overrides=tuple(reader.texts(mine.get("overrides"), "instance.overrides")),
        resolution=reader.text(mine, "resolution", "instance.resolution"),
        objective=reader.number(content, "objective", optional=True),
        bound=reader.bound(content),
        cases=cases,
        tightened=bool(tightened),
        rows=rows,
        relaxed=tuple(reader.texts(content.get("relaxed"), "relaxed")),
        lp_bound=lp_bound,
        lp_multipliers=None if lp is None and lp_bound is None else reader.numbers(lp, "lp_multipliers"),
        kernel=reader.text(content, "kernel", "kernel"),
    )
    if reader.findings:
        raise BadInput(reader.findings)
    return certificate


class _Reader:
    """Reads values and gathers what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def fault(self, key: str, value: object, expected: str) -> None:
        shown = value if value is None or isinstance(value, str | int | float | bool) else type(value).__name__
        self.findings.append(Finding(f"{self.file}: {key}", shown, expected))

    def content(self, path: Path) -> dict[str, Any]:
        """The one object of the file, of this claim and format; raises BadInput where there is none."""
        try:
            content = json.loads(path.read_bytes().decode("utf-8"))
        except OSError as error:
            raise BadInput([Finding(self.file, None, f"a readable file ({error.strerror})")]) from error
        except (ValueError, RecursionError) as error:
            raise BadInput([Finding(self.file, None, "a certificate in JSON; the file is damaged")]) from error
        if not isinstance(content, dict):
            raise BadInput([Finding(self.file, type(content).__name__, "a JSON object")])
        if content.get("format") not in READ:
            self.fault("format", content.get("format"), f"{FORMAT}, the one this version reads")
        if content.get("claim") not in (CLAIM, NO_PLAN):
            self.fault("claim", content.get("claim"), f"{CLAIM} or {NO_PLAN}")
        if self.findings:
            raise BadInput(self.findings)
        return content

    def bound(self, content: Mapping[str, Any]) -> float:
        """The bound claimed, -inf where the claim is that there is no plan."""
        if content["claim"] == CLAIM:
            return self.number(content, "bound") or 0.0
        if content.get("bound") is not None:
            self.fault("bound", content["bound"], f"none, as the claim is {NO_PLAN}")
        return -math.inf

    def mapping(self, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = content.get(key)
        if isinstance(value, Mapping):
            return value
        self.fault(key, value, "an object")
        return {}

    def sequence(self, content: Mapping[str, Any], key: str, place: str = "") -> Sequence[Any]:
        value = content.get(key)
        if isinstance(value, list):
            return value
        self.fault(place or key, value, "a list")
        return []

    def text(self, content: Mapping[str, Any], key: str, place: str) -> str:
        value = content.get(key)
        if isinstance(value, str):
            return value
        self.fault(place, value, "a text")
        return ""

    def texts(self, value: object, place: str) -> list[str]:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        self.fault(place, value, "a list of texts")
        return []

    def number(self, content: Mapping[str, Any], key: str, *, optional: bool = False, place: str = "") -> float | None:
        value = content.get(key)
        if value is None and optional:
            return None
        if is_number(value):
            return float(value)
        self.fault(place or key, value, "a finite number")
        return None

    def numbers(self, value: object, place: str) -> Array:
        if isinstance(value, list) and all(is_number(one) for one in value):
            return np.asarray(value, dtype=np.float64)
        self.fault(place, value, "a list of finite numbers")
        return np.zeros(0)

    def case(self, number: int, entry: object) -> Case | None:
        place = f"cases[{number}]"
        if not isinstance(entry, Mapping):
            self.fault(place, entry, "an object")
            return None
        ranges = {}
        for name, pair in self.mapping(entry, "ranges").items():
            whole = isinstance(pair, list) and len(pair) == 2 and all(type(one) is int for one in pair)
            if whole and abs(pair[0]) < 2**31 and abs(pair[1]) < 2**31:
                ranges[str(name)] = (pair[0], pair[1])
            else:
                self.fault(f"{place}.ranges.{name}", pair, "two whole numbers, the smallest and the largest")
        bound = self.number(entry, "bound", optional=True, place=f"{place}.bound")
        multipliers = self.numbers(entry.get("multipliers"), f"{place}.multipliers")
        return Case(ranges, bound, multipliers, tuple(self.mined(entry.get("mined", []), f"{place}.mined")))

    def mined(self, value: object, place: str) -> Iterator[Mined]:
        """Units mined by the end of a period or not."""
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, list) and len(one) == 3 and [type(part) for part in one] == [str, str, bool]:
                yield one[0], one[1], one[2]
            else:
                self.fault(place, str(one)[:60], "a list of [unit, period, mined by its end: true or false]")
