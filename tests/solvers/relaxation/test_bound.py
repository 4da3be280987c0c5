"""The bound that multipliers prove, against exact arithmetic: rounding may raise it, and never lowers it."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.closure import PseudoflowKernel, StagedFlowKernel
from solvers.relaxation import (
    ClosureProgram,
    bound_from_multipliers,
    bracketed_bound,
    proves_infeasible,
    solve_relaxation,
)
from solvers.relaxation.bound import lost_to_rounding, project_multipliers, step_prices
from tests.solvers.relaxation.programs import random_program

KERNELS = [PseudoflowKernel, StagedFlowKernel]


def exact_bound(program: ClosureProgram, multipliers, *, objective: bool = True) -> Fraction:
    """UB(l) in fractions, over all closures."""
    price = exact_prices(program, multipliers, objective=objective)
    best = None
    for steps in itertools.product(*(range(start, program.n_steps + 1) for start in program.starts.tolist())):
        arcs = zip(program.arc_tail.tolist(), program.arc_head.tolist(), program.lags.tolist(), strict=True)
        if any(steps[v] < program.n_steps and steps[v] < steps[u] + lag for v, u, lag in arcs):
            continue
        worth = sum((price[p][steps[u]] for p, u in enumerate(program.part_node.tolist())), Fraction(0))
        best = worth if best is None else max(best, worth)
    return best + exact_terms(program, multipliers, objective=objective)


def exact_prices(program, multipliers, *, objective):
    """Price of each part in each step, and 0 for never."""
    columns, worth = program.rows.toarray().reshape(program.n_rows, *program.value.shape), program.worth
    multiplied = [Fraction(one) for one in multipliers.tolist()]

    def price(part, step):
        found = []
        for choice in range(program.n_choices):
            if program.open_choices is not None and not program.open_choices[part, step, choice]:
                continue
            own = Fraction(float(worth[part, step, choice])) if objective else Fraction(0)
            found.append(
                own - sum(each * Fraction(float(columns[i, part, step, choice])) for i, each in enumerate(multiplied))
            )
        return max(found)

    return [[price(p, t) for t in range(program.n_steps)] + [Fraction(0)] for p in range(program.n_parts)]


def exact_terms(program, multipliers, *, objective):
    """Rows, box and constant."""
    total = Fraction(program.constant) if objective else Fraction(0)
    multiplied = [Fraction(one) for one in multipliers.tolist()]
    for each, low, high in zip(multiplied, program.row_lower.tolist(), program.row_upper.tolist(), strict=True):
        if each:
            total += each * Fraction(high if each > 0 else low)
    dense = program.extras_matrix.toarray()
    for j in range(program.n_extras):
        r = Fraction(float(program.extra_value[j])) if objective else Fraction(0)
        r -= sum(each * Fraction(float(dense[i, j])) for i, each in enumerate(multiplied))
        total += max(r * Fraction(float(program.extra_lower[j])), r * Fraction(float(program.extra_upper[j])))
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(-3, 22), st.lists(st.integers(-3, 3), min_size=12, max_size=12))
def test_never_below_what_multipliers_prove_exactly(seed, magnitude, factors):
    """Multipliers of one size cancel each other, and huge ones leave no digit of the values."""
    program = random_program(seed)
    assume((program.n_steps + 1) ** program.n_nodes <= 1500 and program.n_rows <= len(factors))
    multipliers = 10.0**magnitude * np.array(factors[: program.n_rows], dtype=np.float64)
    used = project_multipliers(program, multipliers)
    exact = exact_bound(program, used)
    assert Fraction(bound_from_multipliers(program, multipliers)) >= exact
    assert Fraction(bracketed_bound(program, multipliers)) >= exact
    nothing = exact_bound(program, used, objective=False)
    assert not proves_infeasible(program, multipliers) or nothing < 0


def difference_row(*more):
    """Two nodes worth 500 each in one row, one with 1 and the other with -1, at most 0; and other rows."""
    rows = np.array([[1.0, -1.0], *(row for row, _, _ in more)])
    return ClosureProgram(
        n_nodes=2,
        n_steps=1,
        arc_tail=np.array([1]),
        arc_head=np.array([0]),
        part_node=np.arange(2),
        value=np.full((2, 1, 1), 500.0),
        rows=sparse.csr_array(rows),
        row_lower=np.array([-np.inf, *(low for _, low, _ in more)]),
        row_upper=np.array([0.0, *(high for _, _, high in more)]),
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_multipliers_that_swallow_the_values_prove_nothing(kernel):
    program = difference_row()
    assert bound_from_multipliers(program, np.array([1e19]), kernel) >= 1000.0
    assert bound_from_multipliers(program, np.array([3.0]), kernel) == pytest.approx(1000.0, rel=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_multipliers_that_swallow_a_row_prove_no_infeasibility(kernel):
    """Both nodes keep all rows; 1e20 leaves nothing of the -1 beside it."""
    program = difference_row(([1.0, 0.0], 1.0, np.inf))
    assert not proves_infeasible(program, np.array([1e20, -1.0]), kernel)
    assert proves_infeasible(difference_row(([1.0, 0.0], 2.0, np.inf)), np.array([0.0, -1.0]), kernel)


@pytest.mark.parametrize("cost", [1e10, 1e15, 1e20])
def test_a_node_that_nothing_pays_for_takes_no_digits_off_the_others(cost):
    """Values of -1e15 stand for "never" in many block models."""
    rng = np.random.default_rng(0)
    n, T = 40, 3
    value = np.rint(rng.normal(0.0, 100.0, n))
    value[7] = -cost
    program = ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=np.array([8]),
        arc_head=np.array([7]),
        part_node=np.arange(n),
        value=value[:, None, None] * 0.9 ** np.arange(T)[None, :, None],
        rows=sparse.csr_array((0, n * T)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
    )
    without = value.copy()
    without[[7, 8]] = 0.0
    exact = np.maximum(without, 0.0).sum()
    assert bound_from_multipliers(program, np.zeros(0)) == pytest.approx(exact, rel=1e-12)
    assert bracketed_bound(program, np.zeros(0)) == pytest.approx(exact, rel=1e-12)
    assert solve_relaxation(program).bound == pytest.approx(exact, rel=1e-12)


def test_what_rounding_may_have_taken_is_a_hair_for_multipliers_of_a_relaxation():
    for seed in range(40):
        program = random_program(seed)
        found = solve_relaxation(program)
        if np.isfinite(found.bound):
            used = project_multipliers(program, found.multipliers)
            lost = lost_to_rounding(program, used, step_prices(program, used)[0])
            assert 0.0 < lost <= 1e-12 * max(abs(found.bound), 1.0)
