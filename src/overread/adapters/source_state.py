"""What commits of a study record of its data, from digests alone: neither images nor masks are fetched."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from overread.adapters.dvc_repository import parse_tracked_digest
from overread.adapters.git import call_git, find_commit, open_git_repository, run_git
from overread.errors import VersioningError
from overread.study.study import LABELS_FOLDER

_SHOWN_DIGITS = 7
SourceChange: TypeAlias = Literal["unchanged", "changed", "new", "removed"]


@dataclass(frozen=True)
class SourceState:
    """What became of one source between two commits.

    Attributes:
        source: its name.
        change: what became of its masks.
        old_digest: MD5 that DVC recorded for its masks at the first commit; None for a new source.
        new_digest: the same at the second commit; None for a removed source.
        revisions: commits between the two that touched its masks, see `count_label_revisions`.
    """

    source: str
    change: SourceChange
    old_digest: str | None
    new_digest: str | None
    revisions: int


@dataclass(frozen=True)
class StudyState:
    """What became of all sources of a study between two commits.

    Attributes:
        since: the first commit.
        revision: the second commit.
        sources: of either commit, by name.
    """

    since: str
    revision: str
    sources: tuple[SourceState, ...]

    def to_json(self) -> str:
        """As a JSON object for other programs, digests in full."""
        changed = [state.source for state in self.sources if state.change != "unchanged"]
        values = {"since": self.since, "revision": self.revision, "changed": changed}
        return json.dumps({**values, "sources": [asdict(state) for state in self.sources]}, indent=2)

    def to_text(self) -> str:
        """For people, a line for each source."""
        heading = f"{self.since[:_SHOWN_DIGITS]} to {self.revision[:_SHOWN_DIGITS]}"
        width = max((len(state.source) for state in self.sources), default=0)
        return "\n".join([heading, *(f"{state.source:<{width}}  {_describe(state)}" for state in self.sources)])


def compare_study_revisions(study_uri: str, *, since: str, revision: str = "") -> StudyState:
    """Compare the label sets of a study at two revisions.

    Args:
        study_uri: folder or URL of the study's git repository; that of a URL is cloned without a working tree.
        since: commit, branch or tag.
        revision: the same; empty for the newest commit, changes that no commit holds are not looked at.

    Raises:
        VersioningError: no such repository or revision.
    """
    with open_git_repository(study_uri) as repository:
        first, second = find_commit(repository, since), find_commit(repository, revision or "HEAD")
        return StudyState(first, second, read_source_states(repository, first, second))


def read_source_states(repository: Path, since: str, until: str) -> tuple[SourceState, ...]:
    """Compare the label sets of two commits, by name; see `read_label_digests`."""
    old, new = read_label_digests(repository, since), read_label_digests(repository, until)
    return tuple(
        SourceState(
            source=source,
            change=_name_change(old.get(source), new.get(source)),
            old_digest=old.get(source),
            new_digest=new.get(source),
            revisions=count_label_revisions(repository, [source], since, until),
        )
        for source in sorted(old.keys() | new.keys())
    )


def read_label_digests(repository: Path, commit: str) -> dict[str, str]:
    """MD5 of each source's masks that DVC recorded at a commit, by name of the source.

    Args:
        repository: folder of the study's git repository, bare or not, as `open_git_repository` gives it.
        commit: see `find_commit`.

    Raises:
        VersioningError: there is no such commit, or a source's `.dvc` file is damaged.
    """
    names = run_git("ls-tree", "--name-only", "-z", commit, f"{LABELS_FOLDER}/", folder=repository).split("\0")
    sources = [Path(name).name.removesuffix(".dvc") for name in names if name.endswith(".dvc")]
    return {
        source: parse_tracked_digest(
            run_git("show", f"{commit}:{LABELS_FOLDER}/{source}.dvc", folder=repository), name=source
        )
        for source in sources
    }


def count_label_revisions(repository: Path, sources: Sequence[str], since: str, until: str) -> int:
    """Number of commits after `since` up to and including `until` that touched the masks of any of the sources.

    Commits that `until` does not follow from do not count, so that it is 0 where `since` is the later of the two.

    Args:
        repository: folder of the study's git repository, bare or not.
        sources: one or more names, which either commit may lack.
        since: commit.
        until: commit.

    Raises:
        VersioningError: there is no such commit.
    """
    files = [f":(literal){LABELS_FOLDER}/{source}.dvc" for source in sources]
    return int(run_git("rev-list", "--count", f"{since}..{until}", "--", *files, folder=repository))


def _name_change(old: str | None, new: str | None) -> SourceChange:
    if old is None:
        return "new"
    if new is None:
        return "removed"
    return "unchanged" if old == new else "changed"


def _describe(state: SourceState) -> str:
    if state.old_digest == state.new_digest:
        digests = _shorten(state.new_digest)
    else:
        digests = f"{_shorten(state.old_digest)} → {_shorten(state.new_digest)}"
    return f"{state.change:<9}  {digests}  {state.revisions} commit{'' if state.revisions == 1 else 's'}"


def _shorten(digest: str | None) -> str:
    return "–" if digest is None else digest[:_SHOWN_DIGITS]


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
