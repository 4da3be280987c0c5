"""Operating: the pit and each mill work from the start and stop once; while they work they cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scheduler.compiling import PIT
from scheduler.formulation.context import Context, Expression, Family, relation


def later_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Every installation and period but the first."""
    for installation in context.problem.installations:
        for period in range(1, context.problem.periods):
            yield installation.name, period


def stops_once(context: Context, name: str, period: int) -> Expression:
    """What has stopped stays stopped: o_nt <= o_n,t-1."""
    return context.model.works[name, period] <= context.model.works[name, period - 1]


def work_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Every installation and period."""
    for installation in context.problem.installations:
        for period in range(context.problem.periods):
            yield installation.name, period


def most_work(context: Context, name: str, period: int) -> float:
    """The most kt that an installation can handle in a period, every option bought."""
    problem = context.problem
    widens, limits = ("mining", problem.mining) if name == PIT else ("mill", problem.milling)
    bought = sum(float(option.adds[period]) for option in problem.options if option.widens == widens)
    everything = float(problem.unit_kt.sum() + problem.opening_kt.sum())
    most = float(limits.upper[period]) + bought
    if name != PIT:
        most = min(most, float(problem.inflow_most.get(name, np.full(problem.periods, np.inf))[period]))
    return min(most, everything)


def work_needs_opening(context: Context, name: str, period: int) -> Expression:
    """Nothing is mined, or milled, unless the installation works: use_t <= capacity_t o_nt. Kt.

    While it works the row is no tighter than the limits of mining, milling and inflow, from which the capacity comes.
    """
    used = context.moved(period) if name == PIT else context.fed(name, period)
    return relation(used - most_work(context, name, period) * context.model.works[name, period], -np.inf, 0.0)


FAMILIES = (
    Family("stops_once", later_periods, stops_once),
    Family("work_needs_opening", work_periods, work_needs_opening, repeats_limits=True),
)
