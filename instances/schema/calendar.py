"""When the mine is planned: periods, valuation date and discounting."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from instances.schema.base import Count, Day, Number, Part, PerPeriodPositive, by_period

DAYS_PER_YEAR = 365.0


class Calendar(Part):
    """The periods of the plan and how their cash is discounted."""

    start: Annotated[Day, Field(description="first day of the first period")]
    periods: Annotated[Count, Field(le=200, description="number of periods")]
    period_years: Annotated[PerPeriodPositive, Field(description="length of the periods, years")] = 1.0
    valuation_date: Annotated[
        Day | None, Field(description="date to which cash is discounted; the start unless given")
    ] = None
    discount_rate_per_year: Annotated[Number, Field(gt=-0.5, lt=1.0, description="fraction per year")]
    discounting: Annotated[
        Literal["start", "middle", "end"],
        Field(description="point of each period at which its cash is taken to fall"),
    ] = "middle"

    def lengths_years(self) -> NDArray[np.float64]:
        """Length of each period in years, shape ``(periods,)``."""
        return by_period(self.period_years, self.periods)

    def edges_years(self) -> NDArray[np.float64]:
        """Start of each period and end of the last, in years after ``start``, shape ``(periods + 1,)``."""
        return np.concatenate([[0.0], np.cumsum(self.lengths_years())])

    def years_after_start(self, day: dt.date) -> float:
        """Years from the calendar's start to ``day``; whole months count as twelfths of a year."""
        months = (day.year - self.start.year) * 12 + (day.month - self.start.month)
        return months / 12 + (day.day - self.start.day) / DAYS_PER_YEAR

    def period_of(self, day: dt.date) -> int | None:
        """The zero-based period in which ``day`` falls, or ``None`` outside the calendar."""
        years = self.years_after_start(day)
        edges = self.edges_years()
        if years < -1e-9 or years >= edges[-1] - 1e-9:
            return None
        return int(np.searchsorted(edges, years + 1e-9, side="right") - 1)

    def open_share(self, opens: dt.date | None, closes: dt.date | None) -> NDArray[np.float64]:
        """Share of each period between two dates, shape ``(periods,)``, in [0, 1]."""
        edges = self.edges_years()
        first = edges[0] if opens is None else self.years_after_start(opens)
        last = edges[-1] if closes is None else self.years_after_start(closes)
        covered = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
        share = np.clip(covered / self.lengths_years(), 0.0, 1.0)
        return np.where(np.abs(share - np.round(share)) < 1e-9, np.round(share), share)

    def labels(self) -> tuple[str, ...]:
        """A label for each period: the year it starts in, made unique by its month or number where needed."""
        months = np.round(self.edges_years()[:-1] * 12).astype(int) + self.start.month - 1
        years = [self.start.year + int(month) // 12 for month in months]
        if len(set(years)) == len(years):
            return tuple(str(year) for year in years)
        dated = [f"{year}-{int(month) % 12 + 1:02d}" for year, month in zip(years, months, strict=True)]
        if len(set(dated)) == len(dated):
            return tuple(dated)
        # Shorter than a month: the number within the calendar says which.
        width = len(str(len(dated)))
        return tuple(f"{label}-p{number:0{width}d}" for number, label in enumerate(dated, start=1))

    def discount_factors(self) -> NDArray[np.float64]:
        """Factor that brings the cash of each period to the valuation date, shape ``(periods,)``."""
        edges = self.edges_years()
        place = {"start": 0.0, "middle": 0.5, "end": 1.0}[self.discounting]
        when = edges[:-1] + place * self.lengths_years()
        valued = 0.0 if self.valuation_date is None else self.years_after_start(self.valuation_date)
        return np.asarray((1.0 + self.discount_rate_per_year) ** -(when - valued))
