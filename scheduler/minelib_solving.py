"""A schedule for a MineLib problem: the relaxation's bound, the plan found, and its check by arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instances.minelib import ScheduleRows
from scheduler.minelib_checking import CheckedSchedule, check_schedule, snap
from scheduler.outcome import EXIT_CODE, FEASIBLE, INFEASIBLE, NO_PLAN, OPTIMAL, ExitCode
from solvers.closure_schedule import ScheduleOptions, StopReason, find_schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduler.minelib import MineLibInstance
    from solvers.closure_schedule import FoundSchedule
    from solvers.relaxation import Iteration, RelaxationResult
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
    """

    found: FoundSchedule
    rows: ScheduleRows | None
    checked: CheckedSchedule | None

    @property
    def relaxation(self) -> RelaxationResult:
        """The bound, with the multipliers that prove it."""
        return self.found.relaxation

    @property
    def gap(self) -> float | None:
        """(bound - objective) / |objective|; None without a plan or for a plan worth nothing."""
        return self._gap(abs(self.checked.objective)) if self.checked is not None else None

    @property
    def gap_published(self) -> float | None:
        """(bound - objective) / |bound|, as the literature has it."""
        return self._gap(abs(self.relaxation.bound))

    def status(self, gap: float) -> str:
        """What it came to for a relative gap asked for."""
        if self.found.stop is StopReason.INFEASIBLE:
            return INFEASIBLE
        if self.checked is None:
            return NO_PLAN
        below = max(gap * abs(self.checked.objective), 1e-9)
        if self.relaxation.bound - self.checked.objective <= below:
            return OPTIMAL
        return UNPROVEN if self.found.stop is StopReason.STALLED else FEASIBLE

    def exit_code(self, gap: float) -> ExitCode:
        """The exit code for a relative gap asked for; a plan that breaks a rule is not verified, whatever its gap."""
        if self.checked is not None and self.checked.findings:
            return ExitCode.NOT_VERIFIED
        status = self.status(gap)
        return ExitCode.STOPPED_WITH_PLAN if status == UNPROVEN else EXIT_CODE[status]

    def _gap(self, size: float) -> float | None:
        if self.checked is None or not size > 0.0 or not np.isfinite(self.relaxation.bound):
            return None
        return (self.relaxation.bound - self.checked.objective) / size


def schedule_minelib(
    instance: MineLibInstance,
    options: ScheduleOptions | None = None,
    *,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> Scheduled:
    """Bound the problem, search a plan from the relaxation's point on, and check it.

    Args:
        instance: The problem.
        options: Gap, limits, seed and workers.
        on_iteration: Told of every iteration of the relaxation.
        on_progress: Told of bound, objective and gap of the search.
        interrupted: Asked again and again; true ends the search, the best plan so far is kept.

    Raises:
        RuntimeError: The plan is worth more than the bound.
    """
    found = find_schedule(
        instance.program,
        options or ScheduleOptions(),
        on_iteration=on_iteration,
        on_progress=on_progress,
        interrupted=interrupted,
    )
    if found.schedule is None:
        return Scheduled(found, None, None)
    rows = _rows(instance, found.schedule)
    checked = check_schedule(instance.problem, instance.precedence, rows)
    excess = checked.objective - found.relaxation.bound
    if not checked.findings and excess > TOLERANCE * max(abs(found.relaxation.bound), 1.0):
        raise RuntimeError(
            f"a plan worth {checked.objective} that keeps every rule exceeds the bound {found.relaxation.bound}"
        )
    return Scheduled(found, rows, checked)


def _rows(instance: MineLibInstance, schedule: Schedule) -> ScheduleRows:
    """The plan as rows of a file, by period and block, tiny shares of a split taken away."""
    block, destination = np.nonzero(schedule.share)
    period = schedule.step[block]
    order = np.lexsort((destination, block, period))
    block, period, destination = block[order], period[order], destination[order]
    share = schedule.share[block, destination]
    rows = snap(ScheduleRows(block, destination, period, share), instance.problem.n_blocks)
    kept = rows.share > 0.0
    return ScheduleRows(block[kept], destination[kept], period[kept], rows.share[kept])
