"""Whether an uncertainty map knows where, and in which cases, a network is wrong.

Two questions, as in ValUES (Kahl et al. 2024): within a case, are wrong voxels more uncertain than right ones (error
detection, AUROC)? And over cases, does leaving out the most uncertain ones lower the error (failure detection, AURC)?
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.grid import check_same_grid
from overread.evaluation.overlap import compute_dice
from overread.evaluation.roc import compute_auc
from overread.records import Result
from overread.types import Mask


@dataclass(frozen=True, eq=False)
class UncertainCase:
    """One case with its uncertainty maps.

    Attributes:
        prediction: (*S) mask of the network.
        reference: (*S) mask that it is held against.
        maps: (*S) each, by name, for example aleatoric and epistemic; larger is less certain.
    """

    prediction: Mask
    reference: Mask
    maps: Mapping[str, NDArray[np.floating]]


class UncertaintyValidation(Result):
    """What one uncertainty map is worth.

    Attributes:
        map: its name.
        error_auroc: share of pairs of a wrong and a right voxel of a case in which the wrong one is more uncertain,
            ties counting half, in [0, 1], 0.5 for a map that knows nothing; mean over `error_case_count` cases, None
            for none.
        error_case_count: cases with wrong and right voxels.
        aurc: area under the risk-coverage curve of cases, in [0, 1], lower is better; see `compute_aurc`.
        excess_aurc: `aurc` less that of the best order, 0 or more: 0 where uncertainty orders cases as their Dice does.
        chance_aurc: what a map that knows nothing is expected to have, the mean risk.
        case_count: cases.
    """

    map: str
    error_auroc: float | None
    error_case_count: int
    aurc: float
    excess_aurc: float
    chance_aurc: float
    case_count: int


def validate_uncertainty(cases: Iterable[UncertainCase]) -> tuple[UncertaintyValidation, ...]:
    """Hold every uncertainty map of a network's predictions against its errors.

    The risk of a case is 1 - Dice; its uncertainty is the mean of the map over its voxels, the image level of ValUES.
    Voxels far from the structure are right and certain and lift the AUROC of any map, so it compares maps on the same
    cases and says little by itself.

    Args:
        cases: one is held at a time; all with maps of the same names.

    Returns:
        One row per map, in the order of the first case's.

    Raises:
        InputError: there is no case, shapes differ, or a case lacks a map of another.
    """
    risks: list[float] = []
    scores: dict[str, list[float]] = {}
    areas: dict[str, list[float]] = {}
    for case in cases:
        _check(case, expected=scores)
        wrong = (case.prediction ^ case.reference).ravel()
        has_both = bool(wrong.any()) and not bool(wrong.all())
        risks.append(1 - compute_dice(case.reference, case.prediction))
        for name, values in case.maps.items():
            scores.setdefault(name, []).append(float(np.mean(values, dtype=np.float64)))
            areas.setdefault(name, []).extend(
                [compute_auc(values.ravel().astype(np.float64), wrong)] if has_both else []
            )
    if not risks:
        raise InputError("uncertainty is validated on at least one case", found="none")
    return tuple(_summarise(name, areas[name], risks, scores[name]) for name in scores)


def compute_aurc(risks: Sequence[float], uncertainties: Sequence[float]) -> float:
    """Area under the risk-coverage curve (Geifman and El-Yaniv 2017; Geifman et al. 2019).

    Of n cases, ordered from certain to uncertain, r_k is the mean risk of the first k; the area is (1/n) Σ_k r_k. Cases
    of equal uncertainty stand in random order, whose mean is taken, so that the order given changes nothing. The
    program of ValUES sums trapezoids from coverage 1/n to 1, which leaves out (r_1 + r_n) / 2n.

    Args:
        risks: (N,) error of each case, for example 1 - Dice.
        uncertainties: (N,) of the same cases, larger is less certain.

    Raises:
        InputError: the lengths differ, there is no case, or a value is not finite.
    """
    risk, doubt = np.asarray(risks, np.float64), np.asarray(uncertainties, np.float64)
    if risk.size != doubt.size or not risk.size or not np.isfinite([risk, doubt]).all():
        found = f"{risk.size} and {doubt.size}"
        raise InputError("a risk-coverage curve needs as many finite risks as uncertainties", found=found)
    _, groups, sizes = np.unique(doubt, return_inverse=True, return_counts=True)
    expected = (np.bincount(groups, weights=risk) / sizes)[np.repeat(np.arange(sizes.size), sizes)]
    return float(np.mean(np.cumsum(expected) / np.arange(1, risk.size + 1)))


def _summarise(
    name: str, areas: Sequence[float], risks: Sequence[float], scores: Sequence[float]
) -> UncertaintyValidation:
    aurc = compute_aurc(risks, scores)
    return UncertaintyValidation(
        map=name,
        error_auroc=float(np.mean(areas)) if areas else None,
        error_case_count=len(areas),
        aurc=aurc,
        excess_aurc=max(0.0, aurc - compute_aurc(risks, risks)),
        chance_aurc=float(np.mean(risks)),
        case_count=len(risks),
    )


def _check(case: UncertainCase, *, expected: Mapping[str, object]) -> None:
    check_same_grid([case.reference, case.prediction])
    if expected and set(expected) != set(case.maps):
        rule = f"every case must have the maps {', '.join(expected)}"
        raise InputError(rule, found=", ".join(case.maps))
    for name, values in case.maps.items():
        if values.shape != case.reference.shape:
            found = f"{values.shape} and {case.reference.shape}"
            raise InputError("an uncertainty map must have the shape of its mask", found=found, where=f"map {name!r}")
