"""Folders that a test run makes once, whichever of its workers needs them first; tests only read them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder of that name, which `make` fills where no worker has done so."""
    base = factory.getbasetemp()
    shelf = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    folder, mark = shelf / name, shelf / "made"
    shelf.mkdir(exist_ok=True)
    with FileLock(shelf / "lock"):
        if not mark.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            mark.touch()
    return folder
