"""What a study answers, against plain enumeration, and the order that values must have."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.studies.answers import answer, steps
from scheduler.studies.columns import RESERVED, metal_columns
from scheduler.studies.comparing import break_even, hill, option_value, pareto, regret, standing
from scheduler.studies.opening import open_study
from scheduler.studies.results import Study
from scheduler.studies.running import run_study
from tests.scheduler.studies.conftest import WriteStudy


@st.composite
def scenario_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Scenarios with value, bound and a measure, small whole numbers, so that ties come up."""
    n = draw(st.integers(1, 8))
    values = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    above = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    measure = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    table = pd.DataFrame({"scenario": [f"s{k}" for k in range(n)], "objective": values, "measure": measure})
    return table.astype({"objective": float, "measure": float}).assign(bound=np.add(values, above).astype(float))


@given(scenario_tables())
def test_only_what_is_proven_worse_is_ranked_below_the_best(table: pd.DataFrame):
    """A scenario whose bound reaches the best plan may be the best."""
    words = standing(table)
    best = table["objective"].max()
    for row, word in zip(table.itertuples(), words, strict=True):
        assert (word == "proven worse") == (row.bound < best)
        assert (word == "best found") == (row.objective == best)


@given(scenario_tables(), st.booleans())
def test_pareto_words_are_those_of_enumeration(table: pd.DataFrame, larger_is_better: bool):
    """Dominated: another is as good by the measure and its plan is worth more than this one can be."""
    found = pareto(table, "measure", larger_is_better=larger_is_better).set_index("scenario")["standing"]
    for one in table.itertuples():
        others = [
            other
            for other in table.itertuples()
            if other.scenario != one.scenario
            and (other.measure >= one.measure if larger_is_better else other.measure <= one.measure)
        ]
        if any(other.objective > one.bound for other in others):
            expected = "dominated"
        else:
            expected = "undecided" if any(other.objective > one.objective for other in others) else "front"
        assert found[one.scenario] == expected


@given(st.lists(st.lists(st.floats(-10, 10), min_size=3, max_size=3), min_size=2, max_size=5))
def test_regret_is_that_of_enumeration(rows: list[list[float]]):
    """The plan of least worst-case regret comes first; its mean shortfall is the value of flexibility."""
    values = pd.DataFrame(rows, index=[f"p{k}" for k in range(len(rows))])
    bounds = values.max(axis=0) + 1.0
    table = regret(values, bounds)
    worst = [max(max(column) - row[k] for k, column in enumerate(zip(*rows, strict=True))) for row in rows]
    assert table["regret_max"].iloc[0] == pytest.approx(min(worst))
    assert table["regret_max_at_most"].to_numpy() == pytest.approx(table["regret_max"].to_numpy() + 1.0)
    assert (table["shortfall_mean"] >= -1e-12).all()


def test_a_plan_that_breaks_a_limit_in_a_future_is_no_robust_choice():
    """It comes last, whatever it is worth elsewhere."""
    values = pd.DataFrame([[100.0, np.nan], [1.0, 1.0]], index=["fragile", "sturdy"])
    table = regret(values, pd.Series([100.0, 1.0]))
    assert table["plan"].tolist() == ["sturdy", "fragile"]
    assert table["futures_broken"].tolist() == [0, 1]


def options_table() -> pd.DataFrame:
    """An option worth 10 less nine tenths of its cost, found within 0.5, against 100 without it."""
    rows = [{"scenario": "without", "cost": np.nan, "objective": 100.0, "bound": 100.5, "bought": ""}]
    for cost in (0.0, 5.0, 10.0, 20.0):
        gain = max(10 - 0.9 * cost, 0.0)
        bought = "mill:2012" if gain > 0 else ""
        rows.append(
            {"scenario": f"c{cost}", "cost": cost, "objective": 100 + gain, "bound": 100.5 + gain, "bought": bought}
        )
    return pd.DataFrame(rows)


def test_an_option_pays_only_where_its_gain_exceeds_the_gaps():
    """At a cost of 10 it gains 1.0 with 0.5 of the gaps, at 20 it is not bought."""
    table = option_value(options_table(), "without", "cost")
    assert table["verdict"].tolist() == ["pays", "pays", "pays", "not bought"]
    assert table["gain_least"].tolist() == pytest.approx([9.5, 5.0, 0.5, 0.0])
    assert break_even(table, "cost") == {"at_least": 10.0, "between_plans": pytest.approx(10 / 0.9)}


def test_every_column_beside_the_parameters_is_a_reserved_name(finished: Study):
    """A parameter of such a name would be overwritten."""
    metal = metal_columns("copper", "mlb")
    assert set(finished.results().columns) - set(finished.parameters()) - set(metal) <= RESERVED


def test_more_capacity_is_never_worth_less(finished: Study):
    """Along each axis of the grid, within the gaps: what the larger can be worth is no less than the smaller's plan."""
    results = finished.results().set_index("scenario")
    for mill, mining in itertools.product((200, 250, 300), (0.15, 0.2)):
        less = results.loc[f"mill-{mill}_mining-{mining}"]
        for more in (f"mill-{mill + 50}_mining-{mining}", f"mill-{mill}_mining-0.2"):
            if more in results.index:
                assert results.loc[more, "bound"] >= less["objective"] * (1 - 1e-9)


def test_a_fixed_schedule_is_never_worth_more_than_the_bound(finished: Study):
    """Kept as it is, the base's plan is one of the plans of each scenario; where nothing changed it is the same."""
    results = finished.results()
    priced = results[results["fixed_schedule"].notna()]
    assert {"price-low", "price-high", "latin-hypercube-1"} <= set(priced["scenario"])
    assert (priced["fixed_schedule"] <= priced["bound"] * (1 + 1e-9)).all()
    base = results.set_index("scenario").loc["base", "objective"]
    same = results.set_index("scenario").loc["mill-300_mining-0.2", "fixed_schedule"]
    assert same == pytest.approx(base, rel=1e-6)


def test_a_study_answers_what_its_designs_ask(finished: Study, whole):
    """A hill with its optimum, a tornado with the value of replanning, fronts, and the regret of every plan."""
    found = answer(open_study(whole), finished)
    assert {"hill", "steps", "tornado", "pareto_strip", "pareto_copper_mlb_first_3", "regret"} <= set(found.answers)
    tornado = found.answers["tornado"].set_index("scenario")
    assert (tornado["replanning"].dropna() >= -1e-6).all()
    assert tornado.loc["price-high", "change"] > 0 > tornado.loc["price-low", "change"]
    robust = found.answers["regret"]
    assert len(robust) == 5
    assert (robust["regret_max_at_most"] >= robust["regret_max"] - 1e-6).all()
    # A plan in its own future is what it was found to be worth.
    values = found.answers["plans_in_futures"].set_index("plan")
    results = finished.results().set_index("scenario")
    for name in values.columns:
        assert values.loc[name, name] == pytest.approx(results.loc[name, "objective"], rel=1e-6)


ONE_SIDE = """
format = 1
name = "one"
mine = "mine"

[parameters.mill]
paths = ["limits.mill_t_per_day"]
{side}

[[designs]]
kind = "tornado"
"""


def test_a_tornado_in_which_no_plan_can_be_kept_has_its_changes_all_the_same(study: WriteStudy, tmp_path: Path):
    """A smaller mill breaks the base's plan; there is no other scenario."""
    opened = open_study(study(ONE_SIDE.format(side="low = 150.0")))
    run_study(opened, tmp_path / "out", workers=1)
    row = answer(opened, Study(tmp_path / "out")).answers["tornado"].iloc[0]
    assert row["change"] < 0
    assert np.isnan(row["fixed_schedule_change"])
    assert row["fixed_schedule_breaks"].startswith("limits.mill_t_per_day")


def test_a_tornado_without_warm_starts_has_the_value_of_replanning(study: WriteStudy, tmp_path: Path):
    """The base's plan kept under a larger mill is worth what it is in the base."""
    opened = open_study(study(ONE_SIDE.format(side="high = 350.0") + "[solve]\nwarm = false\ngap = 0.0\n"))
    run_study(opened, tmp_path / "out", workers=1)
    row = answer(opened, Study(tmp_path / "out")).answers["tornado"].iloc[0]
    assert row["fixed_schedule_change"] == pytest.approx(0.0, abs=1e-3)
    assert row["replanning"] == pytest.approx(row["change"], abs=1e-3)


def test_a_tornado_with_changes_compares_with_a_base_that_has_them(study: WriteStudy, tmp_path: Path):
    """It is the tornado of a study with those changes: what they are worth themselves is in none of its rows."""
    price = ONE_SIDE.format(side="low = 280.0") + "{}\n[solve]\ngap = 0.0\n"
    changes = 'changes = ["products.copper.price_usd_per_lb=4.0"]\n'
    tables = []
    for name, text in (
        ("design", price.format(changes)),
        ("study", price.format("").replace("\n[", f"\n{changes}[", 1)),
    ):
        opened = open_study(study(text))
        run_study(opened, tmp_path / name, workers=1)
        tables.append(answer(opened, Study(tmp_path / name)).answers["tornado"])
    assert [scenario.name for scenario in opened.scenarios] == ["base", "mill-low"]
    ours, theirs = (table.drop(columns="fixed_schedule_breaks") for table in tables)
    assert ours["scenario"].tolist() == ["mill-low"]
    pd.testing.assert_frame_equal(ours, theirs, atol=1.0)


def test_what_an_option_costs_is_money_where_its_parameter_is_a_factor(study: WriteStudy, tmp_path: Path):
    """Half and twice a cost of 400,000 of each of two parts."""
    part = '{widens = "mill", adds_t_per_day = 50.0, cost = 400000.0}'
    text = ONE_SIDE.replace("limits.mill_t_per_day", 'options.a.cost", "options.b.cost')
    text = text.format(side='change = "factor"\nvalues = [0.5, 2.0]').replace(
        '"tornado"', '"grid"\nparameters = ["mill"]'
    )
    head = f"base = true\nchanges = ['options={{a = {part}, b = {part}}}']\n"
    head += 'option = { without = "base", cost_parameter = "mill" }\n'
    opened = open_study(study(text.replace("\n[", f"\n{head}[", 1)))
    run_study(opened, tmp_path / "out", workers=1)
    found = answer(opened, Study(tmp_path / "out"))
    assert found.answers["option"]["mill"].tolist() == [400_000.0, 1_600_000.0]
    assert found.tables["scenarios"]["mill"].dropna().tolist() == [0.5, 2.0]


def test_steps_along_numbers_and_dates_fit_one_table(finished: Study, tmp_path: Path):
    """A grid over tonnages and opening dates has both in one column, which Parquet takes as text."""
    rows = [
        {"scenario": f"{t}-{day}", "t": t, "day": day, "objective": t + k, "bound": t + k}
        for t in (1.0, 2.0)
        for k, day in enumerate(("2013-08-01", "2014-02-01"))
    ]
    table = steps(pd.DataFrame(rows), ("t", "day"))
    assert table["from"].tolist() == ["1.0", "1.0", "2013-08-01", "2013-08-01"]
    assert table["gain"].tolist() == [1.0] * 4
    study = Study(shutil.copytree(finished.folder, tmp_path / "copy"))
    study.write_tables({"steps": table})
    assert pd.read_parquet(tmp_path / "copy" / "steps.parquet")["to"].tolist() == ["2.0", "2.0", *["2014-02-01"] * 2]


def test_an_axis_with_a_list_among_its_numbers_keeps_the_order_of_the_file():
    """As text 10 would come before 8; a step between two of the numbers is worth something per unit."""
    rates = ["[9.0, 6.0]", "8.0", "10.0"]
    rows = [
        {"scenario": f"{t:g}-{k}", "t": t, "rate": rate, "objective": t + 4.0 * k, "bound": t + 4.0 * k, "gap": 0.0}
        for t in (2.0, 1.0)
        for k, rate in enumerate(rates)
    ]
    points = hill(pd.DataFrame(rows), "t", "rate")
    assert points["t"].tolist() == [1.0] * 3 + [2.0] * 3
    assert points["rate"].tolist() == rates * 2
    along_rate = steps(pd.DataFrame(rows), ("t", "rate")).query("parameter == 'rate'")
    assert along_rate[["from", "to"]].to_numpy().tolist() == [rates[:2], rates[1:]] * 2
    assert along_rate["per_unit"].isna().tolist() == [True, False] * 2
    assert along_rate["per_unit"].dropna().tolist() == [2.0, 2.0]


def test_the_shared_plan_is_the_best_of_all_plans_kept_in_every_future(finished: Study, whole):
    """Solved under mean prices it is worth there what it is worth on average, and no other plan found beats it."""
    found = answer(open_study(whole), finished)
    row = found.answers["shared_plan"].iloc[0]
    results = finished.results().set_index("scenario")
    assert row["plan"] == "latin-hypercube-shared-plan"
    assert row["mean"] == pytest.approx(results.loc[row["plan"], "objective"], rel=1e-5)
    futures = results[results["design"] == "latin_hypercube"]
    values = found.answers["plans_in_futures"].set_index("plan")[futures.index.tolist()].mean(axis=1)
    assert values.max() <= row["mean_at_most"] * (1 + 1e-9)
    assert values.max() == pytest.approx(values[row["plan"]], rel=1e-7)
    assert 0 <= row["flexibility_least"] <= row["flexibility"] * (1 + 1e-9)
    assert row["alone"] == pytest.approx(futures["objective"].mean())


def test_steps_of_a_grid_agree_with_its_hill(finished: Study, whole):
    """A step's gain is the difference of the two points; per unit it is that over the step."""
    found = answer(open_study(whole), finished)
    points = found.answers["hill"].set_index("scenario")["objective"]
    for step in found.answers["steps"].itertuples():
        gain = points[step.to_scenario] - points[step.from_scenario]
        assert step.gain == pytest.approx(gain)
        assert step.per_unit == pytest.approx(gain / (step.to - step[2]))
    assert (
        hill(finished.results().query("design == 'grid'"), "mill", "mining")["standing"]
        .isin(["best found", "undecided", "proven worse"])
        .all()
    )
