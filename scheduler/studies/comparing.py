"""Comparisons that respect the proofs: what lies within the gaps is undecided, not ranked.

Every scenario has an interval: its plan's value and the bound that no plan exceeds. The best possible value of the
scenario lies in it. Money in the unit of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
BEST, PLATEAU, WORSE = "best found", "undecided", "proven worse"
FRONT, DOMINATED, UNDECIDED = "front", "dominated", "undecided"


def with_plans(results: pd.DataFrame) -> pd.DataFrame:
    """The scenarios that have a plan and a bound, in their order."""
    return results[results["objective"].notna() & results["bound"].notna()]


def standing(results: pd.DataFrame) -> pd.Series:
    """``best found``, ``undecided`` (its bound reaches the best plan) or ``proven worse``, by scenario's row."""
    known = with_plans(results)
    best = known["objective"].max()
    words = np.where(known["bound"] < best, WORSE, PLATEAU)
    words[known["objective"].to_numpy() == best] = BEST
    return pd.Series(words, index=known.index, dtype=object).reindex(results.index)


def difference(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float, float, bool]:
    """What a scenario is worth above another, from the plan's value and the bound of each.

    Returns:
        At least, between the plans, at most, and whether the sign is proven.
    """
    least, most = one[0] - other[1], one[1] - other[0]
    return least, one[0] - other[0], most, least > 0 or most < 0


def _interval(row: pd.Series[Any]) -> tuple[float, float]:
    return float(row["objective"]), float(row["bound"])


def hill(results: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """The hill of value over two parameters: a row a point.

    Returns:
        The two parameters, objective, bound, gap, scenario and standing.
    """
    table = results[[first, second, "objective", "bound", "gap", "scenario"]].copy()
    table["standing"] = standing(results)
    return along(table, [first, second]).reset_index(drop=True)


def along(table: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """A table in the order of its axes: of numbers by their size, of anything else as it stands in the table."""

    def rank(column: pd.Series[Any]) -> pd.Series[Any]:
        if column.dtype.kind in "if":
            return column
        return column.map({value: number for number, value in enumerate(dict.fromkeys(column))})

    return table.sort_values(list(axes), key=rank, kind="stable")


def tornado(results: pd.DataFrame, base: str) -> pd.DataFrame:
    """What each parameter's low and high are worth against the base: re-optimised, and with the base's plan kept.

    Args:
        results: the scenarios of a tornado, each with one parameter set, and the base.
        base: name of the base.

    Returns:
        A row a scenario: change (between the plans), its least and most, decided; fixed (the base's plan kept, against
        the base), replanning (re-optimised less kept: the value of replanning) with its most, widest first.
    """
    known = with_plans(results).set_index("scenario")
    if base not in known.index:
        return pd.DataFrame()
    zero = known.loc[[base]].iloc[0]
    rows = []
    for name, row in known.drop(index=base).iterrows():
        least, change, most, decided = difference(_interval(row), _interval(zero))
        fixed = row["fixed_schedule"]
        rows.append(
            {
                "scenario": name,
                "change": change,
                "change_least": least,
                "change_most": most,
                "decided": decided,
                "fixed_schedule_change": fixed - zero["objective"],
                "replanning": row["objective"] - fixed,
                "replanning_most": row["bound"] - fixed,
                "fixed_schedule_breaks": row["fixed_schedule_breaks"],
            }
        )
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    order = table["change"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def pareto(results: pd.DataFrame, measure: str, *, larger_is_better: bool) -> pd.DataFrame:
    """Scenarios by value against a measure of their plans.

    A scenario is dominated where another is as good by the measure and its plan is worth more than this one can be;
    undecided where only the plans found say so.
    """
    known = with_plans(results)
    known = known[known[measure].notna()]
    sign = 1.0 if larger_is_better else -1.0
    score, value, bound = (known[c].to_numpy(float) for c in (measure, "objective", "bound"))
    score = sign * score
    words = []
    for k in range(len(known)):
        as_good = score >= score[k] - 1e-9
        as_good[k] = False
        if (as_good & (value > bound[k])).any():
            words.append(DOMINATED)
        else:
            words.append(UNDECIDED if (as_good & (value > value[k])).any() else FRONT)
    table = known[["scenario", measure, "objective", "bound"]].assign(standing=words)
    return table.sort_values(measure, ascending=not larger_is_better, kind="stable").reset_index(drop=True)


def regret(values: pd.DataFrame, bounds: pd.Series) -> pd.DataFrame:
    """Each plan kept in every future, against the best plan of that future.

    Args:
        values: row a plan, column a future, the plan's value there; NaN where it breaks a limit.
        bounds: the most that any plan is worth in each future.

    Returns:
        A row a plan, best worst-case regret first: mean, least, largest regret against the best plan known
        (``regret_max``) and against the bounds (``regret_max_at_most``), and the mean shortfall likewise: the mean
        shortfall of the best plan is the value of flexibility, of being able to replan once the future is known.
    """
    best = values.max(axis=0)
    short, short_most = best - values, bounds - values
    table = pd.DataFrame(
        {
            "plan": values.index,
            "mean": values.mean(axis=1, skipna=False).to_numpy(),
            "least": values.min(axis=1, skipna=False).to_numpy(),
            "regret_max": short.max(axis=1, skipna=False).to_numpy(),
            "regret_max_at_most": short_most.max(axis=1, skipna=False).to_numpy(),
            "shortfall_mean": short.mean(axis=1, skipna=False).to_numpy(),
            "shortfall_mean_at_most": short_most.mean(axis=1, skipna=False).to_numpy(),
            "futures_broken": values.isna().sum(axis=1).to_numpy(),
        }
    )
    order = ["futures_broken", "regret_max", "shortfall_mean"]
    return table.sort_values(order, kind="stable").reset_index(drop=True)


def shared_plan(plan: str, results: pd.DataFrame, kept: pd.Series[Any]) -> dict[str, object]:
    """One plan for all futures against each future's own plan, on average; futures are as likely as each other.

    Values are linear in prices, so the scenario of mean prices is the problem of one plan for all futures: its plan is
    worth there what it is worth on average, and its bound is one on every plan kept in all of them.

    Args:
        plan: the scenario of mean prices.
        results: the scenarios by name.
        kept: the shared plan's value in each future, by name.

    Returns:
        ``mean`` of the shared plan, ``mean_at_most`` of any plan kept in all futures, ``alone`` and ``alone_at_most``
        of a plan a future; ``flexibility``, the difference of the two, at least and at most.
    """
    futures = results.loc[kept.index]
    mean, most = float(kept.mean(skipna=False)), float(results["bound"][plan])
    alone, alone_most = float(futures["objective"].mean()), float(futures["bound"].mean())
    return {
        "plan": plan,
        "futures": len(futures),
        "mean": mean,
        "mean_at_most": most,
        "alone": alone,
        "alone_at_most": alone_most,
        "flexibility": alone - mean,
        "flexibility_least": max(alone - most, 0.0),
        "flexibility_most": alone_most - mean,
    }


def option_value(results: pd.DataFrame, without: str, cost: str) -> pd.DataFrame:
    """What an option is worth at each cost, against the scenario without it; by cost.

    Returns:
        Cost, bought, gain (between the plans), its least and most, and a verdict: ``pays`` where the gain is proven,
        ``undecided`` where the option is worth no more than the gaps, ``not bought`` where the plan does without it.
        The break-even cost lies above every cost at which it pays.
    """
    known = with_plans(results).set_index("scenario")
    if without not in known.index:
        return pd.DataFrame()
    zero = known.loc[[without]].iloc[0]
    rows = []
    for name, row in known[known[cost].notna()].iterrows():
        least, gain, most, _ = difference(_interval(row), _interval(zero))
        # With the option a plan may still do without it: its gain is never negative.
        verdict = "pays" if least > 0 else "undecided" if row["bought"] else "not bought"
        rows.append(
            {
                "scenario": name,
                cost: row[cost],
                "bought": row["bought"],
                "gain": gain,
                "gain_least": max(least, 0.0),
                "gain_most": max(most, 0.0),
                "verdict": verdict,
            }
        )
    table = pd.DataFrame(rows)
    return table if table.empty else table.sort_values(cost, kind="stable").reset_index(drop=True)


def break_even(options: pd.DataFrame, cost: str) -> dict[str, float | None]:
    """The cost at which an option is worth nothing more, from :func:`option_value`.

    Value falls with cost and is convex in it, so the chord through two costs lies above it between them, and its
    continuation below it beyond: ``at_least`` is the largest cost at which the gain is proven, ``between_plans`` where
    the line through the last two gains of plans that buy reaches zero, or the cost at which it does.
    """
    if options.empty:
        return {"at_least": None, "between_plans": None}
    paying = options[options["verdict"] == "pays"]
    buying = options[options["bought"].str.len() > 0]
    at_least = float(paying[cost].max()) if len(paying) else None
    reached = None
    if len(buying) > 1:
        (c1, g1), (c2, g2) = buying[[cost, "gain"]].to_numpy(float)[-2:]
        reached = c2 + g2 * (c2 - c1) / (g1 - g2) if g1 > g2 else None
    elif len(buying) == 1:
        reached = float(buying[cost].iloc[0])
    return {"at_least": at_least, "between_plans": reached}
