"""The certificate of a solve: the bound that anybody can check beside the solver's, and which of the two is better.

Where there is no plan: the proof of that, if multipliers give one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from instances.geometry.units import Resolution, scheduling_units
from instances.instance import Instance
from scheduler.blockscale import UnsupportedError
from scheduler.compiling import compile_problem
from scheduler.mine_certificate_file import mine_certificate_object
from scheduler.mine_certificates import (
    SECONDS,
    THOUSAND,
    Identity,
    MineCertificate,
    certified_figures,
    certify_mine,
    refute_mine,
)
from scheduler.outcome import status_of
from scheduler.problem import Problem
from scheduler.verified import ROUNDING
from solvers.closure import WeightError

if TYPE_CHECKING:
    from scheduler.solving import Clock

logger = logging.getLogger(__name__)

BETTER_THAN_BOUND = 1e-6
"""Relative; a plan worth more than its bound by more than this is an error."""
LEAST_S = 1.0
"""Seconds a certificate may take even where the time allowed is used up: a plan does not come without its proof."""


def certified_run(
    problem: Problem,
    instance: Instance,
    summary: Mapping[str, Any],
    clock: Clock,
    cancel: Callable[[], bool] | None = None,
    *,
    most_seconds: float | None = SECONDS,
    found: MineCertificate | None = None,
) -> tuple[dict[str, object] | None, dict[str, object]]:
    """The certificate of a run with a plan, and what the summary says of it.

    Args:
        problem: the problem by panels.
        instance: the mine.
        summary: of the run so far: objective, bound, gap asked for, limits, versions, resolution.
        clock: takes the time of it.
        cancel: asked again and again; true ends the search for a better bound.
        most_seconds: wall time it may take; ``None`` for no limit but that of the run.
        found: the certificate, where the search already began with it.
    """
    objective = float(summary["objective"])
    identity = Identity(instance.hash(), instance.mine.name, tuple(instance.overrides), str(summary["resolution"]))
    known = summary.get("bound")
    target = objective + summary["gap_asked"] * abs(objective) if known is None else float(known)
    try:
        with clock.stage("certificate"):
            certificate = (
                replace(found, objective=objective)
                if found is not None
                else certify_mine(
                    problem,
                    identity,
                    objective=objective / THOUSAND,
                    target=target / THOUSAND,
                    seconds=seconds_left(summary["limits"]["time_s"], clock.spent(), most_seconds),
                    interrupted=cancel,
                )
            )
    except (UnsupportedError, WeightError, RuntimeError) as error:
        return _without(str(error))
    if certificate.bound < objective - BETTER_THAN_BOUND * max(abs(objective), 1.0):
        # The plan is audited and stays; what contradicts it is told and not written.
        return _without(
            f"the relaxation contradicts the plan: its bound of {certificate.bound!r} is below {objective!r}"
        )
    figures = certified_figures(certificate)
    figures |= better_bound(summary, certificate.bound)
    return mine_certificate_object(certificate, summary["versions"]), figures


def refutation(
    instance: Instance,
    resolution: Resolution,
    versions: Mapping[str, str],
    cancel: Callable[[], bool] | None = None,
) -> dict[str, object] | None:
    """The proof that a mine has no plan, as the object of its file; ``None`` where multipliers do not prove it.

    Args:
        instance: the mine.
        resolution: of its units.
        versions: for the record.
        cancel: asked again and again; true ends the search for a proof.
    """
    problem = compile_problem(instance, scheduling_units(instance, resolution))
    identity = Identity(instance.hash(), instance.mine.name, tuple(instance.overrides), resolution)
    try:
        found = refute_mine(problem, identity, interrupted=cancel)
    except (UnsupportedError, WeightError, RuntimeError) as error:
        logger.warning("no proof: %s", error)
        return None
    return None if found is None else mine_certificate_object(found, versions)


def seconds_left(limit: float | None, spent: float, most: float | None) -> float | None:
    """Seconds a certificate may take, given the time limit of the run and what is spent of it; ``None`` for no end."""
    left = [] if limit is None else [max(limit - spent, LEAST_S)]
    return min([*left, *([] if most is None else [most])], default=None)


def _without(why: str) -> tuple[None, dict[str, object]]:
    """No certificate, and why."""
    logger.warning("no certificate: %s", why)
    missing: dict[str, object] = {
        "certified_bound": None,
        "gap_certified": None,
        "lp_bound": None,
        "certificate_missing": why,
    }
    return None, missing


def better_bound(summary: Mapping[str, Any], certified: float) -> dict[str, object]:
    """Bound, gap and status where the certified bound is the better one; nothing where it is not."""
    known, objective = summary.get("bound"), float(summary["objective"])
    if known is not None and certified >= known - ROUNDING * abs(known):
        return {}
    gap_abs = certified - objective
    gap = gap_abs / abs(objective) if objective else None
    status = status_of(objective, certified, summary["gap_asked"])
    return {"bound": certified, "gap_abs": gap_abs, "gap": gap, "status": status}
