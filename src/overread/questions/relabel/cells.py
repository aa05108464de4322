"""Every way of training on every kind of labels: Dice with clean and with noisy masks, and the gain by a correction."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from overread.evaluation.significance import compute_paired_p
from overread.questions.relabel.results import Correction, CorrectionCell
from overread.questions.relabel.scores import CorrectionScores

Training: TypeAlias = tuple[str, Correction, str]
"""Noise, correction and method of a way of training."""

_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight")


def order_trainings(tried: Iterable[Training], noises: Sequence[str], methods: Sequence[str]) -> list[Training]:
    """Those that were tried: clean labels first, then by noise no correction, reweighting and relabelling by method."""
    ordered: list[Training] = [("", "clean", "")]
    for noise in noises:
        ordered += [(noise, correction, "") for correction in _CORRECTIONS]
        ordered += [(noise, "relabel", method) for method in methods]
    wanted = set(tried)
    return [training for training in ordered if training in wanted]


def summarise_cells(
    scores: CorrectionScores, trainings: Sequence[Training], *, seed: int
) -> tuple[CorrectionCell, ...]:
    """Summarise every way of training, in the given order.

    Args:
        scores: Dice of the held-out cases.
        trainings: noise, correction and method of each.
        seed: of the bootstrap.
    """
    return tuple(_summarise(scores, training, seed) for training in trainings)


def _summarise(scores: CorrectionScores, training: Training, seed: int) -> CorrectionCell:
    noise, correction, method = training
    clean, noisy = (scores.select(*training, column=column) for column in ("clean_dice", "noisy_dice"))
    is_corrected = correction in ("reweight", "relabel")
    without = scores.select(noise, "none", column="clean_dice") if is_corrected else clean.iloc[:0]
    gains, excess = (clean - without).dropna(), (noisy - clean).dropna()
    return CorrectionCell(
        noise=noise,
        correction=correction,
        method=method,
        clean=scores.bootstrap(clean, seed=seed),
        noisy=scores.bootstrap(noisy, seed=seed),
        clean_std=float(clean.std(ddof=1)) if len(clean) > 1 else None,
        case_count=len(scores.select(*training, column="subject_id")),
        clean_case_count=len(clean),
        gain=scores.bootstrap(gains, seed=seed),
        gain_p=compute_paired_p(clean.loc[gains.index].tolist(), without.loc[gains.index].tolist()),
        gain_case_count=len(gains),
        noisy_excess=scores.bootstrap(excess, seed=seed),
    )
