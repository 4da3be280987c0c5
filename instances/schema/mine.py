"""The whole of ``mine.toml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from instances.schema.base import Name, Part, Text, as_tuple
from instances.schema.calendar import Calendar
from instances.schema.destinations import Destination, Dump, Mill, Stockpile, TailingsFacility
from instances.schema.economics import Capital, Costs, Money, Operation, Product, ReportingBasis, Taxes
from instances.schema.geology import Blocks, Element, Material, Mining, Panels, Phase, Precedence
from instances.schema.limits import Limits, Option
from instances.schema.provenance import Mark, PublishedFigure


class Mine(Part):
    """A mine as ``mine.toml`` gives it."""

    format: Annotated[Literal[1], Field(description="version of this file format")]
    name: Annotated[Name, Field(description="short name")]
    title: Annotated[Text, Field(description="name for tables")] = ""
    calendar: Annotated[Calendar, Field(description="periods and discounting")]
    blocks: Annotated[Blocks, Field(description="block table")]
    elements: Annotated[dict[Name, Element], Field(min_length=1, description="elements with grades")]
    materials: Annotated[dict[Name, Material], Field(min_length=1, description="kinds of ground")]
    phases: Annotated[dict[Name, Phase], Field(min_length=1, description="pushbacks")]
    precedence: Annotated[Precedence, Field(description="what has to be mined before what")] = Precedence()
    panels: Annotated[Panels, Field(description="how blocks are joined into panels")] = Panels()
    destinations: Annotated[dict[Name, Destination], Field(min_length=1, description="where material goes")]
    limits: Annotated[Limits, Field(description="limits of the mine as a whole")] = Limits()
    options: Annotated[dict[Name, Option], Field(description="capacity that can be bought")] = Field(
        default_factory=dict
    )
    money: Annotated[Money, Field(description="currency")]
    products: Annotated[dict[Name, Product], Field(min_length=1, description="metals sold")]
    costs: Annotated[Costs, Field(description="unit costs of the pit")]
    operating: Annotated[
        dict[Name, Operation],
        Field(description="fixed and closure costs of the pit (key `pit`) and of each mill"),
    ] = Field(default_factory=dict)
    capital: Annotated[tuple[Capital, ...], BeforeValidator(as_tuple), Field(description="capital by date")] = ()
    taxes: Annotated[Taxes | None, Field(description="taxes worked out on the plan")] = None
    reporting_basis: Annotated[
        ReportingBasis | None, Field(description="how a published study counted its cash flow")
    ] = None
    published: Annotated[
        tuple[PublishedFigure, ...], BeforeValidator(as_tuple), Field(description="published figures")
    ] = ()
    provenance: Annotated[
        dict[str, Mark], Field(description="marks by key path; a path covers all that lies below it")
    ] = Field(default_factory=dict)

    def mining(self, resolution: Literal["panel", "block"]) -> Mining:
        """Whether units of a resolution are mined whole, or may be over several periods."""
        return self.blocks.mining if resolution == "block" else self.panels.mining

    def mills(self) -> dict[str, Mill]:
        """The mills by name."""
        return {name: place for name, place in self.destinations.items() if isinstance(place, Mill)}

    def stockpiles(self) -> dict[str, Stockpile]:
        """The stockpiles by name."""
        return {name: place for name, place in self.destinations.items() if isinstance(place, Stockpile)}

    def facilities(self) -> dict[str, TailingsFacility]:
        """The tailings facilities by name."""
        return {name: place for name, place in self.destinations.items() if isinstance(place, TailingsFacility)}

    def dumps(self) -> dict[str, Dump]:
        """The dumps by name."""
        return {name: place for name, place in self.destinations.items() if isinstance(place, Dump)}
