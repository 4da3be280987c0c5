"""Destinations: what they receive while open, their room, and the tailings that the mills make."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.context import Context, Expression, Family, relation


def receiving(context: Context) -> Iterator[tuple[str, int]]:
    """Destinations and periods in which what they receive is limited."""
    for name, most in context.problem.inflow_most.items():
        for period in np.flatnonzero(np.isfinite(most)).tolist():
            yield name, period


def inflow_most(context: Context, name: str, period: int) -> Expression:
    """A destination receives at most its capacity for the share of the period in which it is open. Kt.

    M_dt <= share_dt * capacity_t; for a mill reclaim counts too.
    """
    problem = context.problem
    received = context.sent(problem.route_to(name), period)
    if name in problem.mills():
        received = received + context.reclaimed(problem.reclaim_to(name), period)
    return relation(received, -np.inf, float(problem.inflow_most[name][period]))


def stores(context: Context) -> Iterator[tuple[str, int]]:
    """Dumps and facilities with limited room, by period."""
    for name in context.problem.storage_kt:
        for period in range(context.problem.periods):
            yield name, period


def storage(context: Context, name: str, period: int) -> Expression:
    """All that a dump or facility has taken fits: sum_{r<=t} (M_dr + new tailings) <= room. Kt."""
    problem, model = context.problem, context.model
    routes = problem.route_to(name)
    taken = context.sent_by(routes, period)
    if name in problem.tailings_most:
        taken = taken + pyo.quicksum(model.placed[m, name, s] for m in problem.mills() for s in range(period + 1))
    return relation(taken, -np.inf, problem.storage_kt[name])


def tailings_mills(context: Context) -> Iterator[tuple[str, int]]:
    """Mills whose tailings need room, by period."""
    if context.problem.tailings_most:
        for mill in context.problem.mills():
            for period in range(context.problem.periods):
                yield mill, period


def tailings_placed(context: Context, mill: str, period: int) -> Expression:
    """All new tailings are placed: sum_i z_mit = ratio * F_mt. Kt."""
    problem = context.problem
    placed = pyo.quicksum(context.model.placed[mill, i, period] for i in problem.tailings_most)
    return placed == problem.tailings_ratio[mill] * context.fed(mill, period)


def tailings_limits(context: Context) -> Iterator[tuple[str, int]]:
    """Facilities and periods in which they are not open throughout."""
    for name, most in context.problem.tailings_most.items():
        for period in np.flatnonzero(np.isfinite(most)).tolist():
            yield name, period


def tailings_most(context: Context, name: str, period: int) -> Expression:
    """A facility takes new tailings only while open: sum_m z_mit <= share * milling capacity * ratio. Kt."""
    placed = pyo.quicksum(context.model.placed[m, name, period] for m in context.problem.mills())
    return relation(placed, -np.inf, float(context.problem.tailings_most[name][period]))


FAMILIES = (
    Family("inflow_most", receiving, inflow_most, elastic=True, key="destinations.{0}"),
    Family("storage", stores, storage, elastic=True, key="destinations.{0}.storage_mt"),
    Family("tailings_placed", tailings_mills, tailings_placed),
    Family("tailings_most", tailings_limits, tailings_most, elastic=True, key="destinations.{0}.opens"),
)
