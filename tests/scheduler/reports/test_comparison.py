"""Runs side by side: differences add up, blocks move by the years between, what cannot be compared is refused."""

from __future__ import annotations

import html
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from instances.instance import Instance
from instances.reading import mine_in_memory
from scheduler.baseline import baseline
from scheduler.compiling import compile_problem
from scheduler.reports.blocks import NEVER
from scheduler.reports.comparison import (
    NO_LONGER,
    SAME,
    lines_of,
    moves,
    moves_by_years,
    moves_figure,
    period_table,
    read_compared,
    worth_table,
)
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import comparison_page
from tests.builders import tiny_blocks, tiny_data
from tests.scheduler.reports.conftest import HOSTILE, frame_of, hand_plan, stays_text, two_phases, write_plan


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same mine with half the mining capacity: its blocks go later, some never."""
    instance = two_phases(**{"limits.mining_mt_per_year": 0.1})
    return write_plan(tmp_path_factory.mktemp("slower") / "slower", instance, hand_plan(instance))


def test_a_run_against_itself_does_not_differ(small_run: Path):
    compared = read_compared([small_run, small_run])
    assert compared.names == ("run (1)", "run (2)")
    for line in lines_of(compared):
        table = frame_of(period_table(compared, line))
        assert set(table[table.columns[-1]]) <= {"0.0", "0.00", "0.000", "–"}
    found = moves_by_years(moves(compared.runs[0], compared.runs[1]))
    assert [words for words, _, _ in found] == [SAME]


def test_blocks_move_by_the_years_between_their_periods(small_run: Path, slower: Path):
    """Block by block, by looking each up in both runs."""
    compared = read_compared([small_run, slower])
    one, other = compared.runs
    table = moves(one, other).set_index("block")
    first, second = (run.blocks.set_index("block")["period"] for run in (one, other))
    for block, row in table.iterrows():
        if NEVER in (first[block], second[block]):
            assert np.isnan(row["years"])
        else:
            assert row["years"] == pytest.approx(second[block] - first[block])
    found = {words: (count, mass) for words, count, mass in moves_by_years(table.reset_index())}
    assert NO_LONGER in found
    assert any(words.endswith("later") for words in found)
    assert sum(count for count, _ in found.values()) == int((table["first_mined"] | table["other_mined"]).sum())
    assert sum(mass for _, mass in found.values()) == pytest.approx(
        table.loc[table["first_mined"] | table["other_mined"], "tonnes"].sum() / 1e6
    )


def test_tables_show_both_runs_and_their_difference(small_run: Path, slower: Path):
    compared = read_compared([small_run, slower])
    worth = frame_of(worth_table(compared))
    assert list(worth.columns) == ["run", "slower", "slower less run"]
    moved = [run.summary["moved_mt"] for run in compared.runs]
    assert worth.loc["moved, Mt"].tolist() == [f"{moved[0]:.2f}", f"{moved[1]:.2f}", f"{moved[1] - moved[0]:+.2f}"]
    assert worth.loc["gap", "run"] == "0.10 %"
    table = frame_of(period_table(compared, lines_of(compared)[0]))
    for label, row in table.iterrows():
        values = [run.schedule.loc[label, "moved_mt"] for run in compared.runs]
        assert row.iloc[:2].tolist() == [f"{value:.2f}" for value in values]


def test_a_ratio_of_nothing_has_no_difference(mzo_run: Path):
    """No strip ratio is not one of nought; no tonnes are nought tonnes."""
    compared = read_compared([mzo_run, mzo_run])
    lines = {line.key: line for line in lines_of(compared)}
    ratios = frame_of(period_table(compared, lines["strip"]))
    without = (ratios.iloc[:, :2] == "–").any(axis=1)
    assert without.any()
    assert not without.all()
    assert ((ratios.iloc[:, 2] == "–") == without).all()
    assert not (frame_of(period_table(compared, lines["moved"])) == "–").to_numpy().any()


def test_runs_of_a_study_go_by_the_names_of_their_scenarios(small_run: Path, tmp_path: Path):
    folders = [tmp_path / "mill-14000.79d26d57c617", tmp_path / "plain.79d26d57c617"]
    for folder in folders:
        shutil.copytree(small_run, folder)
    (folders[0] / "scenario.json").write_text("{}")
    assert read_compared(folders).names == ("mill-14000", "plain.79d26d57c617")


def test_a_hostile_run_stays_text_beside_others(hostile: Facts):
    page = comparison_page(read_compared([hostile.run.folder, hostile.run.folder]))
    stays_text(page, scripts=2)
    assert html.escape(HOSTILE[0]) in page


def test_calendars_that_differ_are_laid_over_each_other(small_run: Path, tmp_path: Path):
    instance = two_phases(**{"calendar.periods": 6})
    write_plan(tmp_path / "longer", instance, hand_plan(instance))
    compared = read_compared([small_run, tmp_path / "longer"])
    assert compared.labels == ["2020", "2021", "2022", "2023", "2024", "2025"]
    table = frame_of(period_table(compared, lines_of(compared)[0]))
    assert table.loc["2025"].iloc[0] == "–"


def test_what_cannot_be_compared_is_refused_all_at_once(small_run: Path, tmp_path: Path):
    with pytest.raises(BadInput, match="2 to 6 folders of runs"):
        read_compared([small_run])
    with pytest.raises(BadInput) as caught:
        read_compared([tmp_path / "one", small_run, tmp_path / "two"])
    assert len(caught.value.findings) == 2
    instance = two_phases(**{"money.currency": "€"})
    write_plan(tmp_path / "euro", instance, hand_plan(instance))
    with pytest.raises(BadInput, match="runs in one currency"):
        read_compared([small_run, tmp_path / "euro"])


def test_a_move_within_a_year_is_a_move(tmp_path: Path):
    """Quarters: what goes a quarter later is not called mined in the same period."""
    folders = []
    for name, capacity in (("fast", 0.4), ("slow", 0.25)):
        changes = {"calendar.periods": 16, "calendar.period_years": 0.25, "limits.mining_mt_per_year": capacity}
        instance = two_phases(**changes)
        folders.append(write_plan(tmp_path / name, instance, hand_plan(instance)))
    compared = read_compared(folders)
    table = moves(*compared.runs)
    found = {words: count for words, count, _ in moves_by_years(table)}
    assert found.get(SAME, 0) == int((table["years"] == 0).sum())
    for years in (0.25, 0.5, 1.0):
        assert found.get(f"{years:g} y later", 0) == int(np.isclose(table["years"], years).sum())
    assert "0.25 y later" in found
    figure = moves_figure(compared, 1)
    assert figure is not None
    assert [row[0] for row in figure.table.rows] == list(found)


def test_periods_of_other_lengths_are_told(small_run: Path, tmp_path: Path):
    changes = {"calendar.periods": 8, "calendar.period_years": 0.5}
    instance = two_phases(**changes)
    halves = write_plan(tmp_path / "halves", instance, hand_plan(instance))
    longer = two_phases(**{"calendar.periods": 6})
    more = write_plan(tmp_path / "more", longer, hand_plan(longer))
    assert read_compared([small_run, halves, more]).notes == [
        "halves and run have periods of other lengths: blocks move by the beginnings of their periods"
    ]


def other_mine(**changes: Any) -> Instance:
    """A mine of two phases whose blocks go by the names of cells, as those of the other small mine do."""
    phases = ("east", "west")
    data = tiny_data(periods=4, phases=phases, changes=changes)
    return mine_in_memory(data, tiny_blocks(nx=4, nz=3, tonnes=81_000.0, phases=phases))


def test_blocks_of_different_mines_are_not_taken_for_each_other(small_run: Path, tmp_path: Path):
    """Names alone are alike: neither other tonnes, nor other cells, nor another place are the same ground."""
    others = {
        "tonnes": other_mine(),
        "size": two_phases(**{"blocks.size_m": [30.0, 30.0, 20.0]}),
    }
    for name, instance in others.items():
        run = write_plan(tmp_path / name, instance, hand_plan(instance))
        compared = read_compared([small_run, run])
        assert moves(*compared.runs).empty
        assert moves_figure(compared, 1) is None
        (note,) = compared.notes
        assert note.startswith(f"{name} and run are of different mines, 0 of 12 blocks alike in place and tonnes")
        assert html.escape(note) in comparison_page(compared)


def test_mines_that_lie_elsewhere_are_different(tmp_path: Path):
    folders = []
    for name, east in (("here", 500.0), ("there", 900.0)):
        instance = two_phases(**{"blocks.origin_m": [east, 0.0, 0.0]})
        folders.append(write_plan(tmp_path / name, instance, hand_plan(instance)))
    assert "different mines" in read_compared(folders).notes[0]


def test_blocks_of_one_mine_alone_are_told(small_run: Path, tmp_path: Path):
    """A block that is mined out by the time of the second run."""
    first = two_phases()
    instance = mine_in_memory(tiny_data(periods=4, phases=("east", "west")), first.blocks.iloc[1:])
    compared = read_compared([small_run, write_plan(tmp_path / "later", instance, hand_plan(instance))])
    assert len(moves(*compared.runs)) == 11
    assert compared.notes == ["1 block is in later or in run alone, and not among those that move"]


def test_panels_and_blocks_whole_and_partial_are_told_apart(small_run: Path, tmp_path: Path):
    instance = two_phases()
    blocks = write_plan(tmp_path / "blocks", instance, hand_plan(instance, "block"))
    instance = two_phases(**{"blocks.mining": "partial"})
    partial = write_plan(tmp_path / "partial", instance, hand_plan(instance, "block"))
    assert read_compared([small_run, small_run]).notes == []
    whole, spanning = read_compared([small_run, blocks, partial]).notes
    assert whole.startswith("blocks plans blocks mined whole, run panels that may span periods: ")
    assert whole.endswith("figures of whole and of partial mining do not compare")
    assert spanning.startswith("partial plans blocks that may span periods, run panels that may span periods: ")
    assert "do not compare" not in spanning


def test_what_only_a_later_run_has_is_compared_too(small_run: Path, tmp_path: Path):
    """A product and an element of the second mine, and one that the two sell by other units."""
    changes = {
        "elements.au": {"unit": "g_per_t"},
        "destinations.mill.recovery.au": {"ore": 0.5, "low": 0.5},
        "destinations.pile.bins.low.leaves_at.au": 0.0,
        "destinations.pile.bins.low.recovery.au": 0.5,
        "products.gold": {"element": "au", "price_usd_per_oz": 1_500.0},
        "products.copper": {"element": "cu", "price_usd_per_oz": 0.2},
    }
    phases = ("east", "west")
    data = tiny_data(periods=4, phases=phases, changes=changes)
    instance = mine_in_memory(data, two_phases().blocks.assign(au_g_per_t=0.7))
    compared = read_compared([small_run, write_plan(tmp_path / "gold", instance, hand_plan(instance))])
    worth = frame_of(worth_table(compared))
    ounces = compared.runs[1].summary["gold_koz_total"]
    assert ounces > 0
    assert worth.loc["gold recovered, koz"].tolist()[:2] == ["–", f"{ounces:,.1f}"]
    lines = lines_of(compared)
    titles = [line.title for line in lines]
    assert {"Head grade, Au", "Gold", "Copper, Mlb", "Copper, koz"} <= set(titles)
    assert len(set(titles)) == len(titles)
    assert len({line.key for line in lines}) == len(lines)
    table = frame_of(period_table(compared, next(line for line in lines if line.title == "Gold")))
    assert table["run, koz"].tolist() == ["–"] * 4
    comparison_page(compared)


def test_a_plan_of_blocks_is_reported_as_one_of_panels(tmp_path: Path):
    """The hand-made plan at the resolution of blocks: each block has a period of its own."""
    instance = two_phases()
    problem = compile_problem(instance, scheduling_units(instance, "block"))
    assert baseline(problem)[0] is not None
    run = write_plan(tmp_path / "blocks", instance, hand_plan(instance, "block"))
    facts = read_facts(run)
    assert facts.plan.resolution == "block"
    assert facts.blocks["unit"].tolist() == facts.blocks["block"].tolist()
    mined = facts.plan.mined.groupby("unit")["period"].max()
    assert facts.blocks.set_index("block").loc[mined.index, "last_period"].tolist() == mined.tolist()
