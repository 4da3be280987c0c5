"""From the tables of a plan to its tally, faults of the rows entered on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema import Mine
from scheduler.audit.findings import Floats, Ledger
from scheduler.audit.shape import Table
from scheduler.audit.tally import Codes, Moves, Store, Tally, stores_of
from scheduler.plan import Plan

PIT = "pit"


def read_plan(instance: Instance, plan: Plan, units: Units, ledger: Ledger) -> Tally:
    """Counts up a plan; rows that name nothing of the mine or have no tonnes are reported and left out."""
    mine = instance.mine
    return Tally(
        instance,
        units,
        _moves(mine, plan, units, ledger),
        _reclaim(mine, plan, ledger),
        _tailings(mine, plan, ledger),
        _stock(mine, plan, ledger),
        _works(mine, plan, ledger),
        _bought(mine, plan, ledger),
    )


def _moves(mine: Mine, plan: Plan, units: Units, ledger: Ledger) -> Moves:
    """Units, parcels and destinations have to be the mine's, bins those of the stockpile, empty elsewhere."""
    table = Table("mined", plan.mined, ledger)
    unit = table.names("unit", units.units["unit"].tolist(), "a unit")
    parcel = table.names("parcel", units.parcels["parcel"].tolist(), "a parcel")
    owner = units.parcels["unit"].to_numpy(np.int64)[np.maximum(parcel, 0)]
    table.refuse((unit >= 0) & (parcel >= 0) & (owner != unit), "parcel", "a parcel of the unit")
    destination = table.names("destination", list(mine.destinations), "a destination")
    piles = [place.kind == "stockpile" for place in mine.destinations.values()]
    in_pile = np.append(piles, False)[destination]
    names = table.frame["bin"].fillna("").astype(str).to_numpy(object)
    store = _store_codes(stores_of(mine), table.frame["destination"].to_numpy(object), names)
    table.refuse(in_pile & (store < 0), "bin", "a bin of the stockpile")
    table.refuse((destination >= 0) & ~in_pile & (names != ""), "bin", "no bin, as this is no stockpile")
    tonnes = table.tonnes("tonnes")
    kept = table.good
    return Moves(parcel[kept], destination[kept], store[kept], table.period[kept], tonnes[kept])


def _store_codes(stores: Sequence[Store], piles: NDArray[np.object_], bins: NDArray[np.object_]) -> Codes:
    position = {(store.pile, store.name): number for number, store in enumerate(stores)}
    return np.fromiter((position.get(pair, -1) for pair in zip(piles, bins, strict=True)), np.int64, len(piles))


def _bins(table: Table, mine: Mine) -> Codes:
    """Bin of each row of a table with the columns stockpile and bin."""
    pile = table.names("stockpile", list(mine.stockpiles()), "a stockpile")
    bins = table.frame["bin"].fillna("").astype(str).to_numpy(object)
    store = _store_codes(stores_of(mine), table.frame["stockpile"].to_numpy(object), bins)
    table.refuse((pile >= 0) & (store < 0), "bin", "a bin of the stockpile")
    return store


def _reclaim(mine: Mine, plan: Plan, ledger: Ledger) -> Floats:
    table = Table("reclaim", plan.reclaim, ledger)
    store, mill = _bins(table, mine), table.names("mill", list(mine.mills()), "a mill")
    tonnes, kept = table.tonnes("tonnes"), table.good
    total = np.zeros((len(stores_of(mine)), len(mine.mills()), mine.calendar.periods))
    np.add.at(total, (store[kept], mill[kept], table.period[kept]), tonnes[kept])
    return total


def _tailings(mine: Mine, plan: Plan, ledger: Ledger) -> Floats:
    table = Table("tailings", plan.tailings, ledger)
    mill = table.names("mill", list(mine.mills()), "a mill")
    facility = table.names("facility", list(mine.facilities()), "a tailings facility")
    tonnes, kept = table.tonnes("tonnes"), table.good
    total = np.zeros((len(mine.mills()), len(mine.facilities()), mine.calendar.periods))
    np.add.at(total, (mill[kept], facility[kept], table.period[kept]), tonnes[kept])
    return total


def _stock(mine: Mine, plan: Plan, ledger: Ledger) -> Floats:
    """A row for every bin and period, each once."""
    table = Table("stock", plan.stock, ledger)
    store = _bins(table, mine)
    columns = np.array([table.tonnes(name, least=-np.inf) for name in ("tonnes_in", "reclaimed", "tonnes")])
    stores = stores_of(mine)
    table.refuse(plan.stock.duplicated(["stockpile", "bin", "period"]).to_numpy(), "period", "one row a bin and period")
    kept = table.good
    tabled = np.full((3, len(stores), mine.calendar.periods), np.nan)
    tabled[:, store[kept], table.period[kept]] = columns[:, kept]
    for number, period in zip(*np.nonzero(np.isnan(tabled[0])), strict=True):
        ledger.fault("shape", int(period), stores[number].title, "no row of stock", "one row a bin and period")
    return tabled


def _works(mine: Mine, plan: Plan, ledger: Ledger) -> dict[str, NDArray[np.bool_]]:
    """A row for every installation with a fixed or closure cost and every period, each once."""
    table = Table("operating", plan.operating, ledger)
    known = [PIT, *mine.mills()]
    code = table.names("installation", known, "an installation (pit or a mill)")
    flags = table.flags("works")
    table.refuse(plan.operating.duplicated(["installation", "period"]).to_numpy(), "period", "one row a period")
    kept = table.good
    state = np.full((len(known), mine.calendar.periods), -1)
    state[code[kept], table.period[kept]] = flags[kept]
    works = {}
    for number, name in enumerate(known):
        if not _costs(mine, name) and (state[number] < 0).all():
            continue
        for period in np.flatnonzero(state[number] < 0):
            ledger.fault("shape", int(period), name, "no row of operating", "one row an installation and period")
        works[name] = state[number] == 1
    return works


def _costs(mine: Mine, installation: str) -> bool:
    """Whether an installation has a fixed or closure cost."""
    operation = mine.operating.get(installation)
    if operation is None:
        return False
    fixed = operation.fixed_cost_per_year
    return operation.closure_cost > 0 or (max(fixed) if isinstance(fixed, tuple) else fixed) > 0


def _bought(mine: Mine, plan: Plan, ledger: Ledger) -> dict[str, tuple[int, ...]]:
    table = Table("options", plan.options, ledger)
    names = list(mine.options)
    code = table.names("option", names, "an option")
    kept = table.good
    pairs = sorted(zip(code[kept].tolist(), table.period[kept].tolist(), strict=True))
    return {name: tuple(period for option, period in pairs if option == number) for number, name in enumerate(names)}
