"""How early a node can be taken in a schedule: not before its cone has fitted into what can be moved by then.

The relaxation takes a hundredth of a node for a hundredth of its cone, a schedule takes all of the cone first. So the
earliest steps tighten the bound, and what they prove holds for schedules only.

Proof: add the rows of one capacity over the steps up to t, one row a step. What a part uses of them, whatever its
choice, is at least the smallest use it can have in any step in which its node may be taken. A node that is taken by the
end of t has had its whole cone taken by then; where that uses more than the sum of the limits, it is not taken by then.
Where a node may span several steps it is begun once its cone is finished: all of the cone but itself counts.

Source: the idea is that of the cumulative capacities of Rivera Letelier, Espinoza, Goycoolea, Moreno, Munoz 2020,
Operations Research 68:1425, section 5 (early start).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.capacities import capacities
from solvers.cones import CycleError, cone_sums
from solvers.ultimate_pit import ultimate_pit

if TYPE_CHECKING:
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

MOST_NODES = 150_000
"""Cones of more nodes take longer than the relaxation does."""
_MOST_COLUMNS = 32
"""Sums over cones that are made; of more those of the tightest capacities."""
_SLACK = 1e-6
"""Relative; a plan may use a limit up to the tolerance that plans are checked with."""


@dataclass(frozen=True, eq=False)
class _Cumulative:
    """A capacity summed over the steps.

    Attributes:
        use: Least use of every node, a column for each that differs ``(n, k)``.
        of_step: Column of each step ``(T,)``.
        limit: By the end of each step ``(T,)``.
        tightness: Largest share by which everything exceeds it.
    """

    use: Floats
    of_step: Integers
    limit: Floats
    tightness: float


def early_started(program: ClosureProgram, *, whole: bool) -> ClosureProgram:
    """The program with nodes that begin no earlier than they can in a schedule; itself where nothing is gained.

    Where it has an ultimate pit, what lies outside begins as before: it is never worth taking.

    Args:
        program: the program.
        whole: whether a schedule takes each node within one step.
    """
    pit = ultimate_pit(program)
    return _early_started(program, whole=whole) if pit is None else pit.program(_early_started(pit.within, whole=whole))


def _early_started(program: ClosureProgram, *, whole: bool) -> ClosureProgram:
    if not 0 < program.n_nodes <= MOST_NODES or not program.arc_tail.size:
        return program
    starts, steps = program.starts, np.arange(1, program.n_steps + 1)
    binding = _binding(program, starts)
    if not binding:
        return program
    columns = np.hstack([each.use for each in binding])
    try:
        sums = cone_sums(program.arc_tail, program.arc_head, columns)
    except CycleError:
        return program
    if not whole:
        sums -= columns
    earliest = starts.copy()
    ends = np.cumsum([each.use.shape[1] for each in binding])
    for each, of_capacity in zip(binding, np.split(sums, ends[:-1], axis=1), strict=True):
        beyond = of_capacity[:, each.of_step] > each.limit * (1.0 + _SLACK)
        earliest = np.maximum(earliest, np.where(beyond, steps, 0).max(axis=1))
    return program if np.array_equal(earliest, starts) else replace(program, first_step=earliest)


def _binding(program: ClosureProgram, starts: Integers) -> list[_Cumulative]:
    """Capacities that do not hold everything, the tightest first, as many as there is time for."""
    found = []
    for capacity in capacities(program):
        use, limit = _least_so_far(capacity.use, starts), np.cumsum(capacity.limit)
        excess = use.sum(axis=0) - limit
        if (excess > 0).any():
            distinct, of_step = np.unique(use, axis=1, return_inverse=True)
            tightness = float((excess / np.maximum(limit, 1e-9)).max())
            found.append(_Cumulative(distinct, of_step.reshape(-1), limit, tightness))
    found.sort(key=lambda each: -each.tightness)
    sizes = np.cumsum([each.use.shape[1] for each in found])
    return found[: max(int((sizes <= _MOST_COLUMNS).sum()), 1)]


def _least_so_far(use: Floats, starts: Integers) -> Floats:
    """Least use of every node in the steps from its start to each step ``(n, T)``; before its start that of its start.

    What a node would use before its start counts for no node that could be taken by then.
    """
    steps = np.arange(use.shape[1])
    counted = np.where(steps >= starts[:, None], use, np.inf)
    least = np.minimum.accumulate(counted, axis=1)
    first = np.take_along_axis(use, np.minimum(starts, use.shape[1] - 1)[:, None], axis=1)
    return np.asarray(np.where(np.isinf(least), first, least))
