"""Many lines at once, where they are as plain as those of a whole file should be.

Files of large mines have millions of lines and tens of millions of arcs. Each function gives None where any line asks
for a second look: the readers then go line by line, and say what is wrong and where.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from instances.minelib.model import Floats, Integers

_CHUNK = 1 << 25
"""Bytes looked at together: a mask of a whole file would take as much memory as the file."""
_COMMENT = re.compile(rb"%[^\n]*")
_BLANKS = b" \t\n:"
_BLANK = np.isin(np.arange(256), list(_BLANKS))
_NEWLINE = ord("\n")
_TO_BLANKS = bytes.maketrans(_BLANKS, b" " * len(_BLANKS))
_KNOWN = b"0123456789" + _BLANKS


def columns(rows: Sequence[str], integers: int, numbers: int) -> tuple[Integers, Floats] | None:
    """Lines of so many integers and then so many finite numbers: ``(k, integers)`` and ``(k, numbers)``.

    Args:
        rows: Lines; empty ones and comments are left out.
        integers: Columns of integers.
        numbers: Columns of numbers after them.
    """
    kind = np.dtype([("whole", np.int64, (integers,)), ("number", np.float64, (numbers,))])
    spaced = (row.replace(":", " ") for row in rows)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            found = np.loadtxt(spaced, dtype=kind, comments="%", ndmin=1)
    except ValueError:
        return None
    if not np.isfinite(found["number"]).all():
        return None
    return np.ascontiguousarray(found["whole"]), np.ascontiguousarray(found["number"])


def once(block: Integers, n: int) -> bool:
    """Whether these are 0..n-1, each once."""
    if block.size != n or (n and (block.min() < 0 or block.max() >= n)):
        return False
    return bool((np.bincount(block, minlength=n) == 1).all())


def lists(content: bytes, n: int) -> tuple[Integers, Integers] | None:
    """Lines of a number in 0..n-1, how many such numbers follow, and these; every first number once.

    Returns:
        First number and follower, one entry a follower, in the order of the file.
    """
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    if b"%" in content:
        content = _COMMENT.sub(b"", content)
    if content.translate(None, _KNOWN):
        return None
    firsts: list[Integers] = []
    owners: list[Integers] = []
    followers: list[Integers] = []
    begin = 0
    while begin < len(content):
        end = content.rfind(b"\n", begin, begin + _CHUNK) + 1 or content.find(b"\n", begin + _CHUNK) + 1
        end = len(content) if begin + _CHUNK >= len(content) or not end else end
        found = _lists(content[begin:end], n)
        if found is None:
            return None
        first, counts, rest = found
        firsts.append(first)
        owners.append(np.repeat(first, counts))
        followers.append(rest)
        begin = end
    if not firsts or not once(np.concatenate(firsts), n):
        return None
    return np.concatenate(owners), np.concatenate(followers)


def _lists(content: bytes, n: int) -> tuple[Integers, Integers, Integers] | None:
    """The same of some whole lines: first numbers, how many follow each, and all that follow."""
    numbers = np.fromstring(content.translate(_TO_BLANKS), np.int64, sep=" ")
    sizes = _words_a_line(np.frombuffer(content, np.uint8))
    sizes = sizes[sizes > 0]
    if (sizes < 2).any():
        return None
    at = np.cumsum(sizes) - sizes
    first, counts = numbers[at], numbers[at + 1]
    follows = np.ones(numbers.size, np.bool_)
    follows[at] = follows[at + 1] = False
    rest = numbers[follows]
    if (counts != sizes - 2).any() or first.max(initial=0) >= n or rest.max(initial=0) >= n:
        return None
    return first, counts, rest


def _words_a_line(content: NDArray[np.uint8]) -> Integers:
    """Words between blanks of every line."""
    blank = _BLANK[content]
    begins = ~blank
    begins[1:] &= blank[:-1]
    ends = np.append(np.flatnonzero(content == _NEWLINE), content.size)
    return np.diff(np.searchsorted(np.flatnonzero(begins), ends), prepend=0)
