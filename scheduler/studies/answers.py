"""What a study answers: the comparisons that its designs call for, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from instances.overrides import applied
from instances.schema.dictionary import value_at
from scheduler.studies import decisions
from scheduler.studies.comparing import (
    along,
    break_even,
    hill,
    option_value,
    pareto,
    regret,
    shared_plan,
    standing,
    tornado,
    with_plans,
)
from scheduler.studies.opening import OpenStudy
from scheduler.studies.pricing import OTHER_MINE, Future, fixed_value
from scheduler.studies.results import Study
from scheduler.studies.scenarios import BASE, label, shared_plan_of, tornado_base_of
from scheduler.studies.schema import GridDesign, SampledDesign, TornadoDesign

MOST_PRICED = 200
"""Plans and futures of a regret table; each pair is priced. Those beyond are left out, which the table says."""


@dataclass(frozen=True)
class Answers:
    """The tables of a study.

    Attributes:
        tables: scenarios, periods and shadow_prices.
        answers: hill, tornado, pareto, regret, option and the like, those that the study calls for.
        figures: single figures, by name.
    """

    tables: dict[str, pd.DataFrame]
    answers: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: dict[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Tables as lists of objects, without the periods."""
        shown = {"scenarios": self.tables["scenarios"], **self.answers}
        return {name: _records(table) for name, table in shown.items()} | {"figures": self.figures}


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    # JSON has no word for a missing number but null.
    return [
        {str(k): None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def answer(opened: OpenStudy, study: Study) -> Answers:
    """Everything that a study's results say, as far as there are any."""
    tables = study.tables()
    results = tables["scenarios"]
    answers: dict[str, pd.DataFrame] = {}
    figures: dict[str, object] = {}
    known = with_plans(results)
    if known.empty:
        return Answers(tables, answers, figures)
    for number, design in enumerate(opened.study.designs):
        called = label(opened.study, number)
        own = results[results["design"] == called]
        alone = sum(other.kind == design.kind for other in opened.study.designs) == 1
        suffix = "" if alone else f"_{called}"
        if isinstance(design, GridDesign) and len(design.parameters) == 2 and not own["objective"].isna().all():
            first, second = design.parameters
            answers[f"hill{suffix}"] = hill(own, first, second)
            answers[f"steps{suffix}"] = steps(own, design.parameters)
        elif isinstance(design, GridDesign) and not own["objective"].isna().all():
            answers[f"steps{suffix}"] = steps(own, design.parameters)
        elif isinstance(design, TornadoDesign):
            base = tornado_base_of(opened.study, design)
            with_base = results[(results["design"] == called) | (results["scenario"] == base)]
            if base != BASE or not opened.study.solve.warm:
                with_base = _with_plan_kept(opened, study, with_base, base)
            answers[f"tornado{suffix}"] = tornado(with_base, base)
    answers |= _fronts(results)
    figures |= _best(opened, results)
    if opened.study.regret:
        answers |= _regret(opened, study, results)
    shared = _shared_plans(opened, study, results)
    if not shared.empty:
        answers["shared_plan"] = shared
    if opened.study.option is not None:
        cost = opened.study.option.cost_parameter
        answers["option"] = option_value(_with_costs(opened, results, cost), opened.study.option.without, cost)
        figures["break_even_cost"] = break_even(answers["option"], cost)
    return Answers(tables, answers, figures)


def _with_costs(opened: OpenStudy, results: pd.DataFrame, parameter: str) -> pd.DataFrame:
    """The results with what the option costs for the values of its parameter, which may be factors; currency."""
    paths = opened.study.parameters[parameter].paths
    costs = dict.fromkeys(results["scenario"], np.nan)
    for scenario in opened.scenarios:
        if parameter in scenario.values:
            changed, _, _ = applied(opened.files.data, scenario.overrides)
            found = [value_at(changed, [int(key) if key.isdigit() else key for key in p.split(".")]) for p in paths]
            costs[scenario.name] = sum(float(one) if isinstance(one, int | float) else np.nan for one in found)
    return results.assign(**{parameter: [costs[name] for name in results["scenario"]]})


def _best(opened: OpenStudy, results: pd.DataFrame) -> dict[str, object]:
    """The best point of the grids and what cannot be told from it; between other scenarios there is no choice."""
    grids = [label(opened.study, k) for k, d in enumerate(opened.study.designs) if isinstance(d, GridDesign)]
    own = results[results["design"].isin(grids)]
    known = with_plans(own)
    if known.empty:
        return {}
    best = known.iloc[int(np.argmax(known["objective"]))]
    return {
        "best": best["scenario"],
        "best_objective": float(best["objective"]),
        "undecided_with_best": own.loc[standing(own) == "undecided", "scenario"].tolist(),
    }


def steps(own: pd.DataFrame, axes: tuple[str, ...]) -> pd.DataFrame:
    """What each step along an axis of a grid is worth, the other axes held: a row a step, per unit of the axis."""
    rows = []
    for axis in axes:
        others = [name for name in axes if name != axis]
        points = along(own, [*others, axis])
        lines = points.groupby(others, sort=False) if others else [((), points)]
        for _, line in lines:
            ordered = with_plans(line)
            for (_, low), (_, high) in pairwise(ordered.iterrows()):
                rows.append(_step(axis, low, high))
    columns = ["parameter", "from", "to", "from_scenario", "to_scenario", "gain", "gain_least", "gain_most", "per_unit"]
    table = pd.DataFrame(rows, columns=[*columns, "decided"])
    for end in ("from", "to"):
        # A column of a Parquet file has one type: numbers beside dates are written as text.
        if table[end].map(lambda value: isinstance(value, str)).any():
            table[end] = table[end].map(str)
    return table


def _step(axis: str, low: pd.Series, high: pd.Series) -> dict[str, object]:
    least, most = high["objective"] - low["bound"], high["bound"] - low["objective"]
    gain = high["objective"] - low["objective"]
    step = _number(high[axis]) - _number(low[axis])
    return {
        "parameter": axis,
        "from": low[axis],
        "to": high[axis],
        "from_scenario": low["scenario"],
        "to_scenario": high["scenario"],
        "gain": gain,
        "gain_least": least,
        "gain_most": most,
        "per_unit": gain / step if np.isfinite(step) and step != 0 else None,
        "decided": bool(least > 0 or most < 0),
    }


def _number(value: object) -> float:
    """A number, also one that stands as text among lists; NaN for anything else."""
    try:
        return float(value) if isinstance(value, int | float | str) else np.nan
    except ValueError:
        return np.nan


def _fronts(results: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Value against peak strip ratio, and against the metal of the first three periods."""
    fronts = {"pareto_strip": pareto(results, "strip_ratio_peak", larger_is_better=False)}
    for column in results.columns:
        if str(column).endswith("_first_3"):
            fronts[f"pareto_{column}"] = pareto(results, str(column), larger_is_better=True)
    return {name: table for name, table in fronts.items() if len(table) > 1}


def _shared_plans(opened: OpenStudy, study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """One plan for all samples of a design against a plan of its own for each: a row a design that asks for it."""
    rows = []
    by_name = with_plans(results).set_index("scenario", drop=False)
    for number, design in enumerate(opened.study.designs):
        if not isinstance(design, SampledDesign) or not design.shared_plan:
            continue
        called, name = label(opened.study, number), shared_plan_of(opened.study, design)
        futures = by_name[by_name["design"] == called]
        if name in by_name.index and len(futures) == design.samples:
            kept = _kept_in(opened, study, [name], futures["bound"]).T[name]
            rows.append({"design": called, **shared_plan(name, by_name, kept)})
    return pd.DataFrame(rows)


def _kept_in(opened: OpenStudy, study: Study, plans: Sequence[str], futures: pd.Series[Any]) -> pd.DataFrame:
    """Value of each plan (row), every decision kept, in each future (column), currency; NaN where it breaks a limit.

    ``futures`` are the bounds of the futures by name.
    """
    values = pd.DataFrame(np.nan, index=list(plans), columns=list(futures.index))
    for plan, future, value, _ in _kept(opened, study, plans, futures):
        values.loc[plan, future] = np.nan if value is None else value
    return values


def _kept(
    opened: OpenStudy, study: Study, plans: Sequence[str], futures: pd.Series[Any]
) -> Iterator[tuple[str, str, float | None, str]]:
    """Plan, future, the plan's value there, every decision kept, and else what it breaks; see :func:`_kept_in`."""
    entries = {entry["name"]: entry for entry in study.manifest.scenarios()}
    by_name = {scenario.name: scenario for scenario in opened.scenarios}
    audited: dict[str, dict[str, str]] = {plan: {} for plan in plans}
    for name, bound in futures.items():
        future = Future.of(opened.instance(by_name[str(name)]), float(bound))
        for plan in plans:
            file = study.manifest.result(entries[plan]) / decisions.FILE
            kept = decisions.read_decisions(file, future.problem)
            value, broken = (None, OTHER_MINE) if kept is None else fixed_value(future, kept, audited[plan])
            yield plan, str(name), value, broken


def _with_plan_kept(opened: OpenStudy, study: Study, results: pd.DataFrame, plan: str) -> pd.DataFrame:
    """The results with the value of one scenario's plan kept in each other; without it where that has no plan."""
    known = with_plans(results).set_index("scenario")
    if plan not in known.index:
        return results
    kept = {future: (value, broken) for _, future, value, broken in _kept(opened, study, [plan], known["bound"])}
    values = [kept.get(name, (None, "")) for name in results["scenario"]]
    fixed = np.array([np.nan if value is None else value for value, _ in values])
    return results.assign(fixed_schedule=fixed, fixed_schedule_breaks=[broken for _, broken in values])


def _regret(opened: OpenStudy, study: Study, results: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every plan of the designs named, kept as it is, in every one of their futures; the first of them if too many."""
    futures = with_plans(results[results["design"].isin(opened.study.regret)])
    names = futures["scenario"].tolist()[:MOST_PRICED]
    also = [shared_plan_of(opened.study, d) for d in opened.study.designs if isinstance(d, SampledDesign)]
    plans = [*names, *(name for name in also if name in set(with_plans(results)["scenario"]))]
    bounds = futures.set_index("scenario")["bound"].reindex(names)
    values = _kept_in(opened, study, plans, bounds)
    return {
        "regret": regret(values, bounds).assign(futures=len(names), futures_left_out=len(futures) - len(names)),
        "plans_in_futures": values.rename_axis("plan").reset_index(),
    }
