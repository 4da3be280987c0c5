"""Rows that every plan keeps and the relaxation does not, as side rows of the closure program.

The strengthening families of ``scheduler/formulation``, written a second time without Pyomo, each recomputed from the
problem alone: a certificate names the rows it uses by family and index, and whoever checks it makes them again. The
completion binary w of a unit is at most the fraction c mined, so wherever it stands on the larger side c does as well.
The proofs stand with ``formulation/reach.py`` and ``formulation/strengthening.py``.

Fractions mined are read off the first parcel of each unit: all parcels of a unit leave in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from scheduler.blockscale import Compiled
from scheduler.compiling import PIT
from scheduler.formulation.reach import Reach, incompatible_pairs, long_ways, reach
from scheduler.problem import Array, Index, Mask, Problem
from solvers.early_start import early_started
from solvers.relaxation.leaves import Chain
from solvers.relaxation.program import ClosureProgram
from solvers.relaxation.valid_rows import ValidRows

RowName = tuple[str, ...]
"""Family of a row, its units and its periods, by name."""
WORKS, BOUGHT = "works.", "bought."
"""What the name of a chain begins with."""
MOST_UNITS = 2_000
"""Rows are made from square matrices of the units: of more units there are earliest periods alone."""
MOST_ENTRIES = 20_000_000
"""Coefficients beyond which the families that sum over all followers are left out."""


@dataclass(frozen=True)
class Tightening:
    """What integrality allows to add to a program.

    Attributes:
        program: with the earliest period of every unit by cone and capacity.
        aside: rows that every plan keeps.
        names: of these rows.
        chains: variables that switch once, by name: ``works.pit`` with k the periods at work, ``bought.<option>``
            with k the periods before it is bought.
    """

    program: ClosureProgram
    aside: ValidRows
    names: tuple[RowName, ...]
    chains: dict[str, Chain]


@dataclass
class _Pool:
    """Rows under construction."""

    problem: Problem
    compiled: Compiled
    limits: Reach
    columns: list[Index] = field(default_factory=list)
    data: list[Array] = field(default_factory=list)
    works: list[int] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    names: list[RowName] = field(default_factory=list)

    def mined(self, unit: int, begin: int, end: int) -> Index:
        """Columns whose sum is the fraction of a unit mined in the periods from ``begin`` to before ``end``."""
        steps, choices = self.compiled.program.n_steps, self.compiled.program.n_choices
        first = int(self.compiled.program.first_part[unit]) * steps
        return np.arange((first + begin) * choices, (first + end) * choices, dtype=np.int64)

    def name(self, family: str, units: tuple[int, ...], periods: tuple[int, ...]) -> RowName:
        """Family, units and periods of a row, by their names."""
        problem = self.problem
        return (family, *(problem.unit_names[u] for u in units), *(problem.labels[t] for t in periods))

    def add(self, name: RowName, terms: list[tuple[Index, float | Array]], upper: float, works: int = -1) -> None:
        """Adds a row ``sum of weights x columns - works <= upper``."""
        self.columns.append(np.concatenate([columns for columns, _ in terms]))
        self.data.append(np.concatenate([np.broadcast_to(weight, columns.shape) for columns, weight in terms]))
        self.works.append(works)
        self.upper.append(upper)
        self.names.append(name)

    def rows(self) -> ValidRows:
        """All rows, as sparse matrices."""
        program, count = self.compiled.program, len(self.upper)
        sizes = np.cumsum([0, *(len(columns) for columns in self.columns)])
        indices = np.concatenate(self.columns) if count else np.empty(0, np.int64)
        data = np.concatenate(self.data) if count else np.empty(0)
        shape = (count, program.n_parts * program.n_steps * program.n_choices)
        works = np.asarray(self.works, dtype=np.int64)
        held = np.flatnonzero(works >= 0)
        side = sparse.coo_array((np.full(held.size, -1.0), (held, works[held])), shape=(count, program.n_extras))
        main = sparse.csr_array((data, indices, sizes), shape=shape)
        main.sum_duplicates()
        return ValidRows.of(main, sparse.csr_array(side), np.asarray(self.upper, dtype=np.float64))


def tightening(problem: Problem, compiled: Compiled) -> Tightening:
    """All that integrality allows to add, made from the problem alone; of a large one the earliest periods only."""
    program = early_started(compiled.program, whole=problem.whole)
    if not 0 < len(problem.unit_names) <= MOST_UNITS or program.n_parts == 0:
        return replace(untightened(problem, compiled), program=program)
    limits = reach(problem)
    pool = _Pool(problem, compiled, limits)
    for family in (_finished_in_time, _one_of_two, _pit_works, _early_start, _early_arcs, _followers):
        family(pool)
    earliest = np.maximum(program.starts, limits.earliest)
    return Tightening(replace(program, first_step=earliest), pool.rows(), tuple(pool.names), chains(problem, compiled))


def untightened(problem: Problem, compiled: Compiled) -> Tightening:
    """Nothing but the chains."""
    return Tightening(compiled.program, ValidRows.none(compiled.program), (), chains(problem, compiled))


def chains(problem: Problem, compiled: Compiled) -> dict[str, Chain]:
    """The relaxed decisions that switch once."""
    found = {f"{WORKS}{name}": Chain(index, falling=True) for name, index in compiled.extras.works.items()}
    for number, option in enumerate(problem.options):
        found[f"{BOUGHT}{option.name}"] = Chain(compiled.extras.bought[number], falling=False)
    return found


def _finished_in_time(pool: _Pool) -> None:
    """c_ut <= c_vs for a unit far below another: ``long_ways``."""
    for unit, above, since, period in long_ways(pool.problem, pool.limits):
        terms: list[tuple[Index, float | Array]] = [
            (pool.mined(unit, 0, period + 1), 1.0),
            (pool.mined(above, 0, since + 1), -1.0),
        ]
        pool.add(pool.name("finished_in_time", (unit, above), (since, period)), terms, 0.0)


def _one_of_two(pool: _Pool) -> None:
    """c_ut + c_vt <= 1 for units that cannot both be begun: ``incompatible_pairs``."""
    for unit, other, period in incompatible_pairs(pool.problem, pool.limits):
        both: list[tuple[Index, float | Array]] = [(pool.mined(u, 0, period + 1), 1.0) for u in (unit, other)]
        pool.add(pool.name("one_of_two", (unit, other), (period,)), both, 1.0)


def _pit_works(pool: _Pool) -> None:
    """c_uT - c_u,t-1 <= o_pit,t: what is mined of a unit from t on needs the pit at work in t."""
    works = pool.compiled.extras.works.get(PIT)
    if works is None:
        return
    periods = pool.problem.periods
    for unit in range(len(pool.problem.unit_names)):
        for period in range(periods):
            name = pool.name("pit_works_while_units_remain", (unit,), (period,))
            pool.add(name, [(pool.mined(unit, period, periods), 1.0)], 0.0, int(works[period]))


def _early_start(pool: _Pool) -> None:
    """c_ut <= most_ut, where the most is a fraction: ``reach``."""
    most = pool.limits.most
    for unit, period in np.argwhere((most > 0) & (most < 1)).tolist():
        terms: list[tuple[Index, float | Array]] = [(pool.mined(unit, 0, period + 1), 1.0)]
        pool.add(pool.name("early_start", (unit,), (period,)), terms, float(most[unit, period]))


def _early_arcs(pool: _Pool) -> None:
    """c_vt <= most_vt c_us for an arc, where the most is a fraction: c_vt <= most_vt and it is 0 unless w_us is 1."""
    problem, most = pool.problem, pool.limits.most
    for arc, (unit, needed) in enumerate(problem.arcs.tolist()):
        for period in np.flatnonzero((most[unit] > 0) & (most[unit] < 1)).tolist():
            since = int(problem.arc_from[arc, period])
            terms: list[tuple[Index, float | Array]] = [(pool.mined(unit, 0, period + 1), 1.0)]
            if since >= 0:
                terms.append((pool.mined(needed, 0, since + 1), -float(most[unit, period])))
            pool.add(pool.name("early_arc", (unit, needed), (period,)), terms, 0.0)


def _followers(pool: _Pool) -> None:
    """What follows an unfinished unit is neither mined nor milled: at most capacity x c_ut, every option bought."""
    problem = pool.problem
    needed = np.unique(problem.arcs[:, 1])
    routes = pool.limits.above[:, needed][problem.parcel_unit[problem.route_parcel]]
    if int(routes.sum()) * problem.periods > MOST_ENTRIES:
        return
    milled = problem.route_kind("mill")
    for number, unit in enumerate(needed.tolist()):
        follow: Mask = np.asarray(routes[:, number])
        for family, chosen, most in (
            ("followers_mined_in", follow, _most(problem, "mining")),
            ("followers_milled_in", follow & milled, _most(problem, "mill")),
        ):
            for period, weights in _binding(problem, chosen, most):
                terms: list[tuple[Index, float | Array]] = [
                    (pool.compiled.column[weights, period], problem.route_kt[weights]),
                    (pool.mined(unit, 0, period + 1), -float(most[period])),
                ]
                pool.add(pool.name(family, (unit,), (period,)), terms, 0.0)


def _binding(problem: Problem, chosen: Mask, most: Array) -> Iterator[tuple[int, Index]]:
    """Periods with a capacity that the chosen routes could exceed, and these routes where they are open."""
    for period in np.flatnonzero(np.isfinite(most)).tolist():
        routes = np.flatnonzero(chosen & problem.route_open[:, period])
        if float(problem.route_kt[routes].sum()) > most[period]:
            yield period, routes


def _most(problem: Problem, widens: str) -> Array:
    """Capacity by period with every option bought."""
    limits = problem.mining if widens == "mining" else problem.milling
    return np.asarray(limits.upper + sum((o.adds for o in problem.options if o.widens == widens), np.zeros(1)))
