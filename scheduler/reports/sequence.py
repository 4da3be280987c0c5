"""Figures of the order of mining: benches by period, and the grades that the plan chooses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.geometry.units import mined_tonnes
from instances.marks import GRADE_UNITS
from scheduler.reports.bench_chart import bench_chart
from scheduler.reports.charts import Curve, Panel, Series, by_period, curves
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Figure, Swatch, Table, by_period_table
from scheduler.reports.numbers import NOTHING, shown
from scheduler.reports.palette import INK, ORE, WASTE
from scheduler.schedule import ore_classes

CUT_OFFS = 41


def sequence_figures(facts: Facts) -> list[Figure]:
    """Benches by period, the grade-tonnage curve, and the cut-off by period."""
    return [bench_figure(facts), grade_tonnage_figure(facts), cut_off_figure(facts)]


def bench_shares(facts: Facts) -> pd.DataFrame:
    """Share of each bench of each phase that is mined in each period.

    Returns:
        Indexed by phase (in the mine's order) and bench (from the top down), a column a period (its number).
    """
    units, mined = facts.units.units, facts.mined
    there = units.groupby(["phase", "bench"])["tonnes"].sum()
    gone = mined.pivot_table(index=["phase", "bench"], columns="period", values="tonnes", aggfunc="sum", observed=True)
    share = gone.reindex(index=there.index, columns=range(len(facts.labels))).fillna(0.0).div(there, axis=0)
    order = {name: number for number, name in enumerate(facts.mine.phases)}
    rows = sorted(share.index, key=lambda row: (order[row[0]], -row[1]))
    return share.loc[rows]


def bench_figure(facts: Facts) -> Figure:
    """When each bench of each phase is mined: a panel a phase, a row a bench, a column a period."""
    shares = bench_shares(facts)
    labels, colours = facts.labels, facts.period_colours
    title = "When each bench is mined"
    rows = tuple(
        (
            f"{facts.mine.phases[str(phase)].title or phase}, bench {bench}",
            *(f"{100 * value:.0f} %" if value > 5e-4 else NOTHING for value in row),
        )
        for (phase, bench), row in zip(shares.index, shares.to_numpy(float), strict=True)
    )
    caption = (
        "Each phase from its top bench down. The fuller the colour, the more of the bench is mined in that period; "
        "an empty row is never mined."
    )
    return Figure(
        "benches",
        title,
        caption,
        bench_chart(shares, labels, {name: phase.title or name for name, phase in facts.mine.phases.items()}, colours),
        Table(("bench", *labels), rows),
        tuple(
            Swatch(label, colour)
            for number, (label, colour) in enumerate(zip(labels, colours, strict=True))
            if shares[number].to_numpy(float).any()
        ),
        full=True,
    )


@dataclass(frozen=True)
class _Ground:
    """What lies in the ground of the classes of ore: grade and tonnes of each block, t as mined."""

    grade: NDArray[np.float64]
    tonnes: NDArray[np.float64]

    @staticmethod
    def of(facts: Facts, column: str) -> _Ground:
        mined = mined_tonnes(facts.instance)
        kept = facts.instance.blocks["material"].isin(ore_classes(facts.mine)).to_numpy(bool)
        return _Ground(mined.loc[kept, column].to_numpy(float), mined.loc[kept, "tonnes"].to_numpy(float))

    def above(self, cut_off: float) -> tuple[float, float]:
        """Tonnes at or above a grade, Mt, and their average grade; NaN where there are none."""
        kept = self.grade >= cut_off
        mass = float(self.tonnes[kept].sum())
        return mass / 1e6, float(self.tonnes[kept] @ self.grade[kept]) / mass if mass > 0 else math.nan


def grade_tonnage_figure(facts: Facts) -> Figure:
    """Tonnes above a cut-off and their average grade, and where on the curve the plan mills in each period."""
    element, info = next(iter(facts.mine.elements.items()))
    column, unit = facts.instance.grade_columns()[element], GRADE_UNITS[info.unit]
    ground = _Ground.of(facts, column)
    most = float(np.quantile(ground.grade, 0.995)) if len(ground.grade) else 1.0
    curve = [(cut_off, *ground.above(cut_off)) for cut_off in np.linspace(0.0, most, CUT_OFFS).tolist()]
    name = f"{unit} {element.capitalize()}"
    lowest = _lowest_milled(facts, column)
    chosen = [
        Curve(f"{facts.labels[period]}, lowest grade milled from the pit", [(low, ground.above(low)[0])], colour)
        for period, low, colour in lowest
    ]
    tonnes = Curve("tonnes", [(cut_off, mass) for cut_off, mass, _ in curve], "var(--total)", "thick")
    grade = Curve("grade", [(cut_off, mean) for cut_off, _, mean in curve], INK, "thick")
    panels = [("above cut-off, Mt", [tonnes, *chosen]), (f"mean, {name}", [grade])]
    rows = tuple((f"{cut_off:.3f}", shown(mass, 2), shown(mean, 3)) for cut_off, mass, mean in curve[::4])
    title = "Grade and tonnage in the ground"
    caption = (
        "Of the classes of ore in the block table: what lies above a cut-off grade, and how rich it is on average. "
        "A dot is the lowest grade that the plan mills straight from the pit in a period."
    )
    legend = (
        Swatch("tonnes above cut-off", "var(--total)", "line"),
        Swatch("mean grade above cut-off", INK, "line"),
        *(Swatch(facts.labels[period], colour) for period, _, colour in lowest),
    )
    return Figure(
        "grade-tonnage",
        title,
        caption,
        curves(panels, f"cut-off, {name}"),
        Table((f"cut-off, {name}", "above it, Mt", f"mean grade, {name}"), rows),
        legend,
    )


def _lowest_milled(facts: Facts, column: str) -> list[tuple[int, float, str]]:
    """Each period that mills from the pit, the lowest grade that it mills, and its colour."""
    milled = facts.mined[facts.mined["destination"].isin(list(facts.mine.mills()))]
    lowest = milled.groupby("period")[column].min()
    periods = lowest.index.to_numpy(np.int64).tolist()
    return [(n, low, facts.period_colours[n]) for n, low in zip(periods, lowest.to_numpy(float).tolist(), strict=True)]


def cut_off_figure(facts: Facts) -> Figure:
    """Grades that the plan mills, stocks and throws away, by period."""
    element, info = next(iter(facts.mine.elements.items()))
    column, unit = facts.instance.grade_columns()[element], GRADE_UNITS[info.unit]
    mined, mills = facts.mined, list(facts.mine.mills())
    milled = mined[mined["destination"].isin(mills)]
    kinds = {name: material.kind for name, material in facts.mine.materials.items()}
    wasted = mined[~mined["as_ore"] & (mined["material"].map(kinds) == "ore")]

    def of(rows: pd.DataFrame, pick: str) -> list[float]:
        return _reindexed(rows.groupby("period")[column].agg(pick), len(facts.labels))

    weighted = milled.assign(content=milled["tonnes"] * milled[column]).groupby("period")[["content", "tonnes"]].sum()
    lines: tuple[Series, ...] = (
        Series(
            "mean milled from the pit",
            _reindexed(weighted["content"] / weighted["tonnes"], len(facts.labels)),
            INK,
        ),
        Series("lowest milled from the pit", of(milled, "min"), ORE[0]),
        Series("lowest sent to mill or stock", of(mined[mined["as_ore"]], "min"), ORE[1]),
        Series("richest ore sent to waste", of(wasted, "max"), WASTE[2]),
    )
    lines = tuple(line for line in lines if np.isfinite(line.values).any())
    name = f"{unit} {element.capitalize()}"
    table = by_period_table(facts.labels, [(f"{line.name}, {name}", line.values, 3, False) for line in lines])
    title = "Cut-off that the plan chose"
    caption = (
        "No cut-off is given to the optimiser: these are the grades of the parcels it sent to the mill, to stock "
        "and to waste in each period."
    )
    panel = Panel(name, lines=lines, digits=3)
    legend = tuple(Swatch(line.name, line.colour, "line") for line in lines)
    return Figure("cut-off", title, caption, by_period(facts.labels, (panel,)), table, legend)


def _reindexed(values: pd.Series[float], periods: int) -> list[float]:
    return [float(value) for value in values.reindex(range(periods))]


def phases_table(facts: Facts) -> tuple[Sequence[str], list[list[object]]]:
    """Headings, and a row for each bench of each phase: tonnes there, mined by period in Mt, and the share mined."""
    there = facts.units.units.groupby(["phase", "bench"])["tonnes"].sum()
    heads = [
        "phase",
        "bench",
        "in the ground, Mt",
        *(f"{label}, Mt" for label in facts.labels),
        "mined, Mt",
        "mined, share",
    ]
    rows: list[list[object]] = []
    for index, values in zip((shares := bench_shares(facts)).index, shares.to_numpy(float), strict=True):
        mass = float(there.loc[index]) / 1e6
        rows.append(
            [
                str(index[0]),
                int(index[1]),
                mass,
                *(float(v) * mass for v in values),
                float(values.sum()) * mass,
                float(values.sum()),
            ]
        )
    return heads, rows
