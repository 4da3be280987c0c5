"""Overrides are typed and checked as the file is."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

from instances.findings import BadInput
from instances.instance import Instance
from instances.overrides import overridden
from instances.reading import read_mine

MZO = tomllib.loads((Path(read_mine.__code__.co_filename).parent / "mzo" / "mine.toml").read_text(encoding="utf-8"))


def value_after(override: str, *keys: Any) -> Any:
    data, _ = overridden(MZO, [override])
    value: Any = data
    for key in keys:
        value = value[key]
    return value


def refused(*overrides: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_mine("mzo", overrides)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("materials.tailings.tonnes_factor=0.5", ("materials", "tailings", "tonnes_factor"), 0.5),
        ("destinations.tmf3.opens=2014-08-01", ("destinations", "tmf3", "opens"), dt.date(2014, 8, 1)),
        ("limits.mill_t_per_day = 14000", ("limits", "mill_t_per_day"), 14000),
        ("limits.strip_ratio_cumulative_max=1.8", ("limits", "strip_ratio_cumulative_max"), 1.8),
        ("limits.head_grade.cu.min=0.2", ("limits", "head_grade", "cu"), {"min": 0.2}),
        ("operating.mill.closure_cost=5e6", ("operating", "mill", "closure_cost"), 5e6),
        ("calendar.discounting=end", ("calendar", "discounting"), "end"),
        ('title="another title"', ("title",), "another title"),
        ("panels.bench_order=false", ("panels", "bench_order"), False),
        ("capital.0.amount=90e6", ("capital", 0, "amount"), 90e6),
        ("capital.0.amount+=-10e6", ("capital", 0, "amount"), 90e6),
        ("products.copper.price_usd_per_lb.3=2.5", ("products", "copper", "price_usd_per_lb", 3), 2.5),
        ("limits.mill_t_per_day.2=12000", ("limits", "mill_t_per_day"), [16000.0] * 2 + [12000] + [16000.0] * 8),
        ("limits.mill_t_per_day*=0.5", ("limits", "mill_t_per_day"), 8000.0),
        ("materials.tailings.tonnes_factor*=0.5", ("materials", "tailings", "tonnes_factor"), 0.5),
        ("calendar.periods+=1", ("calendar", "periods"), 12),
        ("taxes.income_tax_rate+=0.01", ("taxes", "income_tax_rate", 10), 0.26),
        ("destinations.waste_dump.accepts=['waste_rock']", ("destinations", "waste_dump", "accepts"), ["waste_rock"]),
    ],
)
def test_an_override_changes_the_value_at_its_path(override: str, keys: tuple[Any, ...], value: object):
    assert value_after(override, *keys) == value


def test_a_factor_scales_every_number_of_a_list():
    scaled = value_after("products.copper.price_usd_per_lb*=0.8", "products", "copper", "price_usd_per_lb")
    assert scaled == pytest.approx([price * 0.8 for price in MZO["products"]["copper"]["price_usd_per_lb"]])


def test_a_list_changes_a_list_number_by_number():
    changes = [0.1] + [0.0] * 10
    changed = value_after(f"products.copper.price_usd_per_lb+={changes}", "products", "copper", "price_usd_per_lb")
    assert changed == pytest.approx([3.5, *MZO["products"]["copper"]["price_usd_per_lb"][1:]])


def test_later_overrides_build_on_earlier_ones():
    data, _ = overridden(MZO, ["limits.mill_t_per_day=10000", "limits.mill_t_per_day*=1.5"])
    assert data["limits"]["mill_t_per_day"] == 15000


def test_the_contents_given_are_left_alone():
    overridden(MZO, ["limits.mill_t_per_day=1", "limits.head_grade.cu.max=1"])
    assert MZO["limits"]["mill_t_per_day"] == 16000.0
    assert "head_grade" not in MZO["limits"]


def test_what_is_overridden_is_marked_assumed(mzo: Instance):
    changed = read_mine(
        "mzo", ["limits.mill_t_per_day=14000", "destinations.mill.recovery={cu={direct_ore=0.9,low_grade_ore=0.8}}"]
    )
    mark = changed.mine.provenance["limits.mill_t_per_day"]
    assert (mark.mark, mark.source) == ("assumed", "override: limits.mill_t_per_day=14000")
    assert mzo.mine.provenance["limits.mill_t_per_day"].mark == "published"
    assert "destinations.mill.recovery.cu.direct_ore" not in changed.mine.provenance
    assert changed.overrides[0] == "limits.mill_t_per_day=14000"
    assert changed.hash() != mzo.hash()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("limits.mil_t_per_day=14000", "expected a key that [limits] knows (nearest: limits.mill_t_per_day)"),
        ("limits.mill_mt_per_year=6", "expected a key that [limits] knows (nearest: limits.mill_t_per_day)"),
        ("destinations.tmf33.opens=2014-08-01", "expected a name of [destinations] (nearest: destinations.tmf3)"),
        ("limit.mill_t_per_day=1", "expected a key that mine.toml knows (nearest: limits)"),
        (
            "limits.mill_t_per_day",
            "expected PATH=VALUE, PATH*=FACTOR or PATH+=DELTA, such as limits.mill_t_per_day=14000",
        ),
        ("=3", "expected PATH=VALUE, PATH*=FACTOR or PATH+=DELTA, such as limits.mill_t_per_day=14000"),
        ("limits.mill_t_per_day=", 'expected a value as in mine.toml: a number, a date, true, "text" or a list'),
        ("limits.mill_t_per_day=1\nx=2", 'expected a value as in mine.toml: a number, a date, true, "text" or a list'),
        ("capital.8.amount=1", "expected a position in capital, 0 to 7"),
        ("capital.x.amount=1", "expected a position in capital, 0 to 7"),
        ("products.copper.price_usd_per_lb.11=1", "expected a position in products.copper.price_usd_per_lb, 0 to 10"),
        ("title*=2", "expected a number, or a list of numbers, to change; title is Huckleberry Main Zone Optimization"),
        (
            "destinations.tmf3.opens+=1",
            "expected a number, or a list of numbers, to change; destinations.tmf3.opens is 2013-08-01",
        ),
        (
            "limits.strip_ratio_min*=2",
            "expected a number, or a list of numbers, to change; limits.strip_ratio_min is not given",
        ),
        ("limits.mill_t_per_day*=many", "expected a number as the factor"),
        (
            "products.copper.price_usd_per_lb*=[1, 2]",
            "expected a factor, or 11 of them, for the 11 numbers of products.copper.price_usd_per_lb",
        ),
        ("limits.mill_t_per_day.first=1", "expected a position in limits.mill_t_per_day, 0 to 10"),
        ("title.x=1", "expected a key; title has none below it (nearest: title)"),
    ],
)
def test_an_override_that_means_nothing_is_one_line(override: str, said: str):
    (line,) = refused(override)
    assert line == f"--set {' '.join(override.split())}: {said}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("limits.mill_t_per_day=-5", "limits.mill_t_per_day is -5; expected a number >= 0"),
        (
            "limits.mill_t_per_day=fast",
            "limits.mill_t_per_day is 'fast'; expected a number >= 0, or a list with one for each period",
        ),
        ("calendar.periods*=1.3", "calendar.periods is 14.3; expected a whole number >= 1 and <= 200"),
        (
            "products.copper.price_usd_per_lb=[3.0]",
            (
                "products.copper.price_usd_per_lb is a list of 1; expected one number, or 11 numbers, one "
                "for each period of the calendar"
            ),
        ),
        (
            "limits.mill_min_t_per_day=17000",
            "limits.mill_min_t_per_day is 17000 in 2011; expected at most mill_t_per_day, which is 16000 there",
        ),
    ],
)
def test_an_override_is_checked_like_the_file(override: str, said: str):
    assert refused(override) == [f"--set {override}: {said}"]


def test_every_bad_override_is_told():
    assert len(refused("limits.a=1", "materials.b.slope_deg=2", "nothing")) == 3


def test_factors_by_period_change_one_number_that_holds_for_all():
    """A list of factors makes a list of a number that holds for every period; the sum likewise."""
    wanted = ("limits", "strip_ratio_max")
    assert value_after("limits.strip_ratio_max*=[1.0, 0.5, 2.0]", *wanted) == [2.0, 1.0, 4.0]
    assert value_after("limits.strip_ratio_max+=[0.0, 0.5, -1.0]", *wanted) == [2.0, 2.5, 1.0]
    # Its length is checked as that of any list by period.
    assert len(refused("limits.strip_ratio_max*=[1.0, 0.5, 2.0]")) == 1
