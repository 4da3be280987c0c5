"""MineLib instances as closure programs, for tests and benchmarks."""

import os
from pathlib import Path

from instances.minelib import Constrained, Precedence
from scheduler.minelib import closure_program, read_instance
from solvers.relaxation import ClosureProgram

FOLDER = os.environ.get("PITWISE_MINELIB")
WHY_SKIPPED = "PITWISE_MINELIB does not name a folder with the MineLib files"


def instance_file(name: str, ending: str) -> Path:
    assert FOLDER is not None, WHY_SKIPPED
    return Path(FOLDER) / name / f"{name}.{ending}"


def read(name: str, kind: str) -> tuple[Constrained, Precedence]:
    instance = read_instance(instance_file(name, kind))
    return instance.problem, instance.precedence


def program(problem: Constrained, precedence: Precedence) -> ClosureProgram:
    """Every block a node with one part; resources as rows r * T + t, then the general rows."""
    return closure_program(problem, precedence)
