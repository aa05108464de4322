"""The tables of a source classifier on disk: `patches.csv` per classifier, and `hits.csv`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from overread.errors import InputError
from overread.questions.rater_bias.classification_results import HIT_COLUMNS
from overread.questions.rater_bias.source_hits import PATCH_COLUMNS, name_probability


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
