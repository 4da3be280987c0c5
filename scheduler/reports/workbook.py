"""The report as a workbook: every table with live totals, and charts that Excel draws itself.

Text of a mine is always written as text, so that a name which begins with ``=``, ``+``, ``-`` or ``@`` stays a name.
Totals are formulas, written with their values, so that readers that do not calculate show them too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from scheduler.reports.facts import Facts

MOST_ROWS = 1_048_576
"""Rows that a sheet holds."""
MOST_CHARACTERS = 32_767
"""Characters that a cell holds."""
WIDEST = 60
LINE, TALLEST, FULLER = 15.0, 409.0, 1.0
"""Height of a line and of the tallest row, points, and how much more room words take than their characters."""
TITLE_HEIGHT = 24.0
BOLD = 2
"""Characters more that a total takes: it is bold, and may have a sign."""
BROAD, TWO_SHEETS = 16, 26
"""Columns from which on a sheet is printed on A3, and on two of them abreast."""
A4, A3 = 9, 8
"""Sizes of paper, as the format numbers them."""
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
FORMATS: dict[str, dict[str, object]] = {
    "text": {},
    "plain": {"num_format": "General_)"},
    "long": {"text_wrap": True},
    "long of numbers": {"text_wrap": True, "align": "right", "indent": 1},
    "title": {"bold": True, "font_size": 16},
    "note": {"font_color": "#55606e"},
    "head": {"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 2, "bg_color": "#EEF1F4"},
    "head of numbers": {
        "bold": True,
        "text_wrap": True,
        "valign": "bottom",
        "align": "right",
        "indent": 1,
        "bottom": 2,
        "bg_color": "#EEF1F4",
    },
    "whole": {"num_format": "#,##0_);-#,##0_);–_)"},
    "1": {"num_format": "#,##0.0_);-#,##0.0_);–_)"},
    "2": {"num_format": "#,##0.00_);-#,##0.00_);–_)"},
    "3": {"num_format": "0.000_);-0.000_);–_)"},
    "4": {"num_format": "0.0000_)"},
    "price": {"num_format": "#,##0.0000_)"},
    "percent": {"num_format": "0.0 %_)"},
    "gap": {"num_format": "0.0000 %_)"},
}
"""Kinds of cells; each has a fellow for the row of totals. Numbers keep off the words to their right."""
WORDY = frozenset({"text", "long", "long of numbers"})
"""Kinds that hold words."""
WRAPPED = WORDY - {"text"}
"""Those broken into lines."""


@dataclass(frozen=True)
class Column:
    """A column of numbers or words.

    Attributes:
        head: heading, with the unit.
        values: numbers or texts; a number that is not finite leaves its cell empty.
        kind: of :data:`FORMATS`.
        kinds: kind of each value, where they differ.
        width: in characters; 0 leaves it to the contents.
        total: ``""`` for none, ``"sum"``, ``"ratio|NUMERATOR|DENOMINATOR"`` of the totals of two columns by their
            heads, or ``"mean|WEIGHT"``, the average by the column of that head.
    """

    head: str
    values: Sequence[object]
    kind: str = "2"
    total: str = ""
    kinds: Sequence[str] = ()
    width: float = 0.0

    def kind_of(self, row: int) -> str:
        """Kind of a value."""
        return self.kinds[row] if self.kinds else self.kind

    def wide(self, first: bool) -> float:
        """Width in characters: of the first column as wide as its heading, of others as the heading in two lines."""
        longest = max((len(value) for value in self.values if isinstance(value, str)), default=0)
        longest = max(longest, self._digits())
        head = len(self.head) if first else 0.75 * len(self.head)
        return self.width or min(max(11.0, head, longest + 1.0), WIDEST)

    def _digits(self) -> int:
        """Characters of the largest number, or of the total, where that is a sum."""
        sizes = [abs(value) for value in _numbers(self) if math.isfinite(value)]
        largest = sum(sizes) if self.total == "sum" else max(sizes, default=0.0)
        return len(f"{largest:,.0f}") + (int(self.kind) + 1 if self.kind.isdigit() else 0) + BOLD


@dataclass
class Book:
    """A workbook being written.

    Attributes:
        book: the file.
        formats: its formats by kind; those of totals end in ``!``, of totals within other lines in ``*``.
        places: of each total: ``(sheet, head)`` to its cell and its value.
    """

    book: Any
    formats: dict[str, Any] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Makes the formats."""
        for kind, given in FORMATS.items():
            placed = {"valign": "top", **given}
            self.formats[kind] = self.book.add_format(placed)
            self.formats[f"{kind}!"] = self.book.add_format({**placed, "bold": True, "top": 1})
            self.formats[f"{kind}*"] = self.book.add_format({**placed, "bold": True})


class Sheet:
    """A sheet with a title, a note, a table below, and its charts to the right or below.

    Args:
        book: the workbook.
        name: of the sheet.
        title: in its first cell.
        note: in the cell below.
    """

    HEAD = 3
    """Row of the headings, counted from 0."""

    def __init__(self, book: Book, name: str, title: str, note: str = "") -> None:
        self.book, self.name = book, name
        self.sheet = book.book.add_worksheet(name)
        self.columns: list[Column] = []
        self.rows = 0
        self.text(0, 0, title, "title")
        self.text(1, 0, note, "note")
        self.sheet.set_row(0, TITLE_HEIGHT)
        self.sheet.hide_gridlines(2)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_paper(A4)
        self.sheet.set_footer("&L&8&F, &A&R&8&P / &N")

    def text(self, row: int, column: int, words: object, kind: str = "text") -> None:
        """Words, never a formula, a link or a number."""
        self.sheet.write_string(row, column, str(words)[:MOST_CHARACTERS], self.book.formats[kind])

    def number(self, row: int, column: int, value: float, kind: str = "2") -> None:
        """A number; nothing where it is not finite."""
        if math.isfinite(value):
            self.sheet.write_number(row, column, value, self.book.formats[kind])

    def formula(self, row: int, column: int, formula: str, value: float, kind: str) -> None:
        """A formula of ours and what it comes to."""
        self.sheet.write_formula(row, column, formula, self.book.formats[kind], value if math.isfinite(value) else "")

    def table(self, columns: Sequence[Column], *, totals: str = "all") -> None:
        """Headings, rows and, where a column has one, the row of totals; panes frozen at the first cell of numbers."""
        self.columns, self.rows = list(columns), len(columns[0].values)
        for place, column in enumerate(columns):
            self.text(self.HEAD, place, column.head, "head" if column.kind in WORDY else "head of numbers")
            for row, value in enumerate(column.values):
                self._cell(self.HEAD + 1 + row, place, value, column.kind_of(row))
            self.sheet.set_column(place, place, column.wide(first=not place))
        self._heights()
        if any(column.total for column in columns):
            row = self.HEAD + 1 + self.rows
            self.text(row, 0, totals, "text!")
            for place, column in enumerate(columns[1:], 1):
                self._total(row, place, column)
        self.sheet.freeze_panes(self.HEAD + 1, 1)
        self.print_on(len(columns))

    def print_on(self, columns: int, last_head: int = 0) -> None:
        """Paper for so many columns, the headings on each of it; ``last_head``: last column that heads the rows."""
        self.sheet.repeat_rows(self.HEAD)
        if columns >= BROAD:
            self.sheet.set_paper(A3)
        if columns >= TWO_SHEETS:
            self.sheet.fit_to_pages(2, 0)
            self.sheet.repeat_columns(0, last_head)

    def _heights(self) -> None:
        """Room for sentences in rows that hold any: not every program finds it by itself."""
        wrapped = [(column, column.wide(first=not place)) for place, column in enumerate(self.columns)]
        for row in range(self.rows):
            lines = [
                math.ceil(FULLER * len(str(column.values[row])) / width)
                for column, width in wrapped
                if column.kind_of(row) in WRAPPED
            ]
            if max(lines, default=1) > 1:
                self.sheet.set_row(self.HEAD + 1 + row, min(LINE * max(lines), TALLEST))

    def span(self, head: str) -> list[object]:
        """The cells of a column, as charts name them."""
        place = self._place(head)
        return [self.name, self.HEAD + 1, place, self.HEAD + self.rows, place]

    def head(self, head: str) -> list[object]:
        """The cell of a heading, as charts name it."""
        return [self.name, self.HEAD, self._place(head)]

    def _place(self, head: str) -> int:
        return next(place for place, column in enumerate(self.columns) if column.head == head)

    def _cell(self, row: int, place: int, value: object, kind: str) -> None:
        if isinstance(value, str):
            self.text(row, place, value, kind if kind in WORDY else "text")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.number(row, place, float(value), kind)
        elif value is not None:
            self.number(row, place, float(str(value)), kind)

    def _total(self, row: int, place: int, column: Column) -> None:
        if not column.total:
            self.sheet.write_blank(row, place, None, self.book.formats["text!"])
            return
        how, *heads = column.total.split("|")
        own = self._range(place)
        numbers = _numbers(column)
        if how == "sum":
            formula, value = f"=SUM({own})", sum(value for value in numbers if math.isfinite(value))
        elif how == "ratio":
            cells = [xl_rowcol_to_cell(row, self._place(head)) for head in heads]
            above, below = (
                sum(v for v in _numbers(self.columns[self._place(head)]) if math.isfinite(v)) for head in heads
            )
            formula, value = f'=IF({cells[1]}>0,{cells[0]}/{cells[1]},"")', above / below if below > 0 else math.nan
        else:
            weights = self._range(self._place(heads[0]))
            by = _numbers(self.columns[self._place(heads[0])])
            pairs = [(n, w) for n, w in zip(numbers, by, strict=True) if math.isfinite(n) and w > 0]
            mass = sum(weight for _, weight in pairs)
            formula = f'=IF(SUM({weights})>0,SUMPRODUCT({own},{weights})/SUM({weights}),"")'
            value = sum(n * w for n, w in pairs) / mass if mass > 0 else math.nan
        self.formula(row, place, formula, value, f"{column.kind}!")
        self.book.places[self.name, column.head] = (f"'{self.name}'!{xl_rowcol_to_cell(row, place)}", value)

    def _range(self, place: int) -> str:
        name = xl_col_to_name(place)
        return f"{name}{self.HEAD + 2}:{name}{self.HEAD + 1 + self.rows}"


def open_book(path: str | Path) -> Book:
    """A new workbook; it is written when its ``book`` is closed."""
    book = xlsxwriter.Workbook(str(path), PLAIN)
    book.set_size(2400, 1500)
    return Book(book)


def write_workbook(facts: Facts, path: str | Path) -> None:
    """The workbook of a run.

    Args:
        facts: the run.
        path: where; its folder is there.
    """
    from scheduler.reports.workbook_sheets import add_sheets  # noqa: PLC0415 - the sheets stand on this module

    book = open_book(path)
    title = f"{facts.title}: production schedule"
    book.book.set_properties({"title": title[:255], "comments": f"mine {facts.summary['instance_hash']}"})
    add_sheets(facts, book)
    book.book.close()


def _numbers(column: Column) -> list[float]:
    return [float(value) if isinstance(value, int | float) else math.nan for value in column.values]
