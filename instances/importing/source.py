"""A table as a file gives it, before its columns mean anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from instances.findings import Finding, Words
from instances.importing.notes import Note
from instances.importing.numbers import numbers
from instances.table import told_rows


@dataclass(frozen=True)
class GridLine:
    """The grid that a GSLIB file gives in its second line: cells, centre of the first, and sizes, by axis."""

    cells: tuple[int, int, int]
    first_m: tuple[float, float, float]
    size_m: tuple[float, float, float]


@dataclass(frozen=True)
class Source:
    """A table as it was read.

    Attributes:
        place: name of its file, for findings.
        columns: text or numbers by heading, each of one length.
        first: number of the first row.
        word: what a row is called: ``line`` or ``row``.
        decimal_comma: whether a comma separates decimals.
        grid: the grid of a GSLIB file that gives one.
        units_said: unit by heading, where a line of the file gives them.
        rotation_deg: bearing of the model's y axis where the file's format says it.
        notes: what was found out in reading it.
    """

    place: str
    columns: Mapping[str, pa.ChunkedArray]
    first: int = 1
    word: str = "row"
    decimal_comma: bool = False
    grid: GridLine | None = None
    units_said: Mapping[str, str] = field(default_factory=dict)
    rotation_deg: float | None = None
    notes: tuple[Note, ...] = field(default_factory=tuple)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def numbers(self, heading: str) -> tuple[NDArray[np.float64], list[Finding]]:
        """Numbers of a column, NaN where there is none, and a finding where there is something else."""
        values, wrong = numbers(self.columns[heading], decimal_comma=self.decimal_comma)
        return values, [self.finding(heading, wrong, "numbers")] if wrong.any() else []

    def empty(self, heading: str) -> NDArray[np.bool_]:
        """Where a column has nothing at all, not even a mark for nothing."""
        column = self.columns[heading]
        if pa.types.is_string(column.type):
            return np.asarray(pc.equal(self.text(heading), "").to_numpy(), dtype=bool)
        return np.asarray(column.is_null(nan_is_null=True).to_numpy(), dtype=bool)

    def text(self, heading: str) -> pa.ChunkedArray:
        """The text of a column without blanks around it, empty where there is none."""
        column = self.columns[heading]
        if not pa.types.is_string(column.type):
            column = pc.cast(column, pa.string())
        return pc.utf8_trim_whitespace(pc.fill_null(column, ""))

    def finding(self, heading: str, bad: NDArray[np.bool_], expected: str) -> Finding:
        """What is wrong with a column, with its first rows and their values."""
        column = self.columns[heading]
        shown = [str(column[int(row)].as_py()).strip() for row in np.flatnonzero(bad)[:3]]
        values = Words(", ".join(dict.fromkeys(text[:40] if text not in {"", "None"} else "empty" for text in shown)))
        return Finding(f"{self.place}: {heading} in {told_rows(bad, self.first, self.word)}", values, expected)
