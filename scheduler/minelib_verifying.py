"""Whether the run of a MineLib problem stands up: its schedule valued and checked, its bound recomputed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from instances.findings import BadInput, Finding
from instances.minelib import read_schedule
from scheduler.certificate_file import read_certificate
from scheduler.certificates import Certificate, verify_certificate
from scheduler.minelib_checking import MINING, PARTIAL, WHOLE, CheckedSchedule, Mining, check_schedule, exceeds
from scheduler.verified import TOLERANCE, Verified, history_findings, is_number
from solvers.closure import PseudoflowKernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scheduler.minelib import MineLibInstance
    from solvers.closure import KernelFactory

SOLUTION, SUMMARY, CERTIFICATE = "solution.sol", "summary.json", "certificate.json"
HOW = {WHOLE: "each whole within one period", PARTIAL: "over several periods where the summary has it (partial)"}


def is_minelib_run(path: str | Path) -> bool:
    """Whether a path is the folder of such a run."""
    return (Path(path) / SOLUTION).is_file() and not (Path(path) / "run.json").exists()


def verify_minelib_run(
    folder: str | Path, instance: MineLibInstance, kernel: KernelFactory = PseudoflowKernel
) -> list[Verified]:
    """Checks a run against its problem; nothing in the folder is trusted.

    Args:
        folder: of the run.
        instance: the problem, read anew.
        kernel: closure kernel the bound is recomputed with.
    """
    path, problem = Path(folder), instance.problem
    try:
        certificate = read_certificate(path / CERTIFICATE)
        rows = read_schedule(path / SOLUTION, problem.n_blocks, problem.n_destinations, problem.n_periods)
        summary = _summary(path / SUMMARY)
    except BadInput as error:
        return [Verified("folder", False, "the folder is damaged", tuple(str(one) for one in error.findings))]
    except (OSError, ValueError) as error:
        return [Verified("folder", False, f"{SUMMARY} cannot be read ({error})")]
    checks = verify_certificate(certificate, instance, kernel)
    if not checks[0].passed:
        return checks
    mining = _mining(summary)
    if mining is None:
        said = f"the summary says {summary.get('mining')!r}, expected one of {', '.join(MINING)}"
        return [*checks, Verified("mining", False, said)]
    claimed = certificate.schedules
    if claimed is not None and claimed.mining != mining:
        said = f"blocks are mined {mining}, the certificate's bound of schedules is for {claimed.mining}"
        return [*checks, Verified("mining", False, said)]
    checked = check_schedule(problem, instance.precedence, rows, mining)
    told = {"name": problem.name, "kind": problem.kind, "blocks_mined": checked.blocks_mined}
    tables = {"value_by_period": checked.value_by_period, "resource_use": checked.use}
    return [
        *checks,
        _schedule(checked),
        *_figures(summary, certificate, checked),
        _told(summary, told, tables),
    ]


def _summary(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(content, dict):
        raise BadInput([Finding(str(path), type(content).__name__, "a JSON object")])
    return content


def _mining(summary: Mapping[str, Any]) -> Mining | None:
    """How the summary says blocks are mined, whole where it says nothing; None where it is neither."""
    said = summary.get("mining", WHOLE)
    return next((mining for mining in MINING if said == mining), None)


def _schedule(checked: CheckedSchedule) -> Verified:
    broken = tuple(map(str, checked.findings))
    how = HOW[checked.mining]
    return Verified(
        "schedule", not broken, f"{checked.blocks_mined:,} blocks mined, {how}, every rule looked at", broken
    )


def _figures(summary: Mapping[str, Any], certificate: Certificate, checked: CheckedSchedule) -> Iterator[Verified]:
    """Whether the summary claims no more than schedule and certificate give."""
    objective, lp_bound, best = summary.get("objective"), summary.get("lp_bound"), certificate.best
    wrong = []
    if not is_number(objective) or objective > checked.objective + TOLERANCE * max(abs(checked.objective), 1.0):
        wrong.append(f"objective is {objective!r}, the schedule is worth {checked.objective!r}")
    if (
        certificate.bound is None
        or not is_number(lp_bound)
        or not math.isclose(lp_bound, certificate.bound, rel_tol=1e-9)
    ):
        wrong.append(f"lp_bound is {lp_bound!r}, the certificate says {certificate.bound!r}")
    elif best is None:
        wrong.append("the certificate claims that there is no schedule, beside one")
    elif exceeds(checked, best):
        wrong.append(f"the schedule is worth {checked.objective!r}, more than the bound {best!r}")
    elif is_number(objective):
        for key, bound, size in (
            ("gap_certified", best, abs(objective)),
            ("gap_published", lp_bound, abs(lp_bound)),
        ):
            said, value = summary.get(key), (bound - objective) / size if size else None
            same = said is None if value is None else is_number(said) and abs(said - value) <= TOLERANCE
            if not same:
                wrong.append(f"{key} is {said!r}, objective and bound make it {value!r}")
        wrong += _bounds(summary, objective, best, checked)
        wrong += history_findings(summary.get("history"), objective)
    if summary.get("instance_hash") != certificate.instance_hash:
        wrong.append(f"instance_hash is {summary.get('instance_hash')!r}, not that of the certificate")
    yield Verified("figures", not wrong, "objective, bound and gaps follow from schedule and certificate", tuple(wrong))


def _bounds(summary: Mapping[str, Any], objective: float, certified: float, checked: CheckedSchedule) -> Iterator[str]:
    """What is wrong with bound and gap: the smaller of the certified bound and that of a solver, if one was asked."""
    solver = summary.get("solver_bound")
    if solver is not None and not is_number(solver):
        yield f"solver_bound is {solver!r}, expected a number or none"
        return
    if solver is not None and exceeds(checked, solver):
        yield f"solver_bound is {solver!r}, less than the schedule is worth, {checked.objective!r}"
    best = certified if solver is None else min(certified, solver)
    gap = (best - objective) / abs(objective) if objective else None
    for key, value, size in (("bound", best, max(abs(best), 1.0)), ("gap", gap, 1.0)):
        said = summary.get(key)
        same = said is None if value is None else is_number(said) and abs(said - value) <= TOLERANCE * size
        if not same:
            yield f"{key} is {said!r}, expected {value!r}"


def _told(
    summary: Mapping[str, Any], figures: Mapping[str, object], tables: Mapping[str, NDArray[np.float64]]
) -> Verified:
    """Whether other figures of the summary, where it has them, follow from problem and schedule."""
    wrong = [
        f"{key} is {summary[key]!r}, expected {value!r}"
        for key, value in figures.items()
        if key in summary and summary[key] != value
    ]
    for key, table in tables.items():
        try:
            said = np.asarray(summary.get(key, table), dtype=np.float64)
            # No resources at all are an empty list, whatever the number of periods.
            alike = said.shape == table.shape or said.size == table.size == 0
            same = alike and np.allclose(said, table, rtol=TOLERANCE, atol=TOLERANCE)
        except (TypeError, ValueError, OverflowError):
            same = False
        if not same:
            wrong.append(f"{key} differs from what the schedule gives")
    return Verified("summary", not wrong, "name, blocks mined, value and use by period", tuple(wrong))
