"""The relaxation against the whole linear program, and its bound at every iteration."""

from dataclasses import replace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.closure import StagedFlowKernel
from solvers.relaxation import (
    ClosureProgram,
    MultiplierError,
    Outcome,
    ProgramError,
    SpeedUps,
    StopReason,
    StopRule,
    bound_from_multipliers,
    proves_infeasible,
    solve_relaxation,
)
from solvers.relaxation.bienstock_zuckerberg import _Search
from tests.solvers.relaxation.programs import random_program, whole_optimum

TIGHT = StopRule(relative_gap=1e-9, iterations=400)
PLAIN = SpeedUps(parametric_start=False, by_steps=False, merge_above=10)


def assert_point_is_feasible(program, result):
    """The point satisfies every row, precedence, closed choices, and give the value claimed."""
    x, s = result.x, result.extras
    activity = program.rows @ x.ravel() + program.extras_matrix @ s
    slack = 1e-6 * (1.0 + np.abs(activity))
    assert (activity <= program.row_upper + slack).all()
    assert (activity >= program.row_lower - slack).all()
    assert (x >= 0).all()
    if program.allowed is not None:
        assert not x[~program.allowed].any()
    taken = np.cumsum(x.sum(axis=2), axis=1)
    share = np.full((program.n_nodes, program.n_steps), np.nan)
    share[program.part_node] = taken
    np.testing.assert_allclose(taken, share[program.part_node], atol=1e-9)
    assert (taken <= 1 + 1e-9).all()
    for v, u, lag in zip(program.arc_tail, program.arc_head, program.lags, strict=True):
        earlier = np.concatenate([np.zeros(lag), share[u]])[: program.n_steps]
        assert not (share[v] > earlier + 1e-9).any()
    worth = float((program.worth * x).sum() + program.extra_value @ s) + program.constant
    assert worth == pytest.approx(result.value, rel=1e-8, abs=1e-8)


def check_against_whole(program, speed_ups=None, begin=None, known=np.inf):
    optimum = whole_optimum(program)
    result = solve_relaxation(program, TIGHT, speed_ups=speed_ups, begin=begin, known=known)
    if optimum is None:
        assert result.outcome is Outcome.INFEASIBLE
        assert proves_infeasible(program, result.multipliers)
        assert proves_infeasible(program, result.multipliers, StagedFlowKernel)
        return
    slack = 1e-7 * max(1.0, abs(optimum))
    assert all(step.bound is None or step.bound >= optimum - slack for step in result.history)
    assert result.outcome is Outcome.OPTIMAL
    assert result.bound == pytest.approx(optimum, rel=1e-6, abs=1e-6)
    assert result.value == pytest.approx(optimum, rel=1e-6, abs=1e-6)
    assert bound_from_multipliers(program, result.multipliers) == pytest.approx(result.bound, rel=1e-9, abs=1e-9)
    assert_point_is_feasible(program, result)


@pytest.mark.parametrize("speed_ups", [SpeedUps(), PLAIN], ids=["fast", "plain"])
def test_equals_the_whole_linear_program_on_random_programs(speed_ups):
    """Bounds of all iterations hold, bound and point meet the optimum of HiGHS, infeasible ones are proven so."""
    for seed in range(120):
        check_against_whole(random_program(seed), speed_ups)


@settings(max_examples=40, deadline=None)
@given(st.integers(1_000, 2**31))
def test_equals_the_whole_linear_program_on_programs_hypothesis_finds(seed):
    """The same on seeds that hypothesis chooses."""
    check_against_whole(random_program(seed), SpeedUps())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_classes_of_a_like_program_lead_to_the_same_optimum(program_seed, seed):
    """One with other worths, other limits and other boxes, whose nodes begin no later; whatever bound is known."""
    program, rng = random_program(program_seed), np.random.default_rng(seed)
    like = solve_relaxation(program, StopRule(relative_gap=1e-9, iterations=int(rng.integers(1, 40))))
    changed = replace(
        program,
        value=program.value * rng.uniform(0.5, 1.5, program.value.shape),
        row_upper=program.row_upper + rng.uniform(0.0, 0.3) * np.abs(program.row_upper),
        extra_upper=program.extra_lower + rng.uniform(0.3, 1.0) * (program.extra_upper - program.extra_lower),
        first_step=program.starts + (rng.random(program.n_nodes) < 0.3),
    )
    known = rng.choice([np.inf, like.bound, 1e9])
    check_against_whole(changed, begin=like.partition, known=known)


def test_classes_that_carry_far_less_than_a_bound_known_are_given_up():
    """The search begins as without them then, and with them where the bound known is near to what they carry."""
    differ = 0
    for seed in range(40):
        program = random_program(seed)
        like = solve_relaxation(program, StopRule(relative_gap=1e-9))
        if like.outcome is not Outcome.OPTIMAL:
            continue
        anew = solve_relaxation(program)
        given_up = solve_relaxation(program, begin=like.partition, known=like.bound + 10.0 * abs(like.bound) + 1.0)
        assert given_up.history[0].bound == anew.history[0].bound
        assert given_up.bound == pytest.approx(anew.bound, rel=1e-6, abs=1e-6)
        kept = solve_relaxation(program, begin=like.partition, known=like.bound)
        assert kept.bound == pytest.approx(anew.bound, rel=1e-6, abs=1e-6)
        differ += kept.history[0].bound != anew.history[0].bound
    assert differ > 5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_any_multipliers_give_a_valid_bound(program_seed, seed):
    """UB(l) is at least the optimum for arbitrary l, of any sign and size; both kernels give the same UB(l)."""
    program = random_program(program_seed)
    optimum = whole_optimum(program)
    rng = np.random.default_rng(seed)
    multipliers = rng.normal(0, 1, program.n_rows) * 10.0 ** rng.integers(-3, 4)
    bound = bound_from_multipliers(program, multipliers)
    assert bound_from_multipliers(program, multipliers, StagedFlowKernel) == pytest.approx(bound, rel=1e-12)
    if optimum is not None:
        assert bound >= optimum - 1e-7 * max(1.0, abs(optimum))
        assert not proves_infeasible(program, multipliers)


def lagrangean(program, multipliers):
    """UB(l) without ``bound.py``: HiGHS on the program less its rows, their prices in the objective, plus their limits.

    The box of the continuous variables comes in through their bounds, as the solver sees them.
    """
    priced = replace(
        program,
        value=program.worth - (program.rows.T @ multipliers).reshape(program.value.shape),
        extra_value=program.extra_value - program.extras_matrix.T @ multipliers,
        rows=sparse.csr_array((0, program.rows.shape[1])),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        extra_rows=sparse.csr_array((0, program.n_extras)),
    )
    upper = np.where(multipliers > 0, program.row_upper, 0.0)
    lower = np.where(multipliers < 0, program.row_lower, 0.0)
    return whole_optimum(priced) + float(multipliers @ (upper + lower))


@pytest.mark.parametrize("speed_ups", [SpeedUps(), PLAIN], ids=["fast", "plain"])
def test_the_bound_of_every_iteration_is_the_lagrangean_of_its_multipliers(speed_ups, monkeypatch):
    """Each bound is UB(l) by an independent computation, or above it where pricing stopped early."""
    seen = []
    kept = _Search._keep_bound

    def watch(self, bound, multipliers):
        seen.append((bound, multipliers))
        kept(self, bound, multipliers)

    monkeypatch.setattr(_Search, "_keep_bound", watch)
    equal = 0
    for seed in range(100):
        program = random_program(seed)
        seen.clear()
        solve_relaxation(program, StopRule(relative_gap=1e-9, iterations=12), speed_ups=speed_ups)
        for bound, multipliers in seen:
            expected = lagrangean(program, multipliers)
            slack = 1e-6 * max(1.0, abs(expected))
            assert bound >= expected - slack
            equal += bound <= expected + slack
            if speed_ups is PLAIN:
                assert bound <= expected + slack
    assert equal > 200


def one_node(lower, upper, value=-5.0, **more):
    """One node, two steps, one choice, one row: x[0,0] + x[0,1] between the limits."""
    return ClosureProgram(
        n_nodes=1,
        n_steps=2,
        arc_tail=np.zeros(0, np.int64),
        arc_head=np.zeros(0, np.int64),
        part_node=np.zeros(1, np.int64),
        value=np.full((1, 2, 1), value),
        rows=sparse.csr_array(np.ones((1, 2))),
        row_lower=np.array([lower]),
        row_upper=np.array([upper]),
        **more,
    )


def test_minimum_row_forces_what_costs():
    """Zero is infeasible for x >= 0.6 at a cost of 5: the optimum is -3, with a multiplier of the right sign."""
    result = solve_relaxation(one_node(0.6, np.inf), TIGHT)
    assert result.outcome is Outcome.OPTIMAL
    assert result.bound == pytest.approx(-3.0)
    assert result.multipliers[0] == pytest.approx(-5.0)


def test_minimum_row_far_beyond_the_first_penalty():
    """A cost of a million a unit does not buy its way out of a minimum row."""
    result = solve_relaxation(one_node(1e-6, np.inf, value=-1e12), TIGHT)
    assert result.value == pytest.approx(-1e6)


@pytest.mark.parametrize("limit", [1e-13, 1e-18, 0.0])
def test_limits_that_are_dust_are_no_measure_of_their_row(limit):
    """What rounding leaves of a limit of 0 is solved as one: rows scaled by it would be refused by HiGHS."""
    parts = solve_relaxation(one_node(-np.inf, limit, value=5.0), TIGHT)
    assert parts.bound == pytest.approx(0.0, abs=1e-6)
    more = {"extra_value": np.array([2.0]), "extra_lower": np.zeros(1), "extra_upper": np.array([3.0])}
    program = one_node(-np.inf, limit, extra_rows=sparse.csr_array(np.array([[1.0]])), **more)
    bare = replace(program, rows=sparse.csr_array(np.zeros((1, 2))))
    for one in (program, bare):
        assert solve_relaxation(one, TIGHT).bound == pytest.approx(0.0, abs=1e-6)


def test_infeasible_minimum_is_proven_by_multipliers():
    """A least use of 1.5 where 1 is the most: the multipliers prove it to either kernel, scaled ones too."""
    program = one_node(1.5, np.inf)
    result = solve_relaxation(program, TIGHT)
    assert (result.outcome, result.reason) == (Outcome.INFEASIBLE, StopReason.INFEASIBLE)
    assert result.bound == -np.inf
    assert proves_infeasible(program, result.multipliers, StagedFlowKernel)
    assert proves_infeasible(program, 1e6 * result.multipliers)
    assert not proves_infeasible(program, -result.multipliers)


def test_box_of_the_continuous_variables_is_part_of_the_bound():
    """With l = 0 a continuous variable worth 2 within 0..3 puts 6 into the bound."""
    more = {"extra_value": np.array([2.0]), "extra_lower": np.zeros(1), "extra_upper": np.array([3.0])}
    program = one_node(-np.inf, 1.0, extra_rows=sparse.csr_array(np.array([[1.0]])), constant=10.0, **more)
    assert bound_from_multipliers(program, np.zeros(1)) == pytest.approx(16.0)
    assert solve_relaxation(program, TIGHT).bound == pytest.approx(12.0)


def test_program_without_nodes():
    """Nothing but a constant is a program too."""
    none = np.zeros(0, np.int64)
    program = ClosureProgram(
        n_nodes=0,
        n_steps=1,
        arc_tail=none,
        arc_head=none,
        part_node=none,
        value=np.zeros((0, 1, 1)),
        rows=sparse.csr_array((0, 0)),
        row_lower=np.zeros(0),
        row_upper=np.zeros(0),
        constant=4.0,
    )
    result = solve_relaxation(program)
    assert (result.bound, result.value, result.outcome) == (4.0, 4.0, Outcome.OPTIMAL)


def test_the_answer_is_deterministic():
    """Two runs give the same history, multipliers and point."""
    first, second = (solve_relaxation(random_program(3), TIGHT) for _ in range(2))
    assert [step.bound for step in first.history] == [step.bound for step in second.history]
    np.testing.assert_array_equal(first.multipliers, second.multipliers)
    np.testing.assert_array_equal(first.x, second.x)


def test_stopping_early_leaves_a_valid_bound_and_says_why():
    """One iteration, no time, or an interruption: the reason is named and the bound holds."""
    program = random_program(0)
    optimum = whole_optimum(program)
    for stop, reason in (
        (StopRule(relative_gap=0.0, iterations=1), StopReason.ITERATIONS),
        (StopRule(relative_gap=0.0, seconds=0.0), StopReason.TIME),
        (StopRule(relative_gap=0.0, coarse_after=0.0, coarse_gap=10.0), StopReason.COARSE),
        (StopRule(relative_gap=0.0, interrupted=lambda: True), StopReason.INTERRUPTED),
    ):
        result = solve_relaxation(program, stop, speed_ups=PLAIN)
        assert result.reason is reason
        assert result.bound >= optimum - 1e-9


def test_nothing_is_printed(capfd):
    """The solver's banner and log stay off the console."""
    solve_relaxation(random_program(7), TIGHT)
    assert capfd.readouterr() == ("", "")


def test_another_number_of_threads_before_does_no_harm():
    """A solve that left a scheduler of two threads behind does not break the next master."""
    highs = highspy._core._Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 2)
    highs.resetGlobalScheduler(True)
    highs.run()
    assert solve_relaxation(random_program(0), TIGHT).outcome is Outcome.OPTIMAL


def test_every_iteration_is_reported():
    """The callback sees what the history holds, and the best bound never rises."""
    seen = []
    result = solve_relaxation(random_program(5), TIGHT, on_iteration=seen.append)
    assert tuple(seen) == result.history
    best = [step.best_bound for step in seen]
    assert best == sorted(best, reverse=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": np.full((1, 2, 1), np.nan)}, "value"),
        ({"arc_tail": np.array([1]), "arc_head": np.array([0])}, "arc_tail"),
        ({"row_lower": np.array([2.0])}, "row 0"),
        ({"allowed": np.array([[[True], [False]]])}, "part 0 has no allowed choice in step 1"),
        ({"rows": sparse.csr_array(np.array([[np.inf, 1.0]]))}, "rows"),
        ({"constant": np.nan}, "constant"),
        ({"part_node": np.array([7])}, "part_node"),
    ],
)
def test_contradicting_arrays_are_refused(change, message):
    """A program says which array is wrong when it is made."""
    with pytest.raises(ProgramError, match=message):
        replace(one_node(-np.inf, 1.0), **change)


@pytest.mark.parametrize("multipliers", [np.zeros(2), np.array([np.nan])])
def test_multipliers_that_prove_nothing_are_refused(multipliers):
    """A wrong length and NaN raise instead of giving some bound."""
    with pytest.raises(MultiplierError):
        bound_from_multipliers(one_node(-np.inf, 1.0), multipliers)
