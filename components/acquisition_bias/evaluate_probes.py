"""Component: evaluate what the probes say of their held-out cases."""

from kfp import dsl

from components.image import step_component


@step_component
def evaluate_probes(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    probes: dsl.Input[list[dsl.Dataset]],
    acquisition_evaluation: dsl.Output[dsl.Dataset],
    whole_slices: dsl.Output[dsl.ClassificationMetrics],
    body_alone: dsl.Output[dsl.ClassificationMetrics],
) -> None:
    """Test AUROCs; compute accuracy, errors, confounding, and ROC and confusion matrix of whole slices and bodies."""
    from pathlib import Path

    from overread.questions.acquisition_bias.steps import evaluate_probes as step

    folders = [Path(item.path) for item in probes]
    found = step.run(Path(study.path), Path(plan.path), folders, output=Path(acquisition_evaluation.path))
    for variant, shown in (("whole", whole_slices), ("body", body_alone)):
        score = found.find_variant(variant)
        shown.log_confusion_matrix(list(found.class_counts), [list(row) for row in score.confusion])
        if score.roc is not None:
            shown.log_roc_curve(list(score.roc.fpr), list(score.roc.tpr), list(score.roc.thresholds))
