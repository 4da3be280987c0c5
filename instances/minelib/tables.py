"""Readers of the files without a heading: ``.blocks``, ``.prec``, ``.sol``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from instances.findings import BadInput, Finding
from instances.minelib.lines import LARGEST, Line, Reading, open_reading
from instances.minelib.model import Blocks, Precedence, ScheduleRows
from instances.minelib.plain import columns, lists, once

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from instances.minelib.model import Floats, Integers

_SHARE_SLACK = 1e-4


def read_blocks(path: Path) -> Blocks:
    """A ``.blocks`` file: id, x, y, z and further columns, ids 0, 1, ... in any order.

    Raises:
        BadInput: Every fault found, with file and line.
    """
    reading = open_reading(path)
    plain = _plain_blocks(reading)
    if plain is not None:
        return plain
    n = len(reading.lines)
    if not n:
        reading.find(1, None, "at least one block")
        reading.check()
    coordinates = np.zeros((n, 3), np.int64)
    attributes: list[tuple[str, ...]] = [()] * n
    seen = np.zeros(n, np.bool_)
    width = len(reading.lines[0].fields)
    for line in reading.lines:
        if len(line.fields) != width or width < 4:
            reading.find(line.number, len(line.fields), f"{max(width, 4)} fields, as in the first line")
            continue
        block = _once(reading, line, seen, n)
        if block < 0:
            continue
        for axis in range(3):
            coordinates[block, axis] = int(reading.number(line, axis + 1, "coordinate"))
        attributes[block] = line.fields[4:]
    reading.check()
    return Blocks(coordinates, tuple(attributes))


def read_precedence(path: Path, n_blocks: int) -> Precedence:
    """A ``.prec`` file: block, number of blocks it needs, and these, one line a block.

    Args:
        path: The file.
        n_blocks: Blocks of the instance.

    Raises:
        BadInput: Every fault found, with file and line; a cycle is named block by block.
    """
    plain = _plain_precedence(path, n_blocks)
    if plain is not None:
        return plain
    reading = open_reading(path)
    seen = np.zeros(n_blocks, np.bool_)
    blocks: list[int] = []
    needed: list[int] = []
    for line in reading.lines:
        block = _once(reading, line, seen, n_blocks)
        if block < 0:
            continue
        listed = len(line.fields) - 2
        if listed < 0 or not line.fields[1].isdecimal() or int(line.fields[1]) != listed:
            reading.find(line.number, line.fields[1:2], f"the number of blocks that follow, {max(listed, 0)}")
            continue
        for place in range(2, len(line.fields)):
            other = reading.integer(line, place, "needed block", n_blocks)
            if other >= 0:
                blocks.append(block)
                needed.append(other)
    missing = np.flatnonzero(~seen)
    if missing.size:
        reading.find(
            reading.length, f"{missing.size} blocks missing, first {missing[0]}", f"a line for {n_blocks} blocks"
        )
    reading.check()
    precedence = Precedence(n_blocks, np.array(blocks, np.int64), np.array(needed, np.int64))
    cycle = _cycle(precedence)
    if cycle:
        reading.find(1, "cycle " + " needs ".join(str(block) for block in cycle), "precedence without a cycle")
    reading.check()
    return precedence


def read_schedule(path: Path, n_blocks: int, n_destinations: int, n_periods: int) -> ScheduleRows:
    """A ``.sol`` file of CPIT or PCPSP: block, destination, period, share.

    Args:
        path: The file.
        n_blocks: Blocks of the instance.
        n_destinations: Destinations, 1 in CPIT.
        n_periods: Periods.

    Raises:
        BadInput: Every fault found, with file and line.
    """
    reading = open_reading(path)
    plain = columns(reading.rows, 3, 1)
    if plain is not None and _within(plain, (n_blocks, n_destinations, n_periods)):
        index = plain[0]
        return ScheduleRows(index[:, 0], index[:, 1], index[:, 2], plain[1][:, 0])
    rows: list[tuple[int, int, int, float]] = []
    for line in reading.lines:
        if len(line.fields) != 4:
            reading.find(line.number, len(line.fields), "4 fields: block, destination, period, share")
            continue
        block = reading.integer(line, 0, "block", n_blocks)
        destination = reading.integer(line, 1, "destination", n_destinations)
        period = reading.integer(line, 2, "period", n_periods)
        share = reading.number(line, 3, "share")
        if not -_SHARE_SLACK <= share <= 1.0 + _SHARE_SLACK:
            reading.find(line.number, share, "a share in 0..1")
        rows.append((block, destination, period, share))
    reading.check()
    table = np.array(rows, np.float64).reshape(-1, 4)
    whole = table[:, :3].astype(np.int64)
    return ScheduleRows(whole[:, 0], whole[:, 1], whole[:, 2], table[:, 3].copy())


def _plain_blocks(reading: Reading) -> Blocks | None:
    """The blocks, where every line is plain."""
    words = [row.replace(":", " ").split() for row in reading.rows]
    widths = set(map(len, words))
    if len(widths) != 1 or min(widths) < 4 or any("%" in row for row in reading.rows):
        return None
    plain = columns([" ".join(word[:4]) for word in words], 1, 3)
    if plain is None or not once(plain[0][:, 0], len(words)) or np.abs(plain[1]).max() > LARGEST:
        return None
    order = np.argsort(plain[0][:, 0])
    return Blocks(plain[1][order].astype(np.int64), tuple(tuple(words[line][4:]) for line in order))


def _plain_precedence(path: Path, n_blocks: int) -> Precedence | None:
    """The precedence, where every line is plain and there is no cycle."""
    try:
        arcs = lists(path.read_bytes(), n_blocks)
    except OSError:
        return None
    except MemoryError:
        told = f"{path.stat().st_size / 1e6:,.0f} MB"
        raise BadInput([Finding(path.name, told, "a file that fits into the memory that is free")]) from None
    if arcs is None or (arcs[0] == arcs[1]).any():
        return None
    graph = sparse.csr_array((np.ones(arcs[0].size, np.int8), arcs), shape=(n_blocks, n_blocks))
    if csgraph.connected_components(graph, connection="strong")[0] < n_blocks:
        return None
    return Precedence(n_blocks, *arcs)


def _within(plain: tuple[Integers, Floats], most: tuple[int, ...]) -> bool:
    """Whether indices are in range, and shares between 0 and 1."""
    index, share = plain
    if (index < 0).any() or (index >= np.array(most)).any():
        return False
    return bool((share >= -_SHARE_SLACK).all() and (share <= 1.0 + _SHARE_SLACK).all())


def _once(reading: Reading, line: Line, seen: NDArray[np.bool_], n: int) -> int:
    """Block of a line, marked as seen; -1 with a finding where it is out of range or repeated."""
    block = reading.integer(line, 0, "block", n)
    if block >= 0 and seen[block]:
        reading.find(line.number, block, "each block once")
        return -1
    if block >= 0:
        seen[block] = True
    return block


def _cycle(precedence: Precedence) -> list[int]:
    """Blocks of one cycle, the first repeated at the end; empty where there is none.

    Blocks that need nothing left are taken away until none is; only what remains is searched.
    """
    tail: Integers = precedence.block
    head: Integers = precedence.needed
    while True:
        waiting = np.bincount(tail, minlength=precedence.n_blocks)
        kept = waiting[head] > 0
        if kept.all():
            break
        tail, head = tail[kept], head[kept]
    if not tail.size:
        return []
    graph = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    arcs = nx.find_cycle(graph)
    return [int(arc[0]) for arc in arcs] + [int(arcs[0][0])]
