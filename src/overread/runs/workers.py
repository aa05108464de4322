"""Running independent pieces of work side by side, one process and one thread each; none outlives its parent."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_SERVER_MODULE = "overread.runs.worker_server"
Argument = TypeVar("Argument")
Result = TypeVar("Result")


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


@dataclass(frozen=True)
class Failure(Generic[Argument]):
    """A piece of work that failed.

    Attributes:
        argument: what the function was called with.
        reason: what it raised, or that its process died, in one line.
    """

    argument: Argument
    reason: str


def run_side_by_side(
    function: Callable[[Argument], Result], arguments: Sequence[Argument], *, processes: int, needs_torch: bool = True
) -> Iterator[Result]:
    """Yield the results of `function` for each argument, in the order in which they finish.

    With one process or one argument the work is done in this process. The first failure ends the work that has not
    begun, and is raised when the rest is done. An interruption ends all work at once.

    Args:
        function: a function of a module, so that other processes can import it.
        arguments: one for each call.
        processes: at most this many at a time.
        needs_torch: fork the processes from one that has loaded PyTorch and all that trains and predicts; start them
            anew, which is cheaper for work that needs none of it, where this is False.
    """
    if min(processes, len(arguments)) <= 1:
        yield from map(function, arguments)
        return
    with closing(WorkerPools(needs_torch=needs_torch)) as workers:
        pool = workers.open(min(processes, len(arguments)))
        with workers.shutting_down(pool):
            for future in as_completed([pool.submit(function, argument) for argument in arguments]):
                yield future.result()


def attempt_side_by_side(
    function: Callable[[Argument], Result], arguments: Sequence[Argument], *, processes: int, attempts: int
) -> Iterator[Result | Failure[Argument]]:
    """Yield a result, or a failure, for each argument; one that fails, or kills its process, takes no other down.

    What fails at first is tried again, each time in a process of its own.

    Args:
        function: a function of a module, so that other processes can import it.
        arguments: one for each call.
        processes: at most this many at a time.
        attempts: how often each is tried.
    """
    failed: list[Failure[Argument]] = []
    left = list(arguments)
    with closing(WorkerPools(needs_torch=True)) as workers:
        for attempt in range(attempts):
            failed = []
            pool: Executor = workers.open(processes) if attempt == 0 else ThreadPoolExecutor(processes)
            call = function if attempt == 0 else partial(_run_alone, workers, function)
            with workers.shutting_down(pool):
                for outcome in _collect({pool.submit(call, argument): argument for argument in left}):
                    if isinstance(outcome, Failure):
                        failed.append(outcome)
                    else:
                        yield outcome
            left = [failure.argument for failure in failed]
    yield from failed


def _collect(futures: Mapping[Future[Result], Argument]) -> Iterator[Result | Failure[Argument]]:
    for future in as_completed(futures):
        try:
            yield future.result()
        except Exception as error:
            yield Failure(futures[future], " ".join(f"{type(error).__name__}: {error}".split()))


def _run_alone(workers: WorkerPools, function: Callable[[Argument], Result], argument: Argument) -> Result:
    with workers.open(1) as pool:
        return pool.submit(function, argument).result()
