"""How often a source is told by its masks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval
from overread.evaluation.roc import RocCurve, compute_roc
from overread.questions.rater_bias.classification_results import HIT_COLUMNS, ORIGINS, HitRate, Origin


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table of patches or hits as CSV, numbers in full precision."""
    table.to_csv(path, index=False, lineterminator="\n")


def read_patches(path: Path, sources: Sequence[str]) -> pd.DataFrame:
    """Read a table of patches as it was written.

    Raises:
        InputError: the file has other columns.
    """
    numbers = [name_probability(source) for source in sources]
    return _read(path, [*PATCH_COLUMNS, *numbers], {"fold": "int64"} | dict.fromkeys(numbers, "float64"))


def read_hits(path: Path) -> pd.DataFrame:
    """Read the per-case table as it was written: names such as `007` or `NA` stay text.

    Raises:
        InputError: the file has other columns.
    """
    return _read(path, HIT_COLUMNS, dict.fromkeys(("fold", "patch_count", "hit_count"), "int64"))


def _read(path: Path, columns: Sequence[str], numbers: dict[str, str]) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns) != list(columns):
        raise InputError(
            f"{path.name} must have the columns {', '.join(columns)}", found=", ".join(map(str, table.columns))
        )
    return table.astype(numbers).assign(shuffled=table["shuffled"] == "True")


PATCH_COLUMNS = HIT_COLUMNS[:6]
"""Columns of a table of patches; one named `name_probability(source)` per source follows."""


def name_probability(source: str) -> str:
    """Column of a table of patches that holds the probability, in [0, 1], that a source drew the mask."""
    return f"probability of {source}"


def count_hits(patches: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """Count the patches of each mask whose most likely source is right; of equally likely ones, the first counts.

    Args:
        patches: PATCH_COLUMNS and a probability per source, one row per patch.
        sources: the sources.

    Returns:
        HIT_COLUMNS, in the order in which the masks first appear.
    """
    likeliest = patches[[name_probability(source) for source in sources]].to_numpy(np.float64).argmax(axis=1)
    table = patches[list(PATCH_COLUMNS)].assign(hit=np.array(sources)[likeliest] == patches["source"])
    counted = table.groupby(list(PATCH_COLUMNS), sort=False)["hit"].agg(patch_count="size", hit_count="sum")
    return counted.reset_index()[list(HIT_COLUMNS)]


def summarise_hits(hits: pd.DataFrame, *, seed: int) -> tuple[HitRate, ...]:
    """Summarise the hits of each origin, with the real and with the shuffled classifier.

    Args:
        hits: HIT_COLUMNS.
        seed: of the bootstrap.
    """
    found = []
    for origin in ORIGINS:
        for shuffled in (False, True):
            rows = hits[(hits["origin"] == origin) & (hits["shuffled"] == shuffled)]
            if len(rows):
                found.append(_summarise(rows, origin, shuffled, seed))
    return tuple(found)


def compute_growth(hits: pd.DataFrame, *, seed: int) -> Interval | None:
    """Hit rate of predictions minus that of annotations, over the cases that have both.

    Above 0, the sources are told apart more surely by what their networks draw than by what they draw themselves: what
    sets them apart has become more consistent (Schwartzman et al. 2019, section 3.4).
    """
    rates = compute_case_rates(hits[~hits["shuffled"].astype(bool)]).set_index(["case_id", "subject_id", "origin"])
    by_origin = rates["hit_rate"].unstack("origin").reindex(columns=list(ORIGINS)).dropna()
    if by_origin.empty:
        return None
    differences = (by_origin["prediction"] - by_origin["annotation"]).tolist()
    return bootstrap_mean(differences, by_origin.index.get_level_values("subject_id").tolist(), seed=seed)


def compute_case_rates(hits: pd.DataFrame) -> pd.DataFrame:
    """Hit rate of each case, the mean over its masks: columns case_id, subject_id, origin, shuffled, hit_rate."""
    rates = hits.assign(hit_rate=hits["hit_count"] / hits["patch_count"])
    keys = ["case_id", "subject_id", "origin", "shuffled"]
    return rates.groupby(keys, sort=False)["hit_rate"].mean().reset_index()


def compute_rocs(patches: pd.DataFrame, sources: Sequence[str]) -> dict[Origin, RocCurve]:
    """Compute the curve of each origin from the patches of the real classifiers, those of all folds together."""
    real = patches[~patches["shuffled"].astype(bool)]
    curves = {}
    for origin in ORIGINS:
        rows = real[real["origin"] == origin]
        probabilities = rows[[name_probability(source) for source in sources]].to_numpy(np.float64)
        drawn_by = [list(sources).index(source) for source in rows["source"]]
        curves[origin] = compute_roc(probabilities, drawn_by)
    return {origin: curve for origin, curve in curves.items() if curve is not None}


def _summarise(rows: pd.DataFrame, origin: Origin, shuffled: bool, seed: int) -> HitRate:
    cases = compute_case_rates(rows)
    rates = cases["hit_rate"].to_numpy(np.float64)
    by_source = (rows["hit_count"] / rows["patch_count"]).groupby(rows["source"], sort=False).mean()
    return HitRate(
        origin=origin,
        shuffled=shuffled,
        interval=bootstrap_mean(rates.tolist(), cases["subject_id"].tolist(), seed=seed),
        std=float(rates.std(ddof=1)) if rates.size > 1 else None,
        case_count=rates.size,
        patch_count=int(rows["patch_count"].sum()),
        by_source={str(source): float(rate) for source, rate in by_source.items()},
    )
