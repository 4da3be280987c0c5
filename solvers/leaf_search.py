"""A mixed-integer program narrowed until little or nothing of it is left that is better than a cutoff.

A tree of relaxations, depth first. At each node the relaxation is solved by the dual simplex from the basis of its
parent, and binaries are fixed by reduced costs and rows (``fixing.py``). Then a few binaries are *probed*: each is
set to one value and to the other for a limited number of iterations. Where the bound reaches the cutoff on one side, or
no point is left there, the binary has the other value; on both sides, the node is closed. Where no side is, the
tree branches on the binary whose worse side costs most.

Which binaries are probed decides everything. Precedence gives many binaries of a relaxation the same fraction: a run of
benches that is half done in a period has one value throughout. Such a group moves together, so large groups far from
whole are probed first, each by the one in the middle: setting that one moves half the group whichever way it goes.

Everything here is a claim about points that are better than the cutoff alone: others may be cut off. Nothing is
decided by wall time, so the answer is the same on every machine.

Sources: Savelsbergh (1994), "Preprocessing and probing techniques for mixed integer programming problems", section 4,
with the relaxation in the place of the rows; Applegate, Bixby, Chvatal and Cook (1995), "Finding cuts in the TSP", for
strong branching by a limited number of dual simplex iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import highspy
import numpy as np

from solvers.fixing import BinaryBounds
from solvers.options import quiet_highs
from solvers.program import INTEGRALITY_TOLERANCE, Program, Vector

PROBE_ITERATIONS = 600
"""Dual simplex iterations of a probe."""
PROBED = 6
"""Groups of binaries of one value that are probed at a node."""
FAR = 0.1
"""The side left of a binary costs this share of the distance to the cutoff: other probes of the node would be stale."""
ENOUGH = 0.5
"""Both sides of a binary cost this share of the distance to the cutoff: it is branched on without further probes."""
MOST_ITERATIONS = 30_000
"""Of the simplex method after the first optimum; what is left is given back, as HiGHS takes about as long for it."""
DEEPEST = 50
"""Levels of the tree."""
MARGIN = 1e-8
"""Relative; a bound counts as no better than the cutoff only where it is worse by this, so rounding decides nothing."""
SAME = 7
"""Decimals by which fractions are the same."""
DEVEX = 1
"""Weights of the dual simplex that need no start: each relaxation begins with a basis of which no weights are known."""

_UNLIMITED = 2**31 - 1
_RULED_OUT = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """What is left of a program.

    Attributes:
        program: with the binaries fixed that were decided; ``None`` where nothing better than the cutoff is left.
        fixed: binaries that were decided.
        left: binaries that were not.
        probes: sides of binaries that were tried.
        iterations: of the simplex method, in all.
        point: a point better than the cutoff, where the tree came upon one; ``None`` else.
    """

    program: Program | None
    fixed: int
    left: int
    probes: int
    iterations: int
    point: Vector | None = None


def narrowed(
    program: Program,
    cutoff: float,
    *,
    seed: int = 0,
    iterations: int = MOST_ITERATIONS,
    stop: Callable[[], bool] | None = None,
) -> Narrowed:
    """What is left of a program that may be better than a cutoff.

    Args:
        program: with any bounds; rows that every integer point keeps may have been added.
        cutoff: value in the program's own sense; points no better than it may be lost.
        seed: random seed of the simplex method.
        iterations: of the simplex method after the first optimum, at most.
        stop: asked again and again; true ends the search, and what was decided by then holds.
    """
    return _Narrowing(program, cutoff, seed, iterations, stop or (lambda: False)).run()


@dataclass(frozen=True, eq=False)
class _Optimum:
    """Of the relaxation within the bounds at the time; ``value`` is of a minimisation, ``slack`` that to the limit."""

    x: Vector
    value: float
    slack: float
    basis: highspy.HighsBasis


@dataclass(frozen=True)
class _Branching:
    """What probes found at a node: that it is closed, that binaries were fixed, or the binary to branch on."""

    closed: bool = False
    fixed: bool = False
    column: int | None = None
    first: float = 0.0


class _Narrowing:
    """State of one run; all values are of a minimisation."""

    def __init__(self, program: Program, cutoff: float, seed: int, iterations: int, stop: Callable[[], bool]) -> None:
        self._program, self._stop, self._most = program, stop, iterations
        sign = -1.0 if program.maximise else 1.0
        # A bound that reaches this is ruled out.
        self._limit = sign * cutoff + MARGIN * max(1.0, abs(cutoff))
        self._bounds = BinaryBounds(program)
        self._free = int(self._bounds.free.sum())
        self._probes = self._iterations = 0
        self._first: int | None = None
        self._point: Vector | None = None
        self._highs = _loaded(program, sign, seed)
        self._highs.setOptionValue("objective_bound", self._limit)

    def run(self) -> Narrowed:
        """Searches the tree; what its root fixed holds even where it is not closed."""
        closed = self._closed(None, 0)
        left = 0 if closed else int(self._bounds.free.sum())
        program = None
        if not closed:
            program = replace(self._program, lower=self._bounds.lower, upper=self._bounds.upper)
        return Narrowed(program, self._free - left, left, self._probes, self._iterations, self._point)

    def _closed(self, basis: highspy.HighsBasis | None, depth: int) -> bool:
        """Whether nothing within the bounds is better than the cutoff; if not, the bounds hold what was fixed."""
        while not self._over():
            at = self._relaxed(basis)
            if isinstance(at, bool):
                return at
            basis = at.basis
            found = self._probed(at)
            if found.closed:
                return True
            if not found.fixed:
                if found.column is None or depth == DEEPEST:
                    return False
                if not self._one_side(found.column, found.first, basis, depth + 1):
                    return False
            if self._bounds.empty:
                return True
        return False

    def _relaxed(self, basis: highspy.HighsBasis | None) -> _Optimum | bool:
        """The relaxation once it fixes nothing that moves it; or whether nothing is left, where that is decided."""
        while True:
            if basis is not None:
                self._highs.setBasis(basis)
            status = self._solve(_UNLIMITED)
            if status in _RULED_OUT:
                return True
            if status != highspy.HighsModelStatus.kOptimal:
                return False
            at, reduced = self._optimum()
            if self._is_point(at.x):
                self._point = at.x if at.slack > 0 else None
                return at.slack <= 0
            if at.slack <= 0:
                return True
            self._bounds.by_reduced_costs(at.x, reduced, at.slack)
            self._bounds.by_rows()
            if self._bounds.empty:
                return True
            self._push()
            if not self._stale(at.x):
                return at
            basis = at.basis

    def _one_side(self, column: int, value: float, basis: highspy.HighsBasis, depth: int) -> bool:
        """Closes one side of a binary, which leaves it the other; says whether it could."""
        bounds = self._bounds
        lower, upper = bounds.lower.copy(), bounds.upper.copy()
        bounds.fix(column, value)
        bounds.by_rows()
        closed = True
        if not bounds.empty:
            self._push()
            closed = self._closed(basis, depth)
        bounds.lower, bounds.upper = lower, upper
        if closed:
            bounds.fix(column, 1.0 - value)
            bounds.by_rows()
        if not bounds.empty:
            self._push()
        return closed

    def _probed(self, at: _Optimum) -> _Branching:
        """Tries both values of a few binaries."""
        bounds, best, fixed = self._bounds, _Branching(), False
        most = (-math.inf, -math.inf)
        for column in self._groups(at.x):
            if not bounds.free[column]:
                continue
            likely = float(round(at.x[column]))
            cost = {value: self._cost(column, value, at) for value in (likely, 1.0 - likely)}
            least = min(cost.values())
            if math.isinf(least):
                return _Branching(closed=True)
            cheaper = min(cost, key=lambda value: cost[value])
            if math.isinf(cost[1.0 - cheaper]):
                bounds.fix(column, cheaper)
                bounds.by_rows()
                if bounds.empty:
                    return _Branching(closed=True)
                self._push()
                fixed = True
                if least > FAR * at.slack:
                    break
            elif (least, max(cost.values())) > most:
                most = (least, max(cost.values()))
                # The side that costs more is closed sooner, and the other one is all that is left then.
                best = _Branching(column=column, first=1.0 - cheaper)
                if least > ENOUGH * at.slack:
                    break
        return _Branching(fixed=True) if fixed else best

    def _groups(self, x: Vector) -> list[int]:
        """The middle binary of the largest groups of one fraction, those furthest from whole first."""
        free = np.flatnonzero(self._bounds.free)
        free = free[np.abs(x[free] - np.round(x[free])) > INTEGRALITY_TOLERANCE]
        value, group, size = np.unique(np.round(x[free], SAME), return_inverse=True, return_counts=True)
        order = np.argsort(-np.minimum(value, 1 - value) * size, kind="stable")[:PROBED]
        members = (free[group == number] for number in order.tolist())
        return [int(columns[len(columns) // 2]) for columns in members]

    def _cost(self, column: int, value: float, at: _Optimum) -> float:
        """What a value of a binary costs at least; infinite where that reaches the cutoff."""
        self._highs.setBasis(at.basis)
        self._highs.changeColBounds(column, value, value)
        status = self._solve(PROBE_ITERATIONS)
        # Read before the bounds go back, which clears it.
        reached = self._value()
        self._probes += 1
        self._highs.changeColBounds(column, float(self._bounds.lower[column]), float(self._bounds.upper[column]))
        if status in _RULED_OUT or (status == highspy.HighsModelStatus.kOptimal and reached >= self._limit):
            return math.inf
        return reached - at.value

    def _optimum(self) -> tuple[_Optimum, Vector]:
        """The optimum just found, and its reduced costs."""
        solution, value = self._highs.getSolution(), self._value()
        x = np.asarray(solution.col_value, dtype=np.float64)
        return (
            _Optimum(x, value, self._limit - value, self._highs.getBasis()),
            np.asarray(solution.col_dual, dtype=np.float64),
        )

    def _is_point(self, x: Vector) -> bool:
        whole = x[self._program.integer]
        return bool((np.abs(whole - np.round(whole)) <= INTEGRALITY_TOLERANCE).all())

    def _stale(self, x: Vector) -> bool:
        """Whether a binary has another value in ``x`` than those left to it."""
        binary = self._bounds.binary
        below, above = self._bounds.lower[binary] - x[binary], x[binary] - self._bounds.upper[binary]
        return bool((np.maximum(below, above) > INTEGRALITY_TOLERANCE).any())

    def _over(self) -> bool:
        spent = 0 if self._first is None else self._iterations - self._first
        return spent >= self._most or self._stop()

    def _push(self) -> None:
        """Hands the bounds of the binaries to the relaxation."""
        columns = np.flatnonzero(self._bounds.binary)
        lower, upper = self._bounds.lower[columns], self._bounds.upper[columns]
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def _solve(self, iterations: int) -> highspy.HighsModelStatus:
        self._highs.setOptionValue("simplex_iteration_limit", iterations)
        self._highs.run()
        self._iterations += max(int(self._highs.getInfo().simplex_iteration_count), 0)
        if self._first is None:
            self._first = self._iterations
        return self._highs.getModelStatus()

    def _value(self) -> float:
        return float(self._highs.getInfo().objective_function_value)


def _loaded(program: Program, sign: float, seed: int) -> highspy._core._Highs:
    """The relaxation as a minimisation; without presolve, which would throw its basis away."""
    highs = quiet_highs()
    options: dict[str, bool | float | str] = {
        "random_seed": seed,
        "solver": "simplex",
        "presolve": "off",
        "simplex_dual_edge_weight_strategy": DEVEX,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    matrix = program.matrix
    highs.passModel(
        program.num_columns,
        program.num_rows,
        int(matrix.nnz),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        sign * program.offset,
        sign * program.cost,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32),
        matrix.data,
        np.zeros(program.num_columns, dtype=np.int32),
    )
    return highs
