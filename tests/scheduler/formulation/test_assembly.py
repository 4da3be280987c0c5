"""A model whose rows were kept is the one that Pyomo builds, to the bit, whatever money is."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyomo.environ import Constraint

from instances.geometry.units import scheduling_units
from scheduler.compiling import compile_problem
from scheduler.formulation import assembly
from scheduler.formulation.assembly import Assembly, assembled, rows_key
from scheduler.formulation.build import begin
from scheduler.formulation.context import Formulation
from scheduler.problem import Problem
from solvers.standard_form import place
from tests.builders import tiny_mine
from tests.scheduler.formulation.mines import mines


def dearer(problem: Problem, rng: np.random.Generator) -> Problem:
    """The same problem under other prices, costs and discount rate; what was nothing is nothing still."""

    def other(values: np.ndarray) -> np.ndarray:
        return values * rng.uniform(0.5, 2.0, values.shape)

    return replace(
        problem,
        discount=problem.discount ** rng.uniform(0.5, 2.0),
        # Cash of all destinations of a parcel together, so that none comes to be dominated that was not.
        route_cash=problem.route_cash * rng.uniform(0.5, 2.0),
        reclaim_cash=other(problem.reclaim_cash),
        options=tuple(replace(o, cost=o.cost * rng.uniform(0.5, 2.0)) for o in problem.options),
        installations=tuple(replace(i, fixed=other(i.fixed), closure=2 * i.closure) for i in problem.installations),
        capital=other(problem.capital),
    )


def assert_same(one: Assembly, other: Assembly) -> None:
    """Equal programs, pools and places."""
    for name in ("cost", "lower", "upper", "integer", "row_lower", "row_upper", "offset", "maximise"):
        assert np.array_equal(getattr(one.compiled.program, name), getattr(other.compiled.program, name)), name
    for mine, its in (
        (one.compiled.program.matrix, other.compiled.program.matrix),
        (one.pool.matrix, other.pool.matrix),
    ):
        for part in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(mine, part), getattr(its, part)), part
        assert mine.shape == its.shape
    assert np.array_equal(one.pool.lower, other.pool.lower)
    assert np.array_equal(one.pool.upper, other.pool.upper)
    assert one.compiled.rows == other.compiled.rows
    for these, those in (
        (one.compiled.variables, other.compiled.variables),
        (one.compiled.unused, other.compiled.unused),
    ):
        assert [place(variable) for variable in these] == [place(variable) for variable in those]


def was_read(made: Assembly) -> bool:
    """Whether its rows were read: then its Pyomo model has none."""
    return not list(made.context.model.component_objects(Constraint))


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=mines(), seed=st.integers(0, 99))
def test_rows_kept_make_the_model_that_is_built(drawn, seed):
    """Of random mines of every kind, under other money."""
    problem = compile_problem(drawn.instance, drawn.units)
    with tempfile.TemporaryDirectory() as folder:
        first = assembled(problem, kept=Path(folder))
        assert not was_read(first)
        assert_same(first, assembled(problem))
        changed = dearer(problem, np.random.default_rng(seed))
        again = assembled(changed, kept=Path(folder))
        assert was_read(again)
        assert_same(again, assembled(changed))
        assert again.context.problem is changed


@pytest.fixture
def problem() -> Problem:
    instance = tiny_mine(nx=4, nz=3, periods=4, grades=[0.1, 0.3, 0.1, 0.6, 0.1, 0.25, 0.9, 0.3, 0.7, 0.1, 0.35, 1.1])
    return compile_problem(instance, scheduling_units(instance, "panel"))


def test_whatever_is_not_money_makes_other_rows(problem):
    """Tonnes, limits, precedence, formulation, and money that comes to be nothing, by which columns are numbered."""
    nothing = problem.route_cash.copy()
    nothing[0, -1] = 0.0
    others = [
        replace(problem, mining=replace(problem.mining, upper=problem.mining.upper * 1.01)),
        replace(problem, unit_kt=problem.unit_kt * 1.01),
        replace(problem, arcs=problem.arcs[:-1], arc_from=problem.arc_from[:-1]),
        replace(problem, phases_active_most=1),
        replace(problem, route_cash=nothing),
    ]
    keys = {rows_key(begin(one)) for one in [problem, *others]}
    keys.add(rows_key(begin(problem, Formulation(without=frozenset({"one_of_two"})))))
    assert len(keys) == len(others) + 2


def test_files_that_cannot_be_used_are_passed_over(problem, tmp_path, monkeypatch):
    """A damaged file, a folder that cannot be made, and one that is full."""
    folder = tmp_path / "kept"
    assembled(problem, kept=folder)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"not an archive"):
        file.write_bytes(damaged)
        assert_same(assembled(problem, kept=folder), assembled(problem))
        file.unlink(missing_ok=True)
    assert not was_read(assembled(problem, kept=tmp_path / "no" / "folder"))
    monkeypatch.setattr(assembly, "MOST_KEPT", 1)
    assembled(problem, kept=folder)
    assembled(replace(problem, unit_kt=problem.unit_kt * 2), kept=folder)
    assert len(list(folder.iterdir())) == 1
