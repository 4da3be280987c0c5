"""The capacities of a program: rows that limit what can be taken in one step, joined over the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_ALIKE = 0.5
"""Cosine of the uses of two rows from which they are taken for the same capacity in two steps."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """Rows that limit what can be taken in a step, one a step.

    Attributes:
        use: least use of every node in each step ``(n, T)``, 0 where there is no row.
        limit: by step ``(T,)``, 0 where there is no row.
    """

    use: Floats
    limit: Floats


def all_capacities(program: ClosureProgram) -> bool:
    """Whether every side row with parts is a capacity."""
    owner = np.repeat(np.arange(program.n_rows), np.diff(program.rows.indptr))
    held = np.zeros(program.n_rows, np.bool_)
    held[owner] = True
    mixed = np.zeros(program.n_rows, np.bool_)
    mixed[owner[program.rows.data < 0]] = True
    return not bool((held & (mixed | np.isfinite(program.row_lower))).any())


def capacities(program: ClosureProgram) -> Iterator[Capacity]:
    """Rows that limit one step each, joined over the steps with those most like them.

    Any choice of a row for each step proves something; rows of the same capacity prove most.
    """
    rows, step, uses, limit = _rows_of_a_step(program)
    by_step = [list(rows[step == t]) for t in range(program.n_steps)]
    norm = np.sqrt(np.asarray(uses.multiply(uses).sum(axis=1)).ravel())
    for begin in range(program.n_steps):
        while by_step[begin]:
            row = by_step[begin].pop(0)
            chain = {begin: row}
            for later in range(begin + 1, program.n_steps):
                alike = _most_alike(uses, norm, row, by_step[later])
                if alike is None:
                    break
                by_step[later].remove(alike)
                chain[later] = row = alike
            yield _joined(program, chain, uses, limit)


def _most_alike(uses: sparse.csr_array, norm: Floats, row: int, others: list[int]) -> int | None:
    """The row of most like uses; None where none is like it."""
    if not others:
        return None
    inner = (uses[others] @ uses[[row]].T).toarray().ravel()
    cosine = inner / (norm[others] * norm[row])
    best = int(cosine.argmax())
    return others[best] if cosine[best] >= _ALIKE else None


def _joined(program: ClosureProgram, chain: dict[int, int], uses: sparse.csr_array, limit: Floats) -> Capacity:
    use, limits = np.zeros((program.n_nodes, program.n_steps)), np.zeros(program.n_steps)
    for step, row in chain.items():
        use[:, step] = uses[[row]].toarray().ravel()
        limits[step] = limit[row]
    return Capacity(use, limits)


def _rows_of_a_step(program: ClosureProgram) -> tuple[Integers, Integers, sparse.csr_array, Floats]:
    """Rows that limit the use of one step: their numbers, steps, least uses by node ``(M, n)`` and limits ``(M,)``."""
    entries = sparse.coo_array(program.rows)
    row, column, value = entries.coords[0].astype(np.int64), entries.coords[1].astype(np.int64), entries.data
    part, step, choice = np.unravel_index(column, program.value.shape)
    if program.allowed is not None:
        usable = program.allowed[part, step, choice]
        row, part, step, value = row[usable], part[usable], step[usable], value[usable]
    first, last = np.full(program.n_rows, program.n_steps), np.full(program.n_rows, -1)
    np.minimum.at(first, row, step)
    np.maximum.at(last, row, step)
    negative = np.bincount(row, value < 0, program.n_rows) > 0
    limit = program.row_upper - _least_of_extras(program)
    kept = (first == last) & ~negative & np.isfinite(limit)
    uses = _least_uses(program, row, part, step, value)
    kept &= np.diff(uses.indptr) > 0
    rows = np.flatnonzero(kept)
    return rows, first[rows], uses, np.maximum(limit, 0.0)


def _least_uses(
    program: ClosureProgram, row: Integers, part: Integers, step: Integers, value: Floats
) -> sparse.csr_array:
    """Least use of every node in each row ``(M, n)``: of each part the cheapest choice, 0 where one uses nothing."""
    pair, index = np.unique(row * program.n_parts + part, return_inverse=True)
    least, there = np.full(pair.size, np.inf), np.bincount(index, minlength=pair.size)
    np.minimum.at(least, index, value)
    at = np.zeros(pair.size, dtype=np.int64)
    at[index] = step
    rows, parts = pair // program.n_parts, pair % program.n_parts
    every = np.full(pair.size, program.n_choices)
    if program.allowed is not None:
        every = program.allowed[parts, at].sum(axis=1)
    least = np.where(there < every, 0.0, least)
    uses = sparse.csr_array(
        sparse.coo_array((least, (rows, program.part_node[parts])), shape=(program.n_rows, program.n_nodes))
    )
    uses.eliminate_zeros()
    return uses


def _least_of_extras(program: ClosureProgram) -> Floats:
    """The least that the continuous variables add to each row ``(M,)``."""
    if program.extra_rows is None:
        return np.zeros(program.n_rows)
    rows = sparse.csr_array(program.extra_rows)
    positive, negative = rows.maximum(0), rows.minimum(0)
    return np.asarray(positive @ program.extra_lower + negative @ program.extra_upper)
