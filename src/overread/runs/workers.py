"""Running independent pieces of work side by side, one process and one thread each."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


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
    function: Callable[[Argument], Result], arguments: Sequence[Argument], *, processes: int
) -> Iterator[Result]:
    """Yield the results of `function` for each argument, in the order in which they finish.

    With one process or one argument the work is done in this process. The first failure ends the work that has not
    begun and is raised.

    Args:
        function: a function of a module, so that other processes can import it.
        arguments: one for each call.
        processes: at most this many at a time.
    """
    if min(processes, len(arguments)) <= 1:
        yield from map(function, arguments)
        return
    with _open_pool(min(processes, len(arguments))) as pool:
        futures = [pool.submit(function, argument) for argument in arguments]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
    for attempt in range(attempts):
        failed = []
        pool: Executor = _open_pool(processes) if attempt == 0 else ThreadPoolExecutor(processes)
        with pool:
            call = function if attempt == 0 else partial(_run_alone, function)
            for outcome in _collect({pool.submit(call, argument): argument for argument in left}):
                if isinstance(outcome, Failure):
                    failed.append(outcome)
                else:
                    yield outcome
        left = [failure.argument for failure in failed]
    yield from failed


def _open_pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_prepare_worker)


def _collect(futures: Mapping[Future[Result], Argument]) -> Iterator[Result | Failure[Argument]]:
    for future in as_completed(futures):
        try:
            yield future.result()
        except Exception as error:
            yield Failure(futures[future], " ".join(f"{type(error).__name__}: {error}".split()))


def _run_alone(function: Callable[[Argument], Result], argument: Argument) -> Result:
    with _open_pool(1) as pool:
        return pool.submit(function, argument).result()


def _prepare_worker() -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone, so that it does not race with a restarted one."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)
