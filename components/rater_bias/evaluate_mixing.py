"""Component: compare networks that learnt labels of two raters with every rater."""

from kfp import dsl

from components.image import step_component


@step_component
def evaluate_mixing(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    predictions: dsl.Input[dsl.Dataset],
    mixing_evaluation: dsl.Output[dsl.Dataset],
) -> None:
    """Compute Dice per ratio and rater; leaves an empty folder where no labels were mixed."""
    from pathlib import Path

    from overread.questions.rater_bias.steps import evaluate_mixing as step
    from overread.runs.surroundings import locate_store

    step.run(
        Path(study.path),
        Path(plan.path),
        Path(predictions.path),
        output=Path(mixing_evaluation.path),
        store=locate_store(),
    )
