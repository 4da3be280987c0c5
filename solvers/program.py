"""A linear or mixed-integer linear program held as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEASIBILITY_TOLERANCE = 1e-6
"""Largest scaled violation of a row or a bound that still counts as kept."""

INTEGRALITY_TOLERANCE = 1e-6
"""Largest distance from an integer that still counts as integral."""

SNAP_TOLERANCE = 1e-4
"""Largest distance from an integer that rounding may remove."""


@dataclass(frozen=True, eq=False)
class Violation:
    """How far a point lies outside the rows and bounds of a program.

    Scaled figures are the absolute ones over ``max(1, |limit|, activity)``, where the activity of a row is
    ``sum_j |a_ij x_j|`` and that of a column ``|x_j|``. The floor of one keeps a figure of 1e-12 against a
    limit of zero from counting as a whole violation.

    Attributes:
        rows: scaled violation by row, shape (m,).
        columns: scaled violation of the bounds by column, shape (n,).
        row_excess: absolute violation by row, shape (m,), in the unit of the row.
        column_excess: absolute violation by column, shape (n,), in the unit of the column.
    """

    rows: Vector
    columns: Vector
    row_excess: Vector
    column_excess: Vector

    @property
    def largest(self) -> float:
        """The largest scaled violation over rows and columns, zero for an empty program."""
        return float(max(self.rows.max(initial=0.0), self.columns.max(initial=0.0)))

    @property
    def largest_excess(self) -> float:
        """The largest absolute violation over rows and columns, zero for an empty program."""
        return float(max(self.row_excess.max(initial=0.0), self.column_excess.max(initial=0.0)))


@dataclass(frozen=True, eq=False)
class Program:
    """Optimise ``cost @ x + offset`` over ``row_lower <= matrix @ x <= row_upper``, ``lower <= x <= upper``.

    Arrays are kept as read-only views (the caller's own arrays stay as they are); a matrix in another sparse
    format is converted and its duplicate entries are summed.

    Attributes:
        cost: objective coefficients, shape (n,), finite.
        lower: lower bounds, shape (n,), ``-inf`` where there is none.
        upper: upper bounds, shape (n,), ``inf`` where there is none.
        integer: True where the column must be integral, shape (n,), boolean.
        matrix: coefficients, ``scipy.sparse.csr_array`` of shape (m, n), finite.
        row_lower: lower row limits, shape (m,), ``-inf`` where there is none.
        row_upper: upper row limits, shape (m,), ``inf`` where there is none.
        offset: constant of the objective.
        maximise: True to maximise, False to minimise.
        column_names: n names used in messages, or None.
        row_names: m names used in messages, or None.

    Raises:
        ValueError: a shape does not fit, a figure is not a number, a lower limit lies above its upper one, or
            a name is missing.
    """

    cost: Vector
    lower: Vector
    upper: Vector
    integer: Mask
    matrix: sparse.csr_array
    row_lower: Vector
    row_upper: Vector
    offset: float = 0.0
    maximise: bool = False
    column_names: tuple[str, ...] | None = None
    row_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if len(np.shape(self.matrix)) != 2:
            raise ValueError(f"matrix must have two dimensions, not {len(np.shape(self.matrix))}")
        matrix = _canonical(self.matrix)
        m, n = matrix.shape
        object.__setattr__(self, "matrix", matrix)
        for name, length in (("cost", n), ("lower", n), ("upper", n), ("row_lower", m), ("row_upper", m)):
            object.__setattr__(self, name, _vector(name, getattr(self, name), length))
        integer = np.asarray(self.integer)
        if integer.shape != (n,) or (integer.dtype != np.bool_ and n):
            raise ValueError(f"integer must be boolean of shape ({n},), not {integer.dtype} of shape {integer.shape}")
        object.__setattr__(self, "integer", _read_only(integer.astype(np.bool_, copy=False)))
        object.__setattr__(self, "offset", float(self.offset))
        for name, length in (("column_names", n), ("row_names", m)):
            names = getattr(self, name)
            if names is not None:
                if len(names) != length:
                    raise ValueError(f"{name} must hold {length} names, not {len(names)}")
                object.__setattr__(self, name, tuple(names))
        self._check_figures()

    def _check_figures(self) -> None:
        if not np.isfinite(self.offset):
            raise ValueError(f"offset must be finite, not {self.offset}")
        if not np.isfinite(self.matrix.data).all():
            k = int(np.flatnonzero(~np.isfinite(self.matrix.data))[0])
            row = int(np.searchsorted(self.matrix.indptr, k, side="right")) - 1
            place = f"{self.row_name(row)}, {self.column_name(int(self.matrix.indices[k]))}"
            raise ValueError(f"matrix must be finite, but holds {self.matrix.data[k]} at {place}")
        self._refuse("cost must be finite", ~np.isfinite(self.cost), columns=True)
        for lower, upper, columns in (
            (self.lower, self.upper, True),
            (self.row_lower, self.row_upper, False),
        ):
            self._refuse("a limit is not a number", np.isnan(lower) | np.isnan(upper), columns=columns)
            self._refuse("the lower limit lies above the upper limit", lower > upper, columns=columns)
            self._refuse(
                "the lower limit is +inf or the upper limit -inf",
                (lower == np.inf) | (upper == -np.inf),
                columns=columns,
            )

    def _refuse(self, message: str, wrong: Mask, *, columns: bool) -> None:
        places = np.flatnonzero(wrong)
        if not places.size:
            return
        j = int(places[0])
        if columns:
            detail = f"{self.column_name(j)}: cost {self.cost[j]}, bounds [{self.lower[j]}, {self.upper[j]}]"
        else:
            detail = f"{self.row_name(j)}: limits [{self.row_lower[j]}, {self.row_upper[j]}]"
        more = f" (and {places.size - 1} more)" if places.size > 1 else ""
        raise ValueError(f"{message} at {detail}{more}")

    @property
    def num_columns(self) -> int:
        """The number of columns, n."""
        return int(self.matrix.shape[1])

    @property
    def num_rows(self) -> int:
        """The number of rows, m."""
        return int(self.matrix.shape[0])

    @property
    def is_mixed_integer(self) -> bool:
        """True when at least one column must be integral."""
        return bool(self.integer.any())

    def column_name(self, j: int) -> str:
        """Name column j for a message."""
        return self.column_names[j] if self.column_names is not None else f"column {j}"

    def row_name(self, i: int) -> str:
        """Name row i for a message."""
        return self.row_names[i] if self.row_names is not None else f"row {i}"

    def point(self, x: Sequence[float] | NDArray[Any]) -> Vector:
        """Return x as a float vector of shape (n,), or raise ValueError when its shape does not fit."""
        values = np.asarray(x, dtype=np.float64)
        if values.shape != (self.num_columns,):
            raise ValueError(f"a point needs shape ({self.num_columns},), not {values.shape}")
        return values

    def objective_value(self, x: Vector) -> float:
        """Return ``cost @ x + offset`` for x of shape (n,)."""
        return float(self.cost @ self.point(x)) + self.offset

    def violation(self, x: Vector) -> Violation:
        """Return how far x, shape (n,), lies outside the rows and bounds; NaN in x raises ValueError."""
        x = self.point(x)
        if not np.isfinite(x).all():
            raise ValueError(f"{self.column_name(int(np.flatnonzero(~np.isfinite(x))[0]))} has no finite value")
        rows, row_excess = _outside(self.matrix @ x, abs(self.matrix) @ np.abs(x), self.row_lower, self.row_upper)
        columns, column_excess = _outside(x, np.abs(x), self.lower, self.upper)
        return Violation(rows, columns, row_excess, column_excess)

    def integrality_violation(self, x: Vector) -> Vector:
        """Return the distance of each column from integrality, shape (n,), zero for continuous columns."""
        x = self.point(x)
        return np.where(self.integer, np.abs(x - np.round(x)), 0.0)

    def explain_violation(self, x: Vector) -> str | None:
        """Say in one line which row, bound or integrality x breaks most, or None when it keeps them all."""
        violation = self.violation(x)
        fractional = self.integrality_violation(x)
        if violation.largest <= FEASIBILITY_TOLERANCE:
            if fractional.max(initial=0.0) <= INTEGRALITY_TOLERANCE:
                return None
            j = int(np.argmax(fractional))
            return f"{self.column_name(j)} = {x[j]:.9g} is not integral"
        if violation.rows.max(initial=0.0) >= violation.columns.max(initial=0.0):
            i = int(np.argmax(violation.rows))
            value = float((self.matrix[[i], :] @ x)[0])
            limits = f"[{self.row_lower[i]:.9g}, {self.row_upper[i]:.9g}]"
            return f"{self.row_name(i)} = {value:.9g} lies outside {limits} by {violation.row_excess[i]:.3g}"
        j = int(np.argmax(violation.columns))
        limits = f"[{self.lower[j]:.9g}, {self.upper[j]:.9g}]"
        return f"{self.column_name(j)} = {x[j]:.9g} lies outside {limits} by {violation.column_excess[j]:.3g}"

    def is_feasible(self, x: Vector) -> bool:
        """True when x, shape (n,), keeps rows, bounds and integrality within this module's tolerances."""
        return (
            self.violation(x).largest <= FEASIBILITY_TOLERANCE
            and float(self.integrality_violation(x).max(initial=0.0)) <= INTEGRALITY_TOLERANCE
        )

    def snapped(self, x: Vector) -> Vector:
        """Return a copy of x with the integer columns rounded to the nearest integer."""
        x = self.point(x)
        return np.where(self.integer, np.round(x), x)

    def relaxed(self) -> Program:
        """Return the same program without integrality."""
        return replace(self, integer=np.zeros(self.num_columns, dtype=np.bool_))

    def with_fixed_integers(self, x: Vector) -> Program:
        """Return the linear program left when the integer columns are fixed at x rounded.

        Args:
            x: values, shape (n,); entries of continuous columns are not read and may be NaN.

        Raises:
            ValueError: an integer column has no value, is further than `SNAP_TOLERANCE` from an integer, or
                lies outside its bounds once rounded.
        """
        x = self.point(x)
        if not np.isfinite(x[self.integer]).all():
            j = int(np.flatnonzero(self.integer & ~np.isfinite(x))[0])
            raise ValueError(f"integer {self.column_name(j)} has no finite value")
        fixed = np.where(self.integer, np.round(x), 0.0)
        far = self.integer & (np.abs(np.where(self.integer, x, 0.0) - fixed) > SNAP_TOLERANCE)
        outside = self.integer & ((fixed < self.lower) | (fixed > self.upper))
        for wrong, message in ((far, "is not near an integer"), (outside, "lies outside its bounds")):
            if wrong.any():
                j = int(np.flatnonzero(wrong)[0])
                raise ValueError(f"integer {self.column_name(j)} = {x[j]:.9g} {message}")
        return replace(
            self.relaxed(),
            lower=np.where(self.integer, fixed, self.lower),
            upper=np.where(self.integer, fixed, self.upper),
        )


def _canonical(matrix: sparse.csr_array) -> sparse.csr_array:
    compressed: sparse.csr_array = sparse.csr_array(matrix).astype(np.float64, copy=False)
    if not compressed.has_canonical_format:
        compressed = compressed.copy()
        compressed.sum_duplicates()
    return compressed


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _vector(name: str, values: ArrayLike, length: int) -> Vector:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), not {array.shape}")
    return _read_only(array)


def _outside(value: Vector, activity: Vector, lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    """Return scaled and absolute distance of each value from [lower, upper]."""
    below, above = lower - value, value - upper
    excess = np.maximum(np.maximum(below, above), 0.0)
    limit = np.where(below > above, lower, upper)
    scale = np.maximum(np.maximum(1.0, activity), np.where(np.isfinite(limit), np.abs(limit), 0.0))
    return excess / scale, excess
