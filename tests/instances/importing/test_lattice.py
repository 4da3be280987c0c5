"""Grids under block centres, numbers, and sub-blocks: against an independent computation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.importing.lattice import NoLatticeError, lattice_of
from instances.importing.numbers import number
from instances.importing.regularising import regularised

SIDES = st.sampled_from([2.5, 5.0, 10.0, 12.5, 20.0, 25.0])


@settings(max_examples=60, deadline=None)
@given(
    sides=st.tuples(SIDES, SIDES, SIDES),
    cells=st.tuples(st.integers(8, 14), st.integers(8, 14), st.integers(1, 4)),
    bearing=st.one_of(st.just(0.0), st.floats(-44.0, 44.0)),
    corner=st.tuples(st.floats(0, 1e6), st.floats(0, 7e6), st.floats(-500, 3000)),
    seed=st.integers(0, 1000),
)
def test_a_grid_with_holes_and_rounded_coordinates_is_found_again(sides, cells, bearing, corner, seed):
    grid = np.stack(np.meshgrid(*map(range, cells), indexing="ij"), axis=-1).reshape(-1, 3)
    kept = np.random.default_rng(seed).random(len(grid)) < 0.85
    kept[0] = kept[-1] = True
    grid = grid[kept]
    u, v, w = ((grid + 0.5) * sides).T
    angle = math.radians(bearing)
    centres = np.column_stack(
        [
            corner[0] + u * math.cos(angle) + v * math.sin(angle),
            corner[1] - u * math.sin(angle) + v * math.cos(angle),
            corner[2] + w,
        ]
    ).round(3)
    size = sides if len(set(grid[:, 2])) == 1 else None
    found = lattice_of(centres, None, size_m=size)
    assert not found.off.any()
    assert found.size_m == pytest.approx(sides, abs=0.01)
    assert found.rotation_deg == pytest.approx(bearing, abs=0.02)
    assert (found.cells == grid - grid.min(axis=0)).all()


def test_scattered_points_are_no_grid():
    points = np.random.default_rng(1).uniform(0, 100, (300, 3)).round(2)
    with pytest.raises(NoLatticeError):
        lattice_of(points, None, size_m=None)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0.1, 1e5), st.floats(0, 5), st.sampled_from("abc")),
        min_size=1,
        max_size=60,
    )
)
def test_joining_sub_blocks_conserves_tonnes_and_metal(rows):
    table = pd.DataFrame(rows, columns=["ix", "iy", "tonnes", "cu", "material"]).assign(iz=0, volume_m3=1.0)
    joined = regularised(table, ["cu"], ["material"], 1e9)
    blocks = joined.blocks
    assert not blocks.duplicated(["ix", "iy", "iz"]).any()
    assert blocks["tonnes"].sum() == pytest.approx(table["tonnes"].sum(), rel=1e-9)
    metal = (blocks["tonnes"] * blocks["cu"]).sum()
    assert metal == pytest.approx((table["tonnes"] * table["cu"]).sum(), rel=1e-9)
    for row in blocks.itertuples():
        own = table[(table["ix"] == row.ix) & (table["iy"] == row.iy)]
        weights = own.groupby("material")["tonnes"].sum()
        assert weights[row.material] == pytest.approx(weights.max())


@pytest.mark.parametrize(
    ("text", "comma", "value"),
    [
        ("1,234.5", False, 1234.5),
        ("1 234,5", True, 1234.5),
        ("1.234,5", True, 1234.5),
        ("1'234'567", False, 1234567.0),
        ("-1.5e3", False, -1500.0),
        ("1.0D+02", False, 100.0),
    ],
)
def test_numbers_are_read_as_written(text: str, comma: bool, value: float):
    assert number(text, decimal_comma=comma) == (value, True)


@pytest.mark.parametrize("text", ["=1+1", "12abc", "1,23.4", "0,123", "1,2345", "0x10", "inf", "1_000", "٣"])
def test_what_is_no_number_is_refused(text: str):
    assert number(text)[1] is False


@pytest.mark.parametrize("text", ["", "-", "---", "**", "NA", "#N/A", "null", " nan "])
def test_marks_for_nothing_are_no_number_and_no_fault(text: str):
    value, sound = number(text)
    assert sound
    assert math.isnan(value)
