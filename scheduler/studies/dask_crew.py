"""A Dask cluster as the crew of a study: every worker a process of one thread that sees the study's folder.

A future that is cancelled leaves its solve running, so a solve watches its own scratch folder and ends when that is
taken away. Tasks are impure and have keys of their own, so that no result is taken for another's. Where Dask begins a
task again whose worker was lost, the result of the same key is put in place once.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from instances.findings import BadInput, Finding
from scheduler.studies.worker import Job, Word, word_of

TIMEOUT_S = 10.0
"""How long an address may take to answer, and how long a scheduler may be away."""
LOCAL = "local"


class DaskCrew:
    """The workers of a Dask cluster.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``, or ``local`` for a cluster on this machine.
        size: workers of a local cluster; one a core unless given.

    Raises:
        BadInput: where Dask is missing, the address does not answer, or a worker has more than one thread.
    """

    def __init__(self, address: str, size: int | None = None) -> None:
        try:
            import distributed  # noqa: PLC0415
        except ImportError as error:
            expected = "the extra dask, which is not installed: pip install 'pitwise[dask]'"
            raise BadInput([Finding("--dask", address, expected)]) from error
        self.distributed, self.address = distributed, address
        self.cluster: Any = None
        if address == LOCAL:
            self.cluster = distributed.LocalCluster(
                n_workers=size or None, threads_per_worker=1, processes=True, dashboard_address=None
            )
        try:
            self.client = distributed.Client(self.cluster or address, timeout=TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            said = "the address of a Dask scheduler that answers, such as tcp://10.0.0.5:8786"
            raise BadInput([Finding("--dask", address, said)]) from error
        self.futures: dict[Any, Job] = {}
        self._refuse_threads()

    def _refuse_threads(self) -> None:
        """Refuses workers of several threads: two solves in one process would lock each other."""
        several = [name for name, worker in self._workers().items() if worker["nthreads"] != 1]
        if several:
            self.client.close()
            expected = f"workers of one thread each (--nthreads 1); {len(several)} have more, {several[0]} first"
            raise BadInput([Finding("--dask", self.address, expected)])

    def _workers(self) -> dict[str, Any]:
        return dict(self.client.scheduler_info(n_workers=-1)["workers"])

    @property
    def size(self) -> int:
        """Workers there are now; at least one, so that a study waits for workers yet to come."""
        try:
            return max(len(self._workers()), 1)
        except (OSError, ValueError) as error:
            raise self._lost() from error

    def start(self, job: Job) -> None:
        """Sends a job to the cluster."""
        key = f"pitwise-{job.folder}-{secrets.token_hex(4)}"
        try:
            future = self.client.submit(word_of, job, key=key, pure=False, retries=0)
        except Exception as error:
            # Versions of Dask tell a closed client by errors of different kinds.
            if self.client.status == "running":
                raise
            raise self._lost() from error
        self.futures[future] = job

    def wait(self) -> list[tuple[Job, Word]]:
        """Waits for a task to end; the jobs of those that have.

        Raises:
            BadInput: where the scheduler is lost.
        """
        try:
            with self.client.as_current():
                done, _ = self.distributed.wait(list(self.futures), return_when="FIRST_COMPLETED")
        except (self.distributed.CancelledError, self.distributed.comm.CommClosedError, OSError) as error:
            raise self._lost() from error
        found = []
        for future in done:
            if future.status in {"lost", "cancelled"}:
                raise self._lost()
            found.append((self.futures.pop(future), self._word(future)))
        return found

    def _word(self, future: Any) -> Word:  # noqa: ANN401 - Dask carries no types
        if future.status == "finished":
            said, reason, details = future.result()
            return str(said), str(reason), str(details)
        error = future.exception()
        if isinstance(error, self.distributed.KilledWorker):
            return "lost", "its Dask workers were lost again and again", ""
        return "failed", f"{type(error).__name__}: {error}", ""

    def _lost(self) -> BadInput:
        self.futures = {}
        expected = "a Dask scheduler that stays; it was lost; what was finished is kept, and the study can go on"
        return BadInput([Finding("--dask", self.address, expected)])

    def stop(self) -> None:
        """Gives up all tasks and leaves the cluster; a local one is ended."""
        with contextlib.suppress(Exception):
            self.client.cancel(list(self.futures))
        for part in (self.client, self.cluster):
            if part is not None:
                with contextlib.suppress(Exception):
                    part.close()
