"""Dice of networks and of labels: per case and training as the tables hold them, and as scores of subjects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.estimate import SubjectScores
from overread.evaluation.results import Interval
from overread.questions.relabel.results import DICE_COLUMNS, LABEL_COLUMNS, Correction

_DICE_KEYS = ["noise", "correction", "method", "repeat", "case_id"]
_LABEL_KEYS = list(LABEL_COLUMNS[:6])

Training: TypeAlias = tuple[str, Correction, str]
"""Noise, correction and method of a way of training."""
Measure: TypeAlias = Literal["clean_dice", "noisy_dice", "excess"]
"""A column of DICE_COLUMNS, or how much D_noisy exceeds D_clean."""


@dataclass(frozen=True, eq=False)
class CorrectionScores:
    """Dice of every held-out case by every repeat.

    Attributes:
        table: DICE_COLUMNS.
        subject_of: subject of each case.
        fold_of: round that holds each case out.
    """

    table: pd.DataFrame
    subject_of: Mapping[str, str]
    fold_of: Mapping[str, int]

    def list_cases(self, training: Training) -> list[str]:
        """The cases that a way of training has predicted, sorted."""
        return sorted(self._select(training)["case_id"].unique())

    def read(self, training: Training, measure: Measure) -> pd.DataFrame:
        """A measure of one way of training: a row per case (sorted), a column per repeat; NaN where one failed.

        Cases without any value are left out.
        """
        if measure == "excess":
            return self.read(training, "noisy_dice") - self.read(training, "clean_dice")
        wide = self._select(training).pivot(index="case_id", columns="repeat", values=measure)
        repeats = sorted(self.table["repeat"].unique())
        return wide.reindex(columns=repeats).astype("float64").dropna(how="all").sort_index()

    def gather(self, wide: pd.DataFrame) -> SubjectScores | None:
        """The scores of the subjects; None where no case has a value.

        Args:
            wide: from `read`, or a difference of two; cases without any value are left out.
        """
        known = wide.dropna(how="all")
        if known.empty:
            return None
        cases = [str(case_id) for case_id in known.index]
        subjects, folds = [self.subject_of[case] for case in cases], [self.fold_of[case] for case in cases]
        return SubjectScores.of_cases(known.to_numpy(np.float64), subjects, folds)

    def _select(self, training: Training) -> pd.DataFrame:
        noise, correction, method = training
        table = self.table
        wanted = (table["noise"] == noise) & (table["correction"] == correction) & (table["method"] == method)
        return table[wanted]


def bootstrap_subjects(values: "pd.Series[float]", subject_of: Mapping[str, str], *, seed: int) -> Interval | None:
    """Mean over subjects with its descriptive interval; None where there is no case.

    Args:
        values: (N,) indexed by case; a subject has the mean over its cases.
        subject_of: subject of each case.
        seed: of the resampling.
    """
    if values.empty:
        return None
    means = values.groupby([subject_of[str(case_id)] for case_id in values.index]).mean()
    return bootstrap_mean(means.tolist(), [str(subject) for subject in means.index], seed=seed)


def index_dice(dice: pd.DataFrame, *, noises: Sequence[str], methods: Sequence[str]) -> CorrectionScores:
    """Check the table of Dice and index it.

    Args:
        dice: DICE_COLUMNS.
        noises: names that it may hold.
        methods: ways of estimating uncertainty that it may hold.

    Raises:
        InputError: a column is missing, a name or a Dice is not what it may be, a case is held out twice by one repeat
            of a way of training, or has two subjects or folds.
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
    if (table.groupby("case_id")["fold"].nunique() > 1).any():
        raise InputError("a case must be held out in one fold", where="dice.csv")
    folds = table.groupby("case_id")["fold"].first()
    return CorrectionScores(table, list_subjects(table), {str(case_id): int(fold) for case_id, fold in folds.items()})


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


_FIRST_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight")


def order_trainings(tried: Iterable[Training], noises: Sequence[str], methods: Sequence[str]) -> list[Training]:
    """Those that were tried: clean labels first, then by noise no correction, reweighting and relabelling by method."""
    ordered: list[Training] = [("", "clean", "")]
    for noise in noises:
        ordered += [(noise, correction, "") for correction in _FIRST_CORRECTIONS]
        ordered += [(noise, "relabel", method) for method in methods]
    wanted = set(tried)
    return [training for training in ordered if training in wanted]
