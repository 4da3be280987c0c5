"""A plan of a neighbouring mine as a start: its whole decisions kept where they can be, all else solved again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from scheduler.baseline import Baseline
from scheduler.formulation.context import Context
from scheduler.mine_certificates import Cover
from scheduler.problem import Array, Problem
from scheduler.solution import Solution
from solvers.highs import complete_start
from solvers.options import SolveOptions
from solvers.program import Program, Vector
from solvers.standard_form import CompiledModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Neighbour:
    """What is known of a like mine, of the same units, routes and periods.

    Attributes:
        solution: decisions of its plan.
        cover: the cases of its certificate, to bound this mine by; ``None`` without one.
    """

    solution: Solution
    cover: Cover | None = None


def mined_by(problem: Problem, solution: Solution) -> Array:
    """Fraction of each unit mined by the end of each period, shape ``(U, T)``."""
    parcel_mined = np.zeros((len(problem.parcel_names), problem.periods))
    np.add.at(parcel_mined, problem.route_parcel, solution.sent)
    first = np.full(len(problem.unit_names), -1, dtype=np.int64)
    # All parcels of a unit are mined in step: the first one speaks for it.
    first[problem.parcel_unit[::-1]] = np.arange(len(problem.parcel_names))[::-1]
    return np.clip(np.cumsum(parcel_mined[first], axis=1), 0.0, 1.0)


def neighbour_start(
    context: Context, compiled: CompiledModel, program: Program, neighbour: Solution, options: SolveOptions
) -> Vector | None:
    """The best plan with the whole decisions of a neighbour's plan; ``None`` where no plan has them.

    Which units are finished when, what works when and what is bought when are taken over, as far as this problem's
    bounds allow; one linear program decides the rest.

    Args:
        context: the model, whose variables are written to.
        compiled: the model as arrays.
        program: its rows.
        neighbour: decisions of a problem with the same units, routes and periods.
        options: seed and threads.
    """
    _write_whole_decisions(context, neighbour)
    vector = compiled.start_vector()
    vector[~program.integer] = 0.0
    vector[program.integer] = np.clip(
        np.nan_to_num(vector[program.integer]), program.lower[program.integer], program.upper[program.integer]
    )
    found = complete_start(program, vector, SolveOptions(seed=options.seed, threads=options.threads))
    logger.info("a neighbour's decisions: %s", found.outcome.value)
    return found.x


def _write_whole_decisions(context: Context, neighbour: Solution) -> None:
    """Writes the plan to the model's variables; of the continuous ones only some, which are solved again."""
    problem, model = context.problem, context.model
    mined = np.diff(mined_by(problem, neighbour), axis=1, prepend=0.0)
    placed = np.zeros((len(problem.mills()), len(problem.tailings_most), problem.periods))
    Baseline(problem, mined, neighbour.sent, neighbour.reclaimed, placed).to_values(context)
    for name, t in model.works:
        model.works[name, t].set_value(float(neighbour.works[name][t]))
    for number, t in model.bought:
        model.bought[number, t].set_value(float(neighbour.bought[number, t]))
