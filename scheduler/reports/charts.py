"""The kinds of chart that figures are made of: columns, lines, a waterfall, a matrix, and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from scheduler.reports.numbers import shown
from scheduler.reports.palette import COST, GAIN, TOTAL, ink_on
from scheduler.reports.svg import (
    CHARACTER,
    Bands,
    Drawing,
    Linear,
    draw_band_labels,
    draw_x_axis,
    draw_y_axis,
    scale,
    shortened,
)

LEFT, RIGHT, TOP, BOTTOM = 56.0, 10.0, 10.0, 42.0
UPPER, LOWER, BETWEEN = 210.0, 90.0, 22.0


@dataclass(frozen=True)
class Series:
    """Values by period with their name and colour; ``kind`` is ``line``, ``dashes`` or ``steps`` where it is a line."""

    name: str
    values: Sequence[float]
    colour: str
    kind: str = "line"


@dataclass(frozen=True)
class Panel:
    """A part of a chart over the periods: stacked columns, lines over them, and the axis with its unit."""

    title: str
    columns: tuple[Series, ...] = ()
    lines: tuple[Series, ...] = ()
    digits: int = 2
    zero: bool = True


def by_period(width: int, label: str, labels: Sequence[str], panels: Sequence[Panel], axis: str = "period") -> Markup:
    """Panels over each other that share the periods, or what ``axis`` names, along the bottom; the first is tallest."""
    heights = [UPPER] + [LOWER] * (len(panels) - 1)
    height = TOP + sum(heights) + BETWEEN * (len(panels) - 1) + BOTTOM
    drawing = Drawing(width, height, label)
    bands = Bands(len(labels), LEFT, width - RIGHT)
    top = TOP
    for panel, tall in zip(panels, heights, strict=True):
        _draw_panel(drawing, panel, bands, labels, (top, top + tall))
        top += tall + BETWEEN
    draw_band_labels(drawing, bands, labels, height - 24, axis)
    return drawing.svg()


def _draw_panel(
    drawing: Drawing, panel: Panel, bands: Bands, labels: Sequence[str], sides: tuple[float, float]
) -> None:
    above, below = _stack_ends(panel.columns, len(labels))
    values = [*above, *below, *(float(value) for line in panel.lines for value in line.values)]
    y = scale(values, (sides[1], sides[0]), zero=panel.zero)
    draw_y_axis(drawing, y, (bands.start, bands.end), panel.title, most=5 if sides[1] - sides[0] > LOWER else 3)
    up, down = np.zeros(len(labels)), np.zeros(len(labels))
    for series in panel.columns:
        for number, value in enumerate(series.values):
            if not math.isfinite(value) or value == 0:
                continue
            base = up if value > 0 else down
            ends = sorted((y(base[number]), y(base[number] + value)))
            base[number] += value
            hint = f"{labels[number]}, {series.name}: {shown(value, panel.digits)}"
            drawing.rect((bands.left(number), ends[0], bands.width, ends[1] - ends[0]), fill=series.colour, hint=hint)
    for line in panel.lines:
        _draw_line(drawing, line, (bands, y), labels, panel.digits)


def _draw_line(
    drawing: Drawing, line: Series, scales: tuple[Bands, Linear], labels: Sequence[str], digits: int
) -> None:
    bands, y = scales
    if line.kind == "line":
        points = [(bands.middle(n), y(v) if math.isfinite(v) else math.nan) for n, v in enumerate(line.values)]
        drawing.polyline(points, stroke=line.colour)
        for number, (place, height) in enumerate(points):
            if math.isfinite(height):
                hint = f"{labels[number]}, {line.name}: {shown(line.values[number], digits)}"
                drawing.dot(place, height, fill=line.colour, hint=hint)
        return
    half = bands.step / 2
    points = []
    for number, value in enumerate(line.values):
        height = y(value) if math.isfinite(value) else math.nan
        points += [(bands.middle(number) - half, height), (bands.middle(number) + half, height)]
    drawing.polyline(points, stroke=line.colour, kind=f"line {line.kind}")


def _stack_ends(columns: Sequence[Series], periods: int) -> tuple[list[float], list[float]]:
    """Height of what is stacked above nought, and below it, by period."""
    values = np.nan_to_num(np.array([series.values for series in columns], dtype=float).reshape(-1, periods))
    return np.maximum(values, 0).sum(axis=0).tolist(), np.minimum(values, 0).sum(axis=0).tolist()


@dataclass(frozen=True)
class Step:
    """A step of a waterfall; ``total`` starts from nought."""

    name: str
    value: float
    total: bool = False


def waterfall(width: int, label: str, steps: Sequence[Step], title: str, *, digits: int = 1) -> Markup:
    """What adds to and takes from an amount, a bar a step, from the top down."""
    room = min(215.0, width * 0.4)
    row, top = 25.0, 8.0
    height = top + row * len(steps) + 46
    drawing = Drawing(width, height, label)
    ends, level = [], 0.0
    for step in steps:
        first = 0.0 if step.total else level
        level = step.value if step.total else level + step.value
        ends.append((first, level))
    x = scale([value for pair in ends for value in pair], (room + 8, width - 62.0))
    bottom = top + row * len(steps)
    for tick in x.ticks(4):
        drawing.line((x(tick), top, x(tick), bottom), "axis" if abs(tick) < 1e-9 else "grid")
    for number, (step, (first, last)) in enumerate(zip(steps, ends, strict=True)):
        place = top + number * row
        colour = TOTAL if step.total else GAIN if step.value >= 0 else COST
        left, right = sorted((x(first), x(last)))
        hint = f"{step.name}: {shown(step.value, digits)}"
        kind = "mark total" if step.total else "mark"
        drawing.rect((left, place + 4, max(right - left, 1.0), row - 8), fill=colour, kind=kind, hint=hint)
        drawing.text(room, place + row / 2 + 4, shortened(step.name, room), "end strong" if step.total else "end")
        drawing.text(right + 5, place + row / 2 + 4, shown(step.value, digits), "strong" if step.total else "")
    draw_x_axis(drawing, x, bottom, title, most=4)
    return drawing.svg()


@dataclass(frozen=True)
class Cell:
    """A cell of a matrix: its colour, what is written on it, and what is told where a pointer rests."""

    colour: str
    words: str = ""
    hint: str = ""


def matrix(
    width: int,
    label: str,
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Cell | None]]],
    *,
    row_height: float = 22.0,
    room: float = 190.0,
    gap: float = 1.5,
    axes: tuple[str, str] = ("period", ""),
) -> Markup:
    """A row of cells for each of ``rows``, a column for each of ``heads``; a row without cells is a heading.

    ``axes`` name what runs along the bottom and what runs down the side.
    """
    top = 6.0
    height = top + row_height * len(rows) + 38
    drawing = Drawing(width, height, label)
    bands = Bands(len(heads), room + 6, width - 4.0, filled=1.0)
    if axes[1]:
        drawing.turned(11, top + row_height * len(rows) / 2, axes[1])
    place = top
    for name, cells in rows:
        middle = place + row_height / 2 + 4
        if not cells:
            drawing.text(room, middle, shortened(name, room), "end strong")
        else:
            drawing.text(room, middle, shortened(name, room), "end soft")
            drawing.line((bands.start, place + row_height, bands.end, place + row_height), "faint")
        for number, cell in enumerate(cells):
            if cell is None:
                continue
            box = (bands.left(number) + gap / 2, place + gap / 2, bands.width - gap, row_height - gap)
            drawing.rect(box, fill=cell.colour, hint=cell.hint)
            if cell.words and len(cell.words) * CHARACTER < bands.width:
                drawing.text(bands.middle(number), middle, cell.words, "middle", fill=ink_on(cell.colour))
        place += row_height
    draw_band_labels(drawing, bands, heads, height - 22, axes[0])
    return drawing.svg()


@dataclass(frozen=True)
class Curve:
    """A curve through points ``(x, y)``; ``kind`` as for :class:`Series`."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    kind: str = "line"


def curves(
    width: int,
    label: str,
    panels: Sequence[tuple[str, Sequence[Curve]]],
    x_title: str,
    *,
    digits: int = 2,
    zero: bool = True,
) -> Markup:
    """Panels of curves over each other that share the axis along the bottom; with ``zero``, axes hold nought."""
    tall = 150.0 if len(panels) > 1 else UPPER
    height = TOP + (tall + BETWEEN) * len(panels) - BETWEEN + 44
    drawing = Drawing(width, height, label)
    across = [point[0] for _, some in panels for curve in some for point in curve.points]
    widest = max((len(f"{value:,.0f}") for value in across), default=1)
    x = scale(across, (LEFT, width - max(RIGHT + 8, 0.6 * widest * CHARACTER)), zero=zero)
    top = TOP
    for title, some in panels:
        y = scale([p[1] for curve in some for p in curve.points], (top + tall, top), zero=zero)
        draw_y_axis(drawing, y, (LEFT, width - RIGHT), title, most=4)
        for curve in some:
            places = [(x(a), y(b)) for a, b in curve.points]
            drawing.polyline(places, stroke=curve.colour, kind=f"line {curve.kind}" if curve.kind != "line" else "line")
            if len(places) <= 40:
                for (a, b), (left, high) in zip(curve.points, places, strict=True):
                    hint = f"{curve.name}: {shown(b, digits)} at {a:g}"
                    drawing.dot(left, high, fill=curve.colour, hint=hint, radius=3.2 if len(places) > 1 else 4.6)
        top += tall + BETWEEN
    draw_x_axis(drawing, x, top - BETWEEN, x_title, most=6 if width > 400 else 4)
    return drawing.svg()
