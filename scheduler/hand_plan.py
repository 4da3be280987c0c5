"""The rule by which a plan is drawn up by hand: what is mined next, and how much of it in a period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduler.hand_period import NOTHING, Draft, Step
from scheduler.hand_rules import NOTHING_KT, Classes, Usage
from scheduler.problem import Array, Index, Mask, Problem


@dataclass(frozen=True)
class Rule:
    """How a plan is drawn up.

    Attributes:
        rate: movement aimed at, as a multiple of what keeps the strip ratio of the rest of the pit even.
        patience: share of the ore needed a tonne moved below which a face is left for the richest one open; 0 keeps the
            hand order whatever it brings.
        design: ``(U,)`` units that are mined; the others are left.
    """

    rate: float
    patience: float
    design: Mask


@dataclass(frozen=True)
class Groundwork:
    """What every plan drawn up for a problem shares; see :mod:`scheduler.hand_rules`."""

    problem: Problem
    chosen: Classes
    use: Usage
    first: list[list[int]]
    rank: Index


class HandPlan:
    """Draws up one plan by one rule."""

    def __init__(self, ground: Groundwork, rule: Rule) -> None:
        problem = ground.problem
        self.problem, self.chosen, self.rank, self.rule = problem, ground.chosen, ground.rank, rule
        self.design = rule.design
        self.draft = Draft(problem, ground.use, ground.first)
        self.needs: list[list[tuple[int, int]]] = [[] for _ in problem.unit_names]
        self.followers: list[list[int]] = [[] for _ in problem.unit_names]
        self.waits = np.zeros(len(problem.unit_names), dtype=np.int64)
        for arc, (unit, needed) in enumerate(problem.arcs.tolist()):
            self.needs[unit].append((arc, needed))
            self.followers[needed].append(unit)
            self.waits[unit] += 1
        self.direct_share = ground.chosen.direct_kt / problem.unit_kt
        low = np.flatnonzero(ground.chosen.low)
        self.low = low[np.argsort(-self._worth()[low], kind="stable")].tolist()
        self.open = {u for u in np.flatnonzero(self.waits == 0).tolist() if self.design[u]}

    def _worth(self) -> Array:
        """Best cash of a kt of each parcel in a mill, on average over the periods."""
        problem = self.problem
        worth = np.full(len(problem.parcel_names), -np.inf)
        mills = problem.route_kind("mill")
        np.maximum.at(worth, problem.route_parcel[mills], (problem.route_cash.mean(axis=1) / problem.route_kt)[mills])
        return worth

    def mined_out(self) -> bool:
        """Whether all that was meant to be mined is."""
        return not bool((self.draft.left[self.design] > NOTHING).any())

    def draw_up(self) -> Draft:
        """The plan, every period planned."""
        for period in range(self.problem.periods):
            self.draft.begin(period)
            if self.draft.left[self.design].any():
                self._mine()
            self.draft.mill_fresh(self.low)
            self.draft.reclaim()
            self.draft.end()
        return self.draft

    def _mine(self) -> None:
        """Mines in the period: with ratios still to be won back, then, should they not be, back to where they hold."""
        target = self._target()
        steps = self._dig(target, strict=False)
        if self.draft.owes() > NOTHING_KT:
            self.draft.give_back(steps, self.followers)
            self._reopen()
            self._dig(target, strict=True)

    def _target(self) -> float:
        """Kt to be moved: what fills the mill at the strip ratio of all that is left, times the rate."""
        left = self.draft.left * self.design
        ore = float(left @ self.chosen.direct_kt)
        if ore <= NOTHING_KT:
            return np.inf
        return self.rule.rate * self._mill_room() * float(left @ self.problem.unit_kt) / ore

    def _mill_room(self) -> float:
        """Kt that the mills can still take in the period."""
        room, problem = self.draft.room, self.problem
        mills = sum(room.get(f"inflow {name}", np.inf) for name in problem.mills())
        tailings = np.inf
        if "tailings" in room:
            ratios = [ratio for ratio in problem.tailings_ratio.values() if ratio > 0]
            tailings = room["tailings"] / max(ratios) if ratios else np.inf
        return max(min(room.get("milling", np.inf), float(mills), tailings), 0.0)

    def _dig(self, target: float, *, strict: bool) -> list[Step]:
        """Mines step by step until the mill is full and the target reached, or nothing more fits."""
        steps: list[Step] = []
        blocked: set[int] = set()
        draft, kt = self.draft, self.problem.unit_kt
        while True:
            moved = float(kt @ draft.mined[:, draft.period])
            faces = self._faces(blocked)
            room = self._mill_room()
            unit = self._next(faces, room, target - moved)
            if unit is None:
                return steps
            found = draft.advance(unit, self._most(unit, room, target - moved), strict=strict)
            steps += found
            if not found:
                blocked.add(unit)
            elif draft.left[unit] == 0.0:
                self._finish(unit)
            if found and strict:
                blocked.clear()

    def _faces(self, blocked: set[int]) -> list[int]:
        """Units that can be mined now, in hand order, in phases that may be worked."""
        problem, draft = self.problem, self.draft
        faces = [u for u in self.open - blocked if draft.ready(self.needs[u])]
        if problem.phases_active_most is not None:
            begun = set(problem.unit_phase[draft.left < 1.0].tolist())
            active = begun & set(problem.unit_phase[draft.left > 0.0].tolist())
            active |= set(problem.unit_phase[draft.mined[:, draft.period] > 0].tolist())
            if len(active) >= problem.phases_active_most:
                faces = [u for u in faces if int(problem.unit_phase[u]) in active]
        return sorted(faces, key=lambda u: int(self.rank[u]))

    def _next(self, faces: list[int], room: float, target_left: float) -> int | None:
        """The face to mine next: the first in hand order, unless it brings too little ore, or too much."""
        if not faces:
            return None
        if room > NOTHING_KT:
            lead = faces[0]
            need = min(room / max(min(target_left, self.draft.room.get("mining", np.inf)), NOTHING_KT), 1.0)
            if self.direct_share[lead] >= self.rule.patience * need:
                return lead
            richest = max(faces, key=lambda u: (self.direct_share[u], -self.rank[u]))
            return richest if self.direct_share[richest] >= need else lead
        if target_left <= NOTHING_KT:
            return None
        left = self.draft.left * self.design
        mean = float(left @ self.chosen.direct_kt) / float(left @ self.problem.unit_kt)
        return next((u for u in faces if self.direct_share[u] <= mean), None)

    def _most(self, unit: int, room: float, target_left: float) -> float:
        """Largest fraction of a unit to mine at a time: its direct ore fills the mill, or the target is reached."""
        if self.problem.whole:
            return 1.0
        if room > NOTHING_KT:
            direct = float(self.chosen.direct_kt[unit])
            return min(1.0, room / direct) if direct > 0 else 1.0
        return min(1.0, target_left / float(self.problem.unit_kt[unit]))

    def _finish(self, unit: int) -> None:
        self.open.discard(unit)
        for follower in self.followers[unit]:
            self.waits[follower] -= 1
            if self.waits[follower] == 0 and self.design[follower]:
                self.open.add(follower)

    def _reopen(self) -> None:
        """Finds the open faces again after steps were taken back."""
        left = self.draft.left
        self.waits = np.asarray([sum(bool(left[v] > 0) for _, v in needs) for needs in self.needs], dtype=np.int64)
        free = (self.waits == 0) & (left > NOTHING) & self.design
        self.open = set(np.flatnonzero(free).tolist())
