"""What neighbours and a second worker bring to a study: one study solved in several ways.

    python -m tests.benchmarks.studies [mzo-capacity] [--subset 9] [--ways cold-1 warm-1 warm-2] [--out DIR]

``cold`` is without neighbours, ``warm`` with them; the number is that of the workers. Each way has a folder of its
own below ``--out``, and each scenario is printed as it ends. Called again with the same ``--out`` a stopped run goes
on, and ways that are done are only read. ``--subset N`` takes the N scenarios that come first along the donor tree, so
that every donor is among them. Processor times are less easily disturbed than wall times, which mean something on an
idle machine only; two workers are compared with one only where both ran whole in the present call.
"""

import argparse
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from scheduler.studies.opening import OpenStudy, open_study
from scheduler.studies.results import Study
from scheduler.studies.running import Event, run_study

WAYS = ("cold-1", "warm-1", "warm-2")


def first_along_the_tree(opened: OpenStudy, most: int) -> OpenStudy:
    """The study with the scenarios nearest to the root of the donor tree, in the order of the file."""
    waiting = deque(scenario for scenario in opened.scenarios if scenario.donor is None)
    taken: set[str] = set()
    while waiting and len(taken) < most:
        scenario = waiting.popleft()
        taken.add(scenario.name)
        waiting.extend(other for other in opened.scenarios if other.donor == scenario.name)
    return replace(opened, scenarios=tuple(one for one in opened.scenarios if one.name in taken))


def cold(opened: OpenStudy) -> OpenStudy:
    """The study without neighbours."""
    study = opened.study
    alone = study.model_copy(update={"solve": study.solve.model_copy(update={"warm": False})})
    scenarios = tuple(replace(scenario, donor=None) for scenario in opened.scenarios)
    return replace(opened, source=replace(opened.source, study=alone), scenarios=scenarios)


@dataclass(frozen=True)
class Timed:
    """A way that was run: results by scenario, and wall time in seconds, ``None`` where it was resumed."""

    results: pd.DataFrame
    wall_s: float | None


def timed(opened: OpenStudy, way: str, out: Path) -> Timed:
    """Runs a way, or goes on with it, and tells of every scenario that ends."""
    mode, workers = way.rsplit("-", 1)
    chosen = cold(opened) if mode == "cold" else opened
    folder, solved = out / way, []

    def on_event(event: Event) -> None:
        if event.status == "begun":
            return
        solved.append(event.name)
        row = Study(folder).results().set_index("scenario").loc[event.name]
        tell(
            f"{way} {event.done}/{event.total} {event.name}: {event.status}, {row['cpu_s']:.1f} s of processor, "
            f"{row['wall_s']:.1f} s, gap {100 * row['gap']:.3f} %"
        )

    began = time.perf_counter()
    run_study(chosen, folder, workers=int(workers), on_event=on_event)
    seconds = time.perf_counter() - began
    whole = len(solved) == len(chosen.scenarios)
    return Timed(Study(folder).results().set_index("scenario"), seconds if whole else None)


def told(ways: dict[str, Timed]) -> None:
    """The table of all ways in Markdown, and their totals."""
    names = list(ways)
    tell("\n| scenario |" + "".join(f" {way} cpu s | {way} s | {way} gap % |" for way in names))
    tell("|---|" + "---:|" * (3 * len(names)))
    for scenario in ways[names[0]].results.index:
        rows = [ways[way].results.loc[scenario] for way in names]
        tell(
            f"| {scenario} |" + "".join(f" {r['cpu_s']:.1f} | {r['wall_s']:.1f} | {100 * r['gap']:.3f} |" for r in rows)
        )
    for way, run in ways.items():
        wall = "not measured, as it was resumed" if run.wall_s is None else f"{run.wall_s:.0f} s"
        tell(
            f"{way}: {run.results['cpu_s'].sum():.0f} s of processor; wall of the study {wall}; "
            f"{run.results['status'].value_counts().to_dict()}; largest gap {100 * run.results['gap'].max():.3f} %"
        )
    if {"cold-1", "warm-1"} <= set(ways):
        alone, warm = ways["cold-1"].results, ways["warm-1"].results
        tell(f"warm starts: {alone['cpu_s'].sum() / warm['cpu_s'].sum():.2f} times (processor)")
    if {"warm-1", "warm-2"} <= set(ways):
        one, two = ways["warm-1"], ways["warm-2"]
        if one.wall_s is not None and two.wall_s is not None:
            tell(f"two workers: {one.wall_s / two.wall_s:.2f} times (wall)")
        same = (one.results["objective"] == two.results["objective"]) & (one.results["bound"] == two.results["bound"])
        tell(f"the same value and bound by one worker and by two: {int(same.sum())} of {len(same)}")


def tell(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Runs it and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", default="mzo-capacity")
    parser.add_argument("--subset", type=int, default=None, metavar="N")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    opened = open_study(asked.study)
    opened = first_along_the_tree(opened, asked.subset or len(opened.scenarios))
    out = asked.out or Path(tempfile.mkdtemp(prefix="studies-"))
    tell(f"folders: {out}")
    told({way: timed(opened, way, out) for way in asked.ways})


if __name__ == "__main__":
    main()
