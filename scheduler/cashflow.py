"""Cash flow of a plan, from revenue down to cash after tax, and the tonnes and metal that it is worked out from.

Tonnes are tonnes (t) and money is in the mine's currency throughout, not in thousands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.geometry.units import Units, scheduling_units
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.economics import ReportingBasis
from scheduler.plan import Plan
from scheduler.taxes import taxes_paid
from scheduler.valuation import METAL_PER_GRADE, capital_spent, recovery_of, sale_terms

Series = NDArray[np.float64]

COLUMNS = {
    "moved_t": "mined from the pit, t",
    "reclaimed_t": "reclaimed from stockpiles, t",
    "milled_t": "milled, t",
    "<product>_recovered_t": "metal recovered, t",
    "<product>_payable_t": "metal paid for, t",
    "gross_revenue": "payable metal at its price",
    "treatment": "treatment charges",
    "refining": "refining charges",
    "freight": "freight of the wet concentrate",
    "by_products": "credit for by-products, income",
    "net_smelter_return": "gross revenue less treatment, refining and freight, with by-products",
    "mining": "unit cost of mining, on every tonne moved",
    "mining_extras": "extra mining cost of the materials",
    "haulage": "haulage from below the reference bench and to the destinations",
    "reclaim": "reclaim and rehandle of stock",
    "milling": "processing, on every tonne milled",
    "fixed_<installation>": "fixed cost of the pit or a mill while it works",
    "closure": "closure of the pit and the mills",
    "operating_cash_flow": "net smelter return less all costs above",
    "options": "capacity options bought, capital",
    "capital": "capital spent whatever the plan",
    "pre_tax_cash_flow": "operating cash flow less options and capital",
    "mineral_tax": "mineral tax",
    "income_tax": "income tax",
    "after_tax_cash_flow": "cash flow after both taxes",
    "discount_factor": "factor to the valuation date",
    "discounted_pre_tax": "pre-tax cash flow at the valuation date",
    "discounted_after_tax": "after-tax cash flow at the valuation date",
    "reported_share": "share of the period that the reporting basis counts",
    "reported_after_tax": "after-tax cash flow of that share",
    "reported_discounted": "the same, discounted as the reporting basis does",
}
"""Columns of :attr:`CashFlow.table`: costs are positive; the last three only where the mine has a reporting basis."""


@dataclass(frozen=True)
class CashFlow:
    """Cash flow of a plan.

    Attributes:
        table: a row a period, indexed by its label; see :data:`COLUMNS`. Currency, undiscounted unless named so.
        currency: symbol.
        objective: discounted cash flow before tax, what the optimiser maximises (``docs/model.md``).
        npv: discounted cash flow after tax, by the calendar's discounting.
        undiscounted_pre_tax: sum over the calendar.
        undiscounted_after_tax: sum over the calendar.
        npv_published_basis: discounted cash flow after tax on the reporting basis; ``None`` where there is none.
        undiscounted_after_tax_published_basis: the same, undiscounted.
    """

    table: pd.DataFrame
    currency: str
    objective: float
    npv: float
    undiscounted_pre_tax: float
    undiscounted_after_tax: float
    npv_published_basis: float | None
    undiscounted_after_tax_published_basis: float | None


def cash_flow(instance: Instance, plan: Plan, units: Units | None = None) -> CashFlow:
    """The cash flow of a plan, taxes included.

    Args:
        instance: the mine.
        plan: a plan that names only what the mine has; nothing else of it is checked here.
        units: the mine's scheduling units at the plan's resolution; worked out again unless given.

    Raises:
        ValueError: where the plan names a unit or parcel that the mine has not.
    """
    mine = instance.mine
    known = units_of(instance, plan, units)
    mined = mined_rows(instance, plan, known)
    feed = mill_feed(instance, plan, mined)
    lines = {
        "moved_t": by_periods(mine, mined),
        "reclaimed_t": by_periods(mine, plan.reclaim),
        "milled_t": by_periods(mine, feed),
        **_sales(mine, feed),
    }
    costs = {
        **_pit_costs(mine, mined, int(known.units["bench"].max())),
        "reclaim": _per_tonne(
            mine, plan.reclaim, "stockpile", {k: v.reclaim_cost_per_t for k, v in mine.stockpiles().items()}
        ),
        "milling": _per_tonne(mine, feed, "mill", {name: mill.cost_per_t for name, mill in mine.mills().items()}),
        **_installation_costs(mine, plan),
    }
    operating = lines["net_smelter_return"] - np.sum(list(costs.values()), axis=0)
    options, capital = _options_bought(mine, plan), capital_spent(mine)
    paid = taxes_paid(mine.taxes, operating, options + capital)
    before = operating - options - capital
    after = before - paid.mineral - paid.income
    discount = mine.calendar.discount_factors()
    lines |= costs | {
        "operating_cash_flow": operating,
        "options": options,
        "capital": capital,
        "pre_tax_cash_flow": before,
        "mineral_tax": paid.mineral,
        "income_tax": paid.income,
        "after_tax_cash_flow": after,
        "discount_factor": discount,
        "discounted_pre_tax": discount * before,
        "discounted_after_tax": discount * after,
    }
    npv_reported = sum_reported = None
    if mine.reporting_basis is not None:
        share, factor = reporting_factors(mine, mine.reporting_basis)
        lines |= {
            "reported_share": share,
            "reported_after_tax": share * after,
            "reported_discounted": share * factor * after,
        }
        npv_reported, sum_reported = float(share * factor @ after), float(share @ after)
    return CashFlow(
        pd.DataFrame(lines, index=pd.Index(mine.calendar.labels(), name="period")),
        mine.money.currency,
        float(discount @ before),
        float(discount @ after),
        float(before.sum()),
        float(after.sum()),
        npv_reported,
        sum_reported,
    )


def units_of(instance: Instance, plan: Plan, units: Units | None = None) -> Units:
    """The units of a mine at the plan's resolution; worked out unless given.

    Raises:
        ValueError: where ``units`` are of another resolution.
    """
    if units is None:
        return scheduling_units(instance, plan.resolution)
    if units.resolution != plan.resolution:
        raise ValueError(f"a plan of {plan.resolution}s was given units of the resolution {units.resolution}")
    return units


def mined_rows(instance: Instance, plan: Plan, units: Units) -> pd.DataFrame:
    """What is mined, with what it is.

    Returns:
        ``plan.mined`` with material, kind (of the material), phase, bench, as_ore (whether it goes to a mill or a
        stockpile) and the grade columns.

    Raises:
        ValueError: where the plan names a unit or parcel that the mine has not.
    """
    mine = instance.mine
    parcels = units.parcels.set_index("parcel")
    mined = plan.mined.reset_index(drop=True)
    strange = sorted(set(mined["parcel"]) - set(parcels.index))
    if strange:
        raise ValueError(f"the plan mines the parcel {strange[0]}, which the mine has not")
    rows = parcels.loc[mined["parcel"]].reset_index(drop=True)
    owners = units.units.loc[rows["unit"]].reset_index(drop=True)
    if (owners["unit"].to_numpy(object) != mined["unit"].to_numpy(object)).any():
        raise ValueError("the plan mines a parcel from a unit that it does not belong to")
    kinds = {name: place.kind for name, place in mine.destinations.items()}
    return mined.assign(
        material=rows["material"],
        kind=rows["material"].map({name: material.kind for name, material in mine.materials.items()}),
        phase=owners["phase"],
        bench=owners["bench"],
        as_ore=mined["destination"].map(kinds).isin(["mill", "stockpile"]),
        **{column: rows[column] for column in instance.grade_columns().values()},
    )


def mill_feed(instance: Instance, plan: Plan, mined: pd.DataFrame) -> pd.DataFrame:
    """What the mills are fed, from the pit and from stock.

    Args:
        instance: the mine.
        plan: the plan.
        mined: its :func:`mined_rows`.

    Returns:
        source (``direct`` or the stockpile), bin, mill, period, tonnes, and for each element ``contained_<element>``
        and ``recovered_<element>`` in tonnes of metal; stock counts at the nominal grade of its bin.
    """
    mine = instance.mine
    mills, piles = mine.mills(), mine.stockpiles()
    direct = mined[mined["destination"].isin(list(mills))]
    reclaim = plan.reclaim
    stores = [piles[pile].bins[name] for pile, name in zip(reclaim["stockpile"], reclaim["bin"], strict=True)]
    feed = pd.DataFrame(
        {
            "source": ["direct"] * len(direct) + reclaim["stockpile"].tolist(),
            "bin": direct["bin"].tolist() + reclaim["bin"].tolist(),
            "mill": direct["destination"].tolist() + reclaim["mill"].tolist(),
            "period": np.concatenate([direct["period"], reclaim["period"]]).astype(np.int64),
            "tonnes": np.concatenate([direct["tonnes"], reclaim["tonnes"]]).astype(float),
        }
    )
    for name, column in instance.grade_columns().items():
        leaves = [store.leaves_at.get(name, 0.0) for store in stores]
        grade = np.asarray([*direct[column], *leaves], dtype=float)
        recovery = np.asarray([0.0] * len(direct) + [store.recovery.get(name, 0.0) for store in stores])
        for key, mill in mills.items():
            there = np.flatnonzero((direct["destination"] == key).to_numpy(dtype=bool))
            recovery[there] = recovery_of(mill, name, direct["material"].to_numpy(object)[there], grade[there])
        contained = feed["tonnes"] * grade * METAL_PER_GRADE[mine.elements[name].unit]
        feed[f"contained_{name}"] = contained
        feed[f"recovered_{name}"] = contained * recovery
    return feed


def by_periods(mine: Mine, rows: pd.DataFrame, column: str = "tonnes") -> Series:
    """Sum of a column by period, shape ``(periods,)``."""
    total = np.zeros(mine.calendar.periods)
    np.add.at(total, rows["period"].to_numpy(np.int64), rows[column].to_numpy(float))
    return total


def reporting_factors(mine: Mine, basis: ReportingBasis) -> tuple[Series, Series]:
    """Share of each period that a reporting basis counts, and its discount factor, shape ``(periods,)`` each.

    Of a period cut by ``valued_from`` or ``until`` its share of the time counts, and the start, middle or end is that
    of the part that counts.
    """
    calendar = mine.calendar
    edges = calendar.edges_years()
    valued = calendar.years_after_start(basis.valued_from)
    begins = np.maximum(edges[:-1], valued)
    ends = np.minimum(edges[1:], calendar.years_after_start(basis.until))
    share = calendar.open_share(basis.valued_from, basis.until)
    place = {"start": 0.0, "middle": 0.5, "end": 1.0}[basis.discounting]
    when = np.where(share > 0, begins + place * (ends - begins) - valued, 0.0)
    return share, np.asarray((1.0 + basis.discount_rate_per_year) ** -when)


def _sales(mine: Mine, feed: pd.DataFrame) -> dict[str, Series]:
    """Metal recovered and payable by product, t, and the lines from revenue to net smelter return."""
    metal: dict[str, Series] = {}
    names = ("gross_revenue", "treatment", "refining", "freight", "by_products")
    lines = {name: np.zeros(mine.calendar.periods) for name in names}
    for name, product in mine.products.items():
        recovered = by_periods(mine, feed, f"recovered_{product.element}")
        terms = sale_terms(mine, product)
        metal[f"{name}_recovered_t"] = recovered
        metal[f"{name}_payable_t"] = recovered * terms.payable_t
        per_t = (terms.gross, terms.treatment, terms.refining, terms.freight, terms.by_products)
        for line, value in zip(names, per_t, strict=True):
            lines[line] = lines[line] + recovered * value
    costs = lines["treatment"] + lines["refining"] + lines["freight"]
    return {**metal, **lines, "net_smelter_return": lines["gross_revenue"] + lines["by_products"] - costs}


def _pit_costs(mine: Mine, mined: pd.DataFrame, highest_bench: int) -> dict[str, Series]:
    """Mining at the unit cost, the extra of the materials, and haulage by bench and to the destinations."""
    periods = mine.calendar.periods
    period, tonnes = mined["period"].to_numpy(np.int64), mined["tonnes"].to_numpy(float)
    reference = mine.costs.haulage_reference_bench
    below = np.maximum((highest_bench if reference is None else reference) - mined["bench"].to_numpy(np.int64), 0)
    extra = mined["material"].map({name: m.extra_mining_cost_per_t for name, m in mine.materials.items()})
    by_bench = tonnes * below * by_period(mine.costs.haulage_per_t_per_bench, periods)[period]
    on_the_way = {name: place.haulage_cost_per_t for name, place in mine.destinations.items()}
    lines = mined[["period"]].assign(extra=tonnes * extra.to_numpy(float), by_bench=by_bench)
    return {
        "mining": by_periods(mine, mined) * by_period(mine.costs.mining_per_t, periods),
        "mining_extras": by_periods(mine, lines, "extra"),
        "haulage": by_periods(mine, lines, "by_bench") + _per_tonne(mine, mined, "destination", on_the_way),
    }


def _per_tonne(
    mine: Mine, rows: pd.DataFrame, column: str, cost_per_t: Mapping[str, float | tuple[float, ...]]
) -> Series:
    """Cost of tonnes that are charged by what stands in ``column``, currency, shape ``(periods,)``."""
    total = np.zeros(mine.calendar.periods)
    for name, cost in cost_per_t.items():
        total += by_periods(mine, rows[rows[column] == name]) * by_period(cost, mine.calendar.periods)
    return total


def _installation_costs(mine: Mine, plan: Plan) -> dict[str, Series]:
    """Fixed cost of each installation while it works, and all closures, each in the last period at work."""
    years = mine.calendar.lengths_years()
    lines: dict[str, Series] = {}
    closure = np.zeros(mine.calendar.periods)
    for name, terms in mine.operating.items():
        rows = plan.operating[plan.operating["installation"] == name]
        works = np.zeros(mine.calendar.periods)
        works[rows["period"].to_numpy(np.int64)] = rows["works"].to_numpy(float)
        lines[f"fixed_{name}"] = works * years * by_period(terms.fixed_cost_per_year, len(years))
        closure += terms.closure_cost * (works - np.append(works[1:], 0.0))
    return {**lines, "closure": closure}


def _options_bought(mine: Mine, plan: Plan) -> Series:
    """Cost of the options in the period in which each is bought, currency, shape ``(periods,)``."""
    spent = np.zeros(mine.calendar.periods)
    for name, period in zip(plan.options["option"], plan.options["period"], strict=True):
        spent[int(period)] += mine.options[name].cost
    return spent
