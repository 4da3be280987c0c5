"""Certificates of the bound of a mine: cases that cover every plan, each with multipliers that prove what it is worth.

A certificate names the mine by its hash. From the mine alone whoever checks it makes the closure program again
(``blockscale.py``) and the rows that every plan keeps (``tightening.py``), looks whether the cases leave none out, and
recomputes UB(l) of each with a closure a period. Of the file only the claims and the multipliers are used.

Two bounds, never confused: ``lp_bound`` rests on no reduction that uses integrality, ``bound`` does. Money is the
mine's currency, discounted; multipliers are in thousands of it per unit of their row.

Source: Geoffrion (1974), "Lagrangean relaxation for integer programming"; Bienstock and Zuckerberg (2010), section 3.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scheduler.blockscale import Compiled, closure_program
from scheduler.problem import Array, Problem
from scheduler.tightening import RowName, Tightening, tightening, untightened
from scheduler.verified import is_below
from solvers.closure import PseudoflowKernel, closure_graph
from solvers.relaxation import Outcome, RelaxationResult, StopRule, bracketed_bound, solve_relaxation
from solvers.relaxation.branching import CaseLimits, Cases, bound_by_cases
from solvers.relaxation.leaves import Leaf, Ranges, every_case, leaf_bounds

_LOG = logging.getLogger(__name__)
THOUSAND = 1000.0
LP_GAP = 1e-6
SECONDS = 15.0
"""Wall time a certificate may take; the tree on what works when is usually done before."""
PHASES_ACTIVE, LAGS = "limits.phases_active_max", "phases.lag_years"
"""Rules that the relaxation cannot hold, and leaves out or weakens: the bound stays one, less tight."""


Mined = tuple[str, str, bool]
"""Unit, period, and whether it is mined by its end."""


@dataclass(frozen=True)
class Case:
    """A case of the cover.

    Attributes:
        ranges: smallest and largest number by name: ``works.pit``, the periods at work; ``bought.<option>``, the
            periods before it is bought. A name that is left out takes any.
        bound: no plan of the case is worth more, currency; ``None`` where there is no plan of it.
        multipliers: one a side row, then one a row of ``MineCertificate.rows``, then one a unit mined by then.
        mined: names of units and periods, and whether the unit is mined by the end of that period or not, in the order
            of the forks that lead here.
    """

    ranges: dict[str, tuple[int, int]]
    bound: float | None
    multipliers: Array
    mined: tuple[Mined, ...] = ()


@dataclass(frozen=True)
class MineCertificate:
    """What a certificate says.

    Attributes:
        instance_hash: of the mine it speaks of.
        name: of the mine, for the reader.
        overrides: changes to the mine, for whoever reads it again.
        resolution: whether the units are panels or blocks.
        objective: of the plan it came with, currency; ``None`` without one.
        bound: no plan is worth more, currency; -inf where there is no plan.
        cases: cover every plan.
        tightened: whether earliest periods by cone and capacity are used.
        rows: names of the rows used that every plan keeps.
        relaxed: keys of the rules that the relaxation leaves out or weakens.
        lp_bound: bound without any reduction that rests on integrality, currency; ``None`` where not claimed.
        lp_multipliers: its multipliers, one a side row; ``None`` likewise.
        kernel: name and version of the closure kernel it was made with.
    """

    instance_hash: str
    name: str
    overrides: tuple[str, ...]
    resolution: str
    objective: float | None
    bound: float
    cases: tuple[Case, ...]
    tightened: bool
    rows: tuple[RowName, ...]
    relaxed: tuple[str, ...]
    lp_bound: float | None
    lp_multipliers: Array | None
    kernel: str


@dataclass(frozen=True)
class Cover:
    """The cases of a certificate without what they are bounded by, to begin the search for another mine's with.

    Attributes:
        rows: names of the rows used that every plan keeps.
        cases: cover every plan.
    """

    rows: tuple[RowName, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Identity:
    """Which mine, at which resolution; see :class:`MineCertificate`."""

    instance_hash: str
    name: str
    overrides: tuple[str, ...]
    resolution: str


def relaxed(problem: Problem) -> tuple[Problem, tuple[str, ...]]:
    """The problem without what a closure cannot hold, and the keys of what was left out or weakened.

    Every plan of the problem is one of the relaxed problem. The number of active phases is left out; a lag that is
    another number of periods from one period to the next becomes the smallest of them.
    """
    told: list[str] = []
    if problem.phases_active_most is not None:
        problem = replace(problem, phases_active_most=None)
        told.append(PHASES_ACTIVE)
    steps = np.arange(problem.periods)
    lag = np.where(problem.arc_from >= 0, steps[None, :] - problem.arc_from, problem.periods)
    least = lag.min(axis=1, initial=problem.periods)
    uniform = np.maximum(steps[None, :] - least[:, None], -1)
    if not np.array_equal(uniform, problem.arc_from):
        problem = replace(problem, arc_from=uniform)
        told.append(LAGS)
    return problem, tuple(told)


def certify_mine(
    problem: Problem,
    identity: Identity,
    *,
    objective: float | None = None,
    target: float | None = None,
    seconds: float | None = SECONDS,
    lp: RelaxationResult | None = None,
    begin: Cover | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> MineCertificate:
    """A certificate of the best bound found in the time allowed.

    Args:
        problem: the problem of the mine.
        identity: of the mine.
        objective: of the plan, thousands.
        target: a bound this low is good enough, thousands.
        seconds: wall time, looked at between closures; ``None`` for no limit.
        lp: the relaxation of ``closure_program(relaxed(problem)[0])`` where it is solved already.
        begin: cases of a like mine's certificate, to begin with; their bounds are worked out anew.
        interrupted: asked before every closure; true ends the search, and what is proven by then is certified.

    Raises:
        UnsupportedError: where the problem cannot be relaxed to a closure program.
        RuntimeError: where the relaxation proves that there is no plan at all.
    """
    weaker, told = relaxed(problem)
    compiled = closure_program(weaker)
    begun = time.perf_counter()
    if lp is None:
        half = None if seconds is None else 0.5 * seconds
        lp = solve_relaxation(compiled.program, StopRule(relative_gap=LP_GAP, seconds=half, interrupted=interrupted))
    if lp.outcome is Outcome.INFEASIBLE:
        raise RuntimeError("the relaxation proves that the mine has no plan")
    tight = tightening(problem, compiled)
    limits = CaseLimits(
        target=-np.inf if target is None else target,
        seconds=None if seconds is None else max(seconds - (time.perf_counter() - begun), 0.0),
        interrupted=interrupted,
    )
    leaves = () if begin is None else _carried_over(begin, tight)
    found = bound_by_cases(tight.program, list(tight.chains.values()), tight.aside, limits, root=lp, begin=leaves)
    return _certificate(identity, problem, compiled, tight, found, objective=objective, lp=lp, told=told)


def refute_mine(
    problem: Problem,
    identity: Identity,
    *,
    seconds: float | None = SECONDS,
    interrupted: Callable[[], bool] | None = None,
) -> MineCertificate | None:
    """A certificate that a mine has no plan; ``None`` where cases and relaxation do not rule every plan out.

    First without any reduction, then by cases over what switches once, with what integrality allows to add.

    Args:
        problem: the problem of the mine.
        identity: of the mine.
        seconds: wall time, looked at between closures; ``None`` for no limit.
        interrupted: asked before every closure; true ends the search.

    Raises:
        UnsupportedError: where the problem cannot be relaxed to a closure program.
    """
    weaker, told = relaxed(problem)
    compiled = closure_program(weaker)
    begun = time.perf_counter()
    lp = solve_relaxation(compiled.program, StopRule(LP_GAP, seconds, interrupted=interrupted))
    tight = untightened(problem, compiled)
    leaf = Leaf(every_case(list(tight.chains.values())), lp.multipliers, -np.inf)
    found = Cases((leaf,), np.zeros(0, np.int64), -np.inf, 1, lp.seconds)
    if lp.outcome is not Outcome.INFEASIBLE:
        tight = tightening(problem, compiled)
        left = None if seconds is None else max(seconds - (time.perf_counter() - begun), 0.0)
        limits = CaseLimits(seconds=left, interrupted=interrupted)
        found = bound_by_cases(tight.program, list(tight.chains.values()), tight.aside, limits, root=lp)
    if found.bound > -np.inf:
        return None
    return _certificate(identity, problem, compiled, tight, found, objective=None, lp=None, told=told)


def _carried_over(begin: Cover, tight: Tightening) -> list[Leaf]:
    """Cases as leaves of another program; none where chains or rows of the program are others.

    A row that the other program has not loses its multiplier, which leaves a bound one.
    """
    first, whole = tight.program.n_rows, every_case(list(tight.chains.values()))
    number = {name: row for row, name in enumerate(tight.names)}
    kept = [(place, number[name]) for place, name in enumerate(begin.rows) if name in number]
    places, rows = (np.array([pair[k] for pair in kept], dtype=np.int64) for k in (0, 1))
    leaves = []
    for case in begin.cases:
        if case.mined or case.multipliers.size != first + len(begin.rows) or not set(case.ranges) <= set(tight.chains):
            return []
        ranges = tuple(case.ranges.get(name, every) for name, every in zip(tight.chains, whole, strict=True))
        if any(high > size for (_, high), (_, size) in zip(ranges, whole, strict=True)):
            return []
        aside = np.zeros(tight.aside.size)
        aside[rows] = case.multipliers[first:][places]
        leaves.append(Leaf(ranges, np.append(case.multipliers[:first], aside), np.inf))
    return leaves


def certificate_from_relaxation(
    problem: Problem,
    compiled: Compiled,
    result: RelaxationResult,
    identity: Identity,
    objective: float | None,
    *,
    tight: Tightening | None = None,
    cases: Cases | None = None,
) -> MineCertificate:
    """The certificate of multipliers that a relaxation ended with: nothing is solved again.

    Args:
        problem: the problem of the mine.
        compiled: the closure program of ``relaxed(problem)[0]``.
        result: the relaxation's answer to it.
        identity: of the mine.
        objective: of the plan, thousands.
        tight: the reductions used, of which whoever checks it makes the same again; none unless given.
        cases: the bound by cases over ``tightening.chains`` with them; one case that holds everything unless given.
    """
    tight = tight or untightened(problem, compiled)
    if cases is None:
        leaf = Leaf(every_case(list(tight.chains.values())), result.multipliers, result.bound)
        cases = Cases((leaf,), np.zeros(0, np.int64), result.bound, 1, result.seconds)
    told = relaxed(problem)[1]
    return _certificate(identity, problem, compiled, tight, cases, objective=objective, lp=result, told=told)


def _certificate(
    identity: Identity,
    problem: Problem,
    compiled: Compiled,
    tight: Tightening,
    found: Cases,
    *,
    objective: float | None,
    lp: RelaxationResult | None,
    told: tuple[str, ...],
) -> MineCertificate:
    """The certificate, every bound worked out again from its multipliers."""
    program = tight.aside.added_to(tight.program, found.rows)
    linked = list(tight.chains.values())
    bounds = leaf_bounds(program, linked, found.leaves, whole=problem.whole, bracketed=True)
    if is_below(found.bound, max(bounds)):
        _LOG.warning(
            "multipliers prove %.12g when recomputed, not the %.12g found: that is claimed",
            THOUSAND * max(bounds),
            THOUSAND * found.bound,
        )
    everything = every_case(linked)
    proven = None if lp is None else _lp_bound(compiled, tight, found, bounds, lp)
    cases = [
        Case(
            _told_ranges(tight, leaf.ranges, everything),
            None if bound == -np.inf else THOUSAND * bound,
            leaf.multipliers,
            tuple((problem.unit_names[node], problem.labels[step], taken) for node, step, taken in leaf.decisions),
        )
        for leaf, bound in zip(found.leaves, bounds, strict=True)
    ]
    return MineCertificate(
        instance_hash=identity.instance_hash,
        name=identity.name,
        overrides=identity.overrides,
        resolution=identity.resolution,
        objective=None if objective is None else THOUSAND * objective,
        bound=THOUSAND * max(bounds),
        cases=tuple(cases),
        tightened=tight.program is not compiled.program,
        rows=tuple(tight.names[row] for row in found.rows.tolist()),
        relaxed=told,
        lp_bound=None if proven is None else THOUSAND * proven,
        lp_multipliers=None if lp is None else lp.multipliers,
        kernel=PseudoflowKernel(closure_graph(0, [], [])).name,
    )


def _lp_bound(compiled: Compiled, tight: Tightening, found: Cases, bounds: list[float], lp: RelaxationResult) -> float:
    """What the multipliers of the plain relaxation prove; known where the one case is the whole of it."""
    alone = tight.program is compiled.program and len(found.leaves) == 1 and not found.rows.size
    if alone and found.leaves[0].multipliers is lp.multipliers:
        return bounds[0]
    return bracketed_bound(compiled.program, lp.multipliers, enough=lp.bound)


def _told_ranges(tight: Tightening, ranges: Ranges, everything: Ranges) -> dict[str, tuple[int, int]]:
    """Ranges by name, those that take in everything left out."""
    pairs = zip(tight.chains, ranges, everything, strict=True)
    return {name: pair for name, pair, whole in pairs if pair != whole}


def certified_figures(certificate: MineCertificate) -> dict[str, object]:
    """What the summary of a run says of its certificate: ``certified_bound``, ``gap_certified``, ``lp_bound``."""
    objective = certificate.objective
    gap = None
    if objective:
        gap = (certificate.bound - objective) / abs(objective)
    return {
        "certified_bound": certificate.bound,
        "gap_certified": gap,
        "lp_bound": certificate.lp_bound,
        "certificate": {
            "cases": len(certificate.cases),
            "rows": len(certificate.rows),
            "relaxed": list(certificate.relaxed),
            "kernel": certificate.kernel,
        },
    }
