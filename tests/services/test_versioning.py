"""Studies as real git and DVC repositories, with a local remote and with one on a real S3 server."""

import os
import shutil
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.versioning import (
    commit_study,
    fetch_study,
    initialise_study_repository,
    list_changed_sources,
    resolve_revision,
)
from overread.errors import InputError, VersioningError
from overread.runs import fetch_study as fetch_step
from overread.study.cases import Case, write_cases
from overread.study.rasters import write_mask, write_volume
from overread.study.schema import Provenance, SourceSettings, StudySettings
from overread.study.study import Study

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])


def run_git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def count_voxels(root: Path, source: str) -> int:
    return int(Study.open(root).labels(source).read("c1").sum())


def write_study(root: Path) -> None:
    """Write a study of two cases of 8 × 8 × 8 voxels and two raters, of whom `beta` outlines one plane more."""
    sources = {name: SourceSettings(kind="human") for name in ("alpha", "beta")}
    root.mkdir()
    StudySettings(
        name="tiny", dimensions=3, modality="MR", channels=("t1",), target="lesion", sources=sources
    ).write_yaml(root / "study.yaml")
    write_cases(root / "cases.csv", [Case("c1", "p1"), Case("c2", "p2")])
    generator = np.random.default_rng(0)
    for case in ("c1", "c2"):
        write_volume(root / "images" / case / "t1.nii.gz", generator.normal(size=(8, 8, 8)).astype(np.float32), AFFINE)
        for planes, source in ((2, "alpha"), (3, "beta")):
            write_box(root, source, case, planes=planes)
    for source in sources:
        Provenance(operation="import").write_yaml(root / "labels" / f"{source}.provenance.yaml")


def write_box(root: Path, source: str, case: str, *, planes: int) -> None:
    """Write a mask of `planes` × 4 × 4 voxels."""
    mask = np.zeros((8, 8, 8), dtype=bool)
    mask[:planes, 2:6, 2:6] = True
    write_mask(root / "labels" / source / f"{case}.nii.gz", mask, AFFINE)


@pytest.fixture
def study_root(tmp_path: Path) -> Path:
    write_study(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(scope="module")
def committed_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        environment.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
        write_study(folder / "tiny")
        return folder, commit_study(folder / "tiny", "Import the study")


@pytest.fixture
def committed(committed_once: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A study with one commit, and its remote beside it."""
    folder, revision = committed_once
    for name in ("tiny", "tiny.dvc-remote"):
        shutil.copytree(folder / name, tmp_path / name)
    return tmp_path / "tiny", revision


class TestCommit:
    def test_git_holds_text_and_dvc_holds_images_and_each_source(self, committed: tuple[Path, str]) -> None:
        root, revision = committed

        assert revision == run_git(root, "rev-parse", "HEAD")
        assert run_git(root, "branch", "--show-current") == "main"
        assert run_git(root, "status", "--porcelain") == ""
        assert set(run_git(root, "ls-files").splitlines()) == {
            ".dvc/.gitignore",
            ".dvc/config",
            ".dvcignore",
            ".gitignore",
            "cases.csv",
            "images.dvc",
            "labels/.gitignore",
            "labels/alpha.dvc",
            "labels/alpha.provenance.yaml",
            "labels/beta.dvc",
            "labels/beta.provenance.yaml",
            "study.yaml",
        }

    def test_the_default_remote_lies_beside_the_study_and_is_recorded_relative_to_it(
        self, committed: tuple[Path, str]
    ) -> None:
        root, _ = committed
        assert "url = ../../tiny.dvc-remote" in (root / ".dvc" / "config").read_text()
        # Two images, four masks and three lists of files; masks of one rater are equal, so two of the four are stored.
        stored = [path for path in (root.parent / "tiny.dvc-remote").rglob("*") if path.is_file()]
        assert len(stored) == 2 + 2 + 3

    def test_without_a_change_there_is_no_new_commit(self, committed: tuple[Path, str]) -> None:
        root, revision = committed
        assert commit_study(root, "Nothing") == revision
        assert run_git(root, "rev-list", "--count", "HEAD") == "1"

    def test_a_fallback_identity_signs_where_git_has_none(self, committed: tuple[Path, str]) -> None:
        assert run_git(committed[0], "log", "-1", "--format=%an") == "Overread"

    def test_the_identity_of_the_user_signs_where_there_is_one(self, study_root: Path) -> None:
        initialise_study_repository(study_root)
        run_git(study_root, "config", "user.name", "Ada")
        run_git(study_root, "config", "user.email", "ada@example.org")
        commit_study(study_root, "Import")
        assert run_git(study_root, "log", "-1", "--format=%an") == "Ada"

    def test_initialising_again_changes_nothing(self, committed: tuple[Path, str]) -> None:
        root, _ = committed
        initialise_study_repository(root)
        assert run_git(root, "status", "--porcelain") == ""

    def test_a_removed_source_leaves_the_repository_but_an_unfetched_one_stays(
        self, committed: tuple[Path, str]
    ) -> None:
        root, _ = committed
        for source in ("alpha", "beta"):
            subprocess.run(["rm", "-r", str(root / "labels" / source)], check=True)
        settings = StudySettings.read_yaml(root / "study.yaml")
        kept = {"beta": settings.sources["beta"]}
        settings.model_copy(update={"sources": kept}).write_yaml(root / "study.yaml")
        commit_study(root, "Drop alpha")

        tracked = run_git(root, "ls-files", "labels").splitlines()
        assert "labels/beta.dvc" in tracked
        assert "labels/alpha.dvc" not in tracked

    def test_a_stray_large_file_is_refused(self, committed: tuple[Path, str]) -> None:
        root, _ = committed
        with (root / "scans.zip").open("wb") as file:
            file.truncate(50_000_001)
        with pytest.raises(VersioningError, match=r"smaller than 50 MB, got .*scans\.zip"):
            commit_study(root, "Too much")

    def test_a_study_of_another_owner_can_be_committed_and_fetched(
        self, committed: tuple[Path, str], tmp_path: Path
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can give files away")
        root, _ = committed
        for path in [root, *root.rglob("*")]:
            os.chown(path, 65534, 65534)
        write_box(root, "beta", "c1", planes=4)
        revision = commit_study(root, "By root")
        assert fetch_study(str(root), revision, tmp_path / "fetched") == revision

    def test_a_remote_that_is_no_folder_and_no_bucket_is_refused(self, study_root: Path) -> None:
        with pytest.raises(VersioningError, match="folder or an s3:// URL"):
            initialise_study_repository(study_root, remote="ftp://example.org/data")


class TestFetch:
    def test_an_old_revision_gives_the_old_masks(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        root, old = committed
        write_box(root, "beta", "c1", planes=5)
        new = commit_study(root, "Correct beta")

        assert fetch_study(str(root), old, tmp_path / "old") == old
        assert fetch_study(str(root), "main", tmp_path / "new") == new
        assert count_voxels(tmp_path / "old", "beta") == 3 * 4 * 4
        assert count_voxels(tmp_path / "new", "beta") == 5 * 4 * 4

    def test_only_the_named_sources_and_all_provenance_arrive_in_a_plain_folder(
        self, committed: tuple[Path, str], tmp_path: Path
    ) -> None:
        root, revision = committed
        fetch_study(root.as_uri(), revision[:8], tmp_path / "out" / "fetched", sources=["alpha"])

        fetched = tmp_path / "out" / "fetched"
        found = {path.relative_to(fetched).as_posix() for path in fetched.rglob("*") if path.is_file()}
        assert found == {
            "study.yaml",
            "cases.csv",
            "images/c1/t1.nii.gz",
            "images/c2/t1.nii.gz",
            "labels/alpha/c1.nii.gz",
            "labels/alpha/c2.nii.gz",
            "labels/alpha.provenance.yaml",
            "labels/beta.provenance.yaml",
        }
        assert list(fetched.parent.iterdir()) == [fetched], "nothing is left beside it"
        assert Study.open(fetched).labelled_case_ids("alpha") == ("c1", "c2")

    def test_a_second_reading_may_come_without_the_first(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        root, _ = committed
        settings = StudySettings.read_yaml(root / "study.yaml")
        sources = settings.sources | {"beta": SourceSettings(kind="human", rereads="alpha")}
        settings.model_copy(update={"sources": sources}).write_yaml(root / "study.yaml")
        revision = commit_study(root, "Beta is alpha's second reading")
        fetch_step.run(str(root), revision, ["beta"], target=tmp_path / "alone")
        fetch_step.run(str(root), revision, ["alpha", "beta"], target=tmp_path / "both")
        assert Study.open(tmp_path / "alone").settings.sources == {"beta": SourceSettings(kind="human")}
        assert Study.open(tmp_path / "both").settings.rereads == {"beta": "alpha"}

    def test_images_come_without_any_labels_where_none_are_wanted(
        self, committed: tuple[Path, str], tmp_path: Path
    ) -> None:
        fetch_step.run(str(committed[0]), "", (), target=tmp_path / "fetched", labels=False)
        study = Study.open(tmp_path / "fetched")
        assert study.settings.sources == {}
        assert study.read_image("c2").shape == (1, 8, 8, 8)
        assert [path for path in (study.root / "labels").rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize("has_cache", [True, False])
    def test_writing_into_what_was_fetched_cannot_harm_the_original(
        self, committed: tuple[Path, str], tmp_path: Path, has_cache: bool
    ) -> None:
        root, revision = committed
        if not has_cache:
            subprocess.run(["rm", "-r", str(root / ".dvc" / "cache")], check=True)
        fetch_study(str(root), revision, tmp_path / "first")
        for path in (tmp_path / "first").rglob("*.nii.gz"):
            assert path.stat().st_nlink == 1
            assert path.stat().st_mode & 0o777 == 0o644
            path.write_bytes(b"overwritten")

        fetch_study(str(root), revision, tmp_path / "second")
        assert count_voxels(tmp_path / "second", "beta") == 3 * 4 * 4

    def test_a_clone_without_data_serves_its_data_from_the_remote(
        self, committed: tuple[Path, str], tmp_path: Path
    ) -> None:
        root, revision = committed
        clone = tmp_path / "clone"
        run_git(tmp_path, "clone", "--quiet", str(root), str(clone))

        assert resolve_revision(str(clone), "") == revision
        fetch_study(str(clone), "", tmp_path / "fetched")
        assert count_voxels(tmp_path / "fetched", "alpha") == 2 * 4 * 4

    def test_data_that_are_nowhere_are_reported_and_nothing_is_left(
        self, committed: tuple[Path, str], tmp_path: Path
    ) -> None:
        root, revision = committed
        subprocess.run(["rm", "-r", str(root / ".dvc" / "cache"), f"{root}.dvc-remote"], check=True)
        (tmp_path / "out").mkdir()

        with pytest.raises(VersioningError, match=r"not in the remote.*overread study commit"):
            fetch_study(str(root), revision, tmp_path / "out" / "fetched")
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_source_that_was_not_recorded_then_is_named(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        root, old = committed
        with pytest.raises(InputError, match=r"gamma.*alpha, beta"):
            fetch_study(str(root), old, tmp_path / "fetched", sources=["gamma"])

    def test_a_target_that_holds_something_is_refused(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        with pytest.raises(VersioningError, match="new or empty"):
            fetch_study(str(committed[0]), "", committed[0])
        (tmp_path / "empty").mkdir()
        fetch_study(str(committed[0]), "", tmp_path / "empty")

    def test_a_link_in_the_repository_is_refused(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        root, _ = committed
        (root / "notes").symlink_to("/etc/passwd")
        run_git(root, "add", "notes")
        run_git(root, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "a link")
        with pytest.raises(VersioningError, match=r"plain files only, got notes\. Hint: remove links"):
            fetch_study(str(root), "main", tmp_path / "fetched")
        assert not (tmp_path / "fetched").exists()

    def test_a_dvc_file_that_points_outside_is_refused(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        root, _ = committed
        path = root / "images.dvc"
        path.write_text(path.read_text().replace("path: images", "path: ../../outside"))
        run_git(root, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qam", "evil")
        with pytest.raises(VersioningError, match="must track the folder 'images'"):
            fetch_study(str(root), "HEAD", tmp_path / "fetched")


class TestRevision:
    def test_a_clone_without_data_is_looked_at_without_dvc(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        """DVC takes longer to load than git to answer."""
        root, revision = committed
        run_git(tmp_path, "clone", "--quiet", str(root), str(tmp_path / "clone"))
        code = (
            "import sys; from overread.adapters.versioning import resolve_revision; "
            "print(resolve_revision(sys.argv[1], ''), 'dvc.repo' in sys.modules)"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "clone")]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"{revision} False\n"

    def test_branches_tags_and_short_commits_name_a_commit(self, committed: tuple[Path, str]) -> None:
        root, revision = committed
        run_git(root, "tag", "v1")
        assert {resolve_revision(str(root), name) for name in ("", "main", "v1", "HEAD", revision[:7])} == {revision}

    def test_an_unknown_revision_lists_the_newest(self, committed: tuple[Path, str]) -> None:
        root, revision = committed
        with pytest.raises(VersioningError, match=rf"'v9'.*{revision[:7]} \(.*Import the study\)"):
            resolve_revision(str(root), "v9")

    def test_a_revision_is_never_taken_for_an_option(self, committed: tuple[Path, str]) -> None:
        with pytest.raises(VersioningError, match="--all"):
            resolve_revision(str(committed[0]), "--all")

    def test_an_empty_revision_refuses_changed_masks_and_tables_by_name(self, committed: tuple[Path, str]) -> None:
        root, revision = committed
        write_box(root, "beta", "c2", planes=1)
        (root / "labels" / "alpha" / "c1.nii.gz").unlink()
        with (root / "cases.csv").open("a") as file:
            file.write("c3,p3\n")

        with pytest.raises(VersioningError, match="overread study commit") as caught:
            resolve_revision(str(root), "")
        for name in ("cases.csv", "labels/beta/c2.nii.gz", "labels/alpha/c1.nii.gz"):
            assert name in str(caught.value)
        assert "images" not in str(caught.value)
        assert resolve_revision(str(root), "main") == revision, "a named revision needs no clean folder"

    def test_an_empty_revision_refuses_a_new_source(self, committed: tuple[Path, str]) -> None:
        root, _ = committed
        write_box(root, "gamma", "c1", planes=1)
        with pytest.raises(VersioningError, match="labels/gamma"):
            resolve_revision(str(root), "")

    def test_a_study_without_a_commit_says_so(self, study_root: Path) -> None:
        initialise_study_repository(study_root)
        with pytest.raises(VersioningError, match="no commit yet"):
            resolve_revision(str(study_root), "main")

    def test_a_folder_that_is_no_repository_says_what_to_do(self, study_root: Path) -> None:
        with pytest.raises(VersioningError, match="overread study commit"):
            resolve_revision(str(study_root), "")

    def test_a_server_that_is_away_is_an_error_without_the_password(self) -> None:
        with pytest.raises(VersioningError, match=r"127\.0\.0\.1") as caught:
            resolve_revision("http://ada:secret@127.0.0.1:1/study.git", "main")
        assert "secret" not in str(caught.value)


def test_masks_that_git_pull_has_left_behind_are_not_recorded_in_place_of_the_new_ones(
    committed: tuple[Path, str],
) -> None:
    root, first = committed
    old = (root / "labels" / "alpha" / "c1.nii.gz").read_bytes()
    write_box(root, "alpha", "c1", planes=5)
    second = commit_study(root, "alpha looks again")
    write_raw(root / "labels" / "alpha" / "c1.nii.gz", old)
    with pytest.raises(VersioningError, match=rf"labels/alpha of commit {first[:7]}.*dvc pull"):
        commit_study(root, "something else")
    assert run_git(root, "rev-parse", "HEAD") == second
    assert run_git(root, "status", "--porcelain") == ""
    write_box(root, "alpha", "c1", planes=6)
    assert commit_study(root, "alpha looks a third time") != second


def test_going_back_on_purpose_is_left_to_git(committed: tuple[Path, str]) -> None:
    root, _ = committed
    before = count_voxels(root, "alpha")
    write_box(root, "alpha", "c1", planes=5)
    commit_study(root, "alpha looks again")
    run_git(root, "-c", "user.name=Tests", "-c", "user.email=tests@localhost", "revert", "--no-edit", "HEAD")
    subprocess.run([sys.executable, "-m", "dvc", "checkout", "--quiet"], cwd=root, check=True)
    assert count_voxels(root, "alpha") == before
    assert commit_study(root, "nothing to record") == run_git(root, "rev-parse", "HEAD")


def write_raw(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_only_sources_whose_masks_changed_are_listed(committed: tuple[Path, str]) -> None:
    root, old = committed
    settings = StudySettings.read_yaml(root / "study.yaml")
    sources = {**settings.sources, "gamma": SourceSettings(kind="human")}
    settings.model_copy(update={"sources": sources}).write_yaml(root / "study.yaml")
    write_box(root, "gamma", "c1", planes=1)
    write_box(root, "beta", "c1", planes=7)
    commit_study(root, "More")

    assert list_changed_sources(root, old) == ("beta", "gamma")
    assert list_changed_sources(root, "HEAD") == ()


class TestLock:
    HOLD = """
        import sys
        import zc.lockfile
        lock = zc.lockfile.LockFile(sys.argv[1])
        print("locked", flush=True)
        sys.stdin.read()
        lock.close()
    """

    def test_committing_waits_for_another_dvc_process(self, committed: tuple[Path, str]) -> None:
        root, old = committed
        write_box(root, "beta", "c1", planes=4)
        holder = self.start_holder(root)
        waiter = subprocess.Popen(
            [sys.executable, "-c", _COMMIT, str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with pytest.raises(subprocess.TimeoutExpired):
            waiter.wait(timeout=5)  # DVC alone would have given up after three seconds

        holder.communicate("")
        revision, complaints = waiter.communicate(timeout=30)
        assert waiter.returncode == 0, complaints
        assert revision.strip() == run_git(root, "rev-parse", "HEAD") != old

    def test_a_lock_that_is_never_freed_ends_in_an_error(
        self, committed: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root, _ = committed
        monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0.05)
        monkeypatch.setattr("overread.adapters.dvc_repository.LOCK_TIMEOUT_SECONDS", 0.1)
        holder = self.start_holder(root)
        try:
            with pytest.raises(VersioningError, match=r"lock must be free.*Hint: another process"):
                commit_study(root, "Too soon")
        finally:
            holder.communicate("")

    def test_two_processes_that_commit_at_once_both_succeed(self, committed: tuple[Path, str]) -> None:
        root, _ = committed
        write_box(root, "beta", "c1", planes=4)
        command = [sys.executable, "-c", _COMMIT, str(root)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        revisions = {process.communicate(timeout=60)[0].strip() for process in both}

        assert [process.returncode for process in both] == [0, 0]
        assert revisions == {run_git(root, "rev-parse", "HEAD")}
        assert run_git(root, "rev-list", "--count", "HEAD") == "2"

    def start_holder(self, root: Path) -> "subprocess.Popen[str]":
        holder = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.HOLD), str(root / ".dvc" / "tmp" / "lock")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        return holder


_COMMIT = """
import sys
from pathlib import Path
from overread.adapters.versioning import commit_study
print(commit_study(Path(sys.argv[1]), "From another process"))
"""


@pytest.mark.usefixtures("s3")
class TestS3Remote:
    def test_a_study_goes_to_s3_and_comes_back_at_an_old_revision_from_a_server_of_clones(
        self, study_root: Path, tmp_path: Path
    ) -> None:
        initialise_study_repository(study_root, remote=f"s3://studies/{uuid.uuid4().hex}")
        old = commit_study(study_root, "Import")
        old_bytes = (study_root / "labels" / "beta" / "c1.nii.gz").read_bytes()
        write_box(study_root, "beta", "c1", planes=6)
        commit_study(study_root, "Correct")
        bare = tmp_path / "server.git"
        run_git(tmp_path, "clone", "--quiet", "--bare", str(study_root), str(bare))
        subprocess.run(["rm", "-r", str(study_root)], check=True)

        fetch_study(bare.as_uri(), old, tmp_path / "old")
        fetch_study(str(bare), "", tmp_path / "new")
        assert (tmp_path / "old" / "labels" / "beta" / "c1.nii.gz").read_bytes() == old_bytes
        assert count_voxels(tmp_path / "new", "beta") == 6 * 4 * 4

    def test_the_address_of_the_server_is_not_recorded_in_the_study(self, study_root: Path) -> None:
        initialise_study_repository(study_root, remote="s3://studies/address")
        commit_study(study_root, "Import")
        assert "127.0.0.1" not in (study_root / ".dvc" / "config").read_text()

    def test_a_bucket_that_is_away_is_an_error_and_committing_again_pushes(
        self, study_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        initialise_study_repository(study_root, remote=f"s3://studies/{uuid.uuid4().hex}")
        with monkeypatch.context() as away:
            away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            with pytest.raises(VersioningError, match=r"push the study.*AWS_ENDPOINT_URL"):
                commit_study(study_root, "Import")
        revision = commit_study(study_root, "Import")

        subprocess.run(["rm", "-r", str(study_root / ".dvc" / "cache")], check=True)
        fetch_study(str(study_root), revision, tmp_path / "fetched")
        assert count_voxels(tmp_path / "fetched", "alpha") == 2 * 4 * 4

    def test_a_remote_folder_cannot_serve_another_machine(self, committed: tuple[Path, str], tmp_path: Path) -> None:
        bare = tmp_path / "server.git"
        run_git(tmp_path, "clone", "--quiet", "--bare", str(committed[0]), str(bare))
        with pytest.raises(VersioningError, match=r"reached from here.*s3://"):
            fetch_study(str(bare), "", tmp_path / "fetched")
