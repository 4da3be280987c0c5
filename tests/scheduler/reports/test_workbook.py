"""Totals of the workbook are formulas that come to what the summary says; text of a mine never becomes a formula."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from openpyxl.utils import get_column_letter

from scheduler.reports import workbook, workbook_sheets
from scheduler.reports.facts import Facts
from scheduler.reports.workbook import open_book, write_workbook
from scheduler.reports.workbook_lines import Formula, Line, LineSheet
from scheduler.reports.writing import write_reports
from tests.scheduler.reports.conftest import HOSTILE, found_program, quiet_run

SHEETS = [
    "Summary",
    "Schedule",
    "Cash flow",
    "Stockpiles",
    "Phases and benches",
    "Limits and what binds",
    "Published comparison",
    "Audit",
    "Assumptions",
    "Plan",
]
OURS = re.compile(r"=(SUM\(|IF\(|'(Schedule|Cash flow)'!)[A-Z0-9(),:/>\"*SUMPRODCTIF '!$]*|=[A-Z]+\d+([-+*][A-Z]+\d+)*")


@pytest.fixture(scope="module")
def book(mzo: Facts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "report.xlsx"
    write_workbook(mzo, path)
    return path


def test_the_sheets_are_those_a_planner_looks_for(book: Path):
    sheets = openpyxl.load_workbook(book)
    assert sheets.sheetnames == SHEETS
    for sheet in sheets.worksheets:
        assert sheet.freeze_panes is not None
    with zipfile.ZipFile(book) as parts:
        charts = [name for name in parts.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 5


def test_numbers_are_numbers_with_units_in_the_heads(book: Path, mzo: Facts):
    sheet = openpyxl.load_workbook(book, data_only=True)["Schedule"]
    rows = list(sheet.iter_rows(min_row=4, values_only=True))
    heads = [str(head) for head in rows[0]]
    assert heads[0] == "period"
    assert all(", " in head or head == "phases worked" for head in heads[1:])
    moved = heads.index("moved, Mt")
    assert [row[moved] for row in rows[1:12]] == pytest.approx(mzo.series("moved_mt").tolist())
    assert rows[12][0] == "all"
    assert rows[12][moved] == pytest.approx(mzo.summary["moved_mt"])


def test_every_formula_is_ours_and_carries_its_value(book: Path):
    live, kept = openpyxl.load_workbook(book), openpyxl.load_workbook(book, data_only=True)
    number = 0
    for sheet in live.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    number += 1
                    assert OURS.fullmatch(cell.value), cell.value
                    assert kept[sheet.title][cell.coordinate].value is not None
    assert number > 150


def summary_rows(path: Path) -> list[tuple[str, float, float]]:
    """Figure, value by formula, and value that the run recorded, where there are both."""
    sheet = openpyxl.load_workbook(path, data_only=True)["Summary"]
    rows = sheet.iter_rows(min_row=5, max_col=4, values_only=True)
    return [
        (str(name), float(live), float(said))
        for name, _, live, said in rows
        if isinstance(live, int | float) and isinstance(said, int | float)
    ]


def test_totals_equal_the_summary(book: Path):
    rows = summary_rows(book)
    assert len(rows) == 9
    for name, live, said in rows:
        assert live == pytest.approx(said, rel=1e-9), name


def without_values(source: Path, target: Path) -> None:
    """The workbook with the value of every formula taken away, so that a reader has to work them out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.startswith("xl/worksheets/sheet"):
                data = re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", data)
            new.writestr(item, data)


def test_another_program_recalculates_the_same_totals(book: Path, tmp_path: Path):
    program = found_program("soffice", "libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not installed: the workbook was not recalculated by another program")
    bare = tmp_path / "bare.xlsx"
    without_values(book, bare)
    assert summary_rows(bare) == []
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    quiet_run([program, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(bare)])
    back, kept = tmp_path / "out" / "bare.xlsx", openpyxl.load_workbook(book, data_only=True)
    rows = summary_rows(back)
    assert len(rows) == 9
    for name, live, said in rows:
        assert live == pytest.approx(said, rel=1e-9), name
    again = openpyxl.load_workbook(back, data_only=True)
    for sheet in openpyxl.load_workbook(book).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    value = kept[sheet.title][cell.coordinate].value
                    assert again[sheet.title][cell.coordinate].value == pytest.approx(value, rel=1e-9)


def test_sentences_have_room_for_all_their_lines(book: Path):
    """No program has to find the height of a row by itself."""
    sheet = openpyxl.load_workbook(book)["Assumptions"]
    heads = {cell.value: cell.column_letter for cell in sheet[4]}
    long = 0
    for row in range(5, sheet.max_row + 1):
        for head in ("value", "source or reason"):
            cell = sheet[f"{heads[head]}{row}"]
            if not isinstance(cell.value, str):
                continue
            lines = math.ceil(len(cell.value) / sheet.column_dimensions[heads[head]].width)
            long += lines > 1
            assert (sheet.row_dimensions[row].height or 15.0) >= 15.0 * lines
            assert cell.alignment.wrap_text
    assert long > 10


def test_columns_are_wide_enough_for_their_totals(book: Path):
    """A total that finds no room is shown as ###."""
    sheets = openpyxl.load_workbook(book, data_only=True)
    for name in ("Schedule", "Plan"):
        sheet = sheets[name]
        totals = next(row for row in sheet.iter_rows(min_row=5) if row[0].value == "all")
        assert any(isinstance(cell.value, float) for cell in totals)
        for cell in totals:
            if isinstance(cell.value, int | float):
                width = sheet.column_dimensions[get_column_letter(cell.column)].width
                assert width > len(f"{cell.value:,.0f}") + 2


def cash_rows(path: Path, *, values: bool) -> dict[str, list[Any]]:
    """The cells of each line of the cash flow, from the unit on."""
    sheet = openpyxl.load_workbook(path, data_only=values)["Cash flow"]
    return {str(row[0]): list(row[1:]) for row in sheet.iter_rows(min_row=4, values_only=True) if row[0]}


def test_the_cash_flow_has_its_periods_across_and_its_totals_beside(book: Path, mzo: Facts):
    rows, live = cash_rows(book, values=True), cash_rows(book, values=False)
    assert rows["line"] == ["unit", *mzo.labels, "all"]
    table = mzo.cash.table
    for words, name in (("cash flow after tax", "after_tax_cash_flow"), ("mining, unit cost", "mining")):
        assert rows[words][0] == "C$"
        assert rows[words][1:-1] == pytest.approx(table[name].tolist())
        assert rows[words][-1] == pytest.approx(table[name].sum())
    assert rows["NPV to date"][-2] == pytest.approx(mzo.summary["npv"] / 1e6)
    totals = [line[-1] for words, line in live.items() if words != "line" and line[0] in {"C$", "t"}]
    assert len(totals) > 20
    assert all(str(total).startswith("=SUM(C") for total in totals)


def test_totals_of_the_cash_flow_follow_from_the_lines_above(book: Path):
    """In every period, as formulas: a planner who changes a cost sees what it does to the value."""
    live = cash_rows(book, values=False)
    followed = ("net smelter return", "operating cash flow", "cash flow before tax", "cash flow after tax")
    for words in (*followed, "discounted, before tax", "discounted, after tax", "NPV to date"):
        assert all(str(cell).startswith("=") for cell in live[words][1:-1]), words


def test_a_line_that_does_not_follow_is_written_as_a_number(tmp_path: Path):
    """No formula is ever shown with a value that it would not come to."""
    book = open_book(tmp_path / "lines.xlsx")
    of_both = Formula(plus=("one", "two"))
    given = [Line("one", "one", "t", [1.0, 2.0]), Line("two", "two", "t", [3.0, 4.0])]
    LineSheet(book, "Lines", "Lines").lines(
        ["2020", "2021"], [*given, Line("sum", "sum", "t", [4.0, 7.0], formula=of_both)]
    )
    book.book.close()
    sheet = openpyxl.load_workbook(tmp_path / "lines.xlsx")["Lines"]
    assert [cell.value for cell in sheet[7]] == ["sum", "t", "=C5+C6", 7, "=SUM(C7:D7)"]


def test_lines_of_the_cash_flow_are_wide_enough(book: Path):
    sheet = openpyxl.load_workbook(book, data_only=True)["Cash flow"]
    for row in sheet.iter_rows(min_row=5, min_col=3):
        for cell in row:
            if isinstance(cell.value, int | float):
                # Columns of one width are one entry, named by the first of them.
                width = sheet.column_dimensions["C"].width
                assert width > len(f"{cell.value:,.0f}") + 2


def test_a_published_figure_is_shown_as_it_was_published(book: Path):
    sheet = openpyxl.load_workbook(book)["Published comparison"]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=5) if row[0].value}
    assert rows["MZO ore reserve"][2].number_format.startswith("#,##0.0_)")
    assert rows["MZO ore grade"][3].number_format.startswith("0.000_)")
    assert rows["overall strip ratio"][2].number_format.startswith("#,##0.00_)")


def test_limits_have_words_and_their_key(book: Path):
    sheet = openpyxl.load_workbook(book)["Limits and what binds"]
    assert [cell.value for cell in sheet[5][:4]] == ["mill capacity", "limits.mill_t_per_day", "C$/t", 1.5]
    assert [cell.value for cell in sheet[4][3:5]] == ["2011", "2012"]
    assert [cell.value for cell in sheet["A"] if cell.value][-1] == "most that may be milled"


def test_a_hostile_mine_stays_text(hostile: Facts, tmp_path: Path):
    path = tmp_path / "report.xlsx"
    write_workbook(hostile, path)
    seen = set()
    for sheet in openpyxl.load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.hyperlink is None
                if cell.data_type == "f":
                    assert OURS.fullmatch(cell.value), cell.value
                elif isinstance(cell.value, str):
                    seen.add(cell.value)
    for words in HOSTILE[:9]:
        assert any(words in text for text in seen)
    assert any(text.startswith("=HYPERLINK") for text in seen)
    assert any(len(text) > 9_000 for text in seen)


def test_more_rows_than_a_sheet_holds_stand_beside_it(small: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook_sheets, "MOST_ROWS", 8)
    files = write_reports(small, tmp_path)
    assert [file.name for file in files] == ["report.html", "report.xlsx", "report-plan.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(files[2]), small.plan.mined)
    sheet = openpyxl.load_workbook(files[1])["Plan"]
    assert "more than a sheet holds" in str(sheet["A4"].value)
    assert workbook.MOST_ROWS == 1_048_576
