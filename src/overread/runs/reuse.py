"""Taking a finished result from the store instead of making it once more."""

import shutil
from pathlib import Path

from overread.adapters.storage import ResultStore


def reuse_result(store: ResultStore, key: str, folder: Path) -> bool:
    """Copy the result of `key` into `folder`, which is emptied first: an interrupted attempt may have begun to fill it.

    Returns:
        False if there is no such result yet.
    """
    shutil.rmtree(folder, ignore_errors=True)
    return store.fetch(key, folder)
