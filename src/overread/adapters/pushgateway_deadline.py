"""Limiting how long a call may take, whatever it waits for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Answer = TypeVar("Answer")


def call_within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """Call a function, giving up on it after some time.

    A socket's time-out alone does not limit the look-up of a name, or a server that answers byte by byte.

    Raises:
        TimeoutError: it took longer.
    """
    future: Future[Answer] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True, name="pushgateway").start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer in {seconds:.0f} s") from error
