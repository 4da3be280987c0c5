"""A plan kept as it is and priced in another future: what a fixed schedule is worth where the mine is another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from scheduler.baseline import Baseline, broken_limit
from scheduler.neighbours import mined_by
from scheduler.problem import Array, Problem
from scheduler.solution import Solution

SLACK = 1e-6
"""How far, relative to a limit, a plan of a solver may lie beyond it."""


def fixed_value(problem: Problem, plan: Solution) -> tuple[float | None, str]:
    """Discounted cash of a plan, every decision kept, under another problem; thousands, constants included.

    Args:
        problem: prices, costs and limits that hold; of the signature that the plan was made for.
        plan: the decisions.

    Returns:
        The value and an empty text, or ``None`` and the first limit that the plan breaks.
    """
    broken = _broken(problem, plan)
    return (None, broken) if broken else (plan.cash(problem), "")


def _broken(problem: Problem, plan: Solution) -> str:
    """The first limit that the plan breaks, in words."""
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
