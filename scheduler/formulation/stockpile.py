"""Stockpiles: balance, what can be reclaimed, room, and the metal that leaves each bin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.context import Context, Expression, Family, relation
from scheduler.problem import QualityRow


def bins(context: Context) -> Iterator[tuple[int, int]]:
    """Every bin and period."""
    for place in context.problem.bins():
        for period in range(context.problem.periods):
            yield place, period


def _stock_before(context: Context, place: int, period: int) -> Expression:
    return context.model.stock[place, period - 1] if period > 0 else float(context.problem.opening_kt[place])


def balance(context: Context, place: int, period: int) -> Expression:
    """What is in a bin is what was, and what came, less what left: s_t = s_{t-1} + in_t - y_t. Kt."""
    problem = context.problem
    came = context.sent(problem.route_place == place, period)
    left = context.reclaimed(problem.reclaim_place == place, period)
    return context.model.stock[place, period] == _stock_before(context, place, period) + came - left


def reclaim_from_stock(context: Context, place: int, period: int) -> Expression:
    """Only what lay there at the start of the period is reclaimed: y_t <= s_{t-1}. Kt."""
    left = context.reclaimed(context.problem.reclaim_place == place, period)
    if isinstance(left, (int, float)):
        return pyo.Constraint.Skip
    return left <= _stock_before(context, place, period)


def capacities(context: Context) -> Iterator[tuple[str, int]]:
    """Stockpiles and periods with limited room."""
    for name, most in context.problem.stock_most.items():
        for period in np.flatnonzero(np.isfinite(most)).tolist():
            yield name, period


def room(context: Context, name: str, period: int) -> Expression:
    """All bins of a stockpile fit in its room at the end of the period: sum_k s_kt <= capacity. Kt."""
    places = [k for k in context.problem.bins() if context.problem.places[k].name == name]
    stock = pyo.quicksum(context.model.stock[k, period] for k in places)
    return relation(stock, -np.inf, float(context.problem.stock_most[name][period]))


def reclaim_limits(context: Context) -> Iterator[tuple[str, int]]:
    """Stockpiles and periods with a reclaim limit."""
    for name, most in context.problem.reclaim_most.items():
        for period in np.flatnonzero(np.isfinite(most)).tolist():
            yield name, period


def reclaim_rate(context: Context, name: str, period: int) -> Expression:
    """All reclaim from a stockpile is within its rate: sum_km y_kmt <= limit. Kt."""
    left = context.reclaimed(context.problem.reclaim_from(name), period)
    return relation(left, -np.inf, float(context.problem.reclaim_most[name][period]))


def quality_periods(context: Context) -> Iterator[tuple[int, int]]:
    """Every quality row and the periods in which it holds; T is the end of the calendar."""
    for number, row in enumerate(context.problem.quality):
        for period in range(row.first, context.problem.periods + int(row.last)):
            yield number, period


def _brought(context: Context, row: QualityRow, before: int) -> Expression:
    """What whole periods before ``before`` have brought to a bin, t of metal."""
    if before == 0:
        return 0.0
    weight = np.zeros(len(context.problem.route_parcel))
    weight[row.routes] = row.into
    return context.sent_by(weight != 0, before - 1, weight)


def metal_in_bin(context: Context, number: int, period: int) -> Expression:
    """No more metal leaves a bin than has entered it (bins), or what entered averages the grade it leaves at.

    out * sum_{r<=t} y_r <= opening + sum_{r<t} sum_p into_p f_pr. Tonnes of metal.
    Source of the average model: Moreno, Rezakhah, Newman, Ferreira 2017, EJOR 260:212 (L-average).
    """
    row = context.problem.quality[number]
    came = _brought(context, row, min(period, context.problem.periods))
    left: Expression = 0.0
    if row.out > 0:
        mask = context.problem.reclaim_place == row.place
        left = row.out * sum((context.reclaimed(mask, s) for s in range(period + 1)), start=0.0)
    return relation(left - came, -np.inf, row.opening)


FAMILIES = (
    Family("stock_balance", bins, balance),
    Family("reclaim_from_stock", bins, reclaim_from_stock),
    Family("stock_room", capacities, room, elastic=True, key="destinations.{0}.capacity_mt"),
    Family("reclaim_rate", reclaim_limits, reclaim_rate, elastic=True, key="destinations.{0}.reclaim_mt_per_year"),
    Family("metal_in_bin", quality_periods, metal_in_bin),
)
