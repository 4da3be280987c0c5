"""The exact engine: the Pyomo model of a problem solved with HiGHS to a proven gap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from scheduler.formulation.assembly import assembled
from scheduler.formulation.build import FAMILIES
from scheduler.formulation.context import Context, Family, Formulation
from scheduler.mine_certificates import THOUSAND, Case
from scheduler.neighbours import neighbour_start
from scheduler.problem import Problem
from scheduler.solution import Solution
from scheduler.tightening import BOUGHT, WORKS
from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program, Vector
from solvers.result import Progress, Result, StopReason, weigh
from solvers.staged import Box, StagedSolve, StageRecord
from solvers.standard_form import CompiledModel

FIRST = ("works", "bought", "phase_active")
"""Variables that decide most; branched on before all others."""


@dataclass(frozen=True)
class ExactAnswer:
    """What the exact engine found and proved.

    Attributes:
        result: objective, bound and gap in thousands, and why it stopped.
        record: what the stages did.
        solution: the decisions, continuous ones solved again with the integers fixed; ``None`` without a plan.
        shadow_prices: a row a binding limit and period: limit, key, item, period, value (thousands of discounted cash
            per unit of the limit), unit; from the linear program with the integers fixed.
        seconds: wall time by stage.
    """

    result: Result
    record: StageRecord
    solution: Solution | None
    shadow_prices: pd.DataFrame
    seconds: dict[str, float]


def solve_exact(
    problem: Problem,
    options: SolveOptions,
    *,
    formulation: Formulation | None = None,
    start: Callable[[Context], bool] | None = None,
    neighbour: Solution | None = None,
    cover: Callable[[float | None], Sequence[Case]] | None = None,
    kept: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    log_file: Path | None = None,
) -> ExactAnswer:
    """Solves a problem to the gap asked for.

    Args:
        problem: the problem statement.
        options: gap, limits, seed and threads.
        formulation: which of the equivalent formulations.
        start: writes a plan to the model's variables and says whether it did.
        neighbour: decisions of a like problem, taken as the start where they can be kept and are better.
        cover: given the start's value (thousands), cases that together hold every plan, each with a bound: the search
            begins with them.
        kept: folder in which formulations are kept, as in ``assembled``.
        on_progress: called with bound, incumbent and gap.
        cancel: asked again and again; true stops the solve.
        log_file: takes the solver's log.
    """
    began = time.perf_counter()
    # A model is hundreds of thousands of objects in no cycles: looking for those takes a third of the time.
    with PauseGC():
        context, compiled, pool = assembled(problem, formulation, kept)
    program = compiled.program
    vector = None
    if start is not None and start(context):
        vector = compiled.start_vector()
    if neighbour is not None:
        vector = _better_start(program, vector, neighbour_start(context, compiled, program, neighbour, options))
    seconds = {"model": time.perf_counter() - began}
    known = None if vector is None else program.objective_value(vector)
    staged = StagedSolve(
        program,
        pool,
        first_columns(compiled),
        options.after(time.perf_counter() - began),
        start=vector,
        cover=() if cover is None else _boxes(compiled, problem, cover(known)),
        on_progress=on_progress,
        cancel=cancel,
        log_file=log_file,
    )
    result = staged.run()
    seconds["solve"] = result.seconds
    began = time.perf_counter()
    solution, prices = None, _no_prices()
    if result.x is not None:
        result, polished = _polished(compiled, program, result, options)
        best = result.x if polished.x is None else polished.x
        assert best is not None  # noqa: S101
        compiled.load(best)
        solution = read_solution(context)
        prices = shadow_prices(context, compiled, polished)
    seconds["polish"] = time.perf_counter() - began
    return ExactAnswer(result, staged.record, solution, prices, seconds)


def _better_start(program: Program, one: Vector | None, other: Vector | None) -> Vector | None:
    """The start of the larger objective, of those there are."""
    there = [start for start in (one, other) if start is not None]
    return max(there, key=program.objective_value, default=None)


def first_columns(compiled: CompiledModel) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Columns to branch on before all others."""
    return np.asarray(
        [k for k, variable in enumerate(compiled.variables) if variable.parent_component().local_name in FIRST],
        dtype=np.int64,
    )


def _boxes(compiled: CompiledModel, problem: Problem, cases: Sequence[Case]) -> list[Box]:
    """The cases as boxes of the columns branched on first; what has no chain in the cases keeps its own bounds."""
    program, first, boxes = compiled.program, first_columns(compiled), []
    chains = [_chain(compiled.variables[column], problem) for column in first.tolist()]
    for case in cases:
        lower, upper = program.lower[first].copy(), program.upper[first].copy()
        for place, (name, period) in enumerate(chains):
            if name not in case.ranges:
                continue
            least, most = case.ranges[name]
            # The first k periods have one value and the others the other: 1 at work, 0 not bought yet.
            early = 1.0 if name.startswith(WORKS) else 0.0
            if period < least or period >= most:
                value = early if period < least else 1.0 - early
                lower[place], upper[place] = max(lower[place], value), min(upper[place], value)
        boxes.append(Box(lower, upper, -np.inf if case.bound is None else case.bound / THOUSAND))
    return boxes


def _chain(variable: Any, problem: Problem) -> tuple[str, int]:  # noqa: ANN401 - Pyomo carries no types
    """Chain of a certificate that a variable belongs to, empty for none, and its period."""
    kind, index = variable.parent_component().local_name, variable.index()
    if kind == "works":
        return f"{WORKS}{index[0]}", int(index[1])
    if kind == "bought":
        return f"{BOUGHT}{problem.options[index[0]].name}", int(index[1])
    return "", 0


def without_repeated_limits(compiled: CompiledModel, fixed: Program) -> Program:
    """The linear program with fixed integers less the rows that only repeat a limit, which would share its price.

    A row of a family with ``repeats_limits`` is ``use <= capacity x binary``; where the binary is fixed at one, the
    limit's own row implies it.
    """
    repeating = {family.name for family in FAMILIES if family.repeats_limits}
    told = np.asarray([name in repeating for name, _ in compiled.rows], dtype=bool)
    pinned = np.where(compiled.program.integer, fixed.lower, 0.0)
    switched_on = fixed.matrix @ pinned < 0
    return replace(fixed, row_upper=np.where(told & switched_on, np.inf, fixed.row_upper))


def _polished(
    compiled: CompiledModel, program: Program, result: Result, options: SolveOptions
) -> tuple[Result, Result]:
    """Solves the continuous columns again with the integers fixed; the result then never gets worse."""
    assert result.x is not None  # noqa: S101
    fixed = without_repeated_limits(compiled, program.with_fixed_integers(program.snapped(result.x)))
    polished = solve(fixed, SolveOptions(seed=result.seed, threads=result.threads))
    if polished.stop_reason is not StopReason.PROVEN or polished.objective is None or result.objective is None:
        return result, polished
    better = polished.objective - result.objective
    if (better if program.maximise else -better) < 0:
        return result, replace(polished, x=result.x)
    verdict = weigh(
        result.stop_reason,
        polished.objective,
        result.bound,
        maximise=program.maximise,
        gap_asked=options.gap,
        gap_abs_asked=options.gap_abs,
    )
    improved = replace(
        result,
        outcome=verdict.outcome,
        stop_reason=verdict.stop_reason,
        x=polished.x,
        objective=polished.objective,
        bound=verdict.bound,
        gap=verdict.gap,
        gap_abs=verdict.gap_abs,
    )
    return improved, polished


def read_solution(context: Context) -> Solution:
    """The decisions that the model's variables hold."""
    problem, model = context.problem, context.model
    sent = np.zeros((len(problem.route_parcel), problem.periods))
    for route, period in np.argwhere(context.usable).tolist():
        sent[route, period] = pyo.value(context.share(route, period))
    reclaimed = np.zeros((len(problem.reclaim_place), problem.periods))
    for (route, period), variable in model.reclaimed.items():
        reclaimed[route, period] = _value(variable)
    placed = {
        (mill, facility): np.asarray([_value(model.placed[mill, facility, t]) for t in range(problem.periods)])
        for mill in (problem.mills() if problem.tailings_most else [])
        for facility in problem.tailings_most
    }
    works = {
        i.name: np.asarray([_value(model.works[i.name, t]) > 0.5 for t in range(problem.periods)])
        for i in problem.installations
    }
    bought = np.zeros((len(problem.options), problem.periods), dtype=bool)
    for (number, period), variable in model.bought.items():
        bought[number, period] = _value(variable) > 0.5
    return Solution(np.clip(sent, 0.0, 1.0), np.maximum(reclaimed, 0.0), placed, works, bought)


def _item_and_period(family: Family, index: tuple[Any, ...]) -> tuple[str, int]:
    """The item and the period of a row's index; rows of the mine as a whole are of no item."""
    of_an_item = len(index) > 1 and family.period_at != 0
    return str(index[0]) if of_an_item else "", int(index[family.period_at])


def _value(variable: Any) -> float:  # noqa: ANN401
    return float(variable.value or 0.0)


def _no_prices() -> pd.DataFrame:
    return pd.DataFrame(columns=["limit", "key", "item", "period", "value", "unit"])


def shadow_prices(context: Context, compiled: CompiledModel, fixed: Result) -> pd.DataFrame:
    """What one more unit of each binding limit is worth, thousands of discounted cash.

    From the linear program with the integers fixed: what the limit is worth without replanning which units are finished
    when. Zero prices are left out; two rows of one limit and period, as of a change up and down, have one price, their
    sum.
    """
    if fixed.row_duals is None:
        return _no_prices()
    limits = {family.name: family for family in FAMILIES if family.elastic}
    rows = []
    for (name, at), price in zip(compiled.rows, fixed.row_duals.tolist(), strict=True):
        family = limits.get(name)
        if family is None or abs(price) < 1e-9:
            continue
        index = at if isinstance(at, tuple) else (at,)
        item, period = _item_and_period(family, index)
        if family.name in ("phase_release", "benches_most"):
            item = context.problem.phases[int(index[0])]
        key = family.key.format(item)
        rows.append((family.name, key, item, context.problem.labels[period], price, family.unit))
    table = _no_prices()
    if not rows:
        return table
    apart = [name for name in table.columns if name != "value"]
    found = pd.DataFrame(rows, columns=table.columns).groupby(apart, sort=False)["value"].sum()
    return found.reset_index()[list(table.columns)]
