"""The staged solve against HiGHS on random programs; bounds, limits and starts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program
from solvers.result import Outcome, Progress, StartUse, StopReason
from solvers.rowpool import CutRelaxation, RowPool
from solvers.staged import Box, StagedSolve
from tests.solvers.random_programs import random_program

TO_THE_END = SolveOptions(gap=0.0, gap_abs=2e-6, threads=1)
THOROUGH = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
CLOSE = 1e-5


def random_first(draw: np.random.Generator, program: Program) -> np.ndarray:
    """Some of the integer columns."""
    return np.flatnonzero(program.integer & (draw.random(program.num_columns) < 0.5))


def random_pool(draw: np.random.Generator, program: Program) -> RowPool:
    """Rows that every integer point keeps: sums of rows, and upper limits of integer rows rounded down."""
    weights = draw.integers(0, 3, (5, program.num_rows)).astype(float)
    uses = sparse.csr_array(weights)
    limit = np.array([sum(w * b for w, b in zip(row, program.row_upper, strict=True) if w) for row in weights])
    matrix = (uses @ program.matrix).toarray()
    whole = ((matrix == np.round(matrix)) & (program.integer | (matrix == 0))).all(axis=1)
    return RowPool(sparse.csr_array(matrix), np.full(5, -np.inf), np.where(whole, np.floor(limit + 1e-9), limit))


def staged(program, first, pool, options=TO_THE_END, **more) -> StagedSolve:
    return StagedSolve(program, pool, first, options, **more)


@THOROUGH
@given(seed=SEEDS)
def test_staged_solve_agrees_with_highs(seed):
    """Whatever is branched on first and whatever valid rows are at hand, optimum and infeasibility are HiGHS's."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    direct = solve(program, TO_THE_END)
    result = staged(program, random_first(draw, program), random_pool(draw, program)).run()
    if direct.objective is None:
        assert result.stop_reason is StopReason.INFEASIBLE
        return
    assert result.objective == pytest.approx(direct.objective, rel=CLOSE, abs=CLOSE)
    assert result.outcome is Outcome.OPTIMAL
    assert result.bound == pytest.approx(direct.objective, rel=CLOSE, abs=CLOSE)
    assert program.is_feasible(result.x)


def random_cover(draw: np.random.Generator, program: Program, first: np.ndarray, above: float) -> list[Box]:
    """Boxes that hold every point: split at random, each with the bound of its relaxation, or a weaker one."""
    boxes = [(program.lower[first], program.upper[first])]
    for _ in range(int(draw.integers(0, 4))):
        lower, upper = boxes.pop(int(draw.integers(len(boxes))))
        column = int(draw.integers(len(first)))
        at = np.floor((lower[column] + upper[column]) / 2)
        below, beyond = upper.copy(), lower.copy()
        below[column], beyond[column] = at, at + 1
        boxes += [(lower, below), (beyond, upper)]
    relaxation = CutRelaxation(program, RowPool.empty(program.num_columns))
    sign = 1.0 if program.maximise else -1.0
    values = [relaxation.bound(first, *box).value if (box[0] <= box[1]).all() else -sign * np.inf for box in boxes]
    return [Box(*box, value + sign * above) for box, value in zip(boxes, values, strict=True)]


@THOROUGH
@given(seed=SEEDS, above=st.sampled_from([0.0, 3.0]))
def test_a_solve_begun_with_a_cover_agrees_with_highs(seed, above):
    """Whatever boxes the tree begins with, as long as they leave nothing out and their bounds hold."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    first = random_first(draw, program)
    direct = solve(program, TO_THE_END)
    if direct.objective is None or len(first) == 0:
        return
    cover = random_cover(draw, program, first, above)
    result = staged(program, first, random_pool(draw, program), cover=cover).run()
    assert result.objective == pytest.approx(direct.objective, rel=CLOSE, abs=CLOSE)
    assert result.bound == pytest.approx(direct.objective, rel=CLOSE, abs=CLOSE)


def test_where_the_cover_proves_the_start_nothing_is_solved():
    """The start is the answer, the largest bound of the cover its bound."""
    program = random_program(np.random.default_rng(3), binary=0.5)
    best = solve(program, TO_THE_END)
    first = np.flatnonzero(program.integer)[:1]
    good = Box(program.lower[first], program.upper[first], best.objective)
    solver = staged(program, first, RowPool.empty(program.num_columns), start=best.x, cover=[good])
    result = solver.run()
    assert (result.objective, result.bound) == (best.objective, best.objective)
    assert solver.record.tree_nodes == solver.record.leaves == 0


def wrong_way(program: Program, bound: float, optimum: float) -> bool:
    """Whether a bound says that the optimum cannot be."""
    slack = CLOSE * max(1.0, abs(optimum))
    return bound < optimum - slack if program.maximise else bound > optimum + slack


@THOROUGH
@given(seed=SEEDS)
def test_no_report_claims_a_bound_that_the_optimum_beats(seed):
    """At every report the optimum lies between incumbent and bound, and the gap is theirs."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    optimum = solve(program, TO_THE_END).objective
    reports: list[Progress] = []
    options = replace(TO_THE_END, progress_interval_s=0.0)
    staged(program, random_first(draw, program), random_pool(draw, program), options, on_progress=reports.append).run()
    assert reports
    for report in reports:
        if optimum is None:
            assert report.objective is None
            continue
        assert report.bound is None or not wrong_way(program, report.bound, optimum)
        assert report.objective is None or not wrong_way(program, optimum, report.objective)
        if report.gap is not None:
            assert report.gap == pytest.approx(abs(report.bound - report.objective) / abs(report.objective), abs=CLOSE)


@THOROUGH
@given(seed=SEEDS, gap=st.sampled_from([0.01, 0.2]))
def test_a_stop_at_a_gap_is_within_it_and_its_bound_holds(seed, gap):
    """Asked for a gap, the answer is within it of its bound, and the optimum does not beat the bound."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    optimum = solve(program, TO_THE_END).objective
    options = replace(TO_THE_END, gap=gap)
    result = staged(program, random_first(draw, program), random_pool(draw, program), options).run()
    if optimum is None:
        assert result.stop_reason is StopReason.INFEASIBLE
        return
    assert result.outcome is Outcome.OPTIMAL
    assert not wrong_way(program, result.bound, optimum)
    assert abs(result.objective - optimum) <= gap * abs(result.objective) + CLOSE


@THOROUGH
@given(seed=SEEDS, limit=st.sampled_from(["time", "cancel"]), started=st.booleans())
def test_stopped_at_once_gives_the_start_or_nothing(seed, limit, started):
    """With no time, or cancelled at once, the answer is the start where there was one, and no claim is made."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    direct = solve(program, TO_THE_END)
    start = direct.x if started else None
    options = replace(TO_THE_END, time_limit_s=0.0) if limit == "time" else TO_THE_END
    cancel = (lambda: True) if limit == "cancel" else None
    first, pool = random_first(draw, program), random_pool(draw, program)
    result = staged(program, first, pool, options, start=start, cancel=cancel).run()
    if start is not None:
        assert result.objective == pytest.approx(direct.objective, abs=1e-9)
        assert not wrong_way(program, result.bound, direct.objective)
        return
    assert result.outcome is Outcome.NO_SOLUTION
    assert result.stop_reason is (StopReason.TIME_LIMIT if limit == "time" else StopReason.INTERRUPTED)
    assert result.x is None
    if direct.objective is not None and result.bound is not None:
        assert not wrong_way(program, result.bound, direct.objective)


@THOROUGH
@given(seed=SEEDS, at=st.integers(1, 12))
def test_a_bound_holds_wherever_it_is_interrupted(seed, at):
    """Interrupted in the middle of any relaxation of the tree, the bound still covers what was not looked at."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    optimum = solve(program, TO_THE_END).objective
    solving = staged(program, random_first(draw, program), random_pool(draw, program))
    calls = itertools.count()
    relaxed = CutRelaxation.bound

    def interrupted(relaxation, *arguments, **more):
        if next(calls) == at:
            raise KeyboardInterrupt
        return relaxed(relaxation, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CutRelaxation, "bound", interrupted)
        result = solving.run()
    if optimum is not None and result.bound is not None:
        assert not wrong_way(program, result.bound, optimum)


@THOROUGH
@given(seed=SEEDS)
def test_a_start_is_never_lost(seed):
    """From a feasible start the answer is no worse than it, and still the optimum."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    other = solve(replace(program, cost=np.zeros(program.num_columns)), TO_THE_END)
    if other.x is None:
        return
    first, pool = random_first(draw, program), random_pool(draw, program)
    result = staged(program, first, pool, start=other.x).run()
    assert result.start is StartUse.ACCEPTED
    assert result.objective == pytest.approx(solve(program, TO_THE_END).objective, rel=CLOSE, abs=CLOSE)
    first_only = staged(program, first, pool, replace(TO_THE_END, node_limit=0), start=other.x).run()
    assert not wrong_way(program, first_only.objective, program.objective_value(other.x))


def test_an_infeasible_start_is_refused_and_told(caplog):
    """A start that breaks a row is left aside with a warning, and the solve goes on without it."""
    program = Program(
        cost=np.array([1.0, 1.0]),
        lower=np.zeros(2),
        upper=np.full(2, 3.0),
        integer=np.array([True, True]),
        matrix=sparse.csr_array(np.array([[1.0, 2.0]])),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([4.0]),
        maximise=True,
    )
    solving = staged(program, np.array([0]), RowPool.empty(2), start=np.array([3.0, 3.0]))
    result = solving.run()
    assert result.start is StartUse.REFUSED
    assert result.objective == 3.0
    assert "start refused" in caplog.text


@THOROUGH
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_answer(seed):
    """Two solves of the same program with the same seed give the same point, bound and number of nodes."""
    draw = np.random.default_rng(seed)
    program = random_program(draw, binary=0.5)
    first, pool = random_first(draw, program), random_pool(draw, program)
    one, other = (staged(program, first, pool).run() for _ in range(2))
    assert (one.bound, one.objective, one.nodes) == (other.bound, other.objective, other.nodes)
    assert (one.x is None and other.x is None) or (one.x == other.x).all()


def test_a_leaf_that_fails_is_not_called_infeasible(monkeypatch):
    """Where HiGHS gives up on a leaf without a point, nothing is proven about the program."""
    draw = np.random.default_rng(4)
    program = random_program(draw, binary=0.5)
    failed = replace(solve(program, TO_THE_END), x=None, objective=None, bound=None, stop_reason=StopReason.NUMERICAL)
    monkeypatch.setattr("solvers.staged.solve", lambda *_, **__: failed)
    result = staged(program, np.empty(0, dtype=np.int64), RowPool.empty(program.num_columns)).run()
    assert result.outcome is Outcome.ERROR
    assert result.stop_reason is StopReason.NUMERICAL


def test_the_record_says_what_the_pool_brought():
    """The strengthened bound is no weaker than the plain one, and the rows taken in are counted."""
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
    pool = RowPool(sparse.csr_array(np.array([[1.0, 1.0]])), np.array([-np.inf]), np.array([1.0]))
    solving = staged(program, np.array([0]), pool)
    assert solving.run().objective == 5.0
    record = solving.record
    assert (record.relaxation, record.strengthened, record.pool_rows) == (pytest.approx(5 + 8 / 3), 5.0, 1)
