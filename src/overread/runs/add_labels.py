"""Step: make masks that annotators hand in part of a study, in one commit that its upstream gets too, or not at all."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.git import Upstream, count_commits_behind, find_upstream, push_to_upstream, run_git
from overread.adapters.recorded_data import copy_missing_files, list_missing_folders, pull_folders
from overread.adapters.versioning import (
    commit_study,
    is_study_repository,
    list_uncommitted_changes,
    lock_study,
    shorten,
)
from overread.errors import StorageError, VersioningError
from overread.study.delivery.change import StudyChange, apply_annotations
from overread.study.delivery.files import find_annotation_files
from overread.study.delivery.settings import AnnotationSettings
from overread.study.delivery.staging import StagedAnnotations, list_read_files, stage_annotations
from overread.study.study import IMAGES_FOLDER, LABELS_FOLDER, Study

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


@dataclass(frozen=True)
class AddedLabels:
    """What became of a delivery.

    Attributes:
        source: the source that the masks belong to.
        new: cases that the source had not labelled.
        replaced: cases that it had labelled otherwise.
        identical: cases whose masks were left alone.
        new_cases: cases that the study lacked.
        notes: what else someone should know.
        is_dry_run: whether nothing was written, whatever differs.
        commit: the commit that holds them; None where none was made.
        upstream: git branch that holds it too; None where the study follows none.
    """

    source: str
    new: tuple[str, ...]
    replaced: tuple[str, ...]
    identical: tuple[str, ...]
    new_cases: tuple[str, ...]
    notes: tuple[str, ...]
    is_dry_run: bool = False
    commit: str | None = None
    upstream: str | None = None

    def describe(self) -> str:
        """Say it for people, a line for each thing."""
        groups = {"new": self.new, "replaced": self.replaced, "identical": self.identical}
        lines = [f"{self.source}: {', '.join(f'{len(case_ids)} {what}' for what, case_ids in groups.items())}"]
        groups |= {"new cases of the study": self.new_cases}
        lines += [f"{what}: {', '.join(case_ids)}" for what, case_ids in groups.items() if case_ids]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, *self._describe_commit()])

    def _describe_commit(self) -> list[str]:
        if self.is_dry_run:
            return ["every check passed; nothing was written"]
        if self.commit is None:
            return ["nothing differs, so that no commit was made"]
        pushed = f"pushed to {self.upstream}" if self.upstream else "not pushed, for the study has no git remote"
        return [f"commit {self.commit}, {pushed}"]


@dataclass(frozen=True)
class Delivery:
    """What an annotator hands in.

    Attributes:
        files: masks `<case_id><suffix>`, or folders of them.
        images: folder with the images of new cases, if there are any.
        cases: CSV table with the rows of new cases, if there is one.
    """

    files: tuple[Path, ...]
    images: Path | None = None
    cases: Path | None = None


def run(
    folder: Path, delivery: Delivery, settings: AnnotationSettings, *, message: str = "", dry_run: bool = False
) -> AddedLabels:
    """Check everything, write the masks as 0 and 1, commit them with DVC and git, and push the commit to the upstream.

    All or nothing: whatever fails before the commit is made leaves the study as it was. Data that a new clone lacks are
    fetched where they are needed: as a whole the source that gets masks and, for new cases, the images; file by file
    what masks are only compared with. Where nothing differs, only what was committed and not pushed is pushed.

    Args:
        folder: folder of the study; one that is no repository becomes one, its state before being the first commit.
        delivery: what was handed in.
        settings: the source of the masks.
        message: of the commit; says how many masks are new and replaced if empty.
        dry_run: whether to stop after the checks.

    Raises:
        StudyError: something that was handed in breaks a rule; all problems are named.
        VersioningError: the study has changes that no commit holds or lacks commits of its upstream, data cannot be
            fetched, or the commit cannot be made or pushed. The message says where there is a commit.
        StorageError: there is no room or no permission.
    """
    study = Study.open(folder.resolve())
    try:
        with lock_study(study.root), _open_scratch(study) as scratch:
            study = Study.open(study.root)  # another process may have added to it while this one waited
            if is_study_repository(study.root):
                check_is_up_to_date(study.root)
            staged = _stage(study, delivery, settings, Path(scratch))
            commit = None if dry_run else _record(study, staged, Path(scratch), message)
    except OSError as error:
        raise StorageError(
            f"the study must be writable and what is handed in readable, got: {error.strerror} ({error.filename}). "
            "Hint: free some room, or ask for access; nothing was added."
        ) from error
    return AddedLabels(
        source=settings.source,
        new=staged.select("new"),
        replaced=staged.select("replaced"),
        identical=staged.select("identical"),
        new_cases=tuple(case.case_id for case in staged.cases),
        notes=staged.notes,
        is_dry_run=dry_run,
        commit=commit,
        upstream=None if commit is None else _name_upstream(study.root),
    )


def _open_scratch(study: Study) -> "tempfile.TemporaryDirectory[str]":
    # On the disk of the study, so that finished files can be moved into it.
    return tempfile.TemporaryDirectory(prefix="adding-", dir=study.root / ".overread", ignore_cleanup_errors=True)


def _stage(study: Study, delivery: Delivery, settings: AnnotationSettings, scratch: Path) -> StagedAnnotations:
    files = find_annotation_files(study, delivery.files, images=delivery.images, cases=delivery.cases)
    fetched, staging = scratch / "fetched", scratch / "staged"
    staging.mkdir()
    if is_study_repository(study.root):
        read = list_read_files(study, files, settings)
        for name in (IMAGES_FOLDER, f"{LABELS_FOLDER}/{settings.source}"):
            inside = [path for path in read if path.is_relative_to(study.root / name)]
            copy_missing_files(study.root, name, inside, fetched)

    def locate(path: Path) -> Path:
        return path if path.is_file() else fetched / path.relative_to(study.root)

    return stage_annotations(study, files, settings, staging=staging, locate=locate)


def _record(study: Study, staged: StagedAnnotations, scratch: Path, message: str) -> str | None:
    """Commit the annotations and push the commit; None where nothing differs."""
    root, counts = study.root, f"{len(staged.select('new'))} new, {len(staged.select('replaced'))} replaced"
    message = message or f"Add labels of {staged.settings.source}: {counts}"
    if not staged.changes_something:
        if is_study_repository(root):
            _push_again(root, message)
        return None
    if not is_study_repository(root):
        commit_study(root, "Record the study")
    (scratch / "backup").mkdir()
    change = StudyChange(scratch / "backup")
    return record_change(root, lambda: _apply(study, staged, change), change, message=message)


def _apply(study: Study, staged: StagedAnnotations, change: StudyChange) -> None:
    root, source = study.root, f"{LABELS_FOLDER}/{staged.settings.source}"
    touched = [*([source] if staged.written else []), *([IMAGES_FOLDER] if staged.cases else [])]
    # A folder that held the new files alone would be recorded as the whole.
    missing = list_missing_folders(root, touched)
    for name in (*missing, f"{source}.dvc", f"{IMAGES_FOLDER}.dvc", ".gitignore", f"{LABELS_FOLDER}/.gitignore"):
        change.protect(root / name)
    pull_folders(root, missing)
    apply_annotations(study, staged, change)


def _push_again(root: Path, message: str) -> None:
    commit_study(root, message)
    if not push_commit(root):
        raise VersioningError(f"{find_upstream(root)} has taken another commit meanwhile. Hint: `git pull --rebase`.")


def _name_upstream(root: Path) -> str | None:
    upstream = find_upstream(root)
    return None if upstream is None else str(upstream)
