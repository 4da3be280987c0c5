"""Changes of a mine are told once for all periods that they are the same in."""

from __future__ import annotations

import pytest

from scheduler.reports.changes import changes_told

TOLD = {
    "none": ([], []),
    "apart": (["a=1", "b.c=2"], ["a=1", "b.c=2"]),
    "joined": (["a=1", "m.2=16.0", "m.3=16.0", "m.4=16.0"], ["a=1", "m.2 to .4=16.0"]),
    "other values": (["m.2=16", "m.3=18", "m.4=18"], ["m.2=16", "m.3 to .4=18"]),
    "a gap": (["m.2=16", "m.4=16"], ["m.2=16", "m.4=16"]),
    "other keys": (["m.2=16", "n.3=16"], ["m.2=16", "n.3=16"]),
    "between": (["m.2=16", "a=1", "m.3=16"], ["m.2=16", "a=1", "m.3=16"]),
    "hostile": (["=.1=<b>", "x"], ["=.1=<b>", "x"]),
}


@pytest.mark.parametrize("case", TOLD)
def test_the_same_change_of_consecutive_periods_is_one(case: str):
    given, told = TOLD[case]
    assert changes_told(given) == told
