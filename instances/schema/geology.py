"""What lies in the ground: block table, elements, materials, phases and panels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from instances.schema.base import (
    Count,
    Day,
    Flag,
    Fraction,
    Name,
    NotNegative,
    Number,
    Part,
    Positive,
    Text,
    Whole,
    as_tuple,
)

Triple = Annotated[tuple[Positive, Positive, Positive], BeforeValidator(as_tuple)]
Place = Annotated[tuple[Number, Number, Number], BeforeValidator(as_tuple)]
Mining = Literal["partial", "whole"]
Edges = Annotated[tuple[NotNegative, ...], BeforeValidator(as_tuple)]


class Blocks(Part):
    """Where the block table is and how its grid is laid."""

    file: Annotated[Text, Field(description="block table, CSV or Parquet, relative to the mine's folder")]
    size_m: Annotated[Triple, Field(description="block size in x, y and z, metres")]
    origin_m: Annotated[
        Place | None, Field(description="centre of the block ix = iy = iz = 0, east, north and up, metres")
    ] = None
    rotation_deg: Annotated[
        Number,
        Field(ge=-360, le=360, description="bearing of the model's y axis (iy), degrees clockwise from north"),
    ] = 0.0
    mining: Annotated[
        Mining,
        Field(
            description="blocks scheduled one by one are mined whole, within one period, or partial: over several, "
            "begun once what they need is finished"
        ),
    ] = "whole"


class Element(Part):
    """An element whose grade the block table carries, in the column ``<element>_<unit>``."""

    unit: Annotated[Literal["pct", "g_per_t"], Field(description="unit of its grades: per cent or grams per tonne")]


class SlopeSector(Part):
    """An overall slope angle that holds for a range of azimuths."""

    from_azimuth_deg: Annotated[NotNegative, Field(lt=360, description="first azimuth, degrees from north")]
    to_azimuth_deg: Annotated[Positive, Field(le=360, description="last azimuth, degrees from north")]
    slope_deg: Annotated[Positive, Field(ge=5, lt=90, description="overall slope angle, degrees")]


class Material(Part):
    """A kind of ground that is mined, hauled and routed alike."""

    kind: Annotated[
        Literal["ore", "waste", "fill"],
        Field(description="ore, in-situ waste rock, or fill: tailings and backfilled rock being rehandled"),
    ]
    title: Annotated[Text, Field(description="name for tables")] = ""
    slope_deg: Annotated[Positive, Field(ge=5, lt=90, description="overall slope angle, degrees")] = 45.0
    slope_sectors: Annotated[
        tuple[SlopeSector, ...],
        BeforeValidator(as_tuple),
        Field(description="slope angles by azimuth; they replace slope_deg where given"),
    ] = ()
    mining_loss: Annotated[Fraction, Field(lt=1, description="fraction of the tonnes lost in mining")] = 0.0
    dilution: Annotated[Fraction, Field(description="tonnes of barren rock taken with each tonne mined, t/t")] = 0.0
    extra_mining_cost_per_t: Annotated[
        NotNegative, Field(description="added to the mining cost, currency per tonne moved")
    ] = 0.0
    tonnes_factor: Annotated[
        NotNegative, Field(le=100, description="scales the tonnes of the block table, for what-if studies")
    ] = 1.0


class Phase(Part):
    """A pushback: what is mined together, bench by bench."""

    title: Annotated[Text, Field(description="name for tables")] = ""
    group: Annotated[Name | None, Field(description="pit it belongs to, for reported strip ratios")] = None
    release: Annotated[Day | None, Field(description="mined from this date on")] = None
    after: Annotated[Name | None, Field(description="phase that has to lead this one")] = None
    bench_lag: Annotated[
        Whole | None,
        Field(
            ge=0,
            le=1000,
            description="benches by which the phase in `after` leads: bench b waits for it down to b - bench_lag",
        ),
    ] = None
    lag_years: Annotated[
        NotNegative,
        Field(le=100, description="years between the leading bench and the one that waits for it"),
    ] = 0.0
    max_benches_per_year: Annotated[Positive | None, Field(description="most benches (sinking rate) per year")] = None


class Precedence(Part):
    """What has to be mined before what, on top of the order of benches and phases."""

    slopes: Annotated[
        Flag, Field(description="a block waits for the wall above it, by the slopes of the materials")
    ] = True
    slope_error_deg: Annotated[
        Positive | None,
        Field(
            le=45,
            description="degrees by which a wall may stand steeper than its slope, as arcs rise a few benches only; "
            "less takes more arcs. Where not given, arcs reach two blocks, an error of some 3 to 10 degrees",
        ),
    ] = None
    file: Annotated[
        Text | None,
        Field(
            description="further precedence, CSV or Parquet, relative to the mine's folder: the columns block, "
            "needs and (optional) lag_years; a block waits until what it needs is finished, and lag_years longer"
        ),
    ] = None


class Panels(Part):
    """How blocks are joined into panels for the exact engine."""

    sectors: Annotated[
        Count,
        Field(
            le=50,
            description="sectors, by azimuth about the middle of the phase, into which each bench is cut where the "
            "block table has no column sector",
        ),
    ] = 1
    grade_bins: Annotated[
        dict[Name, Edges], Field(description="inner edges of the grade bins of an element, in its unit")
    ] = Field(default_factory=dict)
    mining: Annotated[
        Mining,
        Field(
            description="partial: a panel may be mined over several periods once what lies above is finished; "
            "whole: within one period"
        ),
    ] = "partial"
    bench_order: Annotated[
        Flag, Field(description="each sector of a bench waits for the same sector of the bench above")
    ] = True
