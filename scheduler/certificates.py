"""Certificates of MineLib problems: multipliers that prove a bound, and their check by closures.

A certificate names the instance by its hash and gives one multiplier a side row. Whoever has the instance recomputes
UB(l) of ``solvers.relaxation.bound`` and compares; nothing else in the file is trusted.

Two bounds, never confused: the first is one on the linear relaxation, hence on every schedule, and rests on no
reduction. The second, where there is one, holds for schedules alone: no block begins before its cone fits into the
limits up to then (``solvers/early_start.py``), which whoever checks it works out anew; and it may go by cases, as of
some blocks all is mined by the end of a period or not (``solvers/relaxation/leaves.py``), a closure each.

Source: Geoffrion (1974), "Lagrangean relaxation for integer programming"; Bienstock and Zuckerberg (2010), section 3.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scheduler.minelib_checking import WHOLE, Mining
from scheduler.verified import Verified, is_below
from solvers.closure import PseudoflowKernel, closure_graph
from solvers.early_start import early_started
from solvers.relaxation import Outcome, bound_from_multipliers, bracketed_bound, proves_infeasible
from solvers.relaxation.leaves import Decisions, Leaf, leaf_bounds, missing_decisions

if TYPE_CHECKING:
    from scheduler.minelib import MineLibInstance
    from solvers.closure import KernelFactory
    from solvers.closure_schedule import FoundSchedule
    from solvers.relaxation import ClosureProgram, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.relaxation.program import Floats
    from solvers.ultimate_pit import UltimatePit

BOUND, INFEASIBLE = "lp bound", "infeasible"
_LOG = logging.getLogger(__name__)
_DEAR = 1e3
"""Worth of the whole, over that of the pit, from which the whole is looked at."""
_UNPROVEN = "the multipliers found do not prove that nothing keeps the side rows"


@dataclass(frozen=True, eq=False)
class RowMultipliers:
    """One multiplier a side row.

    Attributes:
        resources: One a resource and period ``(R, T)``, money per unit of the resource.
        general: One a general row ``(M,)``, money per unit of the row.
    """

    resources: Floats
    general: Floats

    @classmethod
    def of(cls, instance: MineLibInstance, multipliers: Floats) -> RowMultipliers:
        """From those in the order of the program's rows."""
        shape = instance.problem.resource_limits.lower.shape
        first = shape[0] * shape[1]
        return cls(multipliers[:first].reshape(shape), multipliers[first:])

    @property
    def flat(self) -> Floats:
        """In the order of the program's rows."""
        return np.concatenate([self.resources.ravel(), self.general])


@dataclass(frozen=True, eq=False)
class ScheduleCase:
    """What is claimed of the schedules of a case.

    Attributes:
        decisions: Blocks that are mined by the end of a period or not, in the order of the forks that lead here.
        bound: None of them is worth more, discounted money; None where there is none.
        multipliers: One a side row.
        mined: One a block that is mined by then.
    """

    decisions: Decisions
    bound: float | None
    multipliers: RowMultipliers
    mined: Floats


@dataclass(frozen=True, eq=False)
class ScheduleBound:
    """What is claimed of schedules alone.

    Attributes:
        mining: Whether blocks are mined whole within a period or may be over several.
        bound: No schedule is worth more, discounted money; None where there is no schedule.
        cases: Hold every schedule, and prove it with the earliest periods of schedules.
    """

    mining: Mining
    bound: float | None
    cases: tuple[ScheduleCase, ...]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a certificate says.

    Attributes:
        claim: ``lp bound``, or ``infeasible``: nothing keeps the side rows, not even parts of blocks.
        instance_hash: Hash of the instance it speaks of.
        bound: Nothing is worth more, discounted money; None for ``infeasible``.
        multipliers: That prove it.
        kernel: Name and version of the closure kernel it was made with.
        schedules: A better bound on schedules; None without one.
    """

    claim: str
    instance_hash: str
    bound: float | None
    multipliers: RowMultipliers
    kernel: str
    schedules: ScheduleBound | None = None

    @property
    def best(self) -> float | None:
        """No schedule is worth more; None where there is none."""
        if self.schedules is None or self.bound is None:
            return self.bound
        return None if self.schedules.bound is None else min(self.bound, self.schedules.bound)


def certify(instance: MineLibInstance, result: RelaxationResult) -> Certificate:
    """The certificate of a relaxation's answer.

    The bound claimed is the larger of the one found and the one recomputed, which differ in the last digits only unless
    the numbers of the problem are of very different sizes.

    Raises:
        RuntimeError: The multipliers do not prove the infeasibility that the relaxation answered.
    """
    infeasible, pit = result.outcome is Outcome.INFEASIBLE, _pit_alone(instance)
    program = instance.program if pit is None else pit.within
    bound = _proven(program, result.multipliers, -math.inf if infeasible else result.bound)
    return Certificate(
        claim=INFEASIBLE if infeasible else BOUND,
        instance_hash=instance.hash,
        bound=bound,
        multipliers=RowMultipliers.of(instance, result.multipliers),
        kernel=result.kernel,
    )


def certify_found(instance: MineLibInstance, found: FoundSchedule, mining: Mining) -> Certificate:
    """The certificate of what a search proved, before or after it; with a bound on schedules where that is better.

    Raises:
        RuntimeError: As :func:`certify`.
    """
    return with_schedules(certify(instance, found.relaxation), instance, found.tightened, found.cases, mining)


def with_schedules(
    certificate: Certificate, instance: MineLibInstance, tightened: ClosureProgram, cases: Cases | None, mining: Mining
) -> Certificate:
    """A certificate with a bound on schedules, where that is better.

    Args:
        certificate: Of the relaxation.
        instance: The problem.
        tightened: Its program with the earliest periods of schedules.
        cases: The bound of that; None where there is none.
        mining: Of the schedules.
    """
    if cases is None or certificate.bound is None or cases.bound >= certificate.bound:
        return certificate
    rows, whole, made = instance.program.n_rows, mining == WHOLE, []
    pit, inside, leaves = _pit_alone(instance), tightened, list(cases.leaves)
    if pit is not None:
        inside, leaves = replace(pit.within, first_step=tightened.starts[pit.nodes]), pit.leaves(leaves)
    for leaf, recomputed in zip(
        cases.leaves, leaf_bounds(inside, (), leaves, whole=whole, bracketed=True), strict=True
    ):
        # They may prove more: those of a relaxation cut short are not yet worked out with the earliest periods.
        bound = _claimed(leaf.bound, recomputed)
        multipliers = RowMultipliers.of(instance, leaf.multipliers[:rows])
        made.append(
            ScheduleCase(leaf.decisions, None if bound == -math.inf else bound, multipliers, leaf.multipliers[rows:])
        )
    bounds = [case.bound for case in made if case.bound is not None]
    return replace(certificate, schedules=ScheduleBound(mining, max(bounds, default=None), tuple(made)))


def _pit_alone(instance: MineLibInstance) -> UltimatePit | None:
    """The ultimate pit where multipliers may be looked at within it alone.

    They prove the same there, and a closure of the whole model takes several times as long. Whoever checks them has
    the whole, though: where what is outside is so dear that it takes digits off the rest, it is not left out here.
    """
    pit = instance.pit
    if pit is None or np.abs(pit.whole.value).sum() > _DEAR * np.abs(pit.within.value).sum():
        return None
    return pit


def _proven(program: ClosureProgram, multipliers: Floats, bound: float) -> float | None:
    """The bound found, or what multipliers prove where that is a hair more; None for -inf, where nothing is left."""
    if bound > -math.inf:
        return _claimed(bound, bracketed_bound(program, multipliers, enough=bound))
    if not proves_infeasible(program, multipliers):
        raise RuntimeError(_UNPROVEN)
    return None


def _claimed(found: float, recomputed: float) -> float:
    """The larger of both; where they differ beyond rounding that is told."""
    if is_below(found, recomputed):
        _LOG.warning("multipliers prove %.12g when recomputed, not the %.12g found: that is claimed", recomputed, found)
    return max(found, recomputed)


def verify_certificate(
    certificate: Certificate, instance: MineLibInstance, kernel: KernelFactory = PseudoflowKernel
) -> list[Verified]:
    """Whether the claim follows from the multipliers and the instance, by a closure a period.

    A bound passes where it is no smaller than the recomputed one, to 1e-9 relative. Where the instance is another one,
    nothing is recomputed.
    """
    same = certificate.instance_hash == instance.hash
    told = f"hash {instance.hash[:12]}" + ("" if same else f", the certificate is for {certificate.instance_hash[:12]}")
    checks = [Verified("instance", same, told)]
    if not same:
        return checks
    checks += _lp_checks(certificate, instance, kernel)
    if certificate.schedules is not None:
        checks += _schedule_checks(certificate.schedules, instance, kernel)
    return checks


def _lp_checks(certificate: Certificate, instance: MineLibInstance, kernel: KernelFactory) -> Iterator[Verified]:
    """Whether there is a multiplier for every row, and what they prove."""
    multipliers = certificate.multipliers
    fits, told = _fit(multipliers, instance)
    yield Verified("multipliers", fits, told)
    if fits:
        yield _claim_check(instance.program, multipliers, certificate.bound, kernel)


def _fit(multipliers: RowMultipliers, instance: MineLibInstance) -> tuple[bool, str]:
    """Whether there is a multiplier for every side row, and the numbers of both."""
    rows = (instance.problem.resource_limits.lower.shape, instance.problem.general_limits.lower.shape)
    given = (multipliers.resources.shape, multipliers.general.shape)
    fits = multipliers.flat.size == instance.program.n_rows and (rows[0] == given[0] or not rows[0][0])
    return fits, f"{given[0]} and {given[1]} for side rows {rows[0]} and {rows[1]}"


def _schedule_checks(claimed: ScheduleBound, instance: MineLibInstance, kernel: KernelFactory) -> Iterator[Verified]:
    """Whether the cases leave no schedule out, and what the multipliers of each prove."""
    of = f" of schedules ({claimed.mining})"
    wrong = [fault for number, case in enumerate(claimed.cases) for fault in _case_faults(number, case, instance)]
    told = f"for the side rows and the blocks mined of {len(claimed.cases)} cases"
    yield Verified(f"multipliers{of}", not wrong, told, tuple(wrong))
    if wrong:
        return
    missing = missing_decisions([case.decisions for case in claimed.cases])
    if missing is not None:
        shown = "; ".join(
            f"block {d.node} mined by the end of period {d.step}"
            if d.taken
            else f"block {d.node} not by then ({d.step})"
            for d in missing
        )
        wrong.append(f"no case holds schedules with {shown or 'anything'}")
    yield Verified(f"cases{of}", not wrong, f"{len(claimed.cases)} cases, looked over for any left out", tuple(wrong))
    if not wrong:
        yield _cases_check(claimed, instance, kernel, of)


def _case_faults(number: int, case: ScheduleCase, instance: MineLibInstance) -> Iterator[str]:
    """What keeps a case from being checked."""
    fits, told = _fit(case.multipliers, instance)
    if not fits:
        yield f"case {number}: {told}"
    asked = sum(decision.taken for decision in case.decisions)
    if case.mined.shape != (asked,):
        yield f"case {number}: {case.mined.size} multipliers for {asked} blocks mined"
    program = instance.program
    for node, step, _ in case.decisions:
        known = 0 <= node < program.n_nodes and 0 <= step < program.n_steps
        if not known or program.first_part[node] < 0:
            yield f"case {number}: there is no block {node} or no period {step}"


def _cases_check(claimed: ScheduleBound, instance: MineLibInstance, kernel: KernelFactory, of: str) -> Verified:
    """The claims against closures of every case."""
    whole = claimed.mining == WHOLE
    tightened = early_started(instance.program, whole=whole)
    leaves = [
        Leaf(
            (),
            np.concatenate([case.multipliers.flat, case.mined]),
            -math.inf if case.bound is None else case.bound,
            case.decisions,
        )
        for case in claimed.cases
    ]
    wrong, proven = [], leaf_bounds(tightened, (), leaves, kernel, whole=whole)
    for number, (leaf, found) in enumerate(zip(leaves, proven, strict=True)):
        if is_below(leaf.bound, found):
            said = "no schedule" if leaf.bound == -math.inf else f"{leaf.bound:,.4f}"
            wrong.append(f"case {number}: claimed {said}, its multipliers prove {found:,.4f}")
    largest = max(proven)
    name = kernel(closure_graph(0, [], [])).name
    if largest > -math.inf and (claimed.bound is None or is_below(claimed.bound, largest)):
        wrong.append(f"the multipliers prove {largest:,.4f}, which is more than claimed")
    if claimed.bound is None:
        words = "do not prove" if wrong else "prove"
        return Verified(
            f"infeasible{of}", not wrong, f"the multipliers {words} that there is no schedule ({name})", tuple(wrong)
        )
    text = f"claimed {claimed.bound:,.4f}; closures of every case by {name} give {largest:,.4f}"
    return Verified(f"bound{of}", not wrong, text, tuple(wrong))


def _claim_check(
    program: ClosureProgram, multipliers: RowMultipliers, bound: float | None, kernel: KernelFactory
) -> Verified:
    """A claim against a closure a period."""
    name = kernel(closure_graph(0, [], [])).name
    if bound is None:
        proven = proves_infeasible(program, multipliers.flat, kernel)
        words = "prove" if proven else "do not prove"
        return Verified("infeasible", proven, f"the multipliers {words} that no schedule keeps the limits ({name})")
    recomputed = bound_from_multipliers(program, multipliers.flat, kernel, enough=bound)
    passed = not is_below(bound, recomputed)
    text = f"claimed {bound:,.4f}; closures by {name} give {recomputed:,.4f}"
    return Verified("bound", passed, text)
