"""Runs side by side: differences add up, blocks move by the years between, what cannot be compared is refused."""

from __future__ import annotations

import html
import shutil
from pathlib import Path

import numpy as np
import pytest

from instances.findings import BadInput
from instances.geometry.units import scheduling_units
from scheduler.baseline import baseline
from scheduler.compiling import compile_problem
from scheduler.reports.blocks import NEVER
from scheduler.reports.comparison import (
    NO_LONGER,
    SAME,
    lines_of,
    moves,
    moves_by_years,
    period_table,
    read_compared,
    worth_table,
)
from scheduler.reports.facts import Facts, read_facts
from scheduler.reports.page import comparison_page
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
