"""Each block carries the periods of its unit, and every form of the block model says the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pyvista
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.geometry.units import scheduling_units, units_without_arcs
from instances.reading import mine_in_memory
from scheduler.plan import MINED, Plan
from scheduler.reports.blocks import NEVER, scheduled_blocks
from scheduler.reports.export import FORMS, write_blocks
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import report_page
from tests.builders import tiny_blocks, tiny_data, tiny_mine
from tests.scheduler.reports.conftest import hand_plan, two_phases, write_plan
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
    assert grid.get_cell(0).type == pyvista.CellType.HEXAHEDRON
    names = list(grid.field_data["material_names"])
    assert [names[code] for code in grid.cell_data["material"]] == table["material"].tolist()
    assert list(grid.field_data["period_labels"]) == small.labels


def test_a_form_that_is_not_known_is_refused_with_the_nearest(small: Facts, tmp_path):
    with pytest.raises(BadInput, match=r"expected one of csv, parquet, vtu, omf \(nearest: csv\)"):
        write_blocks(small, "csvv", tmp_path / "x")


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The run of a small mine whose grid is turned, lies somewhere and has a hole."""
    data = tiny_data(
        periods=4,
        phases=("east", "west"),
        changes={"blocks.origin_m": [5000.0, 7000.0, 300.0], "blocks.rotation_deg": 30.0},
    )
    blocks = tiny_blocks(nx=4, nz=3, grades=[0.1, 0.3, 0.1, 0.6] * 3, phases=("east", "west"))
    instance = mine_in_memory(data, blocks[(blocks["ix"] != 3) | (blocks["iz"] != 0)].reset_index(drop=True))
    return read_facts(write_plan(tmp_path_factory.mktemp("turned") / "run", instance, hand_plan(instance)))


def test_blocks_lie_where_the_mine_is(turned: Facts, tmp_path: Path):
    """The centre of cell 0, 0, 0 is the origin; the y axis bears 30 degrees east of north, the x axis 120."""
    table = turned.blocks.set_index(["ix", "iy", "iz"])[["x_m", "y_m", "z_m"]]
    along, across = 30.0 * np.sin(np.radians(30)), 30.0 * np.cos(np.radians(30))
    assert np.allclose(table.loc[(0, 0, 0)], [5000.0, 7000.0, 300.0])
    assert np.allclose(table.loc[(1, 0, 0)], [5000.0 + across, 7000.0 - along, 300.0])
    assert np.allclose(table.loc[(0, 0, 1)], [5000.0, 7000.0, 330.0])
    write_blocks(turned, "vtu", tmp_path / "blocks.vtu")
    grid = pyvista.read(tmp_path / "blocks.vtu")
    assert np.allclose(grid.cell_centers().points, turned.blocks[["x_m", "y_m", "z_m"]])
    assert grid.compute_cell_sizes()["Volume"] == pytest.approx(30.0**3)


def test_a_turned_model_is_not_said_to_face_north(turned: Facts, small: Facts):
    page = report_page(turned)
    assert "it bears 30° from north" in page
    assert "looking along the y axis" in page
    assert "North is up" not in page
    assert "North is up" in report_page(small)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("which", ["small", "turned"])
def test_omf_holds_the_same_blocks(request: pytest.FixtureRequest, which: str, tmp_path: Path):
    """Read back by the package itself: every block in its cell, and no value where there is none."""
    omf = pytest.importorskip("omf", reason="omf is not installed: no OMF file was read back")
    facts: Facts = request.getfixturevalue(which)
    write_blocks(facts, "omf", tmp_path / "blocks.omf")
    project = omf.OMFReader(str(tmp_path / "blocks.omf")).get_project()
    assert project.validate()
    (volume,) = project.elements
    geometry = volume.geometry
    axes = np.array([geometry.axis_u, geometry.axis_v, geometry.axis_w])
    counts = [len(widths) for widths in (geometry.tensor_u, geometry.tensor_v, geometry.tensor_w)]
    cells = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    size = np.array([geometry.tensor_u[0], geometry.tensor_v[0], geometry.tensor_w[0]])
    centres = np.asarray(project.origin) + ((cells + 0.5) * size) @ axes
    data = {one.name: one for one in volume.data}
    there = np.isfinite(np.asarray(data["tonnes"].array.array))
    found = pd.DataFrame(centres[there].round(3), columns=["x_m", "y_m", "z_m"])
    for name in ("tonnes", "cu_pct", "mined_fraction"):
        found[name] = np.asarray(data[name].array.array)[there]
    for name in ("label", "phase", "material", "destination"):
        one = data["period" if name == "label" else name]
        words = list(one.legends[0].values.array)
        codes = np.asarray(one.array.array)
        assert (codes[~there] == -1).all()
        found[name] = [words[code] for code in codes[there]]
    wanted = facts.blocks[found.columns].copy()
    wanted[["x_m", "y_m", "z_m"]] = wanted[["x_m", "y_m", "z_m"]].round(3)
    wanted["label"] = wanted["label"].replace("", "stays")
    places = ["x_m", "y_m", "z_m"]
    pd.testing.assert_frame_equal(
        found.sort_values(places, ignore_index=True), wanted.sort_values(places, ignore_index=True), check_dtype=False
    )


def test_omf_without_its_package_says_what_to_install(small: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "omf", None)
    with pytest.raises(BadInput, match=r"the package omf, as pip install 'pitwise\[omf\]' gives it"):
        write_blocks(small, "omf", tmp_path / "blocks.omf")
