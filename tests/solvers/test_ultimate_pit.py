"""What lies outside of the ultimate pit changes nothing: no optimum, no bound at any multipliers, no certificate."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import sparse

from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.early_start import early_started
from solvers.relaxation import ClosureProgram, StopRule, bound_from_multipliers, solve_relaxation
from solvers.relaxation.leaves import Decision, Leaf, leaf_bounds
from solvers.schedule import keeps_rows
from solvers.ultimate_pit import relaxation_within, ultimate_pit
from tests.solvers.relaxation.programs import whole_optimum


def mine(seed, *, spared=0.35, lags=False):
    """Waste above ore, some of which is not worth its waste; one or two choices and capacities."""
    rng = np.random.default_rng(seed)
    n, T, D = int(rng.integers(6, 13)), int(rng.integers(2, 5)), int(rng.integers(1, 3))
    pairs = [(v, u) for v in range(1, n) for u in range(v) if rng.random() < 2.0 / n]
    tail, head = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    bench = np.arange(n)
    gain = np.where(rng.random(n) < spared + bench / (2 * n), rng.uniform(1, 12, n), -rng.uniform(1, 6, n))
    value = np.column_stack([gain, -rng.uniform(1, 6, n)])[:, :D]
    discount = (1 + rng.uniform(0.0, 0.2)) ** -np.arange(T)
    kinds = int(rng.integers(1, 3))
    use = rng.uniform(0.5, 2.0, (kinds, n, D)) * (rng.random((kinds, n, D)) < 0.8)
    rows = np.zeros((kinds, T, n, T, D))
    for t in range(T):
        rows[:, t, :, t, :] = use
    allowed = np.ones((n, T, D), bool)
    if D == 2:
        allowed[rng.random(n) < 0.2, :, 1] = False
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=tail,
        arc_head=head,
        arc_lag=rng.integers(0, 2, tail.size) if lags else np.zeros(0, np.int64),
        part_node=np.arange(n),
        value=value[:, None, :] * discount[None, :, None],
        allowed=allowed,
        rows=sparse.csr_array(rows.reshape(kinds * T, -1)),
        row_lower=np.full(kinds * T, -np.inf),
        row_upper=np.repeat(use.max(axis=2).sum(axis=1) * rng.uniform(0.2, 0.5), T),
        constant=float(rng.normal()),
    )


def with_pits(count):
    """Random mines of which something lies outside."""
    found = [(mine(seed, lags=seed % 4 == 0), seed) for seed in range(3 * count)]
    pits = [(ultimate_pit(program), seed) for program, seed in found]
    return [(pit, seed) for pit, seed in pits if pit is not None][:count]


def test_most_random_mines_have_one():
    """Else the tests below would say little."""
    assert len(with_pits(60)) == 60


@pytest.mark.parametrize("kind", ["relaxation", "whole", "spread"])
def test_no_optimum_is_lost(kind):
    """By HiGHS on the whole program: the linear program, whole schedules, schedules with spans."""
    how = {"relaxation": {}, "whole": {"integer": True}, "spread": {"integer": True, "spread": True}}[kind]
    for pit, seed in with_pits(40):
        assert whole_optimum(pit.within, **how) == pytest.approx(whole_optimum(pit.whole, **how), abs=1e-6), seed


def test_any_multipliers_prove_the_same():
    """Of the program, of the program with earliest steps, and of cases by decisions about nodes of the pit."""
    for pit, seed in with_pits(60):
        rng = np.random.default_rng(seed)
        multipliers = rng.exponential(1.0, pit.whole.n_rows) * (rng.random(pit.whole.n_rows) < 0.7)
        size = max(abs(bound_from_multipliers(pit.whole, multipliers)), 1.0)
        assert bound_from_multipliers(pit.within, multipliers) == pytest.approx(
            bound_from_multipliers(pit.whole, multipliers), abs=1e-9 * size
        )
        inner, outer = early_started(pit.within, whole=True), early_started(pit.whole, whole=True)
        assert np.array_equal(inner.starts, outer.starts[pit.nodes])
        node, step = int(rng.integers(pit.nodes.size)), int(rng.integers(pit.whole.n_steps))
        for taken in (False, True):
            paid = np.append(multipliers, rng.exponential(1.0, int(taken)))
            within = Leaf((), paid, 0.0, (Decision(node, step, taken),))
            whole = Leaf((), paid, 0.0, (Decision(int(pit.nodes[node]), step, taken),))
            one, other = leaf_bounds(inner, (), [within]), leaf_bounds(outer, (), [whole])
            assert one == pytest.approx(other, abs=1e-9 * size), seed


def test_the_relaxation_within_is_that_of_the_program():
    """Same optimum; the multipliers prove it of the whole and the point is one of the whole. Without a pit as well."""
    for pit, seed in with_pits(20):
        for program in (pit.whole, replace(pit.whole, rows=-pit.whole.rows)):
            plain = solve_relaxation(program, StopRule(1e-9))
            found = relaxation_within(program, StopRule(1e-9))
            size = max(abs(plain.bound), 1.0)
            assert found.outcome is plain.outcome, seed
            assert found.bound == pytest.approx(plain.bound, abs=1e-7 * size)
            assert bound_from_multipliers(program, found.multipliers) <= found.bound + 1e-9 * size
            assert found.x.shape == program.value.shape
            assert float((program.worth * found.x).sum()) + program.constant == pytest.approx(found.value)


def keep(told, *what):
    """Remembers what a search tells of its bound."""
    told.append(what)


@pytest.mark.parametrize("spread", [False, True])
def test_a_search_answers_for_the_whole_program(spread):
    """Schedule, point and cases are those of the program; what they prove is checked there."""
    for pit, seed in with_pits(12):
        program = pit.whole
        told: list = []
        options = ScheduleOptions(rounds=3, spread=spread, workers=1)
        found = find_schedule(program, options, on_bound=partial(keep, told))
        assert found.schedule.keeps_order(program), seed
        assert keeps_rows(program, found.schedule)
        assert found.objective == pytest.approx(found.schedule.objective(program))
        outside = np.setdiff1d(np.arange(program.n_nodes), pit.nodes)
        assert (found.schedule.step[outside] == program.n_steps).all()
        assert found.relaxation.x.shape == program.value.shape
        assert float((program.worth * found.relaxation.x).sum()) + program.constant == pytest.approx(
            found.relaxation.value
        )
        (relaxation, tightened, cases), size = told[0], max(abs(found.relaxation.bound), 1.0)
        assert bound_from_multipliers(program, relaxation.multipliers) <= relaxation.bound + 1e-9 * size
        if cases is not None:
            proven = leaf_bounds(tightened, (), cases.leaves, whole=not spread)
            assert max(proven) <= cases.bound + 1e-9 * size
            again = ultimate_pit(tightened)
            within = leaf_bounds(again.within, (), again.leaves(cases.leaves), whole=not spread)
            # Of the largest alone: a case is looked at no closer than to see that it is no larger than claimed.
            assert max(within) == pytest.approx(max(proven), abs=1e-9 * size)
        optimum = whole_optimum(program, integer=True, spread=spread)
        assert found.objective <= optimum + 1e-6
        assert found.certified_bound >= optimum - 1e-6


def test_there_is_none_where_it_may_leave_out_something():
    """A minimum, a coefficient below 0, worth that rises or falls unevenly, a choice open in some steps only."""
    pit = next(pit for pit, _ in with_pits(60) if pit.whole.n_choices == 2)
    program = pit.whole
    rising, uneven, closed = program.value.copy(), program.value.copy(), program.allowed.copy()
    rising[:, -1] *= 3.0
    uneven[0, -1] *= 0.5
    closed[int(np.flatnonzero(program.allowed.all(axis=(1, 2)))[0]), 0, 0] = False
    negative = program.rows.copy()
    negative.data[0] *= -1
    others = [
        replace(program, row_lower=np.append(0.1, program.row_lower[1:])),
        replace(program, rows=negative),
        replace(program, value=rising),
        replace(program, value=uneven),
        replace(program, value=-np.abs(program.value)),
        replace(program, value=np.abs(program.value)),
        replace(program, allowed=closed),
    ]
    assert [ultimate_pit(other) for other in others] == [None] * len(others)
    assert ultimate_pit(pit.within) is None
    extras = {"extra_value": np.ones(1), "extra_lower": np.zeros(1), "extra_upper": np.ones(1)}
    column = sparse.csr_array(np.zeros((program.n_rows, 1)))
    assert ultimate_pit(replace(program, **extras, extra_rows=column)) is None


def test_a_relaxation_within_it_is_that_of_the_program():
    """To the gap asked for."""
    for pit, _ in with_pits(20):
        one, other = solve_relaxation(pit.within), solve_relaxation(pit.whole)
        assert one.bound == pytest.approx(other.bound, rel=2e-6, abs=1e-6)
