"""Sums over cones, against cones found by networkx."""

import networkx as nx
import numpy as np
import pytest

from solvers.cones import CycleError, cone_sums


@pytest.mark.parametrize("seed", range(12))
def test_each_node_of_a_cone_counts_once(seed):
    """However many ways lead to it; the node itself included, and weights of any sign."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    ends = rng.integers(0, n, (2, int(rng.integers(0, 3 * n))))
    tail, head = ends[:, ends[0] > ends[1]]
    order = rng.permutation(n)
    tail, head = order[tail], order[head]
    weights = np.where(rng.random((n, 3)) < 0.8, rng.normal(0, 10, (n, 3)), 0.0)
    graph = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    graph.add_nodes_from(range(n))
    expected = [weights[[u, *nx.descendants(graph, u)]].sum(axis=0) for u in range(n)]
    np.testing.assert_allclose(cone_sums(tail, head, weights), expected, atol=1e-9)


def test_more_nodes_than_are_held_at_a_time():
    """A chain of five thousand: each node has all before it in its cone."""
    n = 5_000
    found = cone_sums(np.arange(1, n), np.arange(n - 1), np.ones((n, 1)))
    np.testing.assert_array_equal(found[:, 0], np.arange(1, n + 1))


@pytest.mark.parametrize("arcs", [[(0, 0)], [(0, 1), (1, 2), (2, 0)], [(3, 0), (0, 1), (1, 0)]])
def test_a_cycle_is_told(arcs):
    """It has no cones."""
    tail, head = np.array(arcs).T
    with pytest.raises(CycleError):
        cone_sums(tail, head, np.ones((4, 1)))
