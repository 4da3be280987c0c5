"""The certificate of a MineLib problem as a file: one JSON object, read back with every fault told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import BadInput, Finding
from scheduler.certificates import BOUND, INFEASIBLE, Certificate, RowMultipliers, ScheduleBound, ScheduleCase
from scheduler.minelib_checking import MINING
from scheduler.verified import is_number
from solvers.relaxation.leaves import Decision

if TYPE_CHECKING:
    from scheduler.minelib import MineLibInstance
    from solvers.relaxation.leaves import Decisions
    from solvers.relaxation.program import Floats

FORMAT = 3
READ = (1, 2, FORMAT)
"""Formats that are read: the first has no bound on schedules alone, in the second it is one case."""
EARLY = "earliest periods"
_LARGEST_INDEX = 2**31
_KEYS = ("format", "claim", "instance", "kernel", "multipliers")


def certificate_object(certificate: Certificate, instance: MineLibInstance, version: str) -> dict[str, object]:
    """The certificate as the JSON object of its file; ``version`` is that of pitwise."""
    problem, schedules = instance.problem, certificate.schedules
    return {
        "format": FORMAT,
        "claim": certificate.claim,
        "bound": certificate.bound,
        "instance": {
            "hash": certificate.instance_hash,
            "name": problem.name,
            "kind": problem.kind,
            "blocks": problem.n_blocks,
            "arcs": int(instance.precedence.block.size),
            "periods": problem.n_periods,
            "destinations": problem.n_destinations,
        },
        "kernel": certificate.kernel,
        "multipliers": _multipliers_object(certificate.multipliers),
        "reductions": [] if schedules is None else [EARLY],
        "schedules": None
        if schedules is None
        else {
            "mining": schedules.mining,
            "bound": schedules.bound,
            "cases": [_case_object(case) for case in schedules.cases],
        },
        "versions": {"pitwise": version, "numpy": np.__version__},
    }


def _case_object(case: ScheduleCase) -> dict[str, object]:
    return {
        "mined": [list(decision) for decision in case.decisions],
        "bound": case.bound,
        "multipliers": {**_multipliers_object(case.multipliers), "mined": case.mined.tolist()},
    }


def _multipliers_object(multipliers: RowMultipliers) -> dict[str, object]:
    return {"resources": multipliers.resources.tolist(), "general": multipliers.general.tolist()}


def read_certificate(path: str | Path) -> Certificate:
    """A certificate from its file; raises BadInput with every fault found."""
    content = _json_object(Path(path))
    findings = [Finding(str(path), None, f"the key {key}") for key in _KEYS if key not in content]
    if findings:
        raise BadInput(findings)
    if content["format"] not in READ:
        raise BadInput([Finding(f"{path}: format", content["format"], f"{FORMAT}, the one this version reads")])
    claim, bound = content["claim"], content.get("bound")
    if claim not in (BOUND, INFEASIBLE):
        findings.append(Finding(f"{path}: claim", claim, f"{BOUND} or {INFEASIBLE}"))
    if claim == BOUND and not is_number(bound):
        findings.append(Finding(f"{path}: bound", bound, "a finite number"))
    mine = content["instance"]
    digest = mine.get("hash") if isinstance(mine, Mapping) else None
    if not isinstance(digest, str):
        findings.append(Finding(f"{path}: instance.hash", digest, "the hash of the instance, a text"))
    multipliers = _read_multipliers(content["multipliers"], f"{path}: multipliers", findings)
    schedules = _read_schedules(content.get("schedules"), f"{path}: schedules", findings)
    reductions = [] if content.get("schedules") is None else [EARLY]
    if content.get("reductions", reductions) != reductions:
        findings.append(Finding(f"{path}: reductions", str(content["reductions"]), str(reductions)))
    if findings or multipliers is None:
        raise BadInput(findings)
    number = float(bound) if isinstance(bound, int | float) and claim == BOUND else None
    return Certificate(str(claim), str(digest), number, multipliers, str(content["kernel"]), schedules)


def _read_schedules(content: object, place: str, findings: list[Finding]) -> ScheduleBound | None:
    """What is claimed of schedules, None where nothing is or something is wrong with it."""
    if content is None:
        return None
    if not isinstance(content, Mapping):
        findings.append(Finding(place, type(content).__name__, "an object, or null"))
        return None
    before = len(findings)
    mining = content.get("mining")
    if mining not in MINING:
        findings.append(Finding(f"{place}.mining", str(mining), f"one of {', '.join(MINING)}"))
    bound = _read_bound(content.get("bound"), f"{place}.bound", findings)
    if "multipliers" in content:
        # As in format 2: one case, which holds every schedule.
        cases = [_read_case({**content, "mined": []}, place, findings)]
    else:
        listed = content.get("cases")
        if not isinstance(listed, list):
            findings.append(Finding(f"{place}.cases", None, "a list of cases"))
            listed = []
        cases = [_read_case(case, f"{place}.cases[{number}]", findings) for number, case in enumerate(listed)]
    read = tuple(case for case in cases if case is not None)
    return ScheduleBound(mining, bound, read) if len(findings) == before and mining in MINING else None


def _read_bound(bound: object, place: str, findings: list[Finding]) -> float | None:
    if bound is None or not isinstance(bound, int | float) or not is_number(bound):
        if bound is not None:
            findings.append(Finding(place, str(bound), "a finite number, or null where there is no schedule"))
        return None
    return float(bound)


def _read_case(content: object, place: str, findings: list[Finding]) -> ScheduleCase | None:
    if not isinstance(content, Mapping):
        findings.append(Finding(place, type(content).__name__, "an object"))
        return None
    decisions = _read_decisions(content.get("mined"), f"{place}.mined", findings)
    bound = _read_bound(content.get("bound"), f"{place}.bound", findings)
    multipliers = _read_multipliers(content.get("multipliers"), f"{place}.multipliers", findings)
    given = content.get("multipliers")
    mined = _numbers(given.get("mined", []) if isinstance(given, Mapping) else [], 1)
    if mined is None:
        findings.append(Finding(f"{place}.multipliers.mined", None, "a list of finite numbers, one a block mined"))
    if decisions is None or multipliers is None or mined is None:
        return None
    return ScheduleCase(decisions, bound, multipliers, mined)


def _read_decisions(content: object, place: str, findings: list[Finding]) -> Decisions | None:
    """Blocks mined by the end of a period or not."""
    read = []
    for one in content if isinstance(content, list) else [None]:
        if not isinstance(one, list) or len(one) != 3 or not _is_decision(*one):
            findings.append(Finding(place, str(one)[:60], "a list of [block, period, mined by its end: true or false]"))
            return None
        read.append(Decision(*one))
    return tuple(read)


def _is_decision(block: object, period: object, mined: object) -> bool:
    numbers = [one for one in (block, period) if type(one) is int and abs(one) < _LARGEST_INDEX]
    return len(numbers) == 2 and isinstance(mined, bool)


def _read_multipliers(content: object, place: str, findings: list[Finding]) -> RowMultipliers | None:
    parts = content if isinstance(content, Mapping) else {}
    resources = _numbers(parts.get("resources"), 2)
    general = _numbers(parts.get("general"), 1)
    for name, numbers in (("resources", resources), ("general", general)):
        if numbers is None:
            findings.append(Finding(f"{place}.{name}", None, "lists of finite numbers, one a side row"))
    return None if resources is None or general is None else RowMultipliers(resources, general)


def _json_object(path: Path) -> dict[str, object]:
    """The one object of a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput([Finding(str(path), None, "a file of this name")]) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput([Finding(str(path), str(error), "a certificate in JSON")]) from None
    if not isinstance(content, dict):
        raise BadInput([Finding(str(path), type(content).__name__, "a JSON object")])
    return content


def _numbers(value: object, dimensions: int) -> Floats | None:
    """Lists as an array of so many dimensions, None where they are none of finite numbers."""
    lists = value if dimensions == 2 and isinstance(value, list) else [value]
    lengths = {len(row) if isinstance(row, list) and all(map(is_number, row)) else -1 for row in lists}
    if len(lengths) > 1 or -1 in lengths:
        return None
    array = np.array(value, np.float64)
    return array if array.ndim == dimensions else np.zeros((0,) * dimensions)
