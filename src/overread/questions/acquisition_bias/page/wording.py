"""The sentences that carry the findings of the acquisition probe, for every way in which they can turn out."""

import math
from collections.abc import Sequence

from overread.evaluation.confounding import Confounder, Confounding
from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.fold_aurocs import HOLM_LEVEL, SHUFFLE_LEVEL
from overread.questions.acquisition_bias.matching import Matching
from overread.questions.acquisition_bias.probe_settings import REGIONS
from overread.questions.acquisition_bias.results import (
    CHANCE,
    VARIANT_TITLES,
    AcquisitionEvaluation,
    AurocFall,
    VariantScore,
)
from overread.report.answer import Answer
from overread.report.formatting import NO_BREAK, format_count, format_number, format_p, format_percent, join_names
from overread.report.table import KeyFigure

LUCK = (
    "The intervals and tests of AUROCs within folds allow for two kinds of luck: which subjects were held out, and how "
    "each training turned out, measured together from how far the folds differ. They are valid for other subjects and "
    "other trainings of this kind; they say nothing about other columns or about a different kind of data."
)
"""For the headline of the page."""
_NEAR_ONE = 0.95
_MOST_NAMED = 4
_MOSTLY = 0.5


def word_acquisition_answer(evaluation: AcquisitionEvaluation) -> Answer:
    """Answer the question of the report from the tests of the regions."""
    target = evaluation.target
    told = [score for region in REGIONS if (score := evaluation.find_variant(region)) and score.test.is_told]
    subjects = format_count(evaluation.subject_count, "held-out subject")
    if not told:
        low, high = (format_number(value, 2) for value in evaluation.chance_band)
        rest = (
            f"on {subjects} no region was told clearly better than by chance ({_write_joint_p(evaluation)}). "
            f"Where nothing tells it, the AUROC of so few subjects lies anywhere from {low} to {high}, so this does "
            f"not show that nothing in the images tells it. {_advise(evaluation)}"
        )
        return Answer("not-shown", f"Cannot tell whether the images tell {target}:", rest)
    whole = evaluation.find_variant("whole")
    less = _word_less(told, evaluation)
    if whole is None or not whole.test.is_told:
        parts = join_names([VARIANT_TITLES[score.variant] for score in told])
        missed = "" if whole is None else f" For whole slices it cannot be said: {_word_test(whole)}."
        rest = f"on {subjects} a small network named it from {parts} better than by chance.{less}{missed}"
        return Answer("yes", f"Parts of the images tell {target}:", rest)
    rest = f"on {subjects} a small network named it from whole slices with {_word_test(whole)}.{less}"
    return Answer("yes", f"The images tell {target}:", rest)


def _word_less(told: Sequence[VariantScore], evaluation: AcquisitionEvaluation) -> str:
    matters = CHANCE + evaluation.matters
    return f" It may be less than {matters:g}." if max(one.test.auroc.low for one in told) < matters else ""


def _advise(evaluation: AcquisitionEvaluation) -> str:
    if evaluation.shuffles:
        return "More subjects would find more."
    return "More subjects would find more, as would probes trained on shuffled classes (shuffles: 39 in the preset)."


def _write_joint_p(evaluation: AcquisitionEvaluation) -> str:
    count = len(evaluation.variants)
    return f"smallest {format_p(evaluation.joint_p)}, corrected over {format_count(count, 'region')}"


def list_keys(evaluation: AcquisitionEvaluation) -> list[KeyFigure]:
    """The key figures of the page: AUROC within folds of every region."""
    return [_show_auroc(score) for score in evaluation.variants]


def list_design(evaluation: AcquisitionEvaluation, *, training_count: int) -> list[KeyFigure]:
    """The design of the study as key figures: what it rests on, and what chance alone gives.

    Args:
        evaluation: the numbers.
        training_count: probes that were trained in all.
    """
    low, high = (format_number(value, 2) for value in evaluation.chance_band)
    cases = f"with {format_count(evaluation.case_count, 'case')}"
    shuffles = (f"{format_count(evaluation.shuffles, 'shuffle')} among them",) if evaluation.shuffles else ()
    folds = f"{format_count(len(evaluation.variants), 'region')} × {format_count(evaluation.fold_count, 'fold')}"
    return [
        KeyFigure("Held-out subjects", str(evaluation.subject_count), (cases,)),
        KeyFigure("Trainings", str(training_count), (folds, *shuffles)),
        KeyFigure(
            "AUROC by chance alone",
            f"{low} to {high}",
            (f"{CHANCE} ± 2 standard deviations of {format_number(evaluation.chance_std, 2)}",),
        ),
        KeyFigure("Smallest AUROC that matters", f"{CHANCE + evaluation.matters:g}"),
    ]


def _show_auroc(score: VariantScore) -> KeyFigure:
    title = "body alone" if score.variant == "body" else VARIANT_TITLES[score.variant]
    notes = (write_bounds(score.test.auroc), f"{score.test.verdict}, {format_p(score.test.deciding_p)}")
    return KeyFigure(f"AUROC, {title}", format_number(score.test.auroc.estimate, 2), notes)


def word_rule(evaluation: AcquisitionEvaluation) -> str:
    """Say by which rule a region is told."""
    if evaluation.shuffles:
        return (
            f"A region is told where p is at most {SHUFFLE_LEVEL}: the share of {evaluation.shuffles} shuffles of the "
            "classes among subjects, the same for all regions and each with probes trained anew, in which the best "
            "region reaches its AUROC, the true classes counted as one of them."
        )
    return (
        f"A region is told where p is at most {HOLM_LEVEL}: of a one-sided t-test of the mean over folds that allows "
        "for the subjects that trainings share (Nadeau and Bengio 2003), never smaller than that of ranks within "
        "folds, and corrected over the regions (Holm)."
    )


def word_regions(evaluation: AcquisitionEvaluation, *, hidden_air_share: float | None) -> tuple[str, ...]:
    """Say where the probe looks: each region by itself, and how far AUROC falls on the body alone.

    Args:
        evaluation: the numbers.
        hidden_air_share: share of padding and air that the window of whole slices shows as black.
    """
    found = {region: evaluation.find_variant(region) for region in REGIONS}
    sentences = []
    outside, body, noise = found["outside"], found["body"], found["noise"]
    if outside is not None:
        sentence = _word_region("Padding and air alone, without the patient, tell", outside, evaluation.target)
        if outside.test.is_told and hidden_air_share is not None and hidden_air_share >= _MOSTLY:
            sentence += " The window of whole slices shows them black; a network with a wider window sees them."
        sentences.append(sentence)
    if body is not None:
        sentence = _word_region("The body alone tells", body, evaluation.target)
        fall = evaluation.find_fall("outside", "body")
        sentences.append(sentence if fall is None else f"{sentence} {_word_fall(fall, 'padding and air')}")
    if noise is not None:
        sentences.append(_word_region("The noise residue inside the body tells", noise, evaluation.target))
    return tuple(sentences)


def word_confounding(confounding: Confounding, target: str) -> str:
    """Warn of columns that go together with the target; empty where none does."""
    if not confounding.strong:
        return ""
    named = [f"{one.column} ({_write_v(one)})" for one in confounding.strong[:_MOST_NAMED]]
    more = len(confounding.strong) - _MOST_NAMED
    listed = join_names([*named, format_count(more, "further column")] if more > 0 else named)
    return (
        f"{target} is confounded with {listed}. These data cannot tell which of them the probe names, and what goes "
        "together with any of them can be learnt in its place."
    )


def word_matching(matching: Matching) -> str:
    """Say whether age and sex are alike in the classes."""
    columns = join_names(list(matching.columns))
    if matching.outcome == "no-columns":
        return "The case table has neither age nor sex, so the classes could not be matched by them."
    if matching.outcome == "impossible":
        return (
            f"Matching by {columns} was not possible: it would have left {format_percent(matching.kept_share)} of the "
            "subjects that it could leave at most, or too few for the folds. All subjects were used; differences of "
            f"{columns} between the classes may help the probe."
        )
    dropped = len(matching.dropped_cases)
    lost = "no case had to be left out" if not dropped else f"{format_count(dropped, 'case')} {_was(dropped)} left out"
    return f"The classes were matched by {columns}: {lost}."


def write_bounds(interval: Interval) -> str:
    """The bounds of an accuracy or AUROC: `0.84 to 0.96`."""
    return f"{format_number(interval.low, 2)} to {format_number(interval.high, 2)}"


def write_score(interval: Interval) -> str:
    """An accuracy or AUROC with its interval: `0.91 (95 % interval 0.84 to 0.96)`."""
    estimate = format_number(interval.estimate, 2)
    if math.isnan(interval.low):
        return f"{estimate} (no valid interval)"
    return f"{estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {write_bounds(interval)})"


def list_error_contrasts(evaluation: AcquisitionEvaluation) -> tuple[str, ...]:
    """Name the groupings of which two intervals over subjects do not overlap."""
    found = []
    for grouping in dict.fromkeys(entry.grouping for entry in evaluation.errors):
        rates = [entry.rate for entry in evaluation.errors if entry.grouping == grouping]
        if any(one.low > other.high for one in rates for other in rates):
            found.append(grouping)
    return tuple(found)


def word_errors(contrasts: Sequence[str]) -> str:
    """Say whether errors are spread evenly."""
    if not contrasts:
        return "Described, not tested: within each grouping all intervals over subjects overlap."
    named = join_names(list(contrasts))
    return f"Described, not tested: by {named} errors are spread so that intervals over subjects do not overlap."


def _word_test(score: VariantScore) -> str:
    return f"AUROC {write_score(score.test.auroc)}, {format_p(score.test.deciding_p)}"


def _word_region(start: str, score: VariantScore, target: str) -> str:
    if not score.test.is_told:
        start = start.removesuffix(" tells").removesuffix(" tell").removesuffix(",")
        return f"{start}: cannot tell. {_word_test(score)}."
    near = ", near 1" if score.test.auroc.estimate >= _NEAR_ONE else ""
    return f"{start} {target}: {_word_test(score)}{near}."


def _word_fall(fall: AurocFall, seen: str) -> str:
    size = format_number(abs(fall.difference.estimate), 2)
    low, high = (format_number(abs(value), 2) for value in (fall.difference.high, fall.difference.low))
    level = f"{100 * fall.difference.confidence:g}{NO_BREAK}%"
    if fall.verdict == "falls":
        return f"That is {size} less than with {seen} ({level} interval {low} to {high}, {format_p(fall.p_holm)})."
    if fall.verdict == "rises":
        return f"That is {size} more than with {seen} ({level} interval {high} to {low}, {format_p(fall.p_holm)})."
    verb = "higher" if fall.difference.estimate > 0 else "lower"
    end = "no difference that matters" if fall.verdict == "no difference that matters" else "which settles nothing"
    return f"That is {size} {verb} than with {seen} ({level} interval {_write_difference(fall.difference)}), {end}."


def _write_difference(difference: Interval) -> str:
    return f"{format_number(difference.low, 2)} to {format_number(difference.high, 2)}"


def _write_v(confounder: Confounder) -> str:
    return f"Cramér's V {format_number(confounder.corrected_v, 2)}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
