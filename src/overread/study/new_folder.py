"""A folder that appears whole or not at all."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.errors import InputError, StorageError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def create_folder(target: Path, *, expected_bytes: int | None = None) -> Iterator[Path]:
    """Give a hidden sibling of `target` to write into, and rename it to `target` at the end.

    When the body raises, the sibling is removed and `target` is as it was before. A sibling that a killed process
    has left behind is removed first.

    Args:
        target: the folder to make; it may exist when it is empty.
        expected_bytes: about how much will be written, for the message when the disk is full.

    Raises:
        InputError: `target` is a file or a folder that holds something.
        StorageError: there is no room, no permission, or the disk failed.
    """
    target = target.absolute()
    partial = target.with_name(f".{target.name}.partial")
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError("the output folder must be new or empty", found=target, hint="choose another folder")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise _to_storage_error(error, target, expected_bytes) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def measure_bytes(paths: Iterator[Path]) -> int:
    """Total size of the files that exist among `paths`."""
    return sum(path.stat().st_size for path in paths if path.is_file())


def _to_storage_error(error: OSError, target: Path, expected_bytes: int | None) -> StorageError:
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        needed = "enough room" if expected_bytes is None else f"room for about {expected_bytes:,} bytes"
        free = f"{shutil.disk_usage(_find_existing(target)).free:,} bytes free"
        return StorageError(
            f"the disk of {target} must have {needed}, got {free} ({reason}). "
            "Hint: free some room or choose another disk; nothing was left behind."
        )
    if error.errno in _NO_ACCESS:
        return StorageError(
            f"{target} must be writable, got: {reason} ({error.filename}). "
            "Hint: choose a folder in which you may write."
        )
    return StorageError(f"{target} must be writable, got: {reason} ({error.filename}).")


def _find_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
