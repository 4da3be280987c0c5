"""A block model looked over: what it holds adds up, and what was planted is found with its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.inspection import grade_tonnage, inspected
from instances.instance import Instance
from instances.reading import mine_in_memory
from tests.builders import tiny_blocks, tiny_data


def model(nx: int = 6, ny: int = 5, nz: int = 4) -> pd.DataFrame:
    grades = np.linspace(0.05, 0.9, nx * ny * nz)
    return tiny_blocks(nx=nx, ny=ny, nz=nz, grades=grades.tolist())


def mine(blocks: pd.DataFrame) -> Instance:
    return mine_in_memory(tiny_data(), blocks.reset_index(drop=True))


def oddities(blocks: pd.DataFrame) -> dict[str, tuple[int, str]]:
    return {oddity.what: (oddity.blocks, oddity.where) for oddity in inspected(mine(blocks)).oddities}


def test_a_plain_model_has_nothing_odd_and_adds_up():
    found = inspected(mine(model()))
    assert found.oddities == ()
    for table in found.by.values():
        assert table["blocks"].sum() == 120
        assert table["tonnes"].sum() == pytest.approx(120 * 70_000)
        assert (table["tonnes"] * table["cu_pct"]).sum() == pytest.approx(70_000 * model()["cu_pct"].sum())
    assert found.by["bench"]["iz"].tolist() == [3, 2, 1, 0]
    assert found.extent == ((0, 5), (0, 4), (0, 3))


def test_a_hole_is_found_by_its_cell():
    blocks = model()
    told = oddities(blocks[blocks["block"] != "b2-3-1"])
    assert told == {"holes: cells without a block below others": (1, "cells 2-3-1")}


def test_floating_ore_is_found_and_a_second_pit_is_none():
    blocks = model()
    far = blocks.tail(1).assign(block="far", ix=50)
    told = oddities(pd.concat([blocks, far]))
    assert told == {"floating ore: small bodies that touch no other block by a face": (1, "line 122")}
    pit = blocks.assign(block="second" + blocks["block"], ix=blocks["ix"] + 40)
    assert oddities(pd.concat([blocks, pit])) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tonnes": 10_000.0}, "below 1 t per m3"),
        ({"tonnes": 200_000.0}, "above 6 t per m3"),
        ({"cu_pct": 30.0, "material": "ore"}, "99th percentile"),
        ({"cu_pct": 0.0, "material": "ore"}, "ore without any grade"),
        ({"cu_pct": 0.9, "material": "rock"}, "waste or fill with more cu_pct"),
    ],
)
def test_odd_numbers_are_found_with_their_rows(changes: dict[str, object], said: str):
    blocks = model(10, 10, 4)
    blocks.loc[7, list(changes)] = list(changes.values())
    told = [(what, where) for what, (_, where) in oddities(blocks).items()]
    assert len(told) == 1
    assert said in told[0][0]
    assert told[0][1] == "line 9"


def test_a_default_grade_is_told():
    blocks = model(10, 10, 4)
    blocks.loc[:150, "cu_pct"] = 0.05
    assert "cu_pct is exactly 0.05: a default?" in oddities(blocks)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(st.floats(0, 50), st.floats(1, 1e6)), min_size=1, max_size=50))
def test_the_grade_tonnage_curve_counts_what_lies_above(rows: list[tuple[float, float]]):
    grade, tonnes = np.asarray(rows).T
    curve = grade_tonnage(grade, tonnes)
    assert curve["tonnes"][0] == pytest.approx(tonnes.sum())
    for row in curve.itertuples():
        above = grade >= row.cut_off
        assert row.tonnes == pytest.approx(tonnes[above].sum())
        if above.any():
            assert row.grade == pytest.approx(np.average(grade[above], weights=tonnes[above]))


def test_a_grade_of_zero_throughout_is_told():
    blocks = model().assign(cu_pct=0.0, material="rock")
    assert oddities(blocks) == {"cu_pct: no block has any": (120, "lines 2, 3, 4 (120 lines in all)")}
