"""Rows that every plan keeps and that the relaxation does not: they tighten the bound and change no optimum.

They are many and dense, so they are kept in a pool from which only those that the relaxation violates are used. The
idea of the rows is that of Rivera Letelier, Espinoza, Goycoolea, Moreno, Munoz 2020, Operations Research 68:1425,
section 5; the proofs for this model stand with each.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from scheduler.compiling import PIT
from scheduler.formulation.context import Context, Expression, Family
from scheduler.formulation.reach import incompatible_pairs, long_ways


def _completions(context: Context) -> Iterator[tuple[int, int]]:
    if context.problem.whole:
        units = sorted(set(context.problem.arcs[:, 1].tolist()))
        pairs: Iterator[tuple[int, int]] = ((u, t) for u in units for t in range(context.problem.periods))
    else:
        pairs = iter(context.model.finished)
    yield from pairs


def _followers(context: Context, unit: int) -> list[int]:
    return np.flatnonzero(context.reach.above[:, unit]).tolist()


def unfinished(context: Context) -> Iterator[tuple[int, int]]:
    """Every unit that something needs, and period."""
    yield from _completions(context)


def followers_mined_in(context: Context, unit: int, period: int) -> Expression:
    """While a unit is unfinished nothing that follows it is mined: sum_b q_b (c_bt - c_b,t-1) <= cap_t w_ut. Kt."""
    problem = context.problem
    followers = _followers(context, unit)
    bought = sum(float(o.adds[period]) for o in problem.options if o.widens == "mining")
    most = float(problem.mining.upper[period]) + bought
    if not np.isfinite(most) or float(problem.unit_kt[followers].sum()) <= most:
        return pyo.Constraint.Skip
    mined = pyo.quicksum(float(problem.unit_kt[b]) * context.mined_in(b, period) for b in followers)
    return mined <= most * context.finished(unit, period)


def _milled(context: Context, followers: list[int], period: int) -> Expression:
    problem = context.problem
    inside = np.zeros(len(problem.unit_names), dtype=bool)
    inside[followers] = True
    return context.sent(problem.route_kind("mill") & inside[problem.parcel_unit[problem.route_parcel]], period)


def _most_milled(context: Context, period: int) -> float:
    bought = sum(float(o.adds[period]) for o in context.problem.options if o.widens == "mill")
    return float(context.problem.milling.upper[period]) + bought


def followers_milled_in(context: Context, unit: int, period: int) -> Expression:
    """While a unit is unfinished nothing that follows it is milled from the pit: <= cap_t w_ut. Kt.

    The production inequality: reclaim only uses more of the capacity.
    """
    most = _most_milled(context, period)
    milled = _milled(context, _followers(context, unit), period)
    if not np.isfinite(most) or isinstance(milled, (int, float)):
        return pyo.Constraint.Skip
    return milled <= most * context.finished(unit, period)


def clashing(context: Context) -> Iterator[tuple[int, int, int]]:
    """Pairs of units and periods by whose end they cannot both be begun."""
    yield from incompatible_pairs(context.problem, context.reach)


def one_of_two(context: Context, unit: int, other: int, period: int) -> Expression:
    """Of two units that cannot both be begun by the end of t at most one is: c_ut + c_vt <= 1. Fractions.

    Proof: ``reach.incompatible_pairs``; one of the two fractions is 0 and the other at most 1.
    """
    return context.model.mined_by[unit, period] + context.model.mined_by[other, period] <= 1


def far_below(context: Context) -> Iterator[tuple[int, int, int, int]]:
    """Units, units above them, and periods between whose ends the way down is too long."""
    yield from long_ways(context.problem, context.reach)


def finished_in_time(context: Context, unit: int, above: int, since: int, period: int) -> Expression:
    """A unit is begun by the end of t only if one far above it was finished in time: c_ut <= w_vs. Fractions.

    Proof: ``reach.long_ways``.
    """
    return context.model.mined_by[unit, period] <= context.finished(above, since)


def remaining_units(context: Context) -> Iterator[tuple[int, int]]:
    """Every unit and period, where the pit is an installation."""
    if any(i.name == PIT for i in context.problem.installations):
        for unit in range(len(context.problem.unit_names)):
            for period in range(context.problem.periods):
                yield unit, period


def pit_works_while_units_remain(context: Context, unit: int, period: int) -> Expression:
    """Whatever is mined of a unit from t on needs the pit at work in t: c_uT - c_u,t-1 <= o_pit,t. Fractions.

    Proof: the pit stops once, so if it does not work in t nothing is mined from t on and the left side is 0;
    otherwise it is at most 1.
    """
    c = context.model.mined_by
    before = c[unit, period - 1] if period > 0 else 0.0
    return c[unit, context.problem.periods - 1] - before <= context.model.works[PIT, period]


CUTS = (
    Family("finished_in_time", far_below, finished_in_time),
    Family("one_of_two", clashing, one_of_two),
    Family("pit_works_while_units_remain", remaining_units, pit_works_while_units_remain),
    Family("followers_mined_in", unfinished, followers_mined_in),
    Family("followers_milled_in", unfinished, followers_milled_in),
)
