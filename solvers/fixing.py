"""Binaries that can have one value only where a point is to be better than a cutoff.

Two deductions, neither of which solves anything. *Reduced costs*: at an optimum of the relaxation of value z, a
column at its bound with reduced cost d leaves at most z - |d| once it moves to its other bound; where that is no
better than the cutoff it stays. *Activities*: what a row's other columns can contribute at most leaves one value.

Sources: Dantzig, Fulkerson and Johnson (1954), "Solution of a large-scale traveling-salesman problem", for reduced
costs; Savelsbergh (1994), "Preprocessing and probing techniques for mixed integer programming problems", for rows.
"""

from __future__ import annotations

import numpy as np

from solvers.program import INTEGRALITY_TOLERANCE, Mask, Program, Vector

_PASSES = 20


class BinaryBounds:
    """Bounds of a program's columns, of which those of binaries come together.

    Attributes:
        lower: lower bounds now, ``(n,)``.
        upper: upper bounds now, ``(n,)``.
        binary: integer columns within 0 and 1, ``(n,)``; only these are fixed.
    """

    def __init__(self, program: Program) -> None:
        self.lower, self.upper = program.lower.copy(), program.upper.copy()
        self.binary: Mask = program.integer & (program.lower >= 0) & (program.upper <= 1)
        entries = program.matrix.tocoo()
        self._row, self._column, self._value = entries.row, entries.col, entries.data
        self._rising = entries.data > 0
        self._row_lower, self._row_upper = program.row_lower, program.row_upper

    @property
    def free(self) -> Mask:
        """Binaries that may still have either value."""
        return self.binary & (self.lower < self.upper)

    @property
    def empty(self) -> bool:
        """Whether some column has no value left."""
        return bool((self.lower > self.upper).any())

    def fix(self, column: int, value: float) -> None:
        """Leaves a column one value."""
        self.lower[column] = max(self.lower[column], value)
        self.upper[column] = min(self.upper[column], value)

    def by_reduced_costs(self, x: Vector, reduced: Vector, slack: float) -> None:
        """Fixes binaries whose other value costs more than ``slack``.

        Args:
            x: optimum of the relaxation within these bounds, ``(n,)``.
            reduced: reduced costs of a minimisation, ``(n,)``.
            slack: how far the optimum lies above (better than) what is no longer wanted.
        """
        free = self.free
        self.upper[free & (reduced > slack) & (x < INTEGRALITY_TOLERANCE)] = 0.0
        self.lower[free & (reduced < -slack) & (x > 1 - INTEGRALITY_TOLERANCE)] = 1.0

    def by_rows(self) -> None:
        """Fixes binaries whose other value breaks a row, again and again; ``empty`` tells where both do."""
        for _ in range(_PASSES):
            low, high = self._value * self.lower[self._column], self._value * self.upper[self._column]
            least, most = np.where(self._rising, low, high), np.where(self._rising, high, low)
            smallest = np.bincount(self._row, least, self._row_lower.size)
            largest = np.bincount(self._row, most, self._row_lower.size)
            entry = np.flatnonzero(self.free[self._column] & (self._value != 0))
            row, value, rising = self._row[entry], self._value[entry], self._rising[entry]
            with np.errstate(invalid="ignore"):
                above = (self._row_upper[row] - (smallest[row] - least[entry])) / value
                below = (self._row_lower[row] - (largest[row] - most[entry])) / value
            ceiling, floor = np.where(rising, above, below), np.where(rising, below, above)
            column = self._column[entry]
            # Limits that are not numbers (infinity less infinity) say nothing: comparisons with them are false.
            zero, one = column[ceiling < 1 - INTEGRALITY_TOLERANCE], column[floor > INTEGRALITY_TOLERANCE]
            if not zero.size and not one.size:
                return
            self.upper[zero], self.lower[one] = 0.0, 1.0
            if self.empty:
                return
