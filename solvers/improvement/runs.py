"""Runs of steps of a schedule as programs of their own, and back.

A run holds every node that is taken in its steps, those never taken that could be, and all continuous variables; those
that have to be whole keep their values. All other nodes stay, so that what they use of the side rows is taken off the
limits. A node that others need after the run has to be taken within it: it is paid for that, more than leaving it would
be worth, which adds no rows and keeps the relaxation fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.relaxation.diving import reached
from solvers.relaxation.program import ClosureProgram
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.program import Floats, Integers

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Run:
    """A run cut out of a schedule.

    Attributes:
        program: The program of the run; step 0 is its first.
        begin: That step in the schedule.
        never: The number that stands for no step in the schedule.
        nodes: Number in the whole of every node of the run, ascending ``(k,)``.
        parts: The same of its parts.
        due: Nodes of the run that have to be taken within it ``(k,)``.
        reward: What the program pays in all for taking them.
        worth: What the schedule has of the run and of the continuous variables, less the penalties of rows it breaks
            there.
        weight: Loss for all that a node uses of the side rows, at their penalties ``(k,)``.
        late: More than what a part is worth in one step instead of another, and what it uses ``(parts,)``.
    """

    program: ClosureProgram
    begin: int
    never: int
    nodes: Integers
    parts: Integers
    due: Mask
    reward: float
    worth: float
    weight: Floats
    late: Floats

    def put_back(self, schedule: Schedule, step: Integers, share: Floats, extras: Floats) -> Schedule:
        """The schedule it was cut from with other steps ``(k,)``, shares ``(parts, D)`` and continuous variables."""
        steps, shares = schedule.step.copy(), schedule.share.copy()
        steps[self.nodes] = np.where(step < self.program.n_steps, step + self.begin, self.never)
        shares[self.parts] = share
        return Schedule(steps, shares, extras)


def cut_run(
    builder: SubprogramBuilder, schedule: Schedule, penalty: Floats, inside: Mask, steps: tuple[int, int]
) -> Run:
    """The run of steps ``begin`` to ``end - 1`` of a schedule.

    Args:
        builder: Of a program without lags.
        schedule: The schedule. Where it breaks side rows that hold nodes of the run, these may not be broken in it.
        penalty: Loss for a unit of each broken side row ``(M,)``.
        inside: Nodes of the run ``(n,)``: those taken in it, and of those never taken some that could be.
        steps: The first step, and the one after the last.
    """
    begin, end = steps
    program, (tail, head, _) = builder.program, builder.arcs
    T, D, width = program.n_steps, program.n_choices, end - begin
    nodes, parts = np.flatnonzero(inside), np.flatnonzero(inside[program.part_node])
    number = np.cumsum(inside) - 1
    kept = inside[tail] & inside[head]
    arcs = number[tail[kept]], number[head[kept]]
    due = np.zeros(nodes.size, np.bool_)
    due[number[head[inside[head] & ~inside[tail] & (schedule.step[tail] < T)]]] = True
    ones = np.ones(arcs[0].size, np.int8)
    due = reached(sparse.csr_array((ones, arcs), shape=(nodes.size, nodes.size)), due)
    columns, share = schedule.entries(program)
    within = inside[program.part_node[columns // (T * D)]]
    own = np.asarray(program.rows_transposed[columns[within]].T @ share[within])
    own += program.extras_matrix @ schedule.extras
    cells = ((parts[:, None] * T + np.arange(begin, end))[:, :, None] * D + np.arange(D)).ravel()
    used = sparse.csr_array(program.rows_transposed[cells])
    rows = sparse.csr_array(used.T)
    decided = np.diff(rows.indptr) > 0
    held = np.flatnonzero(decided | (np.diff(program.extras_matrix.indptr) > 0))
    violation = schedule.violation(program)
    # A row that the schedule keeps, within the tolerance, or that nothing in the run can mend, is kept by what it has.
    mended = decided & (violation > 0)
    staying = schedule.activity(program) - own
    low, high = program.row_lower - staying, program.row_upper - staying
    low, high = np.where(mended, low, np.minimum(low, own)), np.where(mended, high, np.maximum(high, own))
    whole = program.whole_extras
    loss = (abs(used) @ penalty).reshape(parts.size, width, D).max(axis=(1, 2))
    allowed = None if program.allowed is None else program.allowed[parts, begin:end]
    worth = program.value[parts, begin:end]
    best = (worth if allowed is None else np.where(allowed, worth, -np.inf)).max(axis=2)
    best = np.where(np.isfinite(best), best, 0.0)
    part_node = number[program.part_node[parts]]
    reward = np.where(due[part_node], loss + np.maximum(-best.min(axis=1), 0.0), 0.0)
    cut = ClosureProgram(
        n_nodes=nodes.size,
        n_steps=width,
        arc_tail=arcs[0],
        arc_head=arcs[1],
        part_node=part_node,
        value=worth + reward[:, None, None],
        rows=sparse.csr_array(rows[held]),
        row_lower=low[held],
        row_upper=high[held],
        first_step=np.maximum(program.starts[nodes] - begin, 0),
        allowed=allowed,
        extra_value=program.extra_value,
        extra_lower=np.where(whole, schedule.extras, np.minimum(program.extra_lower, schedule.extras)),
        extra_upper=np.where(whole, schedule.extras, np.maximum(program.extra_upper, schedule.extras)),
        extra_rows=program.extras_matrix[held] if program.n_extras else None,
    )
    has = program.worth.reshape(-1)[columns[within]] @ share[within] + program.extra_value @ schedule.extras
    return Run(
        program=cut,
        begin=begin,
        never=T,
        nodes=nodes,
        parts=parts,
        due=due,
        reward=float(reward.sum()),
        worth=float(has - penalty[mended] @ violation[mended]),
        weight=np.asarray(np.bincount(part_node, loss, nodes.size)),
        late=loss + best.max(axis=1) - best.min(axis=1),
    )
