"""Pyomo models compiled to arrays, and points carried back to their variables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyomo.common.enums import ObjectiveSense
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.core.base import Objective, Var
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse

from solvers.program import Program, Vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyomo.core.base.constraint import ConstraintData
    from pyomo.core.base.var import VarData
    from pyomo.environ import ConcreteModel


Place = tuple[str, Any]
"""Name of a Pyomo component of the model itself, and the index in it; None for the index of one without."""


def place(data: VarData | ConstraintData) -> Place:
    """Where a variable or a constraint stands in its model."""
    return data.parent_component().local_name, data.index()


class TriviallyInfeasibleError(ValueError):
    """The model contradicts itself before any solve: a constraint without variables fails, or bounds cross."""


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A program together with the Pyomo components its columns and rows come from.

    Attributes:
        program: the model as arrays; fixed variables are folded into limits and offset.
        variables: the Pyomo variable of each column, n of them.
        rows: the Pyomo constraint of each row, m of them; constraints without variables have no row.
        unused: variables that are neither fixed nor in any row or in the objective.
    """

    program: Program
    variables: tuple[VarData, ...]
    rows: tuple[Place, ...]
    unused: tuple[VarData, ...]

    def load(self, x: Vector) -> None:
        """Write x, shape (n,), to the variables; unused ones without a value get the one nearest zero.

        Raises:
            ValueError: x has the wrong shape or holds a value that is not finite.
        """
        values = self.program.point(x)
        if not np.isfinite(values).all():
            raise ValueError(f"{self.variables[int(np.argmin(np.isfinite(values)))].name} has no finite value")
        for variable, value in zip(self.variables, values.tolist(), strict=True):
            variable.set_value(value, skip_validation=True)
            variable.stale = False
        for variable in self.unused:
            if variable.value is None:
                lower, upper = _bounds(variable)
                variable.set_value(min(max(0.0, lower), upper), skip_validation=True)

    def start_vector(self) -> Vector:
        """Return the present values of the variables, shape (n,), NaN where a variable has none."""
        return np.array(
            [np.nan if variable.value is None else variable.value for variable in self.variables],
            dtype=np.float64,
        )


def compile_model(model: ConcreteModel, *, names: bool = True) -> CompiledModel:
    """Compile a linear Pyomo model to a `Program`.

    Sense and constant of the objective are kept. A range constraint becomes one row. Fixed variables are replaced by
    their values; the model is not changed.

    Args:
        model: a concrete model with exactly one active objective.
        names: whether the program carries the names of variables and constraints, which takes time on large models.

    Raises:
        TriviallyInfeasibleError: a constraint that has no free variable is broken, or the bounds of a variable or
            the limits of a constraint cross.
        ValueError: no or several objectives, a domain that is neither continuous nor the integers, an active
            component that no linear program can express, or a nonlinear expression.
    """
    form, maximise = _form(model)
    variables = tuple(form.columns)
    lower, upper = _bound_vectors(variables)
    matrix, constraints, row_lower, row_upper = _merge_ranges(form)
    crossed = np.flatnonzero(row_lower > row_upper)
    if crossed.size:
        raise TriviallyInfeasibleError(f"the limits of constraint {constraints[int(crossed[0])].name} cross")
    cost = np.asarray(form.c.todense(), dtype=np.float64).reshape(-1)
    program = Program(
        cost=cost if cost.size else np.zeros(len(variables)),
        lower=lower,
        upper=upper,
        integer=np.fromiter((_is_integer(variable) for variable in variables), np.bool_, len(variables)),
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        offset=float(form.c_offset[0]),
        maximise=maximise,
        column_names=tuple(variable.name for variable in variables) if names else None,
        row_names=tuple(constraint.name for constraint in constraints) if names else None,
    )
    return CompiledModel(program, variables, tuple(map(place, constraints)), _unused(model, variables))


def compiled_anew(
    model: ConcreteModel, program: Program, columns: Sequence[Place], rows: Sequence[Place]
) -> CompiledModel:
    """A compiled model whose rows are known: only its objective is compiled.

    Args:
        model: variables and objective, without constraints.
        program: the program of a model with the same variables and rows, whatever its objective was.
        columns: the variable of each of its columns, n of them.
        rows: the constraint of each of its rows, m of them.

    Raises:
        KeyError: a column's variable is not in the model, or the objective has a variable that is no column.
        ValueError: as ``compile_model``.
    """
    form, maximise = _form(model)
    components = {name: model.component(name) for name in {name for name, _ in columns}}
    variables = tuple(components[name][index] for name, index in columns)
    column = {id(variable): k for k, variable in enumerate(variables)}
    cost = np.zeros(len(variables))
    cost[[column[id(variable)] for variable in form.columns]] = np.asarray(form.c.todense()).reshape(-1)
    anew = replace(program, cost=cost, offset=float(form.c_offset[0]), maximise=maximise)
    return CompiledModel(anew, variables, tuple(rows), _unused(model, variables))


def _form(model: ConcreteModel) -> tuple[Any, bool]:
    """The model in Pyomo's standard form, and whether it is maximised."""
    objectives = list(model.component_data_objects(Objective, active=True))
    if len(objectives) != 1:
        raise ValueError(f"a model needs exactly one active objective, this one has {len(objectives)}")
    try:
        form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=None)
    except InfeasibleConstraintException as error:
        raise TriviallyInfeasibleError(str(error)) from error
    return form, objectives[0].sense == ObjectiveSense.maximize


def _merge_ranges(form: Any) -> tuple[sparse.csr_array, tuple[ConstraintData, ...], Vector, Vector]:  # noqa: ANN401
    """Join the two rows the compiler writes for a range, the upper one first and the lower one right after it."""
    kind = np.fromiter((row.bound_type for row in form.rows), np.int64, len(form.rows))
    identity = np.fromiter((id(row.constraint) for row in form.rows), np.int64, len(form.rows))
    rhs = np.asarray(form.rhs, dtype=np.float64)
    second = np.zeros(kind.size, dtype=np.bool_)
    second[1:] = (identity[1:] == identity[:-1]) & (kind[1:] == -1) & (kind[:-1] == 1)
    row_lower = np.where(kind == 1, -np.inf, rhs)
    row_upper = np.where(kind == -1, np.inf, rhs)
    places = np.flatnonzero(second)
    row_lower[places - 1] = rhs[places]
    kept = np.flatnonzero(~second)
    matrix = sparse.csr_array(form.A)
    if places.size:
        matrix = sparse.csr_array(matrix[kept, :])
    constraints = tuple(form.rows[i].constraint for i in kept.tolist())
    return matrix, constraints, row_lower[kept], row_upper[kept]


def _bound_vectors(variables: Sequence[VarData]) -> tuple[Vector, Vector]:
    bounds = np.array([_bounds(variable) for variable in variables], dtype=np.float64).reshape(-1, 2)
    return bounds[:, 0].copy(), bounds[:, 1].copy()


def _bounds(variable: VarData) -> tuple[float, float]:
    lower, upper = variable.bounds
    low = -np.inf if lower is None else float(lower)
    high = np.inf if upper is None else float(upper)
    if low > high:
        raise TriviallyInfeasibleError(f"the bounds of {variable.name} cross: [{low}, {high}]")
    return low, high


def _is_integer(variable: VarData) -> bool:
    if variable.is_continuous():
        return False
    if variable.is_integer():
        return True
    raise ValueError(f"{variable.name}: domain {variable.domain} is neither continuous nor the integers")


def _unused(model: ConcreteModel, variables: Sequence[VarData]) -> tuple[VarData, ...]:
    used = {id(variable) for variable in variables}
    return tuple(
        variable
        for variable in model.component_data_objects(Var, active=True, descend_into=True)
        if not variable.fixed and id(variable) not in used
    )
