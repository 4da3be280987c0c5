"""When each bench of each phase is mined: a panel a phase, a row a bench, a column a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from scheduler.reports.charts import TOP, Plot, Trace, axis, band_ticks, in_lines, sheet
from scheduler.reports.labels import label
from scheduler.reports.palette import BED, faint

ABREAST = 4
"""Panels beside each other on a wide page, at most; on a telephone they stand under each other."""
HEADED = 15
"""Characters of each of two lines of a heading: four fit abreast on paper."""
LEAST_SHARE = 5e-4
"""Share of a bench that is drawn."""
FAINTEST = 0.18
FULLEST = 1 - 1e-3
HEADING, FOOT, GAP = 44, 64, 0.085
"""Pixels above and below the rows of a panel, and the width between panels as a share of the whole."""


def bench_chart(shares: pd.DataFrame, labels: Sequence[str], phases: Mapping[str, str], colours: Sequence[str]) -> Plot:
    """The benches of every phase, from the top down.

    Args:
        shares: of each bench that is mined in each period, see :func:`scheduler.reports.sequence.bench_shares`.
        labels: of the periods.
        phases: title of each phase by its name.
        colours: of the periods.
    """
    names = [str(name) for name in dict.fromkeys(shares.index.get_level_values(0))]
    benches = [int(bench) for bench in shares.index.get_level_values(1)]
    highest, lowest = max(benches), min(benches)
    rows = highest - lowest + 1
    row = 15.0 if rows < 40 else max(4.0, 600.0 / rows)
    tall = HEADING + row * rows + FOOT
    scale = _scale(colours)
    traces: list[Trace] = []
    layout = sheet(0)
    layout["margin"] |= {"l": 8, "b": 8, "t": TOP}
    layout["annotations"] = []
    paper: dict[str, Any] = {}
    every = max(1, round(20 / row))
    for number, name in enumerate(names):
        ending = str(number + 1) if number else ""
        traces.append(_panel(pd.DataFrame(shares.loc[name]), labels, label(phases[name]), scale, ending))
        ticks: dict[str, Any] = {"range": [lowest - 0.5, highest + 0.5], "dtick": every, "tick0": 0}
        paper[f"yaxis{ending}.dtick"] = 2 * every
        quiet = {"showgrid": False, "zeroline": False, "automargin": False}
        layout[f"yaxis{ending}"] = axis("bench", anchor=f"x{ending}", **ticks, **quiet)
        layout[f"xaxis{ending}"] = axis("period", anchor=f"y{ending}") | band_ticks(labels) | {"automargin": False}
        layout["annotations"].append(_heading(in_lines(phases[name], HEADED), ending))
    wide = _places(len(names), min(ABREAST, len(names)), tall, HEADING)
    narrow = _places(len(names), 1, tall, HEADING)
    _put(layout, wide)
    bands = {f"xaxis{number + 1 if number else ''}": [label(one) for one in labels] for number in range(len(names))}
    return Plot(tuple(traces), layout, narrow, bands, paper)


def _scale(colours: Sequence[str]) -> list[list[object]]:
    """Colours from -1 (a bench that is there) over each period from faint to full."""
    steps = len(colours) + 1
    found: list[list[object]] = [[0.0, BED], [FULLEST / steps, BED]]
    for number, colour in enumerate(colours, 1):
        last = number == len(colours)
        found.append([number / steps, faint(colour, FAINTEST)])
        found.append([1.0 if last else (number + FULLEST) / steps, colour])
    return found


def _panel(shares: pd.DataFrame, labels: Sequence[str], phase: str, scale: Sequence[object], ending: str) -> Trace:
    benches = [int(bench) for bench in shares.index]
    values = shares.to_numpy(float).tolist()
    return {
        "type": "heatmap",
        "x": list(range(len(labels))),
        "y": benches,
        "z": [[_code(number, value) for number, value in enumerate(row)] for row in values],
        "hovertext": [
            [
                f"{phase}, bench {bench}, {label(one)}: {100 * value:.0f} % of it"
                for one, value in zip(labels, row, strict=True)
            ]
            for bench, row in zip(benches, values, strict=True)
        ],
        "hoverinfo": "text",
        "zmin": -1,
        "zmax": len(labels),
        "colorscale": list(scale),
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "xaxis": f"x{ending}",
        "yaxis": f"y{ending}",
    }


def _code(period: int, share: float) -> float:
    """The place on the scale of a share of a bench that goes in a period."""
    return round(period + FULLEST * min(share, 1.0), 4) if share > LEAST_SHARE else -1.0


def _heading(text: str, ending: str) -> dict[str, Any]:
    place = {"xref": f"x{ending} domain", "yref": f"y{ending} domain", "x": 0, "y": 1}
    anchors = {"xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 13}}
    return {"text": f"<b>{text}</b>", **place, **anchors}


def _places(count: int, across: int, tall: float, heading: float) -> dict[str, Any]:
    """Where panels stand, by the paths of a layout: so many beside each other."""
    lines = -(-count // across)
    height = tall * lines
    left = GAP * (0.8 if across > 1 else 1.4)
    found: dict[str, Any] = {"height": round(height + TOP + 8)}
    for number in range(count):
        line, column = divmod(number, across)
        wide = (1 - left * across) / across
        start = left + column * (wide + left)
        top = 1 - (line * tall + heading) / height
        bottom = 1 - ((line + 1) * tall - FOOT) / height
        ending = str(number + 1) if number else ""
        found[f"xaxis{ending}.domain"] = [start, start + wide]
        found[f"yaxis{ending}.domain"] = [bottom, top]
    return found


def _put(layout: dict[str, Any], paths: Mapping[str, Any]) -> None:
    for path, value in paths.items():
        first, _, rest = path.partition(".")
        if rest:
            layout[first][rest] = value
        else:
            layout[first] = value
