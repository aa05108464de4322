"""Two sources and the two networks trained on them: agreement, loads and the gap in Dice."""

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.loads import compute_bland_altman, count_load_order
from overread.evaluation.metric_summary import select_pair, summarise_metric
from overread.evaluation.results import name_network
from overread.evaluation.significance import adjust_holm, compute_paired_p, compute_two_sample_p
from overread.questions.rater_bias.dice_gap import collect_dice_by_origin
from overread.questions.rater_bias.results import SourcePair


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
