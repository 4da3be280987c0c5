"""Limits in the words and units of the planner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from instances.marks import GRADE_UNITS
from instances.schema.calendar import DAYS_PER_YEAR
from scheduler.elastic import Elastic, Nearest, Row
from scheduler.valuation import METAL_PER_GRADE

GIVES = 1e-6
"""A limit gives where it is broken by more than this share of its scale."""

RATES = {
    "mining_most": "Mt/y",
    "mining_least": "Mt/y",
    "milling_most": "t/d",
    "milling_least": "t/d",
    "rehandle_most": "Mt/y",
    "reclaim_rate": "Mt/y",
    "metal_most": "t/y",
    "metal_least": "t/y",
    "benches_most": "benches",
    "active_most": "phases",
}
"""Units of the families that are not in Mt, but for ratios."""

RATIOS = frozenset(
    {
        "strip_most",
        "strip_least",
        "strip_cumulative_most",
        "strip_cumulative_least",
        "head_grade_most",
        "head_grade_least",
    }
)


@dataclass(frozen=True)
class Figures:
    """What a limit says and what the nearest plan comes to, period by period.

    Attributes:
        periods: numbers of the periods in which it gives.
        limit: in ``unit``.
        reached: in ``unit``.
        unit: unit of both.
        least: whether it is a least; else a most.
    """

    periods: tuple[int, ...]
    limit: tuple[float, ...]
    reached: tuple[float, ...]
    unit: str
    least: bool


def figures(model: Elastic, key: str, point: Nearest) -> Figures:
    """What a key asks and what a plan comes to, in the periods in which it gives."""
    model.compiled.load(point.x)
    found: dict[int, tuple[float, float, str, bool]] = {}
    for row in model.rows:
        if row.key == key and abs(point.excess[row.number]) > GIVES * model.scale[row.number]:
            found[period_of(row)] = _of_row(model, row, point)
    periods = tuple(sorted(found))
    unit = found[periods[0]][2] if periods else ""
    return Figures(
        periods,
        tuple(found[t][0] for t in periods),
        tuple(found[t][1] for t in periods),
        unit,
        any(found[t][3] for t in periods),
    )


def period_of(row: Row) -> int:
    """The period of a limit."""
    return int(row.index[row.family.period_at])


def _of_row(model: Elastic, row: Row, point: Nearest) -> tuple[float, float, str, bool]:
    """Limit, value reached, unit, and whether it is a least."""
    program, excess = model.program, float(point.excess[row.number])
    least = excess < 0
    limit = float(program.row_lower[row.number] if least else program.row_upper[row.number])
    if row.family.name in RATIOS:
        limit, reached, unit = _ratio(model, row, excess)
    else:
        factor, unit = _unit(model, row)
        limit, reached = limit * factor, (limit + excess) * factor
    return limit, reached, unit, least


def _unit(model: Elastic, row: Row) -> tuple[float, str]:
    """Factor from the unit of the row to that of the key, and its name."""
    years = float(model.problem.years[period_of(row)])
    unit = RATES.get(row.family.name, "Mt")
    factor = {
        "Mt": 1e-3,
        "Mt/y": 1e-3 / years,
        "t/d": 1e3 / (DAYS_PER_YEAR * years),
        "t/y": 1.0 / years,
        "benches": 1.0,
        "phases": 1.0,
    }[unit]
    return factor, unit


def _ratio(model: Elastic, row: Row, excess: float) -> tuple[float, float, str]:
    """A limit on a ratio, what is reached of it, and its unit: the row is numerator less limit times denominator."""
    problem, context, period, name = model.problem, model.context, period_of(row), row.family.name
    side = "lower" if name.endswith("least") else "upper"
    if name.startswith("head_grade"):
        limit = float(getattr(problem.head_grade[row.index[0]], side)[period])
        below = sum((context.fed(mill, period) for mill in problem.grade_mills[row.index[0]]), start=0.0)
        grades = problem.grade_unit[row.index[0]]
        factor, unit = 1e-3 / METAL_PER_GRADE[grades], GRADE_UNITS[grades]
    else:
        limits = problem.strip_cumulative if "cumulative" in name else problem.strip
        limit = float(getattr(limits, side)[period])
        first = 0 if "cumulative" in name else period
        ore = problem.route_kind("mill", "stockpile")
        below = sum((context.sent(ore, s) for s in range(first, period + 1)), start=0.0)
        factor, unit = 1.0, "t/t"
    base = float(pyo.value(below))
    reached = limit + excess / base if base > GIVES else (np.inf if excess > 0 else -np.inf)
    return limit * factor, reached * factor, unit


def number(value: float) -> str:
    """A number as a planner writes it: four figures, thousands set apart."""
    if not np.isfinite(value):
        return "without end"
    if abs(value) >= 1000:
        return f"{round(value, 3 - int(np.floor(np.log10(abs(value))))):,.0f}"
    return f"{value:.4g}"


def span(values: Sequence[float]) -> str:
    """One number where all are alike, else the least and the largest."""
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def labels(model: Elastic, periods: Sequence[int]) -> str:
    """Periods as ranges of their labels: ``2011-2012, 2015``."""
    names = model.problem.labels
    runs: list[list[int]] = []
    for period in periods:
        if runs and runs[-1][-1] == period - 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    join = " to " if any("-" in name for name in names) else "-"
    return ", ".join(names[run[0]] if len(run) == 1 else f"{names[run[0]]}{join}{names[run[-1]]}" for run in runs)
