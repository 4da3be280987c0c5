"""Whether a summary is one that a report can be made of: every value of its kind, and the gap that of its bound.

Figures that follow from the plan are compared with it elsewhere. What is proven does not follow from the plan; that it
is consistent is all that can be said of it without solving, and a headline says "proven".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from instances.findings import Finding

Kind = tuple[str, Callable[[object], bool]]
SAME = 1e-6
"""Absolute, of a gap; relative to the objective, of a bound."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_words(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)


def _is_audit(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("passed"), bool):
        return False
    found = value.get("found", {})
    counted = isinstance(found, Mapping) and all(_is_count(one) for one in found.values())
    sizes = all(_is_count(value.get(key)) for key in ("checks", "rules"))
    largest = value.get("largest_excess")
    return counted and sizes and _are_words(value.get("findings", [])) and (largest is None or _is_number(largest))


def _are_prices(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(one, Mapping) and _is_price(one) for one in value)


def _is_price(price: Mapping[str, object]) -> bool:
    return all(isinstance(price.get(key), str) for key in ("key", "period", "unit")) and _is_number(price.get("value"))


WORDS: Kind = ("a text", lambda value: isinstance(value, str))
NUMBER: Kind = ("a number", _is_number)
NEEDED: dict[str, Kind] = {
    "status": WORDS,
    "stop_reason": WORDS,
    "objective": NUMBER,
    "currency": WORDS,
    "instance": WORDS,
    "instance_hash": WORDS,
    "audit": ("passed, checks, rules and what the audit found", _is_audit),
    "versions": (
        "versions by name",
        lambda value: isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()),
    ),
}
"""Keys of a summary without which there is nothing to report."""
OPTIONAL: dict[str, Kind] = {
    **dict.fromkeys(("bound", "certified_bound", "baseline_objective", "uplift", "uplift_fraction"), NUMBER),
    **dict.fromkeys(("gap", "gap_certified"), NUMBER),
    **dict.fromkeys(("message", "mining", "solver"), WORDS),
    "seed": ("a whole number", _is_count),
    "shadow_prices": ("prices with key, period, unit and value", _are_prices),
}
PROVEN = (("bound", "gap"), ("certified_bound", "gap_certified"))


def summary_findings(place: str, summary: Mapping[str, object], labels: Sequence[str]) -> list[Finding]:
    """What is wrong with a summary.

    Args:
        place: the file.
        summary: its contents.
        labels: of the periods of the mine.
    """
    found = list(_of_other_kind(place, summary))
    if not found:
        found += _proven_otherwise(place, summary)
        found += _of_no_period(place, summary, labels)
    return found


def _of_other_kind(place: str, summary: Mapping[str, object]) -> Iterator[Finding]:
    for key, (expected, is_kind) in {**NEEDED, **OPTIONAL}.items():
        value = summary.get(key)
        if value is None and key in NEEDED:
            yield Finding(f"{place}: {key}", None, "a value; it is missing")
        elif value is not None and not is_kind(value):
            yield Finding(f"{place}: {key}", value, expected)


def _proven_otherwise(place: str, summary: Mapping[str, object]) -> Iterator[Finding]:
    """Bounds below the plan, and gaps that are not those of their bounds."""
    objective = _number(summary, "objective")
    for key, named in PROVEN:
        bound, gap = (_number(summary, name) if summary.get(name) is not None else None for name in (key, named))
        if bound is None:
            if gap is not None:
                yield Finding(f"{place}: {named}", gap, f"none, without {key}")
            continue
        if bound < objective - SAME * max(1.0, abs(objective)):
            yield Finding(f"{place}: {key}", bound, f"the objective of {objective:g} or more")
        elif gap is not None and objective and abs(gap - (bound - objective) / abs(objective)) > SAME:
            yield Finding(f"{place}: {named}", gap, f"that from the objective to {key}")


def _of_no_period(place: str, summary: Mapping[str, object], labels: Sequence[str]) -> Iterator[Finding]:
    prices = summary.get("shadow_prices") or []
    assert isinstance(prices, Sequence)  # noqa: S101 - its kind is known by now
    for period in dict.fromkeys(str(price["period"]) for price in prices):
        if period not in labels:
            yield Finding(f"{place}: shadow_prices: period", period, f"one of {labels[0]} to {labels[-1]}")


def _number(summary: Mapping[str, object], key: str) -> float:
    value = summary[key]
    assert isinstance(value, int | float)  # noqa: S101 - its kind is known by now
    return float(value)
