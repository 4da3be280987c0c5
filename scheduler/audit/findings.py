"""What an audit found: its result, and the ledger in which the checks are entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.audit.rules import EXACT, LEAST, MOST, RULES

Floats = NDArray[np.float64]
Described = tuple[int | None, str, float | str, float | str, str]

TOLERANCE = 1e-6
"""A limit holds where it is exceeded by no more than this times the larger of the limit and the row's activity."""
MOST_LISTED = 1000
"""Findings listed for one rule; those beyond are only counted."""


@dataclass(frozen=True)
class AuditFinding:
    """One breach of a rule.

    Attributes:
        rule: name of the rule, a key of ``RULES``.
        period: label of the period; ``None`` for what belongs to no one period.
        item: unit, parcel, destination, bin, phase, option or row that breaks it.
        value: what the plan has, in ``unit``.
        limit: what it may have or should have, in ``unit``.
        unit: unit of both; empty for words.
    """

    rule: str
    period: str | None
    item: str
    value: float | str
    limit: float | str
    unit: str

    def __str__(self) -> str:
        """The finding on one line."""
        when = "" if self.period is None else f"{self.period}: "
        words, relation = RULES[self.rule]
        unit = f" {self.unit}" if self.unit else ""
        return f"{when}{words}, {self.item}: {_shown(self.value)}{unit}, {relation} {_shown(self.limit)}{unit}"


@dataclass(frozen=True)
class MetalBalance:
    """Where the metal of one element is, tonnes of metal.

    Attributes:
        contained_t: in all that may be mined and in the opening stocks.
        mined_t: in what is mined.
        sent_t: in what goes from the pit to mills and stockpiles.
        milled_t: in the mill feed, stock counted at the grade at which it leaves.
        recovered_t: recovered by the mills.
    """

    contained_t: float
    mined_t: float
    sent_t: float
    milled_t: float
    recovered_t: float


@dataclass(frozen=True)
class Audit:
    """Result of checking a plan against its mine.

    Attributes:
        findings: breaches, the first ``MOST_LISTED`` of each rule, in the order of ``RULES``.
        found: number of breaches by rule, listed or not; only rules that are broken.
        checked: number of checks made by rule, all rules.
        objective: discounted cash recomputed from grades and terms, currency.
        turnover: discounted revenue and costs, all counted positive, currency: what errors of the objective are held
            against where it is next to nothing.
        max_excess: largest excess by rule, as a share of the larger of the limit and the row's activity; a rule
            holds where this is at most ``TOLERANCE``. Rules about words and counts have 0 or 1.
        cash: undiscounted cash by line and period, currency; costs are positive.
        metal_balance: where the metal is, by element.
    """

    findings: tuple[AuditFinding, ...]
    found: Mapping[str, int]
    checked: Mapping[str, int]
    objective: float
    turnover: float
    max_excess: Mapping[str, float]
    cash: Mapping[str, tuple[float, ...]]
    metal_balance: Mapping[str, MetalBalance]

    @property
    def passed(self) -> bool:
        """Whether every rule holds."""
        return not self.found


@dataclass
class Ledger:
    """Collects checks and breaches.

    Attributes:
        labels: labels of the periods.
    """

    labels: tuple[str, ...]
    checked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RULES, 0))
    max_excess: dict[str, float] = field(default_factory=lambda: dict.fromkeys(RULES, 0.0))
    found: dict[str, int] = field(default_factory=dict)
    listed: dict[str, list[AuditFinding]] = field(default_factory=dict)

    def compare(
        self,
        rule: str,
        items: Sequence[str],
        value: Floats,
        limit: Floats,
        unit: str,
        *,
        activity: Floats | float = 0.0,
        where: NDArray[np.bool_] | None = None,
        per: Floats | float = 1.0,
        periods: Sequence[str | None] | None = None,
    ) -> None:
        """Enters one check for each item and period.

        Args:
            rule: a key of ``RULES``; it says whether ``value`` may be at most, at least or exactly ``limit``.
            items: names of the rows.
            value: shape ``(items, periods)``, or ``(periods,)`` for one item.
            limit: what it is compared with; broadcast to the shape of ``value``; infinite where there is none.
            unit: unit of ``value`` and ``limit`` once divided by ``per``.
            activity: sum of the sizes of the row's terms, where larger than ``value`` and ``limit``; broadcast.
            where: the checks that apply; all of them unless given.
            per: what value and limit are divided by to be shown; broadcast.
            periods: labels of the columns; the calendar's unless given.
        """
        value = np.atleast_2d(value)
        shape = value.shape
        limit = np.broadcast_to(limit, shape)
        applies = np.isfinite(limit) if where is None else np.isfinite(limit) & np.broadcast_to(where, shape)
        beyond = {MOST: value - limit, LEAST: limit - value, EXACT: np.abs(value - limit)}[RULES[rule].relation]
        scale = np.maximum(np.maximum(np.abs(limit), np.abs(value)), np.broadcast_to(activity, shape))
        excess = np.where(beyond > 0, beyond, np.where(np.isnan(beyond), np.inf, 0.0))
        np.divide(excess, scale, out=excess, where=(scale > 0) & np.isfinite(scale))
        excess = np.where(applies, excess, 0.0)
        self.checked[rule] += int(applies.sum())
        self.max_excess[rule] = max(self.max_excess[rule], float(excess.max(initial=0.0)))
        rows, columns = np.nonzero(excess > TOLERANCE)
        if not len(rows):
            return
        labels = self.labels if periods is None else periods
        divisor = np.broadcast_to(per, shape)
        divisor = np.where(divisor > 0, divisor, 1.0)
        self.found[rule] = self.found.get(rule, 0) + len(rows)
        listed = self.listed.setdefault(rule, [])
        for row, column in zip(rows[: MOST_LISTED - len(listed)].tolist(), columns.tolist(), strict=False):
            shown = float(value[row, column] / divisor[row, column]), float(limit[row, column] / divisor[row, column])
            listed.append(AuditFinding(rule, labels[column], items[row], *shown, unit))

    def faults(
        self, rule: str, rows: Iterable[int], describe: Callable[[int], Described], *, excess: float = 1.0
    ) -> None:
        """Enters a breach for each row; ``describe`` gives its period, item, value, limit and unit.

        ``excess`` is the largest of them, 1 for what is not a matter of degree.
        """
        rows = [int(row) for row in rows]
        if not rows:
            return
        self.max_excess[rule] = max(self.max_excess[rule], excess)
        self.found[rule] = self.found.get(rule, 0) + len(rows)
        listed = self.listed.setdefault(rule, [])
        for row in rows[: MOST_LISTED - len(listed)]:
            period, item, value, limit, unit = describe(row)
            label = None if period is None else self.labels[period]
            listed.append(AuditFinding(rule, label, item, value, limit, unit))

    def fault(
        self, rule: str, period: int | None, item: str, value: float | str, limit: float | str, *, unit: str = ""
    ) -> None:
        """Enters one breach that is not a matter of degree."""
        self.faults(rule, [0], lambda _: (period, item, value, limit, unit))

    def count(self, rule: str, checks: int) -> None:
        """Enters checks that are made elsewhere."""
        self.checked[rule] += checks

    def findings(self) -> tuple[AuditFinding, ...]:
        """The listed breaches in the order of the rules."""
        return tuple(finding for rule in RULES for finding in self.listed.get(rule, ()))


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"
