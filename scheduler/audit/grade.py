"""Head grade of the mill feed and metal recovered."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import Ledger
from scheduler.audit.metal import GRADE_UNIT, feed_metal, recovered_metal, tonnes_of_metal
from scheduler.audit.tally import Tally


def check_grade(tally: Tally, ledger: Ledger) -> None:
    """Average grade fed to the mills and metal recovered, between their limits."""
    _head_grade(tally, ledger)
    _metal(tally, ledger)


def _head_grade(tally: Tally, ledger: Ledger) -> None:
    """Metal in the feed against the grade times the feed; a bin counts at the grade at which it leaves."""
    elements = list(tally.mine.elements)
    for name, limit in tally.mine.limits.head_grade.items():
        element = limit.element or name
        position = elements.index(element)
        mills = limit.mills or tally.mills
        feed = tally.feed[[tally.mills.index(name) for name in mills]].sum(axis=0)
        metal = feed_metal(tally, mills)
        unit_t = tonnes_of_metal(tally.mine, element)
        shown = GRADE_UNIT[tally.mine.elements[element].unit]
        for rule, grade in (("head_grade_max", limit.max), ("head_grade_min", limit.min)):
            if grade is None:
                continue
            needed = tally.each_period(grade) * feed * unit_t
            terms = metal[position] + needed
            ledger.compare(rule, [name], metal[position], needed, shown, activity=terms, per=feed * unit_t)


def _metal(tally: Tally, ledger: Ledger) -> None:
    """Metal recovered between its limits a year."""
    recovered = recovered_metal(tally)
    for position, element in enumerate(tally.mine.elements):
        limit = tally.mine.limits.metal.get(element)
        if limit is None:
            continue
        for rule, tonnes in (("metal_max", limit.max_t_per_year), ("metal_min", limit.min_t_per_year)):
            most = tally.each_period(tonnes) * tally.years
            ledger.compare(rule, [element], recovered[position], np.asarray(most), "t of metal")
