"""Head grade of the mills and metal recovered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scheduler.formulation.context import Context, Expression, Family, relation
from scheduler.problem import Range


def _limited(ranges: dict[str, Range], side: str) -> Iterator[tuple[str, int]]:
    for element, limits in ranges.items():
        for period in np.flatnonzero(np.isfinite(getattr(limits, side))).tolist():
            yield element, period


def _excess_metal(context: Context, name: str, per_kt: float, period: int) -> Expression:
    """Metal in the feed of the mills that the limit is of less ``per_kt`` times the feed, t of metal."""
    problem = context.problem
    element = problem.grade_element[name]
    mills, stock = problem.graded(name)
    direct = context.sent(mills, period, problem.route_metal[element] - per_kt * problem.route_kt)
    return direct + context.reclaimed(stock, period, problem.reclaim_metal[element] - per_kt)


def _recovered(context: Context, element: str, period: int) -> Expression:
    problem = context.problem
    everything = np.ones(len(problem.reclaim_place), dtype=bool)
    direct = context.sent(problem.route_kind("mill"), period, problem.route_recovered[element])
    return direct + context.reclaimed(everything, period, problem.reclaim_recovered[element])


def grade_most_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Limits on the head grade and periods with a largest one."""
    yield from _limited(context.problem.head_grade, "upper")


def head_grade_most(context: Context, name: str, period: int) -> Expression:
    """Metal in the feed <= largest grade x feed; reclaimed ore counts at the grade its bin leaves at. T of metal."""
    most = float(context.problem.head_grade[name].upper[period])
    return relation(_excess_metal(context, name, most, period), -np.inf, 0.0)


def grade_least_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Limits on the head grade and periods with a least one."""
    yield from _limited(context.problem.head_grade, "lower")


def head_grade_least(context: Context, name: str, period: int) -> Expression:
    """Metal in the feed >= least grade x feed. T of metal."""
    least = float(context.problem.head_grade[name].lower[period])
    return relation(_excess_metal(context, name, least, period), 0.0, np.inf)


def metal_most_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Elements and periods with a most metal recovered."""
    yield from _limited(context.problem.metal, "upper")


def metal_most(context: Context, element: str, period: int) -> Expression:
    """Metal recovered <= its limit. T of metal."""
    return relation(_recovered(context, element, period), -np.inf, float(context.problem.metal[element].upper[period]))


def metal_least_periods(context: Context) -> Iterator[tuple[str, int]]:
    """Elements and periods with a least metal recovered."""
    yield from _limited(context.problem.metal, "lower")


def metal_least(context: Context, element: str, period: int) -> Expression:
    """Metal recovered >= its limit. T of metal."""
    return relation(_recovered(context, element, period), float(context.problem.metal[element].lower[period]), np.inf)


FAMILIES = (
    Family(
        "head_grade_most", grade_most_periods, head_grade_most, elastic=True, key="limits.head_grade.{0}.max", unit="t"
    ),
    Family(
        "head_grade_least",
        grade_least_periods,
        head_grade_least,
        elastic=True,
        key="limits.head_grade.{0}.min",
        unit="t",
    ),
    Family("metal_most", metal_most_periods, metal_most, elastic=True, key="limits.metal.{0}.max_t_per_year", unit="t"),
    Family(
        "metal_least", metal_least_periods, metal_least, elastic=True, key="limits.metal.{0}.min_t_per_year", unit="t"
    ),
)
