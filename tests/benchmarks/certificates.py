"""What cases and rows bring to the certified bound of a mine by panels: neither, each alone, both.

    python -m tests.benchmarks.certificates [mzo] [--plan THOUSANDS]

Bounds, counts of relaxations, cases and rows do not depend on the machine; the seconds beside them are single runs. The
gap is to the value of a plan where one is given, thousands.
"""

import argparse
import sys
import time

from instances.geometry.units import scheduling_units
from instances.reading import read_mine
from scheduler.blockscale import closure_program
from scheduler.compiling import compile_problem
from scheduler.mine_certificates import relaxed
from scheduler.tightening import tightening
from solvers.relaxation import StopRule, solve_relaxation
from solvers.relaxation.branching import CaseLimits, bound_by_cases
from solvers.relaxation.leaves import leaf_bound
from solvers.relaxation.valid_rows import ValidRows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mine", nargs="?", default="mzo")
    parser.add_argument("--plan", type=float, help="value of a plan, thousands")
    arguments = parser.parse_args()
    instance = read_mine(arguments.mine)
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    compiled = closure_program(relaxed(problem)[0])
    tight = tightening(problem, compiled)
    chains, nothing = list(tight.chains.values()), ValidRows.none(compiled.program)
    out = sys.stdout

    def line(what: str, bound: float, *counts: int, seconds: float, check: float = 0.0) -> None:
        gap = "" if arguments.plan is None else f"{100 * (bound / arguments.plan - 1):.3f} %"
        cells = (what, f"{bound:,.1f}", gap, *counts, f"{seconds:.1f}", f"{check:.3f}")
        out.write(f"| {' | '.join(map(str, cells))} |\n")
        out.flush()

    out.write("| | bound, thousands | gap | relaxations | cases | rows | s | checked in s |\n| " + "--- | " * 8 + "\n")
    plain = solve_relaxation(compiled.program, StopRule())
    line("plain relaxation", plain.bound, 1, 1, 0, seconds=plain.seconds)
    for what, program, linked, aside in (
        ("earliest periods", tight.program, [], nothing),
        ("earliest periods, cases", tight.program, chains, nothing),
        ("earliest periods, rows", tight.program, [], tight.aside),
        ("earliest periods, cases, rows", tight.program, chains, tight.aside),
    ):
        found = bound_by_cases(program, linked, aside, CaseLimits(solves=200))
        full = aside.added_to(program, found.rows)
        begun = time.perf_counter()
        again = max(leaf_bound(full, linked, leaf) for leaf in found.leaves)
        counts = found.solves, len(found.leaves), int(found.rows.size)
        line(what, again, *counts, seconds=found.seconds, check=time.perf_counter() - begun)


if __name__ == "__main__":
    main()
