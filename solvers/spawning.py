"""Processes of their own that Ctrl-C does not reach: what is to become of them is the parent's business."""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


def spawn(work: Callable[[Connection], None]) -> tuple[BaseProcess, Connection]:
    """Starts a process for a function of a module, with one end of a connection; the other end comes back.

    Whatever is large goes through the connection: an argument of a process that dies before it has read it would be
    waited for without end. The process is spawned, not forked, as a fork takes over the threads that HiGHS has started.

    Raises:
        RuntimeError: in a process spawned from a script that calls this without the guard of its main module.
    """
    refuse_in_a_child_that_starts()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    if hasattr(signal, "pthread_sigmask"):
        # Inherited, so that the process is deaf while it still imports; a Ctrl-C meanwhile reaches this one after it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    else:
        process.start()
    theirs.close()
    return process, ours


def refuse_in_a_child_that_starts() -> None:
    """Ends a process that runs its parent's script again, as a spawned one does before it begins its work.

    A script that solves at its top level would do so once more in every process; far into it, the process would fail
    where it starts others itself.

    Raises:
        RuntimeError: in such a process.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError("a script that solves needs its calls under if __name__ == '__main__'")
