"""Whole schedules from the relaxation step by step: against the arcs, the windows, the bound and the optimum."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from solvers.capacities import all_capacities
from solvers.closure_schedule import StopReason, find_schedule
from solvers.course import ScheduleOptions
from solvers.following import point_at
from solvers.improvement import SubprogramBuilder, merit, row_penalties
from solvers.relax_and_fix import relax_and_fix
from solvers.relaxation import solve_relaxation
from solvers.schedule import Schedule, keeps_rows
from tests.solvers.relaxation.programs import random_program, whole_optimum

SEEDS = range(60)


def nothing_taken(program):
    extras = np.clip(0.0, program.extra_lower, program.extra_upper)
    share = np.zeros((program.n_parts, program.n_choices))
    return Schedule(np.full(program.n_nodes, program.n_steps, np.int64), share, extras)


def relaxed(seed):
    program = random_program(seed)
    return program, solve_relaxation(program)


def test_schedules_follow_the_relaxation_and_most_are_close_to_the_best():
    """In the steps of the point only, never above the optimum, and in most programs within a tenth of it."""
    made = close = 0
    for seed in SEEDS:
        program, relaxation = relaxed(seed)
        if relaxation.x is None:
            continue
        penalty = row_penalties(program, relaxation.multipliers)
        builder = SubprogramBuilder(program)
        schedule = relax_and_fix(builder, relaxation.x, relaxation.extras, penalty)
        if schedule is None:
            continue
        assert schedule.keeps_order(program)
        half = point_at(program, relaxation.x, relaxation.extras)
        assert merit(program, schedule, penalty) >= merit(program, half, penalty) - 1e-6
        touched = relaxation.x.sum(axis=2) > 1e-6
        parts = schedule.taken_parts(program)
        first = touched.argmax(axis=1)
        assert (schedule.step[program.part_node[parts]] >= first[parts]).all()
        assert touched[parts].any(axis=1).all()
        optimum = whole_optimum(program, integer=True)
        if optimum is None or not keeps_rows(program, schedule):
            continue
        made += 1
        worth = schedule.objective(program)
        assert worth <= optimum + 1e-5 * max(1.0, abs(optimum))
        close += worth >= optimum - 0.1 * max(1.0, abs(optimum))
    assert made >= 10
    assert close >= 0.7 * made


def test_rows_that_placing_is_blind_to_are_told_from_capacities():
    """Limits from below, and coefficients below nothing; rows without parts do not count."""
    program = random_program(0)
    columns = program.n_parts * program.n_steps * program.n_choices
    capacity, mixed = np.ones(columns), np.ones(columns)
    mixed[0] = -1.0
    for row, low, seen in (
        (capacity, -np.inf, True),
        (capacity, 0.5, False),
        (mixed, -np.inf, False),
        (0 * mixed, 0.5, True),
    ):
        one = sparse.csr_array(row[None, :])
        one.eliminate_zeros()
        limits = {"row_lower": np.array([low]), "row_upper": np.array([1.0])}
        made = replace(program, rows=one, extra_rows=sparse.csr_array((1, program.n_extras)), **limits)
        assert all_capacities(made) == seen


def test_an_interruption_at_once_does_not_leave_the_empty_schedule():
    """Where the optimum takes something, what is kept takes something too: a last short search sees to it."""
    seen = 0
    for seed in SEEDS:
        program = random_program(seed)
        optimum = whole_optimum(program, integer=True)
        empty = nothing_taken(program)
        if optimum is None or not keeps_rows(program, empty) or optimum <= empty.objective(program) + 1.0:
            continue
        found = find_schedule(program, ScheduleOptions(workers=1), interrupted=lambda: True)
        assert found.stop in {StopReason.INTERRUPTED, StopReason.GAP}
        assert found.schedule is not None
        assert found.schedule.entries(program)[0].size
        seen += 1
    assert seen >= 5
