"""What a run of pitwise came to: its status in words, and the exit code that goes with it."""

from __future__ import annotations

from enum import IntEnum

OPTIMAL = "optimal within the gap"
FEASIBLE = "feasible: stopped at a limit"
INFEASIBLE = "infeasible"
NO_PLAN = "no plan found"
BAD_INPUT = "bad input"


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    """What was asked for is done; a plan is proven within the gap."""
    BUG = 1
    """Something that should never happen."""
    BAD_INPUT = 2
    """The input cannot be used; nothing was written."""
    INFEASIBLE = 3
    """No plan keeps all limits, which is proven and explained."""
    STOPPED_WITH_PLAN = 4
    """Stopped at a limit before the gap was reached; the plan is written."""
    NOT_VERIFIED = 5
    """The audit found a breach, or a run does not stand up to verification."""
    STOPPED_WITHOUT_PLAN = 6
    """Stopped at a limit before any plan was found."""


EXIT_CODE = {
    OPTIMAL: ExitCode.DONE,
    FEASIBLE: ExitCode.STOPPED_WITH_PLAN,
    INFEASIBLE: ExitCode.INFEASIBLE,
    NO_PLAN: ExitCode.STOPPED_WITHOUT_PLAN,
    BAD_INPUT: ExitCode.BAD_INPUT,
}
"""Exit code of each status, a plan's audit apart."""


_NOT_ROUNDING = 1e-5
"""Relative excess of an objective over its bound that no tolerance explains."""
PROVEN_RELATIVE = 1e-9
"""Absolute gap, relative to the objective, that counts as none."""


def status_of(objective: float | None, bound: float | None, gap_asked: float, *, infeasible: bool = False) -> str:
    """The status that an objective and a bound amount to, whatever made the solver stop.

    Args:
        objective: of the plan, maximised; ``None`` without a plan.
        bound: no plan is worth more; ``None`` where unknown.
        gap_asked: relative gap asked for.
        infeasible: whether it is proven that there is no plan.
    """
    if objective is None:
        return INFEASIBLE if infeasible else NO_PLAN
    if bound is None:
        return FEASIBLE
    if objective - bound > _NOT_ROUNDING * max(1.0, abs(objective), abs(bound)):
        # Something is wrong with one of them, and the audit or whoever verifies will say what; nothing is proven.
        return FEASIBLE
    allowed = max(gap_asked * (1 + 1e-6) * abs(objective), PROVEN_RELATIVE * max(1.0, abs(objective)))
    return OPTIMAL if bound - objective <= allowed else FEASIBLE
