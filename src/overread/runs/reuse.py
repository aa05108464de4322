"""Finished results: taken from the store where it has them, else made and kept there."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from overread.adapters.storage import ResultStore, open_store

Made = TypeVar("Made")


def finish_result(store: str, key: str, folder: Path, compute: Callable[[], Made]) -> Made | None:
    """Fill a folder with a result: from the store, or by computing and publishing it.

    A computation that raises leaves nothing in the store.

    Args:
        store: address of the result store.
        key: where the store keeps the result.
        folder: gets the result.
        compute: fills `folder`, which it may have to make.

    Returns:
        What `compute` returns; None where the store had the result.
    """
    results = open_store(store)
    if reuse_result(results, key, folder):
        return None
    made = compute()
    results.publish(key, folder)
    return made


def finish_results(store: str, key_of: Mapping[Path, str], compute: Callable[[tuple[Path, ...]], object]) -> None:
    """Fill some folders with results: from the store, or by computing all that it lacks and then publishing them.

    Args:
        store: address of the result store.
        key_of: where the store keeps the result of each folder.
        compute: fills the folders whose results the store lacks.
    """
    results = open_store(store)
    todo = tuple(folder for folder, key in key_of.items() if not reuse_result(results, key, folder))
    compute(todo)
    for folder in todo:
        results.publish(key_of[folder], folder)


def reuse_result(store: ResultStore, key: str, folder: Path) -> bool:
    """Copy the result of `key` into `folder`, which is emptied first: an interrupted attempt may have begun to fill it.

    Returns:
        False if there is no such result yet.
    """
    shutil.rmtree(folder, ignore_errors=True)
    return store.fetch(key, folder)
