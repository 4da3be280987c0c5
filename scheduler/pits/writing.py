"""A mine with phases chosen from nested pits, as a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import tomlkit

from instances.instance import Instance
from instances.new_folder import write_folder
from instances.reading import FILE, read_mine
from scheduler.pits.phases import Phases

BLOCKS_FILE = "blocks.parquet"
PRECEDENCE_FILE = "precedence.parquet"


def write_with_phases(
    folder: str | Path, instance: Instance, blocks: pd.DataFrame, phases: Phases, bench_lag: int | None
) -> Path:
    """Writes a mine like ``instance`` with other blocks and phases; its ``mine.toml`` keeps its comments.

    Args:
        folder: where; a new or an empty one.
        instance: a mine read from a folder, without overrides.
        blocks: the blocks with their phases.
        phases: the phases.
        bench_lag: benches by which each phase leads the next, where they are tied.

    Raises:
        BadInput: where the folder cannot be written to, or the mine written could not be read; nothing is left then.
    """
    document = _document(instance)
    document["blocks"]["file"] = BLOCKS_FILE
    tables: dict[str, Any] = {}
    for number, name in enumerate(phases.names):
        tables[name] = {"title": f"phase {number + 1}, to a price factor of {phases.factors[number]:g}"}
        if bench_lag is not None and number:
            tables[name] |= {"after": phases.names[number - 1], "bench_lag": bench_lag}
    document["phases"] = tables
    kept = instance.precedence
    if len(kept):
        inside = kept["block"].isin(blocks["block"]) & kept["needs"].isin(blocks["block"])
        kept = kept[inside]
        if len(kept):
            document["precedence"]["file"] = PRECEDENCE_FILE
        else:
            document["precedence"].pop("file", None)

    def write(part: Path) -> None:
        (part / FILE).write_text(tomlkit.dumps(document), encoding="utf-8")
        sectors = {"sector"} if (blocks["sector"] == "all").all() or instance.mine.panels.sectors > 1 else set()
        pq.write_table(_table(blocks.drop(columns=list(sectors))), part / BLOCKS_FILE)
        if len(kept):
            pq.write_table(_table(kept), part / PRECEDENCE_FILE)
        read_mine(part)

    return write_folder(folder, write)


def _document(instance: Instance) -> Any:  # noqa: ANN401
    """The text of the mine's file, with comments, where it has one."""
    if instance.folder is None:
        return tomlkit.item(instance.mine.model_dump(exclude_none=True, mode="python"))
    return tomlkit.parse((instance.folder / FILE).read_text(encoding="utf-8-sig"))


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
