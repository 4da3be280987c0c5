"""Checks of stockpiles: their bins, the mills they feed, and the grades at which they take ore in and let it go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from instances.checking.names import known
from instances.findings import Finding, Words
from instances.schema import Mine
from instances.schema.destinations import Bin, Stockpile

Found = Iterator[Finding]


def stockpile_checks(mine: Mine) -> Found:
    """What is wrong with the stockpiles of a mine that the schema accepts; places are key paths."""
    for name, pile in mine.stockpiles().items():
        path = f"destinations.{name}"
        yield from known(f"{path}.feeds", pile.feeds, list(mine.mills()), "a mill")
        if not pile.feeds:
            yield Finding(f"{path}.feeds", Words("empty"), "at least one mill", next(iter(mine.mills()), None))
        if pile.model == "average" and len(pile.bins) != 1:
            shown = Words(f"{len(pile.bins)} bins")
            yield Finding(f"{path}.bins", shown, "exactly one bin with the model average")
        elif not pile.bins:
            yield Finding(f"{path}.bins", Words("empty"), "at least one bin")
        kept = {material for store in pile.bins.values() for material in store.materials}
        for material in pile.accepts:
            if material in mine.materials and material not in kept and pile.bins:
                yield Finding(f"{path}.accepts", material, "a material that one of its bins keeps")
        for key, store in pile.bins.items():
            yield from _bin(mine, pile, store, f"{path}.bins.{key}")


def _bin(mine: Mine, pile: Stockpile, store: Bin, path: str) -> Found:
    elements = list(mine.elements)
    yield from known(f"{path}.materials", store.materials, list(pile.accepts), "a material that the stockpile accepts")
    tables: dict[str, Mapping[str, float]] = {
        "grade_from": store.grade_from,
        "grade_to": store.grade_to,
        "leaves_at": store.leaves_at,
        "recovery": store.recovery,
        "opening_grade": store.opening_grade,
    }
    for key, table in tables.items():
        yield from known(f"{path}.{key}", table, elements, "an element")
    for element in elements:
        yield from _grades(mine, pile, store, path, element)
    for name, product in mine.products.items():
        if product.element in elements and product.element not in store.recovery:
            expected = f"the recovery of {product.element}, which product {name} sells"
            yield Finding(f"{path}.recovery", None, f"{expected}; it is missing", f"{path}.recovery.{product.element}")


def _grades(mine: Mine, pile: Stockpile, store: Bin, path: str, element: str) -> Found:
    unit = mine.elements[element].unit
    low, high = store.grade_from.get(element), store.grade_to.get(element)
    leaves = store.leaves_at.get(element)
    opening = store.opening_grade.get(element)
    for key in ("grade_from", "grade_to", "leaves_at", "opening_grade"):
        grade = getattr(store, key).get(element, 0.0)
        if unit == "pct" and grade > 100:
            yield Finding(f"{path}.{key}.{element}", grade, "a grade of at most 100 per cent")
    if low is not None and high is not None and low >= high:
        yield Finding(f"{path}.grade_from.{element}", low, f"a grade below grade_to, {high:g}")
    elif leaves is None:
        yield Finding(f"{path}.leaves_at", None, f"the grade of {element} at which it is reclaimed; it is missing")
    elif leaves < (low or 0.0) or (high is not None and leaves > high):
        bounds = f"{low or 0.0:g} to {high:g}" if high is not None else f"at least {low:g}"
        yield Finding(f"{path}.leaves_at.{element}", leaves, f"a grade that it takes in, {bounds}")
    elif (limited := _limited_above(mine, pile, element)) is not None and (high is None or leaves < high):
        # Stock counts as leaves_at whatever went in: a limit from above would be kept by what is not in the feed.
        expected = f"the highest grade that it takes in, grade_to, as {limited} limits the feed from above"
        yield Finding(f"{path}.leaves_at.{element}", leaves, expected + ("" if high is None else f": {high:g}"))
    if store.opening_mt > 0 and opening is None:
        yield Finding(f"{path}.opening_grade", None, f"the grade of {element} of the opening stock; it is missing")
    if (
        store.opening_mt > 0
        and opening is not None
        and leaves is not None
        and pile.model == "average"
        and opening < leaves
    ):
        place = f"{path}.opening_grade.{element}"
        yield Finding(
            place, opening, f"at least the grade at which it is reclaimed, {leaves:g}, with the model average"
        )


def _limited_above(mine: Mine, pile: Stockpile, element: str) -> str | None:
    """The limit that holds a contaminant in the feed of a mill that a stockpile feeds from above; None without one.

    Of what is sold, stock that counts as less than it is costs its owner revenue.
    """
    if any(product.element == element for product in mine.products.values()):
        return None
    for name, limit in mine.limits.head_grade.items():
        mills = limit.mills or tuple(mine.mills())
        if (limit.element or name) == element and limit.max is not None and set(mills) & set(pile.feeds):
            return f"limits.head_grade.{name}.max"
    return None
