"""Dice per network, variant and case, as the table `dice.csv` holds it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.questions.label_noise.results import DICE_COLUMNS

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
