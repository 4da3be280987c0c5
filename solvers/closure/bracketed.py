"""Maximum closures between closures of other weights: what is sure to be in, or out, is left out of the graph.

Let S be a maximum closure for weights v, and k > 0.

- If w(b) <= k v(b) for every node b outside of S, a maximum closure for w lies within S. What a closure C has outside
  of S, O, is worth v(O) = v(S with O) - v(S) <= 0, so w(O) <= k v(O) <= 0, and C without O is a closure.
- If w(b) >= k v(b) for every node b of S, a maximum closure for w contains S. What a closure C lacks of S, I, is worth
  v(I) = v(S) - v(S without I) >= 0, as S without I is a closure, so w(I) >= k v(I) >= 0, and C with I is a closure.

Neither step makes any closure worse, so that many of them hold together: the maximum lies within the intersection A of
the first kind of sets, and contains what the union of the second kind has in A. Where w misses an inequality by a
little, w(O) or w(I) errs by no more than the sum of what is missed: with that sum added, the value stays an upper
bound. So weights that are multiples of each other but for rounding, as those of steps in which nothing binds, count.

The weights of the steps of a mine are such neighbours: those of step t are worth * (d_t - d_{t+1}) less use * (l_t -
l_{t+1}) at multipliers l, and where one resource binds, the ratio of the two alone orders the closures. Steps in the
order of bisection then cost about log2(T) closures of the whole graph instead of T.

Source: Picard (1976) for closures nested under weights that rise in every node; Gallo, Grigoriadis, Tarjan (1989), "A
fast parametric maximum flow algorithm", SIAM Journal on Computing 18:30. Factor, one-sided tests and slack are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure.kernel import Closure, checked_weights, closure_graph, graph_within
from solvers.closure.pseudoflow import PseudoflowKernel
from solvers.threads import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from solvers.closure.kernel import ClosureGraph, ClosureKernel, KernelFactory

    Nodes = NDArray[np.bool_]

_SLACK = 1e-11
"""Of the sum of absolute weights: what the value may be above that of a maximum closure."""
_ROUNDING = 4e-16
"""Relative error of an inequality in doubles."""
_SAMPLE = 512
"""Nodes by which a closure is tried first: most that do not hold fail at a few of them."""
_SMALL = 4.0
"""Integer weights up to this say nothing about the factor."""


@dataclass(frozen=True, eq=False)
class _Known:
    """A closure found.

    Attributes:
        weights: Of all nodes.
        among: Nodes it could have.
        member: Nodes it has.
        size: Their number.
        slack: By how much it may be below a maximum closure.
        sampled: Weights of the nodes of the sample.
        sampled_member: Whether it has them.
    """

    weights: NDArray[np.float64]
    among: Nodes
    member: Nodes
    size: int
    slack: float
    sampled: NDArray[np.float64]
    sampled_member: Nodes


class BracketedKernel:
    """A kernel that looks among the closures it has found for some that bracket the next."""

    def __init__(self, graph: ClosureGraph, kernel: KernelFactory = PseudoflowKernel, *, kept: int = 32) -> None:
        """Nothing is known at first.

        Args:
            graph: The graph.
            kernel: Solves what is left.
            kept: Closures remembered, the latest ones.
        """
        self._graph, self._factory, self._kept = graph, kernel, kept
        self._idle: list[ClosureKernel] = []
        self._everything = np.ones(graph.n_nodes, np.bool_)
        self._sample = np.random.default_rng(0).permutation(graph.n_nodes)[:_SAMPLE]
        self._known: list[_Known] = []

    @property
    def name(self) -> str:
        """Kernel and version of what solves the rest."""
        return self._factory(closure_graph(0, [], [])).name

    def solve(self, weights: NDArray[np.int64], among: Nodes | None = None) -> Closure:
        """Maximum closure, with an error of at most 1e-11 of the sum of absolute weights.

        Args:
            weights: Integers ``(n,)``.
            among: The nodes it may have ``(n,)``, a closure themselves; all unless given.

        Returns:
            The closure, and by how much its value may be above that of a maximum one.

        Raises:
            WeightError: A wrong shape or size.
        """
        return self.solve_each([(weights, self._everything if among is None else among)])[0]

    def solve_each(self, cases: Sequence[tuple[NDArray[np.int64], Nodes]], threads: int = 1) -> list[Closure]:
        """``solve`` for several weights and the nodes allowed, none of them known to the others yet.

        Args:
            cases: Weights and nodes, as for ``solve``.
            threads: Closures worked on at the same time, 0 for one a core; the answers do not depend on it.

        Raises:
            WeightError: A wrong shape or size.
        """
        found = each(self._solved, cases, threads)
        self._known = [*self._known, *(known for _, known in found)][-self._kept :]
        return [closure for closure, _ in found]

    def _solved(self, case: tuple[NDArray[np.int64], Nodes]) -> tuple[Closure, _Known]:
        """A closure, and what is to be remembered of it."""
        weights, allowed = case
        checked = checked_weights(weights, self._graph.n_nodes)
        real = checked.astype(np.float64)
        inside, outside, slack = self.brackets(real[None], allowed[None])
        found, error = self.between(checked, inside & allowed, outside & allowed), math.ceil(slack)
        at = self._sample
        known = _Known(real, allowed, found.member, int(found.member.sum()), slack, real[at], found.member[at])
        return Closure(found.value + error, found.member, error), known

    def brackets(self, weights: NDArray[np.float64], among: Nodes) -> tuple[Nodes, Nodes, float]:
        """Nodes sure to be in, and nodes that may be in, for each of several weight vectors.

        Args:
            weights: Integers as floats ``(k, n)``.
            among: The nodes that closures of each may have ``(k, n)``.

        Returns:
            Two closures ``(n,)``, the first within the second, and by how much the sum of the values may err for them.
            A node sure to be in is among the nodes of every vector; one that may be in, perhaps not.
        """
        inside, outside = np.zeros(weights.shape[1], np.bool_), self._everything
        if not self._known:
            return inside, outside, 0.0
        most, used = _SLACK * np.abs(weights).sum(axis=1), np.zeros(len(weights))
        by_size = sorted(self._known, key=lambda known: known.size)
        for known in self._likely(by_size, weights, among, within=True):
            if not (among & ~known.among).any() and (missed := _missed(weights, known, among, most - used)) is not None:
                outside, used = known.member, used + missed
                break
        for known in reversed(self._likely(by_size, weights, among, within=False)):
            if not (known.member & ~among).any() and (missed := _missed(weights, known, None, most - used)) is not None:
                inside, used = known.member & outside, used + missed
                break
        return inside, outside, float(used.sum())

    def forget(self) -> None:
        """Forgets every closure, so that the next one is exact."""
        self._known = []

    def between(self, weights: NDArray[np.int64], inside: Nodes, outside: Nodes) -> Closure:
        """The best closure that contains one and lies within another, whatever is known.

        Args:
            weights: Integers ``(n,)``.
            inside: A closure ``(n,)``.
            outside: Another one that contains it ``(n,)``.
        """
        left = outside & ~inside
        if left.all():
            return self._whole(weights)
        member, value = inside.copy(), int(weights[inside].sum())
        if left.any():
            found = self._factory(graph_within(self._graph, left)).solve(weights[left])
            member[left] = found.member
            value += found.value
        return Closure(value, member)

    def _whole(self, weights: NDArray[np.int64]) -> Closure:
        """The closure of the whole graph, by a kernel that no other thread is using."""
        try:
            kernel = self._idle.pop()
        except IndexError:
            kernel = self._factory(self._graph)
        found = kernel.solve(weights)
        self._idle.append(kernel)
        return found

    def _likely(
        self, known: Sequence[_Known], weights: NDArray[np.float64], among: Nodes, *, within: bool
    ) -> list[_Known]:
        """Those that some factor suits at the nodes of the sample, for every vector."""
        sign, at = (1.0 if within else -1.0), self._sample
        where = np.array([one.sampled_member for one in known]) != within
        upper = np.array([one.sampled for one in known]) * sign
        suits = np.ones(len(known), np.bool_)
        for vector, allowed in zip(weights, among, strict=True):
            least, most = _factors(upper, sign * vector[at], where & allowed[at] if within else where)
            suits &= least <= most
        return [one for one, suited in zip(known, suits, strict=True) if suited]


def _factors(
    upper: NDArray[np.float64], lower: NDArray[np.float64], where: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest factor by which upper weights ``(k, n)`` are no less than lower ones ``(n,)``.

    Weights are rounded to integers: a unit each way, or multiples of each other would leave no factor.
    """
    rising, falling = where & (upper > _SMALL), where & (upper < -_SMALL)
    ratio = np.divide(lower - 1.0, upper + 1.0, out=np.zeros(upper.shape), where=rising | falling)
    least = np.where(rising, ratio, 0.0).max(axis=-1, initial=0.0)
    most = np.where(falling, ratio, np.inf).min(axis=-1, initial=np.inf)
    return least, most


def _missed(
    weights: NDArray[np.float64], known: _Known, among: Nodes | None, most: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """What the inequalities of one side miss for each vector; None where that is too much for any.

    Args:
        weights: Of all nodes ``(k, n)``.
        known: What they are compared with.
        among: Nodes that closures may have ``(k, n)``, if they are to lie within the one known; else to contain it.
        most: What may be missed for each ``(k,)``.
    """
    missed = np.zeros(len(weights))
    for number, vector in enumerate(weights):
        where = np.flatnonzero(known.member if among is None else among[number] & ~known.member)
        sign = -1.0 if among is None else 1.0
        missed[number] = _missed_by(sign * vector[where], sign * known.weights[where], known.slack)
        if missed[number] > most[number]:
            return None
    return missed


def _missed_by(lower: NDArray[np.float64], upper: NDArray[np.float64], slack: float) -> float:
    """By how much ``lower <= factor * upper`` is missed in all, rounding included, and the known closure's slack."""
    least, most = (float(limit) for limit in _factors(upper, lower, np.ones(upper.size, np.bool_)))
    if least > most:
        return np.inf
    between = math.sqrt(least * most) if least > 0 else 0.5 * most
    factor = between if np.isfinite(most) else 2.0 * least
    # Only what is nearly equal can be missed for rounding.
    missed = lower - factor * upper
    missed += _ROUNDING * (np.abs(lower) + factor * np.abs(upper))
    return float(missed[missed > 0].sum() + factor * slack)
