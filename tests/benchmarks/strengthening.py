"""What each strengthening brings on a bundled mine: the bound of the relaxation with all, without each, and with none.

Usage: python tests/benchmarks/strengthening.py [MINE]

Bounds do not depend on the machine; the seconds beside them are single runs and only tell the order of size.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from instances.geometry.units import scheduling_units
from instances.reading import read_mine
from scheduler.compiling import compile_problem
from scheduler.formulation.assembly import strengthened
from scheduler.formulation.build import build
from scheduler.formulation.context import Formulation
from scheduler.formulation.strengthening import CUTS
from scheduler.problem import Problem
from solvers.rowpool import CutRelaxation


def bound(problem: Problem, formulation: Formulation) -> tuple[float, int, float]:
    """Bound of the strengthened relaxation (thousands), pool rows that bind, seconds."""
    _, compiled, pool = strengthened(build(problem, formulation))
    program = compiled.program
    began = time.perf_counter()
    relaxation = CutRelaxation(program, pool)
    point = relaxation.bound(np.empty(0, dtype=np.int64), program.lower[:0], program.upper[:0])
    return point.value, len(relaxation.taken), time.perf_counter() - began


def main(mine: str) -> None:
    """Prints the table."""
    instance = read_mine(mine)
    problem = compile_problem(instance, scheduling_units(instance, "panel"))
    names = frozenset(CUTS)
    cases = [("all", Formulation())]
    cases += [(f"without {name}", Formulation(without=frozenset({name}))) for name in sorted(names)]
    cases += [("without early_start", Formulation(early_start=False))]
    cases += [(f"only {name}", Formulation(early_start=False, without=names - {name})) for name in sorted(names)]
    cases += [("only early_start", Formulation(without=names)), ("none", Formulation(early_start=False, without=names))]
    out = sys.stdout
    out.write(f"{'formulation':42s} {'bound':>12s} {'rows':>6s} {'s':>6s}\n")
    for name, formulation in cases:
        value, rows, seconds = bound(problem, formulation)
        out.write(f"{name:42s} {value:12.1f} {rows:6d} {seconds:6.1f}\n")
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "mzo")
