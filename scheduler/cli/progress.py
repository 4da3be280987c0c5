"""How far a solve is, on one line of stderr that is written over and over; nothing where that is no terminal."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from solvers.result import Progress

STAGES = {
    "read": "reading the mine",
    "units": "making panels",
    "problem": "pricing what may go where",
    "baseline": "planning by hand",
    "blocks": "preparing the blocks",
    "solve": "building the model",
    "relaxation": "bounding: the relaxation",
    "early start": "bounding: the earliest periods of blocks",
    "cases": "bounding: by cases",
    "branching": "bounding: by decisions of what is mined by when",
    "certificate": "making the certificate",
    "start": "looking for a plan to begin with",
    "improvement": "improving the plan",
    "proof": "looking for a proof",
    "conflicts": "finding the limits that conflict",
    "audit": "auditing the plan",
    "cash_flow": "cash flow and schedule",
}
LEAST_S = 0.2
"""Least time between two writings, seconds."""


class ProgressLine:
    """Tells of stages and of bound, incumbent and gap.

    Args:
        currency: symbol of the money.
        shown: whether anything is told; only ever on a terminal.
    """

    def __init__(self, currency: str = "", *, shown: bool = True) -> None:
        self.currency = currency
        self.shown = shown and sys.stderr.isatty()
        self._began = time.perf_counter()
        self._last = float("-inf")
        self._lock = threading.Lock()

    def stage(self, name: str) -> None:
        """Tells which stage begins."""
        if name in STAGES:
            self._write(STAGES[name], now=True)

    def progress(self, progress: Progress) -> None:
        """Tells how far the search is; amounts come in thousands."""
        bound, plan = self._million(progress.bound), self._million(progress.objective)
        gap = "" if progress.gap is None else f", gap {100 * progress.gap:.3f} %"
        self._write(f"bound {bound}, plan {plan}{gap}, {progress.nodes:,} nodes")

    def note(self, text: str) -> None:
        """Leaves a line standing above this one."""
        with self._lock:
            if self.shown:
                sys.stderr.write(f"\r\x1b[K{text}\n")
                sys.stderr.flush()

    def clear(self) -> None:
        """Takes the line away."""
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _million(self, thousands: float | None) -> str:
        return "none yet" if thousands is None else f"{self.currency} {thousands / 1e3:,.2f} M"

    def _write(self, text: str, *, now: bool = False) -> None:
        with self._lock:
            moment = time.perf_counter()
            if not self.shown or (not now and moment - self._last < LEAST_S):
                return
            self._last = moment
            line = f"{moment - self._began:6.0f} s  {text}"
            sys.stderr.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K")
            sys.stderr.flush()


class Notes(logging.Handler):
    """Warnings of the library, told above the line.

    Args:
        line: where they are told.
    """

    def __init__(self, line: ProgressLine) -> None:
        super().__init__(logging.WARNING)
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Tells a warning."""
        self._line.note(record.getMessage())
