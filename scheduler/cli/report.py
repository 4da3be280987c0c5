"""A run on the terminal: schedule, proof, audit, published figures, what binds; readable at 100 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console

from instances.instance import Instance
from scheduler.cli.binding import binding_table
from scheduler.cli.output import say
from scheduler.cli.schedule_view import schedule_views
from scheduler.cli.tables import NO_VALUE, new_table
from scheduler.outcome import OPTIMAL, PROVEN_RELATIVE
from scheduler.published import REASON_OVER_PCT, compare
from scheduler.reports.changes import changes_told
from scheduler.reports.numbers import digits_of, money, percent

Summary = Mapping[str, Any]
FINDINGS_SHOWN = 10
LEAST_SHOWN_S = 0.05
STAGES = (
    "import",
    "read",
    "units",
    "problem",
    "baseline",
    "model",
    "solve",
    "polish",
    "blocks",
    "relaxation",
    "cases",
    "start",
    "improvement",
    "certificate",
    "conflicts",
    "proof",
    "audit",
    "cash_flow",
)


def print_run(
    console: Console, instance: Instance, summary: Summary, schedule: pd.DataFrame, folder: str | None
) -> None:
    """Prints all that a planner wants to see of a run."""
    say(console, headline(instance, summary))
    console.print()
    for number, table in enumerate(schedule_views(console, instance, schedule)):
        if number:
            console.print()
        console.print(table)
    say(console, "ore: sent to mill or stockpile; stock: at the end of the period; cash: after tax, undiscounted")
    console.print()
    for line in (*proof_lines(summary), *value_lines(instance, summary), *audit_lines(summary["audit"])):
        say(console, line)
    print_published(console, instance, summary)
    print_binding(console, instance, summary)
    console.print()
    say(console, seconds_line(summary))
    if folder is not None:
        console.print(f"run written to {folder}", soft_wrap=True)


def print_no_plan(console: Console, instance: Instance, summary: Summary) -> None:
    """Prints why there is no plan."""
    say(console, headline(instance, summary))
    conflicts = summary.get("conflicts")
    if conflicts is None:
        bound = summary.get("bound")
        told = "" if bound is None else f"; no plan is worth more than {money(summary, bound)}"
        say(console, f"no plan found: {stopped(summary)}{told}")
    else:
        console.print("infeasible, proven: no plan keeps all limits")
        for conflict in conflicts:
            say(console, conflict["text"], indent="  ")
        if not conflicts:
            console.print("  which limits conflict could not be told in the time allowed for it")
        say(console, proof_line(summary), indent="  ")
    say(console, seconds_line(summary))
    console.print("nothing else was written" if summary.get("proof") else "nothing was written")


def proof_line(summary: Summary) -> str:
    """Where the proof that there is no plan stands."""
    if "proof" not in summary:
        return "--proof FILE writes a proof by multipliers, where there is one, that pitwise verify checks"
    if summary["proof"] is None:
        return "no proof written: multipliers alone do not rule every plan out, only solving does"
    return f"proof by multipliers: {summary['proof']}; pitwise verify {summary['proof']} --instance MINE checks it"


def headline(instance: Instance, summary: Summary) -> str:
    """The mine, its size and what was changed."""
    mine = instance.mine
    unit, mining = summary.get("resolution", "panel"), summary.get("mining")
    how = {"whole": " each mined within one period", "partial": " that may span periods"}.get(str(mining), "")
    size = f"{summary['units']:,} {unit}s{how}, {summary['periods']} periods"
    text = f"{mine.title or mine.name} ({mine.name}): {size}"
    return f"{text}; with {'; '.join(changes_told(instance.overrides))}" if instance.overrides else text


def proof_lines(summary: Summary) -> list[str]:
    """Objective, bound and gap in a sentence, and what the plan gains over the one made by hand in another."""
    objective, bound, gap = summary["objective"], summary["bound"], summary["gap"]
    text = f"objective {money(summary, objective)} before tax"
    if bound is None:
        text += f" without a bound: {stopped(summary)}"
    elif summary["status"] == OPTIMAL:
        proven = "proven optimal" if gap is None or gap <= PROVEN_RELATIVE else f"proven within {percent(gap)}"
        text += f", {proven} (bound {money(summary, bound)}){_by_whom(summary)}"
    else:
        asked = f"within {percent(summary['gap_asked'])}" if summary["gap_asked"] else "optimal"
        told = f"{stopped(summary)} with a gap of {_gap(summary, gap, bound)} (bound {money(summary, bound)})"
        text += f", NOT proven {asked}: {told}{_by_whom(summary)}"
    lines = [text, certified_line(summary), *_panels_line(summary)]
    made, uplift, fraction = summary["baseline_objective"], summary["uplift"], summary["uplift_fraction"]
    if uplift is None:
        return [*lines, f"uplift over the hand-made plan: none to compare with ({summary['baseline_missing']})"]
    share = "" if fraction is None else f" ({100 * fraction:+.1f} %)"
    return [*lines, f"uplift over the hand-made plan of {money(summary, made)}: {money(summary, uplift)}{share}"]


def _gap(summary: Summary, gap: float | None, bound: float) -> str:
    """A gap as a share of the objective; in money where there is nothing that it could be a share of."""
    return money(summary, bound - summary["objective"]) if gap is None else percent(gap)


def _by_whom(summary: Summary) -> str:
    """Whose bound it is, where a solver is to be believed."""
    return f" by {summary['solver']}" if summary.get("solver") else ""


def _panels_line(summary: Summary) -> list[str]:
    """The plan by panels, beside one by blocks."""
    panels = summary.get("panels")
    if not panels or panels["objective"] is None:
        return []
    worth = money(summary, panels["objective"]) if panels["objective"] else "no plan that mines anything"
    told = f"by {panels['units']:,} panels: {worth}, bound {money(summary, panels['bound'])}"
    return [f"{told}; panels keep benches and phases in order, blocks only what lies above them"]


def certified_line(summary: Summary) -> str:
    """The bound that anybody can check, apart from the solver's."""
    bound, gap = summary.get("certified_bound"), summary.get("gap_certified")
    if bound is None:
        return f"no certified bound: {summary.get('certificate_missing') or 'none was made'}"
    told = f"certified bound {money(summary, bound)}, gap {_gap(summary, gap, bound)}"
    text = f"{told}: checked by pitwise verify without solving"
    plain = summary.get("lp_bound")
    return text if plain is None else f"{text} (plain relaxation {money(summary, plain)})"


def stopped(summary: Summary) -> str:
    """Why the search stopped, in words that go on."""
    reason = str(summary["stop_reason"])
    if reason.endswith("limit"):
        return f"stopped at the {reason}"
    return reason if reason == "interrupted" else f"stopped by {reason}"


def value_lines(instance: Instance, summary: Summary) -> list[str]:
    """What it is worth after tax."""
    calendar, reporting = instance.mine.calendar, instance.mine.reporting_basis
    since = calendar.valuation_date or calendar.start
    basis = f"{100 * calendar.discount_rate_per_year:.3g} % to {since}, {calendar.discounting} of period"
    lines = [f"NPV after tax {money(summary, summary['npv'])} ({basis})"]
    published = summary.get("npv_published_basis")
    if published is not None and reporting is not None:
        lines.append(f"NPV after tax {money(summary, published)} on the {reporting.title}")
    if summary.get("message"):
        lines.append(f"note: {summary['message']}")
    return lines


def audit_lines(audit: Mapping[str, Any]) -> list[str]:
    """Whether the audit passed; where not, what it found first."""
    size = f"{audit['checks']:,} checks of {audit['rules']} rules, by arithmetic from the mine alone"
    if audit["passed"]:
        return [f"audit passed: {size}"]
    number = sum(audit["found"].values())
    lines = [f"AUDIT FAILED: {number:,} breaches in {size}"]
    lines += [f"  {finding}" for finding in audit["findings"][:FINDINGS_SHOWN]]
    if number > FINDINGS_SHOWN:
        lines.append(f"  and {number - FINDINGS_SHOWN:,} more, in summary.json")
    return lines


def print_published(console: Console, instance: Instance, summary: Summary) -> None:
    """Prints what was published beside this plan, with the reason of each large difference."""
    rows = compare(instance, summary)
    if not rows:
        return
    table = new_table("figure", ("unit",))
    for heading in ("published", "this plan", "differs", "ground"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        digits = digits_of(row.published)
        table.add_row(
            row.title,
            row.unit,
            _number(row.published, digits),
            _number(row.plan, digits),
            _signed(row.difference_pct),
            "" if row.design is None else _number(row.design, digits),
        )
    console.print()
    console.print("published against this plan (ground: what the block table holds)")
    console.print(table)
    reasons = [row for row in rows if row.reason]
    if reasons:
        console.print(f"why more than {REASON_OVER_PCT:g} % apart:")
    for row in reasons:
        say(console, f"{row.title}, {_signed(row.difference_pct)}: {row.reason}", indent="  ")


def print_binding(console: Console, instance: Instance, summary: Summary) -> None:
    """Prints which limits bind and what one more unit of each is worth."""
    prices = summary.get("shadow_prices") or []
    console.print()
    if not prices:
        console.print("what binds: no limit has a price")
        return
    console.print("what binds: discounted cash for one more unit of the limit in one period, panels finished as here")
    console.print(binding_table(prices, str(summary["currency"]), instance.mine.calendar.labels()))


def seconds_line(summary: Summary) -> str:
    """Where the time went."""
    seconds = summary["seconds"]
    total = seconds.get("total", 0.0)
    known = [(name.replace("_", " "), seconds[name]) for name in STAGES if name in seconds]
    parts = ", ".join(f"{name} {value:.1f}" for name, value in known if value >= LEAST_SHOWN_S)
    return f"{total:.1f} s ({parts}), seed {summary['seed']}, mine {str(summary['instance_hash'])[:12]}"


def _signed(pct: float | None) -> str:
    """A difference in per cent; what rounds to nothing has no sign."""
    if pct is None:
        return NO_VALUE
    return f"{pct:+.1f} %" if round(pct, 1) else "0.0 %"


def _number(value: float | None, digits: int) -> str:
    return NO_VALUE if value is None else f"{value:,.{max(digits, 1)}f}"
