"""Does adding labels of a second source move a network towards it? (Schwartzman et al. 2019, section 3.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.evaluation.significance import adjust_holm, compute_paired_p
from overread.questions.rater_bias.mixing_results import (
    MIXING_COLUMNS,
    SECOND_NETWORK_COLUMNS,
    MixedNetwork,
    MixingEvaluation,
    ReferenceDice,
    SourceShift,
)


@dataclass(frozen=True)
class _Bootstrap:
    subject_of: Mapping[str, str]
    seed: int

    def estimate(self, values: "pd.Series[float]") -> Interval | None:
        """Mean of one value per case with its interval over subjects; None where there is no case."""
        if values.empty:
            return None
        subjects = [self.subject_of[str(case_id)] for case_id in values.index]
        return bootstrap_mean(values.tolist(), subjects, seed=self.seed)


def summarise_mixing(
    frame: pd.DataFrame,
    *,
    first: str,
    second: str,
    references: tuple[str, ...],
    seed: int = 0,
    second_network: pd.DataFrame | None = None,
) -> MixingEvaluation:
    """Summarise the per-case table of mixed-source training.

    A mean is taken over all cases of its network and reference, a change over the cases that both networks have.

    Args:
        frame: MIXING_COLUMNS, with rows of ratio 0 and of at least one larger ratio.
        first: the source of which all training labels are learnt.
        second: the source of which labels are added.
        references: the sources that networks are compared with, `first` and `second` among them.
        seed: of the bootstrap.
        second_network: SECOND_NETWORK_COLUMNS of the plain network of the second source, for example its rows of a
            cross-evaluation's table; other columns, and rows of other references, are left out.

    Raises:
        InputError: a column is missing, a source, ratio, count or Dice is not what it may be, a case is held out twice,
            or a case belongs to two subjects.
    """
    _check_sources(first, second, references)
    _check_frame(frame, references)
    alone = None if second_network is None else _select_references(second_network, references)
    bootstrap = _Bootstrap(_map_subjects([frame] if alone is None else [frame, alone]), seed)
    ratios = sorted(map(float, frame["ratio"].unique()))
    tables = {ratio: _spread(frame[frame["ratio"] == ratio], references) for ratio in ratios}
    plain, second_table = tables[0.0], None if alone is None else _spread(alone, references)
    networks = [
        MixedNetwork(
            ratio=ratio,
            added_counts=_range_counts(frame[frame["ratio"] == ratio]),
            dice=_summarise_table(table, plain if ratio else None, bootstrap),
        )
        for ratio, table in tables.items()
    ]
    return MixingEvaluation(
        first=first,
        second=second,
        references=references,
        networks=_correct(networks),
        second_network=None if second_table is None else _summarise_table(second_table, plain, bootstrap),
        shift=_find_shift(plain, tables[ratios[-1]], (first, second), bootstrap),
        full_shift=None if second_table is None else _find_shift(plain, second_table, (first, second), bootstrap),
        subject_count=frame["subject_id"].nunique(),
        seed=seed,
    )


def _spread(rows: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    """Dice with one row per case and one column per reference, NaN where there is none."""
    return rows.pivot(index="case_id", columns="reference", values="dice").reindex(columns=list(references))


def _range_counts(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows["added_count"].min()), int(rows["added_count"].max())


def _summarise_table(
    table: pd.DataFrame, plain: pd.DataFrame | None, bootstrap: _Bootstrap
) -> tuple[ReferenceDice, ...]:
    return tuple(
        _summarise_reference(str(name), table[name].dropna(), None if plain is None else plain[name], bootstrap)
        for name in table.columns
    )


def _summarise_reference(
    reference: str, dice: "pd.Series[float]", plain: "pd.Series[float] | None", bootstrap: _Bootstrap
) -> ReferenceDice:
    change = pd.Series(dtype="float64") if plain is None else (dice - plain).dropna()
    before = [] if plain is None else plain.loc[change.index].tolist()
    return ReferenceDice(
        reference=reference,
        mean=bootstrap.estimate(dice),
        case_count=len(dice),
        change=bootstrap.estimate(change),
        change_case_count=len(change),
        paired_p=compute_paired_p(before, dice.loc[change.index].tolist()),
        paired_p_holm=None,
    )


def _correct(networks: Sequence[MixedNetwork]) -> tuple[MixedNetwork, ...]:
    """Holm-correct the paired tests over all ratios and references."""
    corrected = iter(adjust_holm([one.paired_p for network in networks for one in network.dice]))
    return tuple(
        network.model_copy(
            update={"dice": tuple(one.model_copy(update={"paired_p_holm": next(corrected)}) for one in network.dice)}
        )
        for network in networks
    )


def _find_shift(
    plain: pd.DataFrame, moved: pd.DataFrame, sources: tuple[str, str], bootstrap: _Bootstrap
) -> SourceShift | None:
    first, second = sources
    changes = (moved - plain)[[first, second]].dropna()
    first_change, second_change = bootstrap.estimate(changes[first]), bootstrap.estimate(changes[second])
    difference = bootstrap.estimate(changes[second] - changes[first])
    if first_change is None or second_change is None or difference is None:
        return None
    return SourceShift(
        first_change=first_change, second_change=second_change, difference=difference, case_count=len(changes)
    )


def _select_references(rows: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    _check_columns(rows, SECOND_NETWORK_COLUMNS)
    selected = rows.loc[rows["reference"].isin(references), list(SECOND_NETWORK_COLUMNS)]
    _check_dice(selected, ["reference", "case_id"])
    return selected


def _map_subjects(tables: Sequence[pd.DataFrame]) -> dict[str, str]:
    pairs = pd.concat([rows[["case_id", "subject_id"]] for rows in tables]).drop_duplicates()
    if twice := sorted(pairs.loc[pairs["case_id"].duplicated(), "case_id"]):
        raise InputError("a case must belong to one subject", found=f"several of case {twice[0]!r}")
    return {str(case_id): str(subject) for case_id, subject in pairs.itertuples(index=False, name=None)}


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
    _check_dice(frame, ["ratio", "reference", "case_id"])


def _check_columns(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in rows.columns]:
        raise InputError("a table of Dice must hold all its columns", found=f"none named {', '.join(missing)}")


def _check_dice(rows: pd.DataFrame, keys: list[str]) -> None:
    valid = rows["dice"].between(0, 1)
    if not valid.all():
        raise InputError("each Dice must lie in [0, 1]", found=rows.loc[~valid, "dice"].iloc[0])
    if (twice := rows.duplicated(keys)).any():
        raise InputError(
            f"a case must be held out once per {' and '.join(keys[:-1])}",
            found=f"twice {', '.join(map(str, rows.loc[twice, keys].iloc[0].tolist()))}",
        )
