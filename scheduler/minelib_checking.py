"""A MineLib schedule, ours or somebody else's, valued and checked by arithmetic alone.

Nothing here knows how a schedule was found: shares are added up and held against the rules of the problem. In
CPIT and PCPSP a block is mined whole and within one period, after or with the blocks it needs; in PCPSP it may be split
between destinations. With *partial integrality* a block may be mined over several periods and need not be finished, but
is begun only once the blocks it needs are finished, in the same period at the earliest: a problem of its own, whose
figures do not compare with those of the other.

A schedule that keeps every rule as it stands is taken so. Files hold shares rounded to some digits, though, so any
other is taken as its author meant it, snapped: shares within 1e-4 of nothing are nothing, and the shares of a block
that add up to within 1e-4 of one are scaled to one. Where blocks may be mined in part a share of 1e-4 is one, and only
what is within 1e-6 of nothing is nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from instances.findings import Finding, Words

if TYPE_CHECKING:
    from instances.minelib import Constrained, Limits, Precedence, ScheduleRows
    from instances.minelib.model import Floats, Integers

Mining = Literal["whole", "partial"]
WHOLE: Mining = "whole"
PARTIAL: Mining = "partial"
MINING = (WHOLE, PARTIAL)
SNAP = 1e-4
"""Largest difference of a share that counts as rounding."""
TOLERANCE = 1e-6
"""Limits are kept to within this part of the larger of limit and row activity; shares to within it."""
MOST_BREACHES = 200
"""Breaches of one rule that are told one by one."""


@dataclass(frozen=True, eq=False)
class CheckedSchedule:
    """What a schedule is worth and which rules it breaks.

    Attributes:
        mining: Whether blocks had to be mined whole.
        objective: Discounted value of the shares as taken, money.
        objective_raw: The same of the shares as given.
        earned: Discounted value of what earns, money: what errors of the objective are measured by.
        value_by_period: Discounted value of each period ``(T,)``; sums to ``objective``.
        use: Use of each resource in each period ``(R, T)``.
        blocks_mined: Blocks of which anything is mined.
        shares_snapped: Shares that snapping moved.
        largest_snap: The largest move of a share.
        findings: Rules broken by the shares as taken, a line each.
        findings_raw: Rules broken by the shares as given, rounding included, a line each.
    """

    mining: Mining
    objective: float
    objective_raw: float
    earned: float
    value_by_period: Floats
    use: Floats
    blocks_mined: int
    shares_snapped: int
    largest_snap: float
    findings: tuple[Finding, ...]
    findings_raw: tuple[Finding, ...]


def check_schedule(
    problem: Constrained, precedence: Precedence, schedule: ScheduleRows, mining: Mining = WHOLE
) -> CheckedSchedule:
    """Value and check a schedule whose indices are in range; shares of repeated rows are added up."""
    raw = _added_up(problem, schedule)
    broken = breaches(problem, precedence, raw, mining)
    taken = snap(raw, problem.n_blocks, mining) if broken else raw
    moves = np.abs(taken.share - raw.share)
    worth = _worth(problem, taken)
    return CheckedSchedule(
        mining=mining,
        objective=math.fsum(worth),
        objective_raw=math.fsum(_worth(problem, raw)),
        earned=math.fsum(np.maximum(worth, 0.0)),
        value_by_period=_sums(taken.period, worth, problem.n_periods),
        use=_resource_use(problem, taken)[0],
        blocks_mined=int(np.unique(taken.block[taken.share > 0.0]).size),
        shares_snapped=int((moves > 0.0).sum()),
        largest_snap=float(moves.max(initial=0.0)),
        findings=breaches(problem, precedence, taken, mining) if broken else (),
        findings_raw=broken,
    )


def exceeds(checked: CheckedSchedule, bound: float) -> bool:
    """Whether a schedule is worth more than a bound, beyond what limits kept within their tolerance may bring."""
    return checked.objective > bound + TOLERANCE * max(abs(bound), checked.earned, 1.0)


def snap(schedule: ScheduleRows, n_blocks: int, mining: Mining = WHOLE) -> ScheduleRows:
    """Shares within 1e-4 of 0 set to 0, and those of a block that add up to within 1e-4 of 1 scaled to 1.

    Where blocks may be mined in part, shares of 1e-6 and less alone are set to 0.
    """
    near = SNAP * (1.0 + 1e-9)
    nothing = near if mining == WHOLE else TOLERANCE
    share = np.where(np.abs(schedule.share) <= nothing, 0.0, schedule.share)
    total = _sums(schedule.block, share, n_blocks)
    factor = np.where(np.abs(total - 1.0) <= near, total, 1.0)
    return replace(schedule, share=share / factor[schedule.block])


def breaches(
    problem: Constrained, precedence: Precedence, schedule: ScheduleRows, mining: Mining = WHOLE
) -> tuple[Finding, ...]:
    """Every rule the shares break, as given: shares, destinations, precedence, resources, general rows."""
    whole = mining == WHOLE
    return (
        *_negative_shares(schedule),
        *(_share_breaches(problem, schedule) if whole else _over_breaches(problem, schedule)),
        *_destination_breaches(problem, schedule),
        *_precedence_breaches(problem, precedence, schedule, whole=whole),
        *_resource_breaches(problem, schedule),
        *_general_breaches(problem, schedule),
    )


def _added_up(problem: Constrained, schedule: ScheduleRows) -> ScheduleRows:
    """One row a block, period and destination, in that order."""
    shape = (problem.n_blocks, problem.n_periods, problem.n_destinations)
    key = np.ravel_multi_index((schedule.block, schedule.period, schedule.destination), shape)
    kept, place = np.unique(key, return_inverse=True)
    block, period, destination = (part.astype(np.int64) for part in np.unravel_index(kept, shape))
    share = _sums(place, schedule.share, kept.size)
    return type(schedule)(block=block, destination=destination, period=period, share=share)


def _worth(problem: Constrained, schedule: ScheduleRows) -> Floats:
    """Discounted value of every row ``(k,)``, money."""
    return problem.value[schedule.block, schedule.destination] * problem.discount()[schedule.period] * schedule.share


def _resource_use(problem: Constrained, schedule: ScheduleRows) -> tuple[Floats, Floats]:
    """Use ``(R, T)`` of each resource in each period, and the sum of its absolute terms ``(R, T)``."""
    used, shape = problem.resources, problem.resource_limits.lower.shape
    use, size = np.zeros(shape), np.zeros(shape)
    for resource in range(shape[0]):
        amount = np.zeros((problem.n_blocks, problem.n_destinations))
        mine = used.resource == resource
        amount[used.block[mine], used.destination[mine]] = used.amount[mine]
        terms = amount[schedule.block, schedule.destination] * schedule.share
        use[resource] = _sums(schedule.period, terms, shape[1])
        size[resource] = _sums(schedule.period, np.abs(terms), shape[1])
    return use, size


def _negative_shares(schedule: ScheduleRows) -> list[Finding]:
    """Shares below 0."""
    negative = np.flatnonzero(schedule.share < -TOLERANCE)
    found = [
        Finding(f"block {schedule.block[i]}", Words(f"given a share of {schedule.share[i]:g}"), "a share of 0 or more")
        for i in negative[:MOST_BREACHES]
    ]
    return [*found, *_more(negative, "shares below 0")]


def _over_breaches(problem: Constrained, schedule: ScheduleRows) -> list[Finding]:
    """Blocks of which more is mined than there is."""
    total = _sums(schedule.block, schedule.share, problem.n_blocks)
    over = np.flatnonzero(total > 1.0 + TOLERANCE)
    found = [
        Finding(f"block {i}", Words(f"mined to {total[i]:.9g} of it"), "all of it at most")
        for i in over[:MOST_BREACHES]
    ]
    return [*found, *_more(over, "blocks mined more than once")]


def _share_breaches(problem: Constrained, schedule: ScheduleRows) -> list[Finding]:
    """Blocks mined in part, and blocks mined in several periods."""
    total = _sums(schedule.block, schedule.share, problem.n_blocks)
    partial = np.flatnonzero((np.abs(total) > TOLERANCE) & (np.abs(total - 1.0) > TOLERANCE))
    found = [
        Finding(f"block {i}", Words(f"mined to {total[i]:.9g} of it"), "all of it or nothing")
        for i in partial[:MOST_BREACHES]
    ]
    there = schedule.share > TOLERANCE
    pairs = np.unique(schedule.block[there] * problem.n_periods + schedule.period[there])
    counts = np.bincount(pairs // problem.n_periods, minlength=problem.n_blocks)
    several = np.flatnonzero(counts > 1)
    spread = [
        Finding(f"block {i}", Words(f"mined in {counts[i]} periods"), "one period") for i in several[:MOST_BREACHES]
    ]
    return [
        *found,
        *_more(partial, "blocks mined in part"),
        *spread,
        *_more(several, "blocks mined in several periods"),
    ]


def _destination_breaches(problem: Constrained, schedule: ScheduleRows) -> list[Finding]:
    """Shares at destinations forbidden to their block."""
    barred = np.flatnonzero(
        problem.forbidden[schedule.block, schedule.destination] & (np.abs(schedule.share) > TOLERANCE)
    )
    found = [
        Finding(
            f"block {schedule.block[i]}",
            Words(f"sent to destination {schedule.destination[i]} in period {schedule.period[i]}"),
            "a destination that is not forbidden to it",
        )
        for i in barred[:MOST_BREACHES]
    ]
    return [*found, *_more(barred, "blocks sent where they may not go")]


def _precedence_breaches(
    problem: Constrained, precedence: Precedence, schedule: ScheduleRows, *, whole: bool
) -> list[Finding]:
    """Arcs whose block is ahead of the block it needs at the end of some period, each told once.

    Where blocks may be mined in part, a block is ahead that is begun while the one it needs is not finished.
    """
    mined = np.zeros(problem.n_blocks)
    told = np.zeros(precedence.block.size, np.bool_)
    found: list[Finding] = []
    order = np.argsort(schedule.period, kind="stable")
    ends = np.cumsum(np.bincount(schedule.period, minlength=problem.n_periods))
    for period, rows in enumerate(np.split(order, ends[:-1])):
        mined += _sums(schedule.block[rows], schedule.share[rows], problem.n_blocks)
        allowed = mined if whole else np.where(mined >= 1.0 - TOLERANCE, 1.0, 0.0)
        ahead = (mined[precedence.block] > allowed[precedence.needed] + TOLERANCE) & ~told
        told |= ahead
        for arc in np.flatnonzero(ahead)[: max(MOST_BREACHES - len(found), 0)]:
            block, needed = precedence.block[arc], precedence.needed[arc]
            found.append(
                Finding(
                    f"block {block}",
                    Words(f"mined to {mined[block]:.6g} of it by the end of period {period}"),
                    f"block {needed}, which it needs, {'mined as far' if whole else 'finished'} "
                    f"({mined[needed]:.6g} of it is)",
                )
            )
    return [*found, *_more(np.flatnonzero(told), "needs not met")]


def _resource_breaches(problem: Constrained, schedule: ScheduleRows) -> list[Finding]:
    """Resources used beyond their limits."""
    use, size = _resource_use(problem, schedule)
    names = [f"resource {r} in period {t}" for r, t in np.ndindex(use.shape)]
    return _limit_breaches(names, use.ravel(), size.ravel(), problem.resource_limits)


def _general_breaches(problem: Constrained, schedule: ScheduleRows) -> list[Finding]:
    """General rows outside their limits."""
    rows = problem.general_limits.lower.size
    if not rows:
        return []
    general = problem.general
    shape = (problem.n_blocks, problem.n_periods, problem.n_destinations)
    keys = np.ravel_multi_index((schedule.block, schedule.period, schedule.destination), shape)
    wanted = np.ravel_multi_index((general.block, general.period, general.destination), shape)
    if not keys.size:
        terms: Floats = np.zeros(wanted.size)
    else:
        order = np.argsort(keys)
        place = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), keys.size - 1)]
        terms = np.where(keys[place] == wanted, schedule.share[place], 0.0) * general.coefficient
    activity = _sums(general.row, terms, rows)
    size = _sums(general.row, np.abs(terms), rows)
    return _limit_breaches([f"general row {m}" for m in range(rows)], activity, size, problem.general_limits)


def _limit_breaches(names: list[str], activity: Floats, size: Floats, limits: Limits) -> list[Finding]:
    """Activities beyond their limits by more than the tolerance, which is relative to limit and row activity."""
    found, beyond = [], []
    for limit, sign, word in ((limits.upper.ravel(), 1.0, "at most"), (limits.lower.ravel(), -1.0, "at least")):
        excess = np.where(np.isfinite(limit), sign * (activity - limit), -np.inf)
        broken = np.flatnonzero(excess > TOLERANCE * np.maximum(np.abs(limit), size))
        beyond.append(broken)
        for i in broken[:MOST_BREACHES]:
            value = Words(f"{activity[i]:,.9g}, {excess[i]:,.4g} beyond its limit")
            found.append((i, Finding(names[i], value, f"{word} {limit[i]:,.12g}")))
    told = [finding for _, finding in sorted(found, key=lambda pair: pair[0])]
    return [*told[:MOST_BREACHES], *_more(np.concatenate(beyond), "limits not kept")]


def _sums(index: Integers, terms: Floats, size: int) -> Floats:
    """Terms added up by index ``(size,)``."""
    return np.asarray(np.bincount(index, terms, size), np.float64)


def _more(places: Integers, what: str) -> list[Finding]:
    """A last finding that counts those not told one by one."""
    rest = places.size - MOST_BREACHES
    return [Finding("and more", Words(f"{rest:,} more {what}"), "none")] if rest > 0 else []
