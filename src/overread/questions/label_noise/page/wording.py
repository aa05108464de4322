"""The sentences that carry the findings of `label-noise`, for every way in which they can turn out."""

from collections.abc import Mapping

from overread.evaluation.design import FEWEST_CONDITIONS
from overread.evaluation.results import Estimate, Obstacle
from overread.evaluation.verdict import Verdict, may_be_less
from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.results import (
    ErrorMode,
    LabelNoiseEvaluation,
    NoiseCost,
    NoiseDecision,
    name_architecture,
)
from overread.questions.label_noise.slopes import BOUNDARY_MODES
from overread.report.answer import Answer, Mark
from overread.report.formatting import (
    ABSENT,
    NO_BREAK,
    format_count,
    format_dice,
    format_number,
    join_names,
)
from overread.report.judgement import LUCK, LUCK_OF_FOLDS, LUCK_OF_ONE_SPLIT, MARKS, write_estimate
from overread.report.table import KeyFigure, show_interval


def word_noise_answer(evaluation: LabelNoiseEvaluation) -> Answer:
    """Answer "how much do imperfect labels matter?" from the slopes over all networks."""
    if not evaluation.has_learnt:
        return _word_too_little(evaluation)
    if not evaluation.costs:
        rest = "no network was trained both on the clean labels and on imperfect ones."
        return Answer("no-answer", "The question could not be answered:", rest)
    subject = "the network" if len(evaluation.networks) == 1 else "the networks"
    phrases: list[str] = []
    for found in evaluation.costs:
        opening = f"{name_kind(evaluation, found.kind)} errors that lower label Dice by {evaluation.step:.2f}"
        whom = f" {subject}"
        if phrases:
            opening, whom = f"{name_kind(evaluation, found.kind)} errors of the same size", ""
        phrases.append(f"{opening} {_word_cost(found, whom, evaluation.matters)}")
    return Answer(*_word_lead(evaluation), f"{'; '.join(phrases)}.{_advise(evaluation)}")


def _word_too_little(evaluation: LabelNoiseEvaluation) -> Answer:
    network, skill = min(evaluation.skills.items(), key=lambda item: item[1].value)
    slow = [name for name, one in evaluation.skills.items() if not one.has_learnt]
    leave = "" if len(slow) == len(evaluation.networks) else f", or leave {join_names(slow)} out of networks"
    rest = (
        f"{name_architecture(network)} reaches Dice {format_dice(skill.own)} with the clean labels that it learnt; a "
        f"mask that ignores the image gets {format_dice(skill.guess)}. No verdict. Train for longer{leave}."
    )
    return Answer("no-answer", "The networks learnt too little to show what label errors cost:", rest)


_DESIGN = f"repeats=2 and {FEWEST_CONDITIONS} or more networks × labels"
_OBSTACLES: Mapping[Obstacle, str] = {
    "": "",
    "few subjects": " Fewer than 6 subjects were held out, too few for an interval that holds what it says.",
    "few trainings": f" The trainings are too few to tell a cost from luck in training. Run with {_DESIGN}.",
    "many folds": " No interval is known to hold for more than 5 folds. Run with folds=5 or fewer.",
}


def _advise(evaluation: LabelNoiseEvaluation) -> str:
    """What would let the study tell, where it cannot."""
    obstacle = evaluation.costs[0].cost.obstacle
    if obstacle or evaluation.repeats > 1 or all(cost.verdict != "cannot tell" for cost in evaluation.costs):
        return _OBSTACLES[obstacle]
    return " Every network was trained once per fold, so the intervals are wide. Run with repeats=2."


def word_luck(evaluation: LabelNoiseEvaluation) -> str:
    """Say what the intervals allow for, by the design."""
    if not any(cell.mean is not None and cell.mean.is_valid for cell in evaluation.cells):
        return "No interval is given: none would hold what it says with so few subjects or trainings."
    if not evaluation.run_stds:
        return LUCK_OF_FOLDS
    text = LUCK_OF_ONE_SPLIT if evaluation.folds == 1 else LUCK
    luck = (
        f" The luck of one training is measured for each architecture over all its labels, where these are "
        f"{FEWEST_CONDITIONS} or more, and else over all networks × labels, of which there are "
        f"{evaluation.condition_count}."
    )
    return text + luck


def _write_luck(evaluation: LabelNoiseEvaluation) -> str:
    """The run standard deviations of the architectures, from the smallest to the largest."""
    if not evaluation.run_stds:
        return "not measured"
    written = (
        format_number(value, 3) for value in (min(evaluation.run_stds.values()), max(evaluation.run_stds.values()))
    )
    return " to ".join(dict.fromkeys(written))


def list_design(evaluation: LabelNoiseEvaluation) -> list[KeyFigure]:
    """The design as key figures: what the answer rests on and what it could have found; empty without costs."""
    if not evaluation.costs:
        return []
    headline = evaluation.costs[0].cost
    design = f"{format_count(evaluation.folds, 'fold')} × {format_count(evaluation.repeats, 'repeat')}"
    return [
        KeyFigure("Held-out subjects", str(headline.subject_count)),
        KeyFigure("Trainings", format_number(count_trained(evaluation), 0), (design,)),
        *(_show_detectable(evaluation, found) for found in evaluation.costs),
        KeyFigure(
            "Luck of one training",
            _write_luck(evaluation),
            ("standard deviation of a fold's mean Dice between repeats, by architecture",),
        ),
        KeyFigure("Counts as a difference", f"{evaluation.matters:g}", ("of Dice",)),
    ]


def _show_detectable(evaluation: LabelNoiseEvaluation, found: NoiseCost) -> KeyFigure:
    value = format_number(found.cost.smallest_detectable, 3) if found.cost.is_valid else "unknown"
    notes = (f"per {evaluation.step:.2f} of label Dice", "found by about three of four such studies")
    return KeyFigure(f"Smallest detectable cost, {name_kind(evaluation, found.kind)} errors", value, notes)


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


def word_decision(evaluation: LabelNoiseEvaluation) -> str:
    """Say of the largest loss how much is outlined and what is left at the best threshold; empty without one."""
    found = [
        (cell.loss, cell, cell.decision)
        for cell in evaluation.cells
        if cell.loss is not None and cell.decision is not None and cell.decision.loss is not None
    ]
    if not found or not evaluation.has_learnt:
        return ""
    loss, cell, decision = max(found, key=lambda entry: entry[0].estimate)
    assert decision.loss is not None, "those without are left out"
    control = evaluation.find_cell(cell.network, CONTROL).decision
    before = f" ({_write_ratio(control)} after clean labels)" if control is not None else ""
    return (
        f"The largest loss, that of the {name_architecture(cell.network)} on {cell.variant}, may be a moved decision: "
        f"predicted {evaluation.load_name} {_write_ratio(decision)}{before}, and at the best threshold the loss is "
        f"{_write_dice(decision.loss)}, at the preset's {format_dice(loss.estimate)}."
    )


def _write_ratio(decision: NoiseDecision) -> str:
    ratio = decision.load_ratio
    return "unknown" if ratio is None else f"{format_number(ratio.estimate, 2)}{NO_BREAK}× true"


def name_kind(evaluation: LabelNoiseEvaluation, kind: ErrorMode) -> str:
    """A kind of error in a sentence; boundary errors go by their mode where only one was tried."""
    tried = [mode for mode in BOUNDARY_MODES if evaluation.find_pooled_slope(mode) is not None]
    return tried[0] if kind == "boundary" and len(tried) == 1 else kind


_LEADS: Mapping[Verdict, str] = {
    "yes": "{} errors matter",
    "the wrong way round": "{} errors raised the Dice",
    "no difference that matters": "{} errors make no difference that matters",
    "cannot tell": "whether {} errors matter cannot be told",
}


def _word_lead(evaluation: LabelNoiseEvaluation) -> tuple[Mark, str]:
    groups: dict[Verdict, list[str]] = {
        verdict: [name_kind(evaluation, cost.kind) for cost in evaluation.costs if cost.verdict == verdict]
        for verdict in _LEADS
    }
    told = {verdict: kinds for verdict, kinds in groups.items() if kinds}
    lead = f"{'; '.join(_LEADS[verdict].format(join_names(kinds)) for verdict, kinds in told.items())}:"
    return MARKS[next(iter(told))], lead[0].upper() + lead[1:]


def _word_cost(found: NoiseCost, whom: str, matters: float) -> str:
    numbers = _write_dice(found.cost)
    match found.verdict:
        case "yes":
            less = f", which may be less than {matters:g}" if may_be_less(found.cost, matters=matters) else ""
            return f"cost{whom} {numbers}{less}"
        case "the wrong way round":
            return f"gained{whom} {_write_dice(found.cost.scale(-1))}"
        case "no difference that matters":
            return f"cost{whom} {numbers}, within the {matters:g} below which this page calls nothing a difference"
        case _:
            return f"cost{whom} an estimated {numbers}{_word_doubt(found)}"


def _write_dice(cost: Estimate) -> str:
    """Write a cost with its interval: "0.060 Dice (95 % interval 0.040 to 0.080)"."""
    estimate, bounds = write_estimate(cost).split(" (", 1)
    return f"{estimate} Dice ({bounds}"


def _word_doubt(found: NoiseCost) -> str:
    if not found.cost.is_valid:
        return ""
    correction = ", which is not clear of 0 for several kinds of error together" if found.cost.excludes_zero else ""
    detectable = format_number(found.cost.smallest_detectable, 3)
    return f"{correction}, where such a study finds {detectable} three times out of four"


def list_keys(evaluation: LabelNoiseEvaluation, subject_count: int) -> list[KeyFigure]:
    """The key figures of the page."""
    networks = format_count(len(evaluation.networks), "architecture")
    labels = format_count(len(evaluation.variants), "set")
    return [
        *_list_controls(evaluation),
        *(figure for found in evaluation.costs for figure in _show_cost(evaluation, found)),
        KeyFigure(
            "Networks trained", format_number(count_trained(evaluation), 0), (f"{networks}, {labels} of labels",)
        ),
        KeyFigure(
            "Held-out cases",
            format_number(len(evaluation.case_ids), 0),
            (f"of {format_count(subject_count, 'subject')}",),
        ),
    ]


def _show_cost(evaluation: LabelNoiseEvaluation, found: NoiseCost) -> list[KeyFigure]:
    title = f"Dice lost per {evaluation.step:.2f} of label Dice, {name_kind(evaluation, found.kind)} errors"
    return show_interval(title, found.cost)


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
