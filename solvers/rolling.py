"""Schedules made a few steps at a time, the relaxation solved again for what is left after them.

The relaxation opens a hundredth of every cone at the same time, a schedule a few of them. A schedule rounded from one
point of it loses most of its worth by that: what it takes in the first steps is not what the point counted on later.
So the first steps alone are rounded and kept, and the relaxation is solved again for all that is left, from what has
been opened by then. It need not be solved precisely, begins with the classes that it ended with before, and takes later
steps together, ever more of them: when exactly in the far future a node is taken matters little now.

Source: the sliding time window heuristic of Cullenbine, Wood, Newman (2011), "A sliding time window heuristic for open
pit mine block sequencing", Optimization Letters 5:365, in which the steps of a window are decided by integer programs
and later ones by a relaxation; here rounding decides, and the relaxation is that of all steps left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.capacities import all_capacities
from solvers.relaxation import StopRule, solve_relaxation
from solvers.relaxation.diving import reached
from solvers.relaxation.parametric import find_families
from solvers.relaxation.partition import Partition
from solvers.relaxation.program import ClosureProgram
from solvers.rounding import placed
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from solvers.relaxation.parametric import Family
    from solvers.relaxation.program import Floats, Integers

    Mask = NDArray[np.bool_]

_GAP = 5e-3
"""Relative gap of the relaxations: far less than rounding loses."""
_STEPS_A_STEP = 8
"""Steps settled by then for each that is settled at once, beside the first: later ones matter less."""
_APART, _LONGER = 3, 1.5
"""Steps after those settled next that stay apart, and by how much each span of the later ones is longer than the one
before."""
_TAKEN = 1e-6


def can_be_rolled(program: ClosureProgram) -> bool:
    """Whether every side row is the capacity of a step, alike in all steps, and there is nothing but nodes, no lags.

    Capacities of zero, or of fewer than half of the steps, are not looked at as such.
    """
    if program.n_extras or program.lags.any() or not all_capacities(program):
        return False
    limits = np.diff(program.rows.indptr) > 0
    for family in find_families(program):
        limits[family.row_of_step[family.row_of_step >= 0]] = False
    return not bool((limits & np.isfinite(program.row_upper)).any())


def rolled(
    program: ClosureProgram,
    x: Floats,
    partition: Partition | None,
    *,
    goes_on: Callable[[int], bool],
    interrupted: Callable[[], bool] = lambda: False,
) -> Schedule | None:
    """A schedule, rounded and relaxed again by turns; None where it was left off.

    Deterministic unless it is left off.

    Args:
        program: The program, as ``can_be_rolled``.
        x: A point of its relaxation ``(P, T, D)``.
        partition: The classes of that; None where they are not known.
        goes_on: Told how many steps are settled before every relaxation; False leaves it off.
        interrupted: Asked again and again; true leaves it off.
    """
    families, T = find_families(program), program.n_steps
    schedule = Schedule(
        np.full(program.n_nodes, T, np.int64), np.zeros((program.n_parts, program.n_choices)), np.zeros(0)
    )
    rest = _Rest.all_of(program, families)
    while True:
        steps = min(_settled_next(rest.begin), T - rest.begin)
        kept = rest.settle(schedule, x, steps)
        begin = rest.begin + steps
        if begin >= T or not kept.any():
            return schedule
        if interrupted() or not goes_on(begin):
            return None
        rest, before = _Rest.after(program, families, rest.nodes[kept], begin), rest
        if not (rest.program.starts < rest.program.n_steps).any():
            return schedule
        classes = None if partition is None else rest.classes(partition, before)
        found = solve_relaxation(rest.program, StopRule(_GAP, interrupted=interrupted), begin=classes)
        if found.x is None or interrupted():
            return None
        x, partition = found.x, found.partition


def relaxations_left(settled: int, steps: int) -> int:
    """How many relaxations ``rolled`` has still to solve once so many of the steps are settled."""
    count = 0
    while settled < steps:
        settled += _settled_next(settled)
        count += 1
    return count


@dataclass(frozen=True, eq=False)
class _Rest:
    """What is left of a program once its first steps are settled.

    Attributes:
        whole: The program.
        families: Its capacities.
        nodes: Number in the whole of every node left ``(k,)``, ascending.
        parts: The same of its parts.
        begin: Its first step in the whole.
        ends: The step after each of its spans, from ``begin`` on ``(G,)``: a step of its program each.
        program: Of the nodes and spans left.
    """

    whole: ClosureProgram
    families: Sequence[Family]
    nodes: Integers
    parts: Integers
    begin: int
    ends: Integers
    program: ClosureProgram

    @classmethod
    def all_of(cls, program: ClosureProgram, families: Sequence[Family]) -> _Rest:
        """Nothing settled, all steps apart."""
        nodes, parts, ends = np.arange(program.n_nodes), np.arange(program.n_parts), np.arange(1, program.n_steps + 1)
        return cls(program, families, nodes, parts, 0, ends, program)

    @classmethod
    def after(cls, program: ClosureProgram, families: Sequence[Family], nodes: Integers, begin: int) -> _Rest:
        """Some nodes left once so many steps are settled, with later steps in spans."""
        ends = _spans(program.n_steps - begin, _settled_next(begin) + _APART)
        return cls._of(program, families, nodes, begin, ends)

    @classmethod
    def _of(
        cls, program: ClosureProgram, families: Sequence[Family], nodes: Integers, begin: int, ends: Integers
    ) -> _Rest:
        kept = np.zeros(program.n_nodes, np.bool_)
        kept[nodes] = True
        parts, number = np.flatnonzero(kept[program.part_node]), np.cumsum(kept) - 1
        arcs = kept[program.arc_tail] & kept[program.arc_head]
        value, allowed = _of_spans(program, parts, begin, ends)
        rows, limits = _capacities_of_spans(families, (parts, begin, ends), program.n_choices)
        starts = np.maximum(program.starts[nodes] - begin, 0)
        cut = ClosureProgram(
            n_nodes=nodes.size,
            n_steps=ends.size,
            arc_tail=number[program.arc_tail[arcs]],
            arc_head=number[program.arc_head[arcs]],
            part_node=number[program.part_node[parts]],
            value=value,
            rows=rows,
            row_lower=np.full(limits.size, -np.inf),
            row_upper=limits,
            first_step=np.searchsorted(ends, starts, side="right"),
            allowed=allowed,
        )
        return cls(program, families, nodes, parts, begin, ends, cut)

    def settle(self, schedule: Schedule, x: Floats, steps: int) -> Mask:
        """Takes in the next steps what a point of the program has taken most of, as there is room.

        Args:
            schedule: Of the whole, which it is written to.
            x: The point ``(parts, G, D)``; the steps are spans by themselves.
            steps: How many.

        Returns:
            Which of the nodes are still left.
        """
        some = np.bincount(self.program.part_node, x[:, :steps].sum(axis=(1, 2)), self.nodes.size) > _TAKEN
        # Nodes without parts among what these need are in no point.
        arcs, k = (self.program.arc_tail, self.program.arc_head), self.nodes.size
        some = reached(sparse.csr_array((np.ones(arcs[0].size, np.int8), arcs), shape=(k, k)), some)
        own, among = x[some[self.program.part_node], :steps], np.flatnonzero(some)
        front = self._of(self.whole, self.families, self.nodes[among], self.begin, np.arange(1, steps + 1))
        # Moving nodes would leave out all that opens what is taken later.
        made = [one for _, one in placed(front.program, own, np.zeros(0), passes=0)]
        best = max(made, key=lambda one: one.objective(front.program))
        now = best.step < steps
        schedule.step[front.nodes[now]] = best.step[now] + self.begin
        of_now = now[front.program.part_node]
        schedule.share[front.parts[of_now]] = best.share[of_now]
        left = np.ones(self.nodes.size, np.bool_)
        left[among[now]] = False
        return left

    def classes(self, partition: Partition, before: _Rest) -> Partition | None:
        """Classes of the program it was cut from as classes of its own.

        None where a node may begin in a span before they do, as after decisions about it, and where choices are not
        allowed: their classes differ from step to step.
        """
        if self.whole.open_choices is not None:
            return None
        nodes, parts = np.isin(before.nodes, self.nodes), np.isin(before.parts, self.parts)
        span = np.searchsorted(before.ends + before.begin, self.ends + self.begin)
        labels = partition.node_labels[:, span]
        is_open = labels > 0
        first = np.where(is_open.any(axis=1), is_open.argmax(axis=1), self.ends.size)
        if (first[partition.node_profile[nodes]] > self.program.starts).any():
            return None
        return Partition(
            partition.n_classes,
            partition.node_profile[nodes],
            labels,
            partition.part_profile[parts],
            partition.part_labels[:, span],
        )


def _settled_next(settled: int) -> int:
    """Steps settled at once after so many."""
    return 1 + settled // _STEPS_A_STEP


def _spans(steps: int, apart: int) -> Integers:
    """Ends of spans that steps are taken together in: some by themselves, then ever longer ones."""
    ends, longest = list(range(1, min(apart, steps) + 1)), 1.0
    while ends[-1] < steps:
        longest *= _LONGER
        ends.append(min(ends[-1] + int(longest), steps))
    return np.array(ends)


def _of_spans(program: ClosureProgram, parts: Integers, begin: int, ends: Integers) -> tuple[Floats, Mask | None]:
    """Mean value of every choice of some parts in each span ``(parts, G, D)``, and which may be made in one.

    The mean over the steps in which the choice may be made, from the first step of the node on.
    """
    starts, until = np.append(0, ends[:-1]), begin + int(ends[-1])
    usable = (np.arange(begin, until) >= program.starts[program.part_node[parts], None])[:, :, None]
    if program.allowed is not None:
        usable = usable & program.allowed[parts, begin:until]
    count = np.add.reduceat(usable, starts, axis=1, dtype=np.int64)
    total = np.add.reduceat(np.where(usable, program.value[parts, begin:until], 0.0), starts, axis=1)
    return total / np.maximum(count, 1), None if program.allowed is None else count > 0


def _capacities_of_spans(
    families: Sequence[Family], left: tuple[Integers, int, Integers], n_choices: int
) -> tuple[sparse.csr_array, Floats]:
    """Side rows of some parts, a capacity of all steps of a span each, and their limits.

    Args:
        families: The capacities.
        left: The parts, the first step, and the ends of the spans.
        n_choices: D.
    """
    parts, begin, ends = left
    starts, G = np.append(0, ends[:-1]), ends.size
    row, column, amount = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    limits: list[float] = []
    for family in families:
        part, choice = np.nonzero(family.use[parts])
        used = family.use[parts[part], choice]
        room = np.add.reduceat(family.capacity[begin : begin + int(ends[-1])], starts)
        for span in np.flatnonzero(np.isfinite(room)).tolist():
            row.append(np.full(part.size, len(limits)))
            column.append((part * G + span) * n_choices + choice)
            amount.append(used)
            limits.append(float(room[span]))
    entries = (np.concatenate(amount), (np.concatenate(row), np.concatenate(column)))
    shape = (len(limits), parts.size * G * n_choices)
    return sparse.csr_array(sparse.coo_array(entries, shape=shape)), np.array(limits)
