"""Files below a local folder."""

import shutil
import uuid
from contextlib import suppress
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
        partial = target.with_name(f".{uuid.uuid4().hex}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, partial)
            partial.replace(target)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise _describe_failure(target, error) from error

    def create(self, name: str, source: Path) -> bool:
        """Open a new file for oneself alone, and fill it; whoever reads it at that moment finds it empty."""
        target = self._root / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(source.read_bytes())
        except FileExistsError:
            return False
        except OSError as error:
            raise _describe_failure(target, error) from error
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


def _describe_failure(target: Path, error: OSError) -> StorageError:
    return StorageError(f"the result store must be writable; {target}: {error.strerror}.")
