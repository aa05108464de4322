"""The sentences that carry the findings of the acquisition probe, for every way in which they can turn out."""

import math
from collections.abc import Sequence

from overread.evaluation.confounding import Confounder, Confounding
from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.matching import Matching
from overread.questions.acquisition_bias.probe_settings import REGIONS
from overread.questions.acquisition_bias.results import VARIANT_TITLES, AcquisitionEvaluation, VariantScore
from overread.report.answer import Answer
from overread.report.formatting import NO_BREAK, format_count, format_number, format_percent, join_names
from overread.report.table import KeyFigure

CHANCE = 0.5
"""AUROC of a probe that knows nothing."""
_NEAR_ONE = 0.95
_MOST_NAMED = 4
_MOSTLY = 0.5
_KEY_VARIANTS = ("whole", "outside", "body", "shuffled")


def word_acquisition_answer(evaluation: AcquisitionEvaluation) -> Answer:
    """Answer the question of the report from the intervals of the AUROCs."""
    target, shuffled = evaluation.target, evaluation.find_variant("shuffled")
    if shuffled is not None and is_told(shuffled):
        rest = (
            f"shuffled values of {target} were named with AUROC {write_score(shuffled.auroc)}, where "
            f"{CHANCE} is chance. Something is amiss, for example one subject under several names."
        )
        return Answer("no-answer", "The probe cannot be trusted here:", rest)
    told = [score for region in REGIONS if (score := evaluation.find_variant(region)) and is_told(score)]
    held_out = f"{format_count(evaluation.case_count, 'held-out case')}"
    if not told:
        rest = (
            f"on {held_out} no probe named {target} measurably better than chance. This does not prove that nothing "
            "in the images tells it."
        )
        return Answer("not-shown", f"It was not shown that the images tell {target}:", rest)
    whole = evaluation.find_variant("whole")
    if whole is None or not is_told(whole):
        parts = join_names([VARIANT_TITLES[score.variant] for score in told])
        missed = "" if whole is None else f" Whole slices were not shown to tell it: AUROC {write_score(whole.auroc)}."
        rest = f"on {held_out} a small network named it from {parts} better than chance.{missed}"
        return Answer("yes", f"Parts of the images tell {target}:", rest)
    baseline = "" if shuffled is None else f" Shuffled labels gave {format_number(shuffled.auroc.estimate, 2)}."
    rest = f"on {held_out} a small network named it from whole slices with {_word(whole)}.{baseline}"
    return Answer("yes", f"The images tell {target}:", rest)


def list_keys(evaluation: AcquisitionEvaluation) -> list[KeyFigure]:
    """The key figures of the page."""
    cases = format_number(evaluation.case_count, 0)
    subjects = format_count(evaluation.subject_count, "subject")
    tried = [score for variant in _KEY_VARIANTS if (score := evaluation.find_variant(variant))]
    return [*map(_show_auroc, tried), KeyFigure("Held-out cases", cases, (f"of {subjects}",))]


def _show_auroc(score: VariantScore) -> KeyFigure:
    title = "body alone" if score.variant == "body" else VARIANT_TITLES[score.variant]
    return KeyFigure(f"AUROC, {title}", format_number(score.auroc.estimate, 2), (write_bounds(score.auroc),))


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
        if is_told(outside) and hidden_air_share is not None and hidden_air_share >= _MOSTLY:
            sentence += " The window of whole slices shows them black; a network with a wider window sees them."
        sentences.append(sentence)
    if body is not None:
        sentence = _word_region("The body alone tells", body, evaluation.target)
        fall = evaluation.find_fall("outside", "body")
        sentences.append(sentence if fall is None else f"{sentence} {_word_fall(fall.difference, 'padding and air')}")
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


def is_told(score: VariantScore) -> bool:
    """Whether the whole interval of the AUROC lies above chance."""
    return score.auroc.low > CHANCE


def write_bounds(interval: Interval) -> str:
    """The bounds of an accuracy or AUROC: `0.84 to 0.96`."""
    return f"{format_number(interval.low, 2)} to {format_number(interval.high, 2)}"


def write_score(interval: Interval) -> str:
    """An accuracy or AUROC with its interval: `0.91 (95 % interval 0.84 to 0.96)`."""
    estimate = format_number(interval.estimate, 2)
    if math.isnan(interval.low):
        return f"{estimate} (interval unknown)"
    return f"{estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {write_bounds(interval)})"


def list_error_contrasts(evaluation: AcquisitionEvaluation) -> tuple[str, ...]:
    """Name the groupings whose rates of error differ: those of which two intervals do not overlap."""
    found = []
    for grouping in dict.fromkeys(entry.grouping for entry in evaluation.errors):
        rates = [entry.rate for entry in evaluation.errors if entry.grouping == grouping]
        if any(one.low > other.high for one in rates for other in rates):
            found.append(grouping)
    return tuple(found)


def word_errors(contrasts: Sequence[str]) -> str:
    """Say whether errors are spread evenly."""
    if not contrasts:
        return "No group was shown to be named worse than another: within each grouping all intervals overlap."
    return f"Errors are unevenly spread by {join_names(list(contrasts))}: intervals of some groups do not overlap."


def _word(score: VariantScore) -> str:
    return f"AUROC {write_score(score.auroc)} and an accuracy of {format_percent(score.accuracy.estimate)}"


def _word_region(start: str, score: VariantScore, target: str) -> str:
    if not is_told(score):
        verb = "tell" if start.endswith("tell") else "tells"
        start = start.removesuffix(verb) + ("were not shown to tell" if verb == "tell" else "was not shown to tell")
        return f"{start} {target}: AUROC {write_score(score.auroc)}."
    near = ", near 1" if score.auroc.estimate >= _NEAR_ONE else ""
    return f"{start} {target}: AUROC {write_score(score.auroc)}{near}."


def _word_fall(difference: Interval, seen: str) -> str:
    size = format_number(abs(difference.estimate), 2)
    low, high = (format_number(abs(value), 2) for value in (difference.high, difference.low))
    if difference.high < 0:
        level = f"{100 * difference.confidence:g}{NO_BREAK}%"
        return f"That is {size} less than with {seen} ({level} interval {low} to {high})."
    verb = "higher" if difference.estimate > 0 else "lower"
    return f"That is {size} {verb} than with {seen}, a difference that the interval does not settle."


def _write_v(confounder: Confounder) -> str:
    return f"Cramér's V {format_number(confounder.corrected_v, 2)}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
