"""Still pictures of the pit, one at the end of each period, drawn by VTK without a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scheduler.reports.blocks import NEVER
from scheduler.reports.export import cells
from scheduler.reports.facts import Facts
from scheduler.reports.palette import NOT_MINED

SIZE = (1400, 800)
MARGIN = 4
"""Cells of ground around the pit."""
GROUND, WALL, PAPER = "#d3c7b3", "#9a9085", "#ffffff"
SEEN_FROM = (-0.45, -0.85, 0.85)
LIGHT = {"ambient": 0.3, "diffuse": 0.7}
"""Together one: a face towards the light has its own colour."""


def periods_drawn(facts: Facts) -> list[int]:
    """The periods in which the pit works, by their numbers."""
    return [int(number) for number in np.flatnonzero(facts.series("moved_mt") > 0)]


def write_still(facts: Facts, done: int, path: Path) -> None:
    """Writes the picture of what is left in the ground at the end of a period.

    Blocks have the colour of the period in which they will go; walls laid bare are grey.

    Args:
        facts: the run.
        done: number of the period.
        path: the file, PNG.
    """
    import pyvista  # noqa: PLC0415 - takes a second to load

    # Where there is no display VTK says so and draws off screen all the same.
    pyvista.vtk_verbosity("off")
    grid = cells(facts, in_mine=False)
    period = np.asarray(grid.cell_data["period"])
    plotter = pyvista.Plotter(off_screen=True, window_size=list(SIZE))
    plotter.set_background(PAPER)
    gone = (period != NEVER) & (period <= done)
    # The far side of all blocks together is the rock around them: it shows where they are gone.
    plotter.add_mesh(grid.extract_surface(algorithm="geometry"), color=WALL, culling="front", **LIGHT)
    for value in np.unique(period[~gone]).tolist():
        colour = NOT_MINED if value == NEVER else facts.period_colours[value]
        left = grid.extract_cells(~gone & (period == value)).extract_surface(algorithm="geometry")
        plotter.add_mesh(left, color=colour, **LIGHT)
    plotter.add_mesh(_ground(facts), color=GROUND, **LIGHT)
    plotter.add_text(f"{facts.title[:80]}: end of {facts.labels[done]}", font_size=12, color="#1b2430")
    entries = [
        [facts.labels[value], facts.period_colours[value]] for value in np.unique(period[period != NEVER]).tolist()
    ]
    plotter.add_legend(entries, bcolor=None, size=(0.09, 0.028 * len(entries)), loc="lower right", face="rectangle")
    plotter.enable_parallel_projection()
    plotter.view_vector(SEEN_FROM, viewup=(0.0, 0.0, 1.0))
    plotter.camera.zoom(1.3)
    plotter.screenshot(str(path))
    plotter.close()


def _ground(facts: Facts) -> Any:  # noqa: ANN401
    """The ground around the pit: a tile for each column that holds no block, as high as the highest block."""
    import pyvista  # noqa: PLC0415

    blocks, size = facts.blocks, facts.mine.blocks.size_m
    x, y = (blocks[axis].to_numpy(np.int64) for axis in ("ix", "iy"))
    low, high = np.array([x.min(), y.min()]) - MARGIN, np.array([x.max(), y.max()]) + MARGIN
    counts = high - low + 1
    free = np.ones(counts, dtype=bool)
    free[x - low[0], y - low[1]] = False
    top = (int(blocks["iz"].max()) + 1) * size[2]
    sheet = pyvista.ImageData(
        dimensions=(int(counts[0]) + 1, int(counts[1]) + 1, 1),
        spacing=(size[0], size[1], 1.0),
        origin=(low[0] * size[0], low[1] * size[1], top),
    )
    return sheet.extract_cells(np.flatnonzero(free.ravel(order="F")))
