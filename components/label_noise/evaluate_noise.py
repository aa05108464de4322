"""Component: compare networks that learnt perturbed labels with clean ones."""

from kfp import dsl

from components.image import step_component


@step_component
def evaluate_noise(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    label_variants: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Input[dsl.Dataset],
    noise_evaluation: dsl.Output[dsl.Dataset],
    dice_table: dsl.Output[dsl.Metrics],
) -> None:
    """Compute Dice on clean held-out labels per network and variant, slopes and tests."""
    from pathlib import Path

    from overread.questions.label_noise.steps import evaluate_noise as step
    from overread.runs.predict_cases import list_failures
    from overread.runs.surroundings import locate_store

    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        Path(label_variants.path),
        Path(predictions.path),
        list_failures([Path(model.path) for model in networks]),
        output=Path(noise_evaluation.path),
        store=locate_store(),
    )
    for name, value in step.list_dice(evaluation).items():
        dice_table.log_metric(name, value)
