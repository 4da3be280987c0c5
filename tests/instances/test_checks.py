"""Checks between the parts of a mine: one line a fault, with the nearest valid thing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from instances.findings import BadInput
from instances.reading import mine_in_memory
from tests.builders import tiny_blocks, tiny_data, tiny_mine


def faults(changes: dict[str, Any], blocks: pd.DataFrame | None = None, **choices: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        mine_in_memory(tiny_data(changes=changes, **choices), tiny_blocks() if blocks is None else blocks)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.findings)
    return lines


FAULTS: list[tuple[dict[str, Any], str]] = [
    (
        {"products.copper.price_usd_per_lb": [3.0, 3.1]},
        (
            "products.copper.price_usd_per_lb is a list of 2; "
            "expected one number, or 3 numbers, one for each period of the calendar"
        ),
    ),
    (
        {"calendar.period_years": [1.0]},
        "calendar.period_years is a list of 1; expected one number, or 3 numbers, one for each period of the calendar",
    ),
    (
        {"limits.mill_t_per_day": []},
        "limits.mill_t_per_day is a list of 0; expected one number, or 3 numbers, one for each period of the calendar",
    ),
    (
        {"destinations.mill.accepts": ["ore", "lwo"]},
        "destinations.mill.accepts is 'lwo'; expected a material (nearest: low)",
    ),
    (
        {"destinations.dump.accepts": ["ore", "low", "rock", "ore"]},
        "destinations.dump.accepts is 'ore'; expected each name once",
    ),
    ({"destinations.pile.feeds": ["mil"]}, "destinations.pile.feeds is 'mil'; expected a mill (nearest: mill)"),
    ({"destinations.pile.feeds": []}, "destinations.pile.feeds is empty; expected at least one mill (nearest: mill)"),
    (
        {"destinations.pile.bins.low.materials": ["low", "ore"]},
        "destinations.pile.bins.low.materials is 'ore'; expected a material that the stockpile accepts (nearest: low)",
    ),
    (
        {"destinations.pile.accepts": ["low", "ore"]},
        "destinations.pile.accepts is 'ore'; expected a material that one of its bins keeps",
    ),
    (
        {"destinations.mill.recovery.cu.granite": 0.5},
        "destinations.mill.recovery.cu is 'granite'; expected a material",
    ),
    (
        {"destinations.mill.recovery.cu": {"ore": 0.9}},
        "destinations.mill.recovery.cu: expected the recovery of cu from low; it is missing",
    ),
    ({"products.copper.element": "cuu"}, "products.copper.element is 'cuu'; expected an element (nearest: cu)"),
    (
        {"limits.head_grade.cu": {"max": 0.9, "mills": ["mil"]}},
        "limits.head_grade.cu.mills is 'mil'; expected a mill (nearest: mill)",
    ),
    (
        {"limits.head_grade.au": {"min": 0.1}},
        "limits.head_grade is 'au'; expected an element, or a name with a key element (nearest: cu)",
    ),
    (
        {"limits.head_grade.deep": {"min": 0.1, "element": "cuu"}},
        "limits.head_grade.deep.element is 'cuu'; expected an element (nearest: cu)",
    ),
    ({"limits.metal.au": {"max_t_per_year": 1.0}}, "limits.metal is 'au'; expected an element (nearest: cu)"),
    ({"panels.grade_bins.au": [0.1]}, "panels.grade_bins is 'au'; expected an element (nearest: cu)"),
    ({"panels.grade_bins.cu": [0.3, 0.3]}, "panels.grade_bins.cu is 0.3 and then 0.3; expected edges that increase"),
    ({"operating.mil": {}}, "operating is 'mil'; expected \"pit\" or a mill (nearest: mill)"),
    (
        {"destinations.dump.accepts": ["ore", "low"]},
        "materials.rock is without anywhere to go; expected a destination that accepts rock",
    ),
    (
        {"destinations.dump.opens": dt.date(2023, 1, 1)},
        (
            "materials.rock is without anywhere to go; expected a destination that accepts rock and is open within the "
            "calendar (nearest: destinations.dump)"
        ),
    ),
    ({"phases.p1.after": "p0"}, "phases.p1.after is 'p0'; expected a phase"),
    ({"phases.p1.after": "p1"}, "phases.p1.after is p1 after p1; expected an order of the phases without a cycle"),
    ({"phases.p1.bench_lag": 2}, "phases.p1.bench_lag is 2; expected a phase to lag behind, in the key after"),
    (
        {"limits.mining_min_mt_per_year": [0.1, 0.3, 0.4]},
        "limits.mining_min_mt_per_year is 0.3 in 2021; expected at most mining_mt_per_year, which is 0.2 there",
    ),
    (
        {"limits.mill_min_t_per_day": 400},
        "limits.mill_min_t_per_day is 400 in 2020; expected at most mill_t_per_day, which is 300 there",
    ),
    (
        {"limits.strip_ratio_min": 3, "limits.strip_ratio_max": 2},
        "limits.strip_ratio_min is 3 in 2020; expected at most strip_ratio_max, which is 2 there",
    ),
    (
        {"limits.strip_ratio_cumulative_min": 3, "limits.strip_ratio_cumulative_max": 2},
        "limits.strip_ratio_cumulative_min is 3 in 2020; expected at most strip_ratio_cumulative_max, which is 2 there",
    ),
    (
        {"limits.head_grade.cu": {"min": 0.5, "max": 0.4}},
        "limits.head_grade.cu.min is 0.5 in 2020; expected at most max, which is 0.4 there",
    ),
    (
        {"limits.metal.cu": {"min_t_per_year": 500, "max_t_per_year": [600, 400, 600]}},
        "limits.metal.cu.min_t_per_year is 500 in 2021; expected at most max_t_per_year, which is 400 there",
    ),
    (
        {"destinations.dump.opens": dt.date(2021, 1, 1), "destinations.dump.closes": dt.date(2020, 6, 1)},
        "destinations.dump.closes is 2020-06-01; expected a date after it opens, 2021-01-01",
    ),
    (
        {"calendar.valuation_date": dt.date(1011, 1, 1)},
        "calendar.valuation_date is 1011-01-01; expected a date within 100 years of the calendar's start, 2020-01-01",
    ),
    (
        {"capital": [{"title": "fleet", "date": dt.date(2202, 1, 1), "amount": 1.0}]},
        "capital.0.date is 2202-01-01; expected a date within 100 years of the calendar's start, 2020-01-01",
    ),
    (
        {
            "destinations.pile.model": "average",
            "destinations.pile.bins.more": {"materials": ["low"], "leaves_at": {"cu": 0.4}, "recovery": {"cu": 0.7}},
        },
        "destinations.pile.bins is 2 bins; expected exactly one bin with the model average",
    ),
    (
        {"destinations.pile.bins.low.grade_from": {"cu": 0.4}, "destinations.pile.bins.low.grade_to": {"cu": 0.3}},
        "destinations.pile.bins.low.grade_from.cu is 0.4; expected a grade below grade_to, 0.3",
    ),
    (
        {"destinations.pile.bins.low.grade_to": {"cu": 0.25}},
        "destinations.pile.bins.low.leaves_at.cu is 0.3; expected a grade that it takes in, 0 to 0.25",
    ),
    (
        {"destinations.pile.bins.low.leaves_at": {}},
        "destinations.pile.bins.low.leaves_at: expected the grade of cu at which it is reclaimed; it is missing",
    ),
    (
        {"destinations.pile.bins.low.recovery": {}},
        (
            "destinations.pile.bins.low.recovery: expected the recovery of cu, which product copper "
            "sells; it is missing "
            "(nearest: destinations.pile.bins.low.recovery.cu)"
        ),
    ),
    (
        {"destinations.pile.bins.low.opening_mt": 0.1},
        "destinations.pile.bins.low.opening_grade: expected the grade of cu of the opening stock; it is missing",
    ),
    (
        {
            "destinations.pile.model": "average",
            "destinations.pile.bins.low.opening_mt": 0.1,
            "destinations.pile.bins.low.opening_grade": {"cu": 0.2},
        },
        (
            "destinations.pile.bins.low.opening_grade.cu is 0.2; "
            "expected at least the grade at which it is reclaimed, 0.3, with the model average"
        ),
    ),
    (
        {"products.copper.price_usd_per_lb": ...},
        "products.copper is without a price; expected exactly one of price_usd_per_lb and price_usd_per_oz",
    ),
    (
        {"products.copper.price_usd_per_oz": 1.0},
        "products.copper is given both prices; expected exactly one of price_usd_per_lb and price_usd_per_oz",
    ),
    (
        {"products.copper.concentrate_grade_pct": 27.0, "products.copper.unit_deduction_pct": 27.0},
        "products.copper.unit_deduction_pct is 27.0; expected less than the concentrate's grade, 27",
    ),
    (
        {"products.copper.freight_usd_per_wmt": 110.0},
        "products.copper.freight_usd_per_wmt is 110.0; expected no such key without concentrate_grade_pct",
    ),
    (
        {"products.again": {"element": "cu", "price_usd_per_lb": 3.0}},
        "products.again.element is 'cu'; expected an element that no other product sells; copper does",
    ),
    (
        {"options.mill2": {"widens": "mill", "cost": 1.0}},
        "options.mill2: expected exactly adds_t_per_day, as it widens mill (nearest: adds_t_per_day)",
    ),
    (
        {"options.mill2": {"widens": "mill", "cost": 1.0, "adds_t_per_day": 1.0, "adds_mt_per_year": 1.0}},
        (
            "options.mill2 is adds_t_per_day and adds_mt_per_year; "
            "expected exactly adds_t_per_day, as it widens mill (nearest: adds_t_per_day)"
        ),
    ),
    (
        {"options.fleet": {"widens": "mining", "cost": 1.0, "adds_t_per_day": 1.0}},
        (
            "options.fleet is adds_t_per_day; expected exactly adds_mt_per_year, as it widens mining "
            "(nearest: adds_mt_per_year)"
        ),
    ),
    (
        {"options.more": {"widens": "rehandle", "cost": 1.0, "adds_mt_per_year": 1.0}},
        "options.more.widens is 'rehandle'; expected a limit to widen: limits.rehandle_mt_per_year is not given",
    ),
    (
        {"provenance": {"limits.mill_t_per_dya": {"mark": "assumed", "source": "a slip"}}},
        (
            "provenance is 'limits.mill_t_per_dya'; expected the path of a key of this mine (nearest: "
            "limits.mill_t_per_day)"
        ),
    ),
    (
        {
            "materials.rock.slope_sectors": [
                {"from_azimuth_deg": 300.0, "to_azimuth_deg": 40.0, "slope_deg": 40.0},
                {"from_azimuth_deg": 30.0, "to_azimuth_deg": 90.0, "slope_deg": 45.0},
            ]
        },
        "materials.rock.slope_sectors.1: expected azimuths that do not overlap those of slope_sectors.0",
    ),
    (
        {"materials.rock.slope_sectors": [{"from_azimuth_deg": 30.0, "to_azimuth_deg": 30.0, "slope_deg": 45.0}]},
        "materials.rock.slope_sectors.0.to_azimuth_deg is 30.0; expected another azimuth than from",
    ),
    ({"phases.p2": {}}, "phases.p2 is without a block; expected a phase of the block table"),
    (
        {"materials.ore.tonnes_factor": 0.0, "materials.rock.tonnes_factor": 0.0},
        "blocks.file is 'blocks.csv'; expected a block with something left to mine",
    ),
    (
        {
            "reporting_basis": {
                "title": "other",
                "valued_from": dt.date(2021, 1, 1),
                "until": dt.date(2020, 1, 1),
                "discounting": "end",
                "discount_rate_per_year": 0.1,
            }
        },
        "reporting_basis.until is 2020-01-01; expected a date after valued_from, 2021-01-01",
    ),
    (
        {
            "published": [
                {"title": "NPV", "figure": "npv", "value": v, "unit": "M", "source": "there"} for v in (1.0, 2.0)
            ]
        },
        "published.1.figure is 'npv'; expected a figure that was not given above",
    ),
]


@pytest.mark.parametrize(("changes", "line"), FAULTS, ids=[line.split(" ")[0].rstrip(":") for _, line in FAULTS])
def test_a_fault_between_parts_is_one_line(changes: dict[str, Any], line: str):
    assert faults(changes) == [line]


def test_the_faults_of_all_parts_come_at_once():
    changes = {
        "products.copper.price_usd_per_lb": [3.0],
        "destinations.mill.accepts": ["ore", "low", "gold"],
        "panels.grade_bins.cu": [0.3, 0.2],
        "phases.p1.after": "p1",
    }
    assert len(faults(changes)) == 4


def test_a_long_cycle_of_phases_is_told_once_in_full():
    names = ("p1", "p2", "p3")
    changes = {"phases.p1.after": "p3", "phases.p2.after": "p1", "phases.p3.after": "p2"}
    (line,) = faults(changes, tiny_blocks(phases=names), phases=names)
    assert line == "phases.p1.after is p1 after p3 after p2 after p1; expected an order of the phases without a cycle"


def test_options_may_widen_a_limit_to_its_least():
    tiny_mine(
        changes={
            "limits.mill_min_t_per_day": [0.0, 0.0, 400.0],
            "options.mill2": {"widens": "mill", "adds_t_per_day": 100.0, "cost": 1e6},
        }
    )


def test_a_mine_without_a_mill_is_refused():
    changes = {"destinations.mill": ..., "destinations.pile": ...}
    assert faults(changes) == ["destinations is without a mill; expected at least one destination of the kind mill"]


def test_a_material_that_only_a_bin_could_keep_has_to_have_one():
    changes = {
        "destinations.mill.accepts": ["ore"],
        "destinations.dump.accepts": ["ore", "rock"],
        "destinations.pile.accepts": ["ore", "low"],
        "destinations.pile.bins.low.materials": ["ore"],
    }
    assert faults(changes) == [
        "destinations.pile.accepts is 'low'; expected a material that one of its bins keeps",
        (
            "materials.low is without anywhere to go; expected a stockpile bin that keeps low, or "
            "another destination that "
            "accepts it (nearest: destinations.pile)"
        ),
    ]


@pytest.mark.parametrize(
    ("bin_grades", "expected"),
    [
        ({"leaves_at": {"cu": 0.3, "as": 0.0}}, "as is 0.0; expected the highest grade that it takes in, grade_to"),
        (
            {"leaves_at": {"cu": 0.3, "as": 50.0}, "grade_to": {"as": 400.0}},
            "grade_to, as limits.head_grade.as.max limits the feed from above: 400",
        ),
        ({"leaves_at": {"cu": 0.3, "as": 400.0}, "grade_to": {"as": 400.0}}, None),
    ],
)
def test_a_contaminant_leaves_a_stockpile_no_cleaner_than_it_may_have_come(
    bin_grades: dict[str, Any], expected: str | None
):
    """Else stock would keep a limit of the feed that what was put on it breaks."""
    low = tiny_data()["destinations"]["pile"]["bins"]["low"] | bin_grades
    changes = {
        "elements.as": {"unit": "g_per_t"},
        "limits.head_grade": {"as": {"max": 300.0}},
        "destinations.pile.bins.low": low,
    }
    blocks = tiny_blocks().assign(as_g_per_t=1000.0)
    if expected is None:
        assert mine_in_memory(tiny_data(changes=changes), blocks).mine.limits.head_grade["as"].max == 300.0
    else:
        assert any(expected in line for line in faults(changes, blocks))
