"""Checks a plan against its mine by plain arithmetic, written from ``docs/model.md`` alone.

Nothing here knows how a plan was found: no formulation, no solver, no valuation and no cash flow is imported. Tonnes
are counted up from the rows of the plan, cash is worked out again from grades, terms of sale and unit costs.
"""

from __future__ import annotations

from instances.geometry.units import Units, scheduling_units
from instances.instance import Instance
from scheduler.audit.balance import check_balance
from scheduler.audit.findings import TOLERANCE, Audit, AuditFinding, Ledger, MetalBalance
from scheduler.audit.grade import check_grade
from scheduler.audit.installations import check_operating, check_options
from scheduler.audit.limits import check_limits
from scheduler.audit.metal import metal_balance
from scheduler.audit.money import cash_lines, check_objective, discounted_cash, discounted_turnover
from scheduler.audit.phases import check_phases
from scheduler.audit.precedence import check_precedence, check_whole
from scheduler.audit.reading import read_plan
from scheduler.audit.routing import check_routing
from scheduler.audit.rules import RULES, Rule
from scheduler.audit.stock import check_stock
from scheduler.audit.strip import check_strip
from scheduler.audit.tailings import check_tailings
from scheduler.plan import Plan

__all__ = ["RULES", "TOLERANCE", "Audit", "AuditFinding", "MetalBalance", "Rule", "audit"]

CHECKS = (
    check_balance,
    check_routing,
    check_precedence,
    check_whole,
    check_limits,
    check_tailings,
    check_stock,
    check_strip,
    check_grade,
    check_phases,
    check_options,
    check_operating,
)


def audit(instance: Instance, plan: Plan, *, objective: float | None = None, units: Units | None = None) -> Audit:
    """Checks every rule of the problem on a plan.

    Args:
        instance: the mine.
        plan: the schedule; tonnes in t.
        objective: discounted cash that is claimed for it, currency; not compared unless given.
        units: the mine's scheduling units at the plan's resolution; worked out again unless given.

    Raises:
        ValueError: where ``units`` are of another resolution than the plan.
    """
    if units is None:
        units = scheduling_units(instance, plan.resolution)
    if units.resolution != plan.resolution:
        raise ValueError(f"a plan of {plan.resolution}s cannot be audited with {units.resolution}s")
    ledger = Ledger(instance.mine.calendar.labels())
    tally = read_plan(instance, plan, units, ledger)
    for check in CHECKS:
        check(tally, ledger)
    lines = cash_lines(tally)
    check_objective(tally, ledger, lines, objective)
    return Audit(
        findings=ledger.findings(),
        found={rule: ledger.found[rule] for rule in RULES if rule in ledger.found},
        checked=dict(ledger.checked),
        objective=discounted_cash(tally, lines),
        turnover=discounted_turnover(tally, lines),
        max_excess=dict(ledger.max_excess),
        cash={name: tuple(line.tolist()) for name, line in lines.items()},
        metal_balance=metal_balance(tally),
    )
