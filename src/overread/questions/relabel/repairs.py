"""What relabelling did to the labels: Dice with the clean masks before and after, and how much changed."""

from typing import Literal

import numpy as np
import pandas as pd

from overread.questions.relabel.outcomes import judge_outcome
from overread.questions.relabel.results import LabelRepair
from overread.questions.relabel.scores import bootstrap_cases, list_subjects

_ROUNDING = 1e-12
_KINDS: tuple[Literal["training", "source"], ...] = ("training", "source")


def select_masks(labels: pd.DataFrame, noise: str, method: str, kind: Literal["training", "source"]) -> pd.DataFrame:
    """The rows of one kind of labels."""
    return labels[(labels["noise"] == noise) & (labels["method"] == method) & (labels["labels"] == kind)]


def choose_masks(labels: pd.DataFrame, noise: str, method: str) -> pd.DataFrame:
    """The rows of the new source, or of the training masks without one."""
    new_source = select_masks(labels, noise, method, "source")
    return select_masks(labels, noise, method, "training") if new_source.empty else new_source


def average_masks(masks: pd.DataFrame) -> pd.DataFrame:
    """Mean Dice before and after of each case with a clean mask, over the folds that relabelled it.

    Args:
        masks: rows of LABEL_COLUMNS for one noise, method and kind of labels.

    Returns:
        One row per case, indexed by case and sorted, with before_dice and after_dice.
    """
    return masks.groupby("case_id")[["before_dice", "after_dice"]].mean().dropna().sort_index()


def summarise_repairs(
    labels: pd.DataFrame, noises: tuple[str, ...], methods: tuple[str, ...], *, seed: int
) -> tuple[LabelRepair, ...]:
    """Summarise the relabelled masks per noise and method, training masks before the new source.

    Args:
        labels: LABEL_COLUMNS, checked.
        noises: which labels were repaired.
        methods: how uncertainty was estimated.
        seed: of the bootstrap.
    """
    found = []
    for noise in noises:
        for method in methods:
            for kind in _KINDS:
                masks = select_masks(labels, noise, method, kind)
                if not masks.empty:
                    found.append(_summarise(masks, (noise, method, kind), seed))
    return tuple(found)


def _summarise(masks: pd.DataFrame, key: tuple[str, str, Literal["training", "source"]], seed: int) -> LabelRepair:
    noise, method, kind = key
    subject_of, dice = list_subjects(masks), average_masks(masks)
    gains = dice["after_dice"] - dice["before_dice"]
    gain = bootstrap_cases(gains, subject_of, seed=seed)
    return LabelRepair(
        noise=noise,
        method=method,
        labels=kind,
        before=bootstrap_cases(dice["before_dice"], subject_of, seed=seed),
        after=bootstrap_cases(dice["after_dice"], subject_of, seed=seed),
        gain=gain,
        outcome=judge_outcome(gain),
        case_count=masks["case_id"].nunique(),
        clean_case_count=len(gains),
        improved_count=int((gains > _ROUNDING).sum()),
        worsened_count=int((gains < -_ROUNDING).sum()),
        kept_count=masks.loc[masks["is_kept"], "case_id"].nunique(),
        changed_share=_average_shares(masks),
    )


def _average_shares(masks: pd.DataFrame) -> float | None:
    """Mean over cases of the share that changed; an empty mask has no labelled voxels to take a share of."""
    changed = masks[~masks["is_kept"] & np.isfinite(masks["changed_share"])]
    return float(changed.groupby("case_id")["changed_share"].mean().mean()) if len(changed) else None
