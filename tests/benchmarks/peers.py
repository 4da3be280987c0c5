"""pitwise beside the peers a user would pick, on MineLib problems: bounds and plans, each in a process of its own.

    PITWISE_MINELIB=... python -m tests.benchmarks.peers [newman1] [--limit 300] [--oreblocks PYTHON] [--time-limit 60]

Peers: oreblocks (MIT, ``pip install 'oreblocks[milp]'``; an environment of its own may be named by its interpreter) and
HiGHS on the whole model, as a linear program and as a mixed-integer one. A peer that is not installed is said to be,
and one that has no answer after ``--limit`` seconds is stopped. Values and gaps are those each tool reports; ours are
audited. The table is Markdown; seconds are those of the process, imports included, one run each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import highspy
import numpy as np
from scipy import sparse

from scheduler.minelib import closure_program, read_instance
from solvers.relaxation import ClosureProgram
from tests.benchmarks.minelib_programs import FOLDER, WHY_SKIPPED

PEER = Path(__file__).with_name("peer_oreblocks.py")


def whole_model(program: ClosureProgram, *, whole_blocks: bool) -> highspy.HighsLp:
    """The model written out: c[u,t] cumulative (binary where blocks are whole), x[u,t,d] the shares sent."""
    n, T, D = program.value.shape
    c, x = np.arange(n * T).reshape(n, T), n * T + np.arange(n * T * D).reshape(n, T, D)
    width = n * T * (1 + D)

    def rows(*terms: tuple[np.ndarray, float]) -> sparse.csr_array:
        count = terms[0][0].shape[0]
        index = np.concatenate([columns.reshape(count, -1) for columns, _ in terms], axis=1)
        data = np.concatenate([np.full((count, columns.size // count), weight) for columns, weight in terms], axis=1)
        starts = np.arange(0, index.size + 1, index.shape[1]) if index.size else np.zeros(count + 1, np.int64)
        return sparse.csr_array((data.ravel(), index.ravel(), starts), shape=(count, width))

    stays = rows((c[:, :-1].reshape(-1, 1), 1.0), (c[:, 1:].reshape(-1, 1), -1.0))
    order = rows((c[program.arc_tail].reshape(-1, 1), 1.0), (c[program.arc_head].reshape(-1, 1), -1.0))
    first = rows((x[:, 0, :], 1.0), (c[:, [0]], -1.0))
    later = rows((x[:, 1:, :].reshape(-1, D), 1.0), (c[:, 1:].reshape(-1, 1), -1.0), (c[:, :-1].reshape(-1, 1), 1.0))
    side = sparse.csr_array(
        (program.rows.data, program.rows.indices + n * T, program.rows.indptr), shape=(program.n_rows, width)
    )
    matrix = sparse.csr_array(sparse.vstack([stays, order, first, later, side]))
    logical, equal = stays.shape[0] + order.shape[0], first.shape[0] + later.shape[0]
    allowed = np.ones(program.value.shape) if program.allowed is None else program.allowed.astype(float)
    lp = highspy.HighsLp()
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.num_col_, lp.num_row_ = width, matrix.shape[0]
    lp.col_cost_ = np.concatenate([np.zeros(n * T), program.worth.ravel()])
    lp.col_lower_, lp.col_upper_ = np.zeros(width), np.concatenate([np.ones(n * T), allowed.ravel()])
    lp.row_lower_ = np.concatenate([np.full(logical, -np.inf), np.zeros(equal), program.row_lower])
    lp.row_upper_ = np.concatenate([np.zeros(logical + equal), program.row_upper])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if whole_blocks:
        kinds = [highspy.HighsVarType.kInteger] * (n * T) + [highspy.HighsVarType.kContinuous] * (n * T * D)
        lp.integrality_ = kinds
    return lp


def highs_alone(file: str, *, whole_blocks: bool, limit: float) -> dict[str, object]:
    """HiGHS on the whole model, in this process."""
    instance = read_instance(file)
    begun = time.perf_counter()
    highs = highspy._core._Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", limit)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.passModel(whole_model(closure_program(instance.problem, instance.precedence), whole_blocks=whole_blocks))
    highs.run()
    info = highs.getInfo()
    found = {"seconds": time.perf_counter() - begun, "version": highs.version()}
    if not whole_blocks:
        done = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return found | {"value": info.objective_function_value if done else None}
    return found | {"value": info.objective_function_value, "bound": info.mip_dual_bound}


def answer(command: list[str], limit: float) -> tuple[dict[str, object] | None, float, str]:
    """The JSON object a command prints, its wall seconds, and why there is none."""
    begun = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None, time.perf_counter() - begun, f"no answer in {limit:.0f} s"
    seconds = time.perf_counter() - begun
    if "No module named 'oreblocks'" in done.stderr:
        return None, seconds, "not installed"
    try:
        # A library may have printed a banner of its own before.
        return json.loads(done.stdout[done.stdout.index("{") :]), seconds, ""
    except ValueError:
        return None, seconds, (done.stderr.strip().splitlines() or ["no output"])[-1]


def row(*cells: object) -> None:
    sys.stdout.write("| " + " | ".join(str(cell) for cell in cells) + " |\n")
    sys.stdout.flush()


def number(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float | int) and np.isfinite(value) else "-"


def compare(name: str, kind: str, arguments: argparse.Namespace) -> None:
    """One problem, all tools."""
    file = f"{FOLDER}/{name}/{name}.{kind}"
    beside = f"{FOLDER}/{name}/{name}.prec"
    own, limit = [sys.executable, "-m"], arguments.limit
    peer = [arguments.oreblocks, str(PEER)]
    with tempfile.TemporaryDirectory() as scratch:
        solve = ["solve", file, "--out", f"{scratch}/run", "--json", "--time-limit", str(arguments.time_limit)]
        cases = {
            ("pitwise", "bound"): [*own, "scheduler.cli", "bound", file, "--json"],
            ("oreblocks", "bound"): [*peer, "bound", file, beside],
            ("HiGHS, whole model", "bound"): [*own, "tests.benchmarks.peers", "--highs", "lp", file],
            ("pitwise", "plan"): [*own, "scheduler.cli", *solve],
            ("oreblocks", "plan"): [*peer, "plan", file, beside],
            ("oreblocks, sliding windows", "plan"): [*peer, "windows", file, beside],
            ("HiGHS, whole model", "plan"): [*own, "tests.benchmarks.peers", "--highs", "mip", file],
        }
        for (tool, what), command in cases.items():
            if kind == "pcpsp" and "windows" in command:
                continue
            told, seconds, why = answer(
                [*command, *(["--limit", str(limit)] if "--highs" in command else [])], limit + 60
            )
            if told is None:
                row(name, kind.upper(), what, tool, why, "-", f"{seconds:.1f}")
                continue
            value = told.get("objective" if what == "plan" else "lp_bound") if tool == "pitwise" else told.get("value")
            bound = told.get("bound")
            row(
                name,
                kind.upper(),
                what,
                tool,
                number(value),
                number(bound if what == "plan" else None),
                f"{seconds:.1f}",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instances", nargs="*", default=["newman1"])
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a peer may take")
    parser.add_argument("--time-limit", type=float, default=60.0, help="given to pitwise solve, seconds")
    parser.add_argument("--oreblocks", default=sys.executable, metavar="PYTHON", help="interpreter that has oreblocks")
    parser.add_argument("--highs", choices=("lp", "mip"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if FOLDER is None:
        sys.exit(WHY_SKIPPED)
    if arguments.highs:
        found = highs_alone(arguments.instances[0], whole_blocks=arguments.highs == "mip", limit=arguments.limit)
        sys.stdout.write(json.dumps(found))
        return
    sys.stdout.write(f"{os.cpu_count()} cores, one run each\n\n")
    row("instance", "problem", "what", "tool", "value", "its bound", "seconds")
    row(*["---"] * 7)
    for name in arguments.instances:
        for kind in ("cpit", "pcpsp"):
            compare(name, kind, arguments)


if __name__ == "__main__":
    main()
