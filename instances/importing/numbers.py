"""Numbers as other programs write them: thousands separators, decimal commas, marks for nothing, and sentinels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NOTHING = frozenset({"", "-", "--", "*", ".", "na", "n/a", "#n/a", "nan", "null", "none", "absent", "undefined"})
SENTINELS = (-1.0, -9.0, -99.0, -99.9, -99.99, -999.0, -999.25, -9999.0, -99999.0, -999999.0)
BEYOND_REASON = 1e29
"""Datamine and Surpac mark nothing with numbers of this size (1e30, 1e31)."""
GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[, '\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:\.\d*)?", re.ASCII)
GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[. '\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:,\d*)?", re.ASCII)
PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)


def numbers(column: pa.ChunkedArray, *, decimal_comma: bool = False) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The numbers of a column, NaN where there is none; and where there is something that is no number.

    Args:
        column: text, or numbers already.
        decimal_comma: whether a comma separates the decimals.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return _typed(column)
    if not decimal_comma:
        try:
            values = np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
            return np.where(np.abs(values) >= BEYOND_REASON, np.nan, values), np.isinf(values)
        except pa.ArrowInvalid:
            pass
    encoded = column.combine_chunks().dictionary_encode()
    pairs = [number(str(text), decimal_comma=decimal_comma) for text in encoded.dictionary.to_pylist()]
    codes = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    values = np.asarray([*(value for value, _ in pairs), np.nan], dtype=np.float64)[codes]
    wrong = np.asarray([*(not sound for _, sound in pairs), False], dtype=bool)[codes]
    return np.where(np.abs(values) >= BEYOND_REASON, np.nan, values), wrong


def number(text: str, *, decimal_comma: bool = False) -> tuple[float, bool]:
    """The number that a text says, NaN for a mark of nothing; and whether it says either."""
    said = text.strip().strip('"').strip()
    if said.lower() in NOTHING:
        return np.nan, True
    grouped = (GROUPED_COMMA if decimal_comma else GROUPED).fullmatch(said)
    if grouped:
        said = said.replace(grouped["mark"], "")
    if decimal_comma:
        said = said.replace(",", ".")
    if not PLAIN.fullmatch(said):
        return np.nan, False
    value = float(said.replace("d", "e").replace("D", "e"))
    return value, bool(np.isfinite(value))


def sentinels(values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], tuple[float, ...]]:
    """Where a quantity that is never negative has a mark for nothing, and which marks: the usual negative ones."""
    present = tuple(mark for mark in SENTINELS if bool((values == mark).any()))
    return np.isin(values, present), present


def _typed(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers of a typed column; a column of another type is wrong throughout."""
    nothing = np.asarray(column.is_null().to_numpy(), dtype=bool)
    kind: Any = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(nothing), np.nan), ~nothing
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
    return np.where(np.abs(values) >= BEYOND_REASON, np.nan, values), np.isinf(values)
