"""Choices and continuous variables of a schedule decided again, its steps kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from solvers.highs import solve
from solvers.improvement.subprogram import Elastics
from solvers.improvement.windows import Windows, kept
from solvers.options import SolveOptions

if TYPE_CHECKING:
    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.program import ClosureProgram, Floats, Integers
    from solvers.schedule import Schedule

_GAP = 1e-5
_NODES = 2_000


def row_penalties(program: ClosureProgram, multipliers: Floats) -> Floats:
    """Loss for a unit of each side row beyond its limits, for which breaking it hardly ever pays ``(M,)``.

    Twice the mean worth of a part over the mean coefficient of the row, or ten times its multiplier if that is more.
    A search that goes on breaking rows at these raises them.
    """
    worth = np.concatenate([np.abs(program.worth).max(axis=(1, 2)), np.abs(program.extra_value)])
    typical = float(worth[worth > 0].mean()) if (worth > 0).any() else 1.0
    mean = program.row_means
    return np.maximum(2.0 * typical / np.where(mean > 0, mean, 1.0), 10.0 * np.abs(multipliers))


def merit(program: ClosureProgram, schedule: Schedule, penalty: Floats) -> float:
    """Objective less the penalties of the side rows that the schedule breaks."""
    return schedule.objective(program) - float(penalty @ schedule.violation(program))


def settle(
    builder: SubprogramBuilder,
    schedule: Schedule,
    penalty: Floats,
    flexible: Integers | None = None,
    *,
    whole_kept: bool = False,
) -> Schedule | None:
    """The schedule with its steps kept and the rest decided again; None where HiGHS finds no answer.

    Side rows that hold parts may be broken at their penalty, so there is an answer whatever the steps.

    Args:
        builder: Of the program.
        schedule: Any schedule; its choices and continuous variables need not fit.
        penalty: Of ``row_penalties``.
        flexible: Parts whose choice is decided again; all unless given.
        whole_kept: Whether the continuous variables that have to be whole keep their values, so that a linear program
            is left, solved to its vertex.
    """
    program = builder.program
    parts = builder.decidable(schedule) if flexible is None else flexible
    windows, rows = Windows(*kept(schedule.step)), np.flatnonzero(np.diff(program.rows.indptr) > 0)
    part = builder.build(schedule, windows, flexible=parts, elastic=Elastics(rows, penalty[rows]))
    if not part.program.num_columns:
        return schedule
    model = part.program
    if whole_kept:
        model = model.with_fixed_integers(part.start)
    found = solve(model, SolveOptions(threads=1, gap=_GAP, node_limit=_NODES))
    return None if found.x is None else part.schedule(found.x)
