"""Dice of networks on variants: per case, and per network and variant over the cases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.evaluation.significance import adjust_holm, compute_paired_p
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.results import DICE_COLUMNS, MissingTraining, NoiseCell

_KEYS = list(DICE_COLUMNS[:4])


@dataclass(frozen=True, eq=False)
class CaseScores:
    """Dice of every held-out case.

    Attributes:
        table: DICE_COLUMNS, sorted by network, variant, case and repeat.
        means: mean over repeats, indexed by network, variant and case.
        subject_of: subject of each case.
    """

    table: pd.DataFrame
    means: "pd.Series[float]"
    subject_of: dict[str, str]

    def select(self, network: str, variant: str) -> "pd.Series[float]":
        """Mean Dice over the repeats of each case that was predicted, indexed by case."""
        if (network, variant) not in self.means.index:
            return pd.Series(dtype="float64")
        return self.means.xs((network, variant), level=("network", "variant"))

    def select_repeats(self, network: str, variant: str) -> pd.DataFrame:
        """Dice with one row per case and one column per repeat; NaN where a training failed."""
        rows = self.table[(self.table["network"] == network) & (self.table["variant"] == variant)]
        return rows.pivot(index="case_id", columns="repeat", values="dice")

    def bootstrap(self, values: "pd.Series[float]", *, seed: int) -> Interval | None:
        """Mean of one value per case with its interval over subjects; None where there is no case."""
        if values.empty:
            return None
        return bootstrap_mean(values.tolist(), [self.subject_of[str(case_id)] for case_id in values.index], seed=seed)


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
    return CaseScores(table, means, {str(case_id): str(subject) for case_id, subject in subjects.items()})


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
    if not dice["dice"].between(0, 1).all():
        raise InputError("each Dice must lie in [0, 1]", found=dice.loc[~dice["dice"].between(0, 1), "dice"].iloc[0])
    if dice.duplicated(_KEYS).any():
        first = dice.loc[dice.duplicated(_KEYS), _KEYS].iloc[0]
        raise InputError(
            "a case must be held out once per network, variant and repeat", found=", ".join(map(str, first.tolist()))
        )
    if (dice.groupby("case_id")["subject_id"].nunique() > 1).any():
        raise InputError("a case must belong to one subject", where="table of Dice")


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
