"""All that a report tells of a run, worked out once from its mine and its plan.

Nothing here is taken from the tables on file: a report shows what the plan says, and refuses a run whose summary says
something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import BadInput, Finding
from instances.geometry.units import Units, units_without_arcs
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.calendar import DAYS_PER_YEAR
from scheduler.cashflow import CashFlow, by_periods, cash_flow, mill_feed, mined_rows
from scheduler.plan import Plan
from scheduler.reports.blocks import scheduled_blocks
from scheduler.reports.palette import period_colours
from scheduler.reports.plan_checks import plan_findings
from scheduler.reports.summary_checks import summary_findings
from scheduler.runfolder import Run, read_run
from scheduler.schedule import figures, schedule_table

Series = NDArray[np.float64]
SAME = 1e-6
"""Relative; a figure recomputed agrees to this with the summary's."""


@dataclass(frozen=True)
class Facts:
    """A run with what follows from it.

    Attributes:
        run: the run read back.
        units: the mine's units at the plan's resolution, without arcs.
        cash: cash flow of the plan.
        schedule: schedule table, see :data:`scheduler.schedule.COLUMNS`.
        mined: what is mined, see :func:`scheduler.cashflow.mined_rows`.
        feed: what the mills are fed, see :func:`scheduler.cashflow.mill_feed`.
    """

    run: Run
    units: Units
    cash: CashFlow
    schedule: pd.DataFrame
    mined: pd.DataFrame
    feed: pd.DataFrame

    @property
    def instance(self) -> Instance:
        """The mine as it was solved, with its block table."""
        return self.run.instance

    @property
    def mine(self) -> Mine:
        """Contents of ``mine.toml``."""
        return self.run.instance.mine

    @property
    def plan(self) -> Plan:
        """The schedule."""
        return self.run.plan

    @property
    def summary(self) -> Mapping[str, Any]:
        """Contents of ``summary.json``."""
        return self.run.summary

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the periods."""
        return list(self.mine.calendar.labels())

    @property
    def title(self) -> str:
        """The mine by its title, or by its name where it has none."""
        return self.mine.title or self.mine.name

    @cached_property
    def blocks(self) -> pd.DataFrame:
        """The block table with the schedule; see :func:`scheduler.reports.blocks.scheduled_blocks`."""
        return scheduled_blocks(self.instance, self.plan, self.units)

    @cached_property
    def period_colours(self) -> list[str]:
        """Colour of each period, spread over those in which the pit works; the last of them is held on."""
        worked = int(self.mined["period"].max()) + 1 if len(self.mined) else 1
        colours = period_colours(worked)
        return colours + colours[-1:] * (len(self.labels) - worked)

    def series(self, column: str) -> Series:
        """A column of the schedule table."""
        return self.schedule[column].to_numpy(float)

    def mill_limit_mt(self) -> Series | None:
        """Most that may be milled in each period with the options bought, Mt; ``None`` without such a limit."""
        limit = self.mine.limits.mill_t_per_day
        return None if limit is None else self._most(limit, DAYS_PER_YEAR / 1e6, "mill")

    def mining_limit_mt(self) -> Series | None:
        """Most that may be moved in each period with the options bought, Mt; ``None`` without such a limit."""
        limit = self.mine.limits.mining_mt_per_year
        return None if limit is None else self._most(limit, 1.0, "mining")

    def _most(self, limit: float | tuple[float, ...], factor: float, widened: str) -> Series:
        calendar = self.mine.calendar
        per_year = by_period(limit, calendar.periods) * factor
        starts = calendar.edges_years()[:-1]
        for name, period in zip(self.plan.options["option"], self.plan.options["period"], strict=True):
            option = self.mine.options[name]
            if option.widens == widened:
                adds = (option.adds_mt_per_year or 0.0) + (option.adds_t_per_day or 0.0) * DAYS_PER_YEAR / 1e6
                per_year = per_year + adds * (starts + 1e-9 >= starts[period] + option.lead_years)
        return per_year * calendar.lengths_years()


def read_facts(folder: str | Path) -> Facts:
    """A run read back, with all that follows from it.

    Raises:
        BadInput: with every fault, where the folder is no whole run, its plan names what the mine has not, or its
            summary is not that of its plan.
    """
    return facts_of(read_run(folder))


def facts_of(run: Run) -> Facts:
    """All that follows from a run.

    Raises:
        BadInput: as :func:`read_facts`.
    """
    unfit = summary_findings(f"{run.folder}: summary.json", run.summary, run.instance.mine.calendar.labels())
    units = units_without_arcs(run.instance, run.plan.resolution)
    try:
        cash = cash_flow(run.instance, run.plan, units)
        schedule = schedule_table(run.instance, run.plan, cash, units)
        mined = mined_rows(run.instance, run.plan, units)
        feed = mill_feed(run.instance, run.plan, mined)
        told = figures(run.instance, run.plan, cash, units)
    except (ValueError, KeyError, IndexError) as error:
        place = f"{run.folder}: plan"
        raise BadInput([*unfit, Finding(place, None, f"a plan of this mine ({_first_line(error)})")]) from error
    wrong = [
        *unfit,
        *_other_figures(run, {**told, "objective": cash.objective}),
        *_other_tailings(run, schedule),
        *plan_findings(run),
    ]
    if wrong:
        raise BadInput(wrong)
    return Facts(run, units, cash, schedule, mined, feed)


def _other_figures(run: Run, told: Mapping[str, object]) -> Iterator[Finding]:
    """The figures of a summary that are not those of its plan."""
    for name, value in told.items():
        said = run.summary.get(name)
        if isinstance(value, Mapping):
            known: Mapping[str, object] = said if isinstance(said, Mapping) else {}
            same = set(known) == set(value) and all(_same(known[key], one) for key, one in value.items())
        else:
            same = _same(said, value)
        if not same:
            expected = "that of the plan; pitwise verify says more"
            yield Finding(f"{run.folder}: summary.json: {name}", said, expected)


def _other_tailings(run: Run, schedule: pd.DataFrame) -> Iterator[Finding]:
    """Periods whose new tailings are not those that the mills make: no other figure depends on where they go."""
    mine, placed = run.instance.mine, run.plan.tailings
    if not mine.facilities():
        return
    place = f"{run.folder}: tailings.parquet"
    if len(placed) and float(placed["tonnes"].min()) < 0:
        yield Finding(f"{place}: tonnes", float(placed["tonnes"].min()), "no tonnes below nought")
    made, put = schedule["new_tailings_mt"].to_numpy(float), by_periods(mine, placed) / 1e6
    for number in np.flatnonzero(np.abs(made - put) > SAME * max(1.0, float(made.max()))).tolist():
        expected = f"the {made[number]:g} Mt that the mills make"
        yield Finding(f"{place}: {schedule.index[number]}, Mt", round(float(put[number]), 6), expected)


def _same(said: object, value: object) -> bool:
    if isinstance(value, int | float) and isinstance(said, int | float):
        return math.isclose(said, value, rel_tol=SAME, abs_tol=SAME)
    return said is None and (value is None or (isinstance(value, float) and not math.isfinite(value)))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
