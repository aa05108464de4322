"""Recording new sources of a study on a branch of their own, which leaves its working tree and its branches alone."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from overread.adapters.dvc_repository import REMOTE_NAME, open_dvc_repository, run_dvc
from overread.adapters.git import call_git, find_commit, run_git
from overread.adapters.study_fetch import read_default_remote
from overread.adapters.urls import hide_credentials, is_remote, parse_local_path
from overread.adapters.versioning import commit_in_git
from overread.errors import VersioningError
from overread.study.study import LABELS_FOLDER


def commit_sources_on_branch(
    study_uri: str, revision: str, branch: str, *, add: Callable[[Path], Sequence[str]], message: str
) -> str:
    """Add sources to a revision of a study, in one commit on top of it, push their masks to DVC and the branch to git.

    A branch that exists already is taken as it is: its name must tell what is on it. Where nothing is added, there is
    neither commit nor branch.

    Args:
        study_uri: folder or URL of the study's git repository.
        revision: commit that the new one follows.
        branch: name of the branch.
        add: writes sources into the study in the folder that it is given, which holds no images and no masks, and
            returns their names.
        message: of the commit.

    Returns:
        The commit, or the revision's own where nothing was added.

    Raises:
        VersioningError: the repository or its DVC remote cannot be written.
    """
    if found := _find_branch(study_uri, branch):
        return found
    with tempfile.TemporaryDirectory(prefix="overread-branch-") as scratch:
        clone = Path(scratch) / "study"
        run_git("clone", "--quiet", "--no-checkout", "--", study_uri, str(clone), folder=Path(scratch))
        run_git("checkout", "--quiet", "-b", branch, revision, folder=clone)
        sources = add(clone)
        if not sources:
            return find_commit(clone, revision)
        _push_masks(clone, study_uri, sources)
        commit_in_git(clone, message)
        commit = run_git("rev-parse", "HEAD", folder=clone)
        return _push_branch(clone, study_uri, branch) or commit


def _find_branch(study_uri: str, branch: str) -> str | None:
    found = run_git("ls-remote", "--", study_uri, f"refs/heads/{branch}", folder=Path.cwd())
    return found.split()[0] if found else None


def _push_masks(clone: Path, study_uri: str, sources: Sequence[str]) -> None:
    is_local = not is_remote(study_uri)
    remote = read_default_remote(parse_local_path(study_uri) if is_local else clone, is_local=is_local)
    settings = {"core": {"remote": REMOTE_NAME}, "remote": {REMOTE_NAME: remote}}
    folders = [str(clone / LABELS_FOLDER / source) for source in sources]
    with open_dvc_repository(clone, settings=settings) as repository:
        run_dvc("record the masks", lambda: repository.add(folders))
        run_dvc("push the masks to the study's remote", lambda: repository.push(targets=folders))


def _push_branch(clone: Path, study_uri: str, branch: str) -> str | None:
    """Push the branch; where another process was faster, return the commit that it pushed."""
    pushed = call_git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", folder=clone)
    if pushed.returncode == 0:
        return None
    if found := _find_branch(study_uri, branch):
        return found
    reason = hide_credentials(pushed.stderr.decode(errors="replace").strip())
    raise VersioningError(
        f"the study's git repository must take the new branch {branch}, got: {reason}; {hide_credentials(study_uri)}. "
        "Hint: give the pipeline the right to push."
    )
