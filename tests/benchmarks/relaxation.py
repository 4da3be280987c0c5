"""Times the relaxation beside the plain algorithm on the MineLib files that PITWISE_MINELIB names.

    PITWISE_MINELIB=... python -m tests.benchmarks.relaxation [--runs 3] [--ablation] [instance ...]

Prints a table in Markdown: median seconds, iterations, and ratios taken within one run of this script, as a shared
machine makes seconds of different days incomparable. ``--ablation`` switches each speed-up off by itself.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from instances.minelib import Constrained, Precedence
from solvers.closure import PseudoflowKernel, closure_graph
from solvers.relaxation import ClosureProgram, RelaxationResult, SpeedUps, solve_relaxation
from tests.benchmarks.minelib_programs import FOLDER, WHY_SKIPPED, program, read
from tests.benchmarks.plain_relaxation import PlainProgram, PlainResult, expand, solve_plain

ALL = SpeedUps()
VARIANTS = {
    "all speed-ups": ALL,
    "whole graph priced at once": SpeedUps(by_steps=False),
    "no single-resource start": SpeedUps(parametric_start=False),
    "start without classes of their own": SpeedUps(most_start_classes=0),
    "never merge classes": SpeedUps(merge_above=10**9),
    "merge past 200 classes": SpeedUps(merge_above=200),
    "none of them": SpeedUps(parametric_start=False, by_steps=False),
}


def plain_program(problem: Constrained, precedence: Precedence) -> PlainProgram:
    """The same instance for the baseline; forbidden destinations are priced out, so it suits CPIT and PCPSP."""
    n, D = problem.value.shape
    value = np.where(problem.forbidden, -1e7, problem.value)[:, None, :] * problem.discount()[None, :, None]
    use = np.zeros((problem.resource_limits.upper.shape[0], n, D))
    use[problem.resources.resource, problem.resources.block, problem.resources.destination] = problem.resources.amount
    return expand(value, (precedence.block, precedence.needed), use, problem.resource_limits.upper)


def interleaved(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, list[object]]:
    """Every call in turn, ``runs`` times over, so that load on the machine falls on all alike."""
    results: dict[str, list[object]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            results[name].append(call())
    return results


def row(*cells: object) -> None:
    sys.stdout.write("| " + " | ".join(str(cell) for cell in cells) + " |\n")
    sys.stdout.flush()


def medians(results: list[object]) -> tuple[float, int, float, float]:
    """Median seconds; iterations, bound and value of the last run."""
    kept = [result for result in results if isinstance(result, (RelaxationResult, PlainResult))]
    last = kept[-1]
    value = last.value if isinstance(last, RelaxationResult) else last.master
    return statistics.median(result.seconds for result in kept), last.iterations, last.bound, value


def compare(name: str, kind: str, runs: int, *, ablation: bool) -> None:
    problem, precedence = read(name, kind)
    built, plain = program(problem, precedence), plain_program(problem, precedence)
    variants = VARIANTS if ablation else {"all speed-ups": ALL}

    def with_speed_ups(chosen: SpeedUps) -> Callable[[], object]:
        return lambda: solve_relaxation(_fresh(built), speed_ups=chosen)

    calls: dict[str, Callable[[], object]] = {"plain": lambda: solve_plain(plain)}
    calls |= {variant: with_speed_ups(chosen) for variant, chosen in variants.items()}
    results = interleaved(calls, runs)
    base = medians(results["plain"])[0]
    for variant, found in results.items():
        seconds, iterations, bound, value = medians(found)
        row(name, kind, variant, f"{seconds:.2f}", f"{seconds / base:.2f}", iterations, f"{bound:.2f}", f"{value:.2f}")


def _fresh(built: ClosureProgram) -> ClosureProgram:
    """The program without its cached matrices: their making counts."""
    fields = {name: getattr(built, name) for name in ClosureProgram.__dataclass_fields__}
    return ClosureProgram(**fields)


def repeated_pricing(name: str) -> float:
    """Seconds of solving the same weights again over seconds of the first solve: below 1 if the kernel starts hot."""
    problem, precedence = read(name, "cpit")
    graph = closure_graph(problem.n_blocks, precedence.block, precedence.needed)
    weights = np.ceil(problem.value[:, 0] * 1e3).astype(np.int64)
    kernel = PseudoflowKernel(graph)
    kernel.solve(weights)
    times = []
    for _ in range(11):
        begun = time.perf_counter()
        kernel.solve(weights)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:]) / times[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("instances", nargs="*")
    arguments = parser.parse_args()
    if FOLDER is None:
        sys.exit(WHY_SKIPPED)
    names = arguments.instances or sorted(path.name for path in Path(FOLDER).iterdir() if path.is_dir())
    sys.stdout.write(f"{os.cpu_count()} cores, {arguments.runs} runs, medians, relative gap 1e-6\n\n")
    row("instance", "problem", "variant", "seconds", "ratio", "iterations", "bound", "value")
    row(*["---"] * 8)
    for name in names:
        for kind in ("cpit", "pcpsp"):
            compare(name, kind, arguments.runs, ablation=arguments.ablation)
    for name in names:
        sys.stdout.write(f"\nsolving the same weights again, {name}: {repeated_pricing(name):.2f} of the first time\n")


if __name__ == "__main__":
    main()
