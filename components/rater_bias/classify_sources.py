"""Component: tell the raters apart by their masks."""

from kfp import dsl

from components.image import step_component


@step_component
def classify_sources(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    predictions: dsl.Input[dsl.Dataset],
    classifier: bool,
    classification: dsl.Output[dsl.Dataset],
    roc_of_annotations: dsl.Output[dsl.ClassificationMetrics],
    roc_of_predictions: dsl.Output[dsl.ClassificationMetrics],
) -> None:
    """Train a source classifier per fold and test it on held-out masks; leaves an empty folder if switched off."""
    from pathlib import Path

    from overread.questions.rater_bias.steps import classify_sources as step
    from overread.runs.surroundings import limit_processes, locate_store

    found = step.run(
        Path(study.path),
        Path(plan.path),
        Path(predictions.path),
        is_wanted=classifier,
        output=Path(classification.path),
        store=locate_store(),
        processes=limit_processes(4),
    )
    curves = {"annotation": roc_of_annotations, "prediction": roc_of_predictions}
    for origin, roc in found.rocs.items() if found else ():
        curves[origin].log_roc_curve(list(roc.fpr), list(roc.tpr), list(roc.thresholds))
