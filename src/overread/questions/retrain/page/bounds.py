"""The two figures that show every challenger against the bounds of the gate."""

import math
from collections.abc import Sequence

from overread.evaluation.results import Interval
from overread.questions.retrain.page.figures.gate_bounds import BoundedRow, draw_gate_bounds
from overread.questions.retrain.page.gate import (
    express_in_percent,
    judge_difference,
    judge_load_bias,
    write_bias,
    write_difference,
    write_with_bounds,
)
from overread.questions.retrain.records import NetworkJudgement
from overread.report.figures.canvas import Figure


def draw_dice_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the difference of Dice of every challenger that has a champion to compare with; None where none has."""
    rows = [
        _build_dice_row(judged, judged.figures.dice_difference)
        for judged in judgements
        if judged.figures.dice_difference is not None
    ]
    return draw_gate_bounds(rows, label="Dice, challenger minus champion") if rows else None


def draw_load_bounds(judgements: Sequence[NetworkJudgement]) -> Figure | None:
    """Draw the load bias of every challenger, in percent; None where it is known of none."""
    rows = [
        _build_load_row(judged, judged.figures.load_bias)
        for judged in judgements
        if judged.figures.load_bias is not None
    ]
    return draw_gate_bounds(rows, label="Load bias of the challenger, in percent") if rows else None


def _build_dice_row(judged: NetworkJudgement, difference: Interval) -> BoundedRow:
    return BoundedRow(
        name=judged.network.labels,
        interval=difference,
        written=write_with_bounds(write_difference(difference, judged.settings)),
        low=-judged.settings.dice_margin,
        high=math.inf,
        finding=judge_difference(difference, judged.settings),
    )


def _build_load_row(judged: NetworkJudgement, bias: Interval) -> BoundedRow:
    limit = 100 * judged.settings.load_bias_limit
    return BoundedRow(
        name=judged.network.labels,
        interval=express_in_percent(bias),
        written=write_with_bounds(write_bias(bias, judged.settings)),
        low=-limit,
        high=limit,
        finding=judge_load_bias(bias, judged.settings),
    )
