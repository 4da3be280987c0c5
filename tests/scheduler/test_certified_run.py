"""A plan is never lost for want of a certificate, and the better bound is the run's."""

from __future__ import annotations

import dataclasses

import pytest

from scheduler import certified_run
from scheduler.outcome import FEASIBLE, OPTIMAL
from scheduler.solving import Request, solve_mine
from solvers.relaxation import MasterError
from tests.builders import tiny_mine


def test_a_failing_relaxation_costs_the_certificate_and_not_the_plan(monkeypatch: pytest.MonkeyPatch):
    """HiGHS giving up on a master is told in the summary."""

    def fails(*_: object, **__: object) -> None:
        raise MasterError("HiGHS ended with unknown")

    monkeypatch.setattr(certified_run, "certify_mine", fails)
    answer = solve_mine(tiny_mine(), Request(gap=0.0))
    assert answer.plan is not None
    assert answer.certificate is None
    assert answer.summary["certified_bound"] is None
    assert answer.summary["certificate_missing"] == "HiGHS ended with unknown"
    assert answer.summary["status"] == OPTIMAL


def test_a_bound_below_the_plan_is_told_and_not_written(monkeypatch: pytest.MonkeyPatch):
    """A contradiction is nobody's proof."""
    certify = certified_run.certify_mine

    def too_low(*arguments: object, **named: object) -> object:
        found = certify(*arguments, **named)  # type: ignore[arg-type]
        return dataclasses.replace(found, bound=found.bound / 2)

    monkeypatch.setattr(certified_run, "certify_mine", too_low)
    answer = solve_mine(tiny_mine(), Request(gap=0.0))
    assert answer.plan is not None
    assert answer.certificate is None
    assert "contradicts the plan" in str(answer.summary["certificate_missing"])


@pytest.mark.parametrize(
    ("known", "certified", "expected"),
    [
        (110.0, 105.0, {"bound": 105.0, "gap_abs": 5.0, "gap": 0.05, "status": FEASIBLE}),
        (110.0, 100.05, {"bound": 100.05, "gap": pytest.approx(5e-4), "status": OPTIMAL}),
        (None, 102.0, {"bound": 102.0, "gap": pytest.approx(0.02)}),
        (105.0, 110.0, {}),
        (105.0, 105.0 - 1e-12, {}),
    ],
)
def test_the_bound_of_a_run_is_the_better_of_the_two(
    known: float | None, certified: float, expected: dict[str, object]
):
    """Gap and status follow it; a difference in the last digits changes nothing."""
    summary = {"objective": 100.0, "bound": known, "gap_asked": 1e-3}
    found = certified_run.better_bound(summary, certified)
    assert {key: found[key] for key in expected} == expected
    assert bool(found) == bool(expected)
