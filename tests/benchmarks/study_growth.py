"""Whether a long study grows: memory against the scenarios done, and bytes a scenario leaves in the study's folder.

    python -m tests.benchmarks.study_growth [--scenarios 500] [--workers 2] [--out DIR]

A tiny mine under sampled prices with compact plans, so that what is measured is the study and not the solves. A row in
Markdown every fiftieth of the scenarios: resident memory of the parent and of its children together (Linux only).
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from scheduler.studies.opening import open_study
from scheduler.studies.running import Event, run_study
from tests.builders import tiny_blocks, tiny_data, write_mine

STUDY = """
format = 1
name = "growth"
mine = "mine"

[parameters.price]
paths = ["products.copper.price_usd_per_lb"]
change = "factor"
distribution = {{ kind = "uniform", low = 0.8, high = 1.2 }}

[[designs]]
kind = "monte_carlo"
parameters = ["price"]
samples = {samples}
seed = 1

[solve]
plans = "compact"
"""
MEGABYTE = 1e6


def resident(pid: int) -> int:
    """Resident memory of a process, bytes; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> list[int]:
    """Processes begun by a process, and theirs."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(word) for task in tasks for word in (task / "children").read_text(encoding="ascii").split()]
    except OSError:
        return []
    return [one for child in children for one in (child, *descendants(child))]


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def tell(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Runs it and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    out = asked.out or Path(tempfile.mkdtemp(prefix="growth-"))
    write_mine(out / "mine", tiny_data(), tiny_blocks())
    (out / "growth.toml").write_text(STUDY.format(samples=asked.scenarios), encoding="utf-8")
    opened = open_study(out / "growth.toml")
    every = max(len(opened.scenarios) // 50, 1)
    tell("| done | parent MB | children MB |\n|---:|---:|---:|")

    def on_event(event: Event) -> None:
        if event.status == "begun" or event.done % every:
            return
        children = sum(map(resident, descendants(os.getpid())))
        tell(f"| {event.done} | {resident(os.getpid()) / MEGABYTE:.1f} | {children / MEGABYTE:.1f} |")

    run_study(opened, out / "study", workers=asked.workers, on_event=on_event)
    size, count = folder_bytes(out / "study"), len(opened.scenarios)
    tell(f"\nfolder: {size / MEGABYTE:.1f} MB for {count} scenarios, {size / count / 1000:.1f} KB each")


if __name__ == "__main__":
    main()
