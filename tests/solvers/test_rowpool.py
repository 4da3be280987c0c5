"""The pool of rows and the relaxation that takes them in, against the relaxation with every row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program
from solvers.rowpool import CutRelaxation, RowPool
from tests.solvers.random_programs import random_program
from tests.solvers.test_staged import random_first, random_pool

TO_THE_END = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)
THOROUGH = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
NONE = np.empty(0, dtype=np.int64)
SLACK = 1e-3
"""Rows violated by less than the pool's tolerance are not taken in; costs and bounds of these programs are small."""


def over(program: Program, columns: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Program:
    """The program over a smaller box."""
    low, high = program.lower.copy(), program.upper.copy()
    low[columns], high[columns] = lower, upper
    return replace(program, lower=low, upper=high)


def random_box(draw: np.random.Generator, program: Program, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = np.sort(draw.integers(0, program.upper[columns] + 1, (2, len(columns))), axis=0).astype(float)
    return ends[0], ends[1]


@THOROUGH
@given(seed=SEEDS)
def test_relaxation_equals_the_one_with_every_row_of_the_pool(seed):
    """Taking rows in as they are violated comes to the same bound as having them all, box after box."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    pool, first = random_pool(draw, program), random_first(draw, program)
    whole = pool.taken(program, np.arange(len(pool.upper)))
    relaxation = CutRelaxation(program, pool)
    for _ in range(4):
        lower, upper = random_box(draw, program, first)
        point = relaxation.bound(first, lower, upper, rounds=100)
        direct = solve(over(whole, first, lower, upper).relaxed(), TO_THE_END)
        if direct.objective is None:
            assert point.x is None or pool.violation(point.x).max() <= SLACK
            continue
        assert point.value == pytest.approx(direct.objective, abs=SLACK, rel=SLACK)
        assert program.objective_value(point.x) == pytest.approx(point.value)


@THOROUGH
@given(seed=SEEDS, rounds=st.integers(0, 3))
def test_bound_holds_for_every_integer_point_of_the_box(seed, rounds):
    """However few rounds are allowed and whatever rows were dropped, no integer point of the box beats the bound."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    pool, first = random_pool(draw, program), random_first(draw, program)
    relaxation = CutRelaxation(program, pool)
    sign = 1.0 if program.maximise else -1.0
    for _ in range(4):
        lower, upper = random_box(draw, program, first)
        point = relaxation.bound(first, lower, upper, rounds=rounds)
        best = solve(over(program, first, lower, upper), TO_THE_END).objective
        if best is not None:
            assert sign * point.value >= sign * best - 1e-6 * max(1.0, abs(best))


def test_an_empty_box_has_an_infinitely_bad_value():
    """Where nothing fits there is no point, and the value is one that loses against any other."""
    for maximise, worst in ((True, -np.inf), (False, np.inf)):
        program = Program(
            cost=np.array([1.0]),
            lower=np.zeros(1),
            upper=np.ones(1),
            integer=np.array([True]),
            matrix=sparse.csr_array(np.array([[1.0]])),
            row_lower=np.array([0.5]),
            row_upper=np.array([1.0]),
            maximise=maximise,
        )
        relaxation = CutRelaxation(program, RowPool.empty(1))
        point = relaxation.bound(np.array([0]), np.array([0.0]), np.array([0.0]))
        assert point.x is None
        assert point.value == worst
        assert relaxation.bound(np.array([0]), np.array([0.0]), np.array([1.0])).x is not None


def test_violation_is_the_distance_beyond_a_row():
    """A point beyond a row has the distance to it, on either side; one inside has a negative figure."""
    matrix = sparse.csr_array(np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]))
    pool = RowPool(matrix, np.array([-np.inf, 2.0, 0.0]), np.array([5.0, np.inf, 10.0]))
    assert pool.violation(np.array([1.0, 2.0])) == pytest.approx([6 / 5, 1.0, -2.0])


def test_rows_taken_stand_after_those_of_the_program():
    """The program with rows of the pool has its own rows first, then the ones asked for in that order."""
    program = random_program(np.random.default_rng(3), binary=0.5)
    pool = random_pool(np.random.default_rng(3), program)
    larger = pool.taken(program, np.array([4, 1]))
    assert larger.num_rows == program.num_rows + 2
    assert (larger.matrix.toarray()[-2:] == pool.matrix.toarray()[[4, 1]]).all()
    assert (larger.row_upper[-2:] == pool.upper[[4, 1]]).all()
    assert pool.taken(program, NONE) is program


def test_limits_of_another_length_are_refused():
    """A pool whose limits are not one a row is refused with both counts."""
    with pytest.raises(ValueError, match="a pool of 2 rows needs as many"):
        RowPool(sparse.csr_array(np.eye(2)), np.zeros(3), np.ones(2))


def test_rows_that_no_longer_bind_are_dropped():
    """Rows taken in for one box leave again where another box has no use for them."""
    program = Program(
        cost=np.array([5.0, 4.0]),
        lower=np.zeros(2),
        upper=np.full(2, 1.0),
        integer=np.array([True, True]),
        matrix=sparse.csr_array(np.array([[3.0, 3.0]])),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([5.0]),
        maximise=True,
    )
    pool = RowPool(sparse.csr_array(np.array([[1.0, 1.0], [0.0, 1.0]])), np.full(2, -np.inf), np.array([1.0, 0.5]))
    relaxation = CutRelaxation(program, pool)
    assert relaxation.bound(np.array([0]), np.array([0.0]), np.array([1.0])).value == pytest.approx(5.0)
    assert relaxation.taken.tolist() == [0]
    assert relaxation.bound(np.array([0]), np.array([0.0]), np.array([0.0])).value == pytest.approx(2.0)
    assert relaxation.taken.tolist() == [1]
