"""Checks of what the mine earns: products, their terms of sale, and the recovery of what the mills accept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from instances.findings import Finding, Words
from instances.schema import Mine
from instances.schema.destinations import Mill
from instances.schema.economics import Product

Found = Iterator[Finding]
CONCENTRATE_KEYS = ("unit_deduction_pct", "moisture_fraction", "treatment_usd_per_dmt", "freight_usd_per_wmt")


def economic_checks(mine: Mine) -> Found:
    """What is wrong with the products of a mine that the schema accepts; places are key paths."""
    sold: dict[str, str] = {}
    for name, product in mine.products.items():
        yield from _product(product, f"products.{name}")
        if product.element in sold:
            expected = f"an element that no other product sells; {sold[product.element]} does"
            yield Finding(f"products.{name}.element", product.element, expected)
        sold.setdefault(product.element, name)
    if not mine.mills():
        yield Finding("destinations", Words("without a mill"), "at least one destination of the kind mill")
    for name, mill in mine.mills().items():
        yield from _curves(mill, f"destinations.{name}")
        for element in sold:
            if element not in mine.elements or element in mill.recovery_curves:
                continue
            recovery = mill.recovery.get(element, {})
            for material in mill.accepts:
                if material in mine.materials and material not in recovery:
                    place = f"destinations.{name}.recovery.{element}"
                    yield Finding(place, None, f"the recovery of {element} from {material}; it is missing")


def _curves(mill: Mill, path: str) -> Found:
    """Each curve has a recovery for each of its increasing grades, and no other recovery beside it."""
    for element, curve in mill.recovery_curves.items():
        place = f"{path}.recovery_curves.{element}"
        if len(curve.grade) != len(curve.recovery):
            expected = f"one recovery for each of the {len(curve.grade)} grades"
            yield Finding(f"{place}.recovery", Words(f"a list of {len(curve.recovery)}"), expected)
        for before, after in pairwise(curve.grade):
            if after <= before:
                yield Finding(f"{place}.grade", Words(f"{before:g} and then {after:g}"), "grades that increase")
                break
        if element in mill.recovery:
            expected = f"either {path}.recovery.{element} or this curve, not both"
            yield Finding(place, Words("given beside a recovery"), expected)


def _product(product: Product, path: str) -> Found:
    prices = [key for key in ("price_usd_per_lb", "price_usd_per_oz") if getattr(product, key) is not None]
    if len(prices) != 1:
        shown = Words("given both prices") if prices else Words("without a price")
        yield Finding(path, shown, "exactly one of price_usd_per_lb and price_usd_per_oz")
    if _given(product.refining_usd_per_lb) and _given(product.refining_usd_per_oz):
        yield Finding(
            path, Words("given both refining charges"), "at most one of refining_usd_per_lb and refining_usd_per_oz"
        )
    if product.concentrate_grade_pct is None:
        for key in CONCENTRATE_KEYS:
            if _given(getattr(product, key)):
                expected = "no such key without concentrate_grade_pct"
                yield Finding(f"{path}.{key}", getattr(product, key), expected)
    elif product.unit_deduction_pct >= product.concentrate_grade_pct:
        expected = f"less than the concentrate's grade, {product.concentrate_grade_pct:g}"
        yield Finding(f"{path}.unit_deduction_pct", product.unit_deduction_pct, expected)


def _given(value: float | tuple[float, ...]) -> bool:
    return any(value) if isinstance(value, tuple) else bool(value)
