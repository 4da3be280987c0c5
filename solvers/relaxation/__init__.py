"""Linear programs over a time-expanded closure with side rows, and the bounds that multipliers prove."""

from solvers.relaxation.bienstock_zuckerberg import SpeedUps, solve_relaxation
from solvers.relaxation.bound import (
    MultiplierError,
    bound_from_multipliers,
    project_multipliers,
    proves_infeasible,
)
from solvers.relaxation.master import MasterError
from solvers.relaxation.pricing import bracketed_bound
from solvers.relaxation.program import ClosureProgram, ProgramError
from solvers.relaxation.result import Iteration, Outcome, RelaxationResult, StopReason, StopRule

__all__ = [
    "ClosureProgram",
    "Iteration",
    "MasterError",
    "MultiplierError",
    "Outcome",
    "ProgramError",
    "RelaxationResult",
    "SpeedUps",
    "StopReason",
    "StopRule",
    "bound_from_multipliers",
    "bracketed_bound",
    "project_multipliers",
    "proves_infeasible",
    "solve_relaxation",
]
