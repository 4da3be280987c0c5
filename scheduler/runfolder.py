"""A run is a folder: the plan, its tables, its summary, the mine as it was solved, and the log.

``run.json`` says that the folder is a run and of which format. ``plan.parquet`` holds the tonnes by unit, parcel,
destination, bin and period (number and label); the other tables of the plan stand beside it. ``mine/`` is the mine with
every override applied, so that a run can be verified by itself. A run is written whole or not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import tomlkit

from instances.findings import BadInput, Finding, Words
from instances.instance import Instance
from instances.reading import read_mine
from scheduler.plan import MINED, OPERATING, OPTIONS, RECLAIM, STOCK, TAILINGS, Plan

FORMAT = 1
MANIFEST, SUMMARY, LOG, MINE = "run.json", "summary.json", "log.txt", "mine"
CERTIFICATE = "certificate.json"
TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "mined": ("plan.parquet", MINED),
    "stock": ("stock.parquet", STOCK),
    "reclaim": ("reclaim.parquet", RECLAIM),
    "tailings": ("tailings.parquet", TAILINGS),
    "operating": ("operating.parquet", OPERATING),
    "options": ("options.parquet", OPTIONS),
}
"""File and columns of each table of a plan; on file each has ``label``, that of the period, too."""
TYPES = {"period": pa.int64(), "works": pa.bool_()} | dict.fromkeys(("tonnes", "tonnes_in", "reclaimed"), pa.float64())
BLOCKS_FILE, PRECEDENCE_FILE = "blocks.parquet", "precedence.parquet"
OWN = frozenset(
    {MANIFEST, SUMMARY, LOG, CERTIFICATE, "schedule.csv", "cashflow.csv", *(file for file, _ in TABLES.values())}
)
"""Files of a run; beside them there is the folder of its mine."""
OWN_MINE = frozenset({"mine.toml", BLOCKS_FILE, PRECEDENCE_FILE})
REPORTS = re.compile(
    r"(\.[0-9a-f]{8}\.)?"  # not finished
    r"(report\.(html|xlsx)|report-plan\.parquet|scheduled-blocks\.(csv|parquet|vtu|omf)|pit-\d{4}(-\d\d)?(-p\d+)?\.png)"
)
"""Names of what ``pitwise report`` adds to a run."""
OF_THE_SYSTEM = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
MOST_NAMED = 3

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Run:
    """A run read back.

    Attributes:
        folder: where it was read from.
        instance: the mine as it was solved.
        plan: the schedule.
        summary: the contents of ``summary.json``.
    """

    folder: Path
    instance: Instance
    plan: Plan
    summary: dict[str, Any]


def write_run(  # noqa: PLR0917 - in the order of the folder's contents
    folder: str | Path,
    instance: Instance,
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, object],
    log: str | Path,
    *,
    certificate: Mapping[str, object] | None = None,
    replace: bool = False,
) -> Path:
    """Writes a run, whole or not at all.

    Args:
        folder: where; it is made, with the folders above it.
        instance: the mine that was solved.
        plan: the schedule.
        tables: written as ``<name>.csv``, their index first: ``schedule`` and ``cashflow``.
        summary: written as :func:`json_text`.
        log: text of the log, or the file that holds it.
        certificate: written as ``certificate.json``; no such file without one.
        replace: whether an earlier run in the folder may be replaced.

    Returns:
        The folder.

    Raises:
        BadInput: where there is something in the folder already, or it cannot be written; nothing is left then.
    """
    refuse_occupied(folder, replace=replace)
    target = Path(folder).resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    made: list[Path] = []
    try:
        made += [parent for parent in target.parents if not parent.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        if certificate is not None:
            _write_text(part / CERTIFICATE, json_text(certificate))
        _write_contents(part, instance, plan, tables, summary, log=log)
        _put_in_place(part, target, replace=replace)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        _remove_empty(made)
        if isinstance(error, OSError):
            raise _not_writable(folder, error) from error
        raise
    return Path(folder)


def refuse_occupied(folder: str | Path, *, replace: bool) -> None:
    """Refuses a folder that a run may not be written to, before time is spent on solving.

    Raises:
        BadInput: where it is no folder or holds something, other than a run that may be replaced, with nothing beside
            it that would be lost.
    """
    path = Path(folder)
    try:
        if not path.exists() and not path.is_symlink():
            return
        if not path.is_dir():
            raise BadInput([Finding(str(folder), None, "a folder, or nothing yet; there is a file of this name")])
        if not any(path.iterdir()):
            return
    except OSError as error:
        raise _not_writable(folder, error) from error
    if not (path / MANIFEST).is_file():
        raise BadInput([Finding(str(folder), None, "an empty folder or a new one; this one holds something else")])
    if not replace:
        raise BadInput(
            [Finding(str(folder), None, "a new folder; the run in this one is replaced only when asked for")]
        )
    try:
        others = _others(path)
    except OSError as error:
        raise _not_writable(folder, error) from error
    if others:
        more = f" and {len(others) - MOST_NAMED:,} more" if len(others) > MOST_NAMED else ""
        said = f"a run and its reports alone, to be replaced; it holds {', '.join(others[:MOST_NAMED])}{more} too"
        raise BadInput([Finding(str(folder), None, said)])


def _others(folder: Path) -> list[str]:
    """What is in the folder of a run that neither a run nor a report writes, by name."""
    found = []
    for one in folder.iterdir():
        if one.name == MINE and one.is_dir():
            found += [f"{MINE}/{below.name}" for below in one.iterdir() if below.name not in OWN_MINE | OF_THE_SYSTEM]
        elif one.is_dir() or not (one.name in OWN | OF_THE_SYSTEM or REPORTS.fullmatch(one.name)):
            found.append(one.name)
    return sorted(found)


def json_text(value: object) -> str:
    """A value as JSON: keys sorted, floats with all their digits, null where a number is infinite or missing."""
    return json.dumps(_plain(value), sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_run(folder: str | Path) -> Run:
    """Reads a run back; what the plan says is checked by the audit, not here.

    Raises:
        BadInput: with every fault, where the folder is no run, of another format, half-written or damaged.
    """
    path = Path(folder)
    manifest = _manifest(path)
    findings: list[Finding] = []
    summary = _tried(findings, _json_object, path, SUMMARY)
    instance = _tried(findings, _stored_mine, path, manifest)
    frames = {}
    for name, (file, columns) in TABLES.items():
        frame = _tried(findings, _stored_table, path, file, columns)
        if frame is not None and instance is not None:
            findings += _period_findings(f"{path}: {file}", frame, instance.mine.calendar.labels())
            frames[name] = frame[list(columns)]
    if findings or summary is None or instance is None:
        raise BadInput(findings)
    return Run(path, instance, Plan(manifest["resolution"], **frames), summary)


def _write_contents(
    part: Path,
    instance: Instance,
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, object],
    *,
    log: str | Path,
) -> None:
    mine = part / MINE
    mine.mkdir()
    _write_mine(mine, instance)
    labels = instance.mine.calendar.labels()
    for name, (file, columns) in TABLES.items():
        frame: pd.DataFrame = getattr(plan, name)
        frame = frame.assign(label=[labels[int(period)] for period in frame["period"]])
        pq.write_table(pa.Table.from_pandas(frame, schema=_schema(columns), preserve_index=False), part / file)
    for name, frame in tables.items():
        frame.to_csv(part / f"{name}.csv", lineterminator="\n", encoding="utf-8")
    _write_text(part / SUMMARY, json_text(summary))
    if isinstance(log, Path):
        shutil.copyfile(log, part / LOG)
    else:
        _write_text(part / LOG, log)
    manifest = {
        "format": FORMAT,
        "resolution": plan.resolution,
        "instance_hash": instance.hash(),
        "overrides": instance.overrides,
        "blocks_file": instance.mine.blocks.file,
        "precedence_file": instance.mine.precedence.file,
    }
    _write_text(part / MANIFEST, json_text(manifest))
    for file_path in part.rglob("*"):
        if file_path.is_file():
            with file_path.open("rb+") as file_object:
                os.fsync(file_object.fileno())


def _write_mine(folder: Path, instance: Instance) -> None:
    """The mine as it was solved: its overrides applied, its tables in Parquet under names of their own."""
    data = instance.mine.model_dump(exclude_unset=True, exclude_none=True)
    data["blocks"]["file"] = BLOCKS_FILE
    blocks = instance.blocks
    if instance.mine.panels.sectors > 1:
        # The reader makes the sectors from their number, and refuses to be given both.
        blocks = blocks.drop(columns="sector")
    blocks.to_parquet(folder / BLOCKS_FILE, index=False)
    data.get("precedence", {}).pop("file", None)
    if not instance.precedence.empty:
        data.setdefault("precedence", {})["file"] = PRECEDENCE_FILE
        instance.precedence.to_parquet(folder / PRECEDENCE_FILE, index=False)
    _write_text(folder / "mine.toml", f"# {_origin(instance)}\n\n{tomlkit.dumps(data)}")


def _origin(instance: Instance) -> str:
    changes = f" with {'; '.join(instance.overrides)}" if instance.overrides else ""
    return " ".join(f"The mine {instance.mine.name} as it was solved{changes}.".split())


def _put_in_place(part: Path, target: Path, *, replace: bool) -> None:
    """Moves the finished folder to its place; what was there is put back if that fails."""
    if not target.exists():
        part.rename(target)
    elif replace and any(target.iterdir()):
        old = part.with_suffix(".old")
        target.rename(old)
        try:
            part.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        target.rmdir()
        part.rename(target)


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _not_writable(folder: str | Path, error: OSError) -> BadInput:
    return BadInput([Finding(str(folder), None, f"a folder that can be written ({error.strerror or error})")])


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, TYPES.get(name, pa.string())) for name in (*columns, "label")])


def _plain(value: object) -> object:
    """A value in the types of JSON."""
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path | dt.date):
        return str(value)
    return value


def _tried(
    findings: list[Finding], read: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> Result | None:
    """What ``read`` returns; where it refuses its input, its findings are added instead."""
    try:
        return read(*given, **named)
    except BadInput as error:
        findings += error.findings
        return None


def _manifest(path: Path) -> dict[str, Any]:
    """The contents of ``run.json``.

    Raises:
        BadInput: where there is none, or it is not of this format.
    """
    if not path.is_dir():
        raise BadInput([Finding(str(path), None, "the folder of a run; there is no such folder")])
    if not (path / MANIFEST).is_file():
        raise BadInput(
            [Finding(str(path), None, f"the folder of a run, with {MANIFEST}; it is none, or was not finished")]
        )
    manifest = _json_object(path, MANIFEST)
    place = f"{path}: {MANIFEST}"
    if manifest.get("format") != FORMAT:
        expected = f"{FORMAT}, the format that this version reads"
        raise BadInput([Finding(f"{place}: format", manifest.get("format"), expected)])
    resolutions = ("panel", "block")
    findings = []
    if manifest.get("resolution") not in resolutions:
        findings.append(Finding(f"{place}: resolution", manifest.get("resolution"), f"one of {', '.join(resolutions)}"))
    texts = ["instance_hash", "blocks_file"] + ["precedence_file"] * (manifest.get("precedence_file") is not None)
    findings += [
        Finding(f"{place}: {key}", manifest.get(key), "a text")
        for key in texts
        if not isinstance(manifest.get(key), str)
    ]
    overrides = manifest.get("overrides")
    if not isinstance(overrides, list) or not all(isinstance(override, str) for override in overrides):
        findings.append(Finding(f"{place}: overrides", overrides, "a list of texts"))
    if findings:
        raise BadInput(findings)
    return manifest


def _json_object(path: Path, file: str) -> dict[str, Any]:
    place = f"{path}: {file}"
    try:
        value = json.loads((path / file).read_bytes().decode("utf-8"))
    except OSError as error:
        raise BadInput([Finding(place, None, f"a readable file ({error.strerror})")]) from error
    except (ValueError, RecursionError) as error:
        raise BadInput([Finding(place, None, "JSON in UTF-8; the file is damaged")]) from error
    if not isinstance(value, dict):
        raise BadInput([Finding(place, None, "a JSON object")])
    return value


def _stored_mine(path: Path, manifest: Mapping[str, Any]) -> Instance:
    """The mine of a run, under the file names that it had, so that its hash is that of the mine solved."""
    try:
        found = read_mine(path / MINE)
    except BadInput as error:
        raise BadInput(
            [dataclasses.replace(one, place=f"{path}: {MINE}: {one.place}") for one in error.findings]
        ) from error
    blocks = found.mine.blocks.model_copy(update={"file": manifest["blocks_file"]})
    precedence = found.mine.precedence.model_copy(update={"file": manifest["precedence_file"]})
    mine = found.mine.model_copy(update={"blocks": blocks, "precedence": precedence})
    instance = Instance(mine, found.blocks, found.precedence, found.folder, tuple(manifest["overrides"]))
    if instance.hash() != manifest["instance_hash"]:
        expected = f"the mine that was solved, of the hash {manifest['instance_hash'][:12]}…; it was changed since"
        raise BadInput([Finding(f"{path}: {MINE}: hash", Words(f"{instance.hash()[:12]}…"), expected)])
    return instance


def _stored_table(path: Path, file: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table of the plan with its labels."""
    place, schema = f"{path}: {file}", _schema(columns)
    try:
        with pq.ParquetFile(path / file) as parquet:
            table = parquet.read()
    except FileNotFoundError as error:
        raise BadInput([Finding(place, None, "a readable file; it is missing")]) from error
    except (pa.ArrowException, OSError) as error:
        raise BadInput([Finding(place, None, "a whole Parquet file; it is damaged")]) from error
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise BadInput([Finding(place, None, f"a column {name}") for name in missing])
    try:
        table = table.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise BadInput([Finding(place, None, "columns of the types that a run has; it is damaged")]) from error
    empty = [name for name in schema.names if table.column(name).null_count]
    if empty:
        raise BadInput([Finding(f"{place}: column {name}", None, "a value in every row") for name in empty])
    return pd.DataFrame(table.to_pandas(ignore_metadata=True))


def _period_findings(place: str, frame: pd.DataFrame, labels: Sequence[str]) -> list[Finding]:
    """Periods that are not of the calendar, or whose label is another's."""
    for row, (period, label) in enumerate(zip(frame["period"], frame["label"], strict=True), start=1):
        if not 0 <= period < len(labels):
            return [Finding(f"{place}: period in row {row}", int(period), f"a period from 0 to {len(labels) - 1}")]
        if label != labels[period]:
            return [Finding(f"{place}: label in row {row}", label, f"{labels[period]}, the label of its period")]
    return []
