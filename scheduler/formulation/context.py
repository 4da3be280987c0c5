"""What every constraint family works with: the problem, the Pyomo model and the sums they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo

from scheduler.formulation.reach import Reach, usable_routes
from scheduler.problem import Mask, Problem

Expression = Any
"""A Pyomo expression; Pyomo carries no types."""


@dataclass(frozen=True)
class Formulation:
    """Which of the equivalent formulations is built. Every choice has the same optimum; the LP bounds differ.

    Attributes:
        early_start: bounds on the fraction mined by when, from cones and capacities (``reach.py``).
        without: names of strengthening families (``strengthening.CUTS``) to leave out.
    """

    early_start: bool = True
    without: frozenset[str] = frozenset()


@dataclass
class Context:
    """The problem and the model under construction.

    Attributes:
        problem: the problem statement.
        model: Pyomo model with the variables of ``variables.py``.
        reach: earliest periods and cones.
        formulation: the formulation chosen.
        usable: ``(R, T)`` routes open and reachable.
        routes_of_parcel: routes of each parcel.
    """

    problem: Problem
    model: Any
    reach: Reach
    formulation: Formulation
    usable: Mask = field(init=False)
    routes_of_parcel: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Finds the usable routes and groups routes by parcel."""
        self.usable = usable_routes(self.problem, self.reach)
        self.routes_of_parcel = [[] for _ in self.problem.parcel_names]
        for route, parcel in enumerate(self.problem.route_parcel.tolist()):
            self.routes_of_parcel[parcel].append(route)

    def mined_in(self, unit: int, period: int) -> Expression:
        """Fraction of a unit mined in a period."""
        c = self.model.mined_by
        return c[unit, period] - (c[unit, period - 1] if period > 0 else 0.0)

    def share(self, route: int, period: int) -> Expression:
        """Share of its parcel sent along a usable route; all that is mined where it is the parcel's only route."""
        parcel = int(self.problem.route_parcel[route])
        if len(self.routes_of_parcel[parcel]) == 1:
            return self.mined_in(int(self.problem.parcel_unit[parcel]), period)
        return self.model.sent[route, period]

    def finished(self, unit: int, period: int) -> Expression:
        """The completion binary of a unit; with whole mining the fraction mined itself."""
        return self.model.mined_by[unit, period] if self.problem.whole else self.model.finished[unit, period]

    def moved(self, period: int) -> Expression:
        """Kt moved from the pit in a period."""
        kt = self.problem.unit_kt
        return pyo.quicksum(kt[u] * self.mined_in(u, period) for u in range(len(kt)))

    def moved_by(self, period: int) -> Expression:
        """Kt moved from the pit by the end of a period."""
        kt, c = self.problem.unit_kt, self.model.mined_by
        return pyo.quicksum(kt[u] * c[u, period] for u in range(len(kt)))

    def sent(self, routes: Mask, period: int, weight: Any = None) -> Expression:
        """Sum over routes of the kt sent in a period, or of ``weight`` for a whole parcel where given."""
        weight = self.problem.route_kt if weight is None else weight
        chosen = np.flatnonzero(routes & self.usable[:, period] & (weight != 0))
        return pyo.quicksum(float(weight[r]) * self.share(r, period) for r in chosen.tolist())

    def sent_by(self, routes: Mask, period: int, weight: Any = None) -> Expression:
        """Sum over routes of the kt sent by the end of a period, or of ``weight`` for a whole parcel where given.

        For a parcel's only route it is the fraction mined by then: where the route cannot be used nothing is mined.
        """
        weight = self.problem.route_kt if weight is None else weight
        usable = self.usable[:, : period + 1]
        terms = []
        for route in np.flatnonzero(routes & usable.any(axis=1) & (weight != 0)).tolist():
            parcel = int(self.problem.route_parcel[route])
            if len(self.routes_of_parcel[parcel]) == 1:
                share = self.model.mined_by[int(self.problem.parcel_unit[parcel]), period]
            else:
                share = pyo.quicksum(self.model.sent[route, s] for s in np.flatnonzero(usable[route]).tolist())
            terms.append(float(weight[route]) * share)
        return pyo.quicksum(terms)

    def reclaimed(self, routes: Mask, period: int, weight: Any = None) -> Expression:
        """Sum over reclaim routes of the kt reclaimed in a period, times ``weight`` per kt where given."""
        chosen = np.flatnonzero(routes if weight is None else routes & (weight != 0))
        weight = np.ones(len(routes)) if weight is None else weight
        return pyo.quicksum(float(weight[j]) * self.model.reclaimed[j, period] for j in chosen.tolist())

    def fed(self, mill: str, period: int) -> Expression:
        """Kt fed to a mill in a period, from the pit and by reclaim."""
        problem = self.problem
        return self.sent(problem.route_to(mill), period) + self.reclaimed(problem.reclaim_to(mill), period)

    def bought_capacity(self, widens: str, period: int) -> Expression:
        """Kt of capacity bought that serve in a period."""
        total: Expression = 0.0
        for number, option in enumerate(self.problem.options):
            since = int(option.effective_from[period])
            if option.widens == widens and since >= 0:
                total = total + float(option.adds[period]) * self.model.bought[number, since]
        return total


Index = Callable[[Context], Iterable[Any]]
Rule = Callable[..., Expression]


@dataclass(frozen=True)
class Family:
    """A constraint family: its name in the model, where it holds and what it says.

    Attributes:
        name: name of the Pyomo component.
        index: the index set, from the context.
        rule: the relation for one index: ``rule(context, *index)``.
        elastic: whether a planner may want to know by how much it would have to give (limits, not balances).
        key: the key of ``mine.toml`` that sets the limit, for elastic families.
        unit: unit of both sides, for elastic families.
        repeats_limits: whether its rows, where what they tie to a binary is switched on, say no more than the limits'
            own rows do. With the binaries fixed they would share, or take away, the shadow prices of those.
        period_at: place of the period in an index of several parts.
    """

    name: str
    index: Index
    rule: Rule
    elastic: bool = False
    key: str = ""
    unit: str = "kt"
    repeats_limits: bool = False
    period_at: int = -1

    def add(self, context: Context) -> None:
        """Adds the family to the model of the context."""

        def rule(_: Any, *index: Any) -> Expression:
            found = self.rule(context, *index)
            if isinstance(found, _Unkept):
                return relation(_nothing(context.model), found.lower, found.upper)
            return found

        context.model.add_component(self.name, pyo.Constraint(list(self.index(context)), rule=rule))


@dataclass(frozen=True)
class _Unkept:
    """Limits of a row without variables that it does not keep. Pyomo refuses such a row; the model is infeasible."""

    lower: float
    upper: float


def _nothing(model: Expression) -> Expression:
    """A variable that is 0, so that a row that nothing can keep is a row still."""
    if model.component("nothing") is None:
        model.nothing = pyo.Var(bounds=(0.0, 0.0))
    return model.nothing


def relation(expression: Expression, lower: float, upper: float) -> Expression:
    """``lower <= expression <= upper`` with infinite sides left out; trivial where both are infinite or it is empty."""
    if isinstance(expression, (int, float)):
        holds = lower - 1e-9 <= expression <= upper + 1e-9
        return pyo.Constraint.Feasible if holds else _Unkept(lower - expression, upper - expression)
    if np.isinf(lower) and np.isinf(upper):
        return pyo.Constraint.Skip
    if lower == upper:
        return expression == upper
    return pyo.inequality(
        None if np.isinf(lower) else float(lower), expression, None if np.isinf(upper) else float(upper)
    )
