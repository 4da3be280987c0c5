"""Nested maximum closures: one for each of a series of weights that never decrease.

Where every weight is at least what it was before, the least maximum closure of one weight vector lies within that of
the next (Picard 1976; Gallo, Grigoriadis, Tarjan 1989, "A fast parametric maximum flow algorithm", SIAM J. Comput.
18:30). So the middle one splits the nodes: earlier closures lie inside it, later ones outside need no arc into it.
Halving the series again and again costs about its logarithm in whole solves, not its length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure.kernel import ClosureGraph, KernelFactory, graph_within, scale_up
from solvers.closure.pseudoflow import PseudoflowKernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

Weights = Callable[[int, "NDArray[np.int64]"], "NDArray[np.float64]"]
"""``weights(k, nodes)``: weight of each of these nodes in the k-th vector."""


def nested_closures(
    graph: ClosureGraph, weights: Weights, count: int, kernel: KernelFactory = PseudoflowKernel
) -> NDArray[np.int64]:
    """The first closure of the series that holds each node, ``count`` where none does; shape ``(nodes,)``.

    The nodes with a number of at most k are a maximum closure for the k-th weights.

    Args:
        graph: the graph.
        weights: the weights; ``weights(k + 1, nodes) >= weights(k, nodes)``.
        count: length of the series.
        kernel: what finds a maximum closure.
    """
    first = np.full(graph.n_nodes, count, dtype=np.int64)
    waiting = [(graph, np.arange(graph.n_nodes, dtype=np.int64), 0, count - 1)]
    while waiting:
        part, nodes, low, high = waiting.pop()
        if low > high or not nodes.size:
            continue
        middle = (low + high) // 2
        integers, _ = scale_up(np.asarray(weights(middle, nodes), dtype=np.float64))
        member = kernel(part).solve(integers).member
        first[nodes[member]] = middle
        for kept, start, end in ((member, low, middle - 1), (~member, middle + 1, high)):
            if start <= end and kept.any():
                waiting.append((graph_within(part, kept), nodes[kept], start, end))
    return first
