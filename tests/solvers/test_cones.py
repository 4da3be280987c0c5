"""Sums over cones and orders by them, against cones found by networkx."""

import networkx as nx
import numpy as np
import pytest

from solvers.cones import CycleError, cone_by_cone, cone_sums, heads_of


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


@pytest.mark.parametrize("seed", range(12))
def test_cones_come_one_after_the_other(seed):
    """After the first k nodes wanted, all of their cones and nothing else stands in the order, each after its own."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    ends = rng.integers(0, n, (2, int(rng.integers(0, 2 * n))))
    number = rng.permutation(n)
    tail, head = number[ends[:, ends[0] > ends[1]]]
    graph = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    graph.add_nodes_from(range(n))
    there = rng.random(n) < 0.3
    there[[u for v in np.flatnonzero(there) for u in nx.descendants(graph, v)]] = True
    needs = heads_of(tail, head, n)
    assert [sorted(needed) for needed in needs] == [sorted(head[tail == u].tolist()) for u in range(n)]
    wanted = rng.permutation(np.flatnonzero(~there))
    order = cone_by_cone(wanted, needs, ~there)
    assert sorted(order) == sorted(wanted.tolist())
    place = {node: at for at, node in enumerate(order)}
    cone: set[int] = set()
    for top in wanted.tolist():
        cone |= {top, *nx.descendants(graph, top)} - set(np.flatnonzero(there).tolist())
        assert set(order[: len(cone)]) == cone
    assert all(place[v] < place[u] for u, v in graph.edges if not there[u] and not there[v])


def test_an_order_of_nodes_that_need_each_other_has_each_once():
    """A cycle is broken somewhere."""
    assert sorted(cone_by_cone(np.arange(3), [[1], [2], [0]])) == [0, 1, 2]
