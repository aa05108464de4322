"""What challenger and champion made of every held-out case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.retrain.records import NetworkJudgement
from overread.report.formatting import format_dice, format_load, format_number
from overread.report.table import Column, Table

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandas import Series as Row


@dataclass(frozen=True)
class JudgedCase:
    """What challenger and champion made of a held-out case.

    Attributes:
        case_id: the case.
        challenger_dice: against the reference.
        champion_dice: the same of the champion; None without one.
        reference_load: in the study's load unit, as the next two.
        challenger_load: of the challenger's mask.
        champion_load: of the champion's mask; None without one.
        counts: whether the gate looks at it.
    """

    case_id: str
    challenger_dice: float
    champion_dice: float | None
    reference_load: float
    challenger_load: float
    champion_load: float | None
    counts: bool

    @property
    def difference(self) -> float | None:
        """Dice of the challenger minus that of the champion; None without one."""
        return None if self.champion_dice is None else self.challenger_dice - self.champion_dice


def collect_cases(judged: NetworkJudgement, comparisons: "DataFrame") -> tuple[JudgedCase, ...]:
    """The held-out cases of a challenger, the largest loss against the champion first.

    Without a champion the lowest Dice comes first; equal ones go by case id.

    Args:
        judged: the challenger.
        comparisons: of its masks and of the champion's with those of the reference, COMPARISON_COLUMNS.

    Raises:
        InputError: the table is about other cases than the judgement.
    """
    network = judged.network
    challenger = _select_rows(comparisons, network.challenger_masks, judged)
    champion = None
    if network.champion is not None:
        champion = _select_rows(comparisons, network.champion_masks, judged)
    cases = [
        _build_case(row, champion[case_id] if champion else None, counts=case_id in judged.counted_cases)
        for case_id, row in challenger.items()
    ]
    return tuple(sorted(cases, key=_rank))


def _select_rows(comparisons: "DataFrame", prediction: str, judged: NetworkJudgement) -> "Mapping[str, Row]":
    reference = judged.network.reference
    rows = comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]
    expected = {*judged.counted_cases, *judged.other_cases}
    if set(rows["case_id"]) != expected or len(rows) != len(expected):
        raise InputError(
            "the table of comparisons must hold each held-out case of the judgement once",
            found=f"{len(rows)} rows for {len(expected)} cases",
            where=f"{prediction} against {reference}",
        )
    return {str(row["case_id"]): row for _, row in rows.iterrows()}


def _build_case(challenger: "Row", champion: "Row | None", *, counts: bool) -> JudgedCase:
    return JudgedCase(
        case_id=str(challenger["case_id"]),
        challenger_dice=float(challenger["dice"]),
        champion_dice=None if champion is None else float(champion["dice"]),
        reference_load=float(challenger["reference_load"]),
        challenger_load=float(challenger["prediction_load"]),
        champion_load=None if champion is None else float(champion["prediction_load"]),
        counts=counts,
    )


def _rank(case: JudgedCase) -> tuple[float, str]:
    difference = case.difference
    return (case.challenger_dice if difference is None else difference, case.case_id)


def build_case_table(judged: NetworkJudgement, cases: Sequence[JudgedCase]) -> Table:
    """The held-out cases of a challenger as numbers."""
    network = judged.network
    titles = (
        "Dice, challenger",
        "Dice, champion",
        "Difference",
        f"Load, {network.reference}",
        "Load, challenger",
        "Load, champion",
    )
    return Table(
        label=f"Held-out cases, network of {network.labels}",
        columns=["Case", *(Column(title, "number") for title in titles), "Counts"],
        rows=[
            [
                case.case_id,
                format_dice(case.challenger_dice),
                format_dice(case.champion_dice),
                format_number(case.difference, 3),
                format_load(case.reference_load),
                format_load(case.challenger_load),
                format_load(case.champion_load),
                "yes" if case.counts else "no",
            ]
            for case in cases
        ],
        style="dense",
    )
