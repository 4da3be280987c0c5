"""The pit in three dimensions: faces and surfaces are those that a walk through the blocks finds, period by period."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.reports import surfaces
from scheduler.reports.blocks import NEVER
from scheduler.reports.facts import Facts
from scheduler.reports.ground import AIR, GROUND, MARGIN, ROCK, STAYS, WALL, cell_table, cells_of, faces
from scheduler.reports.surfaces import most_of_each, pit_scene

STEPS = ((0, 0, 1), (-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0))
PERIODS = 3


def unpacked(packed: dict[str, str]) -> pd.DataFrame:
    kinds = {"at": "<u4"}
    return pd.DataFrame(
        {name: np.frombuffer(base64.b64decode(text), dtype=kinds.get(name, "u1")) for name, text in packed.items()}
    )


def seen_by_walking(gone: Any, done: int) -> set[tuple[int, int]]:
    """Faces between what is left after some periods and the open, looked for cell by cell."""
    found = set()
    wide, deep, tall = gone.shape
    for x, y, z in np.argwhere(gone > done):
        for side, step in enumerate(STEPS):
            a, b, c = (int(value) + move for value, move in zip((x, y, z), step, strict=True))
            outside = not (0 <= a < wide and 0 <= b < deep and 0 <= c < tall)
            if outside or gone[a, b, c] <= done:
                found.add((int(x + wide * (y + deep * z)), side))
    return found


columns = st.lists(st.lists(st.integers(0, PERIODS), min_size=1, max_size=4), min_size=1, max_size=6)


@settings(deadline=None, max_examples=40)
@given(columns)
def test_faces_are_those_between_what_is_left_and_the_open(stacks: list[list[int]]):
    """Columns of blocks that go from the top down, or stay."""
    rows = [
        (place % 3, place // 3, 3 - depth, STAYS if period == PERIODS else period, 0, 1.0)
        for place, stack in enumerate(stacks)
        for depth, period in enumerate(sorted(stack))
    ]
    cells = cells_of(pd.DataFrame(rows, columns=["x", "y", "z", "period", "material", "tonnes"]))
    told = unpacked(faces(cells))
    for done in range(PERIODS + 1):
        seen = told[(told["first"] <= done) & (done < told["last"])]
        assert set(zip(seen["at"], seen["side"], strict=True)) == seen_by_walking(cells.gone, done)
        assert not seen.duplicated(["at", "side"]).any()
    heights, _, _ = surfaces.surfaces(cells, PERIODS + 1)
    for done in range(PERIODS + 1):
        assert ((cells.gone > done).sum(axis=2) == heights[done].T).all()


def test_the_page_is_given_every_block_in_its_colours(mzo: Facts):
    scene = pit_scene(mzo)
    assert (scene.joined, scene.smooth) == (1, False)
    told = unpacked(scene.data["faces"])
    blocks = mzo.blocks
    corner = np.asarray(scene.data["corner"]) / scene.data["size"]
    wide, deep, _ = scene.data["spans"]
    index = (blocks[["ix", "iy", "iz"]].to_numpy() - corner).round().astype(int)
    place = index[:, 0] + wide * (index[:, 1] + deep * index[:, 2])
    period = pd.Series(blocks["period"].replace(NEVER, STAYS).to_numpy(), index=place)
    of_blocks = told[told["period"] < GROUND]
    assert (period.loc[of_blocks["at"]].to_numpy() == of_blocks["period"]).all()
    number = {name: code for code, name in enumerate(mzo.mine.materials)}
    material = pd.Series(blocks["material"].map(number).to_numpy(), index=place)
    assert (material.loc[of_blocks["at"]].to_numpy() == of_blocks["material"]).all()
    assert set(told["period"]) - {STAYS, GROUND, WALL} <= set(range(len(mzo.labels)))
    json.dumps(scene.data, allow_nan=False)


def test_a_large_model_is_a_surface_of_joined_cells(mzo: Facts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surfaces, "MOST_FACED", 3_000)
    plain = pit_scene(mzo)
    assert (plain.joined, plain.smooth) == (1, True)
    wide, deep, _ = plain.data["spans"]
    monkeypatch.setattr(surfaces, "MOST_PLACES", wide * deep * 12 // 3)
    scene = pit_scene(mzo)
    assert scene.joined == 2
    wide, deep, tall = scene.data["spans"]
    heights = np.frombuffer(base64.b64decode(scene.data["surfaces"]["heights"]), dtype="<u2")
    assert heights.size == (len(mzo.labels) + 1) * deep * wide
    assert heights.max() == tall
    assert (np.diff(heights.reshape(-1, deep * wide).astype(int), axis=0) <= 0).all()
    assert scene.data["corner"][0] == pytest.approx((mzo.blocks["ix"].min() - 2 * MARGIN) * mzo.mine.blocks.size_m[0])


def test_a_joined_cell_has_what_most_of_its_tonnes_have(mzo: Facts):
    table = cell_table(mzo)
    table[["x", "y", "z"]] //= 2
    found = most_of_each(table)
    for column in ("period", "material"):
        mass = table.groupby(["x", "y", "z", column])["tonnes"].sum().unstack(fill_value=0.0)
        chosen = found.set_index(["x", "y", "z"])[column]
        assert sorted(chosen.index) == sorted(mass.index)
        for cell, code in chosen.items():
            assert mass.loc[cell, code] == mass.loc[cell].max()


def test_ground_around_is_as_high_as_the_nearest_column():
    columns = ["x", "y", "z", "period", "material", "tonnes"]
    table = pd.DataFrame([(0, 0, 4, 0, 0, 1.0), (9, 0, 2, 1, 0, 1.0)], columns=columns)
    cells = cells_of(table)
    assert cells.gone[0, 0].tolist() == [ROCK] * 3
    assert cells.gone[-1, 0].tolist() == [ROCK, AIR, AIR]
