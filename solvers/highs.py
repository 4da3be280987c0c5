"""Programs solved by HiGHS: arrays in, one frozen result out.

Measured with highspy 1.16.0, and the reason for much of this file:

- A start given by `setSolution` may be mapped through presolve to an objective it does not have; the answer is then
  wrong and called optimal. Max 8x + 6y + z over 2x + y + 2z <= 5, integer x <= 1 and y <= 2, z <= 1, from (0, 2, 1)
  gives "21" instead of 20.5. A start handed over in the callback for user solutions is mapped well.
- An infeasible start vanishes without a word; an exception in a callback wipes the answer.
- Another number of threads than in the last solve of the same Python thread ends in an error unless the scheduler is
  reset.
- A node limit is reported as a solution limit; a mixed-integer program may end as "unbounded or infeasible".
- A mixed-integer solve does not call back while its root linear program runs.
"""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import highspy
import numpy as np

from solvers.options import OptionError, SolveOptions, quiet_highs
from solvers.program import FEASIBILITY_TOLERANCE, INTEGRALITY_TOLERANCE, Program, Vector
from solvers.result import BOUND_TOLERANCE, STOP_REASONS, Progress, Result, StartUse, StopReason, gaps, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from highspy._core import _Highs


logger = logging.getLogger(__name__)

VERSION = f"{highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"

_POLL_S = 0.05

_EVENTS = (
    highspy.cb.HighsCallbackType.kCallbackSimplexInterrupt,
    highspy.cb.HighsCallbackType.kCallbackIpmInterrupt,
    highspy.cb.HighsCallbackType.kCallbackMipImprovingSolution,
    highspy.cb.HighsCallbackType.kCallbackMipLogging,
    highspy.cb.HighsCallbackType.kCallbackMipInterrupt,
)
_START_EVENT = highspy.cb.HighsCallbackType.kCallbackMipUserSolution
_REPORTING = frozenset(int(event) for event in _EVENTS[2:])


@dataclass(frozen=True)
class _Run:
    """What HiGHS said, before anything is believed."""

    stop: StopReason
    x: Vector | None = None
    row_duals: Vector | None = None
    reduced_costs: Vector | None = None
    bound: float | None = None
    nodes: int = 0
    iterations: int = 0
    claimed: float | None = None
    undecided: bool = False
    message: str = ""


@dataclass(frozen=True)
class _Start:
    """A starting point that was judged."""

    use: StartUse
    x: Vector | None = None
    message: str = ""


@dataclass(frozen=True)
class _Point:
    """A feasible point with its objective, or why there is none."""

    x: Vector | None
    objective: float | None
    message: str = ""


def solve(
    program: Program,
    options: SolveOptions | None = None,
    *,
    start: Vector | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    log_file: Path | str | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Result:
    """Solve a linear or mixed-integer linear program with HiGHS.

    An answer is only given as one after its rows, bounds and integrality were checked here; integer columns are
    rounded, and the continuous ones solved again where rounding alone breaks a row. The objective is recomputed from
    the point. A feasible start is never lost: where HiGHS finds nothing better, it is the answer.

    From the main thread, the first Ctrl-C stops the solve and returns the best point so far; the second raises
    KeyboardInterrupt. Both `cancel` and Ctrl-C are answered when HiGHS next calls back: between linear programs of a
    mixed-integer solve, at every iteration of simplex or interior point, never within presolve or PDLP.

    Args:
        program: what to solve; it is not changed.
        options: limits and parameters, by default those of `SolveOptions`.
        start: a complete point, shape (n,). It is used when it keeps every row, bound and integrality within
            tolerance, and refused otherwise; the result and a warning say which. See `complete_start`.
        on_progress: called with a `Progress` from the solving thread, mixed-integer programs only.
        log_file: file that takes the log of HiGHS; an existing file is replaced. Nothing goes to the console.
        cancel: asked again and again while solving; True stops the solve.

    Returns:
        The result; every stop is a result, including "infeasible", limits and numerical trouble.

    Raises:
        ValueError: `start` has the wrong shape or holds values that are not finite.
        OptionError: an iteration limit for a mixed-integer program, which HiGHS would ignore.
        FileNotFoundError: the folder of `log_file` does not exist.
        Exception: whatever `on_progress` or `cancel` raises, after HiGHS has stopped.
    """
    began = time.perf_counter()
    options = options or SolveOptions()
    if options.iteration_limit is not None and program.is_mixed_integer:
        raise OptionError("iteration_limit: HiGHS keeps it in linear programs only; set node_limit")
    judged = _judge_start(program, start, options)
    watch = _Watch(program, options.progress_interval_s, on_progress, cancel)
    if program.num_columns == 0:
        run = _solve_without_columns(program)
    else:
        run = _run(program, options, watch, judged.x, log_file)
        if run.undecided:
            run = _tell_unbounded_from_infeasible(program, options.after(time.perf_counter() - began), watch, run)
    return _assemble(program, options, judged, run, began)


def complete_start(program: Program, values: Vector, options: SolveOptions | None = None) -> Result:
    """Complete a start given by its integer columns: solve the linear program left when they are fixed.

    Args:
        program: the mixed-integer program.
        values: shape (n,); integer columns finite, the others are not read and may be NaN.
        options: limits and parameters of the linear program.

    Returns:
        The result for the linear program; its `x`, when there is one, is a complete start for `program`.

    Raises:
        ValueError: an integer column has no value, is far from an integer, or outside its bounds.
    """
    return solve(program.with_fixed_integers(values), options)


def _judge_start(program: Program, start: Vector | None, options: SolveOptions) -> _Start:
    """Decide whether a start may be handed over, repairing what HiGHS would silently throw away.

    HiGHS takes a start only when absolute violations are within 1e-6; a point that keeps the scaled tolerance but
    not that one has its continuous columns solved again.
    """
    if start is None:
        return _Start(StartUse.NONE)
    point = program.point(start)
    if not np.isfinite(point).all():
        j = int(np.flatnonzero(~np.isfinite(point))[0])
        raise ValueError(f"start has no finite value for {program.column_name(j)}; see complete_start")
    if not program.is_mixed_integer:
        return _Start(StartUse.NOT_NEEDED)
    reason = program.explain_violation(point)
    if reason is not None:
        logger.warning("start refused: %s", reason)
        return _Start(StartUse.REFUSED, message=reason)
    snapped = program.snapped(point)
    if program.violation(snapped).largest_excess <= FEASIBILITY_TOLERANCE:
        return _Start(StartUse.ACCEPTED, snapped)
    repaired = _repair(program, snapped, options)
    if repaired is None:
        reason = program.explain_violation(snapped) or "HiGHS's absolute tolerance is not kept"
        logger.warning("start refused: %s", reason)
        return _Start(StartUse.REFUSED, message=reason)
    return _Start(StartUse.REPAIRED, repaired, "continuous columns were solved again")


def _repair(program: Program, snapped: Vector, options: SolveOptions) -> Vector | None:
    """Solve the continuous columns again with the integers of `snapped`, or None when that is not possible."""
    # No time limit: stopping here would lose the point.
    limits = SolveOptions(seed=options.seed, threads=options.threads)
    watch = _Watch(program, math.inf, None, None)
    try:
        fixed = program.with_fixed_integers(snapped)
    except ValueError:
        return None
    run = _run(fixed, limits, watch, None, None)
    if run.stop != StopReason.PROVEN or run.x is None:
        return None
    x = program.snapped(run.x)
    return x if program.is_feasible(x) else None


def _load(program: Program, highs: _Highs) -> tuple[bool, str]:
    """Hand the arrays to HiGHS; returns whether it took them, and a remark, empty when all went well."""
    matrix = program.matrix
    status = highs.passModel(
        program.num_columns,
        program.num_rows,
        int(matrix.nnz),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize if program.maximise else highspy.ObjSense.kMinimize),
        program.offset,
        program.cost,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        matrix.indptr.astype(np.int32, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data,
        program.integer.astype(np.int32),
    )
    if status == highspy.HighsStatus.kError:
        return False, "HiGHS refuses the program"
    if status == highspy.HighsStatus.kWarning:
        return (
            True,
            "HiGHS changed the program: coefficients below 1e-9 count as zero, so the bound is for another one",
        )
    return True, ""


def _run(
    program: Program,
    options: SolveOptions,
    watch: _Watch,
    start: Vector | None,
    log_file: Path | str | None,
) -> _Run:
    """Run HiGHS once and read what it says."""
    highs = quiet_highs()
    options.apply(highs, log_file)
    taken, remark = _load(program, highs)
    if not taken:
        return _Run(StopReason.ERROR, message=remark)
    watch.attach(highs, start)
    _run_interruptibly(highs, watch)
    watch.raise_error()
    return replace(_read(program, options, highs), message=remark)


def _read(program: Program, options: SolveOptions, highs: _Highs) -> _Run:
    status = highs.getModelStatus()
    stop = STOP_REASONS[status.name]
    info = highs.getInfo()
    solution = highs.getSolution()
    mixed = program.is_mixed_integer
    nodes = max(int(info.mip_node_count), 0)
    if stop == StopReason.SOLUTION_LIMIT and options.node_limit is not None and nodes >= options.node_limit:
        stop = StopReason.NODE_LIMIT
    x = np.array(solution.col_value, dtype=np.float64)
    usable = solution.value_valid and x.shape == (program.num_columns,) and bool(np.isfinite(x).all())
    proven_linear = not mixed and stop == StopReason.PROVEN and solution.dual_valid
    bound = float(info.mip_dual_bound)
    return _Run(
        stop=stop,
        x=x if usable else None,
        row_duals=np.array(solution.row_dual, dtype=np.float64) if proven_linear else None,
        reduced_costs=np.array(solution.col_dual, dtype=np.float64) if proven_linear else None,
        bound=bound if mixed and stop != StopReason.ERROR and abs(bound) < highspy.kHighsInf else None,
        nodes=nodes,
        iterations=max(int(info.simplex_iteration_count), 0),
        claimed=float(info.objective_function_value) if usable else None,
        undecided=status == highspy.HighsModelStatus.kUnboundedOrInfeasible,
    )


def _solve_without_columns(program: Program) -> _Run:
    """HiGHS calls a program without columns empty and leaves its rows unread."""
    x = np.zeros(0)
    if program.is_feasible(x):
        return _Run(StopReason.PROVEN, x, np.zeros(program.num_rows), x)
    return _Run(StopReason.INFEASIBLE)


def _tell_unbounded_from_infeasible(program: Program, options: SolveOptions, watch: _Watch, run: _Run) -> _Run:
    """Solve once more without an objective: a feasible program that HiGHS left undecided is unbounded.

    HiGHS says "unbounded or infeasible" when the linear relaxation has no dual solution. Should the program be
    feasible, the relaxation is unbounded, and with rational data so is the mixed-integer program (Meyer 1974,
    Mathematical Programming 7:223).
    """
    flat = replace(program, cost=np.zeros(program.num_columns), offset=0.0)
    second = _run(flat, options, watch, None, None)
    nodes, iterations = run.nodes + second.nodes, run.iterations + second.iterations
    if second.x is not None and program.is_feasible(second.x):
        return replace(run, stop=StopReason.UNBOUNDED, x=None, bound=None, nodes=nodes, iterations=iterations)
    return replace(second, x=None, bound=None, nodes=nodes, iterations=iterations)


def _checked_point(program: Program, options: SolveOptions, run: _Run) -> _Point:
    """Return the point of a run once it has been shown feasible, integers rounded."""
    if run.x is None or run.stop in {StopReason.INFEASIBLE, StopReason.UNBOUNDED, StopReason.ERROR}:
        return _Point(None, None)
    snapped = program.snapped(run.x)
    message = ""
    actual = program.objective_value(run.x)
    if run.claimed is not None and abs(run.claimed - actual) > BOUND_TOLERANCE * max(1.0, abs(actual)):
        message = f"HiGHS claims objective {run.claimed!r} for a point of {actual!r}"
    if program.is_feasible(snapped):
        return _Point(snapped, program.objective_value(snapped), message)
    if program.is_mixed_integer and program.integrality_violation(run.x).max() <= INTEGRALITY_TOLERANCE:
        repaired = _repair(program, run.x, options)
        if repaired is not None:
            return _Point(repaired, program.objective_value(repaired), message)
    return _Point(None, None, f"point not accepted: {program.explain_violation(snapped)}")


def _better(program: Program, point: _Point, judged: _Start) -> _Point:
    """Return the better of the run's point and the accepted start."""
    if judged.x is None:
        return point
    start_objective = program.objective_value(judged.x)
    if point.objective is not None:
        ahead = start_objective - point.objective if program.maximise else point.objective - start_objective
        if ahead <= 0.0:
            return point
    return _Point(judged.x, start_objective, point.message)


def _assemble(program: Program, options: SolveOptions, judged: _Start, run: _Run, began: float) -> Result:
    point = _better(program, _checked_point(program, options, run), judged)
    if run.stop == StopReason.UNBOUNDED:
        point = _Point(None, None)
    bound = run.bound
    if not program.is_mixed_integer and run.stop == StopReason.PROVEN:
        bound = point.objective
    verdict = weigh(
        run.stop,
        point.objective,
        bound if run.stop != StopReason.INFEASIBLE else None,
        maximise=program.maximise,
        gap_asked=options.gap,
        gap_abs_asked=options.gap_abs,
    )
    message = "; ".join(part for part in (run.message, point.message, verdict.message) if part)
    if run.stop == StopReason.INFEASIBLE and point.x is not None:
        message = "HiGHS reports infeasible a program whose start was checked feasible"
    if message:
        logger.warning("%s", message)
    duals = verdict.stop_reason == StopReason.PROVEN and not program.is_mixed_integer
    return Result(
        outcome=verdict.outcome,
        stop_reason=verdict.stop_reason,
        objective=point.objective,
        bound=verdict.bound,
        gap=verdict.gap,
        gap_abs=verdict.gap_abs,
        x=point.x,
        row_duals=run.row_duals if duals else None,
        reduced_costs=run.reduced_costs if duals else None,
        seconds=time.perf_counter() - began,
        nodes=run.nodes,
        simplex_iterations=run.iterations,
        version=VERSION,
        seed=options.seed,
        threads=options.threads,
        start=judged.use,
        start_message=judged.message,
        message=message,
    )


class _Watch:
    """What HiGHS calls while it solves: passes progress on and tells it when to stop.

    An exception raised by the caller's functions stops the solve and is kept for `raise_error`, because one that
    reached HiGHS would wipe the answer and be swallowed.
    """

    def __init__(
        self,
        program: Program,
        interval_s: float,
        on_progress: Callable[[Progress], None] | None,
        cancel: Callable[[], bool] | None,
    ) -> None:
        self.stop = False
        self._maximise = program.maximise
        self._interval_s = interval_s
        self._on_progress = on_progress
        self._cancel = cancel
        self._reported = -math.inf
        self._error: BaseException | None = None
        self._start: Vector | None = None

    def attach(self, highs: _Highs, start: Vector | None) -> None:
        """Register with a HiGHS instance that is about to run, and keep the start to hand it over."""
        self._start = start
        highs.setCallback(self._called, None)  # type: ignore[arg-type]  # the stub's event type is not what comes
        for event in _EVENTS:
            highs.startCallback(event)
        if start is not None:
            highs.startCallback(_START_EVENT)

    def raise_error(self) -> None:
        """Raise what a function of the caller raised while HiGHS ran."""
        if self._error is not None:
            raise self._error

    def _called(
        self,
        event: int,
        _message: str,
        out: highspy.cb.HighsCallbackOutput,
        answer: highspy.cb.HighsCallbackInput | None,
        _data: object,
    ) -> None:
        try:
            if int(event) == int(_START_EVENT) and self._start is not None and answer is not None:
                answer.setSolution(self._start)
                self._start = None
            if self._on_progress is not None and int(event) in _REPORTING and not self.stop:
                self._report(out)
            if self._cancel is not None and not self.stop and self._cancel():
                self.stop = True
        except BaseException as error:  # noqa: BLE001
            self._error, self.stop = error, True
        if self.stop and answer is not None:
            answer.user_interrupt = True

    def _report(self, out: highspy.cb.HighsCallbackOutput) -> None:
        now = time.perf_counter()
        if now - self._reported < self._interval_s or self._on_progress is None:
            return
        self._reported = now
        objective, bound = _finite(out.mip_primal_bound), _finite(out.mip_dual_bound)
        gap = None
        if objective is not None and bound is not None:
            gap = max(gaps(objective, bound, maximise=self._maximise)[0], 0.0)
        self._on_progress(Progress(out.running_time, bound, objective, gap, max(int(out.mip_node_count), 0)))


def _finite(value: float) -> float | None:
    return float(value) if abs(value) < highspy.kHighsInf else None


def _run_interruptibly(highs: _Highs, watch: _Watch) -> None:
    """Run HiGHS; in the main thread, the first Ctrl-C sets ``watch.stop`` and the second one acts as before.

    Python handles signals only in its main thread and only between bytecodes, and HiGHS may not call back for
    minutes; from the main thread HiGHS therefore runs in a thread of its own. Should the second Ctrl-C raise, that
    thread goes on until HiGHS calls back.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        _run_fresh(highs)
        return
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _run_fresh(highs)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=work, name="highs", daemon=True)
    with _first_interrupt_stops(watch):
        thread.start()
        while thread.is_alive():
            thread.join(_POLL_S)
    if failures:
        raise failures[0]


def _run_fresh(highs: _Highs) -> None:
    # HiGHS keeps one pool of threads by Python thread and fails when the next solve asks for another size.
    highs.resetGlobalScheduler(True)
    highs.run()


@contextmanager
def _first_interrupt_stops(watch: _Watch) -> Iterator[None]:
    previous = signal.getsignal(signal.SIGINT)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        watch.stop = True
        signal.signal(signal.SIGINT, previous)
        logger.warning("interrupted: stopping at the solver's next step and keeping the best point so far")

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
