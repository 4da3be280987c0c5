"""Builds the block table of the Huckleberry Main Zone Optimization mine.

No geometry of the mine was ever published. This generator lays out a pit that an engineer would accept and that adds
up, to a tenth of a per cent, to every tonnage and grade that was published or that the central case assumes:

1. The Main Zone pit (MZO) is an elliptic cone with 45 degree walls and a flat floor. It is cut from the cells nearest
   its axis, exactly as many as the tonnage asks for, so it stays closed under its slopes.
2. The old Main Zone pit, a smaller bowl within it, is filled: backfilled rock below, tailings over it.
3. MZO is cut into three pushbacks, from west to east, each closed under the slopes once the one before is gone.
4. The Main Zone Extension (MZX) is a second cone to the west with walls of its own, one phase.
5. Copper is a Gaussian random field, smoothed over some blocks and richer towards the axis. The ranks of the field
   decide which blocks are direct ore, low-grade ore and waste (exactly as many of each as the tonnage asks for); the
   grades follow from the ranks within each class and are scaled to its published or assumed mean.
6. How much direct ore can be reached before fill is moved is a parameter: the blocks whose cone meets no fill hold
   just that much of it.

Everything follows from the parameters and one seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from instances.geometry.slopes import Grid, Slope, slope_arcs

SIZE_M = (20.0, 20.0, 12.0)
VOLUME_M3 = SIZE_M[0] * SIZE_M[1] * SIZE_M[2]
MATERIALS = ("direct_ore", "low_grade_ore", "waste_rock", "backfill", "tailings")
DIRECT, LOW, WASTE, BACKFILL, TAILINGS = range(5)
FILL_SLOPE_DEG = {BACKFILL: 35.0, TAILINGS: 20.0}
ROCK_SLOPE_DEG = 45.0


@dataclass(frozen=True)
class Parameters:
    """What the table has to add up to (huckleberry reserve statement and central case) and how it is laid out.

    Tonnes in Mt, grades in per cent copper, densities in t/m3, lengths in blocks of 20 m.
    """

    mzo_direct_mt: float = 31.0
    mzo_direct_pct: float = 0.375
    mzo_low_grade_mt: float = 8.7
    mzo_low_grade_pct: float = 0.23
    mzo_strip_ratio: float = 1.51
    tailings_mt: float = 8.0
    backfill_mt: float = 12.0
    mzx_ore_mt: float = 21.5
    mzx_ore_pct: float = 0.38
    mzx_strip_ratio: float = 1.37
    reachable_direct_mt: float = 1.0
    low_grade_from_pct: float = 0.20
    direct_from_pct: float = 0.26
    rock_t_per_m3: float = 2.7
    backfill_t_per_m3: float = 2.0
    tailings_t_per_m3: float = 1.6
    mzo_benches: int = 15
    mzx_benches: int = 12
    old_pit_benches: int = 7
    pushback_shares: tuple[float, float] = (0.34, 0.67)
    correlation_blocks: tuple[float, float, float] = (2.5, 2.5, 1.5)
    seed: int = 2011


def build(parameters: Parameters | None = None) -> pd.DataFrame:
    """The block table, a row a block.

    Columns: block (name), ix, iy, iz (cell; iz counts upwards), phase, sector, material, tonnes (t), cu_pct (% Cu).

    Raises:
        ValueError: where the layout cannot hold the tonnages asked for.
    """
    p = parameters or Parameters()
    rng = np.random.default_rng(p.seed)
    pits = [_mzx(p, rng), _mzo(p, rng)]
    table = pd.concat(pits, ignore_index=True)
    table = table.sort_values(["phase", "iz", "sector", "iy", "ix"], ascending=[True, False, True, True, True])
    table.insert(0, "block", [f"{x:03d}-{y:03d}-{z:02d}" for x, y, z in table[["ix", "iy", "iz"]].to_numpy()])
    return table.reset_index(drop=True)


def _margin(
    cells: NDArray[np.int64], centre: tuple[float, float], top: int, stretch: float = 0.7
) -> NDArray[np.float64]:
    """How far inside a 45 degree elliptic cone each cell lies, in blocks; the larger the further.

    The ellipse is the circle stretched along y; its norm changes by at most one block a block, so a block's cone at
    the wall's slope never has a smaller margin than the block: every set of all cells above some margin is closed.
    """
    across = cells[:, 0] - centre[0]
    along = (cells[:, 1] - centre[1]) * stretch
    down = (top - cells[:, 2]) * SIZE_M[2] / SIZE_M[0] / np.tan(np.radians(ROCK_SLOPE_DEG))
    return np.asarray(-np.hypot(across, along) - down)


def _cone(centre: tuple[float, float], benches: int, top: int, count: int) -> NDArray[np.int64]:
    """The ``count`` cells furthest inside a cone of so many benches, shape ``(count, 3)``."""
    side = np.arange(-45, 46)
    grid = np.stack(np.meshgrid(side, side, np.arange(benches), indexing="ij"), axis=-1).reshape(-1, 3)
    cells = grid + np.array([round(centre[0]), round(centre[1]), top - benches + 1])
    margin = _margin(cells, centre, top)
    order = np.lexsort((cells[:, 1], cells[:, 0], -cells[:, 2], -np.round(margin, 9)))
    chosen: NDArray[np.int64] = cells[order[:count]]
    if margin[order[count]] < -43:
        raise ValueError("the pit is wider than its grid; give it more benches")
    return chosen


def _from_axis(cells: NDArray[np.int64], centre: tuple[float, float]) -> NDArray[np.float64]:
    """Horizontal distance of each cell from a pit's axis, standardised: no bench is richer for its depth."""
    distance = np.hypot(cells[:, 0] - centre[0], cells[:, 1] - centre[1])
    return np.asarray((distance - distance.mean()) / distance.std())


def _field(cells: NDArray[np.int64], p: Parameters, rng: np.random.Generator) -> NDArray[np.float64]:
    """A correlated standard normal value for each cell."""
    low = cells.min(axis=0)
    shape = cells.max(axis=0) - low + 1
    noise = gaussian_filter(rng.standard_normal(shape), p.correlation_blocks, mode="nearest")
    value = noise[tuple((cells - low).T)]
    return np.asarray((value - value.mean()) / value.std())


def _ranked_grades(score: NDArray[np.float64], low: float, high: float | None, mean: float) -> NDArray[np.float64]:
    """Grades in the order of ``score``, from ``low`` up (to ``high`` where given), averaging ``mean``.

    Without an upper end they follow an exponential distribution, with one a power of the uniform.
    """
    rank = (np.argsort(np.argsort(score, kind="stable"), kind="stable") + 0.5) / len(score)
    if high is None:
        shape = -np.log1p(-rank)
        return np.asarray(low + shape * (mean - low) / shape.mean())
    power = (high - low) / (mean - low) - 1.0
    shape = rank**power
    return np.asarray(low + shape * (mean - low) / shape.mean())


def _blocks(mt: float, density: float) -> int:
    return round(mt * 1e6 / (VOLUME_M3 * density))


def _frame(
    cells: NDArray[np.int64],
    phase: list[str],
    sector: list[str],
    *,
    material: NDArray[np.int64],
    grade: NDArray[np.float64],
    p: Parameters,
) -> pd.DataFrame:
    density = np.array([p.rock_t_per_m3] * 3 + [p.backfill_t_per_m3, p.tailings_t_per_m3])
    return pd.DataFrame(
        {
            "ix": cells[:, 0],
            "iy": cells[:, 1],
            "iz": cells[:, 2],
            "phase": phase,
            "sector": sector,
            "material": [MATERIALS[number] for number in material],
            "tonnes": VOLUME_M3 * density[material],
            "cu_pct": np.round(grade, 4),
        }
    )


def _mzx(p: Parameters, rng: np.random.Generator) -> pd.DataFrame:
    ore = _blocks(p.mzx_ore_mt, p.rock_t_per_m3)
    count = ore + _blocks(p.mzx_ore_mt * p.mzx_strip_ratio, p.rock_t_per_m3)
    centre, top = (24.0, 46.0), 19
    cells = _cone(centre, p.mzx_benches, top, count)
    score = _field(cells, p, rng) - 0.6 * _from_axis(cells, centre)
    rich = np.argsort(-score, kind="stable")[:ore]
    material = np.full(count, WASTE)
    material[rich] = DIRECT
    grade = np.empty(count)
    grade[rich] = _ranked_grades(score[rich], p.direct_from_pct, None, p.mzx_ore_pct)
    waste = material == WASTE
    grade[waste] = _ranked_grades(score[waste], 0.0, p.low_grade_from_pct, 0.4 * p.low_grade_from_pct)
    sector = ["north" if y >= centre[1] else "south" for y in cells[:, 1]]
    return _frame(cells, ["mzx"] * count, sector, material=material, grade=grade, p=p)


def _mzo(p: Parameters, rng: np.random.Generator) -> pd.DataFrame:
    ore_mt = p.mzo_direct_mt + p.mzo_low_grade_mt
    counts = {
        DIRECT: _blocks(p.mzo_direct_mt, p.rock_t_per_m3),
        LOW: _blocks(ore_mt, p.rock_t_per_m3) - _blocks(p.mzo_direct_mt, p.rock_t_per_m3),
        WASTE: _blocks(ore_mt * p.mzo_strip_ratio - p.tailings_mt - p.backfill_mt, p.rock_t_per_m3),
        BACKFILL: _blocks(p.backfill_mt, p.backfill_t_per_m3),
        TAILINGS: _blocks(p.tailings_mt, p.tailings_t_per_m3),
    }
    if counts[WASTE] < 0:
        raise ValueError("tailings and backfill exceed the waste that the strip ratio allows")
    centre, top = (72.0, 46.0), 19
    cells = _cone(centre, p.mzo_benches, top, sum(counts.values()))
    material = np.full(len(cells), WASTE)
    material[_fill(cells, centre, top, counts, p)] = BACKFILL
    filled = np.flatnonzero(material == BACKFILL)
    upwards = filled[np.lexsort((cells[filled, 0], cells[filled, 1], cells[filled, 2]))]
    material[upwards[counts[BACKFILL] :]] = TAILINGS
    grade = _mzo_ore(cells, material, counts, centre=centre, p=p, rng=rng)
    phase = _pushbacks(cells, centre, top, p)
    side = np.where(cells[:, 1] >= centre[1], "north", "south")
    sector = np.where(np.isin(material, (BACKFILL, TAILINGS)), "fill", side)
    return _frame(cells, [f"mzo{number}" for number in phase], list(sector), material=material, grade=grade, p=p)


def _fill(
    cells: NDArray[np.int64], centre: tuple[float, float], top: int, counts: dict[int, int], p: Parameters
) -> NDArray[np.int64]:
    """Rows of the old pit's bowl: the cells furthest inside it, as many as there is fill."""
    number = counts[BACKFILL] + counts[TAILINGS]
    bowl = np.flatnonzero(top - cells[:, 2] < p.old_pit_benches)
    inside = _margin(cells[bowl], centre, top)
    order = np.lexsort((cells[bowl, 1], cells[bowl, 0], -cells[bowl, 2], -np.round(inside, 9)))
    if number > len(bowl):
        raise ValueError("the old pit cannot hold its fill; give it more benches")
    return np.asarray(bowl[order[:number]])


def _mzo_ore(
    cells: NDArray[np.int64],
    material: NDArray[np.int64],
    counts: dict[int, int],
    *,
    centre: tuple[float, float],
    p: Parameters,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Turns waste rows of ``material`` into ore, in place, and gives the grade of every row in per cent."""
    filled = np.isin(material, (BACKFILL, TAILINGS))
    score = _field(cells, p, rng) - 0.6 * _from_axis(cells, centre)
    covered = _covered(cells, material)
    rock = np.flatnonzero(~filled)
    reachable = min(_blocks(p.reachable_direct_mt, p.rock_t_per_m3), counts[DIRECT])
    free, under = rock[~covered[rock]], rock[covered[rock]]
    if len(under) < counts[DIRECT] - reachable or len(free) < reachable:
        raise ValueError("the pit has not so much rock under, or beside, its fill")
    free = free[np.argsort(-score[free], kind="stable")]
    under = under[np.argsort(-score[under], kind="stable")]
    material[free[:reachable]] = DIRECT
    material[under[: counts[DIRECT] - reachable]] = DIRECT
    rest = np.concatenate([free[reachable:], under[counts[DIRECT] - reachable :]])
    rest = rest[np.argsort(-score[rest], kind="stable")]
    material[rest[: counts[LOW]]] = LOW
    grade = np.zeros(len(cells))
    for number, low, high, mean in (
        (DIRECT, p.direct_from_pct, None, p.mzo_direct_pct),
        (LOW, p.low_grade_from_pct, p.direct_from_pct, p.mzo_low_grade_pct),
        (WASTE, 0.0, p.low_grade_from_pct, 0.4 * p.low_grade_from_pct),
    ):
        rows = np.flatnonzero(material == number)
        grade[rows] = _ranked_grades(score[rows], low, high, mean)
    return grade


def _covered(cells: NDArray[np.int64], material: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the cone of each block meets fill."""
    slopes = {number: Slope(FILL_SLOPE_DEG.get(number, ROCK_SLOPE_DEG)) for number in range(len(MATERIALS))}
    arcs = slope_arcs(Grid.of(cells, material), slopes, SIZE_M)
    covered = np.isin(material, (BACKFILL, TAILINGS))
    for level in range(int(cells[:, 2].max()), int(cells[:, 2].min()) - 1, -1):
        here = arcs[cells[arcs[:, 0], 2] == level]
        covered[here[covered[here[:, 1]], 0]] = True
    return np.asarray(covered)


def _pushbacks(cells: NDArray[np.int64], centre: tuple[float, float], top: int, p: Parameters) -> NDArray[np.int64]:
    """Pushback of each cell, 1 to 3: cones whose axes move eastwards, each cut to its share of the blocks."""
    phase = np.full(len(cells), 3)
    for number, (share, shift) in reversed(list(enumerate(zip(p.pushback_shares, (-7.0, -2.0), strict=True), start=1))):
        inside = _margin(cells, (centre[0] + shift, centre[1]), top)
        order = np.lexsort((cells[:, 1], cells[:, 0], -cells[:, 2], -np.round(inside, 9)))
        phase[order[: round(share * len(cells))]] = number
    return phase
