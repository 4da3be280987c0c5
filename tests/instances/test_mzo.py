"""The bundled Huckleberry MZO mine adds up to what was published and assumed, and every number carries its mark."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from instances.geometry.slopes import Slope, cone_offsets
from instances.geometry.units import scheduling_units
from instances.instance import Instance
from instances.marks import mark_of, numbers
from instances.mzo import generator
from instances.mzo.page import table_figures

FOLDER = Path(generator.__file__).parent
MZO_PHASES = ["mzo1", "mzo2", "mzo3"]
ORE = ["direct_ore", "low_grade_ore"]
HALF_A_BLOCK_MT = 0.5 * 20 * 20 * 12 * 2.7 / 1e6


def mt(blocks: pd.DataFrame, phases: list[str], materials: list[str] | None = None) -> float:
    rows = blocks["phase"].isin(phases)
    rows &= blocks["material"].isin(materials) if materials else ~blocks["material"].isin(ORE)
    return float(blocks.loc[rows, "tonnes"].sum()) / 1e6


def pct(blocks: pd.DataFrame, phases: list[str], materials: list[str]) -> float:
    rows = blocks[blocks["phase"].isin(phases) & blocks["material"].isin(materials)]
    return float(np.average(rows["cu_pct"], weights=rows["tonnes"]))


def test_the_generator_rebuilds_the_table_that_ships():
    pd.testing.assert_frame_equal(generator.build(), pd.read_parquet(FOLDER / "blocks.parquet"))


def test_another_seed_gives_another_table_with_the_same_sums():
    built = generator.build(generator.Parameters(seed=7))
    assert not built.equals(generator.build())
    assert mt(built, MZO_PHASES, ORE) == pytest.approx(39.7, rel=1e-3)
    assert pct(built, MZO_PHASES, ORE) == pytest.approx(0.343, rel=1e-3)


def test_the_table_adds_up_to_the_reserve(mzo: Instance):
    blocks = mzo.blocks
    assert mt(blocks, MZO_PHASES, ORE) == pytest.approx(39.7, rel=1e-3)
    assert pct(blocks, MZO_PHASES, ORE) == pytest.approx(0.343, rel=1e-3)
    assert mt(blocks, MZO_PHASES) / mt(blocks, MZO_PHASES, ORE) == pytest.approx(1.51, rel=1e-3)
    every = [*MZO_PHASES, "mzx"]
    assert mt(blocks, every) / mt(blocks, every, ORE) == pytest.approx(1.46, rel=1e-3)


def test_the_table_adds_up_to_the_central_case(mzo: Instance):
    blocks = mzo.blocks
    assert mt(blocks, ["mzx"], ORE) == pytest.approx(21.5, rel=1e-3)
    assert pct(blocks, ["mzx"], ORE) == pytest.approx(0.38, rel=1e-3)
    assert mt(blocks, MZO_PHASES, ["direct_ore"]) == pytest.approx(31.0, rel=1e-3)
    assert pct(blocks, MZO_PHASES, ["direct_ore"]) == pytest.approx(0.375, rel=1e-3)
    assert mt(blocks, MZO_PHASES, ["low_grade_ore"]) == pytest.approx(8.7, rel=1e-3)
    assert pct(blocks, MZO_PHASES, ["low_grade_ore"]) == pytest.approx(0.23, rel=1e-3)
    assert mt(blocks, MZO_PHASES, ["tailings"]) == pytest.approx(8.0, rel=1e-3)
    assert mt(blocks, MZO_PHASES, ["backfill"]) == pytest.approx(12.0, rel=1e-3)


def test_the_figures_of_the_page_are_within_a_tenth_of_a_per_cent(mzo: Instance):
    for figure in table_figures(mzo):
        allowed = HALF_A_BLOCK_MT if figure.unit == "Mt" else 0.0
        assert figure.found == pytest.approx(figure.asked, rel=1e-3, abs=allowed), figure.title


@pytest.mark.parametrize("reachable_mt", [0.5, 2.0, 4.0])
def test_how_much_ore_lies_beside_the_fill_is_a_parameter(mzo: Instance, reachable_mt: float):
    built = generator.build(generator.Parameters(reachable_direct_mt=reachable_mt)).assign(mined_fraction=0.0)
    figures = {figure.title: figure.found for figure in table_figures(Instance(mzo.mine, built))}
    found = figures["MZO direct ore whose cone meets no fill"]
    assert found == pytest.approx(reachable_mt, abs=HALF_A_BLOCK_MT)


def test_grades_keep_to_their_material(mzo: Instance):
    blocks = mzo.blocks
    grades = blocks.groupby("material")["cu_pct"].agg(["min", "max"])
    assert grades.loc["direct_ore", "min"] >= 0.26
    assert grades.loc["low_grade_ore", "min"] >= 0.20
    assert grades.loc["low_grade_ore", "max"] <= 0.26
    assert grades.loc["waste_rock", "max"] <= 0.20
    assert grades.loc[["tailings", "backfill"], "max"].eq(0).all()


def test_tailings_lie_over_the_backfill(mzo: Instance):
    bench = mzo.blocks.groupby("material")["iz"].agg(["min", "max"])
    assert bench.loc["tailings", "min"] >= bench.loc["backfill", "max"]
    assert bench.loc["tailings", "max"] == mzo.blocks["iz"].max()


@pytest.mark.parametrize("pit", [["mzx"], MZO_PHASES])
def test_the_pit_is_closed_under_its_rock_slopes(mzo: Instance, pit: list[str]):
    blocks = mzo.blocks[mzo.blocks["phase"].isin(pit)]
    cells = set(blocks[["ix", "iy", "iz"]].itertuples(index=False, name=None))
    top = int(blocks["iz"].max())
    for dx, dy, dz in cone_offsets(Slope(45.0), mzo.mine.blocks.size_m):
        missing = [
            cell for cell in cells if cell[2] + dz <= top and (cell[0] + dx, cell[1] + dy, cell[2] + dz) not in cells
        ]
        assert not missing


def test_pushbacks_do_not_wait_for_later_ones(mzo: Instance):
    found = scheduling_units(mzo, "panel")
    phase = found.units["phase"].to_numpy(object)
    bench = found.units["bench"].to_numpy()
    rock = found.units["sector"].to_numpy(object) != "fill"
    waits = found.arcs[["unit", "needs"]].to_numpy()
    backwards = [
        (a, b)
        for a, b in waits
        if phase[a] != "mzx" and phase[b] != "mzx" and phase[a] < phase[b] and rock[a] and rock[b]
    ]
    assert all(bench[b] > bench[a] for a, b in backwards)
    assert len(found.units) >= 120


def test_every_number_of_the_file_carries_a_mark(mzo: Instance):
    contents = tomllib.loads((FOLDER / "mine.toml").read_text(encoding="utf-8"))
    del contents["provenance"]
    bare = [path for path, _ in numbers(as_tuples(contents)) if mark_of(mzo.mine, path) is None]
    assert bare == []


def as_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_tuples(item) for key, item in value.items()}
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def test_every_mark_gives_a_source(mzo: Instance):
    for path, mark in mzo.mine.provenance.items():
        assert len(mark.source) > 10, path
        if mark.mark == "derived":
            assert "(" in mark.source, path


@pytest.mark.parametrize(
    "parameters",
    [
        generator.Parameters(tailings_mt=40.0, backfill_mt=30.0),
        generator.Parameters(old_pit_benches=1),
        generator.Parameters(reachable_direct_mt=31.0),
        generator.Parameters(mzo_benches=3),
    ],
)
def test_a_layout_that_cannot_be_is_refused(parameters: generator.Parameters):
    with pytest.raises(ValueError, match=r"pit|fill|waste"):
        generator.build(parameters)
