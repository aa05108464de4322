"""Where finished and interrupted results are kept: a local folder or an S3 bucket.

Layout under the store's root, the same for both:

    <kind>/<fingerprint>/manifest.json           written last: names the upload and the SHA-256 of each of its files
    <kind>/<fingerprint>/<upload>/<file>         the files of a result
    <kind>/<fingerprint>/files/<name>            checkpoints

A result without a manifest does not exist. Each upload has a folder of its own, so that two processes that publish the
same key cannot mix their files: the last manifest wins, and both are whole.
"""

import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Protocol

from pydantic import ValidationError

from overread.errors import InputError, StorageError
from overread.records import Result

_MANIFEST = "manifest.json"
_FILES = "files"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PARALLEL_TRANSFERS = 8


class Blobs(Protocol):
    """A flat space of named files; names have `/` between their parts. Its methods raise `StorageError`."""

    url: str

    def write(self, name: str, source: Path) -> None:
        """Store a file whole or not at all, in place of one of the same name."""

    def create(self, name: str, source: Path) -> bool:
        """Store a small file unless there is one of that name; False if there is. Of many at once only one succeeds.

        Readers may find it empty for a moment.
        """

    def read(self, name: str, target: Path) -> bool:
        """Copy a file to `target`; False if there is none of that name."""

    def contains(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def list_names(self, prefix: str) -> list[str]:
        """Names that begin with `prefix`, which ends in `/`, in order."""

    def remove(self, prefix: str) -> None:
        """Remove the files whose names begin with `prefix`, which ends in `/`, or the one file of that name."""


class _Manifest(Result):
    upload: str
    files: dict[str, str]


class ResultStore:
    """Results by key `<kind>/<fingerprint>`, each a folder of files that appears whole or not at all."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    @property
    def url(self) -> str:
        """Folder or S3 URL of the store."""
        return self._blobs.url

    def contains(self, key: str) -> bool:
        """Whether a whole result has been published under `key`."""
        return self._blobs.contains(f"{_check_key(key)}/{_MANIFEST}")

    def list_keys(self, kind: str) -> tuple[str, ...]:
        """Keys of the published results of a kind, in order."""
        names = (PurePosixPath(name) for name in self._blobs.list_names(f"{kind}/"))
        return tuple(str(name.parent) for name in names if name.name == _MANIFEST and len(name.parts) == 3)

    def publish(self, key: str, folder: Path) -> None:
        """Store a folder as the result of `key`; one that is there already is kept. Empty folders are left out."""
        if self.contains(key):
            return
        upload = uuid.uuid4().hex
        paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        digests = {name: _compute_digest(path) for name, path in paths.items()}
        with ThreadPoolExecutor(_PARALLEL_TRANSFERS) as pool:
            _finish(pool.map(lambda name: self._blobs.write(f"{key}/{upload}/{name}", paths[name]), paths))
        with tempfile.TemporaryDirectory(prefix="overread-manifest-") as scratch:
            manifest = Path(scratch) / _MANIFEST
            _Manifest(upload=upload, files=digests).write(manifest)
            self._blobs.write(f"{key}/{_MANIFEST}", manifest)

    def fetch(self, key: str, folder: Path) -> bool:
        """Copy the result of `key` into `folder`, which must be new or empty and is made whole or not at all.

        Returns:
            False if there is no such result.

        Raises:
            StorageError: a file is missing or differs from what was published, or `folder` holds something.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StorageError(f"a result must be fetched into a new or empty folder, got {folder}.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as scratch:
            manifest = self._read_manifest(key, Path(scratch))
            if manifest is None:
                return False
            whole = Path(scratch) / "whole"
            whole.mkdir()
            with ThreadPoolExecutor(_PARALLEL_TRANSFERS) as pool:
                _finish(pool.map(lambda name: self._fetch_file(key, manifest, name, whole), manifest.files))
            whole.replace(folder)
        return True

    def save_file(self, key: str, name: str, path: Path) -> None:
        """Store one file, such as a checkpoint, beside the result of `key`, in place of an older one of that name."""
        self._blobs.write(f"{_check_key(key)}/{_FILES}/{_check_name(name)}", path)

    def create_file(self, key: str, name: str, path: Path) -> bool:
        """Store one file as `save_file` does, unless there is one of that name; of many at once only one succeeds."""
        return self._blobs.create(f"{_check_key(key)}/{_FILES}/{_check_name(name)}", path)

    def list_files(self, key: str) -> tuple[str, ...]:
        """Names of the files that were stored beside the result of `key`, in order."""
        folder = f"{_check_key(key)}/{_FILES}/"
        return tuple(name.removeprefix(folder) for name in self._blobs.list_names(folder))

    def load_file(self, key: str, name: str, path: Path) -> bool:
        """Copy a file that `save_file` stored to `path`, whole or not at all; False if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".partial", dir=path.parent) as scratch:
            whole = Path(scratch) / "whole"
            if not self._blobs.read(f"{_check_key(key)}/{_FILES}/{_check_name(name)}", whole):
                return False
            whole.replace(path)
        return True

    def contains_file(self, key: str, name: str) -> bool:
        """Whether `save_file` has stored a file of that name beside the result of `key`."""
        return self._blobs.contains(f"{_check_key(key)}/{_FILES}/{_check_name(name)}")

    def delete_file(self, key: str, name: str) -> None:
        """Remove a file that `save_file` stored, if there is one."""
        self._blobs.remove(f"{_check_key(key)}/{_FILES}/{_check_name(name)}")

    def delete(self, key: str) -> None:
        """Remove the result of `key` and its files; the manifest goes first, so that no half of it can be seen."""
        self._blobs.remove(f"{_check_key(key)}/{_MANIFEST}")
        self._blobs.remove(f"{key}/")

    def _read_manifest(self, key: str, scratch: Path) -> _Manifest | None:
        path = scratch / _MANIFEST
        if not self._blobs.read(f"{_check_key(key)}/{_MANIFEST}", path):
            return None
        try:
            manifest = _Manifest.read(path)
        except (ValidationError, UnicodeDecodeError) as error:
            raise self._describe_damage(key, _MANIFEST) from error
        for name in manifest.files:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise self._describe_damage(key, name)
        return manifest

    def _fetch_file(self, key: str, manifest: _Manifest, name: str, folder: Path) -> None:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        found = self._blobs.read(f"{key}/{manifest.upload}/{name}", target)
        if not found or _compute_digest(target) != manifest.files[name]:
            raise self._describe_damage(key, name)

    def _describe_damage(self, key: str, name: str) -> StorageError:
        return StorageError(
            f"a stored result must be as it was published, got a missing or changed {name}; {self.url}/{key}. "
            f"Hint: delete {self.url}/{key} and run the step again."
        )


def open_store(url: str) -> ResultStore:
    """Open the store at a folder or `s3://bucket/prefix`; a folder is made when something is stored.

    Raises:
        StorageError: the URL is of another kind.
    """
    if url.startswith("s3://"):
        from overread.adapters.s3_blobs import S3Blobs

        return ResultStore(S3Blobs.open(url))
    if "://" in url:
        raise StorageError(f"a result store must be a folder or an s3:// URL, got {url!r}. Hint: set OVERREAD_STORE.")
    from overread.adapters.folder_blobs import FolderBlobs

    return ResultStore(FolderBlobs(Path(url).expanduser().resolve()))


def _check_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InputError("a result's key must be <kind>/<fingerprint>", found=repr(key))
    return key


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError("a file in the result store must have a plain name", found=repr(name))
    return name


def _compute_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finish(results: Iterable[None]) -> None:
    """Wait for all transfers, raising the first error."""
    for _ in results:
        pass
