"""Starting classes and multipliers from the resources; several of them together by ``joint_start.py``.

A family is a set of side rows, one a step, with the same coefficients >= 0 and an upper limit each: one resource with a
capacity in every step. With that resource alone and one discount factor a step, the relaxation is

    sum_t (d_t - d_{t+1}) z(U_t),   z(U) = min over m >= 0 of  m U + max closure of (worth - m use),

U_t the capacity up to step t. z is concave and piecewise linear, every piece is found by intersecting two known lines
(Eisner and Severance 1976), and one pass serves all steps. The closures below and above each U_t, nested in t, split
the nodes well from the start, and the critical multipliers m_t give multipliers of the rows, l_t = sum_{s>=t} (d_s -
d_{s+1}) m_s. Nothing here has to be exact: classes and multipliers are only where the search starts.

Source: Chicoisne, Espinoza, Goycoolea, Moreno, Rubio (2012), "A new algorithm for the open-pit mine production
scheduling problem", Operations Research 60:517, section 3; Munoz et al. (2018), for its use as a start.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import BracketedKernel, PseudoflowKernel, closure_graph, scale_up
from solvers.relaxation.joint_start import JointCurve, nested_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.closure import ClosureKernel, KernelFactory
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_CLOSURES_A_STEP = 3
_CLOSURES_KEPT = 64


@dataclass(frozen=True, eq=False)
class Family:
    """One resource: its rows, and what one step of it looks like.

    Attributes:
        row_of_step: Side row of every step ``(T,)``, -1 where there is none.
        capacity: Upper limit of every step ``(T,)``, inf where there is none.
        use: Coefficients ``(P, D)``.
    """

    row_of_step: Integers
    capacity: Floats
    use: Floats


@dataclass(frozen=True, eq=False)
class Start:
    """Where the search starts from, for one family.

    Attributes:
        steps: Step vectors ``(n,)`` to split the partition by.
        choice: Choice of every part in every step ``(P, T)``.
        multipliers: Multipliers of all side rows ``(M,)``.
    """

    steps: tuple[Integers, ...]
    choice: Integers
    multipliers: Floats


def find_families(program: ClosureProgram) -> list[Family]:
    """Groups of rows with equal coefficients in different steps, at least half of the steps covered."""
    T, D = program.n_steps, program.n_choices
    rows = program.rows
    found: dict[bytes, dict[int, int]] = {}
    for row in range(program.n_rows):
        inside = slice(rows.indptr[row], rows.indptr[row + 1])
        data, column = rows.data[inside], rows.indices[inside].astype(np.int64)
        limit = program.row_upper[row]
        if not data.size or not np.isfinite(limit) or limit <= 0 or data.min() < 0:
            continue
        step = (column // D) % T
        if step.min() != step.max():
            continue
        order = np.argsort(column)
        cell = (column // (T * D)) * D + column % D
        key = cell[order].tobytes() + data[order].tobytes()
        found.setdefault(key, {}).setdefault(int(step[0]), row)
    families = []
    for members in found.values():
        if 2 * len(members) < T:
            continue
        row_of_step = np.full(T, -1, np.int64)
        for at, of_step in members.items():
            row_of_step[at] = of_step
        capacity = np.where(row_of_step >= 0, program.row_upper[row_of_step], np.inf)
        of_step = next(iter(members.values()))
        inside = slice(rows.indptr[of_step], rows.indptr[of_step + 1])
        column = rows.indices[inside].astype(np.int64)
        use = np.zeros((program.n_parts, D))
        use[column // (T * D), column % D] = rows.data[inside]
        families.append(Family(row_of_step, capacity, use))
    return families


@dataclass(frozen=True, eq=False)
class _Line:
    """The closure at one multiplier: value(m) = height - use * m supports the convex function from below."""

    at: float
    value: float
    use: float
    member: NDArray[np.bool_]


class _Curve:
    """max closure of (worth - m use) as a function of m, evaluated where asked."""

    def __init__(self, program: ClosureProgram, family: Family, worth: Floats, kernel: ClosureKernel) -> None:
        self._program, self._family, self._worth, self._kernel = program, family, worth, kernel
        self.evaluations = 0

    def choice(self, at: float) -> Integers:
        """Best choice of every part ``(P,)`` at a multiplier."""
        return np.asarray((self._worth - at * self._family.use).argmax(axis=1), dtype=np.int64)

    def line(self, at: float) -> _Line:
        """Closure at a multiplier."""
        self.evaluations += 1
        parts = np.arange(self._worth.shape[0])
        chosen = self.choice(at)
        worth, use = self._worth[parts, chosen], self._family.use[parts, chosen]
        nodes, n = self._program.part_node, self._program.n_nodes
        weights = np.asarray(np.bincount(nodes, worth - at * use, n), dtype=np.float64)
        member = self._kernel.solve(scale_up(weights)[0]).member
        used = float(np.bincount(nodes, use, n)[member].sum())
        return _Line(at, float(weights[member].sum()), used, member)


def starts(program: ClosureProgram, kernel: KernelFactory = PseudoflowKernel) -> list[Start]:
    """A start from the families of the program; none where there is no family or nothing to weigh."""
    families = find_families(program)
    if not families or not program.n_nodes or not program.n_parts:
        return []
    open_now = (
        program.worth[:, 0, :]
        if program.open_choices is None
        else np.where(program.open_choices.any(axis=1), program.worth[:, 0, :], -np.inf)
    )
    closed = ~np.isfinite(open_now)
    worth = np.where(closed, -2.0 * np.abs(program.worth).max(initial=0.0) - 1.0, open_now)
    graph = closure_graph(program.n_nodes, program.arc_tail, program.arc_head)
    compiled = BracketedKernel(graph, kernel, kept=_CLOSURES_KEPT)
    if len(families) > 1:
        return [_joint_start(program, families, worth, compiled)]
    return [_start(program, family, _Curve(program, family, worth, compiled)) for family in families]


def _start(program: ClosureProgram, family: Family, curve: _Curve) -> Start:
    T = program.n_steps
    limit = np.cumsum(family.capacity)
    lines = _critical_lines(curve, limit, _CLOSURES_A_STEP * T + 4)
    below = np.full(program.n_nodes, T, np.int64)
    above = np.full(program.n_nodes, T, np.int64)
    critical = np.zeros(T)
    for t in range(T - 1, -1, -1):
        low, high, critical[t] = _bracket(lines, float(limit[t]))
        below[low.member] = t
        above[high.member] = t
    multipliers = np.zeros(program.n_rows)
    _spread_back(program, family, critical, multipliers)
    choice = np.column_stack([curve.choice(at) for at in critical])
    return Start((below, above), _open(program, choice), multipliers)


def _joint_start(program: ClosureProgram, families: list[Family], worth: Floats, kernel: ClosureKernel) -> Start:
    """One start for all families together."""
    curve = JointCurve(program, worth, np.array([family.use for family in families]), kernel)
    limits = np.array([np.cumsum(family.capacity) for family in families])
    points = curve.critical_points(limits)
    multipliers = np.zeros(program.n_rows)
    for number, family in enumerate(families):
        _spread_back(program, family, np.array([point.multipliers[number] for point in points]), multipliers)
    choice = np.column_stack([curve.choice(point.multipliers) for point in points])
    return Start(nested_steps(points), _open(program, choice), multipliers)


def _spread_back(program: ClosureProgram, family: Family, critical: Floats, multipliers: Floats) -> None:
    """Writes the multipliers of a family's rows: the critical ones ``(T,)`` from each step on, by discount."""
    size = np.abs(program.worth).sum(axis=(0, 2))
    factor = size / size[0] if size[0] > 0 else np.ones(program.n_steps)
    later = np.append(factor[1:], 0.0)
    rates = np.cumsum((np.maximum(factor - later, 0.0) * critical)[::-1])[::-1]
    held = family.row_of_step >= 0
    multipliers[family.row_of_step[held]] = rates[held]


def _open(program: ClosureProgram, choice: Integers) -> Integers:
    """The choices ``(P, T)``, the first open one where a choice is closed."""
    if program.open_choices is None:
        return choice
    taken = np.take_along_axis(program.open_choices, choice[:, :, None], axis=2)[:, :, 0]
    return np.where(taken, choice, program.open_choices.argmax(axis=2))


def _critical_lines(curve: _Curve, limits: Floats, budget: int) -> list[_Line]:
    """Lines by rising multiplier, with those that meet at the critical multiplier of every limit (budget allowing)."""
    lines = [curve.line(0.0)]
    reach = 1.0
    while lines[-1].use > 0 and lines[-1].use > limits[0] and curve.evaluations < budget:
        last = lines[-1]
        # Where the line through the last closure falls to zero; doubled, as other closures live longer.
        reach = max(2.0 * (last.at + last.value / last.use), 2.0 * last.at, 1e-12)
        lines.append(curve.line(reach))
    settled = np.zeros(limits.size, np.bool_)
    while not settled.all() and curve.evaluations < budget:
        t = int(np.flatnonzero(~settled)[0])
        settled[t] = True
        place = next((i for i in range(1, len(lines)) if lines[i].use <= limits[t]), None)
        if place is None or lines[0].use <= limits[t]:
            continue
        left, right = lines[place - 1], lines[place]
        at, value = _meeting(left, right)
        if not left.at < at < right.at:
            continue
        line = curve.line(at)
        if line.value > value + 1e-6 * abs(value):
            lines.insert(place, line)
            settled[t] = False
    return lines


def _meeting(left: _Line, right: _Line) -> tuple[float, float]:
    """Multiplier at which two lines meet, and their value there."""
    gap = left.use - right.use
    if gap <= 0:
        return left.at, left.value
    at = (left.value + left.use * left.at - right.value - right.use * right.at) / gap
    return at, left.value - left.use * (at - left.at)


def _bracket(lines: list[_Line], limit: float) -> tuple[_Line, _Line, float]:
    """The closures below and above a limit, and the multiplier between them (0 where the limit does not bind)."""
    if lines[0].use <= limit:
        return lines[0], lines[0], 0.0
    for left, right in pairwise(lines):
        if right.use <= limit:
            return right, left, _meeting(left, right)[0]
    return lines[-1], lines[-1], lines[-1].at
