"""Times of the import of a block model and of nested pits, on made-up models of a given size.

Usage: python -m tests.benchmarks.own_mine [RUNS]

Whole processes: from the command to its exit, with the most memory of each.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"1,000,000 rows": (125, 100, 80), "200,000 blocks": (80, 50, 50)}


def write_model(file: Path, cells: tuple[int, int, int]) -> None:
    """A porphyry in a box of blocks of 10 x 10 x 10 m: centres, two grades, density, rock; -99 for no grade."""
    random = np.random.default_rng(1)
    x, y, z = (axis.ravel() for axis in np.meshgrid(*map(np.arange, cells), indexing="ij"))
    away = 3 * np.hypot((x - cells[0] / 2) / cells[0], (y - cells[1] / 2) / cells[1]) + np.abs(z / cells[2] - 0.5)
    cu = np.maximum(0.0, 1.5 * np.exp(-2 * away) + random.normal(0, 0.07, x.size)).round(3)
    table = pd.DataFrame({"XC": 500_005.0 + 10 * x, "YC": 6_000_005.0 + 10 * y, "ZC": 1005.0 + 10 * z})
    table["cu"] = np.where(cu > 0.03, cu, -99.0)
    table["au"] = (0.4 * cu).round(3)
    table["DENSITY"] = np.where(cu > 0.4, 2.8, 2.65)
    table["rock"] = np.where(cu < 0.2, "waste", "sulphide")
    table.to_csv(file, index=False)


def timed(*arguments: str) -> tuple[float, float]:
    """Seconds and most memory (MB) of a pitwise command, or an error where it fails."""
    began = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, "-m", "scheduler.cli", *arguments], os.environ)
    _, status, used = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"pitwise {' '.join(arguments)} failed")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def main(runs: int) -> None:
    """Prints a line a command: median, least and largest seconds, and the most memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, cells in SIZES.items():
            write_model(folder / "model.csv", cells)
            found: dict[str, list[tuple[float, float]]] = {}
            for run in range(runs):
                mine = str(folder / f"{name.split()[0]}-{run}")
                found.setdefault("new", []).append(timed("new", mine, "--blocks", str(folder / "model.csv"), "--json"))
                if "blocks" in name:
                    found.setdefault("pits, 51 factors", []).append(timed("pits", mine, "--json"))
            for command, each in found.items():
                seconds = [second for second, _ in each]
                told = f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"
                sys.stderr.write(f"{name}: {command}: {told}, {max(memory for _, memory in each):,.0f} MB\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
