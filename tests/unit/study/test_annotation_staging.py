"""New annotations are checked as a whole before any of them is part of the study."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.errors import SettingsError, StudyError
from overread.study.delivery.files import find_annotation_files
from overread.study.delivery.settings import AnnotationSettings
from overread.study.delivery.staging import StagedAnnotations, stage_annotations
from overread.study.rasters import read_raster, write_mask, write_volume
from overread.study.schema import Provenance, SourceSettings
from overread.study.study import Study, add_source
from tests.studies import write_cubes, write_squares

SIZE = 24


@pytest.fixture
def squares(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=3)


@pytest.fixture
def cubes(tmp_path: Path) -> Study:
    return write_cubes(tmp_path / "study", case_count=2, size=16)


def stage(
    study: Study,
    folder: Path,
    *,
    source: str = "ann",
    kind: str | None = None,
    replace: bool = False,
    images: Path | None = None,
) -> StagedAnnotations:
    staging = study.root.parent / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    settings = AnnotationSettings.parse({"source": source, "kind": kind, "replace": replace}, where="test")
    files = find_annotation_files(study, [folder], images=images)
    return stage_annotations(study, files, settings, staging=staging, locate=lambda path: path)


def find_problems(study: Study, folder: Path, **choice: object) -> tuple[str, ...]:
    with pytest.raises(StudyError) as caught:
        stage(study, folder, **choice)  # type: ignore[arg-type]
    return caught.value.problems


def draw(path: Path, *, value: int = 255, rows: int = 3, size: int = SIZE) -> None:
    """Write a grey PNG whose first rows are marked."""
    pixels = np.zeros((size, size), np.uint8)
    pixels[:rows] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def list_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_masks_are_new_replaced_or_identical(squares: Study, tmp_path: Path) -> None:
    squares.labels("ann").path("case02").unlink()
    for name in ("case00", "case02"):
        draw(tmp_path / "new" / f"{name}.png")
    marked = squares.labels("ann").read("case01")
    Image.fromarray((marked * 255).astype(np.uint8)).save(tmp_path / "new" / "case01.png")

    staged = stage(squares, tmp_path / "new", replace=True)
    assert [staged.select(change) for change in ("new", "replaced", "identical")] == [
        ("case02",),
        ("case00",),
        ("case01",),
    ]
    assert list_files(staged.folder) == ["labels/ann/case00.png", "labels/ann/case02.png"]
    written = read_raster(staged.folder / "labels" / "ann" / "case02.png").voxels
    assert np.unique(written).tolist() == [0, 1]
    assert written[:3].all()
    assert not written[3:].any()


def test_another_mask_of_a_labelled_case_needs_replace(squares: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case00.png")
    (problem,) = find_problems(squares, tmp_path / "new")
    assert problem.startswith("a mask that ann holds must stay as it is, got other content; case 'case00'")
    assert "--replace" in problem


def test_all_problems_are_named_at_once(squares: Study, tmp_path: Path) -> None:
    new = tmp_path / "new"
    draw(new / "case00.png", size=20)
    (new / "case01.png").write_bytes(b"")
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[0, :2] = 1, 2
    Image.fromarray(pixels).save(new / "case02.png")
    draw(new / "case09.png")
    (new / "notes.txt").write_text("hello")
    problems = find_problems(squares, new, source="dora")
    for part in (
        "'dora'. Hint: add --kind human",
        "must be named <case_id>.png",
        "a mask must be of a case of the study, got case09.png",
        "got (20, 20) and (24, 24); case 'case00'",
        "case 'case01', file case01.png: a raster file must be a whole NIfTI, PNG or TIFF file",
        "a mask must hold 0 and one other value, got 0, 1, 2; case 'case02'",
    ):
        assert sum(part in problem for problem in problems) == 1, part
    assert len(problems) == 6


def test_the_affine_of_the_image_must_be_kept(cubes: Study, tmp_path: Path) -> None:
    image = read_raster(cubes.image_path("case00", "t1"))
    assert image.affine is not None
    moved = image.affine.copy()
    moved[0, 3] += 1
    write_mask(tmp_path / "new" / "case00.nii.gz", np.ones(image.voxels.shape, bool), moved)
    (problem,) = find_problems(cubes, tmp_path / "new", replace=True)
    assert "a mask must have the affine of its image" in problem


def test_a_volume_is_stored_with_the_affine_of_its_image(cubes: Study, tmp_path: Path) -> None:
    image = read_raster(cubes.image_path("case01", "t1"))
    assert image.affine is not None
    rounded = image.affine + 1e-4
    rounded[3] = image.affine[3]
    write_volume(tmp_path / "new" / "case01.nii", np.full(image.voxels.shape, 7, np.int16), rounded)
    staged = stage(cubes, tmp_path / "new", replace=True)
    stored = read_raster(staged.folder / "labels" / "ann" / "case01.nii.gz")
    assert stored.affine is not None
    assert np.array_equal(stored.affine, image.affine)
    assert np.all(stored.voxels == 1)


def test_a_picture_is_no_mask_of_a_volume(cubes: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case00.png")
    (problem,) = find_problems(cubes, tmp_path / "new", replace=True)
    assert "a mask of a 3D study must be NIfTI" in problem


def test_a_case_whose_image_is_missing_cannot_be_labelled(squares: Study, tmp_path: Path) -> None:
    squares.image_path("case00", "grey").unlink()
    draw(tmp_path / "new" / "case00.png")
    (problem,) = find_problems(squares, tmp_path / "new", replace=True)
    assert problem.startswith("the image of case 'case00': a raster file must exist")


def test_two_structures_in_disguise_are_refused(squares: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case00.png", value=1)
    draw(tmp_path / "new" / "case01.png", value=2)
    (problem,) = find_problems(squares, tmp_path / "new", replace=True)
    assert "one foreground value, got 1 in 1 (case00, …), 2 in 1 (case01, …)" in problem


def test_an_empty_mask_is_taken_and_noted(squares: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case00.png", rows=0)
    staged = stage(squares, tmp_path / "new", replace=True)
    assert staged.notes == ("masks that mark nothing: case00",)


def test_a_damaged_stored_mask_can_be_replaced(squares: Study, tmp_path: Path) -> None:
    squares.labels("ann").path("case00").write_bytes(b"damaged")
    draw(tmp_path / "new" / "case00.png")
    assert stage(squares, tmp_path / "new", replace=True).select("replaced") == ("case00",)


@pytest.mark.parametrize("kind", ["consensus", "perturbed", "relabelled", "model"])
def test_a_derived_source_takes_no_annotations(squares: Study, tmp_path: Path, kind: str) -> None:
    masks = [("case00", squares.labels("ann").read("case00"), None)]
    settings = SourceSettings.parse({"kind": kind}, where="test")
    add_source(squares.root, "derived", settings=settings, masks=masks, provenance=Provenance(operation="x"))
    draw(tmp_path / "new" / "case01.png")
    (problem,) = find_problems(Study.open(squares.root), tmp_path / "new", source="derived", replace=True)
    assert f"got one of kind {kind}; source 'derived'" in problem


def test_a_new_source_has_a_kind_and_a_free_name(squares: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case01.png")
    assert stage(squares, tmp_path / "new", source="dora", kind="crowd").select("new") == ("case01",)
    (squares.root / "labels" / "dora.dvc").touch()
    (problem,) = find_problems(squares, tmp_path / "new", source="dora", kind="crowd")
    assert problem == "the name of a new source must be free, got labels/dora.dvc."


def test_a_known_source_keeps_its_kind(squares: Study, tmp_path: Path) -> None:
    draw(tmp_path / "new" / "case01.png")
    (problem,) = find_problems(squares, tmp_path / "new", kind="crowd", replace=True)
    assert problem.startswith("the kind of the source must be human, got crowd; source 'ann'")


@pytest.mark.parametrize("choice", [{"source": "../ann"}, {"source": ""}, {"source": "x", "kind": "model"}])
def test_unusable_settings_are_refused(choice: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        AnnotationSettings.parse(choice, where="test")


def test_new_cases_come_with_image_and_mask(squares: Study, tmp_path: Path) -> None:
    other = write_squares(tmp_path / "other", case_count=4, seed=5)
    shutil.copytree(other.root / "images" / "case03", tmp_path / "images" / "case03")
    draw(tmp_path / "new" / "case03.png")
    staged = stage(squares, tmp_path / "new", images=tmp_path / "images")
    assert list_files(staged.folder) == ["images/case03/grey.png", "labels/ann/case03.png"]
    assert [case.case_id for case in staged.cases] == ["case03"]
    assert np.array_equal(read_raster(staged.folder / "images/case03/grey.png").voxels, other.read_image("case03")[0])


def test_new_images_are_checked_like_those_of_a_study(cubes: Study, tmp_path: Path) -> None:
    image = read_raster(cubes.image_path("case00", "t1"))
    assert image.affine is not None
    images, size = tmp_path / "images", image.voxels.shape
    for case_id, channel in (("flat", "t1"), ("flat", "t2"), ("named", "t1"), ("named", "flair"), ("half", "t1")):
        voxels = np.zeros(size, np.uint8) if case_id == "flat" else image.voxels
        write_volume(images / case_id / f"{channel}.nii.gz", voxels, image.affine)
    for case_id in ("flat", "named", "half"):
        write_mask(tmp_path / "new" / f"{case_id}.nii.gz", np.ones(size, bool), image.affine)
    problems = find_problems(cubes, tmp_path / "new", images=images)
    assert sum("an image must not be constant" in problem for problem in problems) == 2
    assert "a case must have the channels t1, t2, got t1; case 'half'." in problems
    assert "a case must have the channels t1, t2, got flair, t1; case 'named'." in problems
    assert len(problems) == 4


def test_images_of_known_cases_may_come_again_but_never_change(squares: Study, tmp_path: Path) -> None:
    shutil.copytree(squares.root / "images" / "case00", tmp_path / "images" / "case00")
    draw(tmp_path / "new" / "case00.png")
    staged = stage(squares, tmp_path / "new", images=tmp_path / "images", replace=True)
    assert list_files(staged.folder) == ["labels/ann/case00.png"]
    shutil.copyfile(squares.image_path("case01", "grey"), tmp_path / "images" / "case00" / "grey.png")
    (problem,) = find_problems(squares, tmp_path / "new", images=tmp_path / "images", replace=True)
    assert "the image of a case that the study has must stay as it is, got other content; case 'case00'" in problem
