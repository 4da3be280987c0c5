"""Windows: the steps that every node may be moved to while a part of the schedule is decided again.

A node with window [first, last] is taken in one of these steps; an open window also allows it to be never taken. A node
that keeps its step has the window [step, step]. Windows are propagated along the arcs before a program is made of them,
so that no column is spent on a step that a neighbour rules out; the schedule they start from stays inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.grouped import Groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.relaxation.program import Floats, Integers

_TOUCHED = 1e-6


@dataclass(frozen=True, eq=False)
class Windows:
    """A window for every node.

    Attributes:
        first: First step allowed ``(n,)``; T where the node stays untaken.
        last: Last step allowed ``(n,)``.
        open: Whether the node may also be never taken ``(n,)``.
        group: Nodes with the same number move together ``(n,)``; they share one window. None where each moves alone.
    """

    first: Integers
    last: Integers
    open: NDArray[np.bool_]
    group: Integers | None = None

    @property
    def widths(self) -> Integers:
        """Binary columns each node would have by itself ``(n,)``, 0 for nodes that keep their step."""
        return np.asarray(np.maximum(self.last - self.first + self.open, 0), dtype=np.int64)

    @property
    def free(self) -> NDArray[np.bool_]:
        """Nodes with more than one way to go ``(n,)``."""
        return self.widths > 0


def kept(step: Integers) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """First, last and open of windows that keep every node where it is."""
    return step.copy(), step.copy(), np.zeros(step.size, np.bool_)


def touched(taken: Floats, arcs: tuple[Integers, Integers, Integers], earliest: Integers) -> Windows:
    """Windows of the steps in which a point of the relaxation takes any of a node, propagated.

    They hold the schedule that takes each node once half of it is taken. Nodes that the point takes in part may be left
    untaken; those it takes nothing of stay so.

    Args:
        taken: How much of each node is taken by the end of each step ``(n, T)``; it keeps the arcs.
        arcs: Tail, head and lag.
        earliest: First step of every node ``(n,)``.
    """
    steps = taken.shape[1]
    first, last = (taken <= _TOUCHED).sum(axis=1), (taken < 1.0 - _TOUCHED).sum(axis=1)
    never, doubtful = first >= steps, last >= steps
    ends = np.where(never, steps, np.minimum(last, steps - 1))
    return propagated(Windows(first, ends, doubtful & ~never), steps, arcs, earliest)


def propagated(windows: Windows, steps: int, arcs: tuple[Integers, Integers, Integers], earliest: Integers) -> Windows:
    """The windows without steps that the arcs rule out.

    Args:
        windows: Windows that hold a schedule which keeps the arcs.
        steps: T.
        arcs: Tail, head and lag.
        earliest: First step of every node ``(n,)``.
    """
    # Nodes that keep their step hold all arcs between them already: only arcs at a free node can take something away.
    concerned = windows.free[arcs[0]] | windows.free[arcs[1]]
    tail, head, lag = (side[concerned] for side in arcs)
    first, last, opened = windows.first.copy(), windows.last.copy(), windows.open.copy()
    first = np.where(first < steps, np.maximum(first, earliest), first)
    by_tail, by_head = Groups(tail), Groups(head)
    while True:
        before = (first.copy(), last.copy(), opened.copy())
        by_tail.raise_to(first, np.minimum(first[head] + lag, steps))
        _close_what_ends(first, last, opened, steps)
        # What has to be taken takes what it needs with it.
        closed = ~opened[tail] & (first[tail] < steps)
        by_head.lower_to(last, np.where(closed, last[tail] - lag, last[head]))
        opened[head[closed]] = False
        if windows.group is not None:
            _share(first, last, opened, windows.group, steps)
        if all(np.array_equal(old, new) for old, new in zip(before, (first, last, opened), strict=True)):
            return Windows(first, last, opened, windows.group)


def _close_what_ends(first: Integers, last: Integers, opened: NDArray[np.bool_], steps: int) -> None:
    """An open window that has no step left is a node never taken."""
    gone = (opened & (first > last)) | (first >= steps)
    first[gone] = steps
    last[gone] = steps
    opened[gone] = False


def _share(first: Integers, last: Integers, opened: NDArray[np.bool_], group: Integers, steps: int) -> None:
    """Gives all nodes of a group the window that they have in common."""
    count = int(group.max(initial=-1)) + 1
    low = np.zeros(count, first.dtype)
    np.maximum.at(low, group, first)
    high = np.full(count, np.iinfo(last.dtype).max, last.dtype)
    np.minimum.at(high, group, last)
    both = np.ones(count, np.bool_)
    np.logical_and.at(both, group, opened)
    first[:], last[:], opened[:] = low[group], high[group], both[group]
    _close_what_ends(first, last, opened, steps)
