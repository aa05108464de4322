"""The sentences that carry the findings of `relabel`, for every way in which they can turn out."""

from collections.abc import Mapping

from overread.evaluation.estimate import MOST_FOLDS
from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict
from overread.questions.relabel.evaluation import choose_repair, find_gain, find_outcome
from overread.questions.relabel.page.tables import name_noise
from overread.questions.relabel.results import LabelRepair, Outcome, RelabelEvaluation
from overread.report.answer import Answer, Mark
from overread.report.formatting import format_count, format_dice, format_number, format_percent, join_names
from overread.report.judgement import (
    LUCK,
    LUCK_OF_FOLDS,
    LUCK_OF_ONE_SPLIT,
    MARKS,
    Advice,
    Claim,
    list_design,
    word_verdict,
)
from overread.report.table import KeyFigure, show_interval

_CLAIM = Claim(
    holds="networks agree better with clean labels after relabelling than without correction",
    reversed="networks agree less with clean labels after relabelling than without correction",
    hint="Below is what relabelling did to the labels.",
)
_VERDICTS: Mapping[Outcome, Verdict] = {
    "gained": "yes",
    "lost": "the wrong way round",
    "no difference that matters": "no difference that matters",
    "cannot tell": "cannot tell",
    "learnt too little": "learnt too little",
}
_PHRASES: Mapping[Outcome, str] = {
    "learnt too little": "cannot be judged, as networks learnt too little,",
    "gained": "made networks better",
    "lost": "made networks worse",
    "no difference that matters": "made no difference that matters",
    "cannot tell": "cannot be told from luck",
    "unknown": "cannot be judged",
}


def word_relabel_answer(evaluation: RelabelEvaluation) -> Answer:
    """Answer "do networks gain by relabelling noisy labels?", over all kinds of labels together.

    With several kinds it names their outcomes, and `list_answers` has the numbers.
    """
    answers = list_answers(evaluation)
    if len(answers) == 1:
        return next(iter(answers.values()))
    outcomes = {noise: find_outcome(evaluation, noise) for noise in answers}
    marks = {answer.verdict for answer in answers.values()}
    lead = f"Relabelling {_word_outcomes(outcomes)}:"
    return Answer(_choose_mark(marks), lead, "the numbers of each kind of labels follow.")


def list_answers(evaluation: RelabelEvaluation) -> dict[str, Answer]:
    """By noise, what the networks gained by relabelling with the main method."""
    return {noise.name: _word_answer(evaluation, noise.name) for noise in evaluation.noises}


def _word_answer(evaluation: RelabelEvaluation, noise: str) -> Answer:
    outcome, gain = find_outcome(evaluation, noise), find_gain(evaluation, noise)
    if outcome == "learnt too little":
        return _word_too_little(evaluation.skills[noise], has_clean=bool(evaluation.clean_source))
    if gain is None or outcome == "unknown":
        lead = "Whether networks gained by relabelling is unknown:"
        return Answer("no-answer", lead, f"{_explain_unknown(evaluation, noise)}.")
    advice = advise(evaluation)
    return word_verdict(_VERDICTS[outcome], gain, claim=_CLAIM, matters=evaluation.matters, advice=advice)


def _word_too_little(skill: Skill, *, has_clean: bool) -> Answer:
    labels = "clean labels" if has_clean else "the labels that they learnt"
    rest = (
        f"without correction they reach a Dice of {format_dice(skill.own)} with {labels}; a mask that ignores the "
        f"image gets {format_dice(skill.guess)}. No verdict."
    )
    return Answer(MARKS["learnt too little"], "The networks learnt too little to show what relabelling does:", rest)


def _explain_unknown(evaluation: RelabelEvaluation, noise: str) -> str:
    if not evaluation.clean_source:
        return "there are no clean labels to compare with"
    if choose_repair(evaluation, noise) is None:
        return "no training with relabelling left any masks"
    return "no held-out case with a clean mask was predicted both with relabelling and without correction"


def _word_outcomes(outcomes: Mapping[str, Outcome]) -> str:
    groups = {
        phrase: [name_noise(noise) for noise in outcomes if outcomes[noise] == outcome]
        for outcome, phrase in _PHRASES.items()
    }
    groups = {phrase: noises for phrase, noises in groups.items() if noises}
    if len(groups) == 1:
        return next(iter(groups)).rstrip(",")
    return join_names([f"{phrase} for {join_names(noises)}" for phrase, noises in groups.items()])


def _choose_mark(marks: set[Mark]) -> Mark:
    if len(marks) == 1:
        return next(iter(marks))
    return "reversed" if "reversed" in marks else "not-shown"


_FEWEST_OF_ONE_SPLIT = 4
"""Degrees of freedom of the luck of a training that one split needs for an interval."""


def advise(evaluation: RelabelEvaluation) -> Advice:
    """What would let the study tell: fewer folds where there are too many, else more repeats."""
    setting, growth = _choose_setting(evaluation)
    done = count_trained(evaluation)
    trainings = round(growth * (done + len(evaluation.missing)))
    seconds = sum(one.training_seconds for one in evaluation.plain)
    seconds += sum(one.training_seconds + one.uncertainty_seconds for one in evaluation.watched)
    return Advice(
        setting=setting,
        trainings=f"{format_count(trainings, 'training')} in all",
        seconds=trainings * seconds / done if done else None,
    )


def _choose_setting(evaluation: RelabelEvaluation) -> tuple[str, float]:
    """The fewest repeats that give an interval, or one more than there were; with how many times as many trainings."""
    if evaluation.folds > MOST_FOLDS:
        return f"correction: {{folds: {MOST_FOLDS}}} in the preset", MOST_FOLDS / evaluation.folds
    if evaluation.folds > 1:
        fewest = 3 if evaluation.folds == 2 else 2
    else:
        fewest = 1 + max(1, -(-_FEWEST_OF_ONE_SPLIT // len(evaluation.cells)))
    repeats = max(fewest, evaluation.repeats + 1)
    return f"repeats={repeats}", repeats / evaluation.repeats


def word_labels(evaluation: RelabelEvaluation) -> str:
    """Say what became of the labels themselves, by noise; empty where no mask was relabelled."""
    repairs = {noise.name: choose_repair(evaluation, noise.name) for noise in evaluation.noises}
    told = [f"{name_noise(noise)}: {_word_repair(repair)}" for noise, repair in repairs.items() if repair]
    return f"What became of the labels. {_capitalise('; '.join(told))}." if told else ""


def _word_repair(repair: LabelRepair) -> str:
    if repair.kept_count == repair.case_count:
        return (
            "every mask was left alone, for too much would have changed, so that no label explains a difference "
            "between the networks"
        )
    if not (repair.before and repair.after):
        return word_kept(repair)
    before, after = format_dice(repair.before.estimate), format_dice(repair.after.estimate)
    return (
        f"their Dice with clean labels went from {before} to {after} "
        f"({repair.improved_count} of {format_count(repair.clean_case_count, 'case')} better, "
        f"{repair.worsened_count} worse)"
    )


def word_disagreement(evaluation: RelabelEvaluation) -> str:
    """Say where training masks and new source changed in different directions; empty where they did not."""
    parts = []
    for noise in evaluation.noises:
        pair = [evaluation.find_repair(noise.name, evaluation.methods[0], kind) for kind in ("training", "source")]
        training, new = (repair.gain if repair else None for repair in pair)
        if training and new and training.estimate * new.estimate < 0:
            parts.append(
                f"these are the masks of the new source; those that the networks went on with for "
                f"{name_noise(noise.name)} changed the other way, by {format_dice(training.estimate)}"
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


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def choose_luck(evaluation: RelabelEvaluation) -> str:
    """What the intervals of gains allow for."""
    if evaluation.folds == 1:
        return LUCK_OF_ONE_SPLIT
    return LUCK if evaluation.repeats > 1 else LUCK_OF_FOLDS


def list_design_keys(evaluation: RelabelEvaluation) -> list[KeyFigure]:
    """The design of the study by the first gain that is known, of D_noisy where no D_clean is; else nothing."""
    estimate = _find_headline(evaluation)
    if estimate is None:
        return []
    return list_design(estimate, training_count=count_trained(evaluation), matters=evaluation.matters)


def _find_headline(evaluation: RelabelEvaluation) -> Estimate | None:
    cells = [evaluation.find_cell(noise.name, "relabel", evaluation.methods[0]) for noise in evaluation.noises]
    gains = [cell.gain for cell in cells if cell] + [cell.noisy_gain for cell in cells if cell]
    return next((gain for gain in gains if gain is not None), None)


def list_keys(evaluation: RelabelEvaluation, subject_count: int) -> list[KeyFigure]:
    """The key figures of the page, of the first noise; no gain of networks that learnt too little."""
    first = evaluation.noises[0].name
    repair, reference = choose_repair(evaluation, first), evaluation.find_cell("", "clean")
    is_judged = find_outcome(evaluation, first) != "learnt too little"
    labels, gain = "Label Dice, relabelled minus noisy", "Held-out Dice, relabelling minus no correction"
    return [
        *show_interval(gain, find_gain(evaluation, first) if is_judged else None, name_noise(first)),
        *show_interval(labels, repair.gain if repair else None, "subjects only", name_noise(first)),
        *show_interval("Held-out Dice after clean labels", reference.clean if reference else None, "subjects only"),
        KeyFigure(
            "Cases",
            format_number(len(evaluation.case_ids), 0),
            (f"of {format_count(subject_count, 'subject')}",),
        ),
    ]


def count_trained(evaluation: RelabelEvaluation) -> int:
    """Number of trainings that gave a network."""
    return len(evaluation.watched) + len(evaluation.plain)
