"""Our values against MONAI's on masks for which both define the same.

MONAI takes the same surface voxels (erosion by face-neighbours, outside of the image is background), pools both
directions for its symmetric average, interpolates its percentiles linearly and counts voxels in the surface Dice. It
computes in single precision. Definitions part where masks are empty, see the last test.
"""

import numpy as np
import pytest
import torch
from monai.metrics import (
    DiceMetric,
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from scipy.ndimage import gaussian_filter

from overread.evaluation.case_metrics import CaseMetrics, compute_case_metrics
from overread.types import Mask, Spacing

pytestmark = [pytest.mark.filterwarnings("ignore::FutureWarning"), pytest.mark.filterwarnings("ignore::UserWarning")]


def draw_blobs(shape: tuple[int, ...], *, seed: int, smoothness: float) -> tuple[Mask, Mask]:
    generator = np.random.default_rng(seed)
    first = gaussian_filter(generator.standard_normal(shape), smoothness)
    second = first + 0.5 * gaussian_filter(generator.standard_normal(shape), smoothness)
    return first > first.std(), second > second.std()


def to_batch(mask: Mask) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None].float()


def measure_with_monai(reference: Mask, prediction: Mask, *, spacing: Spacing, tolerance: float) -> list[float]:
    y, y_pred = to_batch(reference), to_batch(prediction)
    found = [
        DiceMetric(include_background=True)(y_pred=y_pred, y=y),
        compute_surface_dice(y_pred, y, [tolerance], include_background=True, spacing=spacing),
        compute_hausdorff_distance(y_pred, y, include_background=True, percentile=95, spacing=spacing),
        compute_average_surface_distance(y_pred, y, include_background=True, symmetric=True, spacing=spacing),
    ]
    return [value.item() for value in found]


CASES = [
    ((24, 31, 17), (0.7, 1.1, 3.0), 2.0),
    ((20, 20, 20), (1.0, 2.0, 5.0), 0.7),
    ((40, 12, 9), (1.3, 1.3, 1.3), 1.5),
    ((60, 44), (0.9, 2.3), 2.0),
]


@pytest.mark.parametrize(("shape", "spacing", "smoothness"), CASES)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", ["tree", "transform"])
def test_all_four_metrics_are_equal(
    shape: tuple[int, ...], spacing: Spacing, smoothness: float, seed: int, method: str
) -> None:
    reference, prediction = draw_blobs(shape, seed=seed, smoothness=smoothness)
    tolerance = 1.55
    ours = compute_case_metrics(reference, prediction, spacing=spacing, tolerance=tolerance, method=method)  # type: ignore[arg-type]
    theirs = measure_with_monai(reference, prediction, spacing=spacing, tolerance=tolerance)
    assert list(vars(ours).values()) == pytest.approx(theirs, abs=1e-5)


def test_monai_leaves_empty_masks_undefined_where_we_have_rules() -> None:
    empty, dot = np.zeros((5, 5), np.bool_), np.eye(5, dtype=np.bool_)
    spacing = (1.0, 2.0)
    assert measure_with_monai(empty, empty, spacing=spacing, tolerance=1.0) == pytest.approx([np.nan] * 4, nan_ok=True)
    one_empty = measure_with_monai(empty, dot, spacing=spacing, tolerance=1.0)
    assert one_empty == pytest.approx([np.nan, 0.0, np.nan, np.inf], nan_ok=True)
    assert compute_case_metrics(empty, empty, spacing=spacing, tolerance=1.0) == CaseMetrics(1.0, 1.0, 0.0, 0.0)
    assert compute_case_metrics(empty, dot, spacing=spacing, tolerance=1.0) == CaseMetrics(0.0, 0.0, np.inf, np.inf)
