"""Figures of what is mined, milled, stocked and stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from instances.marks import GRADE_UNITS
from instances.schema.base import by_period as each_period
from instances.schema.destinations import TailingsFacility
from scheduler.cashflow import by_periods
from scheduler.reports.charts import Panel, Series, by_period
from scheduler.reports.facts import Facts
from scheduler.reports.figure import Figure, Swatch, Table, by_period_table
from scheduler.reports.numbers import METAL_UNITS, shown
from scheduler.reports.palette import INK, LIMIT, METAL, NEW_TAILINGS, dumped, material_colours, store_colours
from scheduler.schedule import YEARS_FIGURE, sold_unit

_DUST_MT = 1e-6
"""Less than a tonne is what rounding leaves."""


def production_figures(facts: Facts) -> list[Figure]:
    """Material mined, mill feed, metal, stock and tailings, in this order; those that the mine has."""
    found = [mined_figure(facts), feed_figure(facts), *metal_figures(facts)]
    if facts.mine.stockpiles():
        found.append(stock_figure(facts))
    if facts.mine.facilities():
        found.append(tailings_figure(facts))
    # The first takes the whole width where the others go in pairs without it.
    return [replace(found[0], full=True), *found[1:]] if len(found) % 2 else found


def legend_of(*parts: Sequence[Series]) -> tuple[Swatch, ...]:
    """An entry for each series, columns first and then lines."""
    columns, lines = parts[0], [line for some in parts[1:] for line in some]
    boxes = [Swatch(one.name, one.colour) for one in columns if np.nan_to_num(np.asarray(one.values)).any()]
    return (*boxes, *(Swatch(one.name, one.colour, "line" if one.kind == "line" else "dashes") for one in lines))


def mined_figure(facts: Facts) -> Figure:
    """Material mined by class, ore that is dumped apart, with the strip ratio under it."""
    columns = tuple(_by_class(facts))
    lines = _limit_line("mining limit", facts.mining_limit_mt())
    strip: tuple[Series, ...] = (Series("strip ratio", facts.series("strip_ratio").tolist(), INK),)
    most = facts.mine.limits.strip_ratio_max
    if most is not None:
        strip += (Series("strip limit", each_period(most, len(facts.labels)).tolist(), LIMIT, "dashes"),)
    panels = (Panel("mined, Mt", columns, lines), Panel("waste/ore, t/t", lines=strip))
    table = by_period_table(
        facts.labels,
        [
            *((f"{one.name}, Mt", one.values, 2, True) for one in columns),
            ("moved, Mt", facts.series("moved_mt").tolist(), 2, True),
            ("strip ratio, t/t", strip[0].values, 2, False),
        ],
    )
    table = Table(table.heads, table.rows, (*table.foot[:-1], shown(facts.summary.get("strip_ratio"), 2)))
    title = "Material mined and strip ratio"
    caption = "Everything dug from the pit, by class. Ore is what goes to a mill or a stockpile, waste all else."
    return _figure("mined", (title, caption), facts, panels, table)


def feed_figure(facts: Facts) -> Figure:
    """Mill feed by source, with capacity and head grade."""
    colours, mine = store_colours(facts.mine), facts.mine
    columns = [replace(one, name=f"{one.name}, from the pit") for one in _by_material(facts, list(mine.mills()))]
    for (pile, store), colour in colours.items():
        rows = facts.plan.reclaim[(facts.plan.reclaim["stockpile"] == pile) & (facts.plan.reclaim["bin"] == store)]
        name = f"{mine.destinations[pile].title or pile}: {_words(store)}"
        columns.append(Series(name, (by_periods(mine, rows) / 1e6).tolist(), colour))
    lines = _limit_line("mill capacity", facts.mill_limit_mt())
    panels = [Panel("milled, Mt", tuple(columns), lines)]
    shown_columns: list[tuple[str, Sequence[float], int, bool]] = [
        *((f"{one.name}, Mt", one.values, 2, True) for one in columns),
        ("milled, Mt", facts.series("milled_mt").tolist(), 2, True),
    ]
    for number, (name, element) in enumerate(mine.elements.items()):
        unit = GRADE_UNITS[element.unit]
        grade = facts.series(f"head_grade_{name}_{element.unit}").tolist()
        shown_columns.append((f"head grade, {unit} {name.capitalize()}", grade, 3, False))
        if number == 0:
            panels.append(Panel(f"{unit} {name.capitalize()}", lines=(Series("head grade", grade, INK),), digits=3))
    table = by_period_table(facts.labels, shown_columns)
    title = "Mill feed by source and head grade"
    caption = "What the mill is fed, from the pit and from each bin of stock, against its capacity."
    return _figure("feed", (title, caption), facts, panels, table)


def metal_figures(facts: Facts) -> list[Figure]:
    """Metal recovered of each product by period, against what was published of it."""
    found: list[Figure] = []
    for name, product in facts.mine.products.items():
        unit = METAL_UNITS[sold_unit(product)[0]]
        metal = facts.series(f"{name}_recovered_{sold_unit(product)[0]}").tolist()
        payable = facts.series(f"{name}_payable_{sold_unit(product)[0]}").tolist()
        columns = (Series("this plan", metal, METAL[len(found) % len(METAL)]),)
        lines = tuple(
            Series(f"published {title}", rate, LIMIT, "dashes") for title, rate in _published_rates(facts, name)
        )
        told: list[tuple[str, Sequence[float], int, bool]] = [
            (f"recovered, {unit}", metal, 1, True),
            (f"payable, {unit}", payable, 1, True),
            *((f"{line.name}, {unit}", line.values, 1, False) for line in lines),
        ]
        sold = product.title or name
        caption = f"{sold[:1].upper()}{sold[1:]}, recovered in each period."
        if lines:
            caption += " The dashes are the published average of the years they span."
        title = f"{name.capitalize()} by period"
        panels = (Panel(f"recovered, {unit}", columns, lines, digits=1),)
        found.append(_figure(f"metal-{name}", (title, caption), facts, panels, by_period_table(facts.labels, told)))
    return found


def stock_figure(facts: Facts) -> Figure:
    """Stock at the end of each period, by bin."""
    mine, stock = facts.mine, facts.plan.stock
    columns = []
    for (pile, store), colour in store_colours(mine).items():
        rows = stock[(stock["stockpile"] == pile) & (stock["bin"] == store)]
        columns.append(
            Series(
                f"{mine.destinations[pile].title or pile}: {_words(store)}",
                (by_periods(mine, rows) / 1e6).tolist(),
                colour,
            )
        )
    came = by_periods(mine, stock, "tonnes_in") / 1e6
    left = by_periods(mine, stock, "reclaimed") / 1e6
    table = by_period_table(
        facts.labels,
        [
            ("put in, Mt", came.tolist(), 2, True),
            ("reclaimed, Mt", left.tolist(), 2, True),
            *((f"{one.name}, Mt", one.values, 2, False) for one in columns),
            ("stock at the end, Mt", (by_periods(mine, stock) / 1e6).tolist(), 2, False),
        ],
    )
    panels = (Panel("stock at period end, Mt", tuple(columns)),)
    caption = (
        "Ore kept for later. It is milled when the pit no longer fills the mill, or when it pays better than fresh ore."
    )
    return _figure("stock", ("Stockpiles", caption), facts, panels, table)


def tailings_figure(facts: Facts) -> Figure:
    """What the tailings facilities hold at the end of each period, against their room."""
    mine, plan = facts.mine, facts.plan
    columns: list[Series] = []
    room = np.zeros(len(facts.labels))
    for number, (name, facility) in enumerate(mine.facilities().items()):
        new = by_periods(mine, plan.tailings[plan.tailings["facility"] == name]).cumsum() / 1e6
        title = facility.title or name
        held = [Series(f"{title}: new tailings", new.tolist(), NEW_TAILINGS[number % len(NEW_TAILINGS)])]
        held += [
            replace(one, name=f"{title}: {one.name} from the pit", values=np.cumsum(one.values).tolist())
            for one in _by_material(facts, [name])
        ]
        columns += [one for one in held if any(one.values)]
        room += _room(facts, facility)
    lines = (Series("room of the facilities open", room.tolist(), LIMIT, "dashes"),)
    rows = [(f"{one.name}, Mt", one.values, 2, False) for one in columns]
    table = by_period_table(facts.labels, [*rows, ("room of the facilities open, Mt", room.tolist(), 1, False)])
    panels = (Panel("held at period end, Mt", tuple(columns), lines),)
    caption = "Fill dug out of the pit and new tailings from the mill share the room of the facilities."
    return _figure("tailings", ("Tailings facilities", caption), facts, panels, table)


def _room(facts: Facts, facility: TailingsFacility) -> NDArray[np.float64]:
    """Room of a facility from the period on in which it opens, Mt."""
    share = facts.mine.calendar.open_share(facility.opens, None)
    return np.where(share > 0, facility.storage_mt, 0.0)


def _published_rates(facts: Facts, product: str) -> list[tuple[str, list[float]]]:
    """Title and value by period of the published averages a year of a product, nothing outside of their years."""
    found = []
    calendar = facts.mine.calendar
    years = calendar.start.year + calendar.edges_years()[:-1] + (calendar.start.month - 1) / 12
    for published in facts.mine.published:
        named = YEARS_FIGURE.fullmatch(published.figure)
        if named is None or named["product"] != product or not named["rate"]:
            continue
        within = (years >= int(named["first"]) - 1e-9) & (years < int(named["last"]) + 1 - 1e-9)
        rate = np.where(within, published.value * calendar.lengths_years(), np.nan)
        found.append((f"{published.value:g} {published.unit}, {named['first']}–{named['last']}", rate.tolist()))
    return found


def _by_class(facts: Facts) -> Iterator[Series]:
    """What is mined of each material, Mt; of ore what goes to a dump by itself, where any does."""
    mine, colours = facts.mine, material_colours(facts.mine)
    to_dumps = _sent(facts, list(mine.dumps()))
    for name, material in mine.materials.items():
        title, mined = material.title or name, facts.series(f"mined_{name}_mt")
        aside = np.where(to_dumps[name] > _DUST_MT, to_dumps[name], 0.0)
        if material.kind != "ore" or not aside.any():
            yield Series(title, mined.tolist(), colours[name])
            continue
        yield Series(title, (mined - aside).tolist(), colours[name])
        yield Series(f"{title}, dumped", aside.tolist(), dumped(colours[name]))


def _by_material(facts: Facts, places: Sequence[str]) -> list[Series]:
    """What goes from the pit to some destinations, Mt: a series a material, in its colour, where there is any."""
    colours, materials = material_colours(facts.mine), facts.mine.materials
    sent = {name: tonnes for name, tonnes in _sent(facts, places).items() if tonnes.any()}
    return [Series(materials[name].title or name, tonnes.tolist(), colours[name]) for name, tonnes in sent.items()]


def _sent(facts: Facts, places: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """What goes of each material from the pit to some destinations, by period, Mt."""
    rows = facts.mined[facts.mined["destination"].isin(places)]
    return {name: by_periods(facts.mine, rows[rows["material"] == name]) / 1e6 for name in facts.mine.materials}


def _limit_line(name: str, limit: NDArray[np.float64] | None) -> tuple[Series, ...]:
    return () if limit is None else (Series(name, limit.tolist(), LIMIT, "dashes"),)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(key: str, words: tuple[str, str], facts: Facts, panels: Sequence[Panel], table: Table) -> Figure:
    """A figure over the periods. ``words``: title and caption."""
    title, caption = words
    legend = legend_of([one for panel in panels for one in panel.columns], *(panel.lines for panel in panels))
    return Figure(key, title, caption, by_period(facts.labels, panels), table, legend)
