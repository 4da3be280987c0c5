"""Decisions about nodes: no schedule is lost, no leaf left out, and what is proven comes down to the optimum."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.closure import StagedFlowKernel
from solvers.relaxation import ClosureProgram, Outcome, solve_relaxation
from solvers.relaxation.branching import bound_by_cases
from solvers.relaxation.leaves import Decision, complete_ranges, in_case, leaf_bound, missing_case, missing_decisions
from solvers.relaxation.node_branching import NodeLimits, branch_on_nodes
from solvers.relaxation.valid_rows import ValidRows
from tests.solvers.relaxation.programs import random_program, whole_optimum


@st.composite
def trees(draw):
    """The paths to the leaves of a tree of forks, and which of them to leave out."""
    fork = st.tuples(st.integers(0, 3), st.integers(0, 2))
    paths, ends = [], [()]
    for node, step in draw(st.lists(fork, max_size=7)):
        path = ends.pop(draw(st.integers(0, len(ends) - 1)))
        ends += [(*path, Decision(node, step, taken)) for taken in (False, True)]
    paths = draw(st.permutations(ends))
    return paths, draw(st.integers(0, len(paths) - 1))


@settings(max_examples=300, deadline=None)
@given(trees())
def test_a_tree_is_whole_until_a_leaf_is_left_out(drawn):
    """Every leaf but one: what is missing leads to that one, and no other path does."""
    paths, out = drawn
    assert missing_decisions(paths) is None
    rest = [path for number, path in enumerate(paths) if number != out]
    missing = missing_decisions(rest)
    assert missing is not None
    assert missing == paths[out][: len(missing)]
    assert not any(path[: len(missing)] == missing for path in rest)


def test_forks_about_different_nodes_do_not_make_a_tree():
    """Not taken by one fork and taken by another: schedules in between are held by neither."""
    paths = [(Decision(0, 1, taken=False),), (Decision(1, 1, taken=True),)]
    assert missing_decisions(paths) is not None
    assert complete_ranges([(((0, 1),), paths[0]), (((0, 1),), ()), (((2, 2),), paths[1])]) == [((0, 1),)]
    assert missing_case([2], complete_ranges([(((0, 2),), path) for path in paths])) == (0,)


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_two_sides_of_a_decision_hold_every_schedule(seed, spread):
    """The better side is worth what the whole is, for any node with parts and any step."""
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    nodes = np.flatnonzero(program.first_part >= 0)
    if not nodes.size:
        return
    node, step = int(rng.choice(nodes)), int(rng.integers(program.n_steps))
    best = []
    for taken in (False, True):
        side = in_case(program, (), (), (Decision(node, step, taken),), whole=not spread)
        value = None if side is None else whole_optimum(side, integer=not spread, spread=spread)
        best += [] if value is None else [value]
    expected = whole_optimum(program, integer=not spread, spread=spread)
    assert (expected is None) == (not best)
    assert expected is None or max(best) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("seed", range(60, 100))
def test_no_schedule_is_worth_more_than_the_leaves_prove(seed, spread):
    """Lags, parts, choices, rows of every kind: against the optimum by hand, either kernel, alike on two cores."""
    program = random_program(seed)
    root = solve_relaxation(program)
    if root.outcome is Outcome.INFEASIBLE:
        return
    cases = bound_by_cases(program, (), ValidRows.none(program), root=root)
    found, again = (
        branch_on_nodes(program, (), cases, NodeLimits(solves=60, threads=threads), whole=not spread)
        for threads in (1, 2)
    )
    assert found.bound <= cases.bound
    assert [leaf.decisions for leaf in found.leaves] == [leaf.decisions for leaf in again.leaves]
    assert found.bound == again.bound
    assert missing_decisions([leaf.decisions for leaf in found.leaves]) is None
    for kernel in ({}, {"kernel": StagedFlowKernel}):
        bounds = [leaf_bound(program, (), leaf, **kernel, whole=not spread) for leaf in found.leaves]
        slack = 1e-9 * max(abs(found.bound), 1.0) if np.isfinite(found.bound) else 0.0
        assert max(bounds) <= found.bound + slack
    optimum = whole_optimum(program, integer=not spread, spread=spread)
    assert optimum is None or optimum <= found.bound + 1e-6 * max(abs(optimum), 1.0)
    for point in found.points:
        assert point.value <= found.leaves[point.leaf].bound + 1e-6 * max(abs(point.value), 1.0)


def shared_overburden(groups=4, steps=4):
    """Ore in columns below a layer of waste that each group of them shares, a mill for one column a step."""
    rng = np.random.default_rng(3)
    size = 8
    n = groups * size
    head = np.repeat(np.arange(groups) * size, size - 1)
    tail = np.setdiff1d(np.arange(n), np.arange(groups) * size)
    value = rng.uniform(4, 9, n)
    value[::size] = -rng.uniform(8, 20, groups)
    use = np.ones(n)
    use[::size] = 0.0
    rows = np.zeros((steps, n, steps, 1))
    for t in range(steps):
        rows[t, :, t, 0] = use
    return ClosureProgram(
        n_nodes=n,
        n_steps=steps,
        arc_tail=tail,
        arc_head=head,
        part_node=np.arange(n),
        value=value[:, None, None] * (0.8 ** np.arange(steps))[None, :, None],
        rows=sparse.csr_array(rows.reshape(steps, -1)),
        row_lower=np.full(steps, -np.inf),
        row_upper=np.full(steps, 5.0),
    )


def test_what_groups_share_is_decided_group_by_group():
    """The relaxation strips a part of every group; decisions close nearly all that lies between it and the optimum."""
    program = shared_overburden()
    cases = bound_by_cases(program, (), ValidRows.none(program))
    optimum = whole_optimum(program, integer=True)
    found = branch_on_nodes(program, (), cases, NodeLimits(solves=200))
    assert cases.bound > optimum * 1.005
    assert found.bound - optimum < 0.1 * (cases.bound - optimum)
    assert found.bound >= optimum - 1e-6
    few = branch_on_nodes(program, (), cases, NodeLimits(solves=20))
    assert found.bound <= few.bound < cases.bound
    assert few.solves <= cases.solves + 21


def test_every_split_tells_the_bound_and_the_point_that_is_worth_most():
    """Bounds fall; the last ones are those of the answer, and points are worth what they say."""
    program = shared_overburden()
    cases = bound_by_cases(program, (), ValidRows.none(program))
    told = []
    found = branch_on_nodes(
        program, (), cases, NodeLimits(solves=60), on_split=lambda split: told.append((split.bound, split.point()))
    )
    bounds = [bound for bound, _ in told]
    assert len(bounds) > 2
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == found.bound
    for bound, point in told:
        assert point.value == pytest.approx(float((point.x * program.worth[:, :, :]).sum()) + program.constant)
        assert point.value <= bound + 1e-6 * abs(bound)
    assert told[-1][1].value == max(point.value for point in found.points)


def test_points_of_cases_with_decisions_come_first():
    """Whatever the point of a case is worth that nothing is decided of."""
    program = shared_overburden()
    cases = bound_by_cases(program, (), ValidRows.none(program))
    found = branch_on_nodes(program, (), cases, NodeLimits(solves=8))
    assert len(found.leaves) > 1
    loose = replace(found, points=(replace(cases.points[0], leaf=0), *found.points[1:]))
    loose = replace(loose, leaves=(cases.leaves[0], *found.leaves[1:]))
    again = branch_on_nodes(program, (), loose, NodeLimits(seconds=0.0))
    assert again.points[0].leaf != 0
    assert {point.leaf for point in again.points} == {point.leaf for point in loose.points}


def test_a_bound_asked_for_ends_the_search_and_no_time_changes_nothing():
    """A target above the optimum is reached with fewer cases; with no time left the cases stay as they were."""
    program = shared_overburden()
    cases = bound_by_cases(program, (), ValidRows.none(program))
    optimum = whole_optimum(program, integer=True)
    target = 0.5 * (optimum + cases.bound)
    found = branch_on_nodes(program, (), cases, NodeLimits(target=target))
    assert optimum - 1e-6 <= found.bound <= target
    assert len(found.leaves) < len(branch_on_nodes(program, (), cases).leaves)
    kept = branch_on_nodes(program, (), cases, NodeLimits(seconds=0.0))
    assert [leaf.multipliers.tolist() for leaf in kept.leaves] == [leaf.multipliers.tolist() for leaf in cases.leaves]


def test_a_node_that_can_start_no_earlier_is_not_taken_by_then():
    """The side that says taken before the first step has no schedule, and the other is the whole."""
    program = shared_overburden()
    late = replace(program, first_step=np.full(program.n_nodes, 2))
    assert in_case(late, (), (), (Decision(0, 1, taken=True),)) is None
    other = in_case(late, (), (), (Decision(0, 1, taken=False),))
    assert whole_optimum(other, integer=True) == pytest.approx(whole_optimum(late, integer=True))
