"""Pools of worker processes that are cheap to start and outlive nobody."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_SERVER_MODULE = "overread.runs.worker_server"


class WorkerPools:
    """Opens pools whose processes end at once when the work is interrupted, or this process is killed.

    Each process waits for the end of a pipe that this process alone writes to, and that the kernel closes with it.
    """

    def __init__(self, *, needs_torch: bool) -> None:
        # Apple's frameworks, which PyTorch computes with there, do not survive a fork.
        forks = needs_torch and sys.platform == "linux"
        self._context = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload([_SERVER_MODULE])
        self._lifeline_end, self._lifeline = self._context.Pipe(duplex=False)

    def open(self, processes: int) -> ProcessPoolExecutor:
        """A pool of processes with the environment that this process has."""
        return ProcessPoolExecutor(
            processes, self._context, initializer=_prepare_worker, initargs=(self._lifeline_end, dict(os.environ))
        )

    @contextmanager
    def shutting_down(self, executor: Executor) -> Iterator[None]:
        """Wait for the work of an executor: after a failure for what has begun, after an interruption for nothing.

        Args:
            executor: a pool, or threads that wait for such pools.
        """
        try:
            try:
                yield
            except Exception:
                executor.shutdown(cancel_futures=True)
                raise
            executor.shutdown()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            self.close()
            executor.shutdown(cancel_futures=True)
            raise

    def close(self) -> None:
        """End the processes that are left."""
        self._lifeline.close()


def _prepare_worker(lifeline_end: Connection, environment: Mapping[str, str]) -> None:
    """Take over the environment, for a forked process has that of the server, and leave interruptions to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update({**environment, **ONE_THREAD})
    threading.Thread(target=_end_with, args=(lifeline_end,), daemon=True).start()


def _end_with(lifeline_end: Connection) -> None:
    lifeline_end.poll(None)
    os._exit(1)
