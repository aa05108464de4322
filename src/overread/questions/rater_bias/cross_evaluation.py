"""The cross-evaluation: every pair of label sets, the gap between own and other rater, loads and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.compare import LabelSetPair, choose_tolerance, compare_pairs
from overread.evaluation.loads import compute_bland_altman, count_load_order
from overread.evaluation.metric_summary import select_pair, summarise_metric
from overread.evaluation.results import METRICS, Interval, MetricSummary, name_network
from overread.evaluation.significance import adjust_holm, compute_paired_p, compute_two_sample_p
from overread.questions.rater_bias.results import CrossEvaluation, SourcePair
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


@dataclass(frozen=True, eq=False)
class DiceByOrigin:
    """Dice values of networks, told apart by whose labels they are compared with.

    Attributes:
        same: Dice of network S against source S, all networks and cases.
        cross: Dice of network S against source T, all ordered pairs S ≠ T and cases.
        cases: one row per case that has both kinds: `subject_id`, and the means over networks `same` and `cross`; where
            there are no cross-source values at all, one row per case with `same` only.
    """

    same: list[float]
    cross: list[float]
    cases: pd.DataFrame

    @property
    def subjects(self) -> list[str]:
        """Subject of each row of `cases`."""
        return self.cases["subject_id"].tolist()


def collect_dice_by_origin(comparisons: pd.DataFrame, sources: Sequence[str]) -> DiceByOrigin:
    """Pick the Dice values of the networks of `sources` against `sources`.

    Args:
        comparisons: COMPARISON_COLUMNS.
        sources: names of sources.
    """
    source_of = {name_network(source): source for source in sources}
    rows = comparisons[comparisons["prediction"].isin(list(source_of)) & comparisons["reference"].isin(sources)]
    is_same = rows["prediction"].map(source_of) == rows["reference"]
    same, cross = rows[is_same], rows[~is_same]
    cases = same.groupby("case_id", sort=False).agg(subject_id=("subject_id", "first"), same=("dice", "mean"))
    if len(cross):
        cases = cases.join(cross.groupby("case_id")["dice"].mean().rename("cross"), how="inner")
    return DiceByOrigin(same["dice"].tolist(), cross["dice"].tolist(), cases)


def compare_with_raters(
    comparisons: pd.DataFrame, sources: Sequence[str], raters: Sequence[str], *, seed: int
) -> dict[str, Interval]:
    """Mean Dice of the network of each source against the raters, over the cases that all raters have labelled.

    Args:
        comparisons: COMPARISON_COLUMNS.
        sources: names of sources; those without such a case are left out.
        raters: names of the sources that the networks are compared with.
        seed: of the bootstrap over subjects.
    """
    found = {}
    for source in sources:
        is_wanted = (comparisons["prediction"] == name_network(source)) & comparisons["reference"].isin(raters)
        cases = comparisons[is_wanted].groupby("case_id", sort=False)
        means = cases.agg(subject_id=("subject_id", "first"), dice=("dice", "mean"), count=("dice", "size"))
        complete = means[means["count"] == len(raters)]
        if len(complete):
            found[source] = bootstrap_mean(complete["dice"].tolist(), complete["subject_id"].tolist(), seed=seed)
    return found


def summarise_source_pairs(comparisons: pd.DataFrame, sources: Sequence[str], *, seed: int) -> tuple[SourcePair, ...]:
    """Summarise the sources two by two, in their order; two sources without a common case are left out.

    Args:
        comparisons: COMPARISON_COLUMNS, with the rows of `cross_evaluate`.
        sources: names of sources.
        seed: of the bootstrap.
    """
    found = [summarise_source_pair(comparisons, first, second, seed=seed) for first, second in combinations(sources, 2)]
    pairs = [pair for pair in found if pair is not None]
    if len(sources) < 3:
        return tuple(pairs)
    corrected = adjust_holm([pair.paired_p for pair in pairs])
    return tuple(pair.model_copy(update={"paired_p_holm": p}) for pair, p in zip(pairs, corrected, strict=True))


def summarise_source_pair(comparisons: pd.DataFrame, first: str, second: str, *, seed: int) -> SourcePair | None:
    """Summarise two sources on the cases that have a mask of both and of both networks, None where there is none.

    Args:
        comparisons: COMPARISON_COLUMNS, with the rows of `cross_evaluate`.
        first: name of a source.
        second: name of another source.
        seed: of the bootstrap.
    """
    rows = _keep_common_cases(comparisons, first, second)
    between_sources = select_pair(rows, first, second)
    between_networks = select_pair(rows, name_network(first), name_network(second))
    if between_networks.empty:
        return None
    source_loads = between_sources["prediction_load"].tolist(), between_sources["reference_load"].tolist()
    network_loads = between_networks["prediction_load"].tolist(), between_networks["reference_load"].tolist()
    dice = collect_dice_by_origin(rows, (first, second))
    gaps = dice.cases["same"] - dice.cases["cross"]
    return SourcePair(
        first=first,
        second=second,
        case_count=len(between_networks),
        source_dice=summarise_metric(rows, first, second, "dice"),
        network_dice=summarise_metric(rows, name_network(first), name_network(second), "dice"),
        source_order=count_load_order(*source_loads),
        network_order=count_load_order(*network_loads),
        source_loads=compute_bland_altman(*source_loads),
        network_loads=compute_bland_altman(*network_loads),
        dice_gap=bootstrap_mean(gaps.tolist(), dice.subjects, seed=seed),
        two_sample_p=compute_two_sample_p(dice.same, dice.cross),
        paired_p=compute_paired_p(dice.cases["same"].tolist(), dice.cases["cross"].tolist()),
        paired_p_holm=None,
    )


def _keep_common_cases(comparisons: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    common = select_pair(comparisons, name_network(first), name_network(second))["case_id"]
    return comparisons[comparisons["case_id"].isin(common)]


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


def cross_evaluate(
    study: Study,
    sources: Sequence[str],
    predictions: Mapping[str, LabelSet],
    *,
    raters: Sequence[str] = (),
    case_ids: Sequence[str] = (),
    tolerance: float | None = None,
    seed: int = 0,
    workers: int = 1,
) -> tuple[CrossEvaluation, pd.DataFrame]:
    """Compare sources with sources, networks with sources, and networks with networks.

    A network counts on the cases that its own source has labelled, where its predictions are held out: network S
    against source T, and against network T, is taken over the cases labelled by both S and T.

    Args:
        study: the study.
        sources: the sources to compare.
        predictions: by source, the held-out masks of the network trained on it.
        raters: those of the sources that are no consensus of others; all if empty.
        case_ids: cases considered; all of the study if empty.
        tolerance: of the surface Dice, in the study's length unit; 1 mm in 3D if None, to be given in 2D.
        seed: of the bootstrap.
        workers: processes that share the cases.

    Returns:
        The summary, and the table with one row per pair of label sets and case (COMPARISON_COLUMNS).

    Raises:
        InputError: `predictions` and `sources` do not match, a name is used twice, no case has a label and a
            prediction, a mask is damaged, or two masks of a case differ in shape.
    """
    _check_names(study, sources, predictions)
    considered = tuple(case_ids) or study.case_ids
    distance = choose_tolerance(study, tolerance)
    pairs = list_pairs(study, sources, predictions, case_ids=considered)
    comparisons = compare_pairs(pairs, study=study, tolerance=distance, workers=workers)
    found = summarise(
        comparisons,
        study=study,
        sources=sources,
        raters=raters or sources,
        case_ids=considered,
        tolerance=distance,
        seed=seed,
    )
    return found, comparisons


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


def _check_names(study: Study, sources: Sequence[str], predictions: Mapping[str, LabelSet]) -> None:
    if not sources:
        raise InputError("a cross-evaluation needs at least one source", found=0)
    study.select_sources(sources)
    if set(predictions) != set(sources):
        raise InputError(
            "there must be one set of predictions per source",
            found=f"predictions for {', '.join(sorted(predictions)) or 'none'}",
            where=f"sources {', '.join(sources)}",
        )
    if clash := {name_network(source) for source in sources} & set(sources):
        raise InputError("a source must not be named as a network is", found=", ".join(sorted(clash)))
