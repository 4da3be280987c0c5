"""The published figures of a mine beside those of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instances.instance import Instance
from instances.schema import Mine
from instances.schema.provenance import PublishedFigure

REASON_OVER_PCT = 2.0
"""A difference beyond this, in per cent, is given its reason."""


@dataclass(frozen=True)
class Comparison:
    """A published figure beside a plan's.

    Attributes:
        title: name for tables.
        figure: name of the figure.
        unit: unit of all three values.
        published: what was published.
        plan: what the plan has; ``None`` where it has no such figure.
        design: what the block table has; ``None`` where the figure is not one of the ground.
        difference_pct: plan less published, per cent of the published; ``None`` where either is not there or zero.
        reason: why they differ, where it is by more than :data:`REASON_OVER_PCT` and the mine says why.
        source: where it was published.
    """

    title: str
    figure: str
    unit: str
    published: float
    plan: float | None
    design: float | None
    difference_pct: float | None
    reason: str
    source: str


def compare(instance: Instance, figures: Mapping[str, object]) -> tuple[Comparison, ...]:
    """Every published figure of a mine beside that of a plan.

    Args:
        instance: the mine.
        figures: of the plan, as :func:`scheduler.schedule.figures` gives them.
    """
    return tuple(_comparison(instance.mine, published, figures) for published in instance.mine.published)


def _comparison(mine: Mine, published: PublishedFigure, figures: Mapping[str, object]) -> Comparison:
    scale = 1e-6 if published.unit == f"{mine.money.currency} M" else 1.0
    plan = _scaled(figures.get(published.figure), scale)
    difference = None
    if plan is not None and published.value != 0:
        difference = 100.0 * (plan - published.value) / abs(published.value)
    differs = difference is not None and abs(difference) > REASON_OVER_PCT
    return Comparison(
        title=published.title,
        figure=published.figure,
        unit=published.unit,
        published=published.value,
        plan=plan,
        design=_scaled(figures.get(f"{published.figure}_design"), scale),
        difference_pct=difference,
        reason=published.reason if differs else "",
        source=published.source,
    )


def _scaled(value: object, scale: float) -> float | None:
    return value * scale if isinstance(value, int | float) and not isinstance(value, bool) else None
