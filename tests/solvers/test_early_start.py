"""Earliest steps of schedules: no optimum is lost, and what is proven with them is tighter."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from solvers.closure_schedule import StopReason, find_schedule
from solvers.course import ScheduleOptions
from solvers.early_start import early_started
from solvers.relaxation import ClosureProgram, solve_relaxation
from solvers.relaxation.leaves import leaf_bound
from tests.solvers.relaxation.programs import random_program, whole_optimum

SEEDS = {False: range(300, 360), True: range(300, 330)}
"""By whether nodes span steps, which takes longer by hand."""


def column(*limits, use=(2.0, 2.0, 2.0), **changes):
    """Three nodes below each other, all worth something, and a capacity in every step."""
    n, T = len(use), len(limits)
    rows = np.zeros((T, n, T, 1))
    for t in range(T):
        rows[t, :, t, 0] = use
    program = ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=np.arange(1, n),
        arc_head=np.arange(n - 1),
        part_node=np.arange(n),
        value=np.ones((n, T, 1)),
        rows=sparse.csr_array(rows.reshape(T, -1)),
        row_lower=np.full(T, -np.inf),
        row_upper=np.array(limits, dtype=float),
    )
    return replace(program, **changes)


def tight_program(seed):
    """A random program whose capacities leave much of it for later or for never, without minima on them."""
    program = random_program(seed)
    upper, lower = program.row_upper.copy(), program.row_lower.copy()
    upper[: program.n_steps] *= 0.5
    lower[: program.n_steps] = -np.inf
    return replace(program, row_upper=upper, row_lower=lower)


def test_a_node_waits_until_its_cone_has_fitted_in():
    """Of three nodes of 2 units with 3 units a step the second is taken in the second step, the third in the last."""
    assert early_started(column(3, 3, 3), whole=True).starts.tolist() == [0, 1, 1]
    assert early_started(column(3, 3, 3), whole=False).starts.tolist() == [0, 0, 1]
    assert early_started(column(2, 2, 2), whole=True).starts.tolist() == [0, 1, 2]
    assert early_started(column(1, 1, 1), whole=True).starts.tolist() == [1, 3, 3]


def test_a_limit_used_up_to_the_tolerance_delays_nothing():
    """Plans are checked to a millionth; a cone that fits in to that may be taken."""
    assert early_started(column(3.9999999, 0, 2), whole=True).starts.tolist() == [0, 0, 2]
    assert early_started(column(3.9999, 0, 2.0001), whole=True).starts.tolist() == [0, 2, 2]


def test_what_limits_nothing_changes_nothing():
    """The program itself comes back: no arcs, room for all, rows over several steps, rows with a negative use."""
    for program in (
        column(9, 9),
        column(1, 1, arc_tail=np.zeros(0, np.int64), arc_head=np.zeros(0, np.int64)),
        column(3, 3, 3, rows=sparse.csr_array(np.ones((3, 9)))),
        column(3, 3, use=(2.0, -1.0, 2.0)),
        column(3, 3, arc_tail=np.array([1, 0]), arc_head=np.array([0, 1])),
    ):
        assert early_started(program, whole=True) is program


def test_of_several_choices_the_one_that_uses_least_counts():
    """A part that may be sent past the row uses nothing of it; one that may be until its choice closes does not."""
    program = column(3, 3, 3)
    rows = np.zeros((3, 3, 3, 2))
    rows[..., 0] = program.rows.toarray().reshape(3, 3, 3)
    two = replace(program, value=np.ones((3, 3, 2)), rows=sparse.csr_array(rows.reshape(3, -1)))
    assert early_started(two, whole=True) is two
    closed = np.ones((3, 3, 2), np.bool_)
    closed[..., 1] = False
    assert early_started(replace(two, allowed=closed), whole=True).starts.tolist() == [0, 1, 1]
    closed[0, 1, 1] = True
    assert early_started(replace(two, allowed=closed), whole=True).starts.tolist() == [0, 1, 1]


def test_capacity_that_may_be_bought_counts_as_bought():
    """Continuous variables add to a limit what they can at most."""
    bought = column(
        *(3, 3, 3),
        extra_value=np.array([-1.0]),
        extra_lower=np.zeros(1),
        extra_upper=np.ones(1),
        extra_rows=sparse.csr_array(np.array([[-1.0], [0.0], [0.0]])),
    )
    assert early_started(bought, whole=True).starts.tolist() == [0, 0, 1]


@pytest.mark.parametrize("spread", [False, True])
def test_no_optimum_is_lost_and_no_relaxation_rises(spread):
    """Lags, parts, choices, late starts, rows of every kind; in many programs the relaxation falls."""
    lower = 0
    for seed in SEEDS[spread]:
        program = tight_program(seed)
        tight = early_started(program, whole=not spread)
        assert (tight.starts >= program.starts).all()
        if tight is program:
            continue
        best, same = (whole_optimum(each, integer=not spread, spread=spread) for each in (program, tight))
        assert (best is None) == (same is None)
        if best is None:
            continue
        assert same == pytest.approx(best, rel=1e-6, abs=1e-5)
        before, after = solve_relaxation(program).bound, solve_relaxation(tight).bound
        scale = 1e-5 * max(1.0, abs(before))
        assert best - scale <= after <= before + scale
        lower += after < before - scale
    assert lower >= 4


@pytest.mark.parametrize("spread", [False, True])
def test_what_a_search_proves_with_them_holds_and_follows_from_its_multipliers(spread):
    """The bound of the search is that of one case, no less than any schedule; the plain relaxation stands beside it."""
    lower = 0
    for seed in SEEDS[spread][:20]:
        program = tight_program(seed)
        found = find_schedule(program, ScheduleOptions(rounds=2, workers=1, spread=spread))
        assert found.relaxation.bound == pytest.approx(solve_relaxation(program).bound, rel=1e-6, abs=1e-6)
        best = whole_optimum(program, integer=not spread, spread=spread)
        if found.stop is StopReason.INFEASIBLE:
            assert best is None
            continue
        if found.cases is None:
            assert found.tightened is program
            continue
        again = leaf_bound(found.tightened, [], found.cases.leaves[0])
        assert again == pytest.approx(found.cases.bound, rel=1e-9, abs=1e-9)
        if best is not None:
            assert found.certified_bound >= best - 1e-5 * max(1.0, abs(best))
        lower += found.certified_bound < found.relaxation.bound - 1e-6 * abs(found.relaxation.bound)
    assert lower >= 3
