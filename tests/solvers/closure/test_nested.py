"""Nested closures: each a maximum closure of its own weights, by an independent kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.closure import StagedFlowKernel, closure_graph, nested_closures


@settings(max_examples=60, deadline=None)
@given(
    nodes=st.integers(1, 25),
    count=st.integers(1, 9),
    density=st.floats(0.0, 0.3),
    seed=st.integers(0, 10_000),
)
def test_each_of_the_series_is_a_maximum_closure(nodes: int, count: int, density: float, seed: int):
    random = np.random.default_rng(seed)
    tails, heads = np.nonzero(np.triu(random.random((nodes, nodes)) < density, 1))
    graph = closure_graph(nodes, tails, heads)
    weights = np.cumsum(random.integers(0, 4, (count, nodes)), axis=0) + random.integers(-12, 4, nodes)
    first = nested_closures(graph, lambda k, rows: weights[k, rows].astype(float), count)
    independent = StagedFlowKernel(graph)
    for k in range(count):
        member = first <= k
        assert not (member[tails] & ~member[heads]).any()
        assert weights[k, member].sum() == independent.solve(weights[k].astype(np.int64)).value


def test_a_graph_without_nodes_has_none():
    empty = closure_graph(0, [], [])
    assert nested_closures(empty, lambda _, rows: np.zeros(rows.size), 3).size == 0


def test_equal_weights_give_one_closure():
    graph = closure_graph(3, [2], [0])
    weights = np.array([-1.0, -1.0, 3.0])
    first = nested_closures(graph, lambda _, rows: weights[rows], 4)
    assert first.tolist() == pytest.approx([0, 4, 0])
