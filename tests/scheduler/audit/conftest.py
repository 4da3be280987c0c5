"""A small mine and a plan for it that breaks no rule, made by hand."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from instances.geometry.units import Units, scheduling_units
from instances.instance import Instance
from instances.schema import Mine
from scheduler.plan import MINED, OPERATING, OPTIONS, RECLAIM, STOCK, TAILINGS, Plan

YEARS = 4

MINE: dict[str, Any] = {
    "format": 1,
    "name": "toy",
    "calendar": {"start": dt.date(2020, 1, 1), "periods": YEARS, "discount_rate_per_year": 0.1},
    "blocks": {"file": "blocks.csv", "size_m": [10.0, 10.0, 10.0]},
    "elements": {"cu": {"unit": "pct"}},
    "materials": {
        "ore": {"kind": "ore"},
        "rock": {"kind": "waste"},
        "fill": {"kind": "fill", "extra_mining_cost_per_t": 0.5},
    },
    "phases": {"north": {}, "south": {"after": "north", "bench_lag": 0, "lag_years": 1.0}},
    "destinations": {
        "mill": {
            "kind": "mill",
            "accepts": ["ore"],
            "recovery": {"cu": {"ore": 0.9}},
            "cost_per_t": 5.0,
            "tailings_t_per_t": 0.9,
        },
        "leach": {
            "kind": "mill",
            "accepts": [],
            "recovery": {"cu": {"ore": 0.5}},
            "cost_per_t": 2.0,
            "tailings_t_per_t": 0.0,
        },
        "pile": {
            "kind": "stockpile",
            "accepts": ["ore"],
            "feeds": ["mill"],
            "reclaim_cost_per_t": 0.6,
            "bins": {
                "rich": {
                    "materials": ["ore"],
                    "grade_from": {"cu": 1.0},
                    "leaves_at": {"cu": 1.5},
                    "recovery": {"cu": 0.8},
                },
                "lean": {
                    "materials": ["ore"],
                    "grade_to": {"cu": 1.0},
                    "leaves_at": {"cu": 0.4},
                    "recovery": {"cu": 0.7},
                },
            },
        },
        "dump": {"kind": "dump", "accepts": ["rock", "ore"], "storage_mt": 50.0},
        "tmf": {"kind": "tailings_facility", "accepts": ["fill"], "storage_mt": 50.0},
        "old": {"kind": "tailings_facility", "accepts": ["fill"], "storage_mt": 5.0, "takes_mill_tailings": False},
    },
    "limits": {},
    "options": {
        "crusher": {
            "widens": "mill",
            "adds_mt_per_year": 1.0,
            "cost": 5e6,
            "lead_years": 1.0,
            "earliest": dt.date(2021, 1, 1),
        }
    },
    "money": {"currency": "C$"},
    "products": {"copper": {"element": "cu", "price_usd_per_lb": 3.0}},
    "costs": {"mining_per_t": 2.0},
    "operating": {
        "pit": {"fixed_cost_per_year": 1e6},
        "mill": {"fixed_cost_per_year": 2e6, "closure_cost": 3e6},
    },
}

GRADES = {("north", 3): 1.2, ("north", 2): 2.0, ("north", 1): 0.5, ("south", 3): 0.5, ("south", 2): 1.6}


def toy_blocks() -> pd.DataFrame:
    """Each bench of a phase is a block of ore beside one of rock (of fill on top of the south), 1 Mt each."""
    rows = []
    for (phase, bench), grade in GRADES.items():
        east = 0 if phase == "north" else 20
        other = "fill" if (phase, bench) == ("south", 3) else "rock"
        for ix, material, cu in ((east, "ore", grade), (east + 1, other, 0.0)):
            rows.append((f"{phase}{bench}{material}", ix, 0, bench, phase, "all", material, 1e6, cu, 0.0))
    columns = ["block", "ix", "iy", "iz", "phase", "sector", "material", "tonnes", "cu_pct", "mined_fraction"]
    return pd.DataFrame(rows, columns=columns)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the dotted keys of ``changes`` set."""
    result = copy.deepcopy(base)
    for path, value in changes.items():
        *folders, last = path.split(".")
        place = result
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return result


@dataclass
class Rows:
    """The rows of a plan before they become tables.

    ``mined`` has unit, material, destination, bin, period and tonnes; the parcel is found by the material. Stock and
    tailings are worked out from what is mined and reclaimed.
    """

    mined: list[tuple[str, str, str, str, int, float]] = field(default_factory=list)
    reclaim: list[tuple[str, str, str, int, float]] = field(default_factory=list)
    options: list[tuple[str, int]] = field(default_factory=lambda: [("crusher", 1)])


def good_rows() -> Rows:
    """North in 2020 and 2021, south behind it; stock is reclaimed in 2022 and 2023."""
    mt = 1e6
    mined = [
        ("north/3/all", "ore", "mill", "", 0, 1.0 * mt),
        ("north/3/all", "rock", "dump", "", 0, 1.0 * mt),
        ("north/2/all", "ore", "mill", "", 1, 0.5 * mt),
        ("north/2/all", "ore", "pile", "rich", 1, 0.5 * mt),
        ("north/2/all", "rock", "dump", "", 1, 1.0 * mt),
        ("south/3/all", "ore", "pile", "lean", 1, 1.0 * mt),
        ("south/3/all", "fill", "tmf", "", 1, 1.0 * mt),
        ("south/2/all", "ore", "mill", "", 2, 0.5 * mt),
        ("south/2/all", "rock", "dump", "", 2, 0.5 * mt),
        ("south/2/all", "ore", "mill", "", 3, 0.5 * mt),
        ("south/2/all", "rock", "dump", "", 3, 0.5 * mt),
    ]
    reclaim = [("pile", "rich", "mill", 2, 0.3 * mt), ("pile", "lean", "mill", 3, 0.2 * mt)]
    return Rows(mined, reclaim)


def instance_of(mine: dict[str, Any], blocks: pd.DataFrame) -> Instance:
    """A mine in memory."""
    return Instance(Mine.model_validate(mine), blocks)


def plan_of(instance: Instance, units: Units, rows: Rows) -> Plan:
    """The rows as a plan, with stock, tailings (all to tmf) and every installation at work throughout."""
    mine = instance.mine
    periods = range(mine.calendar.periods)
    parcel = {
        (units.units["unit"].iloc[row.unit], row.material): row.parcel for row in units.parcels.itertuples(index=False)
    }
    mined = [(u, parcel[u, material], d, b, t, x) for u, material, d, b, t, x in rows.mined]
    stock = []
    for name, pile in mine.stockpiles().items():
        for key, kept in pile.bins.items():
            left = kept.opening_mt * 1e6
            for period in periods:
                put = sum(x for _, _, d, b, t, x in rows.mined if (d, b, t) == (name, key, period))
                out = sum(x for s, b, _, t, x in rows.reclaim if (s, b, t) == (name, key, period))
                left += put - out
                stock.append((name, key, period, put, out, left))
    tailings = []
    for name, mill in mine.mills().items():
        for period in periods:
            feed = sum(x for _, _, d, _, t, x in rows.mined if (d, t) == (name, period))
            feed += sum(x for _, _, m, t, x in rows.reclaim if (m, t) == (name, period))
            if feed and mill.tailings_t_per_t and "tmf" in mine.destinations:
                tailings.append((name, "tmf", period, mill.tailings_t_per_t * feed))
    operating = [(name, period, True) for name in mine.operating for period in periods]
    return Plan(
        units.resolution,
        pd.DataFrame(mined, columns=list(MINED)),
        pd.DataFrame(stock, columns=list(STOCK)),
        pd.DataFrame(rows.reclaim, columns=list(RECLAIM)),
        pd.DataFrame(tailings, columns=list(TAILINGS)),
        pd.DataFrame(operating, columns=list(OPERATING)),
        pd.DataFrame(rows.options, columns=list(OPTIONS)),
    )


class Toy:
    """Makes the small mine, its units and plans."""

    rows = staticmethod(good_rows)
    instance_of = staticmethod(instance_of)
    plan_of = staticmethod(plan_of)
    Rows = Rows

    @staticmethod
    def instance(changes: dict[str, Any] | None = None) -> Instance:
        return instance_of(merged(MINE, changes or {}), toy_blocks())

    @staticmethod
    def units(instance: Instance) -> Units:
        return scheduling_units(instance, "panel")

    def plan(self, instance: Instance, rows: Rows | None = None) -> Plan:
        return plan_of(instance, self.units(instance), good_rows() if rows is None else rows)


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy()
