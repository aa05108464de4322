"""Simultaneous truth and performance level estimation for binary masks (Warfield, Zou and Wells 2004, "STAPLE").

The expectation-maximisation runs on the patterns of votes that occur and on how many voxels have each, so a step takes
microseconds for a few raters, however large the image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from overread.labels.vote_patterns import VotePatterns
from overread.settings import Settings
from overread.types import Mask, Probability

_EVEN = 0.5
_TIE = 1e-9
"""Two raters of whom one outlines all that the other does have a probability of exactly one half where they differ;
without this margin rounding would decide there."""
_LEAST = np.finfo(np.float64).tiny


class StapleSettings(Settings):
    """When the estimation ends."""

    tolerance: float = Field(
        1e-7, gt=0, lt=1, description="largest change of a sensitivity or specificity in one step at convergence"
    )
    iteration_limit: int = Field(10_000, ge=1, description="steps after which it ends without convergence")


@dataclass(frozen=True)
class StapleEstimate:
    """What STAPLE finds in the votes on one case.

    Attributes:
        patterns: the votes of R raters, P patterns.
        pattern_probability: (P,) probability of foreground given the votes (W in the paper), in [0, 1].
        sensitivity: (R,) share of the foreground that each rater labels (p), in [0, 1]; NaN where nobody labels any.
        specificity: (R,) share of the background that each rater leaves out (q), in [0, 1]; NaN where all label all.
        prior: share of foreground that is taken for granted, the mean of all votes.
        iterations: steps that were made.
        is_converged: the last step changed no sensitivity or specificity by more than the tolerance.
    """

    patterns: VotePatterns
    pattern_probability: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    prior: float
    iterations: int
    is_converged: bool

    @property
    def probability(self) -> Probability:
        """Probability of foreground of each voxel, (*S)."""
        painted: Probability = self.patterns.paint(self.pattern_probability.astype(np.float32))
        return painted

    @property
    def mask(self) -> Mask:
        """Voxels that are more probably foreground than not, (*S); an even chance is background.

        Deviation from the paper: voxels on which all raters agree keep their label, whatever their probability. The
        estimate contradicts all raters only where they agree no better than by chance.
        """
        shares = self.patterns.shares
        is_foreground = (self.pattern_probability > _EVEN + _TIE) & (shares > 0) | (shares == 1)
        painted: Mask = self.patterns.paint(is_foreground)
        return painted


def estimate_staple(patterns: VotePatterns, settings: StapleSettings | None = None) -> StapleEstimate:
    """Estimate the foreground, and how well each rater finds it.

    As ITK's filter, it starts from the share of the raters who label a voxel, takes the mean of these shares over the
    image as the prior of every voxel (so that the prior depends on the field of view), and stops when the rates settle.
    There is no spatial term. Where nobody labels anything, or all label everything, there is nothing to estimate, and
    no step is made.

    Two raters do not suffice to tell who is right: their votes have three free shares, and the model four rates.

    Args:
        patterns: the votes of R raters; a single one is taken to be right.
        settings: when to stop.
    """
    settings = settings or StapleSettings()
    probability = patterns.shares
    prior = float(patterns.counts @ probability / patterns.counts.sum())
    if prior in (0.0, 1.0):
        rates = np.full((2, patterns.rater_count), np.nan)
        rates[0 if prior else 1] = 1.0
        return StapleEstimate(patterns, probability, rates[0], rates[1], prior, iterations=0, is_converged=True)
    rates, change, iterations = np.full((2, patterns.rater_count), np.inf), np.inf, 0
    while change > settings.tolerance and iterations < settings.iteration_limit:
        before, iterations = rates, iterations + 1
        on_foreground = _share_votes(patterns, probability)
        on_background = _share_votes(patterns, 1 - probability)
        probability = _compute_probability(patterns, prior, on_foreground, on_background)
        rates = np.array([on_foreground[0], on_background[1]])
        change = float(np.abs(rates - before).max())
    is_converged = change <= settings.tolerance
    return StapleEstimate(patterns, probability, rates[0], rates[1], prior, iterations, is_converged)


def _share_votes(patterns: VotePatterns, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """M step: shares of the voxels that each rater labels and leaves out, (2, R), with a weight per pattern, (P,)."""
    weighted = patterns.counts * weights
    # Both are sums: one minus a share near 1 would lose its digits.
    sums = np.array([weighted @ patterns.votes, weighted @ ~patterns.votes])
    shares: NDArray[np.float64] = sums / weighted.sum()
    return shares


def _compute_probability(
    patterns: VotePatterns, prior: float, on_foreground: NDArray[np.float64], on_background: NDArray[np.float64]
) -> NDArray[np.float64]:
    """E step: probability of foreground of each pattern, (P,)."""
    # In logarithms, because the product of many small rates would be 0.
    evidence = np.log(np.maximum(on_foreground, _LEAST)) - np.log(np.maximum(on_background, _LEAST))
    odds = logit(prior) + patterns.votes @ evidence[0] + ~patterns.votes @ evidence[1]
    probability: NDArray[np.float64] = expit(odds)
    return probability
