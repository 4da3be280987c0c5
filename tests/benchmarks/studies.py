"""What neighbours and a second worker bring to a study: one study solved three times in one run.

    python -m tests.benchmarks.studies [mzo-capacity] [--subset 9] [--out DIR]

The scenarios are solved cold (no neighbour) by one worker, warm by one worker, and warm by two, each time into a new
folder. A row in Markdown a scenario, with the seconds of wall and processor time and the gaps of the first two, then
totals and ratios. ``--subset N`` takes the N scenarios that come first along the donor tree, so that every donor is
among them. Wall times mean something on an idle machine only; processor times are less easily disturbed.
"""

import argparse
import sys
import tempfile
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pandas as pd

from scheduler.studies.opening import OpenStudy, open_study
from scheduler.studies.results import Study
from scheduler.studies.running import run_study


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


def timed(opened: OpenStudy, folder: Path, workers: int) -> tuple[pd.DataFrame, float]:
    """The results by scenario, and the wall time of the study in seconds."""
    began = time.perf_counter()
    run_study(opened, folder, workers=workers)
    seconds = time.perf_counter() - began
    return Study(folder).results().set_index("scenario"), seconds


def tell(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Runs it and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", default="mzo-capacity")
    parser.add_argument("--subset", type=int, default=None, metavar="N")
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    opened = open_study(asked.study)
    opened = first_along_the_tree(opened, asked.subset or len(opened.scenarios))
    out = asked.out or Path(tempfile.mkdtemp(prefix="studies-"))
    alone, alone_s = timed(cold(opened), out / "cold-1", 1)
    warm, warm_s = timed(opened, out / "warm-1", 1)
    two, two_s = timed(opened, out / "warm-2", 2)
    tell("| scenario | status | cold s | warm s | cold cpu s | warm cpu s | cold gap % | warm gap % |")
    tell("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, row in alone.iterrows():
        mate = warm.loc[name]
        tell(
            f"| {name} | {mate['status']} | {row['wall_s']:.1f} | {mate['wall_s']:.1f} | {row['cpu_s']:.1f} "
            f"| {mate['cpu_s']:.1f} | {100 * row['gap']:.3f} | {100 * mate['gap']:.3f} |"
        )
    tell(f"\nfolders: {out}")
    tell(f"wall: cold, one worker {alone_s:.0f} s; warm, one {warm_s:.0f} s; warm, two {two_s:.0f} s")
    by_processor = alone["cpu_s"].sum() / warm["cpu_s"].sum()
    by_scenario = alone["wall_s"].sum() / warm["wall_s"].sum()
    tell(f"warm starts, by scenario: {by_scenario:.2f} times (wall), {by_processor:.2f} (processor)")
    tell(f"two workers: {warm_s / two_s:.2f} times (wall)")
    same = (warm["objective"] == two["objective"]) & (warm["bound"] == two["bound"])
    tell(f"the same value and bound by one worker and by two: {int(same.sum())} of {len(same)}")
    tell(f"status: {warm['status'].value_counts().to_dict()}; largest gap {100 * warm['gap'].max():.3f} %")


if __name__ == "__main__":
    main()
