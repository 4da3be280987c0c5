"""The plan as made by hand: a simple rule, not an optimum; the start of the search and the yardstick of its result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduler.compiling import PIT
from scheduler.hand_period import NOTHING
from scheduler.hand_plan import Groundwork, HandPlan, Rule
from scheduler.hand_rules import NOTHING_KT, classes, designs, hand_order, preferences, usage
from scheduler.problem import Array, Problem

if TYPE_CHECKING:
    from scheduler.formulation.context import Context

TOLERANCE = 1e-7
"""Relative; stricter than that of the model, so that what passes here passes there."""

logger = logging.getLogger(__name__)

STRIPPING_RATES = (1.0, 1.05, 1.1, 1.2, 1.35)
"""Movement tried, as multiples of what keeps the strip ratio of the rest of the pit even."""

PATIENCE = (0.0, 0.5, 1.0)
"""Shares of the ore needed a tonne moved below which a face is left for a richer one; 0 keeps the hand order."""


@dataclass(frozen=True)
class Baseline:
    """A plan as made by hand. Shapes: U units, R routes, J reclaim routes, T periods; nothing is bought.

    Attributes:
        problem: what it is a plan of.
        mined: ``(U, T)`` fraction of each unit mined in each period.
        sent: ``(R, T)`` share of its parcel sent along each route.
        reclaimed: ``(J, T)`` kt.
        placed: ``(mills, facilities, T)`` new tailings, kt, in the order of ``problem.tailings_most``.
    """

    problem: Problem
    mined: Array
    sent: Array
    reclaimed: Array
    placed: Array

    def mined_by(self) -> Array:
        """Fraction of each unit mined by the end of each period, shape ``(U, T)``; exactly 1 where it is finished."""
        mined = np.clip(np.cumsum(self.mined, axis=1), 0.0, 1.0)
        return np.where(mined > 1 - 10 * NOTHING, 1.0, mined)

    def moved(self) -> Array:
        """Kt moved from the pit in each period, shape ``(T,)``."""
        return np.asarray(self.problem.unit_kt @ self.mined)

    def fed(self, mill: str | None = None) -> Array:
        """Kt fed to a mill, or to all, in each period, shape ``(T,)``."""
        problem = self.problem
        mills = problem.mills() if mill is None else [mill]
        routes = sum((problem.route_kt[problem.route_to(m)] @ self.sent[problem.route_to(m)] for m in mills), start=0.0)
        return np.asarray(routes + sum(self.reclaimed[problem.reclaim_to(m)].sum(axis=0) for m in mills))

    def recovered(self, element: str) -> Array:
        """Metal recovered in each period, t, shape ``(T,)``."""
        problem = self.problem
        return np.asarray(
            problem.route_recovered[element] @ self.sent + problem.reclaim_recovered[element] @ self.reclaimed
        )

    def stock(self) -> Array:
        """Kt in each place at the end of each period, shape ``(places, T)``; only bins hold any."""
        problem = self.problem
        bins = np.zeros(len(problem.places), dtype=bool)
        bins[problem.bins()] = True
        change = np.zeros((len(problem.places), problem.periods))
        np.add.at(change, problem.route_place, problem.route_kt[:, None] * self.sent)
        np.subtract.at(change, problem.reclaim_place, self.reclaimed)
        stock = problem.opening_kt[:, None] + np.cumsum(change, axis=1)
        return np.where(bins[:, None], np.maximum(stock, 0.0), 0.0)

    def works(self) -> dict[str, Array]:
        """1 for each installation until its last use, 0 after, shape ``(T,)`` each."""
        found = {}
        for installation in self.problem.installations:
            used = self.moved() if installation.name == PIT else self.fed(installation.name)
            at_work = used > NOTHING_KT
            last = int(np.flatnonzero(at_work)[-1]) if at_work.any() else -1
            found[installation.name] = (np.arange(len(used)) <= last).astype(float)
        return found

    def objective(self) -> float:
        """Discounted cash, thousands, constants included; the objective of ``docs/model.md``."""
        problem = self.problem
        cash = (problem.route_cash * self.sent).sum(axis=0) + (problem.reclaim_cash * self.reclaimed).sum(axis=0)
        for installation in problem.installations:
            works = self.works()[installation.name]
            cash = cash - installation.fixed * works - installation.closure * (works - np.append(works[1:], 0.0))
        return float(problem.discount @ cash) + problem.constant()

    def to_values(self, context: Context) -> None:
        """Writes the plan to the variables of a model of the same problem; nothing is bought."""
        model, problem = context.model, self.problem
        mined = self.mined_by()
        done = (mined >= 1.0).astype(float)
        _write(model.mined_by, mined)
        if not problem.whole:
            _write(model.finished, done)
        _write(model.sent, self.sent)
        _write(model.stock, self.stock())
        _write(model.reclaimed, self.reclaimed)
        mills, facilities = problem.mills(), list(problem.tailings_most)
        for m, i, t in model.placed:
            model.placed[m, i, t].set_value(float(self.placed[mills.index(m), facilities.index(i), t]))
        works = self.works()
        for name, t in model.works:
            model.works[name, t].set_value(float(works[name][t]))
        for index in model.bought:
            model.bought[index].set_value(0.0)
        active = self.phases_active()
        for h, t in model.phase_active:
            model.phase_active[h, t].set_value(float(active[h, t]))

    def phases_active(self) -> Array:
        """1 where a phase is mined, or was begun and is unfinished at the end of the period; ``(phases, T)``."""
        mined, problem = self.mined_by(), self.problem
        active = np.zeros((len(problem.phases), problem.periods))
        for h in range(len(problem.phases)):
            units = problem.unit_phase == h
            at_work = self.mined[units].sum(axis=0) > 0
            begun, unfinished = (mined[units] > 0).any(axis=0), (mined[units] < 1.0).any(axis=0)
            active[h] = at_work | (begun & unfinished)
        return active


def _write(variable: Any, values: Array) -> None:  # noqa: ANN401
    for index in variable:
        variable[index].set_value(float(values[index]), skip_validation=True)


def baseline(problem: Problem) -> tuple[Baseline | None, str]:
    """The best plan of a few drawn up by hand, or ``None`` and why none of them keeps the limits.

    Phases are mined in their order, benches downwards, sectors in their order. Direct ore fills the mill, low-grade
    ore goes to the stockpile, and stripping is kept even; what the pit leaves of the mill's capacity is filled from
    stock, the richest first. Plans are drawn up at a few stripping rates; of those that keep every limit the one
    with the most discounted cash is kept. Only where none of them mines out the pit, smaller pits are tried, without
    the phases of the highest strip ratio.
    """
    chosen = classes(problem)
    ground = Groundwork(problem, chosen, usage(problem), preferences(problem, chosen), hand_order(problem))
    best: Baseline | None = None
    reasons: list[str] = []
    for design in designs(problem, chosen):
        complete = False
        for rule in (Rule(rate, patience, design) for rate in STRIPPING_RATES for patience in PATIENCE):
            hand = HandPlan(ground, rule)
            draft = hand.draw_up()
            plan = Baseline(problem, draft.mined, draft.sent, draft.reclaimed, draft.placed)
            broken = broken_limit(plan)
            logger.debug("%s: %s", rule, broken or f"{plan.objective():.0f}")
            if broken:
                reasons.append(broken)
                continue
            complete = complete or hand.mined_out()
            if best is None or plan.objective() > best.objective():
                best = plan
        if complete:
            break
    return best, "" if best is not None else f"no plan made by hand keeps every limit: {reasons[0]}"


def broken_limit(plan: Baseline, *, tolerance: float = TOLERANCE) -> str:
    """The first limit that a plan by hand breaks, in words; empty where there is none.

    Most limits hold by the way it is drawn up; least amounts, changes of movement and shrinking room may not.

    Args:
        plan: the plan.
        tolerance: relative.
    """
    problem = plan.problem
    for (least_key, most_key), unit, least, value, most in _checked(plan):
        scale = np.maximum(1.0, np.maximum(np.abs(value), np.where(np.isfinite(least), np.abs(least), 0.0)))
        for t in np.flatnonzero((value < least - tolerance * scale) | (value > most + tolerance * scale)).tolist():
            below = bool(value[t] < least[t])
            key, side, limit = (least_key, "least", least[t]) if below else (most_key, "most", most[t])
            return f"{key}, {problem.labels[t]}: {side} {limit:,.6g} {unit}, reached {value[t]:,.6g} {unit}"
    return ""


def _checked(plan: Baseline) -> Iterator[tuple[tuple[str, str], str, Array, Array, Array]]:
    """Keys of the least and of the most, unit, least, value and most of what is not kept by construction."""
    problem = plan.problem
    moved, fed = plan.moved(), plan.fed()
    ore_routes = problem.route_kind("mill", "stockpile")
    ore = problem.route_kt[ore_routes] @ plan.sent[ore_routes]
    free, zero = np.full(problem.periods, np.inf), np.zeros(problem.periods)
    mining = ("limits.mining_min_mt_per_year", "limits.mining_mt_per_year")
    yield mining, "kt", problem.mining.lower, moved, problem.mining.upper
    yield (
        ("limits.mill_min_t_per_day", "limits.mill_t_per_day"),
        "kt",
        problem.milling.lower,
        fed,
        problem.milling.upper,
    )
    for limits, waste, of in (
        (problem.strip, moved - ore, ore),
        (problem.strip_cumulative, np.cumsum(moved - ore), np.cumsum(ore)),
    ):
        least = np.where(np.isfinite(limits.lower), limits.lower, 0.0) * of
        most = np.where(np.isfinite(limits.upper), np.where(np.isfinite(limits.upper), limits.upper, 0.0) * of, np.inf)
        yield (
            (f"{limits.key}_min", f"{limits.key}_max"),
            "kt of waste",
            np.where(np.isfinite(limits.lower), least, -np.inf),
            waste,
            most,
        )
    for name, limits in problem.head_grade.items():
        element = problem.grade_element[name]
        routes, from_stock = problem.graded(name)
        metal = problem.route_metal[element][routes] @ plan.sent[routes]
        metal = metal + problem.reclaim_metal[element][from_stock] @ plan.reclaimed[from_stock]
        fed = np.sum([plan.fed(mill) for mill in problem.grade_mills[name]], axis=0)
        least = np.where(np.isfinite(limits.lower), np.nan_to_num(limits.lower, neginf=0.0) * fed, -np.inf)
        most = np.where(np.isfinite(limits.upper), np.nan_to_num(limits.upper, posinf=0.0) * fed, np.inf)
        yield (f"{limits.key}.min", f"{limits.key}.max"), "t of metal in the feed", least, metal, most
    for element, limits in problem.metal.items():
        keys = (f"{limits.key}.min_t_per_year", f"{limits.key}.max_t_per_year")
        yield keys, "t", limits.lower, plan.recovered(element), limits.upper
    if problem.movement_change_kt is not None:
        change = np.append(0.0, np.abs(np.diff(moved)))
        yield ("", "limits.movement_change_max_mt"), "kt", -free, change, zero + problem.movement_change_kt
    stock = plan.stock()
    for name, most in problem.stock_most.items():
        inside = stock[[k for k in problem.bins() if problem.places[k].name == name]].sum(axis=0)
        yield ("", f"destinations.{name}.capacity_mt"), "kt", -free, inside, most
    if problem.phases_active_most is not None:
        active = plan.phases_active().sum(axis=0)
        yield ("", "limits.phases_active_max"), "phases", -free, active, zero + problem.phases_active_most
