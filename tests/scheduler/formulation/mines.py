"""Tiny mines at random: every kind of limit, place and cost, each there or not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from instances.findings import BadInput
from instances.geometry.units import Resolution, Units, scheduling_units
from instances.instance import Instance
from tests.builders import tiny_mine

GRADES = (0.05, 0.1, 0.25, 0.3, 0.45, 0.6, 0.9, 1.4)

TAILINGS = {
    "kind": "tailings_facility",
    "accepts": ["rock"],
    "storage_mt": 0.15,
}
LEACH = {
    "kind": "mill",
    "accepts": ["low", "ore"],
    "recovery": {"cu": {"low": 0.5, "ore": 0.4}},
    "cost_per_t": 3.0,
    "tailings_t_per_t": 0.1,
}

# One entry a feature: the values of ``mine.toml`` that make it, of which one set is drawn. ``{T}`` periods.
FEATURES: dict[str, tuple[dict[str, Any], ...]] = {
    "fill": ({"materials.rock.kind": "fill", "limits.rehandle_mt_per_year": 0.06},
             {"materials.rock.kind": "fill", "materials.rock.extra_mining_cost_per_t": 1.5}),
    "rehandle": ({"limits.rehandle_mt_per_year": 0.03},),
    "mining": ({"limits.mining_mt_per_year": 0.1}, {"limits.mining_mt_per_year": ...},
               {"limits.mining_mt_per_year": 0.05}),
    "milling": ({"limits.mill_t_per_day": 90.0}, {"limits.mill_t_per_day": ...}, {"limits.mill_t_per_day": 180.0}),
    "mining_min": ({"limits.mining_min_mt_per_year": 0.02}, {"limits.mining_min_mt_per_year": 0.06}),
    "mill_min": ({"limits.mill_min_t_per_day": 20.0}, {"limits.mill_min_t_per_day": 100.0}),
    "strip_max": ({"limits.strip_ratio_max": 1.0}, {"limits.strip_ratio_max": 0.4}),
    "strip_min": ({"limits.strip_ratio_min": 0.3}, {"limits.strip_ratio_min": 1.0}),
    "strip_to_date": ({"limits.strip_ratio_cumulative_max": 1.0}, {"limits.strip_ratio_cumulative_min": 0.5}),
    "head_grade": ({"limits.head_grade.cu.min": 0.5}, {"limits.head_grade.cu.max": 0.7},
                   {"limits.head_grade.cu.min": 0.3, "limits.head_grade.cu.max": 1.0},
                   {"limits.head_grade.cu.max": 0.7, "limits.head_grade.cu.mills": ["mill"]},
                   {"limits.head_grade.cu.min": 0.4, "limits.head_grade.cu.mills": ["mill"]},
                   {"limits.head_grade.cu.max": [1.0, 0.7, 0.7], "limits.head_grade.floor.element": "cu",
                    "limits.head_grade.floor.min": 0.3, "limits.head_grade.floor.mills": ["mill"]}),
    "metal": ({"limits.metal.cu.max_t_per_year": 250.0}, {"limits.metal.cu.min_t_per_year": 40.0}),
    "movement": ({"limits.movement_change_max_mt": 0.03},),
    "dump_room": ({"destinations.dump.storage_mt": 0.09}, {"destinations.dump.capacity_mt_per_year": 0.05},
                  {"destinations.dump.haulage_cost_per_t": 2.0}),
    "dump_opens": ({"destinations.dump.opens": dt.date(2020, 7, 1)}, {"destinations.dump.closes": dt.date(2021, 7, 1)}),
    "mill_opens": ({"destinations.mill.opens": dt.date(2020, 7, 1)}, {"destinations.mill.closes": dt.date(2021, 10, 1)},
                   {"destinations.mill.capacity_mt_per_year": 0.04}),
    "release": ({"phases.p1.release": dt.date(2020, 4, 1)}, {"phases.p1.release": dt.date(2021, 1, 1)}),
    "benches": ({"phases.p1.max_benches_per_year": 1.0}, {"phases.p1.max_benches_per_year": 0.6}),
    "tailings": (
        {"destinations.tmf": TAILINGS, "destinations.mill.tailings_t_per_t": 0.8},
        {"destinations.tmf": TAILINGS | {"accepts": []}, "destinations.mill.tailings_t_per_t": 1.0},
        {"destinations.tmf": TAILINGS | {"opens": dt.date(2020, 10, 1)}, "destinations.mill.tailings_t_per_t": 0.5},
        {"destinations.tmf": TAILINGS | {"takes_mill_tailings": False}, "destinations.mill.tailings_t_per_t": 0.5},
    ),
    "leach": ({"destinations.leach": LEACH}, {"destinations.leach": LEACH | {"capacity_mt_per_year": 0.03}}),
    "pit_cost": ({"operating.pit": {"fixed_cost_per_year": 1.5e5, "closure_cost": 4e5}},
                 {"operating.pit": {"fixed_cost_per_year": 6e5}}),
    "mill_cost": ({"operating.mill": {"fixed_cost_per_year": 3e5, "closure_cost": 5e5}},
                  {"operating.mill": {"closure_cost": 1e6}}),
    "option": (
        {"options.crusher": {"widens": "mill", "adds_t_per_day": 150.0, "cost": 2e5}},
        {"options.crusher": {"widens": "mill", "adds_t_per_day": 150.0, "cost": 2e4, "lead_years": 1.0}},
        {"options.shovel": {"widens": "mining", "adds_mt_per_year": 0.08, "cost": 1e5,
                            "earliest": dt.date(2020, 3, 1)}},
    ),
    "calendar": ({"calendar.period_years": 0.5}, {"calendar.discounting": "end"},
                 {"calendar.valuation_date": dt.date(2019, 7, 1), "calendar.discount_rate_per_year": 0.2}),
    "terms": ({"products.copper": {"element": "cu", "price_usd_per_lb": 2.4, "payable_fraction": 0.96,
                                   "concentrate_grade_pct": 25.0, "unit_deduction_pct": 1.1, "moisture_fraction": 0.08,
                                   "treatment_usd_per_dmt": 80.0, "refining_usd_per_lb": 0.08,
                                   "freight_usd_per_wmt": 60.0, "by_product_credit_per_lb": 0.1},
               "money.usd_per_currency": 0.8},),
    "no_slopes": ({"precedence.slopes": False},),
    "costs": ({"costs.haulage_per_t_per_bench": 0.4}, {"costs.mining_per_t": 6.0},
              {"capital": [{"title": "road", "date": dt.date(2021, 1, 1), "amount": 1e5}]}),
}  # fmt: skip
PILES: tuple[dict[str, Any], ...] = (
    {},
    {"destinations.pile.accepts": ["low", "ore"], "destinations.pile.bins.low.materials": ["low", "ore"]},
    {"destinations.pile.bins.low.opening_mt": 0.02, "destinations.pile.bins.low.opening_grade": {"cu": 0.35}},
    {"destinations.pile.model": "average"},
    {"destinations.pile.model": "average", "destinations.pile.accepts": ["low", "ore"],
     "destinations.pile.bins.low": {"materials": ["low", "ore"], "leaves_at": {"cu": 0.5}, "recovery": {"cu": 0.8},
                                    "opening_mt": 0.01, "opening_grade": {"cu": 0.55}}},
    {"destinations.pile.capacity_mt": 0.03, "destinations.pile.reclaim_mt_per_year": 0.02},
    {"destinations.pile.accepts": ["low", "ore"],
     "destinations.pile.bins": {
         "low": {"materials": ["low"], "leaves_at": {"cu": 0.3}, "recovery": {"cu": 0.75}},
         "rich": {"materials": ["ore"], "grade_from": {"cu": 0.7}, "leaves_at": {"cu": 0.8},
                  "recovery": {"cu": 0.85}}}},
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A mine and its units, and what it was made of, to be read when a test fails."""

    instance: Instance
    units: Units
    recipe: dict[str, Any]

    def __repr__(self) -> str:
        return f"Drawn({self.recipe})"


@st.composite
def mines(
    draw: st.DrawFn,
    *,
    most_features: int = 6,
    always: tuple[str, ...] = (),
    stockpiles: bool = False,
    kinds: tuple[str, ...] = ("partial", "phases", "whole", "block"),
) -> Drawn:
    """A mine of 2 to 4 units and 2 or 3 periods, with the features and the stockpile that are asked for."""
    kind = draw(st.sampled_from(kinds))
    shape = {
        "partial": [(2, 2), (2, 3), (2, 4)],
        "phases": [(2, 1), (2, 2), (4, 1)],
        "whole": [(2, 2), (2, 3), (2, 4)],
        "block": [(1, 2), (2, 1), (3, 1), (1, 3), (2, 2), (1, 4)],
        "block partial": [(1, 2), (2, 1), (1, 3), (2, 2)],
    }[kind]
    nx, nz = draw(st.sampled_from(shape))
    changes: dict[str, Any] = {}
    free = sorted(set(FEATURES) - set(always))
    for name in [*always, *draw(st.lists(st.sampled_from(free), unique=True, max_size=most_features))]:
        changes |= draw(st.sampled_from(FEATURES[name]))
    if changes.get("limits.mill_t_per_day", 0.0) is ...:
        changes.pop("options.crusher", None)
    if changes.get("limits.mining_mt_per_year", 0.0) is ...:
        changes.pop("options.shovel", None)
    stockpile = stockpiles or draw(st.booleans())
    if stockpile:
        changes |= draw(st.sampled_from(PILES))
    phases = ("p1",)
    by_blocks = kind.startswith("block")
    if kind == "phases" or (by_blocks and nx > 1 and draw(st.booleans())):
        phases = ("p1", "p2")
        changes |= draw(
            st.sampled_from(
                [
                    {},
                    {"limits.phases_active_max": 1},
                    {"phases.p2": {"after": "p1", "bench_lag": 0}},
                    {"phases.p2": {"after": "p1", "bench_lag": 0, "lag_years": 1.0}},
                    {"limits.phases_active_max": 1, "precedence.slopes": False},
                ]
            )
        )
    changes |= {"whole": {"panels.mining": "whole"}, "block partial": {"blocks.mining": "partial"}}.get(kind, {})
    precedence = []
    if by_blocks and draw(st.booleans()):
        changes |= {"precedence.slopes": False}
        names = [f"b{x}-0-{z}" for z in reversed(range(nz)) for x in range(nx)]
        pairs = [(b, a, lag) for i, b in enumerate(names) for a in names[:i] for lag in (0.0, 0.5, 1.0)]
        precedence = draw(st.lists(st.sampled_from(pairs), max_size=3, unique_by=lambda arc: arc[:2]))
    recipe = {
        "nx": nx,
        "nz": nz,
        "periods": draw(st.sampled_from([2, 3] if nx * nz < 4 or kind == "partial" else [2, 2, 3])),
        "grades": draw(st.lists(st.sampled_from(GRADES), min_size=nx * nz, max_size=nx * nz)),
        "tonnes": draw(st.lists(st.sampled_from([20e3, 35e3, 70e3]), min_size=nx * nz, max_size=nx * nz)),
        "phases": phases,
        "stockpile": stockpile,
        "changes": changes,
        "precedence": precedence,
    }
    resolution: Resolution = "block" if by_blocks else "panel"
    try:
        instance = tiny_mine(**recipe)
    except BadInput:
        reject()
    return Drawn(instance, scheduling_units(instance, resolution), recipe | {"resolution": resolution})
