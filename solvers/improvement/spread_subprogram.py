"""The mixed-integer program of a part of a spread schedule: what is begun waits for what is finished.

    c[u,t] in [0, 1]: how much of node u is taken by the end of t
    w[u,t] binary: node u is finished by the end of t, for nodes that something in the part waits for
    x, s, e: as in ``subprogram``, which makes everything but w and its rows, with c in place of z

with the chains, w[u,t] <= c[u,t], and c[v,t] <= w[u,t-lag] for every arc. Three kinds of nodes: those with a window
of steps in which they may be finished; *loose* ones, which keep that step but may be taken at another pace before it
(the parts to be decided again, and whatever directly waits for a node with a window); and those that stay as they are.
A node that nothing waits for may be left unfinished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.grouped import Groups
from solvers.improvement.subprogram import Subprogram, SubprogramBuilder, column_at, places_of
from solvers.improvement.windows import Windows
from solvers.program import Program
from solvers.spread_schedule import DUST, SpreadSchedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.improvement.subprogram import Elastics, Places
    from solvers.relaxation.program import Floats, Integers
    from solvers.schedule import Schedule

_REACH = 1
"""Steps by which the pace of a node that keeps the step it is finished in may go beyond those it is taken in now."""
_FINISHED = 3e-6
"""What may be missing of a node that is finished: the tolerances of HiGHS on w and on w <= c."""


@dataclass(frozen=True, eq=False)
class SpreadSubprogram(Subprogram):
    """A part of a spread schedule as a program for HiGHS, and the way back.

    Attributes:
        builder: What it was made by.
    """

    builder: SpreadSubprogramBuilder

    def schedule(self, x: Floats) -> Schedule:
        """The spread schedule of a point of the program."""
        program, cells, windows = self.builder.program, self._cells, self._windows
        old = SpreadSchedule.of(program, self._schedule)
        pace = np.clip(x[: self.binaries], 0.0, 1.0)
        step = self._finished(pace, old.step)
        begin = np.maximum(program.starts, self.builder.after(step))
        column, fixed = column_at(windows, self._places, cells.node, cells.step)
        before, settled = column_at(windows, self._places, cells.node, cells.step - 1)
        still = self._places.slot[cells.node] < 0
        taken = _value(pace, column, fixed) - np.where(still, 0.0, _value(pace, before, settled))
        taken = np.where(still, 1.0, np.maximum(taken, 0.0))
        first = self.binaries + cells.extra_cell.size
        beside = np.clip(x[self.binaries : first], 0.0, 1.0)
        rest = taken.copy()
        np.subtract.at(rest, cells.extra_cell, beside)
        base = (cells.part * program.n_steps + cells.step) * program.n_choices
        columns = np.concatenate([base + cells.base, base[cells.extra_cell] + cells.extra_choice])
        amounts = np.concatenate([rest, beside])
        cell = np.concatenate([np.arange(cells.part.size), cells.extra_cell])
        late, soon = cells.step[cell] > step[cells.node[cell]], cells.step[cell] < begin[cells.node[cell]]
        kept = ~late & ~soon & (amounts > DUST)
        columns, amounts, part = columns[kept], amounts[kept], cells.part[cell[kept]]
        total = np.bincount(part, amounts, program.n_parts)
        finished = step[program.part_node] < program.n_steps
        factor = np.where(finished & (total > 0), total, np.maximum(total, 1.0))
        amounts = amounts / factor[part]
        decided = np.zeros(program.n_parts, np.bool_)
        decided[cells.part] = True
        stays = ~decided[old.column // (program.n_steps * program.n_choices)]
        extras = x[first : first + old.extras.size].copy()
        extras[self._whole] = np.round(extras[self._whole])
        return SpreadSchedule.made(
            program,
            step,
            np.concatenate([old.column[stays], columns]),
            np.concatenate([old.amount[stays], amounts]),
            extras,
        )

    def _finished(self, pace: Floats, step: Integers) -> Integers:
        """Step in which every node is finished ``(n,)``."""
        windows, places = self._windows, self._places
        free = np.flatnonzero(windows.free)
        missing = np.bincount(places.owner, pace < 1.0 - _FINISHED, places.count)[places.slot[free]].astype(np.int64)
        at = windows.first[free] + missing
        step = step.copy()
        step[free] = np.where(windows.open[free] & (at > windows.last[free]), self._cells.steps, at)
        return step


class SpreadSubprogramBuilder(SubprogramBuilder):
    """Makes subprograms of spread schedules; takes whole ones too."""

    moves_groups = False

    @property
    def leaves_choice(self) -> bool:
        """Yes: the pace of every node."""
        return True

    def decidable(self, schedule: Schedule) -> Integers:
        """Parts of nodes that could be begun while every node keeps the step in which it is finished."""
        begin = np.maximum(self.program.starts, self.after(schedule.step))
        return np.flatnonzero(begin[self.program.part_node] < self.program.n_steps)

    def after(self, step: Integers) -> Integers:
        """First step in which each node may be begun when others are finished in these ``(n,)``, T where never."""
        tail, head, lag = self.arcs
        first = np.zeros(self.program.n_nodes, np.int64)
        Groups(tail).raise_to(first, step[head] + lag)
        return np.minimum(first, self.program.n_steps)

    def build(
        self,
        schedule: Schedule,
        windows: Windows,
        *,
        flexible: Integers | None = None,
        elastic: Elastics | None = None,
        priced: Floats | None = None,
    ) -> SpreadSubprogram:
        """The program in which nodes are finished within their windows; see ``SubprogramBuilder.build``.

        Args:
            schedule: Where it starts from; it keeps the arcs.
            windows: Propagated windows of the steps in which nodes are finished; nodes do not move together.
            flexible: Parts of nodes that keep that step, whose pace and choices are decided again.
            elastic: As there.
            priced: As there.
        """
        spread = SpreadSchedule.of(self.program, schedule)
        loose = self._loose(spread, windows, flexible)
        paces = self._paces(spread, windows, loose)
        in_part = windows.free | loose
        parts = np.flatnonzero(in_part[self.program.part_node] & ~paces.free[self.program.part_node])
        made = super().build(spread, paces, flexible=parts, elastic=elastic, priced=priced)
        return self._with_binaries(made, spread, windows)

    def _loose(self, schedule: SpreadSchedule, windows: Windows, flexible: Integers | None) -> NDArray[np.bool_]:
        """Nodes that keep their step but not their pace ``(n,)``."""
        tail, head, _ = self.arcs
        loose = np.zeros(self.program.n_nodes, np.bool_)
        if flexible is not None:
            loose[self.program.part_node[flexible]] = True
        begun = schedule.begins(self.program) < self.program.n_steps
        loose[tail[windows.free[head] & begun[tail]]] = True
        return np.asarray(loose & ~windows.free)

    def _paces(self, schedule: SpreadSchedule, windows: Windows, loose: NDArray[np.bool_]) -> Windows:
        """Steps in which every node may be taken, open where it need not be finished.

        All that the arcs allow where no node has a window, so that pace alone is decided; else steps near those in
        which a node is taken now or may be finished: the rest would be columns that hardly ever matter.
        """
        program, T = self.program, self.program.n_steps
        tail, head, _ = self.arcs
        in_part = windows.free | loose
        begins = schedule.begins(program)
        begun = begins < T
        awaited = np.zeros(program.n_nodes, np.bool_)
        awaited[head[begun[tail] | in_part[tail]]] = True
        first = np.maximum(program.starts, self.after(windows.first))
        ends = np.zeros(program.n_nodes, np.int64)
        part, inside = np.divmod(schedule.column, T * program.n_choices)
        np.maximum.at(ends, program.part_node[part], inside // program.n_choices)
        never = windows.first >= T
        opened = windows.open | never | ~awaited
        last = np.where(loose & (never | ~awaited), T - 1, windows.last)
        last = np.where(opened, np.maximum(last, ends), last)
        if windows.free.any():
            ends = np.where(begun, np.maximum(ends, np.minimum(begins, T - 1)), T - 1)
            more = np.zeros(program.n_nodes, np.int64)
            more[tail[windows.free[head]]] = _REACH
            more[ends > begins] = _REACH
            near = np.where(loose, begins - more, np.minimum(begins, windows.first))
            first = np.maximum(first, np.minimum(near, windows.first))
            last = np.where(loose & opened & begun, np.minimum(last, ends + more), last)
        out = ~in_part
        first = np.where(out, schedule.step, first)
        last = np.where(out, schedule.step, np.minimum(last, T - 1))
        opened &= ~out
        gone = in_part & (first >= T)
        first[gone], last[gone], opened[gone] = T, T, False
        return Windows(first, last, opened)

    def _arc_columns(self, windows: Windows, places: Places) -> tuple[Integers, Integers]:
        """None: nodes wait for what is finished, not for what is taken; see ``_with_binaries``."""
        del windows, places
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    def _with_binaries(self, made: Subprogram, schedule: SpreadSchedule, windows: Windows) -> SpreadSubprogram:
        """A subprogram with the columns w, their chains, w <= c, and the arcs."""
        old, paces, places = made.program, made._windows, made._places  # noqa: SLF001
        tail, head, lag = self.arcs
        waits = paces.free[tail] & windows.free[head]
        tail, head, lag = tail[waits], head[waits], lag[waits]
        awaited = np.zeros(self.program.n_nodes, np.bool_)
        awaited[head] = True
        ends = Windows(
            np.where(awaited, windows.first, self.program.n_steps),
            np.where(awaited, windows.last, self.program.n_steps),
            windows.open & awaited,
        )
        own = places_of(ends)
        n_w = own.owner.size
        node = np.zeros(own.count, np.int64)
        node[own.slot[awaited]] = np.flatnonzero(awaited)
        chain = np.flatnonzero(own.owner[:-1] == own.owner[1:]) if n_w else np.zeros(0, np.int64)
        pace, _ = column_at(paces, places, node[own.owner], own.time)
        bound = np.flatnonzero(pace >= 0)
        begun, finished = _waiting(paces, places, ends, own, (tail, head, lag))
        less = np.concatenate([old.num_columns + chain, old.num_columns + bound, begun])
        more = np.concatenate([old.num_columns + chain + 1, pace[bound], old.num_columns + finished])
        count = np.arange(less.size)
        pairs = sparse.csr_array(
            (np.repeat([1.0, -1.0], less.size), (np.tile(count, 2), np.concatenate([less, more]))),
            shape=(less.size, old.num_columns + n_w),
        )
        wide = sparse.csr_array(
            (old.matrix.data, old.matrix.indices, old.matrix.indptr), shape=(old.num_rows, old.num_columns + n_w)
        )
        integer = old.integer.copy()
        integer[: made.binaries] = False
        program = Program(
            cost=np.concatenate([old.cost, np.zeros(n_w)]),
            lower=np.concatenate([old.lower, np.zeros(n_w)]),
            upper=np.concatenate([old.upper, np.ones(n_w)]),
            integer=np.concatenate([integer, np.ones(n_w, np.bool_)]),
            matrix=sparse.csr_array(sparse.vstack([wide, pairs])),
            row_lower=np.concatenate([old.row_lower, np.full(less.size, -np.inf)]),
            row_upper=np.concatenate([old.row_upper, np.zeros(less.size)]),
            maximise=True,
        )
        start = np.concatenate([made.start, (schedule.step[node[own.owner]] <= own.time).astype(np.float64)])
        given = {name: getattr(made, name) for name in made.__dataclass_fields__}
        return SpreadSubprogram(**{**given, "program": program, "start": start}, builder=self)


def _waiting(
    paces: Windows, places: Places, ends: Windows, own: Places, arcs: tuple[Integers, Integers, Integers]
) -> tuple[Integers, Integers]:
    """Columns of c of the tail and of w of the head of every arc and step that neither window decides.

    As c does not fall, of several that wait for one w only the last is kept.
    """
    tail, head, lag = arcs
    width = paces.widths[tail]
    which = np.repeat(np.arange(tail.size), width)
    step = np.arange(which.size) - np.repeat(np.cumsum(width) - width, width) + paces.first[tail[which]]
    begun = places.column[places.slot[tail[which]]] + step - paces.first[tail[which]]
    finished, _ = column_at(ends, own, head[which], step - lag[which])
    held = np.flatnonzero(finished >= 0)
    key = which[held] * np.int64(max(own.owner.size, 1)) + finished[held]
    # Columns of a tail ascend with the step, so the last of equal keys is the largest.
    kept = held[key.size - 1 - np.unique(key[::-1], return_index=True)[1]]
    return begun[kept], finished[kept]


def _value(pace: Floats, column: Integers, fixed: NDArray[np.bool_]) -> Floats:
    """Values of columns, or the constant in their place."""
    if not pace.size:
        return fixed.astype(np.float64)
    return np.where(column >= 0, pace[np.maximum(column, 0)], fixed.astype(np.float64))
