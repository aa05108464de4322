"""The scores of every repeat's networks by themselves, and what the verdicts are estimated from.

Masks of several repeats together agree better than those of one, and no longer show how much trainings differ; so they
are looked at, and each repeat by itself is judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd

from overread.evaluation.estimate import SubjectScores
from overread.evaluation.overlap import compute_dice
from overread.study.label_set import LabelSet
from overread.study.study import Study, compute_load

REPEAT_COLUMNS = (
    "source",
    "reference",
    "fold",
    "repeat",
    "case_id",
    "subject_id",
    "dice",
    "prediction_load",
    "reference_load",
)
"""Columns of `repeats.csv`: one row per network, reference and held-out case.

`source` is what the network learnt, `reference` the source that it is compared with.
"""

Row = tuple[str | int | float, ...]
"""Values of REPEAT_COLUMNS."""


@dataclass(frozen=True)
class RepeatMasks:
    """The held-out masks of one repeat of the networks of a source.

    Attributes:
        source: what the networks learnt.
        repeat: index of the random start, from 0.
        masks: their masks.
        fold_of: fold of each held-out case.
    """

    source: str
    repeat: int
    masks: LabelSet
    fold_of: Mapping[str, int]


def score_repeats(
    study: Study,
    repeats: Sequence[RepeatMasks],
    references: Sequence[str],
    *,
    case_ids: Sequence[str],
    workers: int = 1,
) -> pd.DataFrame:
    """Compare the networks of every repeat with every reference that has labelled a case.

    A network counts on the cases that its own source has labelled.

    Args:
        study: gives masks, spacing and subjects.
        repeats: masks of all networks.
        references: names of sources.
        case_ids: cases considered.
        workers: threads that share the cases; reading and comparing masks lets others run.

    Returns:
        REPEAT_COLUMNS, by case.

    Raises:
        InputError: a mask is damaged, or two masks of a case differ in shape.
    """
    score = _Scoring(study, tuple(repeats), tuple(references))
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(score, case_ids))
    return pd.DataFrame([row for rows in found for row in rows], columns=list(REPEAT_COLUMNS))


@dataclass(frozen=True)
class _Scoring:
    study: Study
    repeats: tuple[RepeatMasks, ...]
    references: tuple[str, ...]

    def __call__(self, case_id: str) -> list[Row]:
        """Rows of one case."""
        labels = [self.study.labels(name) for name in self.references]
        read = {one.name: one.read(case_id) for one in labels if one.select_labelled([case_id])}
        spacing, subject = self.study.read_spacing(case_id), self.study.subject_of[case_id]
        loads = {name: compute_load(mask, spacing) for name, mask in read.items()}
        rows: list[Row] = []
        for one in self._select(case_id, read):
            mask = one.masks.read(case_id)
            load = compute_load(mask, spacing)
            keys = (one.fold_of[case_id], one.repeat, case_id, subject)
            rows += [
                (one.source, name, *keys, compute_dice(label, mask), load, loads[name]) for name, label in read.items()
            ]
        return rows

    def _select(self, case_id: str, labelled: Mapping[str, object]) -> Iterator[RepeatMasks]:
        for one in self.repeats:
            if one.source in labelled and case_id in one.fold_of and one.masks.select_labelled([case_id]):
                yield one


def spread(values: "pd.Series[float]", scores: pd.DataFrame) -> SubjectScores | None:
    """Bring values by (case, repeat) into the form that means are estimated from; None where there is none.

    Args:
        values: indexed by `case_id` and `repeat`.
        scores: REPEAT_COLUMNS, for subject and fold of each case.

    Raises:
        InputError: a subject is held out in two folds.
    """
    if values.empty:
        return None
    table = values.unstack("repeat").sort_index()
    known = scores.drop_duplicates("case_id").set_index("case_id").loc[table.index]
    return SubjectScores.of_cases(table.to_numpy("float64"), known["subject_id"].tolist(), known["fold"].tolist())


def average_by_subject(values: "pd.Series[float]", scores: pd.DataFrame) -> "pd.Series[float]":
    """Mean over repeats, then over the cases of each subject, by subject.

    Args:
        values: indexed by `case_id` and `repeat`.
        scores: REPEAT_COLUMNS, for the subject of each case.
    """
    subject_of = scores.drop_duplicates("case_id").set_index("case_id")["subject_id"]
    by_case = values.groupby("case_id").mean()
    return by_case.groupby(subject_of.loc[by_case.index]).mean()


def compute_own_dice(scores: pd.DataFrame, sources: Sequence[str]) -> "pd.Series[float]":
    """Dice of the networks with their own source by (case, repeat), mean over the networks of `sources`."""
    own = scores[(scores["source"] == scores["reference"]) & scores["source"].isin(sources)]
    return own.groupby(["case_id", "repeat"])["dice"].mean()


def compute_other_dice(scores: pd.DataFrame, sources: Sequence[str]) -> "pd.Series[float]":
    """Dice of the networks of `sources` with the others of them by (case, repeat), mean over all such pairs."""
    is_among = scores["source"].isin(sources) & scores["reference"].isin(sources)
    others = scores[is_among & (scores["source"] != scores["reference"])]
    return others.groupby(["case_id", "repeat"])["dice"].mean()


def compute_dice_with_all(scores: pd.DataFrame, source: str, raters: Sequence[str]) -> "pd.Series[float]":
    """Dice of the networks of a source with all raters by (case, repeat), over the cases that all have labelled."""
    rows = scores[(scores["source"] == source) & scores["reference"].isin(raters)]
    found = rows.groupby(["case_id", "repeat"])["dice"].agg(["mean", "size"])
    return found.loc[found["size"] == len(raters), "mean"]


def tabulate_loads(scores: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Loads of two sources and their networks by (case, repeat), where all four are known.

    Returns:
        Columns `first`, `second`, `first_network` and `second_network`.
    """
    own = scores[scores["source"] == scores["reference"]].set_index(["case_id", "repeat"])
    columns: dict[str, pd.Series[float]] = {}
    for name, source in (("first", first), ("second", second)):
        rows = own[own["source"] == source]
        columns |= {name: rows["reference_load"], f"{name}_network": rows["prediction_load"]}
    return pd.DataFrame(columns).dropna()
