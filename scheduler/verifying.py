"""Whether a run stands up: its plan audited, its figures and its certified bound recomputed.

Nothing is solved. What can be followed from the mine, the plan and the multipliers of the certificate is followed; that
the solver's bound is one can be checked only by solving again.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from instances.findings import BadInput
from instances.geometry.units import scheduling_units, units_without_arcs
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.audit import Audit, audit
from scheduler.cashflow import cash_flow
from scheduler.mine_certificate_check import verify_claims, verify_mine_certificate
from scheduler.mine_certificate_file import read_mine_certificate
from scheduler.outcome import status_of
from scheduler.runfolder import CERTIFICATE, Run, read_run
from scheduler.schedule import figures, schedule_table
from scheduler.verified import TOLERANCE, Verified, history_findings, is_number
from solvers.closure import KernelFactory, PseudoflowKernel, StagedFlowKernel

_SMALL = 1e-3
"""Share of the turnover below which an objective says little about the size of its errors."""


def verify_run(folder: str | Path, mine: str | Path | None = None, *, independent: bool = False) -> list[Verified]:
    """Checks a run.

    Args:
        folder: of the run.
        mine: name or path of the mine to check it against, with the run's own overrides applied; the folder's copy
            unless given.
        independent: whether bounds are recomputed with the second, slower closure kernel.

    Raises:
        BadInput: where the folder is not one of a run, or the mine cannot be read.
    """
    try:
        run = read_run(folder)
    except BadInput as error:
        if not (Path(folder) / "run.json").is_file():
            raise
        return [Verified("folder", False, "the folder is damaged", tuple(str(one) for one in error.findings))]
    given = None if mine is None else read_mine(mine, run.instance.overrides)
    checks = [_hash(run, given)]
    instance = run.instance if given is None else given
    if not checks[0].passed:
        return checks
    objective = run.summary.get("objective")
    checked = audit(instance, run.plan, objective=objective if is_number(objective) else math.nan)
    scale = _SMALL * checked.turnover
    checks += [_identity(instance, run), _audit(checked), *_arithmetic(run.summary, scale), *_recomputed(instance, run)]
    kernel = StagedFlowKernel if independent else PseudoflowKernel
    return [*checks, *_certificate(instance, run, kernel, scale)]


def _certificate(instance: Instance, run: Run, kernel: KernelFactory, scale: float) -> Iterator[Verified]:
    """The bound that the run's certificate proves; nothing where neither file nor summary speaks of one."""
    file = run.folder / CERTIFICATE
    if not file.exists():
        claimed = [key for key in ("certified_bound", "gap_certified", "lp_bound") if run.summary.get(key) is not None]
        if claimed:
            told = f"the summary claims {', '.join(claimed)}; {CERTIFICATE} is missing"
            yield Verified("certificate", False, told)
        return
    try:
        certificate = read_mine_certificate(file)
    except BadInput as error:
        yield Verified("certificate", False, "the certificate is damaged", tuple(str(one) for one in error.findings))
        return
    yield verify_claims(certificate, run.summary, run.plan.resolution, scale)
    yield from verify_mine_certificate(certificate, instance, kernel)


def _hash(run: Run, given: Instance | None) -> Verified:
    said, copy = run.summary.get("instance_hash"), run.instance.hash()
    if said != copy:
        return Verified("mine", False, f"the summary is of the mine {said}, the folder holds {copy}")
    changed = f", changed by {'; '.join(run.instance.overrides)}" if run.instance.overrides else ""
    if given is None:
        text = f"trusting the folder's own copy of the mine, hash {copy}{changed}; --instance checks against another"
        return Verified("mine", True, text)
    if given.hash() != copy:
        return Verified("mine", False, f"the mine given has the hash {given.hash()}, the run is of {copy}")
    return Verified("mine", True, f"the mine given{changed} is the one that was solved, hash {copy}")


def _identity(instance: Instance, run: Run) -> Verified:
    """Whether the summary says of which mine it is, and how its units were mined."""
    mine, resolution = instance.mine, run.plan.resolution
    expected: dict[str, object] = {
        "instance": mine.name,
        "currency": mine.money.currency,
        "overrides": list(instance.overrides),
        "periods": mine.calendar.periods,
        "resolution": resolution,
        "mining": mine.mining(resolution),
        "units": len(units_without_arcs(instance, resolution).units),
    }
    wrong = [
        f"{key} is {run.summary[key]!r}, expected {value!r}"
        for key, value in expected.items()
        if key in run.summary and run.summary[key] != value
    ]
    how = {"whole": "each mined within one period", "partial": "which may be mined over several periods"}
    text = f"{expected['units']:,} {resolution}s, {how[mine.mining(resolution)]}"
    return Verified("summary", not wrong, text, tuple(wrong))


def _audit(checked: Audit) -> Verified:
    number = sum(checked.checked.values())
    text = f"{number:,} checks of the plan by arithmetic from the mine alone, the objective recomputed"
    if checked.passed:
        return Verified("audit", True, text)
    return Verified(
        "audit", False, f"{sum(checked.found.values()):,} breaches in {text}", tuple(map(str, checked.findings))
    )


def _arithmetic(summary: Mapping[str, Any], scale: float) -> Iterator[Verified]:
    """Whether gap, bound, uplift and status agree with each other, to the tolerance of the scale at least."""
    objective, bound = summary.get("objective"), summary.get("bound")
    if not is_number(objective) or (bound is not None and not is_number(bound)):
        yield Verified("gap", False, "objective or bound is no number")
        return
    wrong = []
    if bound is None:
        wrong += [f"{key} is given without a bound" for key in ("gap", "gap_abs") if summary.get(key) is not None]
    else:
        gap_abs = bound - objective
        gap = gap_abs / abs(objective) if objective else math.inf
        if gap_abs < -TOLERANCE * max(1.0, abs(objective), scale):
            wrong.append(f"the bound {bound!r} is below the objective {objective!r}")
        wrong += _differs("gap_abs", summary.get("gap_abs"), gap_abs, max(1.0, abs(objective)))
        if objective or summary.get("gap") != 0.0 or gap_abs > 0.0:
            wrong += _differs("gap", summary.get("gap"), gap, TOLERANCE)
        known = [summary.get("solver_bound"), summary.get("certified_bound")]
        best = min((value for value in known if is_number(value)), default=math.nan)
        wrong += _differs("bound", bound, best, max(1.0, abs(bound))) if math.isfinite(best) else ["bound is nobody's"]
    asked = summary.get("gap_asked")
    status = status_of(objective, bound, asked if is_number(asked) else 0.0)
    if summary.get("status") != status:
        wrong.append(f"status is {summary.get('status')!r}; objective, bound and gap asked for make it {status!r}")
    made = summary.get("baseline_objective")
    if is_number(made):
        wrong += _differs("uplift", summary.get("uplift"), objective - made, abs(objective))
    wrong += history_findings(summary.get("history"), objective)
    yield Verified("gap", not wrong, "gap, bound, uplift and status follow from each other", tuple(wrong))


def _recomputed(instance: Instance, run: Run) -> Iterator[Verified]:
    """Whether figures and tables follow from the plan; without effect on rows that the mine has not."""
    units = scheduling_units(instance, run.plan.resolution)
    try:
        cash = cash_flow(instance, run.plan, units)
        told = figures(instance, run.plan, cash, units)
        tables = {"schedule": schedule_table(instance, run.plan, cash, units), "cashflow": cash.table}
    except (ValueError, KeyError, IndexError) as error:
        yield Verified("figures", False, f"figures cannot be worked out from the plan: {error}")
        return
    wrong: list[str] = []
    for name, value in told.items():
        wrong += _figure_differs(name, run.summary.get(name), value)
    yield Verified("figures", not wrong, f"{len(told)} figures recomputed from the plan", tuple(wrong))
    for name, table in tables.items():
        file = f"{name}.csv"
        found = _table_findings(run.folder / file, table)
        yield Verified(file, not found, "recomputed from the plan", tuple(found))


def _figure_differs(name: str, said: object, value: object) -> list[str]:
    if isinstance(value, Mapping):
        if not isinstance(said, Mapping) or set(said) != set(value):
            return [f"{name}: the summary has other periods than the plan"]
        return [line for key, one in value.items() for line in _differs(f"{name} {key}", said[key], one, abs(one))]
    if value is None:
        return [] if said is None else [f"{name} is {said!r}; the plan has no such figure"]
    assert isinstance(value, float | int)  # noqa: S101
    return _differs(name, said, value, abs(value))


def _table_findings(file: Path, table: pd.DataFrame) -> list[str]:
    """Cells of a table on file that differ from the same table made again."""
    try:
        said = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        return [f"{file.name} cannot be read ({error})"]
    again = pd.read_csv(io.StringIO(table.to_csv(lineterminator="\n")), dtype=str, keep_default_na=False)
    if list(said.columns) != list(again.columns) or len(said) != len(again):
        return [f"{file.name} has other columns or rows than the plan gives"]
    found = []
    for column in again.columns:
        cells = zip(again.iloc[:, 0].astype(str), said[column].astype(str), again[column].astype(str), strict=True)
        found += [
            f"{file.name}, {column}, {label}: {one}, the plan gives {other}"
            for label, one, other in cells
            if one != other and not _close(one, other)
        ]
    return found


def _close(one: str, other: str) -> bool:
    try:
        return bool(np.isclose(float(one), float(other), rtol=TOLERANCE, atol=TOLERANCE))
    except ValueError:
        return False


def _differs(name: str, said: object, value: float, scale: float) -> list[str]:
    """A line where what is said is not the value, to the tolerance times the scale."""
    if not math.isfinite(value):
        return [] if said is None else [f"{name} is {said!r}, expected none"]
    if is_number(said) and abs(said - value) <= TOLERANCE * max(scale, TOLERANCE):
        return []
    return [f"{name} is {said!r}, expected {value!r}"]
