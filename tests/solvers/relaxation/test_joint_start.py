"""The start from several resources at once: closures of the program, and multipliers that already bound it well."""

from dataclasses import replace

import numpy as np
import pytest

from solvers.relaxation import bound_from_multipliers, solve_relaxation
from solvers.relaxation.parametric import find_families, starts
from tests.benchmarks.growth import synthetic


@pytest.fixture(scope="module")
def pit():
    """A pit of 640 blocks, six periods, waste or mill, mining and processing capacity."""
    return synthetic(640, 6, 2)


def test_two_resources_make_one_start_with_a_multiplier_for_each(pit):
    """Both capacities of the pit bind, so rows of both have multipliers, and none has the wrong sign."""
    assert len(find_families(pit)) == 2
    (start,) = starts(pit)
    assert (start.multipliers >= 0).all()
    assert (start.multipliers.reshape(2, 6) > 0).any(axis=1).all()


def test_its_steps_keep_every_arc(pit):
    """Each vector is a closure of the expanded graph: nothing is taken before what it needs."""
    (start,) = starts(pit)
    assert len(start.steps) == 2
    for step in start.steps:
        assert (step[pit.arc_tail] >= step[pit.arc_head]).all()
        assert 0 < (step < 6).sum() < pit.n_nodes
    assert (start.steps[1] <= start.steps[0]).all()


def test_its_multipliers_bound_the_program_better_than_those_of_a_resource_alone(pit):
    """Within two per cent of the optimum of the linear program, where either resource alone is further off."""
    optimum = solve_relaxation(pit).value
    (start,) = starts(pit)
    joint = bound_from_multipliers(pit, start.multipliers)
    assert optimum <= joint * (1 + 1e-9)
    assert joint <= 1.02 * optimum
    for resource in range(2):
        kept = np.arange(6) + 6 * resource
        alone = replace(pit, rows=pit.rows[kept], row_lower=pit.row_lower[kept], row_upper=pit.row_upper[kept])
        multipliers = np.zeros(12)
        multipliers[kept] = starts(alone)[0].multipliers
        assert joint < bound_from_multipliers(pit, multipliers)


def test_without_anything_that_binds_there_are_no_multipliers(pit):
    """Ample room: the largest closure at once, and its worth is the bound."""
    (start,) = starts(replace(pit, row_upper=1e6 * pit.row_upper))
    assert not start.multipliers.any()
    assert set(start.steps[0]) == {0, 6}
