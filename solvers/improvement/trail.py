"""A schedule on its way: which part of it is decided again next, and what became of the parts before."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.improvement.neighbourhoods import (
    Ball,
    Everything,
    Mend,
    Merged,
    Neighbourhood,
    Recombined,
    RelaxedMend,
    RelaxedRun,
    SolvedRuns,
    StepRun,
    Surroundings,
    every_kind,
)
from solvers.improvement.parts import WindowPart
from solvers.improvement.run_part import RunPart
from solvers.improvement.settling import merit, settle
from solvers.improvement.subprogram import Elastics
from solvers.schedule import keeps_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import UnionType

    from numpy.typing import NDArray

    from solvers.improvement.parts import Part, Solved
    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.improvement.windows import Windows
    from solvers.relaxation.program import ClosureProgram, Floats, Integers
    from solvers.schedule import Schedule

_LOG = logging.getLogger(__name__)
_FIRST_SIZE = 1_500
_LEAST_SIZE, _MOST_SIZE = 60, 6_000
_EASY = 4_000
_FLEXIBLE = 600
_SINGLE_CHOICE = 0.5
"""Share of the parts in which what moves has one choice a step: these programs are smaller."""
_MEMORY = 0.8
_CLOSENESS, _CLOSER, _CLOSEST = 0.01, 0.1, 0.001
"""Distance to its best at which a part is left, over what lies between the schedule and the bound: at first, times what
when looked at more closely, and at last."""
_BROKEN_PARTS, _RAISE, _MOST_RAISES = 8, 4.0, 5
_VAIN_RUN = _BROKEN_PARTS + 1
"""Parts that a relaxed run counts as where it mends nothing: it holds all ways of mending, and none pays."""
_LEAST_REWARD = 0.05
_HELD = 3_000
"""Nodes of a run that a mixed-integer program can hold, in the mean if all are taken."""
_MENDED = 3
"""Steps of the shortest run in which broken rows are mended."""
_MOST_TAKEN = 0.5
"""Share of all nodes in parts being solved beyond which others may have nodes in common with them: what is left would
hardly be worth a part, and of two answers that do not go together the better one is taken."""
_DRAWS = 4
"""Times a kind is asked for a part that was not solved already."""


def _holds_runs(program: ClosureProgram, steps: int) -> bool:
    """Whether mixed-integer programs can hold runs of so many steps, in the mean; longer ones are relaxed."""
    return program.n_nodes * steps <= _HELD * program.n_steps


@dataclass(frozen=True, eq=False)
class Guidance:
    """What is known of a program before its schedules are searched.

    Attributes:
        penalty: Loss for a unit of each broken side row ``(M,)``, of ``row_penalties``.
        bound: No schedule is worth more.
        multipliers: Multipliers of the side rows ``(M,)``, to tell which choices are worth deciding again.
        goal: Mean step of each node in the relaxation ``(n,)``; None where there is no point of it.
        capacities: Whether every side row is a capacity. Then runs of two and three steps go before all other kinds
            until they bring nothing more; else only while no other kind brings more. Relaxed runs go first always.
    """

    penalty: Floats
    bound: float
    multipliers: Floats
    goal: Floats | None = None
    capacities: bool = True


@dataclass(eq=False)
class _Kind:
    """A kind of neighbourhood with what is known of it."""

    draw: Neighbourhood
    size: int = _FIRST_SIZE
    reward: float = 1.0
    gained: float = 0.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """A part to be solved.

    Attributes:
        kind: The kind of neighbourhood it is of.
        part: The part.
        close: Distance to its best that is good enough.
        key: What it is known by once nothing better was found in it.
    """

    kind: _Kind
    part: Part
    close: float
    key: int


class Trail:
    """A schedule that is improved part by part. It may break side rows at first, and keeps the arcs always.

    Attributes:
        best: The schedule of most merit.
        merit: Its objective less the penalty of rows broken.
        kept: The last one that kept every row; None where there was none.
        parts: Parts solved.
        merits: Merit after every part since it was begun, looked at more closely, or met another one; relaxed
            runs that brought nothing are left out.
        ended: Whether there was no part left to be solved.
    """

    def __init__(
        self, builder: SubprogramBuilder, schedule: Schedule, guidance: Guidance, seed: int, solved: SolvedRuns
    ) -> None:
        self._builder, self._program = builder, builder.program
        self._bound, self._penalty, self._multipliers = guidance.bound, guidance.penalty, guidance.multipliers
        self._capacities = guidance.capacities
        goal = schedule.step.astype(np.float64) if guidance.goal is None else guidance.goal
        self._around = Surroundings.of(builder, goal)
        self._recombined, kinds = every_kind(self._around, solved)
        self._kinds = [_Kind(kind) for kind in kinds if self._suits(kind)]
        self._closeness = _CLOSENESS
        self._rng = np.random.default_rng(seed)
        self.best = schedule
        self.merit = self._worth(schedule)
        self.merits, self.ended = [self.merit], False
        self.parts = self._broken = self._raises = 0
        self._fruitless: set[int] = set()
        self.kept: Schedule | None = schedule if self.keeps_rows() else None

    def _suits(self, kind: Neighbourhood) -> bool:
        """Whether a kind suits the program; runs that a mixed-integer program can hold need no relaxation."""
        program = self._program
        if isinstance(kind, RelaxedRun | RelaxedMend):
            steps = kind.length if isinstance(kind, RelaxedRun) else _MENDED
            return self._builder.moves_groups and not program.lags.any() and not _holds_runs(program, steps)
        return self._builder.moves_groups or not isinstance(kind, Merged)

    @property
    def gained(self) -> dict[str, float]:
        """Gain by kind of neighbourhood."""
        return {kind.draw.name: kind.gained for kind in self._kinds}

    def keeps_rows(self) -> bool:
        """Whether the schedule of most merit keeps every side row."""
        return keeps_rows(self._program, self.best)

    def at_rest(self, parts: int, share: float) -> bool:
        """Whether the last parts brought less than a share of what lies between merit and bound.

        Not while rows are broken: these are mended first, at penalties that are raised, up to a point.
        """
        if self.ended:
            return True
        if len(self.merits) <= parts or not (self.keeps_rows() or self._given_up()):
            return False
        distance = self._bound - self.merit
        scale = distance if np.isfinite(distance) else abs(self.merit)
        return self.merit - self.merits[-1 - parts] <= share * scale

    def meet(self, other: Schedule) -> None:
        """Another schedule to recombine with."""
        self._recombined.add(other)
        self.merits = [self.merit]

    def _given_up(self) -> bool:
        """Whether rows stay broken at the highest penalties."""
        return self._raises >= _MOST_RAISES and self._broken > _BROKEN_PARTS

    def draw(self, busy: Sequence[Part]) -> Drawn | None:
        """A part to be solved next; None where there is none.

        It has no node in common with those being solved as long as these leave enough.
        """
        taken = np.zeros(self._program.n_nodes, np.bool_)
        for part in busy:
            taken |= part.free
        if taken.mean() > _MOST_TAKEN:
            taken[:] = False
        for kind in self._in_order():
            drawn = self._drawn(kind, taken)
            if drawn is not None:
                self.ended = False
                return drawn
            if isinstance(kind.draw, RelaxedRun) and kind.draw.held_up and all(isinstance(p, RunPart) for p in busy):
                # Those it waits for are soon done, and bring more than what could be solved meanwhile.
                return None
        self.ended = not busy
        return None

    def _drawn(self, kind: _Kind, taken: NDArray[np.bool_]) -> Drawn | None:
        """A part of a kind, of those drawn at random one in which something better may be found."""
        at_random = isinstance(kind.draw, Ball | Merged)
        for _ in range(_DRAWS if at_random else 1):
            windows = kind.draw.draw(self.best, kind.size, self._rng, taken)
            if windows is None or not windows.free.any():
                return None
            part = self._part(kind, windows)
            if not at_random or part.key not in self._fruitless:
                return Drawn(kind, part, self._close(kind), part.key)
        return None

    def take(self, drawn: Drawn, answer: Solved | None) -> None:
        """Takes an answer as it is, or what it changed where the schedule has changed since, whichever is better."""
        if answer is not None:
            self.parts += 1
            before = self.merit
            candidates = [answer.schedule]
            if self.best is not drawn.part.schedule:
                joined = self._joined(drawn.part.schedule, answer.schedule)
                candidates += [] if joined is None else [joined]
            worth = [self._worth(candidate) for candidate in candidates]
            own = worth[0] - self._worth(drawn.part.schedule)
            k = int(np.argmax(worth))
            if worth[k] > before + 1e-9 * abs(before):
                self.best, self.merit = candidates[k], worth[k]
                drawn.kind.gained += worth[k] - before
                self._fruitless = set()
            elif answer.finished and self.best is drawn.part.schedule:
                self._fruitless.add(drawn.key)
            if answer.finished and isinstance(drawn.kind.draw, RelaxedRun) and isinstance(drawn.part, RunPart):
                drawn.kind.draw.proven(drawn.part.schedule, drawn.part.begin)
            elif answer.finished and self._capacities and isinstance(drawn.kind.draw, StepRun):
                drawn.kind.draw.found(drawn.part.schedule, answer.schedule)
            self._learn(drawn.kind, own, answer)
            _LOG.debug("%s: size %d gain %.6g", drawn.kind.draw.name, drawn.kind.size, own)
        vain = isinstance(drawn.part, RunPart) and self.merit <= self.merits[-1]
        # That relaxations find nothing says little of what mixed-integer programs would bring.
        if not vain:
            self.merits.append(self.merit)
        self._insist(_VAIN_RUN if vain else 1)
        if self.keeps_rows():
            self.kept = self.best

    def look_closer(self) -> bool:
        """Solves parts nearer to their best from now on; false where they are already."""
        if self._closeness <= _CLOSEST:
            return False
        self._closeness *= _CLOSER
        self._fruitless = set()
        self.ended = False
        for kind in self._kinds:
            if isinstance(kind.draw, StepRun):
                kind.draw.look_closer()
                kind.reward = 1.0
        self.merits = [self.merit]
        return True

    def _close(self, kind: _Kind) -> float:
        """Distance to the best of a part that is good enough."""
        distance, size = self._bound - self.merit, max(abs(self.merit), 1e-9)
        share = _CLOSEST if kind.draw is self._recombined else self._closeness
        return max(1e-7 * size, share * distance if np.isfinite(distance) else 1e-3 * share * size)

    def _in_order(self) -> list[_Kind]:
        """Kinds in the order in which they are asked.

        Everything at once where that is possible; the mending kinds while rows are broken; schedules met that were not
        looked at yet; then relaxed runs until they have had enough, and runs as well, or only as long as no other kind
        brings more, the shorter ones first; and after that all by reward.
        """
        kinds = self._kinds
        weight = np.array([kind.reward for kind in kinds]) + _LEAST_REWARD
        order = self._rng.choice(len(kinds), len(kinds), replace=False, p=weight / weight.sum()).tolist()
        first = self._of(Everything)
        if not self.keeps_rows():
            first += self._of(RelaxedMend) + self._of(Mend)
        else:
            if self._recombined.fresh:
                first += self._of(Recombined)
            others = 0.0 if self._capacities else max(kind.reward for kind in self._of(Ball | Merged))
            first += self._of(RelaxedRun)
            first += [kind for kind in self._of(StepRun) if kind.reward > _LEAST_REWARD and kind.reward >= others]
        return list({id(kind): kind for kind in [*first, *(kinds[k] for k in order)]}.values())

    def _of(self, kind: type[Neighbourhood] | UnionType) -> list[_Kind]:
        """The kinds of a class, in the order in which they are first tried."""
        return [one for one in self._kinds if isinstance(one.draw, kind)]

    def _part(self, kind: _Kind, windows: Windows) -> Part:
        if isinstance(kind.draw, RelaxedRun | RelaxedMend):
            free = windows.free
            begin, end = int(windows.first[free].min()), int(windows.last[free].max()) + 1
            return RunPart(self.best, free, begin, end, self._penalty)
        violation = self.best.violation(self._program)
        rows = np.flatnonzero(violation > 0)
        several = self._program.n_choices > 1 and not isinstance(kind.draw, Everything)
        if isinstance(kind.draw, StepRun):
            # The smaller program first: it is the one that is finished in the time given to a part.
            single = several and not kind.draw.again
        else:
            single = several and self._rng.random() < _SINGLE_CHOICE
        return WindowPart(
            self.best,
            windows,
            self._flexible(windows),
            Elastics(rows, self._penalty[rows]),
            self._multipliers if single else None,
        )

    def _flexible(self, windows: Windows) -> Integers:
        """Parts that keep their step and are taken over several, or whose choice is nearest to another one."""
        program, best = self._program, self.best
        spans = best.spans(program)
        if program.n_choices == 1:
            return np.flatnonzero(spans & ~windows.free[program.part_node])[:_FLEXIBLE]
        parts = best.taken_parts(program)
        parts = parts[~windows.free[program.part_node[parts]]]
        price = self._builder.prices(parts, best.step[program.part_node[parts]], self._multipliers)
        ordered = np.sort(price, axis=1)
        margin = ordered[:, -1] - ordered[:, -2]
        split = ((best.share[parts] > 1e-6).sum(axis=1) > 1) | (
            price[np.arange(parts.size), best.share[parts].argmax(axis=1)] < ordered[:, -1]
        )
        margin = np.where(split | spans[parts], -1.0, margin)
        if parts.size > _FLEXIBLE:
            parts = parts[np.argpartition(margin, _FLEXIBLE)[:_FLEXIBLE]]
        return np.sort(parts)

    def _learn(self, kind: _Kind, gain: float, answer: Solved) -> None:
        """Reward for the work spent; larger parts where they are easy, smaller where they are not finished."""
        scale = max(self._bound - self.merit, 1e-6 * abs(self.merit)) if np.isfinite(self._bound) else abs(self.merit)
        rate = 100.0 * max(gain, 0.0) / max(scale, 1e-12) / (1.0 + answer.iterations / 5_000.0)
        kind.reward = _MEMORY * kind.reward + (1 - _MEMORY) * min(rate, 10.0)
        if not answer.finished:
            kind.size = max(int(kind.size * (0.75 if gain > 0 else 0.5)), _LEAST_SIZE)
        elif answer.easy and answer.iterations < _EASY:
            kind.size = min(int(kind.size * 1.3) + 1, _MOST_SIZE)

    def _insist(self, parts: int) -> None:
        """Raises the penalties where rows stay broken for long; the last part counts as so many."""
        self._broken = 0 if self.keeps_rows() else self._broken + parts
        if self._broken > _BROKEN_PARTS and self._raises < _MOST_RAISES:
            self._raises += 1
            self._penalty = _RAISE * self._penalty
            self._fruitless = set()
            for kind in self._kinds:
                if isinstance(kind.draw, RelaxedMend | Everything):
                    kind.draw.forget()
            self.merit, self._broken = self._worth(self.best), 0
            self.merits = [self.merit]

    def _joined(self, base: Schedule, other: Schedule) -> Schedule | None:
        """The best schedule with what another one changed; None where they do not go together."""
        joined = self.best.joined(self._program, base, other)
        if joined is None or not self._program.n_extras:
            return joined
        return settle(self._builder, joined, self._penalty, np.zeros(0, np.int64))

    def _worth(self, schedule: Schedule) -> float:
        """Objective less the penalty of rows broken."""
        return merit(self._program, schedule, self._penalty)
