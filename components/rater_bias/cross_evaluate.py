"""Component: compare networks and sources with each other."""

from kfp import dsl

from components.image import step_component


@step_component
def cross_evaluate(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    predictions: dsl.Input[dsl.Dataset],
    cross_evaluation: dsl.Output[dsl.Dataset],
    dice_matrix: dsl.Output[dsl.Metrics],
) -> None:
    """Compute Dice, surface distances, loads and tests of every pair of label sets."""
    from pathlib import Path

    from overread.questions.rater_bias.steps import cross_evaluate as step
    from overread.runs.surroundings import limit_processes, locate_store

    evaluation = step.run(
        Path(study.path),
        Path(plan.path),
        Path(predictions.path),
        output=Path(cross_evaluation.path),
        store=locate_store(),
        processes=limit_processes(4),
    )
    for name, value in step.list_dice(evaluation).items():
        dice_matrix.log_metric(name, value)
