"""Chest CT of two vendors: the vendor is told by padding and air, far less by the body, and goes with the site."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.questions.acquisition_bias.presets import read_probe_preset
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings
from overread.questions.acquisition_bias.probe_slices import read_slices
from overread.questions.acquisition_bias.results import AcquisitionEvaluation
from overread.questions.acquisition_bias.steps import evaluate_probes, probe_acquisition
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice, plan_probes
from overread.study.check import check_study
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.schema import IntensitySettings
from overread.study.study import Study

pytestmark = [pytest.mark.realdata, pytest.mark.slow]
WINDOW = IntensitySettings(recipe="window", window_centre=40, window_width=400)
SIDE = 128
"""Smaller than in the presets, so that the probes are trained in about two minutes of one core."""


def import_slices(data: Path, target: Path, metadata: Path, *, originals: Path | None) -> Study:
    values = {"layout": "arrays", "metadata": metadata, "modality": "CT", "intensity": WINDOW}
    settings = ImportSettings.parse(values | ({} if originals is None else {"originals": originals}), where="test")
    import_study(data / "ct_slices_256_hu_int16.npz", target, settings=settings)
    return Study.open(target)


@pytest.fixture(scope="module")
def data(real_data: Path) -> Path:
    return real_data / "ct-vendor"


@pytest.fixture(scope="module")
def study(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The 12 originals from DICOM, the rest from the array file."""
    root = tmp_path_factory.mktemp("ct") / "study"
    return import_slices(data, root, data / "metadata.csv", originals=data / "dicom")


@pytest.fixture(scope="module")
def output(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("probe")
    preset = read_probe_preset("small")
    image = preset.image.model_copy(update={"side": SIDE})
    preset.model_copy(update={"image": image}).write_yaml(root / "preset.yaml")
    choice = ProbeChoice(column="manufacturer", preset=str(root / "preset.yaml"))
    probe_acquisition.run(study.root, root / "out", choice, processes=2, device="cpu")
    return root / "out"


@pytest.fixture(scope="module")
def evaluation(output: Path) -> AcquisitionEvaluation:
    return evaluate_probes.read_evaluation(output)


def test_originals_are_read_from_dicom_and_the_rest_from_the_array(study: Study) -> None:
    assert check_study(study.root).sources == {}
    shapes = [study.read_image(case_id).shape for case_id in study.case_ids]
    assert shapes.count((1, 512, 512, 1)) == 12
    assert shapes.count((1, 256, 256, 1)) == 88
    assert len(set(study.subject_of.values())) == 54


def test_originals_and_their_images_in_the_array_show_the_same(study: Study, data: Path, tmp_path: Path) -> None:
    plain = import_slices(data, tmp_path / "plain", data / "metadata.csv", originals=None)
    settings = ProbeImageSettings(window=(40, 400))
    for case_id in study.case_ids:
        if study.read_image(case_id).shape[1] == 512:
            # The middle of the slice lies inside the padding, which the array file has cut at -1024 HU.
            one, other = (read_slices(each, case_id, settings)[0, 64:192, 64:192] for each in (study, plain))
            assert np.abs(one - other).mean() < 1


def test_padding_and_air_tell_the_vendor_almost_always(evaluation: AcquisitionEvaluation) -> None:
    outside = evaluation.find_variant("outside")
    assert outside is not None
    assert outside.test.auroc.estimate > 0.95
    assert outside.test.is_told


def test_the_body_alone_tells_it_far_less(evaluation: AcquisitionEvaluation) -> None:
    fall = evaluation.find_fall("outside", "body")
    assert fall is not None
    assert fall.difference.estimate < -0.1


def test_the_site_is_confounded_with_the_vendor(evaluation: AcquisitionEvaluation) -> None:
    found = {one.column: one for one in evaluation.confounding.strong}
    assert found["tissue_source_site"].corrected_v > 0.9
    assert found["tissue_source_site"].guess_rate >= 0.95


def test_the_report_states_all_of_it(output: Path) -> None:
    text = (output / "report.html").read_text(encoding="utf-8")
    assert re.search(
        r"Padding and air alone, without the patient, tell manufacturer: AUROC [\d.]+ \(.*, near 1\.", text
    )
    assert "less than with padding and air" in text
    assert re.search(r"manufacturer is confounded with .*tissue_source_site", text)


def test_ages_of_the_file_names_are_matched(data: Path, tmp_path: Path) -> None:
    with (data / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    aged = [row | {"age": str(int(row["file"].split("AGE_")[1][:4]))} for row in rows]
    with (tmp_path / "aged.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(aged[0]))
        writer.writeheader()
        writer.writerows(aged)
    study = import_slices(data, tmp_path / "study", tmp_path / "aged.csv", originals=None)
    matching = plan_probes(study, ProbeChoice(column="manufacturer"), revision="").matching
    assert (matching.outcome, matching.columns) == ("matched", ("age",))
    first, second = matching.after
    assert first.bands == second.bands
    assert first.subject_count == second.subject_count >= 11
    assert len(matching.dropped_cases) == 100 - first.case_count - second.case_count


def test_a_model_of_two_cases_is_refused(study: Study) -> None:
    with pytest.raises(InputError, match="every class must have at least 5 subjects, one for each fold, got 'Biograph"):
        plan_probes(study, ProbeChoice(column="model"), revision="")
