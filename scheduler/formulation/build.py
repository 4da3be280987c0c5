"""Builds the Pyomo model of a problem."""

from __future__ import annotations

import pyomo.environ as pyo

from scheduler.formulation import (
    destinations,
    extraction,
    grade_and_metal,
    operating,
    options,
    phases,
    precedence,
    resources,
    stockpile,
    strip_ratio,
)
from scheduler.formulation.context import Context, Family, Formulation
from scheduler.formulation.objective import discounted_cash
from scheduler.formulation.reach import reach
from scheduler.formulation.variables import add_variables
from scheduler.problem import Problem

FAMILIES: tuple[Family, ...] = (
    *precedence.FAMILIES,
    *extraction.FAMILIES,
    *stockpile.FAMILIES,
    *resources.FAMILIES,
    *destinations.FAMILIES,
    *strip_ratio.FAMILIES,
    *grade_and_metal.FAMILIES,
    *phases.FAMILIES,
    *options.FAMILIES,
    *operating.FAMILIES,
)


def build(problem: Problem, formulation: Formulation | None = None) -> Context:
    """The Pyomo model of a problem, ready for a solver: maximise discounted cash in thousands.

    Args:
        problem: the problem statement.
        formulation: which of the equivalent formulations; the strongest unless given.
    """
    return finish(begin(problem, formulation))


def begin(problem: Problem, formulation: Formulation | None = None) -> Context:
    """The variables and the objective of ``build``, without constraints."""
    chosen = formulation or Formulation()
    limits = reach(problem, by_capacity=chosen.early_start)
    model = pyo.ConcreteModel(name="pitwise")
    add_variables(model, problem, limits, bound_early=chosen.early_start)
    context = Context(problem, model, limits, chosen)
    model.cash = pyo.Objective(expr=discounted_cash(context), sense=pyo.maximize)
    return context


def finish(context: Context) -> Context:
    """Adds the constraints to what ``begin`` made."""
    for family in FAMILIES:
        family.add(context)
    return context
