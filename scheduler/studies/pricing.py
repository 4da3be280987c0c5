"""A plan kept as it is and priced in another future: what a fixed schedule is worth where the mine is another."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from instances.geometry.units import Units, scheduling_units
from instances.instance import Instance
from scheduler.audit import audit
from scheduler.baseline import Baseline, broken_limit
from scheduler.compiling import compile_problem
from scheduler.formulation.assembly import limits_key
from scheduler.neighbours import mined_by
from scheduler.problem import Array, Problem
from scheduler.solution import Solution, to_plan
from scheduler.solving import THOUSAND

SLACK = 1e-6
"""How far, relative to a limit or to what it turns over, a plan of a solver may lie beyond a limit or a bound."""

OTHER_MINE = "other units, routes or periods"
"""What is said where the decisions of a plan are not those of a mine."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Future:
    """A mine in which plans made for another are kept.

    Attributes:
        instance: the mine.
        units: its panels.
        problem: it as a problem.
        limits: alike for futures whose limits are, whatever their money is.
        bound: no plan is worth more there, currency; ``None`` where that is not known.
    """

    instance: Instance
    units: Units
    problem: Problem
    limits: str
    bound: float | None = None

    @classmethod
    def of(cls, instance: Instance, bound: float | None = None) -> Future:
        """The future that a mine is."""
        units = scheduling_units(instance, "panel")
        problem = compile_problem(instance, units)
        return cls(instance, units, problem, limits_key(problem), bound)


def fixed_value(future: Future, plan: Solution, audited: dict[str, str] | None = None) -> tuple[float | None, str]:
    """Discounted cash of a plan, every decision kept, in another future; currency, constants included.

    Args:
        future: prices, costs and limits that hold; of the signature that the plan was made for.
        plan: the decisions.
        audited: what breaks this plan, by the limits of the futures that it was kept in; added to.

    Returns:
        The value and an empty text, or ``None`` and the first limit that the plan breaks.
    """
    known = {} if audited is None else audited
    if future.limits not in known:
        known[future.limits] = _broken(future.problem, plan) or _unsound(future, plan)
    if known[future.limits]:
        return None, known[future.limits]
    value = THOUSAND * plan.cash(future.problem)
    most = value if future.bound is None else future.bound + SLACK * THOUSAND * plan.turnover(future.problem)
    if value > most:
        words = f"no limit that is known, yet {value:,.2f} is more than the proven bound {future.bound:,.2f}"
        logger.warning("%s: a plan kept as it is breaks %s; it is not counted", future.instance.mine.name, words)
        return None, words
    return value, ""


def _unsound(future: Future, plan: Solution) -> str:
    """The first rule of the audit that the plan breaks, in words: it knows them all."""
    found = audit(future.instance, to_plan(future.problem, plan, "panel"), units=future.units).findings
    return str(found[0]) if found else ""


def _broken(problem: Problem, plan: Solution) -> str:
    """The first limit on tonnes and ratios that the plan breaks, by its key: the quick look before the audit."""
    mined = np.diff(mined_by(problem, plan), axis=1, prepend=0.0)
    placed = np.array(
        [[_of(plan, mill, f, problem.periods) for f in problem.tailings_most] for mill in problem.mills()]
    )
    placed = placed.reshape(len(problem.mills()), len(problem.tailings_most), problem.periods)
    if np.any(plan.sent[~problem.route_open] > SLACK):
        return "a destination that is not open yet, or no longer"
    kept = Baseline(_widened(problem, plan), mined, plan.sent, plan.reclaimed, placed)
    for key, used, most in _uses(kept, plan):
        over = used > most + SLACK * np.maximum(1.0, np.abs(np.where(np.isfinite(most), most, 0.0)))
        if over.any():
            t = int(np.argmax(over))
            return f"{key}, {problem.labels[t]}: most {most[t]:,.6g} kt, used {used[t]:,.6g} kt"
    return broken_limit(kept, tolerance=SLACK)


def _widened(problem: Problem, plan: Solution) -> Problem:
    """The problem with the capacity that the plan buys."""
    limits = {"mill": problem.milling, "mining": problem.mining, "rehandle": problem.rehandle}
    for number, option in enumerate(problem.options):
        on = plan.bought[number, np.maximum(option.effective_from, 0)] & (option.effective_from >= 0)
        limit = limits[option.widens]
        limits[option.widens] = replace(limit, upper=limit.upper + option.adds * on)
    return replace(problem, milling=limits["mill"], mining=limits["mining"], rehandle=limits["rehandle"])


def _of(plan: Solution, mill: str, facility: str, periods: int) -> Array:
    found = plan.placed.get((mill, facility))
    return np.zeros(periods) if found is None else found


def _uses(kept: Baseline, plan: Solution) -> Iterator[tuple[str, Array, Array]]:
    """Key, use and most of every limit on tonnes that a change of the mine can tighten; each ``(T,)``."""
    problem = kept.problem
    kt = problem.route_kt[:, None] * plan.sent
    rehandled = kt[problem.parcel_fill[problem.route_parcel]].sum(axis=0) + plan.reclaimed.sum(axis=0)
    yield "limits.mining_mt_per_year", kept.moved(), problem.mining.upper
    yield "limits.mill_t_per_day", kept.fed(), problem.milling.upper
    yield "limits.rehandle_mt_per_year", rehandled, problem.rehandle.upper
    for number, name in enumerate(problem.phases):
        own = problem.unit_phase == number
        yield f"phases.{name}.release", problem.unit_kt[own] @ kept.mined[own], problem.phase_most[number]
    for name, most in problem.inflow_most.items():
        came = kt[problem.route_to(name)].sum(axis=0) + plan.reclaimed[problem.reclaim_to(name)].sum(axis=0)
        yield f"destinations.{name}.capacity_mt_per_year", came, most
    for name, most in problem.reclaim_most.items():
        left = plan.reclaimed[problem.reclaim_from(name)].sum(axis=0)
        yield f"destinations.{name}.reclaim_mt_per_year", left, most
    placed = {name: np.zeros(problem.periods) for name in problem.storage_kt}
    for (_, facility), tonnes in plan.placed.items():
        placed[facility] = placed[facility] + tonnes
    for name, room in problem.storage_kt.items():
        held = np.cumsum(kt[problem.route_to(name)].sum(axis=0) + placed[name])
        yield f"destinations.{name}.storage_mt", held, np.full(problem.periods, room)
    for name, most in problem.tailings_most.items():
        yield f"destinations.{name}.opens", placed[name], most
