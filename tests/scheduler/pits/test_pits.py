"""Pits: worth against an independent closure, nestedness, the order of mining, phases."""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.geometry.slopes import Slope, cone_offsets
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.pits.nested import NestedPits, nested_pits
from scheduler.pits.phases import chosen_phases, with_phases
from scheduler.pits.sequencing import capacities
from scheduler.pits.values import pit_blocks
from scheduler.pits.writing import write_with_phases
from solvers.closure import StagedFlowKernel, closure_graph, scale_up
from tests.builders import tiny_data, tiny_mine, write_mine

FACTORS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.3)


def bowl(seed: int = 3, nx: int = 9, ny: int = 8, nz: int = 4, **keys: object) -> Instance:
    """A mine whose grade falls away from its middle."""
    random = np.random.default_rng(seed)
    cells = [(x, y, z) for z in reversed(range(nz)) for y in range(ny) for x in range(nx)]
    away = [np.hypot(x - (nx - 1) / 2, y - (ny - 1) / 2) + abs(z - 1) for x, y, z in cells]
    grades = np.round(np.clip(1.3 * np.exp(-np.asarray(away) / 3) + random.normal(0, 0.05, len(away)), 0, None), 3)
    return tiny_mine(nx=nx, ny=ny, nz=nz, grades=grades.tolist(), **keys)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def mine() -> Instance:
    return bowl()


@pytest.fixture(scope="module")
def pits(mine: Instance) -> NestedPits:
    return nested_pits(mine, FACTORS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 500), slope=st.sampled_from([30.0, 45.0, 60.0]))
def test_the_ultimate_pit_is_worth_what_an_independent_closure_says(seed: int, slope: float):
    instance = bowl(seed, 5, 4, 3, changes={"materials.rock.slope_deg": slope, "materials.low.slope_deg": slope})
    found = nested_pits(instance, (1.0,))
    blocks = found.blocks
    graph = closure_graph(len(blocks.rows), blocks.arcs[:, 0], blocks.arcs[:, 1])
    integers, scale = scale_up(blocks.value(1.0))
    assert found.table["value"].iloc[-1] == pytest.approx(StagedFlowKernel(graph).solve(integers).value / scale)


@pytest.mark.parametrize("slope", [35.0, 50.0])
def test_pits_need_what_cones_and_further_precedence_say_of_what_is_left(slope: float):
    """The closure of the pit's arcs against that of every block in the cones, enumerated, less a mined block."""
    keys = {f"materials.{name}.slope_deg": slope for name in ("rock", "low", "ore")}
    further = [("b0-0-2", "b4-3-0", 0.0), ("b4-3-2", "b2-2-2", 0.0)]
    whole = bowl(11, 5, 4, 3, changes=keys, precedence=further)
    blocks = whole.blocks.assign(mined_fraction=(whole.blocks["block"] == "b2-2-2").astype(float))
    found = pit_blocks(Instance(whole.mine, blocks, whole.precedence))
    names = blocks["block"].to_numpy(object)[found.rows]
    assert len(names) == len(blocks) - 1
    cells = {str(row.block): (row.ix, row.iy, row.iz) for row in blocks.itertuples() if row.mined_fraction < 1}
    at = {cell: name for name, cell in cells.items()}
    offsets = cone_offsets(Slope(slope), whole.mine.blocks.size_m)
    wanted = {("b0-0-2", "b4-3-0")}
    for name, (x, y, z) in cells.items():
        above = {at.get((x + dx, y + dy, z + dz)) for dx, dy, dz in offsets}
        wanted |= {(name, other) for other in above if other}
    got = {(str(names[block]), str(names[needs])) for block, needs in found.arcs.tolist()}
    assert got <= wanted
    assert set(nx.transitive_closure(nx.DiGraph(got)).edges) == set(nx.transitive_closure(nx.DiGraph(wanted)).edges)


def test_pits_are_nested_closures_and_worth_most_at_factor_one(pits: NestedPits):
    table, blocks = pits.table, pits.blocks
    assert (np.diff(table["moved_t"]) >= 0).all()
    assert table["value"].idxmax() == FACTORS.index(1.0)
    for factor in FACTORS:
        inside = pits.inside(factor)
        assert not (inside[blocks.arcs[:, 0]] & ~inside[blocks.arcs[:, 1]]).any()


def test_a_block_is_worth_its_terms_of_sale(mine: Instance):
    blocks = pit_blocks(mine)
    row = int(np.argmax(mine.blocks["cu_pct"].to_numpy()))
    grade, tonnes = mine.blocks["cu_pct"][row], mine.blocks["tonnes"][row]
    metal = tonnes * grade / 100 * 0.9
    assert blocks.value(1.0)[row] == pytest.approx(metal * 2204.62 * 3.0 - tonnes * (8.0 + 2.0))
    assert blocks.value(0.5)[row] == pytest.approx(max(metal * 2204.62 * 1.5 - tonnes * 8.0, 0) - tonnes * 2.0)


def test_the_best_case_is_no_worse_than_the_worst(pits: NestedPits):
    table = pits.table
    assert (table["npv_best"] >= table["npv_worst"] - 1e-6 * table["npv_best"].abs()).all()
    assert (table["npv_best"] <= table["value"].clip(lower=0) + 1e-6).all()


def test_one_bench_of_one_shell_is_discounted_by_hand():
    first = tiny_mine(nx=1, nz=1, grades=[1.0], tonnes=200_000.0, stockpile=False)
    table = nested_pits(first, (1.0,)).table
    rates = capacities(first.mine)
    a_year = 300 * 365
    assert rates.milling_t[:2] == pytest.approx([a_year, a_year])
    years = 200_000 / a_year
    worth = 200_000 * (0.01 * 0.9 * 2204.62 * 3.0 - 10.0)
    parts = [min(1.0, years - year) / years for year in range(int(np.ceil(years)))]
    by_hand = sum(worth * part * 1.1 ** -(year + 0.5) for year, part in enumerate(parts))
    assert table["years"].iloc[0] == pytest.approx(years)
    assert table["npv_best"].iloc[0] == pytest.approx(by_hand)
    assert table["npv_worst"].iloc[0] == pytest.approx(by_hand)


def test_phases_are_pits_within_their_limits(mine: Instance, pits: NestedPits):
    total = float(pits.table["moved_t"][FACTORS.index(1.0)])
    phases = chosen_phases(mine, pits, least_t=total / 20, most_t=total)
    assert (phases.tonnes >= total / 20 - 1).all()
    assert phases.tonnes.sum() == pytest.approx(total)
    blocks = pits.blocks
    for number in range(len(phases.names)):
        inside = (phases.phase >= 0) & (phases.phase <= number)
        assert not (inside[blocks.arcs[:, 0]] & ~inside[blocks.arcs[:, 1]]).any()
    assert (phases.phase >= 0).sum() == pits.inside(1.0).sum()


@pytest.mark.parametrize("least", [0.0, 0.2])
def test_of_all_cuts_within_the_limits_the_fewest_with_the_largest_jumps_are_taken(mine: Instance, least: float):
    fine = nested_pits(mine, tuple(round(0.2 + 0.05 * step, 2) for step in range(17)))
    to_date = np.unique(fine.table["moved_t"])
    to_date = to_date[to_date > 0]
    total, jump = to_date[-1], np.append(np.diff(to_date), 0.0)
    best = min(
        (len(cuts), -sum(jump[list(cuts)]), cuts)
        for count in range(len(to_date))
        for inner in itertools.combinations(range(len(to_date) - 1), count)
        for cuts in [(*inner, len(to_date) - 1)]
        if all(least * total - 1 <= size <= 0.4 * total + 1 for size in np.diff(to_date[list(cuts)], prepend=0.0))
    )
    found = chosen_phases(mine, fine, least_t=least * total, most_t=0.4 * total)
    assert found.tonnes == pytest.approx(np.diff(to_date[list(best[2])], prepend=0.0))


def test_limits_that_no_cut_keeps_are_told(mine: Instance, pits: NestedPits):
    with pytest.raises(BadInput, match="Mt a phase"):
        chosen_phases(mine, pits, least_t=1.0, most_t=2.0)


def test_a_pit_of_nothing_has_no_phases():
    barren = bowl(changes={"products.copper.price_usd_per_lb": 0.001})
    with pytest.raises(BadInput, match="an empty pit"):
        chosen_phases(barren, nested_pits(barren, (1.0,)))


def test_a_narrow_phase_is_told(mine: Instance, pits: NestedPits):
    wide = chosen_phases(mine, pits, most_t=1e9, least_t=1.0, width_m=30.0)
    assert wide.narrow == (0.0,)
    assert wide.warnings(30.0) == []
    narrow = chosen_phases(mine, pits, most_t=1e9, least_t=1.0, width_m=3000.0)
    assert narrow.narrow == (1.0,)
    assert "p1: 100% of its tonnes" in narrow.warnings(3000.0)[0]


def test_a_mine_with_phases_is_sound_and_keeps_its_comments(tmp_path: Path, mine: Instance):
    folder = write_mine(tmp_path / "mine", blocks=mine.blocks.drop(columns=["sector", "mined_fraction"]))
    file = folder / "mine.toml"
    file.write_text("# my notes\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    read = read_mine(folder)
    phases = chosen_phases(read, nested_pits(read, FACTORS), most_t=9e6)
    assert len(phases.names) > 1
    blocks = with_phases(read, nested_pits(read, FACTORS), phases)
    out = write_with_phases(tmp_path / "phased", read, blocks, phases, 1)
    again = read_mine(out)
    assert (out / "mine.toml").read_text(encoding="utf-8").startswith("# my notes")
    assert tuple(again.mine.phases) == phases.names
    assert again.mine.phases["p2"].after == "p1"
    assert again.blocks["tonnes"].sum() == pytest.approx(phases.tonnes.sum())


@pytest.mark.parametrize("pair", ["outside", "inside"])
def test_a_mine_with_phases_keeps_the_further_precedence_of_its_blocks_alone(tmp_path: Path, mine: Instance, pair: str):
    """Where it has none, no empty table is left: nothing could read it."""
    data = tiny_data(changes={"precedence.file": "further.csv"})
    folder = write_mine(tmp_path / "mine", data, mine.blocks.drop(columns=["sector", "mined_fraction"]))
    blocks = with_phases(mine, nested_pits(mine, FACTORS), chosen_phases(mine, nested_pits(mine, FACTORS)))
    inside = mine.blocks["block"].isin(blocks["block"])
    one, other = mine.blocks.loc[inside == (pair == "inside"), "block"].iloc[:2]
    (folder / "further.csv").write_text(f"block,needs\n{other},{one}\n", encoding="utf-8")
    read = read_mine(folder)
    assert len(read.precedence) == 1
    found = nested_pits(read, FACTORS)
    phases = chosen_phases(read, found)
    again = read_mine(write_with_phases(tmp_path / "phased", read, with_phases(read, found, phases), phases, None))
    assert len(again.precedence) == (pair == "inside")


def test_a_mine_with_phases_that_could_not_be_read_is_not_written(tmp_path: Path, mine: Instance):
    folder = write_mine(tmp_path / "mine", blocks=mine.blocks.drop(columns=["sector", "mined_fraction"]))
    read = read_mine(folder)
    found = nested_pits(read, FACTORS)
    phases = chosen_phases(read, found)
    unsound = with_phases(read, found, phases).assign(tonnes=-1.0)
    with pytest.raises(BadInput, match="tonnes"):
        write_with_phases(tmp_path / "phased", read, unsound, phases, None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
