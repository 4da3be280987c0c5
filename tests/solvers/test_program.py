"""Programs held as arrays: what they refuse, and what they say about a point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from solvers.program import Program


@pytest.fixture
def program() -> Program:
    """Maximise 3x + 2y + 10 over x + y <= 4, 2 <= x - y, x integer in [0, 3], y in [0, 5]."""
    return Program(
        cost=np.array([3.0, 2.0]),
        lower=np.zeros(2),
        upper=np.array([3.0, 5.0]),
        integer=np.array([True, False]),
        matrix=sparse.csr_array(np.array([[1.0, 1.0], [1.0, -1.0]])),
        row_lower=np.array([-np.inf, 2.0]),
        row_upper=np.array([4.0, np.inf]),
        offset=10.0,
        maximise=True,
        column_names=("x", "y"),
        row_names=("total", "lead"),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost": np.zeros(3)}, r"cost must have shape \(2,\), not \(3,\)"),
        ({"row_lower": np.zeros(3)}, r"row_lower must have shape \(2,\)"),
        ({"integer": np.array([1, 0])}, "integer must be boolean"),
        ({"cost": np.array([np.nan, 1.0])}, "cost must be finite at x"),
        ({"lower": np.array([0.0, np.nan])}, "a limit is not a number at y"),
        ({"upper": np.array([-1.0, 5.0])}, "lower limit lies above the upper limit at x"),
        ({"row_lower": np.array([5.0, 2.0])}, "lower limit lies above the upper limit at total"),
        ({"row_lower": np.array([-np.inf, np.inf])}, r"the lower limit is \+inf .* at lead"),
        ({"offset": np.inf}, "offset must be finite"),
        ({"matrix": sparse.csr_array(np.array([[1.0, 1.0], [np.nan, 0.0]]))}, "holds nan at lead, x"),
        ({"row_names": ("total",)}, "row_names must hold 2 names, not 1"),
    ],
)
def test_construction_refuses_what_is_not_a_program(program, change, message):
    """Every malformed field is refused in one line that names the place."""
    with pytest.raises(ValueError, match=message) as error:
        replace(program, **change)
    assert "\n" not in str(error.value)


def test_input_arrays_stay_the_callers(program):
    """A program protects its own view of an array and leaves the caller's writable."""
    cost = np.array([1.0, 2.0])
    changed = replace(program, cost=cost)
    cost[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        changed.cost[0] = 7.0


def test_duplicate_entries_are_summed(program):
    """Entries given twice for one place count together, as in the matrix they describe."""
    twice = sparse.csr_array((np.array([1.0, 2.0, 1.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    assert replace(program, matrix=twice).matrix.toarray().tolist() == [[3.0, 0.0], [0.0, 1.0]]
    assert twice.nnz == 3


def test_objective_includes_the_constant(program):
    """The objective of a point is cost times point plus the constant."""
    assert program.objective_value(np.array([3.0, 1.0])) == pytest.approx(21.0)


def test_violation_is_scaled_by_limit_and_activity(program):
    """An excess is divided by the largest of one, the limit and the row activity."""
    violation = program.violation(np.array([3.0, 5.5]))
    assert violation.row_excess.tolist() == [4.5, 4.5]
    assert violation.rows.tolist() == [4.5 / 8.5, 4.5 / 8.5]
    assert violation.columns.tolist() == [0.0, 0.5 / 5.5]
    assert violation.largest == pytest.approx(4.5 / 8.5)
    assert violation.largest_excess == pytest.approx(4.5)


def test_tiny_excess_over_a_zero_limit_is_tiny(program):
    """A rounding error against a limit of zero is not a whole violation."""
    assert program.violation(np.array([3.0, -1e-12])).largest <= 1e-12


def test_explanation_names_the_worst_place(program):
    """The line about a broken point names the row, the bound or the integer, and none for a feasible point."""
    assert program.explain_violation(np.array([3.0, 1.0])) is None
    assert "total = 6" in str(program.explain_violation(np.array([3.0, 3.0])))
    assert "y = -1 lies outside [0, 5]" in str(program.explain_violation(np.array([2.0, -1.0])))
    assert "x = 2.5 is not integral" in str(program.explain_violation(np.array([2.5, 0.0])))


def test_relaxation_and_fixing_leave_the_program_alone(program):
    """Relaxing drops integrality, fixing turns integers into equal bounds, and the original keeps both."""
    fixed = program.with_fixed_integers(np.array([2.00001, np.nan]))
    assert not program.relaxed().integer.any()
    assert (fixed.lower.tolist(), fixed.upper.tolist()) == ([2.0, 0.0], [2.0, 5.0])
    assert not fixed.is_mixed_integer
    assert program.is_mixed_integer
    assert program.upper.tolist() == [3.0, 5.0]


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "no finite value"), (2.5, "not near an integer"), (4.0, "outside its bounds")]
)
def test_fixing_refuses_values_that_are_no_integers(program, value, message):
    """Integers can be fixed only at values near an integer and within bounds."""
    with pytest.raises(ValueError, match=f"integer x.*{message}"):
        program.with_fixed_integers(np.array([value, 0.0]))


def test_empty_program_is_feasible_when_zero_is():
    """Without columns, a point is feasible when the row limits hold zero."""
    empty = Program(
        np.zeros(0),
        np.zeros(0),
        np.zeros(0),
        np.zeros(0, dtype=bool),
        sparse.csr_array((1, 0)),
        np.array([0.0]),
        np.array([1.0]),
    )
    assert empty.is_feasible(np.zeros(0))
    assert not replace(empty, row_lower=np.array([0.5])).is_feasible(np.zeros(0))
