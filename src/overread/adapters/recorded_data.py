"""Images and masks that DVC has recorded and that a working copy of a study lacks, as a new clone lacks all of them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from overread.adapters.dvc_repository import open_dvc_repository, run_dvc
from overread.adapters.versioning import apply_endpoint


def list_missing_folders(root: Path, names: Sequence[str]) -> list[str]:
    """Those of the folders that were recorded and are not there, such as `images` and `labels/ann`."""
    return [name for name in names if (root / f"{name}.dvc").is_file() and not (root / name).exists()]


def copy_missing_files(root: Path, folder: str, paths: Sequence[Path], target: Path) -> None:
    """Copy files of a folder that is not there to the same place below `target`; the study stays as it is.

    Args:
        root: folder of the study, a DVC repository.
        folder: `images`, or that of a source; one that is there, or was never recorded, has no missing files.
        paths: files in it; those that were never recorded are passed over.
        target: folder to write.

    Raises:
        VersioningError: the data are neither in the cache nor in the remote.
    """
    if not list_missing_folders(root, [folder]):
        return
    with open_dvc_repository(root) as repository:
        apply_endpoint(repository)
        recorded = run_dvc(f"list the files of {folder}", partial(_list_recorded, repository, root / folder))
        for path in paths:
            if path in recorded:
                copy = target / path.relative_to(root)
                run_dvc(f"fetch {path.relative_to(root)}", partial(_copy, repository, path, copy))


def pull_folders(root: Path, names: Sequence[str]) -> None:
    """Bring whole folders of images or masks back to where they belong, as they were recorded.

    Raises:
        VersioningError: the data are neither in the cache nor in the remote; then nothing was written.
    """
    if not names:
        return
    with open_dvc_repository(root) as repository:
        apply_endpoint(repository)
        run_dvc("fetch the data", lambda: repository.pull([str(root / f"{name}.dvc") for name in names]))


def _list_recorded(repository: Any, folder: Path) -> set[Path]:
    """Files that DVC recorded for a folder.

    DVC's own file system takes a list of files that it cannot reach for an empty one.
    """
    (output,) = repository.find_outs_by_path(str(folder))
    repository.cloud.pull([output.hash_info])
    listing = output.get_dir_cache()
    if listing is None:
        raise FileNotFoundError("neither the cache nor the remote holds the list")
    return {folder.joinpath(*key) for key, _, _ in listing}


def _copy(repository: Any, path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    repository.dvcfs.get_file(path.relative_to(repository.root_dir).as_posix(), str(target))
