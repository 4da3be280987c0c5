"""How large a problem is, what memory it is expected to take, and whether that is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from instances.findings import BadInput, Finding

if TYPE_CHECKING:
    from instances.minelib import Constrained, Precedence
    from solvers.relaxation import ClosureProgram

BYTES_A_PROCESS = 350_000_000
"""Memory of a process with its libraries."""
BYTES_AN_ARC = 70
"""For reading a MineLib problem, and its ultimate pit: 2.2 million blocks with 73 million arcs took 4.2 GB."""
BYTES_A_CELL, BYTES_A_CELL_IN_WORKERS = 200, 140
"""For a node in a step with one destination: of the same problem 12 million lie within the pit."""


@dataclass(frozen=True)
class Size:
    """A problem by blocks.

    Attributes:
        nodes: of the time-expanded graph.
        arcs: of the same.
        bytes: that all processes are expected to take.
    """

    nodes: int
    arcs: int
    bytes: int

    def __str__(self) -> str:
        """One line."""
        return f"{self.nodes:,} nodes, {self.arcs:,} arcs, about {self.bytes / 1e9:.1f} GB of memory"


def size_of_program(whole: ClosureProgram, within: ClosureProgram, processes: int) -> Size:
    """Size of a MineLib problem.

    Args:
        whole: the program of the whole problem.
        within: what of it is worked on.
        processes: that search at the same time beside the main one, a count; 0 for a bound alone.
    """
    nodes = within.n_nodes * within.n_steps
    cells = within.n_parts * within.n_steps * within.n_choices
    each = BYTES_A_CELL + processes * BYTES_A_CELL_IN_WORKERS
    fixed = BYTES_AN_ARC * whole.arc_tail.size + (1 + processes) * BYTES_A_PROCESS
    return Size(nodes, within.arc_tail.size * within.n_steps + nodes - within.n_nodes, fixed + each * cells)


def size_of_tables(problem: Constrained, precedence: Precedence) -> Size:
    """The least that a MineLib problem takes: tables of what every block is worth and where it goes in every period."""
    nodes = problem.n_blocks * problem.n_periods
    arcs = precedence.block.size * problem.n_periods + nodes - problem.n_blocks
    return Size(nodes, arcs, 2 * 8 * nodes * problem.n_destinations)


def available_memory() -> int | None:
    """Memory that can be had without swapping, bytes; ``None`` where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def refuse_beyond_memory(size: Size, place: str, advice: str = "") -> None:
    """Refuses what does not fit.

    Args:
        size: of the problem.
        place: what asked for it.
        advice: what to do instead.

    Raises:
        BadInput: where the memory that is free is not enough.
    """
    free = available_memory()
    if free is None or size.bytes <= free:
        return
    told = f"{size.bytes / 1e9:.1f} GB for {size.nodes:,} nodes and {size.arcs:,} arcs"
    raise BadInput([Finding(place, told, f"at most the {free / 1e9:.1f} GB of memory that are free{advice}")])
