"""From an instance and its units to the problem that the engines solve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema import Mine
from instances.schema.base import by_period
from instances.schema.calendar import DAYS_PER_YEAR, Calendar
from instances.schema.destinations import Bin, Mill
from instances.schema.limits import Option
from scheduler.problem import (
    Array,
    Index,
    Installation,
    Mask,
    OptionTerms,
    Place,
    Problem,
    QualityRow,
    Range,
)
from scheduler.valuation import METAL_PER_GRADE, capital_spent, element_value, mining_cost, recovery_of

PIT = "pit"
ON_THE_EDGE = 1e-9
"""A grade this near the edge of a bin, relatively, lies on it: averaging leaves it a hair off."""


def compile_problem(instance: Instance, units: Units) -> Problem:
    """The arrays of the problem statement; tonnes become kilotonnes, money thousands."""
    mine = instance.mine
    years = mine.calendar.lengths_years()
    places = _places(mine)
    routes = _Routes.of(instance, units, places)
    reclaim = _Reclaim.of(mine, places)
    table = units.units
    phases = tuple(mine.phases)
    phase_number = {name: k for k, name in enumerate(phases)}
    arcs = units.arcs[["unit", "needs"]].to_numpy(np.int64).reshape(-1, 2)
    limits = mine.limits
    mining = _range("limits.mining", limits.mining_min_mt_per_year, limits.mining_mt_per_year, 1000 * years)
    per_day = DAYS_PER_YEAR * years / 1000
    milling = _range("limits.mill", limits.mill_min_t_per_day, limits.mill_t_per_day, per_day)
    return Problem(
        labels=mine.calendar.labels(),
        years=years,
        discount=mine.calendar.discount_factors(),
        unit_names=tuple(table["unit"].astype(str)),
        unit_kt=table["tonnes"].to_numpy(float) / 1000,
        unit_phase=np.asarray([phase_number[name] for name in table["phase"]], dtype=np.int64),
        unit_bench=table["bench"].to_numpy(np.int64),
        phases=phases,
        arcs=arcs,
        arc_from=_arc_from(units.arcs["lag_years"].to_numpy(float), mine.calendar),
        whole=mine.mining(units.resolution) == "whole",
        parcel_names=tuple(units.parcels["parcel"].astype(str)),
        parcel_unit=units.parcels["unit"].to_numpy(np.int64),
        parcel_kt=units.parcels["tonnes"].to_numpy(float) / 1000,
        parcel_fill=np.asarray([mine.materials[name].kind == "fill" for name in units.parcels["material"]], dtype=bool),
        places=places,
        route_parcel=routes.parcel,
        route_place=routes.place,
        route_open=routes.open,
        route_cash=routes.cash,
        route_metal=routes.metal,
        route_recovered=routes.recovered,
        reclaim_place=reclaim.place,
        reclaim_mill=reclaim.mill,
        reclaim_cash=reclaim.cash,
        reclaim_metal=reclaim.metal,
        reclaim_recovered=reclaim.recovered,
        opening_kt=np.asarray([_bin(mine, place).opening_mt * 1000 if place.bin else 0.0 for place in places]),
        quality=_quality(instance, units, places, routes),
        stock_most=_stockpile_limits(mine, "capacity_mt", np.full_like(years, 1000)),
        reclaim_most=_stockpile_limits(mine, "reclaim_mt_per_year", 1000 * years),
        mining=mining,
        milling=milling,
        rehandle=_range("limits.rehandle_mt_per_year", None, limits.rehandle_mt_per_year, 1000 * years),
        inflow_most=_inflow_most(mine, mining.upper, milling.upper),
        phase_most=_phase_most(mine, mining.upper),
        storage_kt=_storage(mine),
        tailings_ratio={name: mill.tailings_t_per_t for name, mill in mine.mills().items()},
        tailings_most=_tailings_most(mine, milling.upper),
        strip=_range("limits.strip_ratio", limits.strip_ratio_min, limits.strip_ratio_max, np.ones_like(years)),
        strip_cumulative=_range(
            "limits.strip_ratio_cumulative",
            limits.strip_ratio_cumulative_min,
            limits.strip_ratio_cumulative_max,
            np.ones_like(years),
        ),
        head_grade={
            name: _range(
                f"limits.head_grade.{name}",
                limit.min,
                limit.max,
                np.full_like(years, 1000 * METAL_PER_GRADE[mine.elements[limit.element or name].unit]),
            )
            for name, limit in limits.head_grade.items()
        },
        grade_element={name: limit.element or name for name, limit in limits.head_grade.items()},
        grade_unit={name: mine.elements[limit.element or name].unit for name, limit in limits.head_grade.items()},
        grade_mills={name: limit.mills or tuple(mine.mills()) for name, limit in limits.head_grade.items()},
        metal={
            name: _range(f"limits.metal.{name}", limit.min_t_per_year, limit.max_t_per_year, years)
            for name, limit in limits.metal.items()
        },
        movement_change_kt=None if limits.movement_change_max_mt is None else 1000 * limits.movement_change_max_mt,
        benches_most=_benches_most(mine),
        phases_active_most=limits.phases_active_max,
        options=tuple(_option(name, option, mine.calendar) for name, option in mine.options.items()),
        installations=_installations(mine),
        capital=capital_spent(mine) / 1000,
    )


def _places(mine: Mine) -> tuple[Place, ...]:
    found = []
    stockpiles = mine.stockpiles()
    for name, destination in mine.destinations.items():
        if name in stockpiles:
            found += [Place(name, "stockpile", store) for store in stockpiles[name].bins]
        else:
            found.append(Place(name, destination.kind))
    return tuple(found)


def _bin(mine: Mine, place: Place) -> Bin:
    return mine.stockpiles()[place.name].bins[place.bin]


def _range(key: str, lower: object, upper: object, scale: Array) -> Range:
    periods = len(scale)
    low = np.full(periods, -np.inf) if lower is None else by_period(lower, periods) * scale  # type: ignore[arg-type]
    high = np.full(periods, np.inf) if upper is None else by_period(upper, periods) * scale  # type: ignore[arg-type]
    return Range(key, np.asarray(low), np.asarray(high))


def _arc_from(lag_years: Array, calendar: Calendar) -> Index:
    """Last period that ends at least the lag before the end of each period, -1 where there is none."""
    ends = calendar.edges_years()[1:]
    latest = ends[None, :] - lag_years[:, None] + 1e-9
    return np.asarray(np.searchsorted(ends, latest.ravel(), side="right").reshape(latest.shape) - 1, dtype=np.int64)


def accepts(mine: Mine, place: Place, material: str, grade: dict[str, float]) -> bool:
    """Whether a parcel of this material and grade may go to a place at all."""
    if material not in mine.destinations[place.name].accepts:
        return False
    if not place.bin:
        return True
    store = _bin(mine, place)
    return (
        material in store.materials
        and all(grade[name] >= least * (1 - ON_THE_EDGE) for name, least in store.grade_from.items())
        and all(grade[name] < most * (1 - ON_THE_EDGE) for name, most in store.grade_to.items())
    )


@dataclass(frozen=True)
class _Routes:
    parcel: Index
    place: Index
    open: Mask
    cash: Array
    metal: dict[str, Array]
    recovered: dict[str, Array]
    grades: dict[str, Array]

    @classmethod
    def of(cls, instance: Instance, units: Units, places: tuple[Place, ...]) -> _Routes:
        mine, parcels = instance.mine, units.parcels
        grades = {name: parcels[column].to_numpy(float) for name, column in instance.grade_columns().items()}
        materials = parcels["material"].to_numpy(object)
        routes = np.asarray(
            [
                (p, k)
                for p in range(len(parcels))
                for k, place in enumerate(places)
                if accepts(mine, place, materials[p], {name: grade[p] for name, grade in grades.items()})
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        parcel, place = routes[:, 0], routes[:, 1]
        tonnes = parcels["tonnes"].to_numpy(float)[parcel]
        metal, recovered = {}, {}
        for name, grade in grades.items():
            contained = tonnes * grade[parcel] * METAL_PER_GRADE[mine.elements[name].unit]
            recovery = np.zeros(len(routes))
            for k, there in enumerate(places):
                destination = mine.destinations[there.name]
                if isinstance(destination, Mill):
                    here = place == k
                    recovery[here] = recovery_of(destination, name, materials[parcel[here]], grade[parcel[here]])
            is_mill = np.asarray([places[k].kind == "mill" for k in place], dtype=bool)
            metal[name] = np.where(is_mill, contained, 0.0)
            recovered[name] = contained * recovery
        share = np.stack([_open_share(mine, p.name) for p in places])
        cash = _route_cash(mine, units, places, routes, tonnes)
        for name, value in element_value(mine).items():
            cash = cash + recovered[name][:, None] * value[None, :]
        return cls(parcel, place, share[place] > 0, cash / 1000, metal, recovered, grades)


def _route_cash(mine: Mine, units: Units, places: tuple[Place, ...], routes: Index, tonnes: Array) -> Array:
    """Costs of sending whole parcels, negative, currency, shape ``(R, T)``."""
    periods = mine.calendar.periods
    highest = int(units.units["bench"].max())
    bench = units.units["bench"].to_numpy(np.int64)[units.parcels["unit"].to_numpy(np.int64)]
    materials = units.parcels["material"].to_numpy()
    known: dict[tuple[str, int], Array] = {}
    rows = []
    for p, k in routes:
        key = (materials[p], int(bench[p]))
        if key not in known:
            known[key] = mining_cost(mine, key[0], key[1], highest)
        destination = mine.destinations[places[k].name]
        cost = known[key] + by_period(destination.haulage_cost_per_t, periods)
        if isinstance(destination, Mill):
            cost = cost + by_period(destination.cost_per_t, periods)
        rows.append(cost)
    return -np.asarray(rows).reshape(-1, periods) * tonnes[:, None]


@dataclass(frozen=True)
class _Reclaim:
    place: Index
    mill: Index
    cash: Array
    metal: dict[str, Array]
    recovered: dict[str, Array]

    @classmethod
    def of(cls, mine: Mine, places: tuple[Place, ...]) -> _Reclaim:
        periods = mine.calendar.periods
        number = {place.name: k for k, place in enumerate(places)}
        pairs = [(k, number[m]) for k, p in enumerate(places) if p.bin for m in mine.stockpiles()[p.name].feeds]
        stores = [_bin(mine, places[k]) for k, _ in pairs]
        metal, recovered = {}, {}
        for name, element in mine.elements.items():
            per_kt = 1000 * METAL_PER_GRADE[element.unit]
            metal[name] = np.asarray([store.leaves_at.get(name, 0.0) * per_kt for store in stores])
            recovered[name] = metal[name] * np.asarray([store.recovery.get(name, 0.0) for store in stores])
        cash = np.zeros((len(pairs), periods))
        for row, (k, m) in enumerate(pairs):
            pile, mill = mine.stockpiles()[places[k].name], mine.mills()[places[m].name]
            cash[row] = -by_period(pile.reclaim_cost_per_t, periods) - by_period(mill.cost_per_t, periods)
        for name, value in element_value(mine).items():
            cash = cash + recovered[name][:, None] * value[None, :] / 1000
        columns = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        return cls(columns[:, 0], columns[:, 1], cash, metal, recovered)


def _quality(instance: Instance, units: Units, places: tuple[Place, ...], routes: _Routes) -> tuple[QualityRow, ...]:
    mine = instance.mine
    tonnes = units.parcels["tonnes"].to_numpy(float)
    found = []
    for k, place in enumerate(places):
        if not place.bin:
            continue
        pile, store = mine.stockpiles()[place.name], _bin(mine, place)
        into = np.flatnonzero(routes.place == k)
        parcel = routes.parcel[into]
        opening_t = store.opening_mt * 1e6
        for name, leaves in store.leaves_at.items():
            unit = METAL_PER_GRADE[mine.elements[name].unit]
            average = pile.model == "average"
            less = leaves if average else 0.0
            found.append(
                QualityRow(
                    place=k,
                    element=name,
                    routes=into,
                    into=tonnes[parcel] * (routes.grades[name][parcel] - less) * unit,
                    out=0.0 if average else 1000 * leaves * unit,
                    opening=opening_t * (store.opening_grade.get(name, 0.0) - less) * unit,
                    first=0 if (opening_t > 0 or not average) else 1,
                    last=average,
                )
            )
    return tuple(found)


def _stockpile_limits(mine: Mine, key: str, scale: Array) -> dict[str, Array]:
    found = {}
    for name, pile in mine.stockpiles().items():
        most = getattr(pile, key)
        if most is not None:
            found[name] = by_period(most, len(scale)) * scale
    return found


def _open_share(mine: Mine, name: str) -> Array:
    destination = mine.destinations[name]
    return mine.calendar.open_share(destination.opens, destination.closes)


def _times(share: Array, most: Array) -> Array:
    """Share of a limit that may be infinite; 0 where the share is 0, no limit where it is whole and there is none."""
    return np.where(share <= 0, 0.0, np.where(np.isinf(most), np.inf, share * np.where(np.isinf(most), 0.0, most)))


def _inflow_most(mine: Mine, mining: Array, milling: Array) -> dict[str, Array]:
    years = mine.calendar.lengths_years()
    found = {}
    for name, destination in mine.destinations.items():
        share = _open_share(mine, name)
        own = destination.capacity_mt_per_year
        general = milling if isinstance(destination, Mill) else mining
        if own is not None:
            found[name] = _times(share, by_period(own, len(years)) * years * 1000)
        elif (share < 1).any():
            found[name] = np.where(share < 1, _times(share, general), np.inf)
    return found


def _phase_most(mine: Mine, mining: Array) -> Array:
    rows = []
    for phase in mine.phases.values():
        share = mine.calendar.open_share(phase.release, None)
        rows.append(np.where(share < 1, _times(share, mining), np.inf))
    return np.stack(rows)


def _storage(mine: Mine) -> dict[str, float]:
    found = {name: 1000 * facility.storage_mt for name, facility in mine.facilities().items()}
    found.update({n: 1000 * dump.storage_mt for n, dump in mine.dumps().items() if dump.storage_mt is not None})
    return found


def _tailings_most(mine: Mine, milling: Array) -> dict[str, Array]:
    ratio = max([mill.tailings_t_per_t for mill in mine.mills().values()], default=0.0)
    found = {}
    for name, facility in mine.facilities().items():
        if facility.takes_mill_tailings:
            share = _open_share(mine, name)
            found[name] = np.where(share < 1, _times(share * ratio, milling), np.inf)
    return found


def _benches_most(mine: Mine) -> Array:
    years = mine.calendar.lengths_years()
    rows = [
        np.full_like(years, np.inf) if phase.max_benches_per_year is None else phase.max_benches_per_year * years
        for phase in mine.phases.values()
    ]
    return np.stack(rows)


def _option(name: str, option: Option, calendar: Calendar) -> OptionTerms:
    years, starts = calendar.lengths_years(), calendar.edges_years()[:-1]
    if option.adds_mt_per_year is not None:
        adds = option.adds_mt_per_year * 1000 * years
    else:
        adds = (option.adds_t_per_day or 0.0) * DAYS_PER_YEAR * years / 1000
    effective = np.searchsorted(starts, starts - option.lead_years + 1e-9, side="right") - 1
    first = 0.0 if option.earliest is None else calendar.years_after_start(option.earliest)
    earliest = int(np.searchsorted(starts, first - 1e-9, side="left"))
    return OptionTerms(name, option.widens, adds, option.cost / 1000, effective.astype(np.int64), earliest)


def _installations(mine: Mine) -> tuple[Installation, ...]:
    years = mine.calendar.lengths_years()
    return tuple(
        Installation(
            name,
            by_period(terms.fixed_cost_per_year, len(years)) * years / 1000,
            terms.closure_cost / 1000,
        )
        for name, terms in mine.operating.items()
    )
