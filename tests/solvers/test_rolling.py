"""Schedules made a few steps at a time: sound, and what is left is the same program."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import sparse

from scheduler.minelib import closure_program
from solvers import schedule_search
from solvers.early_start import early_started
from solvers.improvement import ImprovementOptions
from solvers.relaxation import ClosureProgram, RelaxationResult, StopRule, solve_relaxation
from solvers.relaxation.parametric import find_families
from solvers.rolling import _Rest, _spans, can_be_rolled, relaxations_left, rolled
from solvers.rounding import placed
from solvers.schedule import Schedule, keeps_rows
from solvers.schedule_search import ScheduleSearch, _in_time, points_of
from tests.benchmarks.made_up import made_up
from tests.solvers.relaxation.programs import random_program, whole_optimum


def always(_settled: int) -> bool:
    return True


def capacities_alone(seed: int) -> ClosureProgram:
    """Several parts a node, nodes without, late starts, closed choices; a capacity in some steps, alike in all."""
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    T, D = program.n_steps, program.n_choices
    use = rng.integers(0, 5, (program.n_parts, D)).astype(float)
    limited = np.flatnonzero(rng.random(T) < 0.9)
    rows = np.zeros((limited.size, program.n_parts, T, D))
    for row, step in enumerate(limited):
        rows[row, :, step] = use
    none = np.zeros(0)
    return replace(
        program,
        arc_lag=np.zeros(0, np.int64),
        rows=sparse.csr_array(rows.reshape(limited.size, program.n_parts * T * D)),
        row_lower=np.full(limited.size, -np.inf),
        row_upper=rng.integers(1, 12, limited.size).astype(float),
        extra_value=none,
        extra_lower=none,
        extra_upper=none,
        extra_rows=None,
    )


@cache
def rollable() -> list[int]:
    return [seed for seed in range(40) if can_be_rolled(capacities_alone(seed))]


def rest_after(program: ClosureProgram, schedule: Schedule, begin: int) -> _Rest:
    return _Rest.after(program, find_families(program), np.flatnonzero(schedule.step >= begin), begin)


def test_most_programs_of_capacities_alone_can_be_rolled():
    """Not those in which a capacity is missing in half of the steps."""
    assert len(rollable()) >= 30


@pytest.mark.parametrize("seed", rollable())
def test_the_schedule_is_sound(seed):
    program = capacities_alone(seed)
    optimum, relaxation = whole_optimum(program, integer=True), solve_relaxation(program)
    for partition in (None, relaxation.partition):
        made = rolled(program, relaxation.x, partition, goes_on=always)
        assert made.keeps_order(program)
        assert keeps_rows(program, made)
        assert made.objective(program) <= optimum + 1e-6 * max(abs(optimum), 1.0)
        assert program.allowed is None or program.allowed.ravel()[made.entries(program)[0]].all()


@pytest.mark.parametrize("seed", rollable())
def test_what_is_left_is_the_program_with_its_first_steps_as_they_are(seed, monkeypatch):
    """With all later steps apart, its optimum is that of the program less what is settled."""
    program = capacities_alone(seed)
    if program.n_steps == 1:
        return
    monkeypatch.setattr("solvers.rolling._APART", program.n_steps)
    relaxation = solve_relaxation(program)
    schedule = max(
        (made for _, made in placed(program, relaxation.x, np.zeros(0))), key=lambda made: made.objective(program)
    )
    done = schedule.step < 1
    rest = rest_after(program, schedule, 1)
    settled = Schedule(np.where(done, 0, program.n_steps), schedule.share, schedule.extras)
    # As the whole with what is settled taken at once, as it was, for a reward, and nothing else in the first step.
    reward = 1e4 * schedule.share * done[program.part_node][:, None]
    value = program.value.copy()
    value[:, 0] += reward
    first = np.where(done, program.starts, np.maximum(program.starts, 1))
    whole = whole_optimum(replace(program, value=value, first_step=first), integer=True) - reward.sum()
    left = whole_optimum(rest.program, integer=True) if rest.nodes.size else 0.0
    assert settled.objective(program) + left == pytest.approx(whole, abs=1e-6 * max(abs(whole), 1e4))


@pytest.mark.parametrize("seed", rollable())
def test_what_is_left_is_relaxed_to_the_same_from_the_classes_known(seed):
    program = capacities_alone(seed)
    relaxation = solve_relaxation(program)
    if program.n_steps < 3:
        return
    schedule = max(
        (made for _, made in placed(program, relaxation.x, np.zeros(0))), key=lambda made: made.objective(program)
    )
    rest, before, partition = None, _Rest.all_of(program, find_families(program)), relaxation.partition
    for begin in range(1, program.n_steps):
        rest = rest_after(program, schedule, begin)
        classes = rest.classes(partition, before)
        assert (classes is None) is (program.open_choices is not None)
        begun, anew = solve_relaxation(rest.program, begin=classes), solve_relaxation(rest.program)
        assert begun.bound == pytest.approx(anew.bound, rel=2e-6, abs=1e-6)
        before, partition = rest, begun.partition


def test_classes_of_a_case_that_decides_of_nodes_are_not_begun_with():
    """In which a node begins later than in the program: nothing would ever take it sooner."""
    program = long_one(1, "nothing")
    families = find_families(program)
    whole = _Rest.all_of(program, families)
    first = program.starts + (np.arange(program.n_nodes) == program.n_nodes - 1)
    later = solve_relaxation(replace(program, first_step=first))
    assert whole.classes(later.partition, whole) is None
    assert whole.classes(solve_relaxation(program).partition, whole) is not None


@pytest.mark.parametrize(
    ("steps", "apart", "ends"),
    [
        (1, 4, [1]),
        (4, 4, [1, 2, 3, 4]),
        (5, 4, [1, 2, 3, 4, 5]),
        (20, 4, [1, 2, 3, 4, 5, 7, 10, 15, 20]),
        (29, 4, [1, 2, 3, 4, 5, 7, 10, 15, 22, 29]),
    ],
)
def test_later_steps_are_taken_together_in_ever_longer_spans(steps, apart, ends):
    assert _spans(steps, apart).tolist() == ends


def test_a_span_has_the_room_of_its_steps_and_their_mean_worth():
    problem, precedence = made_up(levels=6, side=14, periods=9, open_destinations=True, pit_alone=True, seed=1)
    program = closure_program(problem, precedence)
    rest = _Rest.after(program, find_families(program), np.arange(program.n_nodes), 1)
    assert rest.ends.tolist() == [1, 2, 3, 4, 5, 7, 8]
    for family, row in zip(find_families(program), (0, rest.ends.size), strict=True):
        assert rest.program.row_upper[row + 5] == pytest.approx(family.capacity[6:8].sum())
    assert rest.program.value[:, 5] == pytest.approx(program.value[:, 6:8].mean(axis=1))


@pytest.mark.parametrize("closed", ["nothing", "always", "by step"])
@pytest.mark.parametrize("seed", range(2))
def test_with_spans_of_several_steps_as_well(seed, closed, monkeypatch):
    """Of every relaxation on the way the value is no more than the bound, and no choice is made that is not allowed."""
    program = long_one(seed, closed)
    relaxations, counts = [], []

    def noted(rest: ClosureProgram, *given, **options) -> RelaxationResult:
        found = solve_relaxation(rest, *given, **options)
        relaxations.append((rest, found, options["begin"] is None))
        return found

    monkeypatch.setattr("solvers.rolling.solve_relaxation", noted)
    point = solve_relaxation(program)

    def goes_on(settled: int) -> bool:
        counts.append(relaxations_left(settled, program.n_steps))
        return True

    made = rolled(program, point.x, point.partition, goes_on=goes_on)
    assert made.keeps_order(program)
    assert keeps_rows(program, made)
    if program.allowed is not None:
        assert program.allowed.ravel()[made.entries(program)[0]].all()
    assert counts == list(range(len(counts), 0, -1))
    assert len(relaxations) == len(counts)
    for rest, found, anew in relaxations:
        assert found.value <= found.bound * (1.0 + 1e-6)
        assert anew is (closed != "nothing")
        assert found.bound <= solve_relaxation(rest).bound * (1.0 + 6e-3)
        if rest.open_choices is not None:
            assert np.abs(found.x[~rest.open_choices]).max(initial=0.0) < 1e-9


def long_one(seed: int, closed: str) -> ClosureProgram:
    """A small pit in 14 periods, whose last blocks begin late; some of it not to be dumped, or not in some steps."""
    problem, precedence = made_up(levels=5, side=12, periods=14, open_destinations=True, pit_alone=True, seed=seed)
    program = closure_program(problem, precedence)
    rng = np.random.default_rng(seed)
    late = np.where(np.arange(program.n_nodes) >= program.n_nodes - 8, 7, 0)
    allowed = np.ones(program.value.shape, bool)
    some = rng.random(program.n_parts) < 0.3
    if closed == "always":
        allowed[some, :, 0] = False
    elif closed == "by step":
        allowed[:, :, 0] = rng.random(allowed.shape[:2]) < 0.7
    return replace(program, first_step=late, allowed=None if closed == "nothing" else allowed)


@pytest.mark.parametrize(("steps", "count"), [(1, 0), (2, 1), (8, 7), (9, 8), (20, 13)])
def test_relaxations_left_are_those_still_to_be_solved(steps, count):
    assert relaxations_left(1, steps) == count


@pytest.mark.parametrize(
    ("moments", "to_come", "in_time"),
    [
        ([0.0, 1.0], 50, True),
        ([0.0, 1.0, 99.0], 50, True),
        ([0.0, 1.0, 101.0], 1, False),
        ([0.0, 1.0, 30.0, 40.0], 15, True),
        ([0.0, 1.0, 30.0, 40.0], 16, False),
        ([0.0, 1.0, 30.0, 90.0, 98.0], 1, False),
    ],
)
def test_it_is_left_off_where_relaxations_to_come_take_too_long(moments, to_come, in_time):
    assert _in_time(moments, to_come, 100.0) is in_time


def test_it_is_left_off_when_told(pit):
    program, relaxation = pit
    told = []

    def goes_on(settled: int) -> bool:
        told.append(settled)
        return settled < 3

    assert rolled(program, relaxation.x, None, goes_on=goes_on) is None
    assert told == [1, 2, 3]
    assert rolled(program, relaxation.x, None, goes_on=always, interrupted=lambda: True) is None


def test_programs_of_other_rows_are_not_rolled():
    whole = [random_program(seed) for seed in range(40)]
    assert not any(can_be_rolled(program) for program in whole if program.n_extras or program.lags.any())
    program = capacities_alone(rollable()[0])
    assert not can_be_rolled(replace(program, row_lower=np.full(program.n_rows, 0.0)))


def test_capacities_that_use_other_amounts_from_step_to_step_are_not_rolled():
    program = capacities_alone(next(seed for seed in rollable() if capacities_alone(seed).n_rows > 2))
    rows = program.rows.copy()
    rows.data = rows.data * (1.0 + np.repeat(np.arange(program.n_rows), np.diff(rows.indptr)))
    assert not can_be_rolled(replace(program, rows=rows))


@pytest.fixture(scope="module")
def pit() -> tuple[ClosureProgram, RelaxationResult]:
    """1,215 blocks in ten periods with two capacities, each block no earlier than its cone fits, and its relaxation."""
    problem, precedence = made_up(levels=10, side=24, periods=10, open_destinations=True, pit_alone=True, seed=1)
    program = early_started(closure_program(problem, precedence), whole=True)
    return program, solve_relaxation(program, StopRule(1e-6))


def test_relaxing_again_leads_higher_than_one_point(pit):
    """5.4 instead of 7.4 % from the bound."""
    program, relaxation = pit
    start = max(made.objective(program) for _, made in placed(program, relaxation.x, np.zeros(0)))
    for partition in (None, relaxation.partition):
        made = rolled(program, relaxation.x, partition, goes_on=always)
        assert keeps_rows(program, made)
        assert relaxation.bound - made.objective(program) < 0.8 * (relaxation.bound - start)


@pytest.mark.parametrize(
    ("changed", "again"), [({}, True), ({"_ROLLED_A_SECOND": 0}, False), ({"_LOST_LITTLE": 0.5}, False)]
)
def test_a_search_begins_so_where_rounding_loses_much_and_there_is_time(pit, monkeypatch, changed, again):
    program, relaxation = pit
    for name, value in changed.items():
        monkeypatch.setattr(schedule_search, name, value)
    told = []
    search = ScheduleSearch.of(
        program,
        points_of(program, relaxation, None),
        relaxation.bound,
        ImprovementOptions(),
        told=told.append,
        interrupted=lambda: False,
    )
    start = search.begin((), 1e6, None)
    assert start.sound is start.schedule
    assert keeps_rows(program, start.schedule)
    assert (start.origin == "relaxed again step by step") is again
    # The rounded one is told before it is made anew.
    assert len(told) == (1 if again else 0)
    assert all(at.objective < start.schedule.objective(program) for at in told)


def known_search(pit, spent: float) -> ScheduleSearch:
    """A search with a schedule known, 10 % from the bound at most, that so many seconds were spent on."""
    program, relaxation = pit
    known = rolled(program, relaxation.x, None, goes_on=always)
    points = points_of(program, relaxation, None)
    wanted = ImprovementOptions(spent=spent)
    search = ScheduleSearch.of(
        program, points, relaxation.bound, wanted, told=lambda _: None, interrupted=lambda: False
    )
    return replace(search, known=known)


@pytest.mark.parametrize(
    ("seconds", "rate", "anew"), [(60.0, 10_000, True), (40.0, 10_000, False), (60.0, 200, False), (61.0, 200, True)]
)
def test_a_search_begins_anew_where_there_is_time_for_as_much_again(pit, monkeypatch, seconds, rate, anew):
    """50 seconds were spent on what is known; 12,150 blocks times periods take 60.75 at 200 a second."""
    monkeypatch.setattr(schedule_search, "_ANEW_A_SECOND", rate)
    search = known_search(pit, 50.0)
    start = search.begin((), seconds, None)
    assert (start.origin != "found while the bound was brought down") is anew
