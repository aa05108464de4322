import csv
import shutil

import numpy as np
import pytest
from report_builders import Inputs, build_context, build_training
from scipy import ndimage

from overread.evaluation.results import name_network
from overread.questions.rater_bias.cross_evaluation import cross_evaluate
from overread.questions.rater_bias.repeat_scores import RepeatMasks
from overread.study.cases import Case, write_cases
from overread.study.label_set import LabelSet
from overread.study.rasters import read_raster, write_image, write_mask
from overread.study.schema import SourceSettings, StudySettings
from overread.study.study import Study

SOURCES = ("person1_imagej", "person5_amira", "person3_amira")
MOST_BYTES = 5_000_000


@pytest.mark.realdata
def test_35_real_cases_of_3_raters_make_a_page_below_5_megabytes(real_data, tmp_path):
    study = import_cells(real_data / "cells-5raters", tmp_path / "cells")
    predictions = {source: grow(study, source, tmp_path / "grown") for source in SOURCES}
    folds = {case_id: place % 5 for place, case_id in enumerate(study.case_ids)}
    repeats = [RepeatMasks(source, 0, masks, folds) for source, masks in predictions.items()]
    found = cross_evaluate(study, SOURCES, predictions, repeats, tolerance=2.0)
    trainings = [build_training(study, source, 0) for source in SOURCES]
    inputs = Inputs(found.evaluation, found.comparisons, study, predictions, trainings, build_context(SOURCES))
    page = inputs.write(tmp_path / "report.html")
    assert len(page.encode()) < MOST_BYTES
    assert page.count("<img") == 2 + 1 + 2 * 3 + 3 * 3
    assert "person3_amira" in page
    assert "<b>4</b>: b18, b24, b25, b31" in page


def import_cells(folder, root):
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        case_ids = [row["case_id"] for row in csv.DictReader(file)]
    for case_id in case_ids:
        pixels = read_raster(folder / "images" / f"{case_id}.png").voxels
        grey = pixels if pixels.ndim == 2 else pixels[..., :3].mean(axis=-1)
        write_image(root / "images" / case_id / "phase.png", grey.astype(np.uint8))
    for source in SOURCES:
        shutil.copytree(folder / "labels" / source, root / "labels" / source)
    write_cases(root / "cases.csv", [Case(case_id, case_id) for case_id in case_ids])
    sources = dict.fromkeys(SOURCES, SourceSettings(kind="human"))
    StudySettings(
        name="cells", dimensions=2, modality="microscopy", channels=("phase",), target="cell", sources=sources
    ).write_yaml(root / "study.yaml")
    return Study.open(root)


def grow(study, source, folder):
    """Stand-ins for a network's predictions: the source's own masks, larger by two pixels."""
    grown = LabelSet(name_network(source), folder / source, study.suffix)
    for case_id in study.labelled_case_ids(source):
        mask = study.labels(source).read(case_id)
        write_mask(grown.path(case_id), ndimage.binary_dilation(mask, iterations=2), None)
    return grown
