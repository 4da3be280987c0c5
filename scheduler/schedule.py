"""A plan as a planner reads it: a table with a row a period, and the figures of the whole plan."""

from __future__ import annotations

import datetime as dt
import re
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.economics import Product
from scheduler.cashflow import CashFlow, by_periods, cash_flow, mill_feed, mined_rows, units_of
from scheduler.plan import Plan
from scheduler.valuation import METAL_PER_GRADE, OUNCES_PER_TONNE, POUNDS_PER_TONNE, element_value

Series = NDArray[np.float64]
Figure: TypeAlias = "float | dict[str, float] | None"

COLUMNS = {
    "moved_mt": "mined from the pit, Mt",
    "mined_<material>_mt": "mined of a material, Mt",
    "ore_mt": "mined and sent to mills and stockpiles, Mt",
    "ore_<material>_mt": "the same of one class of ore, Mt",
    "waste_mt": "all else that is mined, Mt",
    "strip_ratio": "waste_mt per ore_mt, t/t; empty where no ore is mined",
    "strip_ratio_on_milled": "waste_mt per milled_mt, t/t; empty where nothing is milled",
    "milled_mt": "milled, Mt",
    "milled_direct_mt": "milled straight from the pit, Mt",
    "milled_from_<stockpile>_mt": "milled from stock, Mt",
    "head_grade_<element>_<unit>": "average grade of the mill feed; stock at the nominal grade of its bin",
    "cut_off_<element>_<unit>": "least grade of a parcel sent from the pit to a mill; empty where none is",
    "<product>_recovered_mlb": "metal recovered, million pounds; thousand troy ounces (koz) where sold by the ounce",
    "<product>_payable_mlb": "metal paid for, likewise",
    "stock_<stockpile>_mt": "stock at the end of the period, Mt",
    "new_tailings_mt": "tailings made by the mills, Mt",
    "fill_moved_mt": "fill dug from the pit, Mt",
    "phases_worked": "phases mined in the period, by name",
    "<line>_million": "lines of the cash flow, million of currency; see scheduler.cashflow.COLUMNS",
}
"""Columns of :func:`schedule_table`."""

LEAST_TOLD_T = 1.0
"""Less than a tonne is what an optimiser's tolerance leaves, no decision."""

YEARS_FIGURE = re.compile(r"(?P<product>.+)_(?P<unit>mlb|koz)(?P<rate>_per_year)?_(?P<first>\d{4})_(?P<last>\d{4})")


def schedule_table(instance: Instance, plan: Plan, cash: CashFlow, units: Units | None = None) -> pd.DataFrame:
    """The schedule, a row a period, indexed by its label, with the columns of :data:`COLUMNS`.

    Args:
        instance: the mine.
        plan: the plan.
        cash: its cash flow.
        units: the mine's scheduling units at the plan's resolution; worked out again unless given.
    """
    mine = instance.mine
    mined = mined_rows(instance, plan, units_of(instance, plan, units))
    feed = mill_feed(instance, plan, mined)
    ore, milled = mined[mined["as_ore"]], by_periods(mine, feed)
    ore_t, waste_t = by_periods(mine, ore), by_periods(mine, mined[~mined["as_ore"]])
    columns: dict[str, Series | list[str]] = {"moved_mt": by_periods(mine, mined) / 1e6}
    for name in mine.materials:
        columns[f"mined_{name}_mt"] = by_periods(mine, mined[mined["material"] == name]) / 1e6
    columns["ore_mt"] = ore_t / 1e6
    for name in ore_classes(mine):
        columns[f"ore_{name}_mt"] = by_periods(mine, ore[ore["material"] == name]) / 1e6
    columns |= {
        "waste_mt": waste_t / 1e6,
        "strip_ratio": _ratio(waste_t, ore_t),
        "strip_ratio_on_milled": _ratio(waste_t, milled),
        "milled_mt": milled / 1e6,
        "milled_direct_mt": by_periods(mine, feed[feed["source"] == "direct"]) / 1e6,
    }
    for name in mine.stockpiles():
        columns[f"milled_from_{name}_mt"] = by_periods(mine, plan.reclaim[plan.reclaim["stockpile"] == name]) / 1e6
    for name, element in mine.elements.items():
        grade = _ratio(by_periods(mine, feed, f"contained_{name}"), milled) / METAL_PER_GRADE[element.unit]
        columns[f"head_grade_{name}_{element.unit}"] = grade
    milled_rows = mined[mined["destination"].isin(list(mine.mills()))]
    for column in instance.grade_columns().values():
        columns[f"cut_off_{column}"] = _least(mine, milled_rows, column)
    for name, product in mine.products.items():
        unit, per_t = sold_unit(product)
        columns[f"{name}_recovered_{unit}"] = cash.table[f"{name}_recovered_t"].to_numpy(float) * per_t
        columns[f"{name}_payable_{unit}"] = cash.table[f"{name}_payable_t"].to_numpy(float) * per_t
    for name in mine.stockpiles():
        columns[f"stock_{name}_mt"] = by_periods(mine, plan.stock[plan.stock["stockpile"] == name]) / 1e6
    columns |= {
        "new_tailings_mt": _new_tailings(mine, feed) / 1e6,
        "fill_moved_mt": by_periods(mine, mined[mined["kind"] == "fill"]) / 1e6,
        "phases_worked": _phases_worked(mine, mined),
    }
    columns |= {f"{name}_million": cash.table[name].to_numpy(float) / 1e6 for name in money_lines(cash)}
    return pd.DataFrame(columns, index=cash.table.index)


def _least(mine: Mine, rows: pd.DataFrame, column: str) -> Series:
    """Least value of a column by period, NaN where there is no row with tonnes to speak of; shape ``(periods,)``."""
    told = rows[rows["tonnes"] > LEAST_TOLD_T]
    return told.groupby("period")[column].min().reindex(range(mine.calendar.periods)).to_numpy(np.float64)


def figures(
    instance: Instance, plan: Plan, cash: CashFlow | None = None, units: Units | None = None
) -> dict[str, Figure]:
    """The figures of a whole plan by name, as ``summary.json`` and published figures name them.

    Money is in currency (not thousands). ``npv`` is after tax on the optimiser's basis, ``npv_published_basis`` on the
    reporting basis, as is ``undiscounted_after_tax`` where there is one. ``strip_ratio`` is that of the plan, waste
    being all that does not go to a mill or a stockpile; ``strip_ratio_design`` that of the block table, waste being
    all that is not of a kind of ore. Both are given for each group of phases too, as are ore and grade. A figure that
    has no value, as the grade of no ore, is ``None``.

    Args:
        instance: the mine.
        plan: the plan.
        cash: its cash flow; worked out unless given.
        units: the mine's scheduling units at the plan's resolution; worked out again unless given.
    """
    known = units_of(instance, plan, units)
    flow = cash_flow(instance, plan, known) if cash is None else cash
    mined = mined_rows(instance, plan, known)
    reported = flow.undiscounted_after_tax_published_basis
    stock = by_periods(instance.mine, plan.stock) / 1e6
    return {
        "npv": flow.npv,
        "npv_published_basis": flow.npv_published_basis,
        "undiscounted_after_tax": flow.undiscounted_after_tax if reported is None else reported,
        "objective_mixed_pile": flow.objective + mixed_pile_gain(instance, plan, mined),
        "moved_mt": float(mined["tonnes"].sum()) / 1e6,
        "milled_mt": float(flow.table["milled_t"].sum()) / 1e6,
        "stock_peak_mt": float(stock.max()),
        "strip_ratio_on_milled": _quotient(mined.loc[~mined["as_ore"], "tonnes"].sum(), flow.table["milled_t"].sum()),
        **_ground_figures(instance, mined, _design_rows(instance, known)),
        **_metal_figures(instance.mine, flow),
    }


def ore_classes(mine: Mine) -> list[str]:
    """Materials that some mill or stockpile accepts."""
    places = [*mine.mills().values(), *mine.stockpiles().values()]
    return [name for name in mine.materials if any(name in place.accepts for place in places)]


def money_lines(cash: CashFlow) -> list[str]:
    """Columns of a cash flow that are money."""
    return [
        name
        for name in cash.table.columns.astype(str)
        if not name.endswith("_t") and name not in {"discount_factor", "reported_share"}
    ]


def sold_unit(product: Product) -> tuple[str, float]:
    """Unit in which a product is counted, ``mlb`` or ``koz``, and how many make a tonne of metal."""
    if product.price_usd_per_lb is None and product.price_usd_per_oz is not None:
        return "koz", OUNCES_PER_TONNE / 1e3
    return "mlb", POUNDS_PER_TONNE / 1e6


def mixed_pile_gain(instance: Instance, plan: Plan, mined: pd.DataFrame) -> float:
    """What the discounted cash before tax gains if each bin leaves at its true average instead of its nominal grade.

    The grade is that of the stock at the start of the period; tonnes, recovery and terms of sale stay. Currency.
    """
    mine = instance.mine
    discount, value = mine.calendar.discount_factors(), element_value(mine)
    gain = 0.0
    for pile, place in mine.stockpiles().items():
        for name, store in place.bins.items():
            came = mined[(mined["destination"] == pile) & (mined["bin"] == name)]
            left = plan.reclaim[(plan.reclaim["stockpile"] == pile) & (plan.reclaim["bin"] == name)]
            tonnes_in, tonnes_out = by_periods(mine, came), by_periods(mine, left)
            for element, column in instance.grade_columns().items():
                content = came[["period"]].assign(content=came["tonnes"] * came[column])
                content_in = by_periods(mine, content, "content")
                opening = store.opening_mt * 1e6
                nominal = store.leaves_at.get(element, 0.0)
                held = (opening, opening * store.opening_grade.get(element, nominal))
                grade = _stock_grade(held, tonnes_in, content_in, tonnes_out, nominal)
                recovered = tonnes_out * (grade - nominal) * store.recovery.get(element, 0.0)
                gain += float(discount * value[element] @ recovered) * METAL_PER_GRADE[mine.elements[element].unit]
    return gain


def _stock_grade(
    held: tuple[float, float], tonnes_in: Series, content_in: Series, tonnes_out: Series, nominal: float
) -> Series:
    """Average grade of a mixed bin at the start of each period, the nominal one where it is empty.

    ``held`` is what the bin opens with: tonnes, and tonnes times grade.
    """
    grade = np.full(len(tonnes_in), nominal)
    tonnes, content = held
    for period, came in enumerate(tonnes_in):
        if tonnes > 1e-3:
            grade[period] = content / tonnes
        content += content_in[period] - tonnes_out[period] * grade[period]
        tonnes += came - tonnes_out[period]
    return grade


def _ground_figures(instance: Instance, mined: pd.DataFrame, design: pd.DataFrame) -> dict[str, Figure]:
    """Ore, grade and strip ratio of the plan and of the block table, overall and by group of phases."""
    groups = {name: phase.group for name, phase in instance.mine.phases.items()}
    found: dict[str, Figure] = {}
    for rows, suffix in ((mined, ""), (design, "_design")):
        group_of = rows["phase"].map(groups)
        for group in (None, *sorted({group for group in groups.values() if group is not None})):
            part = rows if group is None else rows[group_of == group]
            ore = part[part["as_ore"]]
            before, after = ("", "") if group is None else (f"{group}_", f"_{group}")
            ore_t = float(ore["tonnes"].sum())
            found[f"strip_ratio{after}{suffix}"] = _quotient(part.loc[~part["as_ore"], "tonnes"].sum(), ore_t)
            found[f"{before}ore_mt{suffix}"] = ore_t / 1e6
            for number, (element, column) in enumerate(instance.grade_columns().items()):
                unit = instance.mine.elements[element].unit
                label = unit if number == 0 else column
                content = float((ore["tonnes"] * ore[column]).sum())
                found[f"{before}{'' if group else 'ore_'}grade_{label}{suffix}"] = _quotient(content, ore_t)
    return found


def _design_rows(instance: Instance, units: Units) -> pd.DataFrame:
    """All that can be mined: phase, tonnes, grades, as_ore (whether it is of a kind of ore)."""
    materials = instance.mine.materials
    phase = units.units["phase"].to_numpy(object)[units.parcels["unit"].to_numpy(np.int64)]
    return units.parcels.assign(
        phase=phase, as_ore=units.parcels["material"].map({name: m.kind == "ore" for name, m in materials.items()})
    )


def _metal_figures(mine: Mine, cash: CashFlow) -> dict[str, Figure]:
    """Metal recovered by product: in all, by period, and for the years that published figures name."""
    found: dict[str, Figure] = {}
    recovered = {}
    for name, product in mine.products.items():
        unit, per_t = sold_unit(product)
        metal = cash.table[f"{name}_recovered_t"].to_numpy(float) * per_t
        recovered[name, unit] = metal
        found[f"{name}_{unit}_total"] = float(metal.sum())
        found[f"{name}_{unit}_by_period"] = dict(zip(cash.table.index, metal.tolist(), strict=True))
    for published in mine.published:
        named = YEARS_FIGURE.fullmatch(published.figure)
        if named is not None and (named["product"], named["unit"]) in recovered:
            first, last = int(named["first"]), int(named["last"])
            share = mine.calendar.open_share(dt.date(first, 1, 1), dt.date(last + 1, 1, 1))
            total = float(share @ recovered[named["product"], named["unit"]])
            found[published.figure] = total / (last - first + 1) if named["rate"] else total
    return found


def _new_tailings(mine: Mine, feed: pd.DataFrame) -> Series:
    total = np.zeros(mine.calendar.periods)
    for name, mill in mine.mills().items():
        total += mill.tailings_t_per_t * by_periods(mine, feed[feed["mill"] == name])
    return total


def _phases_worked(mine: Mine, mined: pd.DataFrame) -> list[str]:
    worked = mined[mined["tonnes"] > 0].groupby("period")["phase"].agg(set).to_dict()
    return [
        " ".join(name for name in mine.phases if name in worked.get(period, ()))
        for period in range(mine.calendar.periods)
    ]


def _ratio(above: Series, below: Series) -> Series:
    """Quotient by period, NaN where there is nothing below."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


def _quotient(above: float, below: float) -> float | None:
    return float(above) / float(below) if below > 0 else None
