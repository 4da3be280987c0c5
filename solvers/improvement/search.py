"""Large-neighbourhood search, one part a worker at a time, begun anew elsewhere where it comes to rest.

A schedule at rest waits while others, from ``restart``, are brought to rest as well, for as long as it took itself.
What schedules have in common is then kept and what they differ in is decided again, which leads where none of them
could be brought by small parts. Where that brings little, a schedule is looked at more closely: its parts are solved
nearer to their best.

With a limit of time a worker is given its next part as soon as it is free; without one workers wait for each other, so
that the outcome depends on the seed alone.

Sources: Shaw (1998) and Ropke and Pisinger (2006) for the search (see the package); for deciding again what schedules
differ in, Aggarwal, Orlin and Tai (1997), "Optimized crossover for the independent set problem", Operations Research
45:226, and, on mines, the merge search of Kenny, Li, Ernst and Sun (2019), GECCO.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from solvers.improvement.neighbourhoods import SolvedRuns
from solvers.improvement.parts import PartLimits
from solvers.improvement.trail import Drawn, Guidance, Trail
from solvers.improvement.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers.improvement.subprogram import SubprogramBuilder
    from solvers.schedule import Schedule

_PART_SECONDS, _PART_SHARE = 5.0, 0.02
"""Most time for a part where there is a time limit, the longer of seconds and share."""
_SHORT_PART_SECONDS = 2.5
"""The same where rows are no capacities and the schedule keeps them: many short parts bring more than few long ones."""
_WORTH_WHILE = 2e-5
"""Gain, over the objective, for which rounds are worth going on with."""
_REST_PARTS, _SWEPT_PARTS, _REST_SHARE = 10, 5, 0.01
"""A schedule is at rest where so many parts for each worker brought less than this share of what lies to the bound; the
second number where rows are capacities and runs of steps go first, which leave less to be found by other kinds."""
_OTHER_PARTS, _OTHER_SHARE = 8, 0.02
"""The same for the others, which have to be good only where the schedule is not."""
_PROMISING = 1.03
"""Another schedule is looked at more closely where it is no further from the bound than so many times the best one."""


class Restart(Protocol):
    """Gives schedules to begin anew with."""

    def __call__(self, number: int, best: Schedule) -> Schedule:
        """The schedule of a number, from 0 on; it keeps the arcs, and may use the best one known."""
        ...


@dataclass(frozen=True, eq=False)
class Round:
    """Where a search stands after a round.

    Attributes:
        parts: Parts solved so far.
        schedule: The schedule of most merit.
        objective: Its worth.
        feasible: Whether it keeps every side row.
    """

    parts: int
    schedule: Schedule
    objective: float
    feasible: bool


@dataclass(frozen=True)
class ImprovementOptions:
    """When to stop, and how to search.

    Attributes:
        seconds: Wall-clock limit; None for none. With it, runs repeat only in quality.
        rounds: Most rounds; None for none. With rounds alone the outcome depends on the seed only.
        gap: Relative distance to the bound, over the objective, that is good enough.
        seed: Of the choice of neighbourhoods.
        workers: Parts solved at the same time, each in a process of its own where there are several.
        spent: Seconds of search that the schedule has behind it, for others begun anew to be given as long.
        part_seconds: Most seconds for one part; None where runs have to repeat.
        part_nodes: Most branch-and-bound nodes of one part.
        patience: Without a limit of time or rounds, the parts that have to bring something between them where there are
            no schedules to begin anew with; where there are, beginning anew has to bring something.
    """

    seconds: float | None = None
    rounds: int | None = None
    gap: float = 0.0
    seed: int = 0
    workers: int = 1
    spent: float = 0.0
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


def improve(
    builder: SubprogramBuilder,
    schedule: Schedule,
    options: ImprovementOptions,
    guidance: Guidance,
    *,
    restart: Restart | None = None,
    on_round: Callable[[Round], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> ImprovementResult:
    """Improves a schedule; it may break side rows at first, and keeps the arcs always.

    Args:
        builder: Of the program.
        schedule: Where to start from.
        options: When to stop.
        guidance: Bound, penalties, and what the relaxation says.
        restart: Gives other schedules to begin with; they keep the arcs. Without it there are no others.
        on_round: Told after each round where the search stands.
        interrupted: Asked again and again; true ends the search.
    """
    search = _Search(builder, schedule, options, guidance, restart)
    return search.run(on_round or (lambda _round: None), interrupted or (lambda: False))


class _Search:
    """State of one search."""

    def __init__(
        self,
        builder: SubprogramBuilder,
        schedule: Schedule,
        options: ImprovementOptions,
        guidance: Guidance,
        restart: Restart | None,
    ) -> None:
        self._begun = time.perf_counter()
        self._builder, self._options, self._guidance, self._restart = builder, options, guidance, restart
        self._solved = SolvedRuns()
        self._main = Trail(builder, schedule, guidance, options.seed, self._solved)
        self._others: list[Trail] = []
        self._begun_with: dict[int, tuple[Trail, Drawn]] = {}
        self._rests: list[float] = []
        self._spell, self._until = 0.0, np.inf
        self._rounds = self._restarts = self._parts = 0

    def run(self, told: Callable[[Round], None], interrupted: Callable[[], bool]) -> ImprovementResult:
        """Rounds until a reason to stop."""
        main, program, begun = self._main, self._builder.program, self._begun_with
        with Workers(self._builder, self._options.workers) as workers:
            while (stop := self._reason(interrupted)) is None:
                while workers.room and (drawn := self._draw()) is not None:
                    begun[workers.begin(drawn[1].part, self._limits(*drawn))] = drawn
                if not begun:
                    stop = "stalled"
                    break
                for ticket, answer in workers.answers(interrupted, every=self._options.seconds is None):
                    trail, drawn_part = begun.pop(ticket)
                    trail.take(drawn_part, answer)
                    self._parts += answer is not None
                self._rounds += 1
                told(Round(self._parts, main.best, main.best.objective(program), main.keeps_rows()))
        best = main.best if main.kept is None else main.kept
        return ImprovementResult(
            schedule=best,
            objective=best.objective(program),
            feasible=main.kept is not None,
            rounds=self._rounds,
            parts=self._parts,
            gained=main.gained,
            stop=stop,
        )

    def _draw(self) -> tuple[Trail, Drawn] | None:
        """A part of the schedule itself, or of the others while it is at rest; None where there is none."""
        self._begin_anew()
        for trail in [*self._going(), self._main]:
            busy = [drawn.part for other, drawn in self._begun_with.values() if other is trail]
            if (drawn := trail.draw(busy)) is not None:
                return trail, drawn
        return None

    def _begin_anew(self) -> None:
        """Others, one a worker, where the schedule is at rest and can be looked at no closer."""
        main, count = self._main, self._options.workers
        parts = count * _REST_PARTS
        if self._guidance.capacities:
            # No fewer than there are runs to look at.
            parts = max(count * _SWEPT_PARTS, self._builder.program.n_steps)
        if self._restart is None or self._others or not main.at_rest(parts, _REST_SHARE):
            return
        little = _OTHER_SHARE * (self._guidance.bound - main.merit)
        in_vain = bool(self._rests) and main.merit - self._rests[-1] <= little
        # Where rows are no capacities, others seldom come as far, and take as long.
        if (in_vain or not self._guidance.capacities) and main.look_closer():
            return
        self._rests.append(main.merit)
        now = time.perf_counter()
        self._spell = self._spell or self._options.spent + now - self._begun
        self._until = now + self._spell if self._options.seconds is not None else np.inf
        for _ in range(count):
            schedule = self._restart(self._restarts, main.best)
            self._restarts += 1
            seed = self._options.seed + self._restarts
            # Rows that are no capacities tie a run to what is outside of it: there each plan knows its own runs only.
            solved = self._solved if self._guidance.capacities else SolvedRuns()
            self._others.append(Trail(self._builder, schedule, self._guidance, seed, solved))

    def _going(self) -> list[Trail]:
        """The others that are not at rest, those with the fewest parts being solved first; met when all are."""
        main, bound = self._main, self._guidance.bound
        going = []
        for trail in self._others:
            promising = bound - trail.merit <= _PROMISING * (bound - main.merit)
            closer = promising and len(self._rests) > 1
            if not trail.at_rest(_OTHER_PARTS, _OTHER_SHARE) or (closer and trail.look_closer()):
                going.append(trail)
        if self._others and (not going or time.perf_counter() > self._until):
            for trail in self._others:
                if trail.kept is not None:
                    main.meet(trail.kept)
            self._others = going = []
        at_work = [trail for trail, _ in self._begun_with.values()]
        return sorted(going, key=lambda trail: sum(other is trail for other in at_work))

    def _reason(self, interrupted: Callable[[], bool]) -> str | None:
        options, main = self._options, self._main
        bound, merit = self._guidance.bound, main.merit
        spent = time.perf_counter() - self._begun
        allowed = max(options.gap * abs(merit), 1e-9 * abs(bound)) if np.isfinite(bound) else 0.0
        if bound - merit <= allowed and main.keeps_rows():
            return "gap"
        if interrupted():
            return "interrupted"
        if options.seconds is not None and spent >= options.seconds:
            return "time"
        if options.rounds is not None and self._rounds >= options.rounds:
            return "rounds"
        if options.seconds is None and options.rounds is None and self._stalled():
            return "stalled"
        return None

    def _stalled(self) -> bool:
        """Whether nothing worth while came of beginning anew, or of many parts where that cannot be."""
        merit, merits, rests, patience = self._main.merit, self._main.merits, self._rests, self._options.patience
        little = _WORTH_WHILE * abs(merit)
        # A schedule whose rows nothing mended came to rest as well.
        if self._restart is not None and (rests or self._main.keeps_rows()):
            return len(rests) > 1 and rests[-1] - rests[-2] <= little
        return len(merits) > patience and merit - merits[-1 - patience] <= little

    def _limits(self, trail: Trail, drawn: Drawn) -> PartLimits:
        options = self._options
        seconds = options.part_seconds
        if options.seconds is not None:
            left = max(options.seconds - (time.perf_counter() - self._begun), 0.05)
            short = not self._guidance.capacities and trail.keeps_rows()
            usual = _SHORT_PART_SECONDS if short else max(_PART_SECONDS, _PART_SHARE * options.seconds)
            usual *= drawn.part.patience
            seconds = min(left, usual if seconds is None else seconds)
        return PartLimits(seconds, options.part_nodes, drawn.close, options.seed + self._rounds)
