"""The problem of ``docs/model.md`` once more, for tests: written from an instance alone, solved plan by plan.

Nothing of the engine is used: no problem arrays, no formulation, no valuation, no HiGHS adapter. Kilotonnes and
thousands. Openings within a period count capacity without what options add.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from instances.geometry.units import Units
from instances.instance import Instance
from instances.schema.base import by_period
from tests.scheduler.formulation.reference_columns import CLOSE, Columns, Terms


class Reference(Columns):
    """Columns and rows of the whole problem; ``best`` enumerates what is integer and solves the rest."""

    def __init__(self, instance: Instance, units: Units) -> None:
        super().__init__(instance, units)
        self._order()
        self._extraction()
        self._capacity()
        self._openings()
        self._stock()
        self._tailings()
        self._quality_of_feed()
        self._strip()
        self._phase_rows()
        self._operating_and_options()

    def _order(self) -> None:
        for u, t in itertools.product(range(len(self.names)), range(self.T)):
            self._row({("c", u, t): 1.0, ("w", u, t): -1.0}, 0.0, 0.0 if self.whole else np.inf)
            if t:
                self._row({("c", u, t): 1.0, ("c", u, t - 1): -1.0}, 0.0, np.inf)
        for v, u, lag in self.arcs:
            for t in range(self.T):
                s = self._since(lag, t)
                needed = {} if s is None else {("w", u, s): -1.0}
                self._row({("c", v, t): 1.0} | needed, -np.inf, 0.0)

    def _since(self, lag: float, t: int) -> int | None:
        """Last period that ends at least the lag before the end of ``t``."""
        early = [s for s in range(self.T) if self.ends[s] + lag <= self.ends[t] + CLOSE]
        return max(early) if early else None

    def _extraction(self) -> None:
        for p, parcel in enumerate(self.parcels):
            for t in range(self.T):
                terms = self._sent(t, lambda _: 1.0, lambda q, _, p=p: q == p)
                terms[("c", parcel.unit, t)] = -1.0
                if t:
                    terms[("c", parcel.unit, t - 1)] = 1.0
                self._row(terms, 0.0, 0.0)

    def _capacity(self) -> None:
        limits = self.mine.limits
        for t in range(self.T):
            moved = self._moved(t)
            self._row(moved | self._options_of("mining", t), -np.inf, self._most(limits.mining_mt_per_year, t, 1000))
            if limits.mining_min_mt_per_year is not None:
                self._row(moved, self._most(limits.mining_min_mt_per_year, t, 1000), np.inf)
            fed = {key: value for m in self.mills for key, value in self._fed(m, t).items()}
            self._row(fed | self._options_of("mill", t), -np.inf, self._most(limits.mill_t_per_day, t, 0.365))
            if limits.mill_min_t_per_day is not None:
                self._row(fed, self._most(limits.mill_min_t_per_day, t, 0.365), np.inf)
            twice = self._sent(t, self._kt, lambda p, _: self.mine.materials[self.parcels[p].material].kind == "fill")
            twice |= {("y", k, m, t): 1.0 for k in self.bins for m in self._feeds(k)}
            most = self._most(limits.rehandle_mt_per_year, t, 1000)
            self._row(twice | self._options_of("rehandle", t), -np.inf, most)
            if limits.movement_change_max_mt is not None and t:
                most = 1000 * limits.movement_change_max_mt
                self._row(moved | self._moved(t - 1, -1.0), -most, most)

    def _openings(self) -> None:
        """Own capacity, or that of the mine (without options) in the share of the period in which it is open."""
        limits = self.mine.limits
        for t in range(self.T):
            mining, milling = self._most(limits.mining_mt_per_year, t, 1e3), self._most(limits.mill_t_per_day, t, 0.365)
            for name, place in self.mine.destinations.items():
                share = float(self.share[name][t])
                own = self._most(place.capacity_mt_per_year, t, 1000)
                if share < 1 and np.isinf(own):
                    own = milling if name in self.mills else mining
                got = self._sent(t, self._kt, lambda _, d, name=name: d[0] == name)
                got = self._fed(name, t) if name in self.mills else got
                self._row(got, -np.inf, 0.0 if share == 0 else share * own)
            for name, phase in self.mine.phases.items():
                share = float(self.mine.calendar.open_share(phase.release, None)[t])
                mined = self._sent(t, self._kt, lambda p, _, name=name: self.phase[self.parcels[p].unit] == name)
                if share < 1:
                    self._row(mined, -np.inf, 0.0 if share == 0 else share * mining)

    def _stock(self) -> None:
        for name, pile in self.mine.stockpiles().items():
            mine = [k for k in self.bins if k[0] == name]
            for t in range(self.T):
                for k in mine:
                    self._bin_in(k, t)
                if pile.capacity_mt is not None:
                    most = 1000 * by_period(pile.capacity_mt, self.T)[t]
                    self._row({("s", k, t): 1.0 for k in mine}, -np.inf, most)
                rate = self._most(pile.reclaim_mt_per_year, t, 1000)
                self._row({("y", k, m, t): 1.0 for k in mine for m in pile.feeds}, -np.inf, rate)
            for k, element in itertools.product(mine, self.mine.elements):
                (self._average if pile.model == "average" else self._metal_out)(k, element)

    def _bin_in(self, k: tuple[str, str], t: int) -> None:
        opening = 1000 * self.mine.stockpiles()[k[0]].bins[k[1]].opening_mt
        before: Terms = {("s", k, t - 1): -1.0} if t else {}
        first = 0.0 if t else opening
        out: Terms = {("y", k, m, t): 1.0 for m in self._feeds(k)}
        came = self._sent(t, lambda p: -self._kt(p), lambda _, d: d == k)
        self._row({("s", k, t): 1.0} | before | came | out, first, first)
        self._row(out | before, -np.inf, first)

    def _metal_out(self, k: tuple[str, str], element: str) -> None:
        store = self.mine.stockpiles()[k[0]].bins[k[1]]
        opening = 1e6 * store.opening_mt * store.opening_grade.get(element, 0.0) * self.metal[element]
        for t in range(self.T):
            terms: Terms = {}
            for r in range(t + 1):
                terms |= {("y", k, m, r): self._reclaim_metal(k, element) for m in self._feeds(k)}
                if r < t:
                    terms |= self._sent(
                        r, lambda p: -1000 * self._kt(p) * self.parcels[p].grade[element], lambda _, d: d == k
                    )
            self._row(terms, -np.inf, opening)

    def _average(self, k: tuple[str, str], element: str) -> None:
        store = self.mine.stockpiles()[k[0]].bins[k[1]]
        leaves = store.leaves_at.get(element, 0.0) * self.metal[element]
        opening = 1e6 * store.opening_mt * (store.opening_grade.get(element, 0.0) * self.metal[element] - leaves)
        for last in range(self.T + 1):
            terms: Terms = {}
            for r in range(last):
                terms |= self._sent(
                    r, lambda p: 1000 * self._kt(p) * (self.parcels[p].grade[element] - leaves), lambda _, d: d == k
                )
            if last or store.opening_mt > 0:
                self._row(terms, -opening, np.inf)

    def _tailings(self) -> None:
        ratio = {m: mill.tailings_t_per_t for m, mill in self.mine.mills().items()}
        for t in range(self.T):
            for m in self.mills if self.facilities else ():
                terms = {key: -ratio[m] * value for key, value in self._fed(m, t).items()}
                self._row(terms | {("z", m, i, t): 1.0 for i in self.facilities}, 0.0, 0.0)
            for i in self.facilities:
                share = float(self.share[i][t])
                if share < 1:
                    most = self._most(self.mine.limits.mill_t_per_day, t, 0.365) * max(ratio.values())
                    self._row({("z", m, i, t): 1.0 for m in self.mills}, -np.inf, 0.0 if share == 0 else share * most)
            for name, place in (self.mine.dumps() | self.mine.facilities()).items():
                if place.storage_mt is None:
                    continue
                taken: Terms = {}
                for r in range(t + 1):
                    taken |= self._sent(r, self._kt, lambda _, d, name=name: d[0] == name)
                    if name in self.facilities:
                        taken |= {("z", m, name, r): 1.0 for m in self.mills}
                self._row(taken, -np.inf, 1000 * place.storage_mt)

    def _quality_of_feed(self) -> None:
        limits = self.mine.limits
        for t in range(self.T):
            stock = [(k, m) for k in self.bins for m in self._feeds(k)]
            for name, limit in limits.head_grade.items():
                e = limit.element or name
                mills = limit.mills or tuple(self.mills)
                for value, low, high in ((limit.min, 0.0, np.inf), (limit.max, -np.inf, 0.0)):
                    if value is None:
                        continue
                    g = by_period(value, self.T)[t] * self.metal[e]
                    terms = self._sent(
                        t,
                        lambda p, e=e, g=g: 1000 * self._kt(p) * (self.parcels[p].grade[e] - g),
                        lambda _, d, mills=mills: d[0] in mills,
                    )
                    terms |= {("y", k, m, t): self._reclaim_metal(k, e) - 1000 * g for k, m in stock if m in mills}
                    self._row(terms, low, high)
            for e, limit in limits.metal.items():
                terms = {("f", p, d, t): self._recovered(p, d[0], e) for p, d in self.routes if d[0] in self.mills}
                terms |= {("y", k, m, t): self._reclaim_recovered(k, e) for k, m in stock}
                least = -np.inf if limit.min_t_per_year is None else self._most(limit.min_t_per_year, t, 1.0)
                self._row(terms, least, self._most(limit.max_t_per_year, t, 1.0))

    def _waste_less_ore(self, ratio: float, t: int) -> Terms:
        ore = {*self.mills, *self.mine.stockpiles()}
        return {("f", p, d, t): self._kt(p) * (-ratio if d[0] in ore else 1.0) for p, d in self.routes}

    def _strip(self) -> None:
        limits = self.mine.limits
        for value, low, high, to_date in (
            (limits.strip_ratio_max, -np.inf, 0.0, False),
            (limits.strip_ratio_min, 0.0, np.inf, False),
            (limits.strip_ratio_cumulative_max, -np.inf, 0.0, True),
            (limits.strip_ratio_cumulative_min, 0.0, np.inf, True),
        ):
            for t in range(self.T) if value is not None else ():
                ratio = float(by_period(value, self.T)[t])
                terms: Terms = {}
                for r in range(t + 1) if to_date else (t,):
                    terms |= self._waste_less_ore(ratio, r)
                self._row(terms, low, high)

    def _phase_rows(self) -> None:
        for (h, phase), t in itertools.product(self.mine.phases.items(), range(self.T)):
            inside = [u for u in range(len(self.names)) if self.phase[u] == h]
            if phase.max_benches_per_year is not None:
                turned: Terms = {}
                for u in inside:
                    bench = sum(self.kt[v] for v in inside if self.bench[v] == self.bench[u])
                    turned[("c", u, t)] = self.kt[u] / bench
                    if t:
                        turned[("c", u, t - 1)] = -self.kt[u] / bench
                self._row(turned, -np.inf, phase.max_benches_per_year * self.years[t])
            if self.mine.limits.phases_active_max:
                for u in inside:
                    before = {("c", u, t - 1): -1.0} if t else {}
                    self._row({("c", u, t): 1.0, ("a", h, t): -1.0} | before, -np.inf, 0.0)
                    for v in inside:
                        begun = {("c", u, t - 1): 1.0} if t else {}
                        self._row({("w", v, t): -1.0, ("a", h, t): -1.0} | begun, -np.inf, 0.0)
        if self.mine.limits.phases_active_max:
            for t in range(self.T):
                self._row({("a", h, t): 1.0 for h in self.mine.phases}, -np.inf, self.mine.limits.phases_active_max)

    def _operating_and_options(self) -> None:
        everything = sum(self.kt) + sum(
            1000 * p.opening_mt for s in self.mine.stockpiles().values() for p in s.bins.values()
        )
        for n, t in itertools.product(self.mine.operating, range(self.T)):
            used = self._moved(t) if n == "pit" else self._fed(n, t)
            self._row(used | {("o", n, t): -everything}, -np.inf, 0.0)
            if t:
                self._row({("o", n, t): 1.0, ("o", n, t - 1): -1.0}, -np.inf, 0.0)
        for x, t in itertools.product(self.mine.options, range(self.T)):
            earliest = self.mine.options[x].earliest
            if earliest and self.starts[t] < self.mine.calendar.years_after_start(earliest) - CLOSE:
                self.high[self.columns[("e", x, t)]] = 0.0
            if t:
                self._row({("e", x, t): 1.0, ("e", x, t - 1): -1.0}, 0.0, np.inf)

    # --- enumeration ---------------------------------------------------------------------------------------------

    def best(self) -> float | None:
        """Discounted cash of the best plan, thousands; ``None`` where there is no plan.

        Every assignment of the integers is visited. A group of them (what is finished when, the rest left open) is
        passed over only where the linear program with the rest free, so installations and options taken in
        fractions, is no better than the best so far.
        """
        self._matrices()
        found: float | None = None
        for finished in self._completions():
            bound = self._solve(finished)
            if bound is None or (found is not None and bound <= found):
                continue
            for rest in self._decisions(finished):
                value = self._solve(finished | rest)
                if value is not None and (found is None or value > found):
                    found = value
        return None if found is None else found + self.constant

    def relaxed(self) -> float | None:
        """Value with every integer left open."""
        self._matrices()
        value = self._solve({})
        return None if value is None else value + self.constant

    def _completions(self) -> Iterator[Terms]:
        """When each unit is finished, or never; those against the order of the arcs are left out."""
        counted = range(len(self.names))
        if not self.whole and not self.mine.limits.phases_active_max:
            counted = sorted({u for _, u, _ in self.arcs})
        for when in itertools.product(range(self.T + 1), repeat=len(counted)):
            of = dict(zip(counted, when, strict=True))
            if all(of[u] <= self._latest(lag, of[v]) for v, u, lag in self.arcs if of.get(v, self.T) < self.T):
                yield {("w", u, t): float(t >= first) for u, first in of.items() for t in range(self.T)}

    def _latest(self, lag: float, t: int) -> int:
        s = self._since(lag, t)
        return -1 if s is None else s

    def _decisions(self, finished: Terms) -> Iterator[Terms]:
        """How long each installation works, when each option is bought, from when each phase is active."""
        choices: list[list[Terms]] = []
        steps = range(self.T + 1)
        choices += [[{("o", n, t): float(t < end) for t in steps[:-1]} for end in steps] for n in self.mine.operating]
        since = [{t: float(t >= first) for t in steps[:-1]} for first in steps]
        choices += [[{("e", x, t): on for t, on in bought.items()} for bought in since] for x in self.mine.options]
        for h in self.mine.phases if self.mine.limits.phases_active_max else ():
            inside = [u for u in range(len(self.names)) if self.phase[u] == h]
            left = [all(finished[("w", u, t - 1)] for u in inside) if t else False for t in range(self.T)]
            choices.append(
                [{("a", h, t): float(t >= first and not left[t]) for t in range(self.T)} for first in range(self.T + 1)]
            )
        for chosen in itertools.product(*choices):
            yield {key: value for part in chosen for key, value in part.items()}

    def _matrices(self) -> None:
        number = len(self.columns)
        equal, at, upper, most = [], [], [], []
        for terms, low, high in self.rows:
            row = np.zeros(number)
            for key, value in terms.items():
                row[self.columns[key]] += value
            if low == high:
                equal.append(row)
                at.append(low)
                continue
            if np.isfinite(high):
                upper.append(row)
                most.append(high)
            if np.isfinite(low):
                upper.append(-row)
                most.append(-low)
        self.A_eq, self.b_eq = np.asarray(equal).reshape(-1, number), np.asarray(at)
        self.A_ub, self.b_ub = np.asarray(upper).reshape(-1, number), np.asarray(most)

    def _solve(self, fixed: Terms) -> float | None:
        bounds = np.column_stack([self.low, self.high])
        for key, value in fixed.items():
            column = self.columns[key]
            if not bounds[column, 0] <= value <= bounds[column, 1]:
                return None
            bounds[column] = value
        answer = linprog(-np.asarray(self.cash), self.A_ub, self.b_ub, self.A_eq, self.b_eq, bounds, method="highs")
        if answer.status == 2:
            return None
        assert answer.status == 0, answer.message
        return -float(answer.fun)
