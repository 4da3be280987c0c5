"""What a verification says of one thing that it checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard

TOLERANCE = 1e-6
"""Relative; figures recomputed agree to this."""
ROUNDING = 1e-9
"""Relative; what sums of floating-point numbers may differ by between machines."""
_LARGEST = 1e300


@dataclass(frozen=True)
class Verified:
    """One thing that was checked.

    Attributes:
        name: what.
        passed: whether it holds.
        text: how it was checked, or what fails, on a line.
        findings: each thing that fails, a line each.
    """

    name: str
    passed: bool
    text: str
    findings: tuple[str, ...] = ()


def is_below(claimed: float, found: float) -> bool:
    """Whether a bound claimed is smaller than the one found, beyond rounding; NaN is."""
    return not claimed >= found - (ROUNDING * max(abs(found), 1.0) if math.isfinite(found) else 0.0)


def history_findings(history: object, objective: float) -> Iterator[str]:
    """What is wrong with the ``history`` of a summary: whenever a better plan was known, the seconds and its objective.

    Args:
        history: as read; ``None`` where the summary has none.
        objective: of the plan that the search ended with, which no plan before it was worth more than.
    """
    if history is None:
        return
    if not isinstance(history, list) or not all(_is_pair(point) for point in history):
        yield "history is no list of pairs of numbers"
        return
    for (seconds, worth), (later, better) in pairwise(history):
        if later < seconds or better < worth:
            yield f"history has {[later, better]} after {[seconds, worth]}, expected to rise"
    known = max((worth for _, worth in history), default=objective)
    if known > objective + TOLERANCE * max(abs(objective), 1.0):
        yield f"history has a plan worth {known!r}, more than the objective {objective!r}"


def _is_pair(point: object) -> bool:
    """Whether a point is two numbers."""
    if not isinstance(point, list):
        return False
    return list(map(is_number, point)) == [True, True]


def is_number(value: object) -> TypeGuard[float]:
    """Whether something read from JSON is a number that arithmetic can go on with: finite, and no giant."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _LARGEST
