"""A schedule for a MineLib problem: the relaxation's bound, a rounded plan, and its check by arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from instances.minelib import ScheduleRows
from scheduler.minelib_checking import CheckedSchedule, check_schedule, snap
from scheduler.outcome import EXIT_CODE, INFEASIBLE, NO_PLAN, OPTIMAL, ExitCode
from solvers.relaxation import Outcome, StopRule, solve_relaxation
from solvers.rounding import round_relaxation

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduler.minelib import MineLibInstance
    from solvers.relaxation import Iteration, RelaxationResult
    from solvers.rounding import Rounded

UNPROVEN = "feasible: the gap asked for was not reached"
"""Status of a plan further from the bound than asked for: rounding has an end, so nothing was cut short."""
TOLERANCE = 1e-6
"""Relative; a plan worth more than its bound by more than this is an error."""


@dataclass(frozen=True, eq=False)
class Scheduled:
    """What was found.

    Attributes:
        relaxation: The bound, with the multipliers that prove it.
        rows: The plan, ``None`` where none was found.
        checked: Its value and the rules it breaks, ``None`` without a plan.
        order: The order of placing that led to it.
    """

    relaxation: RelaxationResult
    rows: ScheduleRows | None
    checked: CheckedSchedule | None
    order: str | None

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
        if self.relaxation.outcome is Outcome.INFEASIBLE:
            return INFEASIBLE
        if self.checked is None:
            return NO_PLAN
        below = max(gap * abs(self.checked.objective), 1e-9)
        return OPTIMAL if self.relaxation.bound - self.checked.objective <= below else UNPROVEN

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
    stop: StopRule | None = None,
    *,
    on_iteration: Callable[[Iteration], None] | None = None,
) -> Scheduled:
    """Bound the problem, round the relaxation's point, and check the plan.

    Args:
        instance: The problem.
        stop: When the relaxation stops.
        on_iteration: Told of every iteration of the relaxation.

    Raises:
        RuntimeError: The plan is worth more than the bound.
    """
    relaxation = solve_relaxation(instance.program, stop, on_iteration=on_iteration)
    if relaxation.x is None or relaxation.outcome is Outcome.INFEASIBLE:
        return Scheduled(relaxation, None, None, None)
    rounded = round_relaxation(instance.program, relaxation.x)
    if rounded is None:
        return Scheduled(relaxation, None, None, None)
    rows = _rows(rounded, instance.problem.n_blocks)
    checked = check_schedule(instance.problem, instance.precedence, rows)
    excess = checked.objective - relaxation.bound
    if not checked.findings and excess > TOLERANCE * max(abs(relaxation.bound), 1.0):
        raise RuntimeError(
            f"a plan worth {checked.objective} that keeps every rule exceeds the bound {relaxation.bound}"
        )
    return Scheduled(relaxation, rows, checked, rounded.order)


def _rows(rounded: Rounded, n_blocks: int) -> ScheduleRows:
    """The plan as rows of a file, by period and block, tiny shares of a split taken away."""
    block, period, destination = rounded.x.nonzero()
    order = np.lexsort((destination, block, period))
    block, period, destination = block[order], period[order], destination[order]
    share = rounded.x[block, period, destination]
    rows = snap(ScheduleRows(block, destination, period, share), n_blocks)
    kept = rows.share > 0.0
    return ScheduleRows(block[kept], destination[kept], period[kept], rows.share[kept])
