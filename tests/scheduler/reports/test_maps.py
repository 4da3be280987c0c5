"""Maps say where they are: axes in the mine's coordinates, round ticks, floors of benches, and a table of each."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instances.schema.geology import Blocks
from scheduler.reports.facts import Facts
from scheduler.reports.map_axes import MapAxis, axis_titles, grid_corner, map_axes, round_span, tick_step
from scheduler.reports.maps import pit_maps

SIDE = (20.0, 20.0, 12.0)


def grid(**given: object) -> Blocks:
    return Blocks.model_validate({"file": "blocks.parquet", "size_m": SIDE, **given})


@given(st.floats(1.0, 1e5), st.integers(1, 12))
def test_ticks_are_a_round_distance_apart_and_no_more_than_asked_for(length: float, most: int):
    step = tick_step(length, most)
    assert length / step <= most * (1 + 1e-6)
    assert f"{step:.0e}"[0] in "125"
    assert np.isclose(step, float(f"{step:.0e}"))


@given(st.integers(-400, 400), st.integers(0, 300), st.integers(2, 6), st.integers(1, 3))
def test_ticks_lie_where_they_say(low: int, more: int, most: int, few: int):
    axis = MapAxis("easting, m", low, low + more, 20.0, 20.0 * low)
    found = axis.ticks(most, few)
    assert len(found) <= most + 1
    for tick in found:
        assert -1e-9 <= tick.share <= 1 + 1e-9
        assert float(tick.text.replace(",", "")) == pytest.approx(axis.start + tick.share * axis.metres)
    assert sum(not tick.fine for tick in found) <= few + 2


@given(st.floats(-1e4, 1e4), st.floats(10.0, 1e4), st.integers(1, 6))
def test_an_axis_of_a_still_is_of_equal_round_steps(low: float, length: float, most: int):
    first, last, steps = round_span(low, low + length, most)
    assert low - 1e-6 <= first < last <= low + length + 1e-6
    assert 1 <= steps <= most
    distance = (last - first) / steps / tick_step(length, 12)
    assert distance == pytest.approx(round(distance))


def test_axes_are_in_the_coordinates_of_the_mine():
    assert grid_corner(grid()) == (0.0, 0.0, 0.0)
    assert grid_corner(grid(origin_m=[1010.0, 2010.0, 806.0])) == (1000.0, 2000.0, 800.0)
    turned = grid(origin_m=[1010.0, 2010.0, 806.0], rotation_deg=30.0)
    assert grid_corner(turned) == (0.0, 0.0, 800.0)
    assert axis_titles(turned) == ("along x, m", "along y, m", "elevation, m")
    assert axis_titles(grid()) == ("easting, m", "northing, m", "elevation, m")


def test_every_map_has_axes_with_titles_units_and_ticks(mzo: Facts):
    maps = pit_maps(mzo)
    assert len(maps.sections) == 6
    for one in [*maps.benches, *maps.sections]:
        assert re.fullmatch(r"(easting|northing), m", one.right.title)
        assert re.fullmatch(r"(northing|elevation), m", one.up.title)
        assert len(one.right_ticks) > 1
        assert any(not tick.fine for tick in one.up_ticks)
        rules = re.search(r'class="rule" d="([^"]*)"', one.drawing)
        assert rules is not None
        assert rules[1].count("M") == len(one.right_ticks) + len(one.up_ticks)


def test_benches_are_called_by_their_floor(mzo: Facts):
    placed = mzo.mine.blocks.model_copy(update={"origin_m": (10.0, 10.0, 806.0)})
    instance = dataclasses.replace(mzo.instance, mine=mzo.mine.model_copy(update={"blocks": placed}))
    moved = dataclasses.replace(mzo, run=dataclasses.replace(mzo.run, instance=instance))
    level = int(mzo.blocks["iz"].max())
    assert pit_maps(mzo).benches[0].title == f"bench {level}, floor at {12 * level:,} m"
    assert pit_maps(moved).benches[0].title == f"bench {level}, floor at {800 + 12 * level:,} m"
    _, _, z = map_axes(placed, mzo.blocks)
    assert z.edge(level) == 800 + 12 * level


def test_tables_of_maps_tell_all_tonnes(mzo: Facts):
    maps = pit_maps(mzo)
    blocks = mzo.blocks
    told = sum(float(cell.replace(",", "")) for row in maps.bench_table.rows for cell in row[1:])
    assert told == pytest.approx(blocks["tonnes"].sum() / 1e6, abs=0.005 * len(maps.bench_table.rows) * 12)
    assert [row[0] for row in maps.section_table.rows] == [one.title for one in maps.sections]
    first = maps.section_table.rows[0]
    northing = float(first[0].split()[1].replace(",", ""))
    cut = blocks[blocks["iy"] == round(northing / SIDE[1] - 0.5)]
    assert sum(map(float, first[1:])) == pytest.approx(cut["tonnes"].sum() / 1e6, abs=0.005 * len(first))
