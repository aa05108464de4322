"""Running git, here and at the branch of another repository that a study's branch follows."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.environment import build_git_environment
from overread.adapters.urls import hide_credentials, is_remote, parse_local_path
from overread.errors import VersioningError

_TIMEOUT_SECONDS = 600
_SHOWN_REVISIONS = 5
_DEFAULT_REMOTE = "origin"


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


@dataclass(frozen=True)
class Upstream:
    """A branch of a git remote; as text `origin/main`."""

    remote: str
    branch: str

    def __str__(self) -> str:
        return f"{self.remote}/{self.branch}"


def find_upstream(root: Path) -> Upstream | None:
    """The upstream of the current branch: the configured one, or the branch of the same name at `origin`.

    Returns:
        None where the repository has neither.

    Raises:
        VersioningError: no branch is checked out, so that a commit would be on none.
    """
    current = call_git("symbolic-ref", "--quiet", "--short", "HEAD", folder=root)
    if current.returncode:
        raise VersioningError(f"the study must be on a branch to take a commit; {root}. Hint: `git switch main`.")
    branch = current.stdout.decode().strip()
    remote, merge = (_read_setting(root, f"branch.{branch}.{key}") for key in ("remote", "merge"))
    if remote and merge and remote != ".":
        return Upstream(remote, merge.removeprefix("refs/heads/"))
    has_default = _DEFAULT_REMOTE in run_git("remote", folder=root).splitlines()
    return Upstream(_DEFAULT_REMOTE, branch) if has_default else None


def count_commits_behind(root: Path, upstream: Upstream) -> int:
    """Number of commits that the upstream holds and the current branch lacks, after fetching them.

    Raises:
        VersioningError: the upstream cannot be reached.
    """
    ref = f"refs/heads/{upstream.branch}"
    if not (found := run_git("ls-remote", "--", upstream.remote, ref, folder=root)):
        return 0
    run_git("fetch", "--quiet", "--", upstream.remote, ref, folder=root)
    return int(run_git("rev-list", "--count", f"HEAD..{found.split()[0]}", folder=root))


def push_to_upstream(root: Path, upstream: Upstream) -> bool:
    """Push the current branch.

    Returns:
        False where the upstream holds commits that the branch lacks; then nothing was pushed.

    Raises:
        VersioningError: the upstream cannot be reached or refuses for another reason.
    """
    ref = f"HEAD:refs/heads/{upstream.branch}"
    pushed = call_git("push", "--quiet", "--", upstream.remote, ref, folder=root)
    if pushed.returncode == 0:
        return True
    if count_commits_behind(root, upstream):
        return False
    reason = hide_credentials(" ".join(pushed.stderr.decode(errors="replace").split()))
    raise VersioningError(f"{upstream} must take the commit, git push failed: {reason.rstrip('.')}.")


def _read_setting(root: Path, name: str) -> str:
    result = call_git("config", "--get", name, folder=root)
    return result.stdout.decode().strip() if result.returncode == 0 else ""
