"""A study as a git and DVC repository: git holds its settings, tables and provenance, DVC its images and masks.

The default DVC remote of a new study is the folder `<study>.dvc-remote` beside it, recorded as a relative path: it
outlives the study's folder, and a `git clone` into the same parent finds it. A study that is to be fetched from another
machine needs an `s3://` remote.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from overread.adapters.dvc_repository import (
    LOCK_TIMEOUT_SECONDS,
    REMOTE_NAME,
    build_remote_settings,
    describe_dvc_failure,
    open_dvc_repository,
    quieten_dvc,
    run_dvc,
)
from overread.adapters.git import call_git, find_commit, open_git_repository, run_git
from overread.adapters.source_state import read_label_digests, refuse_earlier_data
from overread.adapters.study_fetch import fetch_study
from overread.adapters.urls import is_remote
from overread.errors import VersioningError
from overread.study.schema import StudySettings
from overread.study.study import IMAGES_FOLDER, LABELS_FOLDER, SETTINGS_FILE

__all__ = [
    "commit_in_git",
    "commit_study",
    "fetch_study",
    "initialise_study_repository",
    "is_study_repository",
    "list_changed_sources",
    "list_uncommitted_changes",
    "lock_study",
    "resolve_revision",
    "shorten",
]

_IGNORED = (".overread/", f"{LABELS_FOLDER}/.*.partial/")
_FALLBACK_IDENTITY = ("-c", "user.name=Overread", "-c", "user.email=overread@localhost")
_LARGEST_GIT_FILE_BYTES = 50_000_000
_SHOWN_FILES = 5


def initialise_study_repository(root: Path, *, remote: str | None = None) -> None:
    """Make `root` a git and DVC repository; what is there already is left as it is.

    Args:
        root: folder of the study, made if missing.
        remote: default DVC remote, `s3://bucket/prefix` or a folder; None for `<root>.dvc-remote` beside the study, or
            for the remote that it has.

    Raises:
        VersioningError: git or DVC refused, or the remote is of another kind.
    """
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    if not (root / ".git").exists():
        run_git("init", "--quiet", "-b", "main", folder=root)
    _add_ignored(root / ".gitignore")
    if not (root / ".dvc").is_dir():
        _initialise_dvc(root)
    _set_remote(root, remote)


def is_study_repository(root: Path) -> bool:
    """Whether a study is a git and DVC repository already."""
    return (root / ".git").exists() and (root / ".dvc").is_dir()


def commit_study(root: Path, message: str, *, may_go_back: bool = False) -> str:
    """Record the study's present state: masks and images in DVC, everything else in git; push to the default remote.

    A study that is no repository yet becomes one, see `initialise_study_repository`. Safe to call from several
    processes, one waits for the other. Without a change no commit is made, but what the remote lacks is pushed all the
    same.

    Args:
        root: folder of the study.
        message: of the commit.
        may_go_back: whether images or masks may be those of an earlier revision, see `refuse_earlier_data`; for callers
            that know them to be handed in anew.

    Returns:
        The commit of the present state.

    Raises:
        VersioningError: git or DVC refused, a stray large file, images or masks of an earlier revision, or the remote
            cannot be written; in the last case the commit exists and calling again pushes it.
    """
    root = root.resolve()
    if not is_study_repository(root):
        initialise_study_repository(root)
    with lock_study(root), open_dvc_repository(root) as repository:
        _forget_removed_sources(repository, root)
        if folders := _list_data_folders(root):
            run_dvc("record the images and masks", lambda: repository.add([str(folder) for folder in folders]))
        if not may_go_back:
            refuse_earlier_data(root)
        commit_in_git(root, message)
        apply_endpoint(repository)
        run_dvc("push the study to its remote", repository.push)
        return run_git("rev-parse", "HEAD", folder=root)


def resolve_revision(study_uri: str, revision: str) -> str:
    """Find the commit that a revision names.

    Args:
        study_uri: folder or URL of the study's git repository.
        revision: commit, branch or tag; empty for the newest commit, which a local study must match.

    Raises:
        VersioningError: unknown revision, or an empty one while the study has changes that no commit holds.
    """
    with open_git_repository(study_uri) as repository:
        if not revision and not is_remote(study_uri) and (repository / ".git").exists():
            _check_is_clean(repository)
        return find_commit(repository, revision or "HEAD")


def list_changed_sources(root: Path, since_revision: str) -> tuple[str, ...]:
    """Sources whose masks differ between `since_revision` and the newest commit, new ones included, by name.

    Digests alone are compared, no data are read or fetched.
    """
    before = read_label_digests(root, find_commit(root, since_revision))
    now = read_label_digests(root, find_commit(root, "HEAD"))
    return tuple(sorted(source for source, digest in now.items() if before.get(source) != digest))


def _add_ignored(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if missing := [line for line in _IGNORED if line not in lines]:
        path.write_text("\n".join([*lines, *missing]) + "\n", encoding="utf-8")


def _initialise_dvc(root: Path) -> None:
    quieten_dvc()
    from dvc.repo import Repo

    try:
        Repo.init(str(root)).close()
    except Exception as error:
        raise describe_dvc_failure(f"initialise {root}", error) from error


def _set_remote(root: Path, remote: str | None) -> None:
    from dvc.config_schema import RelPath

    with open_dvc_repository(root) as repository:
        if remote is None and repository.config["core"].get("remote"):
            return
        if remote is None:
            url = RelPath(root.with_name(f"{root.name}.dvc-remote"))
        elif remote.startswith("s3://"):
            url = remote
        elif is_remote(remote):
            raise VersioningError(f"a DVC remote must be a folder or an s3:// URL, got {remote!r}.")
        else:
            url = str(Path(remote).expanduser().resolve())
        with repository.config.edit("repo") as config:
            name = config["core"].setdefault("remote", REMOTE_NAME)
            config["remote"][name] = {"url": url}


@contextmanager
def lock_study(root: Path) -> Iterator[None]:
    """Keep other processes from recording the study; a thread that holds the lock may take it again.

    Raises:
        VersioningError: another process holds it for too long.
    """
    from filelock import FileLock, Timeout

    path = root / ".overread" / "commit.lock"
    path.parent.mkdir(exist_ok=True)
    try:
        with FileLock(path.resolve(), timeout=LOCK_TIMEOUT_SECONDS, is_singleton=True):
            yield
    except Timeout as error:
        raise VersioningError(
            f"another process must finish recording the study within {LOCK_TIMEOUT_SECONDS:.0f} s; {root}. "
            "Hint: wait for it, or end it."
        ) from error


def _list_data_folders(root: Path) -> list[Path]:
    labels = root / LABELS_FOLDER
    candidates = [root / IMAGES_FOLDER, *(sorted(labels.iterdir()) if labels.is_dir() else [])]
    return [path for path in candidates if path.is_dir() and not path.name.startswith(".")]


def _forget_removed_sources(repository: Any, root: Path) -> None:
    """Drop the `.dvc` file of a source that `study.yaml` no longer lists and whose folder is gone.

    A folder that is missing while the source is listed was only never fetched.
    """
    listed = StudySettings.read_yaml(root / SETTINGS_FILE).sources
    for path in (root / LABELS_FOLDER).glob("*.dvc"):
        if path.stem not in listed and not path.with_suffix("").exists():
            run_dvc(f"forget the source {path.stem}", partial(repository.remove, str(path)))


def commit_in_git(root: Path, message: str) -> None:
    """Commit whatever git tracks or finds new; without a change no commit is made."""
    _refuse_large_files(root)
    run_git("add", "--all", folder=root)
    if call_git("diff", "--cached", "--quiet", folder=root).returncode == 0:
        return
    known = call_git("config", "user.email", folder=root).returncode == 0
    run_git(*(() if known else _FALLBACK_IDENTITY), "commit", "--quiet", "-m", message, folder=root)


def _refuse_large_files(root: Path) -> None:
    names = run_git("ls-files", "-z", "--others", "--modified", "--exclude-standard", folder=root).split("\0")
    paths = (root / name for name in names if name)
    if large := [str(p) for p in paths if p.is_file() and p.stat().st_size > _LARGEST_GIT_FILE_BYTES]:
        raise VersioningError(
            f"a file outside {IMAGES_FOLDER}/ and {LABELS_FOLDER}/ must be smaller than "
            f"{_LARGEST_GIT_FILE_BYTES // 1_000_000} MB, got {shorten(large)}. "
            "Hint: move it out of the study, or name it in .gitignore."
        )


def apply_endpoint(repository: Any) -> None:
    """Give the default remote of an open DVC repository the S3 endpoint of the environment."""
    name = repository.config["core"].get("remote")
    if remote := repository.config["remote"].get(name):
        remote.update(build_remote_settings(str(remote["url"])))


def list_uncommitted_changes(root: Path) -> list[str]:
    """Files of a study that differ from its last commit; a folder that was never fetched does not count."""
    status = run_git("status", "--porcelain", "--no-renames", "-z", folder=root)
    return [entry[3:] for entry in status.split("\0") if entry] + _list_changed_data(root)


def _check_is_clean(root: Path) -> None:
    if changed := list_uncommitted_changes(root):
        raise VersioningError(
            f"without a revision the study must match its last commit, got changes in {shorten(changed)}; {root}. "
            "Hint: record your own with `overread study commit`, or name a revision; data that `git pull` left behind "
            "come with `dvc pull`."
        )


def _list_changed_data(root: Path) -> list[str]:
    """Images and masks that differ from what DVC recorded; a folder that was never fetched does not count."""
    if not _list_data_folders(root):
        return []
    with open_dvc_repository(root) as repository:
        status = run_dvc("compare the study with its last revision", lambda: repository.data_status(granular=True))
    uncommitted = status["uncommitted"]
    deleted = uncommitted.get("deleted", [])
    absent_folders = tuple(name for name in deleted if name.endswith("/"))
    changed = {*uncommitted.get("modified", ()), *uncommitted.get("added", ())}
    changed |= {name for name in deleted if not name.startswith(absent_folders)}
    return sorted(name for name in changed if not name.endswith("/"))


def shorten(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - _SHOWN_FILES} more" if len(names) > _SHOWN_FILES else ""
    return ", ".join(names[:_SHOWN_FILES]) + more
