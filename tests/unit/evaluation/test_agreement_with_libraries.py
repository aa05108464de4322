"""Panoptic quality against MONAI's, calibration against MONAI's and scikit-learn's, AUROC against scikit-learn's.

MONAI adds 1e-6 to its denominators, computes in single precision and knows no empty masks.
"""

import numpy as np
import pytest
import torch
from monai.metrics.calibration import calibration_binning
from monai.metrics.panoptic_quality import compute_panoptic_quality
from scipy.ndimage import gaussian_filter, label
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from overread.evaluation.calibration import VoxelCase, apply_temperature, fit_temperature, measure_calibration
from overread.evaluation.lesions import match_lesions
from overread.evaluation.uncertainty_validation import UncertainCase, validate_uncertainty
from overread.types import Mask

pytestmark = [pytest.mark.filterwarnings("ignore::FutureWarning"), pytest.mark.filterwarnings("ignore::UserWarning")]


def draw_lesions(shape: tuple[int, ...], seed: int) -> tuple[Mask, Mask]:
    generator = np.random.default_rng(seed)
    first = gaussian_filter(generator.standard_normal(shape), 1.2)
    second = first + 0.25 * gaussian_filter(generator.standard_normal(shape), 1.2)
    return first > 1.3 * first.std(), second > 1.3 * second.std()


def draw_voxels(seed: int) -> VoxelCase:
    generator = np.random.default_rng(seed)
    probability = generator.beta(0.4, 1.2, (40, 30)).astype(np.float32)
    return VoxelCase(probability, generator.random((40, 30)) < probability**1.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(70, 60), (24, 22, 20)])
def test_panoptic_quality_is_monais(shape: tuple[int, ...], seed: int) -> None:
    reference, prediction = draw_lesions(shape, seed)
    ours = match_lesions(reference, prediction, connectivity=1).count()
    gt, pred = (torch.from_numpy(label(mask)[0].astype(np.int32)) for mask in (reference, prediction))
    theirs = [compute_panoptic_quality(pred, gt, metric_name=name).item() for name in ("pq", "sq", "rq")]
    assert ours.matched_count > 3
    assert ours.matched_count < min(ours.reference_count, ours.prediction_count)
    found = [ours.panoptic_quality, ours.segmentation_quality, ours.recognition_quality]
    assert found == pytest.approx(theirs, abs=1e-5)


def test_the_reliability_table_is_monais() -> None:
    case = draw_voxels(0)
    ours = measure_calibration([case], bin_count=15)
    y_pred, y = (torch.from_numpy(array.astype(np.float32))[None, None] for array in (case.probability, case.reference))
    probabilities, shares, counts = (table[0, 0].numpy() for table in calibration_binning(y_pred, y, num_bins=15))
    assert [one.voxel_count for one in ours.bins] == counts.tolist()
    assert [one.mean_probability for one in ours.bins] == pytest.approx(probabilities, abs=1e-5)
    assert [one.foreground_share for one in ours.bins] == pytest.approx(shares, abs=1e-5)


def test_calibration_of_pooled_cases_is_scikit_learns() -> None:
    cases = [draw_voxels(seed) for seed in range(3)]
    ours = measure_calibration(iter(cases), bin_count=10)
    probability = np.concatenate([case.probability.ravel() for case in cases]).astype(np.float64)
    truth = np.concatenate([case.reference.ravel() for case in cases])
    shares, means = calibration_curve(truth, probability, n_bins=10)
    weights = np.histogram(probability, bins=10, range=(0, 1))[0] / probability.size
    assert ours.ece == pytest.approx(float(np.sum(weights * np.abs(shares - means))))
    assert ours.brier == pytest.approx(brier_score_loss(truth, probability))


def test_no_temperature_nearby_has_a_smaller_log_loss_by_scikit_learn() -> None:
    cases = [draw_voxels(seed) for seed in range(3)]
    found = fit_temperature(cases)
    probability = np.concatenate([case.probability.ravel() for case in cases])
    truth = np.concatenate([case.reference.ravel() for case in cases])

    def measure_loss(temperature: float) -> float:
        return float(log_loss(truth, apply_temperature(probability, temperature).astype(np.float64)))

    assert found.loss_before == pytest.approx(measure_loss(1.0), abs=1e-5)
    assert found.loss_after == pytest.approx(measure_loss(found.temperature), abs=1e-5)
    assert measure_loss(found.temperature) < min(measure_loss(found.temperature * factor) for factor in (0.97, 1.03))


def test_error_detection_is_scikit_learns_area_under_the_roc() -> None:
    case = draw_voxels(1)
    prediction = case.probability > 0.5
    doubt = np.round(case.probability * (1 - case.probability), 2)
    (found,) = validate_uncertainty([UncertainCase(prediction, case.reference, {"aleatoric": doubt})])
    assert found.error_auroc == pytest.approx(roc_auc_score((prediction != case.reference).ravel(), doubt.ravel()))
