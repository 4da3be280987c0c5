"""Scheduling units: what is mined as one, a block or a panel, with its parcels and what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, Words
from instances.geometry.slopes import Grid, Slope, slope_arcs
from instances.geometry.voids import through_voids
from instances.instance import Instance

Resolution = Literal["panel", "block"]
TOLD_OF_A_CYCLE = 8
AT_ONCE = 5_000_000
"""Arcs between blocks that are looked at together, which keeps memory down."""


@dataclass(frozen=True)
class Units:
    """Scheduling units at one resolution.

    Attributes:
        resolution: ``panel`` (the blocks of one phase, bench and sector) or ``block``.
        units: a row a unit, indexed 0..U-1: unit (name), phase, bench (iz), sector, tonnes (t as mined).
        parcels: a row a parcel, indexed 0..P-1: parcel (name), unit (row of ``units``), material, grade_bin (text),
            tonnes (t as mined: after loss, with dilution), one column a grade, averaged by tonnes.
        arcs: a row an arc: unit, needs (rows of ``units``), lag_years.
        parcel_of_block: parcel of each row of the block table, -1 where nothing of the block is left to mine.
    """

    resolution: Resolution
    units: pd.DataFrame
    parcels: pd.DataFrame
    arcs: pd.DataFrame
    parcel_of_block: NDArray[np.int64]


def mined_tonnes(instance: Instance) -> pd.DataFrame:
    """Tonnes and grades of each block as it is mined: what is left at the start, after loss and with dilution.

    Returns:
        The columns tonnes and the grades, a row a block of the table.
    """
    blocks = instance.blocks
    number, names = pd.factorize(blocks["material"])
    materials = [instance.mine.materials[str(name)] for name in names]
    loss = np.asarray([material.mining_loss for material in materials])[number]
    dilution = np.asarray([material.dilution for material in materials])[number]
    factor = np.asarray([material.tonnes_factor for material in materials])[number]
    left = 1.0 - blocks["mined_fraction"].to_numpy(float)
    mined = pd.DataFrame({"tonnes": blocks["tonnes"] * factor * left * (1 - loss) * (1 + dilution)})
    for column in instance.grade_columns().values():
        mined[column] = blocks[column] / (1 + dilution)
    return mined


def scheduling_units(instance: Instance, resolution: Resolution, slope_pairs: NDArray[np.int64] | None = None) -> Units:
    """Units, parcels and precedence at a resolution.

    Args:
        instance: the mine.
        resolution: what is mined as one.
        slope_pairs: what :func:`block_arcs` gives, where it is known already.

    Raises:
        BadInput: where precedence runs in a cycle; it names the cycle.
    """
    units, unit_of_block = _units_of_blocks(instance, resolution)
    return replace(units, arcs=_arcs(instance, units.units, unit_of_block, resolution, slope_pairs))


def units_without_arcs(instance: Instance, resolution: Resolution) -> Units:
    """Units and parcels at a resolution, for those who look at a plan and schedule nothing: ``arcs`` is empty."""
    return _units_of_blocks(instance, resolution)[0]


def _units_of_blocks(instance: Instance, resolution: Resolution) -> tuple[Units, NDArray[np.int64]]:
    """The units, still without arcs, and the unit of each row of the block table, -1 where nothing is left to mine."""
    mined = mined_tonnes(instance)
    blocks = instance.blocks
    present = (mined["tonnes"] > 0).to_numpy()
    rows = blocks[present]
    name = (
        rows["block"] if resolution == "block" else rows["phase"] + "/" + rows["iz"].astype(str) + "/" + rows["sector"]
    )
    codes, names = pd.factorize(name)
    number = codes.astype(np.int64)
    first = (
        rows.assign(unit=number).groupby("unit", sort=True)[["phase", "iz", "sector"]].first().reset_index(drop=True)
    )
    units = pd.DataFrame({"unit": names, "phase": first["phase"], "bench": first["iz"], "sector": first["sector"]})
    bins = _grade_bins(instance, blocks, mined)[present]
    parcels, parcel = _parcels(
        instance, mined[present], rows["material"], unit=number, name=names.to_numpy(object)[number], bins=bins
    )
    units["tonnes"] = parcels.groupby("unit")["tonnes"].sum().reindex(units.index)
    parcel_of_block = np.full(len(blocks), -1, dtype=np.int64)
    parcel_of_block[present] = parcel
    unit_of_block = np.full(len(blocks), -1, dtype=np.int64)
    unit_of_block[present] = number
    return Units(resolution, units, parcels, _arc_table({}), parcel_of_block), unit_of_block


def _grade_bins(instance: Instance, blocks: pd.DataFrame, mined: pd.DataFrame) -> NDArray[np.int64]:
    """Number of the grade bin of each block: its edges are those of the panels and of the stockpile bins."""
    code = np.zeros(len(blocks), dtype=np.int64)
    for element, column in instance.grade_columns().items():
        edges = set(instance.mine.panels.grade_bins.get(element, ()))
        for pile in instance.mine.stockpiles().values():
            for store in pile.bins.values():
                edges |= {limit[element] for limit in (store.grade_from, store.grade_to) if element in limit}
        inner = np.asarray(sorted(edge for edge in edges if edge > 0), dtype=float)
        code = code * (len(inner) + 1) + np.searchsorted(inner, mined[column].to_numpy(float), side="right")
    return code


def _parcels(
    instance: Instance,
    mined: pd.DataFrame,
    material: pd.Series[str],
    *,
    unit: NDArray[np.int64],
    name: NDArray[np.object_],
    bins: NDArray[np.int64],
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The parcels, and the parcel of each row of ``mined``.

    Args:
        instance: the mine.
        mined: tonnes and grades as mined.
        material: material of each row.
        unit: unit of each row.
        name: name of that unit.
        bins: number of the grade bin of each row.
    """
    columns = list(instance.grade_columns().values())
    table = pd.DataFrame({"unit": unit, "material": material.to_numpy(), "grade_bin": bins, "name": name})
    table["tonnes"] = mined["tonnes"].to_numpy()
    for column in columns:
        table[column] = mined[column].to_numpy() * table["tonnes"]
    grouped = table.groupby(["unit", "material", "grade_bin"], sort=True)
    parcel: NDArray[np.int64] = np.asarray(grouped.ngroup(), dtype=np.int64)
    parcels = grouped[["tonnes", *columns]].sum().reset_index()
    for column in columns:
        parcels[column] /= parcels["tonnes"]
    parcels["grade_bin"] = parcels["grade_bin"].astype(str)
    label = grouped["name"].first().to_numpy(object)
    parcels.insert(0, "parcel", label + ":" + parcels["material"] + ":" + parcels["grade_bin"])
    return parcels, parcel


def block_arcs(instance: Instance) -> NDArray[np.int64]:
    """Precedence arcs between rows of the block table, shape ``(arcs, 2)``.

    From the slope of each block where the table has it, else from those of the materials.
    """
    turn = instance.mine.blocks.rotation_deg
    slopes = {
        number: Slope(
            material.slope_deg,
            tuple((s.from_azimuth_deg, s.to_azimuth_deg, s.slope_deg) for s in material.slope_sectors),
        ).turned(turn)
        for number, material in enumerate(instance.mine.materials.values())
    }
    cells = instance.blocks[["ix", "iy", "iz"]].to_numpy(np.int64)
    numbers = {name: number for number, name in enumerate(instance.mine.materials)}
    number: NDArray[np.int64] = np.asarray(instance.blocks["material"].map(numbers), dtype=np.int64)
    if "slope_deg" in instance.blocks:
        codes, angles = pd.factorize(instance.blocks["slope_deg"].to_numpy(np.float64))
        slopes = {code: Slope(float(angle)) for code, angle in enumerate(angles)}
        number = codes.astype(np.int64)
    error = instance.mine.precedence.slope_error_deg
    return slope_arcs(Grid.of(cells, number), slopes, instance.mine.blocks.size_m, error)


def _arcs(
    instance: Instance,
    units: pd.DataFrame,
    unit_of_block: NDArray[np.int64],
    resolution: Resolution,
    slope_pairs: NDArray[np.int64] | None,
) -> pd.DataFrame:
    found: dict[tuple[int, int], float] = {}
    pairs, (rows, lags) = np.empty((0, 2), np.int64), _further(instance)
    if instance.mine.precedence.slopes:
        pairs = block_arcs(instance) if slope_pairs is None else slope_pairs
        found.update(dict.fromkeys(_between_units(unit_of_block, pairs), 0.0))
    if resolution == "panel" and instance.mine.panels.bench_order:
        found.update(dict.fromkeys(_bench_order(units), 0.0))
    everything = np.concatenate([pairs, rows]), np.concatenate([np.zeros(len(pairs)), lags])
    for own, years in ((rows, lags), through_voids(unit_of_block >= 0, *everything)):
        for pair, lag in _with_lags(unit_of_block, own, years).items():
            found[pair] = max(lag, found.get(pair, 0.0))
    in_order = resolution == "panel" and instance.mine.panels.bench_order
    for pair, lag in _phase_order(instance, units, {} if in_order else found, in_order=in_order).items():
        found[pair] = max(lag, found.get(pair, 0.0))
    _refuse_cycle(found, units)
    kept = _without_implied(found) if resolution == "panel" else found
    return _arc_table(kept)


def _arc_table(arcs: dict[tuple[int, int], float]) -> pd.DataFrame:
    table = pd.DataFrame([(a, b, lag) for (a, b), lag in sorted(arcs.items())], columns=["unit", "needs", "lag_years"])
    return table.astype({"unit": np.int64, "needs": np.int64, "lag_years": np.float64})


def _between_units(unit_of_block: NDArray[np.int64], arcs: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The pairs of two different units that arcs between blocks tie and that have something left to mine, sorted."""
    width = int(unit_of_block.max(initial=0)) + 1
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(arcs), AT_ONCE):
        first, second = (unit_of_block[arcs[start : start + AT_ONCE, end]] for end in (0, 1))
        kept = (first >= 0) & (second >= 0) & (first != second)
        # One number a pair: rows are sorted many times slower.
        found.append(np.unique(first[kept] * width + second[kept]))
    first, second = np.divmod(np.unique(np.concatenate(found)), width)
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _further(instance: Instance) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The further precedence of the mine: rows of the block table ``(arcs, 2)`` and lags in years ``(arcs,)``."""
    if instance.precedence.empty:
        return np.empty((0, 2), np.int64), np.empty(0)
    row = pd.Series(np.arange(len(instance.blocks)), index=instance.blocks["block"])
    rows = np.column_stack([row.loc[instance.precedence[end]].to_numpy(np.int64) for end in ("block", "needs")])
    return rows, instance.precedence["lag_years"].to_numpy(np.float64)


def _with_lags(
    unit_of_block: NDArray[np.int64], arcs: NDArray[np.int64], lags: NDArray[np.float64]
) -> dict[tuple[int, int], float]:
    """Arcs between blocks as those between units, with the longest lag of each pair in years."""
    found = dict.fromkeys(_between_units(unit_of_block, arcs), 0.0)
    for (block, needs), lag in zip(unit_of_block[arcs].tolist(), lags.tolist(), strict=True):
        if (block, needs) in found:
            found[block, needs] = max(lag, found[block, needs])
    return found


def _bench_order(units: pd.DataFrame) -> list[tuple[int, int]]:
    """Each sector of a bench waits for the same sector of the next bench above it in its phase."""
    pairs = []
    for _, group in units.groupby(["phase", "sector"]):
        downwards = group.sort_values("bench", ascending=False).index.to_numpy()
        pairs += list(zip(downwards[1:].tolist(), downwards[:-1].tolist(), strict=True))
    return pairs


def _phase_order(
    instance: Instance, units: pd.DataFrame, found: Iterable[tuple[int, int]], *, in_order: bool
) -> dict[tuple[int, int], float]:
    """Bench b of a phase waits, in each sector, for the phase it follows down to ``bench_lag`` benches below b.

    Args:
        instance: the mine.
        units: its units.
        found: the arcs found so far. A unit that waits for a higher one of its own phase waits, through it, for all
            that the higher one waits for; those arcs are left out.
        in_order: whether the lowest unit of a sector is known to wait for those above it, so that it stands for them.
    """
    pairs: dict[tuple[int, int], float] = {}
    bench_of, phase_of = units["bench"].to_numpy(np.int64), units["phase"].to_numpy(object)
    sector_of = units["sector"].to_numpy(object)
    higher: dict[int, int] = {}
    for unit, needs in found:
        if phase_of[unit] == phase_of[needs]:
            higher[unit] = max(int(bench_of[needs]), higher.get(unit, int(bench_of[unit])))
    for name, phase in instance.mine.phases.items():
        if phase.after is None:
            continue
        leader, lag = np.flatnonzero(phase_of == phase.after), phase.bench_lag or 0
        for bench in np.unique(bench_of[phase_of == name]):
            above = leader[bench_of[leader] >= bench - lag]
            if in_order:
                lowest = {sector: bench_of[above[sector_of[above] == sector]].min() for sector in set(sector_of[above])}
                above = np.array([unit for unit in above if bench_of[unit] == lowest[sector_of[unit]]], dtype=np.int64)
            for unit in np.flatnonzero((phase_of == name) & (bench_of == bench)).tolist():
                leads = above
                if higher.get(unit, bench) > bench:
                    leads = above[bench_of[above] < higher[unit] - lag]
                pairs.update(dict.fromkeys([(unit, lead) for lead in leads.tolist()], phase.lag_years))
    return pairs


def _refuse_cycle(found: dict[tuple[int, int], float], units: pd.DataFrame) -> None:
    """Refuses arcs that run in a cycle, in time linear in them.

    Raises:
        BadInput: with the names of the units along a cycle.
    """
    graph = nx.DiGraph(found.keys())
    if nx.is_directed_acyclic_graph(graph):
        return
    loop = [str(units["unit"].iloc[a]) for a, _ in nx.find_cycle(graph)]
    told = [*loop, loop[0]]
    if len(told) > TOLD_OF_A_CYCLE:
        left_out = len(told) - TOLD_OF_A_CYCLE
        told = [*told[: TOLD_OF_A_CYCLE - 2], f"({left_out} more)", *told[-2:]]
    raise BadInput(
        [Finding("precedence", Words(f"a cycle: {' needs '.join(told)}"), "an order in which the units can be mined")]
    )


def _without_implied(found: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Leaves out arcs without lag that longer paths imply."""
    plain = nx.transitive_reduction(nx.DiGraph(found.keys()))
    return {pair: lag for pair, lag in found.items() if lag > 0 or plain.has_edge(*pair)}
