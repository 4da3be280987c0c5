"""What is decided in the problem of ``docs/model.md``, and what it earns, written from an instance alone.

Kilotonnes and thousands. See ``reference.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema.base import by_period
from instances.schema.destinations import Stockpile

POUNDS, OUNCES = 2204.62, 32150.7466
CLOSE = 1e-9

Terms = dict[Hashable, float]


@dataclass(frozen=True)
class Parcel:
    """A parcel: number of its unit, material, kt and grades (t of metal per t of rock)."""

    unit: int
    material: str
    kt: float
    grade: Mapping[str, float]
    raw: Mapping[str, float]


class Columns:
    """Columns of the whole problem, their cash, and the sums from which its rows are made."""

    def __init__(self, instance: Instance, units: Units) -> None:
        self.mine = instance.mine
        calendar = self.mine.calendar
        self.T = calendar.periods
        self.years = by_period(calendar.period_years, self.T)
        self.ends = np.cumsum(self.years)
        self.starts = self.ends - self.years
        self.whole = self.mine.mining(units.resolution) == "whole"
        self.metal = {name: {"pct": 1e-2, "g_per_t": 1e-6}[e.unit] for name, e in self.mine.elements.items()}
        self._ground(instance, units)
        self.places = [
            (name, store)
            for name, place in self.mine.destinations.items()
            for store in (place.bins if isinstance(place, Stockpile) else [""])
        ]
        self.bins = [place for place in self.places if place[1]]
        self.mills = list(self.mine.mills())
        self.facilities = [n for n, f in self.mine.facilities().items() if f.takes_mill_tailings]
        self.columns: dict[Hashable, int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        self.cash: list[float] = []
        self.rows: list[tuple[Terms, float, float]] = []
        self.constant = 0.0
        self._routes()
        self._variables()
        self._money()

    def _ground(self, instance: Instance, units: Units) -> None:
        table = units.units
        self.names = [str(name) for name in table["unit"]]
        self.phase = [str(name) for name in table["phase"]]
        self.bench = [int(b) for b in table["bench"]]
        grades = instance.grade_columns()
        self.parcels = [
            Parcel(
                int(row["unit"]),
                str(row["material"]),
                float(row["tonnes"]) / 1000,
                {name: float(row[column]) * self.metal[name] for name, column in grades.items()},
                {name: float(row[column]) for name, column in grades.items()},
            )
            for _, row in units.parcels.iterrows()
        ]
        self.kt = [sum(p.kt for p in self.parcels if p.unit == u) for u in range(len(self.names))]
        self.arcs = [(int(r["unit"]), int(r["needs"]), float(r["lag_years"])) for _, r in units.arcs.iterrows()]

    # --- columns -------------------------------------------------------------------------------------------------

    def _routes(self) -> None:
        """Which parcel may go where, and when."""
        self.routes = []
        for p, parcel in enumerate(self.parcels):
            for place, store in self.places:
                destination = self.mine.destinations[place]
                fits = parcel.material in destination.accepts
                if store and fits:
                    kept = destination.bins[store]
                    fits = parcel.material in kept.materials
                    fits &= all(parcel.raw[e] >= least - 1e-12 for e, least in kept.grade_from.items())
                    fits &= all(parcel.raw[e] < most for e, most in kept.grade_to.items())
                if fits:
                    self.routes.append((p, (place, store)))
        self.share = {
            name: self.mine.calendar.open_share(place.opens, place.closes)
            for name, place in self.mine.destinations.items()
        }

    def _add(self, key: Hashable, low: float = 0.0, high: float = np.inf) -> None:
        self.columns[key] = len(self.low)
        self.low.append(low)
        self.high.append(high)
        self.cash.append(0.0)

    def _variables(self) -> None:
        for t in range(self.T):
            for u in range(len(self.names)):
                self._add(("c", u, t), 0.0, 1.0)
                self._add(("w", u, t), 0.0, 1.0)
            for p, d in self.routes:
                self._add(("f", p, d, t), 0.0, 1.0 if self.share[d[0]][t] > 0 else 0.0)
            for k in self.bins:
                self._add(("s", k, t))
                for m in self.mine.stockpiles()[k[0]].feeds:
                    self._add(("y", k, m, t))
            for m, i in itertools.product(self.mills, self.facilities):
                self._add(("z", m, i, t))
            for n in self.mine.operating:
                self._add(("o", n, t), 0.0, 1.0)
            for x in self.mine.options:
                self._add(("e", x, t), 0.0, 1.0)
            for h in self.mine.phases if self.mine.limits.phases_active_max else ():
                self._add(("a", h, t), 0.0, 1.0)

    # --- money ---------------------------------------------------------------------------------------------------

    def value_of_metal(self, element: str) -> np.ndarray:
        """Thousands for a t of recovered metal, by period: products that carry it, by the book."""
        total = np.zeros(self.T)
        usd = by_period(self.mine.money.usd_per_currency, self.T)
        for product in self.mine.products.values():
            if product.element != element:
                continue
            price = by_period(product.price_usd_per_lb or 0.0, self.T) * POUNDS
            price = price + by_period(product.price_usd_per_oz or 0.0, self.T) * OUNCES
            refining = by_period(product.refining_usd_per_lb, self.T) * POUNDS
            refining = refining + by_period(product.refining_usd_per_oz, self.T) * OUNCES
            pay, shipped = product.payable_fraction, np.zeros(self.T)
            grade = product.concentrate_grade_pct
            if grade is not None:
                pay = min(pay, (grade - product.unit_deduction_pct) / grade)
                wet = by_period(product.freight_usd_per_wmt, self.T) / (1 - product.moisture_fraction)
                shipped = (by_period(product.treatment_usd_per_dmt, self.T) + wet) / (grade / 100)
            total += (pay * (price - refining) - shipped) / usd
            total += POUNDS * by_period(product.by_product_credit_per_lb, self.T)
        return total / 1000

    def _discount(self) -> np.ndarray:
        calendar = self.mine.calendar
        when = self.starts + {"start": 0.0, "middle": 0.5, "end": 1.0}[calendar.discounting] * self.years
        valued = 0.0 if calendar.valuation_date is None else calendar.years_after_start(calendar.valuation_date)
        return (1 + calendar.discount_rate_per_year) ** (valued - when)

    def _earn(self, key: Hashable, amount: float) -> None:
        self.cash[self.columns[key]] += amount

    def _money(self) -> None:
        D, mine = self._discount(), self.mine
        value = {e: self.value_of_metal(e) for e in mine.elements}
        costs = mine.costs
        top = max(self.bench) if costs.haulage_reference_bench is None else costs.haulage_reference_bench
        dig, deeper = by_period(costs.mining_per_t, self.T), by_period(costs.haulage_per_t_per_bench, self.T)
        for t in range(self.T):
            for p, d in self.routes:
                parcel, place = self.parcels[p], mine.destinations[d[0]]
                per_t = dig[t] + mine.materials[parcel.material].extra_mining_cost_per_t
                per_t += max(0, top - self.bench[parcel.unit]) * deeper[t]
                per_t += by_period(place.haulage_cost_per_t, self.T)[t]
                cash = -per_t * parcel.kt
                if d[0] in self.mills:
                    cash -= by_period(place.cost_per_t, self.T)[t] * parcel.kt
                    cash += sum(self._recovered(p, d[0], e) * value[e][t] for e in mine.elements)
                self._earn(("f", p, d, t), D[t] * cash)
            for k in self.bins:
                pile = mine.stockpiles()[k[0]]
                for m in pile.feeds:
                    cash = -by_period(pile.reclaim_cost_per_t, self.T)[t]
                    cash -= by_period(mine.mills()[m].cost_per_t, self.T)[t]
                    cash += sum(self._reclaim_recovered(k, e) * value[e][t] for e in mine.elements)
                    self._earn(("y", k, m, t), D[t] * cash)
            for n, operation in mine.operating.items():
                fixed = by_period(operation.fixed_cost_per_year, self.T)[t] * self.years[t]
                self._earn(("o", n, t), -D[t] * (fixed + operation.closure_cost) / 1000)
                if t:
                    self._earn(("o", n, t), D[t - 1] * operation.closure_cost / 1000)
            for x, option in mine.options.items():
                self._earn(("e", x, t), -D[t] * option.cost / 1000)
                if t:
                    self._earn(("e", x, t - 1), D[t] * option.cost / 1000)
            for item in mine.capital:
                when = mine.calendar.years_after_start(item.date)
                if self.starts[t] - CLOSE <= when < self.ends[t] - CLOSE:
                    self.constant -= D[t] * item.amount / 1000

    def _recovered(self, p: int, mill: str, element: str) -> float:
        parcel = self.parcels[p]
        recovery = self.mine.mills()[mill].recovery.get(element, {}).get(parcel.material, 0.0)
        return 1000 * parcel.kt * parcel.grade[element] * recovery

    def _reclaim_metal(self, k: tuple[str, str], element: str) -> float:
        """T of metal in a kt reclaimed."""
        return 1000 * self.mine.stockpiles()[k[0]].bins[k[1]].leaves_at.get(element, 0.0) * self.metal[element]

    def _reclaim_recovered(self, k: tuple[str, str], element: str) -> float:
        return self._reclaim_metal(k, element) * self.mine.stockpiles()[k[0]].bins[k[1]].recovery.get(element, 0.0)

    # --- sums ----------------------------------------------------------------------------------------------------

    def _row(self, terms: Terms, low: float, high: float) -> None:
        self.rows.append(({key: value for key, value in terms.items() if value}, low, high))

    def _sent(self, t: int, weigh, chosen=lambda _p, _d: True) -> Terms:
        return {("f", p, d, t): weigh(p) for p, d in self.routes if chosen(p, d)}

    def _kt(self, p: int) -> float:
        return self.parcels[p].kt

    def _moved(self, t: int, sign: float = 1.0) -> Terms:
        return self._sent(t, lambda p: sign * self._kt(p))

    def _fed(self, mill: str, t: int) -> Terms:
        direct = self._sent(t, self._kt, lambda _, d: d[0] == mill)
        return direct | {("y", k, m, t): 1.0 for k in self.bins for m in self._feeds(k) if m == mill}

    def _feeds(self, k: tuple[str, str]) -> tuple[str, ...]:
        return self.mine.stockpiles()[k[0]].feeds

    def _options_of(self, widens: str, t: int, sign: float = -1.0) -> Terms:
        """Capacity bought early enough to serve in ``t``."""
        terms: Terms = {}
        for x, option in self.mine.options.items():
            in_time = [s for s in range(self.T) if self.starts[s] + option.lead_years <= self.starts[t] + CLOSE]
            if option.widens == widens and in_time:
                kt = (option.adds_t_per_day or 0.0) * 365 / 1000 + 1000 * (option.adds_mt_per_year or 0.0)
                terms[("e", x, max(in_time))] = sign * kt * self.years[t]
        return terms

    def _most(self, value: object, t: int, per_year: float) -> float:
        return np.inf if value is None else float(by_period(value, self.T)[t]) * per_year * self.years[t]
