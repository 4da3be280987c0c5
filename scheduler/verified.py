"""What a verification says of one thing that it checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verified:
    """One thing that was checked.

    Attributes:
        name: what.
        passed: whether it holds.
        text: how it was checked, or what fails, on a line.
        findings: each thing that fails, a line each.
    """

    name: str
    passed: bool
    text: str
    findings: tuple[str, ...] = ()
