"""Rows that every integral point of a program keeps and its relaxation does not, kept aside until they are of use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

LEAST_VIOLATION = 1e-4
"""Over the norm of the row, for a row to be worth taking in."""


@dataclass(frozen=True, eq=False)
class ValidRows:
    """Rows ``H x + G s <= upper`` over the columns and continuous variables of a program.

    Attributes:
        rows: H, ``(K, P * T * D)``.
        extra_rows: G, ``(K, S)``.
        upper: ``(K,)``.
        norm: Euclidean norm of each row ``(K,)``, at least a millionth.
    """

    rows: sparse.csr_array
    extra_rows: sparse.csr_array
    upper: Floats
    norm: Floats

    @classmethod
    def of(cls, rows: sparse.csr_array, extra_rows: sparse.csr_array, upper: Floats) -> ValidRows:
        """The rows with their norms."""
        squares = [np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel() for matrix in (rows, extra_rows)]
        return cls(rows, extra_rows, upper, np.maximum(np.sqrt(squares[0] + squares[1]), 1e-6))

    @classmethod
    def none(cls, program: ClosureProgram) -> ValidRows:
        """No rows, of the width of a program."""
        columns = program.n_parts * program.n_steps * program.n_choices
        shapes = (sparse.csr_array((0, columns)), sparse.csr_array((0, program.n_extras)))
        return cls(*shapes, np.zeros(0), np.zeros(0))

    @property
    def size(self) -> int:
        """K, number of rows."""
        return int(self.upper.size)

    def added_to(self, program: ClosureProgram, chosen: Integers) -> ClosureProgram:
        """The program with some of the rows after its own."""
        if not chosen.size:
            return program
        return replace(
            program,
            rows=sparse.csr_array(sparse.vstack([program.rows, self.rows[chosen]], format="csr")),
            row_lower=np.append(program.row_lower, np.full(chosen.size, -np.inf)),
            row_upper=np.append(program.row_upper, self.upper[chosen]),
            extra_rows=sparse.csr_array(sparse.vstack([program.extras_matrix, self.extra_rows[chosen]], format="csr")),
        )

    def excess(self, x: Floats, extras: Floats) -> Floats:
        """How far a point lies beyond each row, over its norm ``(K,)``; negative inside."""
        return np.asarray((self.rows @ x.ravel() + self.extra_rows @ extras - self.upper) / self.norm)

    def violated(self, excess: Floats, most: int) -> Integers:
        """The rows violated most, at most so many, by number."""
        order = np.argsort(-excess, kind="stable")[:most]
        return np.sort(order[excess[order] > LEAST_VIOLATION])
