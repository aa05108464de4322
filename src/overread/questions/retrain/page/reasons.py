"""Why the gate refused a challenger, and of what it is not sure, in plain words."""

import re

from overread.evaluation.results import Interval
from overread.questions.retrain.gate import GateSettings
from overread.questions.retrain.page.gate import (
    is_known,
    judge_difference,
    judge_load_bias,
    write_bias,
    write_difference,
    write_limit,
)
from overread.questions.retrain.records import NetworkDecision, NetworkJudgement
from overread.report.formatting import MINUS, NO_BREAK, WrittenInterval, format_count

_HYPHEN_AS_MINUS = re.compile(r"(?<![\w-])-(?=\d)")


def word_reasons(decision: NetworkDecision) -> tuple[str, ...]:
    """Why a challenger was refused, a sentence each; empty where it was not.

    What was written down by another run, or is not about the gate's figures, is repeated as it is.
    """
    if decision.is_promoted:
        return ()
    if decision.reasons == decision.judgement.figures.reasons:
        return _word_figures(decision.judgement)
    return tuple(_HYPHEN_AS_MINUS.sub(MINUS, reason) for reason in decision.reasons)


def word_cautions(judged: NetworkJudgement) -> tuple[str, ...]:
    """Which bounds a challenger keeps to, but not surely, a sentence each."""
    difference, bias, settings = judged.figures.dice_difference, judged.figures.load_bias, judged.settings
    found = []
    if difference is not None and judge_difference(difference, settings) == "unsure":
        found.append(_word_dice(difference, settings, "may be"))
    if bias is not None and judge_load_bias(bias, settings) == "unsure":
        found.append(_word_load_bias(bias, judged, "may be"))
    return tuple(found)


def _word_figures(judged: NetworkJudgement) -> tuple[str, ...]:
    figures, settings = judged.figures, judged.settings
    difference, bias = figures.dice_difference, figures.load_bias
    if figures.case_count < settings.min_cases:
        return (_word_few_cases(judged),)
    found = []
    if difference is not None and judge_difference(difference, settings) == "not kept":
        found.append(_word_dice(difference, settings, "is"))
    if bias is None:
        found.append(
            f"Its load bias cannot be told: {judged.network.reference} outlines nothing in the cases that count."
        )
    elif judge_load_bias(bias, settings) == "not kept":
        found.append(_word_load_bias(bias, judged, "are"))
    return tuple(found)


def _word_few_cases(judged: NetworkJudgement) -> str:
    count, network = judged.figures.case_count, judged.network
    only = format_count(count, "held-out case") + (" counts" if count == 1 else " count")
    least = format_count(judged.settings.min_cases, "is", "are") + " asked for"
    if not judged.other_cases:
        return f"Only {only}, and {least}: {network.reference} has outlined no more of them."
    others = format_count(len(judged.other_cases), "does", "do")
    return (
        f"Only {only}, and {least}. {others} not count, because {network.reference}'s mask of "
        f"{'it' if len(judged.other_cases) == 1 else 'them'} is new or was changed since the champion was judged."
    )


def _word_dice(difference: Interval, settings: GateSettings, verb: str) -> str:
    written = _write(difference, write_difference(difference, settings))
    return (
        f"Its Dice {verb} lower than the champion's by more than {settings.dice_margin:g}: the difference is {written}."
    )


def _word_load_bias(bias: Interval, judged: NetworkJudgement, verb: str) -> str:
    written = _write(bias, write_bias(bias, judged.settings))
    limit = write_limit(judged.settings)
    return f"Its loads {verb} off those of {judged.network.reference} by more than {limit}: the bias is {written}."


def _write(interval: Interval, written: WrittenInterval) -> str:
    if not is_known(interval):
        return f"{written.estimate}, of unknown uncertainty, since all cases that count are of one subject"
    return f"{written.estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {written.bounds})"
