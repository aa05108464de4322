"""Calibration of voxel probabilities: reliability table, ECE and Brier score, and temperature scaling.

Of a voxel it is asked whether the probability of *foreground* is right: of all voxels with p = 0.8, eight in ten should
be foreground. Voxels of all cases are pooled, one case is held in memory at a time, and what is kept is a table of
fixed size.

Far from the structure a network is right and sure, so the more background counts, the smaller the errors of calibration
become. `VoxelCase.region` says which voxels count; figures over different regions are not comparable.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from overread.errors import InputError
from overread.records import Result
from overread.types import Mask, Probability

COOLEST, WARMEST = 0.05, 20.0
"""Range in which a temperature is looked for."""

_SMALLEST = 2.0**-24
"""Probabilities closer than this to 0 or 1 are moved here: the spacing of float32 below 1, where a logit ends."""
_BINS_PER_LOGIT = 64


@dataclass(frozen=True, eq=False)
class VoxelCase:
    """Probabilities and labels of one case.

    Attributes:
        probability: (*S) of foreground, in [0, 1].
        reference: (*S).
        region: (*S), True where voxels count; all do if None.
    """

    probability: Probability
    reference: Mask
    region: Mask | None = None

    def select(self) -> tuple[NDArray[np.float64], Mask]:
        """Probabilities and labels of the voxels that count, (N,) each.

        Raises:
            InputError: the shapes differ, a mask is not of type bool, or a probability is outside [0, 1].
        """
        masks = [self.reference] if self.region is None else [self.reference, self.region]
        if any(mask.shape != self.probability.shape or mask.dtype != np.bool_ for mask in masks):
            found = ", ".join(f"{array.shape} {array.dtype}" for array in (self.probability, *masks))
            raise InputError("probabilities and masks of type bool must have one shape", found=found)
        inside = np.ones(self.probability.shape, np.bool_) if self.region is None else self.region
        values = self.probability[inside].astype(np.float64)
        if not np.all((values >= 0) & (values <= 1)):
            raise InputError("a probability must lie in [0, 1]", found=f"{values.min()} to {values.max()}")
        return values, self.reference[inside]


class ReliabilityBin(Result):
    """The voxels whose probability lies in [low, high), or in [low, 1] in the last bin.

    Attributes:
        low: smallest probability of the bin.
        high: probability from which the next bin begins.
        voxel_count: voxels in the bin.
        mean_probability: their mean, in [low, high]; None where there is none.
        foreground_share: share of them that the reference marks, in [0, 1]; None where there is none.
    """

    low: float
    high: float
    voxel_count: int
    mean_probability: float | None
    foreground_share: float | None

    @property
    def gap(self) -> float | None:
        """Mean probability minus share of foreground: above 0 where the network claims too much."""
        if self.mean_probability is None or self.foreground_share is None:
            return None
        return self.mean_probability - self.foreground_share


class Calibration(Result):
    """How well voxel probabilities say how often they are right.

    Attributes:
        bins: of equal width, ascending.
        brier: mean (p - y)² over voxels, in [0, 1] (Brier 1950, one class); lower is better.
        voxel_count: voxels that count, of all cases.
        case_count: cases.
    """

    bins: tuple[ReliabilityBin, ...]
    brier: float
    voxel_count: int
    case_count: int

    @property
    def ece(self) -> float:
        """Expected calibration error Σ_b (n_b / n) |gap_b|, in [0, 1] (Naeini et al. 2015).

        Guo et al. 2017, equation 3, bin the probability of the predicted class; here, as befits two classes, it is that
        of the foreground, so that too much and too little foreground cannot cancel in one bin.
        """
        return sum(abs(one.gap) * one.voxel_count for one in self.bins if one.gap is not None) / self.voxel_count

    @property
    def largest_gap(self) -> float:
        """Maximum calibration error, the largest |gap| of a bin, in [0, 1]; bins of few voxels may rule it."""
        return max(abs(one.gap) for one in self.bins if one.gap is not None)


class Temperature(Result):
    """A temperature that was fitted on validation cases.

    Attributes:
        temperature: T, in [0.05, 20]; above 1 it softens probabilities, which were too sure.
        loss_before: mean negative log-likelihood of a voxel as predicted, in nats.
        loss_after: the same with T; never larger.
        voxel_count: voxels it was fitted on.
    """

    temperature: float
    loss_before: float
    loss_after: float
    voxel_count: int

    @property
    def is_at_its_bound(self) -> bool:
        """Whether no temperature in the range is best: all is right, or the two classes are swapped."""
        return self.temperature < COOLEST * 1.01 or self.temperature > WARMEST * 0.99


def measure_calibration(cases: Iterable[VoxelCase], *, bin_count: int = 15) -> Calibration:
    """Reliability table, ECE and Brier score of all voxels of all cases.

    Args:
        cases: one is held at a time.
        bin_count: bins of equal width over [0, 1].

    Raises:
        InputError: a case breaks a rule, there is no voxel, or no bin.
    """
    if bin_count < 1:
        raise InputError("a reliability table needs at least one bin", found=bin_count)
    table, squares, case_count = np.zeros((3, bin_count)), 0.0, 0
    for case in cases:
        values, labels = case.select()
        table += _tally(values, labels, np.minimum((values * bin_count).astype(np.intp), bin_count - 1), bin_count)
        squares += float(((values - labels) ** 2).sum())
        case_count += 1
    voxel_count = int(table[0].sum())
    if not voxel_count:
        raise InputError("calibration needs at least one voxel", found=f"{case_count} cases without any")
    edges = np.linspace(0, 1, bin_count + 1)
    bins = tuple(
        ReliabilityBin(
            low=float(low),
            high=float(high),
            voxel_count=int(count),
            mean_probability=float(total / count) if count else None,
            foreground_share=float(marked / count) if count else None,
        )
        for low, high, count, marked, total in zip(edges[:-1], edges[1:], *table, strict=True)
    )
    return Calibration(bins=bins, brier=squares / voxel_count, voxel_count=voxel_count, case_count=case_count)


def fit_temperature(cases: Iterable[VoxelCase]) -> Temperature:
    """Find the temperature T that makes σ(logit(p) / T) most likely on validation cases (Guo et al. 2017, section 4.2).

    The logits are kept as a histogram of 64 bins per unit, each with its mean logit, so that memory does not grow with
    cases; the loss is exact up to about 1e-5. Fit it on cases that neither trained the network nor test it.

    Args:
        cases: one is held at a time.

    Raises:
        InputError: a case breaks a rule, or there is no voxel.
    """
    end = float(np.log((1 - _SMALLEST) / _SMALLEST))
    bin_count = int(np.ceil(2 * end * _BINS_PER_LOGIT)) + 1
    table = np.zeros((3, bin_count))
    marked_sum = 0.0
    for case in cases:
        values, labels = case.select()
        logits = _to_logits(values)
        table += _tally(logits, labels, ((logits + end) * _BINS_PER_LOGIT).astype(np.intp), bin_count)
        marked_sum += float(logits[labels].sum())
    counts, _, sums = table
    if not counts.sum():
        raise InputError("a temperature needs at least one voxel", found="none")
    means = np.divide(sums, counts, out=np.zeros(bin_count), where=counts > 0)

    def compute_loss(log_temperature: float) -> float:
        factor = np.exp(-log_temperature)
        return float((counts @ np.logaddexp(0, means * factor) - marked_sum * factor) / counts.sum())

    bounds = (float(np.log(COOLEST)), float(np.log(WARMEST)))
    best = float(minimize_scalar(compute_loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}).x)
    best = min((best, 0.0), key=compute_loss)
    return Temperature(
        temperature=float(np.exp(best)),
        loss_before=compute_loss(0.0),
        loss_after=compute_loss(best),
        voxel_count=int(counts.sum()),
    )


def apply_temperature(probability: Probability, temperature: float) -> Probability:
    """Soften (T > 1) or sharpen (T < 1) probabilities: σ(logit(p) / T); what lies above 0.5 stays above.

    Args:
        probability: (*S), in [0, 1]; 0 and 1 are taken for 2⁻²⁴ and 1 - 2⁻²⁴.
        temperature: T, positive.

    Returns:
        (*S) float32.

    Raises:
        InputError: the temperature is not positive.
    """
    if not 0 < temperature < np.inf:
        raise InputError("a temperature must be positive and finite", found=temperature)
    scaled = 1 / (1 + np.exp(-_to_logits(probability.astype(np.float64)) / temperature))
    return np.asarray(scaled, np.float32)


def _to_logits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(values, _SMALLEST, 1 - _SMALLEST)
    return np.log(clipped) - np.log1p(-clipped)


def _tally(values: NDArray[np.float64], labels: Mask, bins: NDArray[np.intp], bin_count: int) -> NDArray[np.float64]:
    """Per bin the voxels, those that are marked, and the sum of values, (3, B)."""
    weights: tuple[NDArray[np.float64] | None, ...] = (None, labels.astype(np.float64), values)
    return np.stack([np.bincount(bins, weights=weight, minlength=bin_count) for weight in weights]).astype(np.float64)
