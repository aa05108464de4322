"""Recording a change of a study in one commit that its upstream gets too, or not at all."""

from collections.abc import Callable
from pathlib import Path

from overread.adapters.git import run_git
from overread.adapters.upstream import Upstream, count_commits_behind, find_upstream, push_to_upstream
from overread.adapters.versioning import commit_study, list_uncommitted_changes, shorten
from overread.errors import VersioningError
from overread.study.delivery.change import StudyChange

_CATCH_UP = "`git pull --rebase`, `dvc pull` where data were fetched, and run the same command again"


def check_is_up_to_date(root: Path) -> None:
    """Refuse a repository whose next commit would hold more than the change, or would have to be merged.

    Raises:
        VersioningError: there are changes that no commit holds, no branch is checked out, or the upstream holds commits
            that the study lacks or cannot be reached.
    """
    if changed := list_uncommitted_changes(root):
        raise VersioningError(
            f"the study must match its last commit before labels are added, got changes in {shorten(changed)}; {root}. "
            "Hint: record your own with `overread study commit`; data that `git pull` left behind come with `dvc pull`."
        )
    upstream = find_upstream(root)
    if upstream is not None and (count := count_commits_behind(root, upstream)):
        raise VersioningError(
            f"the study must hold every commit of {upstream}, got {count} fewer; {root}. Hint: {_CATCH_UP}."
        )


def record_change(root: Path, apply: Callable[[], None], change: StudyChange, *, message: str) -> str:
    """Change a study that matches its last commit, commit it, and push the data to DVC and the commit to the upstream.

    Whatever fails before the commit is made leaves the study as it was. So does an upstream that has moved on: the
    digests of two label sets cannot be merged, so that the commit is taken back.

    Args:
        root: folder of the study, a repository with a commit.
        apply: changes files that `change` protects.
        change: undoes it.
        message: of the commit.

    Returns:
        The commit.

    Raises:
        VersioningError: see above; or the commit exists and could not be pushed.
    """
    before = run_git("rev-parse", "HEAD", folder=root)
    try:
        apply()
        commit_study(root, message, may_go_back=True)
        is_pushed = push_commit(root)
    except BaseException as error:
        commit = run_git("rev-parse", "HEAD", folder=root)
        if commit == before:
            _take_back(root, change, before)
        elif isinstance(error, VersioningError):
            raise VersioningError(
                f"commit {commit[:7]} holds the labels but is not pushed yet, the same command again pushes it: {error}"
            ) from error
        raise
    if not is_pushed:
        _take_back(root, change, before)
        raise VersioningError(
            f"{find_upstream(root)} has taken another commit meanwhile, so that nothing was added. Hint: {_CATCH_UP}."
        )
    return run_git("rev-parse", "HEAD", folder=root)


def push_commit(root: Path) -> bool:
    """Push the current branch to its upstream where it has one; False where that has moved on."""
    upstream: Upstream | None = find_upstream(root)
    return upstream is None or push_to_upstream(root, upstream)


def _take_back(root: Path, change: StudyChange, commit: str) -> None:
    change.undo()
    run_git("reset", "--quiet", commit, folder=root)
