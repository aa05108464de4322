"""Telling data that somebody changed from data that were left behind when git moved on."""

from pathlib import Path

from overread.adapters.dvc_repository import parse_tracked_digest
from overread.adapters.git import call_git, run_git
from overread.errors import VersioningError


def refuse_earlier_data(root: Path) -> None:
    """Refuse to record images or masks that are those of an earlier revision: `git pull` does not fetch the new ones.

    To be called once DVC has written its files anew and before git records them; where data are refused, these files
    are put back.

    Raises:
        VersioningError: a folder holds what an earlier revision recorded, and the newest one records something else.
    """
    if call_git("rev-parse", "--verify", "--quiet", "HEAD", folder=root).returncode:
        return
    listed = run_git("diff", "--name-only", "--diff-filter=M", "-z", "HEAD", "--", "*.dvc", folder=root)
    changed = [name for name in listed.split("\0") if name]
    stale = {name: commit for name in changed if (commit := _find_earlier_commit(root, name))}
    if stale:
        run_git("checkout", "--quiet", "HEAD", "--", *changed, folder=root)
        found = ", ".join(f"{name.removesuffix('.dvc')} of commit {commit[:7]}" for name, commit in stale.items())
        raise VersioningError(
            f"data must not be recorded again in place of later ones, got {found}; {root}. Hint: `dvc pull` brings "
            "what the newest commit records; to go back on purpose, use `git revert` and `dvc checkout`."
        )


def _find_earlier_commit(root: Path, file: str) -> str | None:
    """Newest commit that recorded the very digest that a `.dvc` file holds now; None if there is none."""
    name = Path(file).stem
    digest = parse_tracked_digest((root / file).read_text(encoding="utf-8"), name=name)
    for commit in run_git("log", "--format=%H", "HEAD", "--", file, folder=root).splitlines():
        shown = call_git("show", f"{commit}:{file}", folder=root)
        if shown.returncode == 0 and parse_tracked_digest(shown.stdout.decode(), name=name) == digest:
            return commit
    return None
