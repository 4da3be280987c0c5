"""Strip ratios: waste mined per tonne of ore, in a period and to date."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import Ledger
from scheduler.audit.tally import Tally


def check_strip(tally: Tally, ledger: Ledger) -> None:
    """Waste against the ratio times ore; ore is what goes from the pit to mills and stockpiles, waste all else."""
    limits = tally.mine.limits
    for rule, ratio, to_date in (
        ("strip_max", limits.strip_ratio_max, False),
        ("strip_min", limits.strip_ratio_min, False),
        ("strip_cumulative_max", limits.strip_ratio_cumulative_max, True),
        ("strip_cumulative_min", limits.strip_ratio_cumulative_min, True),
    ):
        if ratio is None:
            continue
        mined, against = (np.cumsum(tally.waste), np.cumsum(tally.ore)) if to_date else (tally.waste, tally.ore)
        limit = tally.each_period(ratio) * against
        ledger.compare(rule, ["pit"], mined, limit, "t", activity=mined + limit)
