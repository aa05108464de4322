"""How steeply test Dice falls with label Dice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.significance import adjust_holm
from overread.evaluation.verdict import judge
from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.contrasts import Contrast, TrainingScores, average
from overread.questions.label_noise.results import ALL_NETWORKS, ErrorMode, NoiseCost, NoiseSlope

BOUNDARY_MODES: tuple[ErrorMode, ...] = tuple(mode.name for mode in MODES.values() if mode.moves_boundary)
OTHER_MODES: tuple[ErrorMode, ...] = tuple(mode.name for mode in MODES.values() if not mode.moves_boundary)
ERROR_MODES = (*BOUNDARY_MODES, *OTHER_MODES)
COST_KINDS: tuple[ErrorMode, ...] = ("boundary", *OTHER_MODES)


_STEPS = (0.10, 0.05, 0.02, 0.01)
_ROUNDING = 0.005


def choose_step(variants: Sequence[LabelVariant]) -> float:
    """Loss of label Dice in which costs are told: the largest of 0.10, 0.05, 0.02 and 0.01 that was about reached."""
    worst = 1 - min(variant.achieved_dice for variant in variants)
    return next((step for step in _STEPS if step <= worst + _ROUNDING), _STEPS[-1])


def weigh_levels(levels: Sequence[float]) -> NDArray[np.float64]:
    """Weights of the values at some levels in the slope of the least-squares line, (x - x̄) / Σ (x - x̄)².

    Args:
        levels: (L,) label Dice, at least two of them different.

    Returns:
        (L,) weights; they sum to 0, their squares to 1 / Σ (x - x̄)².
    """
    centred = np.asarray(levels, np.float64) - np.mean(levels)
    return np.asarray(centred / (centred @ centred), np.float64)


def fit_slopes(levels: Sequence[float], dice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of the least-squares line through each row.

    Args:
        levels: (L,) label Dice, at least two of them different.
        dice: (N, L) test Dice at these levels.

    Returns:
        (N,) change of test Dice per unit of label Dice.
    """
    return np.asarray(dice @ weigh_levels(levels), np.float64)


def select_levels(
    trainings: TrainingScores, network: str, mode: ErrorMode, variants: Sequence[LabelVariant]
) -> tuple[LabelVariant, ...]:
    """The control and the variants of a mode that the network was trained on, best labels first."""
    levels = [variant for variant in variants if variant.mode in (CONTROL, mode)]
    known = [level for level in levels if trainings.has({(network, level.name): 1.0})]
    return tuple(sorted(known, key=lambda level: (level.name != CONTROL, -level.achieved_dice, level.name)))


def contrast_slope(
    trainings: TrainingScores, network: str, mode: ErrorMode, variants: Sequence[LabelVariant]
) -> Contrast:
    """The slope of a network; empty for fewer than two different levels, and where no case has them all.

    For `boundary` the mean of the slopes of natural and choppy errors, or the one that there is.
    """
    if mode == "boundary":
        return average([contrast_slope(trainings, network, part, variants) for part in BOUNDARY_MODES])
    levels = select_levels(trainings, network, mode, variants)
    if len({level.achieved_dice for level in levels}) < 2:
        return {}
    weights = weigh_levels([level.achieved_dice for level in levels])
    slope = {(network, level.name): float(weight) for level, weight in zip(levels, weights, strict=True)}
    return slope if trainings.has(slope) else {}


def pool_slopes(
    trainings: TrainingScores, networks: Sequence[str], mode: ErrorMode, variants: Sequence[LabelVariant]
) -> Contrast:
    """Mean slope of the networks that have one."""
    return average([contrast_slope(trainings, network, mode, variants) for network in networks])


def summarise_slopes(
    trainings: TrainingScores, networks: Sequence[str], variants: Sequence[LabelVariant]
) -> tuple[NoiseSlope, ...]:
    """Every network and mode that was tried."""
    tried = [mode for mode in ERROR_MODES if any(variant.mode == mode for variant in variants)]
    return tuple(
        NoiseSlope(
            network=network,
            mode=mode,
            slope=trainings.estimate(slope := contrast_slope(trainings, network, mode, variants)),
            variants=tuple(level.name for level in select_levels(trainings, network, mode, variants)),
            case_count=trainings.count_cases(slope),
        )
        for network in networks
        for mode in tried
    )


def summarise_pooled_slopes(
    trainings: TrainingScores, networks: Sequence[str], variants: Sequence[LabelVariant]
) -> tuple[NoiseSlope, ...]:
    """The mean over networks of every mode that was tried, and of boundary errors."""
    tried = [mode for mode in ERROR_MODES if any(variant.mode == mode for variant in variants)]
    modes = [*tried, "boundary"] if set(tried) & set(BOUNDARY_MODES) else tried
    return tuple(_pool(trainings, networks, mode, variants) for mode in modes)


def _pool(
    trainings: TrainingScores, networks: Sequence[str], mode: ErrorMode, variants: Sequence[LabelVariant]
) -> NoiseSlope:
    parts = BOUNDARY_MODES if mode == "boundary" else (mode,)
    levels = {
        level.name
        for network in networks
        for part in parts
        for level in select_levels(trainings, network, part, variants)
    }
    slope = pool_slopes(trainings, networks, mode, variants)
    return NoiseSlope(
        network=ALL_NETWORKS,
        mode=mode,
        slope=trainings.estimate(slope),
        variants=tuple(level.name for level in variants if level.name in levels),
        case_count=trainings.count_cases(slope),
    )


def summarise_costs(slopes: Sequence[NoiseSlope], *, step: float, matters: float) -> tuple[NoiseCost, ...]:
    """What a step of label Dice costs, for boundary errors and for each other kind.

    Args:
        slopes: pooled over the networks.
        step: loss of label Dice.
        matters: smallest difference of Dice that matters.
    """
    slope_of = {entry.mode: entry.slope for entry in slopes}
    costs = {kind: slope.scale(step) for kind in COST_KINDS if (slope := slope_of.get(kind)) is not None}
    corrected = adjust_holm([cost.p_value for cost in costs.values()])
    return tuple(
        NoiseCost(kind=kind, cost=cost, p_holm=p, verdict=judge(cost, matters=matters, corrected_p=p))
        for (kind, cost), p in zip(costs.items(), corrected, strict=True)
    )
