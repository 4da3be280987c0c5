"""Options bought and installations at work."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import Ledger
from scheduler.audit.reading import PIT
from scheduler.audit.tally import Tally

ON_TIME = 1e-9
"""Years by which a date may be missed by rounding."""


def check_options(tally: Tally, ledger: Ledger) -> None:
    """An option is bought once at most, in no period that starts before its earliest date."""
    calendar = tally.mine.calendar
    starts = calendar.edges_years()[:-1]
    for name, option in tally.mine.options.items():
        bought = tally.bought[name]
        ledger.count("option_once", 1)
        if len(bought) > 1:
            ledger.fault("option_once", bought[1], name, float(len(bought)), 1.0)
        ledger.count("option_earliest", len(bought))
        earliest = 0.0 if option.earliest is None else calendar.years_after_start(option.earliest)
        for period in bought:
            if starts[period] < earliest - ON_TIME:
                ledger.fault("option_earliest", period, name, float(starts[period]), earliest, unit="years")


def check_operating(tally: Tally, ledger: Ledger) -> None:
    """An installation stops once for good, and is not used while it does not work."""
    for name, works in tally.works.items():
        ledger.count("operating_stops_once", tally.periods - 1)
        for period in np.flatnonzero(~works[:-1] & works[1:]) + 1:
            ledger.fault("operating_stops_once", int(period), name, "works", "to stay closed")
        used = tally.moved if name == PIT else tally.feed[tally.mills.index(name)]
        ledger.compare("operating_use", [name], used, np.zeros(1), "t", where=~works)
