"""Component: predict the held-out cases."""

from kfp import dsl

from components.image import step_component


@step_component
def predict_cases(
    study: dsl.Input[dsl.Dataset],
    plan: dsl.Input[dsl.Artifact],
    networks: dsl.Input[list[dsl.Model]],
    predictions: dsl.Output[dsl.Dataset],
) -> None:
    """Predict every case with the networks that did not see it, averaged over repeats."""
    from pathlib import Path

    from overread.runs import predict_cases as step
    from overread.runs.surroundings import limit_processes, locate_store

    step.run(
        Path(study.path),
        Path(plan.path),
        step.list_networks([Path(model.path) for model in networks]),
        output=Path(predictions.path),
        store=locate_store(),
        processes=limit_processes(4),
    )
