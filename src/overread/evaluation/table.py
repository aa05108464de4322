"""The per-case table, `comparisons.csv`."""

from pathlib import Path

import pandas as pd

from overread.errors import InputError
from overread.evaluation.results import COMPARISON_COLUMNS

_NUMBER_COLUMNS = COMPARISON_COLUMNS[4:]


def write_comparisons(path: Path, comparisons: pd.DataFrame) -> None:
    """Write the per-case table as CSV; infinite distances as `inf`, numbers in full precision."""
    comparisons.to_csv(path, index=False, lineterminator="\n")


def read_comparisons(path: Path) -> pd.DataFrame:
    """Read the per-case table as it was written: names such as `007` or `NA` stay text.

    Raises:
        InputError: the file has other columns.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(table.columns) != COMPARISON_COLUMNS:
        raise InputError(
            f"a table of comparisons must have the columns {', '.join(COMPARISON_COLUMNS)}",
            found=", ".join(map(str, table.columns)),
            where=path.name,
        )
    return table.astype(dict.fromkeys(_NUMBER_COLUMNS, "float64"))
