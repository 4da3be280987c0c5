"""A sheet whose periods run across and whose lines go down, as a cash flow is written, with its totals to the right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_rowcol_to_cell

from scheduler.reports.workbook import Sheet

UNIT, FIRST = 1, 2
"""Columns of the units, and of the first period."""
SAME = 1e-9
"""Relative; a formula is written only where it comes to this near the value."""
MILLION = 1_000_000


@dataclass(frozen=True)
class Formula:
    """How a line follows from others, by their keys.

    Attributes:
        plus: lines that are added.
        minus: lines that are taken away.
        times: two lines that are multiplied.
        to_date: line whose sum up to a period it is, in millions.
    """

    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    times: tuple[str, str] | None = None
    to_date: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of numbers, a period a column.

    Attributes:
        key: its name in formulas and charts.
        words: its heading.
        unit: of its numbers.
        values: a number a period.
        kind: of :data:`scheduler.reports.workbook.FORMATS`.
        adds: whether the periods add up.
        strong: whether it is itself a total, and set in bold.
        formula: how it follows from other lines; ``None`` for what is given.
        comment: what it is, in a sentence.
    """

    key: str
    words: str
    unit: str
    values: Sequence[float]
    kind: str = "whole"
    adds: bool = True
    strong: bool = False
    formula: Formula | None = None
    comment: str = ""


class LineSheet(Sheet):
    """A sheet of lines."""

    def lines(self, labels: Sequence[str], lines: Sequence[Line]) -> None:
        """Headings of the periods, then the lines with their totals; panes frozen at the first number."""
        self.given = list(lines)
        self.places = {line.key: self.HEAD + 1 + number for number, line in enumerate(lines)}
        self.last = FIRST + len(labels) - 1
        self.rows = len(lines)
        for place, words in enumerate(("line", "unit")):
            self.text(self.HEAD, place, words, "head")
        for place, label in enumerate((*labels, "all"), FIRST):
            self.text(self.HEAD, place, label, "head of numbers")
        for line in lines:
            self._write(line)
        self.sheet.set_column(0, 0, max(len(line.words) for line in lines) + 2)
        self.sheet.set_column(UNIT, UNIT, max(len(line.unit) for line in lines) + 3)
        self.sheet.set_column(FIRST, self.last + 1, self._width())
        self.sheet.freeze_panes(self.HEAD + 1, FIRST)
        self.print_on(self.last + 2, UNIT)

    def span(self, head: str) -> list[object]:
        """The cells of a line by its key; of ``period`` those of the labels."""
        row = self.HEAD if head == "period" else self.places[head]
        return [self.name, row, FIRST, row, self.last]

    def head(self, head: str) -> list[object]:
        """The cell of the words of a line."""
        return [self.name, self.places[head], 0]

    def _width(self) -> float:
        """Characters of the largest number, with its sign and the commas between its thousands."""
        sums = (math.fsum(abs(value) for value in line.values if math.isfinite(value)) for line in self.given)
        return max(10.0, max((len(f"{size:,.0f}") for size in sums), default=0) + 4.0)

    def _write(self, line: Line) -> None:
        row, ending = self.places[line.key], "!" if line.strong else ""
        self.text(row, 0, line.words, f"text{ending}")
        self.text(row, UNIT, line.unit, f"text{ending}")
        if line.comment:
            self.sheet.write_comment(row, 0, line.comment)
        for number, value in enumerate(line.values):
            self._cell_of(line, row, number, float(value), f"{line.kind}{ending}")
        if line.adds:
            first, last = (xl_rowcol_to_cell(row, place) for place in (FIRST, self.last))
            total = sum(value for value in line.values if math.isfinite(value))
            self.formula(row, self.last + 1, f"=SUM({first}:{last})", total, f"{line.kind}{ending or '*'}")
            cell = xl_rowcol_to_cell(row, self.last + 1)
            self.book.places[self.name, line.key] = (f"'{self.name}'!{cell}", total)

    def _cell_of(self, line: Line, row: int, number: int, value: float, kind: str) -> None:
        """A number, or the formula by which it follows from other lines."""
        column = FIRST + number
        if line.formula is not None:
            text, found = self._worked_out(line.formula, number)
            if math.isclose(found, value, rel_tol=SAME, abs_tol=SAME * self._size(number)):
                self.formula(row, column, text, value, kind)
                return
        self.number(row, column, value, kind)

    def _worked_out(self, formula: Formula, number: int) -> tuple[str, float]:
        """The formula of a period, and what it comes to."""
        column = FIRST + number
        cell: Callable[[str], str] = lambda key: xl_rowcol_to_cell(self.places[key], column)  # noqa: E731
        if formula.times is not None:
            one, other = formula.times
            return f"={cell(one)}*{cell(other)}", self._value(one, number) * self._value(other, number)
        if formula.to_date is not None:
            first = xl_rowcol_to_cell(self.places[formula.to_date], FIRST, col_abs=True)
            so_far = math.fsum(self._value(formula.to_date, before) for before in range(number + 1))
            return f"=SUM({first}:{cell(formula.to_date)})/{MILLION}", so_far / MILLION
        plus, minus = ([key for key in keys if key in self.places] for keys in (formula.plus, formula.minus))
        text = "+".join(map(cell, plus)) + "".join(f"-{cell(key)}" for key in minus)
        return f"={text}", math.fsum([self._value(k, number) for k in plus] + [-self._value(k, number) for k in minus])

    def _value(self, key: str, number: int) -> float:
        return float(self.given[self.places[key] - self.HEAD - 1].values[number])

    def _size(self, number: int) -> float:
        """The largest number of a period, against which what rounding leaves is nothing."""
        return max((abs(float(line.values[number])) for line in self.given), default=1.0)
