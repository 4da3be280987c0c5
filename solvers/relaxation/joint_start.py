"""A start from several resources at once: the bound of ``parametric.py`` with a multiplier for each of them.

For a discount factor a step the relaxation is about sum_t (d_t - d_{t+1}) z(U_t), U_t the capacities of all resources
up to step t and

    z(U) = min over m >= 0 of  m'U + max closure of (worth - m'use).

Every closure gives a plane below the convex function of m, valid in all steps, so that few more are needed from one
step to the next (cutting planes, Kelley 1960). The dual of the linear program over the planes known is a combination of
closures within U_t: at most one more than there are resources, and they split the nodes well from the start.

Source: Chicoisne et al. (2012), section 3, for one resource; Kelley (1960), "The cutting-plane method for solving
convex programs", J. SIAM 8:703.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from solvers.closure import scale_up
from solvers.options import quiet_highs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.closure import ClosureKernel
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_CLOSURES_A_STEP = 8
_CLOSE = 1e-3
"""Relative; planes and function as near as this are near enough for a start."""
_IN_USE = 1e-9


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """What binds up to one step.

    Attributes:
        multipliers: One a resource ``(R,)``.
        members: Closures ``(k, n)`` whose combination fills the capacities, the smallest first.
    """

    multipliers: Floats
    members: NDArray[np.bool_]


@dataclass(eq=False)
class JointCurve:
    """max closure of (worth - m'use) as a function of m, by the planes found so far.

    Attributes:
        program: The program.
        worth: Worth of every part by choice ``(P, D)``, closed choices far below all others.
        use: Use of every resource ``(R, P, D)``.
        kernel: Compiled for the arcs of the program.
    """

    program: ClosureProgram
    worth: Floats
    use: Floats
    kernel: ClosureKernel
    heights: list[float] = field(default_factory=list)
    uses: list[Floats] = field(default_factory=list)
    members: list[NDArray[np.bool_]] = field(default_factory=list)

    def choice(self, at: Floats) -> Integers:
        """Best choice of every part ``(P,)`` at multipliers ``(R,)``."""
        return np.asarray((self.worth - np.tensordot(at, self.use, 1)).argmax(axis=1), dtype=np.int64)

    def add(self, at: Floats) -> float:
        """The closure at multipliers, kept as a plane; its value."""
        parts, nodes, n = np.arange(self.worth.shape[0]), self.program.part_node, self.program.n_nodes
        chosen = self.choice(at)
        worth, use = self.worth[parts, chosen], self.use[:, parts, chosen]
        weights = np.asarray(np.bincount(nodes, worth - at @ use, n), dtype=np.float64)
        member = self.kernel.solve(scale_up(weights)[0]).member
        taken = member[nodes]
        self.heights.append(float(worth[taken].sum()))
        self.uses.append(use[:, taken].sum(axis=1))
        self.members.append(member)
        return self.heights[-1] - float(at @ self.uses[-1])

    def critical_points(self, limits: Floats) -> list[CriticalPoint]:
        """Multipliers and closures for every column of the capacities so far ``(R, T)``, each above 0."""
        R, T = limits.shape
        self.add(np.zeros(R))
        # The empty closure, which keeps every capacity: the linear program below always has a solution.
        self.heights.append(0.0)
        self.uses.append(np.zeros(R))
        self.members.append(np.zeros(self.program.n_nodes, np.bool_))
        left = _CLOSURES_A_STEP * T
        points = []
        for t in range(T):
            while True:
                at, known, weight = _lowest(np.array(self.heights), np.array(self.uses).T, limits[:, t])
                if left <= 0 or not at.any():
                    break
                left -= 1
                paid = float(at @ np.where(at > 0, limits[:, t], 0.0))
                if self.add(at) + paid <= known + _CLOSE * abs(known):
                    break
            used = np.flatnonzero(weight > _IN_USE)
            members = np.array([self.members[k] for k in used])
            points.append(CriticalPoint(at, members[np.argsort(members.sum(axis=1), kind="stable")]))
        return points


def nested_steps(points: list[CriticalPoint]) -> tuple[Integers, ...]:
    """Step vectors ``(n,)``: of the smallest closures within all later ones, of the largest with all earlier ones."""
    T = len(points)
    small = np.array([point.members[0] for point in points])
    large = np.array([point.members[-1] for point in points])
    within = np.logical_and.accumulate(small[::-1], axis=0)[::-1]
    around = np.logical_or.accumulate(large, axis=0)
    return tuple(np.asarray(T - member.sum(axis=0), dtype=np.int64) for member in (within, around))


def _lowest(heights: Floats, uses: Floats, limit: Floats) -> tuple[Floats, float, Floats]:
    """The minimum over m >= 0 of m'limit + max_k (height_k - m'use_k): m, the value, and the weights of the planes."""
    rows, K = np.flatnonzero(np.isfinite(limit)), heights.size
    scale = max(float(np.abs(heights).max()), 1e-300)
    lp = highspy.HighsLp()
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.num_col_, lp.num_row_ = K, rows.size + 1
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = heights / scale, np.zeros(K), np.ones(K)
    lp.row_lower_ = np.append(np.full(rows.size, -highspy.kHighsInf), 1.0)
    lp.row_upper_ = np.ones(rows.size + 1)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(rows.size + 2) * K
    lp.a_matrix_.index_ = np.tile(np.arange(K), rows.size + 1)
    lp.a_matrix_.value_ = np.append((uses[rows] / limit[rows, None]).ravel(), np.ones(K))
    highs: Any = quiet_highs()
    highs.passModel(lp)
    highs.resetGlobalScheduler(True)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        # Nothing here has to be exact: without multipliers the largest closure stands for the step.
        return np.zeros(limit.size), np.inf, np.eye(K)[0]
    solution = highs.getSolution()
    at = np.zeros(limit.size)
    at[rows] = np.maximum(np.asarray(solution.row_dual)[: rows.size], 0.0) * scale / limit[rows]
    return at, float(highs.getInfo().objective_function_value) * scale, np.asarray(solution.col_value)
