"""Do networks agree better with the rater that trained them? Over all raters, pair by pair, and for a consensus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.estimate import estimate_mean
from overread.evaluation.loads import compute_bland_altman, count_load_order
from overread.evaluation.matters import Matters
from overread.evaluation.metric_summary import select_pair, summarise_metric
from overread.evaluation.results import Estimate, Interval, name_network
from overread.evaluation.significance import adjust_holm, compute_two_sample_p
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict, judge
from overread.questions.rater_bias.amplification import judge_effect, measure_load_differences
from overread.questions.rater_bias.repeat_scores import (
    average_by_subject,
    compute_dice_with_all,
    compute_other_dice,
    compute_own_dice,
    spread,
)
from overread.questions.rater_bias.results import ConsensusGain, LoadDifferences, SourcePair


def estimate_gap(scores: pd.DataFrame, sources: Sequence[str]) -> Estimate | None:
    """Estimate own minus other Dice, mean over the networks of `sources`; None where no case has both.

    Args:
        scores: REPEAT_COLUMNS.
        sources: names of sources.
    """
    gaps = (compute_own_dice(scores, sources) - compute_other_dice(scores, sources)).dropna()
    spread_out = spread(gaps, scores)
    return None if spread_out is None else estimate_mean(spread_out)


def describe_dice(scores: pd.DataFrame, raters: Sequence[str], *, seed: int) -> tuple[Interval | None, Interval | None]:
    """Mean Dice of the raters' networks with their own and with the other raters, over the cases that have both.

    Returns:
        The second is None where there is no other rater, or no case of two; the first is then over all cases.
    """
    own, other = compute_own_dice(scores, raters), compute_other_dice(scores, raters)
    if other.empty:
        return _bootstrap(own, scores, seed=seed), None
    common = own.index.intersection(other.index)
    return _bootstrap(own.loc[common], scores, seed=seed), _bootstrap(other.loc[common], scores, seed=seed)


def judge_gap(gap: Estimate | None, *, matters: float, has_learnt: bool, corrected_p: float | None = None) -> Verdict:
    """Read own minus other; see `judge`. Without an estimate nothing can be told."""
    if gap is None:
        return "cannot tell" if has_learnt else "learnt too little"
    return judge(gap, matters=matters, has_learnt=has_learnt, corrected_p=corrected_p)


def compute_paper_p(comparisons: pd.DataFrame, sources: Sequence[str]) -> float | None:
    """Student's two-sample t-test between all own and all other Dice values, as the paper does it.

    Args:
        comparisons: COMPARISON_COLUMNS.
        sources: names of sources.
    """
    source_of = {name_network(source): source for source in sources}
    rows = comparisons[comparisons["prediction"].isin(list(source_of)) & comparisons["reference"].isin(sources)]
    is_own = rows["prediction"].map(source_of) == rows["reference"]
    return compute_two_sample_p(rows.loc[is_own, "dice"].tolist(), rows.loc[~is_own, "dice"].tolist())


def summarise_source_pairs(
    comparisons: pd.DataFrame,
    scores: pd.DataFrame,
    sources: Sequence[str],
    *,
    skills: Mapping[str, Skill],
    matters: Matters,
) -> tuple[SourcePair, ...]:
    """Summarise the sources two by two, in their order; two sources without a common case are left out.

    Args:
        comparisons: COMPARISON_COLUMNS, with the rows of `cross_evaluate`.
        scores: REPEAT_COLUMNS.
        sources: names of sources.
        skills: of the networks of each source.
        matters: the smallest differences that matter.
    """
    found = [_measure_pair(comparisons, scores, first, second) for first, second in combinations(sources, 2)]
    pairs = [pair for pair in found if pair is not None]
    gap_p = adjust_holm([pair.gap.p_value for pair in pairs])
    change_p = adjust_holm([pair.loads.change.p_value if pair.has_clear_loads else None for pair in pairs])
    networks_p = adjust_holm([pair.loads.networks.p_value if pair.has_clear_loads else None for pair in pairs])
    return tuple(
        _summarise_pair(
            pair,
            has_learnt=skills[pair.first].has_learnt and skills[pair.second].has_learnt,
            matters=matters,
            corrected=_CorrectedP(*p),
        )
        for pair, *p in zip(pairs, gap_p, change_p, networks_p, strict=True)
    )


def summarise_consensus(
    scores: pd.DataFrame,
    consensus: Sequence[str],
    raters: Sequence[str],
    *,
    skills: Mapping[str, Skill],
    matters: float,
) -> tuple[ConsensusGain, ...]:
    """Set the network of every consensus against that of every rater; those without a common case are left out.

    Args:
        scores: REPEAT_COLUMNS.
        consensus: sources that are a consensus of raters.
        raters: the others.
        skills: of the networks of each source.
        matters: smallest difference of Dice that matters.
    """
    gains = {
        (name, rater): gain
        for name in consensus
        for rater in raters
        if (gain := _estimate_gain(scores, name, rater, raters)) is not None
    }
    corrected = adjust_holm([gain.p_value for gain in gains.values()])
    return tuple(
        ConsensusGain(
            consensus=name,
            rater=rater,
            gain=gain,
            p_holm=p,
            verdict=judge(
                gain,
                matters=matters,
                has_learnt=skills[name].has_learnt and skills[rater].has_learnt,
                corrected_p=p,
            ),
        )
        for ((name, rater), gain), p in zip(gains.items(), corrected, strict=True)
    )


def describe_dice_with_raters(
    scores: pd.DataFrame, sources: Sequence[str], raters: Sequence[str], *, seed: int
) -> dict[str, Interval]:
    """Mean Dice of the networks of each source with the raters; sources without a case that all labelled are left out.

    Args:
        scores: REPEAT_COLUMNS.
        sources: names of sources.
        raters: names of the sources that the networks are compared with.
        seed: of the bootstrap over subjects.
    """
    found = {source: compute_dice_with_all(scores, source, raters) for source in sources}
    intervals = {source: _bootstrap(dice, scores, seed=seed) for source, dice in found.items()}
    return {source: interval for source, interval in intervals.items() if interval is not None}


@dataclass(frozen=True, eq=False)
class _MeasuredPair:
    """Two sources before they are judged; the comparisons are those of their common cases."""

    first: str
    second: str
    comparisons: pd.DataFrame
    gap: Estimate
    loads: LoadDifferences

    @property
    def has_clear_loads(self) -> bool:
        return self.loads.raters.excludes_zero


@dataclass(frozen=True)
class _CorrectedP:
    """Each Holm-corrected over all pairs."""

    gap: float | None
    change: float | None
    networks: float | None


def _measure_pair(comparisons: pd.DataFrame, scores: pd.DataFrame, first: str, second: str) -> _MeasuredPair | None:
    common = select_pair(comparisons, name_network(first), name_network(second))["case_id"]
    scored = scores[scores["case_id"].isin(common)]
    gap, loads = estimate_gap(scored, (first, second)), measure_load_differences(scored, first, second)
    if gap is None or loads is None:
        return None
    return _MeasuredPair(first, second, comparisons[comparisons["case_id"].isin(common)], gap, loads)


def _summarise_pair(pair: _MeasuredPair, *, has_learnt: bool, matters: Matters, corrected: _CorrectedP) -> SourcePair:
    rows, first, second = pair.comparisons, pair.first, pair.second
    between_sources = select_pair(rows, first, second)
    between_networks = select_pair(rows, name_network(first), name_network(second))
    source_loads = between_sources["prediction_load"].tolist(), between_sources["reference_load"].tolist()
    network_loads = between_networks["prediction_load"].tolist(), between_networks["reference_load"].tolist()
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
        dice_gap=pair.gap,
        p_holm=corrected.gap,
        verdict=judge(pair.gap, matters=matters.dice, has_learnt=has_learnt, corrected_p=corrected.gap),
        load_differences=pair.loads,
        effect=judge_effect(
            pair.loads,
            matters=matters.load,
            has_learnt=has_learnt,
            change_p=corrected.change,
            networks_p=corrected.networks,
        ),
    )


def _estimate_gain(scores: pd.DataFrame, consensus: str, rater: str, raters: Sequence[str]) -> Estimate | None:
    gains = compute_dice_with_all(scores, consensus, raters) - compute_dice_with_all(scores, rater, raters)
    spread_out = spread(gains.dropna(), scores)
    return None if spread_out is None else estimate_mean(spread_out)


def _bootstrap(values: "pd.Series[float]", scores: pd.DataFrame, *, seed: int) -> Interval | None:
    if values.empty:
        return None
    by_subject = average_by_subject(values, scores)
    return bootstrap_mean(by_subject.tolist(), [str(name) for name in by_subject.index], seed=seed)
