"""Component: compare networks and relabelled masks with clean and with noisy labels."""

from kfp import dsl

from components.image import step_component


@step_component
def evaluate_relabelling(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    label_variants: dsl.Input[dsl.Artifact],
    sources: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Input[dsl.Dataset],
    relabel_evaluation: dsl.Output[dsl.Dataset],
    dice_table: dsl.Output[dsl.Metrics],
) -> None:
    """Compute Dice with clean and noisy held-out labels, and that of labels before and after relabelling."""
    from pathlib import Path

    from overread.questions.relabel.steps import evaluate_relabelling as step
    from overread.runs.predict_cases import list_failures, list_networks
    from overread.runs.surroundings import locate_store

    folders = [Path(model.path) for model in networks]
    evaluation = step.run(
        Path(study.path),
        step.InputFiles(Path(plan.path), Path(label_variants.path), Path(sources.path)),
        list_networks(folders),
        predictions_folder=Path(predictions.path),
        failures=list_failures(folders),
        output=Path(relabel_evaluation.path),
        store=locate_store(),
    )
    for name, value in step.list_clean_dice(evaluation).items():
        dice_table.log_metric(name, value)
