"""The what-ifs of the bundled mine: one override each, solved, audited, and worth what they must be worth."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from instances.reading import read_mine
from scheduler.solving import Request, solve_mine

GAP = 0.02
CERTIFICATE_S = 4.0
"""The solver proves the gap; the certificate beside it is for others to test."""

WORSE = {
    "a mill of 14,000 t/d": "limits.mill_t_per_day=14000",
    "copper a fifth cheaper": "products.copper.price_usd_per_lb*=0.8",
    "the tailings facility a year late": "destinations.tmf3.opens=2014-08-01",
}
BETTER = {"half the tailings": "materials.tailings.tonnes_factor=0.5"}


@cache
def summary(*overrides: str) -> dict[str, Any]:
    return solve_mine(read_mine("mzo", overrides), Request(gap=GAP, certificate_s=CERTIFICATE_S)).summary


@pytest.mark.slow
@pytest.mark.parametrize("change", [*WORSE.values(), *BETTER.values()], ids=[*WORSE, *BETTER])
def test_a_change_of_one_line_is_solved_to_its_gap_and_audited(change: str):
    """Each what-if of the README ends with a proven gap and a clean audit."""
    found = summary(change)
    assert found["gap"] <= GAP
    assert found["bound"] >= found["objective"]
    assert found["audit"]["passed"]
    assert list(found["overrides"]) == [change]


@pytest.mark.slow
@pytest.mark.parametrize("change", WORSE.values(), ids=WORSE)
def test_less_of_what_limits_the_mine_is_never_worth_more(change: str):
    """A smaller mill, a lower price or a later facility cannot beat the bound of the mine as it is."""
    assert summary(change)["objective"] <= summary()["bound"]


@pytest.mark.slow
@pytest.mark.parametrize("change", BETTER.values(), ids=BETTER)
def test_less_to_move_is_never_worth_less(change: str):
    """Without half of its tailings the mine cannot be worth less than a plan that moves them all."""
    assert summary(change)["bound"] >= summary()["objective"]
