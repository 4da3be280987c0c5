"""The kinds of chart that set scenarios beside each other: a tornado of bars from nought, and a scatter of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scheduler.reports.charts import BOTTOM, LEFT, RIGHT, TOP
from scheduler.reports.numbers import signed
from scheduler.reports.palette import COST, GAIN
from scheduler.reports.svg import Drawing, Linear, draw_x_axis, draw_y_axis, scale, shortened

TALL = 300.0
BAR = 24.0


@dataclass(frozen=True)
class Bar:
    """A bar of a tornado.

    Attributes:
        name: what is changed, and to what.
        change: where the bar ends, counted from nought.
        least: the least that the change can be.
        most: the most that it can be.
        kept: a mark beside the bar, NaN for none.
        hint: what is told where a pointer rests.
    """

    name: str
    change: float
    least: float
    most: float
    kept: float = math.nan
    hint: str = ""


def tornado_bars(
    width: int, label: str, groups: Sequence[tuple[str, Sequence[Bar]]], title: str, *, digits: int = 1
) -> Markup:
    """Bars to both sides of nought, in groups under headings, with their intervals and marks."""
    room = min(190.0, width * 0.3)
    rows = sum(len(bars) + 1 for _, bars in groups)
    drawing = Drawing(width, 8 + BAR * rows + 46, label)
    ends = [value for _, bars in groups for bar in bars for value in (bar.change, bar.least, bar.most, bar.kept)]
    # What is written beside a bar stands outside of all of them.
    x = scale(ends, (room + 8, width - 70.0))
    bottom = 8 + BAR * rows
    for tick in x.ticks(4):
        drawing.line((x(tick), 8, x(tick), bottom), "axis" if abs(tick) < 1e-9 else "grid")
    place = 8.0
    for heading, bars in groups:
        drawing.text(0, place + BAR / 2 + 5, shortened(heading, width * 0.6), "strong")
        place += BAR
        for bar in bars:
            _draw_bar(drawing, bar, x, (room, place), digits)
            place += BAR
    draw_x_axis(drawing, x, bottom, title, most=4)
    return drawing.svg()


def _draw_bar(drawing: Drawing, bar: Bar, x: Linear, place: tuple[float, float], digits: int) -> None:
    room, top = place
    middle = top + BAR / 2
    left, right = sorted((x(0.0), x(bar.change)))
    drawing.text(room, middle + 4, shortened(bar.name, room), "end")
    box = (left, top + 5, max(right - left, 1.0), BAR - 10)
    drawing.rect(box, fill=GAIN if bar.change >= 0 else COST, hint=bar.hint)
    drawing.line((x(bar.least), middle, x(bar.most), middle), "whisker")
    if math.isfinite(bar.kept):
        drawing.line((x(bar.kept), top + 2, x(bar.kept), top + BAR - 2), "tick")
    drawing.text(x.end + 62, middle + 4, signed(bar.change, digits), "end")


@dataclass(frozen=True)
class Point:
    """A point of a scatter, with the most that its height can be."""

    x: float
    y: float
    most: float
    hint: str


def scatter(width: int, label: str, groups: Sequence[tuple[str, Sequence[Point]]], titles: tuple[str, str]) -> Markup:
    """Points in groups of one colour each, the last on top. ``titles``: of the axes, bottom and side."""
    drawing = Drawing(width, TOP + TALL + BOTTOM + 4, label)
    points = [point for _, some in groups for point in some]
    x = scale([point.x for point in points], (LEFT + 10, width - RIGHT - 14), zero=False)
    y = scale([value for p in points for value in (p.y, p.most)], (TOP + TALL, TOP), zero=False)
    draw_y_axis(drawing, y, (LEFT, width - RIGHT), titles[1])
    for colour, some in groups:
        for point in some:
            drawing.line((x(point.x), y(point.y), x(point.x), y(point.most)), "whisker")
            drawing.dot(x(point.x), y(point.y), fill=colour, hint=point.hint, radius=5)
    draw_x_axis(drawing, x, TOP + TALL, titles[0], most=6 if width > 400 else 4)
    return drawing.svg()
