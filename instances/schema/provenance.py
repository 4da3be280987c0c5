"""Where a number comes from, and what was published about the mine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from instances.schema.base import Name, Number, Part, Text


class Mark(Part):
    """Mark of a datum: published by somebody, derived from what was published, or assumed by us."""

    mark: Annotated[Literal["published", "derived", "assumed"], Field(description="where it comes from")]
    source: Annotated[Text, Field(min_length=3, description="publication, arithmetic or reason")]


class PublishedFigure(Part):
    """A figure that a published plan reached, to be set beside ours."""

    title: Annotated[Text, Field(description="name for tables")]
    figure: Annotated[Name, Field(description="the figure of a plan's summary that it is compared with")]
    value: Annotated[Number, Field(description="what was published")]
    unit: Annotated[Text, Field(description="its unit")]
    source: Annotated[Text, Field(description="where it was published")]
    reason: Annotated[Text, Field(description="why a plan of ours may differ by more than 2 %")] = ""
