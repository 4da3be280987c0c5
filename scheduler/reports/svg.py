"""Scalable drawings as text: marks, scales and axes, whose ink follows the page: light, dark or print.

A picture made here needs no script and no network. Everything that comes from a mine is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

CHARACTER = 6.3
"""Mean width of a character of the drawings' text, in units of the drawing."""


def number(value: float) -> str:
    """A coordinate with two digits at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


@dataclass
class Drawing:
    """Marks on a sheet of ``width`` by ``height``.

    Attributes:
        width: in units of the drawing, a pixel each where it is shown at its own size.
        height: likewise.
        label: what it shows, for those who cannot see it.
    """

    width: float
    height: float
    label: str
    parts: list[Markup] = field(default_factory=list)

    def rect(
        self,
        box: tuple[float, float, float, float],
        *,
        fill: str = "",
        kind: str = "mark",
        hint: str = "",
        opacity: float = 1.0,
    ) -> None:
        """A rectangle at ``(x, y, width, height)``; ``hint`` is told where a pointer rests."""
        start = Markup('<rect x="{}" y="{}" width="{}" height="{}"').format(*(number(value) for value in box))
        if opacity < 1:
            start += Markup(' fill-opacity="{}"').format(number(opacity))
        self._mark(start, fill, kind=kind, hint=hint)

    def path(self, data: str, *, fill: str = "", kind: str = "mark", hint: str = "", stroke: str = "") -> None:
        """A path by its commands."""
        start = Markup('<path d="{}"').format(data)
        if stroke:
            start += Markup(' style="stroke:{}"').format(stroke)
        self._mark(start, fill, kind=kind, hint=hint)

    def dot(self, x: float, y: float, *, fill: str, hint: str = "", radius: float = 3.2) -> None:
        """A dot, as on a line."""
        start = Markup('<circle cx="{}" cy="{}" r="{}"').format(number(x), number(y), number(radius))
        self._mark(start, fill, kind="dot", hint=hint)

    def line(self, ends: tuple[float, float, float, float], kind: str = "grid") -> None:
        """A straight line from ``(x, y)`` to ``(x, y)``."""
        form = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
        self.parts.append(form.format(kind, *(number(value) for value in ends)))

    def polyline(self, points: Sequence[tuple[float, float]], *, stroke: str, kind: str = "line") -> None:
        """A line through points; gaps where one is not finite."""
        for run in _runs(points):
            data = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in run)
            self.path(data, kind=kind, stroke=stroke)

    def text(self, x: float, y: float, words: object, kind: str = "", *, fill: str = "") -> None:
        """A line of text; ``kind`` holds classes: ``end``, ``middle``, ``strong``, ``soft``."""
        style = Markup(' style="fill:{}"').format(fill) if fill else Markup("")
        form = Markup('<text class="{}" x="{}" y="{}"{}>{}</text>')
        self.parts.append(form.format(kind, number(x), number(y), style, str(words)))

    def turned(self, x: float, y: float, words: object) -> None:
        """Text that runs upwards, as along a vertical axis."""
        form = Markup('<text class="middle soft" transform="translate({} {}) rotate(-90)">{}</text>')
        self.parts.append(form.format(number(x), number(y), str(words)))

    def svg(self, kind: str = "") -> Markup:
        """The drawing as an element of a page."""
        form = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
        body = Markup("").join(self.parts)
        return form.format(f"chart {kind}".strip(), number(self.width), number(self.height), self.label, body)

    def _mark(self, start: Markup, fill: str, *, kind: str, hint: str) -> None:
        colour = Markup(' fill="{}"').format(fill) if fill else Markup("")
        end = Markup("><title>{}</title></{}>").format(hint, start[1 : start.index(" ")]) if hint else Markup("/>")
        self.parts.append(start + Markup(' class="{}"').format(kind) + colour + end)


@dataclass(frozen=True)
class Linear:
    """A scale from values to places along an axis."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values within the scale, about ``most`` of them."""
        step = _round_step((self.high - self.low) / max(most, 1))
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Bands:
    """A scale from places in a list to bands along an axis."""

    count: int
    start: float
    end: float
    filled: float = 0.72

    @property
    def step(self) -> float:
        """Distance between the middles of neighbours."""
        return (self.end - self.start) / max(self.count, 1)

    @property
    def width(self) -> float:
        """Width of what is drawn in a band."""
        return self.step * self.filled

    def left(self, number: int) -> float:
        """Where what is drawn in a band begins."""
        return self.middle(number) - self.width / 2

    def middle(self, number: int) -> float:
        """Middle of a band."""
        return self.start + (number + 0.5) * self.step


def scale(values: Sequence[float], ends: tuple[float, float], *, zero: bool = True) -> Linear:
    """A scale that holds all finite values, with round ends; with ``zero``, nought too."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12:
        aside = 0.0 if zero else max(0.05 * abs(low), 0.5)
        low, high = low - aside, high + (aside or 1.0)
    step = _round_step((high - low) / 5)
    return Linear(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, *ends)


def draw_y_axis(drawing: Drawing, y: Linear, sides: tuple[float, float], title: str, *, most: int = 5) -> None:
    """Grid lines, their values and the title with its unit."""
    left, right = sides
    ticks = y.ticks(most)
    digits = _digits(ticks)
    for tick in ticks:
        place = y(tick)
        zero = abs(tick) < 1e-12
        drawing.line((left, place, right, place), "axis" if zero else "grid")
        drawing.text(left - 6, place + 4, f"{0.0 if zero else tick:,.{digits}f}", "end soft")
    drawing.turned(11, (y.start + y.end) / 2, title)


def draw_band_labels(drawing: Drawing, bands: Bands, labels: Sequence[str], y: float, title: str = "period") -> None:
    """Labels under the bands, as many as find room, and under them what they are."""
    drawing.text((bands.start + bands.end) / 2, y + 16, title, "middle soft")
    longest = max((len(label) for label in labels), default=1) * CHARACTER + 5
    every = max(1, math.ceil(longest / bands.step)) if bands.step else 1
    for place, label in enumerate(labels):
        if place % every == 0:
            drawing.text(bands.middle(place), y, label, "middle soft")


def draw_x_axis(drawing: Drawing, x: Linear, place: float, title: str, *, most: int = 6) -> None:
    """Values along the bottom, and the title with its unit."""
    ticks = x.ticks(most)
    digits = _digits(ticks)
    for tick in ticks:
        drawing.line((x(tick), place, x(tick), place + 4), "axis")
        drawing.text(x(tick), place + 17, f"{tick:,.{digits}f}", "middle soft")
    drawing.text((x.start + x.end) / 2, place + 34, title, "middle soft")


def shortened(text: str, room: float) -> str:
    """A text cut to a room in units of the drawing."""
    most = max(int(room / CHARACTER), 2)
    return text if len(text) <= most else text[: most - 1] + "…"


def escaped(text: object) -> Markup:
    """A text of a mine as it may stand in a page."""
    return escape(str(text))


def _round_step(step: float) -> float:
    if step <= 0 or not math.isfinite(step):
        return 1.0
    power = float(10 ** math.floor(math.log10(step)))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if step <= factor * power * (1 + 1e-9))


def _digits(ticks: Sequence[float]) -> int:
    return next(
        (d for d in range(6) if all(abs(round(tick, d) - tick) < 1e-9 * max(1, abs(tick)) for tick in ticks)), 6
    )


def _runs(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]
