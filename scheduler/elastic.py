"""The model with limits that may give: which sets of them can be kept, and how near a plan comes to the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from scipy import sparse

from scheduler.formulation.build import FAMILIES
from scheduler.formulation.context import Context, Family, Formulation
from scheduler.formulation.reach import reach
from scheduler.formulation.variables import add_variables
from scheduler.problem import Array, Index, Mask, Problem, Range
from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program, Vector
from solvers.result import Outcome
from solvers.standard_form import CompiledModel, compile_model

PHASE_FAMILIES = frozenset({"phase_release", "benches_most"})
"""Elastic families whose first index is the number of a phase."""

NO_CONFLICT = 1e-6
"""Total relative violation below which limits do not conflict."""


@dataclass(frozen=True)
class Row:
    """A limit in the elastic model.

    Attributes:
        family: its constraint family.
        index: its index in the family.
        key: the key of ``mine.toml`` that sets it.
        number: row of the program.
    """

    family: Family
    index: tuple[Any, ...]
    key: str
    number: int


@dataclass(frozen=True)
class Nearest:
    """The plan that breaks certain limits least.

    Attributes:
        x: values of the columns of the model.
        excess: by row of the program, how far it is outside its limits, in the unit of the row, shape ``(m,)``.
        duals: of the rows, where no integers were asked for, shape ``(m,)``.
        total: sum of the relative violations.
    """

    x: Vector
    excess: Array
    duals: Array | None
    total: float


@dataclass(frozen=True)
class Elastic:
    """The model, its limits as rows, and what a violation of each is measured by.

    Attributes:
        problem: the problem, every destination open throughout but for its limit on what it receives.
        context: the Pyomo model behind it.
        compiled: the model as arrays; the objective plays no part.
        rows: the limits.
        scale: by row of the program, the violation that counts as one, in the unit of the row.
    """

    problem: Problem
    context: Context
    compiled: CompiledModel
    rows: tuple[Row, ...]
    scale: Array

    @property
    def program(self) -> Program:
        """The model as arrays."""
        return self.compiled.program

    def limit_keys(self) -> list[str]:
        """Keys of all limits, in the order of the model."""
        return list(dict.fromkeys(row.key for row in self.rows))

    def rows_of(self, keys: Iterable[str]) -> list[int]:
        """Rows of the program that these keys set."""
        wanted = set(keys)
        return [row.number for row in self.rows if row.key in wanted]

    def _kept(self, keys: Iterable[str], *, relaxed: bool) -> Program:
        """The program without objective in which only these limits stand."""
        free = np.zeros(self.program.num_rows, dtype=bool)
        free[[row.number for row in self.rows]] = True
        free[self.rows_of(keys)] = False
        program = replace(
            self.program,
            cost=np.zeros(self.program.num_columns),
            offset=0.0,
            maximise=False,
            row_lower=np.where(free, -np.inf, self.program.row_lower),
            row_upper=np.where(free, np.inf, self.program.row_upper),
        )
        return program.relaxed() if relaxed else program

    def infeasible(self, keys: Iterable[str], *, relaxed: bool, options: SolveOptions) -> bool:
        """Whether these limits are proven to conflict; without integers where ``relaxed``."""
        return solve(self._kept(keys, relaxed=relaxed), options).outcome is Outcome.INFEASIBLE

    def nearest(
        self, elastic: Iterable[str], hard: Iterable[str], *, relaxed: bool, options: SolveOptions
    ) -> Nearest | None:
        """The plan that keeps the hard limits and breaks the elastic ones least, or ``None`` where none was found.

        Args:
            elastic: keys of the limits that may give; the sum of their relative violations is minimised.
            hard: keys of the limits that may not. All others do not stand.
            relaxed: without integers.
            options: of the solve.
        """
        giving = list(elastic)
        rows = np.asarray(self.rows_of(giving), dtype=np.int64)
        program = _with_slacks(self._kept([*giving, *hard], relaxed=relaxed), rows, self.scale)
        result = solve(program, options)
        if result.x is None or result.objective is None:
            return None
        x = result.x[: self.program.num_columns]
        excess = np.zeros(self.program.num_rows)
        over, under = np.split(result.x[self.program.num_columns :], 2)
        excess[rows] = over - under
        return Nearest(x, excess, result.row_duals, float(result.objective))


def _with_slacks(program: Program, rows: Index, scale: Array) -> Program:
    """The program with two slacks, over and under, for each of some rows; their sum over the scale is minimised."""
    number = len(rows)
    over = sparse.csr_array((np.full(number, -1.0), (rows, np.arange(number))), shape=(program.num_rows, number))
    weight = 1.0 / scale[rows]
    return Program(
        cost=np.concatenate([program.cost, weight, weight]),
        lower=np.concatenate([program.lower, np.zeros(2 * number)]),
        upper=np.concatenate(
            [
                program.upper,
                np.where(np.isfinite(program.row_upper[rows]), np.inf, 0.0),
                np.where(np.isfinite(program.row_lower[rows]), np.inf, 0.0),
            ]
        ),
        integer=np.concatenate([program.integer, np.zeros(2 * number, dtype=bool)]),
        matrix=sparse.csr_array(sparse.hstack([program.matrix, over, -over])),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
    )


def elastic_model(problem: Problem, formulation: Formulation) -> Elastic:
    """The model in which limits stand as rows only: no bound, and no other row, is derived from them."""
    always_open: Mask = np.ones_like(problem.route_open)
    limited = replace(problem, route_open=always_open)
    free = _without_limits(limited)
    limits = reach(free)
    chosen = replace(formulation, early_start=False)
    model = pyo.ConcreteModel(name="elastic")
    add_variables(model, free, limits, bound_early=False)
    structure, context = Context(free, model, limits, chosen), Context(limited, model, limits, chosen)
    for family in FAMILIES:
        family.add(context if family.elastic else structure)
    model.any_plan = pyo.Objective(expr=0.0)
    compiled = compile_model(model)
    families = {family.name: family for family in FAMILIES if family.elastic}
    rows: list[Row] = []
    for number, (family_name, at) in enumerate(compiled.rows):
        limit = families.get(family_name)
        if limit is not None:
            index = _as_tuple(at)
            rows.append(Row(limit, index, limit_key(problem, limit, index), number))
    return Elastic(limited, context, compiled, tuple(rows), _scale(compiled.program, rows))


def _without_limits(problem: Problem) -> Problem:
    """The problem without the limits from which bounds and other rows are derived."""
    free = np.full(problem.periods, np.inf)
    return replace(
        problem,
        mining=Range(problem.mining.key, -free, free),
        milling=Range(problem.milling.key, -free, free),
        inflow_most={},
        phase_most=np.full_like(problem.phase_most, np.inf),
    )


def limit_key(problem: Problem, family: Family, index: tuple[Any, ...]) -> str:
    """The key of ``mine.toml`` that sets a limit, with the name of the phase, destination or element."""
    first = problem.phases[index[0]] if family.name in PHASE_FAMILIES else index[0]
    return family.key.format(first)


def _as_tuple(index: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return index if isinstance(index, tuple) else (index,)


def _scale(program: Program, rows: list[Row]) -> Array:
    """The violation that counts as one: the limit; where it is nought, the largest coefficient of the row."""
    limit = np.where(np.isfinite(program.row_upper), program.row_upper, program.row_lower)
    scale = np.abs(np.where(np.isfinite(limit), limit, 0.0))
    largest = np.zeros(program.num_rows)
    full = np.diff(program.matrix.indptr) > 0
    largest[full] = np.maximum.reduceat(np.abs(program.matrix.data), program.matrix.indptr[:-1][full])
    found = np.where(scale > 0, scale, np.where(largest > 0, largest, 1.0))
    by_key: dict[str, float] = {}
    for row in rows:
        by_key[row.key] = max(by_key.get(row.key, 0.0), float(found[row.number]))
    for row in rows:
        found[row.number] = by_key[row.key]
    return np.asarray(found)
