"""Capacity options: bought once, on or after their earliest period."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.formulation.context import Context, Expression, Family


def later_periods(context: Context) -> Iterator[tuple[int, int]]:
    """Every option and period but the first."""
    for number in range(len(context.problem.options)):
        for period in range(1, context.problem.periods):
            yield number, period


def bought_stays(context: Context, number: int, period: int) -> Expression:
    """What is bought stays: e_{x,t-1} <= e_xt."""
    return context.model.bought[number, period - 1] <= context.model.bought[number, period]


def too_early(context: Context) -> Iterator[tuple[int, int]]:
    """Options and the periods before their earliest."""
    for number, option in enumerate(context.problem.options):
        for period in range(min(option.earliest, context.problem.periods)):
            yield number, period


def not_yet(context: Context, number: int, period: int) -> Expression:
    """Nothing is bought before its time: e_xt = 0."""
    return context.model.bought[number, period] == 0


FAMILIES = (Family("bought_stays", later_periods, bought_stays), Family("bought_not_yet", too_early, not_yet))
