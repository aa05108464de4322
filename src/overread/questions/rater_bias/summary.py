"""From the per-case table of a cross-evaluation to its figures."""

from collections.abc import Sequence

import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.metric_summary import METRICS, select_pair, summarise_metric
from overread.evaluation.results import MetricSummary, name_network
from overread.evaluation.significance import compute_paired_p, compute_two_sample_p
from overread.questions.rater_bias.dice_gap import collect_dice_by_origin, compare_with_raters
from overread.questions.rater_bias.pairing import list_name_pairs
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.source_pairs import summarise_source_pairs
from overread.study.study import Study


def summarise(
    comparisons: pd.DataFrame,
    *,
    study: Study,
    sources: Sequence[str],
    raters: Sequence[str],
    case_ids: Sequence[str],
    tolerance: float,
    seed: int,
) -> CrossEvaluation:
    """Summarise the per-case table of a cross-evaluation.

    Args:
        comparisons: COMPARISON_COLUMNS, with the rows of `cross_evaluate`.
        study: the study, for its name, units and labelled cases.
        sources: the sources compared.
        raters: those of them that are no consensus of others.
        case_ids: cases considered.
        tolerance: of the surface Dice that the table holds, in the study's length unit.
        seed: of the bootstrap.

    Raises:
        InputError: no case has both a label and a prediction of the same source.
    """
    dice = collect_dice_by_origin(comparisons, raters)
    if not dice.same:
        raise InputError("at least one case must have both a label and a held-out prediction", found=0)
    has_cross = "cross" in dice.cases
    same = dice.cases["same"].tolist()
    cross = dice.cases["cross"].tolist() if has_cross else []
    gaps = [a - b for a, b in zip(same, cross, strict=True)] if has_cross else []
    return CrossEvaluation(
        study=study.settings.name,
        target=study.settings.target,
        length_unit=study.settings.length_unit,
        load_unit=study.settings.load_unit,
        surface_tolerance=tolerance,
        sources=tuple(sources),
        raters=tuple(raters),
        case_ids=tuple(case_ids),
        missing_cases=find_missing_cases(comparisons, study, sources, case_ids),
        empty_cases=find_empty_cases(comparisons, sources, case_ids),
        rater_dice=compare_with_raters(comparisons, sources, raters, seed=seed) if len(sources) > len(raters) else {},
        matrix=summarise_matrix(comparisons, sources),
        pairs=summarise_source_pairs(comparisons, raters, seed=seed),
        same_dice=bootstrap_mean(same, dice.subjects, seed=seed),
        cross_dice=bootstrap_mean(cross, dice.subjects, seed=seed) if has_cross else None,
        dice_gap=bootstrap_mean(gaps, dice.subjects, seed=seed) if has_cross else None,
        two_sample_p=compute_two_sample_p(dice.same, dice.cross),
        paired_p=compute_paired_p(same, cross) if has_cross else None,
    )


def summarise_matrix(comparisons: pd.DataFrame, sources: Sequence[str]) -> tuple[MetricSummary, ...]:
    """Summarise every metric of every pair of label sets, those without a common case included."""
    return tuple(
        summarise_metric(comparisons, prediction, reference, metric)
        for prediction, reference in list_name_pairs(sources)
        for metric in METRICS
    )


def find_missing_cases(
    comparisons: pd.DataFrame, study: Study, sources: Sequence[str], case_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Per source the cases that it has not labelled, per network (if any) those that only its source has."""
    missing: dict[str, tuple[str, ...]] = {}
    for source in sources:
        labelled = study.labels(source).select_labelled(case_ids)
        labelled_ids = set(labelled)
        missing[source] = tuple(case_id for case_id in case_ids if case_id not in labelled_ids)
        predicted = set(select_pair(comparisons, name_network(source), source)["case_id"])
        if lacking := tuple(case_id for case_id in labelled if case_id not in predicted):
            missing[name_network(source)] = lacking
    return missing


def find_empty_cases(
    comparisons: pd.DataFrame, sources: Sequence[str], case_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Per source and network, the compared cases whose mask is empty."""
    as_prediction = comparisons.loc[comparisons["prediction_load"] == 0, ["prediction", "case_id"]]
    as_reference = comparisons.loc[comparisons["reference_load"] == 0, ["reference", "case_id"]]
    empty = {*as_prediction.itertuples(index=False, name=None), *as_reference.itertuples(index=False, name=None)}
    names = [*sources, *(name_network(source) for source in sources)]
    return {name: tuple(case_id for case_id in case_ids if (name, case_id) in empty) for name in names}
