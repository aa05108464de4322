"""New sources on a branch of a real git and DVC repository."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.source_branch import commit_sources_on_branch
from overread.adapters.versioning import commit_study, fetch_study, resolve_revision
from overread.errors import VersioningError
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from tests.studies import write_squares

BRANCH = "overread/label-noise-test"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "squares"
    write_squares(root, case_count=3)
    return root, commit_study(root, "Import the study")


def add_dots(root: Path) -> list[str]:
    mask = np.eye(24, dtype=bool)
    provenance = Provenance(operation="perturb", parents={"ann": "0"})
    for name in ("dots-a", "dots-b"):
        masks = [(case_id, mask, None) for case_id in Study.open(root).case_ids]
        add_source(root, name, settings=SourceSettings(kind="perturbed"), masks=masks, provenance=provenance)
    return ["dots-a", "dots-b"]


def commit(root: Path, revision: str) -> str:
    return commit_sources_on_branch(str(root), revision, BRANCH, add=add_dots, message="Add dots")


def run_git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_one_commit_follows_the_revision_and_the_working_tree_stays_as_it_is(study):
    root, revision = study
    made = commit(root, revision)
    assert run_git(root, "rev-parse", f"{made}^", BRANCH).split() == [revision, made]
    assert run_git(root, "status", "--porcelain") == ""
    assert resolve_revision(str(root), "") == revision
    assert not (root / "labels" / "dots-a").exists()


def test_the_new_sources_can_be_fetched_at_the_commit(study, tmp_path):
    root, revision = study
    made = commit(root, revision)
    fetch_study(str(root), made, tmp_path / "fetched", sources=["ann", "dots-a", "dots-b"])
    fetched = Study.open(tmp_path / "fetched")
    assert fetched.settings.sources["dots-b"].kind == "perturbed"
    assert fetched.labels("dots-b").read("case01").sum() == 24
    assert fetched.labels("ann").select_labelled(fetched.case_ids) == fetched.case_ids


def test_a_branch_that_exists_is_taken_as_it_is(study):
    root, revision = study

    def fail(folder: Path) -> list[str]:
        raise AssertionError(f"nothing is to be written into {folder}")

    made = commit(root, revision)
    again = commit_sources_on_branch(str(root), revision, BRANCH, add=fail, message="Add")
    assert again == made


def test_two_at_once_end_with_one_commit(study):
    root, revision = study
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: commit(root, revision), range(2))
    assert first == second == run_git(root, "rev-parse", BRANCH)


def test_a_repository_that_takes_no_branch_is_named(study):
    root, revision = study
    hook = root / ".git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(VersioningError, match=rf"must take the new branch {BRANCH}"):
        commit(root, revision)


def test_without_anything_new_there_is_neither_commit_nor_branch(study):
    root, revision = study
    made = commit_sources_on_branch(str(root), revision, BRANCH, add=lambda _: [], message="Add nothing")
    assert made == revision
    assert run_git(root, "branch", "--list", BRANCH) == ""
