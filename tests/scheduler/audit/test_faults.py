"""A plan that breaks no rule passes; each planted fault is caught by its rule, in its period, at its item."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scheduler.audit import RULES, TOLERANCE, audit
from scheduler.plan import Plan

Tables = dict[str, pd.DataFrame]
MT = 1e6


@dataclass(frozen=True)
class Fault:
    """A fault to plant.

    ``mine`` changes the mine, ``rows`` the rows from which stock and tailings follow, ``tables`` the finished tables.
    ``also`` names rules that cannot but break with it.
    """

    rule: str
    period: str | None
    item: str
    mine: dict[str, Any] = field(default_factory=dict)
    rows: Callable[[Any], None] | None = None
    tables: Callable[[Tables], None] | None = None
    also: frozenset[str] = frozenset()


def put(table: str, row: int, column: str, value: object) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables[table].astype({column: object})
        frame.loc[row, column] = value
        tables[table] = frame

    return change


def drop(table: str, row: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table] = tables[table].drop(index=row)

    return change


def add(table: str, *values: object) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables[table]
        tables[table] = pd.concat([frame, pd.DataFrame([values], columns=frame.columns)], ignore_index=True)

    return change


def mined(row: int, **changes: Any) -> Callable[[Any], None]:
    """Changes one row of what is mined, the tables that follow from it included."""
    names = ("unit", "material", "destination", "bin", "period", "tonnes")

    def change(rows: Any) -> None:
        rows.mined[row] = tuple(changes.get(name, value) for name, value in zip(names, rows.mined[row], strict=True))

    return change


def both(*changes: Callable[[Any], None]) -> Callable[[Any], None]:
    def change(rows: Any) -> None:
        for one in changes:
            one(rows)

    return change


def reclaim(*row: object) -> Callable[[Any], None]:
    return lambda rows: rows.reclaim.append(row)


def close_pit(*periods: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        frame = tables["operating"]
        frame.loc[(frame["installation"] == "pit") & frame["period"].isin(periods), "works"] = False

    return change


FAULTS = {
    "unknown unit": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "unit", "nort/3/all")),
    "unknown parcel": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "parcel", "x")),
    "parcel of another unit": Fault(
        "shape", "2022", "mined row 9", tables=put("mined", 8, "parcel", "north/3/all:rock:0")
    ),
    "unknown destination": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "destination", "dmp")),
    "unknown bin": Fault("shape", "2021", "mined row 4", tables=put("mined", 3, "bin", "richest")),
    "stockpile without bin": Fault("shape", "2021", "mined row 4", tables=put("mined", 3, "bin", "")),
    "bin of a dump": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "bin", "rich")),
    "negative tonnes": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "tonnes", -1.0)),
    "missing tonnes": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "tonnes", np.nan)),
    "infinite tonnes": Fault("shape", "2020", "mined row 2", tables=put("mined", 1, "tonnes", np.inf)),
    "period past the calendar": Fault("shape", None, "mined row 11", tables=put("mined", 10, "period", 4)),
    "part of a period": Fault("shape", None, "mined row 11", tables=put("mined", 10, "period", 2.5)),
    "unknown mill": Fault("shape", "2022", "reclaim row 1", tables=put("reclaim", 0, "mill", "mil")),
    "unknown facility": Fault("shape", "2020", "tailings row 1", tables=put("tailings", 0, "facility", "dump")),
    "no stock row": Fault("shape", "2023", "pile/lean", tables=drop("stock", 7)),
    "stock row twice": Fault("shape", "2020", "stock row 9", tables=add("stock", "pile", "rich", 0, 0.0, 0.0, 0.0)),
    "no operating row": Fault("shape", "2023", "pit", tables=drop("operating", 3)),
    "works maybe": Fault("shape", "2023", "operating row 4", tables=put("operating", 3, "works", "maybe")),
    "unknown installation": Fault("shape", "2020", "operating row 9", tables=add("operating", "port", 0, True)),
    "unknown option": Fault("shape", "2020", "options row 2", tables=add("options", "crushr", 0)),
    "more than there is": Fault(
        "parcel_tonnage", "2023", "south/2/all:ore", rows=both(mined(9, tonnes=0.6 * MT), mined(10, tonnes=0.6 * MT))
    ),
    "out of proportion": Fault(
        "proportion", "2022", "south/2/all:ore", rows=both(mined(7, tonnes=0.6 * MT), mined(9, tonnes=0.4 * MT))
    ),
    "rock to the mill": Fault("material", "2022", "south/2/all:rock", rows=mined(8, destination="mill")),
    "rich ore in the lean bin": Fault(
        "bin",
        "2021",
        "north/2/all:ore",
        rows=mined(3, bin="lean"),
        also=frozenset({"metal_out", "stock_negative", "same_period_reclaim"}),
    ),
    "stock to a mill it does not feed": Fault(
        "feeds", "2022", "pile/rich", mine={"destinations.pile.feeds": ["leach"]}
    ),
    "tailings where none are taken": Fault(
        "takes_tailings", "2020", "old", tables=put("tailings", 0, "facility", "old")
    ),
    "bench before the one above": Fault(
        "precedence",
        "2020",
        "north/2/all (needs north/3/all",
        rows=both(*(mined(row, period=1) for row in (0, 1)), *(mined(row, period=0) for row in (2, 3, 4))),
    ),
    "lag not kept": Fault(
        "precedence", "2020", "south/3/all (needs north/3/all", rows=both(mined(5, period=0), mined(6, period=0))
    ),
    "panel split": Fault("whole", "2022", "south/2/all", mine={"panels.mining": "whole"}),
    "phase not released": Fault("release", "2021", "south", mine={"phases.south.release": dt.date(2022, 1, 1)}),
    "phase released in October": Fault(
        "release",
        "2021",
        "south",
        mine={"phases.south.release": dt.date(2021, 10, 1), "limits.mining_mt_per_year": 4.0},
    ),
    "dump not open": Fault("opening", "2020", "dump", mine={"destinations.dump.opens": dt.date(2021, 1, 1)}),
    "dump opens in October": Fault(
        "opening",
        "2020",
        "dump",
        mine={"destinations.dump.opens": dt.date(2020, 10, 1), "destinations.dump.capacity_mt_per_year": 3.0},
    ),
    "mill closes in July, reclaim counts": Fault(
        "opening",
        "2023",
        "mill",
        mine={"destinations.mill.closes": dt.date(2023, 7, 1), "destinations.mill.capacity_mt_per_year": 1.3},
    ),
    "dump takes too much": Fault(
        "destination_capacity", "2020", "dump", mine={"destinations.dump.capacity_mt_per_year": [0.9, 1, 1, 1]}
    ),
    "mill takes too much reclaim": Fault(
        "destination_capacity", "2022", "mill", mine={"destinations.mill.capacity_mt_per_year": [1, 1, 0.7, 1]}
    ),
    "too much moved": Fault("mining_max", "2021", "pit", mine={"limits.mining_mt_per_year": 3.9}),
    "too little moved": Fault("mining_min", "2022", "pit", mine={"limits.mining_min_mt_per_year": 1.1}),
    "too much milled": Fault("milling_max", "2020", "mills", mine={"limits.mill_t_per_day": 2700.0}),
    "crusher comes too late": Fault(
        "milling_max",
        "2022",
        "mills",
        mine={"limits.mill_t_per_day": [3000.0, 3000.0, 1500.0, 1500.0]},
        tables=put("options", 0, "period", 2),
    ),
    "too little milled": Fault("milling_min", "2021", "mills", mine={"limits.mill_min_t_per_day": 1400.0}),
    "too much fill moved": Fault("rehandle_max", "2021", "fill and stock", mine={"limits.rehandle_mt_per_year": 0.9}),
    "movement jumps": Fault("movement_change", "2022", "pit", mine={"limits.movement_change_max_mt": 2.5}),
    "dump full": Fault("storage", "2021", "dump", mine={"destinations.dump.storage_mt": 1.9}),
    "facility full of fill and tailings": Fault("storage", "2021", "tmf", mine={"destinations.tmf.storage_mt": 2.3}),
    "tailings not placed": Fault("tailings_placed", "2021", "mill", tables=drop("tailings", 1)),
    "facility opens in July": Fault(
        "tailings_opening",
        "2020",
        "tmf",
        mine={"destinations.tmf.opens": dt.date(2020, 7, 1), "limits.mill_t_per_day": 3000.0},
    ),
    "table of stock in wrong": Fault("stock_in", "2021", "pile/rich", tables=put("stock", 1, "tonnes_in", 0.4 * MT)),
    "table of reclaim wrong": Fault("stock_out", "2022", "pile/rich", tables=put("stock", 2, "reclaimed", 0.0)),
    "stock does not balance": Fault("stock_balance", "2023", "pile/rich", tables=put("stock", 3, "tonnes", 0.0)),
    "reclaimed as it comes in": Fault(
        "same_period_reclaim",
        "2021",
        "pile/lean",
        rows=reclaim("pile", "lean", "mill", 1, 0.1 * MT),
        also=frozenset({"metal_out"}),
    ),
    "more reclaimed than there is": Fault(
        "stock_negative",
        "2023",
        "pile/rich",
        rows=reclaim("pile", "rich", "mill", 3, 0.3 * MT),
        also=frozenset({"same_period_reclaim"}),
    ),
    "stockpile too high": Fault("stock_capacity", "2021", "pile", mine={"destinations.pile.capacity_mt": 1.4}),
    "too much reclaimed": Fault("reclaim_max", "2022", "pile", mine={"destinations.pile.reclaim_mt_per_year": 0.29}),
    "metal from nowhere": Fault(
        "metal_out", "2022", "pile/rich (cu)", mine={"destinations.pile.bins.rich.leaves_at.cu": 3.4}
    ),
    "too much waste": Fault("strip_max", "2020", "pit", mine={"limits.strip_ratio_max": 0.9}),
    "too little waste": Fault("strip_min", "2020", "pit", mine={"limits.strip_ratio_min": [1.1, 1, 1, 1]}),
    "too much waste to date": Fault(
        "strip_cumulative_max", "2022", "pit", mine={"limits.strip_ratio_cumulative_max": [1, 1, 0.9, 1]}
    ),
    "too little waste to date": Fault(
        "strip_cumulative_min", "2023", "pit", mine={"limits.strip_ratio_cumulative_min": [1, 1, 1, 1.1]}
    ),
    "head grade too high": Fault("head_grade_max", "2021", "cu", mine={"limits.head_grade": {"cu": {"max": 1.9}}}),
    "head grade too low": Fault("head_grade_min", "2020", "cu", mine={"limits.head_grade": {"cu": {"min": 1.25}}}),
    "head grade too high by a limit of a name": Fault(
        "head_grade_max", "2021", "deep", mine={"limits.head_grade": {"deep": {"max": 1.9, "element": "cu"}}}
    ),
    "too much metal": Fault("metal_max", "2020", "cu", mine={"limits.metal": {"cu": {"max_t_per_year": 10_799.0}}}),
    "too little metal": Fault("metal_min", "2023", "cu", mine={"limits.metal": {"cu": {"min_t_per_year": 8_000.0}}}),
    "sinks too fast": Fault("benches_per_year", "2020", "north", mine={"phases.north.max_benches_per_year": 0.9}),
    "too many phases": Fault("phases_active", "2022", "pit", mine={"limits.phases_active_max": 1}),
    "option bought twice": Fault("option_once", "2023", "crusher", tables=add("options", "crusher", 3)),
    "option bought too early": Fault("option_earliest", "2020", "crusher", tables=put("options", 0, "period", 0)),
    "pit works again": Fault(
        "operating_stops_once", "2022", "pit", tables=close_pit(1), also=frozenset({"operating_use"})
    ),
    "mined while the pit is closed": Fault("operating_use", "2023", "pit", tables=close_pit(3)),
}


def planted(toy: Any, fault: Fault) -> tuple[Any, Plan]:
    instance = toy.instance(fault.mine)
    rows = toy.rows()
    if fault.rows is not None:
        fault.rows(rows)
    plan = toy.plan(instance, rows)
    if fault.tables is None:
        return instance, plan
    tables = {f.name: getattr(plan, f.name).copy() for f in dataclasses.fields(plan) if f.name != "resolution"}
    fault.tables(tables)
    return instance, Plan(plan.resolution, **tables)


def test_good_plan_passes(toy):
    """A plan made by hand within every rule has no findings, and rules that apply to it were checked."""
    instance = toy.instance()
    result = audit(instance, toy.plan(instance))
    assert result.findings == ()
    assert result.passed
    assert set(result.checked) == set(RULES)
    for rule in ("shape", "precedence", "proportion", "stock_balance", "metal_out", "storage"):
        assert result.checked[rule] > 0, rule
    assert max(result.max_excess.values()) <= TOLERANCE


def test_blocks_are_whole(toy):
    """At block resolution a block mined over two periods is caught without the mine saying so."""
    instance = toy.instance()
    panels = toy.plan(instance)
    mined = panels.mined.copy()
    block = mined["unit"].str.replace("/all", "").str.replace("/", "") + mined["parcel"].str.split(":").str[1]
    mined["parcel"] = block + ":" + mined["parcel"].str.split(":", n=1).str[1]
    mined["unit"] = block
    result = audit(instance, dataclasses.replace(panels, resolution="block", mined=mined))
    assert {(finding.rule, finding.item) for finding in result.findings} == {
        ("whole", "south2ore"),
        ("whole", "south2rock"),
    }


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(toy, name):
    """The fault is caught by its rule, in its period, at its item, and nothing else is blamed but what follows."""
    fault = FAULTS[name]
    instance, plan = planted(toy, fault)
    result = audit(instance, plan)
    assert not result.passed
    named = [(f.period, f.item) for f in result.findings if f.rule == fault.rule]
    assert any(period == fault.period and fault.item in item for period, item in named), result.findings
    if fault.rule != "shape":
        assert set(result.found) <= {fault.rule} | fault.also
    line = str(next(finding for finding in result.findings if finding.rule == fault.rule))
    assert "\n" not in line
    assert RULES[fault.rule].words in line


def test_every_rule_has_a_fault():
    """No rule goes without a fault that proves it can fail; the grade of average piles and the money have their own."""
    assert set(RULES) - {fault.rule for fault in FAULTS.values()} == {"average_grade", "objective"}


@pytest.mark.parametrize(("excess", "passes"), [(0.9e-6, True), (1.5e-6, False)])
def test_tolerance_is_relative_to_the_limit(toy, excess, passes):
    """A capacity may be exceeded by a millionth of it and no more."""
    instance = toy.instance({"limits.mining_mt_per_year": 4.0 / (1 + excess)})
    assert audit(instance, toy.plan(instance)).passed is passes


@pytest.mark.parametrize(("grade", "faulty"), [(0.5, []), (0.501, ["2021", "2022", "2023"])])
def test_average_pile_keeps_its_grade(toy, grade, faulty):
    """What has entered an average pile by the end of any period averages the grade at which it leaves."""
    lean = {"materials": ["ore"], "leaves_at": {"cu": grade}, "recovery": {"cu": 0.7}}
    instance = toy.instance({"destinations.pile.model": "average", "destinations.pile.bins": {"lean": lean}})
    rows = toy.rows()
    rows.mined[2] = (*rows.mined[2][:5], 1.0 * MT)
    del rows.mined[3], rows.reclaim[0]
    result = audit(instance, toy.plan(instance, rows))
    assert [(f.rule, f.period) for f in result.findings] == [("average_grade", period) for period in faulty]


def test_poor_opening_stock_of_an_average_pile(toy):
    """An opening stock below the grade at which the pile leaves is caught before the first period."""
    lean = {
        "materials": ["ore"],
        "leaves_at": {"cu": 0.4},
        "recovery": {"cu": 0.7},
        "opening_mt": 0.1,
        "opening_grade": {"cu": 0.3},
    }
    instance = toy.instance({"destinations.pile.model": "average", "destinations.pile.bins": {"lean": lean}})
    rows = toy.rows()
    rows.mined[2] = (*rows.mined[2][:5], 1.0 * MT)
    del rows.mined[3], rows.reclaim[0]
    result = audit(instance, toy.plan(instance, rows))
    assert [(f.rule, f.period) for f in result.findings] == [("average_grade", None), ("average_grade", "2020")]
    assert (result.findings[0].value, result.findings[0].limit) == pytest.approx((0.3, 0.4))


def test_option_is_there_after_its_lead(toy):
    """Capacity bought in 2021 with a lead of a year is there in 2022."""
    instance = toy.instance({"limits.mill_t_per_day": [3000.0, 3000.0, 1500.0, 1500.0]})
    assert audit(instance, toy.plan(instance)).passed


def test_units_of_another_resolution_are_refused(toy):
    """Panels cannot be audited with blocks."""
    instance = toy.instance()
    plan = dataclasses.replace(toy.plan(instance), resolution="block")
    with pytest.raises(ValueError, match="blocks cannot be audited with panels"):
        audit(instance, plan, units=toy.units(instance))


def test_nothing_mined_passes(toy):
    """A mine without stockpiles, facilities and options left as it is: no tonnes, no cash but the fixed cost."""
    places = toy.instance().mine.model_dump(mode="python")["destinations"]
    kept = {name: places[name] for name in ("mill", "dump")}
    instance = toy.instance({"destinations": kept, "options": {}, "operating": {"pit": {"fixed_cost_per_year": 1e6}}})
    plan = toy.plan(instance, toy.Rows([], [], []))
    result = audit(instance, plan, objective=-1e6 * sum(1.1**-year for year in (0.5, 1.5, 2.5, 3.5)))
    assert result.findings == ()
    assert result.metal_balance["cu"].contained_t == pytest.approx(58_000.0)
    assert result.metal_balance["cu"].mined_t == 0.0
