"""Opens the file of a block model: delimited text, GSLIB, Parquet or OMF."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from instances.findings import BadInput, Finding, Words, nearest_name
from instances.importing.delimited import read_delimited
from instances.importing.omf_file import read_omf
from instances.importing.source import Source
from instances.table import MOST_ROWS

TEXT = (".csv", ".txt", ".dat", ".asc", ".out", ".gslib", ".tsv")
LARGEST_TEXT_BYTES = 2_000_000_000


def open_source(file: Path, element: str | None = None) -> Source:
    """Reads the table of a block model.

    Args:
        file: the file.
        element: which of the block models of an OMF file.

    Raises:
        BadInput: where the file is missing, of an unknown kind, unreadable or empty.
    """
    try:
        if not file.is_file():
            beside = [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []
            raise BadInput([Finding(str(file), None, "a file that exists", nearest_name(file.name, beside))])
        kind = file.suffix.lower()
        if element is not None and kind != ".omf":
            raise BadInput([Finding(f"--element {element}", None, "a file that ends in .omf")])
        if kind == ".omf":
            return read_omf(file, element)
        if kind == ".parquet":
            return _read_parquet(file)
        if kind not in TEXT:
            raise BadInput([Finding(str(file), None, f"a file that ends in .parquet, .omf, {', '.join(TEXT)}")])
        if file.stat().st_size > LARGEST_TEXT_BYTES:
            raise BadInput([Finding(str(file), None, f"at most {LARGEST_TEXT_BYTES:,} bytes, or Parquet")])
        return read_delimited(file.name, file.read_bytes())
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput([Finding(str(file), None, "a readable file")]) from error


def _read_parquet(file: Path) -> Source:
    try:
        with pq.ParquetFile(file) as opened:
            if not 0 < opened.metadata.num_rows <= MOST_ROWS:
                shown = Words(f"a table of {opened.metadata.num_rows} rows")
                raise BadInput([Finding(file.name, shown, f"1 to {MOST_ROWS:,} rows")])
            table = opened.read()
        table.validate(full=True)
    except pa.ArrowException as error:
        said = str(error).partition("\n")[0][:120]
        raise BadInput([Finding(file.name, Words(f"unreadable ({said})"), "a whole Parquet file")]) from error
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        if pa.types.is_large_string(plain.type):
            plain = plain.cast(pa.string())
        if not pa.types.is_nested(plain.type):
            columns[name] = plain
    return Source(file.name, columns)
