"""Valid rows kept aside, and the linear relaxation that takes in those it violates."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from solvers.options import quiet_highs
from solvers.program import Program, Vector

MOST_ROWS_A_ROUND = 1000
MOST_ROUNDS = 10
"""Rows a round and rounds at the root, as Rivera Letelier et al. 2020, Operations Research 68:1425, section 6."""
VIOLATION = 1e-4
"""Least violation, over the row's norm, for which a row is worth taking in."""


@dataclass(frozen=True, eq=False)
class RowPool:
    """Rows that every integer point of a program keeps, n columns each.

    Attributes:
        matrix: ``(k, n)``.
        lower: ``(k,)``.
        upper: ``(k,)``.
    """

    matrix: sparse.csr_array
    lower: Vector
    upper: Vector

    def __post_init__(self) -> None:
        """Refuses arrays whose shapes do not fit."""
        rows = self.matrix.shape[0]
        if self.lower.shape != (rows,) or self.upper.shape != (rows,):
            raise ValueError(f"a pool of {rows} rows needs as many lower and upper limits")

    @classmethod
    def empty(cls, columns: int) -> RowPool:
        """A pool without rows."""
        return cls(sparse.csr_array((0, columns), dtype=np.float64), np.empty(0), np.empty(0))

    def violation(self, x: Vector) -> Vector:
        """How far ``x`` lies beyond each row, over the row's norm, shape ``(k,)``; negative inside."""
        if self.matrix.shape[0] == 0:
            return np.empty(0)
        activity = self.matrix @ x
        norm = np.sqrt(np.asarray(self.matrix.multiply(self.matrix).sum(axis=1)).ravel())
        return np.asarray(np.maximum(activity - self.upper, self.lower - activity) / np.maximum(norm, 1e-12))

    def taken(self, program: Program, rows: NDArray[np.int64]) -> Program:
        """The program with some of these rows added to its own."""
        if len(rows) == 0:
            return program
        matrix = sparse.csr_array(sparse.vstack([program.matrix, self.matrix[rows]]))
        return Program(
            cost=program.cost,
            offset=program.offset,
            lower=program.lower,
            upper=program.upper,
            integer=program.integer,
            matrix=matrix,
            row_lower=np.concatenate([program.row_lower, self.lower[rows]]),
            row_upper=np.concatenate([program.row_upper, self.upper[rows]]),
            maximise=program.maximise,
            column_names=program.column_names,
        )


@dataclass(frozen=True, eq=False)
class LinearPoint:
    """An optimum of the relaxation over a box.

    Attributes:
        value: its objective, a bound on every integer point of the box; in the program's own sense.
        x: the point, ``(n,)``; ``None`` where the box is empty (``value`` is then infinitely bad).
    """

    value: float
    x: Vector | None


class CutRelaxation:
    """The linear relaxation of a program, solved again and again over smaller boxes, taking in rows of a pool.

    It keeps the factored basis between solves, so a changed box costs a few dual simplex iterations.
    """

    def __init__(self, program: Program, pool: RowPool, *, seed: int = 0) -> None:
        self.program = program
        self.pool = pool
        self.rounds = 0
        self._taken: list[int] = []
        self._highs = quiet_highs()
        self._highs.setOptionValue("random_seed", seed)
        self._highs.setOptionValue("solver", "simplex")
        matrix = program.matrix
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = program.num_columns, program.num_rows
        model.col_cost_ = program.cost
        model.col_lower_, model.col_upper_ = program.lower, program.upper
        model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
        model.offset_ = program.offset
        model.sense_ = highspy.ObjSense.kMaximize if program.maximise else highspy.ObjSense.kMinimize
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data
        if self._highs.passModel(model) == highspy.HighsStatus.kError:
            raise ValueError("HiGHS refused the program")

    @property
    def taken(self) -> NDArray[np.int64]:
        """Rows of the pool in the relaxation now."""
        return np.asarray(self._taken, dtype=np.int64)

    def bound(self, columns: NDArray[np.int64], lower: Vector, upper: Vector, rounds: int = MOST_ROUNDS) -> LinearPoint:
        """The optimum over the box in which some columns have other bounds.

        Args:
            columns: columns whose bounds change, from one call to the next always the same.
            lower: their lower bounds.
            upper: their upper bounds.
            rounds: how often violated rows of the pool are taken in.
        """
        if len(columns):
            self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)
        point = self._solve()
        for _ in range(rounds):
            if point.x is None or not self._take(point.x):
                break
            point = self._solve()
            self._drop_slack()
        return point

    def _solve(self) -> LinearPoint:
        worst = -np.inf if self.program.maximise else np.inf
        self._highs.run()
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return LinearPoint(worst, None)
        if status != highspy.HighsModelStatus.kOptimal:
            # Numerical trouble from the old basis: once more from scratch before giving up on this box.
            self._highs.clearSolver()
            self._highs.run()
            status = self._highs.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                return LinearPoint(worst, None)
            if status != highspy.HighsModelStatus.kOptimal:
                raise ArithmeticError(f"the relaxation ended as {status.name}")
        x = np.asarray(self._highs.getSolution().col_value, dtype=np.float64)
        return LinearPoint(float(self._highs.getInfo().objective_function_value), x)

    def _take(self, x: Vector) -> bool:
        """Takes in the most violated rows; says whether there were any."""
        violation = self.pool.violation(x)
        violation[self._taken] = -np.inf
        order = np.argsort(-violation, kind="stable")[:MOST_ROWS_A_ROUND]
        chosen = order[violation[order] > VIOLATION]
        if len(chosen) == 0:
            return False
        self.rounds += 1
        rows = sparse.csr_array(self.pool.matrix[chosen])
        self._highs.addRows(
            len(chosen),
            self.pool.lower[chosen],
            self.pool.upper[chosen],
            rows.nnz,
            rows.indptr[:-1].astype(np.int32),
            rows.indices.astype(np.int32),
            rows.data,
        )
        self._taken += chosen.tolist()
        return True

    def _drop_slack(self) -> None:
        """Drops the rows of the pool that do not bind: they cost time in every solve that follows."""
        first = self.program.num_rows
        status = self._highs.getBasis().row_status[first:]
        basic = [k for k, row in enumerate(status) if row == highspy.HighsBasisStatus.kBasic]
        if basic:
            self._highs.deleteRows(len(basic), np.asarray(basic, dtype=np.int32) + first)
            gone = set(basic)
            self._taken = [row for k, row in enumerate(self._taken) if k not in gone]
