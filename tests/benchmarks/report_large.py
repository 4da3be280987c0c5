"""Time and memory of ``pitwise report`` on a mine of about 100,000 scheduled blocks, and on the bundled one.

Usage: python -m tests.benchmarks.report_large [FOLDER] [SECONDS]

The mine is made in FOLDER by the own-mine commands (``new``, ``pits``) from a made-up model of 200,000 rows, of which
about half lie in the ultimate pit, and scheduled by blocks for SECONDS at most (300 unless given). Both runs are kept
there and used again; then each is reported in a process of its own, with every form of the block model.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from scheduler.runfolder import read_run
from tests.benchmarks.own_mine import write_model

CELLS = (80, 50, 50)
FORMS = ("csv", "parquet", "vtu", "omf")


def used(*arguments: str, fine: tuple[int, ...] = (0,)) -> tuple[float, float, float]:
    """Wall seconds, seconds of the processor and most memory (MB) of a pitwise command.

    Raises:
        RuntimeError: where it ends with another exit code than those given.
    """
    began = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, "-m", "scheduler.cli", *arguments], os.environ)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) not in fine:
        raise RuntimeError(f"pitwise {' '.join(arguments)} failed")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def phased(folder: Path) -> Path:
    """The mine with its phases, made where it is not there yet."""
    made = folder / "phased"
    if not made.exists():
        write_model(folder / "model.csv", CELLS)
        used("new", str(folder / "mine"), "--blocks", str(folder / "model.csv"), "--json")
        used("pits", str(folder / "mine"), "--out", str(made), "--json")
    return made


def prepare(folder: Path, seconds: str) -> dict[str, Path]:
    """The runs, made where they are not there yet."""
    large, mzo = folder / "large", folder / "mzo"
    if not large.exists():
        solve = ("solve", str(phased(folder)), "--resolution", "block", "--time-limit", seconds, "--out", str(large))
        used(*solve, "--json", fine=(0, 4))
    if not mzo.exists():
        used("solve", "mzo", "--out", str(mzo), "--json")
    return {"large": large, "mzo": mzo}


def main(folder: Path, seconds: str = "300") -> None:
    """Prints a line a run and command."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = [word for form in FORMS for word in ("--blocks", form)]
    for name, run in prepare(folder, seconds).items():
        blocks, rows = len(read_run(run).instance.blocks), len(read_run(run).plan.mined)
        for words, more in (("page and workbook", []), ("and the block model", asked)):
            wall, processor, memory = used("report", str(run), "--out", str(folder / f"{name}-report"), "--json", *more)
            page = (folder / f"{name}-report" / "report.html").stat().st_size / 1e6
            told = f"{wall:.1f} s, {processor:.1f} s of the processor, {memory:,.0f} MB; page {page:.2f} MB"
            sys.stderr.write(f"{name}, {blocks:,} blocks, {rows:,} rows of the plan, {words}: {told}\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), *sys.argv[2:])
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
