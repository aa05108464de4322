"""Every network on every variant: mean Dice and loss against the control."""

from collections.abc import Iterable, Sequence

import pandas as pd

from overread.evaluation.significance import adjust_holm, compute_paired_p
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.results import MissingTraining, NoiseCell
from overread.questions.label_noise.scores import CaseScores


def compute_losses(scores: CaseScores, network: str, variant: str) -> "pd.Series[float]":
    """Dice of the control minus Dice of the variant, of each case that both predicted, indexed by case."""
    return (scores.select(network, CONTROL) - scores.select(network, variant)).dropna().sort_index()


def summarise_cells(
    scores: CaseScores,
    networks: Sequence[str],
    variants: Sequence[str],
    *,
    missing: Sequence[MissingTraining],
    planned_count: int,
    seed: int,
) -> tuple[NoiseCell, ...]:
    """Summarise every network on every variant, in their order.

    Args:
        scores: Dice of the held-out cases.
        networks: architectures.
        variants: names of the labels learnt.
        missing: trainings that gave no network.
        planned_count: trainings planned per network and variant (folds × repeats).
        seed: of the bootstrap.
    """
    cells: list[NoiseCell] = []
    for network in networks:
        of_network = [
            _summarise(scores, network, variant, _count(missing, network, variant), planned_count, seed)
            for variant in variants
        ]
        cells += _correct(of_network)
    return tuple(cells)


def compute_repeat_std(by_repeat: pd.DataFrame) -> float | None:
    """Sample standard deviation of the repeats' means over the cases that every repeat has.

    Args:
        by_repeat: Dice, one row per case and one column per repeat, NaN where a training failed.

    Returns:
        None for fewer than two repeats, and where no case has them all.
    """
    complete = by_repeat.dropna()
    if by_repeat.shape[1] < 2 or complete.empty:
        return None
    return float(complete.mean().std(ddof=1))


def _summarise(
    scores: CaseScores, network: str, variant: str, missing_count: int, planned_count: int, seed: int
) -> NoiseCell:
    dice = scores.select(network, variant).sort_index()
    losses = compute_losses(scores, network, variant) if variant != CONTROL else pd.Series(dtype="float64")
    control, changed = (scores.select(network, name).loc[losses.index].tolist() for name in (CONTROL, variant))
    return NoiseCell(
        network=network,
        variant=variant,
        mean=scores.bootstrap(dice, seed=seed),
        std=float(dice.std(ddof=1)) if len(dice) > 1 else None,
        repeat_std=compute_repeat_std(scores.select_repeats(network, variant)),
        case_count=len(dice),
        training_count=planned_count - missing_count,
        missing_count=missing_count,
        loss=scores.bootstrap(losses, seed=seed),
        loss_case_count=len(losses),
        paired_p=compute_paired_p(control, changed),
        paired_p_holm=None,
    )


def _correct(cells: Iterable[NoiseCell]) -> list[NoiseCell]:
    """Holm-correct the paired tests of one network."""
    listed = list(cells)
    corrected = adjust_holm([cell.paired_p for cell in listed])
    return [cell.model_copy(update={"paired_p_holm": p_value}) for cell, p_value in zip(listed, corrected, strict=True)]


def _count(missing: Sequence[MissingTraining], network: str, variant: str) -> int:
    return sum((entry.network, entry.variant) == (network, variant) for entry in missing)
