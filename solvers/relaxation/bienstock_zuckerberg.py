"""The relaxation solved by the algorithm of Bienstock and Zuckerberg: price, refine, master.

For given multipliers a maximum closure gives an upper bound and splits the partition of the cumulative variables; the
master over the partition gives a lower bound, a primal point and the next multipliers. The bound is valid in every
iteration, and the best is kept with its multipliers.

Rows that zero violates carry elastic columns. A gap counts as closed only without them; a penalty that converges with
elastic columns in use is raised, and after two raises a search without objective (phase 1) finds a feasible point or
multipliers that prove there is none.

Source: Bienstock and Zuckerberg (2010), "Solving LP relaxations of large-scale precedence constrained problems", IPCO;
Munoz et al. (2018), "A study of the Bienstock-Zuckerberg algorithm", Comput. Optim. Appl. 69:501.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from solvers.closure import PseudoflowKernel, closure_graph
from solvers.relaxation.bound import (
    cumulative_weights,
    infeasibility_scale,
    lost_to_rounding,
    project_multipliers,
    row_and_box_terms,
    step_prices,
)
from solvers.relaxation.master import Master, MasterError, MasterSolution
from solvers.relaxation.parametric import starts
from solvers.relaxation.partition import from_first_steps, initial_partition, merge, refine, spread_out
from solvers.relaxation.pricing import Priced, StepPricer
from solvers.relaxation.result import Iteration, Outcome, RelaxationResult, StopReason, StopRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from solvers.closure import KernelFactory
    from solvers.relaxation.parametric import Start
    from solvers.relaxation.partition import Partition
    from solvers.relaxation.program import ClosureProgram, Floats, Integers

_LOG = logging.getLogger(__name__)
_PENALTY_RAISE = 100.0
_MOST_RAISES = 2
_NO_VIOLATION = 1e-12
_CHOICE_CUTS, _FEW_CUTS = 10, 3
"""Steps whose choices cut the starting classes, and how many where these would be too many classes."""
_FAR, _HALFWAY = 1e-3, 0.5
"""Relative gap above which multipliers halfway from the best ones are priced once others led nowhere; the half."""
_TOO_FAR = 0.15
"""How much less than a bound known, relative to it, given classes may carry: further away a start of its own is sooner
there."""
_MARGIN = 4
"""Steps before and after those in which the starts take a node that have starting classes of their own."""

_SIZE_OF_A_CLASS, _LEAST_CLASSES, _MOST_CLASSES = 250, 2_400, 5_000
"""Nodes times steps for each class above which classes are merged, and the bounds of that number."""


@dataclass(frozen=True)
class SpeedUps:
    """What may be switched off, to measure it.

    Attributes:
        parametric_start: Start from the bounds over resources alone, with a multiplier for each.
        most_start_classes: Give every profile and step its own class at the start, unless that exceeds this number.
        by_steps: Price step by step, joining steps only where needed; else the whole expanded graph every time.
        merge_above: Merge classes of equal value once there are more than this number; None for one by the size of the
            program: a large one takes as long to price as a large master takes to solve.
    """

    parametric_start: bool = True
    most_start_classes: int = 20_000
    by_steps: bool = True
    merge_above: int | None = None


def solve_relaxation(
    program: ClosureProgram,
    stop: StopRule | None = None,
    *,
    kernel: KernelFactory = PseudoflowKernel,
    speed_ups: SpeedUps | None = None,
    begin: Partition | None = None,
    known: float = np.inf,
    threads: int = 1,
    on_iteration: Callable[[Iteration], None] | None = None,
) -> RelaxationResult:
    """Solve the linear program; deterministic unless a time limit or an interruption ends it.

    Args:
        program: The program.
        stop: When to stop; by default at a relative gap of 1e-6.
        kernel: Closure kernel.
        speed_ups: What to switch off.
        begin: Classes to begin with: those that a program of the same parts and open choices ended with, whose nodes
            begin no later.
        known: A bound known, if any: classes to begin with that carry much less are given up for those of a start.
        threads: Closures of a large program worked on at the same time, 0 for one a core; the result is the same.
        on_iteration: Told of every iteration as it ends.

    Raises:
        WeightError: Prices overflowed to infinity.
    """
    used = speed_ups or SpeedUps()
    search = _Search(program, stop or StopRule(), kernel, used, threads=threads, on_iteration=on_iteration)
    return search.run(begin, known)


class _Search:
    """State of one run."""

    def __init__(
        self,
        program: ClosureProgram,
        stop: StopRule,
        kernel: KernelFactory,
        speed_ups: SpeedUps,
        *,
        threads: int,
        on_iteration: Callable[[Iteration], None] | None,
    ) -> None:
        self._begun = time.perf_counter()
        self._program, self._stop, self._kernel, self._speed_ups = program, stop, kernel, speed_ups
        self._on_iteration = on_iteration
        size = program.n_nodes * program.n_steps // _SIZE_OF_A_CLASS
        chosen = self._speed_ups.merge_above
        self._merge_above = int(np.clip(size, _LEAST_CLASSES, _MOST_CLASSES)) if chosen is None else chosen
        self._pricer = StepPricer(program, kernel, whole=not speed_ups.by_steps, threads=threads)
        self._partition: Partition = initial_partition(program)
        self._bound, self._value = np.inf, -np.inf
        self._multipliers = np.zeros(program.n_rows)
        self._proof: Floats | None = None
        self._point: MasterSolution | None = None
        self._history: list[Iteration] = []
        self._led_nowhere = False

    def run(self, begin: Partition | None, known: float) -> RelaxationResult:
        """Start, iterate, answer."""
        master = Master(self._program)
        try:
            carried = None if begin is None else self._take_over(begin, known, master)
            if carried is None:
                self._begin()
            reason = self._optimise(master, carried)
        except MasterError as error:
            _LOG.warning("the bound is the best one so far: %s", error)
            reason = StopReason.NUMERICAL
        if not np.isfinite(self._bound) and self._proof is None:
            self._price(np.zeros(self._program.n_rows))
        return self._answer(reason)

    def _take_over(self, begin: Partition, known: float, master: Master) -> MasterSolution | None:
        """Takes given classes; what they carry, None where they are not worth it."""
        first, self._partition = self._partition, from_first_steps(self._program, begin)
        carried = self._solve_master(master)
        if not np.isfinite(known) or carried.objective >= known - _TOO_FAR * abs(known):
            return carried
        self._partition = first
        return None

    def _begin(self) -> None:
        """First multipliers and classes."""
        program, partition = self._program, self._partition
        found = starts(program, self._kernel) if self._speed_ups.parametric_start else []
        if not found:
            self._price(np.zeros(program.n_rows))
            return
        for start in found:
            self._price(start.multipliers)
        partition = self._partition
        for start in found:
            partition = refine(program, partition, start.steps, start.choice)
        self._partition = partition
        taken = np.array([steps for start in found for steps in start.steps])
        window = (taken.min(axis=0) - _MARGIN, taken.max(axis=0) + _MARGIN)
        for cuts in (_CHOICE_CUTS, _FEW_CUTS):
            apart = spread_out(program, partition, self._cuts(found, cuts), window)
            if apart.n_classes <= self._speed_ups.most_start_classes:
                self._partition = apart
                return

    def _cuts(self, found: list[Start], count: int) -> list[Integers]:
        """Choices of the starts in so many steps apart, to cut the classes of their profiles by."""
        if self._program.n_choices == 1:
            return []
        steps = sorted({self._program.n_steps * k // count for k in range(count)})
        return [start.choice[:, t] for start in found for t in steps]

    def _optimise(self, master: Master, carried: MasterSolution | None) -> StopReason:
        """Iterate with the objective until a reason to stop; the first master may be solved already."""
        last, raises = -np.inf, 0
        while True:
            solution = self._solve_master(master) if carried is None else carried
            carried = None
            reason = self._reason()
            if reason is not None:
                return reason
            if solution.objective > last + 1e-9 * abs(solution.objective):
                self._merge(solution)
            last = solution.objective
            split = False
            for multipliers in self._to_price(solution):
                split = self._price(multipliers, solution.objective)
                reason = self._reason()
                if reason is not None:
                    return reason
                if split:
                    break
            converged = self._bound - solution.objective <= self._allowed()
            if solution.violation > _NO_VIOLATION and (converged or not split):
                raises += 1
                last = -np.inf
                master.penalty *= _PENALTY_RAISE
                if raises > _MOST_RAISES:
                    reason = self._find_feasible()
                    if reason is not None:
                        return reason
                    master.drop_elastics()
            elif not split:
                return StopReason.EXHAUSTED

    def _to_price(self, solution: MasterSolution) -> list[Floats]:
        """Multipliers to price, the next ones where the first split no class: those of the master.

        Before them those halfway from the best known, where the last pricing led nowhere, its bound as far above the
        best one as that is above the value, or further; while the gap is large wherever one did. Multipliers of a
        coarse master swing, and those that bound nothing are dear to price.
        """
        own = project_multipliers(self._program, solution.multipliers)
        last = self._history[-1].bound if self._history else None
        nowhere = last is not None and last - self._bound > self._difference
        self._led_nowhere |= nowhere
        if not nowhere and not (self._led_nowhere and self._difference > _FAR * abs(self._bound)):
            return [own]
        between = _HALFWAY * self._multipliers + (1.0 - _HALFWAY) * own
        return [project_multipliers(self._program, between), own]

    def _solve_master(self, master: Master) -> MasterSolution:
        """Master over the partition; without elastic columns in use its point is kept."""
        solution = master.solve(self._partition)
        if solution.violation <= _NO_VIOLATION:
            if master.elastic:
                master.drop_elastics()
            if solution.value > self._value:
                self._value, self._point = solution.value, solution
        return solution

    def _merge(self, solution: MasterSolution) -> None:
        if self._partition.n_classes > self._merge_above:
            self._partition = merge(self._partition, solution.class_value)

    def _price(self, multipliers: Floats, master_value: float = np.inf) -> bool:
        """Bound and refinement by one pricing; whether a class was split."""
        program = self._program
        prices, choice = step_prices(program, multipliers)
        weights, terms = cumulative_weights(prices), row_and_box_terms(program, multipliers)
        before = self._partition.n_classes
        priced = self._pricer.solve(weights, master_value - terms)
        self._keep_bound(priced.value + terms, multipliers)
        self._refine(priced, choice)
        if not priced.exact and self._partition.n_classes == before:
            priced = self._pricer.solve(weights)
            self._keep_bound(priced.value + terms, multipliers)
            self._refine(priced, choice)
        self._record(priced.value + terms)
        return self._partition.n_classes > before

    def _refine(self, priced: Priced, choice: Integers) -> None:
        """Splits the classes by the closures found; by those of single steps only where few classes come of it."""
        program, before = self._program, self._partition
        self._partition = refine(program, before, (*priced.steps, *priced.alone), choice)
        if self._partition.n_classes > 2 * self._merge_above and priced.steps:
            fewer = refine(program, before, priced.steps, choice)
            if fewer.n_classes > before.n_classes:
                self._partition = fewer

    def _keep_bound(self, bound: float, multipliers: Floats) -> None:
        if bound < self._bound:
            self._bound, self._multipliers = bound, multipliers

    def _find_feasible(self) -> StopReason | None:
        """Phase 1: None once the partition carries a feasible point, else the reason to stop."""
        program = self._program
        master = Master(program, objective=False)
        while True:
            solution = master.solve(self._partition)
            if solution.violation <= _NO_VIOLATION:
                return None
            multipliers = project_multipliers(program, solution.multipliers)
            prices, choice = step_prices(program, multipliers, objective=False)
            terms = row_and_box_terms(program, multipliers, objective=False)
            priced = self._pricer.solve(cumulative_weights(prices))
            scale = infeasibility_scale(program, multipliers) + priced.value
            safe = priced.value + terms + lost_to_rounding(program, multipliers, prices, objective=False)
            if safe < -1e-9 * scale:
                self._proof = multipliers
                return StopReason.INFEASIBLE
            before = self._partition.n_classes
            self._refine(priced, choice)
            self._record(None)
            if self._partition.n_classes == before:
                return StopReason.EXHAUSTED
            reason = self._reason()
            if reason is not None:
                return reason

    def _allowed(self) -> float:
        """Absolute difference that the relative gap stands for."""
        return self._stop.relative_gap * max(abs(self._bound), 1e-9) if np.isfinite(self._bound) else 0.0

    @property
    def _difference(self) -> float:
        """Bound less value."""
        return self._bound - self._value

    def _reason(self) -> StopReason | None:
        if self._difference <= self._allowed():
            return StopReason.GAP
        if self._stop.interrupted is not None and self._stop.interrupted():
            return StopReason.INTERRUPTED
        spent = time.perf_counter() - self._begun
        if self._stop.seconds is not None and spent >= self._stop.seconds:
            return StopReason.TIME
        coarse = self._stop.coarse_gap * abs(self._bound) if np.isfinite(self._bound) else 0.0
        if self._stop.coarse_after is not None and spent >= self._stop.coarse_after and self._difference <= coarse:
            return StopReason.COARSE
        if self._stop.iterations is not None and len(self._history) >= self._stop.iterations:
            return StopReason.ITERATIONS
        return None

    def _record(self, bound: float | None) -> None:
        seconds = time.perf_counter() - self._begun
        record = Iteration(
            number=len(self._history),
            seconds=seconds,
            bound=bound,
            best_bound=self._bound,
            master_value=self._value,
            classes=self._partition.n_classes,
            phase_one=bound is None,
        )
        self._history.append(record)
        _LOG.debug("iteration %d: bound %.9g, value %.9g", record.number, self._bound, self._value)
        if self._on_iteration is not None:
            self._on_iteration(record)

    def _answer(self, reason: StopReason) -> RelaxationResult:
        program, point, proof = self._program, self._point, self._proof
        x: Floats | None = None
        if point is not None:
            active, z = point.active, point.class_value
            x = np.zeros(program.value.shape)
            x.reshape(-1)[active.column] = np.maximum(z[active.upper_class] - z[active.lower_class], 0.0)
        outcome = Outcome.OPTIMAL if self._difference <= self._allowed() else Outcome.BOUNDED
        if proof is not None:
            outcome = Outcome.INFEASIBLE
        return RelaxationResult(
            outcome=outcome,
            reason=reason,
            bound=-np.inf if proof is not None else float(self._bound),
            multipliers=self._multipliers if proof is None else proof,
            value=float(self._value),
            x=x,
            extras=None if point is None else point.extras,
            iterations=len(self._history),
            history=tuple(self._history),
            seconds=time.perf_counter() - self._begun,
            kernel=self._kernel(closure_graph(0, [], [])).name,
            partition=self._partition,
        )
