"""Ctrl-C while a plan is sought, or the system asking to end: the search stops and keeps the best plan."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer


@contextmanager
def first_interrupt_stops() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether to stop: Ctrl-C was pressed, or SIGTERM came, as when a batch job is ended.

    Once more, either ends the program as ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = threading.Event()
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def as_before() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        pressed.set()
        as_before()
        typer.echo("\npitwise: stopping and keeping the best plan so far; Ctrl-C again gives it up", err=True)

    for number in previous:
        signal.signal(number, stop)
    try:
        yield pressed.is_set
    finally:
        as_before()
