"""The sentences that carry the findings of `crowd-disagreement`, for every way in which they can turn out."""

from overread.evaluation.results import Interval
from overread.questions.crowd_disagreement.feature_sets import COMBINED, CONSENSUS, DISAGREEMENT
from overread.questions.crowd_disagreement.results import CrowdEvaluation, FeatureSetScore, PermutationTest
from overread.report.answer import Answer
from overread.report.formatting import NO_BREAK, format_number, format_p, join_names
from overread.report.table import KeyFigure

LEVEL = 0.05
"""Disagreement counts as better than chance where p is below this."""

_CHANCE = 0.5
_DECIMALS = 2


def write_auc(interval: Interval) -> str:
    """Write an AUC, or a difference of two, with its interval: "0.78 (0.65 to 0.90)"."""
    return f"{format_number(interval.estimate, _DECIMALS)} ({write_bounds(interval)})"


def write_bounds(interval: Interval) -> str:
    """Write the interval of an AUC: "0.65 to 0.90"."""
    return f"{format_number(interval.low, _DECIMALS)} to {format_number(interval.high, _DECIMALS)}"


def _find_whole(evaluation: CrowdEvaluation) -> FeatureSetScore:
    """The score of everything that was measured: all ratings, or disagreement and mean load."""
    return evaluation.find_score("all" if evaluation.table.kind == "ratings" else COMBINED)


def is_better_than_chance(test: PermutationTest) -> bool:
    """Whether p, corrected where several measures are tested, lies below LEVEL."""
    return (test.p if test.p_holm is None else test.p_holm) < LEVEL


def word_crowd_answer(evaluation: CrowdEvaluation) -> Answer:
    """Answer "can the outcome be told from the ratings, and from disagreement alone?"."""
    whole, alone = _find_whole(evaluation), evaluation.find_score(DISAGREEMENT)
    consensus, test = evaluation.find_score(CONSENSUS), evaluation.find_test(DISAGREEMENT)
    is_told, is_informative = whole.auc.low > _CHANCE, is_better_than_chance(test)
    origin = "the ratings" if evaluation.table.kind == "ratings" else "disagreement and load of the masks"
    level = f"{100 * evaluation.settings.confidence:g}{NO_BREAK}%"
    rest = (
        f"{whole.title.lower()} give an AUC of {write_auc(whole.auc)}, disagreement alone {write_auc(alone.auc)}, "
        f"{_name_consensus(evaluation)} {write_auc(consensus.auc)} ({level} intervals; 0.5 is chance). Against chance, "
        f"disagreement alone has {format_p(test.p)} in a permutation test."
    )
    return Answer(
        "yes" if is_informative else "not-shown", _word_lead(evaluation, origin, is_told, is_informative), rest
    )


def list_keys(evaluation: CrowdEvaluation) -> list[KeyFigure]:
    """The key figures of the page."""
    is_ratings = evaluation.table.kind == "ratings"
    test, outcome = evaluation.find_test(DISAGREEMENT), evaluation.outcome
    orders = f"{format_number(test.permutations, 0)} random orders"
    classes = (
        f"{outcome.positive_count} with {outcome.column} {outcome.positive}, "
        f"{outcome.negative_count} with {outcome.negative}"
    )
    return [
        _show_auc("all ratings" if is_ratings else "disagreement and mean load", _find_whole(evaluation)),
        _show_auc("mean ratings" if is_ratings else "mean load", evaluation.find_score(CONSENSUS)),
        _show_auc("disagreement alone", evaluation.find_score(DISAGREEMENT)),
        KeyFigure("Disagreement against chance", format_p(test.p), (orders,)),
        KeyFigure("Cases", format_number(evaluation.case_count, 0), (classes,)),
    ]


def _show_auc(title: str, score: FeatureSetScore) -> KeyFigure:
    estimate = format_number(score.auc.estimate, _DECIMALS)
    return KeyFigure(f"AUC, {title}", estimate, (write_bounds(score.auc),))


def word_gain(evaluation: CrowdEvaluation) -> str:
    """Say whether disagreement adds to the consensus."""
    gain = evaluation.gain
    change = f"changes the AUC by {write_auc(gain)}"
    if not gain.excludes_zero:
        verdict = "no gain was shown"
    else:
        verdict = "the two together tell more" if gain.low > 0 else "the consensus alone tells more"
    return f"Adding disagreement to {_name_consensus(evaluation)} {change}: {verdict}."


def word_measures(evaluation: CrowdEvaluation) -> str:
    """Say which single measures of disagreement are better than chance; empty where there is only one."""
    single = [test for test in evaluation.tests if test.key != DISAGREEMENT]
    if len(single) < 2:
        return ""
    better = [test.title.removesuffix(" alone").lower() for test in single if is_better_than_chance(test)]
    if not better:
        return "No single measure of disagreement was shown to be better than chance after correction for their number."
    return f"Better than chance by itself, after correction for the number of measures: {join_names(better)}."


def _word_lead(evaluation: CrowdEvaluation, origin: str, is_told: bool, is_informative: bool) -> str:
    column = f"“{evaluation.outcome.column}”"
    if is_told and is_informative:
        return f"{column} can be told from {origin}, and better than by chance from disagreement alone:"
    if is_told:
        return f"{column} can be told from {origin}; from disagreement alone this was not shown:"
    if is_informative:
        return f"Disagreement alone tells {column} better than chance, though all features together were not shown to:"
    return f"It was not shown that {column} can be told from {origin}:"


def _name_consensus(evaluation: CrowdEvaluation) -> str:
    return "the mean ratings" if evaluation.table.kind == "ratings" else "the mean load"
