"""Agreement of two masks lesion by lesion: detection, segmentation quality and panoptic quality.

A lesion is a connected component of a mask. Two lesions overlap by their intersection over union,
IoU(a, b) = |a ∩ b| / |a ∪ b|. Two rules say what belongs together:

- Detection: a lesion of one mask is *found* in the other where some lesion there overlaps it by an IoU above `overlap`;
  with the default of 0, a single common voxel is enough. Several lesions of one mask may find the same lesion of the
  other, as in the lesion-wise rates of the MS challenge of ISBI 2015 (Carass et al. 2017).
- Panoptic quality: lesions are *matched* where IoU > 0.5. Of all lesions of the other mask at most one does that, so
the
  matching is one to one and needs no search (Kirillov et al. 2019, section 4.1).

| | both masks empty | reference empty | prediction empty |
|---|---|---|---|
| precision | 1.0 | 0.0 | undefined |
| recall | 1.0 | undefined | 0.0 |
| F1, recognition and panoptic quality | 1.0 | 0.0 | 0.0 |
| segmentation quality | undefined | undefined | undefined |
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label

from overread.errors import InputError
from overread.evaluation.grid import check_same_grid, crop_to_foreground
from overread.records import Result
from overread.types import Mask

_MATCH_IOU = 0.5


class LesionCounts(Result):
    """Lesions of a reference and of a prediction, in one case or added up over several.

    Attributes:
        reference_count: lesions of the reference.
        prediction_count: lesions of the prediction.
        found_count: lesions of the reference that are found in the prediction.
        confirmed_count: lesions of the prediction that are found in the reference.
        matched_count: pairs of lesions with IoU > 0.5, TP of the panoptic quality.
        matched_iou_sum: sum of the IoU over these pairs.
    """

    reference_count: int
    prediction_count: int
    found_count: int
    confirmed_count: int
    matched_count: int
    matched_iou_sum: float

    @property
    def recall(self) -> float | None:
        """Share of the reference's lesions that are found, in [0, 1]; None where there is none to find."""
        return _divide(self.found_count, self.reference_count, empty=self.prediction_count == 0)

    @property
    def precision(self) -> float | None:
        """Share of the prediction's lesions that are confirmed, in [0, 1]; None where it has none."""
        return _divide(self.confirmed_count, self.prediction_count, empty=self.reference_count == 0)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]; 0 where only one of the two has lesions."""
        if not self.reference_count or not self.prediction_count:
            return float(self.reference_count == self.prediction_count)
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    @property
    def segmentation_quality(self) -> float | None:
        """SQ: mean IoU of the matched lesions, in (0.5, 1]; None where none is matched."""
        return self.matched_iou_sum / self.matched_count if self.matched_count else None

    @property
    def recognition_quality(self) -> float:
        """RQ = TP / (TP + FP/2 + FN/2) of the matched lesions, in [0, 1]."""
        total = self.reference_count + self.prediction_count
        return 2 * self.matched_count / total if total else 1.0

    @property
    def panoptic_quality(self) -> float:
        """PQ = SQ · RQ, in [0, 1] (Kirillov et al. 2019, equation 2)."""
        total = self.reference_count + self.prediction_count
        return 2 * self.matched_iou_sum / total if total else 1.0


class SizeStratum(Result):
    """Detection of the lesions of a certain size; each lesion counts where its own size puts it, not its partner's.

    Attributes:
        low: smallest size of the stratum, in the unit of `voxel_size`.
        high: size from which the next stratum begins; infinite for the last.
        reference_count: lesions of the reference in the stratum.
        found_count: those of them that are found in the prediction.
        prediction_count: lesions of the prediction in the stratum.
        confirmed_count: those of them that are found in the reference.
    """

    low: float
    high: float
    reference_count: int
    found_count: int
    prediction_count: int
    confirmed_count: int

    @property
    def recall(self) -> float | None:
        """Share of the reference's lesions of this size that are found; None where there is none."""
        return self.found_count / self.reference_count if self.reference_count else None

    @property
    def precision(self) -> float | None:
        """Share of the prediction's lesions of this size that are confirmed; None where there is none."""
        return self.confirmed_count / self.prediction_count if self.prediction_count else None


@dataclass(frozen=True, eq=False)
class LesionMatching:
    """The lesions of two masks and what they have in common.

    Attributes:
        reference_sizes: (N,) voxels of each lesion of the reference.
        prediction_sizes: (M,) voxels of each lesion of the prediction.
        found: (N,) whether each lesion of the reference is found in the prediction.
        confirmed: (M,) whether each lesion of the prediction is found in the reference.
        matched_ious: (K,) IoU of each pair with IoU > 0.5.
    """

    reference_sizes: NDArray[np.intp]
    prediction_sizes: NDArray[np.intp]
    found: NDArray[np.bool_]
    confirmed: NDArray[np.bool_]
    matched_ious: NDArray[np.float64]

    def count(self) -> LesionCounts:
        """The lesions of the case in numbers."""
        return LesionCounts(
            reference_count=self.reference_sizes.size,
            prediction_count=self.prediction_sizes.size,
            found_count=int(np.count_nonzero(self.found)),
            confirmed_count=int(np.count_nonzero(self.confirmed)),
            matched_count=self.matched_ious.size,
            matched_iou_sum=float(self.matched_ious.sum()),
        )

    def count_by_size(self, edges: Sequence[float], *, voxel_size: float = 1.0) -> tuple[SizeStratum, ...]:
        """Divide the lesions by size.

        Args:
            edges: sizes at which a stratum ends and the next begins, ascending and positive; K edges make K + 1 strata.
            voxel_size: volume or area of a voxel, for example in ml; edges are in its unit.

        Raises:
            InputError: the edges do not ascend, or an edge or the voxel size is not positive.
        """
        borders = [0.0, *edges, float("inf")]
        if voxel_size <= 0 or any(not low < high for low, high in pairwise(borders)):
            found = f"{', '.join(map(str, edges))} and {voxel_size}"
            raise InputError("edges of sizes must be positive and ascend, and a voxel size be positive", found=found)
        theirs, ours = self.reference_sizes * voxel_size, self.prediction_sizes * voxel_size
        strata = []
        for low, high in pairwise(borders):
            reference, prediction = (low <= theirs) & (theirs < high), (low <= ours) & (ours < high)
            strata.append(
                SizeStratum(
                    low=low,
                    high=high,
                    reference_count=int(np.count_nonzero(reference)),
                    found_count=int(np.count_nonzero(reference & self.found)),
                    prediction_count=int(np.count_nonzero(prediction)),
                    confirmed_count=int(np.count_nonzero(prediction & self.confirmed)),
                )
            )
        return tuple(strata)


def match_lesions(
    reference: Mask, prediction: Mask, *, overlap: float = 0.0, connectivity: int | None = None
) -> LesionMatching:
    """Find the lesions of two masks of one case and match them.

    Args:
        reference: (*S).
        prediction: (*S), on the same grid.
        overlap: IoU above which a lesion is found, in [0, 1).
        connectivity: in how many axes at most two neighbouring voxels of a lesion may differ: 1 for faces only, as many
            as there are axes for corners too (26 neighbours in 3D, 8 in 2D), which is the default.

    Raises:
        InputError: the shapes differ, a mask is not of type bool, or overlap or connectivity is out of range.
    """
    check_same_grid([reference, prediction])
    axes = reference.ndim
    reach = axes if connectivity is None else connectivity
    if not 0 <= overlap < 1 or not 1 <= reach <= axes:
        rule = f"the overlap must lie in [0, 1) and the connectivity in 1 to {axes}"
        raise InputError(rule, found=f"{overlap} and {reach}")
    theirs, ours = (_label(mask, reach) for mask in crop_to_foreground([reference, prediction]))
    sizes, predicted = (np.bincount(labels.ravel(), minlength=1)[1:] for labels in (theirs, ours))
    first, second, common = _count_common(theirs, ours, predicted.size)
    ious = common / (sizes[first] + predicted[second] - common)
    found, confirmed = np.zeros(sizes.size, np.bool_), np.zeros(predicted.size, np.bool_)
    found[first[ious > overlap]] = True
    confirmed[second[ious > overlap]] = True
    return LesionMatching(sizes, predicted, found, confirmed, ious[ious > _MATCH_IOU])


def pool_lesions(counts: Iterable[LesionCounts]) -> LesionCounts:
    """Add up the lesions of several cases, so that each lesion counts the same whichever case it lies in."""
    rows = list(counts)
    return LesionCounts(
        reference_count=sum(row.reference_count for row in rows),
        prediction_count=sum(row.prediction_count for row in rows),
        found_count=sum(row.found_count for row in rows),
        confirmed_count=sum(row.confirmed_count for row in rows),
        matched_count=sum(row.matched_count for row in rows),
        matched_iou_sum=float(sum(row.matched_iou_sum for row in rows)),
    )


def _label(mask: Mask, connectivity: int) -> NDArray[np.int32]:
    """Number of the lesion that each voxel belongs to, from 1; 0 outside."""
    if not mask.size:
        return np.zeros(mask.shape, np.int32)
    numbered, _ = label(mask, generate_binary_structure(mask.ndim, connectivity))
    return np.asarray(numbered, np.int32)


def _count_common(
    theirs: NDArray[np.int32], ours: NDArray[np.int32], our_count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of lesions with common voxels, by their place in the lists of sizes, and how many these are; each (P,)."""
    both = (theirs > 0) & (ours > 0)
    keys = (theirs[both].astype(np.int64) - 1) * our_count + (ours[both] - 1)
    pairs, common = np.unique(keys, return_counts=True)
    first, second = np.divmod(pairs, max(our_count, 1))
    return first.astype(np.intp), second.astype(np.intp), common


def _divide(part: int, whole: int, *, empty: bool) -> float | None:
    """Share of the whole; of nothing, 1 where the other mask is empty too, else undefined."""
    if not whole:
        return 1.0 if empty else None
    return part / whole
