"""Schedules made a few steps at a time, the relaxation solved again for what is left after them.

The relaxation opens a hundredth of every cone at the same time, a schedule a few of them. A schedule rounded from one
point of it loses most of its worth by that: what it takes in the first steps is not what the point counted on later.
So the first steps of a rounded schedule are kept, and the relaxation is solved again for all that is left, from what
has been opened by then. It need not be solved precisely, and begins with the classes that it ended with before.

Every point gives a whole schedule, so that it can be left off at any time.

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
from solvers.early_start import early_started
from solvers.relaxation import StopRule, solve_relaxation
from solvers.relaxation.partition import Partition
from solvers.relaxation.program import ClosureProgram
from solvers.rounding import placed
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from solvers.relaxation.program import Integers

    Mask = NDArray[np.bool_]

_GAP = 5e-3
"""Relative gap of the relaxations: far less than rounding loses."""
_STEPS_A_STEP = 8
"""Steps settled by then for each that is settled at once, beside the first: later ones matter less."""


@dataclass(frozen=True, eq=False)
class _Rest:
    """What is left of a program after its first steps.

    Attributes:
        program: Of the nodes and steps left.
        nodes: Number in the whole of every node left ``(k,)``, ascending.
        parts: The same of its parts.
        begin: Its first step in the whole.
    """

    program: ClosureProgram
    nodes: Integers
    parts: Integers
    begin: int

    @classmethod
    def all_of(cls, program: ClosureProgram) -> _Rest:
        """Nothing settled."""
        return cls(program, np.arange(program.n_nodes), np.arange(program.n_parts), 0)

    def after(self, steps: int, schedule: Schedule) -> tuple[_Rest, Mask, Mask]:
        """What is left once the first steps of a schedule of it are settled; which nodes and parts of it are."""
        program, D, T = self.program, self.program.n_choices, self.program.n_steps
        kept = schedule.step >= steps
        of_parts = kept[program.part_node]
        nodes, parts = np.flatnonzero(kept), np.flatnonzero(of_parts)
        number = np.cumsum(kept) - 1
        arcs = kept[program.arc_tail] & kept[program.arc_head]
        cells = ((parts[:, None] * T + np.arange(steps, T))[:, :, None] * D + np.arange(D)).ravel()
        settled = Schedule(np.where(kept, T, schedule.step), schedule.share, schedule.extras)
        rest = ClosureProgram(
            n_nodes=nodes.size,
            n_steps=T - steps,
            arc_tail=number[program.arc_tail[arcs]],
            arc_head=number[program.arc_head[arcs]],
            part_node=number[program.part_node[parts]],
            value=program.value[parts, steps:],
            rows=sparse.csr_array(program.rows_transposed[cells].T),
            row_lower=program.row_lower,
            row_upper=np.maximum(program.row_upper - settled.activity(program), 0.0),
            first_step=np.maximum(program.starts[nodes] - steps, 0),
            allowed=None if program.allowed is None else program.allowed[parts, steps:],
        )
        rest = early_started(rest, whole=True)
        return _Rest(rest, self.nodes[nodes], self.parts[parts], self.begin + steps), kept, of_parts

    def put_into(self, whole: Schedule, schedule: Schedule, never: int) -> Schedule:
        """A schedule of the whole with what is left done as a schedule of that says."""
        step, share = whole.step.copy(), whole.share.copy()
        step[self.nodes] = np.where(schedule.step < self.program.n_steps, schedule.step + self.begin, never)
        share[self.parts] = schedule.share
        return Schedule(step, share, whole.extras)


def can_be_rolled(program: ClosureProgram) -> bool:
    """Whether every side row is a capacity and there is nothing but nodes, without lags."""
    return not program.n_extras and not program.lags.any() and all_capacities(program)


def rolled(
    program: ClosureProgram, schedule: Schedule, partition: Partition | None, *, late: Callable[[], bool]
) -> Iterator[tuple[int, Schedule]]:
    """Whole schedules, one after each relaxation, with the number of steps that are settled.

    Deterministic unless it gets late.

    Args:
        program: The program, as ``can_be_rolled``.
        schedule: Rounded from a point of its relaxation.
        partition: The classes of that; None where they are not known. Those of a case that decides of nodes are not
            begun with where these begin later in it.
        late: Asked again and again; once true nothing more is done.
    """
    rest, whole = _Rest.all_of(program), schedule
    while True:
        steps = _settled_next(rest.begin)
        if rest.begin + steps >= program.n_steps or late():
            return
        rest, nodes, parts = rest.after(steps, schedule)
        if late() or not (rest.program.starts < rest.program.n_steps).any():
            return
        begin = None if partition is None else _of_rest(partition, nodes, parts, steps)
        if begin is not None and not _begins_no_later(begin, rest.program):
            begin = None
        found = solve_relaxation(rest.program, StopRule(_GAP, interrupted=late), begin=begin)
        if found.x is None or late():
            return
        made = placed(rest.program, found.x, np.zeros(0), late=late)
        schedule = max((one for _, one in made), key=lambda one: one.objective(rest.program))
        whole, partition = rest.put_into(whole, schedule, program.n_steps), found.partition
        yield rest.begin, whole


def relaxations_left(settled: int, steps: int) -> int:
    """How many relaxations ``rolled`` solves after so many of the steps are settled."""
    count = 0
    while (settled := settled + _settled_next(settled)) < steps:
        count += 1
    return count


def _settled_next(settled: int) -> int:
    """Steps settled at once after so many."""
    return 1 + settled // _STEPS_A_STEP


def _begins_no_later(partition: Partition, program: ClosureProgram) -> bool:
    """Whether every node has a class in all steps in which the program may take it."""
    is_open = partition.node_labels > 0
    first = np.where(is_open.any(axis=1), is_open.argmax(axis=1), program.n_steps)
    return bool((first[partition.node_profile] <= program.starts).all())


def _of_rest(partition: Partition, nodes: Mask, parts: Mask, steps: int) -> Partition:
    """Classes of what is left after some steps."""
    return Partition(
        partition.n_classes,
        partition.node_profile[nodes],
        partition.node_labels[:, steps:],
        partition.part_profile[parts],
        partition.part_labels[:, steps:],
    )
