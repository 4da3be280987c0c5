"""The course of a run for a schedule: what was asked, who listens, how time was spent, where it stands."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.improvement import ImprovementOptions
from solvers.result import Progress
from solvers.schedule_search import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from solvers.improvement import Round
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.node_branching import Split

_SEARCH_SHARE = 0.3
"""Share of the time left for the neighbourhood search where HiGHS has to prove the plan after it."""


@dataclass(frozen=True)
class ScheduleOptions:
    """When to stop, and how to search.

    Attributes:
        gap: Relative gap, over the objective, that is good enough.
        relaxation_gap: Relative gap at which the relaxation is solved well enough.
        seconds: Wall-clock limit of everything; None for none.
        rounds: Most rounds of the neighbourhood search; None for none, 0 for rounding, and relaxing again, alone.
        seed: Of the choice of neighbourhoods.
        workers: Parts solved at the same time; 0 for one a core.
        prove: Whether the whole program is given to HiGHS in the end, with the best schedule as its start.
        spread: Whether a node may be taken over several steps, begun once what it needs is finished.
    """

    gap: float = 0.0
    relaxation_gap: float = 1e-6
    seconds: float | None = None
    rounds: int | None = None
    seed: int = 0
    workers: int = 0
    prove: bool = False
    spread: bool = False

    def improvement(self, program: ClosureProgram) -> ImprovementOptions:
        """The same for the neighbourhood search of a program."""
        return ImprovementOptions(gap=self.gap, seed=self.seed, workers=processes(program, self.workers))


class Course:
    """The course of a run, begun when it is made.

    Attributes:
        options: What was asked.
        on_iteration: See ``find_schedule``.
        on_bound: See there.
        on_progress: See there.
        on_stage: See there.
        interrupted: See there.
        bound: No schedule is worth more, as far as is known; NaN before anything is.
        history: Seconds since the start, and objective, whenever a better schedule was known.
        stages: Wall time by stage.
    """

    def __init__(
        self,
        options: ScheduleOptions,
        *,
        on_iteration: Callable[[Iteration], None] | None = None,
        on_bound: Callable[[RelaxationResult, ClosureProgram, Cases | None], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_stage: Callable[[str], None] | None = None,
        interrupted: Callable[[], bool] | None = None,
    ) -> None:
        self.options = options
        self.on_iteration, self.on_bound, self.on_progress = on_iteration, on_bound, on_progress
        self.on_stage = on_stage
        self.interrupted = interrupted or (lambda: False)
        self.bound = np.nan
        self.history: list[tuple[float, float]] = []
        self.stages: dict[str, float] = {}
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._began

    @property
    def left_for_search(self) -> float | None:
        """Seconds left for the neighbourhood search; None where there is no limit."""
        left = self.left()
        return left if left is None or not self.options.prove else left * _SEARCH_SHARE

    def left(self, share: float = 1.0) -> float | None:
        """Seconds until a share of the time limit is over; None where there is none."""
        return None if self.options.seconds is None else max(share * self.options.seconds - self.seconds, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tells that something begins, and notes how long it takes."""
        if self.on_stage is not None:
            self.on_stage(name)
        then = time.perf_counter()
        yield
        self.stages[name] = time.perf_counter() - then

    def found(self, objective: float) -> None:
        """A schedule that keeps every row."""
        if not self.history or objective > self.history[-1][1]:
            self.history.append((self.seconds, objective))

    def of_beside(self, objective: float) -> None:
        """A schedule of the search beside; called in another thread."""
        self.found(objective)
        if np.isfinite(self.bound):
            self.tell(0)

    def of_split(self, split: Split) -> None:
        """The bound after a decision."""
        self.bound = split.bound
        if np.isfinite(split.bound):
            self.tell(0)

    def of_round(self, at: Round) -> None:
        """A round of the search."""
        if at.feasible:
            self.found(at.objective)
        self.tell(at.parts)

    def tell(self, parts: int) -> None:
        """Bound, and objective and gap of the best schedule, after so many parts."""
        if self.on_progress is None:
            return
        objective = self.history[-1][1] if self.history else None
        gap = (self.bound - objective) / abs(objective) if objective else None
        self.on_progress(Progress(self.seconds, self.bound, objective, gap, parts))
