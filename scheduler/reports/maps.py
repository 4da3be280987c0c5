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
from scheduler.reports.figure import Swatch, Table
from scheduler.reports.map_axes import MapAxis, Tick, map_axes
from scheduler.reports.numbers import shown
from scheduler.reports.palette import NOT_MINED

MOST_BENCHES = 24
"""Maps of benches in a page; of more benches, so many are drawn, evenly spaced."""
SECTIONS = (0.25, 0.5, 0.75)
"""Shares of the tonnes that lie to the south, or west, of a section."""
TALLEST = 0.3
"""Height of the highest section as a share of the page's width, at most."""
ABREAST, LONELY = 0.5, 0.7
"""Share of the page's width at which two sections stand abreast, and from which on one stands alone."""
PAGE, TELEPHONE, PLAN, TICK = 1150, 330, 140, 22
"""Pixels: width of a page, of a telephone and of a plan, without what stands beside; and height that a tick takes."""
FEW_TICKS, MOST_TICKS = 3, 5
"""Ticks along a plan, and along a section or beside a map, at most."""
PATTERN = Markup(
    '<defs><pattern id="{0}" width="{1}" height="{1}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="{1}" stroke-width="{2}"/></pattern></defs>'
)


@dataclass(frozen=True)
class Map:
    """A map.

    Attributes:
        title: which bench or section.
        drawing: the map, as wide and high as its axes are long.
        right: its axis to the right.
        up: its axis upwards.
        right_ticks: its ticks.
        up_ticks: those of the other.
        share: width that it is drawn with, as a share of the page's; maps of a kind are of one scale.
        alone: the same on a narrow page, where none has another beside it.
    """

    title: str
    drawing: Markup
    right: MapAxis
    up: MapAxis
    right_ticks: list[Tick]
    up_ticks: list[Tick]
    share: float = 1.0
    alone: float = 1.0

    @property
    def digits(self) -> int:
        """Characters of the longest tick beside it."""
        return max((len(tick.text) for tick in self.up_ticks), default=0)


@dataclass(frozen=True)
class Maps:
    """The maps of a pit.

    Attributes:
        benches: plans, from the top down.
        sections: looking north and looking west.
        legend: the periods.
        left_out: benches for which there is no map.
        bench_table: tonnes of every bench by period.
        section_table: tonnes of every section by period.
    """

    benches: list[Map]
    sections: list[Map]
    legend: tuple[Swatch, ...]
    left_out: int
    bench_table: Table
    section_table: Table


def pit_maps(facts: Facts) -> Maps:
    """Plans of the benches and sections through the pit."""
    blocks = facts.blocks
    blocks = blocks[blocks["tonnes"] > 0]
    colours = dict(enumerate(facts.period_colours)) | {NEVER: NOT_MINED}
    fill = [name for name, material in facts.mine.materials.items() if material.kind == "fill"]
    painter = _Painter(colours, fill, facts.labels)
    levels = [int(level) for level in np.sort(blocks["iz"].unique())[::-1]]
    chosen = levels
    if len(levels) > MOST_BENCHES:
        chosen = [
            levels[place] for place in np.unique(np.linspace(0, len(levels) - 1, MOST_BENCHES).round().astype(int))
        ]
    x, y, z = axes = map_axes(facts.mine.blocks, blocks)
    titles = {level: f"bench {level}, floor at {z.edge(level):,g} m" for level in levels}
    ticks = x.ticks(FEW_TICKS), y.ticks(_room(PLAN * y.metres / x.metres))
    benches = [
        painter.paint(titles[level], blocks[blocks["iz"] == level], (x, y), ticks, f"bench-{level}") for level in chosen
    ]
    sections, cut = _sections(facts, blocks, axes, painter)
    labels = facts.labels
    worked = [number for number in range(len(labels)) if (blocks["period"] == number).any()]
    columns = [(labels[number], number) for number in worked]
    if (blocks["period"] == NEVER).any():
        columns.append(("stays", NEVER))
    return Maps(
        benches,
        sections,
        tuple(Swatch(name, colours[number]) for name, number in columns),
        len(levels) - len(chosen),
        _table("bench", [(titles[level], blocks[blocks["iz"] == level]) for level in levels], columns),
        _table("section", cut, columns),
    )


def _sections(
    facts: Facts, blocks: pd.DataFrame, axes: tuple[MapAxis, MapAxis, MapAxis], painter: _Painter
) -> tuple[list[Map], list[tuple[str, pd.DataFrame]]]:
    """The sections, all of one scale, and the blocks of each by its title."""
    x, y, z = axes
    widest = max(x.metres, y.metres)
    scale = min(1.0 / widest, TALLEST / z.metres)
    if ABREAST < widest * scale < LONELY:
        scale = ABREAST / widest
    turned = bool(facts.mine.blocks.rotation_deg)
    north, west = ("along the y axis", "against the x axis") if turned else ("north", "west")
    sections, cut = [], []
    for along, across, side, facing in ((y, x, "iy", north), (x, y, "ix", west)):
        for place in _places(blocks, side):
            rows = blocks[blocks[side] == place]
            name = f"{side[1]} =" if turned else along.title.partition(",")[0]
            title = f"{name} {along.edge(place) + along.size / 2:,g} m, looking {facing}"
            cells = ("ix" if side == "iy" else "iy", "iz")
            share, narrow, tall = across.metres * scale, across.metres / widest, z.metres / across.metres
            ticks = (
                across.ticks(max(2, round(2 * share * MOST_TICKS)), max(2, round(narrow * MOST_TICKS))),
                z.ticks(_room(PAGE * share * tall), _room(TELEPHONE * narrow * tall)),
            )
            drawn = painter.paint(title, rows, (across, z), ticks, f"section-{side}-{place}", cells)
            sections.append(replace(drawn, share=share, alone=narrow))
            cut.append((title, rows))
    return sections, cut


def _room(pixels: float) -> int:
    """Ticks that find room beside a map so many pixels high."""
    return min(max(int(pixels / TICK), 1), MOST_TICKS)


def _table(first: str, groups: Sequence[tuple[str, pd.DataFrame]], columns: Sequence[tuple[str, int]]) -> Table:
    """Tonnes of blocks by the period in which they are drawn, a row a map."""
    rows = []
    for title, blocks in groups:
        mass = blocks.groupby("period")["tonnes"].sum() / 1e6
        rows.append((title, *(shown(float(mass.get(number, 0.0)), 2) for _, number in columns)))
    return Table((first, *(f"{name}, Mt" for name, _ in columns)), tuple(rows))


def _places(blocks: pd.DataFrame, axis: str) -> list[int]:
    """Rows of the grid that part the tonnes as :data:`SECTIONS` say."""
    mass = blocks.groupby(axis)["tonnes"].sum().sort_index()
    share = mass.cumsum() / mass.sum()
    return list(dict.fromkeys(int(share.index[int(np.searchsorted(share.to_numpy(), part))]) for part in SECTIONS))


@dataclass(frozen=True)
class _Painter:
    colours: dict[int, str]
    fill: Sequence[str]
    labels: Sequence[str]

    def paint(  # noqa: PLR0917 - what is drawn, and where
        self,
        title: str,
        rows: pd.DataFrame,
        axes: tuple[MapAxis, MapAxis],
        ticks: tuple[list[Tick], list[Tick]],
        key: str,
        sides: tuple[str, str] = ("ix", "iy"),
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
        right_ticks, up_ticks = ticks
        across = [f"M{number(tick.share * width)} 0v{number(height)}" for tick in right_ticks]
        down = [f"M0 {number((1 - tick.share) * height)}h{number(width)}" for tick in up_ticks]
        parts.insert(0, Markup('<path class="rule" d="{}"/>').format("".join([*across, *down])))
        form = Markup('<svg class="map" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
        drawing = form.format(number(width), number(height), title, Markup("").join(parts))
        return Map(title, drawing, right, up, right_ticks, up_ticks)


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
