"""Running independent pieces of work side by side, one process and one thread each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from overread.runs.worker_pools import WorkerPools

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
