"""The page of the documentation on the bundled mine: every number with its mark, and what its table adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from instances.geometry.units import block_arcs, mined_tonnes
from instances.instance import Instance
from instances.marks import Marked, counts, marked_entries
from instances.mzo.generator import Parameters
from instances.reading import read_mine

COMMAND = "`python -m instances.documentation docs`"
ORE = ("direct_ore", "low_grade_ore")
WASTE = ("waste_rock", "backfill", "tailings")
RELEASE = "Imperial Metals news release, 22 Nov 2011"


@dataclass(frozen=True)
class TableFigure:
    """Something that the block table adds up to.

    Attributes:
        title: what it is.
        unit: its unit.
        found: its value in the table.
        asked: what it should be.
        mark: published, derived or assumed.
        source: publication, arithmetic or reason.
    """

    title: str
    unit: str
    found: float
    asked: float
    mark: str
    source: str


def mzo_page() -> str:
    """The bundled mine: every number with its mark and source, and what its block table adds up to."""
    instance = read_mine("mzo")
    rows = marked_entries(instance.mine)
    count = counts(rows)
    lines = [
        "# The Huckleberry MZO mine, number by number",
        "",
        f"Made from `instances/mzo/mine.toml` and its block table by {COMMAND}.",
        "",
        "Every number is *published* (by the source named), *derived* (arithmetic on published numbers) or",
        "*assumed* (our choice, with its reason). Nothing assumed may be read as published. Money is C$ unless a",
        f"name says `usd`. Of {len(rows)} entries {count['published']} are published, {count['derived']} derived and",
        f"{count['assumed']} assumed.",
        "",
        "## What the block table adds up to",
        "",
        "The table is made by `instances/mzo/generator.py`: no geometry of the mine was published. It is laid out so",
        "that it adds up to what was published and to the central case, within 0.1 % or half a block (6.5 kt).",
        "",
        "| quantity | unit | block table | asked for | mark | source |",
        "|---|---|---:|---:|---|---|",
        *[
            f"| {row.title} | {row.unit} | {row.found:.3f} | {row.asked:.3f} | {row.mark} | {row.source} |"
            for row in table_figures(instance)
        ],
        "",
        "## Published figures of the plan",
        "",
        "These are set beside each plan of ours. Nothing in the model aims at them.",
        "",
        "| figure | value | unit | source |",
        "|---|---:|---|---|",
        *[
            f"| {figure.title} | {figure.value:g} | {figure.unit} | {_cell(figure.source)} |"
            for figure in instance.mine.published
        ],
        "",
        "## Every number of mine.toml",
        "",
        "| key | value | unit | mark | source or reason |",
        "|---|---|---|---|---|",
        *[_number_row(entry) for entry in rows],
    ]
    return "\n".join(lines).rstrip() + "\n"


def _number_row(entry: Marked) -> str:
    source = ("", "") if entry.mark is None else (entry.mark.mark, entry.mark.source)
    return f"| `{entry.path}` | {entry.text} | {entry.unit} | {source[0]} | {_cell(source[1])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def table_figures(instance: Instance) -> list[TableFigure]:
    """What the block table adds up to, beside what was published, follows from it, or was assumed."""
    totals = _Totals(instance)
    return [*_published_figures(totals), *_assumed_figures(totals, Parameters())]


def _published_figures(totals: _Totals) -> list[TableFigure]:
    ore, waste = totals.mt("mzo", *ORE), totals.mt("mzo", *WASTE)
    overall = (waste + totals.mt("mzx", *WASTE)) / (ore + totals.mt("mzx", *ORE))
    copper = totals.metal_kt("mzo", *ORE)
    return [
        TableFigure("MZO ore", "Mt", ore, 39.7, "published", RELEASE),
        TableFigure("MZO ore grade", "% Cu", totals.pct("mzo", *ORE), 0.343, "published", RELEASE),
        TableFigure("MZO strip ratio, with tailings", "t/t", waste / ore, 1.51, "published", RELEASE),
        TableFigure("overall strip ratio", "t/t", overall, 1.46, "published", RELEASE),
        TableFigure("MZO waste of every kind", "Mt", waste, 59.947, "derived", "39.7 Mt x 1.51"),
        TableFigure("MZO contained copper", "kt", copper, 136.171, "derived", "39.7 Mt x 0.343 %"),
    ]


def _assumed_figures(totals: _Totals, p: Parameters) -> list[TableFigure]:
    rock = (p.mzo_direct_mt + p.mzo_low_grade_mt) * p.mzo_strip_ratio - p.tailings_mt - p.backfill_mt
    mzx_ratio = totals.mt("mzx", *WASTE) / totals.mt("mzx", *ORE)
    balance, split = "central case, closes the published copper balance", "not published; a study parameter"
    figures = [
        ("MZO direct ore", "Mt", totals.mt("mzo", "direct_ore"), p.mzo_direct_mt, balance),
        ("MZO direct ore grade", "% Cu", totals.pct("mzo", "direct_ore"), p.mzo_direct_pct, balance),
        ("MZO low-grade ore", "Mt", totals.mt("mzo", "low_grade_ore"), p.mzo_low_grade_mt, balance),
        ("MZO low-grade ore grade", "% Cu", totals.pct("mzo", "low_grade_ore"), p.mzo_low_grade_pct, balance),
        ("tailings in the old pit", "Mt", totals.mt("mzo", "tailings"), p.tailings_mt, split),
        ("backfilled rock in the old pit", "Mt", totals.mt("mzo", "backfill"), p.backfill_mt, split),
        ("MZO waste rock in place", "Mt", totals.mt("mzo", "waste_rock"), rock, "the rest of the waste"),
        ("MZO direct ore whose cone meets no fill", "Mt", totals.reachable_mt(), p.reachable_direct_mt, split),
        ("MZX ore", "Mt", totals.mt("mzx", *ORE), p.mzx_ore_mt, balance),
        ("MZX ore grade", "% Cu", totals.pct("mzx", *ORE), p.mzx_ore_pct, balance),
        ("MZX strip ratio", "t/t", mzx_ratio, p.mzx_strip_ratio, "gives the published overall strip ratio"),
    ]
    return [TableFigure(title, unit, found, asked, "assumed", why) for title, unit, found, asked, why in figures]


class _Totals:
    """Sums over the block table by pit and material."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.blocks = instance.blocks
        self.tonnes = mined_tonnes(instance)["tonnes"]
        groups = {name: phase.group or name for name, phase in instance.mine.phases.items()}
        self.pit = self.blocks["phase"].map(groups)

    def _of(self, pit: str, materials: tuple[str, ...]) -> Any:  # noqa: ANN401
        return (self.pit == pit) & self.blocks["material"].isin(materials)

    def mt(self, pit: str, *materials: str) -> float:
        return float(self.tonnes[self._of(pit, materials)].sum()) / 1e6

    def metal_kt(self, pit: str, *materials: str) -> float:
        rows = self._of(pit, materials)
        return float((self.tonnes[rows] * self.blocks["cu_pct"][rows]).sum()) / 100 / 1e3

    def pct(self, pit: str, *materials: str) -> float:
        return self.metal_kt(pit, *materials) / self.mt(pit, *materials) / 10

    def reachable_mt(self) -> float:
        """Direct ore of MZO whose cone meets no fill, Mt."""
        covered = self.blocks["material"].isin(["backfill", "tailings"]).to_numpy(dtype=bool, copy=True)
        bench = self.blocks["iz"].to_numpy(np.int64)
        arcs = block_arcs(self.instance)
        for level in range(int(bench.max()), int(bench.min()) - 1, -1):
            here = arcs[bench[arcs[:, 0]] == level]
            covered[here[covered[here[:, 1]], 0]] = True
        return float(self.tonnes[self._of("mzo", ("direct_ore",)) & ~covered].sum()) / 1e6
