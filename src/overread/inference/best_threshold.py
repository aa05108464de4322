"""The probability above which the masks of a network agree best with labels."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from overread.errors import InputError
from overread.inference.ensemble import predict_labelled
from overread.inference.settings import InferenceSettings
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.types import Mask, Probability

THRESHOLDS = tuple(step / 100 for step in range(1, 100))
"""Candidates: 0.01, 0.02, … 0.99."""
_EVEN = THRESHOLDS.index(0.5)
_ROUNDING = 1e-12


def choose_network_threshold(
    study: Study,
    labels: LabelSet,
    case_ids: Sequence[str],
    network: Path,
    *,
    settings: InferenceSettings,
    device: torch.device,
) -> float:
    """Choose the threshold of a network on cases that it did not learn from.

    Args:
        study: the study.
        labels: what the masks are to agree with.
        case_ids: cases; those without a label are left out.
        network: folder of the trained network.
        settings: windows.
        device: where the network runs.

    Raises:
        InputError: no case has a label, or the network was trained on other channels than the study has.
    """
    return choose_threshold(predict_labelled(study, labels, case_ids, network, settings=settings, device=device))


def choose_threshold(cases: Iterable[tuple[Mask, Probability]]) -> float:
    """The threshold of THRESHOLDS with the best mean Dice; of equally good ones that nearest to 0.5, then the lower.

    Args:
        cases: label (*S) and probability of foreground (*S) of each case.

    Raises:
        InputError: there is no case.
    """
    by_case = [compute_dice_by_threshold(label, probability) for label, probability in cases]
    if not by_case:
        raise InputError("a threshold must be chosen on at least one labelled case", found=0)
    means = np.mean(by_case, axis=0)
    best = np.flatnonzero(means >= means.max() - _ROUNDING)
    return THRESHOLDS[min(best.tolist(), key=lambda place: (abs(place - _EVEN), place))]


def compute_dice_by_threshold(label: Mask, probability: Probability) -> NDArray[np.float64]:
    """Dice of a label with `probability > t` for every t of THRESHOLDS.

    Args:
        label: (*S).
        probability: (*S) of foreground, in [0, 1].

    Returns:
        (T,) in [0, 1]; 1 where both masks are empty.
    """
    marked, hit = _count_above(probability.ravel()), _count_above(probability[label])
    total = marked + np.count_nonzero(label)
    return np.where(total > 0, 2 * hit / np.maximum(total, 1), 1.0)


def _count_above(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many values lie above each threshold, (T,); thresholds are rounded as in `values > t`."""
    thresholds = np.asarray(THRESHOLDS, values.dtype)
    candidates = np.sort(values[values > thresholds[0]])
    return len(candidates) - np.searchsorted(candidates, thresholds, side="right")
