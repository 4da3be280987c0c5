"""Cash of a plan, from grades, terms of sale and unit costs. Currency, undiscounted unless it says so."""

from __future__ import annotations

import numpy as np

from instances.schema.economics import Product
from scheduler.audit.findings import Floats, Ledger
from scheduler.audit.metal import recovered_metal
from scheduler.audit.tally import Tally

POUNDS_PER_T = 2204.62
OUNCES_PER_T = 32150.7466
NEGLIGIBLE = 1e-12
"""Rounding of the discounted cash, as a share of all cash in and out; for claims near zero."""
_CENT = 0.01
"""Currency that nobody plans for."""


def cash_lines(tally: Tally) -> dict[str, Floats]:
    """Revenue and costs by line, currency, shape ``(periods,)`` each; costs are positive."""
    return {
        "revenue": _revenue(tally),
        "mining": _mining(tally),
        "milling": _milling(tally),
        "reclaim": _reclaim(tally),
        "fixed": _fixed(tally),
        "closure": _closure(tally),
        "options": _options(tally),
        "capital": _capital(tally),
    }


def discounted_cash(tally: Tally, lines: dict[str, Floats]) -> float:
    """Revenue less all costs, discounted to the valuation date, currency."""
    costs = sum((line for name, line in lines.items() if name != "revenue"), np.zeros(tally.periods))
    return float(tally.mine.calendar.discount_factors() @ (lines["revenue"] - costs))


def discounted_turnover(tally: Tally, lines: dict[str, Floats]) -> float:
    """Revenue and all costs, each counted positive, discounted to the valuation date, currency."""
    return float(tally.mine.calendar.discount_factors() @ np.sum(list(lines.values()), axis=0))


def check_objective(tally: Tally, ledger: Ledger, lines: dict[str, Floats], claimed: float | None) -> None:
    """The objective claimed is the discounted cash recomputed."""
    if claimed is None:
        return
    found = discounted_cash(tally, lines)
    near = abs(claimed - found) <= max(NEGLIGIBLE * discounted_turnover(tally, lines), _CENT)
    ledger.compare(
        "objective",
        ["plan"],
        np.array([found if near else claimed]),
        np.array([found]),
        tally.mine.money.currency,
        periods=[None],
    )


def value_per_t(tally: Tally, product: Product) -> Floats:
    """What a tonne of recovered metal earns, currency per t, shape ``(periods,)``."""
    grade = product.concentrate_grade_pct
    pay = product.payable_fraction
    smelting = np.zeros(tally.periods)
    if grade is not None:
        pay = min(pay, (grade - product.unit_deduction_pct) / grade)
        freight = tally.each_period(product.freight_usd_per_wmt) / (1.0 - product.moisture_fraction)
        smelting = (tally.each_period(product.treatment_usd_per_dmt) + freight) / (grade / 100.0)
    price = np.zeros(tally.periods)
    if product.price_usd_per_lb is not None:
        net = tally.each_period(product.price_usd_per_lb) - tally.each_period(product.refining_usd_per_lb)
        price = price + POUNDS_PER_T * net
    if product.price_usd_per_oz is not None:
        net = tally.each_period(product.price_usd_per_oz) - tally.each_period(product.refining_usd_per_oz)
        price = price + OUNCES_PER_T * net
    credit = POUNDS_PER_T * tally.each_period(product.by_product_credit_per_lb)
    return np.asarray((pay * price - smelting) / tally.each_period(tally.mine.money.usd_per_currency) + credit)


def _revenue(tally: Tally) -> Floats:
    recovered = recovered_metal(tally)
    elements = list(tally.mine.elements)
    total = np.zeros(tally.periods)
    for product in tally.mine.products.values():
        total += recovered[elements.index(product.element)] * value_per_t(tally, product)
    return total


def _mining(tally: Tally) -> Floats:
    """Unit cost, extra of the material, increment for benches below the reference, haulage to the destination."""
    costs, moves = tally.mine.costs, tally.moves
    bench = tally.units.units["bench"].to_numpy(np.int64)
    reference = costs.haulage_reference_bench
    if reference is None:
        reference = int(bench.max())
    below = np.maximum(reference - bench, 0)[tally.unit_of_parcel[moves.parcel]]
    extra = np.array([material.extra_mining_cost_per_t for material in tally.mine.materials.values()])
    haulage = np.array([tally.each_period(place.haulage_cost_per_t) for place in tally.mine.destinations.values()])
    per_t = (
        tally.each_period(costs.mining_per_t)[moves.period]
        + extra[tally.material[moves.parcel]]
        + tally.each_period(costs.haulage_per_t_per_bench)[moves.period] * below
        + haulage[moves.destination, moves.period]
    )
    return np.asarray(tally.by_period(np.zeros_like(moves.parcel), 1, per_t)[0])


def _milling(tally: Tally) -> Floats:
    per_t = [tally.each_period(mill.cost_per_t) for mill in tally.mine.mills().values()]
    return np.asarray((tally.feed * np.array(per_t).reshape(tally.feed.shape)).sum(axis=0))


def _reclaim(tally: Tally) -> Floats:
    per_t = [tally.each_period(store.stockpile.reclaim_cost_per_t) for store in tally.stores]
    return np.asarray((tally.stock_out * np.array(per_t).reshape(tally.stock_out.shape)).sum(axis=0))


def _fixed(tally: Tally) -> Floats:
    """The cost a year times the years of the periods in which an installation works."""
    total = np.zeros(tally.periods)
    for name, operation in tally.mine.operating.items():
        if name in tally.works:
            total += tally.works[name] * tally.each_period(operation.fixed_cost_per_year) * tally.years
    return total


def _closure(tally: Tally) -> Floats:
    """Once, in the last period in which an installation works."""
    total = np.zeros(tally.periods)
    for name, operation in tally.mine.operating.items():
        if name in tally.works:
            works = tally.works[name].astype(np.float64)
            total += operation.closure_cost * (works - np.append(works[1:], 0.0))
    return total


def _options(tally: Tally) -> Floats:
    total = np.zeros(tally.periods)
    for name, periods in tally.bought.items():
        for period in periods[:1]:
            total[period] += tally.mine.options[name].cost
    return total


def _capital(tally: Tally) -> Floats:
    total = np.zeros(tally.periods)
    for item in tally.mine.capital:
        period = tally.mine.calendar.period_of(item.date)
        if period is not None:
            total[period] += item.amount
    return total
