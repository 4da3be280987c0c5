"""A whole schedule from a point of the relaxation, step by step: relax and fix.

Every node may be taken in the steps in which the point takes any of it. Within these windows the program is solved
with the first step's decisions whole and all later ones relaxed; the first step is then kept and the second made
whole, and so on. Unlike an order in which nodes are placed (``rounding.py``) this looks at every side row and at the
continuous variables, and what a step decides is weighed against all that follows; a program of many nodes in doubt is
beyond it.

Source: Pochet and Wolsey (2006), "Production planning by mixed integer programming", section 3.6 (relax-and-fix). The
windows are those of relaxation enforced neighbourhoods: Berthold (2014), "RENS", Mathematical Programming Computation
6:33.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.following import point_at, taken_by
from solvers.highs import solve
from solvers.improvement.subprogram import Elastics
from solvers.improvement.windows import touched
from solvers.options import SolveOptions
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.program import Floats

_MOST_BINARIES = 6_000
_STEP_SHARE = 0.2
"""Share of the time for all steps that one of them may take."""
_STEP_NODES = 50
_GAP = 1e-4
_HALF = 0.5


def relax_and_fix(
    builder: SubprogramBuilder,
    x: Floats,
    extras: Floats,
    penalty: Floats,
    *,
    seconds: float | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> Schedule | None:
    """A whole schedule that follows a point of the relaxation; it may break side rows.

    Args:
        builder: Of the program, for whole schedules.
        x: A point of the relaxation ``(P, T, D)``.
        extras: Its continuous variables ``(S,)``.
        penalty: Loss for a unit of each broken side row ``(M,)``.
        seconds: Wall-clock limit; without one, nodes of branch and bound are limited, and the answer repeats.
        interrupted: Asked before every step; true ends the work.

    Returns:
        The schedule; None where too many decisions are in doubt or none is, or where the work was ended.
    """
    begun = time.perf_counter()
    program = builder.program
    schedule = point_at(program, x, extras)
    windows = touched(taken_by(program, x), builder.arcs, program.starts)
    if not 0 < int(windows.widths.sum()) <= _MOST_BINARIES or not schedule.keeps_order(program):
        return None
    rows = np.flatnonzero(np.diff(program.rows.indptr) > 0)
    flexible = schedule.taken_parts(program)
    flexible = flexible[~windows.free[program.part_node[flexible]]]
    part = builder.build(schedule, windows, flexible=flexible, elastic=Elastics(rows, penalty[rows]))
    whole, decided = part.program.integer.copy(), np.arange(part.binaries)
    lower, upper = part.program.lower.copy(), part.program.upper.copy()
    at = part.start
    for step in np.unique(part.binary_steps).tolist():
        if interrupted is not None and interrupted():
            return None
        whole[decided] = part.binary_steps <= step
        left = None if seconds is None else max(seconds - (time.perf_counter() - begun), 0.1)
        limit = None if seconds is None or left is None else min(left, _STEP_SHARE * seconds)
        nodes = _STEP_NODES if seconds is None else None
        options = SolveOptions(threads=1, gap=_GAP, time_limit_s=limit, node_limit=nodes)
        found = solve(replace(part.program, lower=lower, upper=upper, integer=whole.copy()), options)
        # A step that HiGHS finds no answer to in time is rounded: what is half done or more is done.
        at = at if found.x is None else found.x
        kept = decided[part.binary_steps <= step]
        lower[kept] = upper[kept] = np.clip(np.floor(at[kept] + _HALF), lower[kept], upper[kept])
    at = at.copy()
    at[decided] = lower[decided]
    return part.schedule(at)
