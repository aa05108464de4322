"""The patches that a source classifier was asked about, and how many it knew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from overread.errors import InputError
from overread.evaluation.roc import RocCurve, compute_roc
from overread.questions.rater_bias.classification_results import HIT_COLUMNS, ORIGINS, Origin


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


def compute_case_rates(hits: pd.DataFrame) -> pd.DataFrame:
    """Hit rate of each case, the mean over its masks: columns fold, case_id, subject_id, origin, shuffled, hit_rate."""
    rates = hits.assign(hit_rate=hits["hit_count"] / hits["patch_count"])
    keys = ["fold", "case_id", "subject_id", "origin", "shuffled"]
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
