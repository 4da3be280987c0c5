"""A figure of a report: its chart, its legend, what it says, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.reports.charts import Plot
from scheduler.reports.numbers import shown

SENTENCE = 40
"""Characters from which on a cell is broken into lines."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        heads: headings with their units; the first column heads its rows.
        rows: cells.
        foot: a last row set apart.
        texts: numbers of the columns, besides the first, that hold words rather than numbers.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()
    texts: frozenset[int] = frozenset()

    @property
    def long(self) -> frozenset[int]:
        """Columns, besides the first, with a cell that needs room for whole sentences."""
        cells = ((place, cell) for row in self.rows for place, cell in enumerate(row) if place)
        return frozenset(place for place, cell in cells if len(cell) > SENTENCE)


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend: ``shape`` is ``box``, ``line`` or ``dashes``."""

    name: str
    colour: str
    shape: str = "box"


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        key: its name within the page, of letters and dashes.
        title: what it shows.
        caption: what it says, in a sentence or two.
        plot: the chart; ``None`` where the table says it all.
        legend: what the colours mean.
        table: the same numbers.
        full: whether it takes the whole width of the page.
    """

    key: str
    title: str
    caption: str
    plot: Plot | None
    table: Table
    legend: tuple[Swatch, ...] = ()
    full: bool = False


def by_period_table(
    labels: Sequence[str], columns: Sequence[tuple[str, Sequence[float], int, bool]], first: str = "period"
) -> Table:
    """A row a period, and totals where they mean something.

    Args:
        labels: of the periods.
        columns: heading with unit, values, digits, and whether they add up to a total.
        first: heading of the labels.
    """
    rows = tuple(
        (label, *(shown(float(values[number]), digits) for _, values, digits, _ in columns))
        for number, label in enumerate(labels)
    )
    foot = ("all", *(shown(float(sum(values)), digits) if adds else "" for _, values, digits, adds in columns))
    return Table((first, *(head for head, _, _, _ in columns)), rows, foot if any(c[3] for c in columns) else ())
