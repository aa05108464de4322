"""The cross-evaluation: every pair of label sets to look at, every repeat by itself to judge by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from overread.errors import InputError
from overread.evaluation.compare import LabelSetPair, choose_tolerance, compare_pairs
from overread.evaluation.matters import Matters
from overread.evaluation.metric_summary import select_pair, summarise_metric
from overread.evaluation.results import METRICS, MetricSummary, name_network
from overread.evaluation.skill import Skill
from overread.questions.rater_bias.own_and_other import (
    compute_paper_p,
    describe_dice,
    describe_dice_with_raters,
    estimate_gap,
    judge_gap,
    summarise_consensus,
    summarise_source_pairs,
)
from overread.questions.rater_bias.repeat_scores import RepeatMasks, score_repeats
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.skills import measure_skills
from overread.study.label_set import LabelSet
from overread.study.study import Study


def list_name_pairs(sources: Sequence[str]) -> list[tuple[str, str]]:
    """List (prediction, reference): sources two by two, each network with each source, networks two by two.

    Of two sources or two networks the first stands as prediction, the second as reference, in the order of `sources`.
    """
    networks = [name_network(source) for source in sources]
    return [
        *combinations(sources, 2),
        *((network, source) for network in networks for source in sources),
        *combinations(networks, 2),
    ]


def summarise(
    comparisons: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    study: Study,
    sources: Sequence[str],
    raters: Sequence[str],
    case_ids: Sequence[str],
    skills: Mapping[str, Skill],
    tolerance: float,
    matters: Matters,
    seed: int,
) -> CrossEvaluation:
    """Summarise the tables of a cross-evaluation.

    Args:
        comparisons: COMPARISON_COLUMNS, with the rows of `cross_evaluate`.
        scores: REPEAT_COLUMNS.
        study: the study, for its name, units and labelled cases.
        sources: the sources compared.
        raters: those of them that are no consensus of others.
        case_ids: cases considered.
        skills: of the networks of each source.
        tolerance: of the surface Dice that the table holds, in the study's length unit.
        matters: the smallest differences that matter.
        seed: of the bootstrap.

    Raises:
        InputError: no case has both a label and a prediction of the same source.
    """
    same, cross = describe_dice(scores, raters, seed=seed)
    if same is None:
        raise InputError("at least one case must have both a label and a held-out prediction", found=0)
    gap = estimate_gap(scores, raters)
    consensus = [source for source in sources if source not in raters]
    has_learnt = all(skill.has_learnt for source, skill in skills.items() if source in raters)
    return CrossEvaluation(
        study=study.settings.name,
        target=study.settings.target,
        length_unit=study.settings.length_unit,
        load_unit=study.settings.load_unit,
        surface_tolerance=tolerance,
        matters=matters,
        sources=tuple(sources),
        raters=tuple(raters),
        case_ids=tuple(case_ids),
        missing_cases=find_missing_cases(comparisons, study, sources, case_ids),
        empty_cases=find_empty_cases(comparisons, sources, case_ids),
        skills=dict(skills),
        rater_dice=describe_dice_with_raters(scores, sources, raters, seed=seed) if consensus else {},
        consensus_gains=summarise_consensus(scores, consensus, raters, skills=skills, matters=matters.dice),
        matrix=summarise_matrix(comparisons, sources),
        pairs=summarise_source_pairs(comparisons, scores, raters, skills=skills, matters=matters),
        same_dice=same,
        cross_dice=cross,
        dice_gap=gap,
        verdict=judge_gap(gap, matters=matters.dice, has_learnt=has_learnt),
        two_sample_p=compute_paper_p(comparisons, raters),
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


@dataclass(frozen=True, eq=False)
class CrossEvaluationTables:
    """What is found, with the tables that it is taken from.

    Attributes:
        evaluation: the summary.
        comparisons: one row per pair of label sets and case, COMPARISON_COLUMNS; of networks, the masks of all repeats
            together.
        scores: one row per network, reference and held-out case, REPEAT_COLUMNS.
    """

    evaluation: CrossEvaluation
    comparisons: pd.DataFrame
    scores: pd.DataFrame


def cross_evaluate(
    study: Study,
    sources: Sequence[str],
    predictions: Mapping[str, LabelSet],
    repeats: Sequence[RepeatMasks],
    *,
    raters: Sequence[str] = (),
    case_ids: Sequence[str] = (),
    tolerance: float | None = None,
    matters: Matters | None = None,
    seed: int = 0,
    workers: int = 1,
) -> CrossEvaluationTables:
    """Compare sources with sources, networks with sources, and networks with networks.

    A network counts on the cases that its own source has labelled, where its predictions are held out: network S
    against source T, and against network T, is taken over the cases labelled by both S and T.

    Args:
        study: the study.
        sources: the sources to compare.
        predictions: by source, the held-out masks of the network trained on it, of all its repeats together.
        repeats: the held-out masks of each repeat by itself.
        raters: those of the sources that are no consensus of others; all if empty.
        case_ids: cases considered; all of the study if empty.
        tolerance: of the surface Dice, in the study's length unit; 1 mm in 3D if None, to be given in 2D.
        matters: the smallest differences that matter; the usual ones if None.
        seed: of the bootstrap.
        workers: processes that share the cases.

    Raises:
        InputError: `predictions` or `repeats` and `sources` do not match, a name is used twice, no case has a label
            and a prediction, a mask is damaged, or two masks of a case differ in shape.
    """
    _check_names(study, sources, predictions, repeats)
    considered, judged = tuple(case_ids) or study.case_ids, tuple(raters) or tuple(sources)
    distance = choose_tolerance(study, tolerance)
    pairs = list_pairs(study, sources, predictions, case_ids=considered)
    comparisons = compare_pairs(pairs, study=study, tolerance=distance, workers=workers)
    scores = score_repeats(study, repeats, sources, case_ids=considered, workers=workers)
    found = summarise(
        comparisons,
        scores,
        study=study,
        sources=sources,
        raters=judged,
        case_ids=considered,
        skills=measure_skills(study, repeats, scores, comparisons, sources=sources, raters=judged),
        tolerance=distance,
        matters=matters or Matters(),
        seed=seed,
    )
    return CrossEvaluationTables(found, comparisons, scores)


def list_pairs(
    study: Study, sources: Sequence[str], predictions: Mapping[str, LabelSet], *, case_ids: Sequence[str]
) -> list[LabelSetPair]:
    """List what is compared on which cases, in the order of `list_name_pairs`."""
    labelled = {source: study.labels(source).select_labelled(case_ids) for source in sources}
    source_of: dict[str, str] = {}
    label_sets: dict[str, LabelSet] = {}
    for source in sources:
        network = replace(predictions[source], name=name_network(source))
        label_sets |= {source: study.labels(source), network.name: network}
        source_of |= {source: source, network.name: source}
    pairs = []
    for prediction, reference in list_name_pairs(sources):
        common = set(labelled[source_of[reference]])
        cases = tuple(case_id for case_id in labelled[source_of[prediction]] if case_id in common)
        pairs.append(LabelSetPair(label_sets[prediction], label_sets[reference], cases))
    return pairs


def _check_names(
    study: Study, sources: Sequence[str], predictions: Mapping[str, LabelSet], repeats: Sequence[RepeatMasks]
) -> None:
    if not sources:
        raise InputError("a cross-evaluation needs at least one source", found=0)
    study.select_sources(sources)
    if {one.source for one in repeats} != set(sources):
        raise InputError(
            "there must be the masks of at least one repeat per source",
            found=f"those of {', '.join(sorted({one.source for one in repeats})) or 'none'}",
            where=f"sources {', '.join(sources)}",
        )
    if set(predictions) != set(sources):
        raise InputError(
            "there must be one set of predictions per source",
            found=f"predictions for {', '.join(sorted(predictions)) or 'none'}",
            where=f"sources {', '.join(sources)}",
        )
    if clash := {name_network(source) for source in sources} & set(sources):
        raise InputError("a source must not be named as a network is", found=", ".join(sorted(clash)))
