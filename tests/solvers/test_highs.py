"""The HiGHS adapter: known answers, honest stops, starts, interruption, duals."""

from __future__ import annotations

import itertools
import signal
import threading
from dataclasses import replace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers.highs import complete_start, solve
from solvers.options import OptionError, SolveOptions, known_options
from solvers.program import Program
from solvers.result import STOP_REASONS, Outcome, StartUse, StopReason, gaps, weigh

EXACT = SolveOptions(gap=0.0, gap_abs=0.0)


def make(cost, matrix, row_lower, row_upper, *, lower=0.0, upper=np.inf, integer=False, **fields) -> Program:
    cost = np.asarray(cost, dtype=float)
    n = cost.size
    matrix = np.asarray(matrix, dtype=float)
    return Program(
        cost=cost,
        lower=np.broadcast_to(np.asarray(lower, dtype=float), n),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), n),
        integer=np.broadcast_to(np.asarray(integer, dtype=bool), n),
        matrix=sparse.csr_array(matrix),
        row_lower=np.broadcast_to(np.asarray(row_lower, dtype=float), matrix.shape[0]),
        row_upper=np.broadcast_to(np.asarray(row_upper, dtype=float), matrix.shape[0]),
        **fields,
    )


@pytest.fixture(scope="module")
def hard() -> Program:
    """Ten knapsacks over eighty items, far too hard to finish: the root bound is 3.6 % off."""
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 100, (10, 80)).astype(float)
    values = rng.integers(1, 100, 80) + weights.mean(axis=0)
    return make(
        values,
        weights,
        -np.inf,
        np.floor(weights.sum(axis=1) / 3),
        upper=1.0,
        integer=True,
        offset=1000.0,
        maximise=True,
    )


@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_mixed_integer_optimum_in_either_sense(sense):
    """A knapsack has value 220 plus its constant whether maximised or minimised with the sign turned."""
    program = make(
        sense * np.array([60.0, 100.0, 120.0]),
        [[10.0, 20.0, 30.0]],
        -np.inf,
        50.0,
        upper=1.0,
        integer=True,
        offset=sense * 7.0,
        maximise=sense > 0,
    )
    result = solve(program, EXACT)
    assert (result.outcome, result.stop_reason) == (Outcome.OPTIMAL, StopReason.PROVEN)
    assert result.x.tolist() == [0.0, 1.0, 1.0]
    assert result.objective == pytest.approx(sense * 227.0)
    assert result.bound == pytest.approx(sense * 227.0)
    assert result.gap == 0.0
    assert result.row_duals is None


def test_linear_optimum_with_duals():
    """Max 3x + 2y + 100, x + y <= 4, x <= 1: x = 1, y = 3; a unit of the row is worth 2, of the bound 1."""
    program = make([3.0, 2.0], [[1.0, 1.0]], -np.inf, 4.0, upper=[1.0, np.inf], offset=100.0, maximise=True)
    result = solve(program)
    assert (result.outcome, result.stop_reason, result.gap) == (Outcome.OPTIMAL, StopReason.PROVEN, 0.0)
    assert result.x.tolist() == pytest.approx([1.0, 3.0])
    assert result.objective == result.bound == pytest.approx(109.0)
    assert result.row_duals.tolist() == pytest.approx([2.0])
    assert result.reduced_costs.tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_duals_are_derivatives_of_the_objective(seed, maximise):
    """Moving a row limit or a bound a little moves the optimum by its dual or reduced cost."""
    rng = np.random.default_rng(seed)
    m, n, step = 4, 6, 1e-4
    matrix = rng.normal(size=(m, n))
    inside = rng.uniform(0.3, 0.7, n)
    sides = rng.integers(0, 2, m).astype(bool)
    program = make(
        rng.normal(size=n),
        matrix,
        np.where(sides, -np.inf, matrix @ inside - 0.1),
        np.where(sides, matrix @ inside + 0.1, np.inf),
        upper=1.0,
        maximise=maximise,
    )
    result = solve(program)

    def moved(**fields) -> float:
        return (solve(replace(program, **fields)).objective - result.objective) / step

    for i in range(m):
        unit = step * (np.arange(m) == i)
        slope = moved(row_lower=program.row_lower + unit, row_upper=program.row_upper + unit)
        assert slope == pytest.approx(result.row_duals[i], abs=1e-5)
    for j in range(n):
        unit = step * (np.arange(n) == j)
        slope = moved(lower=program.lower + unit, upper=program.upper + unit)
        assert slope == pytest.approx(result.reduced_costs[j], abs=1e-5)


@pytest.mark.parametrize("integer", [False, True])
def test_infeasible_and_unbounded_are_told_apart(integer):
    """Programs without a point or without a limit come back as such, without figures."""
    none = solve(make([1.0], [[1.0]], 11.0, np.inf, upper=10.0, integer=integer))
    free = solve(make([-1.0], [[1.0]], 1.0, np.inf, integer=integer))
    assert (none.outcome, none.stop_reason) == (Outcome.INFEASIBLE, StopReason.INFEASIBLE)
    assert (free.outcome, free.stop_reason) == (Outcome.UNBOUNDED, StopReason.UNBOUNDED)
    for result in (none, free):
        assert (result.x, result.objective, result.bound, result.gap) == (None, None, None, None)


def test_undecided_by_the_solver_is_decided_here():
    """An unbounded relaxation without an integer point (2x - 2y = 1) is infeasible, not unbounded."""
    program = make([-1.0, -1.3], [[2.0, -2.0]], 1.0, 1.0, integer=True)
    assert solve(program, SolveOptions(presolve="off")).outcome == Outcome.INFEASIBLE


def test_program_without_columns_or_rows():
    """Without columns the answer is the constant if zero fits the rows; without rows it is a bound."""
    empty = make([], np.zeros((1, 0)), 0.0, 1.0, offset=3.0)
    assert (solve(empty).outcome, solve(empty).objective, solve(empty).bound) == (Outcome.OPTIMAL, 3.0, 3.0)
    assert solve(replace(empty, row_lower=np.array([0.5]))).outcome == Outcome.INFEASIBLE
    assert solve(make([1.0], np.zeros((0, 1)), 0.0, 0.0, lower=2.5, integer=True)).x.tolist() == [3.0]


def test_node_limit_keeps_incumbent_and_bound(hard):
    """A stop at the node limit is a feasible point with its bound and gap, not an error and not an optimum."""
    result = solve(hard, SolveOptions(node_limit=50, threads=1))
    assert (result.outcome, result.stop_reason) == (Outcome.FEASIBLE, StopReason.NODE_LIMIT)
    assert hard.is_feasible(result.x)
    assert result.objective == hard.objective_value(result.x)
    assert result.bound > result.objective
    assert result.gap == pytest.approx((result.bound - result.objective) / result.objective)
    assert result.nodes >= 50


def test_limit_before_any_solution(hard):
    """A time limit of zero gives no solution, and the reason is the limit, not infeasibility."""
    result = solve(hard, SolveOptions(time_limit_s=0.0))
    assert (result.outcome, result.stop_reason) == (Outcome.NO_SOLUTION, StopReason.TIME_LIMIT)
    assert (result.x, result.objective, result.bound) == (None, None, None)


def test_wide_gap_is_optimal_within_the_gap_only(hard):
    """Stopping at the gap asked for says so and does not claim a proof."""
    result = solve(hard, SolveOptions(gap=0.05))
    assert (result.outcome, result.stop_reason) == (Outcome.OPTIMAL, StopReason.GAP)
    assert 0.0 < result.gap <= 0.05


def test_unfinished_linear_program_is_no_solution(hard):
    """The point at which simplex ran out of iterations breaks rows, so it is not handed out."""
    result = solve(hard.relaxed(), SolveOptions(iteration_limit=2, presolve="off"))
    assert (result.outcome, result.stop_reason) == (Outcome.NO_SOLUTION, StopReason.ITERATION_LIMIT)
    assert (result.x, result.bound, result.row_duals) == (None, None, None)
    assert "not accepted" in result.message


def test_feasible_start_is_never_lost(hard):
    """With no time at all, a feasible start is the answer, its integers rounded."""
    start = np.zeros(80)
    start[:5] = 1.0 - 1e-7
    result = solve(hard, SolveOptions(time_limit_s=0.0), start=start)
    assert result.start == StartUse.ACCEPTED
    assert (result.outcome, result.stop_reason) == (Outcome.FEASIBLE, StopReason.TIME_LIMIT)
    assert result.x.tolist() == np.round(start).tolist()


def test_start_reaches_the_solver(hard):
    """The first incumbent HiGHS knows of is the start, better than its own first one without a start."""
    good = solve(hard, SolveOptions(node_limit=300, threads=1))
    options = SolveOptions(node_limit=1, threads=1, progress_interval_s=0.0)
    with_start, without = [], []
    solve(hard, options, start=good.x, on_progress=with_start.append)
    solve(hard, options, on_progress=without.append)
    first, plain = (
        next(report.objective for report in reports if report.objective is not None)
        for reports in (with_start, without)
    )
    assert first == pytest.approx(good.objective)
    assert plain < first - 1.0


def test_start_does_not_spoil_the_answer():
    """A start whose columns presolve would fix elsewhere leads to the optimum of 20.5, not to 21 and the start."""
    program = make(
        [8.0, 6.0, 1.0],
        [[2.0, 1.0, 2.0]],
        -np.inf,
        5.0,
        upper=[1.0, 2.0, 1.0],
        integer=[True, True, False],
        maximise=True,
    )
    result = solve(program, EXACT, start=np.array([0.0, 2.0, 1.0]))
    assert (result.start, result.outcome, result.message) == (StartUse.ACCEPTED, Outcome.OPTIMAL, "")
    assert result.objective == pytest.approx(20.5)
    assert result.bound == pytest.approx(20.5)


def test_infeasible_start_is_refused_aloud(hard, caplog):
    """A start that breaks a row is named in the result and in the log, and the solve goes on without it."""
    result = solve(hard, SolveOptions(node_limit=1), start=np.ones(80))
    assert result.start == StartUse.REFUSED
    assert "lies outside" in result.start_message
    assert "start refused" in caplog.text
    assert result.x is not None


def test_start_within_scaled_tolerance_only_is_repaired():
    """A start that keeps the scaled tolerance but not HiGHS's absolute one has its continuous part solved again."""
    program = make([1.0, 1.0], [[1.0, 1.0]], -np.inf, 1e5, upper=1e5, integer=[True, False], maximise=True)
    result = solve(program, EXACT, start=np.array([7.0, 1e5 - 7.0 + 1e-3]))
    assert result.start == StartUse.REPAIRED
    assert result.outcome == Outcome.OPTIMAL
    assert result.objective == pytest.approx(1e5)


def test_incomplete_start_is_refused_and_can_be_completed():
    """Values for the integers alone become a start by one linear program; as they are they are refused."""
    program = make([5.0, 1.0], [[1.0, 1.0]], -np.inf, 4.5, integer=[True, False], maximise=True)
    with pytest.raises(ValueError, match="column 1; see complete_start"):
        solve(program, start=np.array([3.0, np.nan]))
    completed = complete_start(program, np.array([3.0, np.nan]))
    assert completed.x.tolist() == pytest.approx([3.0, 1.5])
    assert solve(program, start=completed.x).start == StartUse.ACCEPTED
    assert complete_start(program, np.array([5.0, np.nan])).outcome == Outcome.INFEASIBLE


def test_same_seed_same_answer(hard):
    """Two solves with one seed and a node limit visit the same nodes and end at the same point."""
    one, two = (solve(hard, SolveOptions(node_limit=100, seed=3, threads=1)) for _ in range(2))
    assert (one.nodes, one.simplex_iterations, one.bound) == (two.nodes, two.simplex_iterations, two.bound)
    assert one.x.tolist() == two.x.tolist()
    assert (one.seed, one.threads) == (3, 1)


def test_number_of_threads_may_change_between_solves(hard):
    """Solves with one, two and one threads in a row all end properly, in the main thread and in another."""
    found = []

    def solve_all() -> None:
        for threads in (1, 2, 1):
            found.append(solve(hard, SolveOptions(node_limit=1, threads=threads)).stop_reason)
            found.append(solve(hard.relaxed(), SolveOptions(threads=threads)).stop_reason)

    solve_all()
    worker = threading.Thread(target=solve_all)
    worker.start()
    worker.join()
    assert found == [StopReason.NODE_LIMIT, StopReason.PROVEN] * 6


def test_progress_is_in_the_sense_of_the_program(hard):
    """Progress reports never show an objective beyond the bound, and objective only improves."""
    reports = []
    solve(hard, SolveOptions(node_limit=50, progress_interval_s=0.0), on_progress=reports.append)
    known = [report for report in reports if report.objective is not None and report.bound is not None]
    assert known
    assert all(report.bound >= report.objective - 1e-6 and report.gap >= 0.0 for report in known)
    assert all(later.objective >= earlier.objective for earlier, later in itertools.pairwise(known))


def test_cancel_keeps_the_incumbent(hard):
    """Cancelling once a solution is known returns it with its bound as interrupted."""
    seen = []
    result = solve(
        hard,
        SolveOptions(node_limit=10**6, progress_interval_s=0.0),
        on_progress=seen.append,
        cancel=lambda: any(report.objective is not None and report.nodes > 0 for report in seen),
    )
    assert (result.outcome, result.stop_reason) == (Outcome.FEASIBLE, StopReason.INTERRUPTED)
    assert hard.is_feasible(result.x)
    assert result.gap > 0.0


def test_cancel_stops_a_linear_program(hard):
    """A linear program that is cancelled gives no point unless the one reached is feasible."""
    result = solve(hard.relaxed(), SolveOptions(presolve="off"), cancel=lambda: True)
    assert result.stop_reason == StopReason.INTERRUPTED
    assert result.outcome in {Outcome.NO_SOLUTION, Outcome.FEASIBLE}
    assert result.bound is None


@pytest.fixture
def heeded():
    """SIGINT as it is at a terminal: a suite that is run in the background is started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_first_interrupt_keeps_the_incumbent_and_the_handler(hard):
    """A real SIGINT while solving ends in a result, and the handler from before is back afterwards."""
    before = signal.getsignal(signal.SIGINT)
    raised = []

    def interrupt(progress) -> None:
        if progress.nodes > 0 and not raised:
            raised.append(progress)
            signal.raise_signal(signal.SIGINT)

    result = solve(hard, SolveOptions(node_limit=10**6, threads=1, progress_interval_s=0.0), on_progress=interrupt)
    assert raised
    assert (result.outcome, result.stop_reason) == (Outcome.FEASIBLE, StopReason.INTERRUPTED)
    assert result.objective >= raised[0].objective
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("heeded")
def test_second_interrupt_acts_as_before(hard):
    """Two SIGINTs raise KeyboardInterrupt, and the handler from before is back."""
    before = signal.getsignal(signal.SIGINT)
    finished = threading.Event()

    def interrupt(progress) -> None:
        if progress.nodes > 0 and not finished.is_set():
            signal.raise_signal(signal.SIGINT)
            while signal.getsignal(signal.SIGINT) is not before:
                finished.wait(0.01)
            finished.set()
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        solve(hard, SolveOptions(node_limit=10**6, threads=1, progress_interval_s=0.0), on_progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    for thread in threading.enumerate():
        if thread.name == "highs":
            thread.join()


def test_exception_of_a_callback_is_raised(hard):
    """What on_progress raises comes out of solve after HiGHS has stopped."""

    def fail(_progress) -> None:
        raise RuntimeError("broken display")

    with pytest.raises(RuntimeError, match="broken display"):
        solve(hard, SolveOptions(node_limit=10**6), on_progress=fail)


def test_console_stays_silent_and_log_file_fills(hard, tmp_path, capfd):
    """HiGHS writes to the file it is given and nothing to the console."""
    log = tmp_path / "solve.log"
    solve(hard, SolveOptions(node_limit=1), log_file=log)
    solve(hard, SolveOptions(node_limit=1))
    assert "Solving report" in log.read_text()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(FileNotFoundError):
        solve(hard, log_file=tmp_path / "missing" / "solve.log")


def test_options_report_all_findings_with_the_nearest_name(capfd):
    """Misspelt, ill-typed, out-of-range and doubled options are refused together, one line each."""
    with pytest.raises(OptionError) as error:
        SolveOptions(
            gap=-1.0,
            threads=1.5,  # type: ignore[arg-type]
            presolve="maybe",  # type: ignore[arg-type]
            extra={
                "mip_heuristic_efort": 0.1,
                "mip_detect_symmetry": 1,
                "mip_heuristic_effort": 7.0,
                "mip_rel_gap": 0.1,
                "output_flag": True,
            },
        )
    lines = str(error.value).splitlines()
    assert len(lines) == 8
    assert any("no such option; the nearest known option is 'mip_heuristic_effort'" in line for line in lines)
    assert any("1 is int, expected bool" in line for line in lines)
    assert any("HiGHS refuses the value 7.0" in line for line in lines)
    assert any("set gap instead" in line for line in lines)
    assert capfd.readouterr() == ("", "")


def test_limit_that_would_be_ignored_is_refused(hard):
    """HiGHS ignores simplex limits in mixed-integer programs, so asking for one is an error."""
    with pytest.raises(OptionError, match="set node_limit"):
        solve(hard, SolveOptions(iteration_limit=10))


def test_extra_options_reach_the_solver(hard):
    """A raw option changes the solve: stopping at the first improving solution is a solution limit."""
    result = solve(hard, SolveOptions(extra={"mip_max_improving_sols": 1}))
    assert (result.outcome, result.stop_reason) == (Outcome.FEASIBLE, StopReason.SOLUTION_LIMIT)
    target = solve(hard, SolveOptions(extra={"objective_target": 4000.0}))
    assert (target.outcome, target.stop_reason) == (Outcome.FEASIBLE, StopReason.OBJECTIVE_LIMIT)


def test_every_status_and_every_own_option_is_known():
    """No model status of HiGHS is left to a default, and the options set by name exist."""
    assert set(STOP_REASONS) >= set(highspy.HighsModelStatus.__members__)
    assert set(SolveOptions(time_limit_s=1.0, node_limit=1, iteration_limit=1).highs_values()) <= set(known_options())


def test_refused_program_is_an_error():
    """Coefficients HiGHS does not take end in an error with a message, not in an answer."""
    result = solve(make([1.0], [[1e16]], 1.0, 5.0))
    assert (result.outcome, result.stop_reason) == (Outcome.ERROR, StopReason.ERROR)
    assert "refuses" in result.message


def test_dropped_coefficients_are_reported():
    """HiGHS takes coefficients below 1e-9 for zero; the result says so."""
    assert "below 1e-9" in solve(make([1.0, 1.0], [[1e-10, 1.0]], 1.0, 5.0, upper=5.0)).message


@pytest.mark.parametrize(
    ("objective", "bound", "expected"),
    [
        (100.0, 100.00001, (Outcome.OPTIMAL, StopReason.GAP)),
        (100.0, 99.99999, (Outcome.OPTIMAL, StopReason.PROVEN)),
        (100.0, 99.0, (Outcome.FEASIBLE, StopReason.NUMERICAL)),
        (100.0, 110.0, (Outcome.FEASIBLE, StopReason.GAP)),
        (0.0, 1.0, (Outcome.FEASIBLE, StopReason.GAP)),
        (100.0, None, (Outcome.FEASIBLE, StopReason.NUMERICAL)),
        (None, 100.0, (Outcome.ERROR, StopReason.NUMERICAL)),
    ],
)
def test_claims_of_optimality_are_weighed(objective, bound, expected):
    """A claim of optimality counts for what objective and bound prove, and a crossing bound is not reported."""
    verdict = weigh(StopReason.PROVEN, objective, bound, maximise=True, gap_asked=1e-4, gap_abs_asked=0.0)
    assert (verdict.outcome, verdict.stop_reason) == expected
    assert verdict.gap_abs is None or verdict.gap_abs >= 0.0
    assert verdict.bound is None or objective is None or verdict.bound >= objective


def test_gap_counts_from_the_objective_in_both_senses():
    """The gap is over the absolute objective, infinite for an objective of zero."""
    assert gaps(-50.0, -45.0, maximise=True) == (0.1, 5.0)
    assert gaps(50.0, 45.0, maximise=False) == (0.1, 5.0)
    assert gaps(0.0, 1.0, maximise=True) == (np.inf, 1.0)


small = st.integers(-9, 9)


@st.composite
def tiny_programs(draw) -> Program:
    n, m = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    low = np.array(draw(st.lists(st.integers(-2, 1), min_size=n, max_size=n)), dtype=float)
    spread = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=float)
    matrix = np.array(draw(st.lists(small, min_size=m * n, max_size=m * n)), dtype=float).reshape(m, n)
    limit = np.array(draw(st.lists(small, min_size=m, max_size=m)), dtype=float)
    width = np.array(draw(st.lists(st.sampled_from([0.0, 3.0, np.inf]), min_size=m, max_size=m)))
    return make(
        draw(st.lists(small, min_size=n, max_size=n)),
        matrix,
        limit,
        limit + width,
        lower=low,
        upper=low + spread,
        integer=True,
        offset=float(draw(small)),
        maximise=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(program=tiny_programs(), gap=st.sampled_from([0.0, 0.3]))
def test_tiny_programs_agree_with_enumeration(program, gap):
    """Over all integer points in the box: same feasibility, a valid bound, and the best value at gap zero."""
    axes = [np.arange(low, high + 1) for low, high in zip(program.lower, program.upper, strict=True)]
    points = (np.array(point) for point in itertools.product(*axes))
    values = [program.objective_value(point) for point in points if program.is_feasible(point)]
    result = solve(program, replace(EXACT, gap=gap))
    if not values:
        assert result.outcome == Outcome.INFEASIBLE
        return
    best = max(values) if program.maximise else min(values)
    assert result.outcome == Outcome.OPTIMAL
    assert program.is_feasible(result.x)
    assert gaps(best, result.bound, maximise=program.maximise)[1] >= -1e-6
    assert gaps(result.objective, best, maximise=program.maximise)[1] <= gap * abs(result.objective) + 1e-6
