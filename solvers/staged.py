"""Mixed-integer programs of which a few columns decide most: those first, by a tree of relaxations, then the rest.

The relaxation of such a program is weak because the few columns (whether something works in a period, whether it was
bought) take fractions; with them fixed it is strong. So a best-first tree branches on them alone, each node a
relaxation with the rows of a pool (``rowpool.CutRelaxation``). When the best node has whole values these are a leaf: a
mixed-integer solve with the few columns fixed at them gives points and the leaf's bound, the rest of the node's box is
opened as nodes of its own, and the tree goes on with what is still above the best point. The bound is the largest of
the open nodes' and the closed leaves'.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from solvers.highs import VERSION, solve
from solvers.leaf_search import MOST_ITERATIONS, narrowed
from solvers.options import SolveOptions
from solvers.program import INTEGRALITY_TOLERANCE, Program, Vector
from solvers.result import Progress, Result, StartUse, StopReason, weigh
from solvers.rowpool import MOST_ROUNDS, CutRelaxation, LinearPoint, RowPool

logger = logging.getLogger(__name__)

NEARLY_BINDING = 1e-3
"""Rows of the pool within this distance (over their norm) of a leaf's relaxation go into its solve."""
DIVE_NODES = 200
REST_ROUNDS = 2
"""Rounds of rows of the pool that a child takes in: its parent has taken in most."""
NEAR = 1.0
"""Share of the gap asked for within which a leaf's bound is near the cutoff: a better point is unlikely there."""
TRIED = 3.0
"""Share of the gap asked for within which it is tried to close a leaf before a dive, which takes longer."""
TRIAL_ITERATIONS = 5_000
"""Of the simplex method in which that is tried."""

QUIET_HEURISTICS: dict[str, bool | int | float | str] = {
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_detect_symmetry": False,
}
"""Once a dive has given a good point, the leaf's solve is left the proof: HiGHS's own heuristics take half its time."""

_STOPPED = (StopReason.TIME_LIMIT, StopReason.INTERRUPTED, StopReason.NODE_LIMIT, StopReason.MEMORY_LIMIT)


@dataclass(frozen=True)
class StageRecord:
    """What the stages did.

    Attributes:
        relaxation: bound of the relaxation without the pool.
        strengthened: bound with the rows of the pool.
        pool_rows: rows taken in at the root.
        tree_nodes: relaxations solved in the tree.
        leaves: mixed-integer solves of leaves.
        seconds: wall time by stage.
    """

    relaxation: float | None
    strengthened: float | None
    pool_rows: int
    tree_nodes: int
    leaves: int
    seconds: dict[str, float]


@dataclass(frozen=True, eq=False)
class Box:
    """A part of a program of which a bound is known.

    Attributes:
        lower: lower bounds of the columns branched on first.
        upper: their upper bounds.
        bound: no integer point of the box is better, in the program's own sense.
    """

    lower: Vector
    upper: Vector
    bound: float


@dataclass(order=True)
class _Node:
    key: float
    order: int
    lower: Vector = field(compare=False)
    upper: Vector = field(compare=False)
    point: LinearPoint | None = field(compare=False)
    rounds: int = field(compare=False, default=MOST_ROUNDS)


class StagedSolve:
    """One staged solve; ``run`` gives the result, ``record`` what the stages did.

    Where boxes that together hold every integer point are given as ``cover``, the tree begins with these and their
    bounds; the relaxation of a box is solved only where its bound is too high for the best point.
    """

    def __init__(
        self,
        program: Program,
        pool: RowPool,
        first: NDArray[np.int64],
        options: SolveOptions,
        *,
        start: Vector | None = None,
        cover: Sequence[Box] = (),
        on_progress: Callable[[Progress], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.program, self.pool, self.first, self.options = program, pool, first, options
        self.cover = tuple(cover)
        self.on_progress, self.cancel, self.log_file = on_progress, cancel, log_file
        self.began = time.perf_counter()
        self.sign = 1.0 if program.maximise else -1.0
        self.best: Vector | None = None
        self.start = StartUse.NONE
        self.closed = -math.inf
        self.current = -math.inf
        self.open: list[_Node] = []
        self.stop: StopReason | None = None
        self.counts = {"tree_nodes": 0, "leaves": 0, "nodes": 0, "iterations": 0}
        self.seconds: dict[str, float] = {}
        self.root: tuple[float | None, float | None, int] = (None, None, 0)
        if start is not None:
            self._judge_start(start)

    def run(self) -> Result:
        """Solves the program; every stop is a result. Bounds and objective are in the program's own sense."""
        order = itertools.count()
        try:
            relaxation = self._opened(order) if self.cover else self._root(order)
            while self.open and self.stop is None:
                node = heapq.heappop(self.open)
                if self._good_enough(-node.key):
                    heapq.heappush(self.open, node)
                    break
                if node.point is None:
                    self._open(node, node.lower, node.upper, relaxation, order, rounds=node.rounds)
                    self._report()
                    self._check_limits()
                    continue
                self.current = -node.key
                column = self._fractional(node)
                if column is None:
                    taken = relaxation.taken
                    self._keep_rest(node, order)
                    self._leaf(node, taken)
                else:
                    self._branch(node, column, relaxation, order)
                self._report()
                self._check_limits()
        except KeyboardInterrupt:
            self.stop = StopReason.INTERRUPTED
        return self._result()

    @property
    def record(self) -> StageRecord:
        """What the stages did so far."""
        relaxed, strengthened, rows = self.root
        return StageRecord(
            relaxed, strengthened, rows, self.counts["tree_nodes"], self.counts["leaves"], dict(self.seconds)
        )

    def _judge_start(self, start: Vector) -> None:
        snapped = self.program.snapped(start)
        if self.program.is_feasible(snapped):
            self.best, self.start = snapped, StartUse.ACCEPTED
        else:
            logger.warning("start refused: %s", self.program.explain_violation(snapped))
            self.start = StartUse.REFUSED

    def _root(self, order: itertools.count[int]) -> CutRelaxation:
        began = time.perf_counter()
        relaxation = CutRelaxation(self.program, self.pool, seed=self.options.seed)
        lower, upper = self.program.lower[self.first].copy(), self.program.upper[self.first].copy()
        none = np.empty(0, dtype=np.int64)
        plain = relaxation.bound(none, lower, upper, rounds=0)
        point = relaxation.bound(none, lower, upper)
        self.root = (plain.value, point.value, len(relaxation.taken))
        self.counts["tree_nodes"] += 1
        self.seconds["relaxation"] = time.perf_counter() - began
        if point.x is not None:
            heapq.heappush(self.open, _Node(-self.sign * point.value, next(order), lower, upper, point))
        self._report()
        self._check_limits()
        return relaxation

    def _opened(self, order: itertools.count[int]) -> CutRelaxation:
        """Opens the boxes of the cover, whose bounds are known."""
        for box in self.cover:
            if math.isfinite(box.bound) and not (box.lower > box.upper).any():
                heapq.heappush(self.open, _Node(-self.sign * box.bound, next(order), box.lower, box.upper, None))
        self._report()
        self._check_limits()
        return CutRelaxation(self.program, self.pool, seed=self.options.seed)

    def _fractional(self, node: _Node) -> int | None:
        """Position in ``first`` of the column furthest from whole, or ``None`` where all are whole."""
        assert node.point is not None  # noqa: S101
        if node.point.x is None or len(self.first) == 0:
            return None
        value = node.point.x[self.first]
        distance = np.abs(value - np.round(value))
        worst = int(np.argmax(distance))
        return worst if distance[worst] > INTEGRALITY_TOLERANCE else None

    def _branch(self, node: _Node, column: int, relaxation: CutRelaxation, order: itertools.count[int]) -> None:
        began = time.perf_counter()
        assert node.point is not None  # noqa: S101
        assert node.point.x is not None  # noqa: S101
        value = float(node.point.x[self.first[column]])
        for limit, side in ((math.floor(value), "upper"), (math.ceil(value), "lower")):
            lower, upper = node.lower.copy(), node.upper.copy()
            (upper if side == "upper" else lower)[column] = limit
            self._open(node, lower, upper, relaxation, order)
        self.current = -math.inf
        self._spent("tree", began)

    def _open(
        self,
        node: _Node,
        lower: Vector,
        upper: Vector,
        relaxation: CutRelaxation,
        order: itertools.count[int],
        *,
        rounds: int = REST_ROUNDS,
    ) -> None:
        point = relaxation.bound(self.first, lower, upper, rounds=rounds)
        self.counts["tree_nodes"] += 1
        # A child is never better than its parent, whatever rounding says.
        key = max(-self.sign * point.value, node.key)
        if point.x is not None:
            heapq.heappush(self.open, _Node(key, next(order), lower, upper, point))

    def _keep_rest(self, node: _Node, order: itertools.count[int]) -> None:
        """Keeps what a leaf, which has the whole values of its point, leaves of the node's box.

        Their relaxations are solved once they are next in turn: often the leaf's point is good enough before.
        """
        assert node.point is not None  # noqa: S101
        assert node.point.x is not None  # noqa: S101
        lower, upper = node.lower.copy(), node.upper.copy()

        def keep(lower: Vector, upper: Vector) -> None:
            heapq.heappush(self.open, _Node(node.key, next(order), lower, upper, None, REST_ROUNDS))

        for column, value in enumerate(np.round(node.point.x[self.first]).tolist()):
            if value - 1 >= lower[column]:
                below = upper.copy()
                below[column] = value - 1
                keep(lower.copy(), below)
            if value + 1 <= upper[column]:
                above = lower.copy()
                above[column] = value + 1
                keep(above, upper.copy())
            lower[column] = upper[column] = value

    def _leaf(self, node: _Node, rows: NDArray[np.int64]) -> None:
        """Solves a leaf: closed by a tree of relaxations if it can be; a dive for a point, and what is left, if not."""
        self.current = -node.key
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        assert node.point is not None  # noqa: S101
        assert node.point.x is not None  # noqa: S101
        fixed = np.round(node.point.x[self.first])
        lower[self.first] = upper[self.first] = fixed
        violated = np.flatnonzero(self.pool.violation(node.point.x) > -NEARLY_BINDING)
        box = self.pool.taken(
            replace(self.program, lower=lower, upper=upper), np.union1d(rows, violated).astype(np.int64)
        )
        left: Program | None = box
        cutoff = self._cutoff()
        # Without a best point these are infinite and not a number: both are false.
        above, gap = -node.key - cutoff, cutoff - self._value()
        near = above <= NEAR * gap
        if above <= TRIED * gap:
            left = self._narrow(box, MOST_ITERATIONS if near else TRIAL_ITERATIONS)
        if left is not None and not self._settled(node):
            began = time.perf_counter()
            self._dive(left, node.point.x)
            self._spent("dive", began)
            in_vain = near and self._cutoff() == cutoff
            if not self._settled(node) and not in_vain:
                left = self._narrow(left, MOST_ITERATIONS)
        if self._settled(node):
            self.closed = max(self.closed, -node.key)
        elif left is None:
            self.closed = max(self.closed, min(-node.key, self._cutoff()))
        else:
            self._prove(node, left)
        self.counts["leaves"] += 1
        self.current = -math.inf

    def _settled(self, node: _Node) -> bool:
        """Whether a leaf needs nothing more: its bound is good enough, or the solve stops."""
        return self._good_enough(-node.key) or self.stop is not None

    def _prove(self, node: _Node, box: Program) -> None:
        """Rules out what is left of a leaf, or finds something better."""
        began = time.perf_counter()
        # No start: the cutoff lies above the best point, and HiGHS takes a start below its cutoff for trouble.
        result = self._solve(box, self._leaf_options(), None, bounded=True)
        self._close(node, result)
        self._spent("leaves", began)

    def _narrow(self, box: Program, iterations: int) -> Program | None:
        """What of a leaf may hold points better than the cutoff; all of it where there is no cutoff."""
        began = time.perf_counter()

        def stop() -> bool:
            self._check_limits()
            return self.stop is not None

        left: Program | None = box
        while left is not None and math.isfinite(self._cutoff()):
            found = narrowed(left, self.sign * self._cutoff(), seed=self.options.seed, iterations=iterations, stop=stop)
            self.counts["iterations"] += found.iterations
            left, before = found.program, self.best
            if found.point is not None:
                self._offer(self.program.snapped(found.point))
            if self.best is before:
                break
        self._spent("narrow", began)
        return left

    def _spent(self, stage: str, began: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began

    def _close(self, node: _Node, result: Result) -> None:
        """Takes over what a leaf's solve proved; an unfinished leaf keeps the weaker of its bounds."""
        bound = -node.key
        if result.stop_reason is StopReason.INFEASIBLE:
            bound = self._cutoff()
        elif result.bound is not None:
            bound = min(bound, max(self.sign * result.bound, self._cutoff()))
        self.closed = max(self.closed, bound)
        if result.stop_reason in _STOPPED:
            self.stop = result.stop_reason

    def _cutoff(self) -> float:
        """Value up to which leaves were not searched: the best point and the gap asked for; ``-inf`` without one."""
        if self.best is None:
            return -math.inf
        value = self._value()
        # A hair within the gap asked for, so that rounding does not report a gap above it.
        return value + (1 - 1e-6) * max(self.options.gap * abs(value), self.options.gap_abs)

    def _value(self) -> float:
        """Value of the best point, ``-inf`` without one."""
        return -math.inf if self.best is None else self.sign * self.program.objective_value(self.best)

    def _leaf_options(self) -> SolveOptions:
        options = self._remaining()
        if self.best is not None:
            options = replace(options, extra={**QUIET_HEURISTICS, **options.extra})
        return self._with_cutoff(options)

    def _with_cutoff(self, options: SolveOptions) -> SolveOptions:
        cutoff = self._cutoff()
        if math.isfinite(cutoff):
            # HiGHS minimises inside; points not better than the cutoff need not be found, only ruled out.
            options = replace(options, extra={**options.extra, "objective_bound": -cutoff})
        return options

    def _remaining(self) -> SolveOptions:
        return self.options.after(time.perf_counter() - self.began)

    def _dive(self, box: Program, x: Vector) -> None:
        """Fixes every integer column that the relaxation has whole and solves what is left (RENS, Berthold 2014)."""
        whole = box.integer & (np.abs(x - np.round(x)) <= INTEGRALITY_TOLERANCE)
        lower, upper = box.lower.copy(), box.upper.copy()
        value = np.clip(np.round(x), box.lower, box.upper)
        lower[whole], upper[whole] = value[whole], value[whole]
        options = replace(self._remaining(), node_limit=DIVE_NODES, gap=max(self.options.gap / 2, 1e-4))
        self._solve(replace(box, lower=lower, upper=upper), self._with_cutoff(options), None)

    def _solve(self, program: Program, options: SolveOptions, start: Vector | None, *, bounded: bool = False) -> Result:
        cutoff = self._cutoff()

        def pass_on(progress: Progress) -> None:
            # With a cutoff HiGHS shows the cutoff as its incumbent: only what beats it is one.
            found = progress.objective is not None and self.sign * progress.objective > cutoff * (1 + 1e-9)
            if bounded and progress.bound is not None:
                self.current = min(self.current, max(self.sign * progress.bound, cutoff))
            self._report(self.sign * progress.objective if found and progress.objective is not None else None)

        part = None if self.log_file is None else self.log_file.with_name(self.log_file.name + ".part")
        result = solve(program, options, start=start, on_progress=pass_on, cancel=self.cancel, log_file=part)
        if part is not None and self.log_file is not None and part.exists():
            with self.log_file.open("a", encoding="utf-8") as log:
                log.write(part.read_text(encoding="utf-8", errors="replace"))
            part.unlink()
        self.counts["nodes"] += result.nodes
        self.counts["iterations"] += result.simplex_iterations
        if result.x is not None:
            self._offer(result.x)
        if result.stop_reason is StopReason.INTERRUPTED:
            self.stop = StopReason.INTERRUPTED
        return result

    def _offer(self, x: Vector) -> None:
        better = self.best is None or self.sign * self.program.objective_value(x) > self.sign * (
            self.program.objective_value(self.best)
        )
        if better and self.program.is_feasible(x):
            self.best = x

    def _bound(self) -> float:
        """The bound now, larger is worse to beat; ``inf`` before the root is solved."""
        known = [self.closed, self.current, *(-node.key for node in self.open)]
        return max(known) if self.counts["tree_nodes"] or self.cover else math.inf

    def _good_enough(self, bound: float) -> bool:
        return bound <= self._cutoff() if self.best is not None else False

    def _check_limits(self) -> None:
        if self.stop is None and self.cancel is not None and self.cancel():
            self.stop = StopReason.INTERRUPTED
        limit = self.options.time_limit_s
        if self.stop is None and limit is not None and time.perf_counter() - self.began >= limit:
            self.stop = StopReason.TIME_LIMIT

    def _report(self, objective: float | None = None) -> None:
        if self.on_progress is None:
            return
        value = max(self._value(), -math.inf if objective is None else objective)
        bound = self._bound()
        gap = (bound - value) / abs(value) if math.isfinite(value) and math.isfinite(bound) and value else None
        self.on_progress(
            Progress(
                time.perf_counter() - self.began,
                self.sign * bound if math.isfinite(bound) else None,
                self.sign * value if math.isfinite(value) else None,
                gap,
                self.counts["tree_nodes"] + self.counts["nodes"],
            )
        )

    def _result(self) -> Result:
        bound = self._bound()
        if self.best is not None:
            bound = max(bound, self.sign * self.program.objective_value(self.best))
        stop = self.stop
        if stop is None:
            # A leaf that was closed with a bound but gave no point was given up, not ruled out.
            nothing_left = StopReason.INFEASIBLE if bound == -math.inf else StopReason.NUMERICAL
            stop = nothing_left if self.best is None else StopReason.PROVEN
        objective = None if self.best is None else self.program.objective_value(self.best)
        verdict = weigh(
            stop,
            objective,
            self.sign * bound if math.isfinite(bound) else None,
            maximise=self.program.maximise,
            gap_asked=self.options.gap,
            gap_abs_asked=self.options.gap_abs,
        )
        return Result(
            outcome=verdict.outcome,
            stop_reason=verdict.stop_reason,
            objective=objective,
            bound=verdict.bound,
            gap=verdict.gap,
            gap_abs=verdict.gap_abs,
            x=self.best,
            row_duals=None,
            reduced_costs=None,
            seconds=time.perf_counter() - self.began,
            nodes=self.counts["tree_nodes"] + self.counts["nodes"],
            simplex_iterations=self.counts["iterations"],
            version=VERSION,
            seed=self.options.seed,
            threads=self.options.threads,
            start=self.start,
            message=verdict.message,
        )
