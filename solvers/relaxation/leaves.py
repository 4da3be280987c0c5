"""A bound by cases: boxes of switching variables that together hold every case, each with multipliers of its own.

Some of the continuous variables of a program stand for decisions that are 0 or 1 and switch at most once in a run of
them (a *chain*): the first k are 1 and the others 0, or the other way round. The number k says it all. A *leaf* limits
the k of every chain to a range, which fixes some variables at 0 or 1; inside it the multipliers of the leaf prove a
bound. Where every combination of k lies in some leaf, the largest bound of the leaves bounds the whole.

Source: Land and Doig (1960), "An automatic method of solving discrete programming problems", Econometrica 28:497; the
bound in each leaf is that of ``bound.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import PseudoflowKernel
from solvers.relaxation.bound import bound_from_multipliers, proves_infeasible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from solvers.closure import KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

Ranges = tuple[tuple[int, int], ...]
"""Smallest and largest k of every chain, both included."""


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
        multipliers: One a side row ``(M,)``.
        bound: No point of the case is worth more; -inf where the multipliers prove that it has none.
    """

    ranges: Ranges
    multipliers: Floats
    bound: float


def every_case(chains: Sequence[Chain]) -> Ranges:
    """The ranges that hold every combination."""
    return tuple((0, chain.index.size) for chain in chains)


def in_case(program: ClosureProgram, chains: Sequence[Chain], ranges: Ranges) -> ClosureProgram | None:
    """The program with the variables that the ranges fix; None where its own bounds leave no point of the case.

    Of a range that reaches below 0, or beyond the length of its chain, what lies inside counts.
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
    return replace(program, extra_lower=lower, extra_upper=upper)


def leaf_bound(
    program: ClosureProgram, chains: Sequence[Chain], leaf: Leaf, kernel: KernelFactory = PseudoflowKernel
) -> float:
    """The bound that a leaf's multipliers prove, by one closure; -inf for a case without a point.

    A leaf that claims no point is taken at its word only where its multipliers prove it; otherwise its bound is
    whatever they come to.

    Raises:
        MultiplierError: Wrong length, or not finite.
    """
    case = in_case(program, chains, leaf.ranges)
    if case is None:
        return -np.inf
    if leaf.bound == -np.inf and proves_infeasible(case, leaf.multipliers, kernel):
        return -np.inf
    return bound_from_multipliers(case, leaf.multipliers, kernel)


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
