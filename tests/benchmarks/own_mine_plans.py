"""Plans of a made-up mine of about 117,000 scheduled blocks, with and without a stockpile and a strip-ratio limit.

Usage: python -m tests.benchmarks.own_mine_plans FOLDER [SECONDS]

The mine is that of ``report_large.py``, made in FOLDER where it is not there yet. Prints objective, bound and gap of
one run of SECONDS at most (150 unless given) for each of the four.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from tests.benchmarks.report_large import phased, used

STOCKPILE = """[destinations.stockpile]
kind = "stockpile"
model = "bins"
accepts = ["sulphide"]
feeds = ["mill"]
reclaim_cost_per_t = 1.0

[destinations.stockpile.bins.low]
materials = ["sulphide"]
grade_to.cu = 0.36
leaves_at.cu = 0.27
leaves_at.au = 0.10
recovery.cu = 0.80
recovery.au = 0.85

[destinations.stockpile.bins.high]
materials = ["sulphide"]
grade_from.cu = 0.36
leaves_at.cu = 0.45
leaves_at.au = 0.18
recovery.cu = 0.85
recovery.au = 0.85

"""
PLACE, LIMITS = "[destinations.waste_dump]", "[limits]\n"
STRIP = "strip_ratio_max = 2.2\n"


def variants(folder: Path) -> dict[str, Path]:
    """The mine, and copies of it with more in ``mine.toml``."""
    plain = phased(folder)
    made = {"plain": plain}
    for name, stocked, limited in (("stockpile", True, False), ("strip", False, True), ("both", True, True)):
        made[name] = folder / name
        shutil.copytree(plain, made[name], dirs_exist_ok=True)
        text = (plain / "mine.toml").read_text(encoding="utf-8")
        text = text.replace(PLACE, STOCKPILE + PLACE) if stocked else text
        text = text.replace(LIMITS, LIMITS + STRIP) if limited else text
        (made[name] / "mine.toml").write_text(text, encoding="utf-8")
    return made


def main(folder: Path, seconds: str = "150") -> None:
    """Prints a line a mine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, mine in variants(folder).items():
        run = folder / f"{name}-run"
        asked = ("--resolution", "block", "--gap", "0", "--time-limit", seconds, "--out", str(run), "--replace")
        wall, _, memory = used("solve", str(mine), *asked, "--quiet", "--json", fine=(0, 4))
        told = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        gap = "no gap" if told["gap"] is None else f"gap {100 * told['gap']:.2f} %"
        line = f"{told['objective']:,.0f} of {told['bound']:,.0f}, {gap}"
        sys.stderr.write(f"{name}: {line}, {wall:.0f} s, {memory:,.0f} MB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
