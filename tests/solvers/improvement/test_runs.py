"""Runs of steps decided again by their relaxation: against the mixed-integer program of the same run."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import sparse

from solvers.capacities import all_capacities
from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.following import point_at
from solvers.highs import solve
from solvers.improvement import Guidance, ImprovementOptions, SubprogramBuilder, improve, row_penalties
from solvers.improvement import trail as trail_module
from solvers.improvement.neighbourhoods import RelaxedRun, SolvedRuns, Surroundings
from solvers.improvement.parts import PartLimits, Solved, WindowPart
from solvers.improvement.run_part import RunPart
from solvers.improvement.runs import cut_run
from solvers.improvement.trail import Trail
from solvers.improvement.windows import Windows, propagated
from solvers.options import SolveOptions
from solvers.relaxation import StopRule, solve_relaxation
from solvers.relaxation.diving import DiveLimits, dive
from solvers.relaxation.program import ClosureProgram
from solvers.schedule import Schedule, keeps_rows
from tests.solvers.relaxation.programs import random_program, whole_optimum

EXACT = SolveOptions(gap=0.0, gap_abs=1e-9, threads=1)
LIMITS = PartLimits(None, 2_000, 1e-6, 0)
SOME = [*range(10), *range(14, 28)]


@cache
def programs():
    """Programs without lags, three steps or more, that have a schedule.

    Fourteen whose rows are capacities, without continuous variables; fourteen with rows of other kinds, or with
    continuous variables, some of them whole.
    """
    plain, other = [], []
    for seed in range(2_000):
        program = random_program(seed)
        if program.lags.any() or program.n_steps < 3 or not program.n_parts or not program.n_rows:
            continue
        kind = plain if not program.n_extras and all_capacities(program) else other
        if len(kind) < 14 and some_schedule(program) is not None:
            kind.append(program)
        if len(plain) == len(other) == 14:
            break
    return plain + other


@cache
def some_schedule(program):
    """A schedule that keeps every row and leaves something to be gained: rounded, then its nodes as late as can be."""
    found = find_schedule(program, ScheduleOptions(rounds=0, workers=1))
    return found.schedule


def whole_kept(program, schedule):
    """The program with what has to be whole where it is."""
    whole = program.whole_extras
    low, high = (np.where(whole, schedule.extras, bound) for bound in (program.extra_lower, program.extra_upper))
    return replace(program, extra_lower=low, extra_upper=high)


def reference(builder, schedule, inside, begin, end):
    """The best schedule whose other nodes are where they are, by HiGHS."""
    program = builder.program
    first, last = schedule.step.copy(), schedule.step.copy()
    first[inside], last[inside] = begin, end - 1
    windows = propagated(Windows(first, last, inside.copy()), program.n_steps, builder.arcs, program.starts)
    part = builder.build(schedule, windows)
    if not part.program.num_columns:
        return schedule
    return part.schedule(solve(part.program, EXACT, start=part.start).x)


def runs(program, builder, schedule, length):
    around = Surroundings.of(builder, np.zeros(program.n_nodes))
    kind, free = RelaxedRun(around, length, SolvedRuns()), np.zeros(program.n_nodes, np.bool_)
    while (windows := kind.draw(schedule, 0, np.random.default_rng(0), free)) is not None:
        inside = windows.free
        kind.proven(schedule, int(windows.first[inside].min()) if inside.any() else 0)
        if inside.any():
            yield inside, int(windows.first[inside].min()), int(windows.last[inside].max()) + 1


@pytest.mark.parametrize("number", SOME)
def test_a_run_cut_out_has_the_optimum_that_the_schedule_has_there(number):
    """With what it pays for nodes that have to be taken; what it holds of the schedule is worth what it was."""
    schedule = some_schedule(programs()[number])
    program = whole_kept(programs()[number], schedule)
    builder = SubprogramBuilder(program)
    penalty = 1e3 * row_penalties(program, np.zeros(program.n_rows))
    for length in (2, 3):
        for inside, begin, end in runs(program, builder, schedule, length):
            run = cut_run(builder, schedule, penalty, inside, (begin, end))
            best = reference(builder, schedule, inside, begin, end)
            gain = best.objective(program) - schedule.objective(program)
            expected = run.worth + gain + run.reward
            assert whole_optimum(run.program, integer=True) == pytest.approx(expected, rel=1e-6, abs=1e-5)
            step = np.where(schedule.step >= program.n_steps, run.program.n_steps, schedule.step - begin)[run.nodes]
            again = run.put_back(schedule, step, schedule.share[run.parts], schedule.extras)
            assert np.array_equal(again.step, schedule.step)
            assert np.array_equal(again.share, schedule.share)
            assert (step[run.due] < run.program.n_steps).all()


@pytest.mark.parametrize("number", SOME)
def test_a_run_decided_again_is_no_worse_and_keeps_every_rule(number):
    """Never better than HiGHS has it, and where it is called finished no better is to be had."""
    program = programs()[number]
    builder, schedule = SubprogramBuilder(program), some_schedule(program)
    penalty = row_penalties(program, np.zeros(program.n_rows))
    for length in (2, 3):
        for inside, begin, end in runs(program, builder, schedule, length):
            answer = RunPart(schedule, inside, begin, end, penalty).solve(builder, LIMITS)
            best = reference(builder, schedule, inside, begin, end).objective(program)
            worth, slack = answer.schedule.objective(program), 1e-6 * max(1.0, abs(best))
            assert schedule.objective(program) <= worth <= best + slack
            assert answer.schedule.keeps_order(program)
            assert keeps_rows(program, answer.schedule)
            assert program.allowed is None or not answer.schedule.dense(program)[~program.allowed].any()
            outside = ~inside
            assert np.array_equal(answer.schedule.step[outside], schedule.step[outside])
            if answer.finished:
                assert best <= worth + LIMITS.close + slack


def test_most_of_what_runs_hold_is_found():
    """Small runs have few nodes in doubt, decided by HiGHS: where rows are capacities most end at the best."""
    reached = tried = 0
    for program in programs()[:14]:
        builder, schedule = SubprogramBuilder(program), some_schedule(program)
        penalty = row_penalties(program, np.zeros(program.n_rows))
        for inside, begin, end in runs(program, builder, schedule, 2):
            best = reference(builder, schedule, inside, begin, end).objective(program)
            if best <= schedule.objective(program) + 1e-6 * max(1.0, abs(best)):
                continue
            answer = RunPart(schedule, inside, begin, end, penalty).solve(builder, LIMITS)
            tried += 1
            reached += answer.schedule.objective(program) >= best - 1e-4 * max(1.0, abs(best))
    assert tried >= 3
    assert reached >= 0.7 * tried


@pytest.mark.parametrize("number", range(10))
def test_a_dive_ends_where_nothing_is_in_doubt_or_nothing_is_to_be_gained(number):
    """It leaves nothing in doubt where its bound stays above what is not worth it; the point keeps arcs and rows."""
    program = programs()[number]
    found = solve_relaxation(program, StopRule(1e-9))
    weight = np.ones(program.n_nodes)
    late = np.abs(program.worth).sum(axis=(1, 2)) + 1e3
    least = found.bound - max(0.5 * abs(found.bound), 1e-3)
    dived = dive(program, found, weight, late, DiveLimits(0, least, solves=500, seconds=None, seed=number))
    taken = dived.taken
    assert dived.doubtful == 0 or dived.bound <= least
    assert dived.bound <= found.bound + 1e-6 * max(1.0, abs(found.bound))
    assert (taken[program.arc_tail] <= taken[program.arc_head] + 1e-6).all()
    if dived.doubtful == 0:
        assert np.abs(taken - np.round(taken)).max(initial=0.0) <= 1e-6
        worth = float((program.worth * dived.x).sum()) + program.constant
        optimum = whole_optimum(program, integer=True)
        assert worth <= optimum + 1e-5 * max(1.0, abs(optimum))
    assert (program.rows @ dived.x.ravel() <= program.row_upper + 1e-5).all()


def section(columns=50, benches=10, steps=6):
    """A vertical section of a pit: a block needs the three above it, one capacity, an ore body in the middle."""
    rng, n = np.random.default_rng(0), columns * benches
    bench, column = np.divmod(np.arange(n), columns)
    ends = [(np.flatnonzero((bench > 0) & (column + d >= 0) & (column + d < columns)), d) for d in (-1, 0, 1)]
    tail = np.concatenate([nodes for nodes, _ in ends])
    head = np.concatenate([nodes - columns + d for nodes, d in ends])
    ore = np.exp(-(((column - columns / 2) / 9) ** 2) - ((bench - 5) / 4) ** 2)
    worth = 14 * ore * rng.uniform(0.3, 1.7, n) - 1.5
    use = rng.uniform(1, 2, n)
    rows = np.zeros((steps, n, steps))
    rows[np.arange(steps), :, np.arange(steps)] = use
    return ClosureProgram(
        n_nodes=n,
        n_steps=steps,
        arc_tail=tail,
        arc_head=head,
        part_node=np.arange(n),
        value=(worth[:, None] * 0.9 ** np.arange(steps))[:, :, None],
        rows=sparse.csr_array(rows.reshape(steps, -1)),
        row_lower=np.full(steps, -np.inf),
        row_upper=np.full(steps, 0.08 * use.sum()),
    )


def bench_by_bench(program):
    """Blocks in the order of their numbers, each in the first step with room."""
    use = program.rows.toarray().reshape(program.n_steps, program.n_nodes, program.n_steps).sum(axis=(0, 2))
    use /= program.n_steps
    step = (np.cumsum(use) / (0.999 * program.row_upper[0] - use.max())).astype(np.int64)
    step = np.minimum(step, program.n_steps)
    return Schedule(step, (step < program.n_steps)[:, None].astype(float), np.zeros(0))


def test_relaxed_runs_alone_bring_a_poor_schedule_nearer_to_the_bound():
    """To a twentieth of what lies between, in every step keeping rows and arcs; they come to an end by themselves."""
    program = section()
    builder, none = SubprogramBuilder(program), np.zeros(program.n_nodes, np.bool_)
    penalty = row_penalties(program, np.zeros(program.n_rows))
    schedule, bound = bench_by_bench(program), solve_relaxation(program).bound
    assert keeps_rows(program, schedule)
    distance = bound - schedule.objective(program)
    limits = PartLimits(None, 400, 1e-3 * bound, 0)
    around, solved = Surroundings.of(builder, np.zeros(program.n_nodes)), SolvedRuns()
    for length in (2, 3):
        kind = RelaxedRun(around, length, solved)
        while (windows := kind.draw(schedule, 0, np.random.default_rng(0), none)) is not None:
            begin, end = int(windows.first[windows.free].min()), int(windows.last[windows.free].max()) + 1
            before = schedule.objective(program)
            schedule = RunPart(schedule, windows.free, begin, end, penalty).solve(builder, limits).schedule
            assert schedule.objective(program) >= before
            assert schedule.keeps_order(program)
            assert keeps_rows(program, schedule)

    assert bound - schedule.objective(program) <= 0.05 * distance


def test_searches_look_at_relaxed_runs_where_a_mixed_integer_program_could_not_hold_one(monkeypatch):
    """Whatever the rows are, unless nodes need each other with a lag; their gain has names of its own."""
    plain = section(columns=20, benches=6)
    lagged = replace(plain, arc_lag=np.ones(plain.arc_tail.size, np.int64))
    for program, held in ((plain, 0), (held_together(plain), 0), (plain, 3_000), (lagged, 0)):
        monkeypatch.setattr(trail_module, "_HELD", held)
        start, bound = some_schedule(program), solve_relaxation(program).bound
        told = Guidance(row_penalties(program, np.zeros(program.n_rows)), bound, np.zeros(program.n_rows))
        found = improve(SubprogramBuilder(program), start, ImprovementOptions(rounds=0, workers=1), told)
        assert any("relaxed" in name for name in found.gained) == (program is not lagged and not held)


def held_together(program, ratio=1.6, dear=2.0):
    """A section with no more waste for its ore than a ratio in any step, and capacity beyond the limit at a price.

    Every second step has a little of the capacity more to be bought.
    """
    T, n = program.n_steps, program.n_nodes
    ore = program.value[:, 0, 0] > 0
    use = program.rows.toarray().reshape(T, n, T).sum(axis=(0, 2)) / T
    strip = np.zeros((T, n, T))
    strip[np.arange(T), :, np.arange(T)] = np.where(ore, -ratio, 1.0) * use
    bought = np.flatnonzero(np.arange(T) % 2 == 0)
    more = sparse.csr_array((-np.ones(bought.size), (bought, np.arange(bought.size))), shape=(2 * T, bought.size))
    return replace(
        program,
        rows=sparse.csr_array(sparse.vstack([program.rows, sparse.csr_array(strip.reshape(T, -1))])),
        row_lower=np.full(2 * T, -np.inf),
        row_upper=np.append(program.row_upper, np.zeros(T)),
        extra_value=-dear * 0.9**bought,
        extra_lower=np.zeros(bought.size),
        extra_upper=np.full(bought.size, 0.1 * program.row_upper[0]),
        extra_rows=more,
    )


def broken_trail(monkeypatch):
    """A trail of relaxed runs that begins with a schedule which follows the relaxation and breaks ratios."""
    monkeypatch.setattr(trail_module, "_HELD", 0)
    program = held_together(section())
    found = solve_relaxation(program)
    start = point_at(program, found.x, found.extras)
    told = Guidance(row_penalties(program, found.multipliers), found.bound, found.multipliers, capacities=False)
    builder = SubprogramBuilder(program)
    return Trail(builder, start, told, 0, SolvedRuns()), builder, found.bound


def test_breaking_rows_becomes_dearer_once_a_relaxed_run_mends_nothing(monkeypatch):
    """At once, and runs that were looked at before are looked at again then."""
    trail, _, _ = broken_trail(monkeypatch)
    seen, merits = set(), [trail.merit]
    for _ in range(4):
        drawn = trail.draw([])
        assert drawn.kind.draw.name == "mend, relaxed"
        seen.add((drawn.part.begin, drawn.part.end))
        trail.take(drawn, Solved(trail.best, True, 200, 0.0))
        merits.append(trail.merit)
    assert (np.diff(merits) < 0).all()
    assert len(seen) < 4


def test_relaxed_runs_mend_broken_rows_and_bring_the_schedule_near_to_the_bound(monkeypatch):
    """A schedule that follows the relaxation breaks ratios: mended first, then brought within 2 % of the bound."""
    trail, builder, bound = broken_trail(monkeypatch)
    program = builder.program
    assert trail.best.keeps_order(program)
    assert not trail.keeps_rows()
    for _ in range(16):
        drawn = trail.draw([])
        if not isinstance(drawn.part, RunPart):
            break
        before = trail.merit
        trail.take(drawn, drawn.part.solve(builder, PartLimits(None, 400, drawn.close, 0)))
        assert trail.merit >= before or not trail.keeps_rows()
        assert trail.best.keeps_order(program)
    assert trail.gained["mend, relaxed"] > 0
    assert trail.keeps_rows()
    assert bound - trail.best.objective(program) <= 0.02 * bound


def trail_of(program, monkeypatch):
    """A trail that looks at relaxed runs however small they are, and the schedule it begins with."""
    monkeypatch.setattr(trail_module, "_HELD", 0)
    start, bound = some_schedule(program), solve_relaxation(program).bound
    told = Guidance(row_penalties(program, np.zeros(program.n_rows)), bound, np.zeros(program.n_rows))
    return Trail(SubprogramBuilder(program), start, told, 0, SolvedRuns()), start


@pytest.mark.parametrize("proven", [False, True])
def test_relaxed_runs_go_first_and_each_is_looked_at_once_or_twice(proven, monkeypatch):
    """Runs of two, three and four steps, from the first to the last, again unless proven; then whole ones."""
    program = section()
    trail, start = trail_of(program, monkeypatch)
    seen = []
    while isinstance((drawn := trail.draw([])).part, RunPart):
        seen.append((drawn.part.end - drawn.part.begin, drawn.part.begin))
        trail.take(drawn, Solved(start, proven, 200, 0.0))
    looks = 1 if proven else 2
    expected = [(length, begin) for length in (2, 3, 4) for begin in list(range(program.n_steps - length + 1)) * looks]
    assert seen == expected
    assert isinstance(drawn.part, WindowPart)


def test_a_second_process_waits_for_a_relaxed_run_rather_than_solve_something_else(monkeypatch):
    """Where all runs left have nodes in common with the one being solved."""
    trail, start = trail_of(section(columns=60, steps=3), monkeypatch)
    first = trail.draw([])
    assert isinstance(first.part, RunPart)
    assert trail.draw([first.part]) is None
    trail.take(first, Solved(start, True, 200, 0.0))
    assert isinstance(trail.draw([]).part, RunPart)
