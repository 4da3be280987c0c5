"""Phases: release, sinking rate and how many are worked at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.context import Context, Expression, Family, relation


def released(context: Context) -> Iterator[tuple[int, int]]:
    """Phases and periods before, or within, their release."""
    yield from map(tuple, np.argwhere(np.isfinite(context.problem.phase_most)).tolist())


def _units(context: Context, phase: int) -> list[int]:
    return np.flatnonzero(context.problem.unit_phase == phase).tolist()


def release(context: Context, phase: int, period: int) -> Expression:
    """A phase is mined only after its release: kt mined <= share of the period x mining capacity. Kt."""
    kt = context.problem.unit_kt
    mined = pyo.quicksum(kt[u] * context.mined_in(u, period) for u in _units(context, phase))
    return relation(mined, -np.inf, float(context.problem.phase_most[phase, period]))


def sinking(context: Context) -> Iterator[tuple[int, int]]:
    """Phases and periods with a most benches."""
    yield from map(tuple, np.argwhere(np.isfinite(context.problem.benches_most)).tolist())


def benches_most(context: Context, phase: int, period: int) -> Expression:
    """Benches turned over in a period are limited: sum_u (q_u / q_bench(u)) (c_ut - c_u,t-1) <= limit. Benches."""
    problem = context.problem
    units = _units(context, phase)
    bench_kt: dict[int, float] = {}
    for u in units:
        bench = int(problem.unit_bench[u])
        bench_kt[bench] = bench_kt.get(bench, 0.0) + float(problem.unit_kt[u])
    turned = pyo.quicksum(
        float(problem.unit_kt[u]) / bench_kt[int(problem.unit_bench[u])] * context.mined_in(u, period) for u in units
    )
    return relation(turned, -np.inf, float(problem.benches_most[phase, period]))


def touched(context: Context) -> Iterator[tuple[int, int]]:
    """Every unit and period, where active phases are counted."""
    if context.problem.phases_active_most:
        for unit in range(len(context.problem.unit_names)):
            for period in range(context.problem.periods):
                yield unit, period


def active_when_mined(context: Context, unit: int, period: int) -> Expression:
    """A phase is active while it is mined: c_ut - c_u,t-1 <= a_ht. Fractions."""
    phase = int(context.problem.unit_phase[unit])
    return context.mined_in(unit, period) <= context.model.phase_active[phase, period]


def pairs(context: Context) -> Iterator[tuple[int, int, int]]:
    """Every two units of a phase, by period, where active phases are counted."""
    if context.problem.phases_active_most:
        for phase in range(len(context.problem.phases)):
            units = _units(context, phase)
            first = [u for u in units if not context.reach.above[u, units].any()]
            last = [u for u in units if not context.reach.above[units, u].any()]
            for begun in first:
                for unfinished in last:
                    for period in range(context.problem.periods):
                        yield begun, unfinished, period


def active_until_finished(context: Context, begun: int, unfinished: int, period: int) -> Expression:
    """A phase stays active from its beginning until it is finished: c_ut - w_vt <= a_ht. Fractions.

    It is enough to ask it of the units of the phase that need none of it against those that none of it needs: the
    first are mined before any other, the last finished after all others.
    """
    phase = int(context.problem.unit_phase[begun])
    mined = context.model.mined_by[begun, period]
    return mined - context.finished(unfinished, period) <= context.model.phase_active[phase, period]


def counted(context: Context) -> Iterator[int]:
    """Every period, where active phases are counted."""
    if context.problem.phases_active_most:
        yield from range(context.problem.periods)


def active_most(context: Context, period: int) -> Expression:
    """At most so many phases are active: sum_h a_ht <= limit. Phases."""
    active = pyo.quicksum(context.model.phase_active[h, period] for h in range(len(context.problem.phases)))
    return relation(active, -np.inf, float(context.problem.phases_active_most or 0))


FAMILIES = (
    Family("phase_release", released, release, elastic=True, key="phases.{0}.release"),
    Family("benches_most", sinking, benches_most, elastic=True, key="phases.{0}.max_benches_per_year", unit="benches"),
    Family("active_when_mined", touched, active_when_mined),
    Family("active_until_finished", pairs, active_until_finished),
    Family("active_most", counted, active_most, elastic=True, key="limits.phases_active_max", unit="phases"),
)
