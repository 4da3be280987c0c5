"""Where material goes: mills, stockpiles, dumps and tailings facilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from instances.schema.base import (
    ByNumber,
    Day,
    Fraction,
    Name,
    Names,
    NotNegative,
    Part,
    PerPeriodNotNegative,
    Text,
    as_tuple,
)

Points = Annotated[tuple[NotNegative, ...], BeforeValidator(as_tuple), Field(min_length=2)]
Shares = Annotated[tuple[Fraction, ...], BeforeValidator(as_tuple), Field(min_length=2)]


def is_share(value: object) -> bool:
    """Whether a value is a number from 0 to 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


class _Destination(Part):
    title: Annotated[Text, Field(description="name for tables")] = ""
    accepts: Annotated[Names, Field(description="materials that may be sent here")]
    opens: Annotated[Day | None, Field(description="open from this date on")] = None
    closes: Annotated[Day | None, Field(description="open until this date")] = None
    capacity_mt_per_year: Annotated[
        PerPeriodNotNegative | None,
        Field(description="most material received, reclaim included, Mt per year"),
    ] = None
    haulage_cost_per_t: Annotated[
        PerPeriodNotNegative, Field(description="haulage to here on top of mining, currency per tonne")
    ] = 0.0


class RecoveryCurve(Part):
    """Recovery that depends on the grade: straight lines between points, level beyond the first and the last."""

    grade: Annotated[Points, Field(description="grades of the points, increasing, in the unit of the element")]
    recovery: Annotated[Shares, Field(description="recovery at each of them, fraction of the contained metal")]


class Mill(_Destination):
    """A process that turns ore into a saleable product: a mill, or any other, such as a leach pad."""

    kind: Annotated[Literal["mill"], Field(description="what it is")]
    recovery: Annotated[
        dict[Name, dict[Name, Fraction]],
        ByNumber(),
        Field(
            description="recovery by element and material, fraction of the contained metal; one number instead of the "
            "table of materials holds for every material accepted"
        ),
    ] = Field(default_factory=dict)
    recovery_curves: Annotated[
        dict[Name, RecoveryCurve],
        Field(description="recovery that depends on the grade, by element, in place of that element's recovery"),
    ] = Field(default_factory=dict)
    cost_per_t: Annotated[PerPeriodNotNegative, Field(description="processing, currency per tonne milled")]
    tailings_t_per_t: Annotated[
        NotNegative, Field(le=2, description="tailings made per tonne milled, t/t; they need room")
    ] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _by_material(cls, data: Any) -> Any:  # noqa: ANN401 - raw contents of a file
        """One recovery of an element as that of every material accepted."""
        if not isinstance(data, Mapping) or not isinstance(data.get("recovery"), Mapping):
            return data
        accepts = data.get("accepts")
        materials = [name for name in accepts if isinstance(name, str)] if isinstance(accepts, list | tuple) else []
        recovery = {
            element: dict.fromkeys(materials, float(value)) if is_share(value) else value
            for element, value in data["recovery"].items()
        }
        return {**data, "recovery": recovery}


class Bin(Part):
    """A part of a stockpile that keeps like ore together and leaves at a nominal grade."""

    materials: Annotated[Names, Field(description="materials kept in this bin")]
    grade_from: Annotated[
        dict[Name, NotNegative], Field(description="least grade taken in, by element, in its unit")
    ] = Field(default_factory=dict)
    grade_to: Annotated[
        dict[Name, NotNegative], Field(description="grades below this are taken in, by element, in its unit")
    ] = Field(default_factory=dict)
    leaves_at: Annotated[
        dict[Name, NotNegative],
        Field(description="grade at which the bin is reclaimed, by element, in its unit"),
    ]
    recovery: Annotated[dict[Name, Fraction], Field(description="recovery of what is reclaimed, by element, fraction")]
    opening_mt: Annotated[NotNegative, Field(description="stock at the start, Mt")] = 0.0
    opening_grade: Annotated[
        dict[Name, NotNegative], Field(description="grade of the opening stock, by element, in its unit")
    ] = Field(default_factory=dict)


class Stockpile(_Destination):
    """A pile of ore kept for later.

    ``bins``: each bin leaves at its nominal grade, and the metal reclaimed from it never exceeds the metal put in.
    ``average``: the one bin leaves at grade L and all that has entered must average at least L (Moreno, Rezakhah,
    Newman, Ferreira 2017, EJOR 260:212, the L-average model).
    """

    kind: Annotated[Literal["stockpile"], Field(description="what it is")]
    model: Annotated[Literal["bins", "average"], Field(description="linear model of the grade reclaimed")] = "bins"
    feeds: Annotated[Names, Field(description="mills that may reclaim from here")]
    bins: Annotated[dict[Name, Bin], Field(description="its bins; exactly one with the average model")]
    capacity_mt: Annotated[PerPeriodNotNegative | None, Field(description="most stock at period end, Mt")] = None
    reclaim_mt_per_year: Annotated[PerPeriodNotNegative | None, Field(description="most reclaimed, Mt per year")] = None
    reclaim_cost_per_t: Annotated[
        PerPeriodNotNegative, Field(description="reclaim and rehandle, currency per tonne reclaimed")
    ] = 0.0


class Dump(_Destination):
    """A waste rock dump."""

    kind: Annotated[Literal["dump"], Field(description="what it is")]
    storage_mt: Annotated[NotNegative | None, Field(description="room in all, Mt")] = None


class TailingsFacility(_Destination):
    """A tailings facility: its room is shared by fill dug from the pit and new tailings from the mills."""

    kind: Annotated[Literal["tailings_facility"], Field(description="what it is")]
    storage_mt: Annotated[NotNegative, Field(description="room in all, Mt")]
    takes_mill_tailings: Annotated[
        bool, Field(strict=True, description="whether new tailings from the mills may go here")
    ] = True


Destination = Annotated[Mill | Stockpile | Dump | TailingsFacility, Field(discriminator="kind")]


__all__ = ["Bin", "Destination", "Dump", "Mill", "Stockpile", "TailingsFacility"]
