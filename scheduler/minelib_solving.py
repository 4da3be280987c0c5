"""A schedule for a MineLib problem: the relaxation's bound, the plan found, and its check by arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import Finding, Words
from instances.minelib import ScheduleRows
from scheduler.certificates import certify, with_schedules
from scheduler.memory import refuse_beyond_memory, size_of_program
from scheduler.minelib_checking import PARTIAL, WHOLE, CheckedSchedule, Mining, check_schedule, exceeds
from scheduler.outcome import EXIT_CODE, FEASIBLE, INFEASIBLE, NO_PLAN, OPTIMAL, ExitCode
from solvers.closure_schedule import StopReason, find_schedule
from solvers.course import ScheduleOptions
from solvers.schedule_search import processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduler.certificates import Certificate
    from scheduler.memory import Size
    from scheduler.minelib import MineLibInstance
    from solvers.closure_schedule import FoundSchedule
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.result import Progress
    from solvers.schedule import Schedule

UNPROVEN = "feasible: the gap asked for was not reached"
"""Status of a plan further from the bound than asked for where the search came to its own end."""
BROKEN = "not verified: the plan breaks a rule"
"""Status of a plan that the audit has findings for, whatever its gap."""
_EXIT_CODE = EXIT_CODE | {UNPROVEN: ExitCode.STOPPED_WITH_PLAN, BROKEN: ExitCode.NOT_VERIFIED}


@dataclass(frozen=True, eq=False)
class Scheduled:
    """What was found.

    Attributes:
        found: What the search found: bound, stages, and why it ended.
        rows: The plan, ``None`` where none was found.
        checked: Its value and the rules it breaks, ``None`` without a plan.
        mining: Whether blocks are mined whole or over several periods.
        certificate: Of the bound, made before the search; ``None`` where it proves that there is no plan.
    """

    found: FoundSchedule
    rows: ScheduleRows | None
    checked: CheckedSchedule | None
    mining: Mining
    certificate: Certificate | None

    @property
    def relaxation(self) -> RelaxationResult:
        """The bound, with the multipliers that prove it."""
        return self.found.relaxation

    @property
    def bound(self) -> float:
        """No plan is worth more: the smaller of the certified bound and that of the solver, where it was asked."""
        return self.found.bound

    @property
    def gap(self) -> float | None:
        """(bound - objective) / |objective|; None without a plan or for a plan worth nothing."""
        return self._gap(self.bound, of_bound=False)

    @property
    def gap_certified(self) -> float | None:
        """The same for the bound that the multipliers prove."""
        return self._gap(self.found.certified_bound, of_bound=False)

    @property
    def gap_published(self) -> float | None:
        """(lp_bound - objective) / |lp_bound|, as the literature has it."""
        return self._gap(self.relaxation.bound, of_bound=True)

    def status(self, gap: float) -> str:
        """What it came to for a relative gap asked for."""
        if self.found.stop is StopReason.INFEASIBLE:
            return INFEASIBLE
        if self.checked is None:
            return NO_PLAN
        if self.checked.findings:
            return BROKEN
        below = max(gap * abs(self.checked.objective), 1e-9)
        if self.bound - self.checked.objective <= below:
            return OPTIMAL
        return UNPROVEN if self.found.stop is StopReason.STALLED else FEASIBLE

    def exit_code(self, gap: float) -> ExitCode:
        """The exit code for a relative gap asked for; a plan that breaks a rule is not verified, whatever its gap."""
        return _EXIT_CODE[self.status(gap)]

    def _gap(self, bound: float, *, of_bound: bool) -> float | None:
        if self.checked is None or not np.isfinite(bound):
            return None
        size = abs(bound if of_bound else self.checked.objective)
        return (bound - self.checked.objective) / size if size > 0.0 else None


def schedule_minelib(
    instance: MineLibInstance,
    options: ScheduleOptions | None = None,
    *,
    on_size: Callable[[Size], None] | None = None,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> Scheduled:
    """Bound the problem, certify the bound, search a plan from the relaxation's point on, and check it.

    The certificate is made before the search: its time counts towards the limit.

    Args:
        instance: The problem.
        options: Gap, limits, seed and workers, and whether blocks may be mined over several periods.
        on_size: Told first, of the size of what is worked on.
        on_iteration: Told of every iteration of the relaxation.
        on_progress: Told of bound, objective and gap of the search.
        on_stage: Told the name of every stage as it begins.
        interrupted: Asked again and again; true ends the search, the best plan so far is kept.

    Raises:
        BadInput: It does not fit into the memory that is free.
        RuntimeError: The multipliers do not prove that there is no plan, where they should.
    """
    made: list[Certificate] = []

    mining = PARTIAL if options is not None and options.spread else WHOLE

    def certified(relaxation: RelaxationResult, tightened: ClosureProgram, cases: Cases | None) -> None:
        made.append(with_schedules(certify(instance, relaxation), instance, tightened, cases, mining))

    def sized(within: ClosureProgram) -> None:
        beside = processes(within, options.workers if options is not None else 0)
        size = size_of_program(instance.program, within, beside if beside > 1 else 0)
        if on_size is not None:
            on_size(size)
        refuse_beyond_memory(size, f"{instance.problem.name} {instance.problem.kind}")

    found = find_schedule(
        instance.program,
        options or ScheduleOptions(),
        on_program=sized,
        on_iteration=on_iteration,
        on_bound=certified,
        on_progress=on_progress,
        on_stage=on_stage,
        interrupted=interrupted,
    )
    certificate = made[0] if made else None
    found = _as_certified(found, certificate)
    if found.schedule is None:
        return Scheduled(found, None, None, mining, certificate)
    rows = _rows(instance, found.schedule)
    checked = check_schedule(instance.problem, instance.precedence, rows, mining)
    if not checked.findings and exceeds(checked, found.bound):
        told = Words(f"worth {checked.objective!r}, more than the bound {found.bound!r} that no plan exceeds")
        checked = replace(checked, findings=(Finding("plan", told, "no more"),))
    return Scheduled(found, rows, checked, mining, certificate)


def _as_certified(found: FoundSchedule, certificate: Certificate | None) -> FoundSchedule:
    """What was found with the bounds that its certificate claims, which may be above those of the search by a hair."""
    if certificate is None or certificate.bound is None:
        return found
    relaxation, cases = replace(found.relaxation, bound=certificate.bound), found.cases
    if cases is not None and certificate.schedules is not None and certificate.schedules.bound is not None:
        cases = replace(cases, bound=certificate.schedules.bound)
    return replace(found, relaxation=relaxation, cases=cases)


def _rows(instance: MineLibInstance, schedule: Schedule) -> ScheduleRows:
    """The plan as rows of a file, by period and block."""
    column, share = schedule.entries(instance.program)
    block, period, destination = np.unravel_index(column, instance.program.value.shape)
    order = np.lexsort((destination, block, period))
    block, period, destination = (index[order].astype(np.int64) for index in (block, period, destination))
    return ScheduleRows(block, destination, period, share[order])
