"""Names of materials and phases from the codes of a block model."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

AIR = frozenset({"air", "void", "sky", "above_topo", "aboveground", "atmosphere"})
UNASSIGNED = "unassigned"
NOT_A_KIND = frozenset({"", "-", "-99", "-999", "-9999", "na", "nan", "null", "none", UNASSIGNED})
FORMULA = re.compile(r"[=@+]|-(?!\d|-?$)")
LONGEST = 60
MOST_KINDS = 60


@dataclass(frozen=True)
class Kinds:
    """Names by row.

    Attributes:
        names: ``(rows,)`` a name as ``mine.toml`` has them.
        titles: text of the table by name.
        faults: where something is wrong, and what was expected.
    """

    names: NDArray[np.object_]
    titles: dict[str, str]
    faults: tuple[tuple[NDArray[np.bool_], str], ...]


def kinds_of(column: pa.ChunkedArray, role: str) -> Kinds:
    """Names of a column's texts: letters, digits, ``_`` and ``-``, a letter first."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = [str(text) for text in encoded.dictionary.to_pylist()]
    codes = np.asarray(pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False), dtype=np.int64)
    faults: list[tuple[NDArray[np.bool_], str]] = []
    if len(texts) > MOST_KINDS:
        bad = codes >= MOST_KINDS
        faults.append((bad, f"at most {MOST_KINDS} names of a {role}; there are {len(texts)}"))
        return Kinds(np.asarray(texts, dtype=object)[codes], {}, tuple(faults))
    formula = np.asarray([bool(FORMULA.match(text)) for text in texts], dtype=bool)
    long = np.asarray([len(text) > LONGEST for text in texts], dtype=bool)
    if formula.any():
        faults.append((formula[codes], f"names of a {role}, no formulas"))
    if (long & ~formula).any():
        faults.append(((long & ~formula)[codes], f"names of at most {LONGEST} characters"))
    names: list[str] = []
    for text in texts:
        name = cleaned(text, role)
        while name in names and text.lower() not in NOT_A_KIND:
            name = f"{name[: LONGEST - 2]}_{sum(other.startswith(name) for other in names) + 1}"
        names.append(name)
    titles = {name: text or name for name, text in zip(names, texts, strict=True)}
    return Kinds(np.asarray(names, dtype=object)[codes], titles, tuple(faults))


def cleaned(text: str, role: str) -> str:
    """A text as a name of ``mine.toml``, in lower case."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    if plain.strip() in NOT_A_KIND:
        return UNASSIGNED
    plain = re.sub(r"\.0+$", "", plain.strip())
    name = re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")
    if not name or not name[0].isalpha():
        name = f"{role}_{name}" if name else f"{role}_other"
    return name[:LONGEST]
