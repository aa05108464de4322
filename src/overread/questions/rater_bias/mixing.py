"""Does adding labels of a second source move a network towards it? (Schwartzman et al. 2019, section 3.2).

Networks are trained apart, each with a seed of its own, so every difference between them holds the luck of two
trainings; `estimate_mean` allows for it. The repeats of the two sides are paired in their order, which means nothing.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from overread.errors import InputError
from overread.evaluation.estimate import SubjectScores, estimate_mean
from overread.evaluation.results import Estimate
from overread.evaluation.significance import adjust_holm
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import DICE_THAT_MATTERS
from overread.questions.rater_bias.mixing_results import (
    MIXING_COLUMNS,
    SECOND_NETWORK_COLUMNS,
    MixedNetwork,
    MixingEvaluation,
    ReferenceDice,
    SourceShift,
)

if TYPE_CHECKING:
    Scores: TypeAlias = pd.DataFrame
    """Of one reference: one row per case, one column per repeat; the index holds case, subject and fold."""

_CASE = ["case_id", "subject_id", "fold"]


def summarise_mixing(
    frame: pd.DataFrame,
    *,
    first: str,
    second: str,
    references: tuple[str, ...],
    second_network: pd.DataFrame | None = None,
    skills: Mapping[str, Skill] | None = None,
    matters: float = DICE_THAT_MATTERS,
) -> MixingEvaluation:
    """Summarise the table of mixed-source training.

    A mean is taken over all subjects that a network and a reference have in common, a change over the cases that both
    networks have; every subject counts once.

    Args:
        frame: MIXING_COLUMNS, with rows of ratio 0 and of at least one larger ratio.
        first: the source of which all training labels are learnt.
        second: the source of which labels are added.
        references: the sources that networks are compared with, `first` and `second` among them.
        second_network: SECOND_NETWORK_COLUMNS of the plain networks of the second source; other columns, and rows of
            other references, are left out.
        skills: by source, how well the networks learnt it; nothing is concluded where they learnt too little.
        matters: smallest difference of Dice that matters, above 0.

    Raises:
        InputError: a column is missing, a source, ratio, count or Dice is not what it may be, a case is held out twice
            by a repeat, or a case belongs to two subjects or folds.
    """
    _check_sources(first, second, references)
    _check_frame(frame, references)
    alone = None if second_network is None else _select_references(second_network, references)
    _check_cases([frame] if alone is None else [frame, alone])
    ratios = sorted(map(float, frame["ratio"].unique()))
    tables = {ratio: _spread(frame[frame["ratio"] == ratio], references) for ratio in ratios}
    plain, second_table = tables[0.0], None if alone is None else _spread(alone, references)
    networks = [
        MixedNetwork(
            ratio=ratio,
            added_counts=_range_counts(frame[frame["ratio"] == ratio]),
            dice=_summarise_table(table, plain if ratio else None),
        )
        for ratio, table in tables.items()
    ]
    return MixingEvaluation(
        first=first,
        second=second,
        references=references,
        networks=_correct(networks),
        second_network=None if second_table is None else _summarise_table(second_table, plain),
        shift=_find_shift(plain, tables[ratios[-1]], first, second),
        full_shift=None if second_table is None else _find_shift(plain, second_table, first, second),
        skills=dict(skills or {}),
        matters=matters,
        subject_count=frame["subject_id"].nunique(),
        training_count=_count_trainings(frame) + (0 if alone is None else _count_trainings(alone.assign(ratio=0.0))),
    )


def _spread(rows: pd.DataFrame, references: Sequence[str]) -> "dict[str, Scores]":
    """Dice against each reference, NaN where a repeat lacks a case."""
    return {
        name: rows[rows["reference"] == name].pivot(index=_CASE, columns="repeat", values="dice") for name in references
    }


def _range_counts(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows["added_count"].min()), int(rows["added_count"].max())


def _count_trainings(rows: pd.DataFrame) -> int:
    return len(rows[["ratio", "fold", "repeat"]].drop_duplicates())


def _summarise_table(table: "Mapping[str, Scores]", plain: "Mapping[str, Scores] | None") -> tuple[ReferenceDice, ...]:
    return tuple(
        _summarise_reference(name, dice, None if plain is None else dice - plain[name]) for name, dice in table.items()
    )


def _summarise_reference(reference: str, dice: "Scores", change: "Scores | None") -> ReferenceDice:
    known, known_change = _select_known(dice), dice.iloc[:0] if change is None else _select_known(change)
    return ReferenceDice(
        reference=reference,
        mean=None if known.empty else _estimate(known).clip(0, 1),
        case_count=len(known),
        change=None if known_change.empty else _estimate(known_change),
        change_case_count=len(known_change),
        corrected_p=None,
    )


def _select_known(scores: "Scores") -> "Scores":
    """Cases that any repeat has."""
    return scores.dropna(how="all")


def _estimate(known: "Scores") -> Estimate:
    """Mean over subjects and repeats of at least one case."""
    subjects, folds = (known.index.get_level_values(name) for name in ("subject_id", "fold"))
    return estimate_mean(SubjectScores.of_cases(known.to_numpy("float64"), [*map(str, subjects)], [*map(int, folds)]))


def _correct(networks: Sequence[MixedNetwork]) -> tuple[MixedNetwork, ...]:
    """Correct the changes of all mixed networks together for their number (Holm)."""
    p_values = [one.change.p_value if one.change else None for network in networks for one in network.dice]
    corrected = iter(adjust_holm(p_values))
    return tuple(
        network.model_copy(
            update={"dice": tuple(one.model_copy(update={"corrected_p": next(corrected)}) for one in network.dice)}
        )
        for network in networks
    )


def _find_shift(
    plain: "Mapping[str, Scores]", moved: "Mapping[str, Scores]", first: str, second: str
) -> SourceShift | None:
    to_first, to_second = moved[first] - plain[first], moved[second] - plain[second]
    difference = _select_known(to_second - to_first)
    if difference.empty:
        return None
    return SourceShift(
        first_change=_estimate(to_first.loc[difference.index]),
        second_change=_estimate(to_second.loc[difference.index]),
        difference=_estimate(difference),
        case_count=len(difference),
    )


def _select_references(rows: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    _check_columns(rows, SECOND_NETWORK_COLUMNS)
    selected = rows.loc[rows["reference"].isin(references), list(SECOND_NETWORK_COLUMNS)]
    _check_dice(selected, ["reference", "repeat", "case_id"])
    return selected


def _check_cases(tables: Sequence[pd.DataFrame]) -> None:
    known = pd.concat([rows[_CASE] for rows in tables]).drop_duplicates()
    for column, noun in (("subject_id", "subject"), ("fold", "fold")):
        pairs = known[["case_id", column]].drop_duplicates()
        if twice := sorted(pairs.loc[pairs["case_id"].duplicated(), "case_id"]):
            raise InputError(f"a case must belong to one {noun}", found=f"several of case {twice[0]!r}")


def _check_sources(first: str, second: str, references: Sequence[str]) -> None:
    if first == second:
        raise InputError("two different sources must be mixed", found=f"{first!r} twice")
    if missing := [source for source in (first, second) if source not in references]:
        raise InputError("both mixed sources must be among the references", found=f"none named {', '.join(missing)}")


def _check_frame(frame: pd.DataFrame, references: Sequence[str]) -> None:
    _check_columns(frame, MIXING_COLUMNS)
    if unknown := sorted(set(frame["reference"]) - set(references)):
        raise InputError(
            "a reference of the table must be one of the evaluation",
            found=", ".join(map(repr, unknown)),
            hint=f"known: {', '.join(references)}",
        )
    ratios = sorted(set(frame["ratio"]))
    if len(ratios) < 2 or ratios[0] != 0 or not frame["ratio"].between(0, 1).all():
        raise InputError(
            "ratios must lie in [0, 1], 0 and a larger one among them", found=", ".join(map(str, ratios)) or "none"
        )
    if ((frame["added_count"] > 0) != (frame["ratio"] > 0)).any():
        raise InputError("labels must have been added at every ratio but 0", where="column added_count")
    _check_dice(frame, ["ratio", "reference", "repeat", "case_id"])


def _check_columns(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in rows.columns]:
        raise InputError("a table of Dice must hold all its columns", found=f"none named {', '.join(missing)}")


def _check_dice(rows: pd.DataFrame, keys: list[str]) -> None:
    valid = rows["dice"].between(0, 1)
    if not valid.all():
        raise InputError("each Dice must lie in [0, 1]", found=rows.loc[~valid, "dice"].iloc[0])
    if (twice := rows.duplicated(keys)).any():
        raise InputError(
            f"a case must be held out once per {', '.join(keys[:-2])} and {keys[-2]}",
            found=f"twice {', '.join(map(str, rows.loc[twice, keys].iloc[0].tolist()))}",
        )
