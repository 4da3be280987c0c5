"""Reads a mine: a bundled one by its name, or a folder with ``mine.toml`` and its tables.

Every fault is found before any is told: those of the overrides and of the schema, of the tables, and those that only
show between them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from instances.checks import cross_checks
from instances.faults import Checked, checked
from instances.findings import BadInput, Finding, nearest_name
from instances.instance import Instance, no_precedence
from instances.overrides import applied
from instances.schema.dictionary import dotted, value_at
from instances.table import LARGEST_GRADE, Raw, Wanted, block_columns, checked_blocks, checked_precedence, read_table

FILE = "mine.toml"
BUNDLED = ("mzo",)
LARGEST_FILE_BYTES = 50_000_000


def read_mine(where: str | Path, overrides: Sequence[str] = ()) -> Instance:
    """Reads and checks a mine.

    Args:
        where: name of a bundled mine, folder that holds ``mine.toml``, or the path of a ``mine.toml``.
        overrides: changes to ``mine.toml``, such as ``limits.mill_t_per_day=14000``; see :mod:`instances.overrides`.

    Raises:
        BadInput: with every fault found.
    """
    return MineFiles(where).under(overrides)


class MineFiles:
    """The files of a mine, each read once, and the mine that they give under any overrides.

    Args:
        where: as for :func:`read_mine`.

    Attributes:
        file: the ``mine.toml``.
        data: its contents, as :mod:`tomllib` reads them; not to be written to.

    Raises:
        BadInput: where there is no readable ``mine.toml``.
    """

    def __init__(self, where: str | Path) -> None:
        try:
            self.file = _located(where)
        except (OSError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput([Finding(str(where), None, "the path of a readable folder or file")]) from error
        self.data = toml_contents(self.file)
        self._tables: dict[tuple[object, ...], _Tables] = {}

    def under(self, overrides: Sequence[str] = ()) -> Instance:
        """The mine with overrides applied, checked.

        Raises:
            BadInput: with every fault found.
        """
        data, paths, findings = applied(self.data, overrides)
        result = checked(data)
        tables = self._read(data)
        unsound = bool(tables.block_findings)
        told = [*result.findings, *_sound_cross_checks(result, tables.blocks, has_table_findings=unsound)]
        findings += [_placed(finding, paths, self.file.name) for finding in told]
        findings += [*tables.block_findings, *tables.precedence_findings]
        if findings or result.mine is None or tables.blocks is None:
            raise BadInput(findings)
        return Instance(result.mine, tables.blocks, tables.precedence, self.file.parent, tuple(overrides))

    def _read(self, data: Mapping[str, Any]) -> _Tables:
        """The tables, read again only where what is wanted of them has changed."""
        wanted = _wanted(data)
        files = (value_at(data, ["blocks", "file"]), value_at(data, ["precedence", "file"]))
        key = (repr(wanted), *map(repr, files))
        if key not in self._tables:
            blocks, findings = _blocks(data, self.file.parent, wanted)
            precedence, further = _precedence(data, self.file.parent, blocks)
            self._tables[key] = _Tables(blocks, precedence, tuple(findings), tuple(further))
        return self._tables[key]


@dataclass(frozen=True)
class _Tables:
    """Block table and further precedence, or what is wrong with them."""

    blocks: pd.DataFrame | None
    precedence: pd.DataFrame
    block_findings: tuple[Finding, ...]
    precedence_findings: tuple[Finding, ...]


def mine_in_memory(
    data: Mapping[str, Any], blocks: pd.DataFrame, precedence: pd.DataFrame | None = None, overrides: Sequence[str] = ()
) -> Instance:
    """A mine from contents and tables at hand, checked as its files would be.

    Args:
        data: what ``mine.toml`` would give, as :mod:`tomllib` would read it; ``blocks.file`` is not opened.
        blocks: the block table as its file would give it.
        precedence: the further precedence: block, needs and, optionally, lag_years.
        overrides: as for :func:`read_mine`.

    Raises:
        BadInput: with every fault found.
    """
    data, _, refused = applied(data, overrides)
    result = checked(data)
    wanted = _wanted(data)
    required, optional = block_columns(wanted)
    findings = [*refused, *result.findings]
    missing = [Finding("blocks", None, f"a column {name}") for name in required if name not in blocks]
    if missing or blocks.empty:
        raise BadInput([*findings, *missing] or [Finding("blocks", None, "at least one block")])
    kept = [name for name in (*required, *optional) if name in blocks]
    table, table_findings = checked_blocks(Raw("blocks", blocks[kept].reset_index(drop=True)), wanted)
    arcs = no_precedence()
    arc_findings: list[Finding] = []
    if precedence is not None and not precedence.empty:
        arcs, arc_findings = checked_precedence(Raw("precedence", precedence.reset_index(drop=True)), table["block"])
    findings += _sound_cross_checks(result, table, has_table_findings=bool(table_findings))
    findings += [*table_findings, *arc_findings]
    if findings or result.mine is None:
        raise BadInput(findings)
    return Instance(result.mine, table, arcs, None, tuple(overrides))


def _located(where: str | Path) -> Path:
    """The ``mine.toml`` that is meant.

    Raises:
        BadInput: where there is none.
    """
    path = Path(where)
    if str(where) in BUNDLED:
        return Path(__file__).parent / str(where) / FILE
    if path.is_dir():
        if (path / FILE).is_file():
            return path / FILE
        others = [other.name for other in path.iterdir() if other.suffix == ".toml"]
        near = nearest_name(FILE, others) or next(iter(sorted(others)), None)
        raise BadInput([Finding(str(where), None, f"a file {FILE} in this folder", near)])
    if path.is_file():
        if path.suffix == ".toml":
            return path
        raise BadInput([Finding(str(where), None, f"a folder with {FILE}, or a {FILE}", _near_mine(path))])
    expected = f"a folder with {FILE}, or a bundled mine ({', '.join(BUNDLED)}); there is none"
    raise BadInput([Finding(str(where), None, expected, _near_mine(path))])


def _near_mine(path: Path) -> str | None:
    """The bundled mine, or the folder beside, whose name is nearest."""
    beside = path.parent if path.parent.is_dir() else Path()
    folders = {other.name: str(other) for other in beside.iterdir() if (other / FILE).is_file()}
    near = nearest_name(path.name, [*BUNDLED, *folders])
    return folders.get(near, near) if near else None


def toml_contents(file: Path) -> dict[str, Any]:
    """What the file says.

    Raises:
        BadInput: where it cannot be read, is not UTF-8 or is not TOML.
    """
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            raise BadInput([Finding(file.name, None, f"at most {LARGEST_FILE_BYTES:,} bytes")])
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput([Finding(f"{file.name}: line {line}", None, "text in UTF-8")]) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number or list beyond reason"
        raise BadInput([Finding(file.name, None, f"TOML; {said[:200]}")]) from error
    except OSError as error:
        raise BadInput([Finding(str(file), None, f"a readable file ({error.strerror})")]) from error


def _wanted(data: Mapping[str, Any]) -> Wanted:
    """What the block table has to agree with, as far as the contents are sound."""
    elements = value_at(data, ["elements"])
    units = {}
    for name, element in elements.items() if isinstance(elements, Mapping) else ():
        unit = value_at(element, ["unit"])
        if isinstance(unit, str) and unit in LARGEST_GRADE:
            units[name] = unit
    size = value_at(data, ["blocks", "size_m"])
    sides = tuple(size) if isinstance(size, list | tuple) and len(size) == 3 else ()
    sound = len(sides) == 3 and all(isinstance(side, int | float) and 0 < side < 1e6 for side in sides)
    sectors = value_at(data, ["panels", "sectors"])
    return Wanted(
        units,
        _names(data, "phases"),
        _names(data, "materials"),
        (float(sides[0]), float(sides[1]), float(sides[2])) if sound else None,
        sectors if isinstance(sectors, int) and 1 <= sectors <= 50 else 1,
    )


def _names(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    table = data.get(key)
    return tuple(table) if isinstance(table, Mapping) else ()


def _blocks(data: Mapping[str, Any], folder: Path, wanted: Wanted) -> tuple[pd.DataFrame | None, list[Finding]]:
    file = value_at(data, ["blocks", "file"])
    if not isinstance(file, str):
        return None, []
    try:
        return checked_blocks(read_table(folder, file, "blocks.file", *block_columns(wanted)), wanted)
    except BadInput as error:
        return None, list(error.findings)


def _precedence(
    data: Mapping[str, Any], folder: Path, blocks: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[Finding]]:
    file = value_at(data, ["precedence", "file"])
    if not isinstance(file, str):
        return no_precedence(), []
    try:
        raw = read_table(folder, file, "precedence.file", ["block", "needs"], ["lag_years"])
    except BadInput as error:
        return no_precedence(), list(error.findings)
    if blocks is None:
        return no_precedence(), []
    return checked_precedence(raw, blocks["block"])


def _sound_cross_checks(result: Checked, blocks: pd.DataFrame | None, *, has_table_findings: bool) -> list[Finding]:
    """Cross-checks of what the schema accepts, without those that touch what it refused."""
    if result.mine is None:
        return []
    refused = [dotted(path) for path in result.refused]
    return [
        finding
        for finding in cross_checks(result.mine, None if has_table_findings else blocks)
        if not any(_touch(finding.place, path) for path in refused)
    ]


def _touch(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _placed(finding: Finding, paths: Mapping[tuple[str | int, ...], str], file: str) -> Finding:
    """The finding with the file, or the override, that its key path stands in."""
    for path, override in paths.items():
        if _touch(finding.place, dotted(path)):
            return replace(finding, place=f"--set {override}: {finding.place}")
    return replace(finding, place=f"{file}: {finding.place}")
