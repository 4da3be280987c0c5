"""Each block carries the periods of its unit, and every form of the block model says the same."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest
import pyvista
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.geometry.units import scheduling_units, units_without_arcs
from scheduler.plan import MINED, Plan
from scheduler.reports import solid
from scheduler.reports.blocks import NEVER, scheduled_blocks
from scheduler.reports.export import FORMS, write_blocks
from scheduler.reports.facts import Facts
from tests.builders import tiny_mine
from tests.scheduler.reports.conftest import two_phases
from tests.scheduler.test_runfolder import idle_plan


def test_units_without_arcs_are_the_units():
    instance = two_phases()
    whole, bare = scheduling_units(instance, "panel"), units_without_arcs(instance, "panel")
    pd.testing.assert_frame_equal(bare.units, whole.units)
    pd.testing.assert_frame_equal(bare.parcels, whole.parcels)
    assert (bare.parcel_of_block == whole.parcel_of_block).all()
    assert list(bare.arcs.columns) == list(whole.arcs.columns)
    assert bare.arcs.empty
    assert len(whole.arcs)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.booleans())
def test_a_block_goes_when_half_of_its_unit_has_gone(parts: list[float], whole: bool):
    """By walking through the periods one by one, for the lower of two benches."""
    instance = tiny_mine(nx=1, stockpile=False)
    units = units_without_arcs(instance, "panel")
    total = sum(parts)
    shares = [part / total for part in parts] if total > 1 or (whole and total > 0) else parts
    rows = [("p1/0/all", period, share) for period, share in enumerate(shares) if share > 0]
    name = units.units["unit"].iloc[int(np.argmin(units.units["bench"]))]
    parcel = units.parcels["parcel"].iloc[
        int(np.flatnonzero(units.parcels["unit"] == np.argmin(units.units["bench"]))[0])
    ]
    mined = pd.DataFrame(
        [(name, parcel, "mill", "", period, share * 70_000.0) for _, period, share in rows], columns=list(MINED)
    ).astype({"period": np.int64, "tonnes": float})
    block = scheduled_blocks(instance, plan_of(mined), units).set_index("iz").loc[0]
    gone, expected = 0.0, NEVER
    for period, share in enumerate(shares):
        gone += share
        if expected == NEVER and gone >= 0.5 - 1e-6:
            expected = period
    assert block["period"] == expected
    assert block["mined_fraction"] == pytest.approx(min(gone, 1.0))
    worked = [period for _, period, _ in rows]
    assert block["first_period"] == (min(worked) if worked else NEVER)
    assert block["last_period"] == (max(worked) if worked else NEVER)
    assert block["destination"] == ("mill" if worked else "")


def plan_of(mined: pd.DataFrame) -> Plan:
    idle = idle_plan()
    return Plan("panel", mined, idle.stock, idle.reclaim, idle.tailings, idle.operating, idle.options)


def test_tonnes_of_the_blocks_add_up_to_the_plan(mzo: Facts):
    blocks = mzo.blocks
    assert len(blocks) == len(mzo.instance.blocks)
    assert (blocks["tonnes"] * blocks["mined_fraction"]).sum() == pytest.approx(mzo.plan.mined["tonnes"].sum())
    assert set(blocks.loc[blocks["period"] != NEVER, "label"]) <= set(mzo.labels)
    assert (blocks["first_period"] <= blocks["last_period"]).all()
    assert (blocks["z_m"] == (blocks["iz"] + 0.5) * 12.0).all()


def test_every_form_of_the_block_model_says_the_same(small: Facts, tmp_path):
    for form in FORMS:
        write_blocks(small, form, tmp_path / f"blocks.{form}")
    table = pd.read_parquet(tmp_path / "blocks.parquet")
    pd.testing.assert_frame_equal(table, small.blocks, check_dtype=False)
    text = pd.read_csv(tmp_path / "blocks.csv", dtype={"label": str}, keep_default_na=False)
    assert text["block"].tolist() == table["block"].tolist()
    assert text["period"].tolist() == table["period"].tolist()
    assert np.allclose(text["cu_pct"], table["cu_pct"])
    grid = pyvista.read(tmp_path / "blocks.vtu")
    assert grid.n_cells == len(table)
    assert np.allclose(grid.cell_centers().points, table[["x_m", "y_m", "z_m"]])
    assert grid.cell_data["period"].tolist() == table["period"].tolist()
    assert grid.compute_cell_sizes()["Volume"] == pytest.approx(30.0**3)
    names = list(grid.field_data["material_names"])
    assert [names[code] for code in grid.cell_data["material"]] == table["material"].tolist()
    assert list(grid.field_data["period_labels"]) == small.labels


def test_a_form_that_is_not_known_is_refused_with_the_nearest(small: Facts, tmp_path):
    with pytest.raises(BadInput, match=r"expected one of csv, parquet, vtu \(nearest: csv\)"):
        write_blocks(small, "csvv", tmp_path / "x")


def unpacked(data: dict[str, object]) -> pd.DataFrame:
    packed = {
        name: np.frombuffer(base64.b64decode(str(data[name])), dtype=kind)
        for name, kind in (("cells", "<u4"), ("periods", "u1"), ("materials", "u1"))
    }
    return pd.DataFrame(packed)


def test_the_viewer_is_given_every_block(mzo: Facts):
    found = solid.solid_of(mzo)
    blocks = mzo.blocks
    low = blocks[["ix", "iy", "iz"]].min()
    wide, deep, _ = found.data["spans"]  # type: ignore[misc]
    place = ((blocks["iz"] - low["iz"]) * deep + blocks["iy"] - low["iy"]) * wide + blocks["ix"] - low["ix"]
    cells = unpacked(found.data)
    assert found.joined == 1
    assert cells["cells"].tolist() == place.tolist()
    assert cells["periods"].tolist() == blocks["period"].replace(NEVER, solid.STAYS).tolist()
    assert json.dumps(found.data)


def test_a_large_model_is_joined_into_cells_of_its_majority(mzo: Facts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(solid, "MOST_CELLS", 3_000)
    found = solid.solid_of(mzo)
    assert found.joined == 2
    assert found.cells <= 3_000
    blocks = mzo.blocks
    index = (blocks[["ix", "iy", "iz"]] - blocks[["ix", "iy", "iz"]].min()) // 2
    wide, deep, _ = found.data["spans"]  # type: ignore[misc]
    place = (index["iz"] * deep + index["iy"]) * wide + index["ix"]
    period = blocks["period"].replace(NEVER, solid.STAYS)
    mass = blocks["tonnes"].groupby([place, period]).sum().unstack(fill_value=0.0)
    cells = unpacked(found.data).set_index("cells")["periods"]
    assert sorted(cells.index) == sorted(mass.index)
    for cell, chosen in cells.items():
        assert mass.loc[cell, chosen] == mass.loc[cell].max()
