"""From the file of a block model to the folder of a mine."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from instances.findings import BadInput, Finding
from instances.importing.draft import BLOCKS_FILE, draft
from instances.importing.guesses import TERMS
from instances.importing.kinds import cleaned
from instances.importing.model import BlockModel, Told, block_model
from instances.importing.opening import open_source
from instances.new_folder import write_folder
from instances.reading import FILE, mine_in_memory


@dataclass(frozen=True)
class NewMine:
    """A mine made from a block model: its model, and the text of its ``mine.toml``."""

    model: BlockModel
    text: str


def new_mine(
    file: str | Path, name: str, told: Told | None = None, start: dt.date | None = None, element: str | None = None
) -> NewMine:
    """Makes a mine of a block model, without writing anything.

    Args:
        file: the block model.
        name: name of the mine; made fit for ``mine.toml``.
        told: what is told about the model.
        start: first day of the plan; the next first of January unless given.
        element: which of the block models of an OMF file.

    Raises:
        BadInput: with every fault found.
    """
    path = Path(file)
    model = block_model(open_source(path, element), told)
    if not any(element in TERMS for element in model.units):
        found = ", ".join(model.units)
        expected = f"grades of an element that is sold ({', '.join(TERMS)}); the table has {found}"
        raise BadInput([Finding(path.name, None, expected)])
    first = start or dt.date(dt.datetime.now(dt.UTC).year + 1, 1, 1)
    text = draft(model, cleaned(re.sub(r"\s+", "_", name), "mine"), path.name, first)
    mine_in_memory(tomllib.loads(text), model.blocks)
    return NewMine(model, text)


def write_new_mine(folder: str | Path, mine: NewMine) -> Path:
    """Writes the folder of a new mine, whole or not at all.

    Raises:
        BadInput: where there is something in the folder already, or it cannot be written.
    """

    def write(part: Path) -> None:
        (part / FILE).write_text(mine.text, encoding="utf-8")
        table = pa.Table.from_pandas(mine.model.blocks, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), part / BLOCKS_FILE)

    return write_folder(folder, write)
