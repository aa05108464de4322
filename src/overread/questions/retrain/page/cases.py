"""What challenger and best champion so far made of every held-out case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.retrain.page.wording import write_version
from overread.questions.retrain.records import NetworkJudgement
from overread.report.formatting import format_dice, format_load, format_number
from overread.report.table import Column, Table

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandas import Series as Row


@dataclass(frozen=True)
class JudgedCase:
    """What the challenger and the champion that it is compared with made of a held-out case.

    Attributes:
        case_id: the case.
        challenger_dice: against the reference.
        anchor_dice: the same of the best champion so far; None without one.
        reference_load: in the study's load unit, as the next two.
        challenger_load: of the challenger's mask.
        anchor_load: of the best champion's mask; None without one.
        counts: whether the gate looks at it.
    """

    case_id: str
    challenger_dice: float
    anchor_dice: float | None
    reference_load: float
    challenger_load: float
    anchor_load: float | None
    counts: bool

    @property
    def difference(self) -> float | None:
        """Dice of the challenger minus that of the best champion so far; None without one."""
        return None if self.anchor_dice is None else self.challenger_dice - self.anchor_dice


def collect_cases(judged: NetworkJudgement, comparisons: "DataFrame") -> tuple[JudgedCase, ...]:
    """The held-out cases of a challenger, the largest loss against the best champion so far first.

    Without a champion the lowest Dice comes first; equal ones go by case id.

    Args:
        judged: the challenger.
        comparisons: of its masks and of the best champion's with those of the reference, COMPARISON_COLUMNS.

    Raises:
        InputError: the table is about other cases than the judgement.
    """
    challenger = _select_rows(comparisons, judged.network.challenger_masks, judged)
    anchor = None if judged.compared_masks is None else _select_rows(comparisons, judged.compared_masks, judged)
    cases = [
        _build_case(row, anchor[case_id] if anchor else None, counts=case_id in judged.counted_cases)
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


def _build_case(challenger: "Row", anchor: "Row | None", *, counts: bool) -> JudgedCase:
    return JudgedCase(
        case_id=str(challenger["case_id"]),
        challenger_dice=float(challenger["dice"]),
        anchor_dice=None if anchor is None else float(anchor["dice"]),
        reference_load=float(challenger["reference_load"]),
        challenger_load=float(challenger["prediction_load"]),
        anchor_load=None if anchor is None else float(anchor["prediction_load"]),
        counts=counts,
    )


def _rank(case: JudgedCase) -> tuple[float, str]:
    difference = case.difference
    return (case.challenger_dice if difference is None else difference, case.case_id)


def build_case_table(judged: NetworkJudgement, cases: Sequence[JudgedCase]) -> Table:
    """The held-out cases of a challenger as numbers."""
    network = judged.network
    best = "best champion" if judged.compared is None else write_version(judged.compared)
    titles = (
        "Dice, challenger",
        f"Dice, {best}",
        "Difference",
        f"Load, {network.reference}",
        "Load, challenger",
        f"Load, {best}",
    )
    return Table(
        label=f"Held-out cases, network of {network.labels}",
        columns=["Case", *(Column(title, "number") for title in titles), "Counts"],
        rows=[
            [
                case.case_id,
                format_dice(case.challenger_dice),
                format_dice(case.anchor_dice),
                format_number(case.difference, 3),
                format_load(case.reference_load),
                format_load(case.challenger_load),
                format_load(case.anchor_load),
                "yes" if case.counts else "no",
            ]
            for case in cases
        ],
        style="dense",
    )
