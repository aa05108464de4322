"""The table at the end of a local run of `acquisition-bias`."""

from pathlib import Path

from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.results import VARIANT_TITLES, AcquisitionEvaluation
from overread.questions.acquisition_bias.steps.evaluate_probes import read_evaluation

_FIRST_WIDTH, _WIDTH = 20, 26


def summarise(folder: Path) -> list[str]:
    """AUROC and accuracy of every variant, and what the target is confounded with.

    Args:
        folder: holds what `evaluate_probes` wrote.
    """
    return describe_acquisition_bias(read_evaluation(folder / "acquisition_evaluation"))


def describe_acquisition_bias(evaluation: AcquisitionEvaluation) -> list[str]:
    """The lines of the summary."""
    head = f"{f'Naming {evaluation.target}'.ljust(_FIRST_WIDTH)}{'AUROC'.ljust(_WIDTH)}accuracy"
    rows = [
        f"{VARIANT_TITLES[score.variant].ljust(_FIRST_WIDTH)}{_show(score.auroc).ljust(_WIDTH)}{_show(score.accuracy)}"
        for score in evaluation.variants
    ]
    strong = [f"{one.column} (V {one.corrected_v:.2f})" for one in evaluation.confounding.strong]
    confounded = [f"{evaluation.target} is confounded with {', '.join(strong)}"] if strong else []
    return [head, *rows, f"accuracy of always naming the largest class: {evaluation.majority_share:.3f}", *confounded]


def _show(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
