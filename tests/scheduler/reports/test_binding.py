"""Prices gathered by limit: none is lost."""

from __future__ import annotations

from scheduler.reports.binding import bindings


def test_several_prices_of_one_limit_and_period_are_added():
    price = {"key": "limits.movement_change_max_mt", "unit": "t", "period": "2021"}
    found = bindings([price | {"value": 2.0}, price | {"value": 3.0}, price | {"value": 1.0, "period": "2022"}])
    assert [limit.prices for limit in found] == [{"2021": 5.0, "2022": 1.0}]
