"""Contrasts of trainings: losses, slopes and differences of slopes with the luck of training in their interval.

A condition is a network on the labels of a variant. Everything that `label-noise` tests is a contrast, a weighted sum
of the mean Dice of conditions, Σ w_c · m_c:

- the loss of a variant: 1 for the control, -1 for the variant;
- the slope over label Dice x_l: the least-squares weights (x_l - x̄) / Σ (x - x̄)²;
- a mean over networks or modes: the mean of the contrasts; weights that meet on the same condition, such as the control
  that natural and choppy errors share, add up first;
- a difference of slopes: the difference of the contrasts, condition by condition.

Every training (condition, round, repeat) has a seed of its own, so the luck of the trainings of different conditions is
independent. With s² the variance of one training's mean over its round, that of one repeat of the contrast is
Var(Σ w_c · m_c) = Σ s_c² · w_c². It is taken to be the same for all variants of a network, so V = Σ_g s_g² · q_g with
q_g the sum of w_c² over the conditions of network g. Hence 2 s² for a loss, 2 s² / G for its mean over G networks of
equal s², and s² / Σ (x - x̄)² for a slope, since Σ (x_l - x̄)² / (Σ (x - x̄)²)² is that.

s_g² is pooled over all variants of the network; where that gives fewer than four degrees of freedom, over all networks
too. Of several networks the degrees of freedom of V follow Satterthwaite, V² / Σ_g ((s_g² q_g)² / df_g). In simulations
with one network of four times the run standard deviation of the other, a variance pooled over both lets the losses of
the former err in 15 % of studies on one split.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.estimate import RunVariance, SubjectScores, estimate_mean, pool_run_variance
from overread.evaluation.results import Estimate

Condition: TypeAlias = tuple[str, str]
"""Network and variant."""
Contrast: TypeAlias = Mapping[Condition, float]
"""Weights of conditions; empty where there is nothing to compare."""


def combine(contrasts: Iterable[Contrast], weights: Iterable[float]) -> Contrast:
    """Weighted sum of contrasts; weights on the same condition add up."""
    total: dict[Condition, float] = {}
    for contrast, factor in zip(contrasts, weights, strict=True):
        for condition, weight in contrast.items():
            total[condition] = total.get(condition, 0.0) + factor * weight
    return total


def average(contrasts: Sequence[Contrast]) -> Contrast:
    """Mean of the contrasts that are not empty; empty if all are."""
    filled = [contrast for contrast in contrasts if contrast]
    return combine(filled, [1 / len(filled)] * len(filled)) if filled else {}


def subtract(first: Contrast, second: Contrast) -> Contrast:
    """First minus second; empty if one of them is."""
    return combine((first, second), (1.0, -1.0)) if first and second else {}


def sum_squares(contrast: Contrast) -> float:
    """By how much the run variance of one training is multiplied."""
    return sum(weight**2 for weight in contrast.values())


_ROUNDING = 1e-9
_FEWEST_DEGREES_OF_FREEDOM = 4
"""Of the run variance of a network by itself."""


@dataclass(frozen=True, eq=False)
class TrainingScores:
    """Dice of every held-out case by the network of every training alone.

    Attributes:
        values: by condition (N, R), one row per case, one column per repeat; NaN where a training failed. A condition
            without any network is left out.
        subjects: (N,) subject of each case.
        folds: (N,) round that holds the case out.
        runs: variance of one training's mean over its round, pooled over all conditions; None without repeats.
        runs_of: that of each network by itself, for those that have enough degrees of freedom.
    """

    values: Mapping[Condition, NDArray[np.float64]]
    subjects: tuple[str, ...]
    folds: tuple[int, ...]
    runs: RunVariance | None
    runs_of: Mapping[str, RunVariance]

    @classmethod
    def build(
        cls, values: Mapping[Condition, NDArray[np.float64]], subjects: Sequence[str], folds: Sequence[int]
    ) -> "TrainingScores":
        """Measure the run variance and bring repeats that failed to the end of their round.

        Repeats are exchangeable, for each has a seed of its own. With failures at the end a contrast loses no more
        repeats than the condition that has fewest.
        """
        packed = {condition: _pack(found, np.asarray(folds)) for condition, found in values.items()}
        by_network: dict[str, list[SubjectScores]] = {}
        for (network, _), found in packed.items():
            scores = _average_subjects(found, subjects, folds)
            by_network.setdefault(network, []).extend([scores] if scores else [])
        runs = pool_run_variance([scores for each in by_network.values() for scores in each])
        pooled = {network: pool_run_variance(each) for network, each in by_network.items()}
        runs_of = {
            network: own
            for network, own in pooled.items()
            if own is not None and own.degrees_of_freedom >= _FEWEST_DEGREES_OF_FREEDOM
        }
        return cls(packed, tuple(subjects), tuple(folds), runs, runs_of)

    def estimate(self, contrast: Contrast) -> Estimate | None:
        """Mean of a contrast over subjects and repeats with its interval; None where no case has it.

        A single split has an interval where the pooled run variance has four degrees of freedom or more; it then leaves
        out the luck of that split. Without repeats the interval comes from the folds alone.
        """
        scores = _average_subjects(self._weigh(contrast), self.subjects, self.folds)
        if scores is None:
            return None
        return estimate_mean(scores, run_variance=self.measure_runs(contrast))

    def measure_runs(self, contrast: Contrast) -> RunVariance | None:
        """Run variance of one repeat of a contrast, V above; None without repeats."""
        networks = dict.fromkeys(network for network, _ in contrast)
        if self.runs is None or not self.runs_of.keys() >= networks.keys():
            return None if self.runs is None else self.runs.scale(sum_squares(contrast))
        squares = [sum(w**2 for (of, _), w in contrast.items() if of == network) for network in networks]
        parts = [self.runs_of[network].scale(q) for network, q in zip(networks, squares, strict=True)]
        total = sum(part.variance for part in parts)
        spread = sum(part.variance**2 / part.degrees_of_freedom for part in parts)
        df = total**2 / spread if spread > 0 else sum(part.degrees_of_freedom for part in parts)
        return RunVariance(total, math.floor(df + _ROUNDING))

    def count_cases(self, contrast: Contrast) -> int:
        """Cases for which every condition of the contrast has a network."""
        return int(np.isfinite(self._weigh(contrast)).any(axis=1).sum())

    def has(self, contrast: Contrast) -> bool:
        """Whether any case has the contrast."""
        return self.count_cases(contrast) > 0

    def _weigh(self, contrast: Contrast) -> NDArray[np.float64]:
        """The contrast of each case and repeat, (N, R); all NaN where a condition has no network."""
        if not contrast or not self.values.keys() >= contrast.keys():
            return np.full((len(self.subjects), 1), np.nan)
        parts = [weight * self.values[condition] for condition, weight in contrast.items()]
        return np.asarray(np.sum(parts, axis=0), np.float64)


def _pack(values: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    packed = values.copy()
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        lacking = np.isnan(values[rows]).sum(axis=0)
        packed[rows] = values[rows][:, np.argsort(lacking, kind="stable")]
    return packed


def _average_subjects(
    values: NDArray[np.float64], subjects: Sequence[str], folds: Sequence[int]
) -> SubjectScores | None:
    """Means over the cases of each subject; cases that no repeat has are left out; None where that is all."""
    known = [int(row) for row in np.flatnonzero(np.isfinite(values).any(axis=1))]
    if not known:
        return None
    scores = SubjectScores.of_cases(values[known], [subjects[row] for row in known], [folds[row] for row in known])
    return scores if _has_whole_round(scores) else None


def _has_whole_round(scores: SubjectScores) -> bool:
    """Whether some training predicted every subject of its round, which an estimate needs."""
    whole = (np.isfinite(scores.values[scores.folds == fold]).all(axis=0) for fold in np.unique(scores.folds))
    return any(columns.any() for columns in whole)
