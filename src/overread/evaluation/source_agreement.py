"""Agreement of the sources of a study with each other: masks, lesions and loads, before any network is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.distribution_agreement import DistributionAgreement, compare_distributions
from overread.evaluation.grid import check_same_grid, crop_to_foreground
from overread.evaluation.icc import LoadCorrelation, correlate_loads
from overread.evaluation.krippendorff import AlphaOfMasks, Coincidences, count_coincidences, measure_alpha
from overread.evaluation.lesions import LesionCounts, match_lesions, pool_lesions
from overread.evaluation.normalised_dice import (
    NormalisedDice,
    Yardstick,
    compare_with_raters,
    compare_with_rereading,
)
from overread.evaluation.overlap import compute_dice
from overread.records import Result
from overread.study.schema import LoadUnit
from overread.study.study import Study, compute_load
from overread.types import Mask

PAIR_COLUMNS = ("first", "second", "compared", "dice", "dice_std", "lesion_f1", "panoptic_quality", "case_count")
"""Columns of the table of pairs: lesion-wise figures are those of the lesions of all cases together."""

CASE_COLUMNS = (
    "first",
    "second",
    "case_id",
    "subject_id",
    "dice",
    "lesion_f1",
    "panoptic_quality",
    "first_lesions",
    "second_lesions",
    "first_load",
    "second_load",
)
"""Columns of the table of cases, one row per pair of sources and case that both have labelled."""


class SourcePair(Result):
    """Two sources on the cases that both have labelled. Every figure is symmetric in the two.

    Attributes:
        first: name of a source.
        second: name of another.
        compared: whether the two are different raters or two readings by the same one.
        dice: mean over cases, in [0, 1]; None where there is no case.
        dice_std: sample standard deviation (N - 1) over cases, None for fewer than two.
        lesions: of all cases together, `first` standing as the reference; None where there is no case.
        case_count: cases.
    """

    first: str
    second: str
    compared: Yardstick
    dice: float | None
    dice_std: float | None
    lesions: LesionCounts | None
    case_count: int


class SourceAgreement(Result):
    """Agreement of the sources of a study.

    Raters are the sources that are neither predictions of networks nor second readings.

    Attributes:
        sources: names, in the order asked for.
        raters: those of them that count as raters.
        load_unit: unit of the loads in the table of cases.
        pairs: of all sources.
        loads: ICC(2,1) of the raters' loads; None for fewer than two raters.
        alpha: Krippendorff's alpha of the raters' masks; None for fewer than two raters.
        networks: each source of kind model against the raters, in units of their agreement, and against each rater who
            has read twice, in units of both readings.
        distributions: the sources of kind model against the raters as sets of masks; None where there are no networks
            or fewer than two raters, or no case with all masks.
    """

    sources: tuple[str, ...]
    raters: tuple[str, ...]
    load_unit: LoadUnit
    pairs: tuple[SourcePair, ...]
    loads: LoadCorrelation | None
    alpha: AlphaOfMasks | None
    networks: tuple[NormalisedDice, ...]
    distributions: DistributionAgreement | None


@dataclass(frozen=True)
class _PairCase:
    pair: tuple[str, str]
    case_id: str
    dice: float
    lesions: LesionCounts


@dataclass(frozen=True)
class _CaseFindings:
    loads: Mapping[str, float]
    coincidences: Coincidences | None
    pairs: tuple[_PairCase, ...]


def measure_source_agreement(
    study: Study, sources: Sequence[str], *, overlap: float = 0.0, seed: int = 0
) -> tuple[SourceAgreement, pd.DataFrame]:
    """Compare the sources of a study with each other; each mask is read once, and those of networks' cases twice.

    Args:
        study: the study.
        sources: names of two or more of its sources.
        overlap: IoU above which a lesion is found, in [0, 1); 0 for any common voxel.
        seed: of the bootstrap over subjects.

    Returns:
        The agreement, and one row per pair and case with CASE_COLUMNS.

    Raises:
        InputError: there are fewer than two sources, one is unknown, a mask is damaged, or masks of a case differ in
            shape.
    """
    if len(sources) < 2:
        raise InputError("agreement needs two sources or more", found=", ".join(sources) or "none")
    names = study.select_sources(sources)
    raters = _select_raters(study, names)
    found = {case_id: _inspect_case(study, names, raters, case_id, overlap) for case_id in study.case_ids}
    subjects = [study.subject_of[case_id] for case_id in study.case_ids]
    several = len(raters) > 1
    loads = [[case.loads.get(name, float("nan")) for name in raters] for case in found.values()]
    agreement = SourceAgreement(
        sources=names,
        raters=raters,
        load_unit=study.settings.load_unit,
        pairs=tuple(_summarise_pair(study, pair, found) for pair in combinations(names, 2)),
        loads=correlate_loads(loads) if several else None,
        alpha=measure_alpha([case.coincidences for case in found.values()], subjects, seed=seed) if several else None,
        networks=_compare_networks(study, names, raters, seed),
        distributions=_compare_sets(study, names, raters),
    )
    return agreement, _tabulate_cases(study, agreement, found)


def tabulate_pairs(agreement: SourceAgreement) -> pd.DataFrame:
    """One row per pair of sources, with PAIR_COLUMNS; NaN where both have labelled no case."""
    rows = [
        (
            pair.first,
            pair.second,
            pair.compared,
            pair.dice,
            pair.dice_std,
            None if pair.lesions is None else pair.lesions.f1,
            None if pair.lesions is None else pair.lesions.panoptic_quality,
            pair.case_count,
        )
        for pair in agreement.pairs
    ]
    numbers = dict.fromkeys(PAIR_COLUMNS[3:-1], "float64")
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS)).astype(numbers)


def _select_raters(study: Study, names: Sequence[str]) -> tuple[str, ...]:
    settings = study.settings
    return tuple(name for name in names if settings.sources[name].kind != "model" and name not in settings.rereads)


def _inspect_case(
    study: Study, names: Sequence[str], raters: Sequence[str], case_id: str, overlap: float
) -> _CaseFindings:
    labelled = [name for name in names if study.labels(name).path(case_id).is_file()]
    if not labelled:
        return _CaseFindings({}, None, ())
    masks = [study.labels(name).read(case_id) for name in labelled]
    check_same_grid(masks, where=f"case {case_id!r}, sources {', '.join(labelled)}")
    whole = dict(zip(labelled, masks, strict=True))
    cropped = dict(zip(labelled, crop_to_foreground(masks), strict=True))
    spacing = study.read_spacing(case_id)
    judged = [whole[name] for name in raters if name in whole]
    return _CaseFindings(
        loads={name: compute_load(mask, spacing) for name, mask in cropped.items()},
        coincidences=count_coincidences(judged) if len(judged) > 1 else None,
        pairs=tuple(_compare_pair(pair, case_id, cropped, overlap) for pair in combinations(labelled, 2)),
    )


def _compare_pair(pair: tuple[str, str], case_id: str, masks: Mapping[str, Mask], overlap: float) -> _PairCase:
    first, second = (masks[name] for name in pair)
    lesions = match_lesions(first, second, overlap=overlap).count()
    return _PairCase(pair, case_id, compute_dice(first, second), lesions)


def _summarise_pair(study: Study, pair: tuple[str, str], found: Mapping[str, _CaseFindings]) -> SourcePair:
    cases = [one for case in found.values() for one in case.pairs if one.pair == pair]
    dice = [case.dice for case in cases]
    readers = {study.settings.rereads.get(name, name) for name in pair}
    return SourcePair(
        first=pair[0],
        second=pair[1],
        compared="within a rater" if len(readers) == 1 else "between raters",
        dice=float(np.mean(dice)) if dice else None,
        dice_std=float(np.std(dice, ddof=1)) if len(dice) > 1 else None,
        lesions=pool_lesions(case.lesions for case in cases) if cases else None,
        case_count=len(cases),
    )


def _compare_networks(
    study: Study, names: Sequence[str], raters: Sequence[str], seed: int
) -> tuple[NormalisedDice, ...]:
    """Each network against the raters, then against each rater who has read twice; without common cases left out."""
    subjects = [study.subject_of[case_id] for case_id in study.case_ids]
    readings = [(first, second) for second, first in study.settings.rereads.items() if {first, second} <= set(names)]
    found: list[NormalisedDice | None] = []
    for network in _select_networks(study, names):
        masks = study.labels(network)
        if len(raters) > 1:
            others = [study.labels(name) for name in raters]
            found.append(compare_with_raters(masks, others, case_ids=study.case_ids, subjects=subjects, seed=seed))
        for reading in readings:
            first, second = (study.labels(name) for name in reading)
            found.append(
                compare_with_rereading(masks, first, second, case_ids=study.case_ids, subjects=subjects, seed=seed)
            )
    return tuple(one for one in found if one is not None)


def _compare_sets(study: Study, names: Sequence[str], raters: Sequence[str]) -> DistributionAgreement | None:
    networks = _select_networks(study, names)
    if not networks or len(raters) < 2:
        return None
    predicted, drawn = ([study.labels(name) for name in group] for group in (networks, raters))
    return compare_distributions(predicted, drawn, case_ids=study.case_ids)


def _select_networks(study: Study, names: Sequence[str]) -> list[str]:
    return [name for name in names if study.settings.sources[name].kind == "model"]


def _tabulate_cases(study: Study, agreement: SourceAgreement, found: Mapping[str, _CaseFindings]) -> pd.DataFrame:
    rows = [
        (
            *one.pair,
            one.case_id,
            study.subject_of[one.case_id],
            one.dice,
            one.lesions.f1,
            one.lesions.panoptic_quality,
            one.lesions.reference_count,
            one.lesions.prediction_count,
            *(found[one.case_id].loads[name] for name in one.pair),
        )
        for pair in agreement.pairs
        for case in found.values()
        for one in case.pairs
        if one.pair == (pair.first, pair.second)
    ]
    return pd.DataFrame(rows, columns=list(CASE_COLUMNS))
