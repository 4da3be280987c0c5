"""The block-scale engine: a problem as a closure program, and its schedules as solutions.

Units are mined whole in one period, or over several once what they need is finished, as the problem says. The bound is
that of the linear relaxation of the closure program; the plan is rounded from it, or begun with another plan, and
improved by neighbourhoods (``solvers/closure_schedule.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from scheduler.blockscale import Compiled, closure_program
from scheduler.memory import BYTES_A_PROCESS, Size
from scheduler.problem import Array, Index, Mask, Problem
from scheduler.solution import Solution
from scheduler.tightening import chains
from solvers.closure_schedule import FoundSchedule, find_schedule
from solvers.cones import CycleError, levels
from solvers.course import ScheduleOptions
from solvers.schedule import Schedule

if TYPE_CHECKING:
    from instances.geometry.units import Units
    from solvers.relaxation import ClosureProgram, Iteration, RelaxationResult
    from solvers.relaxation.branching import Cases
    from solvers.result import Progress

BYTES_AN_ENTRY, BYTES_AN_ENTRY_IN_WORKERS = 120, 20
"""Memory for a node, arc or coefficient: on the bundled mine, of 3.8 million, 454 MB in the main process beyond its
libraries and some 60 MB in each of the others."""
_WORKS = 0.5
_DUST_KT = 1e-3
_GRAIN = 1e-6


@dataclass(frozen=True)
class BlockAnswer:
    """What the block-scale engine found and proved.

    Attributes:
        compiled: the closure program.
        found: bound, multipliers, stages; objectives in thousands.
        solution: the decisions; ``None`` without a plan.
    """

    compiled: Compiled
    found: FoundSchedule
    solution: Solution | None


def solve_blocks(
    problem: Problem,
    options: ScheduleOptions,
    *,
    starts: Callable[[], Sequence[tuple[str, Index]]] = tuple,
    on_iteration: Callable[[Iteration], None] | None = None,
    on_bound: Callable[[Compiled, RelaxationResult, ClosureProgram, Cases | None], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> BlockAnswer:
    """Schedules a problem, units whole or over several periods as it says.

    Args:
        problem: the problem statement.
        options: gap, limits, seed and processes.
        starts: gives plans to begin with, by name: the period of every unit ``(U,)``, T where it is never mined; asked
            once, after the bound.
        on_iteration: told of every iteration of the relaxation.
        on_bound: told once, before the search, of the closure program, its relaxation, the program with the earliest
            periods of plans, and its bound by cases; its time counts.
        on_progress: told of bound, plan and gap of the search, thousands.
        on_stage: told the name of every stage as it begins.
        cancel: asked again and again; true ends the search, the best plan so far is kept.

    Raises:
        UnsupportedError: where a closure program cannot hold a rule of the problem.
    """
    compiled = closure_program(problem)
    found = find_schedule(
        compiled.program,
        replace(options, spread=not problem.whole),
        chains=list(chains(problem, compiled).values()),
        starts=lambda: [(name, begin_with(problem, compiled, period)) for name, period in starts()],
        on_iteration=on_iteration,
        on_bound=None if on_bound is None else partial(on_bound, compiled),
        on_progress=on_progress,
        on_stage=on_stage,
        interrupted=cancel,
    )
    solution = None if found.schedule is None else solution_of(problem, compiled, found.schedule)
    return BlockAnswer(compiled, found, solution)


def size_of(problem: Problem, processes: int) -> Size:
    """Nodes and arcs of the time-expanded graph, and the memory that all processes are expected to take, bytes."""
    nodes = len(problem.unit_names) * problem.periods
    arcs = len(problem.arcs) * problem.periods + nodes
    entries = nodes + arcs + 8 * len(problem.route_parcel) * problem.periods
    each = BYTES_AN_ENTRY + processes * BYTES_AN_ENTRY_IN_WORKERS
    return Size(nodes, arcs, each * entries + (1 + processes) * BYTES_A_PROCESS)


def begin_with(problem: Problem, compiled: Compiled, period: Index) -> Schedule:
    """A schedule with units in given periods: each parcel goes where it pays most, everything works, nothing is bought.

    Destinations and all else are decided again by whoever begins with it.
    """
    program = compiled.program
    share = np.zeros((program.n_parts, program.n_choices))
    taken = np.flatnonzero(period[program.part_node] < problem.periods)
    worth = np.where(
        program.allowed[taken, period[program.part_node[taken]]] if program.allowed is not None else True,
        program.worth[taken, period[program.part_node[taken]]],
        -np.inf,
    )
    share[taken, worth.argmax(axis=1)] = 1.0
    extras = np.zeros(program.n_extras)
    for index in compiled.extras.works.values():
        extras[index] = 1.0
    return Schedule(period.astype(np.int64), share, extras)


def solution_of(problem: Problem, compiled: Compiled, schedule: Schedule) -> Solution:
    """The decisions of a schedule.

    The search keeps what ties a mill's use to its working within the tolerances of a solver: kilograms of reclaim and
    tailings that are left to a mill that does not work are nothing, and those of a parcel go where the rest of it goes.
    So do millionths of a parcel wherever they go: a place that receives nothing else is judged by them alone.
    """
    extras = schedule.extras
    works = {name: extras[index] > _WORKS for name, index in compiled.extras.works.items()}
    sent = schedule.dense(compiled.program).reshape(-1)[compiled.column]
    reclaimed = np.maximum(extras[compiled.extras.reclaimed], 0.0)
    placed = {key: np.maximum(extras[index], 0.0) for key, index in compiled.extras.placed.items()}
    for name in set(works) & set(problem.mills()):
        idle = ~works[name]
        reclaimed[problem.reclaim_to(name)[:, None] & idle & (reclaimed <= _DUST_KT)] = 0.0
        for (mill, _), amount in placed.items():
            if mill == name:
                amount[idle & (amount <= _DUST_KT)] = 0.0
        closed = problem.route_to(name)[:, None] & idle
        _send_elsewhere(problem, sent, closed & (sent * problem.route_kt[:, None] <= _DUST_KT), closed)
    grains = (sent <= _GRAIN) & (sent * problem.route_kt[:, None] <= _DUST_KT)
    _send_elsewhere(problem, sent, grains, np.zeros(sent.shape, np.bool_))
    return Solution(
        sent=sent,
        reclaimed=reclaimed,
        placed=placed,
        works=works,
        bought=extras[compiled.extras.bought] > _WORKS,
    )


def _send_elsewhere(problem: Problem, sent: Array, dust: Mask, closed: Mask) -> None:
    """What is dust ``(R, T)`` goes by the route, none of those closed, that most of the same parcel takes.

    It stays where nothing else of the parcel goes anywhere in the period.
    """
    for route, period in np.argwhere(dust & (sent > 0)).tolist():
        others = np.flatnonzero((problem.route_parcel == problem.route_parcel[route]) & ~closed[:, period])
        if not others.size:
            continue
        most = others[sent[others, period].argmax()]
        if most != route and sent[most, period] > 0:
            sent[most, period] += sent[route, period]
            sent[route, period] = 0.0


def periods_of_blocks(panels: Units, blocks: Units, mined: Array) -> Index:
    """Periods of the blocks in a plan by panels ``(blocks,)``, T where a panel is left.

    The blocks of a panel fill its periods by tonnes, each after those of the same panel that it needs, else in the
    order of the table; panels wait for each other as their blocks do.

    Args:
        panels: units of the plan.
        blocks: the blocks of the same mine.
        mined: fraction of each panel mined in each period ``(panels, T)``.
    """
    panel_of_parcel = panels.parcels["unit"].to_numpy(np.int64)
    unit_of_parcel = blocks.parcels["unit"].to_numpy(np.int64)
    there = blocks.parcel_of_block >= 0
    panel = np.full(len(blocks.units), -1, dtype=np.int64)
    panel[unit_of_parcel[blocks.parcel_of_block[there]]] = panel_of_parcel[panels.parcel_of_block[there]]
    tonnes = blocks.units["tonnes"].to_numpy(float)
    order = np.lexsort((np.arange(panel.size), _depth(blocks, panel), panel))
    total = np.bincount(panel, tonnes, len(panels.units))
    running = np.cumsum(tonnes[order])
    first = np.cumsum(np.append(0.0, total))[panel[order]]
    middle = (running - 0.5 * tonnes[order] - first) / total[panel[order]]
    done = np.clip(np.cumsum(mined, axis=1), 0.0, 1.0)
    period = np.empty(panel.size, dtype=np.int64)
    period[order] = (done[panel[order]] < middle[:, None] - 1e-9).sum(axis=1)
    return period


def _depth(blocks: Units, panel: Index) -> Index:
    """Longest chain of blocks of its own panel that each needs ``(blocks,)``; zeros where they need each other."""
    tail, head = (blocks.arcs[end].to_numpy(np.int64) for end in ("unit", "needs"))
    inside = panel[tail] == panel[head]
    depth = np.zeros(panel.size, dtype=np.int64)
    try:
        for level, (nodes, _, _) in enumerate(levels(tail[inside], head[inside], panel.size), start=1):
            depth[nodes] = level
    except CycleError:
        return np.zeros(panel.size, dtype=np.int64)
    return depth
