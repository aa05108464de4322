"""Studies in which nothing is to be found, drawn by the thousand, and how often a method finds something.

The noise of subjects and cases is skewed to the left, as that of Dice is, a subject has one to four cases, and every
training has a luck of its own. `STATISTICS_TRIALS` sets how many studies of each kind are drawn.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.estimate import SubjectScores, estimate_mean
from overread.evaluation.results import Interval

TRIALS = int(os.environ.get("STATISTICS_TRIALS", "1000"))

Draw = Callable[[np.random.Generator], SubjectScores]
Method = Callable[[SubjectScores], Interval]


@dataclass(frozen=True)
class Design:
    """Subjects, rounds of the cross-validation, trainings per round."""

    subjects: int
    folds: int
    repeats: int

    @property
    def fold_of(self) -> NDArray[np.int64]:
        """The round that holds each subject out."""
        return np.arange(self.subjects) % self.folds

    def __str__(self) -> str:
        return f"{self.subjects} subjects, {self.folds} folds x {self.repeats}"


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a difference of Dice: of a case, of a training, of a round beyond both."""

    case: float = 0.05
    run: float = 0.02
    fold: float = 0.0
    correlation: float = 0.5
    noise: float = 0.02


def draw_skewed(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Noise of mean 0 and standard deviation 1 with a long tail on the left."""
    return -(rng.gamma(1.2, size=count) - 1.2) / np.sqrt(1.2)


def draw_study(rng: np.random.Generator, design: Design, spread: Spread) -> SubjectScores:
    """A study whose true difference is 0."""
    cases = rng.integers(1, 5, design.subjects)
    own = draw_skewed(rng, design.subjects) * np.sqrt(spread.correlation)
    within = np.array([draw_skewed(rng, count).mean() for count in cases]) * np.sqrt(1 - spread.correlation)
    luck = rng.normal(size=(design.folds, design.repeats)) * spread.run
    luck += rng.normal(size=(design.folds, 1)) * spread.fold
    noise = rng.normal(size=(design.subjects, design.repeats)) * spread.noise / np.sqrt(cases)[:, None]
    values = spread.case * (own + within)[:, None] + luck[design.fold_of] + noise
    return SubjectScores(values, design.fold_of)


def draw_exchangeable_raters(rng: np.random.Generator, design: Design, seed_std: float) -> SubjectScores:
    """Own minus other rater, where a network learns the mean offset of its rater and the raters are alike.

    The offsets of both raters come from one distribution, so whatever a network learns says nothing about a held-out
    case. Rounds share training cases, as those of a real cross-validation do.
    """
    offsets = rng.normal(size=(2, design.subjects))
    learnt = _learn(rng, design, offsets, seed_std)
    errors = np.abs(learnt[:, None] - offsets[None, :, :, None])
    gaps = [errors[network, 1 - network] - errors[network, network] for network in (0, 1)]
    return SubjectScores(np.mean(gaps, axis=0), design.fold_of)


def draw_equal_label_noise(
    rng: np.random.Generator, design: Design, seed_std: float, noise: float = 2.0
) -> SubjectScores:
    """The difference of two regimes whose labels bear two draws of the same noise, each of which the network learns."""
    truth = rng.normal(size=design.subjects)
    labels = truth + noise * rng.normal(size=(2, design.subjects))
    errors = np.abs(_learn(rng, design, labels, seed_std) - truth[None, :, None])
    return SubjectScores(errors[0] - errors[1], design.fold_of)


def _learn(
    rng: np.random.Generator, design: Design, labels: NDArray[np.float64], seed_std: float
) -> NDArray[np.float64]:
    """Mean label over the training subjects of the round that holds a subject out, (2, n, R), with luck."""
    total, fold_of = labels.sum(axis=1), design.fold_of
    held_out = np.stack([np.bincount(fold_of, weights=row) for row in labels])
    counts = design.subjects - np.bincount(fold_of)
    means = (total[:, None] - held_out) / counts
    luck = rng.normal(size=(2, design.folds, design.repeats)) * seed_std
    return (means[:, :, None] + luck)[:, fold_of]


def list_rejections(draw: Draw, method: Method, *, seed: int, trials: int = TRIALS) -> Iterator[bool]:
    """Whether the interval of each study leaves out the true value, 0."""
    rng = np.random.default_rng(seed)
    for _ in range(trials):
        yield method(draw(rng)).excludes_zero


def measure_error(draw: Draw, method: Method = estimate_mean, *, seed: int = 0, trials: int = TRIALS) -> float:
    """Share of studies whose interval leaves out the true value, 0."""
    return float(np.mean(list(list_rejections(draw, method, seed=seed, trials=trials))))


def bootstrap_subjects(scores: SubjectScores) -> Interval:
    """The interval that leaves out the luck of training: a bootstrap over subjects of the mean over repeats."""
    values = scores.values.mean(axis=1).tolist()
    return bootstrap_mean(values, [f"s{index:03d}" for index in range(len(values))], seed=0, resamples=400)
