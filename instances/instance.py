"""A mine in memory: what ``mine.toml`` says and its block table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from instances.schema import Mine


def no_precedence() -> pd.DataFrame:
    """The further precedence of a mine that gives none: the columns block, needs and lag_years, no rows."""
    return pd.DataFrame(
        {"block": pd.Series(dtype="str"), "needs": pd.Series(dtype="str"), "lag_years": pd.Series(dtype="float64")}
    )


@dataclass(frozen=True)
class Instance:
    """A mine read and checked. Never written to.

    Attributes:
        mine: the contents of ``mine.toml`` with any overrides applied.
        blocks: the block table as its file gives it, a row a block, with the columns block (text), ix, iy, iz
            (integers, iz upwards), phase, sector (text), material (text), tonnes (t, in situ), one column a grade
            (``<element>_<unit>``), mined_fraction (share already mined at the start, 0 to 1) and, where the file has
            it, slope_deg (overall slope of a wall that the block stands in, in place of its material's).
        precedence: further precedence between blocks, a row an arc: block and needs (names of blocks) and lag_years;
            block waits until needs is finished and lag_years longer.
        folder: where it was read from; ``None`` for a mine made in memory.
        overrides: the overrides applied, as they were given.
    """

    mine: Mine
    blocks: pd.DataFrame
    precedence: pd.DataFrame = field(default_factory=no_precedence)
    folder: Path | None = None
    overrides: tuple[str, ...] = ()
    _digest: list[str] = field(default_factory=list, repr=False, compare=False)

    def grade_columns(self) -> dict[str, str]:
        """Grade column by element."""
        return {name: f"{name}_{element.unit}" for name, element in self.mine.elements.items()}

    def hash(self) -> str:
        """SHA-256 over everything that can change a plan or its report, in hexadecimal.

        Equal mines have equal hashes whatever the layout of their files.
        """
        if not self._digest:
            digest = hashlib.sha256()
            digest.update(json.dumps(self.mine.model_dump(mode="json"), sort_keys=True).encode())
            _add_table(digest, self.blocks, ["block"])
            if len(self.precedence):
                _add_table(digest, self.precedence, ["block", "needs", "lag_years"])
            self._digest.append(digest.hexdigest())
        return self._digest[0]


def _add_table(digest: hashlib._Hash, table: pd.DataFrame, order: list[str]) -> None:
    ordered = table.reindex(sorted(table.columns), axis=1).sort_values(order)
    for name, column in ordered.items():
        digest.update(str(name).encode())
        values = column.astype(float) if pd.api.types.is_numeric_dtype(column) else column.astype(str)
        digest.update("\x1f".join(map(repr, values.tolist())).encode())
