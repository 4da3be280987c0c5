"""Scheduling units: conservation, order, lags and cycles."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.geometry.units import Resolution, Units, mined_tonnes, scheduling_units
from instances.instance import Instance
from instances.reading import mine_in_memory
from tests.builders import tiny_blocks, tiny_data, tiny_mine


def pairs(found: Units) -> set[tuple[str, str]]:
    name = found.units["unit"]
    return {(str(name[a]), str(name[b])) for a, b in found.arcs[["unit", "needs"]].itertuples(index=False)}


def implied(found: Units) -> set[tuple[str, str]]:
    return set(nx.transitive_closure(nx.DiGraph(pairs(found))).edges)


@pytest.mark.parametrize("resolution", ["panel", "block"])
def test_tonnes_and_metal_are_conserved(mzo: Instance, resolution: Resolution):
    found = scheduling_units(mzo, resolution)
    mined = mined_tonnes(mzo)
    assert found.units["tonnes"].sum() == pytest.approx(mined["tonnes"].sum(), rel=1e-9)
    assert found.parcels["tonnes"].sum() == pytest.approx(mined["tonnes"].sum(), rel=1e-9)
    metal = (found.parcels["tonnes"] * found.parcels["cu_pct"]).sum()
    assert metal == pytest.approx((mined["tonnes"] * mined["cu_pct"]).sum(), rel=1e-9)
    by_parcel = mined["tonnes"].groupby(found.parcel_of_block).sum()
    np.testing.assert_allclose(by_parcel, found.parcels["tonnes"], rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    grades=st.lists(st.floats(0.0, 2.0), min_size=18, max_size=18),
    loss=st.floats(0.0, 0.2),
    dilution=st.floats(0.0, 0.2),
    factor=st.floats(0.5, 2.0),
    resolution=st.sampled_from(["panel", "block"]),
)
def test_loss_takes_metal_and_dilution_does_not(
    grades: list[float], loss: float, dilution: float, factor: float, resolution: Resolution
):
    terms = {"mining_loss": loss, "dilution": dilution, "tonnes_factor": factor}
    changes = {f"materials.{m}.{key}": value for m in ("ore", "low", "rock") for key, value in terms.items()}
    mine = tiny_mine(nx=3, ny=2, nz=3, grades=grades, changes=changes)
    found = scheduling_units(mine, resolution)
    tonnes = mine.blocks["tonnes"].sum() * factor * (1 - loss)
    assert found.parcels["tonnes"].sum() == pytest.approx(tonnes * (1 + dilution), rel=1e-9)
    metal = (mine.blocks["tonnes"] * mine.blocks["cu_pct"]).sum() * factor * (1 - loss)
    assert (found.parcels["tonnes"] * found.parcels["cu_pct"]).sum() == pytest.approx(metal, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("resolution", ["panel", "block"])
def test_the_arcs_of_the_bundled_mine_run_in_no_cycle(mzo: Instance, resolution: Resolution):
    arcs = scheduling_units(mzo, resolution).arcs
    assert nx.is_directed_acyclic_graph(nx.DiGraph(arcs[["unit", "needs"]].itertuples(index=False, name=None)))
    assert arcs["lag_years"].eq(0).all()


def test_a_hand_made_mine_comes_out_as_drawn():
    found = scheduling_units(tiny_mine(grades=[0.1, 0.3, 0.1, 0.1, 0.9, 0.1]), "panel")
    assert found.units[["unit", "phase", "bench", "sector", "tonnes"]].to_numpy().tolist() == [
        ["p1/1/all", "p1", 1, "all", 210_000.0],
        ["p1/0/all", "p1", 0, "all", 210_000.0],
    ]
    assert found.parcels[["unit", "material", "tonnes", "cu_pct"]].round(9).to_numpy().tolist() == [
        [0, "low", 70_000.0, 0.3],
        [0, "rock", 140_000.0, 0.1],
        [1, "ore", 70_000.0, 0.9],
        [1, "rock", 140_000.0, 0.1],
    ]
    assert found.parcels["parcel"].is_unique
    assert pairs(found) == {("p1/0/all", "p1/1/all")}
    assert found.parcel_of_block.tolist() == [1, 0, 1, 3, 2, 3]


def test_a_block_waits_for_its_cone():
    found = scheduling_units(tiny_mine(), "block")
    assert pairs(found) == {
        ("b0-0-0", "b0-0-1"), ("b0-0-0", "b1-0-1"),
        ("b1-0-0", "b0-0-1"), ("b1-0-0", "b1-0-1"), ("b1-0-0", "b2-0-1"),
        ("b2-0-0", "b1-0-1"), ("b2-0-0", "b2-0-1"),
    }  # fmt: skip


def test_benches_go_in_order_within_a_sector():
    mine = tiny_mine(nx=2, nz=3, grades=[0.1] * 6, changes={"precedence.slopes": False})
    assert pairs(scheduling_units(mine, "panel")) == {("p1/1/all", "p1/2/all"), ("p1/0/all", "p1/1/all")}
    free = tiny_mine(nx=2, nz=3, grades=[0.1] * 6, changes={"precedence.slopes": False, "panels.bench_order": False})
    assert not pairs(scheduling_units(free, "panel"))


@pytest.mark.parametrize("resolution", ["panel", "block"])
@pytest.mark.parametrize("bench_order", [True, False])
@pytest.mark.parametrize("lag", [0, 1, 2])
def test_a_phase_waits_for_the_one_it_follows(resolution: Resolution, lag: int, *, bench_order: bool):
    mine = tiny_mine(
        nx=4,
        nz=3,
        grades=[0.9] * 12,
        phases=("west", "east"),
        changes={
            "materials.ore.slope_deg": 80.0,
            "phases.east.after": "west",
            "phases.east.bench_lag": lag,
            "panels.bench_order": bench_order,
        },
    )
    found = scheduling_units(mine, resolution)
    units, needed = found.units, implied(found)
    for follower in units[units["phase"] == "east"].itertuples():
        for leader in units[units["phase"] == "west"].itertuples():
            waits = (str(follower.unit), str(leader.unit)) in needed
            assert waits == (int(leader.bench) >= int(follower.bench) - lag)


def test_the_lag_between_phases_stands_on_its_arcs():
    changes = {"phases.east.after": "west", "phases.east.lag_years": 0.5}
    mine = tiny_mine(nx=2, nz=2, grades=[0.9] * 4, phases=("west", "east"), changes=changes)
    found = scheduling_units(mine, "panel")
    phase = found.units["phase"].to_numpy()
    across = found.arcs[(phase[found.arcs["unit"]] == "east") & (phase[found.arcs["needs"]] == "west")]
    assert (across["lag_years"] == 0.5).any()


def test_further_precedence_is_added_to_the_slopes():
    mine = tiny_mine(precedence=[("b0-0-1", "b2-0-1", 0.25)])
    found = scheduling_units(mine, "block")
    assert ("b0-0-1", "b2-0-1") in pairs(found)
    assert found.arcs["lag_years"].sum() == 0.25
    assert len(found.arcs) == 8


def test_further_precedence_may_stand_instead_of_slopes():
    mine = tiny_mine(changes={"precedence.slopes": False}, precedence=[("b0-0-0", "b0-0-1", 0.0)])
    assert pairs(scheduling_units(mine, "block")) == {("b0-0-0", "b0-0-1")}


def test_the_longest_lag_of_equal_arcs_counts():
    arcs = [("b0-0-0", "b0-0-1", 0.5), ("b0-0-0", "b0-0-1", 0.25), ("b1-0-0", "b0-0-1", 0.0)]
    mine = tiny_mine(precedence=arcs)
    assert scheduling_units(mine, "panel").arcs["lag_years"].tolist() == [0.5]


def test_a_cycle_is_named():
    mine = tiny_mine(precedence=[("b1-0-1", "b1-0-0", 0.0)])
    with pytest.raises(BadInput) as caught:
        scheduling_units(mine, "block")
    assert str(caught.value) in {
        "precedence is a cycle: b1-0-0 needs b1-0-1 needs b1-0-0; expected an order in which the units can be mined",
        "precedence is a cycle: b1-0-1 needs b1-0-0 needs b1-0-1; expected an order in which the units can be mined",
    }


def test_a_long_cycle_is_named_by_its_ends():
    arcs = [(f"b{x}-0-0", f"b{(x + 1) % 20}-0-0", 0.0) for x in range(20)]
    mine = tiny_mine(nx=20, nz=1, grades=[0.9] * 20, precedence=arcs)
    with pytest.raises(BadInput, match=r"precedence is a cycle: b\d+-0-0 needs .*\(13 more\)") as caught:
        scheduling_units(mine, "block")
    assert "…" not in str(caught.value)


def test_what_was_mined_before_the_start_is_left_out():
    mine = tiny_mine()
    blocks = mine.blocks.assign(mined_fraction=[1.0, 0.5, 0.0, 0.0, 0.0, 0.0])
    found = scheduling_units(Instance(mine.mine, blocks), "block")
    assert found.parcel_of_block[0] == -1
    assert "b0-0-1" not in set(found.units["unit"])
    assert found.units.set_index("unit").loc["b1-0-1", "tonnes"] == 35_000.0
    assert ("b0-0-0", "b1-0-1") in pairs(found)


def test_tables_have_plain_row_numbers(mzo: Instance):
    found = scheduling_units(mzo, "panel")
    assert isinstance(found.units.index, pd.RangeIndex)
    assert isinstance(found.parcels.index, pd.RangeIndex)
    assert found.units["unit"].is_unique
    assert found.arcs[["unit", "needs"]].max().max() < len(found.units)


@pytest.mark.parametrize(("angles", "needed"), [((45.0, 45.0), 1), ((20.0, 45.0), 2), ((20.0, 20.0), 3)])
def test_a_slope_of_the_block_stands_for_that_of_its_material(angles: tuple[float, float], needed: int):
    data, blocks = tiny_data(stockpile=False), tiny_blocks(nx=3, nz=2)
    blocks["slope_deg"] = np.where(blocks["ix"] == 0, angles[0], np.where(blocks["ix"] == 2, angles[1], 45.0))
    data["blocks"]["size_m"] = [20.0, 20.0, 12.0]
    instance = mine_in_memory(data, blocks.assign(tonnes=10_000.0))
    found = scheduling_units(instance, "block")
    assert len([pair for pair in pairs(found) if pair[0] == "b1-0-0"]) == needed


@pytest.mark.parametrize("slope", [0.0, 95.0, float("nan")])
def test_a_slope_of_a_block_that_is_none_is_refused(slope: float):
    blocks = tiny_blocks().assign(slope_deg=[slope, *[45.0] * 5])
    with pytest.raises(BadInput, match="slope_deg in row 1"):
        mine_in_memory(tiny_data(), blocks)
