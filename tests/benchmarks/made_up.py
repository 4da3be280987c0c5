"""A made-up CPIT or PCPSP as MineLib files, of the size and the density of arcs of the larger models of MineLib.

    python -m tests.benchmarks.made_up FOLDER/largest --levels 60 --side 190 --periods 20
    python -m tests.benchmarks.made_up FOLDER/within --levels 45 --side 110 --periods 15 --pit-alone

An ore body as that of ``growth.py``; a block needs the cross of five above it and, from two to five levels up, what of
the circle of 45 degrees these do not imply: 34 arcs a block away from the walls. One capacity, of the mill, holds nine
tenths of the ore of the ultimate pit; ore is what is worth more in the mill. ``--pit-alone`` keeps the blocks of the
pit and no others; ``--pcpsp`` leaves the destination open and limits all that is mined to nine tenths as well;
``--blend``, with it, keeps the mean of a contaminant in what is milled in each period within five hundredths of that of
all ore, by two general rows a period, and ``--least`` fills the mill to that share of its capacity in the first half of
the periods. With ``--reach 0`` a block needs the one above alone, with ``--reach 1`` the cross of five. The first line
above makes 2,166,000 blocks with 72,796,160 arcs, 605 MB.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

from instances.minelib import Constrained, GeneralRows, Limits, Precedence, Resources, write_precedence, write_problem
from tests.benchmarks.growth import RATE, ore_body, pit_of

REACH = 5


def offsets(reach: int) -> list[tuple[int, int, int]]:
    """Levels up, rows and columns aside, of what a block needs."""
    cross = [(1, 0, 0), (1, 1, 0), (1, -1, 0), (1, 0, 1), (1, 0, -1)]
    return cross[: 5 if reach else 1] + [
        (up, i, j)
        for up in range(2, reach + 1)
        for i in range(-up, up + 1)
        for j in range(-up, up + 1)
        if up - 1.0 < math.hypot(i, j) <= up and abs(i) + abs(j) > up
    ]


def arcs_of(levels: int, side: int, reach: int = REACH) -> tuple[np.ndarray, np.ndarray]:
    """Tails and heads."""
    number = np.arange(levels * side * side, dtype=np.int32).reshape(levels, side, side)
    tails, heads = [], []
    for up, i, j in offsets(reach):
        a, b = slice(max(i, 0), side + min(i, 0)), slice(max(-i, 0), side + min(-i, 0))
        c, d = slice(max(j, 0), side + min(j, 0)), slice(max(-j, 0), side + min(-j, 0))
        tails.append(number[up:, a, c].ravel())
        heads.append(number[:-up, b, d].ravel())
    return np.concatenate(tails).astype(np.int64), np.concatenate(heads).astype(np.int64)


def made_up(
    levels: int,
    side: int,
    periods: int,
    *,
    pit_alone: bool,
    seed: int,
    open_destinations: bool = False,
    blend: bool = False,
    least: float = 0.0,
    reach: int = REACH,
) -> tuple[Constrained, Precedence]:
    """The problem and its precedence."""
    tonnes, waste, milled = ore_body(levels, side, side, seed, tonnes_each=1000.0)
    contaminant = smooth(levels, side, seed)
    waste, milled = np.round(waste, 2), np.round(milled, 2)
    tail, head = arcs_of(levels, side, reach)
    pit = pit_of(tail, head, np.maximum(waste, milled))
    ore = milled > waste
    mill, mine = 0.9 * float(tonnes[pit & ore].sum()) / periods, 0.9 * float(tonnes[pit].sum()) / periods
    if pit_alone:
        number, inside = np.cumsum(pit) - 1, pit[tail]
        tail, head = number[tail[inside]], number[head[inside]]
        tonnes, waste, milled, ore = tonnes[pit], waste[pit], milled[pit], ore[pit]
        contaminant = contaminant[pit]
    every = np.arange(tonnes.size)
    if open_destinations:
        # The dump and the mill; resource 0 is all that is mined, 1 what is milled.
        value, limits = np.column_stack([waste, milled]), np.array([mine, mill])
        uses = [(every, 0, 0), (every, 1, 0), (every, 1, 1)]
    else:
        value, limits = np.maximum(waste, milled)[:, None], np.array([mill])
        uses = [(np.flatnonzero(ore), 0, 0)]
    block = np.concatenate([blocks for blocks, _, _ in uses])
    destination = np.concatenate([np.full(blocks.size, to) for blocks, to, _ in uses])
    resource = np.concatenate([np.full(blocks.size, held) for blocks, _, held in uses])
    upper = np.tile(limits[:, None], periods)
    lower = np.full(upper.shape, -np.inf)
    if least > 0.0:
        lower[-1, : periods // 2] = least * upper[-1, : periods // 2]
    general, general_limits = blending(tonnes, contaminant, ore, periods if blend else 0)
    problem = Constrained(
        name="made-up",
        kind="PCPSP" if open_destinations else "CPIT",
        n_periods=periods,
        discount_rate=RATE,
        value=value,
        forbidden=np.zeros(value.shape, np.bool_),
        resource_limits=Limits(lower, upper),
        resources=Resources(block, destination, resource, tonnes[block]),
        general_limits=general_limits,
        general=general,
    )
    return problem, Precedence(tonnes.size, tail, head)


def smooth(levels: int, side: int, seed: int) -> np.ndarray:
    """A contaminant of every block ``(n,)``: lognormal, alike among neighbours."""
    noise = ndimage.gaussian_filter(np.random.default_rng([seed, 1]).normal(size=(levels, side, side)), sigma=4.0)
    return np.round(np.exp(0.4 * noise / noise.std()), 3).ravel()


def blending(tonnes: np.ndarray, grade: np.ndarray, ore: np.ndarray, periods: int) -> tuple[GeneralRows, Limits]:
    """Two rows a period: the mean grade of what goes to destination 1, at most and at least near that of all ore."""
    mean = float((tonnes * grade)[ore].sum() / tonnes[ore].sum())
    block, held = np.arange(tonnes.size), []
    for period in range(periods):
        held += [(2 * period, period, 1.05 * mean), (2 * period + 1, period, 0.95 * mean)]
    rows = np.array([row for row, _, _ in held], np.int64)
    size, count = block.size, len(held)
    coefficient = [np.round(tonnes * (grade - limit), 2) for _, _, limit in held]
    general = GeneralRows(
        np.tile(block, count),
        np.ones(size * count, np.int64),
        np.repeat(np.array([period for _, period, _ in held], np.int64), size),
        np.repeat(rows, size),
        np.concatenate([np.zeros(0), *coefficient]),
    )
    return general, Limits(np.where(rows % 2 == 0, -np.inf, 0.0), np.where(rows % 2 == 0, 0.0, np.inf))


def write(problem: Constrained, precedence: Precedence, path: Path) -> Path:
    """Writes both files; the path of the problem."""
    written = path.with_suffix(f".{problem.kind.lower()}")
    write_problem(problem, written)
    write_precedence(precedence, path.with_suffix(".prec"))
    return written


def main() -> None:
    """Writes the two files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="of both files, without their endings")
    parser.add_argument("--levels", type=int, default=60)
    parser.add_argument("--side", type=int, default=190)
    parser.add_argument("--periods", type=int, default=20)
    parser.add_argument("--pit-alone", action="store_true")
    parser.add_argument("--pcpsp", action="store_true")
    parser.add_argument("--blend", action="store_true")
    parser.add_argument("--least", type=float, default=0.0)
    parser.add_argument("--reach", type=int, default=REACH)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    problem, precedence = made_up(
        asked.levels,
        asked.side,
        asked.periods,
        pit_alone=asked.pit_alone,
        seed=asked.seed,
        open_destinations=asked.pcpsp,
        blend=asked.blend,
        least=asked.least,
        reach=asked.reach,
    )
    write(problem, precedence, asked.path)
    sys.stdout.write(f"{problem.n_blocks:,} blocks, {precedence.block.size:,} arcs, {problem.n_periods} periods\n")


if __name__ == "__main__":
    main()
