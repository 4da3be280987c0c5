"""Instances of MineLib: the files of one read together, as a closure program, its ultimate pit and its hash.

MineLib discounts the value of period t by (1 + rate)^t with t from 0. Values are money, undiscounted on file; resources
have whatever unit their file uses.

Source: Espinoza, Goycoolea, Moreno, Newman (2013), "MineLib: a library of open pit mining problems", Annals of
Operations Research 206:93.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from instances.findings import BadInput, Finding
from instances.minelib import read_blocks, read_cpit, read_pcpsp, read_precedence, read_upit
from scheduler.memory import refuse_beyond_memory, size_of_tables
from solvers.closure import PseudoflowKernel, closure_graph, scale_up
from solvers.relaxation import ClosureProgram
from solvers.ultimate_pit import ultimate_pit as pit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from instances.minelib import Blocks, Constrained, Precedence, UltimatePit
    from solvers.closure import KernelFactory
    from solvers.ultimate_pit import UltimatePit as PitOfProgram

CPIT, PCPSP, UPIT = ".cpit", ".pcpsp", ".upit"
SCHEDULED = (CPIT, PCPSP)
"""Endings of the problems that have periods."""


@dataclass(frozen=True, eq=False)
class MineLibInstance:
    """A problem with periods, the precedence of its blocks, and their places where a file gives them."""

    problem: Constrained
    precedence: Precedence
    blocks: Blocks | None

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what was read, 64 hexadecimal digits: equal for equal problems whatever the layout of the files.

        Neither the name nor the places of the blocks count; the order of arcs and coefficients does not, and
        coefficients of zero are as good as none.
        """
        problem, precedence = self.problem, self.precedence
        digest = hashlib.sha256(b"pitwise minelib 1")
        used, general = problem.resources, problem.general
        _add(digest, problem.kind.encode())
        _add(digest, np.array([problem.n_blocks, problem.n_destinations, problem.n_periods], np.int64))
        _add(digest, np.array([problem.discount_rate]))
        _add(digest, np.where(problem.forbidden, 0.0, problem.value))
        _add(digest, problem.forbidden)
        for limits in (problem.resource_limits, problem.general_limits):
            _add(digest, limits.lower)
            _add(digest, limits.upper)
        _add_sorted(digest, (used.block, used.destination, used.resource), used.amount)
        _add_sorted(digest, (general.block, general.destination, general.period, general.row), general.coefficient)
        # Sorted here: np.unique of whole numbers takes ten times as long (numpy 2.4).
        arcs = np.sort(precedence.block * precedence.n_blocks + precedence.needed)
        arcs = arcs[np.diff(arcs, prepend=-1) > 0]
        _add(digest, np.stack(np.divmod(arcs, precedence.n_blocks), axis=1))
        return digest.hexdigest()

    @cached_property
    def program(self) -> ClosureProgram:
        """The linear relaxation; see ``closure_program``."""
        return closure_program(self.problem, self.precedence)

    @cached_property
    def pit(self) -> PitOfProgram | None:
        """The ultimate pit of the program, None without one that may be worked in instead; see ``ultimate_pit``."""
        return pit_of(self.program)


@dataclass(frozen=True, eq=False)
class PitInstance:
    """An ultimate-pit problem, the precedence of its blocks, and their places where a file gives them."""

    pit: UltimatePit
    precedence: Precedence
    blocks: Blocks | None


@dataclass(frozen=True, eq=False)
class Pit:
    """An ultimate pit.

    Attributes:
        value: Undiscounted value of its blocks, money.
        bound: No pit is worth more: the closure in integers rounded up, money.
        member: Blocks in the pit ``(n,)``.
        kernel: Name and version of the closure kernel trusted.
    """

    value: float
    bound: float
    member: NDArray[np.bool_]
    kernel: str


def read_instance(
    path: str | Path, precedence: str | Path | None = None, blocks: str | Path | None = None
) -> MineLibInstance:
    """A ``.cpit`` or ``.pcpsp`` file with its ``.prec`` and, where there is one, its ``.blocks`` file.

    Args:
        path: The problem; its ending says of which kind.
        precedence: The ``.prec`` file; the one of the same name beside it unless given.
        blocks: The ``.blocks`` file; the one of the same name beside it, if any, unless given.

    Raises:
        BadInput: Every fault of the first file that has any, or periods and blocks that no memory holds.
    """
    file = checked_ending(path, SCHEDULED)
    arcs_file = _precedence_file(file, precedence)
    problem = read_cpit(file) if file.suffix.lower() == CPIT else read_pcpsp(file)
    arcs = read_precedence(arcs_file, problem.n_blocks)
    refuse_beyond_memory(size_of_tables(problem, arcs), f"{file.name} with {problem.n_periods:,} periods")
    return MineLibInstance(problem, arcs, _read_blocks(file, blocks, problem.n_blocks))


def read_pit(path: str | Path, precedence: str | Path | None = None, blocks: str | Path | None = None) -> PitInstance:
    """A ``.upit`` file with its ``.prec`` and, where there is one, its ``.blocks`` file; see ``read_instance``."""
    file = checked_ending(path, (UPIT,))
    arcs_file = _precedence_file(file, precedence)
    pit = read_upit(file)
    arcs = read_precedence(arcs_file, pit.value.size)
    return PitInstance(pit, arcs, _read_blocks(file, blocks, pit.value.size))


def closure_program(problem: Constrained, precedence: Precedence) -> ClosureProgram:
    """The linear relaxation of a problem, without any reduction.

    A node and a part a block, a step a period, a choice a destination. Row ``r * T + t`` limits resource r in period t;
    the general rows follow. The objective is discounted money, rows are in the units of their limits.
    """
    n, T, D = problem.n_blocks, problem.n_periods, problem.n_destinations
    used, general = problem.resources, problem.general
    steps = np.arange(T)
    row = (used.resource[:, None] * T + steps).ravel()
    column = ((used.block[:, None] * T + steps) * D + used.destination[:, None]).ravel()
    first = problem.resource_limits.lower.size
    rows = sparse.csr_array(
        (
            np.concatenate([np.repeat(used.amount, T), general.coefficient]),
            (
                np.concatenate([row, first + general.row]),
                np.concatenate([column, (general.block * T + general.period) * D + general.destination]),
            ),
        ),
        shape=(first + problem.general_limits.lower.size, n * T * D),
    )
    barred = problem.forbidden.any()
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=precedence.block,
        arc_head=precedence.needed,
        part_node=np.arange(n),
        value=problem.value[:, None, :] * problem.discount()[None, :, None],
        allowed=np.repeat(~problem.forbidden[:, None, :], T, axis=1) if barred else None,
        rows=rows,
        row_lower=np.concatenate([problem.resource_limits.lower.ravel(), problem.general_limits.lower]),
        row_upper=np.concatenate([problem.resource_limits.upper.ravel(), problem.general_limits.upper]),
    )


def ultimate_pit(instance: PitInstance, kernel: KernelFactory = PseudoflowKernel) -> Pit:
    """The pit of largest undiscounted value, by one maximum closure (Picard 1976)."""
    value, arcs = instance.pit.value, instance.precedence
    integers, scale = scale_up(value)
    compiled = kernel(closure_graph(value.size, arcs.block, arcs.needed))
    closure = compiled.solve(integers)
    return Pit(math.fsum(value[closure.member]), closure.value / scale, closure.member, compiled.name)


def checked_ending(path: str | Path, endings: tuple[str, ...]) -> Path:
    """The path, or BadInput where it does not end in one of the endings or is no file."""
    file = Path(path)
    if file.suffix.lower() not in endings:
        raise BadInput([Finding(str(file), file.suffix, f"a MineLib file that ends in {' or '.join(endings)}")])
    if not file.is_file():
        raise BadInput([Finding(str(file), None, "a file of this name")])
    return file


def _precedence_file(file: Path, given: str | Path | None) -> Path:
    """The file given, or the one of the same name beside the problem; BadInput where there is none."""
    if given is not None:
        return Path(given)
    beside = file.with_suffix(".prec")
    if not beside.is_file():
        others = sorted(path.name for path in file.parent.glob("*.prec"))
        expected = f"the precedence of {file.name} in a file of this name, or --precedence FILE"
        raise BadInput([Finding(str(beside), None, expected, others[0] if others else None)])
    return beside


def _read_blocks(file: Path, given: str | Path | None, n_blocks: int) -> Blocks | None:
    """The blocks file given or beside the problem, None where there is none; it must have as many blocks."""
    chosen = file.with_suffix(".blocks") if given is None else Path(given)
    if given is None and not chosen.is_file():
        return None
    blocks = read_blocks(chosen)
    found = len(blocks.coordinates)
    if found != n_blocks:
        raise BadInput([Finding(str(chosen), f"{found} blocks", f"the {n_blocks} blocks of {file.name}")])
    return blocks


def _add(digest: hashlib._Hash, part: bytes | NDArray[np.generic]) -> None:
    """Adds bytes, or an array with its type and shape, numbers in little-endian order and -0 as 0."""
    if isinstance(part, bytes):
        digest.update(len(part).to_bytes(8, "little") + part)
        return
    if np.issubdtype(part.dtype, np.floating):
        part = np.asarray(part, np.float64) + 0.0
    kind = part.dtype.newbyteorder("<")
    digest.update(f"{part.dtype.kind}{part.dtype.itemsize}{part.shape}".encode())
    digest.update(np.ascontiguousarray(part, dtype=kind).tobytes())


def _add_sorted(digest: hashlib._Hash, index: tuple[NDArray[np.int64], ...], coefficient: NDArray[np.float64]) -> None:
    """Adds nonzero coefficients in the order of their indices."""
    order = np.lexsort(index[::-1])
    order = order[coefficient[order] != 0.0]
    for column in (*index, coefficient):
        _add(digest, column[order])
