"""Why no plan exists: the limits that conflict, in which periods, and by how much each would have to give.

The limits are made elastic; the rest of the model (precedence, balances, where material may go) stays hard. The sets of
limits told of are irreducible, found by deletion (Chinneck, Dravnieks 1991, ORSA Journal on Computing 3:157): every
limit of a set is needed for the conflict, and none of them is at fault alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduler.elastic import NO_CONFLICT, Elastic, elastic_model
from scheduler.formulation.context import Formulation
from scheduler.limit_words import figures, labels, span
from scheduler.problem import Problem
from solvers.options import SolveOptions

MOST_CONFLICTS = 5
"""Independent conflicts told of at most."""


@dataclass(frozen=True)
class Conflict:
    """A limit that cannot be kept together with others.

    Attributes:
        key: the key of ``mine.toml`` that sets the limit.
        periods: labels of the periods in which it has to give.
        limit: the limit in each of these periods, in ``unit``.
        reached: what the nearest plan comes to in each, the others being kept, in ``unit``.
        unit: unit of both.
        least: whether it is a least amount; else a most.
        others: keys of the limits it conflicts with; empty where the mine alone rules it out.
        proven: whether the relaxation without integers already rules it out.
        text: all this in a line.
    """

    key: str
    periods: tuple[str, ...]
    limit: tuple[float, ...]
    reached: tuple[float, ...]
    unit: str
    least: bool
    others: tuple[str, ...]
    proven: bool
    text: str


def explain(
    problem: Problem, formulation: Formulation | None = None, options: SolveOptions | None = None
) -> tuple[Conflict, ...]:
    """The limits that conflict; empty where a plan exists, or where it could not be settled within the options.

    Every limit of an irreducible set gives a :class:`Conflict`: by how much it alone would have to give for the others
    of the set to be kept. Sets follow one another, five at most, each without a limit of those before.

    Args:
        problem: the problem statement.
        formulation: which formulation; bounds that it derives from limits are left out here.
        options: of each solve, 30 s each unless given; what is not proven in that time counts as no conflict.
    """
    model = elastic_model(problem, formulation or Formulation())
    options = options or SolveOptions(gap=1e-3, time_limit_s=30.0)
    found: list[Conflict] = []
    released: set[str] = set()
    for relaxed in (True, False):
        for _ in range(MOST_CONFLICTS):
            keys = _irreducible(model, released, relaxed=relaxed, options=options)
            told = [_told(model, key, keys, relaxed=relaxed, options=options) for key in keys]
            if not keys or None in told:
                break
            sure = [conflict for conflict in told if conflict is not None]
            found += sure
            released.add(next((conflict.key for conflict in sure if conflict.least), sure[0].key))
        if found:
            break
    return tuple(found)


def _irreducible(model: Elastic, released: set[str], *, relaxed: bool, options: SolveOptions) -> list[str]:
    """Limits that conflict and of which none can be spared for that; empty where there is no proven conflict."""
    kept = [key for key in model.limit_keys() if key not in released]
    if relaxed:
        point = model.nearest(kept, (), relaxed=True, options=options)
        if point is None or point.total <= NO_CONFLICT or point.duals is None:
            return []
        # Rows without a dual play no part in the proof that the total cannot be less.
        weight = np.abs(point.duals) * model.scale
        by_key = {key: float(weight[model.rows_of([key])].max(initial=0.0)) for key in kept}
        part = sorted((key for key in kept if by_key[key] > NO_CONFLICT), key=lambda key: by_key[key])
        kept = part if model.infeasible(part, relaxed=True, options=options) else kept
    if not model.infeasible(kept, relaxed=relaxed, options=options):
        return []
    for key in list(kept):
        fewer = [other for other in kept if other != key]
        if model.infeasible(fewer, relaxed=relaxed, options=options):
            kept = fewer
    return [key for key in model.limit_keys() if key in kept]


def _told(model: Elastic, key: str, keys: list[str], *, relaxed: bool, options: SolveOptions) -> Conflict | None:
    """By how much one limit has to give for the others of its set to be kept."""
    others = tuple(other for other in keys if other != key)
    point = model.nearest([key], others, relaxed=relaxed, options=options)
    if point is None:
        return None
    told = figures(model, key, point)
    if not told.periods:
        return None
    limit, reached, unit = span(told.limit), span(told.reached), told.unit
    alone = len(told.periods) == 1
    if told.least:
        said = f"{limit} {unit} asked, {'at most ' if alone else ''}{reached} {unit} can be reached"
    else:
        said = f"{limit} {unit} allowed, {'at least ' if alone else ''}{reached} {unit} would be needed"
    together = f" together with {' and '.join(others)}" if others else ""
    text = f"{key} {labels(model, told.periods)}: {said}{together}"
    names = tuple(model.problem.labels[t] for t in told.periods)
    return Conflict(key, names, told.limit, told.reached, unit, told.least, others, relaxed, text)
