"""Whole schedules from a point of the relaxation: placed in order, moved where it pays, choices solved again.

Every node is taken whole in one step, after or with the nodes it needs. Nodes are placed one by one in a topological
order given by the times of the relaxation, each part with the choice that the relaxation gives most of it, in the
first step from its own first appearance in the relaxation on that has room. The relaxation takes thousands of nodes at
the same time, a part of each in the same steps: placed level by level, all the waste on top of them would come years
before what it is moved for. So nodes are gone through by their times, and each is placed with all that it still needs
just before it: one cone after the other. Then nodes that cost are moved late and
nodes that earn early, as far as neighbours and room allow, and the rest is decided with the steps fixed.

Room is that of the capacities: rows with an upper limit and no negative coefficient of a part, less what the
relaxation gives their continuous variables. All other rows (least amounts, ratios, balances) are left to the last
program, which may break them at a penalty: a schedule that does is where the neighbourhood search begins to mend.

Source: Chicoisne, Espinoza, Goycoolea, Moreno, Rubio (2012), "A new algorithm for the open-pit mine production
scheduling problem", Operations Research 60:517 (TopoSort); the order among nodes of the same time is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from solvers.cones import cone_by_cone, heads_of
from solvers.improvement.settling import settle
from solvers.relaxation.parametric import find_families
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.parametric import Family
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_TOUCHED = 1e-6
_ROOM = 1e-9
_PASSES = 3
_SAME_TIME = 6
"""Decimals of a time, in steps: nodes that agree in these are placed by another order."""
_NOISE, _SMOOTHED = 0.3, 5
"""Standard deviation of chance in an order, in steps, and how often it is averaged over neighbours."""
_CLOSED = -1e299
"""Worth below which a choice is not allowed."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """A whole schedule and the order it came from.

    Attributes:
        schedule: The schedule.
        order: Name of the order.
    """

    schedule: Schedule
    order: str


def expected_steps(x: Floats) -> Floats:
    """Mean step of every part in a point of the relaxation ``(P,)``, T for what is not taken."""
    return np.asarray(x.shape[1] - np.cumsum(x.sum(axis=2), axis=1).sum(axis=1))


def round_relaxation(
    builder: SubprogramBuilder,
    x: Floats,
    extras: Floats,
    penalty: Floats,
    *,
    late: Callable[[], bool] = lambda: False,
) -> list[Rounded]:
    """Whole schedules from several orders, and the empty one; deterministic unless it gets late.

    Args:
        builder: Of the program.
        x: A point of the relaxation ``(P, T, D)``.
        extras: Its continuous variables ``(S,)``.
        penalty: Loss for a unit of each broken side row ``(M,)``.
        late: Asked again and again; once true nodes stay where they were placed, and no further order is tried.
    """
    found = [_settled(builder, _empty(builder.program), penalty, "nothing taken")]
    found += [_settled(builder, made, penalty, name) for name, made in placed(builder.program, x, extras, late=late)]
    return found


def placed(
    program: ClosureProgram,
    x: Floats,
    extras: Floats,
    *,
    passes: int = _PASSES,
    late: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[str, Schedule]]:
    """Whole schedules from several orders, by their names, with choices that the point gives most; one at least.

    Args:
        program: The program.
        x: A point of its relaxation ``(P, T, D)``.
        extras: Its continuous variables ``(S,)``.
        passes: How many times nodes are moved where it pays.
        late: Asked again and again; once true nodes stay where they were placed, and no further order is tried.
    """
    neighbours = _neighbours(program)
    for number, (name, times, ties) in enumerate(_orders(program, x)):
        if number and late():
            return
        placing = _Placing(program, neighbours, x, extras, np.lexsort((ties, times.round(_SAME_TIME))))
        placing.place()
        for _ in range(passes):
            if late():
                break
            placing.push_late()
            placing.pull_early()
        yield name, placing.schedule()


def disturbed(builder: SubprogramBuilder, schedule: Schedule, penalty: Floats, rng: np.random.Generator) -> Schedule:
    """A schedule placed anew in an order that chance has a part in: neighbours are moved to and fro together.

    Nodes keep their choices and begin a step earlier than they did at most; those never taken stay so.

    Args:
        builder: Of the program.
        schedule: The schedule.
        penalty: Loss for a unit of each broken side row ``(M,)``.
        rng: Chance.
    """
    program, n = builder.program, builder.program.n_nodes
    ones = np.ones(program.arc_tail.size)
    needs = sparse.csr_array((ones, (program.arc_tail, program.arc_head)), shape=(n, n))
    beside = sparse.csr_array(needs + needs.T + sparse.eye_array(n))
    mean = sparse.diags_array(1.0 / beside.sum(axis=1)) @ beside
    noise = rng.normal(size=n)
    for _ in range(_SMOOTHED):
        noise = np.asarray(mean @ noise, dtype=np.float64)
    spread = float(noise.std())
    taken = schedule.taken_parts(program)
    x = np.zeros(program.value.shape)
    x[taken, np.maximum(schedule.step[program.part_node[taken]] - 1, 0)] = schedule.share[taken]
    times = schedule.step + _NOISE * noise / (spread if spread > 0 else 1.0)
    placing = _Placing(program, _neighbours(program), x, schedule.extras, np.argsort(times, kind="stable"))
    placing.place()
    for _ in range(_PASSES):
        placing.push_late()
        placing.pull_early()
    return _settled(builder, placing.schedule(), penalty, "disturbed").schedule


def _settled(builder: SubprogramBuilder, schedule: Schedule, penalty: Floats, name: str) -> Rounded:
    if builder.leaves_choice:
        schedule = settle(builder, schedule, penalty) or schedule
    return Rounded(schedule, name)


def _empty(program: ClosureProgram) -> Schedule:
    share = np.zeros((program.n_parts, program.n_choices))
    extras = np.clip(0.0, program.extra_lower, program.extra_upper)
    return Schedule(np.full(program.n_nodes, program.n_steps, np.int64), share, np.asarray(extras))


def _orders(program: ClosureProgram, x: Floats) -> Iterator[tuple[str, Floats, Floats]]:
    """Times to go by ``(n,)``, and what goes first of those of the same time ``(n,)``.

    What is worth most, and the last in number, which in most models is deep, with its neighbours next to it.
    """
    expected = np.full(program.n_nodes, float(program.n_steps))
    expected[program.part_node] = expected_steps(x)
    worth = program.worth if program.open_choices is None else np.where(program.open_choices, program.worth, -np.inf)
    most = worth.max(axis=(1, 2), initial=-np.inf)
    earned = np.bincount(program.part_node, np.where(np.isfinite(most), most, 0.0), program.n_nodes)
    yield "expected time, most worth first", expected, np.asarray(-earned, dtype=np.float64)
    last = np.arange(program.n_nodes, 0, -1).astype(np.float64)
    yield "expected time, last number first", expected, last


class _Room(Protocol):
    """What is left of the capacities."""

    def fits(self, node: int, step: int) -> bool:
        """Whether there is room for a node in a step."""

    def put(self, node: int, step: int, sign: float) -> None:
        """Takes what a node uses in a step, or with -1 gives it back."""


class _AnyRoom:
    """Whatever the rows are."""

    def __init__(self, program: ClosureProgram, choice: Integers, limit: Floats) -> None:
        self._program, self._choice, self._limit = program, choice, limit
        self._columns, self._use = program.rows_transposed, np.zeros(program.n_rows)
        self._parts = heads_of(program.part_node, np.arange(program.n_parts), program.n_nodes)

    def fits(self, node: int, step: int) -> bool:
        rows, amounts = self._entries(node, step)
        return bool((self._use[rows] + amounts <= self._limit[rows]).all())

    def put(self, node: int, step: int, sign: float) -> None:
        rows, amounts = self._entries(node, step)
        self._use[rows] += sign * amounts

    def _entries(self, node: int, step: int) -> tuple[NDArray[np.int64], Floats]:
        """Rows a node uses in a step, each once, and how much of each."""
        found = []
        for part in self._parts[node]:
            column = (part * self._program.n_steps + step) * self._program.n_choices + int(self._choice[part])
            found.append(slice(self._columns.indptr[column], self._columns.indptr[column + 1]))
        if len(found) == 1:
            return self._columns.indices[found[0]].astype(np.int64), self._columns.data[found[0]]
        if not found:
            return np.zeros(0, np.int64), np.zeros(0)
        rows = np.concatenate([self._columns.indices[place] for place in found])
        amounts = np.concatenate([self._columns.data[place] for place in found])
        distinct, where = np.unique(rows, return_inverse=True)
        return distinct.astype(np.int64), np.asarray(np.bincount(where, amounts), dtype=np.float64)


class _FamilyRoom:
    """Where a node uses the same of a resource in every step: plain numbers, many times as fast."""

    def __init__(self, program: ClosureProgram, choice: Integers, limit: Floats, families: Sequence[Family]) -> None:
        parts, T = np.arange(program.n_parts), program.n_steps
        amounts = [np.bincount(program.part_node, f.use[parts, choice], program.n_nodes) for f in families]
        rooms = [np.where(f.row_of_step >= 0, limit[f.row_of_step], np.inf) for f in families]
        self._resources = [
            (amount.tolist(), [0.0] * T, room.tolist()) for amount, room in zip(amounts, rooms, strict=True)
        ]

    def fits(self, node: int, step: int) -> bool:
        return all(used[step] + amount[node] <= room[step] for amount, used, room in self._resources)

    def put(self, node: int, step: int, sign: float) -> None:
        for amount, used, _ in self._resources:
            used[step] += sign * amount[node]


def _room(program: ClosureProgram, choice: Integers, limit: Floats) -> _Room:
    """All the room there is."""
    families = find_families(program)
    counted = np.isfinite(limit) & (np.diff(program.rows.indptr) > 0)
    for family in families:
        counted[family.row_of_step[family.row_of_step >= 0]] = False
    return _AnyRoom(program, choice, limit) if counted.any() else _FamilyRoom(program, choice, limit, families)


class _Placing:
    """Step of every node, choice of every part, and the use of every row; steps of T mean never."""

    def __init__(
        self,
        program: ClosureProgram,
        neighbours: tuple[list[list[int]], list[list[int]]],
        x: Floats,
        extras: Floats,
        first: Integers,
    ) -> None:
        n, T = program.n_nodes, program.n_steps
        self._program, self._T = program, T
        self._extras = extras
        self._needs, self._needed_by = neighbours
        late = np.flatnonzero(program.lags)
        ends = (program.arc_tail[late].tolist(), program.arc_head[late].tolist())
        self._lag = dict(zip(zip(*ends, strict=True), program.lags[late].tolist(), strict=True))
        self.choice = _majority(program, x)
        self._worth = self._node_worth()
        mass = np.zeros((n, T))
        np.add.at(mass, program.part_node, x.sum(axis=2))
        untouched = (np.cumsum(mass, axis=1) <= _TOUCHED).sum(axis=1)
        bare = np.bincount(program.part_node, minlength=n) == 0
        self._floor = np.maximum(np.where(bare, 0, untouched), program.starts).tolist()
        self._room = _room(program, self.choice, _capacities(program, extras))
        self._order = cone_by_cone(first, self._needs)
        self._starts, self._step = program.starts.tolist(), [T] * n

    def schedule(self) -> Schedule:
        """What was placed, one choice a part, with the continuous variables of the relaxation."""
        program, step = self._program, np.array(self._step, np.int64)
        share = np.zeros((program.n_parts, program.n_choices))
        taken = np.flatnonzero(step[program.part_node] < self._T)
        share[taken, self.choice[taken]] = 1.0
        extras = np.where(program.whole_extras, np.ceil(self._extras - _TOUCHED), self._extras)
        return Schedule(step, share, np.clip(extras, program.extra_lower, program.extra_upper))

    def place(self) -> None:
        """Every node the relaxation touches, in order, in the first step with room from its floor on."""
        for node in self._order:
            first = max(self._floor[node], self._after(node))
            step = next((t for t in range(first, self._T) if self._fits(node, t)), self._T)
            self._put(node, step)

    def push_late(self) -> None:
        """Nodes that cost, last first: to the best step between their own and the first that needs them, or away."""
        for node in reversed(self._order):
            now = self._step[node]
            if now == self._T or self._worth.item(node, now) >= 0.0:
                continue
            last = self._before(node)
            self._move(node, range(now + 1, min(last, self._T - 1) + 1), away=last == self._T)

    def pull_early(self) -> None:
        """Nodes that earn, first first: to the best step from those they need up to their own."""
        for node in self._order:
            now = self._step[node]
            if self._worth.item(node, min(now, self._T - 1)) > 0.0:
                self._move(node, range(max(self._after(node), self._starts[node]), now))

    def _node_worth(self) -> Floats:
        """Worth of every node in every step with the choices made ``(n, T)``."""
        program = self._program
        worth = program.worth if program.open_choices is None else np.where(program.open_choices, program.worth, -1e300)
        chosen = np.take_along_axis(worth, self.choice[:, None, None], axis=2)[:, :, 0]
        total = np.zeros((program.n_nodes, self._T))
        for t in range(self._T):
            total[:, t] = np.bincount(program.part_node, chosen[:, t], program.n_nodes)
        return total

    def _move(self, node: int, steps: range, *, away: bool = False) -> None:
        """To the step of most worth with room; stays where none is better."""
        now = self._step[node]
        self._put(node, self._T)
        best, worth = now, self._value(node, now)
        if away and worth < 0.0:
            best, worth = self._T, 0.0
        for step in steps:
            value = self._value(node, step)
            if value > worth and self._fits(node, step):
                best, worth = step, value
        self._put(node, best)

    def _value(self, node: int, step: int) -> float:
        return self._worth.item(node, step) if step < self._T else 0.0

    def _after(self, node: int) -> int:
        """First step that the nodes it needs allow; T where one of them is never taken."""
        if not self._lag:
            return max(map(self._step.__getitem__, self._needs[node]), default=0)
        first = 0
        for other in self._needs[node]:
            at = self._step[other]
            first = max(first, at if at == self._T else at + self._lag.get((node, other), 0))
        return min(first, self._T)

    def _before(self, node: int) -> int:
        """Last step that the nodes that need it allow; T where none of them is taken."""
        if not self._lag:
            return min(map(self._step.__getitem__, self._needed_by[node]), default=self._T)
        taken = ((other, self._step[other]) for other in self._needed_by[node])
        return min((at - self._lag.get((other, node), 0) for other, at in taken if at < self._T), default=self._T)

    def _fits(self, node: int, step: int) -> bool:
        return self._worth.item(node, step) > _CLOSED and self._room.fits(node, step)

    def _put(self, node: int, step: int) -> None:
        """Moves a node, whatever the room."""
        now = self._step[node]
        if now < self._T:
            self._room.put(node, now, -1.0)
        if step < self._T:
            self._room.put(node, step, 1.0)
        self._step[node] = step


def _majority(program: ClosureProgram, x: Floats) -> Integers:
    """Choice of every part ``(P,)``: the one the relaxation gives most, else the one worth most in any step."""
    worth = program.worth if program.open_choices is None else np.where(program.open_choices, program.worth, -np.inf)
    mass = x.sum(axis=1)
    best = worth.max(axis=1, initial=-np.inf).argmax(axis=1)
    return np.asarray(np.where(mass.sum(axis=1) > _TOUCHED, mass.argmax(axis=1), best), dtype=np.int64)


def _capacities(program: ClosureProgram, extras: Floats) -> Floats:
    """Room of every row that counts while placing ``(M,)``; infinite for the others."""
    owner = np.repeat(np.arange(program.n_rows), np.diff(program.rows.indptr))
    least = np.zeros(program.n_rows)
    np.minimum.at(least, owner, program.rows.data)
    whole = np.where(program.whole_extras, np.ceil(extras - _TOUCHED), extras)
    room = program.row_upper - program.extras_matrix @ whole
    balance = (program.row_lower == program.row_upper) & (np.diff(program.extras_matrix.indptr) > 0)
    size = np.where(np.isfinite(room), np.abs(room), 0.0)
    return np.where((least < 0.0) | balance, np.inf, room + _ROOM * np.maximum(size, 1e-9))


def _neighbours(program: ClosureProgram) -> tuple[list[list[int]], list[list[int]]]:
    """Nodes that every node needs, and those that need it."""
    tail, head, n = program.arc_tail, program.arc_head, program.n_nodes
    return heads_of(tail, head, n), heads_of(head, tail, n)
