"""From the file of a block model to the folder of a mine."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
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
from instances.reading import FILE, mine_in_memory


@dataclass(frozen=True)
class NewMine:
    """A mine made from a block model: its model, and the text of its ``mine.toml``."""

    model: BlockModel
    text: str


def new_mine(file: str | Path, name: str, told: Told | None = None, start: dt.date | None = None) -> NewMine:
    """Makes a mine of a block model, without writing anything.

    Args:
        file: the block model.
        name: name of the mine; made fit for ``mine.toml``.
        told: what is told about the model.
        start: first day of the plan; the next first of January unless given.

    Raises:
        BadInput: with every fault found.
    """
    path = Path(file)
    model = block_model(open_source(path), told)
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
    refuse_folder(folder)
    target = Path(folder).resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
        (part / FILE).write_text(mine.text, encoding="utf-8")
        table = pa.Table.from_pandas(mine.model.blocks, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), part / BLOCKS_FILE)
        if target.is_dir():
            target.rmdir()
        part.rename(target)
    except OSError as error:
        raise BadInput([Finding(str(folder), None, f"a folder that can be written ({error.strerror})")]) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Path(folder)


def refuse_folder(folder: str | Path) -> None:
    """Refuses a folder that holds something, or that stands in none, before time is spent.

    Raises:
        BadInput: where it is no folder, is not empty, or the folder above it is not there.
    """
    path = Path(folder)
    try:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise BadInput([Finding(str(folder), None, "a new folder; there is a file of this name")])
        if path.is_dir() and any(path.iterdir()):
            raise BadInput([Finding(str(folder), None, "an empty folder or a new one; this one holds something")])
        if not path.resolve().parent.is_dir():
            raise BadInput([Finding(str(folder), None, "a new folder in one that exists")])
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput([Finding(str(folder), None, "the path of a new folder")]) from error
