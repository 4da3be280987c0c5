"""The searches of a run: where they begin, whole schedules before those with spans, a last one when time is up."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.capacities import all_capacities
from solvers.following import filled_at
from solvers.improvement import (
    Guidance,
    ImprovementOptions,
    Round,
    SpreadSubprogramBuilder,
    SubprogramBuilder,
    improve,
    merit,
    row_penalties,
    settle,
)
from solvers.relax_and_fix import relax_and_fix
from solvers.relaxation.branching import CasePoint
from solvers.relaxation.shares import Shares
from solvers.rolling import can_be_rolled, relaxations_left, rolled
from solvers.rounding import disturbed, expected_steps, round_relaxation
from solvers.schedule import keeps_rows
from solvers.spread_schedule import SpreadSchedule
from solvers.threads import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers.improvement import ImprovementResult
    from solvers.relaxation import ClosureProgram, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.program import Floats
    from solvers.schedule import Schedule

_HEAD_START = 0.3
"""Share of the neighbourhood search that looks at whole schedules first where nodes may span steps: its parts bring
more at first, and the schedules with spans are then no worse."""
_ROUNDING_SHARE, _FIXING_SHARE, _MENDING_SHARE = 0.3, 0.5, 0.4
"""Shares of the time left for rounding, for relax and fix, and at most for mending a start."""
_MENDING_ROUNDS = 40
_ROUNDED_POINTS = 2
"""Points of different cases that are rounded."""
_BEHIND = 0.75
"""Share of the time that the schedule known was searched for after which one begun anew has to be as good."""
_ANEW, _ANEW_A_SECOND = 1.0, 10_000
"""Time left, over what the search of the schedule known took on one core, from which the search begins anew instead:
the points of the last cases lead higher. Nodes times steps for each second left up to which it does: in larger programs
it would not come as far again."""
_KNOWN = "found while the bound was brought down"
_FILLED = "filled step by step"
_ROLLED = "relaxed again step by step"
_LOST_LITTLE = 0.03
"""Distance to the bound, over the worth, up to which what rounding loses is made good sooner by the search."""
_ROLLED_A_SECOND = 25_000
"""Nodes times steps up to which schedules are made a few steps at a time, for each second that it may take; 25,000 to
80,000 were seen on a slow machine, and it is left off where it turns out too slow."""
_LATER, _TELLING = 0.4, 4
"""Time of a relaxation of what is left, over that of the one before, in the mean of those that follow; moments known,
the beginning and one before each relaxation, from which it is gone by: the first takes longer where no classes are."""
_NEAR = 0.05
"""A schedule that follows a point is not compared with rounded ones where it is within this share of the bound."""
_SHARES = (0.35, 0.65, 0.2, 0.8, 0.425, 0.575)
"""Shares of a node that the point has taken by the step in which schedules begun anew take it."""
_FROM_START = 2
"""Searches from the start itself before those from elsewhere."""
_GRACE = 10.0
"""Seconds of search after an interruption that would leave nothing but the empty schedule."""
_SEARCHED_WHOLE = 1_500
"""Nodes times steps up to which the search solves the program as a whole: any start does that keeps the rows."""
_LEAST_FOR_PROCESSES = 5_000
"""Nodes times steps below which a part is solved sooner than a process is started."""


_Limits = tuple[float, float | None, int | None]
"""When the work began, the seconds left at that time, and most rounds; None for none."""
_NO_LIMITS: _Limits = (0.0, None, None)


@dataclass(frozen=True, eq=False)
class Start:
    """Where a search begins.

    Attributes:
        origin: An order of rounding, ``relaxed again step by step``, ``filled step by step``, ``relax and fix``, or the
            name of a given start.
        schedule: The schedule, whole; it may break rows.
        sound: The best schedule known that breaks none; None where there is none.
    """

    origin: str
    schedule: Schedule
    sound: Schedule | None


@dataclass(frozen=True, eq=False)
class Searched:
    """What the searches of a run led to.

    Attributes:
        best: The best schedule that keeps every row; None where none was found.
        builder: Of the programs of its parts.
        result: The last search, with the work of all.
    """

    best: Schedule | None
    builder: SubprogramBuilder
    result: ImprovementResult


@dataclass(frozen=True, eq=False)
class ScheduleSearch:
    """The neighbourhood search with all that does not change from one run to the next.

    Attributes:
        builder: Of the parts of whole schedules.
        guidance: What is known of the program.
        wanted: Gap, seed and processes; the limits of time and rounds are set search by search.
        points: Points of the relaxation, at least one, the best one first.
        told: Told of every round.
        interrupted: Asked again and again; true ends a search.
        known: A schedule that keeps every row and is better than what is rounded; None without one.
    """

    builder: SubprogramBuilder
    guidance: Guidance
    wanted: ImprovementOptions
    points: Sequence[CasePoint]
    told: Callable[[Round], None]
    interrupted: Callable[[], bool]
    known: Schedule | None = None

    @classmethod
    def of(
        cls,
        program: ClosureProgram,
        points: Sequence[CasePoint],
        bound: float,
        wanted: ImprovementOptions,
        *,
        told: Callable[[Round], None],
        interrupted: Callable[[], bool],
    ) -> ScheduleSearch:
        """The search with what points of the relaxation and a bound tell."""
        guidance = _guidance(program, points, bound)
        return cls(SubprogramBuilder(program), guidance, wanted, points, told, interrupted)

    def at(self, points: Sequence[CasePoint]) -> ScheduleSearch:
        """The same search from other points."""
        return replace(self, points=points, guidance=_guidance(self.program, points, self.guidance.bound))

    @property
    def program(self) -> ClosureProgram:
        """The program."""
        return self.builder.program

    def rounded(self, given: Sequence[tuple[str, Schedule]], limits: _Limits = _NO_LIMITS) -> Start:
        """The schedule of most merit, rounded or given; of a program searched whole, one that keeps every row."""
        program, penalty = self.program, self.guidance.penalty
        began, most = time.perf_counter(), _left(limits, _ROUNDING_SHARE)

        def late() -> bool:
            return self.interrupted() or (most is not None and time.perf_counter() - began >= most)

        found: list[tuple[str, Schedule]] = []
        for point in self.points:
            if not found or not late():
                rounded = round_relaxation(self.builder, point.x, point.extras, penalty, late=late)
                found += [(one.order, one.schedule) for one in rounded]
        found += self._settled(given)
        small = program.n_nodes * program.n_steps <= _SEARCHED_WHOLE
        sound = [pair for pair in found if keeps_rows(program, pair[1])]
        if sound and not small:
            best = max((one for _, one in sound), key=lambda one: one.objective(program))
            made = self._rolled(best, late, None if most is None else began + most)
            if made is not None and keeps_rows(program, made):
                found.append((_ROLLED, made))
                sound.append(found[-1])
        origin, best = max(sound if small and sound else found, key=lambda pair: merit(program, pair[1], penalty))
        worth = max(sound, key=lambda pair: pair[1].objective(program), default=None)
        return Start(origin, best, None if worth is None else worth[1])

    def _rolled(self, rounded: Schedule, late: Callable[[], bool], until: float | None) -> Schedule | None:
        """A schedule made a few steps at a time, where one rounded lost much and there is time for it, else None.

        Where not all steps would be settled in time it is left off.
        """
        program, worth, began = self.program, rounded.objective(self.program), time.perf_counter()
        if self.guidance.bound - worth <= _LOST_LITTLE * abs(worth):
            return None
        if late():
            return None
        soon = until is None or program.n_nodes * program.n_steps <= _ROLLED_A_SECOND * (until - began)
        if not soon or not can_be_rolled(program):
            return None
        self.told(Round(0, rounded, worth, feasible=True))
        moments = [began]

        def goes_on(settled: int) -> bool:
            moments.append(time.perf_counter())
            return until is None or _in_time(moments, relaxations_left(settled, program.n_steps), until)

        point = self.points[0]
        made = rolled(program, point.x, point.partition, goes_on=goes_on, interrupted=late)
        if made is None:
            return None
        chosen = settle(self.builder, made, self.guidance.penalty) or made
        return max((made, chosen), key=lambda one: one.objective(program) if keeps_rows(program, one) else -np.inf)

    def _settled(self, given: Sequence[tuple[str, Schedule]]) -> list[tuple[str, Schedule]]:
        """Given schedules with their choices decided again."""
        return [(name, settle(self.builder, start, self.guidance.penalty) or start) for name, start in given]

    def begin(
        self,
        given: Sequence[tuple[str, Schedule]],
        seconds: float | None,
        rounds: int | None,
    ) -> Start:
        """The schedule to begin with: the one known, or one rounded or given, or one that follows the first point.

        The one known is left for the others to begin with where there is time to begin anew at the points.
        The last takes step by step what the point has taken most of, up to the capacities; rows broken are mended.
        Where that comes near to the bound nothing is rounded; where rows stay broken, relax and fix is tried, unless
        one is known. None of it where every row is a capacity: placing in an order looks at all of them.

        Args:
            given: Schedules to begin with, by name.
            seconds: Time left for all that follows; None for no limit.
            rounds: Most rounds of any search; None for no limit.
        """
        program, limits = self.program, (time.perf_counter(), seconds, rounds)
        if self.known is not None and self._goes_on(self.known, seconds):
            return self._best_of((_KNOWN, self.known), given)
        small = program.n_nodes * program.n_steps <= _SEARCHED_WHOLE
        if small or all_capacities(program) or rounds == 0 or self.interrupted():
            return self.rounded(given, limits)
        followed = self._followed(self.points[0], limits)
        near = followed is not None and self.guidance.bound - followed.objective <= _NEAR * abs(followed.objective)
        if followed is not None and followed.feasible and (near or self.known is not None):
            return self._best_of((_FILLED, followed.schedule), given)
        if self.known is not None:
            return self._best_of((_KNOWN, self.known), given)
        start = self.rounded(given, limits)
        found = None if followed is None else self._better(_FILLED, followed, start)
        if found is not None or self.interrupted():
            return found or start
        made = relax_and_fix(
            self.builder,
            self.points[0].x,
            self.points[0].extras,
            self.guidance.penalty,
            seconds=_left(limits, _FIXING_SHARE),
            interrupted=self.interrupted,
        )
        found = None if made is None else self._better("relax and fix", self._mended(made, limits), start)
        return found or start

    def _goes_on(self, known: Schedule, seconds: float | None) -> bool:
        """Whether the search goes on with the schedule known instead of beginning anew."""
        worth = known.objective(self.program)
        near = self.guidance.bound - worth <= self.wanted.gap * abs(worth)
        if near or self.interrupted() or seconds is None:
            return True
        size = self.program.n_nodes * self.program.n_steps
        return seconds < max(_ANEW * self.wanted.spent, size / _ANEW_A_SECOND)

    def _best_of(self, own: tuple[str, Schedule], given: Sequence[tuple[str, Schedule]]) -> Start:
        """The best of a schedule that keeps every row and of those given that do."""
        sound = [pair for pair in self._settled(given) if keeps_rows(self.program, pair[1])]
        origin, best = max([own, *sound], key=lambda pair: pair[1].objective(self.program))
        return Start(origin, best, best)

    def _followed(self, point: CasePoint, limits: _Limits) -> ImprovementResult | None:
        """One that follows the point, its rows mended where they are broken; None where arcs are."""
        program, penalty = self.program, self.guidance.penalty
        ways = (False, True) if self.known is None else (False,)
        made = [filled_at(program, point.x, point.extras, every_row=every_row) for every_row in ways]
        made = [settle(self.builder, one, penalty) or one for one in made if one.keeps_order(program)]
        if not made:
            return None
        # One that keeps every row is a plan at once; what lies higher may take long to mend, or all the time there is.
        sound = [one for one in made if keeps_rows(program, one)]
        return self._mended(max(sound or made, key=lambda one: merit(program, one, penalty)), limits)

    def _mended(self, schedule: Schedule, limits: _Limits) -> ImprovementResult:
        """A schedule that may break rows, searched until it keeps them, for a part of the time at most."""
        _, seconds, rounds = limits
        most = _MENDING_ROUNDS if rounds is None else min(_MENDING_ROUNDS, rounds)
        most_rounds = None if rounds is None and seconds is not None else most
        return self._until_worth(-np.inf, self.builder, schedule, _left(limits, _MENDING_SHARE), most_rounds)

    def _better(self, origin: str, mended: ImprovementResult, other: Start) -> Start | None:
        """A mended schedule or another start that is better; None where rows stay broken and the other keeps none."""
        if not mended.feasible and other.sound is None:
            return None
        # Where rows are still broken the search goes on with it as long as it is better for all they cost.
        worth = merit(self.program, mended.schedule, self.guidance.penalty)
        if other.sound is not None and worth <= other.sound.objective(self.program):
            return other
        return Start(origin, mended.schedule, mended.schedule if mended.feasible else other.sound)

    def run(self, start: Start, seconds: float | None, rounds: int | None, *, spread: bool) -> Searched:
        """The search from a start on; where nodes may span steps, one of whole schedules before it."""
        builder, searched, at = self.builder, [], start.schedule
        if spread:
            searched.append(self.one(builder, at, _part(seconds, _HEAD_START), _rounds(rounds, _HEAD_START)))
            builder = SpreadSubprogramBuilder(self.program)
            at = settle(builder, searched[0].schedule, self.guidance.penalty) or searched[0].schedule
            seconds, rounds = _part(seconds, 1.0 - _HEAD_START), _rounds(rounds, 1.0 - _HEAD_START)
            searched.append(self.one(builder, at, seconds, rounds))
        else:
            searched += self._tried(builder, at, seconds, rounds)
        best = _best(self.program, [start.sound, self.known], searched)
        if self.interrupted() and (best is None or not best.entries(self.program)[0].size):
            searched.append(self._last_minute(builder, at, best))
            best = _best(self.program, [best], searched)
        if best is not None and spread:
            best = SpreadSchedule.of(self.program, best)
        return Searched(best, builder, _together(searched))

    def _tried(
        self, builder: SubprogramBuilder, schedule: Schedule, seconds: float | None, rounds: int | None
    ) -> list[ImprovementResult]:
        """The search from a schedule on, and from the one known where it stays behind that for too long."""
        if self.known is None or schedule is self.known or seconds is None:
            return [self.one(builder, schedule, seconds, rounds)]
        began, worth, reached = time.perf_counter(), self.known.objective(self.program), [-np.inf]

        def told(at: Round) -> None:
            if at.feasible:
                reached[0] = max(reached[0], at.objective)
            self.told(at)

        def behind() -> bool:
            return reached[0] < worth and time.perf_counter() - began > _BEHIND * self.wanted.spent

        search = replace(self, told=told, interrupted=lambda: behind() or self.interrupted())
        first = search.one(builder, schedule, seconds, rounds)
        left = seconds - (time.perf_counter() - began)
        if not behind() or self.interrupted() or left <= 0.0:
            return [first]
        return [first, self.one(builder, self.known, left, rounds)]

    def _last_minute(self, builder: SubprogramBuilder, schedule: Schedule, known: Schedule | None) -> ImprovementResult:
        """A short search that no interruption ends, only a schedule that keeps every row and is worth more."""
        worth = -np.inf if known is None else known.objective(self.program)
        found = self._until_worth(worth, builder, schedule, _GRACE, None, heedless=True)
        return replace(found, stop="interrupted")

    def _until_worth(
        self,
        worth: float,
        builder: SubprogramBuilder,
        schedule: Schedule,
        seconds: float | None,
        rounds: int | None,
        *,
        heedless: bool = False,
    ) -> ImprovementResult:
        """A search that ends as soon as its schedule keeps every row and is worth more.

        No interruption ends a heedless one.
        """
        found: list[float] = []

        def told(at: Round) -> None:
            if at.feasible and at.objective > worth:
                found.append(at.objective)
            self.told(at)

        search = replace(self, told=told, interrupted=lambda: bool(found) or (not heedless and self.interrupted()))
        return search.one(builder, schedule, seconds, rounds)

    def one(
        self,
        builder: SubprogramBuilder,
        schedule: Schedule,
        seconds: float | None,
        rounds: int | None,
    ) -> ImprovementResult:
        """One search from a schedule on, until its limits of time and rounds."""
        spent = self.wanted.spent if schedule is self.known else 0.0
        wanted = replace(self.wanted, seconds=seconds, rounds=rounds, spent=spent)
        return improve(
            builder,
            schedule,
            wanted,
            self.guidance,
            restart=(lambda number, best: self._elsewhere(number, best, schedule)) if builder.moves_groups else None,
            on_round=self.told,
            interrupted=self.interrupted,
        )

    def _elsewhere(self, number: int, best: Schedule, start: Schedule) -> Schedule:
        """Another schedule to begin with.

        The one known goes first. Where every row is a capacity it is the start itself then, as parts drawn by other
        numbers lead elsewhere from there and soon to schedules as good, or one rounded where the search began with the
        one known; then the best one disturbed, from where it is not far. Elsewhere it follows the point with another
        share of each node.
        """
        if number == 0 and self.known is not None and start is not self.known:
            return self.known
        if not all_capacities(self.program):
            aside = _SHARES[number % len(_SHARES)]
            return filled_at(self.program, self.points[0].x, self.points[0].extras, aside)
        if number < _FROM_START and start is self.known:
            here, penalty = self.points[number % len(self.points)], self.guidance.penalty
            rounded = round_relaxation(self.builder, here.x, here.extras, penalty, late=self.interrupted)
            return max((one.schedule for one in rounded), key=lambda made: merit(self.program, made, penalty))
        if number < _FROM_START:
            return start
        return disturbed(self.builder, best, self.guidance.penalty, np.random.default_rng([self.wanted.seed, number]))


def _in_time(moments: Sequence[float], to_come: int, until: float) -> bool:
    """Whether so many relaxations to come are done in time, by how long the last one took.

    Args:
        moments: The beginning, and when each relaxation was begun, the next one as the last.
        to_come: How many, that one included.
        until: When they have to be done.
    """
    now, before = moments[-1], moments[-2]
    if len(moments) < _TELLING:
        return now < until
    return now + _LATER * to_come * (now - before) <= until


def processes(program: ClosureProgram, asked: int) -> int:
    """Parts solved at the same time: as many as asked, else one a core, else one where parts are soon solved."""
    if asked:
        return asked
    small = program.n_nodes * program.n_steps < _LEAST_FOR_PROCESSES
    return 1 if small else cores()


def _left(limits: _Limits, share: float) -> float | None:
    """A share of the seconds left; None where there is no limit."""
    begun, seconds, _ = limits
    return None if seconds is None else share * max(seconds - (time.perf_counter() - begun), 0.0)


def _part(seconds: float | None, share: float) -> float | None:
    return None if seconds is None else share * seconds


def _rounds(rounds: int | None, share: float) -> int | None:
    return None if rounds is None else round(share * rounds)


def _best(
    program: ClosureProgram, known: Sequence[Schedule | None], searched: Sequence[ImprovementResult]
) -> Schedule | None:
    """The best of schedules that keep every row and those that searches led to."""
    found = [one.schedule for one in searched if one.feasible] + [one for one in known if one is not None]
    return max(found, key=lambda schedule: schedule.objective(program), default=None)


def _together(searched: Sequence[ImprovementResult]) -> ImprovementResult:
    """The last of several searches with the work of all."""
    gained: dict[str, float] = {}
    for one in searched:
        for kind, gain in one.gained.items():
            gained[kind] = gained.get(kind, 0.0) + gain
    rounds, parts = sum(one.rounds for one in searched), sum(one.parts for one in searched)
    return replace(searched[-1], rounds=rounds, parts=parts, gained=gained)


def points_of(program: ClosureProgram, relaxation: RelaxationResult, cases: Cases | None) -> list[CasePoint]:
    """Points to round: the best of the cases, else that of the relaxation, else nothing taken."""
    if cases is not None and cases.points:
        return list(cases.points[:_ROUNDED_POINTS])
    x, extras = relaxation.x, relaxation.extras
    if x is None or extras is None:
        x, extras = np.zeros(program.value.shape), np.clip(0.0, program.extra_lower, program.extra_upper)
    return [CasePoint(relaxation.bound, Shares.of(x), extras, relaxation.multipliers)]


def _guidance(program: ClosureProgram, points: Sequence[CasePoint], bound: float) -> Guidance:
    prices = points[0].multipliers
    return Guidance(
        penalty=row_penalties(program, prices),
        bound=bound,
        multipliers=prices,
        goal=_goal(program, points[0].x),
        capacities=all_capacities(program),
    )


def _goal(program: ClosureProgram, x: Floats) -> Floats:
    """Mean step of every node in a point of the relaxation ``(n,)``, T for nodes without parts."""
    goal = np.full(program.n_nodes, float(program.n_steps))
    goal[program.part_node] = expected_steps(x)
    return goal
