"""Closure kernels: they agree with each other, with enumeration, and scaling never errs low."""

import itertools
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.closure import PseudoflowKernel, StagedFlowKernel, WeightError, closure_graph, scale_up


@st.composite
def weighted_graphs(draw, largest=10**6, cyclic=True):
    n = draw(st.integers(0, 9))
    nodes = st.integers(0, max(n - 1, 0))
    arcs = draw(st.lists(st.tuples(nodes, nodes), max_size=20)) if n else []
    if not cyclic:
        arcs = [(a, b) for a, b in arcs if a > b]
    weights = draw(st.lists(st.integers(-largest, largest), min_size=n, max_size=n))
    return n, arcs, np.array(weights, np.int64)


def by_enumeration(n, arcs, weights):
    best = 0
    for chosen in itertools.product((False, True), repeat=n):
        if all(chosen[b] or not chosen[a] for a, b in arcs):
            best = max(best, sum(int(w) for w, c in zip(weights, chosen, strict=True) if c))
    return best


def by_networkx(n, arcs, weights):
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink", *range(n)])
    for node, weight in enumerate(weights.tolist()):
        if weight > 0:
            graph.add_edge("source", node, capacity=weight)
        elif weight < 0:
            graph.add_edge(node, "sink", capacity=-weight)
    graph.add_edges_from((a, b) for a, b in arcs if a != b)
    return int(weights[weights > 0].sum()) - int(nx.minimum_cut_value(graph, "source", "sink"))


@pytest.mark.parametrize("kernel", [PseudoflowKernel, StagedFlowKernel])
@given(weighted_graphs())
def test_kernel_finds_the_best_of_all_closures(kernel, case):
    """The value is that of the best closure by enumeration, and the membership is a closure of that value."""
    n, arcs, weights = case
    tails, heads = [a for a, _ in arcs], [b for _, b in arcs]
    closure = kernel(closure_graph(n, tails, heads)).solve(weights)
    assert closure.value == by_enumeration(n, arcs, weights)
    assert int(weights[closure.member].sum()) == closure.value
    assert all(closure.member[b] for a, b in arcs if closure.member[a])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_kernels_agree_on_larger_graphs_with_61_bit_weights(seed):
    """Pseudoflow and staged flow give the same integer where weights fill 61 bits; networkx confirms it."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 80))
    tails, heads = rng.integers(0, n, 3 * n), rng.integers(0, n, 3 * n)
    kept = tails > heads
    graph = closure_graph(n, tails[kept], heads[kept])
    weights, _ = scale_up(rng.normal(0.1, 1.0, n))
    values = {kernel(graph).solve(weights).value for kernel in (PseudoflowKernel, StagedFlowKernel)}
    assert values == {by_networkx(n, list(zip(tails[kept].tolist(), heads[kept].tolist(), strict=True)), weights)}


def test_a_kernel_keeps_nothing_of_the_weights_before():
    """Solving other weights in between does not change an answer."""
    graph = closure_graph(4, [0, 1, 2], [1, 2, 3])
    for kernel in (PseudoflowKernel(graph), StagedFlowKernel(graph)):
        first = kernel.solve(np.array([5, -1, -1, -1]))
        kernel.solve(np.array([-5, 7, -1, 3]))
        again = kernel.solve(np.array([5, -1, -1, -1]))
        assert (first.value, first.member.tolist()) == (again.value, again.member.tolist()) == (2, [True] * 4)


@given(st.lists(st.floats(-1e300, 1e300), max_size=30))
def test_scaled_weights_bound_every_subset_from_above(values):
    """Integers divided by the scale are never below the weights, and sum within 62 bits."""
    weights = np.array(values)
    integers, scale = scale_up(weights)
    assert all(int(i) >= w * scale for i, w in zip(integers, weights, strict=True))
    assert sum(abs(int(i)) for i in integers) < 2**62


@pytest.mark.parametrize("values", [[0.0, 0.0], [-0.0], []])
def test_weights_all_zero_scale_by_one(values):
    """There is nothing to scale in zeros."""
    integers, scale = scale_up(np.array(values))
    assert (integers.tolist(), scale) == ([0] * len(values), 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value):
    """NaN and infinities raise instead of giving some closure."""
    with pytest.raises(WeightError, match="finite"):
        scale_up(np.array([1.0, value]))


@pytest.mark.parametrize("kernel", [PseudoflowKernel, StagedFlowKernel])
@pytest.mark.parametrize("weights", [np.zeros(3, np.int64), np.zeros(2), np.array([2**61, 2**61])])
def test_weights_a_kernel_cannot_honour_are_refused(kernel, weights):
    """A wrong length, a wrong type and sums beyond 62 bits raise."""
    with pytest.raises(WeightError):
        kernel(closure_graph(2, [0], [1])).solve(weights)


def test_the_plotting_stack_stays_out():
    """Solving a closure imports neither pymineflow's package nor what it plots with."""
    program = (
        "import sys, numpy as np\n"
        "from solvers.closure import PseudoflowKernel, closure_graph\n"
        "import solvers.relaxation\n"
        "assert PseudoflowKernel(closure_graph(2, [0], [1])).solve(np.array([3, -1])).value == 2\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pyvista', 'vtk', 'matplotlib', 'pymineflow'}))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip().splitlines()[-1] == "[]"
