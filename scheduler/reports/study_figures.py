"""Figures of a study: the hill of value, tornadoes, fronts, an option by its cost, and what limits are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from scheduler.reports.binding import bindings
from scheduler.reports.charts import Cell, Curve, curves, matrix
from scheduler.reports.comparison_charts import Bar, Point, scatter, tornado
from scheduler.reports.figure import Figure, Swatch, Table
from scheduler.reports.limit_words import limit_words
from scheduler.reports.numbers import METAL_UNITS, NOTHING, shown, signed, three_figures
from scheduler.reports.palette import COST, DOMINATED, GAIN, INK, UNDECIDED
from scheduler.reports.study import StudyFacts
from scheduler.studies.comparing import BEST, PLATEAU

MILLION = 1e6
MOST_DRAWN = 40
"""Scenarios that a drawing has a row for; the table under it has them all."""
MOST_LIMITS = 8
FRONT_COLOURS = {"dominated": DOMINATED, "undecided": UNDECIDED, "front": GAIN}
FRONT_WORDS = {
    "front": "on the front",
    "undecided": "behind it by the plans found, not by proof",
    "dominated": "proven behind it",
}


def study_figures(facts: StudyFacts) -> list[Figure]:
    """Every figure that the study's tables call for, hills first."""
    makers: tuple[tuple[str, Callable[[StudyFacts, str], Figure]], ...] = (
        ("hill", hill_figure),
        ("steps", steps_figure),
        ("tornado", tornado_figure),
        ("option", option_figure),
        ("pareto_", pareto_figure),
        ("regret", regret_figure),
    )
    known = [
        make(facts, name)
        for start, make in makers
        for name, table in sorted(facts.answers.items())
        if name.startswith(start) and not table.empty
    ]
    starts = tuple(start for start, _ in makers)
    others = [
        table_figure(facts, name)
        for name, table in sorted(facts.answers.items())
        if not name.startswith(starts) and not table.empty
    ]
    return [*known, *others]


def table_figure(facts: StudyFacts, name: str) -> Figure:
    """Any other table of a study as it is; its numbers with a fraction are money."""
    table, unit = facts.answers[name], f"{facts.currency} M"
    money = [table[column].dtype.kind == "f" for column in table.columns]
    heads = tuple(
        f"{str(column).replace('_', ' ')}, {unit}" if is_money else str(column).replace("_", " ")
        for column, is_money in zip(table.columns, money, strict=True)
    )
    rows = tuple(
        tuple(shown(value / MILLION, 2) if is_money else str(value) for value, is_money in zip(row, money, strict=True))
        for row in table.itertuples(index=False, name=None)
    )
    words = frozenset(place for place, column in enumerate(table.columns) if table[column].dtype.kind not in "fi")
    title = name.replace("_", " ").capitalize()
    return Figure(dashed(name), title, "", None, Table(heads, rows, texts=words), full=True)


def hill_figure(facts: StudyFacts, name: str) -> Figure:
    """Value over two parameters: the better, the darker; the best found and what may be as good are marked."""
    table, currency = facts.answers[name], facts.currency
    first, second = (str(column) for column in table.columns[:2])
    columns = list(dict.fromkeys(table[second].tolist()))
    columns = sorted(columns) if table[second].dtype.kind == "f" else columns
    known = table["objective"].dropna()
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    marks = {BEST: "*", PLATEAU: "+"}
    rows: list[tuple[str, list[Cell | None]]] = []
    lines = []
    for value, part in table.groupby(first, sort=False):
        by_column = {entry[second]: entry for entry in part.to_dict("records")}
        cells: list[Cell | None] = []
        told = []
        for column in columns:
            entry = by_column.get(column)
            worth = math.nan if entry is None else float(entry["objective"])
            if entry is None or not math.isfinite(worth):
                cells.append(None)
                told.append(NOTHING)
                continue
            words = f"{shown(worth / MILLION, 1)}{marks.get(entry['standing'], '')}"
            hint = (
                f"{entry['scenario']}: {currency} {shown(worth / MILLION, 2)} M, gap {shown(100 * entry['gap'], 2)} %"
            )
            cells.append(Cell((worth - low) / ((high - low) or 1.0), words, hint))
            told.append(words)
        rows.append((plain(value), cells))
        lines.append((plain(value), *told))
    rows.reverse()
    title = "Hill of value"
    across, up = facts.words_for(second), facts.words_for(first)
    caption = (
        f"Discounted cash before tax, {currency} million, by {up} and {across}. * is the best plan found; + marks "
        "plans whose bound reaches it, so that it is not proven to be better. Empty where there is no plan yet."
    )
    chart = matrix([plain(column) for column in columns], rows, (across, up), row_height=36)
    heads = (up, *(f"{across}: {plain(column)}" for column in columns))
    return Figure(dashed(name), title, caption, chart, Table(heads, tuple(lines)), full=True)


def steps_figure(facts: StudyFacts, name: str) -> Figure:
    """What a step along an axis is worth, and along a single axis the value itself."""
    table, currency = facts.answers[name], facts.currency
    title = "What each step is worth"
    rows = tuple(
        (
            f"{facts.words_for(str(row['parameter']))}: {plain(row['from'])} to {plain(row['to'])}",
            str(row["to_scenario"]),
            *(signed(float(row[c]) / MILLION, 2) for c in ("gain", "gain_least", "gain_most")),
            _per_unit(row["per_unit"]),
            "yes" if row["decided"] else "no",
        )
        for row in table.to_dict("records")
    )
    unit = f"{currency} M"
    heads = (
        "step",
        "to scenario",
        f"gain, {unit}",
        f"at least, {unit}",
        f"at most, {unit}",
        f"{currency} per unit",
        "sign proven",
    )
    axes = list(dict.fromkeys(table["parameter"].astype(str)))
    told = Table(heads, rows, texts=frozenset({1, 6}))
    caption = "Everything planned again at each value, the other parameters held."
    points = _along(facts, table, axes[0]) if len(axes) == 1 else []
    if len(points) < 2:
        return Figure(dashed(name), title, caption, None, told, full=True)
    title = f"Value by {facts.words_for(axes[0])}"
    lines = [
        Curve("bound", [(x, bound) for x, _, bound in points], COST, "dashes"),
        Curve("plan", [(x, value) for x, value, _ in points], GAIN),
    ]
    legend = (Swatch("plan", GAIN, "line"), Swatch("bound: no plan is worth more", COST, "dashes"))
    chart = curves([(f"value, {currency} million", lines)], facts.words_for(axes[0]), zero=False)
    return Figure(dashed(name), title, caption, chart, told, legend)


def _per_unit(value: object) -> str:
    return three_figures(value) if isinstance(value, int | float) and math.isfinite(value) else NOTHING


def _along(facts: StudyFacts, steps: pd.DataFrame, axis: str) -> list[tuple[float, float, float]]:
    """Value of the axis, of the plan and of the bound, for each scenario along it; none where it has no numbers."""
    names = set(steps["from_scenario"]) | set(steps["to_scenario"])
    rows = facts.results[facts.results["scenario"].isin(names)]
    if rows[axis].dtype.kind != "f":
        return []
    found = zip(rows[axis], rows["objective"] / MILLION, rows["bound"] / MILLION, strict=True)
    return sorted((float(x), float(value), float(bound)) for x, value, bound in found)


def tornado_figure(facts: StudyFacts, name: str) -> Figure:
    """What a parameter's low and high are worth against the base, planned again and with the base's plan kept."""
    table, currency = facts.answers[name], facts.currency
    values = facts.results.set_index("scenario")
    groups: dict[str, list[Bar]] = {}
    rows = []
    for row in table.to_dict("records"):
        parameter, value = _moved(facts, values, str(row["scenario"]))
        change, least, most, kept = (
            float(row[c]) / MILLION for c in ("change", "change_least", "change_most", "fixed_schedule_change")
        )
        hint = f"{row['scenario']}: {signed(change, 2)} ({signed(least, 2)} to {signed(most, 2)}) {currency} M"
        groups.setdefault(parameter, []).append(Bar(value, change, least, most, kept, hint))
        rows.append(
            (
                f"{parameter}: {value}",
                *(signed(number, 2) for number in (change, least, most, kept, float(row["replanning"]) / MILLION)),
                str(row["fixed_schedule_breaks"] or ""),
            )
        )
    title = "Tornado: what each parameter is worth"
    caption = (
        "Change of discounted cash before tax against the base, planned again; the thin line spans what it is at least "
        "and at most. The upright mark is what the base's plan, kept as it is, comes to: the rest is the value of "
        "replanning. No mark where that plan breaks a limit."
    )
    unit = f"{currency} M"
    heads = ("parameter", f"change, {unit}", "at least", "at most", "plan kept", "replanning", "the plan kept breaks")
    legend = (Swatch("worth more", GAIN), Swatch("worth less", COST))
    chart = tornado(list(groups.items()), ("parameter", f"{currency} million against the base"))
    return Figure(dashed(name), title, caption, chart, Table(heads, tuple(rows), texts=frozenset({6})), legend)


def _moved(facts: StudyFacts, values: pd.DataFrame, scenario: str) -> tuple[str, str]:
    """The parameter that a scenario of a tornado moves, and to what."""
    for parameter in facts.study.parameters():
        value = values[parameter].to_dict()[scenario]
        if (isinstance(value, str) and value) or (isinstance(value, float) and math.isfinite(value)):
            return facts.words_for(parameter), plain(value)
    return scenario, ""


def option_figure(facts: StudyFacts, name: str) -> Figure:
    """The gain of an option by its cost, between the plans, at least and at most."""
    table, currency = facts.answers[name], facts.currency
    cost = str(table.columns[1])
    title = "What the option is worth, by its cost"
    caption = (
        "Gain against the scenario without the option: between the plans, and what it is at least and at most. "
        "It pays where the least is above nought."
    )
    places = (table[cost].to_numpy(float) / MILLION).tolist()

    def line(column: str, words: str, colour: str, kind: str = "line") -> Curve:
        return Curve(
            words, list(zip(places, (table[column].to_numpy(float) / MILLION).tolist(), strict=True)), colour, kind
        )

    lines = [
        line("gain_most", "at most", COST, "dashes"),
        line("gain_least", "at least", INK, "dashes"),
        line("gain", "between the plans", GAIN),
    ]
    rows = tuple(
        (
            str(row["scenario"]),
            shown(float(row[cost]) / MILLION, 2),
            str(row["bought"]) or "not bought",
            *(shown(float(row[c]) / MILLION, 2) for c in ("gain", "gain_least", "gain_most")),
            str(row["verdict"]),
        )
        for row in table.to_dict("records")
    )
    unit = f"{currency} M"
    heads = (
        "scenario",
        f"cost, {unit}",
        "bought",
        f"gain, {unit}",
        f"at least, {unit}",
        f"at most, {unit}",
        "verdict",
    )
    legend = tuple(Swatch(one.name, one.colour, one.kind) for one in lines)
    chart = curves([(f"gain, {currency} million", lines)], f"cost, {currency} million")
    return Figure(dashed(name), title, caption, chart, Table(heads, rows, texts=frozenset({2, 6})), legend)


def pareto_figure(facts: StudyFacts, name: str) -> Figure:
    """Value against a measure of the plans: which scenarios are as good by both as any other."""
    table, currency = facts.answers[name], facts.currency
    measure = str(table.columns[1])
    words = measure_words(measure)
    points: dict[str, list[Point]] = {standing: [] for standing in FRONT_COLOURS}
    rows = []
    for row in table.to_dict("records"):
        x, value, bound = float(row[measure]), float(row["objective"]) / MILLION, float(row["bound"]) / MILLION
        hint = f"{row['scenario']}: {currency} {shown(value, 2)} M, {words} {shown(x, 2)}"
        points[str(row["standing"])].append(Point(x, value, bound, hint))
        rows.append(
            (str(row["scenario"]), shown(x, 2), shown(value, 2), shown(bound, 2), FRONT_WORDS[str(row["standing"])])
        )
    title = f"Value against {words.partition(',')[0]}"
    caption = "Each point is a scenario's plan; the line above it reaches up to its bound."
    unit = f"value, {currency} million"
    heads = ("scenario", words, f"value, {currency} M", f"bound, {currency} M", "standing")
    legend = tuple(Swatch(FRONT_WORDS[one], colour) for one, colour in reversed(FRONT_COLOURS.items()) if points[one])
    chart = scatter([(FRONT_COLOURS[one], points[one]) for one in FRONT_COLOURS], (words, unit))
    return Figure(dashed(name), title, caption, chart, Table(heads, tuple(rows), texts=frozenset({4})), legend)


def regret_figure(facts: StudyFacts, name: str) -> Figure:
    """Each plan kept in every future: how much it falls short at worst and on the mean."""
    table, currency = facts.answers[name], facts.currency
    columns = ("mean", "least", "regret_max", "regret_max_at_most", "shortfall_mean", "shortfall_mean_at_most")
    rows = tuple(
        (
            str(row["plan"]),
            *(shown(float(row[c]) / MILLION, 2) for c in columns),
            f"{int(row['futures_broken'])}",
        )
        for row in table.to_dict("records")
    )
    title = "Plans kept in other futures"
    caption = (
        f"{currency} million. Regret: what the best plan known for a future is worth more than this one in it, at its "
        "largest over the futures. The plan of least regret comes first; a plan that breaks a limit somewhere, last."
    )
    left_out = int(table["futures_left_out"].iloc[0])
    if left_out:
        caption += f" Of the first {table['futures'].iloc[0]:,} futures and their plans; {left_out:,} are left out."
    heads = (
        "plan",
        "mean value",
        "least value",
        "largest regret",
        "at most",
        "mean shortfall",
        "at most ",
        "breaks in",
    )
    bars = [
        (
            "largest regret",
            [
                Bar(
                    str(row["plan"]),
                    *(float(row["regret_max"]) / MILLION,) * 2,
                    float(row["regret_max_at_most"]) / MILLION,
                )
                for row in table.head(MOST_DRAWN).to_dict("records")
                if not pd.isna(row["regret_max"])
            ],
        )
    ]
    chart = tornado(bars, ("plan", f"{currency} million less than the best plan known")) if bars[0][1] else None
    return Figure(dashed(name), title, caption, chart, Table(heads, rows))


def limits_figure(facts: StudyFacts) -> Figure | None:
    """What one more unit of each limit in every period is worth, by scenario; ``None`` where no limit has a price."""
    by_scenario = {
        str(name): bindings([{str(key): value for key, value in row.items()} for row in part.to_dict("records")])
        for name, part in facts.shadow_prices.groupby("scenario", sort=False)
    }
    worth = {
        name: {(one.key, one.price_unit(facts.currency)): sum(one.prices.values()) for one in found}
        for name, found in by_scenario.items()
    }
    heaviest: dict[tuple[str, str], float] = {}
    for prices in worth.values():
        for limit, value in prices.items():
            heaviest[limit] = max(heaviest.get(limit, 0.0), abs(value))
    if not heaviest:
        return None
    often = {limit: sum(limit in prices for prices in worth.values()) for limit in heaviest}
    limits = sorted(heaviest, key=lambda limit: (-often[limit], limit))
    return _limits_figure(worth, limits, heaviest)


def _limits_figure(
    worth: Mapping[str, Mapping[tuple[str, str], float]],
    limits: Sequence[tuple[str, str]],
    heaviest: Mapping[tuple[str, str], float],
) -> Figure:
    def cell(scenario: str, limit: tuple[str, str]) -> Cell | None:
        value = worth[scenario].get(limit)
        if value is None:
            return None
        words = three_figures(value)
        share = abs(value) / (heaviest[limit] or 1.0)
        return Cell(share, words, f"{scenario}, {limit_words(limit[0])}: {words} {limit[1]}")

    drawn = limits[:MOST_LIMITS]
    rows = [(name, [cell(name, limit) for limit in drawn]) for name in list(worth)[:MOST_DRAWN]]
    numbers = [str(place) for place in range(1, len(drawn) + 1)]
    title = "What one more unit of a limit is worth"
    key = "; ".join(f"{place}: {limit_words(limit[0])}, {limit[1]}" for place, limit in enumerate(drawn, 1))
    caption = (
        "Discounted cash for one more unit in every period, all else as it is: the sum of the shadow prices of the "
        f"periods. The darker, the more among the scenarios. Limits, those that bind most often first: {key}."
    )
    table = Table(
        ("scenario", *(f"{limit_words(limit[0])}, {limit[1]}" for limit in limits)),
        tuple(
            (name, *(three_figures(prices[limit]) if limit in prices else NOTHING for limit in limits))
            for name, prices in worth.items()
        ),
    )
    chart = matrix(numbers, rows, ("limit, by its number", "scenario"))
    return Figure("limits", title, caption, chart, table, full=True)


def measure_words(measure: str) -> str:
    """A measure of a plan in words, with its unit."""
    if measure == "strip_ratio_peak":
        return "largest strip ratio of a period, t/t"
    product, _, unit = measure.removesuffix("_first_3").rpartition("_")
    return f"{product.replace('_', ' ')} of the first three periods, {METAL_UNITS.get(unit, unit)}"


def plain(value: object) -> str:
    """A value of a parameter: whole where it is, at most 40 characters."""
    if isinstance(value, int | float | np.floating) and not isinstance(value, bool):
        return f"{float(value):,.10g}"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def dashed(name: str) -> str:
    """A name of a table as the name of a figure."""
    return name.replace("_", "-")
