"""The columns of a block model by their roles, with what is wrong with them and what is to be told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instances.findings import Finding
from instances.importing.grade_units import GRADE_UNITS, unit_key
from instances.importing.lattice import FARTHEST_M
from instances.importing.measures import factor_of
from instances.importing.notes import Note, changed, guessed, understood
from instances.importing.numbers import sentinels
from instances.importing.source import Source
from instances.importing.vocabulary import Meaning

Floats = NDArray[np.float64]
ROUNDED_SHARE = 1.01
"""Largest share that is 1 but for rounding."""
PLAIN_PER_CENT = 1.5
"""A share above this is in per cent, or a fault."""


class Columns:
    """Reads the columns of one import and gathers findings and notes.

    Args:
        source: the table.
        meaning: what its columns mean.

    Attributes:
        findings: what is wrong.
        notes: what is to be told.
    """

    def __init__(self, source: Source, meaning: Meaning) -> None:
        self.source, self.meaning = source, meaning
        self.notes: list[Note] = [*source.notes, *meaning.notes]
        self.findings: list[Finding] = []

    def refuse(self, role: str, bad: NDArray[np.bool_], expected: str) -> None:
        """Adds a finding on the rows of a role's column where something is wrong."""
        self.findings.append(self.source.finding(self.meaning.roles[role], bad, expected))

    def number(self, role: str, unit: str | None = None) -> Floats | None:
        """The numbers of a role's column in metres and tonnes, NaN where there is none; None without such a column.

        Args:
            role: what the column is.
            unit: of its numbers, in place of the one that its heading says.
        """
        if role not in self.meaning.roles:
            return None
        heading = self.meaning.roles[role]
        values, findings = self.source.numbers(heading)
        self.findings += findings
        factor, note = factor_of(role, heading, self.meaning.units.get(role, "") if unit is None else unit)
        if note is not None and note not in self.notes:
            self.notes.append(note)
        if factor == 1.0:
            return values
        marked = sentinels(values)[0] if role in {"tonnes", "volume", "density"} else np.zeros(len(values), dtype=bool)
        return np.where(marked, values, values * factor)

    def finite(self, role: str) -> Floats | None:
        """The numbers of a role that every row has to have."""
        before = len(self.findings)
        values = self.number(role)
        if values is None or len(self.findings) > before:
            return values
        if np.isnan(values).any():
            self.refuse(role, np.isnan(values), "a number")
        elif (np.abs(values) > FARTHEST_M).any():
            self.refuse(role, np.abs(values) > FARTHEST_M, f"numbers within {FARTHEST_M:,.0f} of 0")
        return values

    def not_negative(self, role: str, values: Floats) -> Floats:
        """The values, 0 for marks of nothing; a finding where others are below 0."""
        marked, _ = sentinels(values)
        values = np.where(marked | np.isnan(values), 0.0, values)
        if (values < 0).any():
            self.refuse(role, values < 0, f"{role} of 0 or more")
        return values

    def share(self, role: str, unsaid: float) -> Floats | None:
        """Shares from 0 to 1, given so or in per cent; ``unsaid`` where there is none. None without such a column.

        In per cent is a column whose unit says so, or whose shares above 0 are mostly well above 1: a single one may be
        a fault.
        """
        values = self.number(role)
        if values is None:
            return None
        heading = self.meaning.roles[role]
        values = np.where(np.isnan(values) | sentinels(values)[0], unsaid, values)
        says = GRADE_UNITS.get(unit_key(self.meaning.units.get(role, ""))) == GRADE_UNITS["%"]
        if not (values > ROUNDED_SHARE).any():
            if says and (values > 0).any():
                self.notes.append(guessed(f"{heading} is in shares of 1: its unit says per cent, but none is above 1"))
        elif says or 2 * (values > PLAIN_PER_CENT).sum() >= (values > 0).sum():
            values = values / 100
            told = f"{heading} is in per cent"
            self.notes.append(understood(told) if says else guessed(told))
        rounded = (values > 1) & (values <= ROUNDED_SHARE)
        if rounded.any():
            most = float(values[rounded].max())
            self.notes.append(changed(f"{heading} is 1 in {int(rounded.sum()):,} rows where it is up to {most:.6g}"))
            values = np.where(rounded, 1.0, values)
        wrong = (values < 0) | (values > 1)
        if wrong.any():
            per_cent = "0 to 100 per cent" if says else f"0 to 100 per cent (--column '{role}[%]={heading}')"
            self.refuse(role, wrong, f"shares from 0 to 1, or {per_cent}")
        return values
