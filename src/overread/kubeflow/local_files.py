"""What local runs leave on this machine; several runs may share a workspace at the same time."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout


@contextmanager
def open_log(folder: Path, name: str) -> Iterator[tuple[Path, TextIO]]:
    """Begin the log `<name>.log`, or `<name>-2.log` and so on while other runs write theirs; gives path and file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / (f"{name}.log" if number == 1 else f"{name}-{number}.log")
        try:
            with FileLock(path.with_name(f".{path.name}.lock"), timeout=0), path.open("w", encoding="utf-8") as file:
                yield path, file
                return
        except Timeout:
            continue


def keep_outputs(outputs: Mapping[str, Any], folder: Path) -> None:
    """Put the outputs of a run in place of those of the run before.

    Args:
        outputs: kfp's artifacts by name.
        folder: gets a file or a folder of each name; the report is `report.html`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as scratch:
        partial = Path(scratch) / folder.name
        partial.mkdir()
        for name, artifact in outputs.items():
            source = Path(artifact.path)
            if source.is_dir():
                shutil.copytree(source, partial / name)
            else:
                shutil.copyfile(source, partial / (f"{name}.html" if name == "report" else name))
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
