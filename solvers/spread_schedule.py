"""A schedule whose nodes may be taken over several steps: partial integrality.

A node is begun only once all it needs is finished, the lag kept; whether it is finished is what is binary:

    c[v,t] <= w[u,t-lag],  w <= c,  w binary;  all parts of a node go at the same pace

Every whole schedule is one of these (c = w), so the relaxation, and hence every bound on it, is the same for both.

Source: Moreno, Rezakhah, Newman, Ferreira (2017), European Journal of Operational Research 260:212; Rivera Letelier,
Espinoza, Goycoolea, Moreno, Munoz (2020), Operations Research 68:1425, for units that may span periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.relaxation.program import ClosureProgram, Floats, Integers

DUST = 1e-7
"""Shares this small are what a solver's tolerance leaves, and are nothing."""
_SUM = 1e-6
"""Difference of a sum of shares from 1, or of two parts of a node, that counts as none."""


@dataclass(frozen=True, eq=False)
class SpreadSchedule(Schedule):
    """A schedule with shares in several steps.

    Attributes:
        step: Step in which every node is finished ``(n,)``, T where it never is.
        share: Share of every part by choice over all steps ``(P, D)``; rows of ones in sum where the node is finished.
        column: Columns of H, ascending ``(k,)``, with
        amount: their shares ``(k,)``, above 0.
    """

    column: Integers
    amount: Floats

    @classmethod
    def of(cls, program: ClosureProgram, schedule: Schedule) -> SpreadSchedule:
        """A schedule as one of these; whole ones are."""
        if isinstance(schedule, cls):
            return schedule
        column, amount = schedule.entries(program)
        return cls(schedule.step, schedule.share, schedule.extras, column, amount)

    @classmethod
    def made(
        cls, program: ClosureProgram, step: Integers, column: Integers, amount: Floats, extras: Floats
    ) -> SpreadSchedule:
        """From the steps in which nodes are finished and shares by column, each column once."""
        order = np.argsort(column)
        column, amount = column[order], amount[order]
        D = program.n_choices
        place = (column // (program.n_steps * D)) * D + column % D
        share = np.asarray(np.bincount(place, amount, program.n_parts * D), dtype=np.float64)
        return cls(step, share.reshape(program.n_parts, D), extras, column, amount)

    def entries(self, program: ClosureProgram) -> tuple[Integers, Floats]:
        """Columns of H ascending, and their shares, none of them 0."""
        del program
        return self.column, self.amount

    def held(self, program: ClosureProgram, part: Integers, step: Integers) -> Floats:
        """Shares of parts in steps by choice ``(k, D)``."""
        D = program.n_choices
        wanted = ((part * program.n_steps + step) * D)[:, None] + np.arange(D)
        if not self.column.size:
            return np.zeros(wanted.shape)
        place = np.minimum(np.searchsorted(self.column, wanted), self.column.size - 1)
        return np.where(self.column[place] == wanted, self.amount[place], 0.0)

    def pace(self, program: ClosureProgram) -> Floats:
        """How much of every node is taken by the end of every step ``(n, T)``, read from its first part.

        Nodes without parts are taken in the step that finishes them.
        """
        n, T, node, first = program.n_nodes, program.n_steps, program.part_node, program.first_part
        cell, inside = np.divmod(self.column, T * program.n_choices)
        leads = first[node[cell]] == cell
        taken = np.zeros((n, T))
        np.add.at(taken, (node[cell[leads]], inside[leads] // program.n_choices), self.amount[leads])
        bare = np.flatnonzero((first < 0) & (self.step < T))
        taken[bare, self.step[bare]] = 1.0
        return np.cumsum(taken, axis=1)

    def done_by(self, program: ClosureProgram, node: Integers, step: Integers) -> Floats:
        """How much of nodes is taken by the end of steps ``(k,)``."""
        by_end = np.minimum(self.pace(program)[node, step], 1.0)
        return np.where(self.step[node] <= step, 1.0, by_end)

    def begins(self, program: ClosureProgram) -> Integers:
        """First step in which anything of every node is taken ``(n,)``, T where nothing is."""
        first = np.full(program.n_nodes, program.n_steps, np.int64)
        part, inside = np.divmod(self.column, program.n_steps * program.n_choices)
        np.minimum.at(first, program.part_node[part], inside // program.n_choices)
        bare = np.bincount(program.part_node, minlength=program.n_nodes) == 0
        return np.where(bare, self.step, first)

    def spans(self, program: ClosureProgram) -> NDArray[np.bool_]:
        """Whether a part is taken in several steps ``(P,)``."""
        cell = np.unique(self.column // program.n_choices)
        return np.bincount(cell // program.n_steps, minlength=program.n_parts) > 1

    def keeps_order(self, program: ClosureProgram) -> bool:
        """Whether every node is begun after what it needs is finished, and all parts of a node go at one pace."""
        T, begins = program.n_steps, self.begins(program)
        finished = self.step < T
        needed = self.step[program.arc_head] + program.lags
        waits = begins[program.arc_tail]
        held = (waits >= T) | ((self.step[program.arc_head] < T) & (needed <= waits))
        early = (begins < T) & (begins < program.starts)
        taken = np.zeros((program.n_parts, T))
        part, inside = np.divmod(self.column, T * program.n_choices)
        np.add.at(taken, (part, inside // program.n_choices), self.amount)
        by_part, pace = np.cumsum(taken, axis=1), self.pace(program)
        even = np.abs(by_part - pace[program.part_node]) <= _SUM
        total = pace[:, -1] if T else np.zeros(program.n_nodes)
        ends = pace[np.arange(program.n_nodes), np.minimum(self.step, T - 1)]
        complete = np.where(finished, (np.abs(ends - 1.0) <= _SUM) & (total <= 1.0 + _SUM), total <= 1.0 + _SUM)
        return bool(held.all() and not early.any() and even.all() and complete.all() and (self.amount >= 0).all())

    def joined(self, program: ClosureProgram, base: Schedule, other: Schedule) -> Schedule | None:
        """This schedule with what another one changed of a base; None where they do not go together."""
        one, two = SpreadSchedule.of(program, base), SpreadSchedule.of(program, other)
        column, place = np.unique(np.concatenate([self.column, two.column, one.column]), return_inverse=True)
        changed = np.concatenate([self.amount, two.amount, -one.amount])
        amount = np.asarray(np.bincount(place, changed, column.size), dtype=np.float64)
        if (amount < -DUST).any():
            return None
        kept = amount > DUST
        step = np.where(other.step != base.step, other.step, self.step)
        joined = SpreadSchedule.made(program, step, column[kept], amount[kept], self.extras)
        return joined if joined.keeps_order(program) else None
