"""The kinds of chart that set scenarios beside each other: a tornado of bars from nought, and a scatter of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.reports.charts import CLEAR, NARROW_ROW, UPPER, Plot, Trace, axis, known, name_axis, sheet
from scheduler.reports.labels import label
from scheduler.reports.numbers import signed
from scheduler.reports.palette import COST, GAIN, INK, PAPER

BAR = 25.0
WHISKER = {"color": "var(--whisker)", "thickness": 1.2, "width": 0}


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


def tornado(groups: Sequence[tuple[str, Sequence[Bar]]], axes: tuple[str, str], *, digits: int = 1) -> Plot:
    """Bars to both sides of nought, in groups under headings, with their intervals and marks.

    Args:
        groups: heading and bars.
        axes: titles, of the bars and of their values.
        digits: of the values written beside the bars.
    """
    names: list[str] = []
    strong: list[bool] = []
    placed: list[tuple[int, Bar]] = []
    for heading, bars in groups:
        names, strong = [*names, heading], [*strong, True]
        for bar in bars:
            placed.append((len(names), bar))
            names, strong = [*names, bar.name], [*strong, False]
    given, narrow = name_axis(names, strong)
    written = {
        "tickvals": [place for place, _ in placed],
        "ticktext": [signed(bar.change, digits) for _, bar in placed],
    }
    layout = sheet(BAR * len(names) + 60)
    layout["margin"] |= {"l": 10, "r": 58, "t": 6}
    layout["yaxis"] = axis(axes[0], **given)
    layout["yaxis2"] = axis("", **given | written | {"overlaying": "y", "side": "right", "tickfont": {"color": INK}})
    layout["xaxis"] = axis(axes[1], nticks=7, zeroline=True)
    traces = (_bars(placed), _kept_marks(placed), _held_open(len(names)))
    tall = {"height": round(max(BAR, NARROW_ROW) * len(names) + 60)}
    return Plot(traces, layout, narrow | {"xaxis.nticks": 4} | tall)


def _bars(placed: Sequence[tuple[int, Bar]]) -> Trace:
    bars = [bar for _, bar in placed]
    return {
        "type": "bar",
        "orientation": "h",
        "y": [place for place, _ in placed],
        "x": known([bar.change for bar in bars]),
        "width": 0.62,
        "marker": {"color": [GAIN if bar.change >= 0 else COST for bar in bars]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": known([bar.most - bar.change for bar in bars]),
            "arrayminus": known([bar.change - bar.least for bar in bars]),
            **WHISKER,
        },
        "hoverinfo": "text",
        "hovertext": [label(bar.hint or f"{bar.name}: {signed(bar.change, 2)}", 160) for bar in bars],
    }


def _kept_marks(placed: Sequence[tuple[int, Bar]]) -> Trace:
    marked = [(place, bar) for place, bar in placed if math.isfinite(bar.kept)]
    return {
        "type": "scatter",
        "mode": "markers",
        "y": [place for place, _ in marked],
        "x": [bar.kept for _, bar in marked],
        "marker": {"symbol": "line-ns-open", "size": 16, "line": {"width": 3, "color": INK}, "color": INK},
        "hoverinfo": "text",
        "hovertext": [label(f"{bar.name}, the base's plan kept: {signed(bar.kept, 2)}", 160) for _, bar in marked],
    }


def _held_open(rows: int) -> Trace:
    """Nothing to be seen: the axis on the right is drawn only where something lies on it."""
    places = list(range(rows))
    unseen = {"type": "scatter", "mode": "markers", "marker": {"color": CLEAR}, "hoverinfo": "skip"}
    return unseen | {"y": places, "x": [0.0] * rows, "yaxis": "y2"}


@dataclass(frozen=True)
class Point:
    """A point of a scatter, with the most that its height can be."""

    x: float
    y: float
    most: float
    hint: str


def scatter(groups: Sequence[tuple[str, Sequence[Point]]], axes: tuple[str, str]) -> Plot:
    """Points in groups of one colour each, the last on top. ``axes``: titles, of the bottom and of the side."""
    layout = sheet(UPPER + 130)
    layout["xaxis"] = axis(axes[0], nticks=7, zeroline=False)
    layout["yaxis"] = axis(axes[1], nticks=7, zeroline=False)
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": known([point.x for point in points]),
            "y": known([point.y for point in points]),
            "marker": {"size": 11, "color": colour, "line": {"color": PAPER, "width": 1}},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": known([point.most - point.y for point in points]),
                "arrayminus": [0.0] * len(points),
                **WHISKER,
            },
            "hoverinfo": "text",
            "hovertext": [label(point.hint, 160) for point in points],
        }
        for colour, points in groups
    ]
    return Plot(tuple(traces), layout, {"xaxis.nticks": 5})
