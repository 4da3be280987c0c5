"""Which part of a schedule is decided again: a few neighbouring steps, a ball in the graph, or merged nodes.

Each kind draws windows for a schedule, a size (binary columns) and a random generator. Where nodes lie is not known
here; what is near is read from the arcs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from solvers.grouped import Groups
from solvers.improvement.windows import Windows, kept, propagated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.relaxation.program import ClosureProgram, Floats, Integers
    from solvers.schedule import Schedule

_SWEEPS = 30
_LAYERS = 60
_TRIES = 4
_ENOUGH = 0.6
_MOST_MET, _LOOKS = 8, 4
_RELAXED, _LOOKED = (2, 3, 4), 2
"""Steps of the runs that relaxations look at, and how often."""


class Neighbourhood(Protocol):
    """One kind of neighbourhood."""

    @property
    def name(self) -> str:
        """Name of the kind."""
        ...

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """Propagated windows of about ``size`` binary columns that leave ``taken`` nodes alone; None where none."""
        ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What all kinds need of a program.

    Attributes:
        program: The program.
        arcs: Tail, head and lag of the arcs kept.
        beside: Symmetric adjacency of the nodes, compressed rows ``(n, n)``.
        worth: Best worth of each node in the first step, choices free ``(n,)``.
        goal: Step in which the relaxation takes each node, in the mean ``(n,)``.
    """

    program: ClosureProgram
    arcs: tuple[Integers, Integers, Integers]
    beside: sparse.csr_array
    worth: Floats
    goal: Floats

    @cached_property
    def by_tail(self) -> Groups:
        """The arcs by their tail."""
        return Groups(self.arcs[0])

    @classmethod
    def of(cls, builder: SubprogramBuilder, goal: Floats) -> Surroundings:
        """The surroundings of a builder's program."""
        program, (tail, head, lag) = builder.program, builder.arcs
        n = program.n_nodes
        ones = np.ones(tail.size, np.float32)
        one_way = sparse.csr_array((ones, (tail, head)), shape=(n, n))
        beside = sparse.csr_array(one_way + one_way.T)
        open_worth = program.worth[:, 0, :]
        if program.open_choices is not None:
            open_worth = np.where(program.open_choices.any(axis=1), open_worth, -np.inf)
        best = np.where(np.isfinite(open_worth.max(axis=1)), open_worth.max(axis=1), 0.0)
        worth = np.asarray(np.bincount(program.part_node, best, n), dtype=np.float64)
        return cls(program, (tail, head, lag), beside, worth, goal)

    def ball(self, seed: int, allowed: NDArray[np.bool_], most: int, rng: np.random.Generator) -> Integers:
        """About ``most`` allowed nodes nearest to a seed by arcs, the last layer thinned at random."""
        inside = np.zeros(allowed.size, np.bool_)
        inside[seed] = True
        layer = np.array([seed])
        for _ in range(_LAYERS):
            starts, stops = self.beside.indptr[layer], self.beside.indptr[layer + 1]
            count = stops - starts
            place = np.arange(int(count.sum())) + np.repeat(starts - np.cumsum(count) + count, count)
            around = np.unique(self.beside.indices[place])
            layer = around[~inside[around] & allowed[around]].astype(np.int64)
            room = most - int(inside.sum())
            if not layer.size or room <= 0:
                break
            if layer.size > room:
                layer = rng.choice(layer, room, replace=False)
            inside[layer] = True
        inside &= allowed
        return np.flatnonzero(inside)

    def windows(
        self, schedule: Schedule, nodes: Integers, first: Integers, last: Integers, group: Integers | None = None
    ) -> Windows:
        """Propagated windows: these nodes between these steps, all others where they are.

        Nodes that are never taken now, or whose window ends with the last step, may be left untaken; so may those that
        cost and that nothing taken outside needs.
        """
        T = self.program.n_steps
        low, high, opened = kept(schedule.step)
        low[nodes] = np.maximum(np.minimum(first, schedule.step[nodes]), 0)
        high[nodes] = np.minimum(np.maximum(last, low[nodes]), T - 1)
        never = schedule.step[nodes] >= T
        low[nodes[never]] = np.minimum(first[never], T - 1)
        high[nodes[never]] = np.clip(last[never], low[nodes[never]], T - 1)
        opened[nodes] = never | (last >= T - 1) | (self.worth[nodes] < 0)
        return propagated(Windows(low, high, opened, group), T, self.arcs, self.program.starts)

    def reachable(self, schedule: Schedule) -> Integers:
        """First step in which each node could be taken with all others where they are ``(n,)``, T where never."""
        _, head, lag = self.arcs
        first = self.program.starts.copy()
        self.by_tail.raise_to(first, np.minimum(schedule.step[head] + lag, self.program.n_steps))
        return np.minimum(first, self.program.n_steps)

    def steps_of(self, row: int) -> Integers:
        """Steps of the parts in a side row, ascending."""
        program = self.program
        columns = program.rows.indices[program.rows.indptr[row] : program.rows.indptr[row + 1]]
        return np.unique((columns // program.n_choices) % program.n_steps).astype(np.int64)

    def run(
        self, schedule: Schedule, steps: tuple[int, int], reachable: Integers, *, every: bool = False
    ) -> NDArray[np.bool_]:
        """Nodes of a run of steps ``(n,)``: those taken in it, and of those never taken those that could be and earn.

        Args:
            schedule: The schedule.
            steps: First step, and the one after the last.
            reachable: Of ``reachable``.
            every: Whether a run that ends with the last step holds all that are never taken: many of them may be worth
                it together.
        """
        begin, end = steps
        T = self.program.n_steps
        never, inside = schedule.step >= T, (schedule.step >= begin) & (schedule.step < end)
        return inside | never if every and end >= T else inside | (never & (reachable < end) & (self.worth > 0))


class Everything:
    """All nodes in all steps, once, where the program is small enough for that."""

    name = "everything"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._tried = False

    def forget(self) -> None:
        """It may be tried again, as breaking rows has become dearer."""
        self._tried = False

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``."""
        n, T = self._around.program.n_nodes, self._around.program.n_steps
        if self._tried or taken.any() or n * T > size:
            return None
        self._tried = True
        nodes = rng.permutation(n)
        return self._around.windows(schedule, nodes, np.zeros(n, np.int64), np.full(n, T - 1))


class SolvedRuns:
    """Runs of steps that were solved, in whichever schedule: what is outside of a run has little say in it."""

    def __init__(self) -> None:
        self._times: dict[tuple[int, int, bytes], dict[int, int]] = {}

    def times(self, key: tuple[int, int, bytes], closeness: int) -> int:
        """How often a run was solved as close to its best, or closer."""
        return max((times for level, times in self._times.get(key, {}).items() if level >= closeness), default=0)

    def add(self, key: tuple[int, int, bytes], closeness: int, times: int) -> None:
        """A run was solved so often."""
        self._times.setdefault(key, {})[closeness] = times


class StepRun:
    """All nodes of a few neighbouring steps; thinned to a ball where they are too many.

    Runs that were solved as they are are passed over: once solved where parts have one choice, twice where they have
    several, as the programs of the first look have one of them only. No run is looked at again before all were looked
    at once.

    Attributes:
        again: Whether the run last drawn was looked at before.
    """

    def __init__(self, around: Surroundings, length: int, solved: SolvedRuns) -> None:
        self.name = f"{length} steps"
        self._around, self._length, self._solved = around, length, solved
        self._enough = 1 if around.program.n_choices == 1 else 2
        self._closeness = 0
        self.again = False

    def look_closer(self) -> None:
        """No run counts as solved that was not solved closer to its best than until now."""
        self._closeness += 1

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``."""
        reachable = self._around.reachable(schedule)
        for times, start, inside, key in self._to_solve(schedule, reachable):
            if (inside & taken).any():
                continue
            nodes = np.flatnonzero(inside)
            room = size / max(self._length - 1, 1)
            if nodes.size <= 1.5 * room:
                self._solved.add(key, self._closeness, times + 1)
            else:
                # Counted as solved once as many balls were drawn as would hold all nodes, in the mean.
                if rng.random() < room / nodes.size:
                    self._solved.add(key, self._closeness, times + 1)
                nodes = self._around.ball(int(rng.choice(nodes)), inside, max(int(room), 2), rng)
            self.again = times > 0
            return self._windows(schedule, nodes, start)
        return None

    def found(self, before: Schedule, after: Schedule) -> None:
        """One of the runs was solved: those that hold all that it moved are known by what they became as well."""
        T = self._around.program.n_steps
        moved = before.step != after.step
        steps = np.minimum(np.concatenate([before.step[moved], after.step[moved]]), T - 1)
        if not steps.size:
            return
        reachable = self._around.reachable(before), self._around.reachable(after)
        for start in range(max(int(steps.max()) - self._length + 1, 0), int(steps.min()) + 1):
            old, new = self._inside(before, start, reachable[0]), self._inside(after, start, reachable[1])
            times = self._solved.times(self._key(before, start, old), self._closeness)
            if times and np.array_equal(old, new):
                self._solved.add(self._key(after, start, new), self._closeness, times)

    def _to_solve(
        self, schedule: Schedule, reachable: Integers
    ) -> list[tuple[int, int, NDArray[np.bool_], tuple[int, int, bytes]]]:
        """Runs not solved often enough: how often, first step, nodes, and what they are known by; least often first."""
        runs = []
        for start in range(max(self._around.program.n_steps - self._length + 1, 1)):
            inside = self._inside(schedule, start, reachable)
            key = self._key(schedule, start, inside)
            times = self._solved.times(key, self._closeness)
            if times < self._enough and inside.any():
                runs.append((times, start, inside, key))
        return sorted(runs, key=lambda run: run[:2])

    def _key(self, schedule: Schedule, start: int, inside: NDArray[np.bool_]) -> tuple[int, int, bytes]:
        state = np.flatnonzero(inside).tobytes() + schedule.step[inside].tobytes()
        return self._kind(), start, hashlib.blake2b(state, digest_size=16).digest()

    def _kind(self) -> int:
        """What its runs are known by beside their nodes."""
        return self._length

    def _inside(self, schedule: Schedule, start: int, reachable: Integers) -> NDArray[np.bool_]:
        return self._around.run(schedule, (start, start + self._length), reachable)

    def _windows(self, schedule: Schedule, nodes: Integers, start: int) -> Windows:
        last = min(start + self._length, self._around.program.n_steps) - 1
        return self._around.windows(schedule, nodes, np.full(nodes.size, start), np.full(nodes.size, last))


class RelaxedRun(StepRun):
    """All nodes of a few neighbouring steps, however many they are, for a relaxation (``run_part.py``).

    Runs are looked at one after the other, from the first to the last and then from the first again; those that are
    proven to hold nothing are passed over, and so are those that were looked at twice as they are, as chance has a say
    in what is found.

    Attributes:
        held_up: Whether what is left to be looked at has nodes in common with what is being solved.
    """

    def __init__(self, around: Surroundings, length: int, solved: SolvedRuns) -> None:
        super().__init__(around, length, solved)
        self.name = f"{length} steps, relaxed"
        self._enough, self._next = _LOOKED, 0
        self.held_up = False

    @property
    def length(self) -> int:
        """Steps of a run."""
        return self._length

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``; windows as they are, not propagated."""
        del size, rng
        runs = self._to_solve(schedule, self._around.reachable(schedule))
        T = self._around.program.n_steps
        self.held_up = False
        for times, start, inside, key in sorted(runs, key=lambda run: (run[0], (run[1] - self._next) % T)):
            if (inside & taken).any():
                self.held_up = True
                continue
            self._next = start + 1
            self._solved.add(key, self._closeness, times + 1)
            return _run_windows(schedule, inside, (start, min(start + self._length, T)), T)
        return None

    def _inside(self, schedule: Schedule, start: int, reachable: Integers) -> NDArray[np.bool_]:
        return self._around.run(schedule, (start, start + self._length), reachable, every=True)

    def proven(self, schedule: Schedule, start: int) -> None:
        """A run holds nothing."""
        inside = self._inside(schedule, start, self._around.reachable(schedule))
        self._solved.add(self._key(schedule, start, inside), self._closeness, self._enough)

    def _kind(self) -> int:
        return -self._length


class Ball:
    """Nodes near one another, each free to move a few steps; ``drawn`` to where the relaxation disagrees most."""

    def __init__(self, around: Surroundings, reach: int, *, drawn: bool = False) -> None:
        self.name = f"ball of {reach}" + (", drawn" if drawn else "")
        self._around, self._reach, self._drawn = around, reach, drawn

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``."""
        around, T, r = self._around, self._around.program.n_steps, self._reach
        reachable = around.reachable(schedule)
        allowed = ((schedule.step < T) | (reachable < T)) & ~taken
        candidates = np.flatnonzero(allowed)
        if not candidates.size:
            return None
        weight = np.ones(candidates.size)
        if self._drawn:
            weight = np.abs(np.minimum(schedule.step[candidates], T) - around.goal[candidates]) + 1e-3
        seed = int(rng.choice(candidates, p=weight / weight.sum()))
        most = max(size // (2 * r), 4)
        for _ in range(_TRIES):
            windows = self._windows(schedule, around.ball(seed, allowed, most, rng), reachable)
            # Most nodes of a small ball are held by neighbours outside of it.
            if windows.widths.sum() >= _ENOUGH * size or most >= candidates.size:
                break
            most *= 2
        return windows

    def _windows(self, schedule: Schedule, nodes: Integers, reachable: Integers) -> Windows:
        around, T, r = self._around, self._around.program.n_steps, self._reach
        step = np.where(schedule.step[nodes] < T, schedule.step[nodes], reachable[nodes] + r)
        first, last = step - r, step + r
        if self._drawn:
            goal = around.goal[nodes]
            first = np.where(goal < step, step - 2 * r, step)
            last = np.where(goal > step, step + 2 * r, step)
        return around.windows(schedule, nodes, np.maximum(first, 0), last)


class Merged:
    """Many nodes over several steps, neighbours of one step merged into groups that move together."""

    def __init__(self, around: Surroundings, reach: int) -> None:
        self.name = f"merged, {reach} either way"
        self._around, self._reach = around, reach

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``."""
        around, T, r = self._around, self._around.program.n_steps, self._reach
        reachable = around.reachable(schedule)
        allowed = ((schedule.step < T) | (reachable < T)) & ~taken
        nodes = np.flatnonzero(allowed)
        if nodes.size < 2:
            return None
        length = int(rng.integers(2, 7))
        middle = int(rng.integers(0, T))
        near = np.abs(np.minimum(schedule.step[nodes], reachable[nodes] + r) - middle) <= length
        nodes = nodes[near]
        if nodes.size < 2:
            return None
        groups = max(size // (2 * r), 2)
        label = self._labels(schedule, nodes, groups, rng)
        step = np.where(schedule.step[nodes] < T, schedule.step[nodes], reachable[nodes] + r)
        return around.windows(schedule, nodes, np.maximum(step - r, 0), step + r, label)

    def _labels(self, schedule: Schedule, nodes: Integers, groups: int, rng: np.random.Generator) -> Integers:
        """Group of every node ``(n,)``: regions grown from random seeds within each step, the others by themselves."""
        n = schedule.step.size
        seeds = rng.choice(nodes, min(groups, nodes.size), replace=False)
        chosen = np.zeros(n, np.bool_)
        chosen[nodes] = True
        label = np.full(n, -1, np.int64)
        label[seeds] = np.arange(seeds.size)
        tail, head, _ = self._around.arcs
        same = chosen[tail] & chosen[head] & (schedule.step[tail] == schedule.step[head])
        a, b = np.concatenate([tail[same], head[same]]), np.concatenate([head[same], tail[same]])
        for _ in range(_SWEEPS):
            grows = (label[a] >= 0) & (label[b] < 0)
            if not grows.any():
                break
            source, target = a[grows], b[grows]
            order = rng.permutation(source.size)
            label[target[order]] = label[source[order]]
        alone = np.flatnonzero(label < 0)
        label[alone] = seeds.size + np.arange(alone.size)
        return label


class Mend:
    """Nodes of the steps that a broken side row speaks of, and of the steps beside them, each free to move one step."""

    name = "mend"

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``; None where no row is broken."""
        around, T = self._around, self._around.program.n_steps
        broken = np.flatnonzero(schedule.violation(around.program) > 0)
        if not broken.size:
            return None
        steps = around.steps_of(int(rng.choice(broken)))
        reachable = around.reachable(schedule)
        at = np.where(schedule.step < T, schedule.step, reachable)
        near = np.zeros(T + 1, np.bool_)
        near[np.clip(np.concatenate([steps - 1, steps, steps + 1]), 0, T - 1)] = True
        allowed = near[at] & ~taken
        candidates = np.flatnonzero(allowed)
        if not candidates.size:
            return None
        nodes = around.ball(int(rng.choice(candidates)), allowed, max(size // 2, 4), rng)
        return around.windows(schedule, nodes, np.maximum(at[nodes] - 1, 0), at[nodes] + 1)


class RelaxedMend:
    """All nodes of the steps that a broken side row speaks of, and of those beside them, for a relaxation.

    The steps beside are one, two, four and so on either way, up to all, as long as nothing better is found.
    """

    name = "mend, relaxed"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._tried: set[tuple[int, int, bytes]] = set()

    def forget(self) -> None:
        """Runs in which nothing better was found are looked at again: breaking rows has become dearer."""
        self._tried = set()

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``; windows as they are, not propagated, and None where no side row is broken."""
        del size
        around, T = self._around, self._around.program.n_steps
        broken = np.flatnonzero(schedule.violation(around.program) > 0)
        broken = broken[np.diff(around.program.rows.indptr)[broken] > 0]
        if not broken.size:
            return None
        steps = around.steps_of(int(rng.choice(broken)))
        reachable = around.reachable(schedule)
        state = hashlib.blake2b(schedule.step.tobytes(), digest_size=16).digest()
        beside = 1
        while True:
            begin, end = max(int(steps[0]) - beside, 0), min(int(steps[-1]) + 1 + beside, T)
            inside = around.run(schedule, (begin, end), reachable, every=True)
            if (begin, end, state) not in self._tried and inside.any() and not (inside & taken).any():
                self._tried.add((begin, end, state))
                return _run_windows(schedule, inside, (begin, end), T)
            if end - begin >= T:
                return None
            beside *= 2


class Recombined:
    """All nodes in which the schedule differs from others that were met, free between the steps these have.

    What they have in common is kept. As many of the others are drawn as the size allows; where one alone is too much, a
    ball of the nodes that differ.
    """

    name = "recombined"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._met: list[Integers] = []
        self.fresh = 0

    def add(self, other: Schedule) -> None:
        """Another schedule of the same program."""
        self._met = [*self._met, other.step][-_MOST_MET:]
        self.fresh = _LOOKS

    def draw(self, schedule: Schedule, size: int, rng: np.random.Generator, taken: NDArray[np.bool_]) -> Windows | None:
        """See ``Neighbourhood``; None where no other schedule differs."""
        self.fresh = max(self.fresh - 1, 0)
        first, last = schedule.step.copy(), schedule.step.copy()
        chosen = None
        for k in [len(self._met) - 1, *rng.permutation(len(self._met)).tolist()] if self._met else []:
            low, high = np.minimum(first, self._met[k]), np.maximum(last, self._met[k])
            low, high = np.where(taken, first, low), np.where(taken, last, high)
            nodes = np.flatnonzero(high > low)
            if not nodes.size:
                continue
            if chosen is None and nodes.size > size:
                nodes = self._around.ball(int(rng.choice(nodes)), high > low, size, rng)
            windows = self._around.windows(schedule, nodes, low[nodes], high[nodes])
            if chosen is not None and windows.widths.sum() > size:
                continue
            first, last, chosen = low, high, windows
            if windows.widths.sum() > size:
                break
        return chosen


def _run_windows(schedule: Schedule, inside: NDArray[np.bool_], steps: tuple[int, int], never: int) -> Windows:
    """Windows of the steps of a run for its nodes ``(n,)``, not propagated."""
    first, last, opened = kept(schedule.step)
    first[inside], last[inside] = steps[0], steps[1] - 1
    return Windows(first, last, opened | (inside & (schedule.step >= never)))


def every_kind(around: Surroundings, solved: SolvedRuns) -> tuple[Recombined, list[Neighbourhood]]:
    """The kinds in the order in which they are first tried, and the one that learns of other schedules."""
    recombined = Recombined(around)
    return recombined, [
        Everything(around),
        recombined,
        *(RelaxedRun(around, length, solved) for length in _RELAXED if length <= around.program.n_steps),
        StepRun(around, 2, solved),
        StepRun(around, 3, solved),
        Ball(around, 1),
        Ball(around, 2),
        Merged(around, 1),
        Merged(around, 2),
        Ball(around, 1, drawn=True),
        RelaxedMend(around),
        Mend(around),
    ]
