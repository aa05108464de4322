"""The table at the end of a local run of `acquisition-bias`."""

from pathlib import Path

from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.results import VARIANT_TITLES, AcquisitionEvaluation, VariantScore
from overread.questions.acquisition_bias.steps.evaluate_probes import read_evaluation
from overread.report.formatting import NO_BREAK, format_p

_FIRST_WIDTH, _WIDTH = 20, 26


def summarise(folder: Path) -> list[str]:
    """AUROC within folds, verdict and accuracy of every region, and what the target is confounded with.

    Args:
        folder: holds what `evaluate_probes` wrote.
    """
    return describe_acquisition_bias(read_evaluation(folder / "acquisition_evaluation"))


def describe_acquisition_bias(evaluation: AcquisitionEvaluation) -> list[str]:
    """The lines of the summary."""
    named, auroc = f"Naming {evaluation.target}".ljust(_FIRST_WIDTH), "AUROC within folds".ljust(_WIDTH)
    head = f"{named}{auroc}{'verdict'.ljust(_WIDTH)}accuracy"
    rows = [_show_score(score) for score in evaluation.variants]
    low, high = evaluation.chance_band
    chance = f"AUROC by chance alone, {evaluation.subject_count} subjects: {low:.2f} to {high:.2f}"
    strong = [f"{one.column} (V {one.corrected_v:.2f})" for one in evaluation.confounding.strong]
    confounded = [f"{evaluation.target} is confounded with {', '.join(strong)}"] if strong else []
    most_frequent = f"accuracy of always naming the largest class: {evaluation.majority_share:.3f}"
    return [head, *rows, chance, most_frequent, *confounded]


def _show_score(score: VariantScore) -> str:
    p = format_p(score.test.deciding_p).replace(NO_BREAK, " ")
    verdict = f"{score.test.verdict} ({p})".ljust(_WIDTH)
    title = VARIANT_TITLES[score.variant].ljust(_FIRST_WIDTH)
    return f"{title}{_show(score.test.auroc).ljust(_WIDTH)}{verdict}{score.accuracy.estimate:.3f}"


def _show(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
