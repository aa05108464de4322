"""The sentences that carry the findings of `crowd-disagreement`, for every way in which they can turn out."""

from overread.evaluation.results import Interval
from overread.evaluation.verdict import Verdict
from overread.questions.crowd_disagreement.feature_sets import COMBINED, CONSENSUS, DISAGREEMENT
from overread.questions.crowd_disagreement.results import (
    CHANCE,
    LEVEL,
    CrowdEvaluation,
    FeatureSetScore,
    PermutationTest,
)
from overread.report.answer import Answer
from overread.report.formatting import NO_BREAK, format_count, format_number, format_p, join_names
from overread.report.judgement import MARKS
from overread.report.table import KeyFigure

LUCK = (
    "The tests fit every random order anew, so that they allow for the luck of which cases were learnt from and held "
    "out. They are valid for other cases of this kind; they say nothing about other raters."
)
"""For the headline of the page."""
_DECIMALS = 2


def write_auc(interval: Interval) -> str:
    """Write an AUC, or a difference of two, with its interval: "0.78 (0.65 to 0.90)"."""
    return f"{format_number(interval.estimate, _DECIMALS)} ({write_bounds(interval)})"


def write_bounds(interval: Interval) -> str:
    """Write the interval of an AUC: "0.65 to 0.90"."""
    return f"{format_number(interval.low, _DECIMALS)} to {format_number(interval.high, _DECIMALS)}"


def is_shown(test: PermutationTest) -> bool:
    """Whether p, corrected where several measures are tested, lies below LEVEL."""
    return (test.p if test.p_holm is None else test.p_holm) < LEVEL


def word_crowd_answer(evaluation: CrowdEvaluation) -> Answer:
    """Answer whether disagreement tells the outcome: of ratings by itself, of masks beyond their size."""
    is_ratings = evaluation.table.kind == "ratings"
    rest = _word_ratings(evaluation) if is_ratings else _word_masks(evaluation)
    lead = _word_lead(evaluation.verdict, f"“{evaluation.outcome.column}”", is_ratings=is_ratings)
    return Answer(MARKS[evaluation.verdict], lead, rest)


def _word_lead(verdict: Verdict, column: str, *, is_ratings: bool) -> str:
    claim = f"disagreement alone tells {column}" if is_ratings else f"disagreement adds to size in telling {column}"
    if verdict == "yes":
        return f"Yes: {claim}."
    if verdict == "no difference that matters":
        size = "disagreement alone is near chance" if is_ratings else "disagreement adds little to size"
        return f"No difference that matters: {size} in telling {column}."
    return f"Cannot tell whether {claim}."


def _word_ratings(evaluation: CrowdEvaluation) -> str:
    whole, alone = evaluation.find_score("all"), evaluation.find_score(DISAGREEMENT)
    consensus = evaluation.find_score(CONSENSUS)
    return (
        f"Disagreement alone gives an AUC of {write_auc(alone.auc)}, {whole.title.lower()} {write_auc(whole.auc)}, the "
        f"mean ratings {write_auc(consensus.auc)} ({_write_level(evaluation)} intervals; {CHANCE} is chance). Against "
        f"chance, disagreement alone has {format_p(evaluation.main_test.p)} in a permutation test."
        f"{_word_size(evaluation)}"
    )


def _word_masks(evaluation: CrowdEvaluation) -> str:
    both, size = evaluation.find_score(COMBINED), evaluation.find_score(CONSENSUS)
    level = _write_level(evaluation)
    return (
        f"Size alone (the mean load) gives an AUC of {write_auc(size.auc)}, size and disagreement "
        f"{write_auc(both.auc)}, a gain of {write_auc(evaluation.gain)} ({level} intervals; {CHANCE} is chance). In a "
        f"permutation test of what size leaves unexplained of disagreement the gain has "
        f"{format_p(evaluation.main_test.p)}.{_word_size(evaluation)}"
    )


def _write_level(evaluation: CrowdEvaluation) -> str:
    return f"{100 * evaluation.settings.confidence:g}{NO_BREAK}%"


def _word_size(evaluation: CrowdEvaluation) -> str:
    """What the smallest effect that matters says of the interval; empty where nothing."""
    effect, matters = evaluation.effect, evaluation.matters
    what = f"the {CHANCE + matters:g}" if evaluation.table.kind == "ratings" else f"the gain of {matters:g}"
    if evaluation.verdict == "no difference that matters":
        return f" That is below {what} that this page calls one that matters."
    return f" It may be less than {what} that matters." if evaluation.verdict == "yes" and effect.low < matters else ""


def list_design(evaluation: CrowdEvaluation) -> list[KeyFigure]:
    """The design of the study as key figures."""
    settings, outcome = evaluation.settings, evaluation.outcome
    is_ratings = evaluation.table.kind == "ratings"
    classes = (
        f"{outcome.positive_count} with {outcome.column} {outcome.positive}, "
        f"{outcome.negative_count} with {outcome.negative}"
    )
    orders = f"{format_number(evaluation.main_test.permutations, 0)} random orders"
    folds = f"{format_count(settings.folds, 'fold')} × {format_count(settings.repeats, 'repeat')}"
    smallest = f"{CHANCE + evaluation.matters:g}" if is_ratings else f"{evaluation.matters:g}"
    return [
        KeyFigure("Cases", format_number(evaluation.case_count, 0), (classes,)),
        KeyFigure("Cross-validation", folds),
        KeyFigure("Test", format_p(evaluation.main_test.p), (orders,)),
        KeyFigure("Smallest AUC that matters" if is_ratings else "Smallest gain that matters", smallest),
    ]


def list_keys(evaluation: CrowdEvaluation) -> list[KeyFigure]:
    """The key figures of the page."""
    if evaluation.table.kind == "ratings":
        titles = {"all": "all ratings", CONSENSUS: "mean ratings", DISAGREEMENT: "disagreement alone"}
    else:
        titles = {
            CONSENSUS: "size alone",
            COMBINED: "size and disagreement",
            DISAGREEMENT: "disagreement freed of size",
        }
    return [_show_auc(title, evaluation.find_score(key)) for key, title in titles.items()]


def _show_auc(title: str, score: FeatureSetScore) -> KeyFigure:
    estimate = format_number(score.auc.estimate, _DECIMALS)
    return KeyFigure(f"AUC, {title}", estimate, (write_bounds(score.auc),))


def word_gain(evaluation: CrowdEvaluation) -> str:
    """Say how far disagreement adds to the mean ratings; empty for masks, whose answer says it."""
    if evaluation.table.kind == "sources":
        return ""
    gain = evaluation.gain
    if not gain.excludes_zero:
        end = "whether it adds to them cannot be told"
    else:
        end = "the two together tell more" if gain.low > 0 else "the mean ratings alone tell more"
    return f"Adding disagreement to the mean ratings changes the AUC by {write_auc(gain)}: {end}."


def word_measures(evaluation: CrowdEvaluation) -> str:
    """Say which single measures of disagreement are better than chance, or than size; empty where there is only one."""
    single = [test for test in evaluation.tests if test.p_holm is not None]
    if len(single) < 2:
        return ""
    against = "chance" if evaluation.table.kind == "ratings" else "what size explains"
    titles = [test.title.removesuffix(" alone").removesuffix(", freed of size").lower() for test in single]
    better = [title for title, test in zip(titles, single, strict=True) if is_shown(test)]
    if not better:
        return f"Of no single measure it can be told that it is better than {against}, corrected for their number."
    return f"Better than {against} by itself, after correction for the number of measures: {join_names(better)}."
