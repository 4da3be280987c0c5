"""Taxes on the cash flow of a plan: pure functions on arrays, one entry a period.

The two-tier mineral tax follows the Mineral Tax Act of British Columbia (RSBC 1996, c. 291, sections 2 to 4) in the
simplified form that reproduces the published check of the Huckleberry plan: the first tier of a period is creditable
against the second tier of the same period only. Money is in the mine's currency. A period counts as one tax year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instances.schema.base import by_period
from instances.schema.economics import Taxes

Series = NDArray[np.float64]


@dataclass(frozen=True)
class TaxesPaid:
    """Taxes of each period, currency, shape ``(periods,)`` each; never negative."""

    mineral: Series
    income: Series


def taxes_paid(terms: Taxes | None, operating: Series, capital: Series) -> TaxesPaid:
    """The taxes of a plan; none where the mine gives no terms.

    Args:
        terms: rates.
        operating: operating cash flow of each period, before capital, shape ``(periods,)``.
        capital: capital spent in each period, not negative, shape ``(periods,)``.
    """
    if terms is None:
        return TaxesPaid(np.zeros(len(operating)), np.zeros(len(operating)))
    mineral = mineral_tax(operating, capital, terms.net_current_proceeds_rate, terms.net_revenue_rate)
    rates = by_period(terms.income_tax_rate, len(operating))
    return TaxesPaid(mineral, income_tax(operating - mineral, capital, rates))


def mineral_tax(
    operating: Series, capital: Series, net_current_proceeds_rate: float, net_revenue_rate: float
) -> Series:
    """Mineral tax of each period: the larger of both tiers, as the first is credited against the second.

    ``max(rate1 max(op_t, 0), rate2 base_t)``, where ``base_t`` is what is left of ``op_t - cap_t`` once all earlier
    capital and losses are recovered.
    """
    first = net_current_proceeds_rate * np.maximum(operating, 0.0)
    return np.asarray(np.maximum(first, net_revenue_rate * after_recovery(operating - capital)))


def income_tax(income: Series, capital: Series, rates: Series) -> Series:
    """Income tax of each period: the rate on income once capital, written off as spent, and losses are recovered.

    Args:
        income: operating cash flow after mineral tax, shape ``(periods,)``.
        capital: capital spent, shape ``(periods,)``.
        rates: fraction, shape ``(periods,)``.
    """
    return np.asarray(rates * after_recovery(income - capital))


def after_recovery(amounts: Series) -> Series:
    """What each period has left after the losses of earlier ones are made good; never negative, shape ``(periods,)``.

    A loss is carried forward without interest until income meets it.
    """
    left = np.zeros(len(amounts))
    carried = 0.0
    for period, amount in enumerate(amounts):
        balance = float(amount) - carried
        carried, left[period] = max(-balance, 0.0), max(balance, 0.0)
    return left
