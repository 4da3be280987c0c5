"""Pricing by steps, against one closure of all steps: the same value, whatever was priced before."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.closure import PseudoflowKernel, StagedFlowKernel, scale_up
from solvers.relaxation import ClosureProgram, bound_from_multipliers, bracketed_bound, pricing
from solvers.relaxation.bound import cumulative_weights, expanded_graph, row_and_box_terms, step_prices
from solvers.relaxation.pricing import StepPricer
from tests.solvers.relaxation.programs import random_program


def random_pit(rng):
    """Nodes that need some of those before them, some from a later step on, without rows."""
    n, T = int(rng.integers(1, 25)), int(rng.integers(1, 8))
    arcs = np.argwhere(np.tril(rng.random((n, n)) < rng.uniform(0.05, 0.4), -1))
    first = np.where(rng.random(n) < 0.2, rng.integers(0, T + 1, n), 0)
    for tail, head in arcs:
        first[tail] = max(first[tail], first[head])
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=arcs[:, 0],
        arc_head=arcs[:, 1],
        part_node=np.arange(n),
        value=np.zeros((n, T, 1)),
        rows=np.zeros((0, n * T)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        first_step=first if rng.random() < 0.5 else np.zeros(n, np.int64),
    )


def of_all_steps(program, weights):
    """What one closure of the whole time-expanded graph is worth."""
    number, graph = expanded_graph(program, 0, program.n_steps)
    integers, scale = scale_up(np.where(number >= 0, weights, 0.0))
    return PseudoflowKernel(graph).solve(integers[number >= 0]).value / scale


@pytest.mark.parametrize("dear", [0, 10**9])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_one_pricer_prices_many_weights(dear, seed):
    """Exact values of closures that keep the order; where it stops early, closures and a value that is no less.

    Whether what is known is looked at before the first join alone, or before every one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "_DEAR", dear)
        check_pricings(seed)


def check_pricings(seed):
    rng = np.random.default_rng(seed)
    program = random_pit(rng)
    n, T = program.n_nodes, program.n_steps
    pricer = StepPricer(program)
    worth, use = rng.normal(0.0, 1.0, n), rng.uniform(0, 1, (2, n))
    for _ in range(4):
        discount = 0.9 ** np.arange(T)
        multipliers = np.cumsum(rng.random((2, T)) < 0.4, axis=1)[:, ::-1] * rng.uniform(0, 0.6, (2, 1))
        prices = worth[:, None] * discount - np.einsum("rn,rt->nt", use, multipliers)
        weights = cumulative_weights(prices)
        if rng.random() < 0.3:
            weights = weights + np.where(rng.random((n, T)) < 0.05, rng.normal(0.0, 3.0, (n, T)), 0.0)
        exact = of_all_steps(program, weights)
        size = np.abs(weights).sum()
        early = rng.random() < 0.5
        useful_above = rng.choice([-np.inf, 0.9 * exact, 0.999 * exact]) if early else np.inf
        priced = pricer.solve(weights, useful_above)
        assert priced.value >= exact - 1e-12 * size
        assert priced.exact or early
        if priced.exact:
            assert priced.value == pytest.approx(exact, abs=1e-9 * size)
        for steps in (*priced.steps, *priced.alone):
            assert (steps[program.arc_tail] >= steps[program.arc_head]).all()
            assert (steps >= np.minimum(program.starts, T)).all()
            taken = np.arange(T)[None, :] >= steps[:, None]
            value = float(weights[taken].sum())
            assert value <= exact + 1e-9 * size
        if priced.exact:
            first = np.arange(T)[None, :] >= priced.steps[0][:, None]
            assert float(weights[first].sum()) == pytest.approx(exact, abs=1e-9 * size)


@pytest.mark.parametrize("seed", range(60))
def test_multipliers_prove_the_same_in_every_way(seed):
    """A closure a step, between neighbours or not, by either kernel, and one closure of all steps."""
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        multipliers = rng.normal(0.0, 2.0, program.n_rows)
        plain = bound_from_multipliers(program, multipliers)
        used = np.clip(
            multipliers,
            np.where(np.isfinite(program.row_lower), -np.inf, 0.0),
            np.where(np.isfinite(program.row_upper), np.inf, 0.0),
        )
        whole = of_all_steps(program, cumulative_weights(step_prices(program, used)[0]))
        whole += row_and_box_terms(program, used)
        near = pytest.approx(whole, rel=1e-9, abs=1e-9)
        assert plain == near
        assert bracketed_bound(program, multipliers) == near
        assert bound_from_multipliers(program, multipliers, StagedFlowKernel) == near


@pytest.mark.parametrize("seed", range(60))
def test_a_bound_that_is_low_enough_is_looked_at_no_closer(seed):
    """Between what the multipliers prove and what was enough; else the very bound they prove."""
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    multipliers = rng.normal(0.0, 2.0, program.n_rows)
    least = bound_from_multipliers(program, multipliers)
    for enough in (least - 1.0, least, least + 0.1, least + 10.0, np.inf, np.nan):
        for recomputed in (bound_from_multipliers, bracketed_bound):
            found = recomputed(program, multipliers, enough=enough)
            size = max(abs(least), 1.0)
            assert found >= least - 1e-9 * size
            assert found <= (max(enough, least) if enough >= least else least) + 1e-9 * size


@pytest.mark.parametrize("seed", range(30))
def test_threads_price_the_same(seed, monkeypatch):
    """Every closure the same, pricing after pricing, whatever the threads."""
    monkeypatch.setattr("solvers.relaxation.pricing._LEAST_FOR_THREADS", 0)
    rng = np.random.default_rng(seed)
    program = random_pit(rng)
    pricers = [StepPricer(program, threads=threads) for threads in (1, 2, 0)]
    for _ in range(4):
        weights = rng.normal(0.1, 1.0, (program.n_nodes, program.n_steps))
        useful_above = rng.choice([-np.inf, np.inf])
        expected, *others = (pricer.solve(weights, useful_above) for pricer in pricers)
        for priced in others:
            assert (priced.value, priced.exact, priced.solves) == (expected.value, expected.exact, expected.solves)
            np.testing.assert_array_equal((*priced.steps, *priced.alone), (*expected.steps, *expected.alone))


def test_a_program_without_arcs_or_steps_begun_is_priced():
    """Every node by itself, and none at all before its first step."""
    program = replace(random_pit(np.random.default_rng(5)), arc_tail=np.zeros(0, int), arc_head=np.zeros(0, int))
    program = replace(program, first_step=np.full(program.n_nodes, program.n_steps - 1))
    weights = np.random.default_rng(0).normal(0.0, 1.0, (program.n_nodes, program.n_steps))
    priced = StepPricer(program).solve(weights)
    assert priced.value == pytest.approx(np.maximum(weights[:, -1], 0.0).sum())
