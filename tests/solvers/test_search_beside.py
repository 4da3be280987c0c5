"""The search in a process of its own beside the bound: what it finds, how it ends, what goes on from it."""

import time
from dataclasses import replace

import numpy as np
import pytest

from solvers import bounding, search_beside
from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.improvement import ImprovementOptions
from solvers.relaxation import solve_relaxation
from solvers.relaxation.shares import Shares
from solvers.schedule import Schedule, keeps_rows
from solvers.schedule_search import ScheduleSearch, Start, points_of
from solvers.search_beside import Beginning, SearchBeside, worth_a_search_beside
from tests.solvers.relaxation.programs import random_program, solvable
from tests.solvers.relaxation.test_leaves import with_switches

SECONDS = 60.0


def search_of(program, **more):
    found = solve_relaxation(program)
    return ScheduleSearch.of(
        program,
        points_of(program, found, None),
        found.bound,
        ImprovementOptions(workers=1, **more),
        told=lambda _: None,
        interrupted=lambda: False,
    )


def beginning(program):
    found = solve_relaxation(program)
    return Beginning(program, points_of(program, found, None), found.bound, ImprovementOptions(workers=2), SECONDS)


def waited(beside, enough):
    """Waits for what a process finds, and gives up long after it should have been found."""
    until = time.monotonic() + SECONDS
    while not enough(beside) and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.parametrize(("program", "optimum"), list(solvable(range(4))))
def test_schedules_keep_every_row_and_the_last_is_the_optimum_of_a_small_program(program, optimum):
    told = []
    with SearchBeside(beginning(program), told.append) as beside:
        waited(beside, lambda found: found.objective >= optimum - 1e-6 * max(abs(optimum), 1.0))
        assert beside.spent > 0.0
    assert beside.schedule.keeps_order(program)
    assert keeps_rows(program, beside.schedule)
    assert beside.objective == beside.schedule.objective(program) == told[-1]
    assert beside.objective == pytest.approx(optimum, rel=1e-6, abs=1e-6)
    assert told == sorted(set(told))
    assert not beside._process.is_alive()


def test_left_at_once_it_ends_its_process_and_has_nothing():
    with SearchBeside(beginning(random_program(0)), lambda _: None) as beside:
        pass
    assert not beside._process.is_alive()
    assert not beside._listener.is_alive()
    assert beside.schedule is None
    assert beside.objective == -np.inf


def test_a_process_that_fails_says_so_and_costs_nothing_else(caplog):
    begin = beginning(random_program(0))
    broken = replace(begin, points=[replace(begin.points[0], shares=Shares.of(begin.points[0].x[:, :-1]))])
    with SearchBeside(broken, lambda _: None) as beside:
        waited(beside, lambda _: caplog.records)
    assert "the search beside the bound was given up" in caplog.text
    assert beside.schedule is None


def test_a_process_that_dies_is_told_of_and_what_it_found_is_kept(caplog):
    program, _ = next(solvable(range(40)))
    with SearchBeside(beginning(program), lambda _: None) as beside:
        waited(beside, lambda found: found.schedule is not None)
        beside._process.kill()
        waited(beside, lambda _: caplog.records)
    assert "the search beside the bound is gone" in caplog.text
    assert keeps_rows(program, beside.schedule)


def test_it_begins_anew_at_another_point_and_keeps_the_best():
    """Begun at a point that takes nothing and moved to that of the relaxation."""
    program, optimum = next(solvable(range(40)))
    begin = beginning(program)
    nothing = replace(begin.points[0], shares=Shares.of(np.zeros_like(begin.points[0].x)))
    with SearchBeside(replace(begin, points=[nothing]), lambda _: None) as beside:
        assert not beside.due
        before = beside.spent
        beside.move_to(begin.points[0])
        assert beside.spent < before
        waited(beside, lambda found: found.objective >= optimum - 1e-6 * max(abs(optimum), 1.0))
    assert beside.objective == pytest.approx(optimum, rel=1e-6, abs=1e-6)


def test_it_is_due_to_begin_anew_after_as_long_as_it_has_gone_on(monkeypatch):
    with SearchBeside(beginning(random_program(0)), lambda _: None) as beside:
        now = beside._begun
        for at, due in [(39.9, False), (40.1, True)]:
            monkeypatch.setattr(time, "perf_counter", lambda at=at: now + at)
            assert beside.due is due
        beside.move_to(beginning(random_program(0)).points[0])
        for at, due in [(80.1, False), (80.3, True)]:
            monkeypatch.setattr(time, "perf_counter", lambda at=at: now + at)
            assert beside.due is due


@pytest.mark.parametrize(("program", "optimum"), list(solvable(range(10, 14))))
def test_a_schedule_with_a_search_beside_is_sound_and_its_bound_holds(program, optimum, monkeypatch):
    """With the least size lowered; no optimum is asked for, as that would be a matter of time."""
    monkeypatch.setattr(search_beside, "_LEAST", 1)
    bounds, progress, stages = [], [], []
    found = find_schedule(
        program,
        ScheduleOptions(seconds=3.0, workers=2, gap=1e-6),
        on_bound=lambda *told: bounds.append(told),
        on_progress=progress.append,
        on_stage=stages.append,
    )
    assert len(bounds) == 1
    assert stages == [stage for stage in found.seconds if stage != "ultimate pit"]
    slack = 1e-6 * max(abs(optimum), 1.0)
    assert all(at.objective is None or at.objective <= at.bound + slack for at in progress)
    assert found.schedule is None or keeps_rows(program, found.schedule)
    assert found.objective is None or found.objective <= optimum + slack
    assert found.certified_bound >= optimum - slack
    worth = [objective for _, objective in found.history]
    assert worth == sorted(worth)


def test_it_is_begun_where_there_is_a_second_core_and_much_to_do(monkeypatch):
    program = random_program(0)
    assert not worth_a_search_beside(program, 2)
    monkeypatch.setattr(search_beside, "_LEAST", 1)
    assert worth_a_search_beside(program, 2)
    assert not worth_a_search_beside(program, 1)


@pytest.mark.parametrize("switched", [False, True])
def test_it_is_begun_before_cases_unless_these_lead_to_better_points(monkeypatch, switched):
    """Which they do where something is switched."""
    monkeypatch.setattr(search_beside, "_LEAST", 1)
    order, by_cases = [], bounding.bound_by_cases

    def begun(beside, begin, told):
        order.append("search")
        init(beside, begin, told)

    def cases(program, chains, *more, **named):
        order.append("cases")
        return by_cases(program, chains, *more, **named)

    init = SearchBeside.__init__
    monkeypatch.setattr(SearchBeside, "__init__", begun)
    monkeypatch.setattr(bounding, "bound_by_cases", cases)
    program, chains = with_switches(0) if switched else (next(solvable(range(40)))[0], [])
    find_schedule(program, ScheduleOptions(seconds=2.0, workers=2, rounds=0), chains=chains)
    assert order == (["cases", "search"] if switched else ["search", "cases"])


def test_the_search_goes_on_with_the_schedule_known_unless_there_is_time_to_begin_anew():
    program = next(program for program, optimum in solvable(range(40)) if optimum > 1.0)
    search = search_of(program, spent=10.0)
    known = search.run(search.begin((), None, 0), None, 4, spread=False).best
    search = replace(search, known=known)
    goes_on = search.begin((), 9.0, 0)
    assert goes_on.schedule is known
    anew = search.begin((), 11.0, 0)
    assert anew.schedule is not known
    assert search._elsewhere(0, known, anew.schedule) is known
    assert search._elsewhere(0, known, known) is not known
    late = replace(search, interrupted=lambda: True)
    assert late.begin((), 11.0, 0).schedule is known
    assert search.run(anew, None, 0, spread=False).best.objective(program) >= known.objective(program)


@pytest.mark.parametrize(("spent", "searches"), [(0.0, 2), (1e9, 1)])
def test_one_begun_anew_gives_way_to_the_schedule_known_where_it_stays_behind(monkeypatch, spent, searches):
    """Which is then searched from; where the time to come as far is not over, nothing changes."""
    program, _ = next(solvable(range(40)))
    known = find_schedule(program, ScheduleOptions(workers=1, rounds=20)).schedule
    search = replace(search_of(program, spent=spent), known=known)
    begun, one = [], ScheduleSearch.one

    def spied(self, builder, schedule, seconds, rounds):
        begun.append(schedule)
        return one(self, builder, schedule, seconds, rounds)

    monkeypatch.setattr(ScheduleSearch, "one", spied)
    share = np.zeros((program.n_parts, program.n_choices))
    extras = np.clip(0.0, program.extra_lower, program.extra_upper)
    nothing = Schedule(np.full(program.n_nodes, program.n_steps), share, extras)
    found = search.run(Start("nothing", nothing, None), SECONDS, 3, spread=False)
    assert [schedule is known for schedule in begun] == [False, True][:searches]
    assert found.best.objective(program) >= known.objective(program)
