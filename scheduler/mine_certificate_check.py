"""Whether a certificate of a mine's bound holds: the mine read anew, the cover looked over, closures of every case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from instances.geometry.units import Resolution, scheduling_units
from instances.instance import Instance
from scheduler.blockscale import closure_program
from scheduler.compiling import compile_problem
from scheduler.mine_certificates import THOUSAND, Case, MineCertificate, relaxed
from scheduler.problem import Problem
from scheduler.tightening import Tightening, tightening, untightened
from scheduler.verified import ROUNDING, Verified, is_below, is_number
from solvers.closure import KernelFactory, PseudoflowKernel, closure_graph
from solvers.relaxation import ClosureProgram, MultiplierError, bound_from_multipliers
from solvers.relaxation.leaves import (
    Decision,
    Decisions,
    Leaf,
    Ranges,
    complete_ranges,
    leaf_bounds,
    missing_case,
    missing_decisions,
)

RESOLUTIONS: dict[str, Resolution] = {"panel": "panel", "block": "block"}
BETTER_THAN_BOUND = 1e-6
"""Relative; a plan worth more than its bound by more than this is an error."""


def verify_mine_certificate(
    certificate: MineCertificate, instance: Instance, kernel: KernelFactory = PseudoflowKernel
) -> list[Verified]:
    """Whether the claims follow from the mine and the multipliers.

    Checked are: the mine's hash; that the rows used are among those that every plan keeps, made again from the mine;
    that no case is left out; the bound of each case and their largest, and the bound without reductions, no smaller
    than what closures give for each, to 1e-9 relative.
    """
    digest = instance.hash()
    if certificate.instance_hash != digest:
        text = f"the certificate is for the mine {certificate.instance_hash[:12]}, this one has the hash {digest[:12]}"
        return [Verified("certificate", False, text)]
    if certificate.resolution not in RESOLUTIONS:
        text = f"resolution {certificate.resolution!r} is none of {', '.join(RESOLUTIONS)}"
        return [Verified("certificate", False, text)]
    units = scheduling_units(instance, RESOLUTIONS[certificate.resolution])
    problem = compile_problem(instance, units)
    weaker, told = relaxed(problem)
    compiled = closure_program(weaker)
    tight = (tightening if certificate.tightened else untightened)(problem, compiled)
    changed = f", changed by {'; '.join(certificate.overrides)}" if certificate.overrides else ""
    checks = [
        Verified("instance", True, f"{instance.mine.name}{changed}, hash {digest[:12]}, by {certificate.resolution}s"),
        _reductions(certificate, told, tight),
        _cover(certificate, tight, problem),
    ]
    if not all(check.passed for check in checks):
        return checks
    number = {name: row for row, name in enumerate(tight.names)}
    rows = np.asarray([number[name] for name in certificate.rows], dtype=np.int64)
    program = tight.aside.added_to(tight.program, rows)
    checks.append(_bound(certificate, program, tight, problem, kernel))
    if certificate.lp_bound is not None:
        checks.append(_lp_bound(certificate, compiled.program, kernel))
    return checks


def _reductions(certificate: MineCertificate, told: tuple[str, ...], tight: Tightening) -> Verified:
    """Whether the relaxation is that of the mine, and each row used is proven."""
    wrong = []
    if set(certificate.relaxed) != set(told):
        said, found = (", ".join(sorted(keys)) or "none" for keys in (certificate.relaxed, told))
        wrong.append(f"rules left out: {said}; the relaxation of this mine leaves out {found}")
    proven = set(tight.names)
    wrong += [f"no proof from the mine for the row {' '.join(row)}" for row in certificate.rows if row not in proven]
    if len(set(certificate.rows)) < len(certificate.rows):
        wrong.append("a row is named twice")
    earliest = "earliest periods of units and " if certificate.tightened else ""
    text = f"{earliest}{len(certificate.rows)} rows that every plan keeps, made again from the mine"
    return Verified("reductions", not wrong, text, tuple(wrong))


def _ranges(certificate: MineCertificate, tight: Tightening) -> Iterator[Ranges]:
    """Ranges of every case, in the order of the chains."""
    for case in certificate.cases:
        yield tuple(case.ranges.get(name, (0, chain.index.size)) for name, chain in tight.chains.items())


def _decisions(case: Case, units: Mapping[str, int], periods: Mapping[str, int]) -> Decisions:
    """Decisions of a case about units and periods that are known."""
    return tuple(Decision(units[unit], periods[period], taken) for unit, period, taken in case.mined)


def _numbers(problem: Problem) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of units and periods by name."""
    units, periods = problem.unit_names, problem.labels
    return {name: k for k, name in enumerate(units)}, {name: k for k, name in enumerate(periods)}


def _cover(certificate: MineCertificate, tight: Tightening, problem: Problem) -> Verified:
    """Whether the cases leave none out."""
    names = set(tight.chains)
    units, periods = _numbers(problem)
    wrong = [
        f"case {number}: {name} is nothing that this mine decides"
        for number, case in enumerate(certificate.cases)
        for name in sorted(set(case.ranges) - names)
    ]
    wrong += [
        f"case {number}: this mine has no unit {unit} or no period {period}"
        for number, case in enumerate(certificate.cases)
        for unit, period, _ in case.mined
        if unit not in units or period not in periods or tight.program.first_part[units[unit]] < 0
    ]
    if not wrong:
        sizes = [chain.index.size for chain in tight.chains.values()]
        decisions = [_decisions(case, units, periods) for case in certificate.cases]
        held = list(zip(_ranges(certificate, tight), decisions, strict=True))
        missing = missing_case(sizes, complete_ranges(held))
        if missing is not None:
            told = ", ".join(f"{name} = {k}" for name, k in zip(tight.chains, missing, strict=True)) or "any plan"
            wrong.append(f"no case holds {told}{_fork_left_out(held, missing, problem)}")
    return Verified("cases", not wrong, f"{len(certificate.cases)} cases, looked over for any left out", tuple(wrong))


def _fork_left_out(held: Sequence[tuple[Ranges, Decisions]], missing: Sequence[int], problem: Problem) -> str:
    """The fork that the cases of a combination leave out, in words; empty where no case is about that combination."""
    about = [
        ranges for ranges, _ in held if all(low <= k <= high for (low, high), k in zip(ranges, missing, strict=True))
    ]
    if not about:
        return ""
    fork = missing_decisions([decisions for ranges, decisions in held if ranges == about[0]]) or ()
    return "".join(
        f", {problem.unit_names[d.node]} {'mined' if d.taken else 'not mined'} by the end of {problem.labels[d.step]}"
        for d in fork
    )


def _bound(
    certificate: MineCertificate, program: ClosureProgram, tight: Tightening, problem: Problem, kernel: KernelFactory
) -> Verified:
    """The bound of every case and of the whole, a closure each."""
    linked, names = list(tight.chains.values()), _numbers(problem)
    wrong, leaves = [], []
    for number, (case, ranges) in enumerate(zip(certificate.cases, _ranges(certificate, tight), strict=True)):
        decisions = _decisions(case, *names)
        expected = program.n_rows + sum(decision.taken for decision in decisions)
        if case.multipliers.size != expected:
            wrong.append(f"case {number}: expected {expected} multipliers, got {case.multipliers.size}")
        claimed = -np.inf if case.bound is None else case.bound / THOUSAND
        leaves.append(Leaf(ranges, case.multipliers, claimed, decisions))
    if wrong:
        text = "not every case has a multiplier for each row and each unit mined by then"
        return Verified("certified bound", False, text, tuple(wrong))
    proven = leaf_bounds(program, linked, leaves, kernel, whole=problem.whole)
    for number, (leaf, bound) in enumerate(zip(leaves, proven, strict=True)):
        if is_below(leaf.bound, bound):
            said = "no plan" if leaf.bound == -np.inf else f"{THOUSAND * leaf.bound:,.2f}"
            wrong.append(f"case {number}: claimed {said}, its multipliers prove {THOUSAND * bound:,.2f}")
    largest = THOUSAND * max(proven, default=-np.inf)
    name = kernel(closure_graph(0, [], [])).name
    if certificate.bound == -np.inf:
        if largest > -np.inf:
            wrong.append(f"the multipliers do not rule every plan out: they allow one worth {largest:,.2f}")
        text = f"claimed that there is none; closures by {name} leave {'some' if wrong else 'none'}"
        return Verified("no plan", not wrong, text, tuple(wrong))
    if is_below(certificate.bound, largest):
        wrong.append(f"the bound claimed lies below {largest:,.2f}, which is what the multipliers prove")
    text = f"claimed {certificate.bound:,.2f}; closures of every case by {name} give {largest:,.2f}"
    return Verified("certified bound", not wrong, text, tuple(wrong))


def _lp_bound(certificate: MineCertificate, program: ClosureProgram, kernel: KernelFactory) -> Verified:
    """The bound without any reduction."""
    claimed, multipliers = certificate.lp_bound, certificate.lp_multipliers
    assert claimed is not None  # noqa: S101
    try:
        given = np.zeros(0) if multipliers is None else multipliers
        found = THOUSAND * bound_from_multipliers(program, given, kernel, enough=claimed / THOUSAND)
    except MultiplierError as error:
        return Verified("lp bound", False, str(error))
    text = f"claimed {claimed:,.2f} without reductions; closures give {found:,.2f}"
    return Verified("lp bound", not is_below(claimed, found), text)


def verify_claims(
    certificate: MineCertificate, summary: Mapping[str, Any], resolution: str, scale: float = 1.0
) -> Verified:
    """Whether the summary of a run says what its certificate does, and the plan is no better than the bound.

    Args:
        certificate: of the run.
        summary: of the run.
        resolution: of its plan.
        scale: money that differences are held against where the objective is smaller.
    """
    if certificate.bound == -np.inf:
        return Verified("certificate", False, "it claims that there is no plan, beside one")
    wrong = []
    objective = certificate.objective
    gap = (certificate.bound - objective) / abs(objective) if objective else None
    told = (
        ("certified_bound", certificate.bound),
        ("objective", objective),
        ("lp_bound", certificate.lp_bound),
        ("gap_certified", gap),
    )
    for key, value in told:
        said = summary.get(key)
        if value is None or not is_number(said):
            same = said is None and value is None
        else:
            same = abs(said - value) <= ROUNDING * max(abs(value), ROUNDING if key == "gap_certified" else 1.0)
        if not same:
            wrong.append(f"{key} is {said!r} in the summary, {value!r} by the certificate")
    if objective is not None and objective > certificate.bound + BETTER_THAN_BOUND * max(abs(objective), 1.0, scale):
        wrong.append(f"the plan is worth {objective!r}, more than the bound {certificate.bound!r}")
    if certificate.resolution != resolution:
        wrong.append(f"the certificate is for {certificate.resolution}s, the plan is by {resolution}s")
    return Verified("certificate", not wrong, "the summary says what the certificate proves", tuple(wrong))
