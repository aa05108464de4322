import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from overread.errors import InputError
from overread.evaluation.compare import choose_tolerance, compare
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.evaluation.table import read_comparisons, write_comparisons
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study

CASES = ("007-a", "007-b", "008-a")


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    lengths = {"ann": {"007-a": 2, "007-b": 3, "008-a": 0}, "bob": {"007-a": 4, "008-a": 1}}
    return make_study(lengths, CASES)


def test_a_row_holds_names_metrics_and_loads_in_that_order(study: Study) -> None:
    table = compare(study.labels("ann"), study.labels("bob"), study=study)
    assert tuple(table.columns) == COMPARISON_COLUMNS
    row = table.iloc[0].to_dict()
    assert (row["prediction"], row["reference"]) == ("bob", "ann")
    assert (row["case_id"], row["subject_id"]) == ("007-a", "007")
    assert row["dice"] == pytest.approx(2 * 2 / (2 + 4))
    # bob has voxels 0 1 2 3, ann 0 1: distances 0 0 and 0 0 1 2 mm.
    assert row["assd"] == pytest.approx(3 / 6)
    assert row["hd95"] == pytest.approx(1 + 0.85)  # rank 0.95 × 3 = 2.85 between 1 and 2
    assert row["surface_dice"] == pytest.approx(5 / 6)
    assert row["prediction_load"] == pytest.approx(4 * 10 / 1000)  # voxels of 1 × 2 × 5 = 10 mm³
    assert row["reference_load"] == pytest.approx(2 * 10 / 1000)


def test_cases_without_both_masks_have_no_row(study: Study) -> None:
    assert compare(study.labels("ann"), study.labels("bob"), study=study)["case_id"].tolist() == ["007-a", "008-a"]


def test_an_empty_mask_gives_infinite_distances(study: Study) -> None:
    row = compare(study.labels("ann"), study.labels("bob"), study=study).iloc[1]
    assert (row["dice"], row["hd95"], row["reference_load"]) == (0.0, math.inf, 0.0)


def test_cases_come_in_the_order_asked_for(study: Study) -> None:
    table = compare(study.labels("ann"), study.labels("bob"), study=study, case_ids=["008-a", "007-a"])
    assert table["case_id"].tolist() == ["008-a", "007-a"]


def test_a_wider_tolerance_takes_more_of_the_surface(study: Study) -> None:
    table = compare(study.labels("ann"), study.labels("bob"), study=study, case_ids=["007-a"], tolerance=2.0)
    assert table["surface_dice"].tolist() == [1.0]


@pytest.mark.parametrize("workers", [1, 2])
def test_masks_on_different_grids_are_refused_by_name(study: Study, tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "other"
    for case_id in CASES:
        write_mask(folder / f"{case_id}.nii.gz", np.ones((2, 2, 2), np.bool_), np.eye(4))
    with pytest.raises(InputError) as caught:
        compare(study.labels("ann"), LabelSet("other", folder, ".nii.gz"), study=study, workers=workers)
    assert str(caught.value) == (
        "masks that are compared must have one shape, got (2, 2, 2) and (6, 5, 4); "
        "case '007-a', label sets other, ann. Hint: resample them to the grid of the image."
    )


def test_a_case_that_the_study_does_not_have_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="one of the study, got 009-a"):
        compare(study.labels("ann"), study.labels("bob"), study=study, case_ids=["009-a"])


def test_the_tolerance_is_one_mm_in_3d_and_must_be_given_in_2d(study: Study) -> None:
    assert choose_tolerance(study, None) == 1.0
    assert choose_tolerance(study, 2.5) == 2.5
    flat = Study(study.root, study.settings.model_copy(update={"dimensions": 2}), study.cases)
    assert choose_tolerance(flat, 0.0) == 0.0
    with pytest.raises(InputError, match=r"must be given for a 2D study\. Hint: choose the distance, in px"):
        choose_tolerance(flat, None)


def test_the_table_survives_a_round_trip_through_csv(study: Study, tmp_path: Path) -> None:
    table = compare(study.labels("ann"), study.labels("bob"), study=study)
    table["subject_id"] = ["007", "NA"]
    write_comparisons(tmp_path / "comparisons.csv", table)
    pd.testing.assert_frame_equal(read_comparisons(tmp_path / "comparisons.csv"), table, check_exact=True)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "comparisons.csv").write_text("case_id,dice\na,1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"columns prediction, reference, .*, got case_id, dice; comparisons\.csv"):
        read_comparisons(tmp_path / "comparisons.csv")
