"""Schedules that follow a point of the relaxation: arcs, choices, and the room of each step."""

from dataclasses import replace

import numpy as np
import pytest

from solvers.capacities import capacities
from solvers.following import filled_at, point_at
from solvers.relaxation import solve_relaxation
from tests.solvers.relaxation.programs import random_program


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("follow", [point_at, filled_at])
def test_what_follows_a_point_keeps_the_arcs(seed, follow):
    """Bare nodes, lags and late starts included; every part that is taken has its choices."""
    program = random_program(seed)
    relaxation = solve_relaxation(program)
    if relaxation.x is None:
        pytest.skip("no point of the relaxation")
    schedule = follow(program, relaxation.x, relaxation.extras)
    assert schedule.keeps_order(program)
    taken = schedule.taken_parts(program)
    assert schedule.share[taken].sum(axis=1) == pytest.approx(np.ones(taken.size))


def test_steps_are_filled_up_to_their_capacities_and_no_further():
    """Where nothing has to wait for a lag; half of each node breaks them in many programs."""
    kept = broken = filled = 0
    for seed in range(200):
        program = replace(random_program(seed), arc_lag=np.zeros(0, np.int64))
        relaxation = solve_relaxation(program)
        if relaxation.x is None:
            continue
        followed, half = (follow(program, relaxation.x, relaxation.extras).step for follow in (filled_at, point_at))
        for capacity in capacities(program):
            for t, limit in enumerate(capacity.limit.tolist()):
                use = capacity.use[followed == t, t].sum()
                assert use <= limit * (1 + 1e-6)
                kept += 1
                broken += capacity.use[half == t, t].sum() > limit * (1 + 1e-6)
                filled += use > 0
    assert kept > 500
    assert broken > 50
    assert filled > 100
