"""Grow labels to where outlines lie on the strongest edges of the images; no clean label is looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.edge_profile import build_offsets, measure_edge_profile, measure_gradient
from overread.labels.outline_direction import OutlineDirection, judge_outlines
from overread.labels.relabel_rules.change import LeaveAlone, RuleCase
from overread.labels.relabel_rules.growth_grid import crop_case, list_candidates, pick_best, score_candidates
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.types import Image, Mask, Spacing

_REACH = 5
"""Steps to each side by which outlines are moved to see on which side of an edge they lie."""
_REMARKS = {
    "leave alone": "left alone: the images do not say that outlines should be moved",
    "shrink": "left alone: outlines seem to be drawn outside of the edges, but errors to both sides look like this; "
    "name five clean cases to find out",
    "no edges": "left alone: the images have no clear edges along the outlines",
}


@dataclass(frozen=True)
class EdgeRule:
    """The change after which outlines lie on the steepest parts of the images.

    It acts only where the images say that outlines are drawn inside of their edges, see `judge_outlines`.
    """

    def settle(self, evidence: Evidence, guards: RelabelGuards) -> SettledRule:
        """See `RelabelRule`."""
        direction = judge_evidence(evidence)
        if direction.verdict != "grow":
            remark = _REMARKS[direction.verdict]
            return SettledRule(rule="edge", change=LeaveAlone(), verdict=direction.verdict, remark=remark)
        candidates = list_candidates([evidence.read(case_id).spacing for case_id in evidence.case_ids])
        grid = score_candidates(candidates, _iterate(evidence), guards)
        best = pick_best(grid)
        return SettledRule(rule="edge", change=best, grid=grid, verdict="grow")


def judge_evidence(evidence: Evidence) -> OutlineDirection:
    """On which side of the edges the labels are drawn.

    Raises:
        InputError: no label has foreground.
    """
    drawn = {case_id: case for case_id in evidence.case_ids if (case := evidence.read(case_id)).mask.any()}
    if not drawn:
        raise InputError("to look for edges needs a mask with foreground", found="none")
    offsets = build_offsets([case.spacing for case in drawn.values()], _REACH)
    profiles = [
        measure_edge_profile(evidence.read_image(case_id), case.mask, offsets, spacing=case.spacing)
        for case_id, case in drawn.items()
    ]
    return judge_outlines(profiles, [evidence.subject_of[case_id] for case_id in drawn], offsets)


def _iterate(evidence: Evidence) -> Iterator[tuple[RuleCase, int, Callable[[Mask], float]]]:
    for case_id in evidence.case_ids:
        case = evidence.read(case_id)
        if not case.mask.any():
            continue
        part, box = crop_case(case)
        gradient = measure_case_gradient(evidence.read_image(case_id), case.spacing)[box]
        yield part, case.mask.size, partial(measure_steepness, gradient=gradient)


def measure_case_gradient(image: Image, spacing: Spacing) -> NDArray[np.float64]:
    """Magnitude of the in-plane gradient, (*S), slice by slice; each channel is divided by its standard deviation.

    Args:
        image: (C, *S).
        spacing: voxel size along each axis.
    """
    deviation = image.std(axis=tuple(range(1, image.ndim)), keepdims=True)
    scaled = image / np.maximum(deviation, np.finfo(np.float32).tiny)
    if image.ndim == 3:
        return measure_gradient(scaled, spacing)
    return np.stack([measure_gradient(scaled[..., z], spacing) for z in range(image.shape[-1])], axis=-1)


def measure_steepness(mask: Mask, gradient: NDArray[np.float64]) -> float:
    """Mean gradient over the outline of a mask, see `find_outline`; 0 without one, which lies on no edge.

    Args:
        mask: (*S).
        gradient: (*S).
    """
    outline = find_outline(mask)
    return float(gradient[outline].mean()) if outline.any() else 0.0


def find_outline(mask: Mask) -> Mask:
    """The outermost voxels of a mask, (*S): those that share an in-plane face with background."""
    outline = np.zeros_like(mask)
    for axis in (0, 1):
        ahead, behind = ((slice(None),) * axis + (part,) for part in (slice(1, None), slice(None, -1)))
        outline[ahead] |= mask[ahead] & ~mask[behind]
        outline[behind] |= mask[behind] & ~mask[ahead]
    return outline
