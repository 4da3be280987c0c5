"""Exports of other programs become the blocks they were made from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instances.findings import BadInput
from instances.importing.folder import new_mine, write_new_mine
from instances.importing.model import BlockModel, Told, block_model
from instances.importing.opening import open_source
from instances.reading import read_mine
from tests.instances.importing.exports import (
    CELL_M3,
    CORNER_M,
    EXPORTS,
    SIZE_M,
    small_model,
    write_surpac,
    write_vulcan,
)


def by_cell(blocks: pd.DataFrame) -> pd.DataFrame:
    return blocks.sort_values(["ix", "iy", "iz"]).reset_index(drop=True)


def assert_same_blocks(found: BlockModel, model: pd.DataFrame) -> None:
    blocks, wanted = by_cell(found.blocks), by_cell(model)
    assert found.size_m == pytest.approx(SIZE_M)
    assert (blocks[["ix", "iy", "iz"]].to_numpy() == wanted[["ix", "iy", "iz"]].to_numpy()).all()
    assert blocks["tonnes"].to_numpy() == pytest.approx((CELL_M3 * wanted["density"]).to_numpy(), rel=1e-9)
    assert blocks["cu_pct"].to_numpy() == pytest.approx(wanted["cu"].where(wanted["cu"] >= 0.1, 0.0).to_numpy())
    assert blocks["au_g_per_t"].to_numpy() == pytest.approx(wanted["au"].to_numpy(), abs=1e-9)


@pytest.mark.parametrize("program", EXPORTS)
def test_an_export_gives_back_cells_tonnes_and_grades(tmp_path: Path, program: str):
    model = small_model()
    found = block_model(open_source(EXPORTS[program](tmp_path / "model.csv", model)))
    assert_same_blocks(found, model)
    first = tuple(CORNER_M[axis] + SIZE_M[axis] / 2 for axis in range(3))
    assert found.origin_m == pytest.approx(first)
    assert found.rotation_deg == 0.0


@pytest.mark.parametrize("write", [write_vulcan, write_surpac], ids=["sizes given", "sizes from the steps"])
@pytest.mark.parametrize("rotation", [30.0, -12.5])
def test_a_rotated_grid_is_found(tmp_path: Path, write, rotation: float):
    model = small_model(12, 11, 3, rotation_deg=rotation)
    found = block_model(open_source(write(tmp_path / "model.csv", model)))
    assert found.rotation_deg == pytest.approx(rotation, abs=0.01)
    assert_same_blocks(found, model)


@pytest.mark.parametrize("program", EXPORTS)
def test_a_new_mine_is_sound_and_marks_its_guesses(tmp_path: Path, program: str):
    mine = new_mine(EXPORTS[program](tmp_path / "model.csv", small_model()), "My mine 7")
    folder = write_new_mine(tmp_path / "mine", mine)
    read = read_mine(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["blocks.parquet", "mine.toml"]
    assert read.mine.name == "my_mine_7"
    assert len(read.blocks) == len(small_model())
    said = [line for line in mine.text.splitlines() if line.startswith(("price", "mining", "cost_per_t", "recovery"))]
    assert said
    assert all("# GUESS" in line for line in said)
    assert [line for line in mine.text.splitlines() if line.startswith("cu ")] == []
    units = {
        line.split()[-1].strip("()") for line in mine.text.splitlines() if line.startswith("unit ") and "# G" in line
    }
    notes = [note.text for note in mine.model.notes if "the heading says no unit" in note.text]
    assert units == {{"cu": "copper", "au": "gold"}[text.split()[0]] for text in notes}


def test_a_unit_that_the_heading_says_is_no_guess(tmp_path: Path):
    file = tmp_path / "model.csv"
    file.write_text("X,Y,Z,CU_PCT,AU,SG\n0,0,0,1,1,2.7\n0,0,10,1,1,2.7\n0,10,0,1,1,2.7\n10,0,0,1,1,2.7\n")
    text = new_mine(file, "mine").text
    assert 'unit = "pct"  # copper' in text
    assert 'unit = "g_per_t"  # GUESS (gold)' in text


def test_parquet_and_gslib_give_the_same_blocks(tmp_path: Path):
    model = small_model()
    table = model.rename(columns={"x": "XC", "y": "YC", "z": "ZC"}).drop(columns=["ix", "iy", "iz"])
    table.to_parquet(tmp_path / "model.parquet")
    assert_same_blocks_of_all(block_model(open_source(tmp_path / "model.parquet")), model)
    ordered = model.sort_values(["iz", "iy", "ix"])
    grid = f"3 7 6 4 {CORNER_M[0] + 10} {CORNER_M[1] + 7.5} {CORNER_M[2] + 5} 20 15 10"
    rows = [f"  {row.cu}  {row.au} {row.density}" for row in ordered.itertuples()]
    (tmp_path / "model.dat").write_text("\n".join(["a model", grid, "cu", "au", "density", *rows]), encoding="utf-8")
    assert_same_blocks_of_all(block_model(open_source(tmp_path / "model.dat")), model)


def assert_same_blocks_of_all(found: BlockModel, model: pd.DataFrame) -> None:
    blocks, wanted = by_cell(found.blocks), by_cell(model)
    assert found.size_m == SIZE_M
    assert np.allclose(blocks["cu_pct"], wanted["cu"])
    assert np.allclose(blocks["tonnes"], CELL_M3 * wanted["density"])


def test_joined_sub_blocks_are_reported_with_what_they_weigh(tmp_path: Path):
    found = block_model(open_source(EXPORTS["datamine"](tmp_path / "model.csv", small_model())))
    told = [note.text for note in found.notes if note.kind == "changed"]
    assert any("blocks joined to 168 cells" in text for text in told)


def test_topography_cuts_the_tonnes(tmp_path: Path):
    model = small_model()
    table = model[["x", "y", "z", "cu", "density"]].assign(topo=np.where(model["iz"] == 3, 25.0, 100.0))
    table.loc[0, "topo"] = 0.0
    table.to_csv(tmp_path / "model.csv", index=False)
    found = block_model(open_source(tmp_path / "model.csv")).blocks
    assert len(found) == len(model) - 1
    top = found[found["iz"] == 3]["tonnes"].to_numpy()
    assert set(np.round(top, 6)) == {CELL_M3 * 0.25 * 2.8, CELL_M3 * 0.25 * 2.65}


def test_a_share_of_air_cuts_the_tonnes_too(tmp_path: Path):
    model = small_model()
    table = model[["x", "y", "z", "cu", "density"]].assign(pct_air=np.where(model["iz"] == 3, 75.0, 0.0))
    table.loc[0, "pct_air"] = 100.0
    table.to_csv(tmp_path / "model.csv", index=False)
    found = block_model(open_source(tmp_path / "model.csv")).blocks
    assert len(found) == len(model) - 1
    top = found[found["iz"] == 3]["tonnes"].to_numpy()
    assert set(np.round(top, 6)) == {CELL_M3 * 0.25 * 2.8, CELL_M3 * 0.25 * 2.65}


def test_units_of_a_heading_are_converted(tmp_path: Path):
    model = small_model()[["x", "y", "z"]].assign(**{"Au (ppb)": 1500.0, "Cu_ppm": 4000.0, "kt": 8.0})
    model.to_csv(tmp_path / "model.csv", index=False)
    found = block_model(open_source(tmp_path / "model.csv"))
    assert dict(found.units) == {"au": "g_per_t", "cu": "g_per_t"}
    assert found.blocks["au_g_per_t"].unique() == pytest.approx([1.5])
    assert found.blocks["cu_g_per_t"].unique() == pytest.approx([4000.0])
    assert found.blocks["tonnes"].unique() == pytest.approx([8000.0])


def test_what_is_told_wins_over_headings(tmp_path: Path):
    model = small_model()[["ix", "iy", "iz", "cu"]].rename(columns={"cu": "estimate"})
    model.to_csv(tmp_path / "model.csv", index=False)
    told = Told(("cu_pct=estimate",), (20.0, 15.0, 10.0), None, 2.5)
    found = block_model(open_source(tmp_path / "model.csv"), told)
    assert found.size_m == SIZE_M
    assert found.blocks["tonnes"].unique() == pytest.approx([CELL_M3 * 2.5])


def test_utf_16_and_a_byte_order_mark_are_read(tmp_path: Path):
    text = write_vulcan(tmp_path / "model.csv", small_model()).read_text(encoding="utf-8")
    (tmp_path / "marked.csv").write_text(text, encoding="utf-8-sig")
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16")
    plain = block_model(open_source(tmp_path / "model.csv")).blocks
    for name in ("marked.csv", "wide.csv"):
        pd.testing.assert_frame_equal(block_model(open_source(tmp_path / name)).blocks, plain)


def test_the_draft_is_toml_whatever_the_names(tmp_path: Path):
    model = small_model()[["x", "y", "z", "cu", "density"]].assign(rock='Grès "dur" \\ 2/3', phase="№ 1")
    model.to_csv(tmp_path / "model.csv", index=False)
    mine = new_mine(tmp_path / "model.csv", "x")
    data = tomllib.loads(mine.text)
    assert [material["title"] for material in data["materials"].values()] == ['Grès "dur" \\ 2/3']
    assert list(data["phases"]) == ["no_1"]


def test_slopes_by_block_are_taken_over(tmp_path: Path):
    model = small_model()[["x", "y", "z", "cu", "density"]].assign(slope=np.where(small_model()["ix"] < 3, 38.4, 52.0))
    model.to_csv(tmp_path / "model.csv", index=False)
    mine = new_mine(tmp_path / "model.csv", "x")
    folder = write_new_mine(tmp_path / "mine", mine)
    assert read_mine(folder).blocks["slope_deg"].value_counts().to_dict() == {52.0: 96, 38.0: 72}
    assert any("rounded to whole degrees" in note.text for note in mine.model.notes)


@pytest.mark.parametrize("program", EXPORTS)
@pytest.mark.parametrize("size", [(40.0, 30.0, 20.0), (20.0, 15.0, 20.0), (140.0, 90.0, 40.0)])
def test_reblocking_conserves_tonnes_and_metal(tmp_path: Path, program: str, size: tuple[float, float, float]):
    source = open_source(EXPORTS[program](tmp_path / "model.csv", small_model()))
    fine, coarse = block_model(source), block_model(source, Told(size_m=size))
    assert coarse.size_m == size
    cells = [int(np.ceil(count * own / wide)) for count, own, wide in zip((7, 6, 4), SIZE_M, size, strict=True)]
    assert len(coarse.blocks) == np.prod(cells)
    assert coarse.blocks["tonnes"].sum() == pytest.approx(fine.blocks["tonnes"].sum(), rel=1e-9)
    for column in ("cu_pct", "au_g_per_t"):
        metal = [(model.blocks["tonnes"] * model.blocks[column]).sum() for model in (fine, coarse)]
        assert metal[1] == pytest.approx(metal[0], rel=1e-9)


def test_cells_that_cut_blocks_are_refused(tmp_path: Path):
    source = open_source(write_vulcan(tmp_path / "model.csv", small_model()))
    with pytest.raises(BadInput, match="cells of 50 x 15 x 10 m"):
        block_model(source, Told(size_m=(50.0, 15.0, 10.0)))
