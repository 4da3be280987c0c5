"""What a manager reads first: value with its proof, metal, life and strip, in tiles and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduler.outcome import OPTIMAL
from scheduler.reports import numbers
from scheduler.reports.changes import changes_told
from scheduler.reports.facts import Facts
from scheduler.reports.numbers import METAL_UNITS, NOTHING, percent, shown
from scheduler.schedule import sold_unit

SPACE = "\N{NO-BREAK SPACE}"


def money(summary: Mapping[str, Any], amount: float) -> str:
    """An amount with its currency, which no line breaks apart."""
    return numbers.money(summary, amount).replace(" ", SPACE)


@dataclass(frozen=True)
class Tile:
    """A figure in large type.

    Attributes:
        key: name within the page.
        title: what it is.
        value: the figure with its unit.
        note: what to know with it.
    """

    key: str
    title: str
    value: str
    note: str

    def __post_init__(self) -> None:
        """Keeps the figure on one line."""
        object.__setattr__(self, "value", self.value.replace(" ", SPACE))


@dataclass(frozen=True)
class Badge:
    """A short statement; ``kind`` is ``good``, ``bad`` or ``plain``."""

    kind: str
    text: str


def tiles(facts: Facts) -> list[Tile]:
    """Value, NPV, metal, life and strip ratio."""
    summary, mine = facts.summary, facts.mine
    calendar = mine.calendar
    since = calendar.valuation_date or calendar.start
    basis = f"{100 * calendar.discount_rate_per_year:.3g} % to {since}, {calendar.discounting} of period"
    found = [
        Tile("objective", "Discounted cash before tax", money(summary, summary["objective"]), gap_words(summary)),
        Tile("npv", "NPV after tax", money(summary, summary["npv"]), basis),
    ]
    if summary.get("npv_published_basis") is not None and mine.reporting_basis is not None:
        title, value = mine.reporting_basis.title, money(summary, summary["npv_published_basis"])
        found.append(Tile("npv-published", "NPV after tax, reporting basis", value, title))
    for name, product in mine.products.items():
        unit = sold_unit(product)[0]
        total = summary[f"{name}_{unit}_total"]
        called = METAL_UNITS[unit]
        best = int(np.argmax(facts.series(f"{name}_recovered_{unit}")))
        peak = (
            f"most in {facts.labels[best]}: {shown(float(facts.series(f'{name}_recovered_{unit}')[best]), 1)} {called}"
        )
        found.append(Tile(f"metal-{name}", f"{name.capitalize()} recovered", f"{shown(total, 1)} {called}", peak))
    years, span, pit = life(facts)
    found.append(
        Tile(
            "life",
            "Life",
            f"{shown(years, 0 if abs(years - round(years)) < 1e-6 else 1)} years",
            f"mill {span}, pit {pit}",
        )
    )
    note = f"{shown(summary['moved_mt'], 1)} Mt moved, {shown(summary['ore_mt'], 1)} Mt of it ore"
    strip = shown(summary["strip_ratio"], 2)
    found.append(Tile("strip", "Strip ratio", f"{strip} t/t" if strip != NOTHING else strip, note))
    return found


def life(facts: Facts) -> tuple[float, str, str]:
    """Years in which something is milled, and the periods of mill and pit from first to last."""
    milled, moved = facts.series("milled_mt") > 0, facts.series("moved_mt") > 0
    years = float(facts.mine.calendar.lengths_years()[milled].sum())
    return years, _span(facts, milled), _span(facts, moved)


def _span(facts: Facts, on: Any) -> str:  # noqa: ANN401
    places = np.flatnonzero(on)
    if not len(places):
        return "never"
    first, last = facts.labels[int(places[0])], facts.labels[int(places[-1])]
    return first if first == last else f"{first}–{last}"


def gap_words(summary: Mapping[str, Any]) -> str:
    """How far from the best the plan can be at most."""
    bound, gap = summary.get("bound"), summary.get("gap")
    if bound is None or gap is None:
        return "no bound is known"
    return f"gap {percent(gap)}: no plan is worth more than {money(summary, bound)}"


def badges(facts: Facts) -> list[Badge]:
    """Proof, audit, and what was changed."""
    summary = facts.summary
    found = []
    gap = summary.get("gap")
    if summary["status"] == OPTIMAL and gap is not None:
        found.append(Badge("good", f"proven within {percent(gap)} of the best"))
    else:
        told = "no bound" if gap is None else f"gap {percent(gap)}"
        found.append(Badge("bad", f"stopped early ({summary['stop_reason']}), {told}"))
    passed = bool(summary["audit"].get("passed"))
    found.append(Badge("good" if passed else "bad", "audit passed" if passed else "AUDIT FAILED"))
    how = {"whole": "within one period", "partial": "may span periods"}.get(str(summary.get("mining")))
    if how is not None:
        found.append(Badge("plain", f"{facts.plan.resolution}s {how}"))
    found += [Badge("plain", f"changed: {change}") for change in changes_told(facts.instance.overrides)]
    return found


def sentences(facts: Facts) -> list[str]:
    """The plan in two or three sentences."""
    summary = facts.summary
    text = f"This plan is worth {money(summary, summary['objective'])} of discounted cash before tax"
    bound, gap = summary.get("bound"), summary.get("gap")
    if bound is not None and gap is not None:
        text += (
            f"; it is proven that no plan whatever is worth more than {money(summary, bound)}, "
            f"so at most {percent(gap)} can be missing"
        )
    found = [f"{text}."]
    made, uplift = summary.get("baseline_objective"), summary.get("uplift")
    if made is not None and uplift is not None:
        share = summary.get("uplift_fraction")
        more = "more" if uplift >= 0 else "less"
        part = "" if share is None else f" ({100 * share:+.1f} %)"
        worth = f"is worth {money(summary, made)}" if made else "finds nothing to mine within the limits"
        found.append(
            f"The plan as made by hand, phases in their order and bench by bench, {worth}: "
            f"this one is {money(summary, abs(uplift))} {more}{part}."
        )
    return found


def proof_lines(facts: Facts) -> list[str]:
    """Who proved the bound, and what the audit checked."""
    summary = facts.summary
    audit = summary["audit"]
    lines = []
    if summary.get("bound") is not None:
        lines.append(
            f"The bound of {money(summary, summary['bound'])} was proven by {summary.get('solver', 'the solver')}."
        )
    if summary.get("certified_bound") is not None:
        certified = summary.get("gap_certified")
        told = "" if certified is None else f" (gap {percent(certified)})"
        lines.append(
            f"The certified bound, which anybody can check without a solver, is "
            f"{money(summary, summary['certified_bound'])}{told}."
        )
    number, rules = audit.get("checks"), audit.get("rules")
    size = f"{number:,} checks of {rules} rules" if isinstance(number, int) else "its checks"
    if audit.get("passed"):
        lines.append(f"The audit passed: {size}, by plain arithmetic from the mine alone, apart from model and solver.")
    else:
        lines.append(
            f"The audit FAILED: {sum(audit.get('found', {}).values()):,} breaches in {size}. Those found first:"
        )
    if summary.get("message"):
        lines.append(f"Note: {summary['message']}")
    return lines
