"""The sentences that carry the findings of `label-noise`, for every way in which they can turn out."""

import math

from overread.evaluation.results import Interval
from overread.questions.label_noise.findings import MARGIN
from overread.questions.label_noise.results import ErrorMode, LabelNoiseEvaluation
from overread.questions.label_noise.slopes import BOUNDARY_MODES, OTHER_MODES
from overread.report.answer import Answer, Verdict
from overread.report.formatting import NO_BREAK, join_names, write_interval

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


def describe_cost(cost: Interval) -> Verdict:
    """Whether a cost was shown ("yes"), turned out as a gain ("reversed"), was not shown, or is unknown."""
    if not math.isfinite(cost.low):
        return "no-answer"
    if not cost.excludes_zero:
        return "not-shown"
    return "yes" if cost.low > 0 else "reversed"


_LEADS: dict[Verdict, str] = {
    "yes": "{} errors matter",
    "reversed": "{} errors raised the Dice",
    "not-shown": "no loss was shown for {} errors",
    "no-answer": "the loss by {} errors has no known uncertainty",
}


_LITTLE = "{} errors matter, but little"
"""In place of "matter" where the whole interval of the cost lies below `MARGIN`."""


def _word_lead(evaluation: LabelNoiseEvaluation, costs: dict[ErrorMode, Interval]) -> tuple[Verdict, str]:
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
