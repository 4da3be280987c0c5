"""Closures between closures of other weights: as good as without them, whatever was asked before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.closure import BracketedKernel, ClosureGraph, PseudoflowKernel, closure_graph, graph_within, scale_up

MOST = 1e-11


def random_graph(rng):
    n = int(rng.integers(1, 60))
    tails, heads = rng.integers(0, n, 3 * n), rng.integers(0, n, 3 * n)
    kept = tails > heads
    return closure_graph(n, tails[kept], heads[kept])


def series(rng, n):
    """Weights that have to do with each other: of one resource, of two, multiples, one node changed, and none."""
    worth, use, other = rng.normal(-0.2, 1.0, n), rng.uniform(0, 1, n), rng.uniform(0, 1, n)
    if rng.random() < 0.5:
        use = np.where(rng.random(n) < 0.5, 0.0, use)
    last = worth
    for _ in range(int(rng.integers(2, 12))):
        kind = rng.integers(0, 5)
        if kind == 0:
            last = rng.uniform(0.1, 3.0) * (worth - rng.uniform(0, 2) * use)
        elif kind == 1:
            last = rng.uniform(0.1, 3.0) * (worth - rng.uniform(0, 1) * use - rng.uniform(0, 1) * other)
        elif kind == 2:
            last = rng.uniform(0.1, 3.0) * last
        elif kind == 3:
            last = last.copy()
            last[rng.integers(0, n)] += rng.normal()
        else:
            last = rng.normal(0.0, 1.0, n)
        yield last


def closed_below(graph, nodes):
    """The nodes and all that they need."""
    among = nodes.copy()
    while True:
        more = among.copy()
        more[graph.heads[np.repeat(among, np.diff(graph.starts))]] = True
        if (more == among).all():
            return among
        among = more


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_values_are_those_of_maximum_closures(seed):
    """Never below, above by no more than is said, and attained by a closure of allowed nodes."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    bracketed, plain = BracketedKernel(graph, kept=int(rng.integers(1, 6))), PseudoflowKernel(graph)
    allowed = [np.ones(graph.n_nodes, np.bool_)]
    allowed += [closed_below(graph, rng.random(graph.n_nodes) < share) for share in (0.2, 0.6)]
    for weights in series(rng, graph.n_nodes):
        integers, _ = scale_up(weights)
        among = allowed[rng.integers(0, 3)]
        found = bracketed.solve(integers, among)
        best = PseudoflowKernel(graph_within(graph, among)).solve(integers[among]).value
        if among.all():
            assert best == plain.solve(integers).value
        error = MOST * float(np.abs(integers.astype(float)).sum()) + 1
        assert found.error <= error
        assert best <= found.value <= best + found.error
        assert found.value - found.error <= int(integers[found.member].sum()) <= best
        assert not (found.member & ~among).any()
        assert found.member[graph.heads[np.repeat(found.member, np.diff(graph.starts))]].all()


@pytest.mark.parametrize("threads", [2, 0])
def test_closures_found_at_the_same_time_are_those_found_in_turn(threads):
    """The same members, values and errors, in the order asked."""
    rng = np.random.default_rng(11)
    for _ in range(20):
        graph = random_graph(rng)
        everything = np.ones(graph.n_nodes, np.bool_)
        in_turn, at_once = BracketedKernel(graph), BracketedKernel(graph)
        for _ in range(3):
            cases = [(scale_up(weights)[0], everything) for weights in series(rng, graph.n_nodes)]
            expected, found = in_turn.solve_each(cases), at_once.solve_each(cases, threads)
            assert [closure.value for closure in found] == [closure.value for closure in expected]
            assert [closure.error for closure in found] == [closure.error for closure in expected]
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one.member, other.member)


class Counting:
    """Counts the nodes it is asked about."""

    nodes = 0

    def __init__(self, graph: ClosureGraph) -> None:
        self._kernel, self._n = PseudoflowKernel(graph), graph.n_nodes

    @property
    def name(self) -> str:
        """Of the kernel."""
        return self._kernel.name

    def solve(self, weights):
        """As the kernel does."""
        Counting.nodes += self._n
        return self._kernel.solve(weights)


@pytest.mark.parametrize("order", ["rising", "bisected"])
def test_what_neighbours_decide_is_left_out(order):
    """With one resource the multipliers alone order the closures: few nodes are left between those known."""
    rng = np.random.default_rng(3)
    levels, side = 12, 30
    number = np.arange(levels * side).reshape(levels, side)
    arcs = [(number[1:, max(-k, 0) : side - max(k, 0)], number[:-1, max(k, 0) : side - max(-k, 0)]) for k in (-1, 0, 1)]
    graph = closure_graph(
        levels * side,
        np.concatenate([tail.ravel() for tail, _ in arcs]),
        np.concatenate([head.ravel() for _, head in arcs]),
    )
    worth, use = rng.normal(0.0, 1.0, levels * side), rng.uniform(0.5, 1, levels * side)
    multipliers = np.linspace(0, 1.5, 31)
    if order == "bisected":
        multipliers = multipliers[[15, 7, 23, 3, 11, 19, 27, *(k for k in range(31) if k % 4 != 3)]]
    Counting.nodes = 0
    bracketed = BracketedKernel(graph, Counting)
    for multiplier in multipliers:
        integers = scale_up(worth - multiplier * use)[0]
        assert bracketed.solve(integers).value == PseudoflowKernel(graph).solve(integers).value
    assert Counting.nodes < 0.5 * multipliers.size * graph.n_nodes


def test_multiples_but_for_rounding_are_known_at_once():
    """Steps in which nothing binds differ by a factor and by rounding: no node is left."""
    rng = np.random.default_rng(0)
    graph = random_graph(rng)
    worth = rng.normal(0.3, 1.0, graph.n_nodes)
    bracketed = BracketedKernel(graph, Counting)
    bracketed.solve(scale_up(worth)[0])
    Counting.nodes = 0
    for factor in (0.9, 0.81, 1 / 3, 7.7):
        assert bracketed.solve(np.ceil(scale_up(worth)[0] * (factor / 8)).astype(np.int64)).value > 0
    assert Counting.nodes == 0
