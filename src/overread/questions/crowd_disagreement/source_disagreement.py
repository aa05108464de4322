"""Disagreement of the sources of a study as features: overlap, boundary distance and spread of loads, case by case.

All of them go with size: where little is outlined, Dice is lower and loads differ less. Every set of disagreement is
therefore freed of size, the logarithm of the mean load, with lines that are fitted within the training folds, and size
alone is a set of its own.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.compare import LabelSetPair, compare_pairs
from overread.questions.crowd_disagreement.case_features import CaseFeatures
from overread.questions.crowd_disagreement.feature_sets import (
    COMBINED,
    CONSENSUS,
    DISAGREEMENT,
    Array,
    FeatureSet,
    SetGroup,
    select_columns,
)
from overread.study.study import Study

SPREADS = ("Mean 1 − Dice", "Mean boundary distance", "Spread of loads", "Relative spread of loads")

_UNUSED_TOLERANCE = 1.0
"""Of the surface Dice, which is not among the features."""

_LOAD_COLUMNS = 3


def measure_source_disagreement(study: Study, sources: Sequence[str]) -> CaseFeatures:
    """Measure how much sources disagree in each case.

    Columns: Dice and average surface distance of each of P pairs of sources, then standard deviation of the loads over
    the sources, the same over the mean load (0 where all masks are empty), and the logarithm of the mean load, which
    stands for size. A case that a source has not labelled has NaN; the distance is infinite where one of two masks is
    empty.

    Args:
        study: where masks are read.
        sources: at least two.

    Raises:
        InputError: there are fewer than two sources, or a mask is damaged.
    """
    if len(sources) < 2:
        raise InputError("disagreement takes at least two sources", found=", ".join(sources) or "none")
    pairs = list(combinations(sources, 2))
    labelled = [LabelSetPair(study.labels(a), study.labels(b), study.case_ids) for a, b in pairs]
    comparisons = compare_pairs(labelled, study=study, tolerance=_UNUSED_TOLERANCE)
    dice, distance = (_tabulate(comparisons, metric, pairs, study.case_ids) for metric in ("dice", "assd"))
    loads = _collect_loads(comparisons, sources, study.case_ids)
    return CaseFeatures(
        kind="sources",
        case_ids=study.case_ids,
        subjects=tuple(study.subject_of[case_id] for case_id in study.case_ids),
        columns=_name_columns(study, pairs),
        values=np.concatenate([dice, distance, summarise_loads(loads)], axis=1),
        sets=_list_sets(len(pairs)),
        spreads=SPREADS,
        compute_spreads=_compute_spreads,
    )


def summarise_loads(loads: Array) -> Array:
    """Sample standard deviation over sources, the same over the mean (0 where it is 0), and the logarithm of the mean.

    Args:
        loads: (N, sources), at least two sources; a mean of 0 counts as half the smallest mean above 0.

    Returns:
        (N, 3).
    """
    mean, std = loads.mean(axis=1), loads.std(axis=1, ddof=1)
    relative = np.divide(std, mean, out=np.zeros_like(std), where=mean != 0)
    smallest = float(np.min(mean[mean > 0], initial=np.inf))
    size = np.log(np.where(mean > 0, mean, smallest / 2 if np.isfinite(smallest) else 1.0))
    return np.stack([std, relative, np.where(np.isnan(mean), np.nan, size)], axis=1)


def _tabulate(comparisons: pd.DataFrame, metric: str, pairs: list[tuple[str, str]], case_ids: Sequence[str]) -> Array:
    table = comparisons.pivot_table(
        index="case_id", columns=["prediction", "reference"], values=metric, aggfunc="first", dropna=False
    )
    wanted = pd.MultiIndex.from_tuples(pairs)
    return table.reindex(index=pd.Index(case_ids), columns=wanted).to_numpy(np.float64)


def _collect_loads(comparisons: pd.DataFrame, sources: Sequence[str], case_ids: Sequence[str]) -> Array:
    sides = [
        comparisons[["case_id", side, f"{side}_load"]].set_axis(["case_id", "source", "load"], axis=1)
        for side in ("prediction", "reference")
    ]
    loads = (
        pd.concat(sides).drop_duplicates(["case_id", "source"]).pivot(index="case_id", columns="source", values="load")
    )
    return loads.reindex(index=list(case_ids), columns=list(sources)).to_numpy(np.float64)


def _name_columns(study: Study, pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    length, load = study.settings.length_unit, study.settings.load_unit
    return (
        *(f"Dice of {a} and {b}" for a, b in pairs),
        *(f"Boundary distance of {a} and {b} ({length})" for a, b in pairs),
        f"Spread of loads ({load})",
        "Relative spread of loads",
        f"Log of the mean load ({load})",
    )


MEASURED = "disagreement_measured"
"""Key of the set of all measures of disagreement as they are, size in them."""


def _list_sets(pair_count: int) -> tuple[FeatureSet, ...]:
    width = 2 * pair_count + _LOAD_COLUMNS
    size = width - 1
    chosen: dict[str, tuple[str, SetGroup, Sequence[int]]] = {
        COMBINED: ("Size and disagreement", "all", range(width)),
        CONSENSUS: ("Size alone (log of the mean load)", "measure", [size]),
        MEASURED: ("Disagreement as measured, size in it", "combined", range(size)),
        DISAGREEMENT: ("Disagreement freed of size", "combined", range(size)),
        "dice": ("Dice of pairs, freed of size", "measure", range(pair_count)),
        "distance": ("Boundary distances of pairs, freed of size", "measure", range(pair_count, 2 * pair_count)),
        "load_spread": ("Spread of loads, freed of size", "measure", range(2 * pair_count, size)),
    }
    return tuple(
        FeatureSet(
            key,
            title,
            group,
            len(places),
            select_columns(places),
            is_disagreement=key not in (COMBINED, CONSENSUS, MEASURED),
            freed_of=None if key in (CONSENSUS, MEASURED) else size,
        )
        for key, (title, group, places) in chosen.items()
    )


def _compute_spreads(values: Array) -> Array:
    """Means over pairs and the spreads of loads, (N, 4), all larger where sources disagree more."""
    pair_count = (values.shape[1] - _LOAD_COLUMNS) // 2
    dice, distance = values[:, :pair_count], values[:, pair_count : 2 * pair_count]
    loads = values[:, 2 * pair_count : -1]
    return np.concatenate([1 - dice.mean(axis=1, keepdims=True), distance.mean(axis=1, keepdims=True), loads], axis=1)
