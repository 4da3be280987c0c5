"""Bounds by cases: covers against enumeration, bounds against the best integral combination."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.closure import StagedFlowKernel
from solvers.relaxation import ClosureProgram, Outcome, solve_relaxation
from solvers.relaxation.branching import CaseLimits, bound_by_cases
from solvers.relaxation.leaves import Chain, Leaf, every_case, in_case, leaf_bound, missing_case
from solvers.relaxation.valid_rows import ValidRows
from tests.solvers.relaxation.programs import whole_optimum


@st.composite
def covers(draw):
    """Up to three chains of up to four and boxes within them."""
    sizes = draw(st.lists(st.integers(0, 4), min_size=0, max_size=3))
    box = st.tuples(*[st.tuples(st.integers(0, size), st.integers(0, size)) for size in sizes])
    return sizes, draw(st.lists(box, max_size=8))


@settings(max_examples=200, deadline=None)
@given(covers())
def test_a_missing_case_is_found_exactly_where_there_is_one(drawn):
    """Against looking at every combination; boxes may be empty, overlap, or cover all."""
    sizes, boxes = drawn
    cases = itertools.product(*[range(size + 1) for size in sizes])
    left = [k for k in cases if not any(all(a <= x <= b for x, (a, b) in zip(k, box, strict=True)) for box in boxes)]
    found = missing_case(sizes, boxes)
    assert (found is None) == (not left)
    if found is not None:
        assert found in left


def with_switches(seed):
    """A random program of two resources, each used only while a switching variable of its own is 1, at a cost."""
    rng = np.random.default_rng(seed)
    n, T, D = int(rng.integers(2, 7)), int(rng.integers(2, 5)), int(rng.integers(1, 3))
    ends = rng.integers(0, n, (2, n))
    tail, head = ends[:, ends[0] > ends[1]]
    value = rng.normal(3, 6, (n, 1, D)) * (0.9 ** np.arange(T))[None, :, None]
    rows, extra_rows, upper = [], [], []
    for r in range(2):
        use = rng.uniform(0.2, 2, (n, D))
        most = use.max(axis=1).sum() / T * rng.uniform(0.4, 1.5)
        for t in range(T):
            row = np.zeros((n, T, D))
            row[:, t, :] = use
            rows.append(row.ravel())
            extra_rows.append(np.eye(2 * T)[r * T + t] * -most)
            upper.append(0.0)
    falling = [True, bool(rng.random() < 0.5)]
    for r in range(2):
        for t in range(1, T):
            sign = 1.0 if falling[r] else -1.0
            rows.append(np.zeros(n * T * D))
            extra_rows.append(sign * (np.eye(2 * T)[r * T + t] - np.eye(2 * T)[r * T + t - 1]))
            upper.append(0.0)
    program = ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=tail,
        arc_head=head,
        part_node=np.arange(n),
        value=value,
        rows=sparse.csr_array(np.array(rows)),
        row_lower=np.full(len(rows), -np.inf),
        row_upper=np.array(upper),
        extra_value=-rng.uniform(0, 4, 2 * T),
        extra_lower=np.zeros(2 * T),
        extra_upper=np.ones(2 * T),
        extra_rows=sparse.csr_array(np.array(extra_rows)),
    )
    return program, [Chain(np.arange(r * T, (r + 1) * T), falling[r]) for r in range(2)]


def best_combination(program, chains):
    """The best optimum with the switching variables at 0 or 1, by trying every combination."""
    tried = [
        whole_optimum(in_case(program, chains, tuple((k, k) for k in combination)))
        for combination in itertools.product(*[range(chain.index.size + 1) for chain in chains])
    ]
    return max(value for value in tried if value is not None)


@pytest.mark.parametrize("seed", range(12))
def test_cases_close_the_gap_of_the_switching_variables(seed):
    """Without rows aside the bound by cases is the best combination; the leaves prove it to either kernel."""
    program, chains = with_switches(seed)
    expected = best_combination(program, chains)
    found = bound_by_cases(program, chains, ValidRows.none(program), CaseLimits(relative_gap=1e-9, solves=500))
    assert found.bound == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert missing_case([chain.index.size for chain in chains], [leaf.ranges for leaf in found.leaves]) is None
    for kernel in (None, StagedFlowKernel):
        given_kernel = {} if kernel is None else {"kernel": kernel}
        bounds = [leaf_bound(program, chains, leaf, **given_kernel) for leaf in found.leaves]
        assert max(bounds) == pytest.approx(found.bound, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("solves", [1, 2, 5])
def test_a_search_cut_short_leaves_a_cover_and_a_bound(solves):
    """Whenever it stops, the leaves hold every case and their largest bound is at least the optimum."""
    program, chains = with_switches(3)
    found = bound_by_cases(program, chains, ValidRows.none(program), CaseLimits(solves=solves))
    assert missing_case([chain.index.size for chain in chains], [leaf.ranges for leaf in found.leaves]) is None
    assert max(leaf_bound(program, chains, leaf) for leaf in found.leaves) <= found.bound * (1 + 1e-9)
    assert found.bound >= best_combination(program, chains) - 1e-7


def test_a_row_aside_brings_the_bound_down():
    """No more than half of the one node, kept aside: taken in because the point violates it."""
    none = np.zeros(0, np.int64)
    program = ClosureProgram(
        n_nodes=1,
        n_steps=1,
        arc_tail=none,
        arc_head=none,
        part_node=np.zeros(1, np.int64),
        value=np.full((1, 1, 1), 6.0),
        rows=sparse.csr_array((0, 1)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
    )
    aside = ValidRows.of(sparse.csr_array(np.ones((1, 1))), sparse.csr_array((1, 0)), np.array([0.5]))
    found = bound_by_cases(program, [], aside)
    assert found.bound == pytest.approx(3.0)
    assert found.rows.tolist() == [0]


def test_a_case_without_a_point_is_proven_and_not_believed():
    """A use of 1 forced where its switch is off: -inf by proof; the same claim without one gives a finite bound."""
    program, chains = with_switches(1)
    T = program.n_steps
    forced = np.zeros((1, program.rows.shape[1]))
    forced[0, : T * program.n_choices] = 1.0
    program = ClosureProgram(
        **{name: getattr(program, name) for name in ClosureProgram.__dataclass_fields__}
        | {
            "rows": sparse.csr_array(sparse.vstack([program.rows, sparse.csr_array(forced)])),
            "row_lower": np.append(program.row_lower, 0.5),
            "row_upper": np.append(program.row_upper, np.inf),
            "extra_rows": sparse.csr_array(sparse.vstack([program.extra_rows, sparse.csr_array((1, 2 * T))])),
        }
    )
    off = tuple((0, 0) if chain.falling else (T, T) for chain in chains)
    proof = solve_relaxation(in_case(program, chains, off))
    assert proof.outcome is Outcome.INFEASIBLE
    assert leaf_bound(program, chains, Leaf(off, proof.multipliers, -np.inf)) == -np.inf
    for lied in (Leaf(every_case(chains), proof.multipliers, -np.inf), Leaf(off, 0 * proof.multipliers, -np.inf)):
        assert np.isfinite(leaf_bound(program, chains, lied))
    found = bound_by_cases(program, chains, ValidRows.none(program), CaseLimits(relative_gap=1e-9, solves=500))
    assert found.bound == pytest.approx(best_combination(program, chains), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("falling", [True, False])
@pytest.mark.parametrize("pair", [(-1, 4), (-3, 2), (-2, -1), (1, 9), (-5, 9)])
def test_a_range_beyond_its_chain_fixes_no_more_than_what_lies_inside(falling, pair):
    """Numbers below 0 are 0, and do not count from the end of the chain."""
    program = with_run_of(4)
    chain = Chain(np.arange(4), falling=falling)
    one = in_case(program, [chain], (pair,))
    two = in_case(program, [chain], ((max(pair[0], 0), min(max(pair[1], 0), 4)),))
    assert np.array_equal(one.extra_lower, two.extra_lower)
    assert np.array_equal(one.extra_upper, two.extra_upper)


def with_run_of(length):
    """A program of one node and so many variables from 0 to 1."""
    none = np.zeros(0, np.int64)
    return ClosureProgram(
        n_nodes=1,
        n_steps=1,
        arc_tail=none,
        arc_head=none,
        part_node=np.zeros(1, np.int64),
        value=np.ones((1, 1, 1)),
        rows=sparse.csr_array((0, 1)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        extra_value=np.ones(length),
        extra_lower=np.zeros(length),
        extra_upper=np.ones(length),
        extra_rows=sparse.csr_array((0, length)),
    )
