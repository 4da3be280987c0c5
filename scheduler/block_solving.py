"""A mine scheduled by blocks: the plan by panels beside it, bound, plan and certificate, as part of a solve."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from instances.findings import BadInput, Finding
from instances.geometry.units import Units, scheduling_units
from instances.instance import Instance
from scheduler.block_engine import BlockAnswer, periods_of_blocks, size_of, solve_blocks
from scheduler.blockscale import Compiled, UnsupportedError
from scheduler.compiling import compile_problem
from scheduler.memory import refuse_beyond_memory
from scheduler.mine_certificate_file import mine_certificate_object
from scheduler.mine_certificates import (
    THOUSAND,
    Identity,
    MineCertificate,
    certificate_from_relaxation,
    certified_figures,
)
from scheduler.outcome import status_of
from scheduler.problem import Array, Problem
from scheduler.tightening import untightened
from solvers.closure_schedule import StopReason
from solvers.course import ScheduleOptions
from solvers.threads import cores

if TYPE_CHECKING:
    from scheduler.exact import ExactAnswer
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.result import Progress

logger = logging.getLogger(__name__)

PANELS = "the plan by panels"
PANEL_GAP = 0.005
"""Gap to which the plan by panels is solved: it is a comparison and a start, no result."""
PANEL_SHARE = 0.15
"""Share of the time limit that it may take."""
PANEL_SECONDS = 60.0
"""And without a limit."""
RELAXATION_GAP = 1e-5


@dataclass(frozen=True)
class Blocks:
    """A mine by blocks, ready to be solved.

    Attributes:
        units: its blocks.
        problem: the problem statement.
    """

    units: Units
    problem: Problem


def blocks_of(instance: Instance, processes: int) -> Blocks:
    """Units and problem by blocks.

    Args:
        instance: the mine.
        processes: that will search at the same time; 0 for one a core.

    Raises:
        BadInput: where the problem does not fit into the memory of the machine, or precedence runs in a cycle.
    """
    units = scheduling_units(instance, "block")
    problem = compile_problem(instance, units)
    size = size_of(problem, processes or cores())
    logger.info("%s", size)
    refuse_beyond_memory(size, "--resolution block", "; schedule by panels")
    return Blocks(units, problem)


def begun_with_panels(panels: Units, problem: Problem, answer: ExactAnswer, blocks: Blocks) -> np.ndarray:
    """Periods of the blocks in the plan by panels."""
    assert answer.solution is not None  # noqa: S101
    shares = np.zeros((len(problem.parcel_names), problem.periods))
    np.add.at(shares, problem.route_parcel, answer.solution.sent)
    mined: Array = np.zeros((len(problem.unit_names), problem.periods))
    mined[problem.parcel_unit] = shares
    return periods_of_blocks(panels, blocks.units, mined)


def search(
    blocks: Blocks,
    options: ScheduleOptions,
    starts: Callable[[], list[tuple[str, np.ndarray]]],
    identity: Identity,
    *,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> tuple[BlockAnswer, MineCertificate | None]:
    """The block-scale engine's answer, and the certificate of its bound; none where it proves that there is no plan.

    The certificate is made before the search for a plan, so that its time counts towards the limit.

    Raises:
        BadInput: where a rule of the mine cannot be kept by the engine.
    """
    made: list[MineCertificate] = []

    def certified(
        compiled: Compiled, relaxation: RelaxationResult, tightened: ClosureProgram, cases: Cases | None
    ) -> None:
        tight = replace(untightened(blocks.problem, compiled), program=tightened)
        made.append(
            certificate_from_relaxation(
                blocks.problem, compiled, relaxation, identity, objective=None, tight=tight, cases=cases
            )
        )

    try:
        answer = solve_blocks(
            blocks.problem,
            options,
            starts=starts,
            on_iteration=on_iteration,
            on_bound=certified,
            on_progress=on_progress,
            on_stage=on_stage,
            cancel=cancel,
        )
    except UnsupportedError as error:
        key, _, reason = str(error).partition(": ")
        raise BadInput([Finding(key, None, f"to be left out with --engine block: {reason}")]) from error
    return answer, made[0] if made else None


def proof(
    blocks: Blocks, answer: BlockAnswer, gap_asked: float, certificate: MineCertificate | None
) -> dict[str, object]:
    """Objective, bounds and gaps of a search by blocks, in currency, and how they were come by.

    Args:
        blocks: the mine by blocks.
        answer: of the search.
        gap_asked: relative.
        certificate: of the bound, worked out exactly from multipliers that a search cut short may know as less.
    """
    found, problem = answer.found, blocks.problem
    infeasible = found.stop is StopReason.INFEASIBLE
    known = found.certified_bound if certificate is None else min(found.certified_bound, certificate.bound / THOUSAND)
    bound = None if infeasible else known
    objective = found.objective
    gap_abs = None if bound is None or objective is None else bound - objective
    improvement = found.improvement
    return {
        "status": status_of(objective, bound, gap_asked, infeasible=infeasible),
        "stop_reason": found.stop.value,
        "objective": _money(objective),
        "bound": _money(bound),
        "solver_bound": None,
        "lp_bound": None if infeasible else _money(found.relaxation.bound),
        "gap": None if gap_abs is None or not objective else gap_abs / abs(objective),
        "gap_abs": _money(gap_abs),
        "gap_asked": gap_asked,
        "resolution": "block",
        "mining": "whole" if problem.whole else "partial",
        "engine": "block",
        "units": len(problem.unit_names),
        "periods": problem.periods,
        "begun_with": found.origin,
        "parts_solved": 0 if improvement is None else improvement.parts,
        "gained": {} if improvement is None else {kind: _money(gain) for kind, gain in improvement.gained.items()},
        "history": [[seconds, _money(worth)] for seconds, worth in found.history],
        "shadow_prices": [],
        "message": "",
    }


def told(
    certificate: MineCertificate, objective: float | None, versions: dict[str, str]
) -> tuple[dict[str, object], dict[str, object]]:
    """The contents of ``certificate.json`` and what the summary says of it.

    Args:
        certificate: made before the search.
        objective: of the plan that it comes with, thousands.
        versions: for the record.
    """
    complete = replace(certificate, objective=_money(objective))
    return mine_certificate_object(complete, versions), certified_figures(complete)


def _money(thousands: float | None) -> float | None:
    return None if thousands is None else thousands * THOUSAND
