"""What was changed in a mine, as it is told: the same value in consecutive periods is one change, not one a period."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBERED = re.compile(r"(?P<key>[^=]+)\.(?P<place>\d+)=(?P<value>.*)", re.DOTALL)


def changes_told(overrides: Sequence[str]) -> list[str]:
    """Overrides with runs of them joined, such as ``limits.mining_mt_per_year.2 to .10=16``.

    Args:
        overrides: ``KEY=VALUE``, in the order in which they were given.
    """
    told: list[str] = []
    first, last, known = 0, 0, ("", "")
    for override in overrides:
        found = NUMBERED.fullmatch(override)
        if found is None:
            told.append(override)
            known = ("", "")
            continue
        place, pair = int(found["place"]), (found["key"], found["value"])
        if pair == known and place == last + 1:
            last = place
            told[-1] = f"{pair[0]}.{first} to .{last}={pair[1]}"
        else:
            first, last, known = place, place, pair
            told.append(override)
    return told
