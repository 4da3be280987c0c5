"""Extremes by group against NumPy's own, slower ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solvers.grouped import Groups


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-20, 20)), max_size=30), st.booleans())
def test_equals_maximum_and_minimum_at(entries, sort):
    table = np.array(sorted(entries) if sort else entries, np.int64).reshape(-1, 2)
    group, values = table[:, 0], table[:, 1]
    groups, target = Groups(group), np.arange(10, dtype=np.int64) - 5
    raised, lowered = target.copy(), target.copy()
    np.maximum.at(raised, group, values)
    np.minimum.at(lowered, group, values)
    for method, expected in ((groups.raise_to, raised), (groups.lower_to, lowered)):
        own = target.copy()
        method(own, values)
        np.testing.assert_array_equal(own, expected)
