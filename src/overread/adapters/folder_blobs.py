"""Files below a local folder."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from overread.errors import StorageError


class FolderBlobs:
    """Files below a local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.url = str(root)

    def write(self, name: str, source: Path) -> None:
        """Copy beside the target, then rename."""
        target = self._root / name
        with _copied_beside(source, target) as partial:
            partial.replace(target)

    def create(self, name: str, source: Path) -> bool:
        """Copy beside the target, then link, which fails where there is a target."""
        target = self._root / name
        with _copied_beside(source, target) as partial:
            try:
                os.link(partial, target)
            except FileExistsError:
                return False
        return True

    def read(self, name: str, target: Path) -> bool:
        """Copy a file."""
        try:
            shutil.copyfile(self._root / name, target)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StorageError(f"the result store must be readable; {self._root / name}: {error.strerror}.") from error
        return True

    def contains(self, name: str) -> bool:
        """Look for a file."""
        return (self._root / name).is_file()

    def list_names(self, prefix: str) -> list[str]:
        """Walk the folder `prefix`, leaving out what is still being written."""
        paths = (path for path in (self._root / prefix).rglob("*") if path.is_file() and path.suffix != ".partial")
        return sorted(path.relative_to(self._root).as_posix() for path in paths)

    def remove(self, prefix: str) -> None:
        """Remove a file or a folder."""
        path = self._root / prefix
        if prefix.endswith("/"):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _copied_beside(source: Path, target: Path) -> Iterator[Path]:
    partial = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        yield partial
    except OSError as error:
        raise StorageError(f"the result store must be writable; {target}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
