"""Reads and checks the tables of a mine: its blocks, and its further precedence.

Faults of a column are told together, with the first rows and the count. Rows of CSV files are told by line, as a text
editor or a spreadsheet counts them, the heading being line 1; rows of Parquet files count from 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from instances.findings import BadInput, Finding, Words, nearest_name

HEAVIEST_T_PER_M3 = 10.0
HEAVIEST_BLOCK_T = 1e9
LARGEST_INDEX = 1_000_000
MOST_CELLS = 50_000_000
MOST_ROWS = 20_000_000
MOST_SLOPES = 85
SLOPES_DEG = (5.0, 89.0)
TOLD_ROWS = 3
TOLD_NAMES = 5
LARGEST_GRADE = {"pct": 100.0, "g_per_t": 1e6}
_OUTSIDE_ALLOWED: ContextVar[bool] = ContextVar("files_outside_allowed", default=False)


@dataclass(frozen=True)
class Wanted:
    """What the block table has to agree with.

    Attributes:
        elements: unit by element, ``pct`` or ``g_per_t``.
        phases: names of the phases.
        materials: names of the materials.
        size_m: block size in x, y, z, metres, where known.
        sectors: sectors to cut each bench into where the table has no column ``sector``.
    """

    elements: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    size_m: tuple[float, float, float] | None = None
    sectors: int = 1

    def heaviest_t(self) -> float:
        """Tonnes above which a block is taken for a slip."""
        volume = HEAVIEST_BLOCK_T if self.size_m is None else float(np.prod(self.size_m))
        return min(HEAVIEST_BLOCK_T, volume * HEAVIEST_T_PER_M3)


@dataclass(frozen=True)
class Raw:
    """A table as it was read, before its values are checked.

    Attributes:
        place: its file, for findings.
        frame: its wanted columns; those of CSV files are text.
        first: number of its first row.
        word: what a row is called: ``line`` or ``row``.
    """

    place: str
    frame: pd.DataFrame
    first: int = 1
    word: str = "row"

    def rows(self, bad: NDArray[np.bool_]) -> str:
        """The first rows where ``bad`` holds, and how many there are."""
        return told_rows(bad, self.first, self.word)

    def values(self, column: str, bad: NDArray[np.bool_]) -> Words:
        """The first values of a column where ``bad`` holds, without repeats."""
        found = self.frame[column].to_numpy(dtype=object)[np.flatnonzero(bad)[:TOLD_ROWS]]
        return Words(
            ", ".join(dict.fromkeys("empty" if str(value).strip() == "" else str(value)[:40] for value in found))
        )


def are_files_outside_allowed() -> bool:
    """Whether they are now, to allow the same in another process; see :func:`files_outside_allowed`."""
    return _OUTSIDE_ALLOWED.get()


@contextmanager
def files_outside_allowed() -> Iterator[None]:
    """While it lasts, the files that a ``mine.toml`` names may lie outside its folder."""
    token = _OUTSIDE_ALLOWED.set(True)
    try:
        yield
    finally:
        _OUTSIDE_ALLOWED.reset(token)


def told_rows(bad: NDArray[np.bool_], first: int, word: str) -> str:
    """The first rows where ``bad`` holds, and how many there are.

    Args:
        bad: shape ``(rows,)``.
        first: number of the first row.
        word: what a row is called: ``line`` or ``row``.
    """
    found = np.flatnonzero(bad)
    told = ", ".join(str(row + first) for row in found[:TOLD_ROWS])
    more = f" ({len(found)} {word}s in all)" if len(found) > TOLD_ROWS else ""
    return f"{word}{'s' if len(found) > 1 else ''} {told}{more}"


def read_table(folder: Path, file: str, key: str, required: Sequence[str], optional: Sequence[str] = ()) -> Raw:
    """Reads the wanted columns of a CSV or Parquet file of a mine's folder; others are dropped.

    Args:
        folder: the mine's folder.
        file: name of the file, relative to it.
        key: key of ``mine.toml`` that names the file, for findings.
        required: columns that it must have.
        optional: columns that it may have.

    Raises:
        BadInput: where the file is missing, outside the folder, unreadable, empty, or lacks columns.
    """
    path = _inside(folder, file, key)
    is_csv = path.suffix.lower() == ".csv"
    try:
        heading, table = (
            _read_csv(path, (*required, *optional)) if is_csv else _read_parquet(path, (*required, *optional))
        )
        table.validate(full=True)
        frame = table.replace_schema_metadata(None).to_pandas()
    except UnicodeDecodeError as error:
        raise BadInput([Finding(file, None, f"text in UTF-8; byte {error.start} is not")]) from error
    except (pa.ArrowException, OSError, csv.Error, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        what = "CSV, UTF-8, with commas between columns" if is_csv else "a whole Parquet file"
        raise BadInput([Finding(file, Words(f"unreadable ({_first_line(error)})"), what)]) from error
    findings = _heading_findings(file, heading, required, optional)
    if findings:
        raise BadInput(findings)
    if not 0 < table.num_rows <= MOST_ROWS:
        raise BadInput([Finding(file, Words(f"a table of {table.num_rows} rows"), f"1 to {MOST_ROWS:,} rows")])
    return Raw(file, frame, 2 if is_csv else 1, "line" if is_csv else "row")


def _inside(folder: Path, file: str, key: str) -> Path:
    try:
        path = (folder / file).resolve()
        there = path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput([Finding(f"mine.toml: {key}", file, "the name of a file")]) from error
    if not (path.is_relative_to(folder.resolve()) or _OUTSIDE_ALLOWED.get()) or path == folder.resolve():
        raise BadInput([Finding(f"mine.toml: {key}", file, "a file in the mine's folder")])
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise BadInput([Finding(f"mine.toml: {key}", file, "a file that ends in .csv or .parquet")])
    if not there:
        others = [other.name for other in folder.iterdir() if other.suffix.lower() in {".csv", ".parquet"}]
        raise BadInput(
            [Finding(f"mine.toml: {key}", file, "a file that exists in the mine's folder", nearest_name(file, others))]
        )
    return path


def _read_csv(path: Path, columns: Sequence[str]) -> tuple[list[str], pa.Table]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        heading = next(csv.reader(lines), [])
    kept = [name for name in dict.fromkeys(heading) if name in columns]
    options = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(kept, pa.string()), include_columns=kept, strings_can_be_null=False
    )
    if not kept or len(set(heading)) < len(heading):
        return heading, pa.table({})
    return heading, pa_csv.read_csv(path, convert_options=options)


def _read_parquet(path: Path, columns: Sequence[str]) -> tuple[list[str], pa.Table]:
    with pq.ParquetFile(path) as file:
        heading = list(file.schema_arrow.names)
        kept = [name for name in dict.fromkeys(heading) if name in columns]
        if file.metadata.num_rows > MOST_ROWS:
            raise BadInput([Finding(path.name, Words(f"{file.metadata.num_rows} rows"), f"at most {MOST_ROWS:,}")])
        nested = [name for name in kept if pa.types.is_nested(file.schema_arrow.field(name).type)]
        if nested:
            raise BadInput([Finding(f"{path.name}: column {name}", Words("nested"), "plain values") for name in nested])
        return heading, file.read(columns=kept)


def _heading_findings(file: str, heading: list[str], required: Sequence[str], optional: Sequence[str]) -> list[Finding]:
    if len(heading) == 1 and any(mark in heading[0] for mark in ";\t"):
        return [Finding(f"{file}: heading", Words(heading[0]), "commas between the columns")]
    if not heading:
        return [Finding(file, Words("empty"), f"the columns {', '.join(required)}")]
    wanted = {*required, *optional}
    findings = [
        Finding(f"{file}: column {name}", Words("given twice"), "each column once")
        for name in dict.fromkeys(heading)
        if name in wanted and heading.count(name) > 1
    ]
    spare = [name for name in heading if name not in wanted]
    findings += [
        Finding(file, None, f"a column {name}", _near_column(name, spare)) for name in required if name not in heading
    ]
    return findings


def _near_column(name: str, spare: Sequence[str]) -> str | None:
    """The column that was probably meant: spelt alike, or with a unit or in capitals."""
    alike = {other.strip().lower(): other for other in spare}
    near = nearest_name(name.lower(), alike) or next((other for other in alike if other.startswith(f"{name}_")), None)
    return None if near is None else alike[near]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:120] or type(error).__name__


def block_columns(wanted: Wanted) -> tuple[list[str], list[str]]:
    """The columns that a block table must have, and those that it may have."""
    grades = [f"{element}_{unit}" for element, unit in wanted.elements.items()]
    return ["block", "ix", "iy", "iz", "phase", "material", "tonnes", *grades], [
        "sector",
        "mined_fraction",
        "slope_deg",
    ]


def checked_blocks(raw: Raw, wanted: Wanted) -> tuple[pd.DataFrame, list[Finding]]:
    """The block table with its types, and what is wrong with it.

    Returns:
        The columns block, ix, iy, iz, phase, sector, material, tonnes, the grades, mined_fraction, and slope_deg where
        the file has it, a row a block in the order of the file; and the findings, one a column and fault. With findings
        the table is not to be used.
    """
    columns = _Columns(raw)
    heaviest = wanted.heaviest_t()
    table = pd.DataFrame({"block": columns.text("block")})
    for axis in ("ix", "iy", "iz"):
        table[axis] = columns.whole(axis)
    table["phase"] = columns.name("phase", wanted.phases, "phases")
    table["sector"] = columns.text("sector") if "sector" in raw.frame else "all"
    table["material"] = columns.name("material", wanted.materials, "materials")
    weight = f"tonnes > 0 and <= {heaviest:g} (block volume x {HEAVIEST_T_PER_M3:g} t/m3)"
    table["tonnes"] = columns.number("tonnes", 0.0, heaviest, weight, low_open=True)
    for element, unit in wanted.elements.items():
        most = LARGEST_GRADE[unit]
        name = f"{element}_{unit}"
        table[name] = columns.number(name, 0.0, most, f"grades from 0 to {most:g}")
    table["mined_fraction"] = 0.0
    if "mined_fraction" in raw.frame:
        table["mined_fraction"] = columns.number("mined_fraction", 0.0, 1.0, "fractions from 0 to 1")
    if "slope_deg" in raw.frame:
        table["slope_deg"] = columns.number("slope_deg", *SLOPES_DEG, "slopes from 5 to 89 degrees")
        count = len(set(table["slope_deg"]))
        if "slope_deg" not in columns.faulty and count > MOST_SLOPES:
            place = f"{raw.place}: slope_deg"
            columns.findings.append(
                Finding(place, Words(f"{count} different slopes"), f"at most {MOST_SLOPES}, such as whole degrees")
            )
    columns.once(["block"], table, "a name of its own for every block")
    if not columns.faulty & {"ix", "iy", "iz"}:
        columns.once(["ix", "iy", "iz"], table, "a cell of its own for every block")
        columns.grid(table)
    if "sector" in raw.frame and wanted.sectors > 1:
        columns.findings.append(
            Finding("mine.toml: panels.sectors", wanted.sectors, f"no such key, as {raw.place} has a column sector")
        )
    elif wanted.sectors > 1 and not columns.findings:
        table["sector"] = _sectors(table, wanted.sectors)
    return table, columns.findings


def checked_precedence(raw: Raw, blocks: pd.Series[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """The further precedence with its types, and what is wrong with it.

    Args:
        raw: the table as it was read.
        blocks: the names of the blocks.

    Returns:
        The columns block, needs (names of blocks) and lag_years; and the findings.
    """
    columns = _Columns(raw)
    known = tuple(blocks)
    table = pd.DataFrame({name: columns.name(name, known, "block table") for name in ("block", "needs")})
    table["lag_years"] = 0.0
    if "lag_years" in raw.frame:
        table["lag_years"] = columns.number("lag_years", 0.0, 100.0, "years from 0 to 100")
    itself = (table["block"] == table["needs"]).to_numpy(dtype=bool)
    if itself.any():
        place = f"{raw.place}: block in {raw.rows(itself)}"
        columns.findings.append(Finding(place, raw.values("block", itself), "a block that needs another, not itself"))
    return table, columns.findings


def _sectors(table: pd.DataFrame, sectors: int) -> pd.Series[str]:
    """Sector of each block by its azimuth about the mean cell of its phase; ``s1`` begins at north."""
    middle = table.groupby("phase")[["ix", "iy"]].transform("mean")
    azimuth = np.arctan2(table["ix"] - middle["ix"], table["iy"] - middle["iy"]) % (2 * np.pi)
    number = np.minimum((azimuth / (2 * np.pi) * sectors).astype(int), sectors - 1) + 1
    return pd.Series("s" + number.astype(str), dtype="str")


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """The numbers of a column; what is no number becomes NaN."""
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype(object).map(lambda value: value if isinstance(value, str | float) else str(value))
        column = pd.to_numeric(text, errors="coerce")
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


class _Columns:
    """Checks columns one by one and gathers what is wrong."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.findings: list[Finding] = []
        self.faulty: set[str] = set()

    def text(self, column: str) -> pd.Series[str]:
        values = self.raw.frame[column]
        missing = values.isna().to_numpy(dtype=bool)
        text = values.astype(object).where(~missing, "").astype("str")
        self._refuse(column, missing | (text.str.strip() == "").to_numpy(dtype=bool), "a name")
        return text

    def name(self, column: str, known: Sequence[str], of: str) -> pd.Series[str]:
        text = self.text(column)
        present = (text.str.strip() != "").to_numpy(dtype=bool)
        if not known:
            return text
        unknown = present & ~text.isin(known).to_numpy(dtype=bool)
        names = list(dict.fromkeys(text[unknown]))
        for name in names[:TOLD_NAMES]:
            place = f"{self.raw.place}: {column} in {self.raw.rows(unknown & (text == name).to_numpy(dtype=bool))}"
            self.findings.append(Finding(place, name, f"a name of the {of}", nearest_name(name, known)))
        if len(names) > TOLD_NAMES:
            place = f"{self.raw.place}: {column}"
            self.findings.append(
                Finding(place, Words(f"{len(names) - TOLD_NAMES} more unknown names"), f"names of the {of}")
            )
        self.faulty |= {column} if names else set()
        return text

    def number(
        self, column: str, low: float, high: float, words: str, *, low_open: bool = False
    ) -> NDArray[np.float64]:
        values = _numbers(self.raw.frame[column])
        within = (values > low if low_open else values >= low) & (values <= high)
        self._refuse(column, ~within, words)
        return values

    def whole(self, column: str) -> NDArray[np.int64]:
        values = _numbers(self.raw.frame[column])
        with np.errstate(invalid="ignore"):
            good = (np.abs(values) <= LARGEST_INDEX) & (values == np.round(values))
        self._refuse(column, ~good, f"whole numbers from {-LARGEST_INDEX} to {LARGEST_INDEX}")
        return np.where(good, values, 0.0).astype(np.int64)

    def once(self, columns: list[str], table: pd.DataFrame, words: str) -> None:
        repeated = table.duplicated(columns, keep=False).to_numpy(dtype=bool)
        if self.faulty & set(columns) or not repeated.any():
            return
        first = table.loc[repeated, columns].iloc[0]
        same = (table[columns] == first).all(axis=1).to_numpy(dtype=bool)
        names = int(table.loc[repeated, columns].drop_duplicates().shape[0])
        others = f", and {names - 1} more like it" if names > 1 else ""
        shown = Words(f"{', '.join(map(str, first))}{others}")
        self.findings.append(Finding(f"{self.raw.place}: {', '.join(columns)} in {self.raw.rows(same)}", shown, words))

    def grid(self, table: pd.DataFrame) -> None:
        spans = [int(table[axis].max()) - int(table[axis].min()) + 1 for axis in ("ix", "iy", "iz")]
        cells = spans[0] * spans[1] * spans[2]
        if cells > MOST_CELLS:
            shown = Words(f"{spans[0]} x {spans[1]} x {spans[2]} cells")
            self.findings.append(
                Finding(f"{self.raw.place}: the grid", shown, f"a box of at most {MOST_CELLS:,} cells")
            )

    def _refuse(self, column: str, bad: NDArray[np.bool_], words: str) -> None:
        if bad.any():
            self.faulty.add(column)
            place = f"{self.raw.place}: {column} in {self.raw.rows(bad)}"
            self.findings.append(Finding(place, self.raw.values(column, bad), words))
