"""Still pictures of the pit, one at the end of each period, drawn by VTK without a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scheduler.reports.blocks import NEVER
from scheduler.reports.export import cells
from scheduler.reports.facts import Facts
from scheduler.reports.map_axes import axis_titles, grid_corner, round_span
from scheduler.reports.palette import NOT_MINED
from scheduler.reports.still_legend import Entry, draw_legend

SIZE = (1400, 800)
MARGIN = 4
"""Cells of ground around the pit."""
GROUND, WALL, PAPER, INK = "#d3c7b3", "#9a9085", "#ffffff", "#1b2430"
SEEN_FROM = (-0.45, -0.85, 0.85)
LIGHT = {"ambient": 0.3, "diffuse": 0.7}
"""Together one: a face towards the light has its own colour."""
STEPS = (5, 5, 2)
"""Between the ticks of each axis, at most."""


def periods_drawn(facts: Facts) -> list[int]:
    """The periods in which the pit works, by their numbers."""
    return [int(number) for number in np.flatnonzero(facts.series("moved_mt") > 0)]


def write_still(facts: Facts, done: int, path: Path) -> None:
    """Writes the picture of what is left in the ground at the end of a period.

    Blocks have the colour of the period in which they will go; walls laid bare are grey, and blocks of fill from
    earlier mining have their edges drawn.

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
    fill = _is_fill(facts)
    plotter = pyvista.Plotter(off_screen=True, window_size=list(SIZE))
    plotter.set_background(PAPER)
    gone = (period != NEVER) & (period <= done)
    # The far side of all blocks together is the rock around them: it shows where they are gone.
    plotter.add_mesh(grid.extract_surface(algorithm="geometry"), color=WALL, culling="front", **LIGHT)
    for value in np.unique(period[~gone]).tolist():
        colour = NOT_MINED if value == NEVER else facts.period_colours[value]
        for chosen, edges in ((~fill, {}), (fill, {"show_edges": True, "edge_color": INK})):
            some = ~gone & (period == value) & chosen
            if some.any():
                left = grid.extract_cells(some).extract_surface(algorithm="geometry")
                plotter.add_mesh(left, color=colour, **LIGHT, **edges)
    ground = _ground(facts)
    plotter.add_mesh(ground, color=GROUND, **LIGHT)
    _add_axes(facts, plotter, ground.bounds, grid.bounds)
    plotter.add_text(f"{facts.title[:80]}: end of {facts.labels[done]}", font_size=12, color=INK)
    draw_legend(plotter, legend_entries(facts), SIZE)
    plotter.enable_parallel_projection()
    plotter.view_vector(SEEN_FROM, viewup=(0.0, 0.0, 1.0))
    plotter.camera.zoom(1.25)
    plotter.screenshot(str(path))
    plotter.close()


def _is_fill(facts: Facts) -> Any:  # noqa: ANN401
    """Whether each block is fill from earlier mining."""
    kinds = {name: material.kind for name, material in facts.mine.materials.items()}
    return (facts.blocks["material"].map(kinds) == "fill").to_numpy(bool)


def legend_entries(facts: Facts) -> list[Entry]:
    """The legend: periods, what stays, what is laid bare, and which blocks have their edges drawn."""
    period, fill = facts.blocks["period"].to_numpy(np.int64), _is_fill(facts)
    seen = np.unique(period[period != NEVER]).tolist()
    entries = [Entry(facts.labels[value], facts.period_colours[value]) for value in seen]
    if (period == NEVER).any():
        entries.append(Entry("stays", NOT_MINED))
    entries += [Entry("wall laid bare", WALL), Entry("ground around", GROUND)]
    materials = facts.blocks["material"].to_numpy(object)
    old = [material.title or name for name, material in facts.mine.materials.items() if (materials[fill] == name).any()]
    return [*entries, Entry(" and ".join(old), PAPER, outlined=True)] if old else entries


def _add_axes(facts: Facts, plotter: Any, around: Any, blocks: Any) -> None:  # noqa: ANN401
    """Easting, northing and elevation along the edges of what is drawn."""
    import pyvista  # noqa: PLC0415

    ends = [*around[:4], blocks[4], blocks[5]]
    bounds, ranges, counts = [], [], []
    for place, corner in enumerate(grid_corner(facts.mine.blocks)):
        low, high, steps = round_span(ends[2 * place] + corner, ends[2 * place + 1] + corner, STEPS[place])
        ranges += [low, high]
        bounds += [low - corner, high - corner]
        counts.append(steps + 1)
    x, y, z = axis_titles(facts.mine.blocks)
    looks = {"location": "outer", "color": INK, "font_size": 11, "bold": False, "use_3d_text": False}
    axes = plotter.show_bounds(
        bounds=bounds,
        axes_ranges=ranges,
        xtitle=x,
        ytitle=y,
        ztitle=z,
        n_xlabels=counts[0],
        n_ylabels=counts[1],
        n_zlabels=counts[2],
        fmt="{0:,.0f}",
        **looks,
    )
    # The lowest elevation stands where the last northing does.
    heights = [f"{value:,.0f}" for value in np.linspace(ranges[4], ranges[5], counts[2])]
    axes.SetAxisLabels(2, pyvista.convert_string_array(np.array(["", *heights[1:]])))


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
