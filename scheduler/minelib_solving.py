"""A schedule for a MineLib problem: the relaxation's bound, the plan found, and its check by arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instances.minelib import ScheduleRows
from scheduler.certificates import certify, with_schedules
from scheduler.memory import refuse_beyond_memory, size_of_program
from scheduler.minelib_checking import PARTIAL, WHOLE, CheckedSchedule, Mining, check_schedule, snap
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
TOLERANCE = 1e-6
"""Relative; a plan worth more than its bound by more than this is an error."""


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
        below = max(gap * abs(self.checked.objective), 1e-9)
        if self.bound - self.checked.objective <= below:
            return OPTIMAL
        return UNPROVEN if self.found.stop is StopReason.STALLED else FEASIBLE

    def exit_code(self, gap: float) -> ExitCode:
        """The exit code for a relative gap asked for; a plan that breaks a rule is not verified, whatever its gap."""
        if self.checked is not None and self.checked.findings:
            return ExitCode.NOT_VERIFIED
        status = self.status(gap)
        return ExitCode.STOPPED_WITH_PLAN if status == UNPROVEN else EXIT_CODE[status]

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
        interrupted: Asked again and again; true ends the search, the best plan so far is kept.

    Raises:
        BadInput: It does not fit into the memory that is free.
        RuntimeError: The multipliers do not prove the bound, or the plan is worth more than it.
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
        interrupted=interrupted,
    )
    certificate = made[0] if made else None
    if found.schedule is None:
        return Scheduled(found, None, None, mining, certificate)
    rows = _rows(instance, found.schedule, mining)
    checked = check_schedule(instance.problem, instance.precedence, rows, mining)
    excess = checked.objective - found.bound
    if not checked.findings and excess > TOLERANCE * max(abs(found.bound), 1.0):
        raise RuntimeError(f"a plan worth {checked.objective} that keeps every rule exceeds the bound {found.bound}")
    return Scheduled(found, rows, checked, mining, certificate)


def _rows(instance: MineLibInstance, schedule: Schedule, mining: Mining) -> ScheduleRows:
    """The plan as rows of a file, by period and block, tiny shares of a split taken away."""
    column, share = schedule.entries(instance.program)
    block, period, destination = np.unravel_index(column, instance.program.value.shape)
    order = np.lexsort((destination, block, period))
    block, period, destination = (index[order].astype(np.int64) for index in (block, period, destination))
    rows = snap(ScheduleRows(block, destination, period, share[order]), instance.problem.n_blocks, mining)
    kept = rows.share > 0.0
    return ScheduleRows(block[kept], destination[kept], period[kept], rows.share[kept])
