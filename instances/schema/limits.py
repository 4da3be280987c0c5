"""What a period may hold: capacities, strip ratio, head grade, metal; and options that widen them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from instances.schema.base import (
    Count,
    Day,
    Name,
    Names,
    NotNegative,
    Part,
    PerPeriodNotNegative,
    Positive,
    Text,
)

Most = PerPeriodNotNegative | None


class GradeLimit(Part):
    """Limits on the average grade fed to the mills, or to some of them; as many of one element as are wanted."""

    min: Annotated[Most, Field(description="least average grade, in the element's unit")] = None
    max: Annotated[Most, Field(description="largest average grade, in the element's unit")] = None
    element: Annotated[
        Name | None,
        Field(description="the element, where the limit has a name of its own: one may have several limits"),
    ] = None
    mills: Annotated[
        Names, Field(description="the mills whose common feed is averaged, such as those that a contaminant harms")
    ] = ()


class MetalLimit(Part):
    """Limits on the metal recovered."""

    min_t_per_year: Annotated[Most, Field(description="least metal recovered, tonnes per year")] = None
    max_t_per_year: Annotated[Most, Field(description="most metal recovered, tonnes per year")] = None


class Limits(Part):
    """Limits of the mine as a whole; those of one destination stand with it. A limit not given does not hold."""

    mill_t_per_day: Annotated[Most, Field(description="most milled, all mills, tonnes per day of 365")] = None
    mill_min_t_per_day: Annotated[Most, Field(description="least milled, tonnes per day of 365")] = None
    mining_mt_per_year: Annotated[Most, Field(description="most moved from the pit, Mt per year")] = None
    mining_min_mt_per_year: Annotated[Most, Field(description="least moved from the pit, Mt per year")] = None
    rehandle_mt_per_year: Annotated[
        Most,
        Field(description="most material handled a second time: fill moved and stock reclaimed, Mt per year"),
    ] = None
    strip_ratio_max: Annotated[
        Most,
        Field(description="most waste per ore in a period, t/t; ore is what goes to mills and stockpiles"),
    ] = None
    strip_ratio_min: Annotated[Most, Field(description="least waste per ore in a period, t/t")] = None
    strip_ratio_cumulative_max: Annotated[Most, Field(description="most waste per ore to date, t/t")] = None
    strip_ratio_cumulative_min: Annotated[Most, Field(description="least waste per ore to date, t/t")] = None
    head_grade: Annotated[
        dict[Name, GradeLimit], Field(description="average grade of the mill feed, by element or by a name of its own")
    ] = Field(default_factory=dict)
    metal: Annotated[dict[Name, MetalLimit], Field(description="metal recovered, by element")] = Field(
        default_factory=dict
    )
    movement_change_max_mt: Annotated[
        NotNegative | None,
        Field(description="largest change of the tonnes moved from one period to the next, Mt"),
    ] = None
    phases_active_max: Annotated[
        Count | None,
        Field(description="most phases worked at once: mined in the period, or begun and unfinished"),
    ] = None


class Option(Part):
    """Capacity that can be bought."""

    title: Annotated[Text, Field(description="name for tables")] = ""
    widens: Annotated[Literal["mill", "mining", "rehandle"], Field(description="the limit that it adds to")]
    adds_t_per_day: Annotated[Positive | None, Field(description="capacity added, tonnes per day of 365")] = None
    adds_mt_per_year: Annotated[Positive | None, Field(description="capacity added, Mt per year")] = None
    cost: Annotated[NotNegative, Field(description="paid in the period of the decision, currency")]
    lead_years: Annotated[
        NotNegative, Field(le=100, description="years from the decision until the capacity is there")
    ] = 0.0
    earliest: Annotated[Day | None, Field(description="decided on this date at the earliest")] = None
