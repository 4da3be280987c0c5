"""Precedence: nothing is mined before what lies above it is finished."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.formulation.context import Context, Expression, Family


def waiting(context: Context) -> Iterator[tuple[int, int]]:
    """Every arc and period."""
    for arc, (unit, _) in enumerate(context.problem.arcs.tolist()):
        for period in range(int(context.reach.earliest[unit]), context.problem.periods):
            yield arc, period


def finished_first(context: Context, arc: int, period: int) -> Expression:
    """What a unit needs is finished, a lag earlier, before any of it is mined.

    c[v,t] <= most[v,t] w[u,s], with most[v,t] the early-start bound (reach.py) and s the last period that ends the lag
    before the end of t; c[v,t] = 0 where there is none. Fractions on both sides.
    Source: Rivera Letelier et al. 2020, Operations Research 68:1425 (partial integrality).
    """
    unit, needed = context.problem.arcs[arc].tolist()
    since = int(context.problem.arc_from[arc, period])
    if since < 0:
        return context.model.mined_by[unit, period] <= 0
    most = float(context.reach.most[unit, period]) if context.formulation.early_start else 1.0
    return context.model.mined_by[unit, period] <= most * context.finished(needed, since)


def completions(context: Context) -> Iterator[tuple[int, int]]:
    """Every completion binary."""
    if not context.problem.whole:
        yield from context.model.finished


def finished_when_mined(context: Context, unit: int, period: int) -> Expression:
    """A unit is finished only when all of it is mined: w[u,t] <= c[u,t]. Fractions on both sides."""
    return context.model.finished[unit, period] <= context.model.mined_by[unit, period]


def later_completions(context: Context) -> Iterator[tuple[int, int]]:
    """Every completion binary but those of the first period."""
    yield from ((unit, period) for unit, period in completions(context) if period > 0)


def finished_stays(context: Context, unit: int, period: int) -> Expression:
    """What is finished stays finished: w[u,t-1] <= w[u,t]."""
    return context.model.finished[unit, period - 1] <= context.model.finished[unit, period]


FAMILIES = (
    Family("precedence", waiting, finished_first),
    Family("completion", completions, finished_when_mined),
    Family("completion_stays", later_completions, finished_stays),
)
