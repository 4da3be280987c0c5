"""Whether the tables of a plan agree with each other: what a report shows of each has to be that of all.

Most of what a table says comes back in a figure of the summary, which is worked out anew and compared. Rows that change
no figure are looked at here: an installation told twice in a period, and stock that nobody put in or took out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from instances.findings import Finding
from scheduler.cashflow import by_periods
from scheduler.runfolder import TABLES, Run

SAME = 1e-6
"""Relative to what has been in a bin to date; a plan's tables agree to this."""
LEAST_T = 1.0
"""Tonnes that are nothing."""


def plan_findings(run: Run) -> list[Finding]:
    """What is wrong with the tables of a plan that names nothing but what the mine has."""
    mine, plan = run.instance.mine, run.plan
    bins = [(name, one) for name, pile in mine.stockpiles().items() for one in pile.bins]
    found = [
        *_not_once(run, "operating", "installation", [(name,) for name in mine.operating]),
        *_not_once(run, "stock", "stockpile and bin", bins),
    ]
    bought = plan.options["option"]
    found += [
        Finding(f"{_place(run, 'options')}: option", str(option), "an option bought once; it is there twice")
        for option in bought[bought.duplicated()].unique()
    ]
    return found or list(_out_of_balance(run, bins))


def _place(run: Run, table: str) -> str:
    return f"{run.folder}: {TABLES[table][0]}"


def _not_once(run: Run, name: str, what: str, known: Sequence[tuple[str, ...]]) -> Iterator[Finding]:
    """Rows of a table that are not one for each of ``known`` and each period; one finding for each that is wrong."""
    frame: pd.DataFrame = getattr(run.plan, name)
    labels = run.instance.mine.calendar.labels()
    keys = list(frame.columns[: frame.columns.get_loc("period")])
    counted = frame.groupby([*keys, "period"]).size()
    for item in dict.fromkeys(frame[keys].itertuples(index=False, name=None)):
        if item not in known:
            yield Finding(f"{_place(run, name)}: {what}", " ".join(map(str, item)), "one of the mine")
    for item in known:
        times = [int(counted.get((*item, period), 0)) for period in range(len(labels))]
        wrong = next((period for period, number in enumerate(times) if number != 1), None)
        if wrong is not None:
            place = f"{_place(run, name)}: rows of {' '.join(item)} in {labels[wrong]}"
            yield Finding(place, times[wrong], "one in each period")


def _out_of_balance(run: Run, bins: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Bins whose tonnes are not those put in and reclaimed; the first period of each."""
    mine, plan = run.instance.mine, run.plan
    for pile, name in bins:
        stock, reclaim = (
            table[(table["stockpile"] == pile) & (table["bin"] == name)] for table in (plan.stock, plan.reclaim)
        )
        put_in = by_periods(mine, plan.mined[(plan.mined["destination"] == pile) & (plan.mined["bin"] == name)])
        taken = by_periods(mine, reclaim)
        through = mine.stockpiles()[pile].bins[name].opening_mt * 1e6 + np.cumsum(put_in)
        expected = {"tonnes_in": put_in, "reclaimed": taken, "tonnes": through - np.cumsum(taken)}
        ordered = stock.sort_values("period")
        for column, values in expected.items():
            told = ordered[column].to_numpy(float)
            wrong = np.flatnonzero(np.abs(told - values) > np.maximum(LEAST_T, SAME * through))
            if len(wrong):
                label = mine.calendar.labels()[wrong[0]]
                place = f"{_place(run, 'stock')}: {pile} {name} in {label}: {column}, t"
                yield Finding(place, round(float(told[wrong[0]])), f"the {values[wrong[0]]:,.0f} t that the plan moves")
                break
