"""Dice of networks on variants: per case, and per network and variant over the cases."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.significance import adjust_holm
from overread.evaluation.verdict import judge
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.contrasts import Contrast, TrainingScores
from overread.questions.label_noise.results import DICE_COLUMNS, MissingTraining, NoiseCell

_KEYS = list(DICE_COLUMNS[:4])
_LIMITS = (
    ("dice", "Dice", 1),
    ("best_dice", "Dice", 1),
    ("best_threshold", "threshold", 1),
    ("predicted_load", "load", math.inf),
    ("true_load", "load", math.inf),
)
"""Columns of numbers that are not negative, with what they hold and its largest value."""


@dataclass(frozen=True, eq=False)
class CaseScores:
    """Dice of every held-out case.

    Attributes:
        table: DICE_COLUMNS, sorted by network, variant, case and repeat.
        means: mean over repeats, indexed by network, variant and case.
        subject_of: subject of each case.
        trainings: Dice by the network of each training alone, for all that is tested.
    """

    table: pd.DataFrame
    means: "pd.Series[float]"
    subject_of: dict[str, str]
    trainings: TrainingScores

    def select(self, network: str, variant: str) -> "pd.Series[float]":
        """Mean Dice over the repeats of each case that was predicted, indexed by case."""
        if (network, variant) not in self.means.index:
            return pd.Series(dtype="float64")
        return self.means.xs((network, variant), level=("network", "variant"))

    def select_repeats(self, network: str, variant: str) -> pd.DataFrame:
        """Dice with one row per case and one column per repeat; NaN where a training failed."""
        rows = self.table[(self.table["network"] == network) & (self.table["variant"] == variant)]
        return rows.pivot(index="case_id", columns="repeat", values="dice")


def index_scores(dice: pd.DataFrame, *, networks: Sequence[str], variants: Sequence[str]) -> CaseScores:
    """Check the table and index it.

    Args:
        dice: DICE_COLUMNS.
        networks: architectures that it may name.
        variants: names of the labels that it may name.

    Raises:
        InputError: a column is missing, a network, variant, case or Dice is not what it may be, or a case is held out
            twice for a network, variant and repeat.
    """
    check_dice(dice, networks=networks, variants=variants)
    table = dice.sort_values(["network", "variant", "case_id", "repeat"], ignore_index=True)
    means = table.groupby(["network", "variant", "case_id"])["dice"].mean()
    subjects = table.groupby("case_id")["subject_id"].first()
    subject_of = {str(case_id): str(subject) for case_id, subject in subjects.items()}
    return CaseScores(table, means, subject_of, arrange_trainings(table, unit="case_id", column="dice"))


def arrange_trainings(table: pd.DataFrame, *, unit: str, column: str) -> TrainingScores:
    """One row per case or subject and one column per repeat, in the same order for every network and variant.

    Args:
        table: one row per network, variant, repeat and unit, with its `subject_id` and `fold`.
        unit: `case_id` or `subject_id`.
        column: the numbers.
    """
    firsts = table.drop_duplicates(unit).set_index(unit, drop=False).sort_index()
    repeats = sorted(set(table["repeat"]))
    values = {
        (str(network), str(variant)): rows.pivot(index=unit, columns="repeat", values=column)
        .reindex(index=firsts.index, columns=repeats)
        .to_numpy(np.float64)
        for (network, variant), rows in table.groupby(["network", "variant"])
    }
    return TrainingScores.build(values, list(map(str, firsts["subject_id"])), list(map(int, firsts["fold"])))


def check_dice(dice: pd.DataFrame, *, networks: Sequence[str], variants: Sequence[str]) -> None:
    """Check the table `dice.csv`.

    Raises:
        InputError: see `index_scores`.
    """
    if missing := [name for name in DICE_COLUMNS if name not in dice.columns]:
        raise InputError("the table of Dice must hold all its columns", found=f"none named {', '.join(missing)}")
    for column, known in (("network", networks), ("variant", variants)):
        if unknown := sorted(set(dice[column]) - set(known)):
            raise InputError(
                f"a {column} of the table of Dice must be one of the evaluation",
                found=", ".join(map(repr, unknown)),
                hint=f"known: {', '.join(known)}",
            )
    for column, name, most in _LIMITS:
        if not dice[column].between(0, most).all():
            found = dice.loc[~dice[column].between(0, most), column].iloc[0]
            raise InputError(f"each {name} must lie in [0, {most:g}]", found=found, where=f"column {column}")
    if dice.duplicated(_KEYS).any():
        first = dice.loc[dice.duplicated(_KEYS), _KEYS].iloc[0]
        raise InputError(
            "a case must be held out once per network, variant and repeat", found=", ".join(map(str, first.tolist()))
        )
    for column, owner in (("subject_id", "belong to one subject"), ("fold", "be held out by one fold")):
        if (dice.groupby("case_id")[column].nunique() > 1).any():
            raise InputError(f"a case must {owner}", where="table of Dice")


def compute_losses(scores: CaseScores, network: str, variant: str) -> "pd.Series[float]":
    """Dice of the control minus Dice of the variant, of each case that both predicted, indexed by case."""
    return (scores.select(network, CONTROL) - scores.select(network, variant)).dropna().sort_index()


def contrast_loss(network: str, variant: str) -> Contrast:
    """The control minus the variant."""
    return {(network, CONTROL): 1.0, (network, variant): -1.0}


def summarise_cells(
    scores: CaseScores,
    networks: Sequence[str],
    variants: Sequence[str],
    *,
    missing: Sequence[MissingTraining],
    planned_count: int,
    matters: float,
    has_learnt: bool,
) -> tuple[NoiseCell, ...]:
    """Summarise every network on every variant, in their order.

    Args:
        scores: Dice of the held-out cases.
        networks: architectures.
        variants: names of the labels learnt.
        missing: trainings that gave no network.
        planned_count: trainings planned per network and variant (folds × repeats).
        matters: smallest difference of Dice that matters.
        has_learnt: whether the networks learnt enough to judge a loss.
    """
    cells = [
        _summarise(scores, network, variant, _count(missing, network, variant), planned_count)
        for network in networks
        for variant in variants
    ]
    return tuple(_judge_losses(cells, matters, has_learnt))


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


def _summarise(scores: CaseScores, network: str, variant: str, missing_count: int, planned_count: int) -> NoiseCell:
    dice, trainings = scores.select(network, variant), scores.trainings
    loss: Contrast = contrast_loss(network, variant) if variant != CONTROL else {}
    return NoiseCell(
        network=network,
        variant=variant,
        mean=trainings.estimate({(network, variant): 1.0}),
        std=float(dice.std(ddof=1)) if len(dice) > 1 else None,
        repeat_std=compute_repeat_std(scores.select_repeats(network, variant)),
        case_count=len(dice),
        training_count=planned_count - missing_count,
        missing_count=missing_count,
        loss=trainings.estimate(loss),
        loss_case_count=trainings.count_cases(loss),
    )


def _judge_losses(cells: Sequence[NoiseCell], matters: float, has_learnt: bool) -> Iterator[NoiseCell]:
    corrected = adjust_holm([None if cell.loss is None else cell.loss.p_value for cell in cells])
    for cell, p_value in zip(cells, corrected, strict=True):
        if cell.loss is None:
            yield cell
        else:
            verdict = judge(cell.loss, matters=matters, has_learnt=has_learnt, corrected_p=p_value)
            yield cell.model_copy(update={"loss_p_holm": p_value, "verdict": verdict})


def _count(missing: Sequence[MissingTraining], network: str, variant: str) -> int:
    return sum((entry.network, entry.variant) == (network, variant) for entry in missing)
