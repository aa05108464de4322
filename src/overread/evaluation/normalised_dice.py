"""Dice of a network with raters, in units of the agreement of raters: what is left to gain."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_ratio
from overread.evaluation.overlap import compute_dice
from overread.evaluation.results import Interval
from overread.records import Result
from overread.study.label_set import LabelSet

Yardstick: TypeAlias = Literal["between raters", "within a rater"]
"""What the network's Dice is divided by: the Dice of different raters, or that of two readings by the same rater."""


class NormalisedDice(Result):
    """Dice of a network over the Dice of raters, on the same cases.

    Attributes:
        prediction: name of the network's label set.
        references: names of the label sets that it is compared with.
        yardstick: what its Dice is divided by.
        network: mean Dice of the network with the references, in [0, 1].
        raters: mean Dice of the raters with each other, or of both readings, in (0, 1].
        ratio: `network` / `raters`, 0 or more, with a percentile bootstrap interval over subjects, which leaves out the
            luck of training. 1: the network agrees with a rater as well as another rater does.
        case_count: cases with all masks; others are left out.
    """

    prediction: str
    references: tuple[str, ...]
    yardstick: Yardstick
    network: float
    raters: float
    ratio: Interval
    case_count: int


@dataclass(frozen=True)
class _CaseDice:
    subject: str
    network: float
    raters: float


def normalise_dice(
    network: Sequence[float], raters: Sequence[float], subjects: Sequence[str], *, seed: int = 0
) -> Interval | None:
    """Ratio of two means of Dice over the same cases, with its interval.

    It is the ratio of the means, Σ_c network_c / Σ_c raters_c, not the mean of the ratios, which a single case on which
    raters hardly agree would rule.

    Args:
        network: (N,) Dice of the network with the raters, each in [0, 1].
        raters: (N,) Dice of the raters on the same cases, each in [0, 1].
        subjects: (N,) subject of each case; subjects are drawn with replacement for the interval.
        seed: of the bootstrap.

    Returns:
        None where there is no case, or the raters have nothing in common in any.

    Raises:
        InputError: the lengths differ.
    """
    if not len(network) == len(raters) == len(subjects):
        found = f"{len(network)}, {len(raters)} and {len(subjects)}"
        raise InputError("a normalised Dice needs as many values of network, raters and subjects", found=found)
    return bootstrap_ratio(network, raters, subjects, seed=seed) if sum(raters) > 0 else None


def compare_with_raters(
    prediction: LabelSet, raters: Sequence[LabelSet], *, case_ids: Sequence[str], subjects: Sequence[str], seed: int = 0
) -> NormalisedDice | None:
    """Mean Dice of a network with several raters over the mean Dice of all pairs of them.

    With two raters S and T, and the network that was trained on S, its value above that of the pair says how much of
    S's habit it took over.

    Args:
        prediction: held-out masks of the network.
        raters: two or more different readers.
        case_ids: (N,) cases; those without all masks are left out.
        subjects: (N,) subject of each case.
        seed: of the bootstrap.

    Returns:
        None where no case has all masks, or the raters have nothing in common in any.

    Raises:
        InputError: there are fewer than two raters, a mask is damaged, or the shapes of a case differ.
    """
    if len(raters) < 2:
        raise InputError("agreement between raters needs two or more", found=len(raters))
    pairs = list(combinations(raters, 2))
    cases = _measure_cases(prediction, raters, pairs, case_ids=case_ids, subjects=subjects)
    return _summarise(cases, prediction, raters, yardstick="between raters", seed=seed)


def compare_with_rereading(
    prediction: LabelSet,
    first: LabelSet,
    second: LabelSet,
    *,
    case_ids: Sequence[str],
    subjects: Sequence[str],
    seed: int = 0,
) -> NormalisedDice | None:
    """Dice of a network with a rater's first reading over that of the rater's two readings of the same cases.

    Args:
        prediction: held-out masks of the network.
        first: the rater's first reading, which the network is compared with.
        second: the rater's second reading, marked `rereads` in the study.
        case_ids: (N,) cases; those without all three masks are left out.
        subjects: (N,) subject of each case.
        seed: of the bootstrap.

    Returns:
        None where no case has all masks, or the readings have nothing in common in any.

    Raises:
        InputError: a mask is damaged, or the shapes of a case differ.
    """
    cases = _measure_cases(prediction, [first], [(first, second)], case_ids=case_ids, subjects=subjects)
    return _summarise(cases, prediction, [first], yardstick="within a rater", seed=seed)


def _measure_cases(
    prediction: LabelSet,
    references: Sequence[LabelSet],
    pairs: Sequence[tuple[LabelSet, LabelSet]],
    *,
    case_ids: Sequence[str],
    subjects: Sequence[str],
) -> list[_CaseDice]:
    """Dice of the network with the references, and of the pairs, on every case that has all masks."""
    label_sets = list(dict.fromkeys([prediction, *references, *(one for pair in pairs for one in pair)]))
    found = []
    for case_id, subject in zip(case_ids, subjects, strict=True):
        if all(label_set.path(case_id).is_file() for label_set in label_sets):
            masks = {label_set: label_set.read(case_id) for label_set in label_sets}
            network = [compute_dice(masks[prediction], masks[one]) for one in references]
            raters = [compute_dice(masks[one], masks[other]) for one, other in pairs]
            found.append(_CaseDice(subject, float(np.mean(network)), float(np.mean(raters))))
    return found


def _summarise(
    cases: Sequence[_CaseDice], prediction: LabelSet, references: Sequence[LabelSet], *, yardstick: Yardstick, seed: int
) -> NormalisedDice | None:
    network, raters = [case.network for case in cases], [case.raters for case in cases]
    ratio = normalise_dice(network, raters, [case.subject for case in cases], seed=seed)
    if ratio is None:
        return None
    return NormalisedDice(
        prediction=prediction.name,
        references=tuple(reference.name for reference in references),
        yardstick=yardstick,
        network=float(np.mean(network)),
        raters=float(np.mean(raters)),
        ratio=ratio,
        case_count=len(cases),
    )
