import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError, StorageError
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.output_folder import create_folder
from overread.study.png import encode_png

NOBODY = 65534


def write_folder(target: Path, *, size_bytes: int = 10, error: type[BaseException] | None = None) -> None:
    """Write one file into a new folder, and then fail with `error`, if given."""
    with create_folder(target, expected_bytes=5000) as folder:
        (folder / "file").write_bytes(bytes(size_bytes))
        assert not (target / "file").exists()
        if error is not None:
            raise error


def test_the_folder_appears_at_the_end(tmp_path):
    write_folder(tmp_path / "deep" / "out")
    assert (tmp_path / "deep" / "out" / "file").read_bytes() == bytes(10)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_when_the_body_fails(tmp_path, error):
    with pytest.raises(error):
        write_folder(tmp_path / "out", error=error)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_stays_when_the_body_fails(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "out", error=KeyboardInterrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(InputError, match="must be new or empty"):
        write_folder(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting a tiny file system needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_told_with_needed_and_free_bytes(tiny_disk, cells):
    cells.path("images/c1.png").write_bytes(make_noisy_png())
    with pytest.raises(StorageError) as caught:
        import_study(cells.root, tiny_disk / "study", settings=ImportSettings(labels="none/{case}.png"))
    needed = sum(path.stat().st_size for path in (cells.root / "images").iterdir())
    message = str(caught.value)
    assert f"must have room for about {needed:,} bytes, got 65,536 bytes free (No space left on device)" in message
    assert "nothing was left behind" in message
    assert list(tiny_disk.iterdir()) == []


def test_a_limit_on_file_size_is_told_as_missing_room(tmp_path):
    message = r"room for about 5,000 bytes, got .* bytes free \(File too large\)"
    with limit_file_size(1000), pytest.raises(StorageError, match=message):
        write_folder(tmp_path / "out", size_bytes=2000)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission_is_told(tmp_path):
    (tmp_path / "out").mkdir(mode=0o555)
    with act_as_nobody(), pytest.raises(StorageError, match="study must be writable, got: Permission denied"):
        write_folder(tmp_path / "out" / "study")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_read_only_disk_is_told(tiny_disk):
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(StorageError, match="study must be writable, got: Read-only file system"):
        write_folder(tiny_disk / "study")


def test_a_file_as_parent_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="study must be writable, got: Not a directory"):
        write_folder(tmp_path / "file" / "study")


def make_noisy_png() -> bytes:
    return encode_png(np.random.default_rng(0).integers(0, 256, (400, 400)).astype(np.uint8))


@contextmanager
def limit_file_size(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def act_as_nobody() -> Iterator[None]:
    """Root may write anywhere, so act as a user who may not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
