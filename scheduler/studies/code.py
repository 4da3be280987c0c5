"""Which code a result comes from: a version number alone does not tell two states of a working copy apart."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

LEFT_OUT = ("cli", "board", "reports", "pits")
"""Folders that no result depends on."""


@functools.cache
def code_hash() -> str:
    """Hash over the source of everything that a scenario's result depends on."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for room in ("instances", "solvers", "scheduler"):
        for file in sorted((root / room).rglob("*.py")):
            if not set(file.relative_to(root).parts) & set(LEFT_OUT):
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()
