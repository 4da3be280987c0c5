"""The independent slow kernel: minimum cut by SciPy's maximum flow, in stages of 30 bits.

It shares no code with the fast kernel. A closure is worth at most (sum of positive weights) - flow for ANY feasible
flow from the positive to the negative nodes, so a flow that fell short would only weaken a bound, not make it false.

SciPy's maximum flow takes 32-bit capacities. Capacities are therefore shifted right by 32, 24, 16, 8 and 0 bits; each
stage augments the flow of the one before in its residual graph (capacity scaling: Ahuja, Magnanti, Orlin 1993, "Network
Flows", section 7.3) and the last is repeated until nothing is gained, when the flow is maximum and the cut exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
from scipy import sparse
from scipy.sparse import csgraph

from solvers.closure.kernel import Closure, ClosureGraph, checked_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STAGES = (32, 24, 16, 8, 0)
_CAP = 2**30


class StagedFlowKernel:
    """Maximum closure by staged maximum flow; slow, written to be checked by eye."""

    def __init__(self, graph: ClosureGraph) -> None:
        n = graph.n_nodes
        self._n = n
        distinct = graph.tails != graph.heads
        arcs = np.unique(graph.tails[distinct] * np.int64(max(n, 1)) + graph.heads[distinct])
        self._tail, self._head = np.divmod(arcs, np.int64(max(n, 1)))

    @property
    def name(self) -> str:
        """Kernel and version, as a certificate names what it trusts."""
        return f"scipy {scipy.__version__} maximum_flow in 30-bit stages"

    def solve(self, weights: NDArray[np.int64]) -> Closure:
        """Maximum closure for integer ``weights`` ``(n,)``; raises WeightError for a wrong shape or size."""
        checked = checked_weights(weights, self._n)
        supply = np.maximum(checked, 0)
        demand = np.maximum(-checked, 0)
        flow = np.zeros(self._tail.size, np.int64)
        total = int(supply.sum())
        for shift in _STAGES:
            while self._augment(supply, demand, flow, shift):
                pass
        member = self._reachable(supply, demand, flow)
        sent = total - int(supply.sum())
        return Closure(total - sent, member)

    def _residual(
        self, supply: NDArray[np.int64], demand: NDArray[np.int64], flow: NDArray[np.int64], shift: int
    ) -> sparse.csr_array:
        """Residual capacities >> shift, capped at 30 bits, between nodes, source n, sink n + 1 and a valve n + 2."""
        n, nodes = self._n, np.arange(self._n)
        source, sink, valve = n, n + 1, n + 2
        rows = np.concatenate([np.full(n, source), nodes, self._tail, self._head, [valve]])
        cols = np.concatenate([nodes, np.full(n, sink), self._head, self._tail, [source]])
        capacity = np.concatenate([supply >> shift, demand >> shift, np.full(flow.size, _CAP), flow >> shift, [_CAP]])
        kept = capacity > 0
        # Antiparallel arcs would be added by the constructor: at most 2^31 - 2 while each is capped below.
        data = np.minimum(capacity[kept], _CAP - 1).astype(np.int32)
        graph = sparse.csr_array((data, (rows[kept], cols[kept])), shape=(n + 3, n + 3))
        graph.sum_duplicates()
        return graph

    def _augment(
        self, supply: NDArray[np.int64], demand: NDArray[np.int64], flow: NDArray[np.int64], shift: int
    ) -> bool:
        """One maximum flow in the residual graph, added in place; False when nothing more can be sent."""
        n = self._n
        found = csgraph.maximum_flow(self._residual(supply, demand, flow, shift), n + 2, n + 1)
        if found.flow_value == 0:
            return False
        net = sparse.csr_array(found.flow).astype(np.int64)
        supply -= np.asarray(net[[n], :].todense()).ravel()[:n] << shift
        demand -= -np.asarray(net[[n + 1], :].todense()).ravel()[:n] << shift
        if flow.size:
            both = self._antiparallel()
            moved = np.asarray(net[self._tail, self._head]).ravel()
            if both.any():
                moved = np.where(both & (moved < 0), 0, moved)
            flow += moved << shift
        return True

    def _antiparallel(self) -> NDArray[np.bool_]:
        """Arcs whose reverse is an arc too: net flow is booked on the direction it runs."""
        n = np.int64(max(self._n, 1))
        return np.isin(self._head * n + self._tail, self._tail * n + self._head)

    def _reachable(
        self, supply: NDArray[np.int64], demand: NDArray[np.int64], flow: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Nodes the source still reaches: the source side of a minimum cut, the smallest maximum closure."""
        graph = self._residual(supply, demand, flow, 0)
        order = csgraph.breadth_first_order(graph, self._n, return_predecessors=False)
        member = np.zeros(self._n + 3, np.bool_)
        member[order] = True
        return member[: self._n]
