"""Folders that are written whole or not at all, and apart from the labels of a study."""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from overread.errors import InputError, StorageError
from overread.study.study import LABELS_FOLDER, Study

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


def check_is_outside_labels(root: Path, output: Path) -> None:
    """Refuse an output folder among the labels of the study at `root`: new sources have commands of their own.

    Raises:
        InputError: the folder is, or lies in, the study's folder of labels.
    """
    labels = (root / LABELS_FOLDER).resolve()
    if output.resolve().is_relative_to(labels):
        raise InputError("an output folder must not lie among the labels of the study", found=output)


def check_masks_are_free(study: Study, output: Path, case_ids: Sequence[str]) -> None:
    """Refuse an output folder that holds a mask of one of the cases, or of any case where none is named.

    Raises:
        InputError: it does; a file that is linked to a label would change the label.
    """
    taken = [case_id for case_id in case_ids or study.case_ids if (output / f"{case_id}{study.suffix}").exists()]
    if taken:
        raise InputError(
            "a mask is never overwritten; the output folder must hold none of the cases",
            found=", ".join(taken[:5]),
            where=str(output),
            hint="choose another folder",
        )
