"""A mixed-integer program narrowed until little or nothing of it is left that is better than a cutoff.

The relaxation is solved; binaries are fixed by reduced costs and rows (``fixing.py``). Then those that are left are
*probed*: a binary is set to one value and the dual simplex goes on from the basis of the relaxation. Where its bound
falls to the cutoff, or no point is left, the binary has the other value. After every few of these the relaxation is
solved anew: its bound is lower then, reduced costs fix more, and less has to be probed. A program is closed once
the bound of the relaxation is no better than the cutoff.

Everything here is a claim about points that are better than the cutoff alone: others may be cut off. Nothing is
decided by wall time, so the answer is the same on every machine.

Source: Savelsbergh (1994), section 4, with the relaxation in the place of the rows; Applegate, Bixby, Chvatal and Cook
(1995), "Finding cuts in the TSP", for probes by a limited number of dual simplex iterations.
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

PROBE_ITERATIONS = 100
"""Dual simplex iterations of a probe."""
FIXED_A_ROUND = 10
"""Probes that decide something before the relaxation is solved anew."""
FRUITLESS = 30
"""Probes of a round that decide nothing, after which it is given up."""
MOST_ITERATIONS = 12_000
"""Of the simplex method after the first optimum; what is left is given back, as HiGHS takes about as long for it."""
TRIAL_ITERATIONS = 2_500
"""After the first optimum, from which on the distance to the cutoff has to fall fast enough to be gone by the most."""
LESS = 0.85
"""A probe that decided nothing is repeated once the distance to the cutoff is this share of what it was, or less."""
MARGIN = 1e-8
"""Relative; a bound counts as no better than the cutoff only where it is worse by this, so rounding decides nothing."""

_UNLIMITED = 2**31 - 1
_RULED_OUT = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)


@dataclass(frozen=True, eq=False)
class Narrowed:
    """What is left of a program.

    Attributes:
        program: with the binaries fixed that were decided; ``None`` where nothing better than the cutoff is left.
        fixed: binaries that were decided.
        left: binaries that were not.
        probes: programs solved to decide them.
        iterations: of the simplex method, in all.
    """

    program: Program | None
    fixed: int
    left: int
    probes: int
    iterations: int


def narrowed(program: Program, cutoff: float, *, seed: int = 0, stop: Callable[[], bool] | None = None) -> Narrowed:
    """What is left of a program that may be better than a cutoff.

    Args:
        program: with any bounds; rows that every integer point keeps may have been added.
        cutoff: value in the program's own sense; points no better than it may be lost.
        seed: random seed of the simplex method.
        stop: asked again and again; true ends the search, and what was decided by then holds.
    """
    return _Narrowing(program, cutoff, seed, stop or (lambda: False)).run()


class _Narrowing:
    """State of one run; all values are of a minimisation."""

    def __init__(self, program: Program, cutoff: float, seed: int, stop: Callable[[], bool]) -> None:
        self._program, self._stop = program, stop
        self._sign = -1.0 if program.maximise else 1.0
        # A bound that reaches this is ruled out.
        self._limit = self._sign * cutoff + MARGIN * max(1.0, abs(cutoff))
        self._bounds = BinaryBounds(program)
        self._free = int(self._bounds.free.sum())
        self._probes = self._iterations = 0
        self._first: tuple[int, float] | None = None
        self._undecided: dict[tuple[int, float], float] = {}
        self._highs = _loaded(program, self._sign, seed)

    def run(self) -> Narrowed:
        """Solves, fixes and probes until nothing is left or nothing more is decided."""
        while not self._over():
            self._set("objective_bound", math.inf, _UNLIMITED)
            status = self._solve()
            if status == highspy.HighsModelStatus.kInfeasible:
                return self._answer(closed=True)
            if status != highspy.HighsModelStatus.kOptimal:
                break
            slack = self._limit - self._value()
            if slack <= 0:
                return self._answer(closed=True)
            if self._hopeless(slack):
                break
            solution = self._highs.getSolution()
            x = np.asarray(solution.col_value, dtype=np.float64)
            free = int(self._bounds.free.sum())
            self._bounds.by_reduced_costs(x, np.asarray(solution.col_dual, dtype=np.float64), slack)
            self._bounds.by_rows()
            if self._bounds.free.any():
                decided = self._probe_round(x, slack)
            else:
                # The last ones came to be fixed: the relaxation is solved once more.
                self._push()
                decided = free > 0
            if self._bounds.empty:
                return self._answer(closed=True)
            if not decided:
                break
        return self._answer(closed=False)

    def _hopeless(self, slack: float) -> bool:
        """Whether the distance to the cutoff falls too slowly: probes that lead nowhere cost more than they save."""
        if self._first is None:
            self._first = (self._iterations, slack)
        iterations, distance = self._iterations - self._first[0], self._first[1]
        return iterations >= TRIAL_ITERATIONS and (distance - slack) * MOST_ITERATIONS < distance * iterations

    def _over(self) -> bool:
        first = self._iterations if self._first is None else self._first[0]
        return self._iterations - first >= MOST_ITERATIONS or self._stop()

    def _probe_round(self, x: Vector, slack: float) -> bool:
        """Probes until a few binaries are decided, the most fractional first; says whether any was."""
        basis = self._highs.getBasis()
        self._push()
        self._set("objective_bound", self._limit, PROBE_ITERATIONS)
        decided = in_vain = 0
        distance = np.abs(x - np.round(x))
        candidates = np.flatnonzero(self._bounds.free)
        for column in candidates[np.argsort(-distance[candidates], kind="stable")].tolist():
            likely = float(round(x[column]))
            sides = (1.0 - likely, likely) if distance[column] > INTEGRALITY_TOLERANCE else (1.0 - likely,)
            for value in sides:
                if not self._bounds.free[column] or self._undecided.get((column, value), math.inf) * LESS < slack:
                    continue
                if self._ruled_out(column, value, basis):
                    self._bounds.fix(column, 1.0 - value)
                    self._bounds.by_rows()
                    decided += 1
                    self._push()
                else:
                    self._undecided[column, value] = slack
                    in_vain += 1
            if decided >= FIXED_A_ROUND or in_vain >= FRUITLESS or self._bounds.empty or self._over():
                break
        self._highs.setBasis(basis)
        return decided > 0

    def _ruled_out(self, column: int, value: float, basis: highspy.HighsBasis) -> bool:
        """Whether nothing better than the cutoff has a binary at a value, by a limited number of iterations."""
        self._highs.setBasis(basis)
        self._highs.changeColBounds(column, value, value)
        status = self._solve()
        # Read before the bounds go back, which clears it.
        no_better = status == highspy.HighsModelStatus.kOptimal and self._value() >= self._limit
        self._probes += 1
        self._highs.changeColBounds(column, float(self._bounds.lower[column]), float(self._bounds.upper[column]))
        return status in _RULED_OUT or no_better

    def _push(self) -> None:
        """Hands the bounds of the binaries to the relaxation, as far as they leave a value."""
        columns = np.flatnonzero(self._bounds.binary & (self._bounds.lower <= self._bounds.upper))
        lower, upper = self._bounds.lower[columns], self._bounds.upper[columns]
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def _solve(self) -> highspy.HighsModelStatus:
        self._highs.run()
        self._iterations += max(int(self._highs.getInfo().simplex_iteration_count), 0)
        return self._highs.getModelStatus()

    def _value(self) -> float:
        return float(self._highs.getInfo().objective_function_value)

    def _set(self, name: str, bound: float, iterations: int) -> None:
        self._highs.setOptionValue(name, bound)
        self._highs.setOptionValue("simplex_iteration_limit", iterations)

    def _answer(self, *, closed: bool) -> Narrowed:
        left = 0 if closed else int(self._bounds.free.sum())
        program = None
        if not closed:
            program = replace(self._program, lower=self._bounds.lower, upper=self._bounds.upper)
        return Narrowed(program, self._free - left, left, self._probes, self._iterations)


def _loaded(program: Program, sign: float, seed: int) -> highspy._core._Highs:
    """The relaxation as a minimisation; without presolve, which would throw its basis away."""
    highs = quiet_highs()
    for name, value in (("random_seed", seed), ("solver", "simplex"), ("presolve", "off")):
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
