"""Agreement of a set of networks with a set of raters as distributions: do networks differ where raters do?

A single mask can at best be the one that all raters like. A set of masks, one per network, can also reproduce how
raters differ; these two measures reward that.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.grid import check_same_grid, crop_to_foreground
from overread.evaluation.overlap import compute_dice
from overread.records import Result
from overread.study.label_set import LabelSet
from overread.types import Mask

LEVELS = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Shares of agreement at which QUBIQ compares masks, 0.1 to 0.9."""

_ROUNDING = 1e-6


class DistributionAgreement(Result):
    """Networks and raters as sets of masks, over cases.

    Attributes:
        networks: names of the networks' label sets.
        raters: names of the raters' label sets.
        energy_distance: mean over cases of the squared generalised energy distance, in [0, 2]; 0 for equal sets.
        soft_dice: mean over cases of the Dice at all levels of agreement, in [0, 1].
        case_count: cases with the masks of all networks and of all raters; others are left out.
    """

    networks: tuple[str, ...]
    raters: tuple[str, ...]
    energy_distance: float
    soft_dice: float
    case_count: int


def compare_distributions(
    networks: Sequence[LabelSet], raters: Sequence[LabelSet], *, case_ids: Sequence[str]
) -> DistributionAgreement | None:
    """Compare the masks of networks with those of raters, case by case.

    Args:
        networks: held-out masks of one network or more.
        raters: one rater or more.
        case_ids: cases; those without all masks are left out.

    Returns:
        None where no case has all masks.

    Raises:
        InputError: there is no network or no rater, a mask is damaged, or the shapes of a case differ.
    """
    everyone = [*networks, *raters]
    complete = [case_id for case_id in case_ids if all(one.path(case_id).is_file() for one in everyone)]
    if not complete:
        return None
    distances, overlaps = [], []
    for case_id in complete:
        predicted, drawn = ([one.read(case_id) for one in group] for group in (networks, raters))
        distances.append(compute_energy_distance(predicted, drawn))
        overlaps.append(compute_soft_dice(predicted, drawn))
    return DistributionAgreement(
        networks=tuple(one.name for one in networks),
        raters=tuple(one.name for one in raters),
        energy_distance=float(np.mean(distances)),
        soft_dice=float(np.mean(overlaps)),
        case_count=len(complete),
    )


def compute_energy_distance(predictions: Sequence[Mask], references: Sequence[Mask]) -> float:
    """Squared generalised energy distance of two sets of masks, in [0, 2] (Kohl et al. 2018).

        D² = 2 E d(S, Y) - E d(S, S') - E d(Y, Y'),  d = 1 - IoU,  S and S' predictions, Y and Y' references

    (Székely and Rizzo 2013). Means are taken over all pairs, those of a mask with itself included, as there; so D² is
    never negative, and 0 for sets with the same masks in the same shares. Two empty masks have d = 0.

    Args:
        predictions: each (*S), at least one.
        references: each (*S), at least one.

    Raises:
        InputError: a set is empty, the shapes differ, or a mask is not of type bool.
    """
    first, second = _crop(predictions, references)
    between, within, among = (_average_distance(a, b) for a, b in ((first, second), (first, first), (second, second)))
    return max(0.0, 2 * between - within - among)


def compute_soft_dice(
    predictions: Sequence[Mask], references: Sequence[Mask], *, levels: Sequence[float] = LEVELS
) -> float:
    """Mean Dice of the voxels that more than a share of the masks mark, over several shares, in [0, 1] (QUBIQ).

    Li et al. 2024 (QUBIQ challenge, MICCAI 2020 and 2021) average the experts' masks, cut average and prediction at the
    same levels and average the Dice of what lies above. Two empty cuts have Dice 1.0, one empty cut has 0.0.

    Args:
        predictions: each (*S), at least one.
        references: each (*S), at least one.
        levels: shares in [0, 1) that must be exceeded.

    Raises:
        InputError: a set is empty, the shapes differ, a mask is not of type bool, or a level is out of range.
    """
    if not levels or not all(0 <= level < 1 for level in levels):
        raise InputError("levels of agreement must lie in [0, 1)", found=", ".join(map(str, levels)) or "none")
    first, second = (_average(masks) for masks in _crop(predictions, references))
    cuts = [(second > level + _ROUNDING, first > level + _ROUNDING) for level in levels]
    return float(np.mean([compute_dice(reference, prediction) for reference, prediction in cuts]))


def _crop(predictions: Sequence[Mask], references: Sequence[Mask]) -> tuple[list[Mask], list[Mask]]:
    if not predictions or not references:
        found = f"{len(predictions)} and {len(references)}"
        raise InputError("sets of masks need at least one prediction and one reference", found=found)
    check_same_grid([*predictions, *references])
    masks = crop_to_foreground([*predictions, *references])
    return masks[: len(predictions)], masks[len(predictions) :]


def _average(masks: Sequence[Mask]) -> NDArray[np.float64]:
    return np.asarray(np.mean(masks, axis=0, dtype=np.float64))


def _average_distance(first: Sequence[Mask], second: Sequence[Mask]) -> float:
    return float(np.mean([_compute_distance(one, other) for one, other in product(first, second)]))


def _compute_distance(one: Mask, other: Mask) -> float:
    union = np.count_nonzero(one | other)
    return 1 - np.count_nonzero(one & other) / union if union else 0.0
