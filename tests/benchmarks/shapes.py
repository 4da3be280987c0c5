"""Made-up models of several shapes, solved one after the other: where a plan is late or far from its bound, it shows.

    python -m tests.benchmarks.shapes FOLDER [--seconds 120] [--seeds 0] [--only deep sparse]

Shapes are like those of the larger models of MineLib in blocks, arcs a block, periods and capacities (Espinoza,
Goycoolea, Moreno, Newman 2013, Annals of Operations Research 206:93); what is in them is made up (``made_up.py``).
Models that FOLDER holds already are taken as they are. A row in Markdown a run: blocks, arcs, periods, seconds until
the first plan, gap of the certified bound over the plan, by how much that bound is below that of the plain relaxation,
and the stages that took a second or more.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.made_up import made_up, write

SHAPES = {
    "one mill": {"levels": 24, "side": 48, "periods": 12},
    "deep": {"levels": 20, "side": 48, "periods": 20, "open_destinations": True},
    "medium": {"levels": 28, "side": 60, "periods": 15, "open_destinations": True},
    "shallow": {"levels": 16, "side": 90, "periods": 10, "open_destinations": True, "reach": 3},
    "blended": {"levels": 34, "side": 80, "periods": 12, "open_destinations": True, "blend": True},
    "sparse": {"levels": 30, "side": 58, "periods": 30, "open_destinations": True, "reach": 0},
    "long": {"levels": 40, "side": 95, "periods": 30, "open_destinations": True, "reach": 2},
}


def solved(path: Path, seconds: float, seed: int) -> dict:
    """The summary of one run; what it printed last where there is none."""
    asked = ["solve", str(path), "--gap", "0", "--time-limit", str(seconds), "--seed", str(seed), "--json", "--quiet"]
    out = path.with_name(f"{path.stem}-{seed}")
    command = [sys.executable, "-c", "from scheduler.cli.main import run; run()", *asked, "--out", str(out)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(run.stdout)
    except json.JSONDecodeError:
        return {"failed": (run.stderr or run.stdout).strip().splitlines()[-1:]}


def row(name: str, size: str, summary: dict) -> str:
    """A row of the table."""
    if summary.get("objective") is None:
        return f"| {name} | {size} | no plan: {summary.get('failed', summary.get('status'))} |"
    first = summary["history"][0][0] if summary["history"] else float("nan")
    below = 1.0 - summary["bound"] / summary["lp_bound"]
    stages = ", ".join(f"{stage} {spent:.0f}" for stage, spent in summary["seconds_by_stage"].items() if spent >= 1.0)
    return f"| {name} | {size} | {first:.0f} | {summary['gap']:.2%} | {below:.2%} | {stages} |"


def main() -> None:
    """Makes and solves every shape asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write("| shape | blocks, arcs, periods | first plan, s | gap | bound below | seconds |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- |\n")
    for name in asked.only:
        problem, precedence = made_up(**SHAPES[name], pit_alone=True, seed=1)
        size = f"{problem.n_blocks:,}, {precedence.block.size:,}, {problem.n_periods}"
        path = asked.folder / name.replace(" ", "-")
        file = path.with_suffix(f".{problem.kind.lower()}")
        if not file.exists():
            write(problem, precedence, path)
        for seed in asked.seeds:
            sys.stdout.write(row(name, size, solved(file, asked.seconds, seed)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
