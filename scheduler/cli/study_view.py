"""What ``pitwise study`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.cli.output import emit, page, print_json, say
from scheduler.cli.tables import NO_VALUE, new_table
from scheduler.studies.folder import read_status
from scheduler.studies.opening import OpenStudy, open_study
from scheduler.studies.scenarios import differences

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from scheduler.studies.answers import Answers
    from scheduler.studies.scenarios import Scenario

LONGEST_VALUE = 60
MOST_ROWS = 60
"""Rows of a table that are printed; the files have them all."""
SHORT_STATUS = {"optimal within the gap": "proven", "feasible: stopped at a limit": "stopped"}
ANSWER_COLUMNS = {
    "scenario": "scenario",
    "plan": "plan",
    "bought": "bought",
    "verdict": "verdict",
    "decided": "decided",
    "change_least": "at least",
    "change_most": "at most",
    "fixed_schedule_change": "plan kept",
    "replanning": "replanning",
    "replanning_most": "at most",
    "gain_least": "at least",
    "gain_most": "at most",
    "regret_max": "regret",
    "regret_max_at_most": "at most",
    "mean_at_most": "at most",
    "alone_at_most": "at most",
    "flexibility_least": "at least",
    "flexibility_most": "at most",
    "shortfall_mean": "shortfall",
    "shortfall_mean_at_most": "at most",
}


def list_scenarios(file: str, *, as_json: bool) -> None:
    """Prints each scenario with all that it changes on the mine."""
    opened = open_study(file)
    told = [_resolved(opened, scenario) for scenario in opened.scenarios]
    if as_json:
        print_json({"study": opened.study.name, "mine": opened.base.mine.name, "scenarios": told})
        return
    with page() as console:
        console.print(f"{opened.study.title or opened.study.name}: {len(told)} scenarios of {opened.base.mine.name}")
        for scenario in told:
            _print_scenario(console, scenario)


def _resolved(opened: OpenStudy, scenario: Scenario) -> dict[str, object]:
    changed = differences(opened.base, opened.instance(scenario))
    return {
        "name": scenario.name,
        "title": scenario.title,
        "design": scenario.design,
        "starts_from": scenario.donor,
        "changes": [{"key": key, "from": before, "to": after} for key, before, after in changed],
    }


def _print_scenario(console: Console, scenario: dict[str, object]) -> None:
    donor = scenario["starts_from"]
    console.print(f"\n{scenario['name']}  {f'(starts from {donor})' if donor else ''}".rstrip(), soft_wrap=True)
    changes = scenario["changes"]
    assert isinstance(changes, list)  # noqa: S101
    if not changes:
        console.print("  the mine as it is")
    for change in changes:
        console.print(f"  {change['key']}: {_short(change['from'])} -> {_short(change['to'])}", soft_wrap=True)


def _short(value: object) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def tell_status(folder: str, *, as_json: bool) -> None:
    """Prints how far the study in a folder is."""
    found = read_status(folder)
    if as_json:
        print_json(found)
        return
    counts = found["counts"]
    assert isinstance(counts, dict)  # noqa: S101
    emit(f"{found['study']}: {', '.join(f'{number} {word}' for word, number in counts.items() if number)}")
    running = found["running"]
    assert isinstance(running, list)  # noqa: S101
    if running:
        table = new_table("at work", numbers=("seconds", "gap %"))
        for entry in running:
            gap = entry["gap"]
            table.add_row(entry["name"], f"{entry['seconds']:.0f}", "-" if gap is None else f"{100 * gap:.2f}")
        with page() as console:
            console.print(table)


def print_study(opened: OpenStudy, found: Answers, folder: str) -> None:
    """Prints the answers of a study."""
    mine = opened.base.mine
    currency = mine.money.currency
    with page() as console:
        console.print(
            f"{opened.study.title or opened.study.name}: {len(opened.scenarios)} scenarios of {opened.base.mine.name}"
        )
        console.print()
        console.print(_scenarios_table(found.tables["scenarios"], currency))
        for name, table in found.answers.items():
            if not table.empty and name.startswith(("hill", "tornado", "option", "regret", "shared_plan")):
                console.print()
                _print_answer(console, name, table, currency)
        console.print()
        _print_best(console, found, currency)
        say(console, f"tables (CSV and Parquet): {', '.join([*found.tables, *found.answers])}, in {folder}")


def _scenarios_table(results: pd.DataFrame, currency: str) -> Table:
    table = new_table(
        f"{currency} M discounted", ("status",), ("value", "bound", "gap %", "NPV", "strip", "life", "mill %")
    )
    for row in results.head(MOST_ROWS).to_dict("records"):
        table.add_row(
            str(row["scenario"]),
            SHORT_STATUS.get(str(row["status"]), str(row["status"])),
            _million(row["objective"]),
            _million(row["bound"]),
            _number(row["gap"], 100, 2),
            _million(row["npv"]),
            _number(row["strip_ratio_peak"], 1, 2),
            _number(row["life_periods"], 1, 0),
            _number(row["mill_use"], 100, 0),
        )
    if len(results) > MOST_ROWS:
        table.add_row(f"and {len(results) - MOST_ROWS:,} more")
    return table


def _print_answer(console: Console, name: str, table: pd.DataFrame, currency: str) -> None:
    if name.startswith("hill"):
        _print_hill(console, table, currency)
        return
    heads = [c for c in table.columns if c in ANSWER_COLUMNS or table[c].dtype.kind == "f"]
    texts = [c for c in heads if table[c].dtype.kind not in "fib"]
    numbers = [c for c in heads if c not in texts]
    words = [[ANSWER_COLUMNS.get(c, c) for c in part] for part in (texts[1:], numbers)]
    shown = new_table(texts[0] if texts else "", *words)
    for row in table.head(MOST_ROWS).to_dict("records"):
        cells = [_cell(row[c], table[c].dtype.kind) for c in (*texts, *numbers)]
        shown.add_row(*cells)
    console.print(f"{name.replace('_', ' ')}, {currency} M")
    console.print(shown)
    left_out = int(table["futures_left_out"].iloc[0]) if "futures_left_out" in table else 0
    if left_out:
        say(console, f"of the first {table['futures'].iloc[0]:,} futures and their plans; {left_out:,} are left out")


def _print_hill(console: Console, table: pd.DataFrame, currency: str) -> None:
    """Value by the two parameters; the best marked *, those undecided with it +."""
    first, second = table.columns[:2]
    columns = list(dict.fromkeys(table[second]))
    console.print(f"hill of value, {currency} M: {first} down, {second} across; * best found, + within the gaps of it")
    shown = new_table(first, (), [_plain(value) for value in columns])
    for value, row in table.groupby(first, sort=False):
        cells = {entry[second]: entry for entry in row.to_dict("records")}
        marks = {"best found": "*", "undecided": "+"}
        shown.add_row(
            _plain(value),
            *(f"{_million(cells[c]['objective'])}{marks.get(cells[c]['standing'], ' ')}" for c in columns),
        )
    console.print(shown)


def _print_best(console: Console, found: Answers, currency: str) -> None:
    if found.tables["scenarios"]["objective"].isna().all():
        say(console, "no scenario has a plan")
    alike = found.figures.get("undecided_with_best")
    if isinstance(alike, list):
        within = f"; {len(alike)} more lie within the gaps of it and are not ranked" if alike else ""
        value = _million(found.figures["best_objective"])
        say(console, f"largest value found: {found.figures['best']}, {currency} {value} M{within}")
    even = found.figures.get("break_even_cost")
    if isinstance(even, dict):
        least = "none" if even["at_least"] is None else f"{currency} {_million(even['at_least'])} M"
        between = even["between_plans"]
        reached = "" if between is None else f"; by the plans found, up to {currency} {_million(between)} M"
        say(console, f"the option is proven to pay at a cost of: {least}{reached}")


def _million(value: object) -> str:
    return _number(value, 1e-6, 2)


def _number(value: object, factor: float, digits: int) -> str:
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
        return NO_VALUE
    return f"{value * factor:,.{digits}f}"


def _plain(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def _cell(value: object, kind: str) -> str:
    if kind == "f":
        return _million(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
