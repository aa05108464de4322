"""Adding annotations to a study can be undone to the byte."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overread.study.cases import Case
from overread.study.check import check_study
from overread.study.delivery.change import StudyChange, apply_annotations
from overread.study.delivery.rasters import StagedMask
from overread.study.delivery.settings import AnnotationSettings
from overread.study.delivery.staging import StagedAnnotations
from overread.study.rasters import write_image, write_mask
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.studies import write_squares

MASK = np.ones((24, 24), bool)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=2)


@pytest.fixture
def change(tmp_path: Path) -> StudyChange:
    (tmp_path / "backup").mkdir()
    return StudyChange(tmp_path / "backup")


def make_staged(folder: Path, *, source: str, cases: dict[str, str]) -> StagedAnnotations:
    """Stage full masks of `cases`, each new or replaced; `case09` is a case that the study lacks."""
    for case_id in cases:
        write_mask(folder / "labels" / source / f"{case_id}.png", MASK, None)
    if "case09" in cases:
        write_image(folder / "images" / "case09" / "grey.png", np.arange(576, dtype=np.uint16).reshape(24, 24))
    masks = {case_id: StagedMask(change, 1.0, f"{case_id}.tif", "00") for case_id, change in cases.items()}  # type: ignore[arg-type]
    rows = tuple(Case(case_id, "p9") for case_id in cases if case_id == "case09")
    settings = AnnotationSettings(source=source, kind="crowd", replace=True)
    return StagedAnnotations(folder, settings, masks, rows, ())


def test_new_cases_and_masks_make_a_sound_study(study: Study, change: StudyChange, tmp_path: Path) -> None:
    staged = make_staged(tmp_path / "staged", source="ann", cases={"case00": "replaced", "case09": "new"})
    apply_annotations(study, staged, change)
    check_study(study.root)
    added = Study.open(study.root)
    assert [case.subject_id for case in added.cases] == ["subject00", "subject01", "p9"]
    assert added.labels("ann").read("case00").all()
    assert added.settings == study.settings


def test_provenance_tells_the_file_of_each_mask_and_keeps_the_rest(
    study: Study, change: StudyChange, tmp_path: Path
) -> None:
    old = Provenance(operation="import", cases={"case00": {"a": 1}, "case01": {"b": 2}})
    old.write_yaml(study.provenance_path("ann"))
    apply_annotations(study, make_staged(tmp_path / "staged", source="ann", cases={"case00": "replaced"}), change)
    expected = {"case00": {"operation": "add", "file": "case00.tif", "sha256": "00"}, "case01": {"b": 2}}
    assert Provenance.read_yaml(study.provenance_path("ann")) == old.model_copy(update={"cases": expected})


def test_a_new_source_is_declared(study: Study, change: StudyChange, tmp_path: Path) -> None:
    apply_annotations(study, make_staged(tmp_path / "staged", source="dora", cases={"case01": "new"}), change)
    check_study(study.root)
    settings = Study.open(study.root).settings
    assert list(settings.sources) == ["ann", "ben", "dora"]
    assert settings.sources["dora"].kind == "crowd"


@pytest.mark.parametrize("source", ["ann", "dora"])
def test_undoing_leaves_every_byte_as_it_was(
    study: Study, change: StudyChange, tmp_path: Path, digest_tree: Callable[[Path], dict[str, str]], source: str
) -> None:
    before, folders = digest_tree(study.root), sorted(path for path in study.root.rglob("*") if path.is_dir())
    staged = make_staged(tmp_path / "staged", source=source, cases={"case00": "replaced", "case09": "new"})
    apply_annotations(study, staged, change)
    assert digest_tree(study.root) != before
    change.undo()
    assert digest_tree(study.root) == before
    assert sorted(path for path in study.root.rglob("*") if path.is_dir()) == folders


def test_undoing_brings_back_what_others_wrote_over_or_made(study: Study, change: StudyChange) -> None:
    table, folder = study.root / "cases.csv", study.root / "labels" / "dora"
    text = table.read_text()
    change.protect(table)
    change.protect(folder)
    table.write_text("gone")
    write_mask(folder / "deep" / "case00.png", MASK, None)
    change.undo()
    assert table.read_text() == text
    assert not folder.exists()
