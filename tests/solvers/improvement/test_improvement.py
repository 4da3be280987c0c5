"""Parts of schedules solved again: the program of a part against the whole one, and the search built on it."""

from dataclasses import replace

import numpy as np
import pytest

import solvers.improvement.workers as workers_module
from solvers.closure_schedule import StopReason, find_schedule
from solvers.course import ScheduleOptions
from solvers.highs import solve
from solvers.improvement import Guidance, ImprovementOptions, SubprogramBuilder, improve, row_penalties, settle
from solvers.improvement.neighbourhoods import RelaxedMend, RelaxedRun, SolvedRuns, StepRun, Surroundings, every_kind
from solvers.improvement.parts import PartLimits, WindowPart
from solvers.improvement.subprogram import Elastics
from solvers.improvement.windows import Windows, propagated
from solvers.improvement.workers import Workers
from solvers.options import SolveOptions
from solvers.relaxation import bound_from_multipliers, solve_relaxation
from solvers.rounding import disturbed, round_relaxation
from solvers.schedule import Schedule, transitive_reduction
from solvers.spawning import spawn
from tests.solvers.relaxation.programs import random_program, whole_optimum

EXACT = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)


def nothing_taken(program):
    extras = np.clip(0.0, program.extra_lower, program.extra_upper)
    share = np.zeros((program.n_parts, program.n_choices))
    return Schedule(np.full(program.n_nodes, program.n_steps, np.int64), share, extras)


def wide_open(program, builder):
    """Windows that leave every node every step, and none."""
    n, T = program.n_nodes, program.n_steps
    everything = Windows(np.zeros(n, np.int64), np.full(n, T - 1, np.int64), np.ones(n, np.bool_))
    return propagated(everything, T, builder.arcs, program.starts)


@pytest.mark.parametrize("seed", range(40))
def test_with_every_node_free_the_part_is_the_whole_program(seed):
    """Lags, parts, choices, late starts, rows of every kind: same optimum as the program written out by hand."""
    program = random_program(seed)
    builder = SubprogramBuilder(program)
    start = nothing_taken(program)
    penalty = row_penalties(program, np.zeros(program.n_rows))
    violation = start.violation(program)
    soft = Elastics(np.flatnonzero(violation > 0), penalty[violation > 0])
    part = builder.build(start, wide_open(program, builder), elastic=soft)
    expected = whole_optimum(program, integer=True)
    if not part.program.num_columns:
        assert expected is None or expected == pytest.approx(start.objective(program), abs=1e-6)
        return
    found = solve(part.program, EXACT)
    schedule = part.schedule(found.x)
    assert schedule.keeps_order(program)
    if expected is None:
        assert (schedule.violation(program) > 0).any()
        return
    if (schedule.violation(program) > 0).any():
        # Breaking a row paid at this penalty: at a higher one it does not.
        soft = Elastics(soft.rows, 1e4 * soft.penalty)
        part = builder.build(start, wide_open(program, builder), elastic=soft)
        schedule = part.schedule(solve(part.program, EXACT).x)
    assert not (schedule.violation(program) > 0).any()
    assert schedule.objective(program) == pytest.approx(expected, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_part_holds_the_schedule_it_was_made_from(seed):
    """The start is a point of the program with the worth it has, and its answer is no worse and keeps the arcs."""
    program = random_program(seed)
    builder = SubprogramBuilder(program)
    relaxation = solve_relaxation(program)
    if relaxation.x is None:
        return
    penalty = row_penalties(program, relaxation.multipliers)
    rng = np.random.default_rng(seed)
    schedule = nothing_taken(program)
    around = Surroundings.of(builder, rng.uniform(0, program.n_steps, program.n_nodes))
    free = np.zeros(program.n_nodes, np.bool_)
    for kind in every_kind(around, SolvedRuns())[1] * 2:
        if isinstance(kind, RelaxedRun | RelaxedMend):
            # Windows of no program.
            continue
        windows = kind.draw(schedule, 30, rng, free)
        if windows is None or not windows.free.any():
            continue
        violation = schedule.violation(program)
        soft = Elastics(np.flatnonzero(violation > 0), penalty[violation > 0])
        flexible = rng.permutation(program.n_parts)[: program.n_parts // 2]
        priced = relaxation.multipliers if rng.random() < 0.5 else None
        part = builder.build(schedule, windows, flexible=flexible, elastic=soft, priced=priced)
        assert part.program.is_feasible(part.start)
        again = part.schedule(part.start)
        assert np.array_equal(again.step, schedule.step)
        assert again.objective(program) == pytest.approx(schedule.objective(program), rel=1e-9, abs=1e-9)
        found = solve(part.program, EXACT, start=part.start)
        better = part.schedule(found.x)
        gained = better.objective(program) - schedule.objective(program)
        lost = float(penalty @ (better.violation(program) - violation))
        told = (found.objective - part.program.objective_value(part.start)) / part.scale
        assert gained - lost == pytest.approx(told, rel=1e-5, abs=1e-4)
        assert better.keeps_order(program)
        schedule = better


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_keeps_every_row_below_the_optimum(seed):
    """Rounding and search on random programs: never above the whole optimum, never infeasible, mostly at it."""
    program = random_program(seed)
    found = find_schedule(program, ScheduleOptions(rounds=8, workers=1))
    optimum = whole_optimum(program, integer=True)
    if found.stop is StopReason.INFEASIBLE:
        assert optimum is None
        return
    if found.schedule is None:
        return
    assert optimum is not None
    assert found.schedule.keeps_order(program)
    assert not (found.schedule.violation(program) > 0).any()
    assert found.objective <= optimum + 1e-5 * max(1.0, abs(optimum))
    assert found.objective <= found.relaxation.bound + 1e-6 * max(1.0, abs(found.relaxation.bound))
    worths = [worth for _, worth in found.history]
    assert worths
    assert worths == sorted(worths)
    assert found.objective >= worths[-1] - 1e-6 * max(1.0, abs(worths[-1]))


def test_the_search_finds_most_optima_of_small_programs():
    """Of twenty random programs, those with a schedule, the search ends at the optimum in at least four of five."""
    reached, tried = 0, 0
    for seed in range(12, 32):
        program = random_program(seed)
        optimum = whole_optimum(program, integer=True)
        if optimum is None:
            continue
        found = find_schedule(program, ScheduleOptions(rounds=12, workers=1))
        tried += 1
        reached += found.objective is not None and found.objective >= optimum - 1e-5 * max(1.0, abs(optimum))
    assert tried >= 8
    assert reached >= 0.8 * tried


def test_the_whole_program_is_proven_where_that_is_asked():
    """HiGHS's bound on the whole program meets its optimum, whatever the search before it left open."""
    proven = 0
    for seed in range(40, 56):
        program = random_program(seed)
        optimum = whole_optimum(program, integer=True)
        found = find_schedule(program, ScheduleOptions(rounds=0, workers=1, prove=True))
        if optimum is None or found.solver_bound is None:
            continue
        proven += 1
        scale = max(1.0, abs(optimum))
        assert found.objective == pytest.approx(optimum, abs=1e-5 * scale)
        assert found.solver_bound == pytest.approx(optimum, abs=1e-5 * scale)
        assert found.bound == min(found.certified_bound, found.solver_bound)
    assert proven >= 2


def larger_program():
    """A random program with some dozens of nodes."""
    return max((random_program(seed) for seed in range(40)), key=lambda program: program.n_nodes * program.n_steps)


def test_the_same_seed_gives_the_same_schedule():
    """With a limit of rounds the outcome depends on the seed only."""
    program = larger_program()
    found = [find_schedule(program, ScheduleOptions(rounds=12, seed=5, workers=1)) for _ in range(2)]
    assert found[0].schedule is not None
    assert np.array_equal(found[0].schedule.step, found[1].schedule.step)
    assert found[0].objective == found[1].objective


def test_two_processes_do_no_worse_than_where_they_began():
    """Parts solved in processes of their own come back, are joined, and keep every row."""
    program = larger_program()
    builder = SubprogramBuilder(program)
    relaxation = solve_relaxation(program)
    penalty = row_penalties(program, relaxation.multipliers)
    start = settle(builder, nothing_taken(program), penalty)
    guidance = Guidance(penalty, relaxation.bound, relaxation.multipliers)
    told = []
    answer = improve(
        builder,
        start,
        ImprovementOptions(rounds=4, workers=2),
        guidance,
        on_round=lambda at: told.append((at.parts, at.objective, at.feasible)),
    )
    assert answer.schedule.keeps_order(program)
    assert answer.feasible
    assert len(told) == answer.rounds
    assert answer.objective >= start.objective(program)


def begun_elsewhere(program, **options):
    """The answer of a search that can begin anew, and the numbers of the schedules it asked for."""
    builder = SubprogramBuilder(program)
    relaxation = solve_relaxation(program)
    penalty = row_penalties(program, relaxation.multipliers)
    guidance = Guidance(penalty, np.inf, relaxation.multipliers)
    asked = []

    def restart(number, best):
        asked.append(number)
        rng = np.random.default_rng(number)
        return disturbed(builder, best, penalty, rng)

    start = settle(builder, nothing_taken(program), penalty)
    return improve(builder, start, ImprovementOptions(workers=1, **options), guidance, restart=restart), asked


def test_a_schedule_at_rest_is_begun_anew_elsewhere_until_that_brings_nothing():
    """Without any limit: others are asked for in turn, the same every time, and the search comes to its end."""
    program = larger_program()
    (first, asked), (again, _) = begun_elsewhere(program), begun_elsewhere(program)
    assert first.stop == "stalled"
    assert asked == list(range(len(asked)))
    assert len(asked) >= 2
    assert np.array_equal(first.schedule.step, again.schedule.step)
    assert first.feasible
    assert first.schedule.keeps_order(program)


def test_every_run_of_steps_is_looked_at_once_before_any_is_again():
    """As often as parts have programs, until the schedule changes; then the runs that it changed in."""
    program = next(p for p in map(random_program, range(100)) if p.n_choices > 1 and p.n_steps >= 4)
    builder = SubprogramBuilder(program)
    steps, n = program.n_steps, program.n_nodes
    schedule = replace(nothing_taken(program), step=np.arange(n) % steps)
    around, solved = Surroundings.of(builder, np.zeros(n)), SolvedRuns()
    run, rng, free = StepRun(around, 2, solved), np.random.default_rng(0), np.zeros(n, np.bool_)

    def looks(run):
        while run.draw(schedule, 10_000, rng, free) is not None:
            yield run.again

    runs = steps - 1
    assert list(looks(run)) == [False] * runs + [True] * runs
    moved = schedule.step.copy()
    moved[0] = 1
    schedule = replace(schedule, step=moved)
    assert list(looks(run)) == [False, False, True, True]
    assert not list(looks(StepRun(around, 2, solved)))
    assert len(list(looks(StepRun(around, 2, SolvedRuns())))) == 2 * runs
    run.look_closer()
    assert len(list(looks(run))) == 2 * runs


def test_a_run_that_was_solved_is_known_by_what_it_became():
    """Every run that holds all that moved, if its nodes are the same; no other."""
    program = next(p for p in map(random_program, range(100)) if p.n_choices == 1 and p.n_steps >= 4)
    builder = SubprogramBuilder(program)
    steps, n = program.n_steps, program.n_nodes
    before = replace(nothing_taken(program), step=np.arange(n) % steps)
    moved = before.step.copy()
    moved[[1, 2]] = [2, 1]
    after = replace(before, step=moved)
    run = StepRun(Surroundings.of(builder, np.zeros(n)), 2, SolvedRuns())
    rng, free = np.random.default_rng(0), np.zeros(n, np.bool_)

    while run.draw(before, 10_000, rng, free) is not None:
        pass
    run.found(before, after)
    looks = []
    while (windows := run.draw(after, 10_000, rng, free)) is not None:
        looks.append(set(after.step[windows.free].tolist()))
    assert {1, 2} not in looks
    assert len(looks) == 2


@pytest.mark.parametrize("seed", range(20))
def test_what_schedules_differ_in_is_decided_again(seed):
    """Windows of recombined schedules hold all of them where the size allows, and keep what they agree in."""
    program = random_program(seed)
    relaxation = solve_relaxation(program)
    if relaxation.x is None:
        pytest.skip("no point of the relaxation")
    builder = SubprogramBuilder(program)
    penalty = row_penalties(program, relaxation.multipliers)
    rounded = round_relaxation(builder, relaxation.x, relaxation.extras, penalty)[-1].schedule
    best, other = (disturbed(builder, rounded, penalty, np.random.default_rng([seed, k])) for k in range(2))
    recombined, _ = every_kind(Surroundings.of(builder, np.zeros(program.n_nodes)), SolvedRuns())
    assert recombined.draw(best, 1_000, np.random.default_rng(seed), np.zeros(program.n_nodes, bool)) is None
    recombined.add(other)
    windows = recombined.draw(best, 1_000, np.random.default_rng(seed), np.zeros(program.n_nodes, bool))
    same = best.step == other.step
    assert (windows is None) == bool(same.all())
    if windows is not None:
        assert not windows.free[same].any()
        for schedule in (best, other):
            assert (windows.first <= schedule.step).all()
            assert ((schedule.step <= windows.last) | windows.open).all()


def test_two_processes_with_a_limit_of_time_are_never_idle_for_each_other():
    """Parts are taken as they come; the schedule keeps its arcs and rows, and is no worse than where it began."""
    program = larger_program()
    builder = SubprogramBuilder(program)
    relaxation = solve_relaxation(program)
    penalty = row_penalties(program, relaxation.multipliers)
    start, solved = settle(builder, nothing_taken(program), penalty), [0]
    answer = improve(
        builder,
        start,
        ImprovementOptions(seconds=600.0, workers=2),
        Guidance(penalty, np.inf, relaxation.multipliers),
        on_round=lambda at: solved.append(at.parts),
        interrupted=lambda: solved[-1] > 4,
    )
    assert answer.stop == "interrupted"
    assert answer.feasible
    assert answer.schedule.keeps_order(program)
    assert answer.objective >= start.objective(program)
    assert answer.parts > 4


def test_a_worker_that_dies_costs_its_part_and_no_more():
    """Killed while at work: no answer for its part, the other one's comes, and the next part is solved again."""
    program = larger_program()
    builder = SubprogramBuilder(program)
    start = settle(builder, nothing_taken(program), row_penalties(program, np.zeros(program.n_rows)))
    windows = wide_open(program, builder)
    nothing = Elastics(np.zeros(0, np.int64), np.zeros(0))
    part = WindowPart(start, windows, np.zeros(0, np.int64), nothing)
    limits = PartLimits(None, 100, 1e-6, 0)
    with Workers(builder, 2) as workers:

        def answers():
            for _ in range(2):
                workers.begin(part, limits)
            return [answer for _, answer in workers.answers(lambda: False, every=True)]

        assert all(answer is not None for answer in answers())
        workers._idle[-1].process.kill()
        workers._idle[-1].process.join()
        second = answers()
        assert second[0] is None
        assert second[1] is not None
        assert all(answer is not None for answer in answers())


def fails(_connection):
    """A process that cannot do anything."""
    raise SystemExit(1)


def test_parts_are_solved_here_where_processes_cannot_be_started(monkeypatch, caplog):
    """As in a script without the guard of its main module: said once, and the search finds what it finds by itself."""
    monkeypatch.setattr(workers_module, "spawn", lambda _work: spawn(fails))
    program = larger_program()
    builder = SubprogramBuilder(program)
    penalty = row_penalties(program, np.zeros(program.n_rows))
    start = settle(builder, nothing_taken(program), penalty)
    guidance = Guidance(penalty, np.inf, np.zeros(program.n_rows))
    answer = improve(builder, start, ImprovementOptions(rounds=8, workers=2), guidance)
    assert answer.objective > start.objective(program)
    assert answer.parts > 0
    assert caplog.text.count("__main__") == 1


def test_an_interrupted_search_keeps_what_it_has():
    """Asked to stop after the first round, it runs no other one, and the schedule known is the answer."""
    program = larger_program()
    rounds = []
    found = find_schedule(
        program, ScheduleOptions(workers=1), on_progress=rounds.append, interrupted=lambda: bool(rounds)
    )
    assert found.stop in {StopReason.INTERRUPTED, StopReason.GAP}
    assert found.schedule.entries(program)[0].size
    assert found.improvement.rounds <= 3


@pytest.mark.parametrize("seed", range(40))
def test_fewer_arcs_hold_the_same_schedules(seed):
    """Closures of the reduced arcs are those of all arcs, tried on random sets of nodes."""
    program = random_program(seed)
    tail, head, lag = transitive_reduction(program)
    assert tail.size <= program.arc_tail.size
    rng = np.random.default_rng(seed)
    for _ in range(20):
        member = rng.random(program.n_nodes) < 0.7
        for _ in range(program.n_nodes):
            lost = member[tail] & ~member[head]
            member[tail[lost]] = False
        assert not (member[program.arc_tail] & ~member[program.arc_head]).any()
    assert lag.size == tail.size


@pytest.mark.parametrize("at_once", [False, True])
def test_the_bound_is_told_once_before_there_is_a_schedule(at_once):
    """With its multipliers, for a certificate whose time counts, even where the search is interrupted at once."""
    program = larger_program()
    told, seen = [], []
    found = find_schedule(
        program,
        ScheduleOptions(rounds=2, workers=1),
        on_bound=lambda relaxation, tightened, cases: told.append((relaxation, tightened, cases, len(seen))),
        on_progress=lambda progress: seen.extend([] if progress.objective is None else [progress]),
        interrupted=lambda: at_once,
    )
    ((relaxation, tightened, cases, before),) = told
    assert (relaxation, tightened, cases, before) == (found.relaxation, found.tightened, found.cases, 0)
    again = bound_from_multipliers(program, relaxation.multipliers)
    assert again == pytest.approx(relaxation.bound, rel=1e-9)
    assert found.seconds["certificate"] >= 0.0
