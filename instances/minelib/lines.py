"""Lines of a MineLib file: fields between blanks, tabs and colons, comments from % on, findings with file and line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from instances.findings import BadInput, Finding

_SEPARATORS = re.compile(r"[\s:]+")
_MOST_FINDINGS = 200
LARGEST = 1e15
"""Largest amount taken seriously: beyond it sums lose whole units, and no mine comes near."""


@dataclass(frozen=True)
class Line:
    """Fields of a line, its number from 1 on, and whether it had a colon."""

    number: int
    fields: tuple[str, ...]
    has_colon: bool


@dataclass
class Reading:
    """One file being read: its lines and the findings so far."""

    path: Path
    lines: list[Line]
    length: int
    findings: list[Finding] = field(default_factory=list)

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
    """Lines of a file that hold something; raises BadInput where it cannot be read as text."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput([Finding(str(path), None, "a file of this name")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([Finding(str(path), str(error), "a readable text file")]) from None
    lines = []
    rows = text.splitlines()
    for number, row in enumerate(rows, start=1):
        content = row.split("%", 1)[0]
        fields = tuple(part for part in _SEPARATORS.split(content) if part)
        if fields:
            lines.append(Line(number, fields, ":" in content))
    return Reading(path, lines, len(rows))
