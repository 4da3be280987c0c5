"""Fixing and probing against HiGHS on random programs: nothing better than the cutoff is ever lost."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers import leaf_search
from solvers.fixing import BinaryBounds
from solvers.highs import solve
from solvers.leaf_search import narrowed
from solvers.options import SolveOptions
from solvers.program import Program
from tests.solvers.random_programs import random_program

EXACT = SolveOptions(gap=0.0, gap_abs=1e-7, threads=1)
THOROUGH = settings(max_examples=150, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
BRANCHED = (115, 228, 514, 1162)
"""Seeds of programs that probes of single binaries do not close."""
PROBED = (3, 70, 52, 13)
"""Seeds of programs that reduced costs and rows alone do not close."""


def out_of_reach(program: Program) -> float:
    """A cutoff that the best point just misses."""
    optimum = solve(program, EXACT).objective
    assert optimum is not None
    return optimum + (1e-3 if program.maximise else -1e-3)


@given(SEEDS, st.sampled_from([0.01, 1.0, 5.0, -0.01, -2.0]))
@THOROUGH
def test_points_better_than_the_cutoff_stay(seed, below):
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.8)
    whole = solve(program, EXACT)
    if whole.objective is None:
        assert narrowed(program, -1e9 if program.maximise else 1e9).program is None or not whole.x
        return
    # Worse than the optimum by ``below``: the optimum has to stay. Better than it: closing is right.
    cutoff = whole.objective - below if program.maximise else whole.objective + below
    found = narrowed(program, cutoff)
    if below < 0:
        return
    assert found.program is not None
    assert (found.program.lower >= program.lower).all()
    assert (found.program.upper <= program.upper).all()
    left = solve(found.program, EXACT)
    assert left.objective == pytest.approx(whole.objective, abs=1e-5)


@given(SEEDS, st.floats(0.0, 1.0))
@THOROUGH
def test_every_binary_point_better_than_the_cutoff_stays(seed, share):
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.8)
    program = replace(program, upper=np.minimum(program.upper, 1.0), integer=np.ones(program.num_columns, dtype=bool))
    points = [np.array(point) for point in itertools.product((0.0, 1.0), repeat=program.num_columns)]
    kept = [point for point in points if program.is_feasible(point)]
    if not kept:
        return
    values = sorted(program.objective_value(point) for point in kept)
    cutoff = float(np.quantile(values, share)) + 1e-3 * (-1 if program.maximise else 1)
    better = [p for p in kept if (program.objective_value(p) - cutoff) * (1 if program.maximise else -1) > 1e-6]
    found = narrowed(program, cutoff)
    if found.program is None:
        assert not better
        return
    for point in better:
        assert (point >= found.program.lower).all()
        assert (point <= found.program.upper).all()


@given(SEEDS)
@THOROUGH
def test_rows_leave_every_feasible_point(seed):
    program = random_program(np.random.default_rng(seed), binary=0.8)
    program = replace(program, upper=np.minimum(program.upper, 1.0), integer=np.ones(program.num_columns, dtype=bool))
    bounds = BinaryBounds(program)
    bounds.by_rows()
    for point in itertools.product((0.0, 1.0), repeat=program.num_columns):
        if program.is_feasible(np.array(point)):
            assert (np.array(point) >= bounds.lower).all()
            assert (np.array(point) <= bounds.upper).all()


def knapsack(sense: int) -> Program:
    """Six binaries of which weight limits some: optimum by enumeration is 20 (maximised)."""
    return Program(
        cost=sense * np.array([10.0, 9.0, 8.0, 7.0, 2.0, 1.0]),
        lower=np.zeros(6),
        upper=np.ones(6),
        integer=np.ones(6, dtype=bool),
        matrix=sparse.csr_array(np.array([[6.0, 5.0, 5.0, 4.0, 3.0, 3.0]])),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([11.0]),
        maximise=sense > 0,
    )


def best(program: Program) -> float:
    points = (np.array(point) for point in itertools.product((0.0, 1.0), repeat=program.num_columns))
    values = [program.objective_value(p) for p in points if program.is_feasible(p)]
    return max(values) if program.maximise else min(values)


@pytest.mark.parametrize("sense", [1, -1])
def test_fixing_closes_what_the_relaxation_leaves_open(sense):
    program = knapsack(sense)
    optimum, relaxed = best(program), solve(program.relaxed(), EXACT).objective
    assert relaxed is not None
    cutoff = optimum + sense * 1e-3
    assert sense * relaxed > sense * cutoff
    found = narrowed(program, cutoff)
    assert found.program is None


@pytest.mark.parametrize("seed", PROBED)
def test_probing_closes_what_fixing_leaves_open(seed):
    program = random_program(np.random.default_rng(seed), binary=0.8)
    found = narrowed(program, out_of_reach(program))
    assert found.program is None
    assert found.probes > 0


def test_what_was_decided_before_a_stop_holds():
    program = knapsack(1)
    asked = itertools.count()
    found = narrowed(program, best(program) - 0.5, stop=lambda: next(asked) > 2)
    assert found.program is not None
    left = solve(found.program, EXACT)
    assert left.objective == pytest.approx(best(program))


def test_it_ends_at_its_limit_of_iterations():
    program = random_program(np.random.default_rng(BRANCHED[0]), binary=0.8)
    cutoff = out_of_reach(program)
    assert narrowed(program, cutoff).program is None
    found = narrowed(program, cutoff, iterations=0)
    assert found.program is not None
    assert found.left > 0
    assert found.probes == 0


@pytest.mark.parametrize("seed", BRANCHED)
def test_the_tree_closes_what_probing_leaves_open(seed, monkeypatch):
    program = random_program(np.random.default_rng(seed), binary=0.8)
    cutoff = out_of_reach(program)
    assert narrowed(program, cutoff).program is None
    monkeypatch.setattr(leaf_search, "DEEPEST", 0)
    assert narrowed(program, cutoff).program is not None


@given(SEEDS, st.sampled_from([0.01, 5.0, 50.0]))
@THOROUGH
def test_a_point_it_came_upon_is_better_than_the_cutoff(seed, below):
    program = random_program(np.random.default_rng(seed), binary=0.8)
    optimum = solve(program, EXACT).objective
    if optimum is None:
        return
    sign = 1.0 if program.maximise else -1.0
    cutoff = optimum - sign * below
    found = narrowed(program, cutoff)
    if found.point is not None:
        assert found.program is not None
        assert program.is_feasible(program.snapped(found.point))
        # Within the margin in which nothing is called worse.
        assert sign * (program.objective_value(found.point) - cutoff) > -1e-6


def test_a_point_is_come_upon():
    found = narrowed(knapsack(1), best(knapsack(1)) - 3.0)
    assert found.point is not None
    assert knapsack(1).objective_value(found.point) > best(knapsack(1)) - 3.0
