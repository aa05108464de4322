"""The sentences that carry the findings, for every way in which they can turn out."""

import math
from collections import Counter
from collections.abc import Sequence

from overread.evaluation.results import Interval, LoadOrder
from overread.questions.rater_bias.page.load_contrast import (
    Effect,
    LoadContrast,
    compare_consistency,
    compare_size,
    is_reversed,
    judge_contrast,
)
from overread.questions.rater_bias.results import CrossEvaluation
from overread.report.answer import Answer
from overread.report.formatting import (
    NO_BREAK,
    format_count,
    format_dice,
    format_load,
    join_names,
    write_interval,
)
from overread.report.table import KeyFigure, show_interval


def word_answer(evaluation: CrossEvaluation, *, case_count: int, noun: str = "rater") -> Answer:
    """Answer the question of the report from the interval of the Dice gap.

    Args:
        evaluation: the numbers.
        case_count: cases that have both a same-source and a cross-source Dice.
        noun: what to call a source, "rater" or "source".
    """
    if len(evaluation.raters) < 2:
        return _word_single_source(evaluation, noun)
    gap, cross = evaluation.dice_gap, evaluation.cross_dice
    if gap is None or cross is None or not math.isfinite(gap.estimate):
        rest = f"no held-out case was outlined by two {noun}s and by a network trained on one of them."
        return Answer("no-answer", "The question could not be answered:", rest)
    held_out = format_count(case_count, "held-out case")
    means = f"mean Dice {format_dice(evaluation.same_dice.estimate)} against {format_dice(cross.estimate)}"
    if not _is_finite(gap):
        rest = f"the {held_out} are of one subject, so the uncertainty is unknown ({means})."
        return Answer("no-answer", "The question could not be answered:", rest)
    others = noun if len(evaluation.raters) == 2 else f"{noun}s"
    return _word_gap(
        gap,
        start=f"on {held_out} the networks",
        partners=(f"the {noun} that trained them", f"the other {others}"),
        numbers=f"{means}, a difference of {_word_interval(gap)}",
    )


def word_amplification(contrasts: Sequence[LoadContrast], *, unit: str, noun: str = "rater") -> str:
    """Say whether the networks differ in load more consistently, and by more, than the sources that trained them."""
    complete = [contrast for contrast in contrasts if contrast.is_complete]
    if not complete:
        return f"Loads cannot be compared: no case was outlined by two {noun}s and by both of their networks."
    if len(contrasts) == 1:
        return _word_one_contrast(complete[0], unit, noun)
    return _word_many_contrasts(complete, noun)


_CONSISTENCY = {"more": "more consistent", "equal": "as consistent", "less": "less consistent"}
_SIZE = {"more": "larger", "equal": "of the same size", "less": "smaller"}
_EFFECTS: dict[Effect, str] = {
    "amplified": "amplified it",
    "damped": "damped it",
    "mixed": "had mixed effects on it",
    "unchanged": "left it as it was",
    "reversed": "turned it round",
}


def _word_gap(gap: Interval, *, start: str, partners: tuple[str, str], numbers: str) -> Answer:
    own, others = partners
    if not gap.excludes_zero:
        rest = (
            f"{start} did not agree measurably better with {own} than with {others}: {numbers}. The interval includes "
            "0; this does not prove that there is no difference."
        )
        return Answer("not-shown", "No difference was shown:", rest)
    if gap.low > 0:
        return Answer("yes", "Yes:", f"{start} agreed better with {own} than with {others}: {numbers}.")
    rest = (
        f"{start} agreed less with {own} than with {others}: {numbers}. A network that takes over its trainer's habits "
        "would show the opposite; look for noisy labels or interchanged files first."
    )
    return Answer("reversed", "A difference was shown, but the wrong way round:", rest)


def _word_single_source(evaluation: CrossEvaluation, noun: str) -> Answer:
    same = evaluation.same_dice
    agreement = "could not be compared with it"
    if math.isfinite(same.estimate):
        agreement = f"agreed with it with a mean Dice of {_word_interval(same)}"
    rest = (
        f"only one {noun}, {evaluation.raters[0]}, was compared, so there is no other {noun} to hold its network "
        f"against. Its network {agreement}."
    )
    return Answer("no-answer", "This study cannot answer the question:", rest)


def _word_one_contrast(contrast: LoadContrast, unit: str, noun: str) -> str:
    relation, sources, networks = _describe_orders(contrast)
    of_sources, of_networks = format_load(contrast.source_difference), format_load(contrast.network_difference)
    return (
        f"{contrast.first} measured {relation} than {contrast.second} in {sources}; its network measured {relation} "
        f"than the other network in {networks}. The mean absolute difference was {of_sources} {unit} between the "
        f"{noun}s and {of_networks} {unit} between their networks. {_conclude(contrast, noun)}"
    )


def _describe_orders(contrast: LoadContrast) -> tuple[str, str, str]:
    sources, networks = contrast.source_order, contrast.network_order
    is_above = sources.above > sources.below
    return "more" if is_above else "less", _count(sources, is_above), _count(networks, is_above)


def _count(order: LoadOrder, is_above: bool) -> str:
    return f"{order.above if is_above else order.below} of {format_count(order.case_count, 'case')}"


def _conclude(contrast: LoadContrast, noun: str) -> str:
    if is_reversed(contrast):
        return f"The networks lie in the opposite order to the {noun}s, so they did not take over this difference."
    consistency, size = _CONSISTENCY[compare_consistency(contrast)], _SIZE[compare_size(contrast)]
    match judge_contrast(contrast):
        case "amplified":
            ending = f"{consistency} and {size}: training amplified it"
        case "damped":
            ending = f"{consistency} and {size}: training damped it"
        case "mixed":
            ending = f"{consistency} but {size}: no clear amplification"
        case _:
            ending = f"{consistency} and {size}: training neither amplified nor damped it"
    return f"Between the networks the difference is {ending}."


def _word_many_contrasts(contrasts: Sequence[LoadContrast], noun: str) -> str:
    effects = Counter(map(judge_contrast, contrasts))
    found = [f"{words} in {effects[effect]}" for effect, words in _EFFECTS.items() if effects[effect]]
    found[0] = found[0].replace(" it", " the difference in load", 1)
    kept = [contrast for contrast in contrasts if not is_reversed(contrast)]
    consistent = sum(compare_consistency(contrast) == "more" for contrast in kept)
    larger = sum(compare_size(contrast) == "more" for contrast in kept)
    return (
        f"Over {format_count(len(contrasts), 'pair')} of {noun}s, training {join_names(found)}. Between the "
        f"networks it was more consistent in {consistent} and larger in {larger}, in the order of their {noun}s."
    )


def _is_finite(interval: Interval) -> bool:
    return all(map(math.isfinite, (interval.estimate, interval.low, interval.high)))


def _word_interval(interval: Interval) -> str:
    estimate, bounds = write_interval(interval)
    if not _is_finite(interval):
        return f"{estimate} ({bounds})"
    return f"{estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {bounds})"


def list_keys(evaluation: CrossEvaluation, subject_count: int, *, noun: str) -> list[KeyFigure]:
    """The key figures of the page."""
    source_count = len(evaluation.raters)
    others = noun if source_count == 2 else f"{noun}s"
    consensus = f" and {len(evaluation.consensus)} consensus" if evaluation.consensus else ""
    cases = f"{format_count(len(evaluation.case_ids), 'case')} of {format_count(subject_count, 'subject')}"
    return [
        *show_interval(f"Dice with their own {noun}", evaluation.same_dice),
        *show_interval(f"Dice with the other {others}", evaluation.cross_dice),
        *show_interval("Difference", evaluation.dice_gap),
        KeyFigure("Compared", f"{format_count(source_count, noun)}{consensus}", (cases,)),
    ]
