"""The page of the documentation on the bundled mine: every number with its mark, and what its table adds up to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from instances.geometry.units import block_arcs, mined_tonnes
from instances.instance import Instance
from instances.mzo.generator import Parameters
from instances.reading import read_mine
from instances.schema import Mine
from instances.schema.provenance import Mark
from instances.schema.units import unit_of

COMMAND = "`python -m instances.documentation docs`"
ORE = ("direct_ore", "low_grade_ore")
WASTE = ("waste_rock", "backfill", "tailings")
MARKS = ("published", "derived", "assumed")
RELEASE = "Imperial Metals news release, 22 Nov 2011"
GRADE_UNITS = {"pct": "%", "g_per_t": "g/t"}
NOT_NUMBERS = frozenset({"format"})


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
    contents = instance.mine.model_dump(exclude_unset=True, exclude={"provenance", "published"})
    rows = [(path, value, mark_of(instance.mine, path)) for path, value in marked_numbers(instance.mine, contents)]
    counts = {kind: sum(mark is not None and mark.mark == kind for _, _, mark in rows) for kind in MARKS}
    lines = [
        "# The Huckleberry MZO mine, number by number",
        "",
        f"Made from `instances/mzo/mine.toml` and its block table by {COMMAND}.",
        "",
        "Every number is *published* (by the source named), *derived* (arithmetic on published numbers) or",
        "*assumed* (our choice, with its reason). Nothing assumed may be read as published. Money is C$ unless a",
        f"name says `usd`. Of {len(rows)} entries {counts['published']} are published, {counts['derived']} derived and",
        f"{counts['assumed']} assumed.",
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
        *[_number_row(instance.mine, path, value, mark) for path, value, mark in rows],
    ]
    return "\n".join(lines).rstrip() + "\n"


def _number_row(mine: Mine, path: str, value: object, mark: Mark | None) -> str:
    shown = ", ".join(f"{item:g}" for item in value) if isinstance(value, tuple) else _shown(value)
    keys = path.split(".")
    unit = next((unit for key in reversed(keys) if (unit := unit_of(key))), "")
    unit = GRADE_UNITS[mine.elements[keys[-1]].unit] if unit == "unit of the element" else unit
    source = ("", "") if mark is None else (mark.mark, mark.source)
    return f"| `{path}` | {shown} | {unit} | {source[0]} | {_cell(source[1])} |"


def _shown(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def numbers(contents: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The key path and value of every number, date and list of numbers of nested tables and lists."""
    if isinstance(contents, Mapping):
        for key, value in contents.items():
            yield from numbers(value, f"{path}.{key}" if path else str(key))
    elif isinstance(contents, tuple) and not all(isinstance(item, int | float) for item in contents):
        for number, item in enumerate(contents):
            yield from numbers(item, f"{path}.{number}")
    elif isinstance(contents, int | float | dt.date | tuple) and contents != () and path not in NOT_NUMBERS:
        yield path, contents


def marked_numbers(mine: Mine, contents: object) -> Iterator[tuple[str, object]]:
    """As :func:`numbers`, the numbers of a list apart where some of them have a mark of their own."""
    for path, value in numbers(contents):
        if isinstance(value, tuple):
            own = [number for number in range(len(value)) if f"{path}.{number}" in mine.provenance]
            yield from ((f"{path}.{number}", value[number]) for number in own)
            rest = tuple(item for number, item in enumerate(value) if number not in own)
            if rest:
                yield path, rest
        else:
            yield path, value


def mark_of(mine: Mine, path: str) -> Mark | None:
    """The mark that covers a key path: its own, or the one of the nearest path above it."""
    keys = path.split(".")
    above = (".".join(keys[:length]) for length in range(len(keys), 0, -1))
    return next((mine.provenance[place] for place in above if place in mine.provenance), None)


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
