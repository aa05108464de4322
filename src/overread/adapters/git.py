"""Running git."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overread.adapters.environment import build_git_environment
from overread.adapters.urls import hide_credentials, is_remote, parse_local_path
from overread.errors import VersioningError

_TIMEOUT_SECONDS = 600
_SHOWN_REVISIONS = 5


def call_git(*arguments: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder`, which is trusted whoever owns it, and return whatever came of it."""
    command = ["git", "-C", str(folder), "-c", f"safe.directory={folder}", *arguments]
    try:
        return subprocess.run(
            command, env=build_git_environment(), capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise VersioningError("git must be installed. Hint: install the package `git`.") from error
    except subprocess.TimeoutExpired as error:
        raise VersioningError(f"git {arguments[0]} must end within {_TIMEOUT_SECONDS} s; {folder}.") from error


def run_git(*arguments: str, folder: Path) -> str:
    """Run git in `folder` and return its output without the last line break.

    Raises:
        VersioningError: git is missing, failed, or did not end in time.
    """
    result = call_git(*arguments, folder=folder)
    if result.returncode:
        reason = hide_credentials(result.stderr.decode(errors="replace").strip())
        raise VersioningError(f"git {arguments[0]} failed in {folder}: {reason or f'exit code {result.returncode}'}.")
    return result.stdout.decode(errors="surrogateescape").rstrip("\n")


@contextmanager
def open_git_repository(study_uri: str) -> Iterator[Path]:
    """Give the folder of a study's git repository: the study itself if it is local, else a temporary bare clone.

    Raises:
        VersioningError: there is no git repository, or it cannot be reached.
    """
    if not is_remote(study_uri):
        yield _check_is_repository(parse_local_path(study_uri))
        return
    with tempfile.TemporaryDirectory(prefix="overread-clone-") as folder:
        run_git("clone", "--bare", "--quiet", "--", study_uri, "repository.git", folder=Path(folder))
        yield Path(folder) / "repository.git"


def find_commit(repository: Path, revision: str) -> str:
    """Commit that a branch, tag or (short) commit names.

    Raises:
        VersioningError: nothing has that name; the newest commits are listed.
    """
    name = f"{revision}^{{commit}}"
    if not revision.startswith("-"):
        result = call_git("rev-parse", "--verify", "--quiet", name, folder=repository)
        if result.returncode == 0:
            return result.stdout.decode().strip()
    newest = call_git("log", "--all", f"-{_SHOWN_REVISIONS}", "--format=%h (%cs, %s)", folder=repository)
    known = ", ".join(newest.stdout.decode(errors="replace").splitlines()) or "none, the study has no commit yet"
    raise VersioningError(
        f"a revision must be a commit, branch or tag of the study, got {revision!r}. Hint: the newest are {known}."
    )


def _check_is_repository(folder: Path) -> Path:
    if not folder.is_dir():
        raise VersioningError(f"a study must be a folder or the URL of a git repository, got {folder}.")
    result = call_git("rev-parse", "--absolute-git-dir", folder=folder)
    if result.returncode == 0 and Path(result.stdout.decode().strip()) in (folder, folder / ".git"):
        return folder
    raise VersioningError(
        f"a study must be the top folder of a git repository, got {folder}. "
        "Hint: `overread study commit` makes the study a repository and records its first revision."
    )
