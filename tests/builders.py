"""Small mines for tests, made in memory or written to a folder."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomlkit

from instances.instance import Instance
from instances.reading import mine_in_memory

SIZE_M = (30.0, 30.0, 30.0)
ORE_FROM_PCT = 0.5
LOW_GRADE_FROM_PCT = 0.2


def tiny_data(
    *,
    periods: int = 3,
    phases: Sequence[str] = ("p1",),
    stockpile: bool = True,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the ``mine.toml`` of a small copper mine says, as :func:`tomllib.loads` would give it.

    One mill (300 t/d), a dump, and with ``stockpile`` a pile of one bin for low-grade ore; 0.2 Mt are moved a year; one
    unit of currency is one US$.

    Args:
        periods: yearly periods from 2020.
        phases: names of the phases.
        stockpile: whether there is one.
        changes: values by key path (``limits.mill_t_per_day``; lists by position); ``...`` takes a key away.
    """
    data: dict[str, Any] = {
        "format": 1,
        "name": "tiny",
        "calendar": {"start": dt.date(2020, 1, 1), "periods": periods, "discount_rate_per_year": 0.1},
        "money": {"currency": "$"},
        "blocks": {"file": "blocks.csv", "size_m": list(SIZE_M)},
        "elements": {"cu": {"unit": "pct"}},
        "materials": {"ore": {"kind": "ore"}, "low": {"kind": "ore"}, "rock": {"kind": "waste"}},
        "phases": {name: {} for name in phases},
        "destinations": {
            "mill": {
                "kind": "mill",
                "accepts": ["ore", "low"],
                "recovery": {"cu": {"ore": 0.9, "low": 0.8}},
                "cost_per_t": 8.0,
                "tailings_t_per_t": 0.0,
            },
            "dump": {"kind": "dump", "accepts": ["ore", "low", "rock"]},
        },
        "limits": {"mill_t_per_day": 300.0, "mining_mt_per_year": 0.2},
        "products": {"copper": {"element": "cu", "price_usd_per_lb": 3.0}},
        "costs": {"mining_per_t": 2.0},
    }
    if stockpile:
        data["destinations"]["pile"] = {
            "kind": "stockpile",
            "accepts": ["low"],
            "feeds": ["mill"],
            "reclaim_cost_per_t": 0.5,
            "bins": {"low": {"materials": ["low"], "leaves_at": {"cu": 0.3}, "recovery": {"cu": 0.75}}},
        }
    for path, value in (changes or {}).items():
        _change(data, path.split("."), value)
    return data


def _change(data: Any, keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        data = data[int(key)] if isinstance(data, list) else data.setdefault(key, {})
    if value is ...:
        del data[keys[-1]]
    elif isinstance(data, list):
        data[int(keys[-1])] = value
    else:
        data[keys[-1]] = copy.deepcopy(value)


def tiny_blocks(
    *,
    nx: int = 3,
    ny: int = 1,
    nz: int = 2,
    grades: Sequence[float] | None = None,
    tonnes: float | Sequence[float] = 70_000.0,
    phases: Sequence[str] = ("p1",),
) -> pd.DataFrame:
    """A box of blocks, the top bench first, then by y, then by x.

    Args:
        nx: blocks in x; they are split among the phases from west to east.
        ny: blocks in y.
        nz: benches; the top one is ``iz = nz - 1``.
        grades: per cent copper of each block, in this order. From 0.5 the material is ``ore``, from 0.2 ``low``, below
            ``rock``. Without it, rock above and ore of 0.9 per cent at the bottom.
        tonnes: tonnes of each block, or of all.
        phases: names of the phases.
    """
    cells = [(x, y, z) for z in reversed(range(nz)) for y in range(ny) for x in range(nx)]
    if grades is None:
        grades = [0.9 if z == 0 else 0.1 for _, _, z in cells]
    grade = np.asarray(grades, dtype=float)
    x = np.array([cell[0] for cell in cells])
    return pd.DataFrame(
        {
            "block": [f"b{x}-{y}-{z}" for x, y, z in cells],
            "ix": x,
            "iy": [cell[1] for cell in cells],
            "iz": [cell[2] for cell in cells],
            "phase": [phases[min(int(column * len(phases) / nx), len(phases) - 1)] for column in x],
            "material": np.select([grade >= ORE_FROM_PCT, grade >= LOW_GRADE_FROM_PCT], ["ore", "low"], "rock"),
            "tonnes": np.broadcast_to(np.asarray(tonnes, dtype=float), len(cells)),
            "cu_pct": grade,
        }
    )


def tiny_mine(
    *,
    nx: int = 3,
    ny: int = 1,
    nz: int = 2,
    periods: int = 3,
    grades: Sequence[float] | None = None,
    tonnes: float | Sequence[float] = 70_000.0,
    phases: Sequence[str] = ("p1",),
    stockpile: bool = True,
    changes: Mapping[str, Any] | None = None,
    precedence: Sequence[tuple[str, str, float]] = (),
    overrides: Sequence[str] = (),
) -> Instance:
    """A small mine, checked as one read from files; see :func:`tiny_data` and :func:`tiny_blocks`.

    Args:
        nx: blocks in x.
        ny: blocks in y.
        nz: benches.
        periods: yearly periods.
        grades: per cent copper of each block, top bench first.
        tonnes: tonnes of each block, or of all.
        phases: names of the phases, from west to east.
        stockpile: whether there is one.
        changes: values of ``mine.toml`` by key path.
        precedence: further precedence, ``(block, needs, lag_years)``.
        overrides: as on the command line.
    """
    data = tiny_data(periods=periods, phases=phases, stockpile=stockpile, changes=changes)
    blocks = tiny_blocks(nx=nx, ny=ny, nz=nz, grades=grades, tonnes=tonnes, phases=phases)
    arcs = pd.DataFrame(list(precedence), columns=["block", "needs", "lag_years"]) if precedence else None
    return mine_in_memory(data, blocks, arcs, overrides)


def write_mine(folder: Path, data: Mapping[str, Any] | None = None, blocks: pd.DataFrame | None = None) -> Path:
    """Writes a mine to a folder, the small one unless told otherwise, and gives the folder back."""
    contents = tiny_data() if data is None else data
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.toml").write_text(tomlkit.dumps(contents), encoding="utf-8")
    (tiny_blocks() if blocks is None else blocks).to_csv(folder / "blocks.csv", index=False)
    return folder
