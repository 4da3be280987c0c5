"""What it earns and costs: prices, terms of sale, unit costs, capital, fixed costs and taxes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from instances.schema.base import (
    Day,
    Fraction,
    Name,
    NotNegative,
    Number,
    Part,
    PerPeriodFraction,
    PerPeriodNotNegative,
    PerPeriodPositive,
    Positive,
    Text,
    Whole,
)


class Product(Part):
    """A metal sold: in concentrate where ``concentrate_grade_pct`` is given, as bullion where it is not."""

    element: Annotated[Name, Field(description="element that it carries")]
    title: Annotated[Text, Field(description="name for tables")] = ""
    price_usd_per_lb: Annotated[PerPeriodNotNegative | None, Field(description="US$ per pound")] = None
    price_usd_per_oz: Annotated[PerPeriodNotNegative | None, Field(description="US$ per troy ounce")] = None
    payable_fraction: Annotated[Fraction, Field(description="largest payable share of the metal")] = 1.0
    unit_deduction_pct: Annotated[
        NotNegative, Field(lt=100, description="points of the concentrate's grade not paid, per cent")
    ] = 0.0
    concentrate_grade_pct: Annotated[
        Positive | None, Field(le=100, description="grade of the concentrate, per cent, dry")
    ] = None
    moisture_fraction: Annotated[Fraction, Field(lt=1, description="water in the wet concentrate")] = 0.0
    treatment_usd_per_dmt: Annotated[
        PerPeriodNotNegative, Field(description="treatment charge, US$ per dry tonne of concentrate")
    ] = 0.0
    refining_usd_per_lb: Annotated[
        PerPeriodNotNegative, Field(description="refining charge, US$ per payable pound")
    ] = 0.0
    refining_usd_per_oz: Annotated[
        PerPeriodNotNegative, Field(description="refining charge, US$ per payable troy ounce")
    ] = 0.0
    freight_usd_per_wmt: Annotated[
        PerPeriodNotNegative, Field(description="freight, US$ per wet tonne of concentrate")
    ] = 0.0
    by_product_credit_per_lb: Annotated[
        PerPeriodNotNegative, Field(description="by-products, currency per pound of this metal recovered")
    ] = 0.0


class Money(Part):
    """The currency of the mine and what it is worth."""

    currency: Annotated[Text, Field(description="symbol of the currency of every amount not marked US$")]
    usd_per_currency: Annotated[PerPeriodPositive, Field(description="US$ for one unit of the currency")] = 1.0


class Costs(Part):
    """Unit costs of the pit; those of a destination stand with it."""

    mining_per_t: Annotated[PerPeriodNotNegative, Field(description="mining, currency per tonne moved")]
    haulage_per_t_per_bench: Annotated[
        PerPeriodNotNegative,
        Field(description="added for each bench below the reference bench, currency per tonne and bench"),
    ] = 0.0
    haulage_reference_bench: Annotated[
        Whole | None, Field(description="bench (iz) from which haulage counts; the highest unless given")
    ] = None


class Operation(Part):
    """What it costs to keep an installation at work. It works from the start and stops once, for good."""

    fixed_cost_per_year: Annotated[PerPeriodNotNegative, Field(description="while it works, currency per year")] = 0.0
    closure_cost: Annotated[NotNegative, Field(description="once, in the last period it works, currency")] = 0.0


class Capital(Part):
    """Capital spent whatever the plan."""

    title: Annotated[Text, Field(description="what it buys")]
    date: Annotated[Day, Field(description="when; it counts in the period of this date")]
    amount: Annotated[NotNegative, Field(description="currency")]


class Taxes(Part):
    """Taxes worked out on the plan, not in the objective.

    A two-tier mineral tax (British Columbia Mineral Tax Act): a share of net current proceeds every year, and a
    share of net revenue once capital is recovered, less the first of the same year. It is deductible from income
    tax. Capital is written off against income as it is spent; losses are carried forward.
    """

    kind: Annotated[Literal["two_tier_mineral_tax"], Field(description="the rules that hold")]
    net_current_proceeds_rate: Annotated[Fraction, Field(description="on operating cash flow, each year")]
    net_revenue_rate: Annotated[Fraction, Field(description="on cash flow after capital is recovered")]
    income_tax_rate: Annotated[PerPeriodFraction, Field(description="on income after mineral tax")]


class ReportingBasis(Part):
    """Another way to count the same cash flow, as a published study counted it."""

    title: Annotated[Text, Field(description="name for tables")]
    valued_from: Annotated[Day, Field(description="cash before this date is left out; discounted to it")]
    until: Annotated[Day, Field(description="cash from this date on is left out")]
    discounting: Annotated[Literal["start", "middle", "end"], Field(description="point of each period")]
    discount_rate_per_year: Annotated[Number, Field(gt=-0.5, lt=1.0, description="fraction per year")]
