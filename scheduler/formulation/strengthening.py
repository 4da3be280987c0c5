"""Rows that every plan keeps and that the relaxation does not: they tighten the bound and change no optimum.

They are many and dense, so they are kept in a pool from which only those that the relaxation violates are used, and
written straight as arrays: as Pyomo expressions they would take most of the time of building a model. The idea of the
rows is that of Rivera Letelier, Espinoza, Goycoolea, Moreno, Munoz 2020, Operations Research 68:1425, section 5; the
proofs for this model stand with each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from scheduler.compiling import PIT
from scheduler.formulation.columns import Columns
from scheduler.formulation.context import Context
from scheduler.formulation.reach import incompatible_pairs, long_ways
from scheduler.problem import Array, Index, Mask


@dataclass(frozen=True, eq=False)
class Cuts:
    """Rows ``matrix @ x <= upper`` of a family.

    Attributes:
        index: ``(k, d)`` what each row is about: its units, then its periods.
        matrix: ``(k, n)``.
        upper: ``(k,)``.
    """

    index: Index
    matrix: sparse.csr_array
    upper: Array


def cuts(context: Context, variables: Sequence[Any]) -> dict[str, Cuts]:
    """The rows of each family that the formulation has, by name.

    Args:
        context: problem and variables.
        variables: the Pyomo variable of each column of the compiled model, n of them.
    """
    columns = Columns.of(context, variables)
    return {
        name: _with_columns(family(context, columns), columns)
        for name, family in CUTS.items()
        if name not in context.formulation.without
    }


def _with_columns(found: Cuts, columns: Columns) -> Cuts:
    """The rows whose variables all have a column; one that is in no other row and not in the objective has none.

    Without a row the others hold as before.
    """
    matrix = found.matrix
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    rows = np.flatnonzero(matrix[:, [columns.count]].toarray().ravel() == 0)
    return Cuts(found.index[rows], sparse.csr_array(matrix[rows][:, : columns.count]), found.upper[rows])


def _matrix(columns: Columns, rows: int, *terms: tuple[Index, Index, float | Array]) -> sparse.csr_array:
    """Rows over the columns and one more, from terms ``(rows, columns, coefficients)``."""
    at = np.concatenate([row for row, _, _ in terms])
    where = np.concatenate([column for _, column, _ in terms])
    values = np.concatenate([np.broadcast_to(value, row.shape) for row, _, value in terms]).astype(np.float64)
    return sparse.csr_array(sparse.coo_array((values, (at, where)), shape=(rows, columns.count + 1)))


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Index:
    return np.asarray(rows, dtype=np.int64).reshape(-1, width)


def finished_in_time(context: Context, columns: Columns) -> Cuts:
    """A unit is begun by the end of t only if one far above it was finished in time: c_ut <= w_vs. Fractions.

    Proof: ``reach.long_ways``. Indexed by unit, unit above, s and t.
    """
    index = _table(long_ways(context.problem, context.reach), 4)
    unit, above, since, period = index.T
    rows = np.arange(len(index))
    matrix = _matrix(
        columns, len(index), (rows, columns.mined_by[unit, period], 1.0), (rows, columns.finished[above, since], -1.0)
    )
    return Cuts(index, matrix, np.zeros(len(index)))


def one_of_two(context: Context, columns: Columns) -> Cuts:
    """Of two units that cannot both be begun by the end of t at most one is: c_ut + c_vt <= 1. Fractions.

    Proof: ``reach.incompatible_pairs``; one of the two fractions is 0 and the other at most 1. Indexed by the two
    units and t.
    """
    index = _table(incompatible_pairs(context.problem, context.reach), 3)
    unit, other, period = index.T
    rows = np.arange(len(index))
    both = [(rows, columns.mined_by[which, period], 1.0) for which in (unit, other)]
    return Cuts(index, _matrix(columns, len(index), *both), np.ones(len(index)))


def pit_works_while_units_remain(context: Context, columns: Columns) -> Cuts:
    """Whatever is mined of a unit from t on needs the pit at work in t: c_uT - c_u,t-1 <= o_pit,t. Fractions.

    Where the pit is an installation. Proof: the pit stops once, so if it does not work in t nothing is mined from t on
    and the left side is 0; otherwise it is at most 1. Indexed by unit and t.
    """
    problem = context.problem
    there = len(problem.unit_names) if any(i.name == PIT for i in problem.installations) else 0
    index = _table([(u, t) for u in range(there) for t in range(problem.periods)], 2)
    unit, period = index.T
    rows = np.arange(len(index))
    last = (rows, columns.mined_by[unit, problem.periods - 1], 1.0)
    later = np.flatnonzero(period > 0)
    before = (later, columns.mined_by[unit[later], period[later] - 1], -1.0)
    works = (rows, columns.works[PIT][period] if there else rows, -1.0)
    return Cuts(index, _matrix(columns, len(index), last, before, works), np.zeros(len(index)))


def followers_mined_in(context: Context, columns: Columns) -> Cuts:
    """While a unit is unfinished nothing that follows it is mined: sum_b q_b (c_bt - c_b,t-1) <= cap_t w_ut. Kt.

    For every unit that something needs, where the capacity, every option bought, is less than what follows. Indexed by
    unit and t.
    """
    problem = context.problem
    most = _most(context, "mining", problem.mining.upper)
    follow = _followers(context)
    binding = (follow @ problem.unit_kt)[:, None] > most[None, :]
    scale = sparse.diags_array(problem.unit_kt)
    mined = [sparse.csr_array(scale @ _mined_in(context, columns, t)) for t in range(problem.periods)]
    return _while_unfinished(context, columns, mined, most, binding)


def followers_milled_in(context: Context, columns: Columns) -> Cuts:
    """While a unit is unfinished nothing that follows it is milled from the pit: <= cap_t w_ut. Kt.

    The production inequality: reclaim only uses more of the capacity. For every unit that something needs and that
    something to be milled follows. Indexed by unit and t.
    """
    problem = context.problem
    routes = np.flatnonzero(problem.route_kind("mill") & (problem.route_kt != 0))
    unit = problem.parcel_unit[problem.route_parcel[routes]]
    units = len(problem.unit_names)
    milled, any_milled = [], np.zeros((units, problem.periods))
    for period in range(problem.periods):
        usable = context.usable[routes, period]
        chosen, of = routes[usable], unit[usable]
        any_milled[of, period] = 1.0
        milled.append(_sent_in(context, columns, chosen, of, period))
    follow = _followers(context)
    return _while_unfinished(
        context, columns, milled, _most(context, "mill", problem.milling.upper), follow @ any_milled > 0
    )


def _most(context: Context, widens: str, upper: Array) -> Array:
    """Capacity by period with every option bought, kt."""
    bought = sum((o.adds for o in context.problem.options if o.widens == widens), np.zeros(len(upper)))
    return np.asarray(upper + bought, dtype=np.float64)


def _needed(context: Context) -> Index:
    """Units whose completion something asks for."""
    if context.problem.whole:
        return np.unique(context.problem.arcs[:, 1])
    return np.asarray(sorted({unit for unit, _ in context.model.finished}), dtype=np.int64)


def _followers(context: Context) -> sparse.csr_array:
    """Ones for the units (columns) that follow each unit that something needs (rows)."""
    return sparse.csr_array(context.reach.above[:, _needed(context)].T.astype(np.float64))


def _mined_in(context: Context, columns: Columns, period: int) -> sparse.csr_array:
    """Fraction of each unit mined in a period, a row a unit."""
    units = np.arange(len(context.problem.unit_names))
    terms: list[tuple[Index, Index, float | Array]] = [(units, columns.mined_by[:, period], 1.0)]
    if period > 0:
        terms.append((units, columns.mined_by[:, period - 1], -1.0))
    return _matrix(columns, len(units), *terms)


def _sent_in(context: Context, columns: Columns, routes: Index, unit: Index, period: int) -> sparse.csr_array:
    """Kt of each unit sent along routes that are usable in a period, a row a unit; ``unit`` is that of each route."""
    problem = context.problem
    kt = problem.route_kt[routes]
    only = np.bincount(problem.route_parcel, minlength=len(problem.parcel_names))[problem.route_parcel[routes]] == 1
    terms = [
        (unit[~only], columns.sent[routes[~only], period], kt[~only]),
        (unit[only], columns.mined_by[unit[only], period], kt[only]),
    ]
    if period > 0:
        terms.append((unit[only], columns.mined_by[unit[only], period - 1], -kt[only]))
    return _matrix(columns, len(problem.unit_names), *terms)


def _while_unfinished(
    context: Context, columns: Columns, kt: Sequence[sparse.csr_array], most: Array, wanted: Mask
) -> Cuts:
    """Rows ``kt of all followers in t <= most_t w_ut`` for the units and periods wanted that have a capacity.

    Args:
        context: the problem.
        columns: of its variables.
        kt: for each period what is taken of each unit, a row a unit.
        most: ``(T,)``.
        wanted: ``(needed units, T)``.
    """
    needed, follow = _needed(context), _followers(context)
    capacity = np.where(np.isfinite(most), most, 0.0)
    rows = np.arange(len(needed))
    blocks = [
        follow @ kt[t] - _matrix(columns, len(needed), (rows, columns.finished[needed, t], float(capacity[t])))
        for t in range(context.problem.periods)
    ]
    place, period = np.nonzero(wanted & np.isfinite(most)[None, :])
    matrix = sparse.csr_array(sparse.csr_array(sparse.vstack(blocks))[period * len(needed) + place])
    return Cuts(np.column_stack([needed[place], period]), matrix, np.zeros(len(place)))


CUTS: dict[str, Callable[[Context, Columns], Cuts]] = {
    family.__name__: family
    for family in (
        finished_in_time,
        one_of_two,
        pit_works_while_units_remain,
        followers_mined_in,
        followers_milled_in,
    )
}
