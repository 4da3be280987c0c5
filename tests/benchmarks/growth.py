"""How the time of the relaxation grows with the number of blocks, in units of one closure on the same graph.

    nice -n 15 python -m tests.benchmarks.growth [--blocks 10000 20000 50000 100000 200000] [--periods 20] [--choices 2]

Each size is a synthetic pit of its own: an ore body of smooth random grade in a box of blocks, each block needing the
nine above it, a mining and a processing capacity a period, waste or mill as destination (``--choices 2``) or the better
of the two beforehand (``--choices 1``). Every size runs in a process of its own, one after the other. A row in Markdown
a size: processor seconds of the relaxation to 1e-6 and of one maximum closure of the whole time-expanded graph at the
final multipliers (compiled beforehand), their ratio, iterations, the gap reached, and the most memory it took.
The last line is the exponent of the ratio over the number of blocks, by least squares on logarithms.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
from scipy import ndimage, sparse

from solvers.closure import PseudoflowKernel, closure_graph, scale_up
from solvers.relaxation import ClosureProgram, StopRule, solve_relaxation
from solvers.relaxation.bound import cumulative_weights, expanded_graph, row_and_box_terms, step_prices

RATE = 0.1


def shape_of(blocks: int) -> tuple[int, int, int]:
    """Levels, rows and columns: about three times as wide as deep."""
    levels = max(round((blocks / 9) ** (1 / 3)), 2)
    side = round((blocks / levels) ** 0.5)
    return levels, side, side


def arcs_above(levels: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Every block needs the up to nine blocks above it."""
    number = np.arange(levels * rows * columns).reshape(levels, rows, columns)
    tails, heads = [], []
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            a, b = slice(max(i, 0), rows + min(i, 0)), slice(max(-i, 0), rows + min(-i, 0))
            c, d = slice(max(j, 0), columns + min(j, 0)), slice(max(-j, 0), columns + min(-j, 0))
            tails.append(number[1:, a, c].ravel())
            heads.append(number[:-1, b, d].ravel())
    return np.concatenate(tails), np.concatenate(heads)


def ore_body(
    levels: int, rows: int, columns: int, seed: int, *, tonnes_each: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tonnes of every block, its worth as waste and its worth in the mill; tonnes vary, so that no two are alike."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*(np.linspace(0, 1, k) for k in (levels, rows, columns)), indexing="ij")
    noise = ndimage.gaussian_filter(rng.normal(size=z.shape), sigma=1.5)
    noise /= noise.std()
    depth = np.exp(-(((z - 0.5) / 0.4) ** 2) - ((y - 0.5) / 0.3) ** 2 - ((x - 0.5) / 0.3) ** 2)
    grade = np.maximum(0.9 * depth * np.exp(0.6 * noise) - 0.05, 0.0).ravel()
    tonnes = 1.0 + 0.1 * rng.random(grade.size)
    if tonnes_each > 1.0:
        tonnes = np.round(tonnes_each * tonnes)
    waste = -tonnes * (1.8 + 0.5 * z.ravel())
    return tonnes, waste, waste + tonnes * (30.0 * grade - 9.0)


def synthetic(blocks: int, periods: int, choices: int, seed: int = 0) -> ClosureProgram:
    """The program of a synthetic pit."""
    shape = shape_of(blocks)
    tonnes, waste, milled = ore_body(*shape, seed)
    tail, head = arcs_above(*shape)
    n = tonnes.size
    both = np.column_stack([waste, milled]) if choices == 2 else np.maximum(waste, milled)[:, None]
    feed = np.column_stack([np.zeros(n), tonnes]) if choices == 2 else np.where(milled > waste, tonnes, 0.0)[:, None]
    pit = pit_of(tail, head, both.max(axis=1))
    moved, ore = float(tonnes[pit].sum()), float(tonnes[pit & (milled > waste)].sum())
    column = np.arange(n * periods * choices).reshape(n, periods, choices)
    entries = []
    for use in (np.repeat(tonnes[:, None], choices, axis=1), feed):
        for t in range(periods):
            held = use > 0
            entries.append((use[held], column[:, t, :][held]))
    sizes = np.cumsum([0, *(len(data) for data, _ in entries)])
    side = sparse.csr_array(
        (np.concatenate([e[0] for e in entries]), np.concatenate([e[1] for e in entries]), sizes),
        shape=(2 * periods, n * periods * choices),
    )
    discount = (1 + RATE) ** -np.arange(periods)
    return ClosureProgram(
        n_nodes=n,
        n_steps=periods,
        arc_tail=tail,
        arc_head=head,
        part_node=np.arange(n),
        value=both[:, None, :] * discount[None, :, None],
        rows=side,
        row_lower=np.full(2 * periods, -np.inf),
        row_upper=np.repeat([0.9 * moved / periods, 0.8 * ore / periods], periods),
    )


def pit_of(tail: np.ndarray, head: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Blocks in the ultimate pit ``(n,)``."""
    return PseudoflowKernel(closure_graph(value.size, tail, head)).solve(scale_up(value)[0]).member


def peak_gb() -> float:
    """Most memory this process has had so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def one_closure(program: ClosureProgram, multipliers: np.ndarray) -> tuple[float, float]:
    """Processor seconds of one closure of the whole expanded graph, and the bound it gives."""
    number, graph = expanded_graph(program, 0, program.n_steps)
    integers, scale = scale_up(cumulative_weights(step_prices(program, multipliers)[0])[number >= 0])
    kernel = PseudoflowKernel(graph)
    begun = time.process_time()
    closure = kernel.solve(integers)
    return time.process_time() - begun, closure.value / scale + row_and_box_terms(program, multipliers)


def measure(blocks: int, periods: int, choices: int, *, closure: bool) -> dict[str, float]:
    """One size, in this process."""
    program = synthetic(blocks, periods, choices)
    before = peak_gb()
    begun = time.process_time()
    result = solve_relaxation(program, StopRule())
    seconds = time.process_time() - begun
    told = {
        "blocks": program.n_nodes,
        "arcs": int(program.arc_tail.size),
        "seconds": seconds,
        "wall": result.seconds,
        "iterations": result.iterations,
        "gap": result.gap,
        "bound": result.bound,
        "built_gb": before,
        "peak_gb": peak_gb(),
    }
    if closure:
        told["closure"], again = one_closure(program, result.multipliers)
        told["recomputed"] = again
        told["closure_peak_gb"] = peak_gb()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, nargs="+", default=[10_000, 20_000, 50_000, 100_000, 200_000])
    parser.add_argument("--periods", type=int, default=20)
    parser.add_argument("--choices", type=int, choices=(1, 2), default=2)
    parser.add_argument("--no-closure", action="store_true", help="leave out the closure of the whole graph")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        told = measure(arguments.blocks[0], arguments.periods, arguments.choices, closure=not arguments.no_closure)
        sys.stdout.write(json.dumps(told))
        return
    sys.stdout.write(f"{os.cpu_count()} cores, {arguments.periods} periods, {arguments.choices} destinations\n\n")
    sys.stdout.write("| blocks | arcs | relaxation, s | closure, s | ratio | iterations | gap | peak, GB |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
    found = []
    for blocks in arguments.blocks:
        own = [sys.executable, "-m", "tests.benchmarks.growth", "--here", "--blocks", str(blocks)]
        own += ["--periods", str(arguments.periods), "--choices", str(arguments.choices)]
        own += ["--no-closure"] * arguments.no_closure
        told = json.loads(subprocess.run(own, check=True, capture_output=True, text=True).stdout)
        found.append(told)
        closure = told.get("closure", float("nan"))
        cells = (
            f"{told['blocks']:,}",
            f"{told['arcs']:,}",
            f"{told['seconds']:.1f}",
            f"{closure:.2f}",
            f"{told['seconds'] / closure:.1f}",
            told["iterations"],
            f"{told['gap']:.1e}",
            f"{told['peak_gb']:.1f}",
        )
        sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
        sys.stdout.flush()
    if len(found) > 1 and not arguments.no_closure:
        sizes = np.log([told["blocks"] for told in found])
        ratios = np.log([told["seconds"] / told["closure"] for told in found])
        sys.stdout.write(f"\nratio grows as blocks^{np.polyfit(sizes, ratios, 1)[0]:.2f}\n")


if __name__ == "__main__":
    main()
