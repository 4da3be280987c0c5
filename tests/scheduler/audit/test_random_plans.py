"""Plans made top-down at random, within every rule, pass the audit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.audit import audit

LEAVES_AT = {"rich": 1.5, "lean": 0.4}
LIMITS = {
    "limits.mining_mt_per_year": 2.5,
    "limits.mill_t_per_day": 1500.0,
    "limits.rehandle_mt_per_year": 1.2,
    "destinations.pile.capacity_mt": 1.4,
    "destinations.dump.storage_mt": 6.0,
}


@pytest.fixture(scope="module")
def limited(toy):
    instance = toy.instance(LIMITS)
    return instance, toy.units(instance)


class Greedy:
    """Mines what is free, as much as there is room for, to places drawn at random. Tonnes are Mt."""

    def __init__(self, toy: Any, limited: tuple[Any, Any], draw: np.random.Generator) -> None:
        self.toy, self.draw = toy, draw
        self.instance, self.units = limited
        self.dump = 6.0
        self.left = np.ones(len(self.units.units))
        self.finished = np.full(len(self.units.units), 99)
        self.stock = dict.fromkeys(LEAVES_AT, 0.0)
        self.metal = dict.fromkeys(LEAVES_AT, 0.0)
        self.rows = toy.Rows()

    def plan(self) -> Any:
        for period in range(4):
            self.room = {"pit": 2.5, "mill": 0.0015 * 365 + (1.0 if period >= 2 else 0.0), "rehandle": 1.2}
            self.reclaim(period)
            for unit in [*self.draw.permutation(len(self.left)), *self.draw.permutation(len(self.left))]:
                if self.left[unit] > 0 and self.free(unit, period):
                    self.mine(int(unit), period)
        return self.toy.plan_of(self.instance, self.units, self.rows)

    def free(self, unit: int, period: int) -> bool:
        """Whether what the unit needs is finished, its lag before (a year is a period)."""
        arcs = self.units.arcs[self.units.arcs["unit"] == unit]
        return bool((self.finished[arcs["needs"]] + arcs["lag_years"] <= period).all())

    def reclaim(self, period: int) -> None:
        for name, grade in LEAVES_AT.items():
            most = min(self.stock[name], self.metal[name] / grade, self.room["mill"], self.room["rehandle"])
            tonnes = most * self.draw.choice([0.0, 0.4, 1.0])
            if tonnes > 0:
                self.rows.reclaim.append(("pile", name, "mill", period, tonnes * 1e6))
                self.stock[name] -= tonnes
                self.metal[name] -= tonnes * grade
                self.room["mill"] -= tonnes
                self.room["rehandle"] -= tonnes

    def mine(self, unit: int, period: int) -> None:
        """The same share of every parcel, ore to a place that has room."""
        parcels = self.units.parcels[self.units.parcels["unit"] == unit]
        ore = parcels[parcels["material"] == "ore"].iloc[0]
        name = "rich" if ore["cu_pct"] >= 1.0 else "lean"
        place = self.draw.choice(["mill", "pile", "dump"])
        room = {"mill": self.room["mill"], "pile": 1.4 - sum(self.stock.values()), "dump": self.dump / 2}[place]
        fill = (parcels["material"] == "fill").any()
        rest = self.room["rehandle"] if fill else self.dump / 2
        share = min(self.left[unit], self.room["pit"] / 2, room, rest)
        share = share if share == self.left[unit] else share * self.draw.choice([0.5, 1.0])
        if share <= 1e-9:
            return
        unit_name = self.units.units["unit"].iloc[unit]
        for parcel in parcels.itertuples(index=False):
            to = {"ore": place, "rock": "dump", "fill": "tmf"}[parcel.material]
            kept = name if to == "pile" else ""
            self.rows.mined.append((unit_name, parcel.material, to, kept, period, share * 1e6))
        self.left[unit] -= share
        if self.left[unit] == 0:
            self.finished[unit] = period
        self.dump -= (not fill) * share + (place == "dump") * share
        self.room["pit"] -= 2 * share
        self.room["mill"] -= share if place == "mill" else 0.0
        self.room["rehandle"] -= share if fill else 0.0
        if place == "pile":
            self.stock[name] += share
            self.metal[name] += share * ore["cu_pct"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_greedy_plan_passes(toy, limited, seed):
    """A feasible plan has no finding, and its metal adds up: no more is milled than sent, recovered than milled."""
    greedy = Greedy(toy, limited, np.random.default_rng(seed))
    result = audit(greedy.instance, greedy.plan(), units=greedy.units)
    assert result.findings == ()
    balance = result.metal_balance["cu"]
    slack = 1 + 1e-9
    assert balance.recovered_t <= balance.milled_t * slack
    assert balance.milled_t <= balance.sent_t * slack
    assert balance.sent_t <= balance.mined_t * slack
    assert balance.mined_t <= balance.contained_t * slack


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1.00001, 2.0))
def test_more_of_anything_fails(toy, limited, seed, factor):
    """Mining or reclaiming more of one row, all else as it is, is always noticed."""
    draw = np.random.default_rng(seed)
    greedy = Greedy(toy, limited, draw)
    plan = greedy.plan()
    row = int(draw.integers(len(plan.mined)))
    plan.mined.loc[row, "tonnes"] *= factor
    assert not audit(greedy.instance, plan, units=greedy.units).passed
