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

_GAP = 1e-6
_NODES = 2_000


def row_penalties(program: ClosureProgram, multipliers: Floats) -> Floats:
    """Loss for a unit of each side row that makes breaking it never pay ``(M,)``.

    Twice the largest worth over the mean coefficient of the row, or ten times its multiplier if that is more.
    """
    worths = (program.worth, program.extra_value)
    largest = max(1.0, *(float(np.abs(worth).max(initial=0.0)) for worth in worths))
    matrices = (program.rows, program.extras_matrix)
    total = sum((np.asarray(abs(matrix).sum(axis=1)).ravel() for matrix in matrices), np.zeros(program.n_rows))
    count = sum((np.diff(matrix.indptr) for matrix in matrices), np.zeros(program.n_rows))
    mean = total / np.maximum(count, 1)
    return np.maximum(2.0 * largest / np.where(mean > 0, mean, 1.0), 10.0 * np.abs(multipliers))


def merit(program: ClosureProgram, schedule: Schedule, penalty: Floats) -> float:
    """Objective less the penalties of the side rows that the schedule breaks."""
    return schedule.objective(program) - float(penalty @ schedule.violation(program))


def settle(
    builder: SubprogramBuilder, schedule: Schedule, penalty: Floats, flexible: Integers | None = None
) -> Schedule | None:
    """The schedule with its steps kept and the rest decided again; None where HiGHS finds no answer.

    Side rows may be broken at their penalty, so there is an answer whatever the steps.

    Args:
        builder: Of the program.
        schedule: Any schedule; its choices and continuous variables need not fit.
        penalty: Of ``row_penalties``.
        flexible: Parts whose choice is decided again; all unless given.
    """
    program = builder.program
    parts = schedule.taken_parts(program) if flexible is None else flexible
    windows, rows = Windows(*kept(schedule.step)), np.arange(program.n_rows)
    part = builder.build(schedule, windows, flexible=parts, elastic=Elastics(rows, penalty))
    if not part.program.num_columns:
        return schedule
    found = solve(part.program, SolveOptions(threads=1, gap=_GAP, node_limit=_NODES))
    return None if found.x is None else part.schedule(found.x)
