"""A what-if being solved in a process of its own: how it gets on, how it ended, and how it is stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RUNNING, DONE, CANCELLED, FAILED = "running", "done", "cancelled", "failed"
PATIENCE_S = 10.0
STOPPING = "; stopping with the best plan so far, cancel again to give it up"


@dataclass(frozen=True)
class Terms:
    """How each what-if is solved: as its base was.

    Attributes:
        gap: relative gap at which it may stop.
        time_limit_s: seconds at most.
        resolution: ``panel`` or ``block``.
        engine: ``exact``, ``block`` or ``auto``.
    """

    gap: float
    time_limit_s: float
    resolution: str = "panel"
    engine: str = "auto"


class Work:
    """A solve in a child process, begun at once.

    Args:
        number: of the what-if; 0 for the base.
        mine: folder or name of the mine.
        changes: overrides.
        before: overrides that are in the mine already, told of before its own.
        out: folder of the run to be.
        terms: how it is solved.
    """

    def __init__(
        self,
        number: int,
        mine: str,
        changes: Sequence[str],
        out: Path,
        *,
        terms: Terms,
        before: Sequence[str] = (),
    ) -> None:
        self.number, self.changes, self.out = number, tuple(changes), out
        self.told: dict[str, Any] = {"stage": "start"}
        self.cancel_asked = False
        asked = {"mine": mine, "changes": list(changes), "before": list(before), "out": str(out), **asdict(terms)}
        self.process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "scheduler.board.child", json.dumps(asked)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def state(self) -> str:
        """``running``, ``done`` (a run is written), ``cancelled`` or ``failed``."""
        if self.process.poll() is None:
            return RUNNING
        self._listener.join(PATIENCE_S)
        if self.told.get("written"):
            return DONE
        return CANCELLED if self.cancel_asked else FAILED

    def words(self) -> str:
        """How it gets on or ended, in words."""
        state = self.state
        if state == RUNNING:
            gap = self.told.get("gap")
            far = "" if gap is None else f", gap {100 * gap:.2f} %"
            return f"solving: {self.told.get('stage', '')}{far}{STOPPING if self.cancel_asked else ''}"
        if state == DONE:
            return f"done: {self.told.get('status')}"
        if state == CANCELLED:
            return "cancelled"
        findings = "; ".join(self.told.get("findings", []))
        return f"no plan: {self.told.get('status', 'the process ended')}{': ' if findings else ''}{findings}"

    def cancel(self) -> None:
        """Stops the search, as Ctrl-C does: the best plan so far is kept; the second time it is given up."""
        if self.process.poll() is None:
            if self.cancel_asked:
                self.process.kill()
            else:
                self.process.send_signal(signal.SIGINT)
        self.cancel_asked = True

    def end(self) -> None:
        """Ends the process whatever it does, as when the board is closed."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._listener.join(PATIENCE_S)

    def _listen(self) -> None:
        assert self.process.stdout is not None  # noqa: S101
        with self.process.stdout as lines:
            for line in lines:
                # A solver may print there too, and a process that is ended leaves half a line.
                with contextlib.suppress(ValueError):
                    told = json.loads(line)
                    self.told = told if isinstance(told, dict) else self.told
