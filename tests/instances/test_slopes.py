"""Precedence from slopes: the cone, its closure, the wall that counts, and directions."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from instances.geometry.slopes import Grid, Slope, cone_offsets, pattern_benches, slope_arcs, steepening_deg

SIZE_M = (20.0, 20.0, 12.0)


def closure(pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return set(nx.transitive_closure(nx.DiGraph(pairs)).edges)


def every_cone_arc(cells: NDArray[np.int64], slope: Slope, size_m: tuple[float, float, float]) -> set[tuple[int, int]]:
    row = {tuple(cell): number for number, cell in enumerate(cells.tolist())}
    pairs = set()
    for offset in cone_offsets(slope, size_m):
        for cell, number in row.items():
            above = row.get((cell[0] + offset[0], cell[1] + offset[1], cell[2] + offset[2]))
            if above is not None:
                pairs.add((number, above))
    return pairs


def box(nx_: int, ny: int, nz: int) -> NDArray[np.int64]:
    return np.stack(np.meshgrid(*map(np.arange, (nx_, ny, nz)), indexing="ij"), axis=-1).reshape(-1, 3)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4)),
    degrees=st.sampled_from([20.0, 37.0, 45.0, 52.0, 70.0]),
    size_m=st.sampled_from([SIZE_M, (10.0, 10.0, 10.0), (25.0, 10.0, 15.0)]),
    kept=st.floats(0.5, 1.0),
    seed=st.integers(0, 1000),
)
def test_the_arcs_have_the_closure_of_the_cone(
    shape: tuple[int, int, int], degrees: float, size_m: tuple[float, float, float], kept: float, seed: int
):
    cells = box(*shape)
    cells = cells[np.random.default_rng(seed).random(len(cells)) <= kept]
    if not len(cells):
        return
    slope = Slope(degrees)
    arcs = slope_arcs(Grid.of(cells, np.zeros(len(cells), dtype=np.int64)), {0: slope}, size_m)
    found = {(int(a), int(b)) for a, b in arcs}
    wanted = every_cone_arc(cells, slope, size_m)
    assert found <= wanted
    assert closure(found) == closure(wanted)


def test_a_45_degree_cone_follows_the_circle():
    offsets = set(cone_offsets(Slope(45.0), (10.0, 10.0, 10.0), benches=3))
    for dz in (1, 2, 3):
        for dx in range(-4, 5):
            for dy in range(-4, 5):
                assert ((dx, dy, dz) in offsets) == (math.hypot(dx, dy) <= dz)


def test_a_flatter_wall_needs_more():
    steep, flat = (set(cone_offsets(Slope(degrees), SIZE_M, benches=2)) for degrees in (45.0, 20.0))
    assert steep < flat


def test_the_slope_is_that_of_the_material_in_the_wall():
    cells = box(9, 1, 2)
    tailings = (cells[:, 2] == 1).astype(np.int64)
    arcs = slope_arcs(Grid.of(cells, tailings), {0: Slope(45.0), 1: Slope(20.0)}, SIZE_M)
    under = int(np.flatnonzero((cells[:, 0] == 4) & (cells[:, 2] == 0))[0])
    needed = sorted(cells[arcs[arcs[:, 0] == under, 1], 0].tolist())
    assert needed == [3, 4, 5]
    rock = slope_arcs(Grid.of(cells, 1 - tailings), {0: Slope(45.0), 1: Slope(20.0)}, SIZE_M)
    assert sorted(cells[rock[rock[:, 0] == under, 1], 0].tolist()) == [4]


@pytest.mark.parametrize(
    ("azimuth", "degrees"), [(0.0, 30.0), (44.0, 30.0), (90.0, 50.0), (330.0, 30.0), (200.0, 50.0)]
)
def test_a_sector_may_run_through_north(azimuth: float, degrees: float):
    assert Slope(50.0, ((315.0, 45.0, 30.0),)).at(azimuth) == degrees


def test_sectors_lay_back_only_their_own_wall():
    offsets = cone_offsets(Slope(60.0, ((80.0, 100.0, 20.0),)), (10.0, 10.0, 10.0), benches=1)
    assert max(dx for dx, _, _ in offsets) == 2
    assert min(dx for dx, _, _ in offsets) == 0
    assert {dy for _, dy, _ in offsets} == {0}


def test_two_blocks_in_one_cell_are_refused():
    with pytest.raises(ValueError, match="share a cell"):
        Grid.of(np.zeros((2, 3), dtype=np.int64), np.zeros(2, dtype=np.int64))


SLOPES = st.floats(15.0, 75.0)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(2, 5)),
    base=SLOPES,
    sectors=st.lists(SLOPES, min_size=0, max_size=4),
    size_m=st.sampled_from([SIZE_M, (10.0, 10.0, 10.0), (25.0, 10.0, 15.0)]),
    bearing=st.sampled_from([0.0, 30.0, -75.0]),
    holes=st.floats(0.0, 0.3),
    seed=st.integers(0, 1000),
)
def test_cones_by_sector_have_their_closure_and_hardly_an_arc_too_many(
    *, shape, base, sectors, size_m, bearing, holes, seed
):
    cells = box(*shape)
    cells = cells[np.random.default_rng(seed).random(len(cells)) >= holes]
    if not len(cells):
        return
    edges = [360.0 * number / max(1, len(sectors)) for number in range(len(sectors) + 1)]
    slope = Slope(base, tuple(zip(edges, edges[1:], sectors, strict=False))).turned(bearing)
    arcs = slope_arcs(Grid.of(cells, np.zeros(len(cells), dtype=np.int64)), {0: slope}, size_m)
    found = {(int(a), int(b)) for a, b in arcs}
    wanted = nx.DiGraph(every_cone_arc(cells, slope, size_m))
    assert closure(found) == set(nx.transitive_closure(wanted).edges)
    assert len(found) <= 1.1 * nx.transitive_reduction(wanted).number_of_edges() + 1e-9


@pytest.mark.parametrize("bearing", [0.0, 40.0, 355.0, -120.0])
def test_a_turned_slope_is_the_same_slope_seen_from_the_model(bearing: float):
    slope = Slope(50.0, ((315.0, 45.0, 30.0), (90.0, 180.0, 60.0)))
    turned = slope.turned(bearing)
    for azimuth in np.arange(0.5, 360.0, 7.0):
        assert turned.at((azimuth - bearing) % 360) == slope.at(azimuth)
    assert Slope(50.0, ((0.0, 360.0, 30.0),)).turned(bearing).at(123.0) == 30.0


@pytest.mark.parametrize("degrees", [20.0, 35.0, 45.0, 60.0])
@pytest.mark.parametrize("size_m", [SIZE_M, (10.0, 10.0, 10.0)])
def test_a_pattern_rises_until_its_walls_are_as_flat_as_asked(degrees: float, size_m: tuple[float, float, float]):
    slope = Slope(degrees)
    rough, fine = (pattern_benches(slope, size_m, error) for error in (8.0, 3.0))
    assert rough <= fine
    assert steepening_deg(slope, size_m, rough) <= 8.0
    assert steepening_deg(slope, size_m, fine) <= 4.5


def test_the_error_of_a_pattern_is_that_of_the_pit_it_leaves():
    slope, size_m = Slope(45.0), (10.0, 10.0, 10.0)
    reach = 12
    cells = box(2 * reach + 1, 2 * reach + 1, reach + 1)
    arcs = slope_arcs(Grid.of(cells, np.zeros(len(cells), dtype=np.int64)), {0: slope}, size_m)
    root = int(np.flatnonzero((cells == [reach, reach, 0]).all(axis=1))[0])
    pit = nx.descendants(nx.DiGraph(arcs.tolist()), root)
    top = cells[[block for block in pit if cells[block][2] == reach]][:, :2] - reach
    along, across = top[:, 0].max(), max(x for x, y in top.tolist() if x == y)
    assert along == reach
    steepest = math.degrees(math.atan2(reach, across * math.sqrt(2)))
    assert steepest - 45.0 == pytest.approx(steepening_deg(slope, size_m, pattern_benches(slope, size_m)), abs=0.5)
