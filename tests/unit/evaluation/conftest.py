"""Small studies on disk, drawn by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from overread.study.cases import Case, write_cases
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask, write_volume
from overread.study.schema import SourceSettings, StudySettings
from overread.study.study import Study
from overread.types import Mask

SPACING = (1.0, 2.0, 5.0)
SHAPE = (6, 5, 4)

StudyMaker: TypeAlias = Callable[[Mapping[str, Mapping[str, int]], tuple[str, ...]], Study]
LabelSetMaker: TypeAlias = Callable[[str, Mapping[str, int]], LabelSet]


def draw_bars(lengths: Mapping[str, int]) -> dict[str, Mask]:
    """Per case a row of voxels along X that begins at the border of the image; other cases have other rows."""
    masks = {case_id: np.zeros(SHAPE, np.bool_) for case_id in lengths}
    for case_id, length in lengths.items():
        row = divmod(sum(case_id.encode()) % (SHAPE[1] * SHAPE[2]), SHAPE[2])
        masks[case_id][:length, *row] = True
    return masks


@pytest.fixture
def make_study(tmp_path: Path) -> StudyMaker:
    """Write a 3D study of 1 × 2 × 5 mm whose masks are bars of the given lengths; case ids are `<subject>-<visit>`."""

    def make(lengths: Mapping[str, Mapping[str, int]], case_ids: tuple[str, ...]) -> Study:
        root = tmp_path / "study"
        affine = np.diag([*SPACING, 1.0])
        settings = StudySettings(
            name="bars",
            dimensions=3,
            modality="MR",
            channels=("flair",),
            target="bar",
            sources={source: SourceSettings(kind="human") for source in lengths},
        )
        for case_id in case_ids:
            write_volume(root / "images" / case_id / "flair.nii.gz", np.zeros(SHAPE, np.float32), affine)
        for source, by_case in lengths.items():
            (root / "labels" / source).mkdir(parents=True)
            for case_id, mask in draw_bars(by_case).items():
                write_mask(root / "labels" / source / f"{case_id}.nii.gz", mask, affine)
        settings.write_yaml(root / "study.yaml")
        write_cases(root / "cases.csv", [Case(case_id, case_id.split("-")[0]) for case_id in case_ids])
        return Study.open(root)

    return make


@pytest.fixture
def make_label_set(tmp_path: Path) -> LabelSetMaker:
    """Write bars outside any study, as held-out predictions are."""

    def make(name: str, lengths: Mapping[str, int]) -> LabelSet:
        folder = tmp_path / "predictions" / name
        folder.mkdir(parents=True)
        for case_id, mask in draw_bars(lengths).items():
            write_mask(folder / f"{case_id}.nii.gz", mask, np.diag([*SPACING, 1.0]))
        return LabelSet(name, folder, ".nii.gz")

    return make
