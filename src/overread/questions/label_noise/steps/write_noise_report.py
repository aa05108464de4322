"""Step: write the report of `label-noise`, and end its run in MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.label_noise.results import LabelNoiseEvaluation
from overread.questions.label_noise.steps.evaluate_noise import (
    DICE_FILE,
    EVALUATION_FILE,
    read_dice,
    read_noise_evaluation,
)
from overread.report.context import RunContext
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.runs.report_publishing import publish_report
from overread.study.label_set import LabelSet
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.tracked_run import TrackedRun


def run(
    study_folder: Path,
    plan_file: Path,
    variants_file: Path,
    networks: Sequence[Path],
    evaluation_folder: Path,
    *,
    report_file: Path,
    store: str,
) -> LabelNoiseEvaluation:
    """Write the page, log figures and page to MLflow, and end the run there.

    Args:
        study_folder: the study with its variants.
        plan_file: the plan.
        variants_file: what the networks were trained on.
        networks: folders of the trainings.
        evaluation_folder: what `evaluate_noise` wrote.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    plan, evaluation = TrainingPlan.read(plan_file), read_noise_evaluation(evaluation_folder)
    study, variants = Study.open(study_folder), LabelVariants.read(variants_file)

    def draw(page: Path, context: RunContext) -> None:
        from overread.questions.label_noise.page.report import write_label_noise_report

        write_label_noise_report(
            page,
            evaluation=evaluation,
            dice=read_dice(evaluation_folder),
            study=study,
            labels=_open_labels(study, variants),
            trainings=[TrainingResult.read(folder) for folder in networks],
            context=context,
        )

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics(collect_metrics(evaluation))
        for name in (EVALUATION_FILE, DICE_FILE):
            tracked.log_file(evaluation_folder / name)

    publish_report(plan, report_file, store=store, drawn_by=__name__, draw=draw, log=log, verdict=evaluation.verdict)
    return evaluation


def collect_metrics(evaluation: LabelNoiseEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared.

    The skill of each architecture, whether all learnt enough and, if so, the slopes of Dice against label Dice over all
    networks, at the preset's threshold and at the best ones; bounds only where the interval is valid.
    """
    metrics = {f"skill_{network}": skill.value for network, skill in evaluation.skills.items()}
    metrics["has_learnt"] = float(evaluation.has_learnt)
    if not evaluation.has_learnt:
        return metrics
    for entry in evaluation.pooled_slopes:
        if entry.slope is not None:
            name = f"{entry.mode}_slope"
            metrics[name] = entry.slope.estimate
            if entry.slope.is_valid:
                metrics |= {f"{name}_low": entry.slope.low, f"{name}_high": entry.slope.high}
    for entry in evaluation.best_threshold_slopes:
        if entry.slope is not None:
            metrics[f"{entry.mode}_slope_best_threshold"] = entry.slope.estimate
    return metrics


def _open_labels(study: Study, variants: LabelVariants) -> Mapping[str, LabelSet]:
    """The label set of every fixed variant, by the variant's name."""
    if variants.redraw == "every_epoch":
        return {}
    return {variant.name: study.labels(variants.name_labels(variant.name)) for variant in variants.variants}
