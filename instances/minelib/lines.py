"""Lines of a MineLib file: fields between blanks, tabs and colons, comments from % on, findings with file and line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from instances.findings import BadInput, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SEPARATORS = re.compile(r"[\s:]+")
_MOST_FINDINGS = 200
LARGEST = 1e15
"""Largest amount taken seriously: beyond it sums lose whole units, and no mine comes near."""


@dataclass(frozen=True)
class Line:
    """Fields of a line, and its number from 1 on."""

    number: int
    fields: tuple[str, ...]


@dataclass
class Reading:
    """One file being read: its lines as they stand, and the findings so far."""

    path: Path
    rows: list[str]
    findings: list[Finding] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Number of the last line."""
        return len(self.rows)

    @cached_property
    def lines(self) -> list[Line]:
        """Fields of every line that holds something."""
        return self.lines_of(range(1, self.length + 1))

    def lines_of(self, numbers: Iterable[int]) -> list[Line]:
        """Fields of those of some lines that hold something."""
        found = (self.line(number) for number in numbers)
        return [line for line in found if line is not None]

    def line(self, number: int) -> Line | None:
        """Fields of a line; None where it holds nothing."""
        content = self.rows[number - 1].split("%", 1)[0]
        fields = tuple(part for part in _SEPARATORS.split(content) if part)
        return Line(number, fields) if fields else None

    def find(self, line: int, value: object, expected: str, nearest: str | None = None) -> None:
        """Note a finding at a line."""
        self.findings.append(Finding(f"{self.path.name}:{line}", value, expected, nearest))

    def check(self) -> None:
        """Raise BadInput with every finding, where there is one."""
        if len(self.findings) > _MOST_FINDINGS:
            more = len(self.findings) - _MOST_FINDINGS
            last = Finding(self.path.name, f"{more} more findings", "none")
            raise BadInput([*self.findings[:_MOST_FINDINGS], last])
        if self.findings:
            raise BadInput(self.findings)

    def integer(self, line: Line, place: int, name: str, most: int) -> int:
        """Field as an integer in 0..most-1; -1 with a finding otherwise."""
        text = line.fields[place]
        try:
            number = int(text)
        except ValueError:
            self.find(line.number, text, f"{name}, an integer")
            return -1
        if not 0 <= number < most:
            self.find(line.number, number, f"{name} in 0..{most - 1}", str(min(max(number, 0), max(most - 1, 0))))
            return -1
        return number

    def number(self, line: Line, place: int, name: str) -> float:
        """Field as a finite number of ordinary size; 0 with a finding otherwise."""
        text = line.fields[place]
        try:
            number = float(text)
        except ValueError:
            self.find(line.number, text, f"{name}, a number")
            return 0.0
        if not math.isfinite(number) or abs(number) > LARGEST:
            self.find(line.number, text, f"{name}, a finite number up to {LARGEST:g}")
            return 0.0
        return number


def open_reading(path: Path) -> Reading:
    """Lines of a file; raises BadInput where it cannot be read as text."""
    try:
        return Reading(path, path.read_text(encoding="utf-8-sig").splitlines())
    except FileNotFoundError:
        raise BadInput([Finding(str(path), None, "a file of this name")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([Finding(str(path), str(error), "a readable text file")]) from None
