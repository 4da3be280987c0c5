"""The kinds of chart that figures are made of, as plotly takes them: columns, lines, a waterfall, a matrix, curves.

A chart is plain data, without plotly itself: the page's script draws it, at the width that there is and in the colours
of light, dark or paper. Every text in it goes through :func:`scheduler.reports.labels.label`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scheduler.reports.labels import label
from scheduler.reports.numbers import shown
from scheduler.reports.palette import AXIS, COST, GAIN, GRID, INK, ON_PALE, PALE, PAPER, SOFT

Trace = dict[str, Any]
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif'
CLEAR = "rgba(0,0,0,0)"
UPPER, LOWER, BETWEEN, TOP, BOTTOM = 230, 100, 26, 10, 50
"""Heights in pixels: of the first panel, of the others, and of what lies between, above and below them."""
CHARACTER = 6.9
"""Mean width of a character in pixels."""
NAME, SHORT_NAME = 34, 19
"""Characters of a name beside a row on a wide page, and of one below a column."""
NARROW_NAME, NARROW_ROW = 14, 30.0
"""Characters of each of two lines of a name beside a row on a telephone, and the height of such a row, pixels."""
MOST_TURNED, NARROW_ROOM, NARROW_FOOT = 4, 270, 100
"""Of a matrix that is turned over on a telephone: rows that stand beside each other, the width that their cells have,
and the height of the names below them, pixels."""
DOTTED = 40
"""Points up to which each point of a curve has a dot."""


@dataclass(frozen=True)
class Plot:
    """A chart.

    Attributes:
        traces: as plotly's figures have them.
        layout: likewise.
        narrow: what of the layout is otherwise on a telephone, by its path, as ``yaxis.ticktext``.
        bands: labels of the places 0, 1, 2 ... of axes, by the axis; as many are written as find room.
        paper: likewise on paper, where charts are lower.
        telephone: another chart of the same, drawn instead where there is only the width of a telephone.
    """

    traces: tuple[Trace, ...]
    layout: dict[str, Any]
    narrow: dict[str, Any] = field(default_factory=dict)
    bands: dict[str, list[str]] = field(default_factory=dict)
    paper: dict[str, Any] = field(default_factory=dict)
    telephone: Plot | None = None

    @property
    def height(self) -> int:
        """Height on a wide page, pixels."""
        return int(self.layout["height"])

    def spec(self) -> dict[str, Any]:
        """What the page's script reads."""
        found = {"data": list(self.traces), "layout": self.layout, "bands": self.bands}
        found |= {"narrow": self.narrow, "paper": self.paper}
        return found if self.telephone is None else {**found, "telephone": self.telephone.spec()}


def sheet(height: float, **more: object) -> dict[str, Any]:
    """A layout without axes; legend and title stand in the page."""
    return {
        "height": round(height),
        "margin": {"l": 58, "r": 12, "t": TOP, "b": BOTTOM},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 12, "color": INK},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": AXIS, "font": {"color": INK, "size": 12}, "align": "left"},
        "separators": ".,",
        **more,
    }


def axis(title: str, **more: object) -> dict[str, Any]:
    """An axis with its title; numbers are written out."""
    return {
        "title": {"text": label(title), "font": {"color": SOFT, "size": 12}, "standoff": 8},
        "tickfont": {"color": SOFT, "size": 12},
        "gridcolor": GRID,
        "linecolor": AXIS,
        "zerolinecolor": AXIS,
        "zerolinewidth": 1,
        "separatethousands": True,
        "exponentformat": "none",
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def in_lines(text: str, characters: int, most: int = 2) -> str:
    """A text in lines of so many characters; what finds no room in them is cut."""
    lines = textwrap.wrap(text, max(6, characters), max_lines=most, placeholder=" …")
    return "<br>".join(label(line) for line in lines)


def upright(title: str, room: float) -> str:
    """A title along an upright axis of so many pixels, in up to three lines."""
    return in_lines(title, int(room / CHARACTER), 3)


def known(values: Sequence[float]) -> list[float | None]:
    """Numbers as JSON has them: nothing where one is not finite."""
    return [float(value) if math.isfinite(value) else None for value in values]


def name_axis(names: Sequence[str], strong: Sequence[bool] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Names down the side, the first on top: what the axis has, and what of it is otherwise on a telephone."""

    def bold(texts: Iterable[str]) -> list[str]:
        marked = strong or [False] * len(names)
        return [f"<b>{text}</b>" if one else text for text, one in zip(texts, marked, strict=True)]

    given = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": bold(label(name, NAME) for name in names),
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "zeroline": False,
        "ticklen": 4,
        "tickcolor": CLEAR,
    }
    short = bold(in_lines(name, NARROW_NAME) for name in names)
    return given, {"yaxis.ticktext": short, "yaxis.tickfont.size": 11}


@dataclass(frozen=True)
class Series:
    """Values by period with their name and colour; ``kind`` is ``line``, or ``dashes`` for what spans its periods."""

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


def by_period(labels: Sequence[str], panels: Sequence[Panel], name: str = "period") -> Plot:
    """Panels over each other that share the periods, or what ``name`` says, along the bottom; the first is tallest."""
    traces: list[Trace] = []
    for number, panel in enumerate(panels):
        place = {"xaxis": "x", "yaxis": _axis_name("y", number)}
        traces += [_columns(series, panel.digits) | place for series in panel.columns]
        traces += [_line(series, panel.digits) | place for series in panel.lines]
    layout = sheet(0, barmode="relative", bargap=0.28, hovermode="x unified", hoversubplots="axis")
    stacked(layout, [panel.title for panel in panels], [UPPER] + [LOWER] * (len(panels) - 1), rangemode="tozero")
    shown_labels = [label(one, SHORT_NAME) for one in labels]
    layout["xaxis"] |= axis(
        name,
        range=[-0.5, len(labels) - 0.5],
        tickmode="linear",
        tick0=0,
        dtick=1,
        labelalias={str(place): text for place, text in enumerate(shown_labels)},
        showgrid=False,
        zeroline=False,
    )
    return Plot(tuple(traces), layout, bands={"xaxis": shown_labels})


def stacked(layout: dict[str, Any], titles: Sequence[str], heights: Sequence[float], **more: object) -> None:
    """Puts the vertical axes of panels over each other into a layout, and its height."""
    inner = sum(heights) + BETWEEN * (len(heights) - 1)
    top = 1.0
    for number, (title, tall) in enumerate(zip(titles, heights, strict=True)):
        low = max(0.0, top - tall / inner)
        ticks = {"nticks": 6 if tall > LOWER else 4}
        layout[f"yaxis{number + 1 if number else ''}"] = axis(title, domain=[low, top], anchor="x", **ticks, **more)
        top = low - BETWEEN / inner
    layout["height"] = round(inner + TOP + BOTTOM)
    layout["xaxis"] = {"anchor": _axis_name("y", len(titles) - 1)}


def _axis_name(letter: str, number: int) -> str:
    return letter if number == 0 else f"{letter}{number + 1}"


def _columns(series: Series, digits: int) -> Trace:
    return {
        "type": "bar",
        "x": list(range(len(series.values))),
        "y": known(series.values),
        "name": label(series.name),
        "marker": {"color": series.colour, "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [f"{label(series.name)}: {shown(value, digits)}" if value else "" for value in series.values],
    }


def _line(series: Series, digits: int) -> Trace:
    told = [f"{label(series.name)}: {shown(value, digits)}" for value in series.values]
    trace: Trace = {"type": "scatter", "name": label(series.name), "hoverinfo": "text", "cliponaxis": False}
    if series.kind == "line":
        dots = {"size": 6, "color": series.colour, "line": {"color": PAPER, "width": 1}}
        return trace | {
            "mode": "lines+markers",
            "x": list(range(len(series.values))),
            "y": known(series.values),
            "line": {"color": series.colour, "width": 2},
            "marker": dots,
            "hovertext": told,
        }
    places, values, texts = _spans(series.values, told)
    dash = {"color": series.colour, "width": 2, "dash": "6px,4px", "shape": "hvh"}
    return trace | {
        "mode": "lines",
        "x": places,
        "y": values,
        "line": dash,
        "hovertext": texts,
        "hoverinfo": ["text" if text else "skip" for text in texts],
    }


def _spans(values: Sequence[float], told: Sequence[str]) -> tuple[list[float], list[float | None], list[str]]:
    """Points of a stepped line that spans whole periods, from edge to edge, with a gap where there is no value."""
    places: list[float] = []
    found: list[float | None] = []
    texts: list[str] = []
    for number, value in enumerate(values):
        before = values[number - 1] if number else math.nan
        after = values[number + 1] if number + 1 < len(values) else math.nan
        if not math.isfinite(value):
            continue
        if not math.isfinite(before):
            places, found, texts = [*places, number - 0.5], [*found, value], [*texts, ""]
        places, found, texts = [*places, number], [*found, value], [*texts, told[number]]
        if not math.isfinite(after):
            places += [number + 0.5, number + 0.5]
            found, texts = [*found, value, None], [*texts, "", ""]
    return places, found, texts


@dataclass(frozen=True)
class Step:
    """A step of a waterfall; ``total`` starts from nought."""

    name: str
    value: float
    total: bool = False


def waterfall(steps: Sequence[Step], axes: tuple[str, str], *, digits: int = 1) -> Plot:
    """What adds to and takes from an amount, a bar a step, from the top down; ``axes``: titles, of both axes."""
    names, narrow = name_axis([step.name for step in steps], [step.total for step in steps])
    told = [shown(step.value, digits) for step in steps]
    trace: Trace = {
        "type": "waterfall",
        "orientation": "h",
        "y": list(range(len(steps))),
        "x": known([step.value for step in steps]),
        "measure": ["absolute" if step.total else "relative" for step in steps],
        "increasing": {"marker": {"color": GAIN}},
        "decreasing": {"marker": {"color": COST}},
        "totals": {"marker": {"color": "var(--total)"}},
        "connector": {"line": {"color": AXIS, "width": 1}},
        "width": 0.7,
        "text": [f"<b>{text}</b>" if step.total else text for step, text in zip(steps, told, strict=True)],
        "textposition": "outside",
        "textfont": {"color": INK, "size": 12},
        "cliponaxis": False,
        "constraintext": "none",
        "hoverinfo": "text",
        "hovertext": [f"{label(step.name)}: {text}" for step, text in zip(steps, told, strict=True)],
    }
    layout = sheet(25 * len(steps) + 56)
    layout["margin"] |= {"l": 10, "r": 58, "t": 6}
    layout["yaxis"] = axis(axes[0], **names)
    layout["xaxis"] = axis(axes[1], nticks=6, zeroline=True)
    tall = {"height": round(NARROW_ROW * len(steps) + 56)}
    return Plot((trace,), layout, narrow | {"xaxis.nticks": 4} | tall)


@dataclass(frozen=True)
class Cell:
    """A cell of a matrix: how dark it is from 0 to 1, what is written on it, and what a pointer is told."""

    share: float
    words: str = ""
    hint: str = ""


def matrix(
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Cell | None]]],
    axes: tuple[str, str],
    *,
    row_height: float = 28.0,
    turns: bool = False,
) -> Plot:
    """A row of cells for each of ``rows``, a column for each of ``heads``.

    Args:
        heads: names of the columns.
        rows: name and cells of each row.
        axes: what runs along the bottom, and what runs down the side.
        row_height: height of a row on a wide page, pixels.
        turns: whether it is turned over on a telephone, rows for columns, so that cells have room for their words.
    """
    names, narrow = name_axis([name for name, _ in rows])
    trace: Trace = {
        "type": "heatmap",
        "x": list(range(len(heads))),
        "y": list(range(len(rows))),
        "z": [[None if cell is None else cell.share for cell in cells] for _, cells in rows],
        "text": [["" if cell is None else label(cell.words) for cell in cells] for _, cells in rows],
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": ON_PALE},
        "hoverinfo": "text",
        "hovertext": [["" if cell is None else label(cell.hint, 160) for cell in cells] for _, cells in rows],
        "hoverongaps": False,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, PALE[0]], [1, PALE[1]]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = sheet(row_height * len(rows) + TOP + BOTTOM)
    layout["margin"] |= {"l": 10}
    layout["yaxis"] = axis(axes[1], **names)
    layout["yaxis"]["title"]["text"] = upright(axes[1], layout["height"] - BOTTOM)
    layout["xaxis"] = axis(axes[0]) | band_ticks(heads)
    tall = {"height": round(max(row_height, NARROW_ROW) * len(rows) + TOP + BOTTOM)}
    turned = _turned(heads, rows, axes) if turns else None
    return Plot(
        (trace,), layout, narrow | tall, {"xaxis": [label(head, SHORT_NAME) for head in heads]}, telephone=turned
    )


def _turned(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell | None]]], axes: tuple[str, str]) -> Plot:
    """A matrix with its rows as columns, their names in lines below them; many of them in panels under each other."""
    panels = -(-len(rows) // MOST_TURNED)
    across = -(-len(rows) // panels)
    tall = NARROW_ROW * len(heads)
    inner = panels * tall + (panels - 1) * NARROW_FOOT
    layout = sheet(inner + TOP + NARROW_FOOT)
    layout["margin"] |= {"l": 10, "b": NARROW_FOOT}
    traces = []
    for number in range(panels):
        some = rows[number * across : (number + 1) * across]
        names = [name for name, _ in some]
        one = matrix(names, [(head, [cells[at] for _, cells in some]) for at, head in enumerate(heads)], axes[::-1])
        x, y = _axis_name("x", number), _axis_name("y", number)
        top = 1 - number * (tall + NARROW_FOOT) / inner
        room = int(NARROW_ROOM / across / CHARACTER)
        of_names: dict[str, Any] = {"anchor": y, "ticktext": [in_lines(name, room, 4) for name in names]}
        # As wide as the panels above, so that a column of few limits is no wider than one of many.
        of_names["range"] = [-0.5, across - 0.5]
        layout[f"xaxis{x[1:]}"] = one.layout["xaxis"] | of_names
        layout[f"yaxis{y[1:]}"] = one.layout["yaxis"] | {"anchor": x, "domain": [max(0.0, top - tall / inner), top]}
        traces += [trace | {"xaxis": x, "yaxis": y} for trace in one.traces]
    return Plot(tuple(traces), layout)


def band_ticks(heads: Sequence[str]) -> dict[str, Any]:
    """What an axis has whose places 0, 1, 2 ... are named."""
    return {
        "range": [-0.5, len(heads) - 0.5],
        "tickmode": "array",
        "tickvals": list(range(len(heads))),
        "ticktext": [label(head, SHORT_NAME) for head in heads],
        "tickangle": 0,
        "showgrid": False,
        "zeroline": False,
    }


@dataclass(frozen=True)
class Curve:
    """A curve through points ``(x, y)``; ``kind`` is ``line``, ``thick`` or ``dashes``."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    kind: str = "line"


def curves(panels: Sequence[tuple[str, Sequence[Curve]]], x_title: str, *, digits: int = 2, zero: bool = True) -> Plot:
    """Panels of curves over each other that share the axis along the bottom; with ``zero``, axes hold nought."""
    layout = sheet(0)
    tall = 160 if len(panels) > 1 else UPPER
    mode = {"rangemode": "tozero" if zero else "normal"}
    stacked(layout, [title for title, _ in panels], [tall] * len(panels), **mode)
    layout["xaxis"] |= axis(x_title, nticks=7, **mode)
    traces = [
        _curve(curve, digits) | {"xaxis": "x", "yaxis": _axis_name("y", number)}
        for number, (_, some) in enumerate(panels)
        for curve in some
    ]
    return Plot(tuple(traces), layout, {"xaxis.nticks": 5})


def _curve(curve: Curve, digits: int) -> Trace:
    alone = len(curve.points) == 1
    modes = ["lines"] * (not alone) + ["markers"] * (len(curve.points) <= DOTTED)
    line: dict[str, Any] = {"color": curve.colour, "width": 2.6 if curve.kind == "thick" else 2}
    if curve.kind == "dashes":
        line["dash"] = "6px,4px"
    return {
        "type": "scatter",
        "mode": "+".join(modes),
        "x": known([x for x, _ in curve.points]),
        "y": known([y for _, y in curve.points]),
        "name": label(curve.name),
        "line": line,
        "marker": {"size": 9 if alone else 6, "color": curve.colour, "line": {"color": PAPER, "width": 1}},
        "hoverinfo": "text",
        "hovertext": [f"{label(curve.name)}: {shown(y, digits)} at {x:g}" for x, y in curve.points],
        "cliponaxis": False,
    }
