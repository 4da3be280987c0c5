"""Parts of a schedule that are decided again, and what is answered.

A part tells which nodes it holds, and solves itself wherever it is handed to. The usual one is a mixed-integer program
of windows, solved by HiGHS.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from solvers.highs import solve
from solvers.options import SolveOptions
from solvers.result import StopReason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from solvers.improvement.subprogram import Elastics, SubprogramBuilder
    from solvers.improvement.windows import Windows
    from solvers.relaxation.program import Floats, Integers
    from solvers.schedule import Schedule

_EASY_SHARE = 1 / 3
_EXTRA: dict[str, bool | int | float | str] = {
    "mip_detect_symmetry": False,
    "mip_heuristic_effort": 0.3,
}


@dataclass(frozen=True)
class PartLimits:
    """Limits of the solve of one part.

    Attributes:
        seconds: Wall-clock limit, or None.
        nodes: Branch-and-bound nodes.
        close: Distance to the part's own bound that is good enough, in the unit of the objective.
        seed: Random seed.
    """

    seconds: float | None
    nodes: int
    close: float
    seed: int

    def is_easy(self, seconds: float) -> bool:
        """Whether so many seconds are less than a third of the limit."""
        return self.seconds is None or seconds < _EASY_SHARE * self.seconds


@dataclass(frozen=True, eq=False)
class Solved:
    """A part that was solved.

    Attributes:
        schedule: The schedule it led to, at least as good as the one before.
        finished: Whether it is proven within ``close`` of the best for the part.
        iterations: Simplex iterations it took.
        seconds: Wall-clock time.
        easy: Whether it took less than a third of its time limit.
    """

    schedule: Schedule
    finished: bool
    iterations: int
    seconds: float
    easy: bool = True


class Part(Protocol):
    """A part of a schedule."""

    @property
    def schedule(self) -> Schedule:
        """The schedule it is a part of."""
        ...

    @property
    def free(self) -> NDArray[np.bool_]:
        """Nodes that it may move ``(n,)``."""
        ...

    @property
    def key(self) -> int:
        """What it is known by beside the schedule."""
        ...

    @property
    def patience(self) -> float:
        """Times the usual time limit that it may take."""
        ...

    def solve(self, builder: SubprogramBuilder, limits: PartLimits) -> Solved | None:
        """Solves it; None where nothing is found."""
        ...


@dataclass(frozen=True, eq=False)
class WindowPart:
    """Nodes within windows, decided again by HiGHS: see ``SubprogramBuilder.build``."""

    schedule: Schedule
    windows: Windows
    flexible: Integers
    elastic: Elastics
    priced: Floats | None = None
    patience: float = 1.0

    @property
    def free(self) -> NDArray[np.bool_]:
        """See ``Part``."""
        return self.windows.free

    @property
    def key(self) -> int:
        """See ``Part``."""
        what = (self.windows.first, self.windows.last, self.windows.open, self.windows.group)
        return hash((self.priced is None, *(b"" if array is None else array.tobytes() for array in what)))

    def solve(self, builder: SubprogramBuilder, limits: PartLimits) -> Solved | None:
        """See ``Part``."""
        began = time.perf_counter()
        made = builder.build(
            self.schedule, self.windows, flexible=self.flexible, elastic=self.elastic, priced=self.priced
        )
        if not made.program.num_columns:
            return None
        options = SolveOptions(
            threads=1,
            gap=1e-7,
            gap_abs=limits.close * made.scale,
            time_limit_s=limits.seconds,
            node_limit=limits.nodes,
            seed=limits.seed % 2**31,
            extra=_EXTRA if made.program.is_mixed_integer else {},
        )
        start = made.start if made.program.is_mixed_integer else None
        found = solve(made.program, options, start=start)
        if found.x is None:
            return None
        finished = found.stop_reason in {StopReason.PROVEN, StopReason.GAP}
        seconds = time.perf_counter() - began
        return Solved(made.schedule(found.x), finished, found.simplex_iterations, seconds, limits.is_easy(seconds))
