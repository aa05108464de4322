"""New annotations are sorted by their file names alone."""

from pathlib import Path

import pytest

from overread.study.cases import Case
from overread.study.delivery.files import AnnotationFiles, find_annotation_files
from overread.study.study import Study
from tests.studies import write_cubes, write_squares


@pytest.fixture
def squares(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=2)


def touch(root: Path, *names: str) -> list[Path]:
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def find_images(study: Study, folder: Path) -> AnnotationFiles:
    return find_annotation_files(study, touch(folder.parent, "a.png"), images=folder)


def test_masks_are_taken_from_files_and_folders_by_case(squares: Study, tmp_path: Path) -> None:
    first, second, _ = touch(tmp_path / "new", "a.png", "more/b.png", "more/.hidden")
    found = find_annotation_files(squares, [second.parent, first])
    assert found == AnnotationFiles({"a": first, "b": second})


def test_every_unusable_name_is_a_problem(squares: Study, tmp_path: Path) -> None:
    paths = touch(tmp_path / "new", "a.png", "again/a.tif", "notes.txt", "b.jpg")
    (tmp_path / "empty").mkdir()
    problems = find_annotation_files(squares, [*paths, tmp_path / "empty"]).problems
    assert [problem.split(",")[0] for problem in problems] == [
        "a mask must be named <case_id>.png",
        "a mask must be named <case_id>.png",
        "a folder of masks must hold files",
        "a case must have one mask",
    ]
    assert "a.png and " in problems[-1]


def test_no_mask_at_all_is_a_problem(squares: Study) -> None:
    assert find_annotation_files(squares, []).problems == (
        "masks must be given, as files or as a folder of them, got none.",
    )


def test_images_of_one_channel_lie_in_folders_or_side_by_side(squares: Study, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    flat, nested = touch(folder, "c.png", "d/grey.png")
    found = find_images(squares, folder)
    assert found.images == {"c": {"grey": flat}, "d": {"grey": nested}}
    assert found.problems == ()


def test_images_of_several_channels_lie_in_folders(tmp_path: Path) -> None:
    study = write_cubes(tmp_path / "study", case_count=1)
    folder = tmp_path / "images"
    t1, t2 = touch(folder, "c/t1.nii.gz", "c/t2.nii.gz")
    assert find_images(study, folder).images == {"c": {"t1": t1, "t2": t2}}


def test_image_files_that_cannot_be_placed_are_problems(squares: Study, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    touch(folder, "c.png", "c/grey.tif", "d/e/grey.png", "readme.md")
    problems = find_images(squares, folder).problems
    assert len(problems) == 3
    assert sum("must be named <case_id>/<channel>.png" in problem for problem in problems) == 2
    assert sum("one image file per channel" in problem for problem in problems) == 1


def test_an_empty_or_missing_folder_of_images_is_a_problem(squares: Study, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "must hold files" in find_images(squares, tmp_path / "empty").problems[0]
    assert "must lie in a folder" in find_images(squares, tmp_path / "none").problems[0]


def test_a_damaged_table_of_cases_is_a_problem(squares: Study, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("name,age\na,3\n")
    (problem,) = find_annotation_files(squares, touch(tmp_path, "a.png"), cases=table).problems
    assert problem.startswith("rows.csv must have a column case_id")
    table.write_text("case_id,age\na,3\n")
    assert find_annotation_files(squares, touch(tmp_path, "a.png"), cases=table).rows == (Case("a", "a", {"age": "3"}),)
