"""The sentence that answers the question, for every way in which it can turn out, and the figures beside it."""

import math
from collections.abc import Sequence

from overread.questions.rater_bias.results import CrossEvaluation
from overread.report.answer import Answer
from overread.report.formatting import format_count, format_interval
from overread.report.judgement import BETTER_DESIGN_TRAININGS, Advice, Claim, word_too_little, word_verdict
from overread.report.table import KeyFigure, show_interval
from overread.training.result import TrainingResult

SUBJECTS_ONLY = "subjects only"
"""Said of intervals that leave out the luck of training."""


def word_answer(evaluation: CrossEvaluation, *, advice: Advice, noun: str = "rater") -> Answer:
    """Answer the question of the report in the words of its verdict.

    Args:
        evaluation: the numbers.
        advice: what would let the study tell.
        noun: what to call a source, "rater" or "source".
    """
    if evaluation.verdict == "learnt too little":
        return word_too_little(evaluation.rater_skills, noun=noun)
    if len(evaluation.raters) < 2:
        return _word_single_source(evaluation, noun)
    if evaluation.dice_gap is None:
        rest = f"no held-out case was outlined by two {noun}s and by a network trained on one of them."
        return Answer("no-answer", "The question could not be answered:", rest)
    return word_verdict(
        evaluation.verdict,
        evaluation.dice_gap,
        claim=_claim(noun, noun if len(evaluation.raters) == 2 else f"{noun}s"),
        matters=evaluation.matters.dice,
        advice=advice,
    )


def advise(trainings: Sequence[TrainingResult], *, noun: str = "rater") -> Advice:
    """What would let the study tell, and how long that takes, judged by the trainings of the run.

    Args:
        trainings: of the run; as many label sets as these have learnt are learnt anew.
        noun: what to call a source.
    """
    amount = f"{BETTER_DESIGN_TRAININGS} trainings per {noun}"
    if not trainings:
        return Advice(trainings=amount)
    mean = sum(result.duration_seconds for result in trainings) / len(trainings)
    label_count = len({result.job.labels for result in trainings})
    return Advice(trainings=amount, seconds=BETTER_DESIGN_TRAININGS * label_count * mean)


def count_raters_trainings(trainings: Sequence[TrainingResult], raters: Sequence[str]) -> int:
    """The trainings that the answer rests on: those of the raters' own labels alone."""
    return sum(result.job.labels in raters for result in trainings)


def list_keys(evaluation: CrossEvaluation, subject_count: int, *, noun: str) -> list[KeyFigure]:
    """The key figures of the page; without a difference where the networks learnt too little to show one."""
    source_count = len(evaluation.raters)
    others = noun if source_count == 2 else f"{noun}s"
    consensus = f" and {len(evaluation.consensus)} consensus" if evaluation.consensus else ""
    cases = f"{format_count(len(evaluation.case_ids), 'case')} of {format_count(subject_count, 'subject')}"
    gap = None if evaluation.verdict == "learnt too little" else evaluation.dice_gap
    return [
        *show_interval(f"Dice with their own {noun}", evaluation.same_dice, SUBJECTS_ONLY),
        *show_interval(f"Dice with the other {others}", evaluation.cross_dice, SUBJECTS_ONLY),
        *show_interval("Difference", gap),
        KeyFigure("Compared", f"{format_count(source_count, noun)}{consensus}", (cases,)),
    ]


def _claim(noun: str, others: str) -> Claim:
    return Claim(
        holds=f"the networks agree better with the {noun} that trained them than with the other {others}",
        reversed=f"the networks agree less with the {noun} that trained them than with the other {others}",
        hint=(
            "A network that takes over its trainer's habits would show the opposite; look for noisy labels or "
            "interchanged files first."
        ),
    )


def _word_single_source(evaluation: CrossEvaluation, noun: str) -> Answer:
    same = evaluation.same_dice
    agreement = "could not be compared with it"
    if math.isfinite(same.estimate):
        agreement = f"agreed with it with a mean Dice of {format_interval(same)}; {SUBJECTS_ONLY}"
    rest = (
        f"only one {noun}, {evaluation.raters[0]}, was compared, so there is no other {noun} to hold its network "
        f"against. Its network {agreement}."
    )
    return Answer("no-answer", "This study cannot answer the question:", rest)
