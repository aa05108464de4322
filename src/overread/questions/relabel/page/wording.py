"""The sentences that carry the findings of `relabel`, for every way in which they can turn out."""

import math
from collections.abc import Mapping

from overread.evaluation.results import Interval
from overread.questions.relabel.evaluation import choose_repair, find_gain, judge_outcome
from overread.questions.relabel.page.tables import name_noise
from overread.questions.relabel.results import LabelRepair, Outcome, RelabelEvaluation
from overread.report.answer import Answer, Mark
from overread.report.formatting import (
    NO_BREAK,
    format_count,
    format_dice,
    format_number,
    format_percent,
    join_names,
    write_interval,
)
from overread.report.table import KeyFigure, show_interval

_LABELS: Mapping[Outcome, str] = {
    "gained": "made the labels better",
    "lost": "made the labels worse",
    "undecided": "was not shown to make the labels better or worse",
    "unknown": "left no labels that can be judged",
}
_NETWORK: Mapping[Outcome, str] = {
    "gained": "gained",
    "lost": "lost",
    "undecided": "was not shown to gain or lose",
    "unknown": "cannot be judged",
}


def judge_labels(evaluation: RelabelEvaluation) -> dict[str, Outcome]:
    """Per noise, what relabelling with the main method did to the labels."""
    repairs = {noise.name: choose_repair(evaluation, noise.name) for noise in evaluation.noises}
    return {noise: repair.outcome if repair else "unknown" for noise, repair in repairs.items()}


def judge_networks(evaluation: RelabelEvaluation) -> dict[str, Outcome]:
    """Per noise, what relabelling with the main method did to the network."""
    return {noise.name: judge_outcome(find_gain(evaluation, noise.name)) for noise in evaluation.noises}


def word_relabel_answer(evaluation: RelabelEvaluation) -> Answer:
    """Answer "does relabelling repair noisy labels?": for the labels, and for the network that goes on with them.

    The outcomes are those of all noises, the numbers those of the first one that has any.
    """
    labels, networks = judge_labels(evaluation), judge_networks(evaluation)
    outcomes = {*labels.values(), *networks.values()}
    if outcomes == {"unknown"}:
        return Answer("no-answer", "Whether relabelling helped is unknown:", _explain_unknown(evaluation))
    lead = f"Relabelling {_word_outcomes(labels, _LABELS)}; the network {_word_outcomes(networks, _NETWORK)}:"
    numbers = next(phrase for noise in labels if (phrase := _word_numbers(evaluation, noise)))
    return Answer(_choose_verdict(outcomes), lead, f"{numbers}.")


def word_disagreement(evaluation: RelabelEvaluation) -> str:
    """Say where training masks and new source turned out differently; empty where they did not."""
    parts = []
    for noise in evaluation.noises:
        pair = [evaluation.find_repair(noise.name, evaluation.methods[0], kind) for kind in ("training", "source")]
        training, new = pair
        if training and new and training.outcome != new.outcome:
            parts.append(
                f"the masks of the new source for {name_noise(noise.name)} count here; relabelling "
                f"{_LABELS[training.outcome].replace('the labels', 'the masks that the networks went on with')}"
            )
    return f"{_capitalise('; '.join(parts))}." if parts else ""


def word_kept(repair: LabelRepair) -> str:
    """Say how much changed: "8 % of the labelled voxels changed; 1 case was left alone"."""
    parts = []
    if repair.changed_share is not None:
        parts.append(f"{format_percent(repair.changed_share)} of the labelled voxels changed")
    if repair.kept_count:
        left = "was" if repair.kept_count == 1 else "were"
        parts.append(f"{format_count(repair.kept_count, 'case')} {left} left alone, for too much would have changed")
    return "; ".join(parts) or "all masks were empty"


def _word_outcomes(outcomes: Mapping[str, Outcome], phrases: Mapping[Outcome, str]) -> str:
    groups = {
        phrase: [name_noise(n) for n in outcomes if outcomes[n] == outcome] for outcome, phrase in phrases.items()
    }
    groups = {phrase: noises for phrase, noises in groups.items() if noises}
    if len(groups) == 1:
        return next(iter(groups))
    return join_names([f"{phrase} for {join_names(noises)}" for phrase, noises in groups.items()])


def _word_numbers(evaluation: RelabelEvaluation, noise: str) -> str:
    repair, gain = choose_repair(evaluation, noise), find_gain(evaluation, noise)
    is_untouched = repair is not None and repair.kept_count == repair.case_count
    parts = []
    if is_untouched:
        parts.append("every mask was left alone, for too much would have changed")
    elif repair is not None and repair.before and repair.after and repair.gain:
        before, after = format_dice(repair.before.estimate), format_dice(repair.after.estimate)
        parts.append(f"label Dice went from {before} to {after}, a difference of {_write(repair.gain)}")
    if gain is not None:
        chance = ", which no label explains" if is_untouched else ""
        parts.append(f"the network's held-out Dice with clean labels changed by {_write(gain)}{chance}")
    return f"for {name_noise(noise)}, {', and '.join(parts)}" if parts else ""


def _write(interval: Interval) -> str:
    estimate, bounds = write_interval(interval)
    if not math.isfinite(interval.low):
        return f"{estimate} (interval unknown, all cases are of one subject)"
    return f"{estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {bounds})"


def _choose_verdict(outcomes: set[Outcome]) -> Mark:
    if "lost" in outcomes:
        return "reversed"
    return "yes" if outcomes == {"gained"} else "not-shown"


def _explain_unknown(evaluation: RelabelEvaluation) -> str:
    repairs = [(noise.name, choose_repair(evaluation, noise.name)) for noise in evaluation.noises]
    told = [f"for {name_noise(noise)}, {word_kept(repair)}" for noise, repair in repairs if repair]
    if not told:
        return "no training with relabelling left any masks."
    reason = (
        "there are no clean labels to compare with"
        if not evaluation.clean_source
        else "no relabelled case has a clean mask"
    )
    return f"{reason}. {_capitalise('; '.join(told))}."


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def list_keys(evaluation: RelabelEvaluation, subject_count: int) -> list[KeyFigure]:
    """The key figures of the page, of the first noise."""
    first = evaluation.noises[0].name
    repair, reference = choose_repair(evaluation, first), evaluation.find_cell("", "clean")
    labels, gain = "Label Dice, relabelled minus noisy", "Held-out Dice, relabelling minus no correction"
    return [
        *show_interval(labels, repair.gain if repair else None, name_noise(first)),
        *show_interval(gain, find_gain(evaluation, first), name_noise(first)),
        *show_interval("Held-out Dice after clean labels", reference.clean if reference else None),
        KeyFigure(
            "Trainings",
            format_number(count_trained(evaluation), 0),
            (f"{format_count(len(evaluation.noises), 'set')} of noisy labels",),
        ),
        KeyFigure(
            "Cases",
            format_number(len(evaluation.case_ids), 0),
            (f"of {format_count(subject_count, 'subject')}",),
        ),
    ]


def count_trained(evaluation: RelabelEvaluation) -> int:
    """Number of trainings that gave a network."""
    return len(evaluation.watched) + len(evaluation.plain)
