"""Why the gate refuses or holds a challenger, and what it lets through, for the registry and the console."""

from overread.evaluation.results import Interval
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.figures import GateFigures
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS, FURTHER_LOSS, GateSettings
from overread.report.formatting import format_percent


def word_reasons(figures: GateFigures, settings: GateSettings) -> list[str]:
    """Why a challenger is refused, a sentence each."""
    found = [_word_too_little(figures.skill)] if figures.skill and figures.has_learnt_too_little else []
    if figures.has_few_subjects:
        return found
    difference, bias = figures.dice_difference, figures.load_bias
    if difference is not None and settings.judge_difference(difference) == "refuse":
        found.append(f"Its Dice is lower than {_word_margin(figures, difference, settings)}")
    if bias is not None and settings.judge_load_bias(bias) == "refuse":
        found.append(f"Its load bias lies beyond {_word_limit(bias, settings)}")
    return found


def word_doubts(figures: GateFigures, settings: GateSettings) -> list[str]:
    """What leaves it open whether a challenger may be promoted, a sentence each."""
    if figures.has_learnt_too_little:
        return []
    if figures.has_few_subjects:
        return [_word_few_subjects(figures.subject_count)]
    difference, bias, found = figures.dice_difference, figures.load_bias, []
    if difference is not None and settings.judge_difference(difference) == "hold":
        found.append(f"It may be that its Dice is lower than {_word_margin(figures, difference, settings)}")
    if bias is None:
        found.append("The load bias cannot be told: the reference has labelled no voxel of the cases that count.")
    elif settings.judge_load_bias(bias) == "hold":
        found.append(f"It may be that its load bias lies beyond {_word_limit(bias, settings)}")
    return found


def _word_too_little(skill: Skill) -> str:
    return (
        f"It learnt too little: its Dice is {skill.own:.3f}, that of a mask which ignores the image {skill.guess:.3f}; "
        f"this is a skill of {skill.value:z.2f}, and {skill.limit:g} is asked for."
    )


def _word_few_subjects(count: int) -> str:
    only = f"Only {count} held-out subject{'' if count == 1 else 's'} count{'s' if count == 1 else ''}"
    return f"{only}, and with fewer than {FEWEST_SUBJECTS} nothing can be told."


def _word_margin(figures: GateFigures, difference: Interval, settings: GateSettings) -> str:
    best = f"that of the best champion so far, version {figures.anchor}"
    return f"{best}, by more than {settings.dice_margin:g}: {_write(difference)}."


def _word_limit(bias: Interval, settings: GateSettings) -> str:
    return f"±{settings.load_bias_limit:g} of the reference's mean load: {_write(bias)}."


def _write(interval: Interval) -> str:
    bounds = f"{interval.low:+z.3f} to {interval.high:+z.3f}"
    return f"{interval.estimate:+z.3f}, {100 * interval.confidence:g} % interval {bounds}"


def describe_chances(figures: GateFigures, settings: GateSettings) -> str:
    """What the gate lets through with as many subjects that vary as much, as a sentence; empty where that is unknown.

    The worst subject stands beside it: rare large losses make the chances larger than they are told.
    """
    chances, worst, difference = figures.chances, figures.worst, figures.dice_difference
    if chances is None or worst is None or difference is None:
        return ""
    margin = settings.dice_margin
    return (
        f"With {figures.subject_count} subjects that vary like these (SD {figures.difference_std:.3f}), the comparison "
        f"of Dice lets through {format_percent(chances.equal)} of networks that are as good as version "
        f"{figures.anchor}, {format_percent(chances.at_margin)} of those worse by {margin:g} and "
        f"{format_percent(chances.beyond)} of those worse by "
        f"{margin + FURTHER_LOSS:g}. Worst subject: {worst.subject_id}, {worst.difference:+z.3f}, beside a mean of "
        f"{difference.estimate:+z.3f}."
    )
