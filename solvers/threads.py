"""Calls made at the same time in threads: of use where most of each is a kernel that lets go of the interpreter."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Case = TypeVar("_Case")
_Answer = TypeVar("_Answer")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begun(call: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Begins a call in a thread of its own; what is given waits for its answer, or raises what the call raised.

    Nobody has to ask: a call that is still at work ends with the process.
    """
    answer: Future[_Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is asked for
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer.result


def each(call: Callable[[_Case], _Answer], cases: Iterable[_Case], threads: int) -> list[_Answer]:
    """The answers in the order of the cases, so many worked on at a time; 0 threads for one a core.

    What a call raises is raised here, once the calls begun have ended.
    """
    listed = list(cases)
    at_once = min(threads or cores(), len(listed))
    if at_once <= 1:
        return [call(case) for case in listed]
    with ThreadPoolExecutor(at_once) as crew:
        return list(crew.map(call, listed))
