"""Running independent pieces of work side by side, one process and one thread each."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


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
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(arguments)), context, initializer=_prepare_worker) as pool:
        futures = [pool.submit(function, argument) for argument in arguments]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
