"""The mixed-integer program of a part of a schedule: some nodes may move within windows, the rest stays.

    z[g,t] binary: the nodes of group g are taken by step t, columns where the window leaves a choice
    x[p,t,d] >= 0: share of part p in step t by choice d, for every choice but one that fills up to z[t] - z[t-1]
    s: all continuous variables of the program (whole where they are marked so)
    e >= 0: elastic columns on side rows that the schedule violates, at a penalty

with the chain z[g,t] <= z[g,t+1], the arcs z[v,t] <= z[u,t-lag], and every side row less what stays. The schedule
it was made from is a point of it, so a solve never does worse. Choices that another one of the same part beats in
worth and in every row are left out.

HiGHS is given rows and objective of like sizes: unscaled, the root of a program of 2,050 binaries took it three times
as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from solvers.program import Program
from solvers.schedule import Schedule, transitive_reduction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.improvement.windows import Windows
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_ROW_SIZE = 10.0
_COST_SIZE = 100.0
_DUST = 1e-9


@dataclass(frozen=True, eq=False)
class Elastics:
    """Side rows that may be broken, and what each of them costs.

    Attributes:
        rows: Numbers of the rows ``(e,)``.
        penalty: Loss of objective for one unit of the row ``(e,)``.
    """

    rows: Integers
    penalty: Floats


@dataclass(frozen=True, eq=False)
class Subprogram:
    """A part of a schedule as a program for HiGHS, and the way back.

    Attributes:
        program: Maximised; objective scaled, constant left out.
        start: The schedule it was made from, as a point of it.
        scale: Scaled units of the objective for one of the closure program.
        binaries: Number of binary columns of nodes.
    """

    program: Program
    start: Floats
    scale: float
    binaries: int
    _schedule: Schedule
    _windows: Windows
    _places: Places
    _cells: Cells
    _whole: NDArray[np.bool_]

    @property
    def binary_steps(self) -> Integers:
        """The step of every binary column of a node ``(binaries,)``."""
        return self._places.time

    def schedule(self, x: Floats) -> Schedule:
        """The schedule of a point of the program."""
        windows, cells, old = self._windows, self._cells, self._schedule
        step, share = old.step.copy(), old.share.copy()
        taken = np.round(x[: self.binaries])
        before = np.bincount(self._places.owner, 1.0 - taken, minlength=self._places.count)
        free = np.flatnonzero(windows.free)
        moved = windows.first[free] + np.round(before[self._places.slot[free]]).astype(np.int64)
        # All columns at zero: the last step of a closed window, or never.
        never = windows.open[free] & (moved > windows.last[free])
        step[free] = np.where(never, self._cells.steps, moved)
        share[cells.part] = 0.0
        here = np.flatnonzero(step[cells.node] == cells.step)
        rest = np.ones(cells.part.size)
        value = np.clip(x[self.binaries : self.binaries + cells.extra_cell.size], 0.0, 1.0)
        np.subtract.at(rest, cells.extra_cell, value)
        chosen = np.flatnonzero(step[cells.node[cells.extra_cell]] == cells.step[cells.extra_cell])
        share[cells.part[here], cells.base[here]] = np.maximum(rest[here], 0.0)
        share[cells.part[cells.extra_cell[chosen]], cells.extra_choice[chosen]] = value[chosen]
        changed = cells.part[here]
        share[changed] /= share[changed].sum(axis=1, keepdims=True)
        first = self.binaries + cells.extra_cell.size
        extras = x[first : first + old.extras.size].copy()
        extras[self._whole] = np.round(extras[self._whole])
        return Schedule(step, share, extras)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the binary columns of each node stand.

    Attributes:
        slot: Number of the column block of every node ``(n,)``, -1 where it keeps its step.
        column: First column of every block ``(count,)``.
        owner: Block of every column.
        count: Number of blocks.
        time: Step of every column.
    """

    slot: Integers
    column: Integers
    owner: Integers
    count: int
    time: Integers


@dataclass(frozen=True, eq=False)
class Cells:
    """Parts in steps where they may be taken, and the choices that have a column of their own.

    Attributes:
        part: Part of every cell.
        node: Its node.
        step: Its step.
        base: The choice that takes what the others leave.
        extra_cell: Cell of every column of a choice.
        extra_choice: Its choice.
        steps: T.
    """

    part: Integers
    node: Integers
    step: Integers
    base: Integers
    extra_cell: Integers
    extra_choice: Integers
    steps: int


class SubprogramBuilder:
    """Makes subprograms of one program, with what they share worked out once.

    Attributes:
        program: The program.
        arcs: Tail, head and lag of the arcs kept.
        moves_groups: Whether nodes can be made to move together.
    """

    moves_groups = True

    def __init__(self, program: ClosureProgram) -> None:
        self.program = program
        self.arcs = transitive_reduction(program)
        n = program.n_nodes
        order = np.argsort(program.part_node, kind="stable")
        self._parts_in_order = order
        self._first_part = np.searchsorted(program.part_node[order], np.arange(n + 1))
        # +1 where a larger activity is never better, -1 where a smaller one is not, 0 where both may be.
        upper, lower = np.isfinite(program.row_upper), np.isfinite(program.row_lower)
        self._direction = np.where(upper & ~lower, 1.0, np.where(lower & ~upper, -1.0, 0.0))
        self._two_sided = upper & lower
        self._whole = program.whole_extras

    @property
    def leaves_choice(self) -> bool:
        """Whether anything is left to decide while every node keeps its step."""
        return self.program.n_choices > 1 or self.program.n_extras > 0

    def decidable(self, schedule: Schedule) -> Integers:
        """Parts of which anything can be decided while every node keeps its step."""
        return schedule.taken_parts(self.program)

    def build(
        self,
        schedule: Schedule,
        windows: Windows,
        *,
        flexible: Integers | None = None,
        elastic: Elastics | None = None,
        priced: Floats | None = None,
    ) -> Subprogram:
        """The program in which nodes move within their windows.

        Args:
            schedule: Where it starts from; it keeps the arcs.
            windows: Propagated windows that hold the schedule.
            flexible: Parts of nodes that keep their step whose choices are decided again; none unless given.
            elastic: Side rows that may be broken; the program holds the schedule only with all those it breaks.
            priced: Multipliers ``(M,)``: a part that moves keeps, in each step, only the choice that is best at them
                and what the schedule has. All useful choices unless given.
        """
        program = self.program
        places = places_of(windows)
        cells = self._cells(schedule, windows, np.zeros(0, np.int64) if flexible is None else flexible, priced)
        n_z, n_x, S = places.owner.size, cells.extra_cell.size, program.n_extras
        soft = elastic or Elastics(np.zeros(0, np.int64), np.zeros(0))
        cost, terms, fixed = self._side_terms(schedule, windows, places, cells)
        structure, limit = self._structure(windows, places, cells)
        relief = sparse.csr_array(
            (
                np.concatenate([-np.ones(soft.rows.size), np.ones(soft.rows.size)]),
                (np.tile(soft.rows, 2), np.arange(2 * soft.rows.size)),
            ),
            shape=(program.n_rows, 2 * soft.rows.size),
        )
        side = sparse.csr_array(sparse.hstack([terms, program.extras_matrix, relief], format="csr"))
        touched = np.flatnonzero(np.diff(side.indptr) > 0)
        side = sparse.csr_array(side[touched])
        factor = _row_factors(side, n_z + n_x)
        over, short = _tolerated(program, schedule)
        low = (program.row_lower - fixed - short)[touched]
        high = (program.row_upper - fixed + over)[touched]
        padded = sparse.csr_array(
            (structure.data, structure.indices, structure.indptr), shape=(structure.shape[0], side.shape[1])
        )
        whole_cost = np.concatenate([cost, program.extra_value, -np.tile(soft.penalty, 2)])
        size = float(np.abs(whole_cost[: n_z + n_x + S]).max(initial=0.0))
        scale = _COST_SIZE / size if size > 0 else 1.0
        start = self._start(schedule, places, cells, soft)
        model = Program(
            cost=whole_cost * scale,
            lower=np.concatenate([np.zeros(n_z + n_x), program.extra_lower, np.zeros(2 * soft.rows.size)]),
            upper=np.concatenate([np.ones(n_z + n_x), program.extra_upper, np.full(2 * soft.rows.size, np.inf)]),
            integer=np.concatenate(
                [np.ones(n_z, np.bool_), np.zeros(n_x, np.bool_), self._whole, np.zeros(2 * soft.rows.size, np.bool_)]
            ),
            matrix=_without_dust(sparse.csr_array(sparse.vstack([padded, sparse.diags_array(factor) @ side]))),
            row_lower=np.concatenate([np.full(limit.size, -np.inf), _widened(low, fixed[touched], -1) * factor]),
            row_upper=np.concatenate([limit, _widened(high, fixed[touched], 1) * factor]),
            maximise=True,
        )
        return Subprogram(model, start, scale, n_z, schedule, windows, places, cells, self._whole)

    def _cells(self, schedule: Schedule, windows: Windows, flexible: Integers, priced: Floats | None) -> Cells:
        """Every part of a free node in every step of its window, and every flexible part in its own step."""
        program, T = self.program, self.program.n_steps
        free = np.flatnonzero(windows.free)
        count = self._first_part[free + 1] - self._first_part[free]
        at = np.arange(int(count.sum())) + np.repeat(self._first_part[free] - np.cumsum(count) + count, count)
        moving = self._parts_in_order[at]
        node = program.part_node[moving]
        width = np.minimum(windows.last[node], T - 1) - windows.first[node] + 1
        part = np.repeat(moving, width)
        step = np.arange(part.size) - np.repeat(np.cumsum(width) - width, width) + np.repeat(windows.first[node], width)
        still = flexible[~windows.free[program.part_node[flexible]]]
        still = still[schedule.step[program.part_node[still]] < T]
        movers = part.size
        part = np.concatenate([part, still])
        step = np.concatenate([step, schedule.step[program.part_node[still]]])
        useful = self._useful(part, step)
        if priced is not None:
            useful[:movers] = self._best_priced(part[:movers], step[:movers], priced)
        base, cell, choice = self._choices(schedule, part, step, useful)
        return Cells(part, program.part_node[part], step, base, cell, choice, T)

    def _choices(
        self, schedule: Schedule, part: Integers, step: Integers, useful: NDArray[np.bool_]
    ) -> tuple[Integers, Integers, Integers]:
        """The base choice of every cell, and the cells and choices of the columns beside it."""
        # What the schedule does now stays possible.
        useful |= schedule.held(self.program, part, step) > 0
        base = useful.argmax(axis=1)
        useful[np.arange(part.size), base] = False
        cell, choice = np.nonzero(useful)
        return base, cell, choice

    def _useful(self, part: Integers, step: Integers) -> NDArray[np.bool_]:
        """Choices of every cell that no other one beats ``(cells, D)``."""
        program, D, T = self.program, self.program.n_choices, self.program.n_steps
        first = (part * T + step) * D
        useful = np.ones((part.size, D), np.bool_)
        if program.open_choices is not None:
            useful = program.open_choices.reshape(-1, D)[part * T + step].copy()
        for d in range(D):
            for other in range(D):
                if other != d:
                    useful[:, d] &= ~(useful[:, other] & self._beats(first + other, first + d, tie=other < d))
        return useful

    def _best_priced(self, part: Integers, step: Integers, multipliers: Floats) -> NDArray[np.bool_]:
        """The choice of every cell that is worth most at multipliers of the side rows ``(cells, D)``."""
        price = self.prices(part, step, multipliers)
        return np.asarray(price.argmax(axis=1)[:, None] == np.arange(self.program.n_choices))

    def prices(self, part: Integers, step: Integers, multipliers: Floats) -> Floats:
        """Worth by choice less what the rows cost at multipliers ``(cells, D)``; -inf where a choice is closed."""
        program, D = self.program, self.program.n_choices
        columns = ((part * program.n_steps + step) * D)[:, None] + np.arange(D)
        cost = (program.rows_transposed[columns.ravel()] @ multipliers).reshape(columns.shape)
        price = program.worth.reshape(-1)[columns] - cost
        if program.open_choices is not None:
            price = np.where(program.open_choices.reshape(-1)[columns], price, -np.inf)
        return np.asarray(price)

    def _beats(self, winner: Integers, loser: Integers, *, tie: bool) -> NDArray[np.bool_]:
        """Whether one column is worth at least as much as another and no worse in any row (``tie``: equal counts)."""
        program = self.program
        worth = program.worth.reshape(-1)
        ahead = worth[winner] - worth[loser]
        difference = sparse.csr_array(program.rows_transposed[winner] - program.rows_transposed[loser])
        harm = difference.data * self._direction[difference.indices]
        bad = (harm > 0) | (self._two_sided[difference.indices] & (difference.data != 0))
        owner = np.repeat(np.arange(winner.size), np.diff(difference.indptr))
        harmed = np.bincount(owner, bad, winner.size) > 0
        better = np.bincount(owner, harm < 0, winner.size) > 0
        return np.asarray(~harmed & ((ahead > 0) | ((ahead == 0) & (better | tie))))

    def _side_terms(
        self, schedule: Schedule, windows: Windows, places: Places, cells: Cells
    ) -> tuple[Floats, sparse.csr_array, Floats]:
        """Objective and side rows of the columns z and x, and the activity of what stays ``(M,)``."""
        program, T, D = self.program, self.program.n_steps, self.program.n_choices
        n_z, n_x = places.owner.size, cells.extra_cell.size
        worth, H = program.worth.reshape(-1), program.rows_transposed
        first = (cells.part * T + cells.step) * D
        base = first + cells.base
        upper, upper_constant = column_at(windows, places, cells.node, cells.step)
        lower, _ = column_at(windows, places, cells.node, cells.step - 1)
        still = places.slot[cells.node] < 0
        constant = still | ((upper < 0) & upper_constant)
        cost = np.zeros(n_z + n_x)
        gained, gone = (upper >= 0) & ~still, (lower >= 0) & ~still
        np.add.at(cost, upper[gained], worth[base[gained]])
        np.subtract.at(cost, lower[gone], worth[base[gone]])
        extra = first[cells.extra_cell] + cells.extra_choice
        cost[n_z:] = worth[extra] - worth[base[cells.extra_cell]]
        base_rows = sparse.csr_array(H[base])
        blocks = [
            _placed(sparse.csr_array(base_rows[gained]), upper[gained], 1.0),
            _placed(sparse.csr_array(base_rows[gone]), lower[gone], -1.0),
            _placed(
                sparse.csr_array(H[extra] - base_rows[cells.extra_cell]), n_z + np.arange(n_x, dtype=np.int64), 1.0
            ),
        ]
        row, column, value = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        terms = sparse.csr_array((value, (row, column)), shape=(program.n_rows, n_z + n_x))
        fixed = self._staying(schedule, windows, cells)
        fixed = fixed + np.asarray(base_rows[np.flatnonzero(constant)].sum(axis=0)).ravel()
        return cost, terms, fixed

    def _staying(self, schedule: Schedule, windows: Windows, cells: Cells) -> Floats:
        """Activity of the parts that are not decided again."""
        program = self.program
        decided = np.zeros(program.n_parts, np.bool_)
        decided[cells.part] = True
        decided |= windows.free[program.part_node]
        columns, share = schedule.entries(program)
        stays = ~decided[columns // (program.n_steps * program.n_choices)]
        return np.asarray(program.rows_transposed[columns[stays]].T @ share[stays])

    def _structure(self, windows: Windows, places: Places, cells: Cells) -> tuple[sparse.csr_array, Floats]:
        """Chains, arcs and shares: rows of at most ``limit``."""
        n_z, n_x = places.owner.size, cells.extra_cell.size
        chain = np.flatnonzero(places.owner[:-1] == places.owner[1:]) if n_z else np.zeros(0, np.int64)
        tails, heads = self._arc_columns(windows, places)
        less = np.concatenate([chain, tails])
        more = np.concatenate([chain + 1, heads])
        order = np.arange(less.size)
        share_cell, number = np.unique(cells.extra_cell, return_inverse=True)
        base = order.size
        node, step = cells.node[share_cell], cells.step[share_cell]
        upper, upper_constant = column_at(windows, places, node, step)
        lower, _ = column_at(windows, places, node, step - 1)
        still = places.slot[node] < 0
        at = base + np.arange(share_cell.size)
        a, b = (upper >= 0) & ~still, (lower >= 0) & ~still
        row = np.concatenate([order, order, base + number, at[a], at[b]])
        column = np.concatenate([less, more, n_z + np.arange(n_x), upper[a], lower[b]])
        value = np.concatenate(
            [np.ones(less.size), -np.ones(less.size), np.ones(n_x), -np.ones(int(a.sum())), np.ones(int(b.sum()))]
        )
        limit = np.concatenate([np.zeros(base), (still | ((upper < 0) & upper_constant)).astype(np.float64)])
        return sparse.csr_array((value, (row, column)), shape=(limit.size, n_z + n_x)), limit

    def _arc_columns(self, windows: Windows, places: Places) -> tuple[Integers, Integers]:
        """Columns of the tail and the head of every arc and step that neither window decides."""
        tail, head, lag = self.arcs
        both = windows.free[tail] & windows.free[head]
        both &= places.slot[tail] != places.slot[head]
        tail, head, lag = tail[both], head[both], lag[both]
        width = windows.widths[tail]
        which = np.repeat(np.arange(tail.size), width)
        step = np.arange(which.size) - np.repeat(np.cumsum(width) - width, width) + windows.first[tail[which]]
        below = places.column[places.slot[tail[which]]] + step - windows.first[tail[which]]
        above, _ = column_at(windows, places, head[which], step - lag[which])
        held = above >= 0
        pairs = np.unique(below[held] * np.int64(max(places.owner.size, 1)) + above[held])
        low, high = np.divmod(pairs, np.int64(max(places.owner.size, 1)))
        return low, high

    def _start(self, schedule: Schedule, places: Places, cells: Cells, soft: Elastics) -> Floats:
        """The schedule as a point."""
        program = self.program
        z = np.zeros(places.owner.size)
        node_of = np.full(places.count, -1, np.int64)
        free = np.flatnonzero(places.slot >= 0)
        node_of[places.slot[free]] = free
        z[:] = schedule.done_by(program, node_of[places.owner], places.time)
        held = schedule.held(program, cells.part[cells.extra_cell], cells.step[cells.extra_cell])
        x = held[np.arange(cells.extra_cell.size), cells.extra_choice]
        activity = schedule.activity(program)[soft.rows]
        over = np.maximum(activity - program.row_upper[soft.rows], 0.0)
        short = np.maximum(program.row_lower[soft.rows] - activity, 0.0)
        return np.concatenate([z, x, schedule.extras, over, short])


def places_of(windows: Windows) -> Places:
    """Column blocks of the free nodes, one for a group."""
    free = np.flatnonzero(windows.free)
    slot = np.full(windows.first.size, -1, np.int64)
    key = free if windows.group is None else windows.group[free]
    _, leader, number = np.unique(key, return_index=True, return_inverse=True)
    slot[free] = number
    width = windows.widths[free[leader]]
    column = np.cumsum(width) - width
    owner = np.repeat(np.arange(leader.size), width)
    time = np.arange(owner.size) - column[owner] + windows.first[free[leader]][owner]
    return Places(slot, column, owner, leader.size, time)


def column_at(windows: Windows, places: Places, node: Integers, step: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Column of z of nodes in steps, -1 where it is constant, and whether that constant is 1."""
    slot = places.slot[node]
    first, last, opened = windows.first[node], windows.last[node], windows.open[node]
    if not places.count:
        return np.full(node.size, -1, np.int64), step >= last
    inside = (slot >= 0) & (step >= first) & ((step < last) | opened)
    column = np.where(inside, places.column[slot] + np.minimum(step, last) - first, -1)
    return column, ~inside & (step >= last)


def _placed(rows: sparse.csr_array, column: Integers, sign: float) -> tuple[Integers, Integers, Floats]:
    """Entries (side row, column, value) of rows of H', one for each column."""
    owner = np.repeat(np.arange(column.size), np.diff(rows.indptr))
    return rows.indices.astype(np.int64), column[owner], sign * rows.data


def _without_dust(matrix: sparse.csr_array) -> sparse.csr_array:
    """The matrix without what differences of equal coefficients leave behind; HiGHS would drop it with a warning."""
    matrix.data[np.abs(matrix.data) < _DUST] = 0.0
    matrix.eliminate_zeros()
    return matrix


def _row_factors(side: sparse.csr_array, decided: int) -> Floats:
    """Factor that brings the largest coefficient of each row among the first columns (else of all) to one size."""
    owner = np.repeat(np.arange(side.shape[0]), np.diff(side.indptr))
    largest, own = np.zeros(side.shape[0]), np.zeros(side.shape[0])
    np.maximum.at(largest, owner, np.abs(side.data))
    inner = side.indices < decided
    np.maximum.at(own, owner[inner], np.abs(side.data[inner]))
    # What differences of equal coefficients leave behind is no size.
    size = np.where(own > _DUST * largest, own, largest)
    return np.asarray(_ROW_SIZE / np.where(size > 0, size, _ROW_SIZE))


def _tolerated(program: ClosureProgram, schedule: Schedule) -> tuple[Floats, Floats]:
    """How far a schedule lies above and below the limits of rows that it keeps within the tolerance ``(M,)``."""
    activity = schedule.activity(program)
    kept = schedule.violation(program) == 0
    over, short = np.maximum(activity - program.row_upper, 0.0), np.maximum(program.row_lower - activity, 0.0)
    return np.where(kept, over, 0.0), np.where(kept, short, 0.0)


def _widened(limit: Floats, fixed: Floats, side: int) -> Floats:
    """Limits moved by rounding errors of what stays, so that a schedule that just fits still does."""
    slack = 1e-9 * np.maximum(np.abs(np.where(np.isfinite(limit), limit, 0.0)), np.abs(fixed))
    return limit + side * slack
