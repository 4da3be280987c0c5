"""Precedence through blocks of which nothing is left, against ways looked for one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instances.geometry.units import scheduling_units
from instances.geometry.voids import through_voids
from instances.reading import mine_in_memory
from tests.builders import tiny_blocks, tiny_data


def ways(present, arcs):
    """Longest lag of each pair of present blocks tied through one that is not, or several."""
    found = {}

    def follow(start, block, lag):
        for (tail, head), own in arcs.items():
            if tail != block:
                continue
            if not present[head]:
                follow(start, head, lag + own)
            elif block != start:
                found[start, head] = max(found.get((start, head), 0.0), lag + own)

    for block in np.flatnonzero(present).tolist():
        follow(block, block, 0.0)
    return found


@st.composite
def graphs(draw):
    """Blocks that need some of those with lower numbers, and whether something is left of each."""
    n = draw(st.integers(1, 8))
    present = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    pairs = [(a, b) for a in range(n) for b in range(a) if draw(st.integers(0, 2)) == 0]
    return present, {pair: float(draw(st.sampled_from([0, 0, 1, 3]))) for pair in pairs}


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_equals_all_ways_looked_for_one_by_one(graph):
    present, arcs = graph
    pairs, lags = through_voids(present, np.array(list(arcs), np.int64).reshape(-1, 2), np.array(list(arcs.values())))
    told = {(int(a), int(b)): lag for (a, b), lag in zip(pairs, lags.tolist(), strict=True)}
    assert len(told) == len(pairs)
    assert told == ways(present, arcs)


def test_voids_that_need_each_other_come_to_an_end():
    """They are told of where units are tied, if these need each other as well."""
    arcs = np.array([[3, 1], [1, 2], [2, 1], [2, 0]])
    pairs, _ = through_voids(np.array([True, False, False, True]), arcs, np.array([0.0, 1.0, 1.0, 0.0]))
    assert pairs.tolist() == [[3, 0]]


@pytest.mark.parametrize("resolution", ["block", "panel"])
def test_ore_under_an_old_stope_waits_for_what_lies_above_it(resolution):
    """One column of five blocks, the third and fourth from the top mined out."""
    blocks = tiny_blocks(nx=1, nz=5)
    gone = blocks.assign(mined_fraction=np.where(blocks["iz"].isin([1, 2]), 1.0, 0.0))
    found = scheduling_units(mine_in_memory(tiny_data(), gone), resolution)
    assert sorted(found.units["bench"]) == [0, 3, 4]
    by_bench = found.units["bench"].tolist()
    arcs = {(by_bench[a], by_bench[b]) for a, b in found.arcs[["unit", "needs"]].itertuples(index=False)}
    assert {(0, 3), (4, 3)} & arcs == {(0, 3)}
    assert (3, 4) in arcs


@pytest.mark.parametrize("lags", [(0.0, 0.0), (1.0, 2.0)])
def test_precedence_of_a_file_goes_through_blocks_that_are_gone(lags):
    """From one block to another by way of one of which nothing is left; the lags add up."""
    blocks = tiny_blocks(nx=3, nz=1)
    names = blocks["block"].tolist()
    gone = blocks.assign(mined_fraction=np.where(blocks["block"] == names[1], 1.0, 0.0))
    table = pd.DataFrame({"block": names[:2], "needs": names[1:], "lag_years": lags})
    found = scheduling_units(mine_in_memory(tiny_data(), gone, table), "block")
    assert found.units["unit"].tolist() == [names[0], names[2]]
    assert found.arcs.to_numpy(float).tolist() == [[0.0, 1.0, sum(lags)]]
