"""A whole schedule of a closure program: the step of every node, the choices of its parts, the continuous variables.

Every node is taken in one step or never. Schedules are what rounding makes, what the neighbourhood search improves and
what a plan is read from; they never hold a column for every part, step and choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_MOST_PAIRS = 100_000_000
FEASIBLE = 1e-6
"""Largest violation of a side row, over the larger of its limit and its activity, that counts as none."""
_NO_LIMIT, _PART = 1e-9, 1e-2
"""Share of a coefficient in the mean up to which a limit is nothing, and most of a limit that counts as rounding."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """A whole schedule.

    Attributes:
        step: Step of every node ``(n,)``, T where it is never taken.
        share: Share of every part by choice ``(P, D)``, rows of ones in sum, or of zeros where it is never taken.
        extras: Values of the continuous variables ``(S,)``.
    """

    step: Integers
    share: Floats
    extras: Floats

    def taken_parts(self, program: ClosureProgram) -> Integers:
        """Parts whose node is taken, ascending."""
        return np.flatnonzero(self.step[program.part_node] < program.n_steps)

    def columns(self, program: ClosureProgram, parts: Integers) -> Integers:
        """Columns of H of some taken parts, a row a part: ``(parts, D)``."""
        D = program.n_choices
        first = (parts * program.n_steps + self.step[program.part_node[parts]]) * D
        return np.asarray(first[:, None] + np.arange(D), dtype=np.int64)

    def entries(self, program: ClosureProgram) -> tuple[Integers, Floats]:
        """What is taken: columns of H ascending, and their shares, none of them 0."""
        parts = self.taken_parts(program)
        columns, share = self.columns(program, parts).ravel(), self.share[parts].ravel()
        used = np.flatnonzero(share)
        return columns[used], share[used]

    def held(self, program: ClosureProgram, part: Integers, step: Integers) -> Floats:
        """Shares of parts in steps by choice ``(k, D)``."""
        here = self.step[program.part_node[part]] == step
        return np.where(here[:, None], self.share[part], 0.0)

    def done_by(self, program: ClosureProgram, node: Integers, step: Integers) -> Floats:
        """How much of nodes is taken by the end of steps ``(k,)``."""
        del program
        return np.asarray(self.step[node] <= step, dtype=np.float64)

    def spans(self, program: ClosureProgram) -> NDArray[np.bool_]:
        """Whether a part is taken in several steps ``(P,)``."""
        return np.zeros(program.n_parts, np.bool_)

    def joined(self, program: ClosureProgram, base: Schedule, other: Schedule) -> Schedule | None:
        """This schedule with what another one changed of a base; None where they do not go together."""
        moved = other.step != base.step
        changed = (other.share != base.share).any(axis=1) | moved[program.part_node]
        step, share = self.step.copy(), self.share.copy()
        step[moved], share[changed] = other.step[moved], other.share[changed]
        joined = Schedule(step, share, self.extras)
        return joined if joined.keeps_order(program) else None

    def objective(self, program: ClosureProgram) -> float:
        """Worth of the schedule, constant included."""
        columns, share = self.entries(program)
        return float(program.worth.reshape(-1)[columns] @ share + program.extra_value @ self.extras) + program.constant

    def activity(self, program: ClosureProgram) -> Floats:
        """Activity of every side row ``(M,)``."""
        columns, share = self.entries(program)
        return np.asarray(program.rows_transposed[columns].T @ share + program.extras_matrix @ self.extras)

    def violation(self, program: ClosureProgram) -> Floats:
        """How far every side row lies beyond its limits ``(M,)``, in its own unit; 0 within the tolerance."""
        return row_violation(program, self.activity(program), self.size(program))

    def size(self, program: ClosureProgram) -> Floats:
        """Sum of the absolute terms of every side row ``(M,)``."""
        columns, share = self.entries(program)
        terms = abs(program.rows_transposed[columns]).T @ share
        return np.asarray(terms + abs(program.extras_matrix) @ np.abs(self.extras))

    def keeps_order(self, program: ClosureProgram) -> bool:
        """Whether every node comes after what it needs, and no node before its first step."""
        T = program.n_steps
        taken = self.step < T
        needed = self.step[program.arc_head] + program.lags
        held = ~taken[program.arc_tail] | (needed <= self.step[program.arc_tail])
        return bool(held.all() and (~taken | (self.step >= program.starts)).all())

    def dense(self, program: ClosureProgram) -> Floats:
        """Shares by part, step and choice ``(P, T, D)``."""
        x = np.zeros(program.value.size)
        columns, share = self.entries(program)
        x[columns] = share
        return x.reshape(program.value.shape)


def keeps_rows(program: ClosureProgram, schedule: Schedule) -> bool:
    """Whether a schedule keeps every side row."""
    return not bool((schedule.violation(program) > 0).any())


def row_violation(program: ClosureProgram, activity: Floats, size: Floats) -> Floats:
    """Distance of an activity ``(M,)`` from the limits of its row; 0 within the tolerance.

    The tolerance is ``FEASIBLE`` times the limit, the sum of the absolute terms, or a coefficient of the row in the
    mean, whichever is largest: a row that holds next to nothing is not judged by that. It is no large part of a limit,
    unless that is nothing itself.
    """
    low, high = program.row_lower, program.row_upper
    excess = np.maximum(np.maximum(activity - high, low - activity), 0.0)
    limit = np.where(activity > high, np.abs(high), np.where(activity < low, np.abs(low), 0.0))
    tolerance = FEASIBLE * np.maximum(np.maximum(limit, size), program.row_means)
    real = limit > _NO_LIMIT * program.row_means
    tolerance = np.where(real, np.minimum(tolerance, np.maximum(_PART * limit, FEASIBLE * size)), tolerance)
    return np.where(excess > tolerance, excess, 0.0)


def transitive_reduction(program: ClosureProgram) -> tuple[Integers, Integers, Integers]:
    """Tail, head and lag of the arcs that no two other arcs in a row imply; what is left gives the same closures.

    An arc v -> u with lag l goes where arcs v -> w -> u with lags of l or more in sum exist. In an acyclic graph the
    arcs left out can be put together again from the longest chain of those kept; arcs on a cycle are all kept. So are
    all arcs where some have lags, or where the pairs in a row are too many to look at.
    """
    n = program.n_nodes
    tail, head, lag = program.arc_tail, program.arc_head, program.lags
    pairs = int(np.bincount(tail, minlength=n)[head].sum())
    if not tail.size or lag.any() or pairs > _MOST_PAIRS:
        return tail, head, lag
    ones = np.ones(tail.size)
    direct = sparse.csr_array((ones, (tail, head)), shape=(n, n))
    direct.data[:] = 1.0
    groups = sparse.csgraph.connected_components(direct, connection="strong")[0]
    if groups < n:
        return tail, head, lag
    implied = sparse.csr_array(direct.multiply(direct @ direct > 0))
    kept = sparse.coo_array(direct - implied)
    used = kept.data > 0
    rows, columns = kept.coords
    return (
        rows[used].astype(np.int64),
        columns[used].astype(np.int64),
        np.zeros(int(used.sum()), np.int64),
    )
