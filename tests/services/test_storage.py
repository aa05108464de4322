"""The result store, on a local folder and on a real S3 server, by the same tests."""

import threading
import time
import uuid
from pathlib import Path

import pytest

from overread.adapters.storage import ResultStore, open_store
from overread.errors import InputError, StorageError

KEY = "training/0123abcd"
SOON_SECONDS = 60
"""Much more than is needed on a busy machine, and much less than a client that tries again and again takes."""


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "store")
    request.getfixturevalue("s3")
    return f"s3://results/{uuid.uuid4().hex}/some"


@pytest.fixture
def store(url: str) -> ResultStore:
    return open_store(url)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    folder = tmp_path / "result"
    (folder / "masks").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(bytes(range(256)) * 40)
    (folder / "masks" / "c1.nii.gz").write_bytes(b"mask")
    (folder / "empty.csv").write_bytes(b"")
    return folder


def read_tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class TestResultStore:
    def test_a_published_result_comes_back_whole(self, store: ResultStore, result: Path, tmp_path: Path) -> None:
        store.publish(KEY, result)

        assert store.contains(KEY)
        assert store.fetch(KEY, tmp_path / "fetched")
        assert read_tree(tmp_path / "fetched") == read_tree(result)

    def test_an_unknown_result_is_absent(self, store: ResultStore, tmp_path: Path) -> None:
        assert not store.contains(KEY)
        assert not store.fetch(KEY, tmp_path / "fetched")
        assert not (tmp_path / "fetched").exists()
        assert store.list_keys("training") == ()

    def test_a_result_without_its_manifest_is_not_visible(
        self, store: ResultStore, result: Path, tmp_path: Path
    ) -> None:
        store.publish(KEY, result)
        store._blobs.remove(f"{KEY}/manifest.json")

        assert not store.contains(KEY)
        assert not store.fetch(KEY, tmp_path / "fetched")
        assert store.list_keys("training") == ()

    def test_a_failing_upload_leaves_nothing_visible(self, store: ResultStore, result: Path) -> None:
        write = store._blobs.write

        def write_until_the_disk_is_full(name: str, source: Path) -> None:
            if name.endswith("c1.nii.gz"):
                raise StorageError("full")
            write(name, source)

        store._blobs.write = write_until_the_disk_is_full  # type: ignore[method-assign]
        with pytest.raises(StorageError, match="full"):
            store.publish(KEY, result)

        assert not store.contains(KEY)

    def test_the_first_result_of_a_key_is_kept(self, store: ResultStore, result: Path, tmp_path: Path) -> None:
        store.publish(KEY, result)
        first = read_tree(result)
        (result / "empty.csv").write_bytes(b"no longer empty")
        store.publish(KEY, result)

        store.fetch(KEY, tmp_path / "fetched")
        assert read_tree(tmp_path / "fetched") == first

    def test_concurrent_publishers_of_a_key_leave_one_whole_result(
        self, url: str, store: ResultStore, tmp_path: Path
    ) -> None:
        folders = []
        for writer in range(4):
            folder = tmp_path / f"writer{writer}"
            folder.mkdir()
            for index in range(6):
                (folder / f"{index}.bin").write_bytes(f"{writer}".encode() * 1000)
            folders.append(folder)
        threads = [threading.Thread(target=open_store(url).publish, args=(KEY, folder)) for folder in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert store.fetch(KEY, tmp_path / "fetched")
        assert read_tree(tmp_path / "fetched") in [read_tree(folder) for folder in folders]

    def test_a_changed_file_is_noticed(self, store: ResultStore, result: Path, tmp_path: Path) -> None:
        store.publish(KEY, result)
        (name,) = [name for name in store._blobs.list_names(f"{KEY}/") if name.endswith("c1.nii.gz")]
        (tmp_path / "damaged").write_bytes(b"mess")
        store._blobs.write(name, tmp_path / "damaged")

        with pytest.raises(StorageError, match=r"masks/c1\.nii\.gz.*Hint: delete .*training/0123abcd"):
            store.fetch(KEY, tmp_path / "fetched")
        assert not (tmp_path / "fetched").exists()

    def test_a_missing_file_is_noticed(self, store: ResultStore, result: Path, tmp_path: Path) -> None:
        store.publish(KEY, result)
        (name,) = [name for name in store._blobs.list_names(f"{KEY}/") if name.endswith("empty.csv")]
        store._blobs.remove(name)

        with pytest.raises(StorageError, match=r"empty\.csv"):
            store.fetch(KEY, tmp_path / "fetched")

    def test_a_manifest_that_points_outside_is_refused(self, store: ResultStore, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text('{"upload": "u", "files": {"../../outside": "00"}}')
        store._blobs.write(f"{KEY}/manifest.json", tmp_path / "manifest.json")

        with pytest.raises(StorageError, match="outside"):
            store.fetch(KEY, tmp_path / "fetched")

    def test_a_checkpoint_is_replaced_loaded_and_deleted(self, store: ResultStore, tmp_path: Path) -> None:
        source, target = tmp_path / "checkpoint", tmp_path / "deep" / "loaded"
        assert not store.load_file(KEY, "checkpoint.pt", target)
        for content in (b"epoch 1", b"epoch 2"):
            source.write_bytes(content)
            store.save_file(KEY, "checkpoint.pt", source)

        assert store.load_file(KEY, "checkpoint.pt", target)
        assert target.read_bytes() == b"epoch 2"
        assert not store.contains(KEY), "a checkpoint is no result"
        store.delete_file(KEY, "checkpoint.pt")
        assert not store.load_file(KEY, "checkpoint.pt", target)

    def test_a_deleted_result_can_be_published_anew(self, store: ResultStore, result: Path) -> None:
        store.publish(KEY, result)
        store.save_file(KEY, "checkpoint.pt", result / "empty.csv")
        store.delete(KEY)

        assert not store.contains(KEY)
        assert store._blobs.list_names(f"{KEY}/") == []
        store.publish(KEY, result)
        assert store.contains(KEY)

    def test_keys_are_listed_by_kind(self, store: ResultStore, result: Path) -> None:
        for key in ("training/b", "training/a", "trainings/c", "outbox/d"):
            store.publish(key, result)
        store.save_file("training/unfinished", "checkpoint.pt", result / "empty.csv")

        assert store.list_keys("training") == ("training/a", "training/b")

    @pytest.mark.parametrize("key", ["training", "../x", "a/../b", "a/b/c", "a/", "/a", "a/.b"])
    def test_a_key_that_is_no_kind_and_fingerprint_is_refused(self, store: ResultStore, key: str) -> None:
        with pytest.raises(InputError, match="key"):
            store.contains(key)

    def test_nothing_is_fetched_over_what_is_there(self, store: ResultStore, result: Path) -> None:
        store.publish(KEY, result)
        with pytest.raises(StorageError, match="new or empty"):
            store.fetch(KEY, result)


def test_a_bucket_that_cannot_be_reached_is_reported_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    (tmp_path / "file").write_bytes(b"x")
    start = time.monotonic()

    with pytest.raises(StorageError, match="AWS_ENDPOINT_URL"):
        open_store("s3://results").save_file(KEY, "checkpoint.pt", tmp_path / "file")
    assert time.monotonic() - start < SOON_SECONDS


@pytest.mark.usefixtures("s3")
def test_wrong_credentials_are_an_error_and_not_an_absent_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    with pytest.raises(StorageError, match="credentials"):
        open_store("s3://results").fetch(KEY, tmp_path / "fetched")


def test_a_store_of_another_kind_is_refused() -> None:
    with pytest.raises(StorageError, match="s3://"):
        open_store("https://example.org/results")
