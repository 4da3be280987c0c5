"""Maps of the pit: benches in plan and sections through it, each block in the colour of the period in which it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from scheduler.reports.blocks import NEVER
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Swatch
from scheduler.reports.palette import NOT_MINED

MOST_BENCHES = 24
"""Maps of benches in a page; of more benches, so many are drawn, evenly spaced."""
SECTIONS = (0.25, 0.5, 0.75)
"""Shares of the tonnes that lie to the south, or west, of a section."""
TALLEST = 0.3
"""Height of the highest section as a share of the page's width, at most."""
ABREAST, LONELY = 0.5, 0.7
"""Share of the page's width at which two sections stand abreast, and from which on one stands alone."""
PATTERN = Markup(
    '<defs><pattern id="{0}" width="{1}" height="{1}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="{1}" stroke-width="{2}"/></pattern></defs>'
)


@dataclass(frozen=True)
class Map:
    """A map.

    Attributes:
        title: which bench or section.
        drawing: the map.
        wide: width of what it shows, metres.
        high: height of it, metres.
        share: width that it is drawn with, as a share of the page's; maps of a kind are of one scale.
        alone: the same on a narrow page, where none has another beside it.
    """

    title: str
    drawing: Markup
    wide: float
    high: float
    share: float = 1.0
    alone: float = 1.0


@dataclass(frozen=True)
class Maps:
    """The maps of a pit.

    Attributes:
        benches: plans, from the top down.
        sections: looking north and looking west.
        legend: the periods.
        left_out: benches for which there is no map.
    """

    benches: list[Map]
    sections: list[Map]
    legend: tuple[Swatch, ...]
    left_out: int


def pit_maps(facts: Facts) -> Maps:
    """Plans of the benches and sections through the pit."""
    blocks = facts.blocks
    blocks = blocks[blocks["tonnes"] > 0]
    colours = dict(enumerate(facts.period_colours)) | {NEVER: NOT_MINED}
    fill = [name for name, material in facts.mine.materials.items() if material.kind == "fill"]
    painter = _Painter(colours, fill, facts.labels)
    levels = np.sort(blocks["iz"].unique())[::-1]
    chosen = levels
    if len(levels) > MOST_BENCHES:
        chosen = levels[np.unique(np.linspace(0, len(levels) - 1, MOST_BENCHES).round().astype(int))]
    x, y, z = (
        _Axis.of(blocks[axis], size) for axis, size in zip(("ix", "iy", "iz"), facts.mine.blocks.size_m, strict=True)
    )
    benches = [
        painter.paint(f"bench {level}", blocks[blocks["iz"] == level], (x, y), f"bench-{level}") for level in chosen
    ]
    sections = []
    turned = bool(facts.mine.blocks.rotation_deg)
    north, west = ("along the y axis", "against the x axis") if turned else ("north", "west")
    for along, across, axis, facing in (("iy", "ix", (x, z), north), ("ix", "iy", (y, z), west)):
        for place in _places(blocks, along):
            rows = blocks[blocks[along] == place]
            size = facts.mine.blocks.size_m[0 if along == "ix" else 1]
            where = f"{along[1]} = {(place + 0.5) * size:,.0f} m, looking {facing}"
            sections.append(painter.paint(where, rows, axis, f"section-{along}-{place}", (across, "iz")))
    widest, highest = (max(getattr(one, side) for one in sections) for side in ("wide", "high"))
    scale = min(1.0 / widest, TALLEST / highest)
    if ABREAST < widest * scale < LONELY:
        scale = ABREAST / widest
    sections = [replace(one, share=one.wide * scale, alone=one.wide / widest) for one in sections]
    labels = facts.labels
    worked = [number for number in range(len(labels)) if (blocks["period"] == number).any()]
    legend = [Swatch(labels[number], colours[number]) for number in worked]
    if (blocks["period"] == NEVER).any():
        legend.append(Swatch("stays", NOT_MINED))
    return Maps(benches, sections, tuple(legend), len(levels) - len(chosen))


def _places(blocks: pd.DataFrame, axis: str) -> list[int]:
    """Rows of the grid that part the tonnes as :data:`SECTIONS` say."""
    mass = blocks.groupby(axis)["tonnes"].sum().sort_index()
    share = mass.cumsum() / mass.sum()
    return list(dict.fromkeys(int(share.index[int(np.searchsorted(share.to_numpy(), part))]) for part in SECTIONS))


@dataclass(frozen=True)
class _Axis:
    """Where cells lie along a side of a map."""

    low: int
    high: int
    size: float

    @staticmethod
    def of(cells: pd.Series[int], size: float) -> _Axis:
        return _Axis(int(cells.min()), int(cells.max()), float(size))

    @property
    def metres(self) -> float:
        return (self.high - self.low + 1) * self.size


@dataclass(frozen=True)
class _Painter:
    colours: dict[int, str]
    fill: Sequence[str]
    labels: Sequence[str]

    def paint(
        self, title: str, rows: pd.DataFrame, axes: tuple[_Axis, _Axis], key: str, sides: tuple[str, str] = ("ix", "iy")
    ) -> Map:
        """A map of cells; x to the right, the other axis upwards, to scale."""
        right, up = axes
        stretch = up.size / right.size
        width, height = right.high - right.low + 1, (up.high - up.low + 1) * stretch
        columns = rows[sides[0]].to_numpy(np.int64) - right.low
        lines = up.high - rows[sides[1]].to_numpy(np.int64)
        parts = []
        period = rows["period"].to_numpy(np.int64)
        for value in np.unique(period):
            name = "stays" if value == NEVER else self.labels[value]
            data = cell_path(columns[period == value], lines[period == value], stretch)
            form = Markup('<path fill="{}" d="{}"><title>{}</title></path>')
            parts.append(form.format(self.colours[int(value)], data, f"{title}: {name}"))
        hatched = rows["material"].isin(self.fill).to_numpy(bool)
        if hatched.any():
            name = f"fill-{key}"
            parts.insert(
                0, PATTERN.format(name, number(3.0 if stretch == 1 else 1.2), number(0.7 if stretch == 1 else 0.16))
            )
            data = cell_path(columns[hatched], lines[hatched], stretch)
            parts.append(Markup('<path class="fill-hatch" fill="url(#{})" d="{}"/>').format(name, data))
        form = Markup('<svg class="map" viewBox="-1 -1 {} {}" role="img" aria-label="{}">{}</svg>')
        drawing = form.format(number(width + 2), number(height + 2), title, Markup("").join(parts))
        return Map(title, drawing, right.metres, up.metres)


def number(value: float) -> str:
    """A coordinate with two digits at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def cell_path(columns: NDArray[np.int64], lines: NDArray[np.int64], stretch: float = 1.0) -> str:
    """The outline of cells as a path, a rectangle for each run of cells in a line.

    Args:
        columns: column of each cell.
        lines: line of each cell, counted downwards.
        stretch: height of a cell, whose width is 1.
    """
    if not len(columns):
        return ""
    order = np.lexsort((columns, lines))
    column, line = columns[order], lines[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(line) != 0) | (np.diff(column) != 1)])
    lengths = np.diff(np.r_[starts, len(column)])
    tall = number(stretch)
    return "".join(
        f"M{column[first]} {number(float(line[first]) * stretch)}h{length}v{tall}h-{length}z"
        for first, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    )
