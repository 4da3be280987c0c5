"""The linear programs of MineLib against their exact optima."""

import numpy as np
import pytest

from solvers.closure import PseudoflowKernel, StagedFlowKernel
from solvers.relaxation import Outcome, bound_from_multipliers, solve_relaxation
from tests.benchmarks.minelib_programs import FOLDER, WHY_SKIPPED, program, read

pytestmark = pytest.mark.skipif(FOLDER is None, reason=WHY_SKIPPED)

CASES = [
    pytest.param("newman1", "cpit", 24_486_184.0911),
    pytest.param("newman1", "pcpsp", 24_486_549.0216),
    pytest.param("zuck_small", "cpit", 854_190_257.626, marks=pytest.mark.slow),
    pytest.param("zuck_small", "pcpsp", 905_878_194.150, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "kind", "optimum"), CASES)
def test_bound_and_point_meet_the_exact_optimum(name, kind, optimum):
    """Bound above and point below the optimum, both within 1e-6; one closure recomputes the bound."""
    built = program(*read(name, kind))
    result = solve_relaxation(built)
    assert result.outcome is Outcome.OPTIMAL
    assert result.bound >= optimum * (1 - 1e-9)
    assert result.value <= optimum * (1 + 1e-9)
    assert result.bound == pytest.approx(optimum, rel=1e-6)
    assert result.value == pytest.approx(optimum, rel=1e-6)
    assert bound_from_multipliers(built, result.multipliers, PseudoflowKernel) == pytest.approx(result.bound, rel=1e-9)
    activity = built.rows @ result.x.ravel()
    assert (activity <= built.row_upper * (1 + 1e-9)).all()
    assert float(np.sum(built.worth * result.x)) == pytest.approx(result.value, rel=1e-9)


def test_the_independent_kernel_confirms_a_published_bound():
    """Staged flow recomputes the bound of newman1 to the last digits."""
    built = program(*read("newman1", "cpit"))
    result = solve_relaxation(built)
    assert bound_from_multipliers(built, result.multipliers, StagedFlowKernel) == pytest.approx(result.bound, rel=1e-12)
