"""Limits have words for a reader, whatever family of constraints has a price."""

from __future__ import annotations

import pytest

from scheduler.formulation.build import FAMILIES
from scheduler.reports.facts import Facts
from scheduler.reports.limit_words import limit_words
from scheduler.reports.money import binding_figure
from scheduler.reports.numbers import common_digits
from tests.scheduler.reports.conftest import HOSTILE

ELASTIC = [family.key for family in FAMILIES if family.elastic]


@pytest.mark.parametrize("key", ELASTIC)
def test_every_limit_that_may_have_a_price_has_words(key: str):
    words = limit_words(key.format("dump_a"))
    assert "." not in words
    assert "_" not in words
    assert ("dump a" in words) == ("{0}" in key)


def test_limits_are_told_apart_by_their_words():
    assert len({limit_words(key.format("a")) for key in ELASTIC} - {"room of a"}) == len(ELASTIC) - 2


def test_destinations_and_phases_go_by_their_titles(mzo: Facts):
    assert limit_words("destinations.tmf3.storage_mt", mzo.mine) == "room of TMF-3"
    assert limit_words("phases.mzo1.release", mzo.mine) == "release of Main Zone, pushback 1"
    assert limit_words("destinations.gone.storage_mt", mzo.mine) == "room of gone"


@pytest.mark.parametrize("key", [*HOSTILE, "", "limits", "destinations.", "destinations.a.b", "limits.{0}"])
def test_what_is_no_limit_stays_as_it_is(key: str):
    assert limit_words(key) == key


def test_prices_of_a_limit_have_the_same_digits_and_the_table_its_key(mzo: Facts):
    figure = binding_figure(mzo)
    assert figure is not None
    row = figure.table.rows[0]
    assert row[:3] == ("mill capacity", "limits.mill_t_per_day", "C$/t")
    assert row[3:5] == ("1.5", "2.5")
    assert figure.plot is not None
    assert figure.plot.telephone is not None
    turned, plain = figure.plot.telephone.traces[0]["z"], figure.plot.traces[0]["z"]
    assert [list(row) for row in zip(*turned, strict=True)] == plain


def test_digits_are_those_of_the_largest():
    assert common_digits([8.172, 0.2658]) == 2
    assert common_digits([0.28, 0.00707]) == 3
    assert common_digits([1234.5, 2.0]) == 0
    assert common_digits([]) == common_digits([0.0]) == 0
    assert common_digits([1e-12]) == 6
