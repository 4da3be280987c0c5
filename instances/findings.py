"""What is wrong with an input, one line a finding, all findings at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Words(str):
    """A value described in words rather than quoted."""

    __slots__ = ()


@dataclass(frozen=True)
class Finding:
    """One fault of an input.

    Attributes:
        place: file, and the key, row or line within it.
        value: the value found there; ``None`` where something is missing.
        expected: what would have been accepted.
        nearest: the nearest valid thing, where one is near.
    """

    place: str
    value: object
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        """The finding on one line."""
        found = ":" if self.value is None else f" is {_shortened(self.value)};"
        hint = f" (nearest: {self.nearest})" if self.nearest else ""
        return " ".join(f"{self.place}{found} expected {self.expected}{hint}".split())


class BadInput(ValueError):  # noqa: N818 - it is the input that is bad
    """An input cannot be used; carries every finding, not just the first.

    Attributes:
        findings: the faults found, in the order of the input.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        if not findings:
            raise ValueError("BadInput needs at least one finding")
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def nearest_name(name: object, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or ``None`` where none is near."""
    matches = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def _shortened(value: object, most: int = 200) -> str:
    try:
        text = value if isinstance(value, Words) else _toml(value)
    except ValueError:
        return "a number of thousands of digits"
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str | list | tuple | dict) else str(value)
