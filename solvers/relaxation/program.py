"""The linear program that the relaxation solves: cumulative steps over a closure, split into choices, with side rows.

    max  constant + sum value[p,t,d] x[p,t,d] + d's
    s.t. sum_d x[p,t,d] = c[u,t] - c[u,t-1]            for every part p of node u, step t (c[u,-1] = 0)
         c[v,t] <= c[u,t-lag]                          for every arc: v needs u (0 where t < lag)
         0 <= c[u,t] <= 1, nondecreasing in t, and 0 before the node's first step
         row_lower <= H x + G s <= row_upper,   extra_lower <= s <= extra_upper (finite),   x >= 0

Nodes are 0..n-1, steps 0..T-1, parts 0..P-1 (each belongs to one node), choices 0..D-1. Column (p, t, d) of H is
``(p * T + t) * D + d``. With integral c this is a maximum-weight closure over n x T nodes once the side rows are
priced: for given multipliers every part takes its best choice in every step by itself.

Source: Johnson (1968) for the dual idea; Bienstock and Zuckerberg (2010) for the form; Munoz et al. (2018).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.grouped import Groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class ProgramError(ValueError):
    """The arrays of a program contradict each other; the message names the array and the first place."""


def _no_integers() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


def _no_floats() -> NDArray[np.float64]:
    return np.zeros(0, np.float64)


@dataclass(frozen=True, eq=False)
class ClosureProgram:
    """A time-expanded closure program; arrays are checked at construction and never written to.

    Attributes:
        n_nodes: n, number of nodes.
        n_steps: T >= 1, number of steps.
        arc_tail: Node v of every arc ``(a,)``, which needs
        arc_head: node u ``(a,)`` finished
        arc_lag: this many steps earlier ``(a,)``, >= 0; empty means 0 everywhere.
        first_step: First step a node may be taken in ``(n,)``; T or more means never; empty means 0 everywhere.
        part_node: Node of every part ``(P,)``.
        value: Objective of x ``(P, T, D)``; entries that are not allowed are ignored.
        allowed: Which x may be positive ``(P, T, D)``; None means all. From the first step of its node on, a part has
            at least one choice in every step.
        rows: H, sparse ``(M, P * T * D)``.
        row_lower: Lower limits ``(M,)``, -inf where there is none.
        row_upper: Upper limits ``(M,)``, inf where there is none.
        extra_value: d, objective of the continuous variables ``(S,)``.
        extra_lower: Their lower bounds ``(S,)``, finite.
        extra_upper: Their upper bounds ``(S,)``, finite.
        extra_rows: G, sparse ``(M, S)``; None where S is 0.
        extra_integer: Whether a continuous variable has to be whole in a schedule ``(S,)``; the relaxation does not
            look at it. None where none has to.
        constant: Constant of the objective.

    Raises:
        ProgramError: Shapes, ranges or limits that contradict each other, NaN anywhere.
    """

    n_nodes: int
    n_steps: int
    arc_tail: Integers
    arc_head: Integers
    part_node: Integers
    value: Floats
    rows: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    arc_lag: Integers = field(default_factory=_no_integers)
    first_step: Integers = field(default_factory=_no_integers)
    allowed: NDArray[np.bool_] | None = None
    extra_value: Floats = field(default_factory=_no_floats)
    extra_lower: Floats = field(default_factory=_no_floats)
    extra_upper: Floats = field(default_factory=_no_floats)
    extra_rows: sparse.csr_array | None = None
    extra_integer: NDArray[np.bool_] | None = None
    constant: float = 0.0

    def __post_init__(self) -> None:
        _check_graph(self)
        _check_parts(self)
        _check_rows(self)
        _check_extras(self)

    @property
    def n_parts(self) -> int:
        """P, number of parts."""
        return int(self.value.shape[0])

    @property
    def n_choices(self) -> int:
        """D, number of choices."""
        return int(self.value.shape[2])

    @property
    def n_rows(self) -> int:
        """M, number of side rows."""
        return int(self.row_lower.size)

    @property
    def n_extras(self) -> int:
        """S, number of continuous variables."""
        return int(self.extra_value.size)

    @cached_property
    def first_part(self) -> Integers:
        """First part of every node ``(n,)``, -1 where it has none."""
        first = np.full(self.n_nodes, -1, np.int64)
        first[self.part_node[::-1]] = np.arange(self.n_parts)[::-1]
        return first

    @cached_property
    def lags(self) -> Integers:
        """Lag of every arc ``(a,)``, zeros where none was given."""
        return self.arc_lag if self.arc_lag.size else np.zeros(self.arc_tail.size, np.int64)

    @cached_property
    def starts(self) -> Integers:
        """First step of every node ``(n,)`` after the arcs: the tail starts no earlier than its head plus the lag.

        Longest paths by repeated relaxation; a cycle with a positive lag ends at T, which is right: never.
        """
        start = self.first_step if self.first_step.size else np.zeros(self.n_nodes, np.int64)
        start = np.minimum(start, self.n_steps)
        if not start.any() and not self.lags.any():
            return start
        by_tail = Groups(self.arc_tail)
        while True:
            later = start.copy()
            by_tail.raise_to(later, start[self.arc_head] + self.lags)
            later = np.minimum(later, self.n_steps)
            if np.array_equal(later, start):
                return start
            start = later

    @cached_property
    def open_choices(self) -> NDArray[np.bool_] | None:
        """``allowed``, or None where every choice is."""
        return None if self.allowed is None or bool(self.allowed.all()) else self.allowed

    @cached_property
    def worth(self) -> Floats:
        """``value`` with zeros where a choice is not allowed."""
        return self.value if self.open_choices is None else np.where(self.open_choices, self.value, 0.0)

    @cached_property
    def row_means(self) -> Floats:
        """Mean size of the coefficients of every side row, continuous variables included ``(M,)``; 0 for none."""
        total, count = np.zeros(self.n_rows), np.zeros(self.n_rows)
        for matrix in (self.rows, self.extras_matrix):
            total += np.asarray(abs(matrix).sum(axis=1)).ravel()
            count += np.diff(matrix.indptr)
        return np.asarray(total / np.maximum(count, 1))

    @cached_property
    def whole_extras(self) -> NDArray[np.bool_]:
        """``extra_integer``, all False where none has to be whole ``(S,)``."""
        return np.zeros(self.n_extras, np.bool_) if self.extra_integer is None else self.extra_integer

    @cached_property
    def has_bare_nodes(self) -> bool:
        """Whether some node has no part."""
        return bool((np.bincount(self.part_node, minlength=self.n_nodes) == 0).any())

    @cached_property
    def rows_by_column(self) -> sparse.csc_array:
        """H by columns."""
        return sparse.csc_array(self.rows)

    @cached_property
    def rows_transposed(self) -> sparse.csr_array:
        """H' as compressed rows: the fast form for pricing."""
        return sparse.csr_array(self.rows.T)

    @cached_property
    def extras_matrix(self) -> sparse.csr_array:
        """G, an empty matrix where there are no continuous variables."""
        if self.extra_rows is None:
            return sparse.csr_array((self.n_rows, self.n_extras), dtype=np.float64)
        return self.extra_rows


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ProgramError(message)


def _check_index(name: str, index: Integers, most: int) -> None:
    _require(index.ndim == 1 and np.issubdtype(index.dtype, np.integer), f"{name} must be a vector of integers")
    outside = np.flatnonzero((index < 0) | (index >= most))
    if outside.size:
        at = int(outside[0])
        raise ProgramError(f"{name}[{at}] = {index[at]} lies outside 0..{most - 1}")


def _check_finite(name: str, values: Floats) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ProgramError(f"{name} has {bad.size} entries that are not finite, the first at {int(bad[0])}")


def _check_graph(program: ClosureProgram) -> None:
    n, steps = program.n_nodes, program.n_steps
    _require(n >= 0 and steps >= 1, f"expected nodes >= 0 and steps >= 1, got {n} and {steps}")
    _check_index("arc_tail", program.arc_tail, n)
    _check_index("arc_head", program.arc_head, n)
    _require(program.arc_tail.size == program.arc_head.size, "arc_tail and arc_head differ in length")
    _require(program.arc_lag.size in {0, program.arc_tail.size}, "arc_lag needs one entry an arc")
    _require(bool((program.arc_lag >= 0).all()), "arc_lag must be >= 0")
    _require(program.first_step.size in {0, n}, "first_step needs one entry a node")
    _require(bool((program.first_step >= 0).all()), "first_step must be >= 0")


def _check_parts(program: ClosureProgram) -> None:
    value, steps = program.value, program.n_steps
    _require(value.ndim == 3 and value.shape[1] == steps, f"value must be (parts, {steps}, choices), got {value.shape}")
    _require(value.shape[2] >= 1, "value needs at least one choice")
    _check_index("part_node", program.part_node, program.n_nodes)
    _require(program.part_node.size == program.n_parts, "part_node needs one entry a part")
    if program.allowed is None:
        _check_finite("value", value.ravel())
        return
    _require(program.allowed.shape == value.shape, f"allowed must have the shape of value, {value.shape}")
    _check_finite("value where allowed", value[program.allowed])
    needed = np.arange(steps)[None, :] >= program.starts[program.part_node][:, None]
    stuck = np.argwhere(needed & ~program.allowed.any(axis=2))
    if stuck.size:
        part, step = (int(i) for i in stuck[0])
        raise ProgramError(f"part {part} has no allowed choice in step {step}: move the first step, or use a side row")


def _check_rows(program: ClosureProgram) -> None:
    M = program.row_lower.size
    columns = program.n_parts * program.n_steps * program.n_choices
    _require(program.row_upper.size == M, "row_lower and row_upper differ in length")
    _require(program.rows.shape == (M, columns), f"rows must be {(M, columns)}, got {program.rows.shape}")
    _check_finite("rows", program.rows.data)
    for name, limits in (("row_lower", program.row_lower), ("row_upper", program.row_upper)):
        _require(not np.isnan(limits).any(), f"{name} holds NaN")
    crossed = np.flatnonzero(program.row_lower > program.row_upper)
    if crossed.size:
        at = int(crossed[0])
        raise ProgramError(f"row {at}: lower {program.row_lower[at]} exceeds upper {program.row_upper[at]}")
    _require(bool((program.row_lower < np.inf).all()), "row_lower must be below infinity")
    _require(bool((program.row_upper > -np.inf).all()), "row_upper must be above -infinity")


def _check_extras(program: ClosureProgram) -> None:
    S = program.extra_value.size
    _check_finite("extra_value", program.extra_value)
    _require(np.isfinite(program.constant), "constant must be finite")
    for name, bound in (("extra_lower", program.extra_lower), ("extra_upper", program.extra_upper)):
        _require(bound.size == S, f"{name} needs one entry a continuous variable")
        _check_finite(name, bound)
    crossed = np.flatnonzero(program.extra_lower > program.extra_upper)
    _require(crossed.size == 0, f"extra_lower exceeds extra_upper at {crossed[:1].tolist()}")
    _require(program.extra_integer is None or program.extra_integer.shape == (S,), f"extra_integer must be {(S,)}")
    if program.extra_rows is None:
        _require(S == 0, "extra_rows is missing")
        return
    _require(program.extra_rows.shape == (program.n_rows, S), f"extra_rows must be {(program.n_rows, S)}")
    _check_finite("extra_rows", program.extra_rows.data)
