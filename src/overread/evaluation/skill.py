"""Whether networks learnt enough that a difference between them can say anything.

A mask that ignores the image can agree with a label by chance: everything marked, or the mask of another case. Skill
sets the agreement of a network with its own source between that guess and the agreement of the sources with each other.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from overread.errors import InputError
from overread.evaluation.overlap import compute_dice
from overread.records import Result
from overread.study.label_set import LabelSet
from overread.types import Mask

LIMIT = 0.5
LIMIT_OF_ONE_SOURCE = 0.25
"""Skill below which nothing is concluded; a judgement from two studies, one that had learnt and one that had not."""

_MOST_OTHERS = 5
_ROUNDING = 1e-12


class Skill(Result):
    """How far a network got from guessing towards the agreement of the sources.

    Attributes:
        own: mean Dice of its held-out masks with its own source, in [0, 1].
        guess: mean Dice of the best mask that ignores the image, in [0, 1].
        raters: mean Dice of the sources with each other; None where there is one, or where they agree no better than a
            guess, so that perfect agreement stands in their place.
    """

    own: float
    guess: float
    raters: float | None = None

    @property
    def value(self) -> float:
        """0 for a guess, 1 for the agreement of the sources (of one source: for perfect agreement)."""
        reach = (1.0 if self.raters is None else self.raters) - self.guess
        return (self.own - self.guess) / reach if reach > _ROUNDING else float(self.own > self.guess)

    @property
    def limit(self) -> float:
        """The value below which the network has learnt too little."""
        return LIMIT_OF_ONE_SOURCE if self.raters is None else LIMIT

    @property
    def has_learnt(self) -> bool:
        """Whether the network learnt enough; not-a-number did not."""
        return self.value >= self.limit


def measure_skill(
    labels: LabelSet,
    predictions: LabelSet,
    *,
    case_ids: Sequence[str],
    subject_of: Mapping[str, str],
    raters: float | None = None,
) -> Skill:
    """Measure the skill of the networks that were trained on a source.

    Args:
        labels: masks of the source.
        predictions: held-out masks of its networks.
        case_ids: held-out cases; those without both masks are left out.
        subject_of: subject of each case.
        raters: mean Dice of the sources with each other on such cases; None for a single source.

    Raises:
        InputError: no case has both masks.
    """
    cases = predictions.select_labelled(labels.select_labelled(case_ids))
    if not cases:
        raise InputError("a skill needs cases with a label and a held-out mask", found=0)
    own, everything, others = [], [], []
    for case_id in cases:
        label = labels.read(case_id)
        own.append(compute_dice(label, predictions.read(case_id)))
        everything.append(compute_dice(label, np.ones_like(label)))
        others += _compare_with_others(label, case_id, cases, predictions.read, subject_of)
    guess = max(float(np.mean(everything)), float(np.mean(others)) if others else 0.0)
    is_known = raters is not None and raters > guess
    return Skill(own=float(np.mean(own)), guess=guess, raters=raters if is_known else None)


def average_skills(skills: Sequence[Skill]) -> Skill:
    """Mean of the skills of several repeats of the same networks, at least one."""
    raters = [skill.raters for skill in skills if skill.raters is not None]
    return Skill(
        own=float(np.mean([skill.own for skill in skills])),
        guess=float(np.mean([skill.guess for skill in skills])),
        raters=float(np.mean(raters)) if len(raters) == len(skills) else None,
    )


def _compare_with_others(
    label: Mask, case_id: str, cases: Sequence[str], read: Callable[[str], Mask], subject_of: Mapping[str, str]
) -> list[float]:
    """Mean Dice with masks of a few cases of other subjects, spread over the list; empty where there is none."""
    foreign = [other for other in cases if subject_of[other] != subject_of[case_id]]
    if not foreign:
        return []
    places = np.unique(np.linspace(0, len(foreign) - 1, _MOST_OTHERS).astype(int))
    return [float(np.mean([compute_dice(label, _fit(read(foreign[place]), label.shape)) for place in places]))]


def _fit(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Stretch a mask to another shape by its nearest voxels."""
    for axis, size in enumerate(shape):
        if mask.shape[axis] != size:
            places = ((np.arange(size) + 0.5) * mask.shape[axis] / size).astype(int)
            mask = np.take(mask, places, axis=axis)
    return mask
