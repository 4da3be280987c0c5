"""Each constraint family on a tiny mine, its rows written out and compared with a text.

The texts are in ``golden/<family>.txt``. To write them again after a change that is meant:

    PITWISE_REWRITE_GOLDEN=1 pytest tests/scheduler/formulation/test_families.py
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from pyomo.repn import generate_standard_repn

from instances.geometry.units import scheduling_units
from scheduler.compiling import compile_problem
from scheduler.formulation.build import FAMILIES, build
from scheduler.formulation.strengthening import CUTS, cuts
from solvers.standard_form import compile_model
from tests.builders import tiny_mine

GOLDEN = Path(__file__).parent / "golden"
ALL = {*(family.name for family in FAMILIES), *CUTS}

TMF = {"kind": "tailings_facility", "accepts": ["rock"], "storage_mt": 0.5}
TAILINGS = {"destinations.tmf": TMF, "destinations.mill.tailings_t_per_t": 0.8}
LATE_TMF = TMF | {"opens": dt.date(2020, 10, 1)}
OPTION = {"options.crusher": {"widens": "mill", "adds_t_per_day": 100.0, "cost": 1e5, "earliest": dt.date(2021, 1, 1)}}
SHOVEL = {"options.shovel": {"widens": "mining", "adds_mt_per_year": 0.03, "cost": 1e5, "lead_years": 1.0}}
COUNTED = {"limits.phases_active_max": 1}
FILL = {"materials.rock.kind": "fill", "limits.rehandle_mt_per_year": 0.05}
OPERATING = {"operating.pit": {"fixed_cost_per_year": 1e5}, "operating.mill": {"closure_cost": 1e5}}

COLUMN: dict[str, Any] = {"nx": 1, "nz": 2, "periods": 2, "grades": [0.1, 0.9], "stockpile": False}
"""Rock over ore, 70 kt each, in two periods."""
PILED = COLUMN | {"stockpile": True, "grades": [0.3, 0.9]}
"""Low grade, which may be stockpiled, over ore."""
TWO = COLUMN | {"nx": 2, "nz": 1, "phases": ("p1", "p2")}
"""Rock beside ore, a phase each."""

CASES: dict[str, dict[str, Any]] = {
    "precedence": COLUMN | {"changes": {"limits.mining_mt_per_year": 0.1}},
    "completion": COLUMN,
    "completion_stays": COLUMN,
    "mined_stays": COLUMN,
    "all_sent": COLUMN,
    "stock_balance": PILED,
    "reclaim_from_stock": PILED,
    "stock_room": PILED | {"changes": {"destinations.pile.capacity_mt": 0.04}},
    "reclaim_rate": PILED | {"changes": {"destinations.pile.reclaim_mt_per_year": 0.02}},
    "metal_in_bin": PILED,
    "mining_most": COLUMN | {"changes": SHOVEL},
    "mining_least": COLUMN | {"changes": {"limits.mining_min_mt_per_year": 0.01}},
    "milling_most": PILED | {"changes": OPTION},
    "milling_least": PILED | {"changes": {"limits.mill_min_t_per_day": 10.0}},
    "rehandle_most": PILED | {"grades": [0.1, 0.3], "changes": FILL},
    "movement_change": COLUMN | {"changes": {"limits.movement_change_max_mt": 0.02}},
    "inflow_most": PILED | {"changes": {"destinations.mill.opens": dt.date(2020, 7, 1)}},
    "storage": COLUMN | {"changes": TAILINGS | {"destinations.dump.storage_mt": 0.1}},
    "tailings_placed": PILED | {"changes": TAILINGS},
    "tailings_most": COLUMN | {"changes": TAILINGS | {"destinations.tmf": LATE_TMF}},
    "strip_most": PILED | {"changes": {"limits.strip_ratio_max": 1.5}},
    "strip_least": PILED | {"changes": {"limits.strip_ratio_min": 0.5}},
    "strip_cumulative_most": PILED | {"changes": {"limits.strip_ratio_cumulative_max": [2.0, 1.5]}},
    "strip_cumulative_least": PILED | {"changes": {"limits.strip_ratio_cumulative_min": [0.0, 0.5]}},
    "head_grade_most": PILED | {"changes": {"limits.head_grade.cu.max": 0.6}},
    "head_grade_least": PILED | {"changes": {"limits.head_grade.cu.min": 0.5}},
    "metal_most": PILED | {"changes": {"limits.metal.cu.max_t_per_year": 500.0}},
    "metal_least": PILED | {"changes": {"limits.metal.cu.min_t_per_year": 50.0}},
    "phase_release": TWO | {"changes": {"phases.p2.release": dt.date(2020, 4, 1)}},
    "benches_most": COLUMN | {"changes": {"phases.p1.max_benches_per_year": 1.5, "calendar.period_years": 0.5}},
    "active_when_mined": TWO | {"changes": COUNTED},
    "active_until_finished": TWO | {"nx": 2, "nz": 2, "grades": [0.1, 0.1, 0.9, 0.9], "changes": COUNTED},
    "active_most": TWO | {"changes": COUNTED},
    "bought_stays": COLUMN | {"changes": OPTION},
    "bought_not_yet": COLUMN | {"changes": OPTION},
    "stops_once": COLUMN | {"changes": OPERATING},
    "work_needs_opening": PILED | {"changes": OPERATING},
    "one_of_two": TWO | {"nx": 2, "nz": 2, "grades": [0.1, 0.1, 0.9, 0.9], "changes": {
        "limits.mining_mt_per_year": 0.075, "precedence.slopes": False}},
    "finished_in_time": COLUMN | {"nz": 3, "periods": 3, "grades": [0.1, 0.1, 0.9], "changes": {
        "limits.mining_mt_per_year": 0.06}},
    "pit_works_while_units_remain": COLUMN | {"changes": OPERATING},
    "followers_mined_in": COLUMN | {"changes": {"limits.mining_mt_per_year": 0.06}},
    "followers_milled_in": COLUMN,
}  # fmt: skip


def signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {abs(value):.6g}"


def row_text(terms: dict[str, float], lower: float | None, upper: float | None) -> str:
    """A row as ``lower <= 2 mined_by[0,1] - 1 sent[0,1] <= upper``, its variables in order of name."""
    text = " ".join(f"{signed(coefficient)} {name}" for name, coefficient in sorted(terms.items()) if coefficient)
    text = text.removeprefix("+ ") or "0"
    if lower is not None and lower == upper:
        return f"{text} = {lower:.6g}"
    left = "" if lower is None else f"{lower:.6g} <= "
    right = "" if upper is None else f" <= {upper:.6g}"
    return f"{left}{text}{right}"


def constraint_text(row: Any) -> str:
    """A Pyomo constraint as text."""
    body = generate_standard_repn(row.body)
    assert body.is_linear()
    terms = dict(zip((v.name for v in body.linear_vars), body.linear_coefs, strict=True))
    constant = float(body.constant)
    return row_text(terms, *(None if limit is None else float(limit) - constant for limit in (row.lower, row.upper)))


def rows_of(family: str) -> list[str]:
    """The rows of a family on its tiny mine, in order of their index."""
    instance = tiny_mine(**CASES[family])
    context = build(compile_problem(instance, scheduling_units(instance, "panel")))
    if family in CUTS:
        variables = compile_model(context.model).variables
        found = cuts(context, variables)[family]
        written = {}
        for row, index in enumerate(found.index.tolist()):
            part = found.matrix[[row]].tocoo()
            terms = {variables[k].name: float(v) for k, v in zip(part.coords[1].tolist(), part.data, strict=True)}
            written[str(tuple(index)).replace(" ", "")] = row_text(terms, None, float(found.upper[row]))
    else:
        component = context.model.component(family)
        written = {str(index).replace(" ", ""): constraint_text(row) for index, row in component.items()}
    return [f"{index}: {text}" for index, text in sorted(written.items())]


@pytest.mark.parametrize("family", sorted(ALL))
def test_rows_of_family_are_as_written(family):
    """A tiny mine that has the limit gets the rows written down for it, at least one, no more and no others."""
    assert family in CASES, f"add a tiny mine for {family} to CASES"
    found = "".join(f"{line}\n" for line in rows_of(family))
    file = GOLDEN / f"{family}.txt"
    if os.environ.get("PITWISE_REWRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found
    assert found == file.read_text(encoding="utf-8")


def test_each_golden_file_belongs_to_a_family():
    """No text and no case is left of a family that is no more, and none is missing."""
    assert sorted(file.stem for file in GOLDEN.glob("*.txt")) == sorted(ALL)
    assert sorted(CASES) == sorted(ALL)


def test_family_names_are_unique():
    """A family's name is that of one component of the model."""
    assert len(ALL) == len(FAMILIES) + len(CUTS)
