"""The sentences that carry the findings of `label-noise`, for every way in which they can turn out."""

import math

from overread.evaluation.results import Interval
from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.findings import MARGIN
from overread.questions.label_noise.results import ErrorMode, LabelNoiseEvaluation
from overread.questions.label_noise.slopes import BOUNDARY_MODES, OTHER_MODES
from overread.report.answer import Answer, Mark
from overread.report.formatting import (
    ABSENT,
    NO_BREAK,
    format_count,
    format_number,
    join_names,
    write_interval,
)
from overread.report.table import KeyFigure, show_interval

_STEPS = (0.10, 0.05, 0.02, 0.01)
_ROUNDING = 0.005
_KINDS: tuple[ErrorMode, ...] = ("boundary", *OTHER_MODES)


def choose_step(evaluation: LabelNoiseEvaluation) -> float:
    """Loss of label Dice in which costs are told: the largest of 0.10, 0.05, 0.02 and 0.01 that was about reached."""
    worst = 1 - min(variant.achieved_dice for variant in evaluation.variants)
    return next((step for step in _STEPS if step <= worst + _ROUNDING), _STEPS[-1])


def find_cost(evaluation: LabelNoiseEvaluation, kind: ErrorMode, step: float) -> Interval | None:
    """Test Dice that a loss of `step` of label Dice costs, over all networks; None where the kind was not tried."""
    slope = evaluation.find_pooled_slope(kind)
    if slope is None:
        return None
    estimate, low, high = (step * value for value in (slope.estimate, slope.low, slope.high))
    return Interval(estimate=estimate, low=low, high=high, confidence=slope.confidence)


def word_noise_answer(evaluation: LabelNoiseEvaluation) -> Answer:
    """Answer "how much do imperfect labels matter?" from the slopes over all networks."""
    step = choose_step(evaluation)
    costs = {kind: find_cost(evaluation, kind, step) for kind in _KINDS}
    known = {kind: cost for kind, cost in costs.items() if cost is not None}
    if not known:
        rest = "no network was trained both on the clean labels and on imperfect ones."
        return Answer("no-answer", "The question could not be answered:", rest)
    subject = "the network" if len(evaluation.networks) == 1 else "the networks"
    phrases: list[str] = []
    for kind, cost in known.items():
        opening = f"{name_kind(evaluation, kind)} errors that lower label Dice by {step:.2f}"
        whom = f" {subject}"
        if phrases:
            opening, whom = f"{name_kind(evaluation, kind)} errors of the same size", ""
        phrases.append(f"{opening} {_word_cost(cost, whom)}")
    return Answer(*_word_lead(evaluation, known), f"{'; '.join(phrases)}.")


def word_error_kinds(evaluation: LabelNoiseEvaluation, *, dimensions: int) -> tuple[tuple[str, str], ...]:
    """Name and description of the paper's kinds of errors, and of the others that were tried."""
    tried, voxels = {slope.mode for slope in evaluation.slopes}, "voxels" if dimensions == 3 else "pixels"
    told = [mode for mode in MODES.values() if mode.strength is not None or mode.name in tried]
    return tuple((mode.name, mode.description.format(voxels=voxels)) for mode in told)


def word_redraw(evaluation: LabelNoiseEvaluation) -> str:
    """Say whether errors were fixed or drawn anew, and what that means."""
    if evaluation.redraw == "never":
        return "The errors were fixed: each case kept one imperfect mask through all epochs, as real label errors do."
    return (
        "The errors were drawn anew in every epoch, so that a network saw many versions of each mask and could average "
        "them out. Real label errors stay the same and can hurt more."
    )


def name_kind(evaluation: LabelNoiseEvaluation, kind: ErrorMode) -> str:
    """A kind of error in a sentence; boundary errors go by their mode where only one was tried."""
    tried = [mode for mode in BOUNDARY_MODES if evaluation.find_pooled_slope(mode) is not None]
    return tried[0] if kind == "boundary" and len(tried) == 1 else kind


def describe_cost(cost: Interval) -> Mark:
    """Whether a cost was shown ("yes"), turned out as a gain ("reversed"), was not shown, or is unknown."""
    if not math.isfinite(cost.low):
        return "no-answer"
    if not cost.excludes_zero:
        return "not-shown"
    return "yes" if cost.low > 0 else "reversed"


_LEADS: dict[Mark, str] = {
    "yes": "{} errors matter",
    "reversed": "{} errors raised the Dice",
    "not-shown": "no loss was shown for {} errors",
    "no-answer": "the loss by {} errors has no known uncertainty",
}


_LITTLE = "{} errors matter, but little"
"""In place of "matter" where the whole interval of the cost lies below `MARGIN`."""


def _word_lead(evaluation: LabelNoiseEvaluation, costs: dict[ErrorMode, Interval]) -> tuple[Mark, str]:
    groups: dict[str, list[str]] = {}
    verdicts = sorted((list(_LEADS).index(describe_cost(cost)), kind) for kind, cost in costs.items())
    for place, kind in verdicts:
        verdict = list(_LEADS)[place]
        words = _LITTLE if verdict == "yes" and costs[kind].high <= MARGIN else _LEADS[verdict]
        groups.setdefault(words, []).append(name_kind(evaluation, kind))
    lead = f"{'; '.join(words.format(join_names(kinds)) for words, kinds in groups.items())}:"
    return list(_LEADS)[verdicts[0][0]], lead[0].upper() + lead[1:]


def _word_cost(cost: Interval, whom: str) -> str:
    estimate, bounds = write_interval(cost)
    numbers = f"{estimate} Dice ({100 * cost.confidence:g}{NO_BREAK}% interval {bounds})"
    match describe_cost(cost):
        case "yes":
            return f"cost{whom} {numbers}"
        case "reversed":
            gain = Interval(estimate=-cost.estimate, low=-cost.high, high=-cost.low, confidence=cost.confidence)
            estimate, bounds = write_interval(gain)
            return f"gained{whom} {estimate} Dice ({100 * cost.confidence:g}{NO_BREAK}% interval {bounds})"
        case "not-shown":
            return f"cost{whom} an estimated {numbers}, an interval that includes 0"
        case _:
            return f"cost{whom} an estimated {estimate} Dice (interval unknown, all cases are of one subject)"


def list_keys(evaluation: LabelNoiseEvaluation, subject_count: int) -> list[KeyFigure]:
    """The key figures of the page."""
    step = choose_step(evaluation)
    networks = format_count(len(evaluation.networks), "architecture")
    labels = format_count(len(evaluation.variants), "set")
    title = f"Dice lost per {step:.2f} of label Dice"
    return [
        *_list_controls(evaluation),
        *show_interval(f"{title}, boundary errors", find_cost(evaluation, "boundary", step)),
        *show_interval(f"{title}, random errors", find_cost(evaluation, "random", step)),
        KeyFigure(
            "Networks trained", format_number(count_trained(evaluation), 0), (f"{networks}, {labels} of labels",)
        ),
        KeyFigure(
            "Held-out cases",
            format_number(len(evaluation.case_ids), 0),
            (f"of {format_count(subject_count, 'subject')}",),
        ),
    ]


def count_trained(evaluation: LabelNoiseEvaluation) -> int:
    """Number of trainings that gave a network."""
    return sum(cell.training_count for cell in evaluation.cells)


def _list_controls(evaluation: LabelNoiseEvaluation) -> list[KeyFigure]:
    title = "Dice after clean labels"
    means = [evaluation.find_cell(network, CONTROL).mean for network in evaluation.networks]
    known = [mean for mean in means if mean is not None]
    if not known:
        return [KeyFigure(title, ABSENT, ("no control network",))]
    if len(evaluation.networks) == 1:
        return show_interval(title, known[0])
    estimates = [mean.estimate for mean in known]
    written = f"{format_number(min(estimates), 2)} to {format_number(max(estimates), 2)}"
    return [KeyFigure(title, written, (f"means of {format_count(len(known), 'architecture')}",))]
