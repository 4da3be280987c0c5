"""A bound by cases that together hold every schedule, each with multipliers of its own.

Some of the continuous variables of a program stand for decisions that are 0 or 1 and switch at most once in a run of
them (a *chain*): the first k are 1 and the others 0, or the other way round. The number k says it all. A *leaf* limits
the k of every chain to a range, which fixes some variables at 0 or 1; inside it the multipliers of the leaf prove a
bound. Where every combination of k lies in some leaf, the largest bound of the leaves bounds the whole.

A leaf may also say of some nodes whether they are taken by the end of a step. Taken is one more side row, which has a
multiplier; not taken leaves the node, and all that needs it, no step up to then. A schedule takes a node whole, so it
lies on one side or the other, where a point of the relaxation lies between. The leaves of the same ranges then have to
be those of a tree in which every fork asks about one node and step.

Source: Land and Doig (1960), "An automatic method of solving discrete programming problems", Econometrica 28:497; the
bound in each leaf is that of ``bound.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from scipy import sparse

from solvers.closure import PseudoflowKernel
from solvers.relaxation.bound import bound_from_multipliers, proves_infeasible
from solvers.relaxation.pricing import bracketed_bound
from solvers.threads import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from solvers.closure import KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

Ranges = tuple[tuple[int, int], ...]
"""Smallest and largest k of every chain, both included."""


class Decision(NamedTuple):
    """Whether a node is taken, all of it, by the end of a step."""

    node: int
    step: int
    taken: bool


Decisions = tuple[Decision, ...]
_Forks: TypeAlias = "tuple[_Forks, Decision] | None"
"""Forks one after another, the last one last."""
_LARGE = 1_000_000
"""Nodes times steps of which one graph at a time is enough memory."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Continuous variables of which the first k have one value and the others the other.

    Attributes:
        index: Their numbers among the continuous variables ``(T,)``, in order.
        falling: Whether the first k are 1 and the others 0; else the first k are 0 and the others 1.
    """

    index: Integers
    falling: bool

    def switch(self, extras: Floats) -> float:
        """The k that values of the continuous variables come to, a fraction where they are."""
        ones = float(extras[self.index].sum())
        return ones if self.falling else self.index.size - ones


@dataclass(frozen=True, eq=False)
class Leaf:
    """A case and what is proven of it.

    Attributes:
        ranges: Smallest and largest k of every chain.
        multipliers: One a side row, then one a decision that a node is taken ``(M + taken,)``.
        bound: No point of the case is worth more; -inf where the multipliers prove that it has none.
        decisions: Of nodes, in the order of the forks that lead here.
    """

    ranges: Ranges
    multipliers: Floats
    bound: float
    decisions: Decisions = ()


def every_case(chains: Sequence[Chain]) -> Ranges:
    """The ranges that hold every combination."""
    return tuple((0, chain.index.size) for chain in chains)


def in_case(
    program: ClosureProgram,
    chains: Sequence[Chain],
    ranges: Ranges,
    decisions: Decisions = (),
    *,
    whole: bool = True,
) -> ClosureProgram | None:
    """The program of a case; None where its own bounds or first steps leave no point of it.

    Args:
        program: The program of every case.
        chains: Its switching variables.
        ranges: Of the case. Of a range that reaches below 0, or beyond the length of its chain, what lies inside
            counts.
        decisions: Of the case, about nodes that have parts and steps of the program. A side row is added for each that
            says taken, in their order.
        whole: Whether a schedule takes each node within one step. Else a node not taken by then may be begun, and what
            needs it may not.
    """
    lower, upper = program.extra_lower.copy(), program.extra_upper.copy()
    for chain, (low, high) in zip(chains, ranges, strict=True):
        # A negative number would count from the end of the chain.
        least, most = max(low, 0), max(high, 0)
        first, last = chain.index[:least], chain.index[most:]
        lower[first] = np.maximum(lower[first], 1.0 if chain.falling else 0.0)
        upper[first] = np.minimum(upper[first], 1.0 if chain.falling else 0.0)
        lower[last] = np.maximum(lower[last], 0.0 if chain.falling else 1.0)
        upper[last] = np.minimum(upper[last], 0.0 if chain.falling else 1.0)
    if (lower > upper).any():
        return None
    boxed = replace(program, extra_lower=lower, extra_upper=upper) if chains else program
    return _decided(boxed, decisions, whole=whole) if decisions else boxed


def _decided(program: ClosureProgram, decisions: Decisions, *, whole: bool) -> ClosureProgram | None:
    """The program with decisions about nodes; None where a node taken by a step cannot be begun by then."""
    first = program.starts.copy()
    for node, step, taken in decisions:
        if taken:
            continue
        if whole:
            first[node] = max(first[node], step + 1)
        needing = program.arc_head == node
        tails = program.arc_tail[needing]
        first[tails] = np.maximum(first[tails], step + 1 + program.lags[needing])
    first = np.minimum(first, program.n_steps)
    decided = replace(program, first_step=first)
    asked = [(node, step) for node, step, taken in decisions if taken]
    if not asked:
        return decided
    if any(decided.starts[node] > step for node, step in asked):
        return None
    extent = program.n_steps * program.n_choices
    begin = program.first_part[[node for node, _ in asked]] * extent
    size = np.array([(step + 1) * program.n_choices for _, step in asked])
    columns = np.concatenate([np.arange(start, start + count) for start, count in zip(begin, size, strict=True)])
    ends = np.concatenate([[0], np.cumsum(size)])
    rows = sparse.csr_array((np.ones(columns.size), columns, ends), shape=(len(asked), program.n_parts * extent))
    none = sparse.csr_array((len(asked), program.n_extras))
    return replace(
        decided,
        rows=sparse.csr_array(sparse.vstack([program.rows, rows], format="csr")),
        row_lower=np.append(program.row_lower, np.ones(len(asked))),
        row_upper=np.append(program.row_upper, np.full(len(asked), np.inf)),
        extra_rows=sparse.csr_array(sparse.vstack([program.extras_matrix, none], format="csr")),
    )


def leaf_bound(
    program: ClosureProgram,
    chains: Sequence[Chain],
    leaf: Leaf,
    kernel: KernelFactory = PseudoflowKernel,
    *,
    whole: bool = True,
    bracketed: bool = False,
) -> float:
    """The bound that a leaf's multipliers prove, by a closure a step; -inf for a case without a point.

    A leaf that claims no point is taken at its word only where its multipliers prove it; otherwise its bound is
    whatever they come to, looked at no closer than to see that it is no larger than claimed. ``whole`` is that of
    ``in_case``. ``bracketed`` is for whoever makes a certificate (``bracketed_bound``); whoever checks one wants as few
    steps between the multipliers and the bound as there can be.

    Raises:
        MultiplierError: Wrong length, or not finite.
    """
    case = in_case(program, chains, leaf.ranges, leaf.decisions, whole=whole)
    if case is None:
        return -np.inf
    if leaf.bound == -np.inf and proves_infeasible(case, leaf.multipliers, kernel):
        return -np.inf
    recomputed = bracketed_bound if bracketed else bound_from_multipliers
    return recomputed(case, leaf.multipliers, kernel, enough=leaf.bound)


def leaf_bounds(
    program: ClosureProgram,
    chains: Sequence[Chain],
    leaves: Sequence[Leaf],
    kernel: KernelFactory = PseudoflowKernel,
    *,
    whole: bool = True,
    bracketed: bool = False,
) -> list[float]:
    """``leaf_bound`` of each leaf, several at the same time on several cores where their graphs are not too large.

    Raises:
        MultiplierError: Wrong length, or not finite.
    """
    small = program.n_nodes * program.n_steps <= _LARGE

    def bound(leaf: Leaf) -> float:
        return leaf_bound(program, chains, leaf, kernel, whole=whole, bracketed=bracketed)

    return each(bound, leaves, 0 if small else 1)


def complete_ranges(leaves: Iterable[tuple[Ranges, Decisions]]) -> list[Ranges]:
    """The ranges of which leaves hold every schedule, whatever it takes by when."""
    decided: dict[Ranges, list[Decisions]] = {}
    for ranges, decisions in leaves:
        decided.setdefault(ranges, []).append(decisions)
    return [ranges for ranges, paths in decided.items() if missing_decisions(paths) is None]


def missing_decisions(paths: Sequence[Decisions]) -> Decisions | None:
    """Decisions that lead to none of the paths; None where the paths are those of a whole tree, or more."""
    left: list[tuple[_Forks, int, Sequence[Decisions]]] = [(None, 0, paths)]
    while left:
        before, depth, here = left.pop()
        if not here:
            return _in_order(before)
        if any(len(path) == depth for path in here):
            continue
        node, step, _ = here[0][depth]
        for taken in (False, True):
            fork = Decision(node, step, taken)
            left.append(((before, fork), depth + 1, [path for path in here if path[depth] == fork]))
    return None


def _in_order(forks: _Forks) -> Decisions:
    """The decisions of forks, the first one first."""
    decisions: list[Decision] = []
    while forks is not None:
        forks, last = forks
        decisions.append(last)
    return tuple(reversed(decisions))


def missing_case(sizes: Sequence[int], covered: Sequence[Ranges]) -> tuple[int, ...] | None:
    """A combination, one k in 0..size for every chain, that no ranges hold; None where every one is held.

    What is left over is kept as disjoint boxes; each box of the cover is cut out of all of them in turn.
    """
    left: list[Ranges] = [tuple((0, size) for size in sizes)]
    for box in covered:
        left = [piece for whole in left for piece in _cut_out(whole, box)]
    return tuple(low for low, _ in left[0]) if left else None


def _cut_out(whole: Ranges, box: Ranges) -> list[Ranges]:
    """Disjoint boxes that hold what is in ``whole`` and not in ``box``."""
    if any(max(a, c) > min(b, d) for (a, b), (c, d) in zip(whole, box, strict=True)):
        return [whole]
    pieces, inside = [], list(whole)
    for axis, ((a, b), (c, d)) in enumerate(zip(whole, box, strict=True)):
        for low, high in ((a, c - 1), (d + 1, b)):
            if low <= high:
                pieces.append((*inside[:axis], (low, high), *inside[axis + 1 :]))
        inside[axis] = (max(a, c), min(b, d))
    return pieces
