"""Which other columns of the case table go together with the target."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.records import Result
from overread.settings import Settings

STRONG = 0.5
"""From this Cramér's V on a column is called confounded with the target."""
MISSING = "(empty)"
_MOST_NUMBERS = 8
_BIN_COUNT = 4
_MOST_VALUES_SHARE = 2 / 3


class Confounder(Result):
    """A column and how it goes together with the target.

    Attributes:
        column: its name.
        value_count: distinct values, or bins.
        is_binned: numbers were put into bins of about equal size.
        cramers_v: Cramér's V with the target, in [0, 1].
        corrected_v: the same, corrected for what chance alone gives (Bergsma 2013), in [0, 1].
        guess_rate: share of cases whose class is the most frequent one among the other subjects with the same value.
    """

    column: str
    value_count: int
    is_binned: bool
    cramers_v: float
    corrected_v: float
    guess_rate: float

    @property
    def is_strong(self) -> bool:
        """Whether the column is confounded with the target, by the rule of this page."""
        return self.corrected_v >= STRONG


class Confounding(Settings):
    """Every column of the case table against the target.

    Attributes:
        columns: strongest first.
        skipped: columns that cannot be compared, with the reason.
    """

    columns: tuple[Confounder, ...]
    skipped: dict[str, str]

    @property
    def strong(self) -> tuple[Confounder, ...]:
        """The columns that are confounded with the target."""
        return tuple(column for column in self.columns if column.is_strong)


def measure_confounding(
    columns: Sequence[Mapping[str, str]], labels: Sequence[str], subjects: Sequence[str]
) -> Confounding:
    """Compare every column of the case table with the target.

    Numbers of more than 8 different values are cut at their quartiles. An empty cell is a value of its own. A column
    of one value is left out, and one with a value of its own for most cases, which tells cases, not classes, apart.

    Args:
        columns: (N,) columns of each case, the target left out.
        labels: (N,) class of each case.
        subjects: (N,) subject of each case.
    """
    found: list[Confounder] = []
    skipped: dict[str, str] = {}
    for name in dict.fromkeys(name for row in columns for name in row):
        values, is_binned = bin_values([row.get(name, "") for row in columns])
        count = len(set(values))
        if count == 1:
            skipped[name] = "one value only"
        elif not is_binned and count > _MOST_VALUES_SHARE * len(values):
            skipped[name] = "a value of its own for most cases"
        else:
            v, corrected = compute_cramers_v(values, labels)
            found.append(
                Confounder(
                    column=name,
                    value_count=count,
                    is_binned=is_binned,
                    cramers_v=v,
                    corrected_v=corrected,
                    guess_rate=compute_guess_rate(values, labels, subjects),
                )
            )
    return Confounding(columns=tuple(sorted(found, key=lambda one: (-one.corrected_v, one.column))), skipped=skipped)


def compute_cramers_v(values: Sequence[str], labels: Sequence[str]) -> tuple[float, float]:
    """Cramér's V (1946) of two columns, and V corrected for bias (Bergsma 2013, equation 4).

    Args:
        values: (N,), of at least two kinds.
        labels: (N,), of at least two kinds.

    Returns:
        V and corrected V, in [0, 1]: 0 for independent columns, 1 where each value has one class.
    """
    table = _count(values, labels)
    total, (rows, columns) = table.sum(), table.shape
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    phi2 = float(((table - expected) ** 2 / expected).sum() / total)
    v = np.sqrt(phi2 / (min(rows, columns) - 1))
    kept = max(0.0, phi2 - (rows - 1) * (columns - 1) / (total - 1))
    smaller = min(size - (size - 1) ** 2 / (total - 1) for size in (rows, columns)) - 1
    corrected = np.sqrt(kept / smaller) if smaller > 0 else 0.0
    return float(min(v, 1.0)), float(min(corrected, 1.0))


def compute_guess_rate(values: Sequence[str], labels: Sequence[str], subjects: Sequence[str]) -> float:
    """Share of cases whose class is the most frequent one among other subjects' cases with the same value.

    Where no other subject has the value, the most frequent class of all other subjects is the guess; of equally
    frequent classes the first in the alphabet is.
    """
    everywhere, at_value, of_subject = Counter(labels), Counter(zip(values, labels, strict=True)), Counter(subjects)
    own_labels = Counter(zip(subjects, labels, strict=True))
    own_at_value = Counter(zip(subjects, values, labels, strict=True))
    names = sorted(everywhere)
    right = 0
    for value, label, subject in zip(values, labels, subjects, strict=True):
        if of_subject[subject] == len(labels):
            continue
        alike = {name: at_value[value, name] - own_at_value[subject, value, name] for name in names}
        counts = alike if any(alike.values()) else {n: everywhere[n] - own_labels[subject, n] for n in names}
        right += max(names, key=lambda name: counts[name]) == label
    return right / len(labels)


def bin_values(values: Sequence[str]) -> tuple[list[str], bool]:
    """Cut a column of numbers at its quartiles if it has more than 8 different ones; say whether it was cut."""
    known = [value for value in values if value]
    numbers = [_to_number(value) for value in known]
    if not known or any(number is None for number in numbers) or len(set(numbers)) <= _MOST_NUMBERS:
        return [value or MISSING for value in values], False
    edges = np.quantile(np.array(numbers, np.float64), np.linspace(0, 1, _BIN_COUNT + 1)[1:-1])
    return [f"bin {int(np.searchsorted(edges, float(v), 'right'))}" if v else MISSING for v in values], True


def _count(values: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    _, row = np.unique(np.asarray(values), return_inverse=True)
    _, column = np.unique(np.asarray(labels), return_inverse=True)
    table = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(table, (row, column), 1)
    return table


def _to_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
