"""The analysis of disagreement: features, prediction, spread and embedding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from overread.evaluation.results import Interval
from overread.evaluation.significance import adjust_holm
from overread.questions.crowd_disagreement.case_features import LabelledCases
from overread.questions.crowd_disagreement.feature_sets import COMBINED, CONSENSUS, Array, FeatureSet, standardise
from overread.questions.crowd_disagreement.outcome_prediction import (
    Folds,
    compute_auc,
    cross_validate,
    estimate_interval,
    sample_folds,
    sample_orders,
)
from overread.questions.crowd_disagreement.permutation_test import (
    compare_with_chance,
    compare_with_size,
    correct_single_measures,
)
from overread.questions.crowd_disagreement.results import (
    AUC_COLUMNS,
    CASE_COLUMNS,
    CrowdEvaluation,
    CrowdSettings,
    FeatureSetScore,
    MeasuredTable,
    OutcomeClasses,
    PermutationTest,
    SpreadContrast,
    name_spread,
)
from overread.study.outcomes import Outcome


def embed_cases(values: Array) -> tuple[Array, tuple[float, float]]:
    """Project z-scored columns on their first two principal components.

    The sign of a component is free; it is chosen so that the largest loading is positive.

    Args:
        values: (N, C), N and C at least 2.

    Returns:
        (N, 2) and the share of the variance along each component.
    """
    z_scored = standardise(values, np.ones(len(values)))
    left, singular, loadings = np.linalg.svd(z_scored, full_matrices=False)
    signs = np.array([np.sign(row[np.abs(row).argmax()]) for row in loadings[:2]])
    variance = singular**2 / (singular**2).sum()
    return left[:, :2] * singular[:2] * signs, (float(variance[0]), float(variance[1]))


def contrast_spreads(names: Sequence[str], spreads: Array, outcome: NDArray[np.bool_]) -> tuple[SpreadContrast, ...]:
    """Compare each measure between the classes; the tests take cases for independent.

    Args:
        names: (S,) of the measures.
        spreads: (N, S), standardised over the cases.
        outcome: (N,), both classes in it.
    """
    p_values = [
        float(stats.mannwhitneyu(column[outcome], column[~outcome], method="asymptotic").pvalue) for column in spreads.T
    ]
    corrected = [1.0 if p is None else p for p in adjust_holm(p_values)]
    return tuple(
        SpreadContrast(
            name=name,
            positive_median=float(np.median(column[outcome])),
            negative_median=float(np.median(column[~outcome])),
            positive_higher=compute_auc(column, outcome),
            p=p,
            p_holm=p_holm,
        )
        for name, column, p, p_holm in zip(names, spreads.T, p_values, corrected, strict=True)
    )


@dataclass(frozen=True)
class CrowdAnalysis:
    """An evaluation and the tables behind it.

    Attributes:
        evaluation: the numbers.
        cases: one row per case, CASE_COLUMNS and the measures of disagreement.
        fold_auc: AUC_COLUMNS.
        permuted: AUC with outcomes in random order, one column per set of features tested.
    """

    evaluation: CrowdEvaluation
    cases: pd.DataFrame
    fold_auc: pd.DataFrame
    permuted: pd.DataFrame


def analyse_disagreement(
    cases: LabelledCases, *, outcome: Outcome, table: MeasuredTable, settings: CrowdSettings, seed: int
) -> CrowdAnalysis:
    """Predict the outcome from every set of features, and test what disagreement tells.

    Disagreement of ratings is compared with chance, that of masks with their size alone.

    Everything is predicted twice, with z-scoring inside the training folds and before the cases are divided; the tests
    follow `settings.leak_free`.

    Args:
        cases: complete cases with their outcome.
        outcome: names of column and classes.
        table: where the features come from.
        settings: cross-validation, penalty, permutations.
        seed: of folds and permutations.

    Raises:
        InputError: a class has fewer cases than there are folds.
    """
    features = cases.features
    divisions = sample_folds(
        cases.outcome, features.subjects, folds=settings.folds, repeats=settings.repeats, seed=seed
    )
    aucs = {order: _score_sets(cases, divisions, settings, leak_free=order) for order in (True, False)}
    tests, permuted = _test_sets(cases, divisions, settings, np.random.default_rng(seed))
    spreads = features.compute_spreads(features.values)
    spreads = standardise(spreads, np.ones(len(spreads)))
    components, explained = embed_cases(features.values)
    evaluation = CrowdEvaluation(
        table=table,
        outcome=_count_classes(cases, outcome),
        case_count=len(cases.outcome),
        subject_count=len(set(features.subjects)),
        incomplete=cases.incomplete,
        without_outcome=cases.without_outcome,
        unmeasured=cases.unmeasured,
        settings=settings,
        seed=seed,
        scores=tuple(_summarise(one, aucs, settings) for one in features.sets),
        gain=_compute_gain(aucs[settings.leak_free], settings),
        tests=tests,
        contrasts=contrast_spreads(features.spreads, spreads, cases.outcome),
        explained=explained,
    )
    return CrowdAnalysis(
        evaluation, _tabulate_cases(cases, outcome, components, spreads), _tabulate_auc(aucs), permuted
    )


def _score_sets(
    cases: LabelledCases, divisions: Folds, settings: CrowdSettings, *, leak_free: bool
) -> dict[str, Array]:
    chosen = settings.model_copy(update={"leak_free": leak_free})
    values = cases.features.values
    return {one.key: cross_validate(values, cases.outcome, divisions, one, chosen) for one in cases.features.sets}


def _test_sets(
    cases: LabelledCases, divisions: Folds, settings: CrowdSettings, generator: np.random.Generator
) -> tuple[tuple[PermutationTest, ...], pd.DataFrame]:
    values, outcome = cases.features.values, cases.outcome
    orders = sample_orders(cases.features.subjects, count=settings.permutations, generator=generator)
    shared = divisions[: settings.permutation_repeats]
    if cases.features.kind == "sources":
        tested, compare = [one for one in cases.features.sets if one.freed_of is not None], compare_with_size
    else:
        tested, compare = [one for one in cases.features.sets if one.is_disagreement], compare_with_chance
    found = [compare(values, outcome, shared, orders, one, settings) for one in tested]
    permuted = pd.DataFrame({test.key: aucs for test, aucs in found})
    return correct_single_measures([test for test, _ in found]), permuted


def _summarise(one: FeatureSet, aucs: dict[bool, dict[str, Array]], settings: CrowdSettings) -> FeatureSetScore:
    own, other = (aucs[order][one.key] for order in (settings.leak_free, not settings.leak_free))
    return FeatureSetScore(
        key=one.key,
        title=one.title,
        group=one.group,
        size=one.size,
        is_disagreement=one.is_disagreement,
        auc=estimate_interval(own, confidence=settings.confidence),
        repeat_std=float(own.mean(axis=1).std(ddof=1)) if len(own) > 1 else None,
        other_order_auc=float(other.mean()),
    )


def _compute_gain(aucs: dict[str, Array], settings: CrowdSettings) -> Interval:
    return estimate_interval(aucs[COMBINED] - aucs[CONSENSUS], confidence=settings.confidence, bounds=(-1.0, 1.0))


def _count_classes(cases: LabelledCases, outcome: Outcome) -> OutcomeClasses:
    positive = int(cases.outcome.sum())
    return OutcomeClasses(
        column=outcome.column,
        negative=outcome.negative,
        positive=outcome.positive,
        negative_count=len(cases.outcome) - positive,
        positive_count=positive,
    )


def _tabulate_cases(cases: LabelledCases, outcome: Outcome, components: Array, spreads: Array) -> pd.DataFrame:
    features = cases.features
    classes = [outcome.positive if positive else outcome.negative for positive in cases.outcome]
    first = dict(zip(CASE_COLUMNS, (features.case_ids, features.subjects, classes, *components.T), strict=True))
    return pd.DataFrame(first | dict(zip(map(name_spread, features.spreads), spreads.T, strict=True)))


def _tabulate_auc(aucs: dict[bool, dict[str, Array]]) -> pd.DataFrame:
    rows = [
        (key, order, repeat, fold, auc)
        for order, by_set in aucs.items()
        for key, table in by_set.items()
        for (repeat, fold), auc in np.ndenumerate(table)
    ]
    return pd.DataFrame(rows, columns=list(AUC_COLUMNS))
