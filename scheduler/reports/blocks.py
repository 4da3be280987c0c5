"""The block model with its schedule: in which period each block goes, and where to."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.geometry.units import Units, mined_tonnes
from instances.instance import Instance
from instances.schema.geology import Blocks
from scheduler.plan import Plan

NEVER = -1
"""Number of the period of a block that stays in the ground."""
HALF = 0.5 - 1e-6


def scheduled_blocks(instance: Instance, plan: Plan, units: Units) -> pd.DataFrame:
    """The block table with the schedule, a row a block, in the order of the table.

    A plan by panels says what is mined of a panel in each period, not of a block. Every block of a panel is given the
    periods of the panel: the first and the last in which it is mined, and as ``period`` the one in which half of the
    panel has gone; a panel of which less than half is ever mined has none.

    Args:
        instance: the mine.
        plan: its plan.
        units: the mine's units at the plan's resolution.

    Returns:
        block, ix, iy, iz, x_m, y_m, z_m (middle of the block, see :func:`in_the_mine`), phase, sector, material, tonnes
        (as mined), the grades (as mined), unit, period (number, -1 for none), first_period and last_period (likewise),
        label, first_label and last_label (of those periods, empty for none), mined_fraction, destination (the one that
        takes most of the parcel, empty where none of it is mined).
    """
    labels = instance.mine.calendar.labels()
    mined = mined_tonnes(instance)
    parcel = units.parcel_of_block
    present = parcel >= 0
    unit = np.where(present, units.parcels["unit"].to_numpy(np.int64)[np.maximum(parcel, 0)], -1)
    period, first, last, fraction = _unit_periods(plan, units, len(labels))
    table = instance.blocks[["block", "ix", "iy", "iz"]].copy()
    middles = (table[["ix", "iy", "iz"]].to_numpy(float) + 0.5) * np.asarray(instance.mine.blocks.size_m)
    table[["x_m", "y_m", "z_m"]] = in_the_mine(instance.mine.blocks, middles)
    table[["phase", "sector", "material"]] = instance.blocks[["phase", "sector", "material"]]
    table["tonnes"] = mined["tonnes"].to_numpy()
    for column in instance.grade_columns().values():
        table[column] = mined[column].to_numpy()
    names = np.append(units.units["unit"].to_numpy(object), "")
    table["unit"] = names[unit]
    for name, values in (("period", period), ("first_period", first), ("last_period", last)):
        table[name] = np.append(values, NEVER)[unit]
    called = np.append(np.asarray(labels, dtype=object), "")
    for name, text in (("period", "label"), ("first_period", "first_label"), ("last_period", "last_label")):
        table[text] = called[table[name].to_numpy(np.int64)]
    table["mined_fraction"] = np.append(fraction, 0.0)[unit]
    table["destination"] = np.append(_main_destination(plan, units), "")[parcel]
    return table


def axes_of(grid: Blocks) -> NDArray[np.float64]:
    """Directions east, north and up of the axes x, y and z of a block grid, a row each."""
    bearing = math.radians(grid.rotation_deg)
    sine, cosine = math.sin(bearing), math.cos(bearing)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def in_the_mine(grid: Blocks, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of a block grid in the coordinates of the mine: east, north and up, metres.

    Args:
        grid: how it is laid; without an origin its corner is at nought.
        points: metres along its axes from its corner, shape ``(points, 3)``.
    """
    placed = points
    if grid.origin_m is not None:
        placed = points - 0.5 * np.asarray(grid.size_m)
    turned: NDArray[np.float64] = placed @ axes_of(grid)
    return turned if grid.origin_m is None else turned + np.asarray(grid.origin_m)


def _unit_periods(
    plan: Plan, units: Units, periods: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Period in which half of each unit has gone, first and last period, and the fraction mined in all."""
    row = pd.Series(np.arange(len(units.units)), index=units.units["unit"])
    share = np.zeros((len(units.units), periods))
    np.add.at(
        share,
        (row.loc[plan.mined["unit"]].to_numpy(np.int64), plan.mined["period"].to_numpy(np.int64)),
        plan.mined["tonnes"].to_numpy(float),
    )
    share /= units.units["tonnes"].to_numpy(float)[:, None]
    worked = share > 0
    so_far = share.cumsum(axis=1)
    gone = so_far >= HALF
    any_worked = worked.any(axis=1)
    period = np.where(gone.any(axis=1), gone.argmax(axis=1), NEVER)
    first = np.where(any_worked, worked.argmax(axis=1), NEVER)
    last = np.where(any_worked, periods - 1 - worked[:, ::-1].argmax(axis=1), NEVER)
    return period, first, last, np.minimum(so_far[:, -1], 1.0)


def _main_destination(plan: Plan, units: Units) -> NDArray[np.object_]:
    """The destination that takes most of each parcel; empty where none of it is mined."""
    totals = plan.mined.groupby(["parcel", "destination"], sort=True)["tonnes"].sum().reset_index()
    most = totals.sort_values("tonnes", kind="stable").drop_duplicates("parcel", keep="last")
    known = most.set_index("parcel")["destination"]
    return np.asarray(units.parcels["parcel"].map(known.to_dict()).astype(object).fillna("").to_numpy(object))
