"""The branch of another git repository that a study's branch follows."""

from dataclasses import dataclass
from pathlib import Path

from overread.adapters.git import call_git, run_git
from overread.adapters.urls import hide_credentials
from overread.errors import VersioningError

_DEFAULT_REMOTE = "origin"


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
