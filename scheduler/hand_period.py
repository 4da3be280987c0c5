"""A plan drawn up by hand, period by period: what room there is, and what is taken of it step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scheduler.hand_rules import NOTHING_KT, Usage, Uses
from scheduler.problem import Array, Problem

NOTHING = 1e-9
"""Less of a unit than this counts as none."""

RATIOS = ("strip", "strip_cumulative")
"""Resources that what is mined later in a period can win back."""


@dataclass(frozen=True)
class Step:
    """A part of a unit mined: which, how much of it, and the route of each parcel."""

    unit: int
    share: float
    routes: tuple[int, ...]


class Draft:
    """A plan under construction: what is done so far, and the room left in the period being planned.

    Attributes:
        mined: ``(U, T)`` fraction of each unit mined in each period.
        sent: ``(R, T)`` share of its parcel sent along each route.
        reclaimed: ``(J, T)`` kt.
        placed: ``(mills, facilities, T)`` new tailings, kt.
        left: ``(U,)`` fraction still to be mined.
        finished_in: ``(U,)`` period in which a unit was finished, T where it is not.
        stock: ``(places,)`` kt in each bin now.
        room: what is left in the present period by resource; resources without an entry are not limited.
    """

    def __init__(self, problem: Problem, use: Usage, first: list[list[int]]) -> None:
        units, periods = len(problem.unit_names), problem.periods
        self.problem, self.use, self.first = problem, use, first
        self.mined = np.zeros((units, periods))
        self.sent = np.zeros((len(problem.route_place), periods))
        self.reclaimed = np.zeros((len(problem.reclaim_place), periods))
        self.placed = np.zeros((len(problem.mills()), len(problem.tailings_most), periods))
        self.left = np.ones(units)
        self.finished_in = np.full(units, periods, dtype=np.int64)
        self.stock = problem.opening_kt.copy()
        self.metal = np.asarray([row.opening for row in problem.quality])
        self.storage = dict(problem.storage_kt)
        self.parcels: list[list[int]] = [[] for _ in range(units)]
        for parcel, unit in enumerate(problem.parcel_unit.tolist()):
            self.parcels[unit].append(parcel)
        self.waste_and_ore = (0.0, 0.0)
        self.room: Uses = {}
        self.period = -1

    # ------------------------------------------------------------ room

    def begin(self, period: int) -> None:
        """Turns to the next period and measures its room."""
        problem, t = self.problem, period
        self.period = t
        room: Uses = {"milling": float(problem.milling.upper[t]), "rehandle": float(problem.rehandle.upper[t])}
        room["mining"] = self._mining_room()
        for h in range(len(problem.phases)):
            room[f"phase {h}"] = float(problem.phase_most[h, t])
            room[f"benches {h}"] = float(problem.benches_most[h, t])
        room |= {f"inflow {name}": float(most[t]) for name, most in problem.inflow_most.items()}
        room |= {f"reclaim {name}": float(most[t]) for name, most in problem.reclaim_most.items()}
        for name, most in problem.stock_most.items():
            inside = sum(self.stock[k] for k in problem.bins() if problem.places[k].name == name)
            room[f"stock {name}"] = float(most[t]) - float(inside)
        room |= {f"quality {n}": self.metal[n] for n, row in enumerate(problem.quality) if row.out <= 0}
        room |= {f"metal {name}": float(limits.upper[t]) for name, limits in problem.metal.items()}
        room |= self._storage_room(room["milling"])
        self.room = {name: max(value, 0.0) for name, value in room.items() if np.isfinite(value)}
        self.room |= self._balances()

    def _mining_room(self) -> float:
        most = float(self.problem.mining.upper[self.period])
        change = self.problem.movement_change_kt
        if change is None or self.period == 0:
            return most
        return min(most, float(self.problem.unit_kt @ self.mined[:, self.period - 1]) + change)

    def _storage_room(self, milling: float) -> Uses:
        """Room for material from the pit, what this period's tailings need set aside, and room for tailings. Kt."""
        problem = self.problem
        free = {n: min(float(most[self.period]), self.storage[n]) for n, most in problem.tailings_most.items()}
        ratio = max(problem.tailings_ratio.values(), default=0.0)
        wanted = ratio * milling if ratio > 0 else 0.0
        room: Uses = {}
        for name, left in self.storage.items():
            elsewhere = sum(kt for other, kt in free.items() if other != name)
            aside = min(max(wanted - elsewhere, 0.0), free[name]) if name in free else 0.0
            room[f"storage {name}"] = left - aside
        if problem.tailings_most:
            room["tailings"] = sum(free.values())
        return room

    def _balances(self) -> Uses:
        """What stands to the good of limits on ratios: it falls and rises with what is mined and milled."""
        problem, t = self.problem, self.period
        waste, ore = self.waste_and_ore
        room: Uses = {}
        if np.isfinite(problem.strip.upper[t]):
            room["strip"] = 0.0
        if np.isfinite(problem.strip_cumulative.upper[t]):
            room["strip_cumulative"] = float(problem.strip_cumulative.upper[t]) * ore - waste
        for name, limits in problem.head_grade.items():
            if np.isfinite(limits.upper[t]):
                room[f"grade_most {name}"] = 0.0
            if np.isfinite(limits.lower[t]):
                room[f"grade_least {name}"] = 0.0
        return room

    def _limited(self, uses: Uses) -> Uses:
        """The uses of limited resources, with those of ratios worked out for this period."""
        problem, t = self.problem, self.period
        found = {name: amount for name, amount in uses.items() if name in self.room}
        for name, limits in (("strip", problem.strip), ("strip_cumulative", problem.strip_cumulative)):
            if name in self.room:
                found[name] = uses.get("waste", 0.0) - float(limits.upper[t]) * uses.get("ore", 0.0)
        milled = uses.get("milling", 0.0)
        for element, grade in problem.head_grade.items():
            contained = uses.get(f"contained {element}")
            if contained is None:
                continue
            if milled and f"grade_most {element}" in self.room:
                found[f"grade_most {element}"] = contained - float(grade.upper[t]) * milled
            if milled and f"grade_least {element}" in self.room:
                found[f"grade_least {element}"] = float(grade.lower[t]) * milled - contained
        return found

    def _most(self, uses: Uses, ignored: tuple[str, ...] = ()) -> float:
        """How many times the uses fit in the room."""
        return min(
            (
                max(self.room[name], 0.0) / amount
                for name, amount in uses.items()
                if amount > NOTHING and name not in ignored
            ),
            default=np.inf,
        )

    def _take(self, uses: Uses, times: float) -> None:
        for name, amount in uses.items():
            self.room[name] -= amount * times

    # ------------------------------------------------------------ mining

    def ready(self, needs: list[tuple[int, int]]) -> bool:
        """Whether all that a unit needs, ``(arc, needed)``, is finished, lags included."""
        since = self.problem.arc_from[:, self.period]
        return all(self.finished_in[needed] <= since[arc] for arc, needed in needs)

    def advance(self, unit: int, most: float, *, strict: bool) -> list[Step]:
        """Mines up to a fraction of a unit as far as there is room; whole units wholly or not at all.

        Args:
            unit: which.
            most: largest fraction.
            strict: whether ratios have to hold at once, or may be won back later in the period.
        """
        steps: list[Step] = []
        wanted = min(most, self.left[unit])
        ignored = () if strict else RATIOS
        while wanted > NOTHING:
            routes = [self._route(parcel) for parcel in self.parcels[unit]]
            if any(route < 0 for route in routes):
                break
            uses = self._limited(self._uses(unit, routes))
            share = min(wanted, self._most(uses, ignored))
            if share <= NOTHING:
                break
            steps.append(Step(unit, share, tuple(routes)))
            self._apply(steps[-1], 1.0)
            wanted -= share
        if self.problem.whole and wanted > NOTHING:
            for step in reversed(steps):
                self.undo(step, 1.0)
            return []
        return steps

    def _route(self, parcel: int) -> int:
        for route in self.first[parcel]:
            if not self.problem.route_open[route, self.period]:
                continue
            uses = self._limited(self.use.route[route])
            kt = float(self.problem.parcel_kt[parcel])
            if self._most(uses, RATIOS) > min(NOTHING_KT, NOTHING * kt):
                return route
        return -1

    def _uses(self, unit: int, routes: list[int]) -> Uses:
        uses = dict(self.use.unit[unit])
        for route in routes:
            kt = float(self.problem.route_kt[route])
            for name, amount in self.use.route[route].items():
                uses[name] = uses.get(name, 0.0) + kt * amount
        return uses

    def _apply(self, step: Step, part: float) -> None:
        share = step.share * part
        self._take(self._limited(self._uses(step.unit, list(step.routes))), share)
        self.mined[step.unit, self.period] += share
        self.sent[list(step.routes), self.period] += share
        self.left[step.unit] -= share
        if self.left[step.unit] <= NOTHING:
            self.left[step.unit] = 0.0
            self.finished_in[step.unit] = self.period
        else:
            self.finished_in[step.unit] = self.problem.periods

    def undo(self, step: Step, part: float) -> None:
        """Takes back a part of a step."""
        self._apply(step, -part)

    def owes(self) -> float:
        """By how much the ratios of this period are exceeded so far, kt; 0 where they hold."""
        return max(-self.room.get("strip", 0.0), -self.room.get("strip_cumulative", 0.0), 0.0)

    def give_back(self, steps: list[Step], followers: list[list[int]]) -> None:
        """Takes steps back until the ratios hold, in part where that is enough, unless units are mined whole.

        First what uncovers nothing mined so far and brings more waste than its ore allows, the last such step first;
        where that is not enough, the last steps whatever they are.

        Args:
            steps: of this period; those taken back are taken out.
            followers: units that need each unit.
        """
        number = len(steps) - 1
        while number >= 0 and self.owes() > NOTHING_KT:
            step = steps[number]
            uncovers = any(self.left[u] < 1.0 for u in followers[step.unit])
            if not uncovers and self._part_to_undo(step) > 0:
                self._take_back(steps, number)
                number = len(steps)
            number -= 1
        while steps and self.owes() > NOTHING_KT:
            self._take_back(steps, len(steps) - 1)

    def _take_back(self, steps: list[Step], number: int) -> None:
        step = steps.pop(number)
        part = self._part_to_undo(step)
        self.undo(step, part if 0 < part < 1 and not self.problem.whole else 1.0)

    def _part_to_undo(self, step: Step) -> float:
        """The part of a step that brings the ratios back; above 1 where all of it is not enough, 0 where none helps."""
        uses = self._limited(self._uses(step.unit, list(step.routes)))
        owed = [(name, uses[name] * step.share) for name in RATIOS if self.room.get(name, 0.0) < -NOTHING_KT]
        if not owed or any(brought <= 0 for _, brought in owed):
            return 0.0
        return max(-self.room[name] / brought for name, brought in owed) * (1 + NOTHING)

    # ------------------------------------------------------------ milling and the end of a period

    def mill_fresh(self, parcels: Iterable[int]) -> None:
        """Sends what was put on a stockpile in this period to a mill instead, as far as there is room."""
        t = self.period
        for parcel in parcels:
            kt = float(self.problem.parcel_kt[parcel])
            open_routes = [r for r in self.first[parcel] if self.problem.route_open[r, t]]
            bins = [r for r in open_routes if self._kind(r) == "stockpile" and self.sent[r, t] > 0]
            for route in [r for r in open_routes if self._kind(r) == "mill"]:
                for other in bins:
                    uses = self._limited(self.use.route[route])
                    for name, amount in self._limited(self.use.route[other]).items():
                        uses[name] = uses.get(name, 0.0) - amount
                    share = min(float(self.sent[other, t]), self._most(uses) / kt)
                    if share > NOTHING:
                        self._take(uses, share * kt)
                        self.sent[other, t] -= share
                        self.sent[route, t] += share

    def _kind(self, route: int) -> str:
        return self.problem.places[int(self.problem.route_place[route])].kind

    def reclaim(self) -> None:
        """Fills the mills from what lay on the stockpiles when the period began, the best paid first."""
        problem, t = self.problem, self.period
        lay = self.stock.copy()
        cash = problem.reclaim_cash[:, t]
        for j in np.argsort(-cash, kind="stable").tolist():
            if cash[j] <= 0:
                break
            place = int(problem.reclaim_place[j])
            uses = self._limited(self.use.reclaim[j])
            kt = min(self._most(uses), float(lay[place]), self._metal_room(place))
            if kt > NOTHING_KT:
                self._take(uses, kt)
                self.reclaimed[j, t] += kt
                lay[place] -= kt
                for number, row in enumerate(problem.quality):
                    if row.place == place:
                        self.metal[number] -= row.out * kt

    def _metal_room(self, place: int) -> float:
        rows = [(n, row) for n, row in enumerate(self.problem.quality) if row.place == place and row.out > 0]
        return min((max(self.metal[n], 0.0) / row.out for n, row in rows), default=np.inf)

    def end(self) -> None:
        """Closes the period: tailings are placed, stock, room and sums carried forward."""
        problem, t = self.problem, self.period
        kt = problem.route_kt * self.sent[:, t]
        self._place_tailings(kt)
        came = np.bincount(problem.route_place, weights=kt, minlength=len(problem.places))
        left = np.bincount(problem.reclaim_place, weights=self.reclaimed[:, t], minlength=len(problem.places))
        bins = problem.bins()
        self.stock[bins] = np.maximum(self.stock[bins] + came[bins] - left[bins], 0.0)
        for number, row in enumerate(problem.quality):
            self.metal[number] += float(row.into @ self.sent[row.routes, t])
        ore = float(kt[problem.route_kind("mill", "stockpile")].sum())
        waste, before = self.waste_and_ore
        self.waste_and_ore = (waste + float(kt.sum()) - ore, before + ore)
        for name in problem.storage_kt:
            self.storage[name] -= float(kt[problem.route_to(name)].sum())

    def _place_tailings(self, kt: Array) -> None:
        """New tailings go first where no material from the pit is taken."""
        problem, t = self.problem, self.period
        if not problem.tailings_most:
            return
        names = list(problem.tailings_most)
        order = sorted(range(len(names)), key=lambda i: bool(problem.route_to(names[i]).any()))
        free = {i: min(float(problem.tailings_most[names[i]][t]), self.storage[names[i]]) for i in order}
        for m, mill in enumerate(problem.mills()):
            fed = float(kt[problem.route_to(mill)].sum() + self.reclaimed[problem.reclaim_to(mill), t].sum())
            rest = problem.tailings_ratio[mill] * fed
            for number, i in enumerate(order):
                put = rest if number == len(order) - 1 else min(rest, max(free[i], 0.0))
                self.placed[m, i, t] = put
                free[i] -= put
                self.storage[names[i]] -= put
                rest -= put
