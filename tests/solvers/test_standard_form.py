"""Pyomo models as arrays: the same program, with its way back."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.result import Outcome
from solvers.standard_form import TriviallyInfeasibleError, compile_model

EXACT = SolveOptions(gap=0.0, gap_abs=0.0)


def random_model(seed: int) -> pyo.ConcreteModel:
    """A feasible bounded model with every kind of row, a fixed variable, constants and either sense."""
    rng = np.random.default_rng(seed)
    n, m = 6, 8
    model = pyo.ConcreteModel()
    domains = [pyo.Reals, pyo.NonNegativeReals, pyo.Integers, pyo.Binary]
    model.x = pyo.Var(
        range(n),
        domain=lambda _, j: domains[j % 4],
        bounds=lambda _, j: (0, 1) if j % 4 == 3 else (-3 if j % 4 == 2 else -0.5 * (j % 4 == 0), 4),
    )
    model.blocks = pyo.Block([1, 2])
    for block in model.blocks.values():
        block.y = pyo.Var(bounds=(-2, 2))
    variables = [*model.x.values(), *(block.y for block in model.blocks.values())]
    inside = [float(rng.integers(v.lb, v.ub + 1)) if v.is_integer() else 0.25 for v in variables]
    model.rows = pyo.ConstraintList()
    for i in range(m):
        row = rng.integers(-4, 5, len(variables)).astype(float)
        row[i % len(variables)] = 2.0
        body = sum(a * v for a, v in zip(row.tolist(), variables, strict=True)) + 1.5
        value = float(row @ np.array(inside)) + 1.5
        match i % 4:
            case 0:
                model.rows.add(body <= value + 1.0)
            case 1:
                model.rows.add(body >= value - 1.0)
            case 2:
                model.rows.add(pyo.inequality(value - 0.5, body, value + 0.75))
            case _ if i == 3:
                model.rows.add(body + 3 == value + 3)
            case _:
                model.rows.add(body <= value + 2 * variables[0] + 1.0)
    if seed % 3 == 0:
        variables[1].fix(inside[1])
    costs = rng.integers(-9, 10, len(variables)).tolist()
    model.goal = pyo.Objective(
        expr=sum(c * v for c, v in zip(costs, variables, strict=True)) + 42.5,
        sense=pyo.maximize if seed % 2 else pyo.minimize,
    )
    return model


@pytest.mark.parametrize("seed", range(12))
def test_random_models_solve_to_what_another_path_finds(seed):
    """The compiled program, solved and loaded, is feasible in Pyomo and as good as Pyomo's own solver interface."""
    model = random_model(seed)
    compiled = compile_model(model)
    result = solve(compiled.program, EXACT)
    assert result.outcome == Outcome.OPTIMAL
    assert compiled.program.maximise == (seed % 2 == 1)
    compiled.load(result.x)
    assert pyo.value(model.goal) == pytest.approx(result.objective, abs=1e-9)
    for row in model.rows.values():
        assert row.slack() >= -1e-6
    for variable in model.component_data_objects(pyo.Var):
        assert variable.lb - 1e-6 <= variable.value <= variable.ub + 1e-6
        assert not variable.is_integer() or variable.value == round(variable.value)
    reference = random_model(seed)
    pyo.SolverFactory("highs").solve(reference, options={"mip_rel_gap": 0.0})
    assert result.objective == pytest.approx(pyo.value(reference.goal), abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_rows_and_columns_keep_their_components(seed):
    """At any point, row activities and objective are those of the Pyomo expressions they are named after."""
    model = random_model(seed)
    compiled = compile_model(model)
    program = compiled.program
    x = np.random.default_rng(seed).uniform(-2.0, 2.0, program.num_columns)
    compiled.load(x)
    assert compiled.start_vector().tolist() == x.tolist()
    assert program.column_names == tuple(variable.name for variable in compiled.variables)
    constraints = [model.component(name)[index] for name, index in compiled.rows]
    assert program.row_names == tuple(constraint.name for constraint in constraints)
    assert len(set(program.row_names)) == program.num_rows == len(model.rows)
    assert program.objective_value(x) == pytest.approx(pyo.value(model.goal))
    activity = program.matrix @ x
    for i, constraint in enumerate(constraints):
        room_above, room_below = program.row_upper[i] - activity[i], activity[i] - program.row_lower[i]
        assert room_above == pytest.approx(constraint.uslack())
        assert room_below == pytest.approx(constraint.lslack())


def test_small_model_to_the_figure():
    """Range, equality, fixed variable, constant and sense land where they belong."""
    model = pyo.ConcreteModel()
    model.a = pyo.Var(bounds=(0, 5))
    model.b = pyo.Var(domain=pyo.NonNegativeIntegers)
    model.c = pyo.Var(initialize=2.0)
    model.c.fix()
    model.range_row = pyo.Constraint(expr=pyo.inequality(1, model.a + model.b + model.c, 9))
    model.equal_row = pyo.Constraint(expr=model.a - model.b == 1)
    model.off = pyo.Constraint(expr=model.a <= -1)
    model.off.deactivate()
    model.goal = pyo.Objective(expr=2 * model.a + 3 * model.c + 4, sense=pyo.maximize)
    program = compile_model(model).program
    assert program.column_names == ("a", "b")
    assert program.row_names == ("range_row", "equal_row")
    assert program.matrix.toarray().tolist() == [[1.0, 1.0], [1.0, -1.0]]
    assert (program.row_lower.tolist(), program.row_upper.tolist()) == ([-1.0, 1.0], [7.0, 1.0])
    assert (program.lower.tolist(), program.upper.tolist()) == ([0.0, 0.0], [5.0, np.inf])
    assert program.integer.tolist() == [False, True]
    assert (program.cost.tolist(), program.offset, program.maximise) == ([2.0, 0.0], 10.0, True)
    assert compile_model(model, names=False).program.column_names is None


def test_row_whose_variables_are_all_fixed_is_checked():
    """A constraint left without variables is dropped when it holds and an error with its name when it does not."""
    model = pyo.ConcreteModel()
    model.a, model.b = pyo.Var(), pyo.Var(bounds=(0, 1))
    model.a.fix(3.0)
    model.cap = pyo.Constraint(expr=model.a <= 4)
    model.goal = pyo.Objective(expr=model.b)
    assert compile_model(model).rows == ()
    model.a.fix(5.0)
    with pytest.raises(TriviallyInfeasibleError, match="cap"):
        compile_model(model)


@pytest.mark.parametrize("kind", ["bounds", "limits"])
def test_crossed_limits_are_named(kind):
    """Bounds or limits that cross are an infeasible model, told with the name."""
    model = pyo.ConcreteModel()
    model.a = pyo.Var(bounds=(2, 1) if kind == "bounds" else (0, 9))
    model.floor = pyo.Param(initialize=5 if kind == "limits" else 0, mutable=True)
    model.row = pyo.Constraint(expr=pyo.inequality(model.floor, model.a, 4))
    model.goal = pyo.Objective(expr=model.a)
    with pytest.raises(TriviallyInfeasibleError, match="a cross" if kind == "bounds" else "row cross"):
        compile_model(model)


def test_unused_variables_get_a_value_and_fixed_ones_keep_theirs():
    """Loading leaves no variable without a value, so that every expression of the model can be evaluated."""
    model = pyo.ConcreteModel()
    model.a = pyo.Var(bounds=(1, 2))
    model.unused = pyo.Var(bounds=(3, 4))
    model.fixed = pyo.Var(initialize=7.0)
    model.fixed.fix()
    model.goal = pyo.Objective(expr=model.a + 0 * model.unused)
    compiled = compile_model(model)
    assert np.isnan(compiled.start_vector()).all()
    compiled.load(solve(compiled.program).x)
    assert (model.a.value, model.unused.value, model.fixed.value) == (1.0, 3.0, 7.0)
    with pytest.raises(ValueError, match="a has no finite value"):
        compiled.load(np.array([np.nan]))


def test_constant_objective_and_no_rows():
    """A model without rows and with a constant objective compiles to a program without columns."""
    model = pyo.ConcreteModel()
    model.a = pyo.Var(bounds=(0, 1))
    model.goal = pyo.Objective(expr=5.0, sense=pyo.maximize)
    compiled = compile_model(model)
    result = solve(compiled.program)
    compiled.load(result.x)
    assert (result.objective, result.outcome, model.a.value) == (5.0, Outcome.OPTIMAL, 0.0)


def test_models_that_are_no_linear_program_are_refused():
    """No or two objectives, a stepped domain and a product of variables are errors."""
    model = pyo.ConcreteModel()
    model.a, model.b = pyo.Var(), pyo.Var()
    with pytest.raises(ValueError, match="exactly one active objective, this one has 0"):
        compile_model(model)
    model.goal = pyo.Objective(expr=model.a)
    model.other = pyo.Objective(expr=model.b)
    with pytest.raises(ValueError, match="this one has 2"):
        compile_model(model)
    model.other.deactivate()
    model.stepped = pyo.Var(within=pyo.RangeSet(0, 10, 5))
    model.row = pyo.Constraint(expr=model.stepped + model.a >= 1)
    with pytest.raises(ValueError, match="stepped: domain"):
        compile_model(model)
    model.row.deactivate()
    model.product = pyo.Constraint(expr=model.a * model.b >= 1)
    with pytest.raises(ValueError, match="nonlinear"):
        compile_model(model)
