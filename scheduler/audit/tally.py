"""The plan as arrays: who sends how many tonnes where, when. All tonnes are tonnes (t)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.destinations import Bin, Stockpile
from scheduler.audit.findings import Floats

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Store:
    """A bin of a stockpile.

    Attributes:
        pile: name of the stockpile.
        name: name of the bin.
        stockpile: what the mine says of the pile.
        bin: what it says of the bin.
    """

    pile: str
    name: str
    stockpile: Stockpile
    bin: Bin

    @property
    def title(self) -> str:
        """``pile/bin``."""
        return f"{self.pile}/{self.name}"


@dataclass(frozen=True)
class Moves:
    """Rows of the mined table, one entry a row in each array.

    Attributes:
        parcel: row of ``Units.parcels``.
        destination: position among the mine's destinations.
        store: position among the bins of all stockpiles, -1 for other destinations.
        period: period from 0.
        tonnes: t.
    """

    parcel: Codes
    destination: Codes
    store: Codes
    period: Codes
    tonnes: Floats


@dataclass(frozen=True)
class Tally:
    """A plan counted up.

    Attributes:
        instance: the mine.
        units: its units.
        moves: what is mined and sent.
        reclaim: t reclaimed, shape ``(bins, mills, periods)``.
        tailings: new tailings placed, t, shape ``(mills, facilities, periods)``.
        tabled: the stock table: t in, reclaimed and at the end, shape ``(3, bins, periods)``, NaN where it has no row.
        works: whether each installation of the plan works, shape ``(periods,)`` each.
        bought: periods in which each option is bought.
    """

    instance: Instance
    units: Units
    moves: Moves
    reclaim: Floats
    tailings: Floats
    tabled: Floats
    works: Mapping[str, NDArray[np.bool_]]
    bought: Mapping[str, tuple[int, ...]]

    @property
    def mine(self) -> Mine:
        """What ``mine.toml`` says."""
        return self.instance.mine

    @property
    def periods(self) -> int:
        """Number of periods."""
        return self.mine.calendar.periods

    @cached_property
    def years(self) -> Floats:
        """Length of each period, years."""
        return self.mine.calendar.lengths_years()

    @cached_property
    def destinations(self) -> tuple[str, ...]:
        """Names of the destinations."""
        return tuple(self.mine.destinations)

    @cached_property
    def mills(self) -> tuple[str, ...]:
        """Names of the mills."""
        return tuple(self.mine.mills())

    @cached_property
    def stores(self) -> tuple[Store, ...]:
        """The bins of all stockpiles."""
        return stores_of(self.mine)

    @cached_property
    def unit_names(self) -> list[str]:
        """Names of the units."""
        return [str(name) for name in self.units.units["unit"]]

    @cached_property
    def parcel_names(self) -> list[str]:
        """Names of the parcels."""
        return [str(name) for name in self.units.parcels["parcel"]]

    @cached_property
    def parcel_t(self) -> Floats:
        """Tonnes of each parcel, t."""
        return self.units.parcels["tonnes"].to_numpy(np.float64)

    @cached_property
    def unit_of_parcel(self) -> Codes:
        """Row of the unit of each parcel."""
        return self.units.parcels["unit"].to_numpy(np.int64)

    @cached_property
    def unit_t(self) -> Floats:
        """Tonnes of each unit, the sum of its parcels, t."""
        return np.asarray(np.bincount(self.unit_of_parcel, self.parcel_t, minlength=len(self.units.units)), np.float64)

    @cached_property
    def material(self) -> Codes:
        """Position of each parcel's material among the mine's materials."""
        position = {name: number for number, name in enumerate(self.mine.materials)}
        return np.asarray(self.units.parcels["material"].map(position), dtype=np.int64)

    @cached_property
    def phase_names(self) -> tuple[str, ...]:
        """Names of the phases."""
        return tuple(self.mine.phases)

    @cached_property
    def phase(self) -> Codes:
        """Position of each unit's phase among the mine's phases."""
        position = {name: number for number, name in enumerate(self.mine.phases)}
        return np.asarray(self.units.units["phase"].map(position), dtype=np.int64)

    @cached_property
    def mined_parcel(self) -> Floats:
        """Tonnes mined of each parcel, t, shape ``(parcels, periods)``."""
        return self.by_period(self.moves.parcel, len(self.parcel_t))

    @cached_property
    def mined_unit(self) -> Floats:
        """Tonnes mined of each unit, t, shape ``(units, periods)``."""
        return self.by_period(self.unit_of_parcel[self.moves.parcel], len(self.unit_t))

    @cached_property
    def mined_share(self) -> Floats:
        """Share of each unit mined by the end of each period, shape ``(units, periods)``."""
        share: Floats = np.cumsum(self.mined_unit, axis=1)
        share /= self.unit_t[:, None]
        return share

    @cached_property
    def mined_phase(self) -> Floats:
        """Tonnes mined of each phase, t, shape ``(phases, periods)``."""
        return self.by_period(self.phase[self.unit_of_parcel[self.moves.parcel]], len(self.phase_names))

    @cached_property
    def sent(self) -> Floats:
        """Tonnes from the pit to each destination, t, shape ``(destinations, periods)``."""
        return self.by_period(self.moves.destination, len(self.destinations))

    @cached_property
    def moved(self) -> Floats:
        """Tonnes moved from the pit, t, shape ``(periods,)``."""
        return np.asarray(self.sent.sum(axis=0))

    @cached_property
    def stock_in(self) -> Floats:
        """Tonnes from the pit into each bin, t, shape ``(bins, periods)``."""
        return self.into_stores(np.ones(len(self.moves.tonnes)))

    @cached_property
    def stock_out(self) -> Floats:
        """Tonnes reclaimed from each bin, t, shape ``(bins, periods)``."""
        return np.asarray(self.reclaim.sum(axis=1))

    @cached_property
    def opening_t(self) -> Floats:
        """Opening stock of each bin, t."""
        return np.array([store.bin.opening_mt * 1e6 for store in self.stores], dtype=np.float64)

    @cached_property
    def stock(self) -> Floats:
        """Stock in each bin at the end of each period, t, shape ``(bins, periods)``."""
        return np.asarray(self.opening_t[:, None] + np.cumsum(self.stock_in - self.stock_out, axis=1))

    @cached_property
    def feed(self) -> Floats:
        """Feed of each mill, reclaim included, t, shape ``(mills, periods)``."""
        rows = [self.destinations.index(name) for name in self.mills]
        return np.asarray(self.sent[rows] + self.reclaim.sum(axis=0))

    @cached_property
    def ore(self) -> Floats:
        """Tonnes from the pit to mills and stockpiles, t, shape ``(periods,)``."""
        return np.asarray(self.sent[self._takes_ore].sum(axis=0))

    @cached_property
    def waste(self) -> Floats:
        """Tonnes from the pit to all else, t, shape ``(periods,)``."""
        return np.asarray(self.sent[~self._takes_ore].sum(axis=0))

    @cached_property
    def _takes_ore(self) -> NDArray[np.bool_]:
        return np.array([place.kind in ("mill", "stockpile") for place in self.mine.destinations.values()])

    def by_period(self, code: Codes, size: int, weight: Floats | None = None) -> Floats:
        """Tonnes (times a weight a row) of the moves by ``code`` and period, shape ``(size, periods)``."""
        tonnes = self.moves.tonnes if weight is None else self.moves.tonnes * weight
        flat = np.bincount(code * self.periods + self.moves.period, tonnes, minlength=size * self.periods)
        return np.asarray(flat, np.float64).reshape(size, self.periods)

    def into_stores(self, weight: Floats) -> Floats:
        """Tonnes into each bin times a weight a move, shape ``(bins, periods)``."""
        stocked = self.moves.store >= 0
        code = np.where(stocked, self.moves.store, 0)
        return self.by_period(code, len(self.stores), weight * stocked) if self.stores else np.zeros((0, self.periods))

    def each_period(self, value: float | tuple[float, ...] | None, times: float = 1.0) -> Floats:
        """A datum for each period, shape ``(periods,)``; infinite where it is not given."""
        return np.full(self.periods, np.inf) if value is None else by_period(value, self.periods) * times


def stores_of(mine: Mine) -> tuple[Store, ...]:
    """The bins of all stockpiles, in the mine's order."""
    return tuple(
        Store(pile, name, stockpile, kept)
        for pile, stockpile in mine.stockpiles().items()
        for name, kept in stockpile.bins.items()
    )
