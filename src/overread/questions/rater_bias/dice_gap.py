"""Dice of networks against their own source and against the other sources."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import Interval, name_network


@dataclass(frozen=True, eq=False)
class DiceByOrigin:
    """Dice values of networks, told apart by whose labels they are compared with.

    Attributes:
        same: Dice of network S against source S, all networks and cases.
        cross: Dice of network S against source T, all ordered pairs S ≠ T and cases.
        cases: one row per case that has both kinds: `subject_id`, and the means over networks `same` and `cross`; where
            there are no cross-source values at all, one row per case with `same` only.
    """

    same: list[float]
    cross: list[float]
    cases: pd.DataFrame

    @property
    def subjects(self) -> list[str]:
        """Subject of each row of `cases`."""
        return self.cases["subject_id"].tolist()


def collect_dice_by_origin(comparisons: pd.DataFrame, sources: Sequence[str]) -> DiceByOrigin:
    """Pick the Dice values of the networks of `sources` against `sources`.

    Args:
        comparisons: COMPARISON_COLUMNS.
        sources: names of sources.
    """
    source_of = {name_network(source): source for source in sources}
    rows = comparisons[comparisons["prediction"].isin(list(source_of)) & comparisons["reference"].isin(sources)]
    is_same = rows["prediction"].map(source_of) == rows["reference"]
    same, cross = rows[is_same], rows[~is_same]
    cases = same.groupby("case_id", sort=False).agg(subject_id=("subject_id", "first"), same=("dice", "mean"))
    if len(cross):
        cases = cases.join(cross.groupby("case_id")["dice"].mean().rename("cross"), how="inner")
    return DiceByOrigin(same["dice"].tolist(), cross["dice"].tolist(), cases)


def compare_with_raters(
    comparisons: pd.DataFrame, sources: Sequence[str], raters: Sequence[str], *, seed: int
) -> dict[str, Interval]:
    """Mean Dice of the network of each source against the raters, over the cases that all raters have labelled.

    Args:
        comparisons: COMPARISON_COLUMNS.
        sources: names of sources; those without such a case are left out.
        raters: names of the sources that the networks are compared with.
        seed: of the bootstrap over subjects.
    """
    found = {}
    for source in sources:
        is_wanted = (comparisons["prediction"] == name_network(source)) & comparisons["reference"].isin(raters)
        cases = comparisons[is_wanted].groupby("case_id", sort=False)
        means = cases.agg(subject_id=("subject_id", "first"), dice=("dice", "mean"), count=("dice", "size"))
        complete = means[means["count"] == len(raters)]
        if len(complete):
            found[source] = bootstrap_mean(complete["dice"].tolist(), complete["subject_id"].tolist(), seed=seed)
    return found
