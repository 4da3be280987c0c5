"""Recovery as a number, by material and by grade: the same in pricing, pits, cash flow and audit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from instances.instance import Instance
from instances.reading import mine_in_memory
from scheduler.compiling import compile_problem
from scheduler.pits.values import pit_blocks
from scheduler.solving import Answer, Request, solve_mine
from tests.builders import tiny_blocks, tiny_data

CURVE = {"grade": [0.2, 0.6, 1.0], "recovery": [0.5, 0.8, 0.9]}
GRADES = [0.1, 0.3, 0.1, 0.5, 0.9, 1.4]


def two_processes(**changes: Any) -> Instance:
    """A mill whose copper recovery follows the grade, a leach pad, and gold by the way."""
    data = tiny_data(stockpile=False)
    data["elements"]["au"] = {"unit": "g_per_t"}
    data["products"]["gold"] = {"element": "au", "price_usd_per_oz": 1500.0}
    mill = data["destinations"]["mill"]
    mill |= {"recovery": {"au": 0.6}, "recovery_curves": {"cu": CURVE}, "capacity_mt_per_year": 0.1}
    leach = {"kind": "mill", "accepts": ["ore", "low"], "recovery": {"cu": 0.4, "au": {"ore": 0.1, "low": 0.2}}}
    data["destinations"]["leach"] = leach | {"cost_per_t": 3.0, "tailings_t_per_t": 0.0}
    data["limits"] = {"mining_mt_per_year": 0.3}
    for path, value in changes.items():
        data["destinations"][path] = data["destinations"][path] | value
    blocks = tiny_blocks(grades=GRADES).assign(au_g_per_t=[0.0, 0.2, 0.0, 0.3, 0.5, 0.9])
    return mine_in_memory(data, blocks)


def test_one_number_is_that_of_every_material():
    single, table = two_processes(), two_processes(leach={"recovery": {"cu": 0.4, "au": {"ore": 0.1, "low": 0.2}}})
    spelt = two_processes(leach={"recovery": {"cu": {"ore": 0.4, "low": 0.4}, "au": {"ore": 0.1, "low": 0.2}}})
    assert single.hash() == table.hash() == spelt.hash()
    assert single.mine.mills()["mill"].recovery == {"au": {"ore": 0.6, "low": 0.6}}


def test_a_curve_is_followed_between_and_beyond_its_points():
    instance = two_processes()
    problem = compile_problem(instance, scheduling_units(instance, "block"))
    mill = [place.name for place in problem.places].index("mill")
    grade = dict(zip(instance.blocks["block"], instance.blocks["cu_pct"], strict=True))
    by_hand = {0.3: 0.575, 0.5: 0.725, 0.9: 0.875, 1.4: 0.9}
    seen = set()
    for route in np.flatnonzero(problem.route_place == mill):
        block = problem.parcel_names[problem.route_parcel[route]].partition(":")[0]
        contained = 70_000 * grade[block] / 100
        assert problem.route_recovered["cu"][route] == pytest.approx(contained * by_hand[grade[block]])
        seen.add(grade[block])
    assert seen == set(by_hand)


def test_pits_price_the_better_of_two_processes():
    blocks = pit_blocks(two_processes())
    tonnes, grade, gold = 70_000, 1.4, 0.9
    pound, ounce = 2204.62 * 3.0, 32150.7466 * 1500.0
    mill = tonnes * (grade / 100 * 0.9 * pound + gold * 1e-6 * 0.6 * ounce - 8.0)
    leach = tonnes * (grade / 100 * 0.4 * pound + gold * 1e-6 * 0.1 * ounce - 3.0)
    assert blocks.value(1.0)[-1] == pytest.approx(max(mill, leach) - 2.0 * tonnes)


def test_a_plan_of_two_processes_passes_its_audit_to_the_cent():
    instance = two_processes()
    answer = solve_mine(instance, Request(gap=0.0))
    assert answer.exit_code == 0
    assert answer.audit is not None
    assert answer.plan is not None
    assert answer.cash is not None
    assert answer.audit.findings == ()
    assert {"mill", "leach"} <= set(answer.plan.mined["destination"])
    assert answer.cash.objective == pytest.approx(answer.audit.objective, rel=1e-9)
    recovered = {name: balance.recovered_t for name, balance in answer.audit.metal_balance.items()}
    assert answer.cash.table["copper_recovered_t"].sum() == pytest.approx(recovered["cu"])


def test_a_contaminant_is_limited_where_it_harms_only():
    """Copper stands for the contaminant: the leach pad may take what the mill may not."""
    free = two_processes()
    mill, pad = (head_grade(free, name) for name in ("mill", "leach"))
    limit = round(0.9 * mill, 3)
    kept = limited(limit, ["mill"])
    assert head_grade(kept, "mill") <= limit * (1 + 1e-6)
    everywhere = limited(limit, [])
    assert solved(free).cash.objective > solved(kept).cash.objective >= solved(everywhere).cash.objective
    assert pad < mill


def test_an_element_may_have_a_limit_for_each_process():
    free = two_processes()
    most = round(0.9 * head_grade(free, "mill"), 3)
    first = limited(most, ["mill"])
    pad = round(0.9 * head_grade(first, "leach"), 3)
    both = limited(most, ["mill"], pad={"element": "cu", "max": [pad] * free.mine.calendar.periods, "mills": ["leach"]})
    answer = solved(both)
    assert answer.audit is not None
    assert answer.audit.findings == ()
    assert head_grade(both, "mill") <= most * (1 + 1e-6)
    assert head_grade(both, "leach") <= pad * (1 + 1e-6)
    assert answer.cash.objective < solved(first).cash.objective


def test_the_cut_off_that_the_plan_chose_is_told():
    instance = two_processes()
    answer = solved(instance)
    assert answer.schedule is not None
    plan = answer.plan
    assert plan is not None
    parcels = scheduling_units(instance, "panel").parcels.set_index("parcel")["cu_pct"]
    fed = plan.mined[plan.mined["destination"].isin(["mill", "leach"]) & (plan.mined["tonnes"] > 1)]
    least = parcels.loc[fed["parcel"]].groupby(fed["period"].to_numpy()).min()
    assert answer.schedule["cut_off_cu_pct"].dropna().to_numpy() == pytest.approx(least.to_numpy())


def limited(most: float, mills: list[str], **further: dict[str, Any]) -> Instance:
    free = two_processes()
    data = free.mine.model_dump(exclude_none=True)
    data["limits"]["head_grade"] = {"cu": {"max": most, "mills": mills}, **further}
    return mine_in_memory(data, free.blocks.drop(columns=["sector", "mined_fraction"]))


def solved(instance: Instance) -> Answer:
    answer = solve_mine(instance, Request(gap=0.0))
    assert answer.exit_code == 0
    assert answer.cash is not None
    return answer


def head_grade(instance: Instance, mill: str) -> float:
    plan = solved(instance).plan
    assert plan is not None
    parcels = scheduling_units(instance, "panel").parcels.set_index("parcel")["cu_pct"]
    fed = plan.mined[plan.mined["destination"] == mill]
    metal = (fed["tonnes"] * parcels.loc[fed["parcel"]].to_numpy()).groupby(fed["period"]).sum()
    return float((metal / fed.groupby("period")["tonnes"].sum()).max())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recovery": {"au": 1.4}}, "a number >= 0 and <= 1, or a table with one for each name"),
        ({"recovery": {"au": "high"}}, "a number >= 0 and <= 1, or a table with one for each name"),
        ({"recovery": {"au": 0.6, "cu": 0.9}}, "not both"),
        ({"recovery_curves": {"cu": {"grade": [0.2, 0.1], "recovery": [0.5, 0.8]}}}, "grades that increase"),
        ({"recovery_curves": {"cu": {"grade": [0.2, 0.4], "recovery": [0.5]}}}, "recovery"),
        ({"recovery_curves": {"cu": CURVE, "pb": CURVE}}, "an element"),
        ({"recovery_curves": {}}, "the recovery of cu from ore; it is missing"),
    ],
)
def test_a_recovery_that_is_none_is_refused(changes: dict[str, Any], said: str):
    with pytest.raises(BadInput) as error:
        two_processes(mill=changes)
    assert said in str(error.value)
