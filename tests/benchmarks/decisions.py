"""What decisions about blocks bring: the bound on schedules against the number of relaxations solved.

    PITWISE_MINELIB=... python -m tests.benchmarks.decisions zuck_small/zuck_small.cpit [--solves 20 40 80 160]

The table is Markdown; seconds are wall time of the decisions alone, on as many cores as there are up to two, and of the
closures that check the cases.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from scheduler.minelib import read_instance
from solvers.early_start import early_started
from solvers.relaxation import solve_relaxation
from solvers.relaxation.branching import bound_by_cases
from solvers.relaxation.leaves import leaf_bounds
from solvers.relaxation.node_branching import NodeLimits, branch_on_nodes
from solvers.relaxation.valid_rows import ValidRows
from tests.benchmarks.minelib_programs import FOLDER, WHY_SKIPPED


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem", help="a .cpit or .pcpsp file in $PITWISE_MINELIB")
    parser.add_argument("--solves", type=int, nargs="+", default=[20, 40, 80, 160])
    arguments = parser.parse_args()
    if not FOLDER:
        raise SystemExit(WHY_SKIPPED)
    program = read_instance(Path(FOLDER) / arguments.problem, None, None).program
    root = solve_relaxation(program)
    tightened = early_started(program, whole=True)
    cases = bound_by_cases(tightened, (), ValidRows.none(tightened), root=root)
    row("relaxations", "cases", "bound", "below `lp_bound` by", "s", "s to check")
    row(*["---:"] * 6)
    row(0, 1, f"{cases.bound:,.0f}", below(cases.bound, root.bound), "", "")
    for solves in arguments.solves:
        began = time.perf_counter()
        found = branch_on_nodes(tightened, (), cases, NodeLimits(solves=solves, threads=min(os.cpu_count() or 1, 2)))
        took, began = time.perf_counter() - began, time.perf_counter()
        proven = max(leaf_bounds(tightened, (), found.leaves))
        checked = time.perf_counter() - began
        work = (found.solves - cases.solves, len(found.leaves))
        row(*work, f"{proven:,.0f}", below(proven, root.bound), f"{took:.1f}", f"{checked:.1f}")


def below(bound: float, plain: float) -> str:
    """How far a bound lies below the plain one."""
    return f"{100 * (1 - bound / plain):.3f} %"


def row(*cells: object) -> None:
    """A row of the table."""
    sys.stdout.write("| " + " | ".join(map(str, cells)) + " |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
