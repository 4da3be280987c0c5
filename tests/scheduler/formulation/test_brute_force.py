"""The exact engine against enumeration of every plan of tiny mines, and its bounds against the optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from scheduler.audit import audit
from scheduler.compiling import compile_problem
from scheduler.exact import solve_exact
from scheduler.formulation.assembly import strengthened
from scheduler.formulation.build import build
from scheduler.formulation.context import Formulation
from scheduler.formulation.strengthening import CUTS, cuts
from scheduler.solution import to_plan
from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.program import Program
from solvers.result import Outcome, StopReason
from solvers.rowpool import RowPool
from solvers.standard_form import compile_model
from tests.scheduler.formulation.mines import mines
from tests.scheduler.formulation.reference import Reference

TO_THE_END = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)
CLOSE = 1e-6
CUT_NAMES = list(CUTS)


def thorough(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def exactly(value: float | None) -> object:
    """The same cash to the tolerance of a linear program, or no plan either."""
    return None if value is None else pytest.approx(value, rel=CLOSE, abs=1e-5)


def with_every_cut(drawn, formulation: Formulation | None = None) -> tuple[Program, list[str]]:
    """The whole model as one program, strengthening rows included, with the family of each row."""
    context = build(compile_problem(drawn.instance, drawn.units), formulation)
    compiled = compile_model(context.model)
    names, program = [name for name, _ in compiled.rows], compiled.program
    for name, family in cuts(context, compiled.variables).items():
        pool = RowPool(family.matrix, np.full(len(family.upper), -np.inf), family.upper)
        program = pool.taken(program, np.arange(len(family.upper)))
        names += [name] * len(family.upper)
    return program, names


def keeping(program: Program, rows: np.ndarray) -> Program:
    matrix = sparse.csr_array(program.matrix)
    return replace(
        program,
        matrix=sparse.csr_array(matrix[rows]),
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        row_names=None,
    )


@thorough(100)
@given(drawn=mines())
def test_exact_engine_finds_the_best_of_all_plans(drawn):
    """The optimum is that of the best plan enumerated and proven, and a mine without a plan is called infeasible."""
    best = Reference(drawn.instance, drawn.units).best()
    answer = solve_exact(compile_problem(drawn.instance, drawn.units), TO_THE_END)
    assert answer.result.objective == exactly(best)
    if best is None:
        assert answer.result.stop_reason is StopReason.INFEASIBLE
    else:
        assert answer.result.bound == exactly(best)
        assert answer.result.outcome is Outcome.OPTIMAL


@thorough(40)
@given(drawn=mines())
def test_every_optimal_plan_passes_the_audit(drawn):
    """The plan of the optimum breaks no rule, and the audit prices it as the engine does."""
    problem = compile_problem(drawn.instance, drawn.units)
    answer = solve_exact(problem, TO_THE_END)
    if answer.solution is None:
        return
    cash = answer.solution.cash(problem)
    assert cash == exactly(answer.result.objective)
    plan = to_plan(problem, answer.solution, drawn.units.resolution)
    checked = audit(drawn.instance, plan, objective=1000 * cash, units=drawn.units)
    assert [str(finding) for finding in checked.findings] == []


CUT_PRONE = st.one_of(
    mines(always=("mining",), most_features=4),
    mines(always=("mining", "pit_cost"), most_features=3),
    mines(always=("mining", "no_slopes"), most_features=3, kinds=("phases",)),
)
"""Mines that most families of strengthening rows have something to say about."""


@thorough(50)
@given(drawn=CUT_PRONE)
def test_a_strengthening_family_changes_no_optimum_and_no_relaxation_is_below_it(drawn):
    """With all, none or one family of strengthening rows, and with all but one, the optimum is the same.

    The relaxation is never below the optimum, and each row can only lower it.
    """
    program, family_of = with_every_cut(drawn)
    names = np.asarray(family_of, dtype=object)
    core = ~np.isin(names, CUT_NAMES)
    plain = solve(keeping(program, core), TO_THE_END).objective
    relaxed = solve(keeping(program, core).relaxed(), TO_THE_END).objective
    kept = [core | (names == name) for name in CUT_NAMES] + [names != name for name in CUT_NAMES]
    for rows in [core, np.ones(len(names), dtype=bool), *kept]:
        part = keeping(program, rows)
        assert solve(part, TO_THE_END).objective == exactly(plain)
        bound = solve(part.relaxed(), TO_THE_END).objective
        if plain is not None:
            slack = CLOSE * max(1.0, abs(plain))
            assert plain - slack <= bound <= relaxed + slack


@thorough(30)
@given(drawn=mines())
def test_early_start_changes_no_optimum(drawn):
    """With the early-start bounds and without them the optimum is the same."""
    problem = compile_problem(drawn.instance, drawn.units)
    without = solve_exact(problem, TO_THE_END, formulation=Formulation(early_start=False))
    assert solve_exact(problem, TO_THE_END).result.objective == exactly(without.result.objective)


@thorough(20)
@given(drawn=mines())
def test_the_reference_relaxation_is_no_tighter_than_the_model(drawn):
    """The model's relaxation lies between the optimum and the relaxation of the problem statement written plainly."""
    reference = Reference(drawn.instance, drawn.units)
    plain, program = (
        reference.relaxed(),
        strengthened(build(compile_problem(drawn.instance, drawn.units))).compiled.program,
    )
    bound = solve(program.relaxed(), TO_THE_END).objective
    if plain is None:
        assert bound is None
    elif bound is not None:
        assert bound <= plain + CLOSE * max(1.0, abs(plain))
