"""Stockpiles: balance, no reclaim of what comes in, capacity, and the grade at which bins leave."""

from __future__ import annotations

import numpy as np

from scheduler.audit.findings import Floats, Ledger
from scheduler.audit.metal import GRADE_UNIT, contained_per_t, opening_grades, tonnes_of_metal
from scheduler.audit.tally import Tally


def check_stock(tally: Tally, ledger: Ledger) -> None:
    """Everything that a stockpile has to keep."""
    if not tally.stores:
        return
    _balance(tally, ledger)
    _room(tally, ledger)
    _metal(tally, ledger)


def _through(tally: Tally) -> Floats:
    """Tonnes that have been in each bin to date, t: the activity of rows about stock."""
    return np.asarray(tally.opening_t[:, None] + np.cumsum(tally.stock_in, axis=1))


def _before(tally: Tally, stock: Floats) -> Floats:
    """Stock at the start of each period."""
    return np.column_stack([tally.opening_t, stock[:, :-1]])


def _balance(tally: Tally, ledger: Ledger) -> None:
    """The stock table against what is put in and reclaimed, and reclaim against the stock at the start."""
    titles = [store.title for store in tally.stores]
    through = _through(tally)
    for rule, tabled, counted in (
        ("stock_in", tally.tabled[0], tally.stock_in),
        ("stock_out", tally.tabled[1], tally.stock_out),
        ("stock_balance", tally.tabled[2], tally.stock),
    ):
        has_row = ~np.isnan(tabled)
        ledger.compare(rule, titles, np.where(has_row, tabled, 0.0), counted, "t", activity=through, where=has_row)
    ledger.compare("stock_negative", titles, tally.stock, np.zeros(1), "t", activity=through)
    start = _before(tally, tally.stock)
    ledger.compare("same_period_reclaim", titles, tally.stock_out, start, "t", activity=_before(tally, through))


def _room(tally: Tally, ledger: Ledger) -> None:
    """Stock of all bins of a pile at period end, and what is reclaimed from all of them."""
    for name, pile in tally.mine.stockpiles().items():
        rows = [number for number, store in enumerate(tally.stores) if store.pile == name]
        most = tally.each_period(pile.capacity_mt, 1e6)
        held, through = tally.stock[rows].sum(axis=0), _through(tally)[rows].sum(axis=0)
        ledger.compare("stock_capacity", [name], held, most, "t", activity=through)
        most = tally.each_period(pile.reclaim_mt_per_year, 1e6) * tally.years
        ledger.compare("reclaim_max", [name], tally.stock_out[rows].sum(axis=0), most, "t")


def _metal(tally: Tally, ledger: Ledger) -> None:
    """Rows on the grade at which stock leaves, for every element."""
    by_parcel = contained_per_t(tally)
    for position, element in enumerate(tally.mine.elements):
        unit_t = tonnes_of_metal(tally.mine, element)
        opening = tally.opening_t * opening_grades(tally, element) * unit_t
        put_in = np.cumsum(tally.into_stores(by_parcel[tally.moves.parcel, position]), axis=1)
        metal_in = np.column_stack([opening, opening[:, None] + put_in])
        for row, store in enumerate(tally.stores):
            leaves = store.bin.leaves_at.get(element, 0.0) * unit_t
            check = _average if store.stockpile.model == "average" else _bin
            check(tally, ledger, row, element=element, metal_in=metal_in[row], leaves=leaves)


def _bin(tally: Tally, ledger: Ledger, row: int, *, element: str, metal_in: Floats, leaves: float) -> None:
    """Metal reclaimed to date never exceeds the metal put in before the period."""
    out = leaves * np.cumsum(tally.stock_out[row])
    ledger.compare("metal_out", [f"{tally.stores[row].title} ({element})"], out, metal_in[:-1], "t of metal")


def _average(tally: Tally, ledger: Ledger, row: int, *, element: str, metal_in: Floats, leaves: float) -> None:
    """All that has entered by the end of a period, and the opening stock by itself, averages the grade at least."""
    entered = np.append(tally.opening_t[row], _through(tally)[row])
    ledger.compare(
        "average_grade",
        [f"{tally.stores[row].title} ({element})"],
        metal_in,
        leaves * entered,
        GRADE_UNIT[tally.mine.elements[element].unit],
        activity=metal_in + leaves * entered,
        per=entered * tonnes_of_metal(tally.mine, element),
        periods=[None, *ledger.labels],
    )
