"""Numbers as other programs write them: thousands separators, decimal commas, marks for nothing, and sentinels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NOTHING = frozenset(
    {"", "-", "--", "*", ".", "na", "n/a", "n.a.", "#n/a", "nan", "null", "<null>", "none", "absent", "missing"}
    | {"undefined", "nodata", "no data", "unassigned"}
)
SENTINELS = (-1.0, -9.0, -99.0, -99.9, -99.99, -999.0, -999.25, -9999.0, -99999.0, -999999.0)
BEYOND_REASON = 1e20
"""Programs mark nothing with numbers of this size: 1e30 and 1e31, and GSLIB -1e21."""
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?P<mark>[, '\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:\.\d*)?", re.ASCII)
GROUPED_COMMA = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:(?P<mark>[. '\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:,\d*)?", re.ASCII
)
PROVES_COMMA = re.compile(
    r"[+-]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+|\d{1,3}(?:[. '\u00a0\u202f]\d{3})+,\d+)", re.ASCII
)
PROVES_POINT = re.compile(r"[+-]?(?:0?\.\d+|\d+\.(?:\d{1,2}|\d{4,})|\d{4,}\.\d+|\d{1,3}(?:,\d{3})+\.\d+)", re.ASCII)
PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)


def numbers(column: pa.ChunkedArray, *, decimal_comma: bool = False) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The numbers of a column, NaN where there is none; and where there is something that is no number.

    Args:
        column: text, or numbers already.
        decimal_comma: whether a comma separates the decimals.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return _typed(column)
    plain = _plain(column, decimal_comma=decimal_comma)
    if plain is not None:
        return np.where(np.abs(plain) >= BEYOND_REASON, np.nan, plain), np.isinf(plain)
    encoded = column.combine_chunks().dictionary_encode()
    pairs = [number(str(text), decimal_comma=decimal_comma) for text in encoded.dictionary.to_pylist()]
    codes = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    values = np.asarray([*(value for value, _ in pairs), np.nan], dtype=np.float64)[codes]
    wrong = np.asarray([*(not sound for _, sound in pairs), False], dtype=bool)[codes]
    return np.where(np.abs(values) >= BEYOND_REASON, np.nan, values), wrong


def _plain(column: pa.ChunkedArray, *, decimal_comma: bool) -> NDArray[np.float64] | None:
    """The numbers of a column of nothing but plain ones and marks for nothing; None where there is more to it."""
    text = pc.utf8_trim_whitespace(column)
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(sorted(NOTHING))), None, text)
    if decimal_comma:
        if pc.any(pc.match_substring(text, ".")).as_py():
            return None
        text = pc.replace_substring(text, ",", ".")
    try:
        return np.asarray(pc.cast(text, pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid:
        return None


def number(text: str, *, decimal_comma: bool = False) -> tuple[float, bool]:
    """The number that a text says, NaN for a mark of nothing; and whether it says either."""
    said = text.strip().strip('"').strip()
    if said.lower() in NOTHING or not said.strip("-*."):
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
    """Where a quantity that is never negative has a mark for nothing, and which marks: the usual negative ones.

    Compared to two decimals: -99.99 in single precision is not quite what it was.
    """
    near = np.round(values, 2)
    present = tuple(mark for mark in SENTINELS if bool((near == mark).any()))
    return np.isin(near, present), present


def decimal_mark(texts: Iterable[str]) -> tuple[bool, bool]:
    """Whether a comma separates the decimals of some texts, and whether that is only likely.

    ``0,5`` and ``1.234,5`` prove it, ``0.5`` and ``1,234.5`` prove the contrary; ``1,234`` alone may be either and
    counts as 1.234.
    """
    likely = point = False
    for text in texts:
        if PROVES_COMMA.fullmatch(text):
            return True, False
        point |= bool(PROVES_POINT.fullmatch(text))
        likely |= text.count(",") == 1 and bool(GROUPED.fullmatch(text))
    return (likely and not point,) * 2


def _typed(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers of a typed column; a column of another type is wrong throughout."""
    nothing = np.asarray(column.is_null().to_numpy(), dtype=bool)
    kind: Any = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(nothing), np.nan), ~nothing
    values = np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
    return np.where(np.abs(values) >= BEYOND_REASON, np.nan, values), np.isinf(values)
