"""From the probabilities of the probes to the figures of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.confounding import measure_confounding
from overread.evaluation.roc import compute_roc
from overread.questions.acquisition_bias.auroc import bootstrap_auroc, compute_mean_aurocs, draw_subject_weights
from overread.questions.acquisition_bias.fold_aurocs import (
    compare_regions,
    compute_chance_std,
    compute_fold_aurocs,
    count_classes_of_folds,
    judge_regions,
)
from overread.questions.acquisition_bias.matching import UNKNOWN, Matching, name_age_band, parse_age
from overread.questions.acquisition_bias.package_scores import PackageScores, index_scores
from overread.questions.acquisition_bias.probe_settings import ProbeMatchingSettings
from overread.questions.acquisition_bias.results import (
    AcquisitionEvaluation,
    ClassAccuracy,
    ErrorRate,
    RegionTest,
    VariantScore,
)
from overread.study.cases import Case

_FALLS = (("outside", "body"), ("whole", "body"), ("whole", "noise"))


@dataclass(frozen=True)
class ProbeDesign:
    """What the probes were asked.

    Attributes:
        study: name of the study.
        target: column that they name.
        classes: the classes, in the order of the probabilities.
        matching: how age and sex were made alike.
        settings: the columns of age and sex, and the bands.
        matters: smallest AUROC above chance that matters.
        unlabelled_cases: cases without a class.
        single_slice: every case has one slice.
        seed: of the bootstrap.
    """

    study: str
    target: str
    classes: tuple[str, ...]
    matching: Matching
    settings: ProbeMatchingSettings
    matters: float
    unlabelled_cases: tuple[str, ...]
    single_slice: bool
    seed: int


def summarise_acquisition(scores: pd.DataFrame, design: ProbeDesign, cases: Sequence[Case]) -> AcquisitionEvaluation:
    """Summarise the probabilities of all variants.

    Args:
        scores: SCORE_COLUMNS and the probabilities.
        design: what the probes were asked.
        cases: the case table of the study.

    Raises:
        InputError: a variant lacks a package of a case, or holds other cases than the first one, or was not tried on
            each shuffle.
    """
    variants = _index_variants(scores[scores["shuffle"] == 0], design)
    whole = variants["whole"]
    of_case = {case.case_id: case for case in cases}
    held_out = [of_case[case_id] for case_id in whole.case_ids]
    labels = [design.classes[index] for index in whole.labels]
    by_fold = {name: compute_fold_aurocs(found) for name, found in variants.items()}
    counts = count_classes_of_folds(whole, design.classes)
    shuffled = _summarise_shuffles(scores[scores["shuffle"] > 0], design, tuple(variants))
    tests = judge_regions(by_fold, counts, shuffled=shuffled or None)
    return AcquisitionEvaluation(
        study=design.study,
        target=design.target,
        class_counts={name: labels.count(name) for name in design.classes},
        subject_count=len(set(whole.subjects)),
        unlabelled_cases=design.unlabelled_cases,
        matching=design.matching,
        variants=tuple(_summarise(name, found, tests[name], design) for name, found in variants.items()),
        falls=compare_regions(by_fold, _FALLS, matters=design.matters),
        errors=_list_errors(whole, held_out, design),
        confounding=measure_confounding(
            [{name: value for name, value in case.columns.items() if name != design.target} for case in held_out],
            labels,
            whole.subjects,
        ),
        single_slice=design.single_slice,
        fold_count=len(counts),
        chance_std=compute_chance_std(counts),
        matters=design.matters,
        shuffles=len(next(iter(shuffled.values()))) if shuffled else 0,
        seed=design.seed,
    )


def _index_variants(scores: pd.DataFrame, design: ProbeDesign) -> dict[str, PackageScores]:
    variants = {str(name): index_scores(rows, design.classes) for name, rows in scores.groupby("variant", sort=False)}
    first = next(iter(variants.values()))
    if other := [name for name, found in variants.items() if found.case_ids != first.case_ids]:
        raise InputError("every variant must hold the same cases", found=other[0])
    return variants


def _summarise_shuffles(
    scores: pd.DataFrame, design: ProbeDesign, regions: tuple[str, ...]
) -> dict[str, NDArray[np.float64]]:
    """Mean AUROC of each region within the folds of each shuffle; empty without shuffles."""
    found: dict[str, list[float]] = {region: [] for region in regions}
    for number, rows in scores.groupby("shuffle"):
        variants = _index_variants(rows, design)
        if set(variants) != set(regions):
            raise InputError("every region must be tried on each shuffle", found=", ".join(variants), where=str(number))
        for region, one in variants.items():
            found[region].append(float(np.nanmean(compute_fold_aurocs(one))))
    return {region: np.array(values) for region, values in found.items()} if len(scores) else {}


def _summarise(name: str, scores: PackageScores, test: RegionTest, design: ProbeDesign) -> VariantScore:
    right = scores.is_right
    mean = scores.probabilities.mean(axis=1)
    aurocs = [
        float(compute_mean_aurocs(scores.probabilities[:, index], scores.labels, np.ones((1, len(right))))[0])
        for index in range(right.shape[1])
    ]
    return VariantScore(
        variant=name,
        test=test,
        accuracy=bootstrap_mean(right.mean(axis=1).tolist(), scores.subjects, seed=design.seed),
        accuracy_std=_compute_std(right.mean(axis=0)),
        auroc=bootstrap_auroc(mean, scores.labels, _draw_weights(scores, design)),
        auroc_std=_compute_std(np.array(aurocs)),
        by_class=tuple(
            _summarise_class(label, scores, scores.labels == index, design)
            for index, label in enumerate(design.classes)
            if np.any(scores.labels == index)
        ),
        roc=compute_roc(mean, scores.labels.tolist()),
        confusion=_count_confusions(scores.labels, mean),
    )


def _count_confusions(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> tuple[tuple[int, ...], ...]:
    counts = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return tuple(tuple(map(int, row)) for row in counts)


def _summarise_class(
    label: str, scores: PackageScores, chosen: NDArray[np.bool_], design: ProbeDesign
) -> ClassAccuracy:
    values = scores.is_right.mean(axis=1)[chosen].tolist()
    subjects = [scores.subjects[index] for index in np.flatnonzero(chosen)]
    return ClassAccuracy(
        label=label, case_count=len(values), interval=bootstrap_mean(values, subjects, seed=design.seed)
    )


def _draw_weights(scores: PackageScores, design: ProbeDesign) -> NDArray[np.float64]:
    main = scores.find_main_labels(design.classes)
    return draw_subject_weights(scores.subjects, [main[subject] for subject in scores.subjects], seed=design.seed)


def _list_errors(scores: PackageScores, cases: Sequence[Case], design: ProbeDesign) -> tuple[ErrorRate, ...]:
    wrong = 1 - scores.is_right.mean(axis=1)
    groups: Mapping[str, list[str]] = {
        "class": [design.classes[index] for index in scores.labels],
        "age": [
            name_age_band(parse_age(case.columns.get(design.settings.age_column, "")), design.settings.band_years)
            for case in cases
        ],
        "sex": [case.columns.get(design.settings.sex_column, "") or UNKNOWN for case in cases],
    }
    found = []
    for grouping, values in groups.items():
        for value in sorted(set(values), key=_order_band):
            if grouping != "class" and set(values) == {UNKNOWN}:
                continue
            chosen = [index for index, own in enumerate(values) if own == value]
            rate = bootstrap_mean(wrong[chosen].tolist(), [scores.subjects[i] for i in chosen], seed=design.seed)
            found.append(ErrorRate(grouping=grouping, value=value, case_count=len(chosen), rate=rate))
    return tuple(found)


def _order_band(value: str) -> tuple[int, str]:
    """Age bands by their years, so that 100–109 comes last; what is unknown comes after all."""
    start = value.split("–")[0]
    return (int(start) if start.isdigit() else 10_000, value)


def _compute_std(values: NDArray[np.float64]) -> float | None:
    return float(values.std(ddof=1)) if values.size > 1 else None
