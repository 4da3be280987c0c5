"""Schedules whose nodes span steps: parts against the whole program written out, and the search built on them."""

import numpy as np
import pytest

from solvers.closure_schedule import StopReason, find_schedule
from solvers.course import ScheduleOptions
from solvers.highs import solve
from solvers.improvement import SpreadSubprogramBuilder, row_penalties, settle
from solvers.improvement.neighbourhoods import Merged, SolvedRuns, Surroundings, every_kind
from solvers.improvement.subprogram import Elastics
from solvers.options import SolveOptions
from solvers.relaxation import solve_relaxation
from solvers.spread_schedule import SpreadSchedule
from tests.solvers.improvement.test_improvement import nothing_taken, wide_open
from tests.solvers.relaxation.programs import random_program, whole_optimum

EXACT = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)


@pytest.mark.parametrize("seed", range(40))
def test_with_every_node_free_the_part_is_the_whole_partial_program(seed):
    """Lags, parts, bare nodes, choices, late starts, rows of every kind: the optimum of the program by hand."""
    program = random_program(seed)
    builder = SpreadSubprogramBuilder(program)
    start = nothing_taken(program)
    penalty = 1e3 * row_penalties(program, np.zeros(program.n_rows))
    violation = start.violation(program)
    soft = Elastics(np.flatnonzero(violation > 0), penalty[violation > 0])
    part = builder.build(start, wide_open(program, builder), elastic=soft)
    expected = whole_optimum(program, spread=True)
    if not part.program.num_columns:
        assert expected is None or expected == pytest.approx(start.objective(program), abs=1e-6)
        return
    schedule = part.schedule(solve(part.program, EXACT).x)
    assert schedule.keeps_order(program)
    if expected is None:
        assert (schedule.violation(program) > 0).any()
        return
    assert not (schedule.violation(program) > 0).any()
    assert schedule.objective(program) == pytest.approx(expected, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("seed", range(30))
def test_every_kind_of_part_holds_the_spread_schedule_it_was_made_from(seed):
    """The start is a point of the program with the worth it has, and its answer is no worse and keeps the arcs."""
    program = random_program(seed)
    builder = SpreadSubprogramBuilder(program)
    relaxation = solve_relaxation(program)
    if relaxation.x is None:
        return
    penalty = row_penalties(program, relaxation.multipliers)
    rng = np.random.default_rng(seed)
    schedule = SpreadSchedule.of(program, nothing_taken(program))
    around = Surroundings.of(builder, rng.uniform(0, program.n_steps, program.n_nodes))
    free = np.zeros(program.n_nodes, np.bool_)
    for kind in every_kind(around, SolvedRuns())[1] * 3:
        windows = None if isinstance(kind, Merged) else kind.draw(schedule, 30, rng, free)
        if windows is None or not windows.free.any():
            continue
        violation = schedule.violation(program)
        soft = Elastics(np.flatnonzero(violation > 0), penalty[violation > 0])
        flexible = rng.permutation(program.n_parts)[: program.n_parts // 2]
        priced = relaxation.multipliers if rng.random() < 0.5 else None
        part = builder.build(schedule, windows, flexible=flexible, elastic=soft, priced=priced)
        assert part.program.is_feasible(part.start)
        again = part.schedule(part.start)
        assert np.array_equal(again.step, schedule.step)
        assert again.objective(program) == pytest.approx(schedule.objective(program), rel=1e-6, abs=1e-6)
        found = solve(part.program, EXACT, start=part.start if part.program.is_mixed_integer else None)
        better = part.schedule(found.x)
        gained = better.objective(program) - schedule.objective(program)
        lost = float(penalty @ (better.violation(program) - violation))
        told = (found.objective - part.program.objective_value(part.start)) / part.scale
        assert gained - lost == pytest.approx(told, rel=1e-4, abs=1e-3)
        assert better.keeps_order(program)
        schedule = better
        settled = settle(builder, schedule, penalty)
        assert settled is not None
        assert settled.keeps_order(program)
        schedule = settled


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_keeps_every_row_below_the_partial_optimum(seed):
    """Rounding and search on random programs: never above the whole partial optimum, never infeasible."""
    program = random_program(seed)
    found = find_schedule(program, ScheduleOptions(rounds=8, workers=1, spread=True))
    optimum = whole_optimum(program, spread=True)
    if found.stop is StopReason.INFEASIBLE:
        assert optimum is None
        return
    if found.schedule is None:
        return
    assert optimum is not None
    assert isinstance(found.schedule, SpreadSchedule)
    assert found.schedule.keeps_order(program)
    assert not (found.schedule.violation(program) > 0).any()
    assert found.objective <= optimum + 1e-5 * max(1.0, abs(optimum))
    assert found.objective <= found.relaxation.bound + 1e-6 * max(1.0, abs(found.relaxation.bound))


def test_the_partial_optimum_is_proven_and_no_less_than_the_whole_one():
    """HiGHS on the whole program from the schedule found: the optimum by hand, at least that of whole nodes."""
    proven = better = 0
    for seed in range(40, 54):
        program = random_program(seed)
        optimum, whole = whole_optimum(program, spread=True), whole_optimum(program, integer=True)
        assert optimum is not None or whole is None
        found = find_schedule(program, ScheduleOptions(rounds=2, workers=1, prove=True, spread=True))
        if optimum is None or found.stop is not StopReason.GAP:
            continue
        proven += 1
        scale = max(1.0, abs(optimum))
        assert found.objective == pytest.approx(optimum, abs=1e-4 * scale)
        assert found.bound == pytest.approx(optimum, abs=1e-4 * scale)
        assert whole is None or optimum >= whole - 1e-6 * scale
        better += whole is not None and optimum > whole + 1e-3 * scale
    assert proven >= 5
    assert better >= 4
