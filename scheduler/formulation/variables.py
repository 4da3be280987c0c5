"""The decision variables of the Pyomo model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.reach import Reach, usable_routes
from scheduler.problem import Problem


def add_variables(model: Any, problem: Problem, reach: Reach, *, bound_early: bool) -> None:
    """Adds the variables of ``docs/model.md``.

    ``mined_by[u, t]`` (fraction), ``finished[u, t]`` (binary; only for units that something needs, or where phases
    are counted), ``sent[r, t]`` (share of the parcel, for the usable routes of parcels
    that have a choice), ``stock[k, t]`` and ``reclaimed[j, t]`` (kt),
    ``placed[m, i, t]`` (kt), ``works[n, t]``, ``bought[x, t]`` and ``phase_active[h, t]`` (binaries).
    """
    units, periods = range(len(problem.unit_names)), range(problem.periods)
    domain = pyo.Binary if problem.whole else pyo.UnitInterval
    earliest = reach.earliest

    def mined_bounds(_: Any, u: int, t: int) -> tuple[float, float]:
        if t < earliest[u]:
            return 0.0, 0.0
        return 0.0, float(reach.most[u, t]) if bound_early else 1.0

    model.mined_by = pyo.Var(units, periods, domain=domain, bounds=mined_bounds)
    if not problem.whole:
        needed = (
            range(len(problem.unit_names)) if problem.phases_active_most else sorted(set(problem.arcs[:, 1].tolist()))
        )

        def finished_bounds(_: Any, u: int, t: int) -> tuple[float, float]:
            possible = reach.finished[u, t] if bound_early else t >= earliest[u]
            return 0.0, 1.0 if possible else 0.0

        model.finished = pyo.Var(needed, periods, domain=pyo.Binary, bounds=finished_bounds)
    choices = np.bincount(problem.route_parcel, minlength=len(problem.parcel_names))[problem.route_parcel] > 1
    open_routes = list(map(tuple, np.argwhere(usable_routes(problem, reach) & choices[:, None]).tolist()))
    model.sent = pyo.Var(open_routes, domain=pyo.UnitInterval)
    bins = problem.bins()
    model.stock = pyo.Var(bins, periods, domain=pyo.NonNegativeReals)
    model.reclaimed = pyo.Var(range(len(problem.reclaim_place)), periods, domain=pyo.NonNegativeReals)
    mills = problem.mills() if problem.tailings_most else []
    model.placed = pyo.Var(mills, list(problem.tailings_most), periods, domain=pyo.NonNegativeReals)
    model.works = pyo.Var([i.name for i in problem.installations], periods, domain=pyo.Binary)
    model.bought = pyo.Var(range(len(problem.options)), periods, domain=pyo.Binary)
    counted = range(len(problem.phases)) if problem.phases_active_most else []
    model.phase_active = pyo.Var(counted, periods, domain=pyo.Binary)
