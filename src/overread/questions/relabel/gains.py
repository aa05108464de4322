"""What each way of training gained over no correction, and whether that can be told from luck.

A gain is a difference of two ways of training, subject by subject and repeat by repeat. With several folds its interval
comes from its own repeats and folds. On one split the trainings of a single difference are too few, so that the luck of
a training is measured over all ways of training of the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from overread.evaluation.estimate import RunVariance, estimate_mean, pool_run_variance
from overread.evaluation.results import Estimate
from overread.evaluation.significance import adjust_holm
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict, judge
from overread.questions.relabel.results import CorrectionCell, Outcome
from overread.questions.relabel.scores import CorrectionScores, Measure, Training, bootstrap_subjects

_MEASURES: tuple[Measure, ...] = ("clean_dice", "noisy_dice", "excess")

_OUTCOMES: Mapping[Verdict, Outcome] = {
    "learnt too little": "learnt too little",
    "cannot tell": "cannot tell",
    "no difference that matters": "no difference that matters",
    "yes": "gained",
    "the wrong way round": "lost",
}


def judge_gain(
    gain: Estimate | None, *, matters: float, has_learnt: bool = True, corrected_p: float | None = None
) -> Outcome:
    """What a gain says; the arguments are those of `judge`."""
    if not has_learnt:
        return "learnt too little"
    if gain is None:
        return "unknown"
    return _OUTCOMES[judge(gain, matters=matters, corrected_p=corrected_p)]


def summarise_cells(
    scores: CorrectionScores,
    trainings: Sequence[Training],
    *,
    folds: int,
    matters: float,
    skills: Mapping[str, Skill],
    seed: int,
) -> tuple[CorrectionCell, ...]:
    """Summarise every way of training, in the given order, and judge all gains together.

    Args:
        scores: Dice of the held-out cases.
        trainings: noise, correction and method of each.
        folds: rounds of the cross-validation.
        matters: smallest difference of Dice that is called one.
        skills: by noise, how much the networks without correction have learnt; those of a noise that is not named have.
        seed: of the descriptive bootstrap.
    """
    estimator = Estimator.measure(scores, trainings, folds)
    cells = [_summarise(estimator, training, seed) for training in trainings]
    learnt = [cell.noise not in skills or skills[cell.noise].has_learnt for cell in cells]
    judged = zip(cells, learnt, strict=True)
    corrected = adjust_holm([cell.gain.p_value if cell.gain and has_learnt else None for cell, has_learnt in judged])
    return tuple(
        _judge(cell, matters, has_learnt, p) for cell, has_learnt, p in zip(cells, learnt, corrected, strict=True)
    )


@dataclass(frozen=True)
class Estimator:
    """Estimates from the scores of a run, see the head of this module.

    Attributes:
        scores: Dice of the held-out cases.
        pooled: by measure, how much trainings differ over all ways of training; empty where folds tell that.
    """

    scores: CorrectionScores
    pooled: Mapping[Measure, RunVariance | None]

    @classmethod
    def measure(cls, scores: CorrectionScores, trainings: Sequence[Training], folds: int) -> Self:
        """Measure how much trainings differ.

        Args:
            scores: Dice of the held-out cases.
            trainings: all ways of training of the run.
            folds: rounds of the cross-validation.
        """
        if folds > 1:
            return cls(scores, {})
        gathered = {
            measure: [scores.gather(scores.read(training, measure)) for training in trainings] for measure in _MEASURES
        }
        return cls(
            scores,
            {name: pool_run_variance([one for one in found if one is not None]) for name, found in gathered.items()},
        )

    def estimate(self, wide: pd.DataFrame, measure: Measure, *, trainings: int) -> Estimate | None:
        """The mean over subjects; None where no case has a value.

        Args:
            wide: a measure of one way of training, or a difference of two.
            measure: which one.
            trainings: 1, or 2 for a difference.
        """
        gathered, runs = self.scores.gather(wide), self.pooled.get(measure)
        if gathered is None:
            return None
        return estimate_mean(gathered, run_variance=None if runs is None else runs.scale(trainings))

    def compare(self, training: Training, measure: Measure) -> Estimate | None:
        """A way of training minus no correction on the same labels; None for the latter, and without a common case."""
        noise, correction, _ = training
        if correction in ("clean", "none"):
            return None
        without = self.scores.read((noise, "none", ""), measure)
        return self.estimate(self.scores.read(training, measure) - without, measure, trainings=2)


def _summarise(estimator: Estimator, training: Training, seed: int) -> CorrectionCell:
    scores, (noise, correction, method) = estimator.scores, training
    clean, noisy = (scores.read(training, measure).mean(axis=1) for measure in ("clean_dice", "noisy_dice"))
    return CorrectionCell(
        noise=noise,
        correction=correction,
        method=method,
        clean=bootstrap_subjects(clean, scores.subject_of, seed=seed),
        noisy=bootstrap_subjects(noisy, scores.subject_of, seed=seed),
        clean_std=float(clean.std(ddof=1)) if len(clean) > 1 else None,
        case_count=len(scores.list_cases(training)),
        clean_case_count=len(clean),
        gain=estimator.compare(training, "clean_dice"),
        corrected_p=None,
        outcome=None,
        noisy_gain=estimator.compare(training, "noisy_dice"),
        noisy_excess=estimator.estimate(scores.read(training, "excess"), "excess", trainings=1),
    )


def _judge(cell: CorrectionCell, matters: float, has_learnt: bool, corrected_p: float | None) -> CorrectionCell:
    if cell.correction in ("clean", "none"):
        return cell
    outcome = judge_gain(cell.gain, matters=matters, has_learnt=has_learnt, corrected_p=corrected_p)
    return cell.model_copy(update={"corrected_p": corrected_p, "outcome": outcome})
