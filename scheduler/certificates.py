"""Certificates of linear-programming bounds: multipliers that prove a bound, and their check by one closure.

A certificate names the instance by its hash and gives one multiplier a side row. Whoever has the instance recomputes
UB(l) of ``solvers.relaxation.bound`` and compares; nothing else in the file is trusted. No reduction is used, so the
bound is one on the linear relaxation, hence on every schedule.

Source: Geoffrion (1974), "Lagrangean relaxation for integer programming"; Bienstock and Zuckerberg (2010), section 3.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import BadInput, Finding
from scheduler.verified import Verified
from solvers.closure import PseudoflowKernel, closure_graph
from solvers.relaxation import Outcome, bound_from_multipliers, proves_infeasible

if TYPE_CHECKING:
    from scheduler.minelib import MineLibInstance
    from solvers.closure import KernelFactory
    from solvers.relaxation import RelaxationResult
    from solvers.relaxation.program import Floats

FORMAT = 1
BOUND, INFEASIBLE = "lp bound", "infeasible"
TOLERANCE = 1e-9
"""Relative; what sums of floating-point numbers may differ by between machines."""

_KEYS = ("format", "claim", "instance", "kernel", "multipliers")


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a certificate says.

    Attributes:
        claim: ``lp bound``, or ``infeasible``: no schedule keeps the side rows.
        instance_hash: Hash of the instance it speaks of.
        bound: No schedule is worth more, discounted money; None for ``infeasible``.
        resource_multipliers: One a resource and period ``(R, T)``, money per unit of the resource.
        general_multipliers: One a general row ``(M,)``, money per unit of the row.
        kernel: Name and version of the closure kernel it was made with.
    """

    claim: str
    instance_hash: str
    bound: float | None
    resource_multipliers: Floats
    general_multipliers: Floats
    kernel: str

    @property
    def multipliers(self) -> Floats:
        """Multipliers in the order of the program's rows."""
        return np.concatenate([self.resource_multipliers.ravel(), self.general_multipliers])


def certify(instance: MineLibInstance, result: RelaxationResult) -> Certificate:
    """The certificate of a relaxation's answer.

    The bound claimed is the larger of the one found and the one recomputed, which differ in the last digits only.

    Raises:
        RuntimeError: The multipliers do not prove what the relaxation answered.
    """
    shape = instance.problem.resource_limits.lower.shape
    first = shape[0] * shape[1]
    claim, bound = BOUND, None
    if result.outcome is Outcome.INFEASIBLE:
        claim = INFEASIBLE
        proven = proves_infeasible(instance.program, result.multipliers)
    else:
        recomputed = bound_from_multipliers(instance.program, result.multipliers)
        proven = math.isclose(recomputed, result.bound, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        bound = max(recomputed, result.bound)
    if not proven:
        raise RuntimeError("the multipliers found do not prove the bound found with them")
    return Certificate(
        claim=claim,
        instance_hash=instance.hash,
        bound=bound,
        resource_multipliers=result.multipliers[:first].reshape(shape),
        general_multipliers=result.multipliers[first:],
        kernel=result.kernel,
    )


def certificate_object(certificate: Certificate, instance: MineLibInstance, version: str) -> dict[str, object]:
    """The certificate as the JSON object of its file; ``version`` is that of pitwise."""
    problem = instance.problem
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
        "multipliers": {
            "resources": certificate.resource_multipliers.tolist(),
            "general": certificate.general_multipliers.tolist(),
        },
        "reductions": [],
        "versions": {"pitwise": version, "numpy": np.__version__},
    }


def read_certificate(path: str | Path) -> Certificate:
    """A certificate from its file; raises BadInput with every fault found."""
    content = _json_object(Path(path))
    findings = [Finding(str(path), None, f"the key {key}") for key in _KEYS if key not in content]
    if findings:
        raise BadInput(findings)
    if content["format"] != FORMAT:
        raise BadInput([Finding(f"{path}: format", content["format"], f"{FORMAT}, the one this version reads")])
    claim, bound = content["claim"], content.get("bound")
    if claim not in {BOUND, INFEASIBLE}:
        findings.append(Finding(f"{path}: claim", claim, f"{BOUND} or {INFEASIBLE}"))
    if claim == BOUND and not _is_number(bound):
        findings.append(Finding(f"{path}: bound", bound, "a finite number"))
    if content.get("reductions", []) != []:
        findings.append(Finding(f"{path}: reductions", content["reductions"], "none: a bound of the whole relaxation"))
    mine = content["instance"]
    digest = mine.get("hash") if isinstance(mine, Mapping) else None
    if not isinstance(digest, str):
        findings.append(Finding(f"{path}: instance.hash", digest, "the hash of the instance, a text"))
    parts = content["multipliers"] if isinstance(content["multipliers"], Mapping) else {}
    resources = _numbers(parts.get("resources"), 2)
    general = _numbers(parts.get("general"), 1)
    for name, numbers in (("resources", resources), ("general", general)):
        if numbers is None:
            findings.append(Finding(f"{path}: multipliers.{name}", None, "lists of finite numbers, one a side row"))
    if findings or resources is None or general is None:
        raise BadInput(findings)
    number = float(bound) if isinstance(bound, int | float) and claim == BOUND else None
    return Certificate(str(claim), str(digest), number, resources, general, str(content["kernel"]))


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
    rows = (instance.problem.resource_limits.lower.shape, instance.problem.general_limits.lower.shape)
    given = (certificate.resource_multipliers.shape, certificate.general_multipliers.shape)
    fits = certificate.multipliers.size == instance.program.n_rows and (rows[0] == given[0] or not rows[0][0])
    checks.append(Verified("multipliers", fits, f"{given[0]} and {given[1]} for side rows {rows[0]} and {rows[1]}"))
    if fits:
        checks.append(_claim_check(certificate, instance, kernel))
    return checks


def _claim_check(certificate: Certificate, instance: MineLibInstance, kernel: KernelFactory) -> Verified:
    """The claim against one closure."""
    name = kernel(closure_graph(0, [], [])).name
    if certificate.bound is None:
        proven = proves_infeasible(instance.program, certificate.multipliers, kernel)
        words = "prove" if proven else "do not prove"
        return Verified("infeasible", proven, f"the multipliers {words} that no schedule keeps the limits ({name})")
    recomputed = bound_from_multipliers(instance.program, certificate.multipliers, kernel)
    passed = certificate.bound >= recomputed - TOLERANCE * max(abs(recomputed), 1.0)
    text = f"claimed {certificate.bound:,.4f}; one closure by {name} gives {recomputed:,.4f}"
    return Verified("bound", passed, text)


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
