"""The legend of a still picture: a swatch in its colour, and words in dark ink that read on white paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

INK = "#1b2430"
ROW, SWATCH, EDGE = 22, 14, 24
"""Pixels: height of a row, side of a swatch, and distance from the edges of the picture."""
CHARACTER, LONGEST = 9.0, 40
"""Pixels that a character takes, and characters of the longest name."""
LETTERS = 9
"""Size of the letters, points."""


@dataclass(frozen=True)
class Entry:
    """An entry: with ``outlined`` its swatch is parted by dark lines, as the blocks are that it tells of."""

    name: str
    colour: str
    outlined: bool = False


def draw_legend(plotter: Any, entries: Sequence[Entry], size: tuple[int, int]) -> None:  # noqa: ANN401
    """Draws a legend into the lower right corner of a picture of so many pixels."""
    names = [entry.name if len(entry.name) <= LONGEST else f"{entry.name[: LONGEST - 1]}…" for entry in entries]
    left = size[0] - EDGE - SWATCH - 10 - CHARACTER * max(map(len, names))
    for row, (entry, name) in enumerate(zip(reversed(entries), reversed(names), strict=True)):
        low = EDGE + row * ROW
        halves = (0.0, SWATCH / 2) if entry.outlined else (0.0,)
        side = SWATCH / len(halves)
        _draw_box(plotter, left - 1, low - 1, SWATCH + 2, INK if entry.outlined else "#8b95a1")
        for across in halves:
            for up in halves:
                gap = 1 if entry.outlined else 0
                _draw_box(plotter, left + across, low + up, side - gap, entry.colour)
        plotter.add_text(name, position=(left + SWATCH + 10, low - 3), font_size=LETTERS, color=INK)


def _draw_box(plotter: Any, left: float, low: float, side: float, colour: str) -> None:  # noqa: ANN401
    """A square on the picture itself, in pixels from its lower left corner."""
    import pyvista  # noqa: PLC0415 - takes a second to load
    from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D  # noqa: PLC0415

    corners = np.array([(left, low), (left + side, low), (left + side, low + side), (left, low + side)])
    square = pyvista.PolyData(np.column_stack([corners, np.zeros(4)]), faces=[4, 0, 1, 2, 3])
    mapper, actor = vtkPolyDataMapper2D(), vtkActor2D()
    mapper.SetInputData(square)
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*pyvista.Color(colour).float_rgb)
    plotter.renderer.AddViewProp(actor)
