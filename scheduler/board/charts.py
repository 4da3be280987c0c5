"""Charts of the board: those of the page of a comparison, as Dash's own component draws them."""

from __future__ import annotations

import re
from typing import Any

from dash import dcc, html

from scheduler.board.tables import html_table
from scheduler.reports.comparison import Compared, line_figure, lines_of
from scheduler.reports.figure import Figure

SHOWN = ("cash", "value")
"""What is drawn of a what-if beside the base, by the keys of :func:`scheduler.reports.comparison.lines_of`."""
EITHER = {
    "ink": "#75808c",
    "soft": "#75808c",
    "axis": "#8b95a1",
    "grid": "rgba(128,138,148,0.25)",
    "paper": "#ffffff",
    "limit": "#d8434b",
}
"""Colours of the style sheet that read on a light page and on a dark one, as Dash draws once for both; the board's
style sheet has its own for words."""
NAMED = re.compile(r"var\(--([a-z]+)\)")
MOST_LABELS = 6
CONFIG = {"displayModeBar": False, "displaylogo": False, "responsive": True, "doubleClick": False}


def comparison_charts(compared: Compared, number: int) -> html.Div:
    """Cash by period and its value to date, of a base and the what-if of that number, each with its table."""
    figures = [line_figure(compared, line) for line in lines_of(compared) if line.key in SHOWN]
    return html.Div([_chart(figure, number) for figure in figures if figure.plot is not None], className="charts")


def _chart(figure: Figure, number: int) -> html.Figure:
    """A chart with its title, its legend and its numbers."""
    assert figure.plot is not None  # noqa: S101
    spec = resolved({"data": list(figure.plot.traces), "layout": figure.plot.layout})
    for name, labels in figure.plot.bands.items():
        spec["layout"][name]["ticklabelstep"] = -(-len(labels) // MOST_LABELS)
    entries = [
        html.Li([html.Span(className=f"swatch {one.shape}", style={"borderColor": one.colour}), one.name])
        for one in figure.legend
    ]
    graph = dcc.Graph(figure=spec, config=CONFIG, style={"height": f"{figure.plot.height}px"})
    told = html.Div(graph, role="img", **{"aria-label": f"{figure.title}, chart; the table below has its numbers"})
    numbers = [html.Summary(f"{figure.title}: the numbers"), html_table(figure.table, f"{figure.key}-{number}")]
    title, legend = html.Figcaption(html.H3(figure.title)), html.Ul(entries, className="legend")
    return html.Figure([title, legend, told, html.Details(numbers)])


def resolved(value: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    """Plain data with the colours that it names put in."""
    if isinstance(value, str):
        named = NAMED.fullmatch(value)
        return value if named is None else EITHER.get(named[1], EITHER["ink"])
    if isinstance(value, dict):
        return {key: resolved(one) for key, one in value.items()}
    return [resolved(one) for one in value] if isinstance(value, list | tuple) else value
