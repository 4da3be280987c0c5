"""Precedence through blocks of which nothing is left: whoever needs one needs what it would need.

Old stopes, and ground that is gone otherwise, are not mined and so no units. What lies below still cannot be reached
before what lies above.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Arcs = NDArray[np.int64]
Years = NDArray[np.float64]


def through_voids(present: NDArray[np.bool_], arcs: Arcs, lags: Years) -> tuple[Arcs, Years]:
    """Pairs of blocks of which something is left and that arcs tie through blocks of which nothing is.

    Args:
        present: whether something is left of each block ``(blocks,)``.
        arcs: block and block needed ``(a, 2)``.
        lags: of the arcs, years ``(a,)``.

    Returns:
        The pairs ``(k, 2)``, and the longest lag of each, years ``(k,)``, summed along the way.
    """
    below, above = present[arcs[:, 0]], present[arcs[:, 1]]
    into, out = below & ~above, ~below & above
    if not into.any() or not out.any():
        return np.empty((0, 2), np.int64), np.empty(0)
    within = _table(arcs[~below & ~above], lags[~below & ~above])
    found = reached = _longest(_table(arcs[out], lags[out]))
    # Longer ways than there are such blocks run in a cycle, which is told of where units are tied.
    for _ in range(int((~present).sum())):
        further = _longest(_joined(within, reached))
        known = further.merge(found, on=["block", "needs"], how="left", suffixes=("", "_known"))
        reached = known[~(known["lag"] <= known["lag_known"])][["block", "needs", "lag"]]
        if reached.empty:
            break
        found = _longest(pd.concat([found, reached]))
    ways = _longest(_joined(_table(arcs[into], lags[into]), found))
    return ways[["block", "needs"]].to_numpy(np.int64), ways["lag"].to_numpy(np.float64)


def _table(arcs: Arcs, lags: Years) -> pd.DataFrame:
    return pd.DataFrame({"block": arcs[:, 0], "needs": arcs[:, 1], "lag": lags})


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Ways of two parts, one after the other."""
    both = first.merge(second, left_on="needs", right_on="block", suffixes=("_first", ""))
    return pd.DataFrame({"block": both["block_first"], "needs": both["needs"], "lag": both["lag_first"] + both["lag"]})


def _longest(ways: pd.DataFrame) -> pd.DataFrame:
    """One way for each pair, the one of most years."""
    return ways.groupby(["block", "needs"], sort=False)["lag"].max().reset_index()
