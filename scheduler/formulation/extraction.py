"""Extraction: units leave in proportion and every tonne mined goes somewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pyomo.environ as pyo

from scheduler.formulation.context import Context, Expression, Family


def later(context: Context) -> Iterator[tuple[int, int]]:
    """Every unit and period in which something may have been mined before."""
    for unit in range(len(context.problem.unit_names)):
        for period in range(int(context.reach.earliest[unit]) + 1, context.problem.periods):
            yield unit, period


def mined_stays(context: Context, unit: int, period: int) -> Expression:
    """What is mined stays mined: c[u,t-1] <= c[u,t]. Fractions on both sides."""
    return context.model.mined_by[unit, period - 1] <= context.model.mined_by[unit, period]


def parcels(context: Context) -> Iterator[tuple[int, int]]:
    """Every parcel and period in which its unit can be mined."""
    for parcel, unit in enumerate(context.problem.parcel_unit.tolist()):
        for period in range(int(context.reach.earliest[unit]), context.problem.periods):
            yield parcel, period


def all_sent(context: Context, parcel: int, period: int) -> Expression:
    """What is mined of a parcel is sent to its destinations.

    sum_d f[p,d,t] = c[u,t] - c[u,t-1]. Shares of the parcel on both sides.
    """
    routes = [r for r in context.routes_of_parcel[parcel] if context.usable[r, period]]
    unit = int(context.problem.parcel_unit[parcel])
    if not routes:
        return context.mined_in(unit, period) == 0
    if len(context.routes_of_parcel[parcel]) == 1:
        return pyo.Constraint.Skip
    return pyo.quicksum(context.model.sent[r, period] for r in routes) == context.mined_in(unit, period)


FAMILIES = (Family("mined_stays", later, mined_stays), Family("all_sent", parcels, all_sent))
