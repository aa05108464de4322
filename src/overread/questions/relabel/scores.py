"""Dice of networks and of labels: per case as the tables hold them, and per way of training over the cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, get_args

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.evaluation.significance import compute_paired_p
from overread.questions.relabel.results import (
    DICE_COLUMNS,
    LABEL_COLUMNS,
    Correction,
    CorrectionCell,
)

_DICE_KEYS = list(DICE_COLUMNS[:4])
_LABEL_KEYS = list(LABEL_COLUMNS[:5])


@dataclass(frozen=True, eq=False)
class CorrectionScores:
    """Dice of every held-out case.

    Attributes:
        table: DICE_COLUMNS.
        subject_of: subject of each case.
    """

    table: pd.DataFrame
    subject_of: Mapping[str, str]

    def select(self, noise: str, correction: Correction, method: str = "", *, column: str) -> "pd.Series[float]":
        """A column of one way of training, indexed by case; cases without a value are left out."""
        table = self.table
        wanted = (table["noise"] == noise) & (table["correction"] == correction) & (table["method"] == method)
        return table[wanted].set_index("case_id")[column].dropna().sort_index()

    def bootstrap(self, values: "pd.Series[float]", *, seed: int) -> Interval | None:
        """Mean of one value per case with its interval over subjects; None where there is no case."""
        return bootstrap_cases(values, self.subject_of, seed=seed)


def bootstrap_cases(values: "pd.Series[float]", subject_of: Mapping[str, str], *, seed: int) -> Interval | None:
    """Mean of one value per case with its interval over subjects; None where there is no case.

    Args:
        values: (N,) indexed by case.
        subject_of: subject of each case.
        seed: of the resampling.
    """
    if values.empty:
        return None
    return bootstrap_mean(values.tolist(), [subject_of[str(case_id)] for case_id in values.index], seed=seed)


def index_dice(dice: pd.DataFrame, *, noises: Sequence[str], methods: Sequence[str]) -> CorrectionScores:
    """Check the table of Dice and index it.

    Args:
        dice: DICE_COLUMNS.
        noises: names that it may hold.
        methods: ways of estimating uncertainty that it may hold.

    Raises:
        InputError: a column is missing, a name or a Dice is not what it may be, a case is held out twice for one way of
            training, or has two subjects.
    """
    _check_columns(dice, DICE_COLUMNS, "dice.csv")
    _check_names(dice, "correction", get_args(Correction), "dice.csv")
    learnt_clean, relabelled = dice["correction"] == "clean", dice["correction"] == "relabel"
    _check_names(dice[learnt_clean], "noise", ("",), "dice.csv, networks that learnt clean labels")
    _check_names(dice[~learnt_clean], "noise", noises, "dice.csv")
    _check_names(dice[~relabelled], "method", ("",), "dice.csv, networks without relabelling")
    _check_names(dice[relabelled], "method", methods, "dice.csv")
    table = _convert_dice(dice, ["clean_dice", "noisy_dice"], "dice.csv")
    _check_keys(table, _DICE_KEYS, "dice.csv")
    return CorrectionScores(table, list_subjects(table))


def check_labels(labels: pd.DataFrame, *, noises: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Check the table of relabelled masks and give it numbers of one type.

    Args:
        labels: LABEL_COLUMNS.
        noises: names that it may hold.
        methods: ways of estimating uncertainty that it may hold.

    Raises:
        InputError: a column is missing, a name, a Dice or a share is not what it may be, or a mask is listed twice.
    """
    _check_columns(labels, LABEL_COLUMNS, "labels.csv")
    for column, known in (("noise", noises), ("method", methods), ("labels", ("training", "source"))):
        _check_names(labels, column, known, "labels.csv")
    table = _convert_dice(labels, ["before_dice", "after_dice"], "labels.csv")
    shares = table["changed_share"].astype("float64")
    if not (shares >= 0).all():
        raise InputError("a changed share must be 0 or more", found=shares[~(shares >= 0)].iloc[0], where="labels.csv")
    if unknown := sorted({str(value) for value in table["is_kept"]} - {"True", "False"}):
        raise InputError("is_kept must be True or False", found=", ".join(unknown), where="labels.csv")
    kept = table["is_kept"].map(lambda value: str(value) == "True").astype("bool")
    _check_keys(table, _LABEL_KEYS, "labels.csv")
    return table.assign(changed_share=shares, is_kept=kept)


def list_subjects(table: pd.DataFrame) -> dict[str, str]:
    """Subject of each case of a table with the columns case_id and subject_id."""
    subjects = table.groupby("case_id")["subject_id"].first()
    return {str(case_id): str(subject) for case_id, subject in subjects.items()}


def _check_columns(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    if missing := [name for name in columns if name not in table.columns]:
        raise InputError("the table must hold all its columns", found=f"none named {', '.join(missing)}", where=where)


def _check_names(table: pd.DataFrame, column: str, known: Sequence[str], where: str) -> None:
    if unknown := [name for name in table[column].unique() if name not in known]:
        raise InputError(
            f"each {column} must be one of the evaluation",
            found=", ".join(map(repr, unknown)),
            where=where,
            hint=f"known: {', '.join(map(repr, known))}; read empty cells as empty text",
        )


def _convert_dice(table: pd.DataFrame, columns: list[str], where: str) -> pd.DataFrame:
    values = table[columns].astype("float64")
    wrong = values.lt(0) | values.gt(1)
    if wrong.any(axis=None):
        found = values.to_numpy()[wrong.to_numpy()][0]
        raise InputError("each Dice must lie in [0, 1]", found=found, where=where)
    return table.assign(**{column: values[column].to_numpy(np.float64) for column in columns})


def _check_keys(table: pd.DataFrame, keys: list[str], where: str) -> None:
    if table.duplicated(keys).any():
        first = table.loc[table.duplicated(keys), keys].iloc[0]
        raise InputError("each row must be there once", found=", ".join(map(str, first.tolist())), where=where)
    if (table.groupby("case_id")["subject_id"].nunique() > 1).any():
        raise InputError("a case must belong to one subject", where=where)


Training: TypeAlias = tuple[str, Correction, str]
"""Noise, correction and method of a way of training."""

_FIRST_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight")


def order_trainings(tried: Iterable[Training], noises: Sequence[str], methods: Sequence[str]) -> list[Training]:
    """Those that were tried: clean labels first, then by noise no correction, reweighting and relabelling by method."""
    ordered: list[Training] = [("", "clean", "")]
    for noise in noises:
        ordered += [(noise, correction, "") for correction in _FIRST_CORRECTIONS]
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
