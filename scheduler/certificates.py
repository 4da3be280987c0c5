"""Certificates of MineLib problems: multipliers that prove a bound, and their check by one closure.

A certificate names the instance by its hash and gives one multiplier a side row. Whoever has the instance recomputes
UB(l) of ``solvers.relaxation.bound`` and compares; nothing else in the file is trusted.

Two bounds, never confused: the first is one on the linear relaxation, hence on every schedule, and rests on no
reduction. The second, where there is one, holds for schedules alone: no block begins before its cone fits into the
limits up to then (``solvers/early_start.py``), which whoever checks it works out anew.

Source: Geoffrion (1974), "Lagrangean relaxation for integer programming"; Bienstock and Zuckerberg (2010), section 3.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import BadInput, Finding
from scheduler.minelib_checking import MINING, WHOLE, Mining
from scheduler.verified import Verified
from solvers.closure import PseudoflowKernel, closure_graph
from solvers.early_start import early_started
from solvers.relaxation import Outcome, bound_from_multipliers, proves_infeasible

if TYPE_CHECKING:
    from scheduler.minelib import MineLibInstance
    from solvers.closure import KernelFactory
    from solvers.closure_schedule import FoundSchedule
    from solvers.relaxation import ClosureProgram, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.program import Floats

FORMAT = 2
READ = (1, FORMAT)
"""Formats that are read; the first has no bound on schedules alone."""
EARLY = "earliest periods"
BOUND, INFEASIBLE = "lp bound", "infeasible"
TOLERANCE = 1e-9
"""Relative; what sums of floating-point numbers may differ by between machines."""

_KEYS = ("format", "claim", "instance", "kernel", "multipliers")


@dataclass(frozen=True, eq=False)
class RowMultipliers:
    """One multiplier a side row.

    Attributes:
        resources: One a resource and period ``(R, T)``, money per unit of the resource.
        general: One a general row ``(M,)``, money per unit of the row.
    """

    resources: Floats
    general: Floats

    @classmethod
    def of(cls, instance: MineLibInstance, multipliers: Floats) -> RowMultipliers:
        """From those in the order of the program's rows."""
        shape = instance.problem.resource_limits.lower.shape
        first = shape[0] * shape[1]
        return cls(multipliers[:first].reshape(shape), multipliers[first:])

    @property
    def flat(self) -> Floats:
        """In the order of the program's rows."""
        return np.concatenate([self.resources.ravel(), self.general])


@dataclass(frozen=True, eq=False)
class ScheduleBound:
    """What is claimed of schedules alone.

    Attributes:
        mining: Whether blocks are mined whole within a period or may be over several.
        bound: No schedule is worth more, discounted money; None where there is no schedule.
        multipliers: That prove it with the earliest periods of schedules.
    """

    mining: Mining
    bound: float | None
    multipliers: RowMultipliers


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a certificate says.

    Attributes:
        claim: ``lp bound``, or ``infeasible``: nothing keeps the side rows, not even parts of blocks.
        instance_hash: Hash of the instance it speaks of.
        bound: Nothing is worth more, discounted money; None for ``infeasible``.
        multipliers: That prove it.
        kernel: Name and version of the closure kernel it was made with.
        schedules: A better bound on schedules; None without one.
    """

    claim: str
    instance_hash: str
    bound: float | None
    multipliers: RowMultipliers
    kernel: str
    schedules: ScheduleBound | None = None

    @property
    def best(self) -> float | None:
        """No schedule is worth more; None where there is none."""
        if self.schedules is None or self.bound is None:
            return self.bound
        return None if self.schedules.bound is None else min(self.bound, self.schedules.bound)


def certify(instance: MineLibInstance, result: RelaxationResult) -> Certificate:
    """The certificate of a relaxation's answer.

    The bound claimed is the larger of the one found and the one recomputed, which differ in the last digits only.

    Raises:
        RuntimeError: The multipliers do not prove what the relaxation answered.
    """
    infeasible = result.outcome is Outcome.INFEASIBLE
    bound = _proven(instance.program, result.multipliers, -math.inf if infeasible else result.bound)
    return Certificate(
        claim=INFEASIBLE if infeasible else BOUND,
        instance_hash=instance.hash,
        bound=bound,
        multipliers=RowMultipliers.of(instance, result.multipliers),
        kernel=result.kernel,
    )


def certify_found(instance: MineLibInstance, found: FoundSchedule, mining: Mining) -> Certificate:
    """The certificate of what a search proved, before or after it; with a bound on schedules where that is better.

    Raises:
        RuntimeError: As :func:`certify`.
    """
    return with_schedules(certify(instance, found.relaxation), instance, found.tightened, found.cases, mining)


def with_schedules(
    certificate: Certificate, instance: MineLibInstance, tightened: ClosureProgram, cases: Cases | None, mining: Mining
) -> Certificate:
    """A certificate with a bound on schedules, where that is better.

    Args:
        certificate: Of the relaxation.
        instance: The problem.
        tightened: Its program with the earliest periods of schedules.
        cases: The bound of that; None where there is none.
        mining: Of the schedules.

    Raises:
        RuntimeError: As :func:`certify`.
    """
    if cases is None or certificate.bound is None or cases.bound >= certificate.bound:
        return certificate
    multipliers = cases.leaves[0].multipliers
    bound = _proven(tightened, multipliers, cases.bound)
    return replace(certificate, schedules=ScheduleBound(mining, bound, RowMultipliers.of(instance, multipliers)))


def _proven(program: ClosureProgram, multipliers: Floats, bound: float) -> float | None:
    """The bound found, or what multipliers prove where that is a hair more; None for -inf, where nothing is left."""
    if bound == -math.inf:
        proven, recomputed = proves_infeasible(program, multipliers), None
    else:
        recomputed = bound_from_multipliers(program, multipliers)
        # They may prove more: those of a relaxation cut short are not yet worked out with the earliest periods.
        proven = recomputed <= bound + TOLERANCE * max(abs(bound), 1.0)
    if not proven:
        raise RuntimeError("the multipliers found do not prove the bound found with them")
    return None if recomputed is None else max(recomputed, bound)


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
            "multipliers": _multipliers_object(schedules.multipliers),
        },
        "versions": {"pitwise": version, "numpy": np.__version__},
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
    if claim not in {BOUND, INFEASIBLE}:
        findings.append(Finding(f"{path}: claim", claim, f"{BOUND} or {INFEASIBLE}"))
    if claim == BOUND and not _is_number(bound):
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
    mining, bound = content.get("mining"), content.get("bound")
    if mining not in MINING:
        findings.append(Finding(f"{place}.mining", str(mining), f"one of {', '.join(MINING)}"))
    if bound is not None and not _is_number(bound):
        findings.append(Finding(f"{place}.bound", str(bound), "a finite number, or null where there is no schedule"))
    multipliers = _read_multipliers(content.get("multipliers"), f"{place}.multipliers", findings)
    if multipliers is None or mining not in MINING or not (bound is None or isinstance(bound, int | float)):
        return None
    return ScheduleBound(mining, None if bound is None else float(bound), multipliers)


def _read_multipliers(content: object, place: str, findings: list[Finding]) -> RowMultipliers | None:
    parts = content if isinstance(content, Mapping) else {}
    resources = _numbers(parts.get("resources"), 2)
    general = _numbers(parts.get("general"), 1)
    for name, numbers in (("resources", resources), ("general", general)):
        if numbers is None:
            findings.append(Finding(f"{place}.{name}", None, "lists of finite numbers, one a side row"))
    return None if resources is None or general is None else RowMultipliers(resources, general)


def verify_certificate(
    certificate: Certificate, instance: MineLibInstance, kernel: KernelFactory = PseudoflowKernel
) -> list[Verified]:
    """Whether the claim follows from the multipliers and the instance, by one closure.

    A bound passes where it is no smaller than the recomputed one, to 1e-9 relative. Where the instance is another one,
    nothing is recomputed.
    """
    same = certificate.instance_hash == instance.hash
    told = f"hash {instance.hash[:12]}" + ("" if same else f", the certificate is for {certificate.instance_hash[:12]}")
    checks = [Verified("instance", same, told)]
    if not same:
        return checks
    checks += _rows_and_claim(instance, instance.program, certificate.multipliers, certificate.bound, kernel)
    if certificate.schedules is not None:
        claimed = certificate.schedules
        program = early_started(instance.program, whole=claimed.mining == WHOLE)
        checks += _rows_and_claim(
            instance, program, claimed.multipliers, claimed.bound, kernel, of=f" of schedules ({claimed.mining})"
        )
    return checks


def _rows_and_claim(
    instance: MineLibInstance,
    program: ClosureProgram,
    multipliers: RowMultipliers,
    bound: float | None,
    kernel: KernelFactory,
    *,
    of: str = "",
) -> list[Verified]:
    """Whether there is a multiplier for every row, and what they prove."""
    rows = (instance.problem.resource_limits.lower.shape, instance.problem.general_limits.lower.shape)
    given = (multipliers.resources.shape, multipliers.general.shape)
    fits = multipliers.flat.size == program.n_rows and (rows[0] == given[0] or not rows[0][0])
    checks = [Verified(f"multipliers{of}", fits, f"{given[0]} and {given[1]} for side rows {rows[0]} and {rows[1]}")]
    if fits:
        checks.append(_claim_check(program, multipliers, bound, kernel, of))
    return checks


def _claim_check(
    program: ClosureProgram, multipliers: RowMultipliers, bound: float | None, kernel: KernelFactory, of: str
) -> Verified:
    """A claim against one closure."""
    name = kernel(closure_graph(0, [], [])).name
    if bound is None:
        proven = proves_infeasible(program, multipliers.flat, kernel)
        words = "prove" if proven else "do not prove"
        return Verified(
            f"infeasible{of}", proven, f"the multipliers {words} that no schedule keeps the limits ({name})"
        )
    recomputed = bound_from_multipliers(program, multipliers.flat, kernel)
    passed = bound >= recomputed - TOLERANCE * max(abs(recomputed), 1.0)
    text = f"claimed {bound:,.4f}; one closure by {name} gives {recomputed:,.4f}"
    return Verified(f"bound{of}", passed, text)


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


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300


def _numbers(value: object, dimensions: int) -> Floats | None:
    """Lists as an array of so many dimensions, None where they are none of finite numbers."""
    lists = value if dimensions == 2 and isinstance(value, list) else [value]
    lengths = {len(row) if isinstance(row, list) and all(map(_is_number, row)) else -1 for row in lists}
    if len(lengths) > 1 or -1 in lengths:
        return None
    array = np.array(value, np.float64)
    return array if array.ndim == dimensions else np.zeros((0,) * dimensions)
