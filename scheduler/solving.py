"""From a mine to its plan: model, start, proof, audit, cash flow, and the summary of all that."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import pandas as pd
import pyomo

from instances.findings import BadInput, Finding, Words
from instances.geometry.units import Resolution, Units, scheduling_units
from instances.instance import Instance
from scheduler import block_solving
from scheduler.aside import Aside
from scheduler.audit import Audit, audit
from scheduler.baseline import Baseline, baseline
from scheduler.blockscale import UnsupportedError
from scheduler.cashflow import CashFlow, cash_flow
from scheduler.certified_run import certified_run, seconds_left
from scheduler.compiling import compile_problem
from scheduler.conflicts import Conflict, explain
from scheduler.exact import ExactAnswer, solve_exact
from scheduler.formulation.context import Context
from scheduler.mine_certificates import SECONDS, Case, Cover, Identity, MineCertificate, certify_mine
from scheduler.neighbours import Neighbour
from scheduler.outcome import EXIT_CODE, INFEASIBLE, ExitCode, status_of
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.schedule import figures, schedule_table
from scheduler.solution import to_plan
from solvers.closure import WeightError
from solvers.course import ScheduleOptions
from solvers.highs import VERSION as HIGHS_VERSION
from solvers.options import OptionError, SolveOptions
from solvers.result import Outcome, Progress
from solvers.threads import cores

logger = logging.getLogger(__name__)

THOUSAND = 1000.0
"""The engine counts money in thousands."""
FINDINGS_KEPT = 200
"""Findings of an audit that the summary carries; all are counted."""
EARLY_SHARE = 1 - 1e-5
"""Share of the gap that a certificate made before the search has to prove: rounding is not to decide it."""
PER_TONNE = "kt"
"""Limits in kt: thousands of money a kt are money a tonne."""


Engine = Literal["auto", "exact", "block"]
MOST_FOR_EXACT = 3_000
"""Blocks times periods that the exact engine is still given without being asked."""


@dataclass(frozen=True)
class Request:
    """What is asked of a solve.

    Attributes:
        gap: relative gap at which it may stop.
        time_limit_s: seconds of wall time in all, what was spent before included; ``None`` for no limit.
        node_limit: nodes of the branch-and-bound tree; ``None`` for no limit.
        seed: random seed.
        threads: threads of the solver, 0 for its own choice; processes of the block-scale engine, 0 for one a core.
        resolution: whether panels or blocks are scheduled.
        certificate_s: most seconds of wall time for the certificate of a plan by panels; ``None`` for none but the time
            limit, so that it is the same on every machine.
        engine: ``exact``, ``block`` (for which nodes are no limit), or ``auto``: by size where blocks are scheduled.
    """

    gap: float = 1e-3
    time_limit_s: float | None = None
    node_limit: int | None = None
    seed: int = 0
    threads: int = 0
    resolution: Resolution = "panel"
    engine: Engine = "auto"
    certificate_s: float | None = SECONDS

    def by_blocks(self, instance: Instance) -> bool:
        """Whether the block-scale engine is the one for a mine.

        Raises:
            BadInput: where it is asked for panels that may be mined in part.
        """
        if self.resolution == "panel":
            if self.engine == "block":
                raise BadInput([Finding("--engine", "block", "--resolution block: panels are for the exact engine")])
            return False
        size = len(instance.blocks) * instance.mine.calendar.periods
        return self.engine == "block" or (self.engine == "auto" and size > MOST_FOR_EXACT)

    def options(self, spent_s: float = 0.0) -> SolveOptions:
        """The solver's options once some of the time is spent.

        Raises:
            BadInput: where a value cannot be honoured.
        """
        try:
            options = SolveOptions(
                gap=self.gap,
                time_limit_s=self.time_limit_s,
                node_limit=self.node_limit,
                seed=self.seed,
                threads=self.threads,
            )
        except OptionError as error:
            raise BadInput([_option_finding(line) for line in str(error).splitlines()]) from error
        return options.after(spent_s)


@dataclass(frozen=True)
class Answer:
    """What solving a mine came to.

    Attributes:
        instance: the mine.
        summary: the contents of ``summary.json``; money in currency.
        exit_code: of the command line.
        plan: the schedule; ``None`` where there is none, as are the next three then.
        cash: its cash flow.
        schedule: its table, a row a period.
        audit: what was checked on it.
        conflicts: the limits that rule out every plan; empty unless infeasible.
        certificate: the contents of ``certificate.json``; ``None`` where none could be made.
    """

    instance: Instance
    summary: dict[str, object]
    exit_code: ExitCode
    plan: Plan | None = None
    cash: CashFlow | None = None
    schedule: pd.DataFrame | None = None
    audit: Audit | None = None
    conflicts: tuple[Conflict, ...] = ()
    certificate: dict[str, object] | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the run folder by name."""
        if self.schedule is None or self.cash is None:
            return {}
        return {"schedule": self.schedule, "cashflow": self.cash.table}


@dataclass
class Clock:
    """Wall time by stage, in seconds.

    Attributes:
        seconds: of the stages that are over.
        on_stage: called with the name of each stage as it begins.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    on_stage: Callable[[str], None] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what is done inside."""
        if self.on_stage is not None:
            self.on_stage(name)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def spent(self) -> float:
        """Seconds of all stages that are over."""
        return sum(self.seconds.values())


def solve_mine(
    instance: Instance,
    request: Request,
    *,
    clock: Clock | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    log_file: Path | None = None,
    neighbour: Callable[[Problem], Neighbour | None] | None = None,
    kept: Path | None = None,
    on_solved: Callable[[Problem, ExactAnswer], None] | None = None,
) -> Answer:
    """Schedules a mine by panels or blocks, with a proven gap, and audits and prices the plan.

    Args:
        instance: the mine.
        request: gap, limits, seed and threads.
        clock: holds the time spent before, as on reading; it counts towards the time limit.
        on_progress: called with bound, incumbent and gap of the search, in thousands.
        cancel: asked again and again; true stops the search, the best plan so far is kept.
        log_file: takes the solver's log.
        neighbour: gives what is known of a like mine: its plan, to start from where it can be kept, and the cases of
            its certificate; where these prove the gap at once, there is no search.
        kept: folder of formulations that like mines share, as in ``assembled``.
        on_solved: called with the problem and what the exact engine made of it.

    Raises:
        BadInput: where an option cannot be honoured, or precedence runs in a cycle.
    """
    clock = clock or Clock()
    request.options()
    watch = _Watch(on_progress, cancel, log_file, neighbour, kept)
    if request.by_blocks(instance):
        if request.node_limit is not None:
            logger.warning("a node limit is for the exact engine alone: blocks are scheduled without one")
        return _by_blocks(instance, request, clock, watch)
    exact = _solved_exactly(instance, request, clock, watch)
    problem, answer = exact.problem, exact.answer
    if on_solved is not None:
        on_solved(problem, answer)
    summary = _proof(problem, answer, request) | _yardstick(answer.result.objective, exact.hand, exact.why_not)
    summary |= _identity(instance, request)
    if answer.solution is None:
        return _without_plan(instance, problem, summary, clock)
    certificate, proven = certified_run(
        problem, instance, summary, clock, cancel, most_seconds=request.certificate_s, found=exact.certificate
    )
    plan = to_plan(problem, answer.solution, request.resolution)
    found = _with_plan(instance, exact.units, plan, summary | proven, clock)
    return replace(found, certificate=certificate)


@dataclass(frozen=True)
class _Watch:
    """What goes on beside a solve: see ``solve_mine``."""

    on_progress: Callable[[Progress], None] | None
    cancel: Callable[[], bool] | None
    log_file: Path | None
    neighbour: Callable[[Problem], Neighbour | None] | None
    kept: Path | None


@dataclass(frozen=True)
class _Exact:
    """What the exact engine was given and what it answered.

    ``hand`` is the plan as made by hand, if any; ``certificate`` the one that the search began with.
    """

    units: Units
    problem: Problem
    hand: Baseline | None
    why_not: str
    answer: ExactAnswer
    certificate: MineCertificate | None


def _solved_exactly(instance: Instance, request: Request, clock: Clock, watch: _Watch) -> _Exact:
    with clock.stage("units"):
        units = scheduling_units(instance, request.resolution)
    with clock.stage("problem"):
        problem = compile_problem(instance, units)
    with clock.stage("baseline"):
        hand, why_not = baseline(problem)
    neighbour = None if watch.neighbour is None else watch.neighbour(problem)
    early = None
    if neighbour is not None and neighbour.cover is not None:
        identity = Identity(instance.hash(), instance.mine.name, tuple(instance.overrides), request.resolution)
        early = _EarlyProof(problem, identity, neighbour.cover, request, clock, watch.cancel)
    if clock.on_stage is not None:
        clock.on_stage("solve")
    answer = solve_exact(
        problem,
        request.options(clock.spent()),
        start=_start(hand),
        neighbour=None if neighbour is None else neighbour.solution,
        cover=early,
        kept=watch.kept,
        on_progress=watch.on_progress,
        cancel=watch.cancel,
        log_file=watch.log_file,
    )
    clock.seconds |= answer.seconds
    return _Exact(units, problem, hand, why_not, answer, None if early is None else early.certificate)


@dataclass
class _EarlyProof:
    """The certificate made before the search, from a neighbour's cases."""

    problem: Problem
    identity: Identity
    cover: Cover
    request: Request
    clock: Clock
    cancel: Callable[[], bool] | None
    certificate: MineCertificate | None = None

    def __call__(self, known: float | None) -> tuple[Case, ...]:
        """Its cases, bounded until they prove a plan worth ``known`` (thousands); none where none can be made."""
        target = None if known is None else known + EARLY_SHARE * self.request.gap * abs(known)
        seconds = seconds_left(self.request.time_limit_s, self.clock.spent(), self.request.certificate_s)
        try:
            with self.clock.stage("certificate"):
                self.certificate = certify_mine(
                    self.problem,
                    self.identity,
                    target=target,
                    seconds=seconds,
                    begin=self.cover,
                    interrupted=self.cancel,
                )
        except (UnsupportedError, WeightError, RuntimeError):
            # Whatever it is, the search goes without, and the certificate tried after it tells why.
            return ()
        return self.certificate.cases


def _by_blocks(instance: Instance, request: Request, clock: Clock, watch: _Watch) -> Answer:
    """The plan by panels, for comparison and as a start, beside the bound; then the search of the block-scale engine.

    Where there is one process the panels follow when the search is to begin.
    """
    with clock.stage("blocks"):
        blocks = block_solving.blocks_of(instance, request.threads)
    with _Panels(instance, request, clock, watch) as panels:
        left = None if request.time_limit_s is None else max(request.time_limit_s - clock.spent(), 0.0)
        options = ScheduleOptions(
            request.gap, block_solving.RELAXATION_GAP, left, seed=request.seed, workers=request.threads
        )
        identity = Identity(instance.hash(), instance.mine.name, tuple(instance.overrides), "block")
        answer, made = block_solving.search(
            blocks,
            options,
            lambda: panels.starts(blocks),
            identity,
            on_progress=watch.on_progress,
            on_stage=clock.on_stage,
            cancel=watch.cancel,
        )
        beside = panels.solved()
    clock.seconds |= answer.found.seconds
    summary = block_solving.proof(blocks, answer, request.gap, made) | _identity(instance, request)
    summary |= _yardstick(answer.found.objective, None if beside is None else beside.hand, panels.why_no_hand)
    summary["panels"] = None if beside is None else _beside(beside)
    if answer.solution is None or made is None:
        return _without_plan(instance, blocks.problem, summary, clock)
    certificate, proven = block_solving.told(made, answer.found.objective, versions())
    plan = to_plan(blocks.problem, answer.solution, "block")
    return replace(_with_plan(instance, blocks.units, plan, summary | proven, clock), certificate=certificate)


class _Panels:
    """The plan by panels: begun at once in a process of its own where there may be several, else when asked for."""

    def __init__(self, instance: Instance, request: Request, clock: Clock, watch: _Watch) -> None:
        limit = block_solving.PANEL_SECONDS
        if request.time_limit_s is not None:
            limit = block_solving.PANEL_SHARE * request.time_limit_s
        gap = max(request.gap, block_solving.PANEL_GAP)
        self._asked = replace(request, gap=gap, time_limit_s=limit, resolution="panel", threads=1)
        self._instance, self._clock, self._watch = instance, clock, watch
        self._aside: Aside[_Exact] | None = None
        self._found: list[_Exact | None] = []
        if (request.threads or cores()) > 1:
            self._aside = Aside(_panels_aside, instance, self._asked, watch.log_file)

    def __enter__(self) -> Self:
        """Begun already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what goes on."""
        if self._aside is not None:
            self._aside.__exit__(kind, error, trace)

    def solved(self) -> _Exact | None:
        """What came of it; None where its process died or was too late after an interruption."""
        if not self._found:
            with self._clock.stage("panels"):
                self._found.append(self._wait())
        return self._found[0]

    def _wait(self) -> _Exact | None:
        try:
            if self._aside is not None:
                return self._aside.answer(self._watch.cancel or (lambda: False))
            return _solved_exactly(self._instance, self._asked, Clock(on_stage=self._clock.on_stage), self._watch)
        except (ArithmeticError, BadInput, RuntimeError, ValueError) as error:
            # What is set beside the plan by blocks, and may help it, never costs it.
            logger.warning("there is no plan by panels to compare with: %s", error)
            return None

    def starts(self, blocks: block_solving.Blocks) -> list[tuple[str, np.ndarray]]:
        """The plan as a start of the search; none where there is no plan."""
        panels = self.solved()
        if panels is None or panels.answer.solution is None:
            return []
        begin = block_solving.begun_with_panels(panels.units, panels.problem, panels.answer, blocks)
        return [(block_solving.PANELS, begin)]

    @property
    def why_no_hand(self) -> str:
        """Why there is no plan as made by hand; empty where there is one."""
        panels = self.solved()
        return "there is no plan by panels: it was interrupted or given up" if panels is None else panels.why_not


def _panels_aside(instance: Instance, asked: Request, log_file: Path | None, cancel: Callable[[], bool]) -> _Exact:
    """The plan by panels, in a process of its own."""
    return _solved_exactly(instance, asked, Clock(), _Watch(None, cancel, log_file, None, None))


def _beside(panels: _Exact) -> dict[str, object]:
    """What the plan by panels came to, currency."""
    result = panels.answer.result
    return {
        "units": len(panels.problem.unit_names),
        "objective": _money(result.objective),
        "bound": _money(result.bound),
        "gap": result.gap,
    }


def _identity(instance: Instance, request: Request) -> dict[str, object]:
    """What was solved, with what."""
    return {
        "instance": instance.mine.name,
        "instance_hash": instance.hash(),
        "overrides": instance.overrides,
        "currency": instance.mine.money.currency,
        "versions": versions(),
        "seed": request.seed,
        "threads": request.threads,
        "limits": {"time_s": request.time_limit_s, "nodes": request.node_limit},
    }


def _option_finding(line: str) -> Finding:
    """A line of the solver's, ``name: value is not what it takes``, as a finding."""
    name, _, said = line.partition(": ")
    value, found, expected = said.partition(" is not ")
    return Finding(name, Words(value), expected) if found else Finding(name, None, said)


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    try:
        own = importlib.metadata.version("pitwise")
    except importlib.metadata.PackageNotFoundError:
        own = "0+not-installed"
    return {
        "pitwise": own,
        "python": platform.python_version(),
        "highs": HIGHS_VERSION,
        "pyomo": str(pyomo.__version__),
        "numpy": np.__version__,
    }


def _start(hand: Baseline | None) -> Callable[[Context], bool] | None:
    if hand is None:
        return None

    def write(context: Context) -> bool:
        hand.to_values(context)
        return True

    return write


def _proof(problem: Problem, answer: ExactAnswer, request: Request) -> dict[str, object]:
    """Objective, bound and gap, in currency, and how they were come by."""
    result, record = answer.result, answer.record
    if result.outcome is Outcome.UNBOUNDED:
        raise RuntimeError("the model of the mine is unbounded")
    infeasible = result.outcome is Outcome.INFEASIBLE
    return {
        "status": status_of(result.objective, result.bound, request.gap, infeasible=infeasible),
        "stop_reason": result.stop_reason.value,
        "objective": _money(result.objective),
        "bound": _money(result.bound),
        # Where cases known before prove the gap, no program is solved, and the bound is not the solver's.
        "solver_bound": _money(result.bound) if record.tree_nodes else None,
        "solver": f"HiGHS {result.version}",
        "gap": result.gap,
        "gap_abs": _money(result.gap_abs),
        "gap_asked": request.gap,
        "start": result.start.value,
        "resolution": request.resolution,
        "mining": "whole" if problem.whole else "partial",
        "engine": "exact",
        "units": len(problem.unit_names),
        "periods": problem.periods,
        "nodes": result.nodes,
        "simplex_iterations": result.simplex_iterations,
        "relaxation_bound": _money(record.relaxation),
        "strengthened_bound": _money(record.strengthened),
        "shadow_prices": _shadow_prices(answer.shadow_prices),
        "message": result.message,
    }


def _yardstick(reached: float | None, hand: Baseline | None, why_not: str) -> dict[str, object]:
    """The plan as made by hand, by panels, and what the plan found gains over it; thousands to currency."""
    made = None if hand is None else hand.objective()
    uplift = None if made is None or reached is None else reached - made
    return {
        "baseline_objective": _money(made),
        "baseline_missing": why_not,
        "uplift": _money(uplift),
        "uplift_fraction": None if uplift is None or not made else uplift / abs(made),
    }


def _shadow_prices(prices: pd.DataFrame) -> list[dict[str, object]]:
    """Shadow prices in currency of discounted cash: a tonne for limits on tonnes, else for the unit named."""
    factor = np.where(prices["unit"] == PER_TONNE, 1.0, THOUSAND)
    told = prices.assign(value=prices["value"] * factor, unit=prices["unit"].replace(PER_TONNE, "t"))
    return [{str(key): value for key, value in row.items()} for row in told.to_dict("records")]


def _without_plan(instance: Instance, problem: Problem, summary: dict[str, object], clock: Clock) -> Answer:
    """No plan: where that is proven, the limits that rule it out."""
    conflicts: tuple[Conflict, ...] = ()
    if summary["status"] == INFEASIBLE:
        with clock.stage("conflicts"):
            conflicts = explain(problem)
        summary["conflicts"] = [
            {
                "key": conflict.key,
                "periods": conflict.periods,
                "limit": conflict.limit,
                "reached": conflict.reached,
                "unit": conflict.unit,
                "others": conflict.others,
                "text": conflict.text,
            }
            for conflict in conflicts
        ]
    return Answer(instance, _timed(summary, clock), EXIT_CODE[str(summary["status"])], conflicts=conflicts)


def _with_plan(instance: Instance, units: Units, plan: Plan, summary: dict[str, object], clock: Clock) -> Answer:
    """Audit, cash flow, schedule and figures of the plan found."""
    objective = summary["objective"]
    assert isinstance(objective, float)  # noqa: S101
    with clock.stage("audit"):
        checked = audit(instance, plan, objective=objective, units=units)
    with clock.stage("cash_flow"):
        cash = cash_flow(instance, plan, units)
        schedule = schedule_table(instance, plan, cash, units)
        summary |= figures(instance, plan, cash, units)
    summary["undiscounted_pre_tax"] = cash.undiscounted_pre_tax
    summary["audit"] = audit_summary(checked)
    code = EXIT_CODE[str(summary["status"])] if checked.passed else ExitCode.NOT_VERIFIED
    return Answer(instance, _timed(summary, clock), code, plan, cash, schedule, checked)


def audit_summary(checked: Audit) -> dict[str, object]:
    """An audit as the summary carries it."""
    return {
        "passed": checked.passed,
        "checks": sum(checked.checked.values()),
        "rules": sum(1 for number in checked.checked.values() if number),
        "found": dict(checked.found),
        "findings": [str(finding) for finding in checked.findings[:FINDINGS_KEPT]],
        "objective": checked.objective,
        "largest_excess": max(checked.max_excess.values(), default=0.0),
    }


def _timed(summary: dict[str, object], clock: Clock) -> dict[str, object]:
    return {**summary, "seconds": {**clock.seconds, "total": clock.spent()}}


def _money(thousands: float | None) -> float | None:
    return None if thousands is None else thousands * THOUSAND
