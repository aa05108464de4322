"""The masks that a source classifier learns from and is tested on, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.surfaces import extract_surface
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.study.working_cases import WorkingCase, normalise


@dataclass(frozen=True, eq=False)
class DrawnMask:
    """A mask, and who drew it.

    Attributes:
        case: image (C, *S), normalised, and mask (*S) on the grid of the study: another grid would blur the outline.
        source: who drew the mask, as an index.
        label: who the classifier is told to have drawn it; another source in the shuffled baseline.
        name: of the label set that the mask is from.
    """

    case: WorkingCase
    source: int
    label: int
    name: str

    @cached_property
    def outline(self) -> NDArray[np.intp]:
        """Flat indices of the foreground voxels with a background face-neighbour; there is none in an empty mask."""
        return extract_surface(self.case.mask, spacing=(1.0,) * self.case.mask.ndim).flat_indices

    @cached_property
    def outline_voxels(self) -> NDArray[np.intp]:
        """(N, D) the same voxels, by their index along each axis."""
        return np.stack(np.unravel_index(self.outline, self.case.mask.shape), axis=-1)


def read_drawn_masks(
    study: Study, label_sets: Mapping[str, LabelSet], case_ids: Sequence[str], *, sources: Sequence[str]
) -> tuple[DrawnMask, ...]:
    """Read the masks of several cases, each with its source.

    Cases that a label set lacks are left out for it, and so are empty masks: without an outline there is no drawing
    to recognise.

    Args:
        study: where images are read.
        label_sets: by source, the masks that count as that source's.
        case_ids: the cases.
        sources: all sources; a source's index is its place here.
    """
    labelled = {source: set(labels.select_labelled(case_ids)) for source, labels in label_sets.items()}
    drawn = []
    for case_id in case_ids:
        drawn_by = [source for source in sources if case_id in labelled.get(source, ())]
        if not drawn_by:
            continue
        image = normalise(study.read_image(case_id), study.settings.intensity)
        for source in drawn_by:
            labels, index = label_sets[source], sources.index(source)
            drawn.append(DrawnMask(WorkingCase(case_id, image, labels.read(case_id)), index, index, labels.name))
    return tuple(mask for mask in drawn if mask.outline.size)


def sample_shifts(case_ids: Sequence[str], source_count: int, generator: np.random.Generator) -> dict[str, int]:
    """Draw a cyclic permutation of the sources per case, as the number of places that each source moves.

    All permutations are given to equally many cases, or to one more: a majority would make the baseline right, or
    wrong, more often than chance.
    """
    shifts = np.resize(generator.permutation(source_count), len(case_ids))
    order = generator.permutation(len(case_ids))
    return {case_ids[place]: int(shift) for place, shift in zip(order, shifts, strict=True)}


def apply_shifts(masks: Sequence[DrawnMask], shifts: Mapping[str, int], *, source_count: int) -> tuple[DrawnMask, ...]:
    """Label each mask with the source that its case's permutation puts in its own source's place."""
    return tuple(replace(mask, label=(mask.source + shifts[mask.case.case_id]) % source_count) for mask in masks)
