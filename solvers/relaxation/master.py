"""The restricted master: the program with one column a class of the partition, solved by HiGHS.

    max  c'z + d's - penalty'e   s.t.  rows aggregated over the classes, G s, elastic columns e >= 0 on rows that the
    point (0, s0) violates, z_a <= z_b for arcs between classes, 0 <= z <= 1

Every solution is a solution of the whole program (each class spread over its members) as long as no elastic column is
in use, so its value is a lower bound on the relaxation and its row duals are the next multipliers.

Source: Munoz et al. (2018), section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy import sparse

from solvers.options import quiet_highs
from solvers.relaxation.partition import ActiveColumns, Partition, active_columns, class_arcs

if TYPE_CHECKING:
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_ROW_SIZE = 1e3
_COST_SIZE = 1e3
_DUST = 1e-12


class MasterError(RuntimeError):
    """HiGHS did not solve a master problem that is feasible and bounded by construction."""


@dataclass(frozen=True, eq=False)
class MasterSolution:
    """A vertex solution of the master.

    Attributes:
        value: Objective, constant included, penalties excluded.
        objective: The same with the penalties of elastic columns taken off.
        class_value: z of every class ``(K,)``; class 0 is 0.
        extras: s ``(S,)``.
        multipliers: Duals of the side rows ``(M,)``, in the sign convention of the bound.
        violation: Largest use of an elastic column, relative to the size of its row.
        active: The columns x that classes carry.
    """

    value: float
    objective: float
    class_value: Floats
    extras: Floats
    multipliers: Floats
    violation: float
    active: ActiveColumns


def scaled_rows(program: ClosureProgram) -> Floats:
    """Factor of every side row ``(M,)``: brings its limits (or else its whole activity) to about 1e3.

    Limits that are nothing beside the activity count as none: they would make coefficients that HiGHS refuses.
    """
    limits = np.maximum(
        np.where(np.isfinite(program.row_lower), np.abs(program.row_lower), 0.0),
        np.where(np.isfinite(program.row_upper), np.abs(program.row_upper), 0.0),
    )
    activity = np.asarray(abs(program.rows).sum(axis=1)).ravel()
    largest = np.zeros(program.n_rows)
    for matrix in (program.rows, program.extras_matrix):
        held = np.repeat(np.arange(program.n_rows), np.diff(matrix.indptr))
        np.maximum.at(largest, held, np.abs(matrix.data))
    size = np.where(limits > _DUST * np.maximum(activity, largest), limits, activity)
    size = np.where(size > 0, size, largest)
    return np.asarray(_ROW_SIZE / np.where(size > 0, size, 1.0))


class Master:
    """Builds and solves the master for one partition after another.

    The elastic columns are decided once, from the program: rows that the point z = 0, s nearest to 0 violates.
    """

    def __init__(self, program: ClosureProgram, *, objective: bool = True) -> None:
        self._program = program
        self._objective = objective
        self._row_scale = scaled_rows(program)
        self._highs: Any = quiet_highs()
        for option, setting in (
            ("random_seed", 0),
            ("primal_feasibility_tolerance", 1e-9),
            ("dual_feasibility_tolerance", 1e-9),
        ):
            if self._highs.setOptionValue(option, setting) != highspy.HighsStatus.kOk:
                raise MasterError(f"HiGHS does not know the option {option}")
        start = np.clip(0.0, program.extra_lower, program.extra_upper)
        activity = program.extras_matrix @ start
        slack = 1e-12 * (1.0 + np.abs(activity))
        self._short = np.flatnonzero(activity < program.row_lower - slack)
        self._over = np.flatnonzero(activity > program.row_upper + slack)
        self._dropped = False
        self.penalty = 10.0

    @property
    def elastic(self) -> bool:
        """Whether elastic columns are in the master."""
        return not self._dropped and bool(self._short.size or self._over.size)

    def drop_elastics(self) -> None:
        """Leave the elastic columns out from now on: the master has become feasible without them, and stays so."""
        self._dropped = True

    def solve(self, partition: Partition) -> MasterSolution:
        """Solve for a partition; raises MasterError where HiGHS finds no optimum.

        Merging classes can cost feasibility by a rounding error: then the elastic columns come back.
        """
        active = active_columns(self._program, partition)
        cost, H = self._aggregate(partition, active)
        arcs = class_arcs(self._program, partition)
        solution = self._solve(partition.n_classes, active, cost, H, arcs)
        if solution is None and self._dropped and (self._short.size or self._over.size):
            self._dropped = False
            self.penalty *= 10.0
            solution = self._solve(partition.n_classes, active, cost, H, arcs)
        if solution is None:
            raise MasterError(f"HiGHS ended with {self._highs.modelStatusToString(self._highs.getModelStatus())}")
        return solution

    def _solve(
        self, K: int, active: ActiveColumns, cost: Floats, H: sparse.csr_array, arcs: tuple[Integers, Integers]
    ) -> MasterSolution | None:
        program, S, n_arcs = self._program, self._program.n_extras, arcs[0].size
        short, over = self._elastic_rows()
        elastic = short.size + over.size
        worth = np.concatenate([cost[1:], program.extra_value if self._objective else np.zeros(S)])
        cost_scale = _COST_SIZE / max(float(np.abs(worth).max(initial=0.0)), 1e-12) if self._objective else 1.0
        penalty = np.full(elastic, self.penalty if self._objective else 1.0)
        lp = highspy.HighsLp()
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.num_col_, lp.num_row_ = K - 1 + S + elastic, program.n_rows + n_arcs
        lp.col_cost_ = np.concatenate([worth * cost_scale, -penalty])
        lp.col_lower_ = np.concatenate([np.zeros(K - 1), program.extra_lower, np.zeros(elastic)])
        lp.col_upper_ = np.concatenate([np.ones(K - 1), program.extra_upper, np.full(elastic, highspy.kHighsInf)])
        lp.row_lower_ = np.concatenate([program.row_lower * self._row_scale, np.full(n_arcs, -highspy.kHighsInf)])
        lp.row_upper_ = np.concatenate([program.row_upper * self._row_scale, np.zeros(n_arcs)])
        matrix = self._matrix(H, arcs, K)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        if not self._run(lp):
            return None
        return self._read(active, K, cost_scale, cost)

    def _elastic_rows(self) -> tuple[Integers, Integers]:
        """Rows with a column that adds to them, and rows with one that takes off."""
        none = np.zeros(0, np.int64)
        return (none, none) if self._dropped else (self._short, self._over)

    def _aggregate(self, partition: Partition, active: ActiveColumns) -> tuple[Floats, sparse.csr_array]:
        """Objective ``(K,)`` and scaled rows ``(M, K)`` of the classes."""
        program, K = self._program, partition.n_classes
        worth = program.worth.reshape(-1)[active.column] * (1.0 if self._objective else 0.0)
        gained = np.bincount(active.upper_class, worth, K) - np.bincount(active.lower_class, worth, K)
        cost = np.asarray(gained, dtype=np.float64)
        by_column = program.rows_by_column
        first = by_column.indptr[active.column].astype(np.int64)
        count = by_column.indptr[active.column + 1].astype(np.int64) - first
        place = np.arange(int(count.sum())) + np.repeat(first - np.cumsum(count) + count, count)
        row, data = by_column.indices[place].astype(np.int64), by_column.data[place]
        data = data * self._row_scale[row]
        cells = np.concatenate(
            [row * K + np.repeat(active.upper_class, count), row * K + np.repeat(active.lower_class, count)]
        )
        signed = np.concatenate([data, -data])
        if program.n_rows * K <= 20_000_000:
            return cost, sparse.csr_array(np.bincount(cells, signed, program.n_rows * K).reshape(program.n_rows, K))
        return cost, sparse.csr_array((signed, np.divmod(cells, K)), shape=(program.n_rows, K))

    def _matrix(self, H: sparse.csr_array, arcs: tuple[Integers, Integers], K: int) -> sparse.csr_array:
        """Side rows over [classes 1.., extras, elastics], then one row an arc."""
        program, M = self._program, self._program.n_rows
        low, high = arcs
        short, over = self._elastic_rows()
        elastic = short.size + over.size
        scaled = sparse.csr_array(sparse.diags_array(self._row_scale) @ program.extras_matrix)
        signs = np.concatenate([np.ones(short.size), -np.ones(over.size)])
        relief = sparse.csr_array((signs, (np.concatenate([short, over]), np.arange(elastic))), shape=(M, elastic))
        side = sparse.csr_array(sparse.hstack([H[:, 1:], scaled, relief], format="csr"))
        entries = np.tile([1.0, -1.0], low.size)
        places = np.column_stack([low, high]).ravel() - 1
        width = K - 1 + program.n_extras + elastic
        chain = sparse.csr_array((entries, places, np.arange(low.size + 1) * 2), shape=(low.size, width))
        return sparse.csr_array(sparse.vstack([side, chain], format="csr"))

    def _run(self, lp: highspy.HighsLp) -> bool:
        """True at an optimum; a second try without presolve, as presolve may stop at 'infeasible or unbounded'."""
        highs = self._highs
        for presolve in ("choose", "off"):
            highs.clearSolver()
            highs.setOptionValue("presolve", presolve)
            if highs.passModel(lp) == highspy.HighsStatus.kError:
                raise MasterError("HiGHS refused the master problem")
            # HiGHS fails where the solve before, anybody's, used another number of threads.
            highs.resetGlobalScheduler(True)
            highs.run()
            # Without a column there is nothing to decide: rows that 0 violates would have elastic columns.
            if highs.getModelStatus() in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty}:
                return True
        return False

    def _read(self, active: ActiveColumns, K: int, cost_scale: float, cost: Floats) -> MasterSolution:
        program = self._program
        solution = self._highs.getSolution()
        column = np.asarray(solution.col_value)
        dual = np.zeros(program.n_rows)
        if column.size:
            dual = np.asarray(solution.row_dual)[: program.n_rows]
        S = program.n_extras
        class_value = np.concatenate([np.zeros(1), column[: K - 1]])
        extras = column[K - 1 : K - 1 + S]
        value = float(cost @ class_value)
        if self._objective:
            value += float(program.extra_value @ extras) + program.constant
        elastic = column[K - 1 + S :]
        fine = float(elastic.sum()) * (self.penalty if self._objective else 1.0) / cost_scale
        return MasterSolution(
            value=value,
            objective=value - fine,
            class_value=class_value,
            extras=extras,
            multipliers=dual * self._row_scale / cost_scale,
            violation=float(elastic.max(initial=0.0)) / _ROW_SIZE,
            active=active,
        )
