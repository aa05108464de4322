"""What the plots and the sentences need of each case, taken from the table of comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.results import COMPARISON_COLUMNS, name_network
from overread.questions.rater_bias.results import CrossEvaluation

if TYPE_CHECKING:
    from pandas import DataFrame

Loads: TypeAlias = Mapping[str, Mapping[str, float]]
"""Load of each case of each label set, in the study's load unit."""


@dataclass(frozen=True)
class CaseDice:
    """Dice of one network on one case.

    Attributes:
        same: against the source that the network was trained on.
        cross: mean over the other sources that labelled the case; None where there is none.
    """

    same: float
    cross: float | None


DiceByCase: TypeAlias = Mapping[str, Mapping[str, CaseDice]]
"""Dice of each case of the network of each source."""


def check_comparisons(comparisons: "DataFrame", evaluation: CrossEvaluation) -> None:
    """Check that the table of comparisons belongs to the evaluation.

    Raises:
        InputError: a column is missing, or a case is not one of the evaluation.
    """
    missing = [name for name in COMPARISON_COLUMNS if name not in comparisons.columns]
    if missing:
        raise InputError("the table of comparisons must hold all its columns", found=f"none named {', '.join(missing)}")
    unknown = [case for case in comparisons["case_id"].unique() if case not in set(evaluation.case_ids)]
    if unknown:
        raise InputError(
            "a compared case must be one of the evaluation",
            found=", ".join(map(repr, unknown[:5])),
            hint="read comparisons.csv with case_id as text, so that '007' does not become 7",
        )


def select_sources(comparisons: "DataFrame", sources: Sequence[str]) -> "DataFrame":
    """The rows between label sets of some sources: their own masks and those of their networks."""
    names = [*sources, *(name_network(source) for source in sources)]
    return comparisons[comparisons["prediction"].isin(names) & comparisons["reference"].isin(names)]


def collect_loads(comparisons: "DataFrame") -> Loads:
    """Collect the load of every case of every label set that was compared."""
    loads: dict[str, dict[str, float]] = {}
    for role in ("prediction", "reference"):
        columns = comparisons[[role, "case_id", f"{role}_load"]]
        for name, case_id, load in columns.itertuples(index=False, name=None):
            if np.isfinite(load):
                loads.setdefault(str(name), {})[str(case_id)] = float(load)
    return loads


def collect_common_loads(loads: Loads, names: Sequence[str]) -> list[NDArray[np.float64]]:
    """Collect the loads of several label sets, one (N,) array each, over the N cases of which all are known."""
    columns = [loads.get(name, {}) for name in names]
    common = [case_id for case_id in columns[0] if all(case_id in column for column in columns)]
    return [np.array([column[case_id] for case_id in common], np.float64) for column in columns]


def collect_case_dice(comparisons: "DataFrame", sources: Sequence[str]) -> DiceByCase:
    """Collect same-source and cross-source Dice, per network and case; cases without the former are left out."""
    scores = _index_dice(comparisons)
    result: dict[str, dict[str, CaseDice]] = {}
    for source in sources:
        same = scores.get((name_network(source), source), {})
        others = [scores.get((name_network(source), other), {}) for other in sources if other != source]
        result[source] = {case_id: CaseDice(dice, _average(case_id, others)) for case_id, dice in same.items()}
    return result


def compute_mean_gaps(dice: DiceByCase) -> dict[str, float]:
    """Same-source minus cross-source Dice of each case, averaged over the networks that have both."""
    gaps: dict[str, list[float]] = {}
    for by_case in dice.values():
        for case_id, pair in by_case.items():
            if pair.cross is not None:
                gaps.setdefault(case_id, []).append(pair.same - pair.cross)
    return {case_id: float(np.mean(values)) for case_id, values in gaps.items()}


def compute_source_agreement(comparisons: "DataFrame", sources: Sequence[str]) -> dict[str, float]:
    """Mean Dice of the sources with each other, per case; of the network with the source where there is one source."""
    scores = _index_dice(comparisons)
    if len(sources) == 1:
        return dict(scores.get((name_network(sources[0]), sources[0]), {}))
    by_case: dict[str, list[float]] = {}
    for (prediction, reference), column in scores.items():
        if prediction in sources and reference in sources and prediction != reference:
            for case_id, dice in column.items():
                by_case.setdefault(case_id, []).append(dice)
    return {case_id: float(np.mean(values)) for case_id, values in by_case.items()}


def _index_dice(comparisons: "DataFrame") -> dict[tuple[str, str], dict[str, float]]:
    columns = comparisons[["prediction", "reference", "case_id", "dice"]]
    scores: dict[tuple[str, str], dict[str, float]] = {}
    for prediction, reference, case_id, dice in columns.itertuples(index=False, name=None):
        if np.isfinite(dice):
            scores.setdefault((str(prediction), str(reference)), {})[str(case_id)] = float(dice)
    return scores


def _average(case_id: str, columns: Sequence[Mapping[str, float]]) -> float | None:
    values = [column[case_id] for column in columns if case_id in column]
    return float(np.mean(values)) if values else None
