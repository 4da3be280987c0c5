"""What is proven before all cores search: how precisely, and when decisions are left off."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from solvers import bounding
from solvers.bounding import Bounded, decided
from solvers.course import Course, ScheduleOptions
from solvers.relaxation import solve_relaxation
from solvers.relaxation.branching import CaseLimits, bound_by_cases
from solvers.relaxation.node_branching import Split
from solvers.relaxation.valid_rows import ValidRows
from tests.solvers.relaxation.programs import solvable


class _Known:
    """A search beside that knows a schedule of a given worth."""

    due = False

    def __init__(self, objective):
        self.objective = objective


@pytest.mark.parametrize("near", [False, True])
def test_no_decision_is_made_once_a_schedule_is_near_enough(near):
    program = next(program for program, optimum in solvable(range(40)) if optimum > 1.0)
    relaxation = solve_relaxation(program)
    cases = bound_by_cases(program, [], ValidRows.none(program), CaseLimits(), root=relaxation)
    asked = []

    def interrupted():
        asked.append(True)
        return False

    beside = _Known(relaxation.bound if near else 0.5 * relaxation.bound)
    course = Course(ScheduleOptions(gap=0.01, workers=1), interrupted=interrupted)
    found = decided(Bounded(relaxation, program, cases), [], course, beside)
    assert asked
    assert found.bound <= cases.bound + 1e-9 * abs(cases.bound)
    assert (found.solves == cases.solves) or not near


@pytest.mark.parametrize(("seconds", "made"), [(60.0, True), (36.0, False)])
def test_no_decision_is_made_where_relaxations_take_too_long(seconds, made):
    """Eight of three pricings of half a second each do not fit into 0.3 of 36."""
    program = next(program for program, optimum in solvable(range(40)) if optimum > 1.0)
    relaxation = solve_relaxation(program)
    cases = bound_by_cases(program, [], ValidRows.none(program), CaseLimits(), root=relaxation)
    slow = replace(relaxation, iterations=4, seconds=2.0)
    found = decided(Bounded(slow, program, cases), [], Course(ScheduleOptions(seconds=seconds)), None)
    assert (found.solves > cases.solves) is made


def test_decisions_are_left_off_where_they_close_hardly_anything(monkeypatch):
    """In a quarter of their time, and four of them, of what lies between the bound and the schedule found beside."""
    now = [0.0]
    monkeypatch.setattr(bounding, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def enough(ends, *, schedule=100.0, seconds=100.0):
        """After decisions that end at these times, with these bounds."""
        now[0], course = 0.0, Course(ScheduleOptions())
        course.bound = 110.0
        watch = bounding._Beside(_Known(schedule), course, seconds)
        for now[0], bound in ends:
            watch.split_up(Split(bound, lambda: None))
        return watch.enough()

    slow = [(6.0, 109.99), (12.0, 109.98), (18.0, 109.97), (26.0, 109.96)]
    assert enough(slow)
    assert not enough(slow[:3])
    assert not enough(slow[1:])
    assert not enough([*slow[:3], (26.0, 109.5)])
    assert not enough([*slow[:3], (26.0, 109.0), (50.0, 109.0)])
    assert not enough(slow, schedule=-np.inf)
    assert not enough(slow, seconds=None)


@pytest.mark.parametrize(("seconds", "precise"), [(600.0, 12.0), (100.0, 5.0), (10.0, 1.0), (None, None)])
def test_a_relaxation_is_precise_for_a_part_of_the_time(seconds, precise):
    """Five seconds where that is between a fiftieth and a tenth of the limit."""
    found = bounding._precise_until(Course(ScheduleOptions(seconds=seconds)))
    assert found == (None if precise is None else pytest.approx(precise, abs=0.2))
