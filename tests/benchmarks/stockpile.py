"""A MineLib PCPSP with one stockpile of the L-average model: its relaxation over L, and plans at the best L.

    PITWISE_MINELIB=... nice -n 15 python -m tests.benchmarks.stockpile [zuck_small] [--gap 1e-5] [--tolerance 0.02]
    PITWISE_MINELIB=... python -m tests.benchmarks.stockpile zuck_small --at 2.84 --plan 300

The stockpile is a third destination. A block sent there pays what it costs as waste and brings the tonnes it would
have used of the mill, at a grade of (worth in the mill - worth as waste) / tonnes. What is reclaimed leaves at grade L,
costs nothing more, shares the mill's capacity, and has come in in an earlier period; for every t what came in before t
averages L at least:

    sum over s <= t of reclaim_s <= sum over s < t of tonnes in_s,     sum over s < t of tonnes (grade - L) in_s >= 0

L is found by golden-section search; what is printed is every L tried, its optimum, and the ratio to the relaxation
without a stockpile. Only blocks worth more in the mill than as waste may be stocked.

With ``--plan S`` plans are searched for S seconds, relaxation included, once with whole blocks and once with partial
integrality; their gaps are to the bound at that L, over the bound, and every plan is held against the rows again. With
``--at L`` there is no search for L.

Source: Moreno, Rezakhah, Newman, Ferreira (2017), European Journal of Operational Research 260:212; published for
zuck_small with the best L: 939.728 M against 905.544 M, a ratio of 1.0377, and a plan with partial integrality 1.29 %
below the bound.
"""

import argparse
import sys
import time

import numpy as np
from scipy import sparse

from instances.minelib import Constrained, Precedence
from solvers.closure_schedule import find_schedule
from solvers.course import ScheduleOptions
from solvers.relaxation import ClosureProgram, StopRule, solve_relaxation
from solvers.schedule import keeps_rows
from tests.benchmarks.minelib_programs import FOLDER, WHY_SKIPPED, program, read

WASTE, MILL, PILE = 0, 1, 2
GOLDEN = (5**0.5 - 1) / 2


def mill_resource(problem: Constrained) -> int:
    """The resource that only the mill uses."""
    used = problem.resources
    for resource in range(problem.resource_limits.upper.shape[0]):
        here = (used.resource == resource) & (used.amount > 0)
        if here.any() and (used.destination[here] == MILL).all():
            return resource
    raise ValueError("no resource is used by the mill alone")


def tonnes_and_grade(problem: Constrained) -> tuple[np.ndarray, np.ndarray]:
    """Tonnes a block brings to the mill and its worth a tonne there over that as waste; zeros where it has none."""
    used, resource = problem.resources, mill_resource(problem)
    here = used.resource == resource
    tonnes = np.zeros(problem.n_blocks)
    tonnes[used.block[here]] = used.amount[here]
    gain = problem.value[:, MILL] - problem.value[:, WASTE]
    grade = np.divide(gain, tonnes, out=np.zeros_like(gain), where=tonnes > 0)
    return tonnes, grade


def with_stockpile(problem: Constrained, precedence: Precedence, leaves_at: float) -> ClosureProgram:
    """The relaxation with the stockpile as a third destination and reclaim by period as continuous variables."""
    plain = program(problem, precedence)
    n, T = problem.n_blocks, problem.n_periods
    tonnes, grade = tonnes_and_grade(problem)
    value = np.concatenate([plain.value, plain.value[:, :, [WASTE]]], axis=2)
    allowed = np.repeat(~problem.forbidden[:, None, :], T, axis=1)
    stocked = (tonnes > 0) & (grade > 0)
    allowed = np.concatenate([allowed, np.repeat(stocked[:, None], T, axis=1)[:, :, None]], axis=2)
    number = np.arange(n * T * 3).reshape(n, T, 3)
    old = number[:, :, :2].ravel()
    entries = plain.rows.tocoo()
    mining = _as_waste(problem, T)
    pieces = [
        sparse.csr_array((entries.data, (entries.row, old[entries.col])), shape=(plain.n_rows, n * T * 3)),
        sparse.csr_array((mining[0], (mining[1], number[mining[2], mining[3], PILE])), shape=(plain.n_rows, n * T * 3)),
    ]
    first = pieces[0] + pieces[1]
    steps = np.arange(T)
    reclaim = np.zeros((plain.n_rows, T))
    reclaim[mill_resource(problem) * T + steps, steps] = 1.0
    block = np.flatnonzero(stocked)
    balance, quality = [], []
    for t in range(T + 1):
        columns = number[block, :t, PILE].ravel()
        for rows, weight in ((balance, -tonnes), (quality, -tonnes * (grade - leaves_at))):
            row = np.zeros(n * T * 3)
            row[columns] = np.repeat(weight[block], t)
            rows.append(sparse.csr_array(row[None, :]))
    out = np.tril(np.ones((T, T)))
    discount = problem.discount()
    capacity = problem.resource_limits.upper[mill_resource(problem)]
    return ClosureProgram(
        n_nodes=n,
        n_steps=T,
        arc_tail=plain.arc_tail,
        arc_head=plain.arc_head,
        part_node=np.arange(n),
        value=value,
        allowed=allowed,
        rows=sparse.csr_array(sparse.vstack([first, *balance[:T], *quality[1:]])),
        row_lower=np.concatenate([plain.row_lower, np.full(2 * T, -np.inf)]),
        row_upper=np.concatenate([plain.row_upper, np.zeros(2 * T)]),
        extra_value=leaves_at * discount,
        extra_lower=np.zeros(T),
        extra_upper=np.asarray(capacity, dtype=np.float64),
        extra_rows=sparse.csr_array(np.concatenate([reclaim, out, np.zeros((T, T))])),
    )


def _as_waste(problem: Constrained, T: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a block on its way to the pile uses: what it uses as waste; amount, row, block, period."""
    used = problem.resources
    here = np.flatnonzero(used.destination == WASTE)
    period = np.tile(np.arange(T), here.size)
    row = np.repeat(used.resource[here], T) * T + period
    return np.repeat(used.amount[here], T), row, np.repeat(used.block[here], T), period


def tell_plans(stocked: ClosureProgram, leaves_at: float, seconds: float, workers: int, gap: float) -> None:
    """Searches a plan of whole blocks and one of partial integrality, and prints both with their gaps."""
    sys.stdout.write(f"\nplans at L {leaves_at:.4f}, {seconds:g} s each\n\n")
    sys.stdout.write("| blocks | plan | bound | gap, of the bound | stocked, kt | reclaimed, kt | parts | s |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
    for name, spread in (("whole", False), ("partial", True)):
        options = ScheduleOptions(relaxation_gap=gap, seconds=seconds, workers=workers, spread=spread)
        found = find_schedule(stocked, options)
        if found.schedule is None or found.objective is None:
            sys.stdout.write(f"| {name} | none | {found.certified_bound:,.0f} | | | | | |\n")
            continue
        if not keeps_rows(stocked, found.schedule) or not found.schedule.keeps_order(stocked):
            sys.exit(f"the plan of {name} blocks breaks a row")
        into = -(stocked.rows[stocked.n_rows - 2 * stocked.n_steps :] @ found.schedule.dense(stocked).ravel())
        bound, parts = found.certified_bound, 0 if found.improvement is None else found.improvement.parts
        sys.stdout.write(
            f"| {name} | {found.objective:,.0f} | {bound:,.0f} | {100 * (bound - found.objective) / bound:.3f} % "
            f"| {into[stocked.n_steps - 1] / 1e3:,.0f} | {found.schedule.extras.sum() / 1e3:,.0f} "
            f"| {parts} | {sum(found.seconds.values()):.0f} |\n"
        )
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance", nargs="?", default="zuck_small")
    parser.add_argument("--gap", type=float, default=1e-5)
    parser.add_argument("--tolerance", type=float, default=0.02, help="of L, relative to the range searched")
    parser.add_argument("--between", type=float, nargs=2, help="range of L; by default quantiles of the grades")
    parser.add_argument("--at", type=float, help="L; searched unless given")
    parser.add_argument("--plan", type=float, metavar="S", help="seconds for each plan; none unless given")
    parser.add_argument("--workers", type=int, default=0, help="processes of the search; one a core unless given")
    arguments = parser.parse_args()
    if FOLDER is None:
        sys.exit(WHY_SKIPPED)
    problem, precedence = read(arguments.instance, "pcpsp")
    if arguments.at is not None:
        if arguments.plan is None:
            parser.error("--at goes with --plan")
        stocked = with_stockpile(problem, precedence, arguments.at)
        tell_plans(stocked, arguments.at, arguments.plan, arguments.workers, arguments.gap)
        return
    rule = StopRule(relative_gap=arguments.gap)
    plain = solve_relaxation(program(problem, precedence), rule)
    grade = tonnes_and_grade(problem)[1]
    low, high = arguments.between or np.quantile(grade[grade > 0], [0.05, 0.6]).tolist()
    sys.stdout.write(f"{arguments.instance} without a stockpile: {plain.bound:,.0f} in {plain.seconds:.1f} s\n\n")
    sys.stdout.write(
        "| L | bound | point | ratio of the points | iterations | s |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    tried: dict[float, float] = {}

    def worth(leaves_at: float) -> float:
        begun = time.perf_counter()
        found = solve_relaxation(with_stockpile(problem, precedence, leaves_at), rule)
        tried[leaves_at] = found.value
        sys.stdout.write(
            f"| {leaves_at:.4f} | {found.bound:,.0f} | {found.value:,.0f} | {found.value / plain.value:.5f} "
            f"| {found.iterations} | {time.perf_counter() - begun:.1f} |\n"
        )
        sys.stdout.flush()
        return found.value

    span = high - low
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    values = [worth(at) for at in inner]
    while high - low > arguments.tolerance * span:
        if values[0] >= values[1]:
            high, inner[1], values[1] = inner[1], inner[0], values[0]
            inner[0] = high - GOLDEN * (high - low)
            values[0] = worth(inner[0])
        else:
            low, inner[0], values[0] = inner[0], inner[1], values[1]
            inner[1] = low + GOLDEN * (high - low)
            values[1] = worth(inner[1])
    best = max(tried, key=lambda at: tried[at])
    sys.stdout.write(f"\nbest L {best:.4f}: {tried[best]:,.0f}, ratio {tried[best] / plain.value:.5f}\n")
    if arguments.plan is not None:
        stocked = with_stockpile(problem, precedence, best)
        tell_plans(stocked, best, arguments.plan, arguments.workers, arguments.gap)


if __name__ == "__main__":
    main()
