"""How steeply test Dice falls with label Dice."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.results import ALL_NETWORKS, ErrorMode, NoiseSlope
from overread.questions.label_noise.scores import CaseScores

BOUNDARY_MODES: tuple[ErrorMode, ...] = tuple(mode.name for mode in MODES.values() if mode.moves_boundary)
OTHER_MODES: tuple[ErrorMode, ...] = tuple(mode.name for mode in MODES.values() if not mode.moves_boundary)
ERROR_MODES = (*BOUNDARY_MODES, *OTHER_MODES)


def fit_slopes(levels: Sequence[float], dice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of the least-squares line through each row.

    Args:
        levels: (L,) label Dice, at least two of them different.
        dice: (N, L) test Dice at these levels.

    Returns:
        (N,) change of test Dice per unit of label Dice.
    """
    centred = np.asarray(levels, np.float64) - np.mean(levels)
    return np.asarray(dice @ centred / (centred @ centred), np.float64)


def select_levels(
    scores: CaseScores, network: str, mode: ErrorMode, variants: Sequence[LabelVariant]
) -> tuple[LabelVariant, ...]:
    """The control and the variants of a mode that the network was trained on, best labels first."""
    levels = [variant for variant in variants if variant.mode in (CONTROL, mode)]
    known = [level for level in levels if not scores.select(network, level.name).empty]
    return tuple(sorted(known, key=lambda level: (level.name != CONTROL, -level.achieved_dice, level.name)))


def compute_slopes(
    scores: CaseScores, network: str, mode: ErrorMode, variants: Sequence[LabelVariant]
) -> "pd.Series[float]":
    """Slope of each case that has all levels, indexed by case; empty for fewer than two different levels.

    For `boundary` the mean of the slopes of natural and choppy errors, or the one that there is.
    """
    if mode == "boundary":
        return average([compute_slopes(scores, network, part, variants) for part in BOUNDARY_MODES])
    levels = select_levels(scores, network, mode, variants)
    if len({level.achieved_dice for level in levels}) < 2:
        return pd.Series(dtype="float64")
    columns = [scores.select(network, level.name).rename(level.name) for level in levels]
    dice = pd.concat(columns, axis=1, join="inner").sort_index()
    slopes = fit_slopes([level.achieved_dice for level in levels], dice.to_numpy(np.float64))
    return pd.Series(slopes, index=dice.index)


def average(columns: Sequence["pd.Series[float]"]) -> "pd.Series[float]":
    """Mean per case of the columns that hold anything, over the cases that all of these have."""
    filled = [column.rename(place) for place, column in enumerate(columns) if not column.empty]
    if not filled:
        return pd.Series(dtype="float64")
    return pd.concat(filled, axis=1, join="inner").sort_index().mean(axis=1)


def pool_slopes(
    scores: CaseScores, networks: Sequence[str], mode: ErrorMode, variants: Sequence[LabelVariant]
) -> "pd.Series[float]":
    """Mean slope of each case over the networks that have one."""
    return average([compute_slopes(scores, network, mode, variants) for network in networks])


def summarise_slopes(
    scores: CaseScores, networks: Sequence[str], variants: Sequence[LabelVariant], *, seed: int
) -> tuple[NoiseSlope, ...]:
    """Every network and mode that was tried."""
    tried = [mode for mode in ERROR_MODES if any(variant.mode == mode for variant in variants)]
    return tuple(
        NoiseSlope(
            network=network,
            mode=mode,
            slope=scores.bootstrap(slopes := compute_slopes(scores, network, mode, variants), seed=seed),
            variants=tuple(level.name for level in select_levels(scores, network, mode, variants)),
            case_count=len(slopes),
        )
        for network in networks
        for mode in tried
    )


def summarise_pooled_slopes(
    scores: CaseScores, networks: Sequence[str], variants: Sequence[LabelVariant], *, seed: int
) -> tuple[NoiseSlope, ...]:
    """The mean over networks of every mode that was tried, and of boundary errors."""
    tried = [mode for mode in ERROR_MODES if any(variant.mode == mode for variant in variants)]
    modes = [*tried, "boundary"] if set(tried) & set(BOUNDARY_MODES) else tried
    return tuple(_pool(scores, networks, mode, variants, seed=seed) for mode in modes)


def _pool(
    scores: CaseScores, networks: Sequence[str], mode: ErrorMode, variants: Sequence[LabelVariant], *, seed: int
) -> NoiseSlope:
    parts = BOUNDARY_MODES if mode == "boundary" else (mode,)
    levels = {
        level.name: level
        for network in networks
        for part in parts
        for level in select_levels(scores, network, part, variants)
    }
    slopes = pool_slopes(scores, networks, mode, variants)
    return NoiseSlope(
        network=ALL_NETWORKS,
        mode=mode,
        slope=scores.bootstrap(slopes, seed=seed),
        variants=tuple(level.name for level in variants if level.name in levels),
        case_count=len(slopes),
    )
