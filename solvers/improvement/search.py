"""Large-neighbourhood search on whole schedules, in synchronous rounds of one part a worker."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.improvement.neighbourhoods import Merged, Neighbourhood, Surroundings, every_kind
from solvers.improvement.settling import merit, settle
from solvers.improvement.subprogram import Elastics
from solvers.improvement.workers import Part, PartLimits, Workers
from solvers.schedule import keeps_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.improvement.windows import Windows
    from solvers.improvement.workers import Solved
    from solvers.relaxation.program import Floats, Integers
    from solvers.schedule import Schedule

_LOG = logging.getLogger(__name__)
_FIRST_SIZE = 1_500
_LEAST_SIZE, _MOST_SIZE = 60, 6_000
_EASY = 4_000
_FLEXIBLE = 600
_PART_SECONDS, _PART_SHARE = 5.0, 0.02
"""Most time for a part where there is a time limit: parts of a round wait for each other."""
_SINGLE_CHOICE = 0.5
"""Share of the parts in which what moves has one choice a step: these programs are smaller."""
_MEMORY = 0.8
_BROKEN_ROUNDS, _RAISE, _MOST_RAISES = 8, 4.0, 5
_WORTH_WHILE = 2e-5
"""Gain, over the objective, for which rounds are worth going on with."""
_LEAST_REWARD = 0.05


@dataclass(frozen=True)
class ImprovementOptions:
    """When to stop, and how to search.

    Attributes:
        seconds: Wall-clock limit; None for none. With it, runs repeat only in quality.
        rounds: Most rounds; None for none. With rounds alone the outcome depends on the seed only.
        gap: Relative distance to the bound, over the objective, that is good enough.
        seed: Of the choice of neighbourhoods.
        workers: Parts solved at the same time, each in a process of its own where there are several.
        part_seconds: Most seconds for one part; None where runs have to repeat.
        part_nodes: Most branch-and-bound nodes of one part.
        patience: Without a limit of time or rounds, the rounds that have to bring something between them.
    """

    seconds: float | None = None
    rounds: int | None = None
    gap: float = 0.0
    seed: int = 0
    workers: int = 1
    part_seconds: float | None = None
    part_nodes: int = 400
    patience: int = 40


@dataclass(frozen=True, eq=False)
class ImprovementResult:
    """The best schedule found.

    Attributes:
        schedule: The schedule.
        objective: Its worth.
        feasible: Whether it keeps every side row.
        rounds: Rounds run.
        parts: Parts solved.
        gained: Gain by kind of neighbourhood.
        stop: Why it ended: gap, time, rounds, interrupted or stalled.
    """

    schedule: Schedule
    objective: float
    feasible: bool
    rounds: int
    parts: int
    gained: dict[str, float]
    stop: str


@dataclass
class _Kind:
    """A kind of neighbourhood with what is known of it."""

    draw: Neighbourhood
    size: int = _FIRST_SIZE
    reward: float = 1.0
    gained: float = 0.0


@dataclass(frozen=True, eq=False)
class Guidance:
    """What is known of a program before its schedules are searched.

    Attributes:
        penalty: Loss for a unit of each broken side row ``(M,)``, of ``row_penalties``.
        bound: No schedule is worth more.
        multipliers: Multipliers of the side rows ``(M,)``, to tell which choices are worth deciding again.
        goal: Mean step of each node in the relaxation ``(n,)``; None where there is no point of it.
    """

    penalty: Floats
    bound: float
    multipliers: Floats
    goal: Floats | None = None


def improve(
    builder: SubprogramBuilder,
    schedule: Schedule,
    options: ImprovementOptions,
    guidance: Guidance,
    *,
    on_round: Callable[[int, float, bool], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> ImprovementResult:
    """Improves a schedule; it may break side rows at first, and keeps the arcs always.

    Args:
        builder: Of the program.
        schedule: Where to start from.
        options: When to stop.
        guidance: Bound, penalties, and what the relaxation says.
        on_round: Told after each round of the parts solved so far, the objective, and whether it keeps every row.
        interrupted: Asked again and again; true ends the search.
    """
    search = _Search(builder, schedule, options, guidance)
    return search.run(on_round or (lambda _parts, _objective, _feasible: None), interrupted or (lambda: False))


class _Search:
    """State of one search."""

    def __init__(
        self, builder: SubprogramBuilder, schedule: Schedule, options: ImprovementOptions, guidance: Guidance
    ) -> None:
        self._begun = time.perf_counter()
        self._builder, self._options = builder, options
        self._bound, self._penalty, self._multipliers = guidance.bound, guidance.penalty, guidance.multipliers
        self._program = builder.program
        goal = schedule.step.astype(np.float64) if guidance.goal is None else guidance.goal
        kinds = every_kind(Surroundings.of(builder, goal))
        self._kinds = [_Kind(kind) for kind in kinds if builder.moves_groups or not isinstance(kind, Merged)]
        self._rng = np.random.default_rng(options.seed)
        self._best = schedule
        self._merit = self._worth(schedule)
        self._merits = [self._merit]
        self._kept: Schedule | None = schedule if self._keeps_rows() else None
        self._rounds = self._parts = self._broken = self._raises = 0

    def run(self, told: Callable[[int, float, bool], None], interrupted: Callable[[], bool]) -> ImprovementResult:
        """Rounds until a reason to stop."""
        options = self._options
        with Workers(self._builder, options.workers) as workers:
            while (stop := self._reason(interrupted)) is None:
                drawn = self._draw()
                if not drawn:
                    stop = "stalled"
                    break
                parts = [self._part(kind, windows) for kind, windows in drawn]
                answers = workers.solve(parts, self._limits(), interrupted)
                self._rounds += 1
                self._take(drawn, answers)
                self._insist()
                if self._keeps_rows():
                    self._kept = self._best
                self._merits.append(self._merit)
                told(self._parts, self._best.objective(self._program), self._keeps_rows())
        best = self._best if self._kept is None else self._kept
        return ImprovementResult(
            schedule=best,
            objective=best.objective(self._program),
            feasible=self._kept is not None,
            rounds=self._rounds,
            parts=self._parts,
            gained={kind.draw.name: kind.gained for kind in self._kinds},
            stop=stop,
        )

    def _keeps_rows(self) -> bool:
        return keeps_rows(self._program, self._best)

    def _reason(self, interrupted: Callable[[], bool]) -> str | None:
        options, spent = self._options, time.perf_counter() - self._begun
        allowed = max(options.gap * abs(self._merit), 1e-9 * abs(self._bound)) if np.isfinite(self._bound) else 0.0
        if self._bound - self._merit <= allowed and self._keeps_rows():
            return "gap"
        if interrupted():
            return "interrupted"
        spent_freely = options.seconds is None and options.rounds is None
        if options.seconds is not None and spent >= options.seconds:
            return "time"
        if options.rounds is not None and self._rounds >= options.rounds:
            return "rounds"
        before = self._merits[-1 - options.patience] if len(self._merits) > options.patience else -np.inf
        if spent_freely and self._merit - before <= _WORTH_WHILE * abs(self._merit):
            return "stalled"
        return None

    def _draw(self) -> list[tuple[_Kind, Windows]]:
        """A neighbourhood for each worker, no node in two of them."""
        drawn: list[tuple[_Kind, Windows]] = []
        taken = np.zeros(self._program.n_nodes, np.bool_)
        for _ in range(self._options.workers):
            for kind in self._in_order():
                windows = kind.draw.draw(self._best, kind.size, self._rng, taken)
                if windows is not None and windows.free.any():
                    drawn.append((kind, windows))
                    taken |= windows.free
                    break
        return drawn

    def _in_order(self) -> list[_Kind]:
        """Kinds in the order in which they are asked.

        Everything at once where that is possible; the mending kind while rows are broken; then runs of two steps until
        they have had enough, and after that all by reward.
        """
        kinds = self._kinds
        weight = np.array([kind.reward for kind in kinds]) + _LEAST_REWARD
        order = self._rng.choice(len(kinds), len(kinds), replace=False, p=weight / weight.sum()).tolist()
        first = [0]
        if not self._keeps_rows():
            first.append(len(kinds) - 1)
        elif kinds[1].reward > _LEAST_REWARD:
            first.append(1)
        return [kinds[k] for k in dict.fromkeys([*first, *order])]

    def _part(self, kind: _Kind, windows: Windows) -> Part:
        violation = self._best.violation(self._program)
        rows = np.flatnonzero(violation > 0)
        several = self._program.n_choices > 1 and kind is not self._kinds[0]
        single = several and self._rng.random() < _SINGLE_CHOICE
        return Part(
            self._best,
            windows,
            self._flexible(windows),
            Elastics(rows, self._penalty[rows]),
            self._multipliers if single else None,
        )

    def _flexible(self, windows: Windows) -> Integers:
        """Parts that keep their step and are taken over several, or whose choice is nearest to another one."""
        program, best = self._program, self._best
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

    def _limits(self) -> PartLimits:
        options = self._options
        seconds = options.part_seconds
        if options.seconds is not None:
            left = max(options.seconds - (time.perf_counter() - self._begun), 0.05)
            seconds = min(left, seconds if seconds is not None else max(_PART_SECONDS, _PART_SHARE * options.seconds))
        distance = self._bound - self._merit
        size = max(abs(self._merit), 1e-9)
        close = max(1e-6 * size, 0.01 * distance if np.isfinite(distance) else 1e-5 * size)
        return PartLimits(seconds, options.part_nodes, close, options.seed + self._rounds)

    def _take(self, drawn: list[tuple[_Kind, Windows]], answers: list[Solved | None]) -> None:
        """Takes the best answer, and what can be added of the others."""
        base, merit = self._best, self._merit
        order = sorted(
            (k for k, answer in enumerate(answers) if answer is not None),
            key=lambda k: -self._worth(answers[k].schedule),  # type: ignore[union-attr]
        )
        for k in order:
            answer, kind = answers[k], drawn[k][0]
            assert answer is not None  # noqa: S101
            self._parts += 1
            candidate = answer.schedule if self._best is base else self._joined(base, answer.schedule)
            worth = -np.inf if candidate is None else self._worth(candidate)
            own = self._worth(answer.schedule) - merit
            if candidate is not None and worth > self._merit + 1e-9 * abs(self._merit):
                self._best, self._merit = candidate, worth
                kind.gained += max(own, 0.0)
            self._learn(kind, own, answer)
            _LOG.debug("%s: size %d gain %.6g", kind.draw.name, kind.size, own)

    def _learn(self, kind: _Kind, gain: float, answer: Solved) -> None:
        """Reward for the work spent; larger parts where they are easy, smaller where they are not finished."""
        scale = (
            max(self._bound - self._merit, 1e-6 * abs(self._merit)) if np.isfinite(self._bound) else abs(self._merit)
        )
        rate = 100.0 * max(gain, 0.0) / max(scale, 1e-12) / (1.0 + answer.iterations / 5_000.0)
        kind.reward = _MEMORY * kind.reward + (1 - _MEMORY) * min(rate, 10.0)
        if not answer.finished:
            kind.size = max(int(kind.size * 0.75), _LEAST_SIZE)
        elif answer.iterations < _EASY:
            kind.size = min(int(kind.size * 1.3) + 1, _MOST_SIZE)

    def _insist(self) -> None:
        """Raises the penalties where rows stay broken for long."""
        self._broken = 0 if self._keeps_rows() else self._broken + 1
        if self._broken > _BROKEN_ROUNDS and self._raises < _MOST_RAISES:
            self._raises += 1
            self._penalty = _RAISE * self._penalty
            self._merit, self._broken = self._worth(self._best), 0
            self._merits = [self._merit]

    def _joined(self, base: Schedule, other: Schedule) -> Schedule | None:
        """The best schedule with what another one changed; None where they do not go together."""
        joined = self._best.joined(self._program, base, other)
        if joined is None or not self._program.n_extras:
            return joined
        return settle(self._builder, joined, self._penalty, np.zeros(0, np.int64))

    def _worth(self, schedule: Schedule) -> float:
        """Objective less the penalty of rows broken."""
        return merit(self._program, schedule, self._penalty)
