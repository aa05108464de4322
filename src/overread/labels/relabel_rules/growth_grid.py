"""The grid of changes that the rules `edge` and `clean` choose from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from overread.labels.relabel_rules.change import Growth, LeaveAlone, RuleCase, measure_outline_distance
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import ScoredChange
from overread.types import Mask, Spacing

REACHES = (1, 2, 3, 5, 8, None)
"""In in-plane voxels."""
LEVELS = (0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def list_candidates(spacings: Sequence[Spacing]) -> tuple[LeaveAlone | Growth, ...]:
    """Leave alone first, then every way to grow or to move outlines.

    Args:
        spacings: voxel size of each case along each axis; a reach is a multiple of the coarsest in-plane voxel, so that
            it means one length for all cases.
    """
    voxel = max(max(spacing[:2]) for spacing in spacings)
    reaches = [None if steps is None else steps * voxel for steps in REACHES]
    ways = product(("grow", "both"), reaches, LEVELS)
    return (LeaveAlone(), *(Growth(how=how, reach=reach, level=level) for how, reach, level in ways))


def score_candidates(
    candidates: Sequence[LeaveAlone | Growth],
    cases: Iterator[tuple[RuleCase, int, Callable[[Mask], float]]],
    guards: RelabelGuards,
) -> tuple[ScoredChange, ...]:
    """Score what each candidate would make of all cases, mean over cases; a refused mask counts as it was.

    Args:
        candidates: see `list_candidates`.
        cases: each, or the part of it that can change, with the voxels of its whole image and what scores a mask.
        guards: which masks are refused.
    """
    scores = []
    for case, size, score in cases:
        distance = measure_outline_distance(case.mask, case.spacing)
        before = score(case.mask)
        row = []
        for candidate in candidates:
            if isinstance(candidate, LeaveAlone):
                row.append(before)
                continue
            proposal = candidate.propose_at(case, distance)
            row.append(before if guards.refuse(case.mask, proposal, image_size=size) else score(proposal))
        scores.append(row)
    means = np.mean(scores, axis=0)
    return tuple(ScoredChange(change=change, score=float(mean)) for change, mean in zip(candidates, means, strict=True))


def pick_best(grid: Sequence[ScoredChange]) -> LeaveAlone | Growth:
    """The change with the highest score, the first of equal ones: labels are left alone where that is as good."""
    best = max(grid, key=lambda scored: scored.score).change
    assert best.kind != "flip", "the grid holds no such change"
    return best


def crop_case(case: RuleCase) -> tuple[RuleCase, tuple[slice, ...]]:
    """The part of a case that any candidate can change, with a margin of background; holes stay holes in it.

    Returns:
        The part, and where it lies.
    """
    touched = case.mask | (case.need_probability() > min(LEVELS))
    box = (
        tuple(
            slice(max(int(places.min()) - 1, 0), int(places.max()) + 2) for places in np.nonzero(touched) if len(places)
        )
        or (slice(None),) * case.mask.ndim
    )
    probability = case.need_probability()[box]
    return replace(case, mask=case.mask[box], uncertainty=case.uncertainty[box], probability=probability), box
