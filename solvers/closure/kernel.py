"""What a closure kernel is: a graph fixed once, many integer weight vectors.

A closure of a directed graph is a set of nodes that contains the head of every arc whose tail it contains (an arc
reads "the tail needs the head"). A maximum closure has the largest sum of weights; the empty set is a closure, so the
value is never negative.

Source: Picard (1976), "Maximal closure of a graph and applications to combinatorial problems", Management Science
22:1268.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SCALED_TOTAL = 2.0**61
"""Sum of absolute scaled weights aimed at: two bits below the int64 limit, one of them for the rounding up."""


class WeightError(ValueError):
    """Weights that no closure can be computed for: not finite, of the wrong shape, or beyond 64 bits."""


@dataclass(frozen=True)
class ClosureGraph:
    """Compressed arcs: node i needs ``heads[starts[i]:starts[i + 1]]``; ``starts`` is ``(n + 1,)``, both int64."""

    starts: NDArray[np.int64]
    heads: NDArray[np.int64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.starts.size - 1)

    @property
    def tails(self) -> NDArray[np.int64]:
        """Tail of every arc, in the order of ``heads``."""
        return np.repeat(np.arange(self.n_nodes, dtype=np.int64), np.diff(self.starts))

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """The arcs as a matrix of ones ``(n, n)``."""
        ones = np.ones(self.heads.size, np.int8)
        return sparse.csr_array((ones, self.heads, self.starts), shape=(self.n_nodes, self.n_nodes))


@dataclass(frozen=True)
class Closure:
    """A maximum closure.

    Attributes:
        value: Its integer value; no closure has a larger one.
        member: Membership ``(n,)`` of a closure worth that, less the error at most.
        error: By how much the value may be too high.
    """

    value: int
    member: NDArray[np.bool_]
    error: int = 0


class ClosureKernel(Protocol):
    """A maximum-closure algorithm compiled for one graph."""

    @property
    def name(self) -> str:
        """Kernel and version, as a certificate names what it trusts."""
        ...

    def solve(self, weights: NDArray[np.int64]) -> Closure:
        """Maximum closure for integer ``weights`` ``(n,)``; raises WeightError for a wrong shape or size."""
        ...


class KernelFactory(Protocol):
    """Compiles a graph into a kernel; the kernel classes themselves are such factories."""

    def __call__(self, graph: ClosureGraph) -> ClosureKernel:
        """Kernel for the graph."""
        ...


def closure_graph(n_nodes: int, tails: ArrayLike, heads: ArrayLike) -> ClosureGraph:
    """Graph from an arc list.

    Args:
        n_nodes: Number of nodes.
        tails: Arc tails ``(a,)``, the nodes that need.
        heads: Arc heads ``(a,)``, the nodes needed.

    Raises:
        ValueError: The lists differ in length or name a node outside 0..n_nodes-1.
    """
    tail = np.asarray(tails, dtype=np.int64)
    head = np.asarray(heads, dtype=np.int64)
    if tail.ndim != 1 or tail.shape != head.shape:
        raise ValueError(f"arc tails {tail.shape} and heads {head.shape} must be vectors of one length")
    for name, ends in (("tail", tail), ("head", head)):
        if ends.size and (ends.min() < 0 or ends.max() >= n_nodes):
            raise ValueError(f"an arc {name} lies outside 0..{n_nodes - 1}")
    counts = np.bincount(tail, minlength=n_nodes)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
    if not (tail[1:] >= tail[:-1]).all():
        head = head[np.argsort(tail, kind="stable")]
    return ClosureGraph(starts=starts, heads=np.ascontiguousarray(head))


def graph_within(graph: ClosureGraph, kept: NDArray[np.bool_]) -> ClosureGraph:
    """The graph of the nodes kept ``(n,)`` and the arcs between them, numbered in their order."""
    nodes = np.flatnonzero(kept)
    part = graph.matrix[nodes][:, nodes]
    return ClosureGraph(starts=part.indptr.astype(np.int64), heads=part.indices.astype(np.int64))


def checked_weights(weights: NDArray[np.int64], n_nodes: int) -> NDArray[np.int64]:
    """The weights as a contiguous int64 vector, or WeightError: every partial sum must fit 63 bits."""
    if weights.shape != (n_nodes,):
        raise WeightError(f"expected {n_nodes} weights, got an array of shape {weights.shape}")
    if not np.issubdtype(weights.dtype, np.integer):
        raise WeightError(f"closure weights are integers, got {weights.dtype}: see scale_up")
    total = float(np.abs(weights.astype(np.float64)).sum())
    if total >= 2.0**62:
        raise WeightError(f"the sum of absolute weights {total:.3g} does not fit 62 bits")
    return np.ascontiguousarray(weights, dtype=np.int64)


def scale_up(weights: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    """Integer weights rounded UP, and their scale, so that closure value / scale bounds the real value from above.

    The scale is 2^61 / sum|v|, lowered to a power of two so that multiplying and dividing by it is exact; rounding up
    adds less than one unit a node. All-zero weights get scale 1.

    Args:
        weights: Real weights of any shape.

    Returns:
        The integers, in the same shape, and the scale (integer units for one unit of weight).

    Raises:
        WeightError: A weight is NaN or infinite.
    """
    largest = float(np.abs(weights).max(initial=0.0))
    if not np.isfinite(largest):
        raise WeightError("closure weights must be finite: found NaN or infinity")
    if largest == 0.0:
        return np.zeros(weights.shape, np.int64), 1.0
    # Summed in units of the largest weight: huge values would overflow a plain sum.
    total = float(np.abs(weights / largest).sum())
    exponent = np.floor(np.log2(SCALED_TOTAL / total) - np.log2(largest))
    exponent = float(np.clip(exponent, -1000.0, 1000.0))
    scale = float(2.0**exponent)
    return np.ceil(weights * scale).astype(np.int64), scale
