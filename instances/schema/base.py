"""Types shared by every part of the schema."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_NUMBER = 1e12
"""No tonnage, rate or amount of money in a mine exceeds this; a larger one is a slip of the unit."""


class Part(BaseModel):
    """A part of a mine: frozen, unknown keys refused, no infinite or missing numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


@dataclass(frozen=True)
class ByNumber:
    """Mark of a table of tables in which a number may stand for the inner table."""


def as_tuple(value: object) -> object:
    """A list, as TOML gives it, as a tuple; anything else as it is."""
    return tuple(value) if isinstance(value, list) else value


Name = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]
Text = Annotated[str, Strict(), Field(max_length=2000)]
Flag = Annotated[bool, Strict()]
Day = Annotated[dt.date, Strict()]
Whole = Annotated[int, Strict(), Field(ge=-1_000_000, le=1_000_000)]
Count = Annotated[int, Strict(), Field(ge=1, le=10_000)]
Number = Annotated[float, Strict(), Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
NotNegative = Annotated[float, Strict(), Field(ge=0, le=LARGEST_NUMBER)]
Positive = Annotated[float, Strict(), Field(gt=0, le=LARGEST_NUMBER)]
Fraction = Annotated[float, Strict(), Field(ge=0, le=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]

PerPeriod = Annotated[Number | tuple[Number, ...], BeforeValidator(as_tuple)]
"""One number for every period, or a list with one number for each."""
PerPeriodNotNegative = Annotated[NotNegative | tuple[NotNegative, ...], BeforeValidator(as_tuple)]
PerPeriodPositive = Annotated[Positive | tuple[Positive, ...], BeforeValidator(as_tuple)]
PerPeriodFraction = Annotated[Fraction | tuple[Fraction, ...], BeforeValidator(as_tuple)]


def by_period(value: float | tuple[float, ...], periods: int) -> NDArray[np.float64]:
    """The value of each period as an array of shape ``(periods,)``.

    Raises:
        ValueError: where a list has not exactly one number a period.
    """
    if isinstance(value, tuple):
        if len(value) != periods:
            raise ValueError(f"expected one number for each of the {periods} periods, found {len(value)}")
        return np.asarray(value, dtype=np.float64)
    return np.full(periods, float(value))
