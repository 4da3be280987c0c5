"""What an import understood, guessed and changed, a line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["understood", "guessed", "changed"]


@dataclass(frozen=True)
class Note:
    """Something that the reader of an import has to know.

    Attributes:
        kind: ``understood`` (said by the file), ``guessed`` (to be confirmed) or ``changed`` (not as in the file
            any more).
        text: one line.
    """

    kind: Kind
    text: str


def understood(text: str) -> Note:
    """What the file itself says."""
    return Note("understood", text)


def guessed(text: str) -> Note:
    """What the file does not say and was taken all the same."""
    return Note("guessed", text)


def changed(text: str) -> Note:
    """What is no longer as in the file."""
    return Note("changed", text)
