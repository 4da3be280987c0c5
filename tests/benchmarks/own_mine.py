"""Times of new, check, validate and pits, on made-up models of a given size.

Usage: python -m tests.benchmarks.own_mine [RUNS [SLOPE]]

Whole processes: from the command to its exit, their time on the processor and their most memory. SLOPE, in degrees,
replaces the 45 that ``new`` guesses; on blocks of 10 x 10 x 10 m there are 8 arcs a block at 45 and 38 at 38 degrees.
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


def timed(*arguments: str) -> tuple[float, float, float]:
    """Seconds, seconds on the processor and most memory (MB) of a pitwise command, or an error where it fails."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "scheduler.cli", *arguments]
    nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=nothing)
    _, status, used = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"pitwise {' '.join(arguments)} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(runs: int, slope: float = 45.0) -> None:
    """Prints a line a command: median, least and largest seconds, on the processor, and the most memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, cells in SIZES.items():
            write_model(folder / "model.csv", cells)
            found: dict[str, list[tuple[float, float, float]]] = {}
            for run in range(runs):
                mine = str(folder / f"{name.split()[0]}-{run}")
                found.setdefault("new", []).append(timed("new", mine, "--blocks", str(folder / "model.csv"), "--json"))
                toml = Path(mine) / "mine.toml"
                guessed = toml.read_text(encoding="utf-8")
                toml.write_text(guessed.replace("slope_deg = 45.0", f"slope_deg = {slope}"), encoding="utf-8")
                found.setdefault("check", []).append(timed("check", mine, "--json"))
                found.setdefault("validate", []).append(timed("validate", mine, "--json"))
                if "blocks" in name:
                    found.setdefault("pits, 51 factors", []).append(timed("pits", mine, "--json"))
            for command, each in found.items():
                seconds, busy, memory = zip(*each, strict=True)
                told = f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"
                used = f"{statistics.median(busy):.1f} s on the processor, {max(memory):,.0f} MB"
                sys.stderr.write(f"{name}: {command}: {told}, {used}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, float(sys.argv[2]) if len(sys.argv) > 2 else 45.0)
