"""New annotations go into a study, its DVC remote and its git upstream: all of them, or none."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.source_state import (
    SourceState,
    compare_study_revisions,
    count_label_revisions,
    read_label_digests,
)
from overread.adapters.versioning import commit_study, fetch_study, initialise_study_repository
from overread.cli.study import watch_state
from overread.errors import InputError, StorageError, StudyError, VersioningError
from overread.runs import add_labels
from overread.runs.add_labels import AddedLabels, Delivery
from overread.study.check import check_study
from overread.study.delivery.settings import AnnotationSettings
from overread.study.rasters import write_mask
from overread.study.study import Study
from tests.studies import write_squares

CASE_IDS = tuple(f"case{index:02d}" for index in range(4))
SIZE = 24


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write_masks(folder: Path, *case_ids: str, rows: int = 3) -> Path:
    """Write masks whose first rows are marked."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[:rows] = True
    for case_id in case_ids:
        write_mask(folder / f"{case_id}.png", mask, None)
    return folder


def add(
    root: Path, masks: Path, *, source: str = "ann", images: Path | None = None, dry_run: bool = False, **choice: object
) -> AddedLabels:
    settings = AnnotationSettings.parse({"source": source, **choice}, where="test")
    return add_labels.run(root, Delivery((masks,), images), settings, dry_run=dry_run)


def read_tree(root: Path) -> dict[str, bytes]:
    """Every file but those of git, of DVC's cache, and the lock."""
    inner = (".git", "cache", "tmp", ".overread")
    paths = (path for path in root.rglob("*") if path.is_file() and not set(path.parts) & set(inner))
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def count_marked(root: Path, source: str) -> dict[str, int]:
    study = Study.open(root)
    labels = study.labels(source)
    return {case_id: int(labels.read(case_id).sum()) for case_id in study.labelled_case_ids(source)}


@dataclass(frozen=True)
class Group:
    """A study, a bare repository that all push to, and two clones without data, in one folder with the DVC remote."""

    root: Path

    @property
    def study(self) -> Path:
        return self.root / "tiny"

    @property
    def server(self) -> Path:
        return self.root / "server.git"

    @property
    def here(self) -> Path:
        return self.root / "here"

    @property
    def there(self) -> Path:
        return self.root / "there"

    def fetch(self, name: str = "fetched") -> Path:
        """What a pipeline gets that reads the newest commit of the server."""
        commit = git(self.server, "rev-parse", "main")
        git(self.study, "pull", "--quiet", str(self.server), "main")
        fetch_study(str(self.study), commit, self.root / name)
        return self.root / name


@pytest.fixture(scope="module")
def group_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    group = Group(tmp_path_factory.mktemp("group"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        environment.setenv("DVC_SITE_CACHE_DIR", str(group.root / "site"))
        write_squares(group.study, case_count=len(CASE_IDS))
        commit_study(group.study, "Import")
        git(group.root, "clone", "--quiet", "--bare", str(group.study), str(group.server))
        yield group


@pytest.fixture
def group(group_once: Group, tmp_path: Path) -> Group:
    group = Group(tmp_path / "group")
    shutil.copytree(group_once.root, group.root, ignore=shutil.ignore_patterns("site"))
    for clone in (group.here, group.there):
        git(group.root, "clone", "--quiet", str(group.server), str(clone))
    return group


class TestAddedToACloneWithoutData:
    def test_every_other_mask_of_the_source_stays(self, group: Group, tmp_path: Path) -> None:
        before = count_marked(group.study, "ann")
        added = add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)

        assert (added.new, added.replaced, added.identical) == ((), ("case01",), ())
        assert added.commit == git(group.server, "rev-parse", "main")
        assert added.upstream == "origin/main"
        assert count_marked(group.fetch(), "ann") == {**before, "case01": 3 * SIZE}

    def test_former_masks_may_be_delivered_again(self, group: Group, tmp_path: Path) -> None:
        before = count_marked(group.study, "ann")
        add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)
        (tmp_path / "former").mkdir()
        shutil.copy(group.study / "labels" / "ann" / "case01.png", tmp_path / "former")
        again = add(group.here, tmp_path / "former", replace=True)

        assert again.replaced == ("case01",)
        assert again.commit == git(group.server, "rev-parse", "main")
        assert count_marked(group.fetch(), "ann") == before

    def test_what_another_process_added_meanwhile_stays(
        self, group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other one holds the lock while this one waits for it."""
        masks = {source: write_masks(tmp_path / source, "case01") for source in ("dora", "emil")}
        lock = add_labels.lock_study

        def wait(root: Path) -> AbstractContextManager[None]:
            monkeypatch.setattr(add_labels, "lock_study", lock)
            add(root, masks["dora"], source="dora", kind="human")
            return lock(root)

        monkeypatch.setattr(add_labels, "lock_study", wait)
        add(group.here, masks["emil"], source="emil", kind="human")
        assert {"dora", "emil"} <= set(Study.open(group.fetch()).settings.sources)

    def test_only_what_is_needed_is_fetched(self, group: Group, tmp_path: Path) -> None:
        add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)
        assert sorted(path.name for path in (group.here / "labels").iterdir() if path.is_dir()) == ["ann"]
        assert not (group.here / "images").exists()
        assert git(group.here, "status", "--porcelain") == ""
        changed = git(group.here, "show", "--format=", "--name-only").splitlines()
        assert changed == ["labels/ann.dvc", "labels/ann.provenance.yaml"]

    def test_every_other_image_stays_when_new_cases_come(self, group: Group, tmp_path: Path) -> None:
        write_squares(tmp_path / "other", case_count=6, seed=5)
        images = tmp_path / "images"
        for case_id in ("case04", "case05"):
            shutil.copytree(tmp_path / "other" / "images" / case_id, images / case_id)
        masks = write_masks(tmp_path / "new", "case04", "case00")
        added = add(group.here, masks, source="dora", kind="human", images=images)

        assert (added.new, added.new_cases) == (("case00", "case04"), ("case04", "case05"))
        fetched = group.fetch()
        assert len(check_study(fetched).sources) == 3
        assert sorted(path.name for path in (fetched / "images").iterdir()) == [*CASE_IDS, "case04", "case05"]
        assert count_marked(fetched, "dora") == {"case00": 3 * SIZE, "case04": 3 * SIZE}
        repeated = add(group.here, masks, source="dora", kind="human", images=images)
        assert (repeated.commit, repeated.identical) == (None, ("case00", "case04"))

    def test_what_is_refused_leaves_it_without_data(self, group: Group, tmp_path: Path) -> None:
        before = read_tree(group.here)
        with pytest.raises(StudyError, match=r"must stay as it is.*--replace"):
            add(group.here, write_masks(tmp_path / "new", "case01"))
        assert read_tree(group.here) == before

    def test_a_dry_run_says_the_same_and_writes_nothing(self, group: Group, tmp_path: Path) -> None:
        before = read_tree(group.here)
        masks = write_masks(tmp_path / "new", "case01")
        planned = add(group.here, masks, replace=True, dry_run=True)
        assert read_tree(group.here) == before
        assert planned.describe().splitlines()[-1] == "every check passed; nothing was written"
        assert planned.replaced == add(group.here, masks, replace=True).replaced

    @pytest.mark.parametrize(
        ("lists", "message"), [(True, "failed to list the files of images"), (False, r"failed to fetch images/case01")]
    )
    def test_data_that_are_nowhere_are_an_error_that_changes_nothing(
        self, group: Group, tmp_path: Path, lists: bool, message: str
    ) -> None:
        for path in list((group.root / "tiny.dvc-remote" / "files").rglob("*")):
            if path.is_file() and (path.suffix == ".dir") == lists:
                path.unlink()
        before = read_tree(group.here)
        with pytest.raises(VersioningError, match=message):
            add(group.here, write_masks(tmp_path / "new", "case01"))
        assert read_tree(group.here) == before

    def test_a_source_whose_masks_are_nowhere_is_not_taken_for_an_empty_one(self, group: Group, tmp_path: Path) -> None:
        digest = read_label_digests(group.here, "HEAD")["ann"]
        (group.root / "tiny.dvc-remote" / "files" / "md5" / digest[:2] / digest[2:]).unlink()
        with pytest.raises(VersioningError, match=r"failed to list the files of labels/ann"):
            add(group.here, write_masks(tmp_path / "new", "case01"))

    def test_part_of_a_folder_is_refused_by_the_names_of_the_rest(self, group: Group, tmp_path: Path) -> None:
        folder = group.here / "labels" / "ann"
        folder.mkdir()
        shutil.copyfile(group.study / "labels" / "ann" / "case00.png", folder / "case00.png")
        with pytest.raises(VersioningError, match=r"labels/ann/case01\.png.*`dvc pull`"):
            add(group.here, write_masks(tmp_path / "new", "case00"), replace=True)


class TestRevisions:
    def test_old_masks_come_back_with_the_old_revision(self, group: Group, tmp_path: Path) -> None:
        old = git(group.study, "rev-parse", "HEAD")
        content = (group.study / "labels" / "ann" / "case01.png").read_bytes()
        add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)
        mask = group.here / "labels" / "ann" / "case01.png"
        assert mask.read_bytes() != content

        git(group.here, "checkout", "--quiet", old, "--", "labels/ann.dvc")
        subprocess.run([sys.executable, "-m", "dvc", "checkout", "-q", "labels/ann.dvc"], cwd=group.here, check=True)
        assert mask.read_bytes() == content

    def test_a_study_that_is_no_repository_becomes_one_with_its_old_masks_first(self, tmp_path: Path) -> None:
        root = write_squares(tmp_path / "plain", case_count=2).root
        marked = count_marked(root, "ann")
        added = add(root, write_masks(tmp_path / "new", "case00"), replace=True)
        assert added.describe().endswith(f"commit {added.commit}, not pushed, for the study has no git remote")
        assert git(root, "log", "--format=%s").splitlines() == [
            "Add labels of ann: 0 new, 1 replaced",
            "Record the study",
        ]
        fetch_study(str(root), "HEAD~1", tmp_path / "before")
        assert count_marked(tmp_path / "before", "ann") == marked

    def test_nothing_is_committed_where_nothing_differs(self, group: Group) -> None:
        before = git(group.here, "rev-parse", "HEAD")
        added = add(group.here, group.study / "labels" / "ann")
        assert added.identical == CASE_IDS
        assert added.describe().splitlines()[-1] == "nothing differs, so that no commit was made"
        assert git(group.here, "rev-parse", "HEAD") == before

    def test_changes_elsewhere_are_refused_by_name(self, group: Group, tmp_path: Path) -> None:
        (group.here / "notes.txt").write_text("mine")
        (group.study / "labels" / "ben" / "case00.png").unlink()
        masks = write_masks(tmp_path / "new", "case01")
        for root, name in ((group.here, "notes.txt"), (group.study, "labels/ben/case00.png")):
            with pytest.raises(VersioningError, match=rf"got changes in {name}; .*overread study commit"):
                add(root, masks, replace=True)

    def test_a_study_on_no_branch_is_refused(self, group: Group, tmp_path: Path) -> None:
        git(group.here, "checkout", "--quiet", "--detach")
        with pytest.raises(VersioningError, match="must be on a branch"):
            add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)


class TestTwoPeople:
    def test_who_comes_second_catches_up_and_nobody_loses_labels(self, group: Group, tmp_path: Path) -> None:
        add(group.here, write_masks(tmp_path / "mine", "case01", rows=1), replace=True)
        theirs, before = write_masks(tmp_path / "theirs", "case02", rows=2), read_tree(group.there)
        with pytest.raises(VersioningError, match=r"every commit of origin/main, got 1 fewer.*git pull --rebase"):
            add(group.there, theirs, replace=True)
        assert read_tree(group.there) == before

        git(group.there, "pull", "--quiet", "--rebase")
        add(group.there, theirs, replace=True)
        marked = count_marked(group.fetch(), "ann")
        assert (marked["case01"], marked["case02"]) == (SIZE, 2 * SIZE)

    def test_masks_that_a_pull_left_behind_are_never_recorded_again(self, group: Group, tmp_path: Path) -> None:
        add(group.there, write_masks(tmp_path / "first", "case03"), replace=True)
        git(group.here, "pull", "--quiet", "--rebase")
        add(group.here, write_masks(tmp_path / "mine", "case01"), replace=True)
        git(group.there, "pull", "--quiet", "--rebase")
        with pytest.raises(VersioningError, match=r"got changes in labels/ann/case01\.png; .*`dvc pull`"):
            add(group.there, write_masks(tmp_path / "theirs", "case02"), replace=True)

    def test_a_commit_that_comes_between_takes_the_new_one_back(self, group: Group, tmp_path: Path) -> None:
        """A hook of git pushes another commit between this commit and its push."""
        (group.there / "notes.txt").write_text("theirs")
        git(group.there, "add", "notes.txt")
        git(group.there, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "theirs")
        hook = group.here / ".git" / "hooks" / "post-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nunset GIT_DIR GIT_INDEX_FILE\ngit -C '{group.there}' push --quiet origin main\n")
        hook.chmod(0o755)
        masks, before = write_masks(tmp_path / "new", "case01"), read_tree(group.here)
        with pytest.raises(VersioningError, match=r"origin/main has taken another commit meanwhile.*nothing was added"):
            add(group.here, masks, replace=True)
        assert read_tree(group.here) == before
        assert git(group.here, "status", "--porcelain") == ""

        hook.unlink()
        git(group.here, "pull", "--quiet", "--rebase")
        assert add(group.here, masks, replace=True).commit == git(group.server, "rev-parse", "main")


class TestFailures:
    @pytest.mark.parametrize("source", ["ann", "dora"])
    def test_what_fails_before_the_commit_leaves_every_byte(self, group: Group, tmp_path: Path, source: str) -> None:
        hook = group.study / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
        hook.chmod(0o755)
        shutil.copytree(group.study / "images" / "case00", tmp_path / "images" / "case09")
        masks, before = write_masks(tmp_path / "new", "case01", "case09"), read_tree(group.study)
        with pytest.raises(VersioningError, match="not today"):
            add(group.study, masks, source=source, kind="human", replace=True, images=tmp_path / "images")
        assert read_tree(group.study) == before
        assert git(group.study, "status", "--porcelain") == ""
        assert list((group.study / ".overread").iterdir()) == [group.study / ".overread" / "commit.lock"]

    def test_masks_that_cannot_be_pushed_are_committed_and_pushed_by_the_same_command(
        self, group: Group, tmp_path: Path
    ) -> None:
        git(group.study, "remote", "add", "origin", str(group.server))
        remote = group.root / "tiny.dvc-remote"
        remote.rename(group.root / "away")
        remote.write_text("no folder")
        masks = write_masks(tmp_path / "new", "case01")
        with pytest.raises(VersioningError, match=r"commit \w{7} holds the labels .*DVC failed to push") as caught:
            add(group.study, masks, replace=True)
        assert git(group.study, "rev-parse", "--short=7", "HEAD") in str(caught.value)
        assert git(group.server, "rev-parse", "main") != git(group.study, "rev-parse", "main")

        remote.unlink()
        (group.root / "away").rename(remote)
        assert add(group.study, masks, replace=True).commit is None
        assert git(group.server, "rev-parse", "main") == git(group.study, "rev-parse", "main")
        shutil.rmtree(group.study / ".dvc" / "cache")
        assert count_marked(group.fetch(), "ann")["case01"] == 3 * SIZE

    def test_an_upstream_that_refuses_is_named_and_the_commit_is_kept(self, group: Group, tmp_path: Path) -> None:
        git(group.here, "remote", "set-url", "origin", str(group.study))
        masks = write_masks(tmp_path / "new", "case01")
        with pytest.raises(VersioningError, match=r"commit \w{7} holds .*origin/main must take .*checked out"):
            add(group.here, masks, replace=True)
        git(group.study, "checkout", "--quiet", "--detach")
        assert add(group.here, masks, replace=True).identical == ("case01",)
        assert git(group.study, "rev-parse", "main") == git(group.here, "rev-parse", "main")

    def test_an_upstream_that_is_away_is_an_error_before_anything_is_changed(
        self, group: Group, tmp_path: Path
    ) -> None:
        group.server.rename(group.root / "away.git")
        before = read_tree(group.here)
        with pytest.raises(VersioningError, match="git ls-remote failed"):
            add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)
        assert read_tree(group.here) == before

    def test_a_study_that_cannot_be_written_is_an_error(self, group: Group, tmp_path: Path) -> None:
        shutil.rmtree(group.study / ".overread")
        (group.study / ".overread").write_text("in the way")
        with pytest.raises(StorageError, match=r"must be writable.*\.overread"):
            add(group.study, write_masks(tmp_path / "new", "case01"), replace=True)


class TestWatchState:
    def test_sources_are_compared_by_digest_and_by_commits_between(self, group: Group, tmp_path: Path) -> None:
        old = git(group.study, "rev-parse", "HEAD")
        for rows in (1, 2):
            add(group.study, write_masks(tmp_path / "new", "case01", rows=rows), replace=True)
        add(group.study, write_masks(tmp_path / "new", "case02"), source="dora", kind="human")
        new = git(group.study, "rev-parse", "HEAD")

        before, after = read_label_digests(group.study, old), read_label_digests(group.study, new)
        states = (
            SourceState("ann", "changed", before["ann"], after["ann"], 2),
            SourceState("ben", "unchanged", before["ben"], before["ben"], 0),
            SourceState("dora", "new", None, after["dora"], 1),
        )
        assert compare_study_revisions(str(group.study), since=old).sources == states
        back = compare_study_revisions(str(group.study), since=new, revision=old).sources
        assert [(state.change, state.revisions) for state in back] == [("changed", 0), ("unchanged", 0), ("removed", 0)]
        assert count_label_revisions(group.study, ["nobody"], old, new) == 0

    def test_a_clone_on_a_server_is_read_without_any_data(
        self, group: Group, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        old = git(group.server, "rev-parse", "main")
        add(group.here, write_masks(tmp_path / "new", "case01"), replace=True)
        shutil.rmtree(group.root / "tiny.dvc-remote")
        watch_state(str(group.server), since=old, format="json")
        printed = json.loads(capsys.readouterr().out)
        assert printed["changed"] == ["ann"]
        assert printed["revision"] == git(group.server, "rev-parse", "main")
        watch_state(str(group.server), since=old)
        shown = capsys.readouterr().out.splitlines()
        assert shown[1].split() == ["ann", "changed", *_shorten(printed["sources"][0]), "1", "commit"]
        assert shown[2].split()[:2] == ["ben", "unchanged"]

    def test_an_unknown_revision_is_an_error(self, group: Group) -> None:
        with pytest.raises(VersioningError, match="'v9'"):
            compare_study_revisions(str(group.here), since="v9")


def _shorten(source: dict[str, str]) -> list[str]:
    return [source["old_digest"][:7], "→", source["new_digest"][:7]]


@pytest.mark.usefixtures("s3")
def test_a_clone_takes_what_it_lacks_from_a_bucket_and_pushes_there(tmp_path: Path) -> None:
    root = write_squares(tmp_path / "study", case_count=2).root
    initialise_study_repository(root, remote=f"s3://studies/{uuid.uuid4().hex}")
    commit_study(root, "Import")
    marked = count_marked(root, "ann")
    git(tmp_path, "clone", "--quiet", "--bare", str(root), str(tmp_path / "server.git"))
    git(tmp_path, "clone", "--quiet", str(tmp_path / "server.git"), str(tmp_path / "clone"))
    shutil.rmtree(root)

    added = add(tmp_path / "clone", write_masks(tmp_path / "new", "case01"), replace=True)
    shutil.rmtree(tmp_path / "clone")
    assert fetch_study(str(tmp_path / "server.git"), "", tmp_path / "fetched") == added.commit
    assert count_marked(tmp_path / "fetched", "ann") == {**marked, "case01": 3 * SIZE}


def test_a_folder_that_is_no_study_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((InputError, StudyError)):
        add(tmp_path / "empty", write_masks(tmp_path / "new", "case01"))
    assert list((tmp_path / "empty").iterdir()) == []
