"""The problem that both engines solve, as arrays: no grades, no dates, only tonnes, cash and limits.

Tonnes are kilotonnes (kt) and money thousands of the mine's currency. ``T`` periods count from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """An end destination, or a bin of a stockpile.

    Attributes:
        name: destination; for a bin that of its stockpile.
        kind: mill, stockpile, dump or tailings_facility.
        bin: name of the bin, empty but for stockpiles.
    """

    name: str
    kind: str
    bin: str = ""


@dataclass(frozen=True)
class Range:
    """Lower and upper limits by period, shape ``(T,)``; infinite where there is none.

    Attributes:
        key: the key of ``mine.toml`` that sets it, to speak of it to the planner.
    """

    key: str
    lower: Array
    upper: Array

    def limits_anything(self) -> bool:
        """Whether any period is limited."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())


@dataclass(frozen=True)
class QualityRow:
    """A row on what enters and leaves a bin up to each period: out + in >= opening terms, by element.

    ``sum_{r<=t} out * reclaimed_r <= sum_{r<t} into . sent_r + opening`` for the bins model; with ``out`` zero and
    signed ``into`` it is the average model.

    Attributes:
        place: bin (index of ``places``).
        element: name.
        into: metal or excess metal brought by a whole parcel, by route of ``routes``, t of metal.
        routes: routes into the bin.
        out: metal taken by a kt reclaimed, t of metal.
        opening: metal or excess metal at the start, t.
        first: first period in which it holds.
        last: whether it has to hold at the end of the calendar too (what comes in during the last period counts).
    """

    place: int
    element: str
    routes: Index
    into: Array
    out: float
    opening: float
    first: int
    last: bool


@dataclass(frozen=True)
class OptionTerms:
    """A capacity option: kt added per period (shape ``(T,)``) to ``widens``; cost in thousands.

    Attributes:
        effective_from: for each period the last period whose purchases count in it, -1 where none; shape ``(T,)``.
        earliest: first period in which it may be bought.
    """

    name: str
    widens: str
    adds: Array
    cost: float
    effective_from: Index
    earliest: int


@dataclass(frozen=True)
class Installation:
    """The pit or a mill where keeping it at work costs; money in thousands.

    Attributes:
        name: ``pit`` or the mill's name.
        fixed: cost of each period at work, shape ``(T,)``.
        closure: cost in its last period.
    """

    name: str
    fixed: Array
    closure: float


@dataclass(frozen=True)
class Problem:
    """The problem statement of ``docs/model.md``. Shapes: U units, P parcels, R routes, J reclaim routes, T periods.

    Attributes:
        labels: label of each period.
        years: ``(T,)`` lengths.
        discount: ``(T,)`` factors.
        unit_names: U names.
        unit_kt: ``(U,)``.
        unit_phase: ``(U,)`` index of ``phases``.
        unit_bench: ``(U,)``.
        phases: names of the phases.
        arcs: ``(A, 2)`` unit, needs.
        arc_from: ``(A, T)`` last period by whose end the needed unit has to be finished, -1 where it cannot be.
        whole: whether units are mined whole in one period.
        parcel_names: P names.
        parcel_unit: ``(P,)``.
        parcel_kt: ``(P,)``.
        parcel_fill: ``(P,)`` fill, being rehandled.
        places: destinations and bins.
        route_parcel: ``(R,)``.
        route_place: ``(R,)``.
        route_open: ``(R, T)`` whether the route can be used.
        route_cash: ``(R, T)`` undiscounted cash of a whole parcel, thousands.
        route_metal: element -> ``(R,)`` t of metal contained in a whole parcel sent to a mill, else 0.
        route_recovered: element -> ``(R,)`` t of metal recovered.
        reclaim_place: ``(J,)`` bin.
        reclaim_mill: ``(J,)`` place of the mill.
        reclaim_cash: ``(J, T)`` undiscounted, thousands per kt.
        reclaim_metal: element -> ``(J,)`` t of metal per kt reclaimed.
        reclaim_recovered: element -> ``(J,)`` t of metal recovered per kt.
        opening_kt: ``(places,)`` opening stock.
        quality: rows on the metal of the bins.
        stock_most: stockpile -> ``(T,)`` most stock at period end, kt.
        reclaim_most: stockpile -> ``(T,)`` most reclaimed, kt.
        mining: kt moved.
        milling: kt milled in all mills.
        rehandle: kt handled a second time.
        inflow_most: place name -> ``(T,)`` most kt received (mills: reclaim included).
        phase_most: ``(phases, T)`` most kt mined from a phase; infinite where only mining capacity limits it.
        storage_kt: dump or facility name -> room.
        tailings_ratio: mill name -> t of tailings a t milled.
        tailings_most: facility name -> ``(T,)`` most new tailings placed, kt; empty where tailings need no room.
        strip: per period; ratio waste to ore.
        strip_cumulative: on the sums to date.
        head_grade: name of a limit -> limits in t of metal per kt.
        grade_element: name of a limit on the head grade -> its element.
        grade_unit: name of a limit on the head grade -> unit of its element's grades, ``pct`` or ``g_per_t``.
        grade_mills: name of a limit on the head grade -> the mills whose common feed it is of.
        metal: element -> limits in t of metal recovered in a period.
        movement_change_kt: largest change of kt moved, or ``None``.
        benches_most: ``(phases, T)`` most benches turned over in a period; infinite where free.
        phases_active_most: or ``None``.
        options: capacity that can be bought.
        installations: with a fixed or a closure cost.
        capital: ``(T,)`` capital whatever the plan, thousands, undiscounted.
    """

    labels: tuple[str, ...]
    years: Array
    discount: Array
    unit_names: tuple[str, ...]
    unit_kt: Array
    unit_phase: Index
    unit_bench: Index
    phases: tuple[str, ...]
    arcs: Index
    arc_from: Index
    whole: bool
    parcel_names: tuple[str, ...]
    parcel_unit: Index
    parcel_kt: Array
    parcel_fill: Mask
    places: tuple[Place, ...]
    route_parcel: Index
    route_place: Index
    route_open: Mask
    route_cash: Array
    route_metal: dict[str, Array]
    route_recovered: dict[str, Array]
    reclaim_place: Index
    reclaim_mill: Index
    reclaim_cash: Array
    reclaim_metal: dict[str, Array]
    reclaim_recovered: dict[str, Array]
    opening_kt: Array
    quality: tuple[QualityRow, ...]
    stock_most: dict[str, Array]
    reclaim_most: dict[str, Array]
    mining: Range
    milling: Range
    rehandle: Range
    inflow_most: dict[str, Array]
    phase_most: Array
    storage_kt: dict[str, float]
    tailings_ratio: dict[str, float]
    tailings_most: dict[str, Array]
    strip: Range
    strip_cumulative: Range
    head_grade: dict[str, Range]
    grade_element: dict[str, str]
    grade_unit: dict[str, str]
    grade_mills: dict[str, tuple[str, ...]]
    metal: dict[str, Range]
    movement_change_kt: float | None
    benches_most: Array
    phases_active_most: int | None
    options: tuple[OptionTerms, ...]
    installations: tuple[Installation, ...]
    capital: Array
    _cache: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.labels)

    @property
    def route_kt(self) -> Array:
        """Kt of the parcel of each route, shape ``(R,)``."""
        return np.asarray(self.parcel_kt[self.route_parcel])

    def route_kind(self, *kinds: str) -> Mask:
        """Which routes lead to a destination of one of these kinds, shape ``(R,)``."""
        wanted = np.asarray([place.kind in kinds for place in self.places], dtype=bool)
        return np.asarray(wanted[self.route_place])

    def route_to(self, name: str) -> Mask:
        """Which routes lead to a destination (for stockpiles: to any of its bins), shape ``(R,)``."""
        wanted = np.asarray([place.name == name for place in self.places], dtype=bool)
        return np.asarray(wanted[self.route_place])

    def reclaim_from(self, stockpile: str) -> Mask:
        """Which reclaim routes leave a stockpile, shape ``(J,)``."""
        wanted = np.asarray([place.name == stockpile for place in self.places], dtype=bool)
        return np.asarray(wanted[self.reclaim_place])

    def reclaim_to(self, mill: str) -> Mask:
        """Which reclaim routes feed a mill, shape ``(J,)``."""
        wanted = np.asarray([place.name == mill for place in self.places], dtype=bool)
        return np.asarray(wanted[self.reclaim_mill])

    def graded(self, name: str) -> tuple[Mask, Mask]:
        """Which routes ``(R,)`` and reclaim routes ``(J,)`` feed the mills of a limit on the head grade."""
        wanted = np.asarray([place.name in self.grade_mills[name] for place in self.places], dtype=bool)
        return np.asarray(wanted[self.route_place]), np.asarray(wanted[self.reclaim_mill])

    def bins(self) -> list[int]:
        """Places that are bins."""
        return [k for k, place in enumerate(self.places) if place.kind == "stockpile"]

    def mills(self) -> list[str]:
        """Names of the mills."""
        return [place.name for place in self.places if place.kind == "mill"]

    def constant(self) -> float:
        """Discounted cash that no decision changes, thousands."""
        return -float(self.discount @ self.capital)
