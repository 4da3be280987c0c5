"""Whole schedules placed from a point of the relaxation."""

import numpy as np
import pytest
from scipy import sparse

from solvers.following import filled_at
from solvers.improvement.subprogram import SubprogramBuilder
from solvers.relaxation import ClosureProgram
from solvers.rounding import round_relaxation


def towers(count: int) -> ClosureProgram:
    """Ore under a block of waste each, numbered bench by bench; room for two blocks in each of as many steps."""
    n, T = 2 * count, count
    worth = np.repeat([-1.0, 10.0], count)
    use = [sparse.csr_array((np.ones(n), (np.zeros(n, int), np.arange(n) * T + t)), shape=(1, n * T)) for t in range(T)]
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=np.arange(count, n),
        arc_head=np.arange(count),
        part_node=np.arange(n),
        value=worth[:, None, None] * (0.5 ** np.arange(T))[None, :, None],
        rows=sparse.csr_array(sparse.vstack(use)),
        row_lower=np.full(T, -np.inf),
        row_upper=np.full(T, 2.0),
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_ore_comes_with_the_waste_on_top_of_it(count):
    """The relaxation takes the same part of all blocks in every step; whole ones come one tower after the other."""
    program = towers(count)
    x, none = np.full((2 * count, count, 1), 1.0 / count), np.zeros(0)
    best = 9.0 * float((0.5 ** np.arange(count)).sum())
    rounded = round_relaxation(SubprogramBuilder(program), x, none, np.ones(count))
    for one in rounded[1:]:
        assert one.schedule.keeps_order(program)
        assert not one.schedule.violation(program).any()
        assert one.schedule.objective(program) == pytest.approx(best)
    followed = filled_at(program, x, none, 1.0 / count)
    assert followed.keeps_order(program)
    assert followed.objective(program) == pytest.approx(best)
