"""What Prometheus is told of evaluations."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from overread.adapters.storage import open_store
from overread.adapters.telemetry import MetricGroup, push_metrics
from overread.evaluation.results import name_network
from overread.questions.rater_bias.results import CrossEvaluation
from overread.runs.plan import TrainingPlan

if TYPE_CHECKING:
    import pandas as pd


def tell_evaluation(plan: TrainingPlan, evaluation: CrossEvaluation, comparisons_file: Path, *, store: str) -> None:
    """Tell how well the network of each source agrees with its own source and with the others.

    Args:
        plan: the plan.
        evaluation: the cross-evaluation.
        comparisons_file: its per-case table.
        store: address of the result store.
    """
    from overread.evaluation.table import read_comparisons

    comparisons = read_comparisons(comparisons_file)
    for source in evaluation.sources:
        labels = {"pipeline": plan.pipeline, "study": plan.study, "source": source}
        values = collect_evaluation_metrics(evaluation, comparisons, source)
        push_metrics(open_store(store), MetricGroup("evaluation", labels), values)


def collect_evaluation_metrics(
    evaluation: CrossEvaluation, comparisons: "pd.DataFrame", source: str
) -> dict[str, float]:
    """The figures of the network of one source; what has no case is left out.

    Args:
        evaluation: the cross-evaluation.
        comparisons: its per-case table.
        source: what the network learnt. The others are the raters but this one, for a consensus repeats them.
    """
    others = [rater for rater in evaluation.raters if rater != source]
    found = {
        "overread_evaluation_same_dice_ratio": _average_dice(evaluation, source, [source]),
        "overread_evaluation_cross_dice_ratio": _average_dice(evaluation, source, others),
        "overread_evaluation_load_bias_ratio": _compute_load_bias(comparisons, source),
    }
    return {name: value for name, value in found.items() if value is not None}


def _average_dice(evaluation: CrossEvaluation, source: str, references: Iterable[str]) -> float | None:
    """Mean Dice of a network over all its comparisons with the references."""
    wanted = {(name_network(source), reference) for reference in references}
    cells = [
        (cell.mean, cell.case_count)
        for cell in evaluation.matrix
        if cell.metric == "dice" and (cell.prediction, cell.reference) in wanted and cell.mean is not None
    ]
    count = sum(case_count for _, case_count in cells)
    return sum(mean * case_count for mean, case_count in cells) / count if count else None


def _compute_load_bias(comparisons: "pd.DataFrame", source: str) -> float | None:
    rows = (comparisons["prediction"] == name_network(source)) & (comparisons["reference"] == source)
    own = comparisons.loc[rows]
    reference = float(own["reference_load"].sum())
    return float(own["prediction_load"].sum()) / reference - 1 if reference else None
