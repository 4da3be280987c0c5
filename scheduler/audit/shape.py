"""Reads the tables of a plan as codes and numbers; rows that make no sense are reported and left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from instances.findings import nearest_name
from scheduler.audit.findings import Floats, Ledger

Codes = NDArray[np.int64]


@dataclass
class Table:
    """One table of a plan while it is read.

    Attributes:
        name: its name in the plan.
        frame: its rows.
        ledger: where faults are entered.
        good: rows without a fault so far.
        period: period of each row, -1 where it is not one of the calendar.
    """

    name: str
    frame: pd.DataFrame
    ledger: Ledger
    good: NDArray[np.bool_] = field(init=False)
    period: Codes = field(init=False)

    def __post_init__(self) -> None:
        """Reads the periods."""
        self.good = np.ones(len(self.frame), dtype=bool)
        number = self._numbers("period")
        last = len(self.ledger.labels) - 1
        with np.errstate(invalid="ignore"):
            known = (number >= 0) & (number <= last) & (number == np.floor(number))
        self.period = np.where(known, number, -1).astype(np.int64)
        self.refuse(~known, "period", f"a period from 0 to {last}")

    def names(self, column: str, known: Sequence[str], what: str) -> Codes:
        """Position in ``known`` of each row's name; rows with an unknown one are refused."""
        found = pd.Index(self.frame[column].to_numpy(object), dtype=object)
        codes = np.asarray(pd.Index(list(known), dtype=object).get_indexer(found))
        unknown = codes < 0
        near = ""
        if unknown.any() and len(known) < 20_000:
            name = nearest_name(self.frame[column].to_numpy(object)[np.flatnonzero(unknown)[0]], known)
            near = f" (nearest: {name})" if name else ""
        self.refuse(unknown, column, f"{what} of the mine{near}")
        return codes.astype(np.int64)

    def tonnes(self, column: str, *, least: float = 0.0) -> Floats:
        """Tonnes of each row; missing, infinite and negative ones are refused."""
        number = self._numbers(column)
        with np.errstate(invalid="ignore"):
            wrong = ~np.isfinite(number) | (number < least)
        self.refuse(wrong, column, "tonnes, not negative" if least == 0 else "tonnes")
        return np.where(wrong, 0.0, number)

    def flags(self, column: str) -> NDArray[np.bool_]:
        """Yes or no of each row; anything else is refused."""
        values = self.frame[column].to_numpy(object)
        truth = np.fromiter((value in (True, False) for value in values), dtype=bool, count=len(values))
        self.refuse(~truth, column, "true or false")
        return np.fromiter((bool(value) for value in np.where(truth, values, False)), dtype=bool, count=len(values))

    def refuse(self, wrong: NDArray[np.bool_], column: str, expected: str) -> None:
        """Enters a fault for each wrong row and leaves it out."""
        self.ledger.count("shape", len(wrong))
        self.good &= ~wrong
        self.ledger.faults(
            "shape",
            np.flatnonzero(wrong),
            lambda row: (
                int(self.period[row]) if self.period[row] >= 0 else None,
                self.item(row),
                f"{column} {self._value(row, column)}",
                expected,
                "",
            ),
        )

    def item(self, row: int) -> str:
        """Name of a row: its table, its number from 1 and what it is about."""
        about = [str(value) for name, value in self.frame.iloc[row].items() if name in _NAMES and str(value)]
        return f"{self.name} row {row + 1} ({', '.join(about)})"

    def _value(self, row: int, column: str) -> str:
        return str(self.frame[column].iloc[row]) or "(none)"

    def _numbers(self, column: str) -> Floats:
        return np.asarray(pd.to_numeric(self.frame[column], errors="coerce"), dtype=np.float64)


_NAMES = frozenset(("unit", "parcel", "destination", "stockpile", "bin", "mill", "facility", "installation", "option"))
