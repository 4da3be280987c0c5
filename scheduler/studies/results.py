"""The results of a study as tables: a row a scenario, a row a scenario and period, a row a binding limit.

Money is in currency. Only scenarios with a result of the study's present data are in the tables; the others are counted
as waiting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scheduler.studies.columns import FIGURES, metal_columns
from scheduler.studies.folder import SOURCE, WAITING, Manifest, read_manifest, read_record
from scheduler.studies.folder import not_writable as _not_writable

STATE = b"pitwise_study_state"
"""Key of a Parquet file's metadata: the state of the study that it is a table of."""


class Study:
    """The folder of a study, while it runs or after.

    Args:
        folder: the folder.

    Raises:
        BadInput: where it is no study's folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.manifest: Manifest = read_manifest(folder)
        self.folder = Path(folder)

    @property
    def currency(self) -> str:
        """Symbol of the money."""
        return str(self.manifest.data["currency"])

    def parameters(self) -> list[str]:
        """Names of the parameters that the study varies."""
        return list(dict.fromkeys(name for entry in self.manifest.scenarios() for name in entry["values"]))

    def results(self) -> pd.DataFrame:
        """A row a scenario, in the order of the file, with the columns of :data:`scheduler.studies.columns.COLUMNS`."""
        table = pd.DataFrame([self._row(entry) for entry in self.manifest.scenarios()])
        for name in self.parameters():
            table[name] = _one_type(table[name])
        # Where no scenario has such a figure the column is one of numbers all the same.
        return table.astype(dict.fromkeys((*FIGURES, "fixed_schedule"), float))

    def periods(self) -> pd.DataFrame:
        """A row a scenario and period: the schedule, with mining and mill capacity (Mt); scenarios with a plan."""
        frames = []
        for entry in self.manifest.scenarios():
            result = self.manifest.result(entry)
            schedule, record = _schedule(result), read_record(result)
            if schedule is not None and record is not None:
                schedule.insert(0, "scenario", entry["name"])
                for name, capacity in record.get("capacity_kt", {}).items():
                    schedule[f"{name}_capacity_mt"] = np.array(
                        [np.nan if kt is None else kt / 1000 for kt in capacity], dtype=float
                    )
                frames.append(schedule)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["scenario", "period"])

    def shadow_prices(self) -> pd.DataFrame:
        """A row a scenario and binding limit: limit, key, item, period, value (currency of discounted cash), unit."""
        rows = [
            {"scenario": entry["name"], **price}
            for entry in self.manifest.scenarios()
            for price in (_json(self.manifest.result(entry) / "summary.json") or {}).get("shadow_prices", [])
        ]
        return pd.DataFrame(rows, columns=["scenario", "limit", "key", "item", "period", "value", "unit"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name."""
        return {"scenarios": self.results(), "periods": self.periods(), "shadow_prices": self.shadow_prices()}

    def write_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Writes tables to the study's folder, each as CSV and as Parquet; those of its earlier states are removed.

        Raises:
            BadInput: where they cannot be written.
        """
        state = self._state()
        try:
            for file in sorted(self.folder.glob("*.parquet")):
                if _state_of(file) not in (None, state):
                    file.with_suffix(".csv").unlink(missing_ok=True)
                    file.unlink()
            for name, table in tables.items():
                _replace(self.folder / f"{name}.csv", partial(_to_csv, table))
                _replace(self.folder / f"{name}.parquet", partial(_to_parquet, table, state))
        except OSError as error:
            raise _not_writable(self.folder, error) from error

    def is_present(self, file: Path) -> bool:
        """Whether a table that was written is of the study as it is, and not of an earlier state of it.

        Raises:
            OSError: where it cannot be read.
            pyarrow.ArrowException: where it is damaged.
        """
        return (pq.read_schema(file).metadata or {}).get(STATE) == self._state()

    def _state(self) -> bytes:
        """A hash over what the tables of a study depend on: the keys of its scenarios, and what its file asks."""
        try:
            asked = (self.folder / SOURCE).read_bytes()
        except OSError:
            asked = b""
        keys = [(entry["name"], entry["key"]) for entry in self.manifest.scenarios()]
        return hashlib.sha256(json.dumps(keys).encode() + asked).hexdigest().encode()

    def _row(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        result = self.manifest.result(entry)
        record = read_record(result) or {}
        summary = _json(result / "summary.json") or {}
        row: dict[str, Any] = {
            "scenario": entry["name"],
            "title": entry["title"],
            "design": entry["design"],
            "starts_from": entry["donor"] or "",
        }
        row |= {name: entry["values"].get(name) for name in self.parameters()}
        row |= {
            "status": record.get("status", WAITING),
            "reason": record.get("reason", ""),
        }
        row |= {name: summary.get(name) for name in FIGURES}
        row |= _shape(_schedule(result), summary, record)
        row |= {
            "bought": " ".join(f"{name}:{period}" for name, period in sorted(record.get("bought", {}).items())),
            "fixed_schedule": record.get("fixed_schedule"),
            "fixed_schedule_breaks": record.get("fixed_schedule_breaks", ""),
            "audit_passed": (summary.get("audit") or {}).get("passed"),
            "start": summary.get("start"),
            "nodes": summary.get("nodes"),
            "solve_s": (summary.get("seconds") or {}).get("solve"),
            "wall_s": record.get("wall_s"),
            "cpu_s": record.get("cpu_s"),
            "attempt": record.get("attempt"),
            "folder": str(result.relative_to(self.manifest.folder)) if record else "",
            "key": entry["key"],
        }
        return row


def _shape(schedule: pd.DataFrame | None, summary: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Life, strip, capacity use and metal of a schedule."""
    names = ("life_periods", "strip_ratio", "strip_ratio_peak", "stock_peak_mt", "mining_use", "mill_use")
    if schedule is None:
        return dict.fromkeys(names)
    busy = (schedule["moved_mt"] > 0) | (schedule["milled_mt"] > 0)
    found: dict[str, Any] = {
        "life_periods": int(np.flatnonzero(busy)[-1]) + 1 if busy.any() else 0,
        "strip_ratio": summary.get("strip_ratio"),
        "strip_ratio_peak": float(schedule["strip_ratio"].max()) if schedule["strip_ratio"].notna().any() else None,
        "stock_peak_mt": summary.get("stock_peak_mt"),
    }
    for name, column in (("mining", "moved_mt"), ("mill", "milled_mt")):
        used = schedule[column].to_numpy(float)
        most = np.array([np.nan if kt is None else kt for kt in record["capacity_kt"][name]], dtype=float) / 1000
        working = used > 0
        room = float(most[working].sum())
        found[f"{name}_use"] = float(used[working].sum()) / room if room > 0 and np.isfinite(room) else None
    for column in schedule.columns:
        product, _, unit = column.partition("_recovered_")
        if unit:
            in_all, at_first = metal_columns(product, unit)
            found[in_all] = float(schedule[column].sum())
            found[at_first] = float(schedule[column].iloc[:3].sum())
    return found


def _schedule(result: Path) -> pd.DataFrame | None:
    try:
        return pd.read_csv(result / "schedule.csv", dtype={"period": str})
    except OSError:
        return None


def _json(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _one_type(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of numbers as it is; where anything else is among them, all as text, lists as JSON."""
    given = [value for value in column if isinstance(value, list | str | bool)]
    if not given:
        return column.astype(float)
    return column.map(
        lambda value: value if isinstance(value, str) else "" if value is None else json.dumps(value), na_action=None
    )


def _to_csv(table: pd.DataFrame, file: Path) -> None:
    table.to_csv(file, index=False, lineterminator="\n", encoding="utf-8")


def _to_parquet(table: pd.DataFrame, state: bytes, file: Path) -> None:
    made = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(made.replace_schema_metadata({**(made.schema.metadata or {}), STATE: state}), file)


def _state_of(file: Path) -> bytes | None:
    """The state of the study that a table was written in; ``None`` where it is none of a study, or damaged."""
    try:
        return (pq.read_schema(file).metadata or {}).get(STATE)
    except (OSError, pa.ArrowException):
        return None


def _replace(file: Path, write: Callable[[Path], None]) -> None:
    """Writes a file whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    try:
        write(part)
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
