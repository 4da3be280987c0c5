"""How far runs can be compared: whether they are of one mine, and plan units of one kind in periods of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduler.reports.facts import Facts

PLACE = ["block", "ix", "iy", "iz"]
"""What makes a block of two tables the same block."""
MINED = {"whole": "mined whole", "partial": "that may span periods"}


def blocks_alike(first: Facts, other: Facts) -> int:
    """How many blocks of two mines are the same: of one name, in one cell, of the same tonnes in situ.

    None are where the grids differ in the size of their blocks or in where they lie. Names alone say nothing: a table
    without names of its own is given the numbers of the cells.
    """
    grids = [run.mine.blocks for run in (first, other)]
    if not np.allclose(grids[0].size_m, grids[1].size_m):
        return 0
    if grids[0].origin_m is not None and grids[1].origin_m is not None:
        places = [np.array([*grid.origin_m, grid.rotation_deg]) for grid in grids if grid.origin_m is not None]
        if not np.allclose(places[0], places[1], rtol=0.0, atol=1e-3):
            return 0
    tables = [run.instance.blocks[[*PLACE, "tonnes"]] for run in (first, other)]
    both = tables[0].merge(tables[1], on=PLACE, suffixes=("", "_other"))
    return int(np.isclose(both["tonnes"], both["tonnes_other"], rtol=1e-6).sum())


def same_ground(first: Facts, other: Facts) -> bool:
    """Whether two runs are of one mine: at least half of the blocks of the smaller table are the same in the other."""
    return 2 * blocks_alike(first, other) >= _fewer(first, other)


def notes(names: Sequence[str], runs: Sequence[Facts]) -> list[str]:
    """What a reader of a comparison has to know of each run beside the first, a sentence each."""
    return [
        sentence
        for name, run in zip(names[1:], runs[1:], strict=True)
        for told in (_of_kind, _of_calendar, _of_ground)
        if (sentence := told(names[0], runs[0], name, run))
    ]


def _of_kind(first_name: str, first: Facts, name: str, run: Facts) -> str:
    """What is planned, where it is not the same."""
    mining = [one.mine.mining(one.plan.resolution) for one in (first, run)]
    if (first.plan.resolution, mining[0]) == (run.plan.resolution, mining[1]):
        return ""
    told = (
        f"{name} plans {run.plan.resolution}s {MINED[mining[1]]}, "
        f"{first_name} {first.plan.resolution}s {MINED[mining[0]]}: "
    )
    if mining[0] != mining[1]:
        return f"{told}figures of whole and of partial mining do not compare"
    return f"{told}some of the difference comes from that alone"


def _of_calendar(first_name: str, first: Facts, name: str, run: Facts) -> str:
    """That periods are not of the same length, where they overlap."""
    lengths = [one.mine.calendar.lengths_years() for one in (first, run)]
    common = min(map(len, lengths))
    if np.allclose(lengths[0][:common], lengths[1][:common]):
        return ""
    return f"{name} and {first_name} have periods of other lengths: blocks move by the beginnings of their periods"


def _of_ground(first_name: str, first: Facts, name: str, run: Facts) -> str:
    """How many blocks are the same, where not all are."""
    alike, fewer = blocks_alike(first, run), _fewer(first, run)
    if 2 * alike < fewer:
        return (
            f"{name} and {first_name} are of different mines, {alike:,} of {fewer:,} blocks alike in place and tonnes: "
            "which blocks move is left out"
        )
    tables = [one.instance.blocks[PLACE] for one in (first, run)]
    alone = sum(map(len, tables)) - 2 * len(tables[0].merge(tables[1], on=PLACE))
    if not alone:
        return ""
    some = "1 block is" if alone == 1 else f"{alone:,} blocks are"
    return f"{some} in {name} or in {first_name} alone, and not among those that move"


def _fewer(first: Facts, other: Facts) -> int:
    return min(len(first.instance.blocks), len(other.instance.blocks))
